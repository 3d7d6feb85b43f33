/* The DynamoDB client against a server that plays a script. */
#include "skylite/dynamodb.h"

#include <stdlib.h>

#include "../check.h"
#include "base/clock.h"
#include "fake_server.h"
#include "internal.h"
#include "wire/sigv4.h"

#define OK_ANSWER(length, body)                                                                    \
    "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\n"                              \
    "Content-Length: " length "\r\n\r\n" body
#define ITEM        OK_ANSWER("27", "{\"Item\":{\"id\":{\"S\":\"abc\"}}}")
#define UNAVAILABLE "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
#define THROTTLED                                                                                  \
    "HTTP/1.1 400 Bad Request\r\nContent-Length: 101\r\n\r\n"                                      \
    "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException\","     \
    "\"message\":\"slow\"}"
#define CONDITION                                                                                  \
    "HTTP/1.1 400 Bad Request\r\nContent-Length: 143\r\n\r\n"                                      \
    "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException\","            \
    "\"message\":\"The conditional request failed\",\"Item\":{\"a\":{\"S\":\"b\"}}}"

struct waits {
    unsigned count;
    unsigned longest;
};

static void count_wait(unsigned ms, void *arg)
{
    struct waits *waits = arg;
    waits->count++;
    waits->longest = ms > waits->longest ? ms : waits->longest;
}

struct fixture {
    struct fake_server server;
    struct dynamodb *client;
    struct arena arena;
    struct error error;
    struct waits waits;
    yyjson_val *out;
};

static void start(struct fixture *f, const struct fake_step *steps, size_t count)
{
    *f = (struct fixture){0};
    fake_server_start(&f->server, steps, count);
    const struct dynamodb_options options = {
        .endpoint = str_from(f->server.url),
        .region = STR("eu-central-1"),
        .access_key = STR("AKIDEXAMPLE"),
        .secret_key = STR("secret"),
        .session_token = STR("token"),
        .max_attempts = 3,
    };
    assert_int_equal(dynamodb_new(&options, &f->client, &f->error), OK);
    dynamodb_set_wait(f->client, count_wait, &f->waits);
}

#define START(f, steps) start(f, steps, sizeof(steps) / sizeof((steps)[0]))

static enum err call(struct fixture *f)
{
    return dynamodb_call(f->client, "GetItem", STR("{\"TableName\":\"T\"}"), &f->arena, &f->out,
                         &f->error);
}

static void stop(struct fixture *f)
{
    dynamodb_free(f->client);
    fake_server_join(&f->server);
    fake_server_release(&f->server);
    arena_release(&f->arena);
}

/* --- Requests --- */

static void test_dynamodb__posts_the_input_to_the_operation(void **state)
{
    (void)state;
    struct fixture f;
    const struct fake_step steps[] = {{1, ITEM}};
    START(&f, steps);
    assert_int_equal(call(&f), OK);
    fake_server_join(&f.server);
    assert_true(fake_server_saw(&f.server, "POST / HTTP/1.1\r\n"));
    assert_true(fake_server_saw(&f.server, "X-Amz-Target: DynamoDB_20120810.GetItem\r\n"));
    assert_true(fake_server_saw(&f.server, "\r\n\r\n{\"TableName\":\"T\"}"));
    dynamodb_free(f.client);
    fake_server_release(&f.server);
    arena_release(&f.arena);
}

static struct str line_value(struct str text, struct str name)
{
    ptrdiff_t at = str_find(text, name);
    assert_true(at >= 0);
    struct str rest = str_slice(text, (size_t)at + name.len, text.len), line;
    str_cut(&rest, '\r', &line);
    return str_trim(line);
}

