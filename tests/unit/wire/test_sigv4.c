/* Signature Version 4 against signatures that AWS's Python SDK made at a fixed time. */
#include "wire/sigv4.h"

#include "../check.h"
#include "base/clock.h"

#define SECRET     STR("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
#define CREDENTIAL "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260131/us-east-1/"

enum { MAX_HEADERS = 8, WINDOW_MS = 15 * 60 * 1000 };

struct call {
    struct sigv4_request request;
    struct sigv4_header headers[MAX_HEADERS];
    struct arena arena;
    struct error error;
    struct sigv4_claim claim;
    struct sigv4_rules rules;
    int64_t now_ms;
};

static void start(struct call *call, const char *service, struct str method, struct str path,
                  struct str query, struct str body)
{
    *call = (struct call){.request = {.method = method,
                                      .path = path,
                                      .query = query,
                                      .headers = call->headers,
                                      .body = body},
                          .rules = {.service = str_from(service),
                                    .region = STR("us-east-1"),
                                    .window_ms = WINDOW_MS,
                                    .takes_presigned = true,
                                    .is_s3 = strcmp(service, "s3") == 0}};
    clock_parse_amz_date(STR("20260131T120000Z"), &call->now_ms);
}

static void add(struct call *call, struct str name, struct str value)
{
    call->headers[call->request.header_count++] = (struct sigv4_header){name, value};
}

static void start_dynamodb(struct call *call)
{
    start(call, "dynamodb", STR("POST"), STR("/"), STR_EMPTY, STR("{}"));
    add(call, STR("Host"), STR("localhost:4566"));
    add(call, STR("Content-Type"), STR("application/x-amz-json-1.0"));
    add(call, STR("X-Amz-Target"), STR("DynamoDB_20120810.ListTables"));
    add(call, STR("X-Amz-Date"), STR("20260131T120000Z"));
    add(call, STR("Authorization"),
        STR(CREDENTIAL "dynamodb/aws4_request, "
                       "SignedHeaders=content-type;host;x-amz-date;x-amz-target, "
                       "Signature="
                       "8001c3b57660188f5a16f10a6a6f60fd1ef1ccd0c681a2d5abd5dfe33a43eedf"));
}

static enum err verify(struct call *call)
{
    enum err rc = sigv4_parse(&call->request, &call->arena, &call->claim, &call->error);
    if (rc == OK)
        rc = sigv4_check(&call->request, &call->claim, &call->rules, call->now_ms, &call->arena,
                         &call->error);
    return rc ? rc
              : sigv4_verify(&call->request, &call->claim, &call->rules, SECRET, &call->arena,
                             &call->error);
}

static void expect(struct call *call, enum err rc, const char *message)
{
    enum err got = verify(call);
    if (got != rc || (rc && !strstr(call->error.message, message)))
        fail_msg("got %d: %s", (int)got, got ? call->error.message : "");
    arena_release(&call->arena);
}

static void test_sigv4__takes_a_signed_post(void **state)
{
    (void)state;
    struct call call;
    start_dynamodb(&call);
    expect(&call, OK, "");
}

static void test_sigv4__takes_encoded_paths_repeated_keys_and_tokens(void **state)
{
    (void)state;
    struct call call;
    start(&call, "apigateway", STR("GET"), STR("/restapis/a%20b/x%2Fy"),
          STR("limit=5&position=&a=%C3%BC&a=1"), STR_EMPTY);
    add(&call, STR("host"), STR("localhost:4566"));
    add(&call, STR("x-amz-date"), STR("20260131T120000Z"));
    add(&call, STR("x-amz-security-token"), STR("TOKEN/+="));
    add(&call, STR("authorization"),
        STR(CREDENTIAL "apigateway/aws4_request, "
                       "SignedHeaders=host;x-amz-date;x-amz-security-token, "
                       "Signature="
                       "ba8197cf09a4c6a46d4899e977d2fa8a758794fdf7b195f1322e35554e84143b"));
    expect(&call, OK, "");
}

static const char presigned[] =
    "z=1&b=2&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20260131%2Fus-east-1%"
    "2Fexecute-api%2Faws4_request&X-Amz-Date=20260131T120000Z&X-Amz-Expires=300&X-Amz-"
    "SignedHeaders=host&X-Amz-Signature="
    "b558e5edd2b18d13f9dae274fd0d5ac4e6aac8483682fb0b913abeba7375b474";

static void test_sigv4__takes_a_presigned_url_until_it_expires(void **state)
{
    (void)state;
    struct call call;
    start(&call, "execute-api", STR("GET"), STR("/notes/x"), str_from(presigned), STR_EMPTY);
    add(&call, STR("Host"), STR("localhost:4566"));
    call.now_ms += 299 * 1000;
    expect(&call, OK, "");
    call.now_ms += 2 * 1000;
    expect(&call, ERR_INVALID_SIGNATURE, "Signature expired: 20260131T120000Z is now earlier than");
}

