/* The front door with a service of the test's own: each protocol finds its rows, writes are durable
 * before the answer, services call each other, and those who may not are refused. */
#include "core/request.h"
#include "core/skylite.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../check.h"
#include "base/clock.h"
#include "io/http_client.h"
#include "wire/sigv4.h"

/* --- A service --- */

static enum err echo(struct request *request)
{
    json_add_copy(request->doc, request_output(request), "Input", request->input);
    return OK;
}

static enum err refuse(struct request *request)
{
    return request_fail(request, ERR_LAMBDA_RESOURCE_NOT_FOUND, "No such \"thing\"");
}

static enum err put_on_writer(struct request *request, struct store_txn *txn)
{
    struct str value = request_str(request, "Value");
    if (!value.ptr)
        return request_fail(request, ERR_VALIDATION, "Value is missing");
    store_txn_put(txn, STORE_META, STR("thing"), value);
    return OK;
}

static enum err put_written(struct request *request)
{
    bool found;
    struct str value;
    enum err rc = store_get(request->skylite->store, STORE_META, STR("thing"), request->arena,
                            &found, &value, &request->error);
    if (rc)
        return rc;
    json_add_str(request->doc, request_output(request), "Stored", found ? value : STR("nothing"));
    return OK;
}

static enum err put(struct request *request)
{
    return request_write(request, put_on_writer, put_written);
}

static void relayed(void *arg, enum err rc, const struct error *error, yyjson_mut_val *output)
{
    struct request *request = arg;
    if (rc) {
        request->error = *error;
        request_finish(request, rc);
        return;
    }
    struct str text = arena_str(request->arena, json_write(request->arena, output));
    json_add_str(request->doc, request_output(request), "Relayed", text);
    request_finish(request, OK);
}

static enum err relay(struct request *request)
{
    struct str to = request_str(request, "To");
    yyjson_mut_val *input = yyjson_mut_obj(request->doc);
    json_add_str(request->doc, input, "Value", STR("relayed"));
    call_operation_with_receipt(request->skylite, request->loop, &request->principal, "thing",
                                arena_cstr(request->arena, to), input, STR("receipt"), relayed,
                                request);
    return ERR_PENDING;
}

static enum err resource_arn(struct request *request, struct str *out_arn)
{
    *out_arn = skylite_arn(request->skylite, request->arena, "thing", STR("one"));
    return OK;
}

static const struct operation operations[] = {
    {"Echo", echo, "thing:Echo", resource_arn, "GET", "/things/{Name}/parts/{Part+}", 0, 0},
    {"EchoBody", echo, NULL, NULL, "POST", "/things/{Name}", 201, 0},
    {"Literal", echo, NULL, NULL, "POST", "/things/special", 202, 0},
    {"Import", echo, NULL, NULL, "POST", "/things/special?mode=import", 203, 0},
    {"Fail", refuse, NULL, NULL, "GET", "/fail", 0, 0},
    {"Put", put, NULL, NULL, "PUT", "/put", 0, 0},
    {"Relay", relay, NULL, NULL, "GET", "/relay/{To}", 0, 0},
};

static const struct service service = {
    .name = "thing",
    .signing_name = "thing",
    .protocols = PROTOCOL_AWS_JSON_1_0 | PROTOCOL_QUERY | PROTOCOL_REST_JSON,
    .target_prefix = "Thing_2020",
    .xmlns = "http://thing/",
    .error_prefix = "com.thing#",
    .operations = operations,
    .operation_count = sizeof(operations) / sizeof(operations[0]),
};

/* --- IAM of the test's own --- */

static bool is_allowed;

static enum err find_key(void *self, struct str access_key_id, struct str session_token,
                         struct arena *arena, struct str *out_secret,
                         struct principal *out_principal, struct error *error)
{
    (void)self;
    (void)session_token;
    (void)arena;
    if (!str_eq(access_key_id, STR("AKID")))
        return error_set(error, ERR_UNRECOGNIZED_CLIENT, "unknown key");
    *out_secret = STR("secret");
    *out_principal = (struct principal){.kind = PRINCIPAL_USER,
                                        .account = STR("000000000000"),
                                        .arn = STR("arn:aws:iam::000000000000:user/u"),
                                        .name = STR("u"),
                                        .session_name = STR_EMPTY,
                                        .user_id = STR("AIDA"),
                                        .access_key_id = STR("AKID")};
    return OK;
}

static enum err authorize(void *self, const struct authorization *authorization,
                          struct error *error)
{
    (void)self;
    return is_allowed ? OK
                      : error_set(error, ERR_ACCESS_DENIED_EXCEPTION, "not %.*s on %.*s",
                                  STR_ARG(authorization->action), STR_ARG(authorization->resource));
}

/* --- The fixture --- */

