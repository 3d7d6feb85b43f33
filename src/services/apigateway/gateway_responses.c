/* Gateway responses: how the gateway's own answers look. What was given is stored; what was not is
 * filled in when it is read. */
#include "services/apigateway/patch.h"

#define DEFAULT_TEMPLATE "{\"message\":$context.error.messageString}"

#define TYPES                                                                                      \
    "[REQUEST_TOO_LARGE, RESOURCE_NOT_FOUND, AUTHORIZER_CONFIGURATION_ERROR, "                     \
    "MISSING_AUTHENTICATION_TOKEN, BAD_REQUEST_BODY, INVALID_SIGNATURE, INVALID_API_KEY, "         \
    "BAD_REQUEST_PARAMETERS, AUTHORIZER_FAILURE, UNAUTHORIZED, INTEGRATION_TIMEOUT, "              \
    "ACCESS_DENIED, DEFAULT_4XX, DEFAULT_5XX, WAF_FILTERED, QUOTA_EXCEEDED, THROTTLED, "           \
    "API_CONFIGURATION_ERROR, UNSUPPORTED_MEDIA_TYPE, INTEGRATION_FAILURE, EXPIRED_TOKEN]"

static struct str key_of(struct request *request, struct str type)
{
    return state_key(request->arena, "gatewayresponse", apigw_label(request, "restapi_id"), type);
}

static enum err check_type(struct request *request)
{
    struct str type = apigw_label(request, "response_type");
    if (gateway_type_of(type) < GATEWAY_TYPE_COUNT)
        return OK;
    return request_fail(request, ERR_VALIDATION,
                        "1 validation error detected: Value '%.*s' at 'responseType' failed to "
                        "satisfy constraint: Member must satisfy enum value set: " TYPES,
                        STR_ARG(type));
}

static enum err check_api(struct request *request, const struct view *view)
{
    yyjson_val *api;
    return apigw_find_api(request, view, apigw_label(request, "restapi_id"), &api);
}

/* --- Reading --- */

static struct str status_text(enum gateway_type type)
{
    static const struct str texts[GATEWAY_TYPE_COUNT] = {
#define GATEWAY_TYPE(name, status, message, error_type) [GATEWAY_##name] = STR_INIT(#status),
#include "services/apigateway/plane/gateway_types.def"
#undef GATEWAY_TYPE
    };
    return texts[type];
}

/* The answer for a type: of its own document, else of its default's, else AWS's. */
static yyjson_mut_val *complete(yyjson_mut_doc *doc, enum gateway_type type, yyjson_val *own,
                                yyjson_val *fallback)
{
    yyjson_mut_val *answer = yyjson_mut_obj(doc);
    yyjson_val *given = own ? own : fallback;
    yyjson_val *status = json_get(given, "statusCode");
    yyjson_val *parameters = json_get(given, "responseParameters");
    yyjson_val *templates = json_get(given, "responseTemplates");
    json_add_bool(doc, answer, "defaultResponse", !own);
    json_add_str(doc, answer, "responseType", gateway_type_name(type));
    if (status)
        json_add_copy(doc, answer, "statusCode", status);
    else if (gateway_type_status(type))
        apigw_set_str(doc, answer, STR("statusCode"), status_text(type));
    if (parameters)
        json_add_copy(doc, answer, "responseParameters", parameters);
    else
        json_add_obj(doc, answer, "responseParameters");
    if (yyjson_obj_size(templates))
        json_add_copy(doc, answer, "responseTemplates", templates);
    else
        json_add_str(doc, json_add_obj(doc, answer, "responseTemplates"), "application/json",
                     STR(DEFAULT_TEMPLATE));
    return answer;
}

static enum err read_response(struct request *request, const struct view *view,
                              enum gateway_type type, yyjson_mut_doc *doc, yyjson_mut_val **out)
{
    yyjson_val *own, *fallback = NULL;
    int status = gateway_type_status(type);
    enum err rc = state_get(view, key_of(request, gateway_type_name(type)), &own);
    if (rc == OK && status)
        rc =
            state_get(view, key_of(request, status < 500 ? STR("DEFAULT_4XX") : STR("DEFAULT_5XX")),
                      &fallback);
    if (rc == OK)
        *out = complete(doc, type, own, fallback);
    return rc;
}

enum err apigw_get_gateway_response(struct request *request)
{
    struct view view = apigw_view(request, NULL);
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *answer;
    enum err rc = check_type(request);
    if (rc == OK)
        rc = check_api(request, &view);
    if (rc == OK)
        rc = read_response(request, &view, gateway_type_of(apigw_label(request, "response_type")),
                           doc, &answer);
    return rc ? rc : apigw_answer(request, doc, answer);
}

enum err apigw_get_gateway_responses(struct request *request)
{
    struct view view = apigw_view(request, NULL);
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *answer = yyjson_mut_obj(doc), *item;
    yyjson_mut_val *items = json_add_arr(doc, answer, "item");
    struct str after;
    size_t limit;
    enum err rc = apigw_page(request, &after, &limit);
    int first = after.len ? (int)gateway_type_of(after) + 1 : 0, type = first;
    if (rc == OK)
        rc = check_api(request, &view);
    for (; rc == OK && type < GATEWAY_TYPE_COUNT && (size_t)(type - first) < limit; type++) {
        rc = read_response(request, &view, (enum gateway_type)type, doc, &item);
        if (rc == OK)
            yyjson_mut_arr_append(items, item);
    }
    if (rc == OK && type < GATEWAY_TYPE_COUNT)
        apigw_add_position(request, doc, answer, gateway_type_name((enum gateway_type)(type - 1)));
    return rc ? rc : apigw_answer(request, doc, answer);
}

/* --- Writing --- */

