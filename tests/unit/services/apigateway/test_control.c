/* The control plane: what operations answer, and what they refuse in AWS's words. */
#include "server.h"

static void assert_refused(struct server *server, enum err code, const char *message,
                           const char *operation, struct str input)
{
    if (operate(server, operation, "%.*s", STR_ARG(input)) == OK)
        fail_msg("%s of %.*s did not fail", operation, STR_ARG(input));
    assert_string_equal(server->error.message, message);
    assert_int_equal(server->error.code, code);
}

#define assert_refuses(server, code, message, operation, ...)                                      \
    assert_refused(server, code, message, operation, arena_printf(&(server)->arena, __VA_ARGS__))

static yyjson_val *output(struct server *s)
{
    yyjson_val *value = json_parse(&s->arena, s->output);
    assert_non_null(value);
    return value;
}

/* A member by its path of names, as JSON text. */
static struct str part(struct server *s, const char *path)
{
    yyjson_val *value = output(s);
    struct str rest = str_from(path), name;
    while (value && rest.len) {
        str_cut(&rest, '|', &name);
        value = yyjson_is_arr(value) ? yyjson_arr_get_first(value)
                                     : yyjson_obj_getn(value, name.ptr, name.len);
    }
    return value ? json_write_val(&s->arena, value) : STR("(none)");
}

/* --- REST APIs --- */

static void test_rest_api__has_aws_defaults(void **state)
{
    struct server *s = *state;
    clock_fake_ms(INT64_C(1769900000123));
    assert_operates(s, "CreateRestApi", "{'name':'notes','binaryMediaTypes':[]}");
    assert_int_equal(strlen(answer(s, "id")), 10);
    assert_str(part(s, "createdDate"), STR("1769900000"));
    assert_str(part(s, "apiKeySource"), STR("\"HEADER\""));
    assert_str(part(s, "endpointConfiguration"),
               STR("{\"types\":[\"EDGE\"],\"ipAddressType\":\"ipv4\"}"));
    assert_str(part(s, "binaryMediaTypes"), STR("(none)"));
    struct str created = s->output;
    assert_operates(s, "GetRestApi", "{'restApiId':'%s'}", answer(s, "id"));
    assert_true(str_starts(s->output, str_slice(created, 0, created.len - 1)));
    assert_str(part(s, "tags"), STR("{}"));
}

static void test_rest_api__refuses_in_aws_words(void **state)
{
    struct server *s = *state;
    assert_refuses(s, ERR_APIGW_NOT_FOUND, "Invalid API identifier specified 000000000000:abc",
                   "GetRestApi", "{'restApiId':'abc'}");
    assert_refuses(s, ERR_APIGW_BAD_REQUEST, "Description cannot be an empty string",
                   "CreateRestApi", "{'name':'n','description':''}");
    assert_refuses(s, ERR_APIGW_BAD_REQUEST,
                   "Invalid minimum compression size, must be between 0 and 10485760",
                   "CreateRestApi", "{'name':'n','minimumCompressionSize':-1}");
    assert_refuses(s, ERR_APIGW_BAD_REQUEST, "Cannot create an api with multiple Endpoint Types.",
                   "CreateRestApi",
                   "{'name':'n','endpointConfiguration':{'types':['EDGE','REGIONAL']}}");
    assert_refuses(s, ERR_VALIDATION,
                   "1 validation error detected: Value null at 'createRestApiInput.name' failed to "
                   "satisfy constraint: Member must not be null",
                   "CreateRestApi", "{}");
    assert_refuses(s, ERR_SERIALIZATION,
                   "class java.util.ArrayList can not be converted to an String", "CreateRestApi",
                   "{'name':'n','version':[]}");
    assert_operates(s, "CreateRestApi", "{'name':'n','version':2}");
    assert_string_equal(answer(s, "version"), "2");
}

static void test_rest_api__is_patched(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    assert_operates(s, "UpdateRestApi",
                    "{'restApiId':'%s','patchOperations':["
                    "{'op':'add','path':'/binaryMediaTypes/image~1png'},"
                    "{'op':'add','path':'/binaryMediaTypes/image~1jpeg'},"
                    "{'op':'replace','path':'/binaryMediaTypes/image~1png','value':'image/gif'},"
                    "{'op':'replace','path':'/description','value':'d'},"
                    "{'op':'replace','path':'/minimumCompressionSize','value':'10'}]}",
                    api.id);
    assert_str(part(s, "binaryMediaTypes"), STR("[\"image/jpeg\",\"image/gif\"]"));
    assert_str(part(s, "minimumCompressionSize"), STR("10"));
    assert_operates(s, "UpdateRestApi",
                    "{'restApiId':'%s','patchOperations':[{'op':'remove','path':'/description'},"
                    "{'op':'replace','path':'/minimumCompressionSize','value':''}]}",
                    api.id);
    assert_str(part(s, "description"), STR("(none)"));
    assert_str(part(s, "minimumCompressionSize"), STR("(none)"));
}

