/* Managed policies: the account's own, and AWS's where they are only read. */
#include "base/clock.h"
#include "services/iam/operations.h"

#define PARAM_POLICY_DESCRIPTION                                                                   \
    {                                                                                              \
        "Description", PARAM_TEXT, false, 0, 1000                                                  \
    }

/* --- Answers --- */

/* AWS's policies have ids of their own; ours follow from the name, so that they stay. */
static struct str built_in_id(struct request *request, const struct managed_policy *policy)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    char id[] = "ANPAI0000000000000000";
    uint64_t state = 14695981039346656037u;
    for (const char *c = policy->name; *c; c++)
        state = (state ^ (unsigned char)*c) * 1099511628211u;
    for (size_t i = 5; i < sizeof(id) - 1; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        id[i] = digits[state >> 59];
    }
    return arena_str(request->arena, str_from(id));
}

static void add_usage(struct request *request, yyjson_mut_val *object, const struct usage *usage,
                      struct str arn)
{
    json_add_i64(request->doc, object, "AttachmentCount", (int64_t)iam_usage_attached(usage, arn));
    json_add_i64(request->doc, object, "PermissionsBoundaryUsageCount",
                 (int64_t)iam_usage_boundaries(usage, arn));
    json_add_bool(request->doc, object, "IsAttachable", true);
}

static void add_built_in(struct request *request, yyjson_mut_val *object,
                         const struct managed_policy *policy, const struct usage *usage)
{
    struct str arn = iam_managed_arn(request->arena, policy);
    json_add_str(request->doc, object, "PolicyName", str_from(policy->name));
    json_add_str(request->doc, object, "PolicyId", built_in_id(request, policy));
    json_add_str(request->doc, object, "Arn", arn);
    json_add_str(request->doc, object, "Path", str_from(policy->path));
    json_add_str(request->doc, object, "DefaultVersionId", str_from(policy->version));
    add_usage(request, object, usage, arn);
    json_add_str(request->doc, object, "CreateDate", str_from(policy->create_date));
    json_add_str(request->doc, object, "UpdateDate", str_from(policy->update_date));
}

static void add_own(struct request *request, yyjson_mut_val *object, yyjson_val *policy,
                    const struct usage *usage)
{
    int64_t updated = 0;
    iam_add_entity(request, object, &iam_policy_kind, policy);
    json_add_str(request->doc, object, "DefaultVersionId",
                 json_get_str(policy, "DefaultVersionId"));
    add_usage(request, object, usage, json_get_str(policy, "Arn"));
    json_get_i64(policy, "UpdateDate", &updated);
    iam_add_time(request, object, "UpdateDate", updated);
}

/* Lists leave description and tags out. */
static void add_details(struct request *request, yyjson_mut_val *object, yyjson_val *policy)
{
    json_add_str_opt(request->doc, object, "Description", json_get_str(policy, "Description"));
    iam_add_boundary_and_tags(request, object, policy);
    if (!yyjson_arr_size(json_get(policy, "Tags")))
        json_add_arr(request->doc, object, "Tags");
}

/* --- CreatePolicy --- */

static void set_first_version(struct entity *policy, int64_t now_ms)
{
    struct request *request = policy->request;
    yyjson_mut_val *versions = iam_entity_array(policy, "Versions");
    yyjson_mut_val *version = yyjson_mut_arr_add_obj(policy->doc, versions);
    json_add_str(policy->doc, version, "VersionId", STR("v1"));
    json_add_i64(policy->doc, version, "CreateDate", now_ms);
    json_add_str(policy->doc, version, "Document", request_str(request, "PolicyDocument"));
    json_add_str(policy->doc, policy->root, "DefaultVersionId", STR("v1"));
    json_add_i64(policy->doc, policy->root, "NextVersion", 2);
    json_add_i64(policy->doc, policy->root, "UpdateDate", now_ms);
}

static enum err create_policy(struct request *request, struct store_txn *txn)
{
    static const struct usage unused;
    struct entity policy;
    enum err rc = iam_entity_create(request, txn, &iam_policy_kind, &policy);
    if (rc)
        return rc;
    set_first_version(&policy, clock_wall_ms() / 1000 * 1000);
    json_add_str_opt(policy.doc, policy.root, "Description", request_str(request, "Description"));
    rc = iam_set_tags(&policy);
    if (rc)
        return rc;
    iam_entity_save(&policy);
    yyjson_val *saved = iam_entity_read(&policy);
    yyjson_mut_val *object = json_add_obj(request->doc, request_output(request), "Policy");
    add_own(request, object, saved, &unused);
    iam_add_boundary_and_tags(request, object, saved);
    return OK;
}

enum err iam_create_policy(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, PARAM_POLICY_NAME, PARAM_OPTIONAL_PATH,
                               PARAM_POLICY_DOCUMENT, PARAM_POLICY_DESCRIPTION);
    if (rc == OK)
        rc = iam_check_managed_document(request);
    return rc ? rc : iam_write(request, create_policy);
}

