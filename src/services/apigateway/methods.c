/* Methods of resources. */
#include "services/apigateway/authorizers.h"
#include "services/apigateway/models.h"
#include "services/apigateway/openapi/document.h"
#include "services/apigateway/patch.h"

/* --- Checks --- */

/* AWS takes the types in any case and keeps them in capitals. */
static struct str authorization_type(struct str type)
{
    static const struct str types[] = {STR_INIT("NONE"), STR_INIT("AWS_IAM"), STR_INIT("CUSTOM"),
                                       STR_INIT("COGNITO_USER_POOLS")};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (str_eq_nocase(type, types[i]))
            return types[i];
    }
    return type;
}

static enum err check_authorization(struct request *request, const struct view *view,
                                    struct str type, struct str authorizer)
{
    if (str_eq(type, STR("CUSTOM")))
        return authorizers_check_id(request, view, authorizer);
    if (str_eq(type, STR("COGNITO_USER_POOLS")))
        return apigw_bad_request(request, "Authorization type COGNITO_USER_POOLS is not supported");
    if (str_eq(type, STR("NONE")) || str_eq(type, STR("AWS_IAM")))
        return OK;
    return apigw_bad_request(request, "Invalid authorization type specified. Valid options are "
                                      "NONE,AWS_IAM,CUSTOM,COGNITO_USER_POOLS");
}

/* Without a type that uses one, AWS takes an authorizer's id and forgets it. */
static enum err settle_authorization(struct request *request, const struct view *view,
                                     yyjson_mut_doc *doc, yyjson_mut_val *method)
{
    struct str type = authorization_type(json_mut_get_str(method, "authorizationType"));
    if (!str_eq(type, STR("CUSTOM")))
        yyjson_mut_obj_remove_key(method, "authorizerId");
    apigw_set_str(doc, method, STR("authorizationType"), type);
    return check_authorization(request, view, type, json_mut_get_str(method, "authorizerId"));
}

static enum err check_validator(struct request *request, const struct view *view, struct str id)
{
    struct str api_id = apigw_label(request, "restapi_id");
    bool found = true;
    enum err rc = OK;
    if (id.len)
        rc = state_has(view, state_key(request->arena, "validator", api_id, id), &found);
    if (rc == OK && !found)
        rc = apigw_bad_request(request, "Invalid Request Validator identifier specified");
    return rc;
}

static bool split_parameter(struct str name, struct str *out_last)
{
    static const struct str places[] = {STR_INIT("method.request.header."),
                                        STR_INIT("method.request.querystring."),
                                        STR_INIT("method.request.path.")};
    for (size_t i = 0; i < 3; i++) {
        if (str_starts(name, places[i]) && name.len > places[i].len) {
            *out_last = str_slice(name, places[i].len, name.len);
            return true;
        }
    }
    return false;
}

static enum err check_parameter(struct request *request, struct str name)
{
    struct str last;
    if (split_parameter(name, &last))
        return OK;
    return apigw_bad_request(request,
                             "Invalid mapping expression specified: Validation Result: warnings : "
                             "[], errors : [Invalid mapping expression parameter specified: %.*s]",
                             STR_ARG(name));
}

/* Whether one of the first `count` parameters has the name, at whatever place. */
static bool is_taken(yyjson_val *parameters, size_t count, struct str name)
{
    size_t i, max;
    yyjson_val *key, *value;
    struct str other;
    yyjson_obj_foreach (parameters, i, max, key, value) {
        if (i < count && split_parameter(json_str(key), &other) && str_eq(name, other))
            return true;
    }
    return false;
}

static enum err check_parameters(struct request *request, yyjson_val *parameters)
{
    size_t i, max;
    yyjson_val *key, *value;
    yyjson_obj_foreach (parameters, i, max, key, value) {
        struct str name;
        enum err rc = check_parameter(request, json_str(key));
        if (rc)
            return rc;
        split_parameter(json_str(key), &name);
        if (is_taken(parameters, i, name))
            return apigw_bad_request(
                request, "Parameter names must be unique across querystring, header and path");
    }
    return OK;
}