static void test_patch__refuses_in_aws_words(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
#define PATCH(ops) "{'restApiId':'%s','patchOperations':[" ops "]}", api.id
    assert_refuses(s, ERR_APIGW_BAD_REQUEST, "Invalid patch path /binaryMediaTypes",
                   "UpdateRestApi", PATCH("{'op':'add','path':'/binaryMediaTypes','value':'x'}"));
    assert_refuses(s, ERR_APIGW_BAD_REQUEST,
                   "Invalid patch operation specified. Must be one of: [replace]", "UpdateRestApi",
                   PATCH("{'op':'add','path':'/minimumCompressionSize','value':'1'}"));
    assert_refuses(s, ERR_APIGW_BAD_REQUEST, "Invalid patch path null", "UpdateRestApi",
                   PATCH("{'op':'replace','value':'1'}"));
    assert_refuses(s, ERR_VALIDATION,
                   "2 validation errors detected: Value 'x' at "
                   "'updateRestApiInput.patchOperations.1.member.op' failed to satisfy constraint: "
                   "Member must satisfy enum value set: [add, remove, move, test, replace, copy]; "
                   "Value 'y' at 'updateRestApiInput.patchOperations.3.member.op' failed to "
                   "satisfy constraint: Member must satisfy enum value set: [add, remove, move, "
                   "test, replace, copy]",
                   "UpdateRestApi",
                   PATCH("{'op':'x'},{'op':'add','path':'/name','value':'n'},{'op':'y'}"));
#undef PATCH
    assert_refuses(s, ERR_APIGW_BAD_REQUEST,
                   "Invalid patch path  '/invalid' specified for op 'replace'. Must be one of: "
                   "[/parentId, /pathPart]",
                   "UpdateResource",
                   "{'restApiId':'%s','resourceId':'%s','patchOperations':[{'op':'replace','path':"
                   "'/invalid','value':'x'}]}",
                   api.id, api.root);
    assert_refuses(s, ERR_APIGW_BAD_REQUEST,
                   "Invalid patch path  '/pathPart' specified for op 'remove'. Please choose "
                   "supported operations",
                   "UpdateResource",
                   "{'restApiId':'%s','resourceId':'%s','patchOperations':[{'op':'remove','path':"
                   "'/pathPart'}]}",
                   api.id, api.root);
}

/* --- Resources --- */

static void test_resource__refuses_in_aws_words(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    const char *greedy = make_resource(s, api, api.root, "{proxy+}");
    make_resource(s, api, api.root, "notes");
#define UNDER(parent, part)                                                                        \
    "{'restApiId':'%s','parentId':'%s','pathPart':'" part "'}", api.id, parent
    assert_refuses(s, ERR_APIGW_CONFLICT,
                   "Another resource with the same parent already has this name: notes",
                   "CreateResource", UNDER(api.root, "notes"));
    assert_refuses(s, ERR_APIGW_BAD_REQUEST,
                   "A sibling ({proxy+}) of this resource already has a variable path part -- only "
                   "one is allowed",
                   "CreateResource", UNDER(api.root, "{id}"));
    assert_refuses(s, ERR_APIGW_BAD_REQUEST,
                   "Cannot create a child of a resource with a greedy path variable: {proxy+}",
                   "CreateResource", UNDER(greedy, "x"));
    assert_refuses(s, ERR_APIGW_NOT_FOUND, "Invalid Resource identifier specified",
                   "CreateResource", UNDER("nothing", "x"));
    assert_refuses(s, ERR_APIGW_BAD_REQUEST,
                   "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable "
                   "and curly braces at the beginning and the end.",
                   "CreateResource", UNDER(api.root, "a/b"));
#undef UNDER
}

static void test_resource__moves_with_its_children(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    const char *pets = make_resource(s, api, api.root, "pets");
    const char *one = make_resource(s, api, pets, "{id}");
    const char *toys = make_resource(s, api, one, "toys");
#define PATCH(which, path, value)                                                                  \
    "{'restApiId':'%s','resourceId':'%s','patchOperations':[{'op':'replace','path':'" path         \
    "','value':'%s'}]}",                                                                           \
        api.id, which, value
    assert_refuses(s, ERR_APIGW_BAD_REQUEST, "Resources cannot be cyclical.", "UpdateResource",
                   PATCH(pets, "/parentId", toys));
    assert_refuses(s, ERR_APIGW_BAD_REQUEST, "Root resource cannot update its pathPart.",
                   "UpdateResource", PATCH(api.root, "/pathPart", "x"));
    assert_operates(s, "UpdateResource", PATCH(pets, "/pathPart", "dogs"));
    assert_str(part(s, "path"), STR("\"/dogs\""));
    assert_operates(s, "UpdateResource", PATCH(one, "/parentId", api.root));
#undef PATCH
    assert_operates(s, "GetResource", "{'restApiId':'%s','resourceId':'%s'}", api.id, toys);
    assert_str(part(s, "path"), STR("\"/{id}/toys\""));
    assert_operates(s, "DeleteResource", "{'restApiId':'%s','resourceId':'%s'}", api.id, one);
    assert_refuses(s, ERR_APIGW_NOT_FOUND, "Invalid Resource identifier specified", "GetResource",
                   "{'restApiId':'%s','resourceId':'%s'}", api.id, toys);
}

