/* Authorizers: functions that decide who may call a method. */
#include "services/apigateway/authorizers.h"

#include "services/apigateway/integration_check.h"
#include "services/apigateway/patch.h"
#include "services/apigateway/plane/compile.h"
#include "wire/regex.h"

enum { DEFAULT_TTL_S = 300, MAX_TTL_S = 3600 };

static struct str key_of(struct request *request)
{
    return state_key(request->arena, "authorizer", apigw_label(request, "restapi_id"),
                     apigw_label(request, "authorizer_id"));
}

/* --- Checks --- */

static enum err check_type(struct request *request, struct str type)
{
    enum err rc = apigw_check_enum(request, "type", type, "[REQUEST, TOKEN, COGNITO_USER_POOLS]");
    if (rc == OK && str_eq(type, STR("COGNITO_USER_POOLS")))
        return apigw_bad_request(request, "Authorizers of type COGNITO_USER_POOLS are not "
                                          "supported: there is no Cognito here; use TOKEN or "
                                          "REQUEST with a function");
    return rc;
}

static enum err check_uri(struct request *request, struct str uri)
{
    if (function_of_uri(uri).len)
        return OK;
    return apigw_bad_request(request,
                             "Invalid Authorizer URI: %.*s. Authorizer URI should be a valid API "
                             "Gateway ARN that represents a Lambda function invocation.",
                             STR_ARG(uri));
}

static enum err check_expression(struct request *request, struct str expression)
{
    if (!expression.len || regex_compile(request->arena, REGEX_JAVA, expression))
        return OK;
    return apigw_bad_request(request, "Invalid identity validation expression specified: %.*s",
                             STR_ARG(expression));
}

bool authorizer_source_is_valid(struct str source)
{
    struct mapping mapping;
    return mapping_source_parse(source, &mapping) && mapping.source != MAPPING_PATH &&
           mapping.source != MAPPING_BODY && mapping.source != MAPPING_MULTI_HEADER &&
           mapping.source != MAPPING_MULTI_QUERY;
}

/* One header for a token; a list for requests. */
static enum err check_sources(struct request *request, struct str type, struct str sources)
{
    bool is_token = str_eq(type, STR("TOKEN"));
    struct str left = sources, one;
    size_t count = 0;
    while (left.len) {
        str_cut(&left, ',', &one);
        one = str_trim(one);
        count++;
        bool is_header = str_starts(one, STR("method.request.header."));
        if (!authorizer_source_is_valid(one) || (is_token && (!is_header || count > 1)))
            return apigw_bad_request(
                request,
                "Invalid mapping expression specified: Validation Result: warnings : [], errors : "
                "[Invalid mapping expression specified: %.*s]",
                STR_ARG(one));
    }
    return OK;
}

/* What belongs together, of a new or changed authorizer. */
static enum err check_document(struct request *request, yyjson_mut_val *document)
{
    struct str type = json_mut_get_str(document, "type");
    struct str sources = json_mut_get_str(document, "identitySource");
    int64_t ttl_s =
        yyjson_mut_get_sint(yyjson_mut_obj_get(document, "authorizerResultTtlInSeconds"));
    enum err rc = check_sources(request, type, sources);
    if (rc)
        return rc;
    if (ttl_s < 0 || ttl_s > MAX_TTL_S)
        return apigw_bad_request(request,
                                 "Authorizer result TTL must be between 0 and 3600 seconds");
    if (str_eq(type, STR("REQUEST")) && ttl_s > 0 && !sources.len)
        return apigw_bad_request(request,
                                 "Identity source is required when the authorizer's results are "
                                 "cached");
    return OK;
}

static enum err check_input(struct request *request)
{
    enum err rc = apigw_require(request, "name");
    if (rc == OK)
        rc = apigw_require(request, "type");
    if (rc == OK)
        rc = check_type(request, request_str(request, "type"));
    if (rc == OK)
        rc = check_uri(request, request_str(request, "authorizerUri"));
    if (rc == OK)
        rc = integration_check_credentials(request, request_str(request, "authorizerCredentials"));
    return rc ? rc
              : check_expression(request, request_str(request, "identityValidationExpression"));
}

