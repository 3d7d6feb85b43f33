/* Deployed APIs, called over HTTP. */
#include "server.h"

#include <stdatomic.h>

static void test_plane__answers_a_mock_as_enable_cors_makes_it(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    make_mock(s, api, make_resource(s, api, api.root, "notes"), "OPTIONS", "");
    deploy(s, api, "prod");
    struct http_response r = call_api(s, api, "OPTIONS", "/prod/notes", NULL);
    assert_int_equal(r.status, 200);
    assert_str(r.body, STR(""));
    assert_str(header_of(&r, "access-control-allow-origin"), STR("*"));
    assert_str(header_of(&r, "content-type"), STR("application/json"));
    assert_int_equal(header_of(&r, "x-amzn-requestid").len, 36);
    assert_int_equal(header_of(&r, "x-amz-apigw-id").len, 16);
    assert_str(header_of(&r, "x-amzn-trace-id"), STR("(none)"));
}

static void test_plane__hands_a_request_to_its_function(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    const char *notes = make_resource(s, api, api.root, "notes");
    make_proxy(s, api, make_resource(s, api, notes, "{id}"), "GET", false);
    deploy(s, api, "prod");
    s->payload = "{\"statusCode\":201,\"headers\":{\"X-A\":\"b\"},\"body\":\"hello\"}";
    struct http_response r = call_api(s, api, "GET", "/prod/notes/17?x=1", NULL);
    assert_int_equal(r.status, 201);
    assert_str(r.body, STR("hello"));
    assert_str(header_of(&r, "x-a"), STR("b"));
    assert_true(str_starts(header_of(&r, "x-amzn-trace-id"), STR("Root=1-")));
    assert_str(s->function, STR("arn:aws:lambda:us-east-1:000000000000:function:notes"));
    assert_str(s->source_arn,
               arena_printf(&s->arena,
                            "arn:aws:execute-api:us-east-1:000000000000:%s/prod/GET/notes/{id}",
                            api.id));
    yyjson_val *event = json_parse(&s->arena, s->event);
    assert_str(json_get_str(event, "path"), STR("/notes/17"));
    assert_str(json_get_str(json_get(event, "requestContext"), "path"), STR("/prod/notes/17"));
    assert_str(json_get_str(json_get(event, "pathParameters"), "id"), STR("17"));
}

static void test_plane__answers_at_every_address(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    make_mock(s, api, make_resource(s, api, api.root, "notes"), "GET", "[]");
    deploy(s, api, "prod");
    assert_operates(s, "CreateDomainName", "{'domainName':'Notes.localhost'}");
    assert_operates(s, "CreateBasePathMapping",
                    "{'domainName':'notes.localhost','restApiId':'%s','stage':'prod'}", api.id);
    assert_operates(s, "CreateBasePathMapping",
                    "{'domainName':'notes.localhost','restApiId':'%s','basePath':'v1'}", api.id);
    const char *regional =
        arena_printf(&s->arena, "%s.execute-api.us-east-1.localhost", api.id).ptr;
    const struct {
        const char *host;
        struct str target;
    } addresses[] = {
        {regional, STR("/prod/notes")},
        {"127.0.0.1", arena_printf(&s->arena, "/restapis/%s/prod/_user_request_/notes", api.id)},
        {"127.0.0.1", arena_printf(&s->arena, "/_aws/execute-api/%s/prod/notes", api.id)},
        {"notes.localhost", STR("/notes")},
        {"NOTES.localhost", STR("/v1/prod/notes")},
    };
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        struct http_response r =
            call_host(s, addresses[i].host, "GET", addresses[i].target.ptr, NULL, 0, STR_EMPTY);
        assert_str(r.body, STR("[]"));
    }
}

static void assert_refusal(const struct http_response *response, int status, struct str type,
                           struct str body)
{
    assert_int_equal(response->status, status);
    assert_str(header_of(response, "x-amzn-errortype"), type);
    assert_str(response->body, body);
    assert_str(header_of(response, "content-type"), STR("application/json"));
}