static void test_sigv4__s3_signs_the_path_as_sent_and_the_hash_it_names(void **state)
{
    (void)state;
    struct call call;
    start(&call, "s3", STR("PUT"), STR("/bucket/a%20b/c+d"), STR_EMPTY, STR("data"));
    add(&call, STR("Host"), STR("localhost:4566"));
    add(&call, STR("X-Amz-Date"), STR("20260131T120000Z"));
    add(&call, STR("X-Amz-Content-SHA256"),
        STR("3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7"));
    add(&call, STR("Authorization"),
        STR(CREDENTIAL "s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, "
                       "Signature="
                       "f26c293ead7a495d0d4de45d46db0a63e89f7b230ec7b03fd18145c0c2b040ef"));
    expect(&call, OK, "");
    call.request.body = STR("DATA");
    expect(&call, ERR_S3_CONTENT_SHA256_MISMATCH, "'x-amz-content-sha256' header does not match");
}

static void test_sigv4__any_change_is_found(void **state)
{
    (void)state;
    struct call call;
    start_dynamodb(&call);
    call.request.body = STR("{ }");
    expect(&call, ERR_INVALID_SIGNATURE, "does not match the signature you provided");
    start_dynamodb(&call);
    call.request.method = STR("PUT");
    expect(&call, ERR_INVALID_SIGNATURE, "does not match");
    start_dynamodb(&call);
    call.request.path = STR("/x");
    expect(&call, ERR_INVALID_SIGNATURE, "does not match");
    start_dynamodb(&call);
    call.request.query = STR("x=1");
    expect(&call, ERR_INVALID_SIGNATURE, "does not match");
    for (size_t i = 0; i < 3; i++) {
        start_dynamodb(&call);
        call.headers[i].value = STR("other");
        expect(&call, ERR_INVALID_SIGNATURE, "does not match");
    }
}

static void test_sigv4__the_clock_may_differ_by_the_services_window(void **state)
{
    (void)state;
    struct call call;
    start_dynamodb(&call);
    call.now_ms += WINDOW_MS;
    expect(&call, OK, "");
    call.now_ms += 1000;
    expect(&call, ERR_INVALID_SIGNATURE,
           "Signature expired: 20260131T120000Z is now earlier than 20260131T120001Z "
           "(20260131T121501Z - 15 min.)");
    call.now_ms -= 2 * WINDOW_MS + 2000;
    expect(&call, ERR_INVALID_SIGNATURE, "Signature not yet current");
}

static void test_sigv4__says_what_is_missing(void **state)
{
    (void)state;
    struct call call;
    start(&call, "lambda", STR("GET"), STR("/"), STR_EMPTY, STR_EMPTY);
    expect(&call, ERR_MISSING_AUTHENTICATION_TOKEN, "Request is missing Authentication Token");
    start(&call, "lambda", STR("GET"), STR("/"), STR_EMPTY, STR_EMPTY);
    add(&call, STR("Authorization"), STR("AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request"));
    expect(&call, ERR_INCOMPLETE_SIGNATURE,
           "Authorization header requires 'Signature' parameter. Authorization header requires "
           "'SignedHeaders' parameter.");
    start_dynamodb(&call);
    call.headers[4].value =
        STR("AWS4-HMAC-SHA256 Credential=AKID/20260131, SignedHeaders=host, Signature=0");
    expect(&call, ERR_INCOMPLETE_SIGNATURE, "exactly 5 slash-delimited elements");
    start(&call, "lambda", STR("GET"), STR("/"), STR_EMPTY, STR_EMPTY);
    add(&call, STR("Authorization"), STR("Basic YTpi"));
    expect(&call, ERR_INCOMPLETE_SIGNATURE,
           "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with "
           "SHA-256 and encoded with Base64): 'O133MeQGsSG8M/c3mxecXZJzUhCDu+9BD3DsZ39/mpI='.");
}

