/* What a function's answer becomes. */
#include "../../check.h"
#include "services/apigateway/plane/event.h"

static struct arena arena;

static int release(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static struct proxy_answer answer(const char *payload)
{
    struct proxy_answer answer = {0};
    assert_true(proxy_answer_parse(&arena, str_from(payload), false, &answer));
    return answer;
}

static void assert_malformed(const char *payload)
{
    struct proxy_answer answer;
    if (proxy_answer_parse(&arena, str_from(payload), true, &answer))
        fail_msg("accepted %s", payload);
}

static struct str header(const struct proxy_answer *answer, struct str name)
{
    for (size_t i = 0; i < answer->header_count; i++) {
        if (str_eq(answer->headers[i].name, name))
            return answer->headers[i].value;
    }
    return STR("(none)");
}

static void test_answer__carries_status_headers_and_body(void **state)
{
    (void)state;
    struct proxy_answer a = answer("{\"statusCode\":201,\"headers\":{\"Location\":\"/notes/1\"},"
                                   "\"body\":\"{\\\"a\\\":1}\",\"isBase64Encoded\":false}");
    assert_int_equal(a.status, 201);
    assert_int_equal(a.header_count, 1);
    assert_str(header(&a, STR("Location")), STR("/notes/1"));
    assert_str(a.body, STR("{\"a\":1}"));
}

static void test_answer__needs_no_member(void **state)
{
    (void)state;
    struct proxy_answer a = answer("{}");
    assert_int_equal(a.status, 200);
    assert_int_equal(a.header_count, 0);
    assert_str(a.body, STR(""));
    a = answer("{\"statusCode\":null,\"headers\":null,\"multiValueHeaders\":null,\"body\":null,"
               "\"isBase64Encoded\":null}");
    assert_int_equal(a.status, 200);
}

static void test_answer__takes_a_status_as_text(void **state)
{
    (void)state;
    assert_int_equal(answer("{\"statusCode\":\"404\"}").status, 404);
}

static void test_answer__takes_numbers_and_truth_values_as_headers(void **state)
{
    (void)state;
    struct proxy_answer a =
        answer("{\"headers\":{\"X-N\":5,\"X-B\":true,\"X-Null\":null,\"X-S\":\"s\"}}");
    assert_int_equal(a.header_count, 3);
    assert_str(header(&a, STR("X-N")), STR("5"));
    assert_str(header(&a, STR("X-B")), STR("true"));
}

static void test_answer__joins_names_that_are_in_both(void **state)
{
    (void)state;
    struct proxy_answer a =
        answer("{\"headers\":{\"set-cookie\":\"z\",\"A\":\"1\"},\"multiValueHeaders\":"
               "{\"Set-Cookie\":[\"x\",\"y\"]}}");
    assert_int_equal(a.header_count, 4);
    assert_str(a.headers[0].value, STR("x"));
    assert_str(a.headers[1].value, STR("y"));
    assert_str(a.headers[2].value, STR("z"));
    assert_str(a.headers[3].name, STR("A"));
}

static void test_answer__renames_headers_that_the_gateway_sets(void **state)
{
    (void)state;
    struct proxy_answer a =
        answer("{\"headers\":{\"Date\":\"d\",\"Server\":\"s\",\"WWW-Authenticate\":\"Basic\","
               "\"Connection\":\"close\",\"Content-Length\":\"999\",\"Transfer-Encoding\":\"x\"}}");
    assert_int_equal(a.header_count, 5);
    assert_str(header(&a, STR("x-amzn-Remapped-Content-Length")), STR("999"));
    assert_str(header(&a, STR("x-amzn-Remapped-Date")), STR("d"));
    assert_str(header(&a, STR("x-amzn-Remapped-Server")), STR("s"));
    assert_str(header(&a, STR("x-amzn-Remapped-WWW-Authenticate")), STR("Basic"));
    assert_str(header(&a, STR("x-amzn-Remapped-Connection")), STR("close"));
}

static void test_answer__decodes_base64_for_clients_that_accept_binary(void **state)
{
    (void)state;
    struct proxy_answer a;
    struct str payload = STR("{\"isBase64Encoded\":true,\"body\":\"iVBORw==\"}");
    assert_true(proxy_answer_parse(&arena, payload, true, &a));
    assert_str(a.body, str_make("\x89PNG", 4));
    assert_true(proxy_answer_parse(&arena, payload, false, &a));
    assert_str(a.body, STR("iVBORw=="));
}

static void test_answer__refuses_what_aws_calls_malformed(void **state)
{
    (void)state;
    static const char *const payloads[] = {
        "",
        "null",
        "\"text\"",
        "[]",
        "{\"statusCode\":200",
        "{\"statusCode\":200,\"wrongValue\":\"value\"}",
        "{\"statusCode\":\"two hundred\"}",
        "{\"statusCode\":{}}",
        "{\"statusCode\":99}",
        "{\"statusCode\":1000}",
        "{\"body\":{\"a\":1}}",
        "{\"headers\":[]}",
        "{\"headers\":{\"X\":{}}}",
        "{\"headers\":{\"X\":\"a\\r\\nInjected: yes\"}}",
        "{\"headers\":{\"X Y\":\"a\"}}",
        "{\"headers\":{\"\":\"a\"}}",
        "{\"multiValueHeaders\":{\"X\":\"a\"}}",
        "{\"isBase64Encoded\":\"yes\"}",
        "{\"isBase64Encoded\":true,\"body\":\"***\"}",
    };
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++)
        assert_malformed(payloads[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answer__carries_status_headers_and_body),
        cmocka_unit_test(test_answer__needs_no_member),
        cmocka_unit_test(test_answer__takes_a_status_as_text),
        cmocka_unit_test(test_answer__takes_numbers_and_truth_values_as_headers),
        cmocka_unit_test(test_answer__joins_names_that_are_in_both),
        cmocka_unit_test(test_answer__renames_headers_that_the_gateway_sets),
        cmocka_unit_test(test_answer__decodes_base64_for_clients_that_accept_binary),
        cmocka_unit_test(test_answer__refuses_what_aws_calls_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, release);
}