static void test_plane__refuses_what_is_not_there(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s), unknown = {"0123456789", ""};
    make_mock(s, api, make_resource(s, api, api.root, "notes"), "GET", "[]");
    deploy(s, api, "prod");
    struct http_response r = call_api(s, api, "GET", "/prod/nothing", NULL);
    assert_refusal(&r, 403, STR("MissingAuthenticationTokenException"),
                   STR("{\"message\":\"Missing Authentication Token\"}"));
    r = call_api(s, api, "POST", "/prod/notes", NULL);
    assert_refusal(&r, 403, STR("MissingAuthenticationTokenException"),
                   STR("{\"message\":\"Missing Authentication Token\"}"));
    r = call_api(s, api, "GET", "/test/notes", NULL);
    assert_refusal(&r, 403, STR("ForbiddenException"), STR("{\"message\":\"Forbidden\"}"));
    r = call_api(s, unknown, "GET", "/prod/notes", NULL);
    assert_refusal(&r, 403, STR("ForbiddenException"), STR("{\"message\":\"Forbidden\"}"));
}

/* An API with a key that is in a plan. */
static struct api make_keyed(struct server *s, const char *plan, const char **out_plan_id)
{
    struct api api = make_api(s);
    make_mock(s, api, make_resource(s, api, api.root, "notes"), "GET", "[]");
    assert_operates(s, "GetResources", "{'restApiId':'%s'}", api.id);
    yyjson_val *items = json_get(json_parse(&s->arena, s->output), "item"), *item;
    size_t i, max;
    yyjson_arr_foreach (items, i, max, item) {
        if (json_get(item, "pathPart"))
            assert_operates(s, "UpdateMethod",
                            "{'restApiId':'%s','resourceId':'%s','httpMethod':'GET',"
                            "'patchOperations':[{'op':'replace','path':'/apiKeyRequired',"
                            "'value':'true'}]}",
                            api.id, json_get_str(item, "id").ptr);
    }
    deploy(s, api, "prod");
    assert_operates(s, "CreateApiKey",
                    "{'name':'k','enabled':true,'value':'abcdefghijklmnopqrstuvwxyz'}");
    const char *key_id = answer(s, "id");
    assert_operates(s, "CreateUsagePlan",
                    "{'name':'p','apiStages':[{'apiId':'%s','stage':'prod'}]%s}", api.id, plan);
    *out_plan_id = answer(s, "id");
    assert_operates(s, "CreateUsagePlanKey",
                    "{'usagePlanId':'%s','keyId':'%s','keyType':'API_KEY'}", *out_plan_id, key_id);
    return api;
}

static const char key_value[] = "abcdefghijklmnopqrstuvwxyz";

static void test_plane__wants_a_key_where_one_is_required(void **state)
{
    struct server *s = *state;
    const char *plan_id;
    struct api api = make_keyed(s, "", &plan_id);
    struct http_response r = call_api(s, api, "GET", "/prod/notes", NULL);
    assert_refusal(&r, 403, STR("ForbiddenException"), STR("{\"message\":\"Forbidden\"}"));
    r = call_api(s, api, "GET", "/prod/notes", "wrong");
    assert_refusal(&r, 403, STR("ForbiddenException"), STR("{\"message\":\"Forbidden\"}"));
    r = call_api(s, api, "GET", "/prod/notes", key_value);
    assert_int_equal(r.status, 200);
}

