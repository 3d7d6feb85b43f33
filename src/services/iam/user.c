/* Users. */
#include "services/iam/operations.h"

/* --- Answers --- */

static void add_user(struct request *request, yyjson_mut_val *object, yyjson_val *user)
{
    iam_add_entity(request, object, &iam_user_kind, user);
}

static void answer_user(struct request *request, yyjson_val *user)
{
    yyjson_mut_val *object = json_add_obj(request->doc, request_output(request), "User");
    add_user(request, object, user);
    iam_add_boundary_and_tags(request, object, user);
}

/* The account's root user, as GetUser gives it to itself. */
static void answer_root(struct request *request)
{
    const struct iam *iam = request_self(request, struct iam);
    yyjson_mut_val *object = json_add_obj(request->doc, request_output(request), "User");
    json_add_str(request->doc, object, "UserId", request->principal.account);
    json_add_str(request->doc, object, "Arn", iam->root_arn);
    iam_add_time(request, object, "CreateDate", iam->created_ms);
}

/* --- Creating --- */

static enum err create_user(struct request *request, struct store_txn *txn)
{
    struct entity user;
    enum err rc = iam_entity_create(request, txn, &iam_user_kind, &user);
    if (rc == OK)
        rc = iam_set_boundary(&user);
    if (rc == OK)
        rc = iam_set_tags(&user);
    if (rc)
        return rc;
    iam_entity_save(&user);
    answer_user(request, iam_entity_read(&user));
    return OK;
}

enum err iam_create_user(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, PARAM_USER_NAME, PARAM_OPTIONAL_PATH, PARAM_BOUNDARY);
    return rc ? rc : iam_write(request, create_user);
}

/* --- Reading --- */

enum err iam_get_user(struct request *request)
{
    struct reader reader = iam_reader_of(request, NULL);
    struct str name = request_str(request, "UserName");
    yyjson_val *user;
    enum err rc = PARAMS_CHECK(request, PARAM_OPTIONAL_USER_NAME);
    if (rc == OK && !name.ptr && request->principal.kind == PRINCIPAL_ROOT) {
        answer_root(request);
        return OK;
    }
    if (rc == OK)
        rc = iam_user_of_input(request, &name);
    if (rc == OK)
        rc = iam_entity_get(&reader, &iam_user_kind, name, &user, &request->error);
    if (rc == OK)
        answer_user(request, user);
    return rc;
}

enum err iam_list_users(struct request *request)
{
    return iam_list_entities(request, &iam_user_kind, "Users", add_user);
}

/* --- Deleting --- */

static enum err delete_user(struct request *request, struct store_txn *txn)
{
    struct entity user;
    enum err rc = iam_entity_load(request, txn, &iam_user_kind, &user);
    if (rc)
        return rc;
    if (yyjson_mut_arr_size(yyjson_mut_obj_get(user.root, "AccessKeys")))
        return request_fail(request, ERR_IAM_DELETE_CONFLICT,
                            "Cannot delete entity, must delete access keys first.");
    rc = iam_check_bare(&user);
    if (rc == OK)
        iam_entity_delete(&user);
    return rc;
}

enum err iam_delete_user(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, {"UserName", PARAM_NAME, true, 1, 128});
    return rc ? rc : iam_write(request, delete_user);
}