static void test_dynamodb__signs_what_it_sends(void **state)
{
    (void)state;
    struct fixture f;
    const struct fake_step steps[] = {{1, ITEM}};
    START(&f, steps);
    clock_fake_ms(1700000000000);
    assert_int_equal(call(&f), OK);
    dynamodb_free(f.client);
    fake_server_join(&f.server);

    struct str sent = buf_str(&f.server.received);
    const struct sigv4_header headers[] = {
        {STR("host"), line_value(sent, STR("\r\nHost:"))},
        {STR("content-type"), line_value(sent, STR("\r\nContent-Type:"))},
        {STR("x-amz-target"), line_value(sent, STR("\r\nX-Amz-Target:"))},
        {STR("x-amz-date"), line_value(sent, STR("\r\nX-Amz-Date:"))},
        {STR("x-amz-content-sha256"), line_value(sent, STR("\r\nX-Amz-Content-Sha256:"))},
        {STR("x-amz-security-token"), line_value(sent, STR("\r\nX-Amz-Security-Token:"))},
        {STR("authorization"), line_value(sent, STR("\r\nAuthorization:"))},
    };
    const struct sigv4_request request = {
        .method = STR("POST"),
        .path = STR("/"),
        .query = STR_EMPTY,
        .headers = headers,
        .header_count = sizeof(headers) / sizeof(headers[0]),
        .body = STR("{\"TableName\":\"T\"}"),
    };
    struct sigv4_claim claim;
    assert_int_equal(sigv4_parse(&request, &f.arena, &claim, &f.error), OK);
    assert_str(claim.security_token, STR("token"));
    const struct sigv4_rules rules = {
        .service = STR("dynamodb"), .region = STR("eu-central-1"), .window_ms = 15 * 60 * 1000};
    assert_int_equal(sigv4_check(&request, &claim, &rules, 1700000000000, &f.arena, &f.error), OK);
    assert_int_equal(sigv4_verify(&request, &claim, &rules, STR("secret"), &f.arena, &f.error), OK);
    clock_fake_ms(0);
    fake_server_release(&f.server);
    arena_release(&f.arena);
}

static void test_dynamodb__keeps_the_connection(void **state)
{
    (void)state;
    struct fixture f;
    const struct fake_step steps[] = {{1, ITEM}, {1, ITEM}, {1, ITEM}};
    START(&f, steps);
    for (int i = 0; i < 3; i++)
        assert_int_equal(call(&f), OK);
    assert_str(dynamodb_get_s(json_get(f.out, "Item"), "id"), STR("abc"));
    stop(&f);
}

static void test_dynamodb__connects_again_when_the_server_hung_up(void **state)
{
    (void)state;
    struct fixture f;
    const struct fake_step steps[] = {{1, ITEM}, {0, NULL}, {1, ITEM}};
    START(&f, steps);
    assert_int_equal(call(&f), OK);
    assert_int_equal(call(&f), OK);
    stop(&f);
}

/* --- Errors --- */

static void test_dynamodb__fails_with_dynamodbs_code_and_message(void **state)
{
    (void)state;
    struct fixture f;
    const struct fake_step steps[] = {{1, CONDITION}};
    START(&f, steps);
    assert_int_equal(call(&f), ERR_DDB_CONDITIONAL_CHECK_FAILED);
    assert_string_equal(f.error.message, "The conditional request failed");
    assert_int_equal(f.waits.count, 0);
    stop(&f);
}

static void test_dynamodb__hands_over_the_members_of_an_error(void **state)
{
    (void)state;
    struct fixture f;
    const struct fake_step steps[] = {{1, CONDITION}};
    START(&f, steps);
    call(&f);
    assert_true(str_ends(f.error.members, STR("\"Item\":{\"a\":{\"S\":\"b\"}}")));
    stop(&f);
}

static void test_dynamodb__does_not_know_every_error(void **state)
{
    (void)state;
    struct fixture f;
    const struct fake_step steps[] = {{1, "HTTP/1.1 400 Bad Request\r\nContent-Length: 32\r\n\r\n"
                                          "{\"__type\":\"Odd\",\"Message\":\"why\"}"}};
    START(&f, steps);
    assert_int_equal(call(&f), ERR_INTERNAL);
    assert_string_equal(f.error.message, "why");
    stop(&f);
}

