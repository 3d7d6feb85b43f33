/* Integrations: what stands behind a method. */
#include "services/apigateway/plane/compile.h"
#include "services/apigateway/integration_check.h"
#include "services/apigateway/patch.h"

static const struct str integration_member = STR_INIT("methodIntegration");

/* An internal caller has the method's and the integration's as httpMethod and integrationHttpMethod
 * (AWS's model); on the wire the one is in the path and the other is httpMethod in the body. */
static struct str integration_method(struct request *request)
{
    struct str method = request_str(request, "integrationHttpMethod");
    if (!method.ptr && json_get(request->input, "http_method"))
        method = request_str(request, "httpMethod");
    return method;
}

/* --- Checks --- */

static enum err check_method(struct request *request, struct str method)
{
    if (method.len == 0)
        return apigw_bad_request(request, "Enumeration value for HttpMethod must be non-empty");
    if (verb_of(method) == VERB_COUNT)
        return apigw_bad_request(request, "Invalid HttpMethod specified. Valid options are "
                                          "GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY");
    return OK;
}

/* The services whose operations can stand behind a method: those that speak AWS JSON. */
static bool is_known_action(struct request *request, struct str service, struct str action)
{
    enum { AWS_JSON = PROTOCOL_AWS_JSON_1_0 | PROTOCOL_AWS_JSON_1_1 };
    for (size_t i = 0; i < request->skylite->service_count; i++) {
        const struct service *candidate = request->skylite->services[i];
        if (!str_eq(service, str_from(candidate->name)) || !(candidate->protocols & AWS_JSON))
            continue;
        for (size_t j = 0; j < candidate->operation_count; j++) {
            if (str_eq(action, str_from(candidate->operations[j].name)))
                return true;
        }
    }
    return false;
}

static bool has_variables(struct str uri)
{
    return str_find(uri, STR("${stageVariables.")) >= 0;
}

/* A stage variable in an ARN is looked at when the stage is there. */
static enum err check_arn(struct request *request, struct str type, struct str uri)
{
    struct str service, action;
    if (!str_starts(uri, STR("arn:")))
        return apigw_bad_request(request, "Invalid ARN specified in the request");
    if (str_find(uri, STR(":path/")) < 0 && str_find(uri, STR(":action/")) < 0)
        return apigw_bad_request(request, "AWS ARN for integration must contain path or action");
    if (function_of_uri(uri).len)
        return OK;
    if (str_eq(type, STR("AWS_PROXY")))
        return apigw_bad_request(request, "Integrations of type 'AWS_PROXY' currently only "
                                          "supports Lambda function and Firehose stream "
                                          "invocations.");
    if (has_variables(uri) ||
        (action_of_uri(uri, &service, &action) && is_known_action(request, service, action)))
        return OK;
    return apigw_bad_request(request,
                             "Integrations of type 'AWS' are supported for Lambda functions and "
                             "for the operations (action/NAME) of dynamodb and logs, not for %.*s",
                             STR_ARG(uri));
}

static enum err check_uri(struct request *request, struct str type, struct str uri)
{
    if (str_eq(type, STR("MOCK")))
        return OK;
    if (str_starts(type, STR("AWS")))
        return check_arn(request, type, uri);
    if (!str_starts(uri, STR("http://")) && !str_starts(uri, STR("https://")))
        return apigw_bad_request(request, "Invalid HTTP endpoint specified for URI");
    return OK;
}

enum err integration_check_credentials(struct request *request, struct str role)
{
    if (!role.len)
        return OK;
    if (!str_starts(role, STR("arn:")) || str_find(role, STR(":role/")) < 0)
        return apigw_bad_request(request, "Invalid ARN specified in the request");
    return request_authorize_pass_role(request, role, STR("apigateway.amazonaws.com"), STR_EMPTY);
}

