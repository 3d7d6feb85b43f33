/* Policies written into users and roles. */
#include "services/iam/operations.h"

/* --- Put --- */

static size_t total_size(yyjson_mut_val *policies)
{
    size_t i, max, size = 0;
    yyjson_mut_val *name, *value;
    yyjson_mut_obj_foreach (policies, i, max, name, value) {
        size += iam_policy_size(str_make(yyjson_mut_get_str(value), yyjson_mut_get_len(value)));
    }
    return size;
}

static enum err put(struct entity *entity, const struct entity_kind *kind)
{
    struct request *request = entity->request;
    struct str name = request_str(request, "PolicyName");
    struct str document = request_str(request, "PolicyDocument");
    yyjson_mut_val *policies = iam_entity_object(entity, "InlinePolicies");
    yyjson_mut_obj_remove_strn(policies, name.ptr, name.len);
    yyjson_mut_obj_add(policies, yyjson_mut_strn(entity->doc, name.ptr, name.len),
                       yyjson_mut_strn(entity->doc, document.ptr, document.len));
    if (total_size(policies) > kind->inline_max)
        return request_fail(request, ERR_IAM_LIMIT_EXCEEDED,
                            "Maximum policy size of %zu bytes exceeded for %s %.*s",
                            kind->inline_max, kind->noun,
                            STR_ARG(request_str(request, kind->name_member)));
    return OK;
}

static enum err put_on_role(struct entity *entity)
{
    return put(entity, &iam_role_kind);
}

static enum err put_on_user(struct entity *entity)
{
    return put(entity, &iam_user_kind);
}

static enum err run_put_on_role(struct request *request, struct store_txn *txn)
{
    return iam_entity_change(request, txn, &iam_role_kind, put_on_role);
}

static enum err run_put_on_user(struct request *request, struct store_txn *txn)
{
    return iam_entity_change(request, txn, &iam_user_kind, put_on_user);
}

enum err iam_put_role_policy(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, PARAM_ROLE_NAME, PARAM_POLICY_NAME, PARAM_POLICY_DOCUMENT);
    if (rc == OK)
        rc = iam_check_document(request, "PolicyDocument", POLICY_IDENTITY);
    return rc ? rc : iam_write(request, run_put_on_role);
}

enum err iam_put_user_policy(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, PARAM_USER_NAME, PARAM_POLICY_NAME, PARAM_POLICY_DOCUMENT);
    if (rc == OK)
        rc = iam_check_document(request, "PolicyDocument", POLICY_IDENTITY);
    return rc ? rc : iam_write(request, run_put_on_user);
}

/* --- Get --- */

static enum err no_such_policy(struct request *request, const char *noun)
{
    return request_fail(request, ERR_IAM_NO_SUCH_ENTITY,
                        "The %s policy with name %.*s cannot be found.", noun,
                        STR_ARG(request_str(request, "PolicyName")));
}

static enum err get(struct request *request, const struct entity_kind *kind)
{
    struct reader reader = iam_reader_of(request, NULL);
    struct str name = request_str(request, "PolicyName");
    yyjson_val *entity;
    enum err rc = iam_entity_get(&reader, kind, request_str(request, kind->name_member), &entity,
                                 &request->error);
    if (rc)
        return rc;
    yyjson_val *document = yyjson_obj_getn(json_get(entity, "InlinePolicies"), name.ptr, name.len);
    if (!document)
        return no_such_policy(request, kind->noun);
    yyjson_mut_val *output = request_output(request);
    json_add_str(request->doc, output, kind->name_member, json_get_str(entity, kind->name_member));
    json_add_str(request->doc, output, "PolicyName", name);
    json_add_str(request->doc, output, "PolicyDocument",
                 iam_encode_document(request, json_str(document)));
    return OK;
}

enum err iam_get_role_policy(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, PARAM_ROLE_NAME, PARAM_POLICY_NAME);
    return rc ? rc : get(request, &iam_role_kind);
}

enum err iam_get_user_policy(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, PARAM_USER_NAME, PARAM_POLICY_NAME);
    return rc ? rc : get(request, &iam_user_kind);
}

/* --- Delete --- */

static enum err remove_policy(struct entity *entity, const struct entity_kind *kind)
{
    struct str name = request_str(entity->request, "PolicyName");
    yyjson_mut_val *policies = iam_entity_object(entity, "InlinePolicies");
    if (!yyjson_mut_obj_remove_strn(policies, name.ptr, name.len))
        return no_such_policy(entity->request, kind->noun);
    return OK;
}

static enum err remove_from_role(struct entity *entity)
{
    return remove_policy(entity, &iam_role_kind);
}

static enum err remove_from_user(struct entity *entity)
{
    return remove_policy(entity, &iam_user_kind);
}

static enum err run_remove_from_role(struct request *request, struct store_txn *txn)
{
    return iam_entity_change(request, txn, &iam_role_kind, remove_from_role);
}

static enum err run_remove_from_user(struct request *request, struct store_txn *txn)
{
    return iam_entity_change(request, txn, &iam_user_kind, remove_from_user);
}

enum err iam_delete_role_policy(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, PARAM_ROLE_NAME, PARAM_POLICY_NAME);
    return rc ? rc : iam_write(request, run_remove_from_role);
}

enum err iam_delete_user_policy(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, PARAM_USER_NAME, PARAM_POLICY_NAME);
    return rc ? rc : iam_write(request, run_remove_from_user);
}

/* --- List --- */

static enum err list(struct request *request, const struct entity_kind *kind)
{
    struct reader reader = iam_reader_of(request, NULL);
    struct pager pager;
    yyjson_val *entity, *name, *document;
    size_t i, max;
    enum err rc = iam_pager_init(&pager, request);
    if (rc == OK)
        rc = iam_entity_get(&reader, kind, request_str(request, kind->name_member), &entity,
                            &request->error);
    if (rc)
        return rc;
    yyjson_mut_val *output = request_output(request);
    yyjson_mut_val *names = json_add_arr(request->doc, output, "PolicyNames");
    yyjson_obj_foreach (json_get(entity, "InlinePolicies"), i, max, name, document) {
        /* As with attached policies, the place in the list is the key. */
        if (iam_pager_take(&pager, arena_printf(request->arena, "%04zu", i)))
            yyjson_mut_arr_add_strn(request->doc, names, yyjson_get_str(name),
                                    yyjson_get_len(name));
    }
    iam_pager_finish(&pager, output);
    return OK;
}

enum err iam_list_role_policies(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, PARAM_ROLE_NAME);
    return rc ? rc : list(request, &iam_role_kind);
}

enum err iam_list_user_policies(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, PARAM_USER_NAME);
    return rc ? rc : list(request, &iam_user_kind);
}