enum err authorizers_check_id(struct request *request, const struct view *view, struct str id)
{
    struct str api_id = apigw_label(request, "restapi_id");
    bool found = false;
    enum err rc = OK;
    if (id.len)
        rc = state_has(view, state_key(request->arena, "authorizer", api_id, id), &found);
    if (rc == OK && !found)
        rc = apigw_bad_request(request,
                               "Invalid authorizer ID specified. Setting the authorization type to "
                               "CUSTOM or COGNITO_USER_POOLS requires a valid authorizer.");
    return rc;
}

/* --- Operations --- */

static enum err run_create(struct request *request, struct store_txn *txn)
{
    static const struct member members[] = {
        {"name", MEMBER_STRING},
        {"type", MEMBER_STRING},
        {"authType", MEMBER_STRING},
        {"authorizerUri", MEMBER_STRING},
        {"authorizerCredentials", MEMBER_STRING},
        {"identitySource", MEMBER_STRING},
        {"identityValidationExpression", MEMBER_STRING},
        {"authorizerResultTtlInSeconds", MEMBER_INTEGER},
    };
    struct view view = apigw_view(request, txn);
    struct str api_id = apigw_label(request, "restapi_id"), id = apigw_new_id(request->arena);
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *authorizer = yyjson_mut_obj(doc);
    yyjson_val *api;
    enum err rc = apigw_find_api(request, &view, api_id, &api);
    if (rc == ERR_APIGW_NOT_FOUND)
        rc = apigw_conflict(request, "Unable to complete operation due to concurrent modification. "
                                     "Please try again later.");
    if (rc)
        return rc;
    json_add_str(doc, authorizer, "id", id);
    json_add_str(doc, authorizer, "authType", STR("custom"));
    json_add_i64(doc, authorizer, "authorizerResultTtlInSeconds", DEFAULT_TTL_S);
    if (str_eq(request_str(request, "type"), STR("TOKEN")))
        json_add_str(doc, authorizer, "identitySource", STR("method.request.header.Authorization"));
    rc = APIGW_COPY(request, doc, authorizer, request->input, members);
    if (rc == OK)
        rc = check_document(request, authorizer);
    if (rc)
        return rc;
    state_put(&view, state_key(request->arena, "authorizer", api_id, id), authorizer);
    return apigw_answer(request, doc, authorizer);
}

enum err apigw_create_authorizer(struct request *request)
{
    enum err rc = check_input(request);
    return rc ? rc : apigw_write(request, run_create);
}

enum err authorizers_find(struct request *request, const struct view *view, yyjson_val **out)
{
    yyjson_val *authorizer;
    enum err rc = state_get(view, key_of(request), &authorizer);
    if (rc == OK && !authorizer)
        rc = apigw_not_found(request, "Invalid Authorizer identifier specified");
    if (rc == OK)
        *out = authorizer;
    return rc;
}

enum err apigw_get_authorizer(struct request *request)
{
    struct view view = apigw_view(request, NULL);
    yyjson_val *authorizer;
    enum err rc = authorizers_find(request, &view, &authorizer);
    return rc ? rc : apigw_answer_copy(request, authorizer);
}

enum err apigw_get_authorizers(struct request *request)
{
    struct view view = apigw_view(request, NULL);
    struct str id = apigw_label(request, "restapi_id");
    yyjson_val *api;
    enum err rc = apigw_find_api(request, &view, id, &api);
    return rc ? rc : apigw_list(request, state_prefix(request->arena, "authorizer", id), NULL);
}

/* --- Updating --- */

static enum err patch_uri(struct patch_target *target, const struct patch_op *op)
{
    enum err rc = check_uri(target->request, op->value);
    if (rc == OK)
        apigw_set_str(target->doc, target->object, STR("authorizerUri"), op->value);
    return rc;
}

static enum err patch_type(struct patch_target *target, const struct patch_op *op)
{
    enum err rc = check_type(target->request, op->value);
    if (rc == OK)
        apigw_set_str(target->doc, target->object, STR("type"), op->value);
    return rc;
}