/* Besides roles, an integration may have the credentials of who calls it. */
static enum err check_own_credentials(struct request *request, struct str credentials)
{
    return str_eq(credentials, CALLER_CREDENTIALS)
               ? OK
               : integration_check_credentials(request, credentials);
}

/* API Gateway may invoke a function by the function's policy; to call any other operation it needs
 * a role. */
static enum err check_role_is_given(struct request *request, struct str type, struct str uri,
                                    struct str credentials)
{
    if (!str_eq(type, STR("AWS")) || credentials.len || function_of_uri(uri).len)
        return OK;
    return apigw_bad_request(request, "Role ARN must be specified for AWS integrations");
}

static enum err check_links(struct request *request)
{
    struct str type = request_str(request, "connectionType");
    if (str_eq(type, STR("VPC_LINK")))
        return apigw_bad_request(request, "Integrations over VPC links are not supported");
    if (json_get(request->input, "tlsConfig"))
        return apigw_bad_request(request, "A tlsConfig of integrations is not supported");
    return apigw_check_enum(request, "connectionType", type, "[INTERNET, VPC_LINK]");
}

static enum err check_timeout(struct request *request)
{
    int64_t timeout_ms;
    if (json_get_i64(request->input, "timeoutInMillis", &timeout_ms) &&
        (timeout_ms < 50 || timeout_ms > MAX_INTEGRATION_TIMEOUT_MS))
        return apigw_bad_request(request, "Timeout should be between 50 ms and 29000 ms");
    return OK;
}

static enum err check_type(struct request *request)
{
    struct str type = request_str(request, "type");
    enum err rc = apigw_require(request, "type");
    if (rc == OK)
        rc = apigw_check_enum(request, "type", type, "[HTTP, MOCK, AWS_PROXY, HTTP_PROXY, AWS]");
    if (rc == OK && !str_eq(type, STR("MOCK")))
        rc = check_method(request, integration_method(request));
    return rc ? rc : check_uri(request, type, request_str(request, "uri"));
}

static enum err check_input(struct request *request)
{
    enum err rc = check_type(request);
    if (rc == OK)
        rc = check_links(request);
    if (rc == OK)
        rc = check_own_credentials(request, request_str(request, "credentials"));
    if (rc == OK)
        rc = check_role_is_given(request, request_str(request, "type"), request_str(request, "uri"),
                                 request_str(request, "credentials"));
    if (rc == OK)
        rc = check_timeout(request);
    if (rc == OK)
        rc = integration_check_handling(request, request_str(request, "contentHandling"));
    if (rc == OK)
        rc = apigw_check_enum(request, "passthroughBehavior",
                              request_str(request, "passthroughBehavior"),
                              "[WHEN_NO_MATCH, WHEN_NO_TEMPLATES, NEVER]");
    return rc ? rc
              : integration_check_templates(request, json_get(request->input, "requestTemplates"));
}

/* Those of the stored or changed integration, against what its method declares. */
static enum err check_mappings(struct request *request, yyjson_mut_val *method,
                               yyjson_mut_val *integration)
{
    yyjson_mut_val *declared = apigw_member(method, STR("requestParameters")), *key, *value;
    size_t i, max;
    yyjson_mut_obj_foreach (apigw_member(integration, STR("requestParameters")), i, max, key,
                            value) {
        enum err rc = integration_check_mapping(request, MAPPING_OF_REQUEST, declared,
                                                apigw_mut_str(key), apigw_mut_str(value));
        if (rc)
            return rc;
    }
    return OK;
}

/* --- Operations --- */

