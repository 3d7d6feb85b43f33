/* A server with nothing but API Gateway: a store in a temporary folder, one loop, functions of the
 * test's own. Operations are called as from another service, APIs over HTTP. */
#pragma once

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../check.h"
#include "base/buf.h"
#include "base/clock.h"
#include "core/request.h"
#include "core/skylite.h"
#include "io/http_client.h"
#include "services/apigateway/apigateway.h"

struct server {
    char path[64];
    struct skylite skylite;
    struct apigateway *apigateway;
    struct http_listener *listener;
    struct arena arena;
    struct error error; /* of the last operation */
    sem_t done;

    /* The last invocation, and what it is to answer. */
    struct function_invocation *held; /* when is_holding: to be let go */
    bool is_holding;
    struct str event, source_arn, function;
    struct str log;             /* what was logged so far */
    const char *payload;        /* NULL: an answer whose body is the event */
    const char *function_error; /* NULL: none */
    enum err invoke_rc;
    bool is_timeout;

    /* The operation under way. */
    enum err rc;
    struct str output;
    const char *operation, *input;
    struct loop_task task;
};

static inline void answer_invocation(struct server *server, struct function_invocation *invocation)
{
    struct buf payload;
    buf_init_arena(&payload, invocation->arena, 1024 * 1024);
    if (server->payload) {
        buf_add(&payload, str_from(server->payload));
    } else {
        buf_add(&payload, STR("{\"statusCode\":200,\"body\":"));
        buf_add_json(&payload, invocation->payload);
        buf_add_byte(&payload, '}');
    }
    invocation->rc = server->invoke_rc;
    invocation->payload_out = buf_str(&payload);
    invocation->function_error = str_from(server->function_error);
    invocation->is_timeout = server->is_timeout;
    invocation->done(invocation);
}

static inline void invocation_due(void *arg)
{
    struct function_invocation *invocation = arg;
    struct server *server = invocation->next ? (struct server *)(void *)invocation->next : NULL;
    invocation->next = NULL;
    answer_invocation(server, invocation);
}

static inline void invoke(void *self, struct function_invocation *invocation)
{
    struct server *server = self;
    server->event = arena_str(&server->arena, invocation->payload);
    server->source_arn = arena_str(&server->arena, invocation->source_arn);
    server->function = arena_str(&server->arena, invocation->function);
    if (server->is_holding) {
        server->held = invocation;
        return;
    }
    invocation->next = (struct function_invocation *)(void *)server;
    loop_timer_start(invocation->loop, 0, 0, invocation_due, invocation);
}

/* Roles named "refused" trust nobody. */
static inline enum err assume(void *self, const struct role_assumption *asked, struct arena *arena,
                              struct credentials *out, struct error *error)
{
    (void)self;
    (void)arena;
    *out = (struct credentials){STR("ASIATEST"), STR("secret"), STR("token"), 0};
    return str_ends(asked->role_arn, STR("/refused"))
               ? error_set(error, ERR_ACCESS_DENIED_EXCEPTION, "no")
               : OK;
}

/* Keeps what is logged: "GROUP: message" lines. On the loop's thread. */
static inline void append_log(void *self, struct str group, struct str stream,
                              const struct log_event *events, size_t count)
{
    struct server *server = self;
    assert_int_equal(stream.len, 32);
    for (size_t i = 0; i < count; i++)
        server->log = arena_printf(&server->arena, "%.*s%.*s: %.*s\n", STR_ARG(server->log),
                                   STR_ARG(group), STR_ARG(events[i].message));
}

static inline void server_open(struct server *server)
{
    struct store_options store_options = {.durability = STORE_RELAXED, .cache_bytes = 1024 * 1024};
    struct error *error = &server->error;
    server->skylite = (struct skylite){
        .config = {.region = STR("us-east-1"), .account = STR("000000000000")},
        .loop_count = 1,
        .functions = {.self = server, .invoke = invoke},
        .iam = {.assume_role_for_service = assume},
        .logs = {.self = server, .append = append_log},
    };
    struct skylite *skylite = &server->skylite;
    assert_int_equal(store_open(server->path, &store_options, &skylite->store, error), OK);
    assert_int_equal(loop_new(0, &skylite->loops[0], error), OK);
    assert_int_equal(apigateway_new(skylite, &server->apigateway, error), OK);
    struct http_listener_options options = front_door_options(skylite, 0);
    assert_int_equal(
        http_listen(skylite->loops[0], "127.0.0.1", 0, &options, &server->listener, error), OK);
    skylite->port = http_listener_port(server->listener);
    assert_int_equal(loop_start(skylite->loops[0], error), OK);
}

