/* Roles: who may assume them, for how long. */
#include "services/iam/operations.h"

#define PARAM_TRUST                                                                                \
    {                                                                                              \
        "AssumeRolePolicyDocument", PARAM_DOCUMENT, true, 1, 131072                                \
    }
#define PARAM_DESCRIPTION                                                                          \
    {                                                                                              \
        "Description", PARAM_TEXT, false, 0, 1000                                                  \
    }
#define PARAM_DURATION                                                                             \
    {                                                                                              \
        "MaxSessionDuration", PARAM_NUMBER, false, 3600, 43200                                     \
    }

enum { DEFAULT_SESSION_S = 3600, MAX_TRUST_CHARS = 2048 };

/* --- Answers --- */

static void add_new_role(struct request *request, yyjson_mut_val *object, yyjson_val *role)
{
    iam_add_entity(request, object, &iam_role_kind, role);
    json_add_str(request->doc, object, "AssumeRolePolicyDocument",
                 iam_encode_document(request, json_get_str(role, "AssumeRolePolicyDocument")));
    json_add_str_opt(request->doc, object, "Description", json_get_str(role, "Description"));
}

static void add_role(struct request *request, yyjson_mut_val *object, yyjson_val *role)
{
    int64_t duration = DEFAULT_SESSION_S;
    json_get_i64(role, "MaxSessionDuration", &duration);
    add_new_role(request, object, role);
    json_add_i64(request->doc, object, "MaxSessionDuration", duration);
}

static void answer_role(struct request *request, yyjson_val *role)
{
    yyjson_mut_val *object = json_add_obj(request->doc, request_output(request), "Role");
    add_role(request, object, role);
    iam_add_boundary_and_tags(request, object, role);
}

/* --- Creating --- */

static enum err create_role(struct request *request, struct store_txn *txn)
{
    struct entity role;
    int64_t duration = DEFAULT_SESSION_S;
    enum err rc = iam_entity_create(request, txn, &iam_role_kind, &role);
    if (rc)
        return rc;
    json_get_i64(request->input, "MaxSessionDuration", &duration);
    iam_entity_set(&role, "AssumeRolePolicyDocument",
                   request_str(request, "AssumeRolePolicyDocument"));
    json_add_str_opt(role.doc, role.root, "Description", request_str(request, "Description"));
    json_add_i64(role.doc, role.root, "MaxSessionDuration", duration);
    rc = iam_set_boundary(&role);
    if (rc == OK)
        rc = iam_set_tags(&role);
    if (rc)
        return rc;
    iam_entity_save(&role);
    yyjson_val *saved = iam_entity_read(&role);
    yyjson_mut_val *object = json_add_obj(request->doc, request_output(request), "Role");
    add_new_role(request, object, saved);
    iam_add_boundary_and_tags(request, object, saved);
    return OK;
}

static enum err check_trust_policy(struct request *request, const char *member)
{
    struct str document = json_get_str(request->input, member);
    if (document.len > MAX_TRUST_CHARS)
        return request_fail(request, ERR_IAM_LIMIT_EXCEEDED,
                            "Cannot exceed quota for ACLSizePerRole: %d", MAX_TRUST_CHARS);
    return iam_check_document(request, member, POLICY_TRUST);
}

enum err iam_create_role(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, PARAM_ROLE_NAME, PARAM_TRUST, PARAM_OPTIONAL_PATH,
                               PARAM_DESCRIPTION, PARAM_DURATION, PARAM_BOUNDARY);
    if (rc == OK)
        rc = check_trust_policy(request, "AssumeRolePolicyDocument");
    return rc ? rc : iam_write(request, create_role);
}

/* --- Reading --- */

enum err iam_get_role(struct request *request)
{
    struct reader reader = iam_reader_of(request, NULL);
    yyjson_val *role;
    enum err rc = PARAMS_CHECK(request, PARAM_ROLE_NAME);
    if (rc == OK)
        rc = iam_entity_get(&reader, &iam_role_kind, request_str(request, "RoleName"), &role,
                            &request->error);
    if (rc)
        return rc;
    answer_role(request, role);
    json_add_obj(request->doc, yyjson_mut_obj_get(request->output, "Role"), "RoleLastUsed");
    return OK;
}

enum err iam_list_roles(struct request *request)
{
    return iam_list_entities(request, &iam_role_kind, "Roles", add_role);
}

/* --- Changing --- */

static enum err update_role(struct entity *role)
{
    struct request *request = role->request;
    int64_t duration;
    request_output(request);
    if (request_str(request, "Description").ptr)
        iam_entity_set(role, "Description", request_str(request, "Description"));
    if (json_get_i64(request->input, "MaxSessionDuration", &duration)) {
        yyjson_mut_obj_remove_str(role->root, "MaxSessionDuration");
        json_add_i64(role->doc, role->root, "MaxSessionDuration", duration);
    }
    return OK;
}

static enum err run_update(struct request *request, struct store_txn *txn)
{
    return iam_entity_change(request, txn, &iam_role_kind, update_role);
}

enum err iam_update_role(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, PARAM_ROLE_NAME, PARAM_DESCRIPTION, PARAM_DURATION);
    return rc ? rc : iam_write(request, run_update);
}

static enum err update_description(struct entity *role)
{
    iam_entity_set(role, "Description", request_str(role->request, "Description"));
    answer_role(role->request, iam_entity_read(role));
    return OK;
}

static enum err run_update_description(struct request *request, struct store_txn *txn)
{
    return iam_entity_change(request, txn, &iam_role_kind, update_description);
}

enum err iam_update_role_description(struct request *request)
{
    enum err rc =
        PARAMS_CHECK(request, PARAM_ROLE_NAME, {"Description", PARAM_TEXT, true, 0, 1000});
    return rc ? rc : iam_write(request, run_update_description);
}

static enum err update_trust(struct entity *role)
{
    iam_entity_set(role, "AssumeRolePolicyDocument", request_str(role->request, "PolicyDocument"));
    return OK;
}

static enum err run_update_trust(struct request *request, struct store_txn *txn)
{
    return iam_entity_change(request, txn, &iam_role_kind, update_trust);
}

enum err iam_update_assume_role_policy(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, PARAM_ROLE_NAME, PARAM_POLICY_DOCUMENT);
    if (rc == OK)
        rc = check_trust_policy(request, "PolicyDocument");
    return rc ? rc : iam_write(request, run_update_trust);
}

/* --- Deleting --- */

static enum err delete_role(struct request *request, struct store_txn *txn)
{
    struct entity role;
    enum err rc = iam_entity_load(request, txn, &iam_role_kind, &role);
    if (rc == OK)
        rc = iam_check_bare(&role);
    if (rc == OK)
        iam_entity_delete(&role);
    return rc;
}

enum err iam_delete_role(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, PARAM_ROLE_NAME);
    return rc ? rc : iam_write(request, delete_role);
}