static enum err build(struct request *request, yyjson_mut_doc *doc, yyjson_mut_val *integration)
{
    static const struct member members[] = {
        {"type", MEMBER_STRING},
        {"uri", MEMBER_STRING},
        {"connectionType", MEMBER_STRING},
        {"credentials", MEMBER_STRING},
        {"requestParameters", MEMBER_STRING_MAP},
        {"requestTemplates", MEMBER_STRING_MAP},
        {"passthroughBehavior", MEMBER_STRING},
        {"contentHandling", MEMBER_STRING},
        {"timeoutInMillis", MEMBER_INTEGER},
        {"cacheNamespace", MEMBER_STRING},
        {"cacheKeyParameters", MEMBER_STRING_LIST},
    };
    struct str method = integration_method(request);
    json_add_str(doc, integration, "passthroughBehavior", STR("WHEN_NO_MATCH"));
    json_add_i64(doc, integration, "timeoutInMillis", MAX_INTEGRATION_TIMEOUT_MS);
    json_add_str(doc, integration, "cacheNamespace", apigw_label(request, "resource_id"));
    json_add_arr(doc, integration, "cacheKeyParameters");
    if (method.len)
        json_add_str(doc, integration, "httpMethod", method);
    enum err rc = APIGW_COPY(request, doc, integration, request->input, members);
    struct str type = json_mut_get_str(integration, "type");
    if (str_starts(type, STR("HTTP")) && !apigw_member(integration, STR("connectionType")))
        json_add_str(doc, integration, "connectionType", STR("INTERNET"));
    if (str_eq(type, STR("MOCK"))) {
        yyjson_mut_obj_remove_key(integration, "httpMethod");
        yyjson_mut_obj_remove_key(integration, "uri");
    }
    return rc;
}

static enum err run_put(struct request *request, struct store_txn *txn)
{
    struct method_edit edit;
    enum err rc = apigw_edit_method(request, txn, &edit);
    if (rc)
        return rc;
    yyjson_mut_val *integration = yyjson_mut_obj(edit.doc);
    rc = build(request, edit.doc, integration);
    if (rc == OK)
        rc = check_mappings(request, edit.method, integration);
    if (rc)
        return rc;
    apigw_set(edit.doc, edit.method, integration_member, integration);
    apigw_save_method(&edit);
    return apigw_answer(request, edit.doc, yyjson_mut_val_mut_copy(edit.doc, integration));
}

enum err apigw_put_integration(struct request *request)
{
    enum err rc = check_input(request);
    return rc ? rc : apigw_write(request, run_put);
}

enum err apigw_get_integration(struct request *request)
{
    yyjson_val *method, *integration;
    enum err rc = apigw_find_method(request, &method);
    if (rc)
        return rc;
    integration = json_get(method, "methodIntegration");
    return integration ? apigw_answer_copy(request, integration)
                       : apigw_not_found(request, "Invalid Integration identifier specified");
}

static enum err edit_integration(struct request *request, struct store_txn *txn,
                                 struct method_edit *edit, yyjson_mut_val **out)
{
    enum err rc = apigw_edit_method(request, txn, edit);
    if (rc)
        return rc;
    *out = apigw_member(edit->method, integration_member);
    return *out ? OK : apigw_not_found(request, "Invalid Integration identifier specified");
}

static enum err run_delete(struct request *request, struct store_txn *txn)
{
    struct method_edit edit;
    yyjson_mut_val *integration;
    enum err rc = edit_integration(request, txn, &edit, &integration);
    if (rc)
        return rc;
    yyjson_mut_obj_remove_key(edit.method, integration_member.ptr);
    apigw_save_method(&edit);
    return OK;
}

enum err apigw_delete_integration(struct request *request)
{
    return apigw_write(request, run_delete);
}

/* --- Updating --- */

static enum err patch_uri(struct patch_target *target, const struct patch_op *op)
{
    struct str type = apigw_mut_str(apigw_member(target->object, STR("type")));
    enum err rc = check_uri(target->request, type, op->value);
    if (rc == OK)
        apigw_set_str(target->doc, target->object, STR("uri"), op->value);
    return rc;
}

static enum err patch_method(struct patch_target *target, const struct patch_op *op)
{
    enum err rc = check_method(target->request, op->value);
    if (rc == OK)
        apigw_set_str(target->doc, target->object, STR("httpMethod"), op->value);
    return rc;
}