static void test_plane__throttles_and_follows_changes_of_the_plan(void **state)
{
    struct server *s = *state;
    const char *plan_id;
    clock_fake_ms(INT64_C(1769900000000));
    struct api api = make_keyed(s, ",'throttle':{'rateLimit':1.0,'burstLimit':1}", &plan_id);
    assert_int_equal(call_api(s, api, "GET", "/prod/notes", key_value).status, 200);
    struct http_response r = call_api(s, api, "GET", "/prod/notes", key_value);
    assert_refusal(&r, 429, STR("TooManyRequestsException"),
                   STR("{\"message\":\"Too Many Requests\"}"));
    assert_operates(s, "UpdateUsagePlan",
                    "{'usagePlanId':'%s','patchOperations':[{'op':'replace','path':"
                    "'/throttle/burstLimit','value':'3'}]}",
                    plan_id);
    assert_int_equal(call_api(s, api, "GET", "/prod/notes", key_value).status, 200);
}

static void test_plane__counts_quotas_and_keeps_them_over_a_restart(void **state)
{
    struct server *s = *state;
    const char *plan_id;
    clock_fake_ms(INT64_C(1769900000000));
    struct api api = make_keyed(s, ",'quota':{'limit':3,'period':'DAY'}", &plan_id);
    assert_int_equal(call_api(s, api, "GET", "/prod/notes", key_value).status, 200);
    assert_int_equal(call_api(s, api, "GET", "/prod/notes", key_value).status, 200);
    server_close(s);
    server_open(s);
    assert_int_equal(call_api(s, api, "GET", "/prod/notes", key_value).status, 200);
    struct http_response r = call_api(s, api, "GET", "/prod/notes", key_value);
    assert_refusal(&r, 429, STR("LimitExceededException"), STR("{\"message\":\"Limit Exceeded\"}"));
}

static void test_plane__reports_and_extends_use(void **state)
{
    struct server *s = *state;
    const char *plan_id;
    clock_fake_ms(INT64_C(1769900000000)); /* 2026-01-31 */
    struct api api = make_keyed(s, ",'quota':{'limit':2,'period':'MONTH'}", &plan_id);
    call_api(s, api, "GET", "/prod/notes", key_value);
    assert_operates(s, "GetUsagePlanKeys", "{'usagePlanId':'%s'}", plan_id);
    yyjson_val *output = json_parse(&s->arena, s->output);
    const char *key_id =
        arena_cstr(&s->arena, json_get_str(yyjson_arr_get_first(json_get(output, "item")), "id"));
    assert_operates(s, "GetUsage",
                    "{'usagePlanId':'%s','startDate':'2026-01-30','endDate':'2026-01-31'}",
                    plan_id);
    assert_true(str_find(s->output, STR("[[0,2],[1,1]]")) > 0);
    assert_operates(s, "UpdateUsage",
                    "{'usagePlanId':'%s','keyId':'%s','patchOperations':[{'op':'replace','path':"
                    "'/remaining','value':'2'}]}",
                    plan_id, key_id);
    assert_int_equal(call_api(s, api, "GET", "/prod/notes", key_value).status, 200);
    assert_int_equal(call_api(s, api, "GET", "/prod/notes", key_value).status, 200);
    assert_int_equal(call_api(s, api, "GET", "/prod/notes", key_value).status, 429);
}

static void test_plane__serves_the_deployed_snapshot(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    make_mock(s, api, make_resource(s, api, api.root, "a"), "GET", "a");
    deploy(s, api, "prod");
    make_mock(s, api, make_resource(s, api, api.root, "b"), "GET", "b");
    assert_int_equal(call_api(s, api, "GET", "/prod/b", NULL).status, 403);
    deploy(s, api, "test");
    assert_int_equal(call_api(s, api, "GET", "/prod/b", NULL).status, 403);
    assert_int_equal(call_api(s, api, "GET", "/test/b", NULL).status, 200);
    server_close(s);
    server_open(s);
    assert_int_equal(call_api(s, api, "GET", "/prod/b", NULL).status, 403);
    assert_int_equal(call_api(s, api, "GET", "/prod/a", NULL).status, 200);
}