/* --- GetPolicy --- */

enum err iam_no_such_managed_policy(struct request *request)
{
    return request_fail(request, ERR_IAM_NO_SUCH_ENTITY, "Policy %.*s was not found.",
                        STR_ARG(request_str(request, "PolicyArn")));
}

static enum err get_own(struct request *request, const struct usage *usage)
{
    struct reader reader = iam_reader_of(request, NULL);
    yyjson_val *policy;
    enum err rc =
        iam_policy_by_arn(&reader, request_str(request, "PolicyArn"), &policy, &request->error);
    if (rc)
        return rc;
    if (!policy)
        return iam_no_such_managed_policy(request);
    yyjson_mut_val *object = json_add_obj(request->doc, request_output(request), "Policy");
    add_own(request, object, policy, usage);
    add_details(request, object, policy);
    return OK;
}

enum err iam_get_policy(struct request *request)
{
    struct reader reader = iam_reader_of(request, NULL);
    struct usage *usage;
    enum err rc = PARAMS_CHECK(request, PARAM_POLICY_ARN);
    if (rc == OK)
        rc = iam_usage_count(&reader, &usage, &request->error);
    if (rc)
        return rc;
    const struct managed_policy *built_in = iam_managed_find(request_str(request, "PolicyArn"));
    if (!built_in)
        return get_own(request, usage);
    yyjson_mut_val *object = json_add_obj(request->doc, request_output(request), "Policy");
    add_built_in(request, object, built_in, usage);
    json_add_arr(request->doc, object, "Tags");
    return OK;
}

/* --- ListPolicies --- */

struct listing {
    struct pager pager;
    struct usage *usage;
    struct str path_prefix;
    struct str used_as; /* PermissionsPolicy, PermissionsBoundary or empty */
    bool only_attached;
    yyjson_mut_val *array;
};

static bool is_listed(const struct listing *listing, struct str path, struct str arn)
{
    if (!str_starts(path, listing->path_prefix))
        return false;
    if (listing->only_attached && !iam_usage_attached(listing->usage, arn))
        return false;
    if (str_eq(listing->used_as, STR("PermissionsPolicy")))
        return iam_usage_attached(listing->usage, arn) > 0;
    if (str_eq(listing->used_as, STR("PermissionsBoundary")))
        return iam_usage_boundaries(listing->usage, arn) > 0;
    return true;
}

static void list_built_in(struct listing *listing)
{
    struct request *request = listing->pager.request;
    for (size_t i = 0; i < iam_managed_policy_count; i++) {
        const struct managed_policy *policy = &iam_managed_policies[i];
        struct str key = arena_printf(request->arena, "aws/%s", policy->name);
        if (is_listed(listing, str_from(policy->path), iam_managed_arn(request->arena, policy)) &&
            iam_pager_take(&listing->pager, key))
            add_built_in(request, yyjson_mut_arr_add_obj(request->doc, listing->array), policy,
                         listing->usage);
    }
}

/* Keys of the store ("iam/policy/...") follow those of list_built_in. */
static bool list_own(void *arg, struct str key, yyjson_val *policy)
{
    struct listing *listing = arg;
    struct request *request = listing->pager.request;
    if (is_listed(listing, json_get_str(policy, "Path"), json_get_str(policy, "Arn")) &&
        iam_pager_take(&listing->pager, key))
        add_own(request, yyjson_mut_arr_add_obj(request->doc, listing->array), policy,
                listing->usage);
    return !iam_pager_is_full(&listing->pager);
}

static enum err check_scope(struct request *request, struct str scope)
{
    if (!scope.ptr || str_eq(scope, STR("All")) || str_eq(scope, STR("AWS")) ||
        str_eq(scope, STR("Local")))
        return OK;
    return request_fail(request, ERR_VALIDATION_ERROR,
                        "1 validation error detected: Value '%.*s' at 'scope' failed to satisfy "
                        "constraint: Member must satisfy enum value set: [All, AWS, Local]",
                        STR_ARG(scope));
}

enum err iam_list_policies(struct request *request)
{
    struct reader reader = iam_reader_of(request, NULL);
    struct str scope = request_str(request, "Scope");
    struct listing listing = {
        .path_prefix = request_str(request, "PathPrefix"),
        .used_as = request_str(request, "PolicyUsageFilter"),
        .only_attached = json_get_bool(request->input, "OnlyAttached", false),
    };
    enum err rc = PARAMS_CHECK(request, PARAM_LIST_PREFIX);
    if (rc == OK)
        rc = check_scope(request, scope);
    if (rc == OK)
        rc = iam_pager_init(&listing.pager, request);
    if (rc == OK)
        rc = iam_usage_count(&reader, &listing.usage, &request->error);
    if (rc)
        return rc;
    yyjson_mut_val *output = request_output(request);
    listing.array = json_add_arr(request->doc, output, "Policies");
    if (!str_eq(scope, STR("Local")))
        list_built_in(&listing);
    if (!str_eq(scope, STR("AWS")))
        rc = iam_each_entity(&reader, &iam_policy_kind, list_own, &listing, &request->error);
    iam_pager_finish(&listing.pager, output);
    return rc;
}

