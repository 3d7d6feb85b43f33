/* Method responses: what a method may answer. */
#include "services/apigateway/models.h"
#include "services/apigateway/patch.h"

#define BAD_PARAMETER                                                                              \
    "Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid "   \
    "mapping expression parameter specified: %.*s]"

static const struct str header_prefix = STR_INIT("method.response.header.");

static bool parameter_is_valid(struct str name)
{
    return str_starts(name, header_prefix) &&
           header_name_is_valid(str_slice(name, header_prefix.len, name.len));
}

static enum err check_parameters(struct request *request)
{
    size_t i, max;
    yyjson_val *key, *value;
    yyjson_obj_foreach (json_get(request->input, "responseParameters"), i, max, key, value) {
        if (!parameter_is_valid(json_str(key)))
            return apigw_bad_request(request, BAD_PARAMETER, STR_ARG(json_str(key)));
    }
    return OK;
}

static enum err run_put(struct request *request, struct store_txn *txn)
{
    static const struct member members[] = {
        {"responseParameters", MEMBER_BOOL_MAP},
        {"responseModels", MEMBER_STRING_MAP},
    };
    struct method_edit edit;
    struct str code = apigw_label(request, "status_code");
    enum err rc = apigw_edit_method(request, txn, &edit);
    if (rc == OK)
        rc = models_check_names(request, &edit.view, json_get(request->input, "responseModels"));
    if (rc)
        return rc;
    yyjson_mut_val *response = yyjson_mut_obj(edit.doc);
    yyjson_mut_val *all = apigw_object_member(edit.doc, edit.method, STR("methodResponses"));
    if (apigw_member(all, code))
        return apigw_conflict(request, "Response already exists for this resource");
    apigw_set_str(edit.doc, response, STR("statusCode"), code);
    rc = APIGW_COPY(request, edit.doc, response, request->input, members);
    if (rc)
        return rc;
    apigw_set(edit.doc, all, code, response);
    apigw_save_method(&edit);
    return apigw_answer(request, edit.doc, yyjson_mut_val_mut_copy(edit.doc, response));
}

enum err apigw_put_method_response(struct request *request)
{
    struct str code;
    enum err rc = apigw_status_code(request, &code);
    if (rc == OK)
        rc = check_parameters(request);
    return rc ? rc : apigw_write(request, run_put);
}

enum err apigw_get_method_response(struct request *request)
{
    struct str code;
    yyjson_val *method, *response;
    enum err rc = apigw_status_code(request, &code);
    if (rc == OK)
        rc = apigw_find_method(request, &method);
    if (rc)
        return rc;
    response = yyjson_obj_getn(json_get(method, "methodResponses"), code.ptr, code.len);
    return response ? apigw_answer_copy(request, response)
                    : apigw_not_found(request, "Invalid Response status code specified");
}

/* Loads the method and the response of the label status_code in it. */
static enum err edit_response(struct request *request, struct store_txn *txn,
                              struct method_edit *edit, yyjson_mut_val **out)
{
    struct str code = apigw_label(request, "status_code");
    enum err rc = apigw_edit_method(request, txn, edit);
    if (rc)
        return rc;
    *out = apigw_member(apigw_member(edit->method, STR("methodResponses")), code);
    return *out ? OK : apigw_not_found(request, "Invalid Response status code specified");
}

static enum err run_delete(struct request *request, struct store_txn *txn)
{
    struct method_edit edit;
    yyjson_mut_val *response;
    struct str code = apigw_label(request, "status_code");
    enum err rc = edit_response(request, txn, &edit, &response);
    if (rc)
        return rc;
    yyjson_mut_val *all = apigw_member(edit.method, STR("methodResponses"));
    yyjson_mut_obj_remove_keyn(all, code.ptr, code.len);
    if (yyjson_mut_obj_size(all) == 0)
        yyjson_mut_obj_remove_key(edit.method, "methodResponses");
    apigw_save_method(&edit);
    return OK;
}

enum err apigw_delete_method_response(struct request *request)
{
    struct str code;
    enum err rc = apigw_status_code(request, &code);
    return rc ? rc : apigw_write(request, run_delete);
}

/* --- Updating --- */

static enum err patch_parameter(struct patch_target *target, const struct patch_op *op)
{
    return parameter_is_valid(op->parts[1])
               ? OK
               : apigw_bad_request(target->request, BAD_PARAMETER, STR_ARG(op->parts[1]));
}

static enum err patch_model(struct patch_target *target, const struct patch_op *op)
{
    return op->op == PATCH_REMOVE ? OK
                                  : models_check_name(target->request, &target->view, op->value);
}

static const struct patch_rule response_rules[] = {
    {"/responseParameters/{name}", PATCH_ADD | PATCH_REPLACE | PATCH_REMOVE, PATCH_BOOL,
     patch_parameter, "Invalid parameter name specified"},
    {"/responseModels/{type}", PATCH_ADD | PATCH_REPLACE | PATCH_REMOVE, PATCH_STRING, patch_model,
     "Content-Type specified was not found"},
};

static const struct patch_table response_table =
    PATCH_TABLE(response_rules, PATCH_STYLE_SHORT, NULL);

static enum err run_update(struct request *request, struct store_txn *txn)
{
    struct method_edit edit;
    yyjson_mut_val *response;
    enum err rc = edit_response(request, txn, &edit, &response);
    if (rc)
        return rc;
    struct patch_target target = {request, edit.view, edit.doc, response};
    rc = patch_apply(&target, &response_table);
    if (rc)
        return rc;
    apigw_save_method(&edit);
    return apigw_answer(request, edit.doc, yyjson_mut_val_mut_copy(edit.doc, response));
}

enum err apigw_update_method_response(struct request *request)
{
    enum err rc = patch_check(request, apigw_status_violation(request));
    return rc ? rc : apigw_write(request, run_update);
}