static void test_plane__maps_failures_of_functions(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    make_proxy(s, api, api.root, "ANY", false);
    deploy(s, api, "prod");
    s->function_error = "Unhandled";
    s->payload = "{\"errorMessage\":\"no\"}";
    struct http_response r = call_api(s, api, "GET", "/prod", NULL);
    assert_refusal(&r, 502, STR("InternalServerErrorException"),
                   STR("{\"message\": \"Internal server error\"}"));
    s->is_timeout = true;
    r = call_api(s, api, "GET", "/prod/", NULL);
    assert_refusal(&r, 502, STR("InternalServerErrorException"),
                   STR("{\"message\": \"Internal server error\"}"));
    s->is_timeout = false;
    s->function_error = NULL;
    r = call_api(s, api, "GET", "/prod/", NULL);
    assert_refusal(&r, 502, STR("InternalServerErrorException"),
                   STR("{\"message\": \"Internal server error\"}"));
    s->invoke_rc = ERR_ACCESS_DENIED_EXCEPTION;
    r = call_api(s, api, "GET", "/prod/", NULL);
    assert_refusal(&r, 500, STR("InternalServerErrorException"),
                   STR("{\"message\": \"Internal server error\"}"));
}

static void let_go(struct loop_task *task)
{
    struct server *server = (struct server *)((char *)task - offsetof(struct server, task));
    answer_invocation(server, server->held);
    sem_post(&server->done);
}

static void test_plane__does_not_wait_longer_than_the_integration_may_take(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    make_proxy(s, api, api.root, "GET", false);
    assert_operates(s, "UpdateIntegration",
                    "{'restApiId':'%s','resourceId':'%s','httpMethod':'GET','patchOperations':"
                    "[{'op':'replace','path':'/timeoutInMillis','value':'50'}]}",
                    api.id, api.root);
    deploy(s, api, "prod");
    s->is_holding = true;
    struct http_response r = call_api(s, api, "GET", "/prod", NULL);
    assert_refusal(&r, 504, STR("InternalServerErrorException"),
                   STR("{\"message\": \"Endpoint request timed out\"}"));
    s->task.run = let_go;
    loop_post(s->skylite.loops[0], &s->task);
    sem_wait(&s->done);
}

static void test_plane__answers_errors_as_gateway_responses_say(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    make_proxy(s, api, api.root, "GET", false);
    assert_operates(s, "PutGatewayResponse",
                    "{'restApiId':'%s','responseType':'DEFAULT_4XX','responseParameters':{"
                    "'gatewayresponse.header.Access-Control-Allow-Origin':'\\u0027*\\u0027',"
                    "'gatewayresponse.header.X-Stage':'context.stage'}}",
                    api.id);
    assert_operates(s, "PutGatewayResponse",
                    "{'restApiId':'%s','responseType':'DEFAULT_5XX','statusCode':'599',"
                    "'responseTemplates':{'application/json':'{\\'type\\':\\'"
                    "$context.error.responseType\\',\\'m\\':$context.error.messageString}'}}",
                    api.id);
    deploy(s, api, "prod");
    struct http_response r = call_api(s, api, "GET", "/prod/nothing", NULL);
    assert_refusal(&r, 403, STR("MissingAuthenticationTokenException"),
                   STR("{\"message\":\"Missing Authentication Token\"}"));
    assert_str(header_of(&r, "access-control-allow-origin"), STR("*"));
    assert_str(header_of(&r, "x-stage"), STR("prod"));
    s->payload = "bad";
    r = call_api(s, api, "GET", "/prod", NULL);
    assert_refusal(&r, 599, STR("InternalServerErrorException"),
                   STR("{\"type\":\"API_CONFIGURATION_ERROR\",\"m\":\"Internal server error\"}"));
}