static void test_resources__show_methods_when_asked(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    make_proxy(s, api, api.root, "GET", false);
    assert_operates(s, "GetResource", "{'restApiId':'%s','resourceId':'%s'}", api.id, api.root);
    assert_str(part(s, "resourceMethods"), STR("{\"GET\":{}}"));
    assert_operates(s, "GetResources", "{'restApiId':'%s','embed':['methods']}", api.id);
    assert_str(part(s, "item|0|resourceMethods|GET|methodIntegration|type"), STR("\"AWS_PROXY\""));
}

static void test_lists__go_page_by_page(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    for (int i = 0; i < 5; i++)
        make_resource(s, api, api.root, arena_printf(&s->arena, "r%d", i).ptr);
    size_t seen = 0, pages = 0;
    struct str position = STR_EMPTY;
    do {
        assert_operates(s, "GetResources", "{'restApiId':'%s','limit':'2','position':'%.*s'}",
                        api.id, STR_ARG(position));
        seen += yyjson_arr_size(json_get(output(s), "item"));
        position = json_get_str(output(s), "position");
        pages++;
    } while (position.len);
    assert_int_equal(seen, 6);
    assert_int_equal(pages, 3);
}

/* --- Methods and integrations --- */

#define ROOT_GET "'restApiId':'%s','resourceId':'%s','httpMethod':'GET'"

static void test_method__takes_text_as_cloudformation_gives_it(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    assert_operates(s, "PutMethod",
                    "{" ROOT_GET ",'authorizationType':'NONE','apiKeyRequired':'true',"
                    "'requestParameters':{'method.request.querystring.q':'false'}}",
                    api.id, api.root);
    assert_str(s->output, STR("{\"apiKeyRequired\":true,\"httpMethod\":\"GET\","
                              "\"authorizationType\":\"NONE\",\"requestParameters\":"
                              "{\"method.request.querystring.q\":false}}"));
}

static void test_method__refuses_in_aws_words(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    make_proxy(s, api, api.root, "GET", false);
    assert_refuses(s, ERR_APIGW_CONFLICT, "Method already exists for this resource", "PutMethod",
                   "{" ROOT_GET ",'authorizationType':'NONE'}", api.id, api.root);
    assert_refuses(s, ERR_APIGW_BAD_REQUEST,
                   "Invalid HttpMethod specified. Valid options are "
                   "GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY",
                   "PutMethod",
                   "{'restApiId':'%s','resourceId':'%s','httpMethod':'MADE',"
                   "'authorizationType':'NONE'}",
                   api.id, api.root);
    assert_refuses(s, ERR_APIGW_BAD_REQUEST,
                   "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or "
                   "COGNITO_USER_POOLS requires a valid authorizer.",
                   "PutMethod", "{" ROOT_GET ",'authorizationType':'CUSTOM'}", api.id, api.root);
    assert_refuses(s, ERR_APIGW_BAD_REQUEST, "Invalid model identifier specified: petModel",
                   "PutMethod",
                   "{" ROOT_GET ",'authorizationType':'NONE','requestModels':{'application/json':"
                   "'petModel'}}",
                   api.id, api.root);
    assert_refuses(s, ERR_APIGW_BAD_REQUEST,
                   "Parameter names must be unique across querystring, header and path",
                   "PutMethod",
                   "{" ROOT_GET ",'authorizationType':'NONE','requestParameters':{"
                   "'method.request.querystring.q':true,'method.request.header.q':true}}",
                   api.id, api.root);
    assert_refuses(s, ERR_APIGW_NOT_FOUND, "Invalid Method identifier specified", "GetMethod",
                   "{'restApiId':'%s','resourceId':'%s','httpMethod':'PUT'}", api.id, api.root);
}

