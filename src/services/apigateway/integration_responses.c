/* Integration responses: how what an integration gives becomes a method response. */
#include "services/apigateway/plane/compile.h"
#include "services/apigateway/integration_check.h"
#include "services/apigateway/patch.h"
#include "services/apigateway/velocity/velocity.h"
#include "wire/regex.h"

/* --- Checks --- */

static bool type_is_valid(struct str type)
{
    ptrdiff_t slash = str_find_byte(type, '/', 0);
    return slash > 0 && (size_t)slash + 1 < type.len && header_value_is_valid(type);
}

enum err integration_check_template(struct request *request, struct str type, struct str text)
{
    if (!type_is_valid(type))
        return apigw_bad_request(
            request,
            "Validation Result: warnings : [], errors : [Invalid content type specified: %.*s]",
            STR_ARG(type));
    struct velocity *velocity;
    struct error error;
    if (velocity_parse(request->arena, text, &velocity, &error) == OK)
        return OK;
    return apigw_bad_request(request,
                             "Validation Result: warnings : [], errors : [Invalid mapping template "
                             "specified for %.*s: %s]",
                             STR_ARG(type), error.message);
}

enum err integration_check_templates(struct request *request, yyjson_val *templates)
{
    size_t i, max;
    yyjson_val *key, *value;
    yyjson_obj_foreach (templates, i, max, key, value) {
        enum err rc = integration_check_template(request, json_str(key), json_str(value));
        if (rc)
            return rc;
    }
    return OK;
}

static enum err bad_mapping(struct request *request, const char *what, struct str text)
{
    return apigw_bad_request(request,
                             "Invalid mapping expression specified: Validation Result: warnings : "
                             "[], errors : [Invalid mapping expression %sspecified: %.*s]",
                             what, STR_ARG(text));
}

/* Whether the source is a parameter that the method has to declare. */
static bool is_parameter(const struct mapping *mapping)
{
    return mapping->source == MAPPING_HEADER || mapping->source == MAPPING_QUERY ||
           mapping->source == MAPPING_PATH;
}

enum err integration_check_mapping(struct request *request, enum mapping_side side,
                                   yyjson_mut_val *declared, struct str name, struct str expression)
{
    struct mapping mapping;
    bool is_response = side == MAPPING_OF_RESPONSE;
    if (is_response && !apigw_member(declared, name))
        return bad_mapping(request, "parameter ", name);
    if (!mapping_parse(side, name, expression, &mapping))
        return bad_mapping(request, "", is_response ? expression : name);
    if (!is_response && is_parameter(&mapping) && !apigw_member(declared, expression))
        return bad_mapping(request, "parameter ", expression);
    return OK;
}

enum err integration_check_pattern(struct request *request, struct str pattern)
{
    if (pattern.len && !regex_compile(request->arena, REGEX_JAVA, pattern))
        return apigw_bad_request(request, "Invalid selection pattern specified: %.*s",
                                 STR_ARG(pattern));
    return OK;
}

enum err integration_check_handling(struct request *request, struct str handling)
{
    return apigw_check_enum(request, "contentHandling", handling,
                            "[CONVERT_TO_BINARY, CONVERT_TO_TEXT]");
}

/* --- Operations --- */

/* Loads the method, its integration and, of the label status_code, the method's response (NULL
 * when there is none). */
struct response_edit {
    struct method_edit method;
    struct str code;
    yyjson_mut_val *integration;
    yyjson_mut_val *declared; /* responseParameters of the method response */
};

static enum err edit_integration(struct request *request, struct store_txn *txn,
                                 struct response_edit *out)
{
    enum err rc = apigw_edit_method(request, txn, &out->method);
    if (rc)
        return rc;
    yyjson_mut_val *method = out->method.method;
    out->code = apigw_label(request, "status_code");
    out->integration = apigw_member(method, STR("methodIntegration"));
    out->declared =
        apigw_member(apigw_member(apigw_member(method, STR("methodResponses")), out->code),
                     STR("responseParameters"));
    return out->integration ? OK
                            : apigw_not_found(request, "Invalid Integration identifier specified");
}

static enum err check_mappings(struct request *request, yyjson_mut_val *declared)
{
    size_t i, max;
    yyjson_val *key, *value;
    yyjson_obj_foreach (json_get(request->input, "responseParameters"), i, max, key, value) {
        enum err rc = integration_check_mapping(request, MAPPING_OF_RESPONSE, declared,
                                                json_str(key), json_str(value));
        if (rc)
            return rc;
    }
    return OK;
}

/* An empty template is none: bodies pass as they are. */
static void empty_to_null(yyjson_mut_val *templates)
{
    size_t i, max;
    yyjson_mut_val *type, *text;
    yyjson_mut_obj_foreach (templates, i, max, type, text) {
        if (apigw_mut_str(text).len == 0)
            yyjson_mut_set_null(text);
    }
}

static enum err run_put(struct request *request, struct store_txn *txn)
{
    static const struct member members[] = {
        {"selectionPattern", MEMBER_STRING},
        {"responseParameters", MEMBER_STRING_MAP},
        {"responseTemplates", MEMBER_STRING_MAP},
        {"contentHandling", MEMBER_STRING},
    };
    struct response_edit edit;
    enum err rc = edit_integration(request, txn, &edit);
    if (rc == OK)
        rc = check_mappings(request, edit.declared);
    if (rc)
        return rc;
    yyjson_mut_doc *doc = edit.method.doc;
    yyjson_mut_val *response = yyjson_mut_obj(doc);
    apigw_set_str(doc, response, STR("statusCode"), edit.code);
    rc = APIGW_COPY(request, doc, response, request->input, members);
    if (rc)
        return rc;
    empty_to_null(apigw_member(response, STR("responseTemplates")));
    apigw_set(doc, apigw_object_member(doc, edit.integration, STR("integrationResponses")),
              edit.code, response);
    apigw_save_method(&edit.method);
    return apigw_answer(request, doc, yyjson_mut_val_mut_copy(doc, response));
}