static enum err check_input(struct request *request)
{
    yyjson_val *input = request->input;
    if (verb_of(apigw_label(request, "http_method")) == VERB_COUNT)
        return apigw_bad_request(request, "Invalid HttpMethod specified. Valid options are "
                                          "GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY");
    enum err rc = apigw_require(request, "authorizationType");
    return rc ? rc : check_parameters(request, json_get(input, "requestParameters"));
}

/* --- Operations --- */

static enum err build_method(struct request *request, yyjson_mut_doc *doc, yyjson_mut_val *method)
{
    static const struct member members[] = {
        {"authorizationType", MEMBER_STRING},  {"apiKeyRequired", MEMBER_BOOL},
        {"operationName", MEMBER_STRING},      {"requestParameters", MEMBER_BOOL_MAP},
        {"requestModels", MEMBER_STRING_MAP},  {"authorizationScopes", MEMBER_STRING_LIST},
        {"requestValidatorId", MEMBER_STRING}, {"authorizerId", MEMBER_STRING},
    };
    json_add_bool(doc, method, "apiKeyRequired", false);
    json_add_str(doc, method, "httpMethod", apigw_label(request, "http_method"));
    return APIGW_COPY(request, doc, method, request->input, members);
}

/* Keeps the content types that only an imported document tells, no model or template, for exports:
 * beside the methods, since no answer shows it. */
static void keep_types(struct request *request, yyjson_mut_doc *doc, yyjson_mut_val *resource,
                       struct str verb)
{
    yyjson_val *types = request->exchange ? NULL : json_get(request->input, METHOD_TYPES);
    yyjson_mut_val *all = apigw_object_member(doc, resource, STR(METHOD_TYPES));
    yyjson_mut_obj_remove_keyn(all, verb.ptr, verb.len);
    if (yyjson_obj_size(types))
        apigw_set(doc, all, verb, yyjson_val_mut_copy(doc, types));
    if (yyjson_mut_obj_size(all) == 0)
        yyjson_mut_obj_remove_key(resource, METHOD_TYPES);
}

static enum err run_put(struct request *request, struct store_txn *txn)
{
    struct view view = apigw_view(request, txn);
    struct str verb = apigw_label(request, "http_method");
    yyjson_val *document;
    enum err rc = apigw_find_resource(request, &view, &document);
    if (rc == OK)
        rc = check_validator(request, &view, request_str(request, "requestValidatorId"));
    if (rc == OK)
        rc = models_check_names(request, &view, json_get(request->input, "requestModels"));
    if (rc == OK)
        rc = check_authorization(request, &view,
                                 authorization_type(request_str(request, "authorizationType")),
                                 request_str(request, "authorizerId"));
    if (rc)
        return rc;
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *resource = yyjson_val_mut_copy(doc, document), *method = yyjson_mut_obj(doc);
    yyjson_mut_val *methods = apigw_object_member(doc, resource, STR("resourceMethods"));
    if (apigw_member(methods, verb))
        return apigw_conflict(request, "Method already exists for this resource");
    rc = build_method(request, doc, method);
    if (rc == OK)
        rc = settle_authorization(request, &view, doc, method);
    if (rc)
        return rc;
    apigw_set(doc, methods, verb, method);
    keep_types(request, doc, resource, verb);
    state_put(&view,
              state_key(request->arena, "resource", apigw_label(request, "restapi_id"),
                        apigw_label(request, "resource_id")),
              resource);
    return apigw_answer(request, doc, yyjson_mut_val_mut_copy(doc, method));
}

enum err apigw_put_method(struct request *request)
{
    enum err rc = check_input(request);
    return rc ? rc : apigw_write(request, run_put);
}

enum err apigw_get_method(struct request *request)
{
    yyjson_val *method;
    enum err rc = apigw_find_method(request, &method);
    return rc ? rc : apigw_answer_copy(request, method);
}