static void test_method__is_patched(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    make_proxy(s, api, api.root, "GET", false);
#define PATCH(ops) "{" ROOT_GET ",'patchOperations':[" ops "]}", api.id, api.root
    assert_operates(
        s, "UpdateMethod",
        PATCH("{'op':'replace','path':'/apiKeyRequired','value':'true'},"
              "{'op':'add','path':'/requestParameters/method.request.header.h','value':'true'},"
              "{'op':'add','path':'/requestModels/application~1json','value':'Empty'}"));
    assert_str(part(s, "apiKeyRequired"), STR("true"));
    assert_str(part(s, "requestModels"), STR("{\"application/json\":\"Empty\"}"));
    assert_refuses(
        s, ERR_APIGW_NOT_FOUND, "Invalid parameter name specified", "UpdateMethod",
        PATCH("{'op':'replace','path':'/requestParameters/method.request.header.x','value':'true'"
              "}"));
    assert_refuses(s, ERR_APIGW_BAD_REQUEST, "Invalid patch path /requestModels/application/json",
                   "UpdateMethod",
                   PATCH("{'op':'add','path':'/requestModels/application/json','value':'Empty'}"));
    assert_operates(s, "UpdateMethod",
                    PATCH("{'op':'remove','path':'/requestModels/application~1json'}"));
    assert_str(part(s, "requestModels"), STR("(none)"));
#undef PATCH
}

static void test_integration__is_stored_as_aws_shows_it(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    make_proxy(s, api, api.root, "GET", false);
    assert_operates(s, "GetIntegration", "{" ROOT_GET "}", api.id, api.root);
    assert_str(part(s, "httpMethod"), STR("\"POST\""));
    assert_str(part(s, "timeoutInMillis"), STR("29000"));
    assert_str(part(s, "passthroughBehavior"), STR("\"WHEN_NO_MATCH\""));
    assert_str(part(s, "cacheKeyParameters"), STR("[]"));
    /* As on the wire: the labels, and the integration's own method in the body. */
    assert_operates(s, "PutIntegration",
                    "{'restapi_id':'%s','resource_id':'%s','http_method':'GET','httpMethod':"
                    "'PATCH','type':'AWS_PROXY','uri':'" FUNCTION_URI "'}",
                    api.id, api.root);
    assert_str(part(s, "httpMethod"), STR("\"PATCH\""));
}

static void test_integration__refuses_what_it_would_not_do(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    make_proxy(s, api, api.root, "GET", false);
#define PUT(members) "{" ROOT_GET "," members "}", api.id, api.root
    assert_refuses(s, ERR_VALIDATION,
                   "1 validation error detected: Value 'HTTPS_PROXY' at 'putIntegrationInput.type' "
                   "failed to satisfy constraint: Member must satisfy enum value set: [HTTP, MOCK, "
                   "AWS_PROXY, HTTP_PROXY, AWS]",
                   "PutIntegration", PUT("'type':'HTTPS_PROXY'"));
    assert_refuses(s, ERR_APIGW_BAD_REQUEST, "Invalid HTTP endpoint specified for URI",
                   "PutIntegration", PUT("'type':'HTTP','integrationHttpMethod':'GET','uri':'x'"));
    assert_refuses(s, ERR_APIGW_BAD_REQUEST, "Enumeration value for HttpMethod must be non-empty",
                   "PutIntegration", PUT("'type':'AWS_PROXY','uri':'" FUNCTION_URI "'"));
    assert_refuses(s, ERR_APIGW_BAD_REQUEST, "Invalid ARN specified in the request",
                   "PutIntegration",
                   PUT("'type':'AWS_PROXY','integrationHttpMethod':'POST','uri':'x'"));
    assert_refuses(s, ERR_APIGW_BAD_REQUEST,
                   "Validation Result: warnings : [], errors : [Invalid mapping template specified "
                   "for application/json: #end is missing at line 1]",
                   "PutIntegration",
                   PUT("'type':'MOCK','requestTemplates':{'application/json':"
                       "'#if(true){\\'statusCode\\':200}'}"));
    assert_operates(s, "DeleteIntegration", "{" ROOT_GET "}", api.id, api.root);
    assert_refuses(s, ERR_APIGW_NOT_FOUND, "Invalid Integration identifier specified",
                   "GetIntegrationResponse", PUT("'statusCode':'200'"));
#undef PUT
}

static void test_integration_response__needs_the_method_response(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    make_mock(s, api, api.root, "GET", "x");
#define RESPONSE(members) "{" ROOT_GET ",'statusCode':'200'," members "}", api.id, api.root
    assert_refuses(s, ERR_APIGW_BAD_REQUEST,
                   "Invalid mapping expression specified: Validation Result: warnings : [], errors "
                   ": [Invalid mapping expression parameter specified: method.response.header.X]",
                   "PutIntegrationResponse",
                   RESPONSE("'responseParameters':{'method.response.header.X':'\\u0027x\\u0027'}"));
    assert_refuses(
        s, ERR_APIGW_BAD_REQUEST,
        "Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid "
        "mapping expression specified: unquoted]",
        "PutIntegrationResponse",
        RESPONSE("'responseParameters':{'method.response.header.Access-Control-Allow-Origin':"
                 "'unquoted'}"));
    assert_refuses(s, ERR_APIGW_CONFLICT, "Response already exists for this resource",
                   "PutMethodResponse", RESPONSE("'responseModels':{}"));
    assert_refuses(s, ERR_VALIDATION,
                   "1 validation error detected: Value 'wrong' at 'statusCode' failed to satisfy "
                   "constraint: Member must satisfy regular expression pattern: [1-5]\\d\\d",
                   "GetIntegrationResponse", "{" ROOT_GET ",'statusCode':'wrong'}", api.id,
                   api.root);
    assert_refuses(s, ERR_APIGW_NOT_FOUND, "Invalid Response status code specified",
                   "GetIntegrationResponse", "{" ROOT_GET ",'statusCode':'404'}", api.id, api.root);
#undef RESPONSE
}

