/* Versions of managed policies. */
#include "base/clock.h"
#include "services/iam/operations.h"

enum { MAX_VERSIONS = 5 };

#define PARAM_VERSION                                                                              \
    {                                                                                              \
        "VersionId", PARAM_TEXT, true, 1, 64                                                       \
    }

static enum err no_such_version(struct request *request)
{
    return request_fail(request, ERR_IAM_NO_SUCH_ENTITY,
                        "Policy %.*s version %.*s does not exist or is not attachable.",
                        STR_ARG(request_str(request, "PolicyArn")),
                        STR_ARG(request_str(request, "VersionId")));
}

static ptrdiff_t find_version(yyjson_mut_val *versions, struct str id)
{
    size_t i, max;
    yyjson_mut_val *version;
    yyjson_mut_arr_foreach (versions, i, max, version) {
        if (yyjson_mut_equals_strn(yyjson_mut_obj_get(version, "VersionId"), id.ptr, id.len))
            return (ptrdiff_t)i;
    }
    return -1;
}

static bool is_default(const struct entity *policy, struct str id)
{
    return yyjson_mut_equals_strn(yyjson_mut_obj_get(policy->root, "DefaultVersionId"), id.ptr,
                                  id.len);
}

/* --- Answers --- */

static void add_version(struct request *request, yyjson_mut_val *object, struct str id,
                        bool is_default_version)
{
    json_add_str(request->doc, object, "VersionId", id);
    json_add_bool(request->doc, object, "IsDefaultVersion", is_default_version);
}

static void add_own(struct request *request, yyjson_mut_val *object, yyjson_val *policy,
                    yyjson_val *version)
{
    int64_t created = 0;
    struct str id = json_get_str(version, "VersionId");
    json_get_i64(version, "CreateDate", &created);
    add_version(request, object, id, str_eq(id, json_get_str(policy, "DefaultVersionId")));
    iam_add_time(request, object, "CreateDate", created);
}

/* --- Create --- */

static enum err create(struct entity *policy)
{
    struct request *request = policy->request;
    yyjson_mut_val *versions = iam_entity_array(policy, "Versions");
    yyjson_val *before = iam_entity_read(policy);
    bool becomes_default = json_get_bool(request->input, "SetAsDefault", false);
    int64_t number = 0, now_ms = clock_wall_ms() / 1000 * 1000;
    if (yyjson_mut_arr_size(versions) >= MAX_VERSIONS)
        return request_fail(request, ERR_IAM_LIMIT_EXCEEDED,
                            "A managed policy can have up to %d versions. Before you create a new "
                            "version, you must delete an existing version.",
                            MAX_VERSIONS);
    json_get_i64(before, "NextVersion", &number);
    struct str id = arena_printf(request->arena, "v%lld", (long long)number);
    yyjson_mut_val *version = yyjson_mut_arr_add_obj(policy->doc, versions);
    json_add_str(policy->doc, version, "VersionId", id);
    json_add_i64(policy->doc, version, "CreateDate", now_ms);
    json_add_str(policy->doc, version, "Document", request_str(request, "PolicyDocument"));
    yyjson_mut_obj_remove_str(policy->root, "NextVersion");
    json_add_i64(policy->doc, policy->root, "NextVersion", number + 1);
    yyjson_mut_obj_remove_str(policy->root, "UpdateDate");
    json_add_i64(policy->doc, policy->root, "UpdateDate", now_ms);
    if (becomes_default)
        iam_entity_set(policy, "DefaultVersionId", id);

    yyjson_mut_val *answer = json_add_obj(request->doc, request_output(request), "PolicyVersion");
    add_version(request, answer, id, becomes_default);
    iam_add_time(request, answer, "CreateDate", now_ms);
    return OK;
}

static enum err run_create(struct request *request, struct store_txn *txn)
{
    return iam_entity_change(request, txn, &iam_policy_kind, create);
}

enum err iam_create_policy_version(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, PARAM_POLICY_ARN, PARAM_POLICY_DOCUMENT);
    if (rc == OK)
        rc = iam_check_managed_document(request);
    return rc ? rc : iam_write(request, run_create);
}

/* --- Get --- */

static enum err get_built_in(struct request *request, const struct managed_policy *policy)
{
    if (!str_eq(request_str(request, "VersionId"), str_from(policy->version)))
        return no_such_version(request);
    yyjson_mut_val *answer = json_add_obj(request->doc, request_output(request), "PolicyVersion");
    json_add_str(request->doc, answer, "Document",
                 iam_encode_document(request, str_from(policy->document)));
    add_version(request, answer, str_from(policy->version), true);
    json_add_str(request->doc, answer, "CreateDate", str_from(policy->update_date));
    return OK;
}