static enum err run_delete(struct request *request, struct store_txn *txn)
{
    struct method_edit edit;
    enum err rc = apigw_edit_method(request, txn, &edit);
    if (rc)
        return rc;
    yyjson_mut_val *methods = apigw_member(edit.resource, STR("resourceMethods"));
    yyjson_mut_obj_remove_keyn(methods, edit.verb.ptr, edit.verb.len);
    if (yyjson_mut_obj_size(methods) == 0)
        yyjson_mut_obj_remove_key(edit.resource, "resourceMethods");
    apigw_save_method(&edit);
    return OK;
}

enum err apigw_delete_method(struct request *request)
{
    return apigw_write(request, run_delete);
}

/* --- Updating --- */

/* Whether the two fit together is looked at when all is changed. */
static enum err patch_authorization(struct patch_target *target, const struct patch_op *op)
{
    apigw_set_str(target->doc, target->object, STR("authorizationType"), op->value);
    return OK;
}

static enum err patch_authorizer(struct patch_target *target, const struct patch_op *op)
{
    if (op->op == PATCH_REMOVE)
        yyjson_mut_obj_remove_key(target->object, "authorizerId");
    else
        apigw_set_str(target->doc, target->object, STR("authorizerId"), op->value);
    return OK;
}

static enum err patch_validator(struct patch_target *target, const struct patch_op *op)
{
    struct str id = op->value.ptr ? op->value : STR_EMPTY;
    enum err rc = check_validator(target->request, &target->view, id);
    if (rc == OK && id.len)
        apigw_set_str(target->doc, target->object, STR("requestValidatorId"), id);
    else if (rc == OK)
        yyjson_mut_obj_remove_key(target->object, "requestValidatorId");
    return rc;
}

static enum err patch_model(struct patch_target *target, const struct patch_op *op)
{
    return op->op == PATCH_REMOVE ? OK
                                  : models_check_name(target->request, &target->view, op->value);
}

static enum err patch_parameter(struct patch_target *target, const struct patch_op *op)
{
    return check_parameter(target->request, op->parts[1]);
}

static const struct patch_rule method_rules[] = {
    {"/authorizationType", PATCH_REPLACE, PATCH_CUSTOM, patch_authorization, NULL},
    {"/authorizerId", PATCH_REPLACE | PATCH_REMOVE, PATCH_CUSTOM, patch_authorizer, NULL},
    {"/apiKeyRequired", PATCH_REPLACE, PATCH_BOOL, NULL, NULL},
    {"/operationName", PATCH_REPLACE, PATCH_STRING, NULL, NULL},
    {"/requestValidatorId", PATCH_REPLACE, PATCH_CUSTOM, patch_validator, NULL},
    {"/requestParameters/{name}", PATCH_ADD | PATCH_REPLACE | PATCH_REMOVE, PATCH_BOOL,
     patch_parameter, "Invalid parameter name specified"},
    {"/requestModels/{type}", PATCH_ADD | PATCH_REPLACE | PATCH_REMOVE, PATCH_STRING, patch_model,
     "Content-Type specified was not found"},
    {"/authorizationScopes/{scope}", PATCH_ADD | PATCH_REPLACE | PATCH_REMOVE, PATCH_SET, NULL,
     NULL},
};

static const struct patch_table method_table = PATCH_TABLE(method_rules, PATCH_STYLE_SHORT, NULL);

static enum err run_update(struct request *request, struct store_txn *txn)
{
    struct method_edit edit;
    enum err rc = apigw_edit_method(request, txn, &edit);
    if (rc)
        return rc;
    struct patch_target target = {request, edit.view, edit.doc, edit.method};
    rc = patch_apply(&target, &method_table);
    if (rc == OK)
        rc = settle_authorization(request, &edit.view, edit.doc, edit.method);
    if (rc)
        return rc;
    apigw_save_method(&edit);
    return apigw_answer(request, edit.doc, yyjson_mut_val_mut_copy(edit.doc, edit.method));
}

enum err apigw_update_method(struct request *request)
{
    return apigw_write(request, run_update);
}