/* --- Deployments and stages --- */

static void test_deployment__refuses_in_aws_words(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    assert_refuses(s, ERR_APIGW_BAD_REQUEST, "The REST API doesn't contain any methods",
                   "CreateDeployment", "{'restApiId':'%s'}", api.id);
    assert_operates(s, "PutMethod", "{" ROOT_GET ",'authorizationType':'NONE'}", api.id, api.root);
    assert_refuses(s, ERR_APIGW_BAD_REQUEST, "No integration defined for method",
                   "CreateDeployment", "{'restApiId':'%s'}", api.id);
    assert_refuses(s, ERR_APIGW_NOT_FOUND, "Invalid stage identifier specified", "GetStage",
                   "{'restApiId':'%s','stageName':'prod'}", api.id);
    assert_refuses(s, ERR_APIGW_BAD_REQUEST, "Deployment id does not exist", "CreateStage",
                   "{'restApiId':'%s','stageName':'prod','deploymentId':'x'}", api.id);
}

static void test_deployment__is_held_by_its_stages(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    make_proxy(s, api, api.root, "GET", true);
    assert_operates(s, "CreateDeployment", "{'restApiId':'%s','stageName':'prod'}", api.id);
    const char *id = answer(s, "id");
    assert_refuses(s, ERR_APIGW_BAD_REQUEST,
                   "Active stages pointing to this deployment must be moved or deleted",
                   "DeleteDeployment", "{'restApiId':'%s','deploymentId':'%s'}", api.id, id);
    assert_operates(s, "GetDeployment",
                    "{'restApiId':'%s','deploymentId':'%s','embed':['apisummary']}", api.id, id);
    assert_str(part(s, "apiSummary"),
               STR("{\"/\":{\"GET\":{\"authorizationType\":\"NONE\",\"apiKeyRequired\":true}}}"));
    assert_operates(s, "DeleteStage", "{'restApiId':'%s','stageName':'prod'}", api.id);
    assert_operates(s, "DeleteDeployment", "{'restApiId':'%s','deploymentId':'%s'}", api.id, id);
}

static void test_stage__has_settings_by_method(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    make_proxy(s, api, api.root, "GET", false);
    deploy(s, api, "prod");
    assert_operates(s, "UpdateAccount",
                    "{'patchOperations':[{'op':'replace','path':'/cloudwatchRoleArn','value':"
                    "'arn:aws:iam::000000000000:role/r'}]}");
#define PATCH(ops) "{'restApiId':'%s','stageName':'prod','patchOperations':[" ops "]}", api.id
    assert_operates(s, "UpdateStage",
                    PATCH("{'op':'replace','path':'/*/*/throttling/burstLimit','value':'123'},"
                          "{'op':'replace','path':'/~1notes/GET/logging/loglevel','value':'INFO'},"
                          "{'op':'replace','path':'/variables/a','value':'b'},"
                          "{'op':'replace','path':'/tracingEnabled','value':'true'}"));
    assert_str(part(s, "methodSettings|*/*|throttlingBurstLimit"), STR("123"));
    assert_str(part(s, "methodSettings|*/*|throttlingRateLimit"), STR("10000.0"));
    assert_str(part(s, "methodSettings|~1notes/GET|loggingLevel"), STR("\"INFO\""));
    assert_str(part(s, "variables"), STR("{\"a\":\"b\"}"));
    assert_operates(s, "UpdateStage",
                    PATCH("{'op':'remove','path':'/~1notes/GET'},{'op':'remove','path':"
                          "'/variables/a'}"));
    assert_str(part(s, "methodSettings|~1notes/GET"), STR("(none)"));
    assert_str(part(s, "variables"), STR("(none)"));
    assert_int_equal(operate(s, "UpdateStage", PATCH("{'op':'replace','path':'/tags/t'}")),
                     ERR_APIGW_BAD_REQUEST);
    assert_true(str_starts(str_from(s->error.message),
                           STR("Invalid method setting path: /tags/t. Must be one of: "
                               "[/deploymentId, /description, ")));
#undef PATCH
}

/* --- Keys and plans --- */

