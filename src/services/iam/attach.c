/* Attaching managed policies to users and roles. */
#include "core/arn.h"
#include "services/iam/operations.h"

enum { MAX_ATTACHED = 10 };

/* --- Attach --- */

static enum err check_arn(struct request *request)
{
    struct arn_parts arn;
    if (arn_parse(request_str(request, "PolicyArn"), &arn))
        return OK;
    return request_fail(request, ERR_VALIDATION_ERROR, "Invalid ARN:  Could not be parsed!");
}

static enum err attach(struct entity *entity)
{
    struct request *request = entity->request;
    struct str arn = request_str(request, "PolicyArn");
    yyjson_mut_val *attached = iam_entity_array(entity, "AttachedPolicies");
    enum err rc = iam_check_attachable(request, entity->txn, arn);
    if (rc || iam_array_find(attached, arn) >= 0)
        return rc;
    if (yyjson_mut_arr_size(attached) >= MAX_ATTACHED)
        return request_fail(request, ERR_IAM_LIMIT_EXCEEDED, "Cannot exceed quota for %s: %d",
                            yyjson_mut_obj_get(entity->root, "RoleName") ? iam_role_kind.quota
                                                                         : iam_user_kind.quota,
                            MAX_ATTACHED);
    yyjson_mut_arr_add_strn(entity->doc, attached, arn.ptr, arn.len);
    return OK;
}

static enum err attach_to_role(struct request *request, struct store_txn *txn)
{
    return iam_entity_change(request, txn, &iam_role_kind, attach);
}

static enum err attach_to_user(struct request *request, struct store_txn *txn)
{
    return iam_entity_change(request, txn, &iam_user_kind, attach);
}

enum err iam_attach_role_policy(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, PARAM_ROLE_NAME, PARAM_POLICY_ARN);
    if (rc == OK)
        rc = check_arn(request);
    return rc ? rc : iam_write(request, attach_to_role);
}

enum err iam_attach_user_policy(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, PARAM_USER_NAME, PARAM_POLICY_ARN);
    if (rc == OK)
        rc = check_arn(request);
    return rc ? rc : iam_write(request, attach_to_user);
}

/* --- Detach --- */

static enum err detach(struct entity *entity)
{
    struct str arn = request_str(entity->request, "PolicyArn");
    yyjson_mut_val *attached = iam_entity_array(entity, "AttachedPolicies");
    ptrdiff_t index = iam_array_find(attached, arn);
    if (index < 0)
        return request_fail(entity->request, ERR_IAM_NO_SUCH_ENTITY, "Policy %.*s was not found.",
                            STR_ARG(arn));
    yyjson_mut_arr_remove(attached, (size_t)index);
    return OK;
}

static enum err detach_from_role(struct request *request, struct store_txn *txn)
{
    return iam_entity_change(request, txn, &iam_role_kind, detach);
}

static enum err detach_from_user(struct request *request, struct store_txn *txn)
{
    return iam_entity_change(request, txn, &iam_user_kind, detach);
}

enum err iam_detach_role_policy(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, PARAM_ROLE_NAME, PARAM_POLICY_ARN);
    return rc ? rc : iam_write(request, detach_from_role);
}

enum err iam_detach_user_policy(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, PARAM_USER_NAME, PARAM_POLICY_ARN);
    return rc ? rc : iam_write(request, detach_from_user);
}

/* --- List --- */

/* "arn:aws:iam::aws:policy/service-role/Name" is path "/service-role/" and "Name". */
static void split_policy_arn(struct str arn, struct str *out_path, struct str *out_name)
{
    ptrdiff_t slash = str_find_byte(arn, '/', 0);
    struct str rest = str_slice(arn, slash < 0 ? arn.len : (size_t)slash, arn.len);
    size_t end = rest.len;
    while (end > 0 && rest.ptr[end - 1] != '/')
        end--;
    *out_path = str_slice(rest, 0, end);
    *out_name = str_slice(rest, end, rest.len);
}

static enum err list_attached(struct request *request, const struct entity_kind *kind)
{
    struct reader reader = iam_reader_of(request, NULL);
    struct str prefix = request_str(request, "PathPrefix"), path, name;
    struct pager pager;
    yyjson_val *entity, *arn;
    size_t i, max;
    enum err rc = PARAMS_CHECK(request, PARAM_LIST_PREFIX);
    if (rc == OK)
        rc = iam_pager_init(&pager, request);
    if (rc == OK)
        rc = iam_entity_get(&reader, kind, request_str(request, kind->name_member), &entity,
                            &request->error);
    if (rc)
        return rc;

    yyjson_mut_val *output = request_output(request);
    yyjson_mut_val *list = json_add_arr(request->doc, output, "AttachedPolicies");
    yyjson_arr_foreach (json_get(entity, "AttachedPolicies"), i, max, arn) {
        /* The place in the list is the key: the list keeps its order. */
        struct str key = arena_printf(request->arena, "%04zu", i);
        split_policy_arn(json_str(arn), &path, &name);
        if (!str_starts(path, prefix) || !iam_pager_take(&pager, key))
            continue;
        yyjson_mut_val *object = yyjson_mut_arr_add_obj(request->doc, list);
        json_add_str(request->doc, object, "PolicyName", name);
        json_add_str(request->doc, object, "PolicyArn", json_str(arn));
    }
    iam_pager_finish(&pager, output);
    return OK;
}

enum err iam_list_attached_role_policies(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, PARAM_ROLE_NAME);
    return rc ? rc : list_attached(request, &iam_role_kind);
}

enum err iam_list_attached_user_policies(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, PARAM_USER_NAME);
    return rc ? rc : list_attached(request, &iam_user_kind);
}
