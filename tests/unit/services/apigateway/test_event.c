/* The proxy event: what a function sees of a request. */
#include "../../check.h"
#include "fixture.h"
#include "services/apigateway/plane/event.h"

struct fixture {
    struct arena arena;
    struct stage *stage;
    struct http_exchange exchange;
    struct http_header headers[8];
    struct api_call call;
};

static const char snapshot[] =
    "{\"binaryMediaTypes\":[\"image/png\",\"application/*\"],\"resources\":[{\"id\":\"r1\","
    "\"path\":\"/notes/{id}\",\"resourceMethods\":{\"ANY\":{\"methodIntegration\":{\"type\":"
    "\"AWS_PROXY\",\"httpMethod\":\"POST\",\"uri\":\"arn:aws:apigateway:us-east-1:lambda:path/"
    "2015-03-31/functions/arn:aws:lambda:us-east-1:123456789012:function:"
    "${stageVariables.fn}/invocations\"}}}}]}";

static int setup(void **state)
{
    static struct fixture f;
    f = (struct fixture){0};
    f.stage = make_stage(&f.arena,
                         "{\"stageName\":\"prod\",\"deploymentId\":\"d1\",\"variables\":{\"fn\":"
                         "\"get\"}}",
                         snapshot);
    f.exchange = (struct http_exchange){
        .method = STR("GET"),
        .path = STR("/prod/notes/1"),
        .query = STR_EMPTY,
        .headers = f.headers,
        .body = STR_EMPTY,
        .peer = STR("127.0.0.1"),
    };
    f.call = (struct api_call){
        .exchange = &f.exchange,
        .arena = &f.arena,
        .stage = f.stage,
        .domain_name = STR("a1b2c3d4e5.execute-api.localhost"),
        .domain_prefix = STR("a1b2c3d4e5"),
        .resource_path = STR("/notes/1"),
        .event_path = STR("/notes/1"),
        .context_path = STR("/prod/notes/1"),
        .now_ms = 1583345638000 + 10,
        .request_id = STR("c6af9ac6-7b61-11e6-9a41-93e8deadbeef"),
        .extended_id = STR("JKJaXmPLvHcESHA="),
        .trace_id = STR("Root=1-5e66d96f-7491f09xmpl79d18acf3d050"),
        .request_time = STR("04/Mar/2020:19:15:17 +0000"),
        .port = 4566,
    };
    assert_true(
        router_match(f.stage->router, f.call.resource_path, VERB_GET, &f.arena, &f.call.route));
    f.call.method = f.call.route.target;
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    stage_unref(f->stage);
    arena_release(&f->arena);
    return 0;
}

static void add_header(struct fixture *f, const char *name, const char *value)
{
    f->headers[f->exchange.header_count++] = (struct http_header){str_from(name), str_from(value)};
}

static struct str build(struct fixture *f)
{
    struct buf event;
    buf_init_arena(&event, &f->arena, EVENT_MAX_BYTES);
    event_build(&f->call, &event);
    assert_false(event.is_full);
    return buf_str(&event);
}

static yyjson_val *parse(struct fixture *f)
{
    yyjson_val *event = json_parse(&f->arena, build(f));
    assert_non_null(event);
    return event;
}

static void test_event__has_every_member_that_aws_documents(void **state)
{
    struct fixture *f = *state;
    add_header(f, "Host", "a1b2c3d4e5.execute-api.localhost:4566");
    add_header(f, "accept", "text/html");
    add_header(f, "User-Agent", "curl/8");
    add_header(f, "Connection", "keep-alive");
    assert_str(
        build(f),
        STR("{\"resource\":\"/notes/{id}\",\"path\":\"/notes/1\",\"httpMethod\":\"GET\","
            "\"headers\":{\"Host\":\"a1b2c3d4e5.execute-api.localhost:4566\",\"accept\":"
            "\"text/html\",\"User-Agent\":\"curl/8\",\"X-Amzn-Trace-Id\":\"Root=1-5e66d96f-"
            "7491f09xmpl79d18acf3d050\",\"X-Forwarded-For\":\"127.0.0.1\",\"X-Forwarded-Port\":"
            "\"4566\",\"X-Forwarded-Proto\":\"http\"},\"multiValueHeaders\":{\"Host\":["
            "\"a1b2c3d4e5.execute-api.localhost:4566\"],\"accept\":[\"text/html\"],\"User-Agent\":"
            "[\"curl/8\"],\"X-Amzn-Trace-Id\":[\"Root=1-5e66d96f-7491f09xmpl79d18acf3d050\"],"
            "\"X-Forwarded-For\":[\"127.0.0.1\"],\"X-Forwarded-Port\":[\"4566\"],"
            "\"X-Forwarded-Proto\":[\"http\"]},\"queryStringParameters\":null,"
            "\"multiValueQueryStringParameters\":null,\"pathParameters\":{\"id\":\"1\"},"
            "\"stageVariables\":{\"fn\":\"get\"},\"requestContext\":{\"resourceId\":\"r1\","
            "\"resourcePath\":\"/notes/{id}\",\"accountId\":\"123456789012\",\"apiId\":"
            "\"a1b2c3d4e5\",\"deploymentId\":\"d1\",\"stage\":\"prod\",\"httpMethod\":\"GET\","
            "\"extendedRequestId\":\"JKJaXmPLvHcESHA=\",\"requestTime\":\"04/Mar/2020:19:15:17 "
            "+0000\",\"path\":\"/prod/notes/1\",\"protocol\":\"HTTP/1.1\",\"domainPrefix\":"
            "\"a1b2c3d4e5\",\"requestTimeEpoch\":1583345638010,\"requestId\":\"c6af9ac6-7b61-11e6-"
            "9a41-93e8deadbeef\",\"identity\":{\"cognitoIdentityPoolId\":null,\"accountId\":null,"
            "\"cognitoIdentityId\":null,\"caller\":null,\"sourceIp\":\"127.0.0.1\","
            "\"principalOrgId\":null,\"accessKey\":null,\"cognitoAuthenticationType\":null,"
            "\"cognitoAuthenticationProvider\":null,\"userArn\":null,\"userAgent\":\"curl/8\","
            "\"user\":null},\"domainName\":\"a1b2c3d4e5.execute-api.localhost\"},\"body\":null,"
            "\"isBase64Encoded\":false}"));
}

