/* Stages as OpenAPI documents. */
#include "services/apigateway/openapi/plan.h"
#include "services/apigateway/openapi/writer.h"

#include "../../check.h"

static struct arena arena;

static int teardown(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static yyjson_val *parse(const char *text)
{
    char *copy = arena_cstr(&arena, str_from(text));
    for (char *c = copy; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    yyjson_val *value = json_parse(&arena, str_from(copy));
    if (!value)
        fail_msg("%s is no JSON", text);
    return value;
}

static yyjson_mut_val *write(const char *snapshot, bool is_swagger, unsigned extensions)
{
    struct openapi_source source = {
        .api = parse("{'id':'a1','name':'n','description':'d'}"),
        .stage = parse("{'stageName':'prod'}"),
        .snapshot = parse(snapshot),
        .host = STR("a1.localhost"),
        .version = STR("v"),
        .extensions = extensions,
        .is_swagger = is_swagger,
    };
    return openapi_document_of(&arena, &source);
}

/* A part by a JSON pointer, quotes as apostrophes. */
static const char *part(yyjson_mut_val *document, const char *pointer)
{
    yyjson_mut_val *value = yyjson_mut_ptr_get(document, pointer);
    if (!value)
        return "(none)";
    char *text = arena_cstr(&arena, json_write(&arena, value));
    for (char *c = text; *c; c++)
        *c = *c == '"' ? '\'' : *c;
    return text;
}

static void test_document__says_where_the_stage_is(void **state)
{
    (void)state;
    yyjson_mut_val *document = write("{}", false, 0);
    assert_string_equal(part(document, "/info"), "{'title':'n','description':'d','version':'v'}");
    assert_string_equal(part(document, "/servers/0/url"), "'http://a1.localhost/{basePath}'");
    document = write("{}", true, 0);
    assert_string_equal(part(document, "/host"), "'a1.localhost'");
    assert_string_equal(part(document, "/basePath"), "'/prod'");
}

static void test_document__has_paths_in_order(void **state)
{
    (void)state;
    yyjson_mut_val *document = write("{'resources':[{'path':'/b','resourceMethods':{'GET':{}}},"
                                     "{'path':'/a','resourceMethods':{'ANY':{}}}]}",
                                     false, 0);
    assert_string_equal(part(document, "/paths"),
                        "{'/a':{'x-amazon-apigateway-any-method':{'responses':{}}},"
                        "'/b':{'get':{'responses':{}}}}");
}

#define MODELS                                                                                     \
    "'resources':[{'path':'/','resourceMethods':{'GET':{'requestModels':{'a/b':'A'}}}}],"          \
    "'models':{'A':'{\\\"items\\\":{\\\"$ref\\\":\\\"https://apigateway.amazonaws.com/restapis/"   \
    "a1/models/B\\\"}}','B':'{\\\"type\\\":\\\"string\\\"}','C':'{}'}"

static void test_document__has_the_models_that_are_referred_to(void **state)
{
    (void)state;
    assert_string_equal(part(write("{" MODELS "}", false, 0), "/components/schemas"),
                        "{'A':{'items':{'$ref':'#/components/schemas/B'}},"
                        "'B':{'type':'string'}}");
    assert_string_equal(part(write("{" MODELS "}", true, 0), "/definitions/A/items"),
                        "{'$ref':'#/definitions/B'}");
}

#define AUTHORIZERS                                                                                \
    "{'resources':[{'path':'/','resourceMethods':{"                                                \
    "'GET':{'authorizationType':'CUSTOM','authorizerId':'t'},"                                     \
    "'PUT':{'authorizationType':'COGNITO_USER_POOLS','authorizerId':'p',"                          \
    "'authorizationScopes':['s/r']},"                                                              \
    "'POST':{'authorizationType':'CUSTOM','authorizerId':'r'}}}],"                                 \
    "'authorizers':{"                                                                              \
    "'t':{'id':'t','name':'token','type':'TOKEN','authType':'custom','authorizerUri':'arn:t',"     \
    "'identitySource':'method.request.header.Auth','authorizerResultTtlInSeconds':60},"            \
    "'p':{'id':'p','name':'pool','type':'COGNITO_USER_POOLS','authType':'cognito_user_pools',"     \
    "'providerARNs':['arn:p'],'identitySource':'method.request.header.Authorization'},"            \
    "'r':{'id':'r','name':'request','type':'REQUEST','authType':'custom','authorizerUri':'arn:r'," \
    "'identitySource':'method.request.header.A,context.stage'}}}"

static const char *authorizer(struct openapi_plan *plan, const char *name)
{
    size_t i, max;
    yyjson_mut_val *authorizer;
    yyjson_mut_arr_foreach (plan->authorizers, i, max, authorizer) {
        if (str_eq(json_mut_get_str(authorizer, "name"), str_from(name)))
            return part(authorizer, "");
    }
    return "(none)";
}

static void test_document__has_authorizers_that_can_be_read_again(void **state)
{
    struct openapi_document document;
    struct openapi_plan plan;
    struct error error;
    (void)state;
    for (int is_swagger = 0; is_swagger < 2; is_swagger++) {
        struct str text = json_write(&arena, write(AUTHORIZERS, is_swagger, OPENAPI_AUTHORIZERS));
        assert_int_equal(openapi_parse(&arena, text, &document, &error), OK);
        openapi_plan_make(&document, OPENAPI_IGNORE, &plan);
        assert_string_equal(authorizer(&plan, "token"),
                            "{'name':'token','type':'TOKEN','authType':'custom',"
                            "'identitySource':'method.request.header.Auth',"
                            "'authorizerUri':'arn:t','authorizerResultTtlInSeconds':60}");
        assert_string_equal(authorizer(&plan, "pool"),
                            "{'name':'pool','type':'COGNITO_USER_POOLS',"
                            "'authType':'cognito_user_pools',"
                            "'identitySource':'method.request.header.Authorization',"
                            "'providerARNs':['arn:p']}");
        assert_string_equal(authorizer(&plan, "request"),
                            "{'name':'request','type':'REQUEST','authType':'custom',"
                            "'identitySource':'method.request.header.A,context.stage',"
                            "'authorizerUri':'arn:r'}");
        openapi_plan_release(&plan);
    }
}

static void test_document__has_no_extensions_unless_asked(void **state)
{
    (void)state;
    struct str text = json_write(&arena, write(AUTHORIZERS, false, 0));
    assert_int_equal(str_find(text, STR("x-amazon")), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_document__says_where_the_stage_is),
        cmocka_unit_test(test_document__has_paths_in_order),
        cmocka_unit_test(test_document__has_the_models_that_are_referred_to),
        cmocka_unit_test(test_document__has_authorizers_that_can_be_read_again),
        cmocka_unit_test(test_document__has_no_extensions_unless_asked),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
