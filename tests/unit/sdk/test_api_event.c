/* Events of API Gateway's proxy integration: what handlers read of them. */
#include "skylite/api.h"

#include "../check.h"

/* As AWS sends it, shortened. */
#define EVENT                                                                                      \
    "{\"resource\":\"/notes/{id}\",\"path\":\"/notes/a%20b\",\"httpMethod\":\"GET\","              \
    "\"headers\":{\"Accept\":\"*/*\",\"X-Api-Key\":\"k\"},"                                        \
    "\"multiValueHeaders\":{\"Accept\":[\"*/*\"],\"X-Api-Key\":[\"k\"]},"                          \
    "\"queryStringParameters\":{\"limit\":\"5\",\"q\":\"\"},"                                      \
    "\"multiValueQueryStringParameters\":{\"limit\":[\"5\"],\"q\":[\"\"]},"                        \
    "\"pathParameters\":{\"id\":\"a b\"},\"stageVariables\":null,"                                 \
    "\"requestContext\":{\"resourceId\":\"abc\",\"stage\":\"prod\",\"requestId\":\"r-1\"},"        \
    "\"body\":\"aGk=\",\"isBase64Encoded\":%s}"

static struct api_event parse(struct arena *arena, const char *is_base64)
{
    struct api_event event = {0};
    struct error error;
    ptrdiff_t at = str_find(STR(EVENT), STR("%s"));
    struct str json = arena_printf(arena, "%.*s%s}", (int)at, EVENT, is_base64);
    assert_int_equal(api_event_parse(arena, json, &event, &error), OK);
    return event;
}

static enum err parse_text(const char *text)
{
    struct arena arena = {0};
    struct api_event event;
    struct error error;
    enum err rc = api_event_parse(&arena, str_from(text), &event, &error);
    arena_release(&arena);
    return rc;
}

static void test_api_event__tells_method_route_and_path(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct api_event event = parse(&arena, "false");
    assert_str(event.method, STR("GET"));
    assert_str(event.resource, STR("/notes/{id}"));
    assert_str(event.path, STR("/notes/a%20b"));
    arena_release(&arena);
}

static void test_api_event__finds_headers_without_case(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct api_event event = parse(&arena, "false");
    assert_str(api_event_header(&event, STR("x-api-key")), STR("k"));
    assert_null(api_event_header(&event, STR("x-api")).ptr);
    arena_release(&arena);
}

static void test_api_event__tells_empty_parameters_from_missing_ones(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct api_event event = parse(&arena, "false");
    assert_str(api_event_query(&event, "limit"), STR("5"));
    assert_non_null(api_event_query(&event, "q").ptr);
    assert_null(api_event_query(&event, "cursor").ptr);
    arena_release(&arena);
}

static void test_api_event__gives_path_parameters_and_context(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct api_event event = parse(&arena, "false");
    assert_str(api_event_path_parameter(&event, "id"), STR("a b"));
    assert_str(api_event_context(&event, "stage"), STR("prod"));
    arena_release(&arena);
}

static void test_api_event__decodes_a_base64_body(void **state)
{
    (void)state;
    struct arena arena = {0};
    assert_str(parse(&arena, "false").body, STR("aGk="));
    assert_str(parse(&arena, "true").body, STR("hi"));
    arena_release(&arena);
}

static void test_api_event__takes_null_for_nothing(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct api_event event;
    struct error error;
    struct str json = STR("{\"httpMethod\":\"GET\",\"headers\":null,\"queryStringParameters\":null,"
                          "\"pathParameters\":null,\"requestContext\":null,\"body\":null}");
    assert_int_equal(api_event_parse(&arena, json, &event, &error), OK);
    assert_null(event.body.ptr);
    assert_null(api_event_header(&event, STR("accept")).ptr);
    assert_null(api_event_query(&event, "limit").ptr);
    assert_null(api_event_path_parameter(&event, "id").ptr);
    arena_release(&arena);
}

static void test_api_event__refuses_what_is_none(void **state)
{
    (void)state;
    assert_int_equal(parse_text(""), ERR_VALIDATION);
    assert_int_equal(parse_text("{"), ERR_VALIDATION);
    assert_int_equal(parse_text("[]"), ERR_VALIDATION);
    assert_int_equal(parse_text("{}"), ERR_VALIDATION);
    assert_int_equal(parse_text("{\"version\":\"2.0\",\"rawPath\":\"/\"}"), ERR_VALIDATION);
    assert_int_equal(parse_text("{\"httpMethod\":\"GET\",\"body\":5}"), ERR_VALIDATION);
    assert_int_equal(parse_text("{\"httpMethod\":\"GET\",\"body\":\"!\",\"isBase64Encoded\":true}"),
                     ERR_VALIDATION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api_event__tells_method_route_and_path),
        cmocka_unit_test(test_api_event__finds_headers_without_case),
        cmocka_unit_test(test_api_event__tells_empty_parameters_from_missing_ones),
        cmocka_unit_test(test_api_event__gives_path_parameters_and_context),
        cmocka_unit_test(test_api_event__decodes_a_base64_body),
        cmocka_unit_test(test_api_event__takes_null_for_nothing),
        cmocka_unit_test(test_api_event__refuses_what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
