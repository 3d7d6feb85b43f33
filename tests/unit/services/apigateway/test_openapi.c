/* OpenAPI documents as plans. */
#include "services/apigateway/openapi/plan.h"

#include "../../check.h"
#include "base/buf.h"

static struct arena arena;
static struct openapi_document document;
static struct openapi_plan plan;

static int teardown(void **state)
{
    (void)state;
    openapi_plan_release(&plan);
    arena_release(&arena);
    return 0;
}

static void make(const char *text, enum openapi_base_path base_path)
{
    struct error error;
    if (openapi_parse(&arena, str_from(text), &document, &error))
        fail_msg("%s: %s", text, error.message);
    openapi_plan_release(&plan);
    openapi_plan_make(&document, base_path, &plan);
}

#define HEAD "openapi: 3.0.1\ninfo: {title: t, version: 1.0}\n"

/* The part of a plan as JSON, quotes as apostrophes. */
static const char *part(yyjson_mut_val *value)
{
    char *text = arena_cstr(&arena, json_write(&arena, value));
    for (char *c = text; *c; c++)
        *c = *c == '"' ? '\'' : *c;
    return text;
}

static const char *method_put(void)
{
    yyjson_mut_val *entry = yyjson_mut_arr_get_first(plan.paths);
    yyjson_mut_val *method = yyjson_mut_arr_get_first(yyjson_mut_obj_get(entry, "methods"));
    return part(yyjson_mut_obj_get(method, "put"));
}

/* --- Documents --- */

static void test_openapi_parse__refuses_what_is_no_document(void **state)
{
    static const char *const texts[] = {"",  "{",  "[]", "a: [",          "openapi: 3.1.0",
                                        "1", "{}", "x",  "swagger: '1.2'"};
    struct error error;
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(openapi_parse(&arena, str_from(texts[i]), &document, &error),
                         ERR_APIGW_BAD_REQUEST);
}

static void test_openapi_resolve__follows_names_with_slashes_and_blanks(void **state)
{
    (void)state;
    make(HEAD "paths: {}\nx: {a/b: {c d: {k: 1}}}\ny: {$ref: '#/x/a~1b/c%20d'}", OPENAPI_IGNORE);
    yyjson_val *value = openapi_resolve(&document, json_get(document.root, "y"));
    assert_int_equal(yyjson_get_int(json_get(value, "k")), 1);
}

static void test_openapi_resolve__ends_circles(void **state)
{
    (void)state;
    make(HEAD "paths: {}\nx: {$ref: '#/y'}\ny: {$ref: '#/x'}", OPENAPI_IGNORE);
    assert_null(openapi_resolve(&document, json_get(document.root, "x")));
}

static void test_openapi_base_path__fills_in_variables(void **state)
{
    (void)state;
    make(HEAD "paths: {}\nservers: [{url: 'https://h/{a}/v1/', variables: {a: {default: b}}}]",
         OPENAPI_IGNORE);
    assert_str(openapi_base_path(&document), STR("/b/v1"));
}

static void test_openapi_base_path__starts_with_a_slash(void **state)
{
    (void)state;
    make(HEAD "paths: {}\nservers: [{url: 'a/b'}]", OPENAPI_IGNORE);
    assert_str(openapi_base_path(&document), STR("/a/b"));
    make(HEAD "paths: {}\nservers: [{url: 'https://h/{p}', variables: {p: {default: /v1}}}]",
         OPENAPI_IGNORE);
    assert_str(openapi_base_path(&document), STR("/v1"));
    make("swagger: '2.0'\nbasePath: a\npaths: {}", OPENAPI_IGNORE);
    assert_str(openapi_base_path(&document), STR("/a"));
}

/* --- Plans --- */

static void test_plan__takes_a_number_for_a_version(void **state)
{
    (void)state;
    make(HEAD "paths: {}", OPENAPI_IGNORE);
    assert_string_equal(part(plan.api), "{'name':'t','version':'1.0'}");
}

static void test_plan__puts_the_base_path_before_paths(void **state)
{
    static const char text[] = "swagger: '2.0'\nbasePath: /a/b\npaths: {/c: {}}";
    (void)state;
    make(text, OPENAPI_IGNORE);
    assert_string_equal(part(plan.paths), "[{'path':'/c','methods':[]}]");
    make(text, OPENAPI_PREPEND);
    assert_string_equal(part(plan.paths), "[{'path':'/a/b/c','methods':[]}]");
    make(text, OPENAPI_SPLIT);
    assert_string_equal(part(plan.paths), "[{'path':'/b/c','methods':[]}]");
}