static inline void server_listener_closed(void *arg)
{
    struct server *server = arg;
    loop_stop(server->skylite.loops[0]);
}

static inline void server_close_listener(struct loop_task *task)
{
    struct server *server = (struct server *)((char *)task - offsetof(struct server, task));
    http_listener_close(server->listener, server_listener_closed, server);
}

static inline void server_close(struct server *server)
{
    server->task.run = server_close_listener;
    loop_post(server->skylite.loops[0], &server->task);
    loop_join(server->skylite.loops[0]);
    apigateway_free(server->apigateway);
    loop_free(server->skylite.loops[0]);
    store_close(server->skylite.store);
}

static inline int server_setup(void **state)
{
    struct server *server = calloc(1, sizeof(*server));
    assert_non_null(server);
    sem_init(&server->done, 0, 0);
    snprintf(server->path, sizeof(server->path), "%s", "/tmp/skylite-apigw-XXXXXX");
    assert_non_null(mkdtemp(server->path));
    server_open(server);
    *state = server;
    return 0;
}

static inline int server_teardown(void **state)
{
    struct server *server = *state;
    server_close(server);
    clock_fake_ms(0);
    arena_release(&server->arena);
    sem_destroy(&server->done);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", server->path);
    int rc = system(command);
    free(server);
    return rc;
}

#define SERVER_TEST(name) cmocka_unit_test_setup_teardown(name, server_setup, server_teardown)

/* --- Operations --- */

static inline void server_called(void *arg, enum err rc, const struct error *error,
                                 yyjson_mut_val *output)
{
    struct server *server = arg;
    server->rc = rc;
    server->error = *error;
    server->output =
        output ? arena_str(&server->arena, json_write(&server->arena, output)) : STR_EMPTY;
    sem_post(&server->done);
}

static inline void server_call_on_loop(struct loop_task *task)
{
    struct server *server = (struct server *)((char *)task - offsetof(struct server, task));
    static const struct principal root = {.kind = PRINCIPAL_ROOT};
    struct arena arena = {0};
    yyjson_mut_doc *doc = json_doc(&arena);
    yyjson_val *input = json_parse(&arena, str_from(server->input));
    assert_non_null(input);
    call_operation(&server->skylite, server->skylite.loops[0], &root, "apigateway",
                   server->operation, yyjson_val_mut_copy(doc, input), server_called, server);
    arena_release(&arena);
}

/* Calls an operation with JSON input in which each ' stands for a ". */
static inline enum err operate(struct server *server, const char *operation, const char *format,
                               ...) __attribute__((format(printf, 3, 4)));

static inline enum err operate(struct server *server, const char *operation, const char *format,
                               ...)
{
    va_list args;
    va_start(args, format);
    struct str text = arena_vprintf(&server->arena, format, args);
    va_end(args);
    char *input = arena_cstr(&server->arena, text);
    for (size_t i = 0; i < text.len; i++)
        input[i] = input[i] == '\'' ? '"' : input[i];
    server->operation = operation;
    server->input = input;
    server->task.run = server_call_on_loop;
    loop_post(server->skylite.loops[0], &server->task);
    sem_wait(&server->done);
    return server->rc;
}

#define assert_operates(server, ...)                                                               \
    do {                                                                                           \
        if (operate(server, __VA_ARGS__))                                                          \
            fail_msg("%s: %s", (server)->operation, (server)->error.message);                      \
    } while (0)

/* A member of the last answer, as a C string. */
static inline const char *answer(struct server *server, const char *member)
{
    yyjson_val *output = json_parse(&server->arena, server->output);
    return arena_cstr(&server->arena, json_get_str(output, member));
}

/* --- An API --- */