struct fixture {
    char path[64];
    struct skylite skylite;
    struct http_listener *listener;
    struct http_client *client;
    struct arena arena;
    struct error error;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    snprintf(f->path, sizeof(f->path), "/tmp/skylite-core-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    struct store_options options = {.cache_bytes = 1024 * 1024};
    assert_int_equal(store_open(f->path, &options, &f->skylite.store, &f->error), OK);

    f->skylite.config.region = STR("us-east-1");
    f->skylite.config.account = STR("000000000000");
    f->skylite.config.auth = AUTH_ANY;
    f->skylite.iam = (struct iam_capability){.find_key = find_key, .authorize = authorize};
    skylite_add_service(&f->skylite, &service);
    assert_int_equal(loop_new(0, &f->skylite.loops[0], &f->error), OK);
    f->skylite.loop_count = 1;
    struct http_listener_options listen = front_door_options(&f->skylite, 0);
    assert_int_equal(
        http_listen(f->skylite.loops[0], "127.0.0.1", 0, &listen, &f->listener, &f->error), OK);
    assert_int_equal(loop_start(f->skylite.loops[0], &f->error), OK);
    struct str url =
        arena_printf(&f->arena, "http://127.0.0.1:%u", http_listener_port(f->listener));
    assert_int_equal(http_client_new(url, 5000, &f->client, &f->error), OK);
    *state = f;
    return 0;
}

static struct loop_task close_task;
static struct fixture *closing;

static void closed(void *arg)
{
    loop_stop(arg);
}

static void close_listener(struct loop_task *task)
{
    (void)task;
    http_listener_close(closing->listener, closed, closing->skylite.loops[0]);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    closing = f;
    close_task.run = close_listener;
    http_client_free(f->client);
    loop_post(f->skylite.loops[0], &close_task);
    loop_join(f->skylite.loops[0]);
    loop_free(f->skylite.loops[0]);
    store_close(f->skylite.store);
    arena_release(&f->arena);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", f->path);
    int rc = system(command);
    free(f);
    return rc;
}

static struct http_response send_with(struct fixture *f, const char *method, const char *target,
                                      struct http_header header, const char *body)
{
    struct http_response response = {0};
    assert_int_equal(http_client_send(f->client, str_from(method), str_from(target), &header,
                                      header.name.len ? 1 : 0, str_from(body), 1024 * 1024,
                                      &f->arena, &response, &f->error),
                     OK);
    return response;
}

static struct http_response send(struct fixture *f, const char *method, const char *target,
                                 const char *body)
{
    return send_with(f, method, target, (struct http_header){0}, body);
}

/* --- Tests --- */

static void test_front_door__labels_and_query_become_members(void **state)
{
    struct http_response answer =
        send(*state, "GET", "/things/a%2Fb/parts/x/y?tag=1&tag=2&q=%20", NULL);
    assert_int_equal(answer.status, 200);
    assert_str(
        answer.body,
        STR("{\"Input\":{\"tag\":[\"1\",\"2\"],\"q\":\" \",\"Name\":\"a/b\",\"Part\":\"x/y\"}}"));
}

static void test_front_door__the_more_exact_row_wins(void **state)
{
    assert_int_equal(send(*state, "POST", "/things/other", "{}").status, 201);
    assert_int_equal(send(*state, "POST", "/things/special", "{}").status, 202);
    assert_int_equal(send(*state, "POST", "/things/special?mode=import", "{}").status, 203);
}

static void test_front_door__a_label_wins_over_a_body_member(void **state)
{
    struct http_response answer =
        send(*state, "POST", "/things/label", "{\"Name\":\"body\",\"x\":[1,null]}");
    assert_str(answer.body, STR("{\"Input\":{\"Name\":\"label\",\"x\":[1,null]}}"));
}

static void test_front_door__aws_json_is_routed_by_target(void **state)
{
    struct http_header target = {STR("X-Amz-Target"), STR("Thing_2020.EchoBody")};
    struct http_response answer = send_with(*state, "POST", "/", target, "{\"a\":1.50}");
    assert_int_equal(answer.status, 201);
    assert_str(http_response_header(&answer, STR("content-type")),
               STR("application/x-amz-json-1.0"));
    assert_int_equal(http_response_header(&answer, STR("x-amzn-requestid")).len, 52);
    assert_true(http_response_header(&answer, STR("x-amz-crc32")).len > 0);
}

static void test_front_door__query_answers_in_xml(void **state)
{
    struct http_header form = {STR("Content-Type"), STR("application/x-www-form-urlencoded")};
    struct http_response answer =
        send_with(*state, "POST", "/", form, "Action=EchoBody&Version=1&L.member.1=a%26b");
    assert_int_equal(answer.status, 201);
    assert_true(str_find(answer.body, STR("<EchoBodyResult><Input>")) > 0);
    assert_true(str_find(answer.body, STR("<L><member>a&amp;b</member></L>")) > 0);
}

static void test_front_door__errors_have_the_form_of_their_protocol(void **state)
{
    struct http_response rest = send(*state, "GET", "/fail", NULL);
    assert_int_equal(rest.status, 404);
    assert_str(rest.body, STR("{\"message\":\"No such \\\"thing\\\"\"}"));
    assert_str(http_response_header(&rest, STR("x-amzn-errortype")),
               STR("ResourceNotFoundException"));

    struct http_header target = {STR("X-Amz-Target"), STR("Thing_2020.Fail")};
    struct http_response json = send_with(*state, "POST", "/", target, "{}");
    assert_str(json.body, STR("{\"__type\":\"com.thing#ResourceNotFoundException\",\"message\":"
                              "\"No such \\\"thing\\\"\"}"));
}

static void test_front_door__bad_json_is_a_serialization_error(void **state)
{
    struct http_header target = {STR("X-Amz-Target"), STR("Thing_2020.Echo")};
    struct http_response answer = send_with(*state, "POST", "/", target, "{\"a\":");
    assert_int_equal(answer.status, 400);
    assert_str(answer.body, STR("{\"__type\":\"com.thing#SerializationException\"}"));
}

static void test_front_door__a_write_is_there_when_it_is_answered(void **state)
{
    struct http_response answer = send(*state, "PUT", "/put", "{\"Value\":\"v\"}");
    assert_str(answer.body, STR("{\"Stored\":\"v\"}"));
    assert_str(send(*state, "PUT", "/put", "{}").body, STR("{\"message\":\"Value is missing\"}"));
}

static void test_front_door__services_call_each_other(void **state)
{
    assert_str(send(*state, "GET", "/relay/Put", NULL).body,
               STR("{\"Relayed\":\"{\\\"Stored\\\":\\\"relayed\\\"}\"}"));
    assert_int_equal(send(*state, "GET", "/relay/Fail", NULL).status, 404);
    assert_int_equal(send(*state, "GET", "/relay/Nothing", NULL).status, 400);
}

static bool has_receipt(struct fixture *f)
{
    bool found;
    struct str value;
    assert_int_equal(store_get(f->skylite.store, STORE_META, STR("receipt"), &f->arena, &found,
                               &value, &f->error),
                     OK);
    return found;
}

static void test_front_door__a_call_that_wrote_leaves_its_receipt(void **state)
{
    send(*state, "GET", "/relay/Put", NULL);
    assert_true(has_receipt(*state));
}

static void test_front_door__a_call_that_wrote_nothing_leaves_no_receipt(void **state)
{
    send(*state, "GET", "/relay/Echo", NULL);
    send(*state, "GET", "/relay/Fail", NULL);
    assert_false(has_receipt(*state));
}

static void test_front_door__unsigned_is_refused(void **state)
{
    struct fixture *f = *state;
    f->skylite.config.auth = AUTH_SIGV4;
    struct http_response answer = send(f, "GET", "/fail", NULL);
    assert_int_equal(answer.status, 403);
    assert_str(http_response_header(&answer, STR("x-amzn-errortype")),
               STR("MissingAuthenticationTokenException"));
}

static struct http_response send_signed(struct fixture *f, const char *target)
{
    struct sigv4_header host = {STR("host"), http_client_host(f->client)};
    struct sigv4_request request = {.method = STR("GET"),
                                    .path = str_from(target),
                                    .query = STR_EMPTY,
                                    .headers = &host,
                                    .header_count = 1,
                                    .body = STR_EMPTY};
    struct sigv4_credentials credentials = {STR("AKID"), STR("secret"), STR_EMPTY};
    struct sigv4_signed values;
    sigv4_sign(&request, &credentials, STR("us-east-1"), STR("thing"), clock_wall_ms(), &f->arena,
               &values);
    struct http_header headers[] = {
        {STR("Authorization"), values.authorization},
        {STR("X-Amz-Date"), values.amz_date},
        {STR("X-Amz-Content-Sha256"), values.content_sha256},
    };
    struct http_response response = {0};
    assert_int_equal(http_client_send(f->client, STR("GET"), str_from(target), headers, 3,
                                      STR_EMPTY, 1024 * 1024, &f->arena, &response, &f->error),
                     OK);
    return response;
}

static void test_front_door__a_signed_call_needs_permission_too(void **state)
{
    struct fixture *f = *state;
    f->skylite.config.auth = AUTH_SIGV4;
    is_allowed = true;
    assert_int_equal(send_signed(f, "/things/a/parts/b").status, 200);
    is_allowed = false;
    struct http_response answer = send_signed(f, "/things/a/parts/b");
    assert_int_equal(answer.status, 403);
    assert_str(answer.body,
               STR("{\"message\":\"not thing:Echo on arn:aws:thing:us-east-1:000000000000:one\"}"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_front_door__labels_and_query_become_members),
        TEST(test_front_door__the_more_exact_row_wins),
        TEST(test_front_door__a_label_wins_over_a_body_member),
        TEST(test_front_door__aws_json_is_routed_by_target),
        TEST(test_front_door__query_answers_in_xml),
        TEST(test_front_door__errors_have_the_form_of_their_protocol),
        TEST(test_front_door__bad_json_is_a_serialization_error),
        TEST(test_front_door__a_write_is_there_when_it_is_answered),
        TEST(test_front_door__services_call_each_other),
        TEST(test_front_door__a_call_that_wrote_leaves_its_receipt),
        TEST(test_front_door__a_call_that_wrote_nothing_leaves_no_receipt),
        TEST(test_front_door__unsigned_is_refused),
        TEST(test_front_door__a_signed_call_needs_permission_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
