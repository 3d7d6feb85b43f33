/* lambda_run against a Runtime API that plays a script. */
#include "skylite/lambda.h"

#include <stdio.h>
#include <stdlib.h>

#include "../check.h"
#include "base/clock.h"
#include "fake_server.h"
#include "skylite/api.h"

#define EVENT(length, body)                                                                        \
    "HTTP/1.1 200 OK\r\n"                                                                          \
    "Lambda-Runtime-Aws-Request-Id: id-1\r\n"                                                      \
    "Lambda-Runtime-Deadline-Ms: 1700000003000\r\n"                                                \
    "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:000000000000:function:f\r\n"    \
    "lambda-runtime-trace-id: Root=1-2-3;Sampled=0\r\n"                                            \
    "Content-Length: " length "\r\n\r\n" body
#define TAKEN     "HTTP/1.1 202 Accepted\r\nContent-Length: 15\r\n\r\n{\"status\":\"OK\"}"
#define API_EVENT "{\"httpMethod\":\"GET\",\"path\":\"/x\"}"

struct seen {
    unsigned calls;
    struct str request_id, function_arn, trace_id, event; /* on the heap */
    int64_t deadline_ms, remaining_ms;
};

static struct str keep(struct str s)
{
    char *copy = malloc(s.len + 1);
    memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return str_make(copy, s.len);
}

static void forget(struct seen *seen)
{
    free((char *)(uintptr_t)seen->request_id.ptr);
    free((char *)(uintptr_t)seen->function_arn.ptr);
    free((char *)(uintptr_t)seen->trace_id.ptr);
    free((char *)(uintptr_t)seen->event.ptr);
    *seen = (struct seen){0};
}

/* --- Handlers --- */

static enum err echo(struct lambda_context *context, struct str event, struct str *out_response,
                     struct error *error)
{
    (void)error;
    struct seen *seen = context->user;
    unsigned calls = seen->calls + 1;
    forget(seen);
    *seen = (struct seen){
        .calls = calls,
        .request_id = keep(context->request_id),
        .function_arn = keep(context->function_arn),
        .trace_id = keep(str_from(getenv("_X_AMZN_TRACE_ID"))),
        .event = keep(event),
        .deadline_ms = context->deadline_ms,
        .remaining_ms = lambda_remaining_ms(context),
    };
    *out_response = event;
    return OK;
}

static enum err refuse(struct lambda_context *context, struct str event, struct str *out_response,
                       struct error *error)
{
    (void)context;
    (void)event;
    (void)out_response;
    return error_set(error, ERR_VALIDATION, "no \"title\"");
}

static enum err fail_by_name(struct lambda_context *context, struct str event,
                             struct str *out_response, struct error *error)
{
    context->error_type = STR("No Milk");
    return refuse(context, event, out_response, error);
}

static enum err teapot(struct lambda_context *context, const struct api_event *event,
                       struct api_response *response, struct error *error)
{
    (void)context;
    (void)error;
    response->status = 418;
    api_response_text(response, event->path);
    return OK;
}

static const struct lambda_handler handlers[] = {
    {.name = "test.echo", .handle = echo},
    {.name = "test.fail", .handle = refuse},
    {.name = "test.fail_by_name", .handle = fail_by_name},
    {.name = "test.teapot", .handle_api = teapot},
};

/* Plays the script to lambda_run and returns its exit status. */
static int run(struct fake_server *server, const char *handler, const struct fake_step *steps,
               size_t count, struct seen *seen)
{
    fake_server_start(server, steps, count);
    setenv("AWS_LAMBDA_RUNTIME_API", server->address, 1);
    setenv("_HANDLER", handler, 1);
    int status = lambda_run(handlers, sizeof(handlers) / sizeof(handlers[0]), seen);
    fake_server_join(server);
    return status;
}

#define RUN(server, handler, steps, seen)                                                          \
    run(server, handler, steps, sizeof(steps) / sizeof((steps)[0]), seen)

/* --- Events --- */

