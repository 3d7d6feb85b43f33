/* Answers to API Gateway's proxy integration, as JSON. */
#include "skylite/api.h"

#include "../check.h"

static void test_api_response__is_an_empty_200_at_first(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct api_response response;
    api_response_init(&response, &arena);
    assert_str(api_response_write(&response),
               STR("{\"statusCode\":200,\"body\":\"\",\"isBase64Encoded\":false}"));
    arena_release(&arena);
}

static void test_api_response__carries_json_with_its_type(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct api_response response;
    api_response_init(&response, &arena);
    response.status = 201;
    api_response_json(&response, STR("{\"a\":\"\\n\"}"));
    assert_str(api_response_write(&response),
               STR("{\"statusCode\":201,\"headers\":{\"Content-Type\":\"application/json\"},"
                   "\"body\":\"{\\\"a\\\":\\\"\\\\n\\\"}\",\"isBase64Encoded\":false}"));
    arena_release(&arena);
}

static void test_api_response__repeats_headers_in_the_multi_value_form(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct api_response response;
    api_response_init(&response, &arena);
    api_response_header(&response, STR("Set-Cookie"), STR("a=1"));
    api_response_header(&response, STR("X"), STR("y"));
    api_response_header(&response, STR("set-cookie"), STR("b=2"));
    assert_str(api_response_write(&response),
               STR("{\"statusCode\":200,\"headers\":{\"X\":\"y\"},"
                   "\"multiValueHeaders\":{\"Set-Cookie\":[\"a=1\",\"b=2\"]},"
                   "\"body\":\"\",\"isBase64Encoded\":false}"));
    arena_release(&arena);
}

static void test_api_response__encodes_bytes(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct api_response response;
    api_response_init(&response, &arena);
    api_response_binary(&response, STR("\xff\x00"));
    assert_str(api_response_write(&response),
               STR("{\"statusCode\":200,\"body\":\"/wA=\",\"isBase64Encoded\":true}"));
    arena_release(&arena);
}

static void test_api_response__takes_many_headers(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct api_response response;
    api_response_init(&response, &arena);
    for (int i = 0; i < 40; i++)
        api_response_header(&response, arena_printf(&arena, "h%d", i), STR("v"));
    assert_true(str_find(api_response_write(&response), STR(",\"h39\":\"v\"}")) > 0);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_response__is_an_empty_200_at_first),
        cmocka_unit_test(test_api_response__carries_json_with_its_type),
        cmocka_unit_test(test_api_response__repeats_headers_in_the_multi_value_form),
        cmocka_unit_test(test_api_response__encodes_bytes),
        cmocka_unit_test(test_api_response__takes_many_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