struct api {
    const char *id, *root;
};

static inline struct api make_api(struct server *server)
{
    struct api api;
    assert_operates(server, "CreateRestApi", "{'name':'notes'}");
    api.id = answer(server, "id");
    api.root = answer(server, "rootResourceId");
    return api;
}

static inline const char *make_resource(struct server *server, struct api api, const char *parent,
                                        const char *part)
{
    assert_operates(server, "CreateResource", "{'restApiId':'%s','parentId':'%s','pathPart':'%s'}",
                    api.id, parent, part);
    return answer(server, "id");
}

#define FUNCTION_URI                                                                               \
    "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"                               \
    "arn:aws:lambda:us-east-1:000000000000:function:notes/invocations"

static inline void make_proxy(struct server *server, struct api api, const char *resource,
                              const char *verb, bool is_key_required)
{
    assert_operates(server, "PutMethod",
                    "{'restApiId':'%s','resourceId':'%s','httpMethod':'%s',"
                    "'authorizationType':'NONE','apiKeyRequired':%s}",
                    api.id, resource, verb, is_key_required ? "true" : "false");
    assert_operates(server, "PutIntegration",
                    "{'restApiId':'%s','resourceId':'%s','httpMethod':'%s','type':'AWS_PROXY',"
                    "'integrationHttpMethod':'POST','uri':'" FUNCTION_URI "'}",
                    api.id, resource, verb);
}

/* A MOCK method that answers 200 with `body`. */
static inline void make_mock(struct server *server, struct api api, const char *resource,
                             const char *verb, const char *body)
{
    const char *where =
        arena_printf(&server->arena, "'restApiId':'%s','resourceId':'%s','httpMethod':'%s'", api.id,
                     resource, verb)
            .ptr;
    assert_operates(server, "PutMethod", "{%s,'authorizationType':'NONE'}", where);
    assert_operates(server, "PutMethodResponse",
                    "{%s,'statusCode':'200','responseParameters':{"
                    "'method.response.header.Access-Control-Allow-Origin':true}}",
                    where);
    assert_operates(server, "PutIntegration",
                    "{%s,'type':'MOCK','requestTemplates':{'application/json':"
                    "'{\\'statusCode\\': 200}'}}",
                    where);
    struct buf text;
    buf_init_arena(&text, &server->arena, 4096);
    buf_add_json(&text, str_from(body));
    assert_operates(server, "PutIntegrationResponse",
                    "{%s,'statusCode':'200','responseParameters':{"
                    "'method.response.header.Access-Control-Allow-Origin':'\\u0027*\\u0027'},"
                    "'responseTemplates':{'application/json':%.*s}}",
                    where, STR_ARG(buf_str(&text)));
}

static inline void deploy(struct server *server, struct api api, const char *stage)
{
    assert_operates(server, "CreateDeployment", "{'restApiId':'%s','stageName':'%s'}", api.id,
                    stage);
}

/* --- HTTP --- */

static inline struct http_response call_host(struct server *server, const char *host,
                                             const char *method, const char *target,
                                             const struct http_header *headers, size_t header_count,
                                             struct str body)
{
    struct http_response response;
    struct http_client *client;
    struct str url =
        arena_printf(&server->arena, "http://%s:%u", host, (unsigned)server->skylite.port);
    assert_int_equal(http_client_new(url, 5000, &client, &server->error), OK);
    if (http_client_send(client, str_from(method), str_from(target), headers, header_count, body,
                         64 * 1024 * 1024, &server->arena, &response, &server->error))
        fail_msg("%s", server->error.message);
    http_client_free(client);
    return response;
}

static inline struct http_response call_api(struct server *server, struct api api,
                                            const char *method, const char *target, const char *key)
{
    struct http_header header = {STR("x-api-key"), str_from(key)};
    struct str host = arena_printf(&server->arena, "%s.execute-api.localhost", api.id);
    return call_host(server, host.ptr, method, target, &header, key ? 1 : 0, STR_EMPTY);
}

static inline struct str header_of(const struct http_response *response, const char *name)
{
    struct str value = http_response_header(response, str_from(name));
    return value.ptr ? value : STR("(none)");
}
