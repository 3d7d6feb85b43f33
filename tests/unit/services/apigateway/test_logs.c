/* Access and execution logs of deployed APIs. */
#include "server.h"

#define FORMAT                                                                                     \
    "$context.requestId \\\"$context.httpMethod $context.resourcePath\\\" $context.status "        \
    "$context.responseLength key=$context.identity.apiKeyId $context.integration.status "          \
    "$context.nothing"

static void set_role(struct server *s)
{
    assert_operates(s, "UpdateAccount",
                    "{'patchOperations':[{'op':'replace','path':'/cloudwatchRoleArn','value':"
                    "'arn:aws:iam::000000000000:role/logs'}]}");
}

static struct api make_logged(struct server *s, const char *operations)
{
    struct api api = make_api(s);
    make_proxy(s, api, make_resource(s, api, api.root, "notes"), "GET", false);
    deploy(s, api, "prod");
    set_role(s);
    assert_operates(s, "UpdateStage",
                    "{'restApiId':'%s','stageName':'prod','patchOperations':[%s]}", api.id,
                    operations);
    s->payload = "{\"statusCode\":200,\"body\":\"hello\"}";
    return api;
}

static void assert_logged(struct server *s, const char *part)
{
    if (str_find(s->log, str_from(part)) < 0)
        fail_msg("\"%s\" is not in the log:\n%.*s", part, STR_ARG(s->log));
}

static void assert_not_logged(struct server *s, const char *part)
{
    if (str_find(s->log, str_from(part)) >= 0)
        fail_msg("\"%s\" is in the log:\n%.*s", part, STR_ARG(s->log));
}

#define ACCESS                                                                                     \
    "{'op':'replace','path':'/accessLogSettings/destinationArn','value':"                          \
    "'arn:aws:logs:us-east-1:000000000000:log-group:access'},"                                     \
    "{'op':'replace','path':'/accessLogSettings/format','value':'" FORMAT "'}"

static void test_access_log__is_of_the_stages_format(void **state)
{
    struct server *s = *state;
    struct api api = make_logged(s, ACCESS);
    struct http_response r = call_api(s, api, "GET", "/prod/notes", NULL);
    struct str id = header_of(&r, "x-amzn-requestid");
    assert_str(s->log, arena_printf(&s->arena, "access: %.*s \"GET /notes\" 200 5 key=- 200 -\n",
                                    STR_ARG(id)));
}

static void test_access_log__tells_the_function_from_lambda(void **state)
{
    struct server *s = *state;
    struct api api = make_logged(
        s, "{'op':'replace','path':'/accessLogSettings/destinationArn','value':"
           "'arn:aws:logs:us-east-1:000000000000:log-group:access'},"
           "{'op':'replace','path':'/accessLogSettings/format','value':'$context.requestId "
           "function=$context.integration.status lambda=$context.integration.integrationStatus "
           "again=$context.integrationStatus'}");
    s->payload = "{\"statusCode\":418}";
    call_api(s, api, "GET", "/prod/notes", NULL);
    assert_logged(s, "function=418 lambda=200 again=200");
}

static void test_access_log__has_refusals_too(void **state)
{
    struct server *s = *state;
    struct api api = make_logged(s, ACCESS);
    call_api(s, api, "GET", "/prod/other", NULL);
    assert_logged(s, "\"GET -\" 403 42 key=- - -\n");
}

static void test_access_log__ends_with_its_settings(void **state)
{
    struct server *s = *state;
    struct api api = make_logged(s, ACCESS);
    assert_operates(s, "UpdateStage",
                    "{'restApiId':'%s','stageName':'prod','patchOperations':[{'op':'remove',"
                    "'path':'/accessLogSettings'}]}",
                    api.id);
    call_api(s, api, "GET", "/prod/notes", NULL);
    assert_int_equal(s->log.len, 0);
}

static void assert_refused(struct server *s, const char *operation, const char *message)
{
    struct api api = make_api(s);
    make_mock(s, api, api.root, "GET", "x");
    deploy(s, api, "prod");
    assert_int_equal(operate(s, "UpdateStage",
                             "{'restApiId':'%s','stageName':'prod','patchOperations':[%s]}", api.id,
                             operation),
                     ERR_APIGW_BAD_REQUEST);
    assert_string_equal(s->error.message, message);
}