static void test_runtime__gives_the_event_to_the_named_handler(void **state)
{
    (void)state;
    struct fake_server server = {0};
    struct seen seen = {0};
    const struct fake_step steps[] = {{1, EVENT("7", "{\"a\":1}")}};
    RUN(&server, "test.echo", steps, &seen);
    assert_str(seen.event, STR("{\"a\":1}"));
    forget(&seen);
    fake_server_release(&server);
}

static void test_runtime__gives_the_context(void **state)
{
    (void)state;
    struct fake_server server = {0};
    struct seen seen = {0};
    const struct fake_step steps[] = {{1, EVENT("2", "{}")}};
    clock_fake_ms(1700000001000);
    RUN(&server, "test.echo", steps, &seen);
    clock_fake_ms(0);
    assert_str(seen.request_id, STR("id-1"));
    assert_str(seen.function_arn, STR("arn:aws:lambda:us-east-1:000000000000:function:f"));
    assert_str(seen.trace_id, STR("Root=1-2-3;Sampled=0"));
    assert_int_equal(seen.deadline_ms, 1700000003000);
    assert_int_equal(seen.remaining_ms, 2000);
    forget(&seen);
    fake_server_release(&server);
}

static void test_runtime__reads_answers_one_byte_at_a_time(void **state)
{
    (void)state;
    struct fake_server server = {.is_slow = true};
    struct seen seen = {0};
    const struct fake_step steps[] = {
        {1, EVENT("7", "{\"a\":1}")}, {2, TAKEN EVENT("7", "{\"a\":2}")}, {2, TAKEN}};
    RUN(&server, "test.echo", steps, &seen);
    assert_int_equal(seen.calls, 2);
    assert_str(seen.event, STR("{\"a\":2}"));
    forget(&seen);
    fake_server_release(&server);
}

static void test_runtime__puts_chunks_together(void **state)
{
    (void)state;
    for (int is_slow = 0; is_slow < 2; is_slow++) {
        struct fake_server server = {.is_slow = is_slow};
        struct seen seen = {0};
        const struct fake_step steps[] = {
            {1,
             "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: id-2\r\n"
             "Transfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n2;x=y\r\n\":\r\n2\r\n1}\r\n0\r\n\r\n"},
            {2, TAKEN}};
        RUN(&server, "test.echo", steps, &seen);
        assert_str(seen.event, STR("{\"a\":1}"));
        assert_str(seen.request_id, STR("id-2"));
        forget(&seen);
        fake_server_release(&server);
    }
}

static void test_runtime__takes_an_event_of_six_megabytes(void **state)
{
    (void)state;
    enum { LEN = 6 * 1024 * 1024 };
    struct fake_server server = {0};
    struct seen seen = {0};
    struct arena arena = {0};
    char *text = arena_alloc(&arena, LEN + 1);
    memset(text, '7', LEN);
    text[LEN] = '\0';
    struct str event = arena_printf(&arena,
                                    TAKEN "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: i\r\n"
                                          "Content-Length: %d\r\n\r\n%s",
                                    LEN, text);
    const struct fake_step steps[] = {{1, EVENT("2", "{}")},
                                      {2, TAKEN EVENT("2", "{}")},
                                      {2, event.ptr},
                                      {2, TAKEN EVENT("2", "{}")},
                                      {2, TAKEN}};
    RUN(&server, "test.echo", steps, &seen);
    assert_int_equal(seen.calls, 4);
    assert_int_equal(server.received.len > LEN, true);
    forget(&seen);
    arena_release(&arena);
    fake_server_release(&server);
}

/* --- Answers --- */

static void test_runtime__answers_with_what_the_handler_returns(void **state)
{
    (void)state;
    struct fake_server server = {0};
    struct seen seen = {0};
    const struct fake_step steps[] = {{1, EVENT("7", "{\"a\":1}")}, {1, TAKEN}};
    RUN(&server, "test.echo", steps, &seen);
    assert_true(fake_server_saw(&server, "POST /2018-06-01/runtime/invocation/id-1/response"));
    assert_true(fake_server_saw(&server, "Content-Length: 7\r\n\r\n{\"a\":1}"));
    forget(&seen);
    fake_server_release(&server);
}