static void test_api_key__shows_its_value_when_asked(void **state)
{
    struct server *s = *state;
    assert_operates(s, "CreateApiKey", "{'name':'alpha'}");
    const char *id = answer(s, "id"), *value = answer(s, "value");
    assert_int_equal(strlen(value), 40);
    assert_str(part(s, "enabled"), STR("false"));
    assert_operates(s, "GetApiKey", "{'apiKey':'%s'}", id);
    assert_str(part(s, "value"), STR("(none)"));
    assert_operates(s, "GetApiKey", "{'apiKey':'%s','includeValue':'true'}", id);
    assert_string_equal(answer(s, "value"), value);
    assert_operates(s, "GetApiKeys", "{'name':'alp','includeValues':'true'}");
    assert_int_equal(yyjson_arr_size(json_get(output(s), "item")), 1);
    assert_operates(s, "GetApiKeys", "{'name':'beta'}");
    assert_int_equal(yyjson_arr_size(json_get(output(s), "item")), 0);
}

static void test_api_key__refuses_in_aws_words(void **state)
{
    struct server *s = *state;
    assert_operates(s, "CreateApiKey", "{'value':'12345678901234567890'}");
    const char *id = answer(s, "id");
    assert_refuses(s, ERR_APIGW_CONFLICT, "API Key already exists", "CreateApiKey",
                   "{'value':'12345678901234567890'}");
    assert_refuses(s, ERR_APIGW_BAD_REQUEST, "API Key value should be at least 20 characters",
                   "CreateApiKey", "{'value':'short'}");
    assert_refuses(s, ERR_APIGW_NOT_FOUND, "Invalid API Key identifier specified", "GetApiKey",
                   "{'apiKey':'x'}");
    assert_operates(s, "DeleteApiKey", "{'apiKey':'%s'}", id);
    assert_operates(s, "CreateApiKey", "{'value':'12345678901234567890'}");
}

static void test_usage_plan__refuses_in_aws_words(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    make_proxy(s, api, api.root, "GET", false);
    deploy(s, api, "prod");
    assert_refuses(s, ERR_APIGW_BAD_REQUEST,
                   "Usage Plan quota offset must be zero in the DAY period", "CreateUsagePlan",
                   "{'name':'p','quota':{'limit':1,'offset':1,'period':'DAY'}}");
    assert_refuses(s, ERR_APIGW_BAD_REQUEST,
                   "Usage Plan quota offset must be between 0 and 6 inclusive in the WEEK period",
                   "CreateUsagePlan",
                   "{'name':'p','quota':{'limit':1,'offset':7,'period':'WEEK'}}");
    assert_refuses(s, ERR_APIGW_BAD_REQUEST,
                   "Invalid API Stage {api: x, stage: prod} specified for usageplan p",
                   "CreateUsagePlan", "{'name':'p','apiStages':[{'apiId':'x','stage':'prod'}]}");
    assert_refuses(s, ERR_APIGW_NOT_FOUND, "Invalid Usage Plan ID specified", "GetUsagePlan",
                   "{'usagePlanId':'x'}");
    assert_operates(s, "CreateUsagePlan",
                    "{'name':'p','apiStages':[{'apiId':'%s','stage':'prod'}]}", api.id);
    const char *id = answer(s, "id");
    assert_refused(s, ERR_APIGW_BAD_REQUEST,
                   arena_printf(&s->arena,
                                "Cannot delete Usage Plan %s because there are API Stages "
                                "associated with it, including %s:prod",
                                id, api.id)
                       .ptr,
                   "DeleteUsagePlan", arena_printf(&s->arena, "{'usagePlanId':'%s'}", id));
    assert_operates(s, "UpdateUsagePlan",
                    "{'usagePlanId':'%s','patchOperations':[{'op':'remove','path':'/apiStages',"
                    "'value':'%s:prod'}]}",
                    id, api.id);
    assert_operates(s, "DeleteUsagePlan", "{'usagePlanId':'%s'}", id);
}

static void test_usage_plan__is_patched(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    make_proxy(s, api, api.root, "GET", false);
    deploy(s, api, "prod");
    assert_operates(s, "CreateUsagePlan", "{'name':'p'}");
    assert_operates(s, "UpdateUsagePlan",
                    "{'usagePlanId':'%s','patchOperations':["
                    "{'op':'replace','path':'/throttle/rateLimit','value':'1.5'},"
                    "{'op':'replace','path':'/quota/limit','value':'100'},"
                    "{'op':'replace','path':'/quota/period','value':'WEEK'},"
                    "{'op':'add','path':'/apiStages','value':'%s:prod'},"
                    "{'op':'replace','path':'/apiStages/%s:prod/throttle/~1/GET/rateLimit',"
                    "'value':'5'}]}",
                    answer(s, "id"), api.id, api.id);
    assert_str(part(s, "throttle"), STR("{\"rateLimit\":1.5,\"burstLimit\":0}"));
    assert_str(part(s, "quota|limit"), STR("100"));
    assert_str(part(s, "apiStages|0|throttle"),
               STR("{\"//GET\":{\"rateLimit\":5.0,\"burstLimit\":0}}"));
    assert_operates(s, "UpdateUsagePlan",
                    "{'usagePlanId':'%s','patchOperations':[{'op':'remove','path':'/throttle'},"
                    "{'op':'remove','path':'/apiStages/%s:prod/throttle/~1/GET'}]}",
                    answer(s, "id"), api.id);
    assert_str(part(s, "throttle"), STR("(none)"));
}