static void test_sigv4__the_host_must_be_signed(void **state)
{
    (void)state;
    struct call call;
    start_dynamodb(&call);
    call.headers[4].value =
        STR(CREDENTIAL "dynamodb/aws4_request, SignedHeaders=x-amz-date, Signature=0");
    expect(&call, ERR_INVALID_SIGNATURE,
           "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
}

static void test_sigv4__a_header_of_aws_must_be_signed(void **state)
{
    (void)state;
    struct call call;
    start_dynamodb(&call);
    add(&call, STR("x-AMZ-security-token"), STR("token"));
    expect(&call, ERR_INVALID_SIGNATURE,
           "'x-AMZ-security-token' must be a 'SignedHeader' in the AWS Authorization.");
    start_dynamodb(&call);
    add(&call, STR("X-Amzn-Trace-Id"), STR("Root=1"));
    expect(&call, OK, "");
}

static void test_sigv4__says_all_that_is_wrong_with_a_scope(void **state)
{
    (void)state;
    struct call call;
    start_dynamodb(&call);
    call.headers[4].value =
        STR("AWS4-HMAC-SHA256 Credential=AKID/b/c/d/e, SignedHeaders=host, Signature=0");
    expect(&call, ERR_INVALID_SIGNATURE,
           "Credential should be scoped to a valid region. Credential should be scoped to correct "
           "service: 'dynamodb'. Credential should be scoped with a valid terminator: "
           "'aws4_request'. Date in Credential scope does not match YYYYMMDD from ISO-8601 version "
           "of date from HTTP: 'b' != '20260131', from '20260131T120000Z'.");
}

static void test_sigv4__some_services_have_one_more_region(void **state)
{
    (void)state;
    struct call call;
    start_dynamodb(&call);
    call.rules.region = STR("eu-west-1");
    expect(&call, ERR_INVALID_SIGNATURE, "valid region");
    start_dynamodb(&call);
    call.rules.region = STR("eu-west-1");
    call.rules.other_region = STR("us-east-1");
    expect(&call, OK, "");
}

static void test_sigv4__not_every_service_takes_presigned_urls(void **state)
{
    (void)state;
    struct call call;
    start(&call, "execute-api", STR("GET"), STR("/notes/x"), str_from(presigned), STR_EMPTY);
    add(&call, STR("Host"), STR("localhost:4566"));
    call.rules.takes_presigned = false;
    expect(&call, ERR_MISSING_AUTHENTICATION_TOKEN, "Request is missing Authentication Token");
}

/* The request and the chunks of
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html#example-signature-calculations-streaming
 */
static void test_sigv4__follows_the_chunks_of_awss_example(void **state)
{
    (void)state;
    struct call call;
    struct sigv4_stream stream;
    static char chunk[65536];
    memset(chunk, 'a', sizeof(chunk));
    start(&call, "s3", STR("PUT"), STR("/examplebucket/chunkObject.txt"), STR_EMPTY, STR_EMPTY);
    call.claim = (struct sigv4_claim){
        .date = STR("20130524"),
        .region = STR("us-east-1"),
        .service = STR("s3"),
        .amz_date = STR("20130524T000000Z"),
        .signature = STR("4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"),
    };
    sigv4_stream_start(&call.claim, STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), &call.arena,
                       &stream);
    assert_true(sigv4_stream_chunk(
        &stream, str_make(chunk, 65536),
        STR("ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648")));
    assert_true(sigv4_stream_chunk(
        &stream, str_make(chunk, 1024),
        STR("0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497")));
    assert_true(sigv4_stream_chunk(
        &stream, STR_EMPTY,
        STR("b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9")));
    assert_false(sigv4_stream_chunk(
        &stream, STR_EMPTY,
        STR("b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9")));
    arena_release(&call.arena);
}

static void test_sigv4__signs_what_it_takes(void **state)
{
    (void)state;
    struct call call;
    struct sigv4_credentials credentials = {STR("AKIDEXAMPLE"), SECRET, STR("token")};
    struct sigv4_signed values;
    start(&call, "lambda", STR("POST"), STR("/a b/\xC3\xBC"), STR("q=1&a=%20"), STR("body"));
    add(&call, STR("Host"), STR("localhost"));
    sigv4_sign(&call.request, &credentials, STR("us-east-1"), STR("lambda"), call.now_ms,
               &call.arena, &values);
    add(&call, STR("Authorization"), values.authorization);
    add(&call, STR("X-Amz-Date"), values.amz_date);
    add(&call, STR("X-Amz-Content-Sha256"), values.content_sha256);
    add(&call, STR("X-Amz-Security-Token"), values.security_token);
    assert_int_equal(verify(&call), OK);
    assert_str(call.claim.security_token, STR("token"));
    assert_str(call.claim.service, STR("lambda"));
    arena_release(&call.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sigv4__takes_a_signed_post),
        cmocka_unit_test(test_sigv4__takes_encoded_paths_repeated_keys_and_tokens),
        cmocka_unit_test(test_sigv4__takes_a_presigned_url_until_it_expires),
        cmocka_unit_test(test_sigv4__s3_signs_the_path_as_sent_and_the_hash_it_names),
        cmocka_unit_test(test_sigv4__any_change_is_found),
        cmocka_unit_test(test_sigv4__the_clock_may_differ_by_the_services_window),
        cmocka_unit_test(test_sigv4__says_what_is_missing),
        cmocka_unit_test(test_sigv4__the_host_must_be_signed),
        cmocka_unit_test(test_sigv4__a_header_of_aws_must_be_signed),
        cmocka_unit_test(test_sigv4__says_all_that_is_wrong_with_a_scope),
        cmocka_unit_test(test_sigv4__some_services_have_one_more_region),
        cmocka_unit_test(test_sigv4__not_every_service_takes_presigned_urls),
        cmocka_unit_test(test_sigv4__follows_the_chunks_of_awss_example),
        cmocka_unit_test(test_sigv4__signs_what_it_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