/* --- Attempts --- */

static void test_dynamodb__tries_again_after_throttling(void **state)
{
    (void)state;
    struct fixture f;
    const struct fake_step steps[] = {{1, THROTTLED}, {1, UNAVAILABLE}, {1, ITEM}};
    START(&f, steps);
    assert_int_equal(call(&f), OK);
    assert_int_equal(f.waits.count, 2);
    assert_true(f.waits.longest < 100);
    stop(&f);
}

static void test_dynamodb__gives_up_after_the_last_attempt(void **state)
{
    (void)state;
    struct fixture f;
    const struct fake_step steps[] = {{1, THROTTLED}, {1, THROTTLED}, {1, THROTTLED}};
    START(&f, steps);
    assert_int_equal(call(&f), ERR_DDB_PROVISIONED_THROUGHPUT_EXCEEDED);
    assert_int_equal(f.waits.count, 2);
    stop(&f);
}

static void test_dynamodb__tries_again_when_the_connection_breaks(void **state)
{
    (void)state;
    struct fixture f;
    const struct fake_step steps[] = {{1, NULL}, {1, ITEM}};
    START(&f, steps);
    assert_int_equal(call(&f), OK);
    assert_int_equal(f.waits.count, 1);
    stop(&f);
}

/* --- Making --- */

static void test_dynamodb__takes_the_environment(void **state)
{
    (void)state;
    struct fixture f = {0};
    const struct fake_step steps[] = {{1, ITEM}};
    fake_server_start(&f.server, steps, 1);
    setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1", 1);
    setenv("AWS_ENDPOINT_URL_DYNAMODB", f.server.url, 1);
    setenv("AWS_REGION", "us-west-2", 1);
    setenv("AWS_ACCESS_KEY_ID", "AKIDENV", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    setenv("AWS_SESSION_TOKEN", "from-env", 1);
    assert_int_equal(dynamodb_new(NULL, &f.client, &f.error), OK);
    assert_int_equal(call(&f), OK);
    dynamodb_free(f.client);
    fake_server_join(&f.server);
    assert_true(fake_server_saw(&f.server, "Credential=AKIDENV/"));
    assert_true(fake_server_saw(&f.server, "/us-west-2/dynamodb/aws4_request"));
    assert_true(fake_server_saw(&f.server, "X-Amz-Security-Token: from-env\r\n"));
    fake_server_release(&f.server);
    arena_release(&f.arena);
}

static void test_dynamodb__needs_region_and_credentials(void **state)
{
    (void)state;
    struct dynamodb *client = NULL;
    struct error error;
    unsetenv("AWS_REGION");
    unsetenv("AWS_DEFAULT_REGION");
    assert_int_equal(dynamodb_new(NULL, &client, &error), ERR_VALIDATION);
    setenv("AWS_DEFAULT_REGION", "us-east-1", 1);
    unsetenv("AWS_SECRET_ACCESS_KEY");
    assert_int_equal(dynamodb_new(NULL, &client, &error), ERR_VALIDATION);
    assert_null(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dynamodb__posts_the_input_to_the_operation),
        cmocka_unit_test(test_dynamodb__signs_what_it_sends),
        cmocka_unit_test(test_dynamodb__keeps_the_connection),
        cmocka_unit_test(test_dynamodb__connects_again_when_the_server_hung_up),
        cmocka_unit_test(test_dynamodb__fails_with_dynamodbs_code_and_message),
        cmocka_unit_test(test_dynamodb__hands_over_the_members_of_an_error),
        cmocka_unit_test(test_dynamodb__does_not_know_every_error),
        cmocka_unit_test(test_dynamodb__tries_again_after_throttling),
        cmocka_unit_test(test_dynamodb__gives_up_after_the_last_attempt),
        cmocka_unit_test(test_dynamodb__tries_again_when_the_connection_breaks),
        cmocka_unit_test(test_dynamodb__takes_the_environment),
        cmocka_unit_test(test_dynamodb__needs_region_and_credentials),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
