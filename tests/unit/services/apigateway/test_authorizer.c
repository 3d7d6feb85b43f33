/* What clients get when an authorizer does not say who they are. */
#include "server.h"

/* "GET /prod", whose authorizer takes x-api-key for the token. Returns the authorizer's id. */
static const char *make_guarded(struct server *s, struct api api)
{
    assert_operates(s, "CreateAuthorizer",
                    "{'restApiId':'%s','name':'a','type':'TOKEN','authorizerUri':'" FUNCTION_URI
                    "','identitySource':'method.request.header.x-api-key'}",
                    api.id);
    const char *id = answer(s, "id");
    make_mock(s, api, api.root, "GET", "in");
    assert_operates(s, "UpdateMethod",
                    "{'restApiId':'%s','resourceId':'%s','httpMethod':'GET','patchOperations':["
                    "{'op':'replace','path':'/authorizationType','value':'CUSTOM'},"
                    "{'op':'replace','path':'/authorizerId','value':'%s'}]}",
                    api.id, api.root, id);
    deploy(s, api, "prod");
    return id;
}

static void assert_refusal(const struct http_response *response, int status, const char *type,
                           const char *body)
{
    assert_int_equal(response->status, status);
    assert_str(header_of(response, "x-amzn-errortype"), str_from(type));
    assert_str(response->body, str_from(body));
}

static void test_authorizer__is_invoked_as_itself_with_the_token(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    const char *id = make_guarded(s, api);
    s->function_error = "Unhandled";
    call_api(s, api, "GET", "/prod", "secret");
    assert_str(s->function, STR("arn:aws:lambda:us-east-1:000000000000:function:notes"));
    assert_str(s->source_arn,
               arena_printf(&s->arena,
                            "arn:aws:execute-api:us-east-1:000000000000:%s/authorizers/%s", api.id,
                            id));
    assert_str(s->event,
               arena_printf(&s->arena,
                            "{\"type\":\"TOKEN\",\"methodArn\":\"arn:aws:execute-api:us-east-1:"
                            "000000000000:%s/prod/GET/\",\"authorizationToken\":\"secret\"}",
                            api.id));
}

static void test_authorizer__is_not_asked_about_nobody(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    make_guarded(s, api);
    struct http_response r = call_api(s, api, "GET", "/prod", NULL);
    assert_refusal(&r, 401, "UnauthorizedException", "{\"message\":\"Unauthorized\"}");
    assert_int_equal(s->event.len, 0);
}

static void test_authorizer__that_says_unauthorized_is_believed(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    make_guarded(s, api);
    s->function_error = "Unhandled";
    s->payload = "{\"errorMessage\":\"Unauthorized\"}";
    struct http_response r = call_api(s, api, "GET", "/prod", "secret");
    assert_refusal(&r, 401, "UnauthorizedException", "{\"message\":\"Unauthorized\"}");
}

static void test_authorizer__that_fails_lets_nobody_in(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    make_guarded(s, api);
    s->function_error = "Unhandled";
    s->payload = "{\"errorMessage\":\"Unauthorized, or so\"}";
    struct http_response r = call_api(s, api, "GET", "/prod", "secret");
    assert_refusal(&r, 500, "AuthorizerFailureException", "{\"message\":null}");
}

static void test_authorizer__that_takes_too_long_lets_nobody_in(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    make_guarded(s, api);
    s->is_timeout = true;
    struct http_response r = call_api(s, api, "GET", "/prod", "secret");
    assert_refusal(&r, 500, "AuthorizerFailureException", "{\"message\":null}");
}

static void test_authorizer__that_may_not_be_invoked_lets_nobody_in(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    make_guarded(s, api);
    s->invoke_rc = ERR_ACCESS_DENIED_EXCEPTION;
    struct http_response r = call_api(s, api, "GET", "/prod", "secret");
    assert_refusal(&r, 500, "AuthorizerConfigurationException", "{\"message\":null}");
}

static void test_authorizer__that_answers_in_another_form_lets_nobody_in(void **state)
{
    struct server *s = *state;
    struct api api = make_api(s);
    make_guarded(s, api);
    static const char *const payloads[] = {"", "null", "{}", "{\"principalId\":\"ann\"}"};
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
        s->payload = payloads[i];
        struct http_response r = call_api(s, api, "GET", "/prod", "secret");
        assert_refusal(&r, 500, "AuthorizerConfigurationException", "{\"message\":null}");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVER_TEST(test_authorizer__is_invoked_as_itself_with_the_token),
        SERVER_TEST(test_authorizer__is_not_asked_about_nobody),
        SERVER_TEST(test_authorizer__that_says_unauthorized_is_believed),
        SERVER_TEST(test_authorizer__that_fails_lets_nobody_in),
        SERVER_TEST(test_authorizer__that_takes_too_long_lets_nobody_in),
        SERVER_TEST(test_authorizer__that_may_not_be_invoked_lets_nobody_in),
        SERVER_TEST(test_authorizer__that_answers_in_another_form_lets_nobody_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