static void test_plane__sends_one_content_type(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    make_mock(s, api, api.root, "GET", "");
    assert_operates(s, "PutGatewayResponse",
                    "{'restApiId':'%s','responseType':'DEFAULT_4XX','responseParameters':{"
                    "'gatewayresponse.header.Content-Type':'\\u0027text/plain\\u0027'}}",
                    api.id);
    deploy(s, api, "prod");
    struct http_response r = call_api(s, api, "GET", "/prod/nothing", NULL);
    size_t count = 0;
    for (size_t i = 0; i < r.header_count; i++)
        count += str_eq_nocase(r.headers[i].name, STR("content-type"));
    assert_int_equal(count, 1);
    assert_str(header_of(&r, "content-type"), STR("text/plain"));
}

static void test_plane__refuses_bodies_over_10_mb(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    make_mock(s, api, api.root, "POST", "");
    deploy(s, api, "prod");
    struct str host = arena_printf(&s->arena, "%s.execute-api.localhost", api.id);
    size_t len = 10 * 1024 * 1024 + 1;
    char *body = arena_zalloc(&s->arena, len);
    struct http_response r = call_host(s, host.ptr, "POST", "/prod", NULL, 0, str_make(body, len));
    assert_refusal(&r, 413, STR("RequestTooLargeException"),
                   STR("{\"message\":\"Request Too Long\"}"));
}

static void test_plane__substitutes_stage_variables_in_functions(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    assert_operates(s, "PutMethod",
                    "{'restApiId':'%s','resourceId':'%s','httpMethod':'GET',"
                    "'authorizationType':'NONE'}",
                    api.id, api.root);
    assert_operates(s, "PutIntegration",
                    "{'restApiId':'%s','resourceId':'%s','httpMethod':'GET','type':'AWS_PROXY',"
                    "'integrationHttpMethod':'POST','uri':'arn:aws:apigateway:us-east-1:lambda:"
                    "path/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:"
                    "${stageVariables.fn}/invocations'}",
                    api.id, api.root);
    assert_operates(s, "CreateDeployment",
                    "{'restApiId':'%s','stageName':'prod','variables':{'fn':'one'}}", api.id);
    call_api(s, api, "GET", "/prod", NULL);
    assert_str(s->function, STR("arn:aws:lambda:us-east-1:000000000000:function:one"));
    assert_operates(s, "UpdateStage",
                    "{'restApiId':'%s','stageName':'prod','patchOperations':[{'op':'replace',"
                    "'path':'/variables/fn','value':'two'}]}",
                    api.id);
    call_api(s, api, "GET", "/prod", NULL);
    assert_str(s->function, STR("arn:aws:lambda:us-east-1:000000000000:function:two"));
}

static void test_plane__follows_deletions(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    make_mock(s, api, api.root, "GET", "x");
    deploy(s, api, "prod");
    assert_int_equal(call_api(s, api, "GET", "/prod", NULL).status, 200);
    assert_operates(s, "UpdateRestApi",
                    "{'restApiId':'%s','patchOperations':[{'op':'replace','path':"
                    "'/disableExecuteApiEndpoint','value':'true'}]}",
                    api.id);
    assert_int_equal(call_api(s, api, "GET", "/prod", NULL).status, 403);
    assert_operates(s, "DeleteRestApi", "{'restApiId':'%s'}", api.id);
    assert_int_equal(call_api(s, api, "GET", "/prod", NULL).status, 403);
}

/* --- Integrations with other services --- */

static atomic_uint scans;

static enum err scan(struct request *request)
{
    atomic_fetch_add(&scans, 1);
    request_output(request);
    return OK;
}

static const struct operation table_operations[] = {{.name = "Scan", .handler = scan}};
static const struct service tables = {
    .name = "dynamodb",
    .protocols = PROTOCOL_AWS_JSON_1_0,
    .operations = table_operations,
    .operation_count = 1,
};