/* The script answers neither before both are there: asking one by one would wait for ever. */
static void test_runtime__sends_an_answer_and_the_next_request_together(void **state)
{
    (void)state;
    struct fake_server server = {0};
    struct seen seen = {0};
    const struct fake_step steps[] = {{1, EVENT("2", "{}")},
                                      {2, TAKEN EVENT("2", "[]")},
                                      {2, TAKEN EVENT("4", "null")},
                                      {2, TAKEN}};
    RUN(&server, "test.echo", steps, &seen);
    assert_int_equal(seen.calls, 3);
    forget(&seen);
    fake_server_release(&server);
}

static void test_runtime__goes_on_when_answer_and_event_come_apart(void **state)
{
    (void)state;
    struct fake_server server = {0};
    struct seen seen = {0};
    const struct fake_step steps[] = {{1, EVENT("2", "{}")},
                                      {1, TAKEN},
                                      {1, EVENT("2", "[]")},
                                      {1, TAKEN},
                                      {1, EVENT("4", "null")}};
    RUN(&server, "test.echo", steps, &seen);
    assert_int_equal(seen.calls, 3);
    forget(&seen);
    fake_server_release(&server);
}

static void test_runtime__reports_a_failing_handler(void **state)
{
    (void)state;
    struct fake_server server = {0};
    const struct fake_step steps[] = {{1, EVENT("2", "{}")}, {2, TAKEN}};
    RUN(&server, "test.fail", steps, NULL);
    assert_true(fake_server_saw(&server, "POST /2018-06-01/runtime/invocation/id-1/error"));
    assert_true(
        fake_server_saw(&server, "Lambda-Runtime-Function-Error-Type: ValidationException\r\n"));
    assert_true(fake_server_saw(&server, "\r\n\r\n{\"errorMessage\":\"no \\\"title\\\"\","
                                         "\"errorType\":\"ValidationException\","
                                         "\"stackTrace\":[]}"));
    fake_server_release(&server);
}

static void test_runtime__takes_the_handlers_own_error_type(void **state)
{
    (void)state;
    struct fake_server server = {0};
    const struct fake_step steps[] = {{1, EVENT("2", "{}")}, {2, TAKEN}};
    RUN(&server, "test.fail_by_name", steps, NULL);
    assert_true(fake_server_saw(&server, "Lambda-Runtime-Function-Error-Type: No_Milk\r\n"));
    assert_true(fake_server_saw(&server, "\"errorType\":\"No Milk\""));
    fake_server_release(&server);
}

static void test_runtime__parses_events_for_api_handlers(void **state)
{
    (void)state;
    struct fake_server server = {0};
    const struct fake_step steps[] = {{1, EVENT("32", API_EVENT)}, {2, TAKEN}};
    RUN(&server, "test.teapot", steps, NULL);
    assert_true(
        fake_server_saw(&server, "{\"statusCode\":418,\"body\":\"/x\",\"isBase64Encoded\":false}"));
    fake_server_release(&server);
}

static void test_runtime__reports_what_is_no_event_of_an_api(void **state)
{
    (void)state;
    struct fake_server server = {0};
    const struct fake_step steps[] = {{1, EVENT("2", "{}")}, {2, TAKEN}};
    RUN(&server, "test.teapot", steps, NULL);
    assert_true(fake_server_saw(&server, "/error"));
    fake_server_release(&server);
}

/* --- Ends --- */

static void test_runtime__goes_on_after_a_refused_answer(void **state)
{
    (void)state;
    struct fake_server server = {0};
    struct seen seen = {0};
    const struct fake_step steps[] = {
        {1, EVENT("2", "{}")},
        {2, "HTTP/1.1 413 Payload Too Large\r\nContent-Length: 2\r\n\r\n{}" EVENT("2", "{}")},
        {2, TAKEN}};
    RUN(&server, "test.echo", steps, &seen);
    assert_int_equal(seen.calls, 2);
    forget(&seen);
    fake_server_release(&server);
}