static void test_usage_plan_key__belongs_to_one_plan_per_stage(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    make_proxy(s, api, api.root, "GET", false);
    deploy(s, api, "prod");
    deploy(s, api, "test");
    const char *plans[3], *stages[] = {"prod", "prod", "test"};
    for (int i = 0; i < 3; i++) {
        assert_operates(s, "CreateUsagePlan",
                        "{'name':'p','apiStages':[{'apiId':'%s','stage':'%s'}]}", api.id,
                        stages[i]);
        plans[i] = answer(s, "id");
    }
    assert_operates(s, "CreateApiKey", "{'name':'k','enabled':true}");
    const char *key = answer(s, "id");
#define KEY(plan) "{'usagePlanId':'%s','keyId':'%s','keyType':'API_KEY'}", plan, key
    assert_operates(s, "CreateUsagePlanKey", KEY(plans[0]));
    assert_operates(s, "CreateUsagePlanKey", KEY(plans[2]));
    assert_refused(s, ERR_APIGW_CONFLICT,
                   arena_printf(&s->arena,
                                "Usage Plan %s cannot be added because API Key %s cannot reference "
                                "multiple Usage Plans with the same api stage: %s:prod",
                                plans[1], key, api.id)
                       .ptr,
                   "CreateUsagePlanKey", arena_printf(&s->arena, KEY(plans[1])));
#undef KEY
    assert_operates(s, "GetUsagePlans", "{'keyId':'%s'}", key);
    assert_int_equal(yyjson_arr_size(json_get(output(s), "item")), 2);
    assert_operates(s, "DeleteUsagePlanKey", "{'usagePlanId':'%s','keyId':'%s'}", plans[0], key);
    assert_refuses(s, ERR_APIGW_NOT_FOUND, "Invalid API Key identifier specified",
                   "GetUsagePlanKey", "{'usagePlanId':'%s','keyId':'%s'}", plans[0], key);
}

/* --- Gateway responses --- */

static void test_gateway_response__shows_defaults(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    assert_operates(s, "GetGatewayResponse", "{'restApiId':'%s','responseType':'THROTTLED'}",
                    api.id);
    assert_str(s->output,
               STR("{\"defaultResponse\":true,\"responseType\":\"THROTTLED\",\"statusCode\":"
                   "\"429\",\"responseParameters\":{},\"responseTemplates\":{\"application/json\":"
                   "\"{\\\"message\\\":$context.error.messageString}\"}}"));
    assert_operates(s, "UpdateGatewayResponse",
                    "{'restApiId':'%s','responseType':'DEFAULT_4XX','patchOperations':[{'op':"
                    "'replace','path':'/statusCode','value':'444'}]}",
                    api.id);
    assert_str(part(s, "statusCode"), STR("\"444\""));
    assert_operates(s, "GetGatewayResponses", "{'restApiId':'%s'}", api.id);
    assert_int_equal(yyjson_arr_size(json_get(output(s), "item")), 21);
    assert_str(part(s, "item|0|statusCode"), STR("\"444\""));
    assert_str(part(s, "item|0|defaultResponse"), STR("true"));
    assert_operates(s, "DeleteGatewayResponse", "{'restApiId':'%s','responseType':'DEFAULT_4XX'}",
                    api.id);
    assert_refuses(s, ERR_APIGW_NOT_FOUND, "Gateway response type not defined on api",
                   "DeleteGatewayResponse", "{'restApiId':'%s','responseType':'DEFAULT_4XX'}",
                   api.id);
}

/* --- Domains --- */

static void test_domain_name__needs_a_certificate_outside_of_localhost(void **state)
{
    struct server *s = *state;
    assert_operates(s, "CreateDomainName", "{'domainName':'notes.localhost'}");
    assert_str(part(s, "domainNameStatus"), STR("\"AVAILABLE\""));
    assert_int_equal(operate(s, "CreateDomainName", "{'domainName':'notes.example.com'}"),
                     ERR_APIGW_BAD_REQUEST);
    assert_operates(s, "CreateDomainName",
                    "{'domainName':'notes.example.com','regionalCertificateArn':"
                    "'arn:aws:acm:us-east-1:000000000000:certificate/x','endpointConfiguration':"
                    "{'types':['REGIONAL']}}");
    assert_refuses(s, ERR_APIGW_BAD_REQUEST, "The domain name you provided already exists.",
                   "CreateDomainName", "{'domainName':'Notes.localhost'}");
    assert_refuses(s, ERR_APIGW_NOT_FOUND, "Invalid domain name identifier specified",
                   "GetDomainName", "{'domainName':'x.localhost'}");
}

