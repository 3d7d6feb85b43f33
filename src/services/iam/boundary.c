/* Permissions boundaries of users and roles. */
#include "services/iam/operations.h"

#define PARAM_REQUIRED_BOUNDARY                                                                    \
    {                                                                                              \
        "PermissionsBoundary", PARAM_TEXT, true, 20, 2048                                          \
    }

enum err iam_set_boundary(struct entity *entity)
{
    struct request *request = entity->request;
    struct reader reader = iam_reader_of(request, entity->txn);
    struct str arn = request_str(request, "PermissionsBoundary"), document;
    if (!arn.ptr)
        return OK;
    enum err rc = iam_managed_document(&reader, arn, &document, &request->error);
    if (rc == OK && !document.ptr)
        rc = request_fail(request, ERR_IAM_NO_SUCH_ENTITY,
                          "Scope ARN: %.*s does not exist or is not attachable.", STR_ARG(arn));
    if (rc == OK)
        iam_entity_set(entity, "PermissionsBoundary", arn);
    return rc;
}

static enum err run_put_on_role(struct request *request, struct store_txn *txn)
{
    return iam_entity_change(request, txn, &iam_role_kind, iam_set_boundary);
}

static enum err run_put_on_user(struct request *request, struct store_txn *txn)
{
    return iam_entity_change(request, txn, &iam_user_kind, iam_set_boundary);
}

enum err iam_put_role_permissions_boundary(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, PARAM_ROLE_NAME, PARAM_REQUIRED_BOUNDARY);
    return rc ? rc : iam_write(request, run_put_on_role);
}

enum err iam_put_user_permissions_boundary(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, PARAM_USER_NAME, PARAM_REQUIRED_BOUNDARY);
    return rc ? rc : iam_write(request, run_put_on_user);
}

static enum err remove_boundary(struct entity *entity)
{
    if (!yyjson_mut_obj_remove_str(entity->root, "PermissionsBoundary"))
        return request_fail(entity->request, ERR_IAM_NO_SUCH_ENTITY,
                            "The entity does not have a permissions boundary.");
    return OK;
}

static enum err run_remove_from_role(struct request *request, struct store_txn *txn)
{
    return iam_entity_change(request, txn, &iam_role_kind, remove_boundary);
}

static enum err run_remove_from_user(struct request *request, struct store_txn *txn)
{
    return iam_entity_change(request, txn, &iam_user_kind, remove_boundary);
}

enum err iam_delete_role_permissions_boundary(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, PARAM_ROLE_NAME);
    return rc ? rc : iam_write(request, run_remove_from_role);
}

enum err iam_delete_user_permissions_boundary(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, PARAM_USER_NAME);
    return rc ? rc : iam_write(request, run_remove_from_user);
}