static void test_event__keeps_all_values_and_shows_the_last(void **state)
{
    struct fixture *f = *state;
    f->exchange.query = STR("price=10&price=20&name=a%2Bb+c&flag");
    add_header(f, "X-Tag", "one");
    add_header(f, "x-tag", "two");
    yyjson_val *event = parse(f);
    assert_str(json_write_val(&f->arena, json_get(event, "queryStringParameters")),
               STR("{\"price\":\"20\",\"name\":\"a+b c\",\"flag\":\"\"}"));
    assert_str(json_write_val(&f->arena, json_get(event, "multiValueQueryStringParameters")),
               STR("{\"price\":[\"10\",\"20\"],\"name\":[\"a+b c\"],\"flag\":[\"\"]}"));
    assert_str(json_get_str(json_get(event, "headers"), "X-Tag"), STR("two"));
    assert_str(json_write_val(&f->arena, json_get(json_get(event, "multiValueHeaders"), "X-Tag")),
               STR("[\"one\",\"two\"]"));
}

static void test_event__tells_names_that_differ_in_case_apart_in_queries(void **state)
{
    struct fixture *f = *state;
    f->exchange.query = STR("a=1&A=2");
    assert_str(json_write_val(&f->arena, json_get(parse(f), "queryStringParameters")),
               STR("{\"a\":\"1\",\"A\":\"2\"}"));
}

static void test_event__appends_the_peer_to_forwarded_for(void **state)
{
    struct fixture *f = *state;
    add_header(f, "X-Forwarded-For", "10.1.2.3");
    assert_str(json_get_str(json_get(parse(f), "headers"), "X-Forwarded-For"),
               STR("10.1.2.3, 127.0.0.1"));
}

static void test_event__encodes_binary_bodies(void **state)
{
    struct fixture *f = *state;
    f->exchange.body = str_make("\x89PNG", 4);
    add_header(f, "Content-Type", "image/PNG; q=1");
    yyjson_val *event = parse(f);
    assert_str(json_get_str(event, "body"), STR("iVBORw=="));
    assert_true(json_get_bool(event, "isBase64Encoded", false));
}

static void test_event__passes_text_bodies_as_they_are(void **state)
{
    struct fixture *f = *state;
    f->exchange.body = STR("{\"title\":\"\xc3\xa4\\n\"}");
    add_header(f, "Content-Type", "text/plain");
    yyjson_val *event = parse(f);
    assert_str(json_get_str(event, "body"), f->exchange.body);
    assert_false(json_get_bool(event, "isBase64Encoded", true));
}

static void test_event__names_the_key_that_was_checked(void **state)
{
    struct fixture *f = *state;
    f->call.api_key = STR("secret-of-the-client");
    f->call.api_key_id = STR("k1");
    yyjson_val *identity = json_get(json_get(parse(f), "requestContext"), "identity");
    assert_str(json_get_str(identity, "apiKey"), STR("secret-of-the-client"));
    assert_str(json_get_str(identity, "apiKeyId"), STR("k1"));
}

static void test_event__is_full_when_lambda_would_refuse_it(void **state)
{
    struct fixture *f = *state;
    size_t len = 7 * 1024 * 1024;
    char *body = arena_alloc(&f->arena, len);
    memset(body, 'x', len);
    f->exchange.body = str_make(body, len);
    struct buf event;
    buf_init_arena(&event, &f->arena, EVENT_MAX_BYTES);
    event_build(&f->call, &event);
    assert_true(event.is_full);
}

static void test_stage__puts_its_variables_into_the_function(void **state)
{
    struct fixture *f = *state;
    assert_str(f->call.method->integration.function,
               STR("arn:aws:lambda:us-east-1:123456789012:function:get"));
    assert_str(f->stage->arn_prefix,
               STR("arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/prod/"));
}

#define EVENT_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EVENT_TEST(test_event__has_every_member_that_aws_documents),
        EVENT_TEST(test_event__keeps_all_values_and_shows_the_last),
        EVENT_TEST(test_event__tells_names_that_differ_in_case_apart_in_queries),
        EVENT_TEST(test_event__appends_the_peer_to_forwarded_for),
        EVENT_TEST(test_event__encodes_binary_bodies),
        EVENT_TEST(test_event__passes_text_bodies_as_they_are),
        EVENT_TEST(test_event__names_the_key_that_was_checked),
        EVENT_TEST(test_event__is_full_when_lambda_would_refuse_it),
        EVENT_TEST(test_stage__puts_its_variables_into_the_function),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