/* --- DeletePolicy --- */

static enum err delete_policy(struct request *request, struct store_txn *txn)
{
    struct reader reader = iam_reader_of(request, txn);
    struct str arn = request_str(request, "PolicyArn");
    struct entity policy;
    struct usage *usage;
    enum err rc = iam_entity_load(request, txn, &iam_policy_kind, &policy);
    if (rc == OK)
        rc = iam_usage_count(&reader, &usage, &request->error);
    if (rc)
        return rc;
    if (iam_usage_attached(usage, arn) || iam_usage_boundaries(usage, arn))
        return request_fail(request, ERR_IAM_DELETE_CONFLICT,
                            "Cannot delete a policy attached to entities.");
    if (yyjson_mut_arr_size(iam_entity_array(&policy, "Versions")) > 1)
        return request_fail(request, ERR_IAM_DELETE_CONFLICT,
                            "This policy has more than one version. Before you delete a policy, "
                            "you must delete the policy's versions. The default version is deleted "
                            "with the policy.");
    iam_entity_delete(&policy);
    return OK;
}

enum err iam_delete_policy(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, PARAM_POLICY_ARN);
    return rc ? rc : iam_write(request, delete_policy);
}

/* --- ListEntitiesForPolicy --- */

struct entity_listing {
    struct pager pager;
    struct str arn, path_prefix, used_as;
    const struct entity_kind *kind;
    yyjson_mut_val *array;
};

static bool uses(const struct entity_listing *listing, yyjson_val *entity)
{
    size_t i, max;
    yyjson_val *arn;
    if (!str_eq(listing->used_as, STR("PermissionsPolicy")) &&
        str_eq(json_get_str(entity, "PermissionsBoundary"), listing->arn))
        return true;
    if (str_eq(listing->used_as, STR("PermissionsBoundary")))
        return false;
    yyjson_arr_foreach (json_get(entity, "AttachedPolicies"), i, max, arn) {
        if (str_eq(json_str(arn), listing->arn))
            return true;
    }
    return false;
}

static bool list_user_of_policy(void *arg, struct str key, yyjson_val *entity)
{
    struct entity_listing *listing = arg;
    struct request *request = listing->pager.request;
    const struct entity_kind *kind = listing->kind;
    if (!uses(listing, entity) || !str_starts(json_get_str(entity, "Path"), listing->path_prefix) ||
        !iam_pager_take(&listing->pager, key))
        return !iam_pager_is_full(&listing->pager);
    yyjson_mut_val *object = yyjson_mut_arr_add_obj(request->doc, listing->array);
    json_add_str(request->doc, object, kind->name_member, json_get_str(entity, kind->name_member));
    json_add_str(request->doc, object, kind == &iam_role_kind ? "RoleId" : "UserId",
                 json_get_str(entity, "Id"));
    return true;
}

static enum err list_users_of_policy(struct entity_listing *listing, const struct entity_kind *kind,
                                     const char *filter, const char *member)
{
    struct request *request = listing->pager.request;
    struct reader reader = iam_reader_of(request, NULL);
    struct str wanted = request_str(request, "EntityFilter");
    listing->kind = kind;
    listing->array = json_add_arr(request->doc, request_output(request), member);
    if (wanted.ptr && !str_eq(wanted, str_from(filter)))
        return OK;
    return iam_each_entity(&reader, kind, list_user_of_policy, listing, &request->error);
}

enum err iam_list_entities_for_policy(struct request *request)
{
    struct reader reader = iam_reader_of(request, NULL);
    struct entity_listing listing = {
        .arn = request_str(request, "PolicyArn"),
        .path_prefix = request_str(request, "PathPrefix"),
        .used_as = request_str(request, "PolicyUsageFilter"),
    };
    struct str document;
    enum err rc = PARAMS_CHECK(request, PARAM_POLICY_ARN);
    if (rc == OK)
        rc = iam_pager_init(&listing.pager, request);
    if (rc == OK)
        rc = iam_managed_document(&reader, listing.arn, &document, &request->error);
    if (rc == OK && !document.ptr)
        rc = iam_no_such_managed_policy(request);
    if (rc)
        return rc;
    json_add_arr(request->doc, request_output(request), "PolicyGroups");
    /* "iam/role/" comes before "iam/user/", as one list in pages. */
    rc = list_users_of_policy(&listing, &iam_role_kind, "Role", "PolicyRoles");
    if (rc == OK)
        rc = list_users_of_policy(&listing, &iam_user_kind, "User", "PolicyUsers");
    iam_pager_finish(&listing.pager, request_output(request));
    return rc;
}