static void test_logs__want_a_role(void **state)
{
    struct server *s = *state;
    static const char message[] =
        "CloudWatch Logs role ARN must be set in account settings to enable logging";
    assert_refused(s, "{'op':'replace','path':'/*/*/logging/loglevel','value':'INFO'}", message);
    assert_refused(s,
                   "{'op':'replace','path':'/accessLogSettings/destinationArn','value':"
                   "'arn:aws:logs:us-east-1:000000000000:log-group:access'}",
                   message);
    assert_int_equal(operate(s, "UpdateAccount",
                             "{'patchOperations':[{'op':'replace','path':'/cloudwatchRoleArn',"
                             "'value':'arn:aws:iam::000000000000:role/refused'}]}"),
                     ERR_APIGW_BAD_REQUEST);
}

static void test_logs__want_a_format_that_names_the_request(void **state)
{
    assert_refused(*state,
                   "{'op':'replace','path':'/accessLogSettings/format','value':'$context.status'}",
                   "Access Log format must include either $context.requestId or "
                   "$context.extendedRequestId");
}

#define LEVEL(level) "{'op':'replace','path':'/*/*/logging/loglevel','value':'" level "'}"

static void test_execution_log__follows_a_request(void **state)
{
    struct server *s = *state;
    struct api api = make_logged(s, LEVEL("INFO"));
    call_api(s, api, "GET", "/prod/notes", NULL);
    assert_logged(s, "API-Gateway-Execution-Logs_");
    assert_logged(s, "Starting execution for request: ");
    assert_logged(s, "HTTP Method: GET, Resource Path: /notes");
    assert_logged(s, "Received response. Status: 200, Integration latency: ");
    assert_logged(s, "Successfully completed execution");
    assert_logged(s, "Method completed with status: 200");
    assert_not_logged(s, "body");
}

static void test_execution_log__has_bodies_when_data_is_traced(void **state)
{
    struct server *s = *state;
    struct api api = make_logged(s, LEVEL("INFO") ",{'op':'replace','path':"
                                                  "'/*/*/logging/dataTrace','value':'true'}");
    call_api(s, api, "GET", "/prod/notes", NULL);
    assert_logged(s, "Method response body after transformations: hello");
    assert_logged(s, "Endpoint request body after transformations: {\"resource\":\"/notes\"");
}

static void test_execution_log__has_only_errors_at_error(void **state)
{
    struct server *s = *state;
    struct api api = make_logged(s, LEVEL("ERROR"));
    call_api(s, api, "GET", "/prod/notes", NULL);
    assert_int_equal(s->log.len, 0);
    s->payload = "not an answer";
    call_api(s, api, "GET", "/prod/notes", NULL);
    assert_logged(s,
                  "Execution failed due to configuration error: Malformed Lambda proxy response");
    assert_logged(s, "Method completed with status: 502");
    assert_not_logged(s, "Starting execution");
}

static void test_execution_log__of_a_method_can_differ(void **state)
{
    struct server *s = *state;
    struct api api = make_logged(
        s, LEVEL("INFO") ",{'op':'replace','path':'/~1notes/GET/logging/loglevel','value':'OFF'}");
    call_api(s, api, "GET", "/prod/notes", NULL);
    assert_int_equal(s->log.len, 0);
}

static void test_execution_log__hides_keys(void **state)
{
    struct server *s = *state;
    struct api api = make_logged(s, LEVEL("INFO") ",{'op':'replace','path':"
                                                  "'/*/*/logging/dataTrace','value':'true'}");
    call_api(s, api, "GET", "/prod/notes", "abcdefghijklmnopqrstuvwxyz");
    assert_logged(s, "********************uvwxyz");
    assert_not_logged(s, "ghijkl");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(test_access_log__is_of_the_stages_format),
        SERVER_TEST(test_access_log__tells_the_function_from_lambda),
        SERVER_TEST(test_access_log__has_refusals_too),
        SERVER_TEST(test_access_log__ends_with_its_settings),
        SERVER_TEST(test_logs__want_a_role),
        SERVER_TEST(test_logs__want_a_format_that_names_the_request),
        SERVER_TEST(test_execution_log__follows_a_request),
        SERVER_TEST(test_execution_log__has_bodies_when_data_is_traced),
        SERVER_TEST(test_execution_log__has_only_errors_at_error),
        SERVER_TEST(test_execution_log__of_a_method_can_differ),
        SERVER_TEST(test_execution_log__hides_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