static enum err check_parameter(struct request *request, struct str name, struct str expression)
{
    struct mapping mapping;
    if (expression.len == 0)
        return apigw_bad_request(request, "Invalid null or empty value in responseParameters");
    if (mapping_parse(MAPPING_OF_GATEWAY, name, expression, &mapping))
        return OK;
    return apigw_bad_request(request, "Invalid mapping expression specified: %.*s: %.*s",
                             STR_ARG(name), STR_ARG(expression));
}

static enum err check_status(struct request *request, struct str status)
{
    uint64_t number;
    if (!status.ptr || (str_to_u64(status, &number) && number >= 100 && number <= 599))
        return OK;
    return apigw_bad_request(request, "Invalid status code specified: %.*s", STR_ARG(status));
}

/* The parts of a document, new or patched. */
static enum err check_document(struct request *request, yyjson_mut_val *document)
{
    size_t i, max;
    yyjson_mut_val *key, *value;
    enum err rc = check_status(request, apigw_mut_str(apigw_member(document, STR("statusCode"))));
    yyjson_mut_obj_foreach (apigw_member(document, STR("responseParameters")), i, max, key, value) {
        if (rc == OK)
            rc = check_parameter(request, apigw_mut_str(key), apigw_mut_str(value));
    }
    yyjson_mut_obj_foreach (apigw_member(document, STR("responseTemplates")), i, max, key, value) {
        if (rc == OK && apigw_mut_str(value).len == 0)
            rc = apigw_bad_request(request, "Invalid null or empty value in responseTemplates");
        if (rc == OK && !header_value_is_valid(apigw_mut_str(key)))
            rc = apigw_bad_request(request, "Invalid content type specified");
    }
    return rc;
}

static enum err answer_type(struct request *request, const struct view *view)
{
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *answer;
    enum err rc = read_response(
        request, view, gateway_type_of(apigw_label(request, "response_type")), doc, &answer);
    return rc ? rc : apigw_answer(request, doc, answer);
}

static enum err run_put(struct request *request, struct store_txn *txn)
{
    static const struct member members[] = {
        {"responseParameters", MEMBER_STRING_MAP},
        {"responseTemplates", MEMBER_STRING_MAP},
    };
    struct view view = apigw_view(request, txn);
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *document = yyjson_mut_obj(doc);
    yyjson_val *status = json_get(request->input, "statusCode");
    enum err rc = check_api(request, &view);
    if (rc == OK)
        rc = APIGW_COPY(request, doc, document, request->input, members);
    if (status && !yyjson_is_null(status))
        apigw_set_str(doc, document, STR("statusCode"), apigw_label(request, "status_code"));
    if (rc == OK)
        rc = check_document(request, document);
    if (rc)
        return rc;
    state_put(&view, key_of(request, apigw_label(request, "response_type")), document);
    return answer_type(request, &view);
}

enum err apigw_put_gateway_response(struct request *request)
{
    enum err rc = check_type(request);
    return rc ? rc : apigw_write(request, run_put);
}

static const struct patch_rule response_rules[] = {
    {"/statusCode", PATCH_REPLACE, PATCH_STRING, NULL, NULL},
    {"/responseParameters/{name}", PATCH_ADD | PATCH_REPLACE | PATCH_REMOVE, PATCH_STRING, NULL,
     "Invalid parameter name specified"},
    {"/responseTemplates/{type}", PATCH_ADD | PATCH_REPLACE | PATCH_REMOVE, PATCH_STRING, NULL,
     "Content-Type specified was not found"},
};

static const struct patch_table response_table =
    PATCH_TABLE(response_rules, PATCH_STYLE_SHORT, NULL);

static enum err check_ops(struct request *request)
{
    struct patch_op *ops;
    size_t count;
    enum err rc = patch_read(request, &ops, &count);
    /* Alone among the resources, its status is not one that has an operation but the path. */
    for (size_t i = 0; rc == OK && i < count; i++) {
        if (str_eq(ops[i].path, STR("/statusCode")) && ops[i].op != PATCH_REPLACE)
            rc = apigw_bad_request(request, "Invalid patch path /statusCode");
    }
    return rc;
}

static enum err run_update(struct request *request, struct store_txn *txn)
{
    struct patch_target target = {.request = request, .view = apigw_view(request, txn)};
    struct str key = key_of(request, apigw_label(request, "response_type"));
    yyjson_val *document;
    enum err rc = check_api(request, &target.view);
    if (rc == OK)
        rc = check_ops(request);
    if (rc == OK)
        rc = state_get(&target.view, key, &document);
    if (rc)
        return rc;
    target.doc = json_doc(request->arena);
    target.object =
        document ? yyjson_val_mut_copy(target.doc, document) : yyjson_mut_obj(target.doc);
    rc = patch_apply(&target, &response_table);
    if (rc == OK)
        rc = check_document(request, target.object);
    if (rc)
        return rc;
    state_put(&target.view, key, target.object);
    return answer_type(request, &target.view);
}

enum err apigw_update_gateway_response(struct request *request)
{
    enum err rc = check_type(request);
    return rc ? rc : apigw_write(request, run_update);
}

static enum err run_delete(struct request *request, struct store_txn *txn)
{
    struct view view = apigw_view(request, txn);
    struct str key = key_of(request, apigw_label(request, "response_type"));
    bool found;
    enum err rc = check_api(request, &view);
    if (rc == OK)
        rc = state_has(&view, key, &found);
    if (rc)
        return rc;
    if (!found)
        return apigw_not_found(request, "Gateway response type not defined on api");
    state_delete(&view, key);
    return OK;
}

enum err apigw_delete_gateway_response(struct request *request)
{
    enum err rc = check_type(request);
    return rc ? rc : apigw_write(request, run_delete);
}