static void test_runtime__ends_when_the_runtime_api_gives_up(void **state)
{
    (void)state;
    struct fake_server server = {0};
    struct seen seen = {0};
    const struct fake_step steps[] = {
        {1, EVENT("2", "{}")},
        {2, "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\n{}" EVENT("2", "{}")}};
    assert_int_equal(RUN(&server, "test.echo", steps, &seen), 1);
    assert_int_equal(seen.calls, 1);
    forget(&seen);
    fake_server_release(&server);
}

static void test_runtime__ends_when_the_connection_is_closed(void **state)
{
    (void)state;
    struct fake_server server = {0};
    struct seen seen = {0};
    const struct fake_step steps[] = {{1, "HTTP/1.1 200 OK\r\nContent-Le"}};
    assert_int_equal(RUN(&server, "test.echo", steps, &seen), 1);
    assert_int_equal(seen.calls, 0);
    fake_server_release(&server);
}

static void test_runtime__ends_when_it_is_not_http(void **state)
{
    (void)state;
    struct fake_server server = {0};
    struct seen seen = {0};
    const struct fake_step steps[] = {{1, "220 mail.example.com\r\n"}};
    assert_int_equal(RUN(&server, "test.echo", steps, &seen), 1);
    assert_int_equal(seen.calls, 0);
    fake_server_release(&server);
}

static void test_runtime__reports_an_unknown_handler(void **state)
{
    (void)state;
    struct fake_server server = {0};
    const struct fake_step steps[] = {{1, TAKEN}};
    assert_int_equal(RUN(&server, "test.other", steps, NULL), 1);
    assert_true(fake_server_saw(&server, "POST /2018-06-01/runtime/init/error"));
    assert_true(fake_server_saw(&server, "this program has no handler \\\"test.other\\\""));
    fake_server_release(&server);
}

static void test_runtime__reports_why_main_cannot_start(void **state)
{
    (void)state;
    struct fake_server server = {0};
    const struct fake_step steps[] = {{1, TAKEN}};
    struct error error;
    fake_server_start(&server, steps, 1);
    setenv("AWS_LAMBDA_RUNTIME_API", server.address, 1);
    error_set(&error, ERR_VALIDATION, "no region");
    assert_int_equal(lambda_fail_init(&error), 1);
    fake_server_join(&server);
    assert_true(fake_server_saw(&server, "{\"errorMessage\":\"no region\""));
    fake_server_release(&server);
}

static void test_runtime__needs_an_address(void **state)
{
    (void)state;
    struct seen seen = {0};
    unsetenv("AWS_LAMBDA_RUNTIME_API");
    setenv("_HANDLER", "test.echo", 1);
    assert_int_equal(lambda_run(handlers, 1, &seen), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runtime__gives_the_event_to_the_named_handler),
        cmocka_unit_test(test_runtime__gives_the_context),
        cmocka_unit_test(test_runtime__reads_answers_one_byte_at_a_time),
        cmocka_unit_test(test_runtime__puts_chunks_together),
        cmocka_unit_test(test_runtime__takes_an_event_of_six_megabytes),
        cmocka_unit_test(test_runtime__answers_with_what_the_handler_returns),
        cmocka_unit_test(test_runtime__sends_an_answer_and_the_next_request_together),
        cmocka_unit_test(test_runtime__goes_on_when_answer_and_event_come_apart),
        cmocka_unit_test(test_runtime__reports_a_failing_handler),
        cmocka_unit_test(test_runtime__takes_the_handlers_own_error_type),
        cmocka_unit_test(test_runtime__parses_events_for_api_handlers),
        cmocka_unit_test(test_runtime__reports_what_is_no_event_of_an_api),
        cmocka_unit_test(test_runtime__goes_on_after_a_refused_answer),
        cmocka_unit_test(test_runtime__ends_when_the_runtime_api_gives_up),
        cmocka_unit_test(test_runtime__ends_when_the_connection_is_closed),
        cmocka_unit_test(test_runtime__ends_when_it_is_not_http),
        cmocka_unit_test(test_runtime__reports_an_unknown_handler),
        cmocka_unit_test(test_runtime__reports_why_main_cannot_start),
        cmocka_unit_test(test_runtime__needs_an_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