static void test_base_path_mapping__holds_api_and_stage(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    make_proxy(s, api, api.root, "GET", false);
    deploy(s, api, "prod");
    assert_operates(s, "CreateDomainName", "{'domainName':'notes.localhost'}");
    assert_refuses(s, ERR_APIGW_BAD_REQUEST, "Invalid REST API identifier specified",
                   "CreateBasePathMapping", "{'domainName':'notes.localhost','restApiId':'x'}");
    assert_refuses(s, ERR_APIGW_BAD_REQUEST, "Invalid stage identifier specified",
                   "CreateBasePathMapping",
                   "{'domainName':'notes.localhost','restApiId':'%s','stage':'x'}", api.id);
    assert_operates(s, "CreateBasePathMapping",
                    "{'domainName':'notes.localhost','restApiId':'%s','stage':'prod'}", api.id);
    assert_str(part(s, "basePath"), STR("\"(none)\""));
    assert_refuses(s, ERR_APIGW_CONFLICT, "Base path already exists for this domain name",
                   "CreateBasePathMapping",
                   "{'domainName':'notes.localhost','restApiId':'%s','stage':'prod'}", api.id);
    assert_refuses(s, ERR_APIGW_BAD_REQUEST,
                   "Deleting stage prod failed. Please remove all base path mappings related to "
                   "the stage in your domains: notes.localhost",
                   "DeleteStage", "{'restApiId':'%s','stageName':'prod'}", api.id);
    assert_int_equal(operate(s, "DeleteRestApi", "{'restApiId':'%s'}", api.id),
                     ERR_APIGW_BAD_REQUEST);
    assert_operates(s, "UpdateBasePathMapping",
                    "{'domainName':'notes.localhost','basePath':'(none)','patchOperations':["
                    "{'op':'replace','path':'/basePath','value':'v2'}]}");
    assert_operates(s, "DeleteBasePathMapping", "{'domainName':'notes.localhost','basePath':'v2'}");
    assert_operates(s, "DeleteRestApi", "{'restApiId':'%s'}", api.id);
}

static void test_account__has_aws_defaults(void **state)
{
    struct server *s = *state;
    assert_operates(s, "GetAccount", "{}");
    assert_str(s->output, STR("{\"throttleSettings\":{\"burstLimit\":5000,\"rateLimit\":10000.0},"
                              "\"features\":[\"UsagePlans\"],\"apiKeyVersion\":\"4\"}"));
    assert_operates(s, "UpdateAccount",
                    "{'patchOperations':[{'op':'replace','path':'/cloudwatchRoleArn','value':"
                    "'arn:aws:iam::000000000000:role/r'}]}");
    assert_string_equal(answer(s, "cloudwatchRoleArn"), "arn:aws:iam::000000000000:role/r");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(test_rest_api__has_aws_defaults),
        SERVER_TEST(test_rest_api__refuses_in_aws_words),
        SERVER_TEST(test_rest_api__is_patched),
        SERVER_TEST(test_patch__refuses_in_aws_words),
        SERVER_TEST(test_resource__refuses_in_aws_words),
        SERVER_TEST(test_resource__moves_with_its_children),
        SERVER_TEST(test_resources__show_methods_when_asked),
        SERVER_TEST(test_lists__go_page_by_page),
        SERVER_TEST(test_method__takes_text_as_cloudformation_gives_it),
        SERVER_TEST(test_method__refuses_in_aws_words),
        SERVER_TEST(test_method__is_patched),
        SERVER_TEST(test_integration__is_stored_as_aws_shows_it),
        SERVER_TEST(test_integration__refuses_what_it_would_not_do),
        SERVER_TEST(test_integration_response__needs_the_method_response),
        SERVER_TEST(test_deployment__refuses_in_aws_words),
        SERVER_TEST(test_deployment__is_held_by_its_stages),
        SERVER_TEST(test_stage__has_settings_by_method),
        SERVER_TEST(test_api_key__shows_its_value_when_asked),
        SERVER_TEST(test_api_key__refuses_in_aws_words),
        SERVER_TEST(test_usage_plan__refuses_in_aws_words),
        SERVER_TEST(test_usage_plan__is_patched),
        SERVER_TEST(test_usage_plan_key__belongs_to_one_plan_per_stage),
        SERVER_TEST(test_gateway_response__shows_defaults),
        SERVER_TEST(test_domain_name__needs_a_certificate_outside_of_localhost),
        SERVER_TEST(test_base_path_mapping__holds_api_and_stage),
        SERVER_TEST(test_account__has_aws_defaults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