/* The empty text takes it away, as AWS's console does. */
static enum err patch_optional(struct patch_target *target, const struct patch_op *op,
                               enum err (*check)(struct request *request, struct str value))
{
    struct str name = op->parts[0];
    if (op->op == PATCH_REMOVE || !op->value.len) {
        yyjson_mut_obj_remove_keyn(target->object, name.ptr, name.len);
        return OK;
    }
    enum err rc = check(target->request, op->value);
    if (rc == OK)
        apigw_set_str(target->doc, target->object, name, op->value);
    return rc;
}

static enum err patch_credentials(struct patch_target *target, const struct patch_op *op)
{
    return patch_optional(target, op, integration_check_credentials);
}

static enum err patch_expression(struct patch_target *target, const struct patch_op *op)
{
    return patch_optional(target, op, check_expression);
}

static const struct patch_rule authorizer_rules[] = {
    {"/name", PATCH_REPLACE, PATCH_STRING, NULL, NULL},
    {"/type", PATCH_REPLACE, PATCH_CUSTOM, patch_type, NULL},
    {"/authType", PATCH_REPLACE, PATCH_STRING, NULL, NULL},
    {"/authorizerUri", PATCH_REPLACE, PATCH_CUSTOM, patch_uri, NULL},
    {"/authorizerCredentials", PATCH_REPLACE | PATCH_REMOVE, PATCH_CUSTOM, patch_credentials, NULL},
    {"/authorizerResultTtlInSeconds", PATCH_REPLACE, PATCH_INTEGER, NULL, NULL},
    {"/identitySource", PATCH_REPLACE | PATCH_REMOVE, PATCH_STRING, NULL, NULL},
    {"/identityValidationExpression", PATCH_REPLACE | PATCH_REMOVE, PATCH_CUSTOM, patch_expression,
     NULL},
};

static const struct patch_table authorizer_table =
    PATCH_TABLE(authorizer_rules, PATCH_STYLE_SHORT, NULL);

static enum err run_update(struct request *request, struct store_txn *txn)
{
    struct view view = apigw_view(request, txn);
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_val *found;
    enum err rc = authorizers_find(request, &view, &found);
    if (rc)
        return rc;
    yyjson_mut_val *authorizer = yyjson_val_mut_copy(doc, found);
    struct patch_target target = {request, view, doc, authorizer};
    rc = patch_apply(&target, &authorizer_table);
    if (rc == OK)
        rc = check_document(request, authorizer);
    if (rc)
        return rc;
    state_put(&view, key_of(request), authorizer);
    return apigw_answer(request, doc, authorizer);
}

enum err apigw_update_authorizer(struct request *request)
{
    return apigw_write(request, run_update);
}

/* --- Deleting --- */

struct use {
    struct request *request;
    struct str id;
    struct str where; /* "GET /notes" */
};

static enum err look_for_use(void *arg, struct str name, yyjson_val *resource)
{
    struct use *use = arg;
    size_t i, max;
    yyjson_val *verb, *method;
    (void)name;
    yyjson_obj_foreach (json_get(resource, "resourceMethods"), i, max, verb, method) {
        if (str_eq(json_get_str(method, "authorizerId"), use->id))
            use->where = arena_printf(use->request->arena, "%.*s %.*s", STR_ARG(json_str(verb)),
                                      STR_ARG(json_get_str(resource, "path")));
    }
    return OK;
}

static enum err run_delete(struct request *request, struct store_txn *txn)
{
    struct view view = apigw_view(request, txn);
    struct str api_id = apigw_label(request, "restapi_id");
    struct use use = {.request = request, .id = apigw_label(request, "authorizer_id")};
    bool found;
    enum err rc = state_has(&view, key_of(request), &found);
    if (rc == OK && !found)
        rc = apigw_not_found(request, "Invalid Authorizer identifier specified");
    if (rc == OK)
        rc = state_each(&view, state_prefix(request->arena, "resource", api_id), STR_EMPTY,
                        look_for_use, &use);
    if (rc == OK && use.where.len)
        rc = apigw_conflict(request,
                            "Cannot delete authorizer '%.*s', is referenced in method: %.*s",
                            STR_ARG(use.id), STR_ARG(use.where));
    if (rc == OK)
        state_delete(&view, key_of(request));
    return rc;
}

enum err apigw_delete_authorizer(struct request *request)
{
    return apigw_write(request, run_delete);
}