static enum err patch_credentials(struct patch_target *target, const struct patch_op *op)
{
    return op->op == PATCH_REMOVE ? OK : check_own_credentials(target->request, op->value);
}

static enum err patch_handling(struct patch_target *target, const struct patch_op *op)
{
    return op->op == PATCH_REMOVE ? OK : integration_check_handling(target->request, op->value);
}

static enum err patch_timeout(struct patch_target *target, const struct patch_op *op)
{
    uint64_t timeout_ms;
    if (!str_to_u64(op->value, &timeout_ms) || timeout_ms < 50 ||
        timeout_ms > MAX_INTEGRATION_TIMEOUT_MS)
        return apigw_bad_request(target->request, "Timeout should be between 50 ms and 29000 ms");
    apigw_set(target->doc, target->object, STR("timeoutInMillis"),
              yyjson_mut_uint(target->doc, timeout_ms));
    return OK;
}

static enum err patch_template(struct patch_target *target, const struct patch_op *op)
{
    return op->op == PATCH_REMOVE
               ? OK
               : integration_check_template(target->request, op->parts[1], op->value);
}

static enum err patch_passthrough(struct patch_target *target, const struct patch_op *op)
{
    enum err rc = apigw_check_enum(target->request, "passthroughBehavior", op->value,
                                   "[WHEN_NO_MATCH, WHEN_NO_TEMPLATES, NEVER]");
    if (rc == OK)
        apigw_set_str(target->doc, target->object, STR("passthroughBehavior"), op->value);
    return rc;
}

static const struct patch_rule integration_rules[] = {
    {"/uri", PATCH_REPLACE, PATCH_CUSTOM, patch_uri, NULL},
    {"/httpMethod", PATCH_REPLACE, PATCH_CUSTOM, patch_method, NULL},
    {"/timeoutInMillis", PATCH_REPLACE, PATCH_CUSTOM, patch_timeout, NULL},
    {"/passthroughBehavior", PATCH_REPLACE, PATCH_CUSTOM, patch_passthrough, NULL},
    {"/contentHandling", PATCH_REPLACE | PATCH_REMOVE, PATCH_STRING, patch_handling, NULL},
    {"/credentials", PATCH_REPLACE | PATCH_REMOVE, PATCH_STRING, patch_credentials, NULL},
    {"/requestParameters/{name}", PATCH_ADD | PATCH_REPLACE | PATCH_REMOVE, PATCH_STRING, NULL,
     "Invalid parameter name specified"},
    {"/cacheNamespace", PATCH_REPLACE, PATCH_STRING, NULL, NULL},
    {"/cacheKeyParameters/{name}", PATCH_ADD | PATCH_REMOVE, PATCH_SET, NULL, NULL},
    {"/requestTemplates/{type}", PATCH_ADD | PATCH_REPLACE | PATCH_REMOVE, PATCH_STRING,
     patch_template, "Content-Type specified was not found"},
};

static const struct patch_table integration_table =
    PATCH_TABLE(integration_rules, PATCH_STYLE_SHORT, NULL);

static enum err run_update(struct request *request, struct store_txn *txn)
{
    struct method_edit edit;
    yyjson_mut_val *integration;
    enum err rc = edit_integration(request, txn, &edit, &integration);
    if (rc)
        return rc;
    struct patch_target target = {request, edit.view, edit.doc, integration};
    rc = patch_apply(&target, &integration_table);
    if (rc == OK)
        rc = check_role_is_given(request, json_mut_get_str(integration, "type"),
                                 json_mut_get_str(integration, "uri"),
                                 json_mut_get_str(integration, "credentials"));
    if (rc == OK)
        rc = check_mappings(request, edit.method, integration);
    if (rc)
        return rc;
    apigw_save_method(&edit);
    return apigw_answer(request, edit.doc, yyjson_mut_val_mut_copy(edit.doc, integration));
}

enum err apigw_update_integration(struct request *request)
{
    return apigw_write(request, run_update);
}
