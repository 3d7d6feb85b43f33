/* Request validators: what a method checks before its integration is asked. */
#include "services/apigateway/patch.h"

static struct str key_of(struct request *request)
{
    return state_key(request->arena, "validator", apigw_label(request, "restapi_id"),
                     apigw_label(request, "requestvalidator_id"));
}

static enum err run_create(struct request *request, struct store_txn *txn)
{
    static const struct member members[] = {{"name", MEMBER_STRING},
                                            {"validateRequestBody", MEMBER_BOOL},
                                            {"validateRequestParameters", MEMBER_BOOL}};
    struct view view = apigw_view(request, txn);
    struct str api_id = apigw_label(request, "restapi_id"), id = apigw_new_id(request->arena);
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *validator = yyjson_mut_obj(doc);
    yyjson_val *api;
    enum err rc = apigw_find_api(request, &view, api_id, &api);
    if (rc == ERR_APIGW_NOT_FOUND)
        rc = apigw_bad_request(request, "Invalid REST API identifier specified");
    if (rc)
        return rc;
    json_add_str(doc, validator, "id", id);
    json_add_bool(doc, validator, "validateRequestBody", false);
    json_add_bool(doc, validator, "validateRequestParameters", false);
    rc = APIGW_COPY(request, doc, validator, request->input, members);
    if (rc)
        return rc;
    state_put(&view, state_key(request->arena, "validator", api_id, id), validator);
    return apigw_answer(request, doc, validator);
}

enum err apigw_create_request_validator(struct request *request)
{
    return apigw_write(request, run_create);
}

enum err apigw_get_request_validator(struct request *request)
{
    struct view view = apigw_view(request, NULL);
    yyjson_val *validator;
    enum err rc = state_get(&view, key_of(request), &validator);
    if (rc)
        return rc;
    return validator ? apigw_answer_copy(request, validator)
                     : apigw_not_found(request, "Invalid Request Validator identifier specified");
}

enum err apigw_get_request_validators(struct request *request)
{
    struct view view = apigw_view(request, NULL);
    struct str id = apigw_label(request, "restapi_id");
    yyjson_val *api;
    enum err rc = apigw_find_api(request, &view, id, &api);
    return rc ? rc : apigw_list(request, state_prefix(request->arena, "validator", id), NULL);
}

static enum err patch_name(struct patch_target *target, const struct patch_op *op)
{
    return op->value.len
               ? OK
               : apigw_bad_request(target->request, "Request Validator name cannot be blank");
}

static const struct patch_rule validator_rules[] = {
    {"/name", PATCH_REPLACE, PATCH_STRING, patch_name, NULL},
    {"/validateRequestParameters", PATCH_REPLACE, PATCH_BOOL, NULL, NULL},
    {"/validateRequestBody", PATCH_REPLACE, PATCH_BOOL, NULL, NULL},
};

static const struct patch_table validator_table =
    PATCH_TABLE(validator_rules, PATCH_STYLE_LISTED, NULL);

static enum err run_update(struct request *request, struct store_txn *txn)
{
    return patch_document(request, txn, key_of(request), &validator_table,
                          "Invalid Request Validator identifier specified");
}

enum err apigw_update_request_validator(struct request *request)
{
    return apigw_write(request, run_update);
}

static enum err look_for_use(void *arg, struct str name, yyjson_val *resource)
{
    struct str *id = arg;
    size_t i, max;
    yyjson_val *verb, *method;
    (void)name;
    yyjson_obj_foreach (json_get(resource, "resourceMethods"), i, max, verb, method) {
        if (str_eq(json_get_str(method, "requestValidatorId"), *id))
            id->len = 0; /* it is used */
    }
    return OK;
}

static enum err run_delete(struct request *request, struct store_txn *txn)
{
    struct view view = apigw_view(request, txn);
    struct str id = apigw_label(request, "requestvalidator_id"), unused = id;
    struct str api_id = apigw_label(request, "restapi_id");
    bool found;
    enum err rc = state_has(&view, key_of(request), &found);
    if (rc == OK && !found)
        rc = apigw_not_found(request, "Invalid Request Validator identifier specified");
    if (rc == OK)
        rc = state_each(&view, state_prefix(request->arena, "resource", api_id), STR_EMPTY,
                        look_for_use, &unused);
    if (rc == OK && unused.len == 0)
        rc = apigw_conflict(request,
                            "Cannot delete request validator '%.*s', is referenced in a "
                            "method",
                            STR_ARG(id));
    if (rc == OK)
        state_delete(&view, key_of(request));
    return rc;
}

enum err apigw_delete_request_validator(struct request *request)
{
    return apigw_write(request, run_delete);
}