enum err apigw_put_integration_response(struct request *request)
{
    struct str code;
    enum err rc = apigw_status_code(request, &code);
    if (rc == OK)
        rc = integration_check_templates(request, json_get(request->input, "responseTemplates"));
    if (rc == OK)
        rc = integration_check_pattern(request, request_str(request, "selectionPattern"));
    if (rc == OK)
        rc = integration_check_handling(request, request_str(request, "contentHandling"));
    return rc ? rc : apigw_write(request, run_put);
}

enum err apigw_get_integration_response(struct request *request)
{
    struct str code;
    yyjson_val *method, *integration, *response;
    enum err rc = apigw_status_code(request, &code);
    if (rc == OK)
        rc = apigw_find_method(request, &method);
    if (rc)
        return rc;
    integration = json_get(method, "methodIntegration");
    if (!integration)
        return apigw_not_found(request, "Invalid Integration identifier specified");
    response = yyjson_obj_getn(json_get(integration, "integrationResponses"), code.ptr, code.len);
    return response ? apigw_answer_copy(request, response)
                    : apigw_not_found(request, "Invalid Response status code specified");
}

static enum err edit_response(struct request *request, struct store_txn *txn,
                              struct response_edit *edit, yyjson_mut_val **out)
{
    enum err rc = edit_integration(request, txn, edit);
    if (rc)
        return rc;
    *out = apigw_member(apigw_member(edit->integration, STR("integrationResponses")), edit->code);
    return *out ? OK : apigw_not_found(request, "Invalid Response status code specified");
}

static enum err run_delete(struct request *request, struct store_txn *txn)
{
    struct view view = apigw_view(request, txn);
    struct response_edit edit = {0};
    yyjson_mut_val *response;
    yyjson_val *resource;
    enum err rc = apigw_find_resource(request, &view, &resource);
    if (rc)
        return rc;
    rc = edit_response(request, txn, &edit, &response);
    if (rc == ERR_APIGW_NOT_FOUND && !edit.method.method)
        rc = apigw_not_found(request, "Invalid Integration identifier specified");
    if (rc)
        return rc;
    yyjson_mut_val *all = apigw_member(edit.integration, STR("integrationResponses"));
    yyjson_mut_obj_remove_keyn(all, edit.code.ptr, edit.code.len);
    if (yyjson_mut_obj_size(all) == 0)
        yyjson_mut_obj_remove_key(edit.integration, "integrationResponses");
    apigw_save_method(&edit.method);
    return OK;
}

enum err apigw_delete_integration_response(struct request *request)
{
    struct str code;
    enum err rc = apigw_status_code(request, &code);
    return rc ? rc : apigw_write(request, run_delete);
}

/* --- Updating --- */

static enum err patch_pattern(struct patch_target *target, const struct patch_op *op)
{
    enum err rc = integration_check_pattern(target->request, op->value);
    if (rc == OK)
        apigw_set_str(target->doc, target->object, STR("selectionPattern"), op->value);
    return rc;
}

static enum err patch_template(struct patch_target *target, const struct patch_op *op)
{
    return op->op == PATCH_REMOVE
               ? OK
               : integration_check_template(target->request, op->parts[1], op->value);
}

static enum err patch_handling(struct patch_target *target, const struct patch_op *op)
{
    return op->op == PATCH_REMOVE ? OK : integration_check_handling(target->request, op->value);
}

static const struct patch_rule response_rules[] = {
    {"/selectionPattern", PATCH_REPLACE, PATCH_CUSTOM, patch_pattern, NULL},
    {"/responseParameters/{name}", PATCH_ADD | PATCH_REPLACE | PATCH_REMOVE, PATCH_STRING, NULL,
     "Invalid parameter name specified"},
    {"/responseTemplates/{type}", PATCH_ADD | PATCH_REPLACE | PATCH_REMOVE, PATCH_STRING,
     patch_template, "Content-Type specified was not found"},
    {"/contentHandling", PATCH_REPLACE | PATCH_REMOVE, PATCH_STRING, patch_handling, NULL},
};

static const struct patch_table response_table =
    PATCH_TABLE(response_rules, PATCH_STYLE_SHORT, NULL);

static enum err check_patched(struct request *request, yyjson_mut_val *declared,
                              yyjson_mut_val *response)
{
    size_t i, max;
    yyjson_mut_val *key, *value;
    yyjson_mut_obj_foreach (apigw_member(response, STR("responseParameters")), i, max, key, value) {
        enum err rc = integration_check_mapping(request, MAPPING_OF_RESPONSE, declared,
                                                apigw_mut_str(key), apigw_mut_str(value));
        if (rc)
            return rc;
    }
    return OK;
}

static enum err run_update(struct request *request, struct store_txn *txn)
{
    struct response_edit edit;
    yyjson_mut_val *response;
    enum err rc = edit_response(request, txn, &edit, &response);
    if (rc)
        return rc;
    struct patch_target target = {request, edit.method.view, edit.method.doc, response};
    rc = patch_apply(&target, &response_table);
    if (rc == OK)
        rc = check_patched(request, edit.declared, response);
    if (rc)
        return rc;
    apigw_save_method(&edit.method);
    return apigw_answer(request, edit.method.doc,
                        yyjson_mut_val_mut_copy(edit.method.doc, response));
}

enum err apigw_update_integration_response(struct request *request)
{
    enum err rc = patch_check(request, apigw_status_violation(request));
    return rc ? rc : apigw_write(request, run_update);
}