static void test_plan__lets_an_operation_s_parameter_win_over_its_path_s(void **state)
{
    (void)state;
    make(HEAD "paths: {/a: {parameters: [{in: query, name: q}], get: {parameters: [{in: query, "
              "name: q, required: true}]}}}",
         OPENAPI_IGNORE);
    assert_string_equal(method_put(), "{'authorizationType':'NONE',"
                                      "'requestParameters':{'method.request.querystring.q':true}}");
}

static void test_plan__names_the_same_inline_schema_the_same(void **state)
{
    (void)state;
    make(HEAD "paths: {/a: {get: {responses: {200: {content: {a/b: {schema: {type: object}}}}, "
              "201: {content: {a/b: {schema: {type: object}}}}}}}}",
         OPENAPI_IGNORE);
    assert_int_equal(yyjson_mut_arr_size(plan.models), 1);
}

static void test_plan__asks_for_keys_and_authorizers(void **state)
{
    (void)state;
    make(HEAD "security: [{key: [], users: [a/b]}]\npaths: {/a: {get: {}}}\ncomponents: "
              "{securitySchemes: {key: {type: apiKey, in: header, name: x-api-key}, users: {type: "
              "apiKey, in: header, name: auth, x-amazon-apigateway-authorizer: {type: "
              "cognito_user_pools, providerARNs: [p]}}}}",
         OPENAPI_IGNORE);
    assert_string_equal(part(plan.authorizers),
                        "[{'name':'users','type':'COGNITO_USER_POOLS',"
                        "'identitySource':'method.request.header.auth','providerARNs':['p']}]");
    assert_string_equal(method_put(), "{'apiKeyRequired':true,'authorizationType':"
                                      "'COGNITO_USER_POOLS','authorizationScopes':['a/b']}");
}

static void test_plan__is_not_larger_than_its_references_may_make_it(void **state)
{
    struct buf text;
    (void)state;
    buf_init_arena(&text, &arena, 1024 * 1024);
    buf_printf(&text, "%spaths:\n  /a: {get: {x-amazon-apigateway-integration: {uri: '", HEAD);
    for (int i = 0; i < 100000; i++)
        buf_add_byte(&text, 'u');
    buf_printf(&text, "'}}}\n");
    for (int i = 0; i < 1000; i++)
        buf_printf(&text, "  /p%d: {$ref: '#/paths/~1a'}\n", i);
    make(arena_cstr(&arena, buf_str(&text)), OPENAPI_IGNORE);
    assert_string_equal(yyjson_mut_get_str(yyjson_mut_arr_get_first(plan.errors)),
                        "The references of the document expand to too much");
}

static void test_schema_text__refers_to_models_of_the_api(void **state)
{
    (void)state;
    make(HEAD "paths: {}\ncomponents: {schemas: {A: {items: {$ref: '#/components/schemas/B'}}}}",
         OPENAPI_IGNORE);
    yyjson_mut_val *model = yyjson_mut_arr_get_first(plan.models);
    assert_str(openapi_schema_text(&arena, yyjson_mut_obj_get(model, "schema"), STR("id")),
               STR("{\"items\":{\"$ref\":"
                   "\"https://apigateway.amazonaws.com/restapis/id/models/B\"}}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_openapi_parse__refuses_what_is_no_document),
        cmocka_unit_test(test_openapi_resolve__follows_names_with_slashes_and_blanks),
        cmocka_unit_test(test_openapi_resolve__ends_circles),
        cmocka_unit_test(test_openapi_base_path__fills_in_variables),
        cmocka_unit_test(test_openapi_base_path__starts_with_a_slash),
        cmocka_unit_test(test_plan__takes_a_number_for_a_version),
        cmocka_unit_test(test_plan__puts_the_base_path_before_paths),
        cmocka_unit_test(test_plan__lets_an_operation_s_parameter_win_over_its_path_s),
        cmocka_unit_test(test_plan__names_the_same_inline_schema_the_same),
        cmocka_unit_test(test_plan__asks_for_keys_and_authorizers),
        cmocka_unit_test(test_plan__is_not_larger_than_its_references_may_make_it),
        cmocka_unit_test(test_schema_text__refers_to_models_of_the_api),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