/* Takes all roles away from what is stored, as if no version had ever asked for one. */
static enum err strip_roles(struct store_txn *txn, struct store_write *write, struct error *error)
{
    static const struct str role =
        STR_INIT("\"credentials\":\"arn:aws:iam::000000000000:role/x\",");
    struct server *s = write->arg;
    struct str start = STR("apigateway/"), end = STR("apigateway0"), key, value;
    struct store_iter *iter = store_txn_iter_new(txn, STORE_META, start, end, false);
    struct str keys[8], values[8];
    size_t count = 0;
    (void)error;
    while (store_iter_next(iter, &key, &value)) {
        ptrdiff_t at = str_find(value, role);
        if (at < 0)
            continue;
        keys[count] = arena_str(&s->arena, key);
        values[count++] = arena_printf(&s->arena, "%.*s%.*s", (int)at, value.ptr,
                                       STR_ARG(str_slice(value, (size_t)at + role.len, value.len)));
    }
    store_iter_free(iter);
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++)
        store_txn_put(txn, STORE_META, keys[i], values[i]);
    return OK;
}

static void stripped(struct store_write *write)
{
    struct server *s = write->arg;
    sem_post(&s->done);
}

static void test_plane__calls_no_operation_without_a_role(void **state)
{
    struct server *s = *state;
    struct store_write write = {.run = strip_roles, .done = stripped, .arg = s};
    struct api api = make_api(s);
    skylite_add_service(&s->skylite, &tables);
    atomic_store(&scans, 0);
    const char *where =
        arena_printf(&s->arena, "'restApiId':'%s','resourceId':'%s','httpMethod':'POST'", api.id,
                     api.root)
            .ptr;
    assert_operates(s, "PutMethod", "{%s,'authorizationType':'NONE'}", where);
    assert_operates(s, "PutIntegration",
                    "{%s,'type':'AWS','integrationHttpMethod':'POST','uri':"
                    "'arn:aws:apigateway:us-east-1:dynamodb:action/Scan',"
                    "'credentials':'arn:aws:iam::000000000000:role/x'}",
                    where);
    assert_operates(s, "PutIntegrationResponse", "{%s,'statusCode':'200'}", where);
    store_submit(s->skylite.store, &write);
    sem_wait(&s->done);
    deploy(s, api, "prod");
    struct http_response r = call_api(s, api, "POST", "/prod", NULL);
    assert_int_equal(r.status, 500);
    assert_str(r.body, STR("{\"message\": \"Internal server error\"}"));
    assert_operates(s, "TestInvokeMethod", "{%s,'body':'{}'}", where);
    yyjson_val *trial = json_parse(&s->arena, s->output);
    assert_true(str_find(json_get_str(trial, "log"),
                         STR("Role ARN must be specified for AWS integrations")) > 0);
    assert_int_equal(atomic_load(&scans), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(test_plane__answers_a_mock_as_enable_cors_makes_it),
        SERVER_TEST(test_plane__hands_a_request_to_its_function),
        SERVER_TEST(test_plane__answers_at_every_address),
        SERVER_TEST(test_plane__refuses_what_is_not_there),
        SERVER_TEST(test_plane__wants_a_key_where_one_is_required),
        SERVER_TEST(test_plane__throttles_and_follows_changes_of_the_plan),
        SERVER_TEST(test_plane__counts_quotas_and_keeps_them_over_a_restart),
        SERVER_TEST(test_plane__reports_and_extends_use),
        SERVER_TEST(test_plane__serves_the_deployed_snapshot),
        SERVER_TEST(test_plane__maps_failures_of_functions),
        SERVER_TEST(test_plane__does_not_wait_longer_than_the_integration_may_take),
        SERVER_TEST(test_plane__answers_errors_as_gateway_responses_say),
        SERVER_TEST(test_plane__sends_one_content_type),
        SERVER_TEST(test_plane__refuses_bodies_over_10_mb),
        SERVER_TEST(test_plane__substitutes_stage_variables_in_functions),
        SERVER_TEST(test_plane__follows_deletions),
        SERVER_TEST(test_plane__calls_no_operation_without_a_role),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
