/* Security schemes: API keys, authorizers and signatures, and the methods that ask for them. */
#include "services/apigateway/openapi/plan.h"

#define AUTHORIZER "x-amazon-apigateway-authorizer"
#define AUTH_TYPE  "x-amazon-apigateway-authtype"

static yyjson_val *schemes(const struct openapi_plan *plan)
{
    return openapi_part(plan->document, "securityDefinitions", "securitySchemes");
}

/* --- Authorizers --- */

static const struct {
    struct str given, type, authorization;
} authorizer_types[] = {
    {STR_INIT("token"), STR_INIT("TOKEN"), STR_INIT("CUSTOM")},
    {STR_INIT("request"), STR_INIT("REQUEST"), STR_INIT("CUSTOM")},
    {STR_INIT("cognito_user_pools"), STR_INIT("COGNITO_USER_POOLS"),
     STR_INIT("COGNITO_USER_POOLS")},
};

enum { AUTHORIZER_TYPES = sizeof(authorizer_types) / sizeof(authorizer_types[0]) };

/* Its place in authorizer_types; AUTHORIZER_TYPES when it is none of them. */
static size_t type_of(yyjson_val *authorizer)
{
    struct str type = json_get_str(authorizer, "type");
    size_t i = 0;
    while (i < AUTHORIZER_TYPES && !str_eq_nocase(type, authorizer_types[i].given))
        i++;
    return i;
}

/* A token is in the header that the scheme names, unless the authorizer says otherwise. */
static void add_identity(struct openapi_plan *plan, yyjson_mut_val *authorizer, yyjson_val *scheme,
                         yyjson_val *given)
{
    struct str source = json_get_str(given, "identitySource"), name = json_get_str(scheme, "name");
    if (!source.ptr && str_eq(json_get_str(scheme, "in"), STR("header")))
        source = arena_printf(plan->arena, "method.request.header.%.*s", STR_ARG(name));
    json_add_str_opt(plan->doc, authorizer, "identitySource", source);
}

static void plan_authorizer(struct openapi_plan *plan, struct str name, yyjson_val *scheme,
                            yyjson_val *given)
{
    static const char *const members[] = {"providerARNs", "authorizerUri", "authorizerCredentials",
                                          "identityValidationExpression",
                                          "authorizerResultTtlInSeconds"};
    size_t type = type_of(given);
    if (type == AUTHORIZER_TYPES) {
        openapi_fail(plan,
                     "Unable to create authorizer '%.*s': Invalid authorizer type specified. "
                     "Valid options are TOKEN, REQUEST, COGNITO_USER_POOLS",
                     STR_ARG(name));
        return;
    }
    yyjson_mut_val *authorizer = yyjson_mut_arr_add_obj(plan->doc, plan->authorizers);
    json_add_str(plan->doc, authorizer, "name", name);
    json_add_str(plan->doc, authorizer, "type", authorizer_types[type].type);
    openapi_add(plan, authorizer, "authType", json_get(scheme, AUTH_TYPE));
    add_identity(plan, authorizer, scheme, given);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        openapi_add(plan, authorizer, members[i], json_get(given, members[i]));
}

void openapi_plan_authorizers(struct openapi_plan *plan)
{
    size_t i, max;
    yyjson_val *name, *value;
    yyjson_obj_foreach (schemes(plan), i, max, name, value) {
        yyjson_val *scheme = openapi_resolve(plan->document, value);
        yyjson_val *given = json_get(scheme, AUTHORIZER);
        if (yyjson_is_obj(given))
            plan_authorizer(plan, json_str(name), scheme, given);
    }
}

/* --- Methods --- */

static bool is_signature(yyjson_val *scheme)
{
    struct str type = json_get_str(scheme, AUTH_TYPE);
    return str_eq_nocase(type, STR("awsSigv4")) || str_eq_nocase(type, STR("AWS_IAM"));
}

static bool is_api_key(yyjson_val *scheme)
{
    return str_eq(json_get_str(scheme, "type"), STR("apiKey")) &&
           str_eq(json_get_str(scheme, "in"), STR("header")) &&
           str_eq_nocase(json_get_str(scheme, "name"), STR("x-api-key"));
}

static void ask_authorizer(struct openapi_plan *plan, struct str name, yyjson_val *given,
                           yyjson_val *scopes, yyjson_mut_val *method, yyjson_mut_val *put)
{
    size_t type = type_of(given);
    if (type == AUTHORIZER_TYPES)
        return; /* said already */
    json_add_str(plan->doc, put, "authorizationType", authorizer_types[type].authorization);
    json_add_str(plan->doc, method, "authorizer", name);
    if (yyjson_arr_size(scopes))
        json_add_copy(plan->doc, put, "authorizationScopes", scopes);
}

/* One requirement: {"name": [scopes]}. */
static void ask(struct openapi_plan *plan, struct str name, yyjson_val *scopes,
                yyjson_mut_val *method, yyjson_mut_val *put)
{
    yyjson_val *scheme =
        openapi_resolve(plan->document, yyjson_obj_getn(schemes(plan), name.ptr, name.len));
    yyjson_val *given = json_get(scheme, AUTHORIZER);
    bool is_set = yyjson_mut_obj_get(put, "authorizationType");
    if (!scheme)
        openapi_warn(plan, "Security definition '%.*s' does not exist, ignoring", STR_ARG(name));
    else if (is_api_key(scheme) && !given && !is_signature(scheme))
        yyjson_mut_obj_put(put, yyjson_mut_str(plan->doc, "apiKeyRequired"),
                           yyjson_mut_bool(plan->doc, true));
    else if (yyjson_is_obj(given) && !is_set)
        ask_authorizer(plan, name, given, scopes, method, put);
    else if (is_signature(scheme) && !is_set)
        json_add_str(plan->doc, put, "authorizationType", STR("AWS_IAM"));
    else if (!given && !is_signature(scheme))
        openapi_warn(plan, "Security definition '%.*s' has no authorizer, ignoring", STR_ARG(name));
}

void openapi_plan_security(struct openapi_plan *plan, yyjson_val *operation, yyjson_mut_val *method,
                           yyjson_mut_val *put)
{
    size_t i, max, j, count;
    yyjson_val *security = json_get(operation, "security"), *requirement, *name, *scopes;
    yyjson_val *auth = json_get(operation, "x-amazon-apigateway-auth");
    if (!security)
        security = json_get(plan->document->root, "security");
    yyjson_arr_foreach (security, i, max, requirement) {
        yyjson_obj_foreach (requirement, j, count, name, scopes) {
            ask(plan, json_str(name), scopes, method, put);
        }
    }
    if (yyjson_mut_obj_get(put, "authorizationType"))
        return;
    if (!yyjson_is_obj(auth))
        auth = json_get(plan->document->root, "x-amazon-apigateway-auth");
    struct str type = openapi_upper(plan, json_get_str(auth, "type"));
    json_add_str(plan->doc, put, "authorizationType", type.len ? type : STR("NONE"));
}