static enum err read_policy(struct request *request, yyjson_val **out)
{
    struct reader reader = iam_reader_of(request, NULL);
    enum err rc =
        iam_policy_by_arn(&reader, request_str(request, "PolicyArn"), out, &request->error);
    return rc || *out ? rc : iam_no_such_managed_policy(request);
}

static enum err get_own(struct request *request)
{
    yyjson_val *policy, *version;
    size_t i, max;
    enum err rc = read_policy(request, &policy);
    if (rc)
        return rc;
    yyjson_arr_foreach (json_get(policy, "Versions"), i, max, version) {
        if (!str_eq(json_get_str(version, "VersionId"), request_str(request, "VersionId")))
            continue;
        yyjson_mut_val *answer =
            json_add_obj(request->doc, request_output(request), "PolicyVersion");
        json_add_str(request->doc, answer, "Document",
                     iam_encode_document(request, json_get_str(version, "Document")));
        add_own(request, answer, policy, version);
        return OK;
    }
    return no_such_version(request);
}

enum err iam_get_policy_version(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, PARAM_POLICY_ARN, PARAM_VERSION);
    if (rc)
        return rc;
    const struct managed_policy *built_in = iam_managed_find(request_str(request, "PolicyArn"));
    return built_in ? get_built_in(request, built_in) : get_own(request);
}

/* --- List --- */

static enum err list_own(struct request *request, struct pager *pager, yyjson_mut_val *list)
{
    yyjson_val *policy, *version;
    size_t i, max;
    enum err rc = read_policy(request, &policy);
    if (rc)
        return rc;
    yyjson_arr_foreach (json_get(policy, "Versions"), i, max, version) {
        if (iam_pager_take(pager, arena_printf(request->arena, "%04zu", i)))
            add_own(request, yyjson_mut_arr_add_obj(request->doc, list), policy, version);
    }
    return OK;
}

enum err iam_list_policy_versions(struct request *request)
{
    struct pager pager;
    enum err rc = PARAMS_CHECK(request, PARAM_POLICY_ARN);
    if (rc == OK)
        rc = iam_pager_init(&pager, request);
    if (rc)
        return rc;
    const struct managed_policy *built_in = iam_managed_find(request_str(request, "PolicyArn"));
    yyjson_mut_val *output = request_output(request);
    yyjson_mut_val *list = json_add_arr(request->doc, output, "Versions");
    if (built_in) {
        yyjson_mut_val *object = yyjson_mut_arr_add_obj(request->doc, list);
        add_version(request, object, str_from(built_in->version), true);
        json_add_str(request->doc, object, "CreateDate", str_from(built_in->update_date));
    } else {
        rc = list_own(request, &pager, list);
    }
    iam_pager_finish(&pager, output);
    return rc;
}

/* --- Delete, and choose the default --- */

static enum err delete_version(struct entity *policy)
{
    struct request *request = policy->request;
    struct str id = request_str(request, "VersionId");
    yyjson_mut_val *versions = iam_entity_array(policy, "Versions");
    ptrdiff_t index = find_version(versions, id);
    if (index < 0)
        return no_such_version(request);
    if (is_default(policy, id))
        return request_fail(request, ERR_IAM_DELETE_CONFLICT,
                            "Cannot delete the default version of a policy.");
    yyjson_mut_arr_remove(versions, (size_t)index);
    return OK;
}

static enum err run_delete(struct request *request, struct store_txn *txn)
{
    return iam_entity_change(request, txn, &iam_policy_kind, delete_version);
}

enum err iam_delete_policy_version(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, PARAM_POLICY_ARN, PARAM_VERSION);
    return rc ? rc : iam_write(request, run_delete);
}

static enum err set_default(struct entity *policy)
{
    struct request *request = policy->request;
    struct str id = request_str(request, "VersionId");
    if (find_version(iam_entity_array(policy, "Versions"), id) < 0)
        return no_such_version(request);
    iam_entity_set(policy, "DefaultVersionId", id);
    return OK;
}

static enum err run_set_default(struct request *request, struct store_txn *txn)
{
    return iam_entity_change(request, txn, &iam_policy_kind, set_default);
}

enum err iam_set_default_policy_version(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, PARAM_POLICY_ARN, PARAM_VERSION);
    return rc ? rc : iam_write(request, run_set_default);
}
