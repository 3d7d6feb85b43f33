#include "io/http_client.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server.h"

/* --- Against the real server --- */

struct client_world {
    struct server *server;
    struct http_client *client;
    struct arena arena;
};

static int setup(void **state)
{
    struct client_world *w = calloc(1, sizeof(*w));
    struct error error;
    char url[64];
    assert_non_null(w);
    w->server = server_start((struct http_listener_options){.max_body_bytes = 32 * 1024 * 1024});
    snprintf(url, sizeof(url), "http://api.localhost:%u/ignored", w->server->port);
    assert_int_equal(http_client_new(str_from(url), 5000, &w->client, &error), OK);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct client_world *w = *state;
    http_client_free(w->client);
    server_stop(w->server);
    arena_release(&w->arena);
    free(w);
    return 0;
}

static enum err ask(struct client_world *w, const char *method, const char *target, struct str body,
                    size_t max_body, struct http_response *out)
{
    struct error error;
    struct http_header header = {STR("X-Test"), STR("value")};
    return http_client_send(w->client, str_from(method), str_from(target), &header, 1, body,
                            max_body, &w->arena, out, &error);
}

static void test_client__gets_status_headers_and_body(void **state)
{
    struct client_world *w = *state;
    struct http_response response;
    assert_int_equal(ask(w, "GET", "/header?x", STR_EMPTY, 100, &response), OK);
    assert_int_equal(response.status, 200);
    assert_str(http_response_header(&response, STR("x-answer")), STR("x"));
}

static void test_client__sends_headers_and_host(void **state)
{
    struct client_world *w = *state;
    struct http_response response;
    assert_int_equal(ask(w, "GET", "/see?a", STR_EMPTY, 100, &response), OK);
    assert_str(response.body, STR("GET /see?a 127.0.0.1 2 [value]"));
}

static void test_client__keeps_its_connection(void **state)
{
    struct client_world *w = *state;
    struct http_response response;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(ask(w, "POST", "/echo", STR("body"), 100, &response), OK);
        assert_str(response.body, STR("body"));
    }
}

static void test_client__takes_answers_without_body(void **state)
{
    struct client_world *w = *state;
    struct http_response response;
    assert_int_equal(ask(w, "HEAD", "/", STR_EMPTY, 100, &response), OK);
    assert_int_equal(ask(w, "GET", "/204", STR_EMPTY, 100, &response), OK);
    assert_int_equal(ask(w, "GET", "/", STR_EMPTY, 100, &response), OK);
    assert_str(response.body, STR("hello"));
}

static void test_client__sends_and_takes_20_megabytes(void **state)
{
    struct client_world *w = *state;
    struct http_response response;
    size_t size = 20 * 1024 * 1024;
    char *bytes = malloc(size);
    assert_non_null(bytes);
    memset(bytes, 'x', size);
    enum err rc = ask(w, "POST", "/echo", str_make(bytes, size), size, &response);
    free(bytes);
    assert_int_equal(rc, OK);
    assert_int_equal(response.body.len, size);
}

static void test_client__refuses_longer_answers_than_asked_for(void **state)
{
    struct client_world *w = *state;
    struct http_response response;
    assert_int_equal(ask(w, "GET", "/big?101", STR_EMPTY, 100, &response),
                     ERR_REQUEST_ENTITY_TOO_LARGE);
}

static void test_client__reads_an_answer_that_comes_before_its_body_is_taken(void **state)
{
    struct client_world *w = *state;
    struct http_response response;
    size_t size = 40 * 1024 * 1024;
    char *bytes = calloc(1, size);
    assert_non_null(bytes);
    enum err rc = ask(w, "POST", "/echo", str_make(bytes, size), size, &response);
    free(bytes);
    assert_int_equal(rc, OK);
    assert_int_equal(response.status, 413);
}

static void abort_listener(struct server *server)
{
    http_listener_abort(server->listener);
}

static void test_client__sends_again_when_its_connection_was_closed(void **state)
{
    struct client_world *w = *state;
    struct http_response response;
    assert_int_equal(ask(w, "GET", "/", STR_EMPTY, 100, &response), OK);
    server_do(w->server, abort_listener);
    assert_int_equal(ask(w, "POST", "/echo", STR("again"), 100, &response), OK);
    assert_str(response.body, STR("again"));
}

static void test_client__refuses_headers_with_line_breaks(void **state)
{
    struct client_world *w = *state;
    struct http_response response;
    assert_int_equal(ask(w, "GET", "/\r\nX: y", STR_EMPTY, 100, &response), ERR_VALIDATION);
}

/* --- Against a server that says what it is told to --- */

/* Takes connections one after the other; on each it waits for a request without body, says the
 * text, and closes. */
struct script {
    int fd;
    uint16_t port;
    const char *const *texts;
    size_t count;
    pthread_t thread;
};

static void *play(void *arg)
{
    struct script *script = arg;
    for (size_t i = 0; i < script->count; i++) {
        struct arena arena = {0};
        int fd = accept(script->fd, NULL, NULL);
        receive_answer(fd, &arena);
        send_bytes(fd, str_from(script->texts[i]));
        arena_release(&arena);
        close(fd);
    }
    return NULL;
}

static void start_script(struct script *script, const char *const *texts, size_t count)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    *script =
        (struct script){.fd = socket(AF_INET, SOCK_STREAM, 0), .texts = texts, .count = count};
    assert_int_equal(bind(script->fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(script->fd, 8), 0);
    getsockname(script->fd, (struct sockaddr *)&address, &len);
    script->port = ntohs(address.sin_port);
    assert_int_equal(pthread_create(&script->thread, NULL, play, script), 0);
}

/* Asks `times` times and gives the last outcome. */
static enum err ask_script(const char *const *texts, size_t count, int times,
                           struct http_response *out, struct arena *arena)
{
    struct script script;
    struct http_client *client;
    struct error error;
    char url[64];
    enum err rc = OK;
    start_script(&script, texts, count);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", script.port);
    assert_int_equal(http_client_new(str_from(url), 5000, &client, &error), OK);
    for (int i = 0; i < times; i++)
        rc = http_client_send(client, STR("GET"), STR("/"), NULL, 0, STR_EMPTY, 100, arena, out,
                              &error);
    http_client_free(client);
    pthread_join(script.thread, NULL);
    close(script.fd);
    return rc;
}

static void check_body(const char *text, const char *body)
{
    struct arena arena = {0};
    struct http_response response;
    assert_int_equal(ask_script(&text, 1, 1, &response, &arena), OK);
    assert_str(response.body, str_from(body));
    arena_release(&arena);
}

static void check_failure(const char *text)
{
    struct arena arena = {0};
    struct http_response response;
    assert_int_equal(ask_script(&text, 1, 1, &response, &arena), ERR_INTERNAL);
    arena_release(&arena);
}

static void test_client__takes_chunks(void **state)
{
    (void)state;
    check_body("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n"
               "X: trailer\r\n\r\n",
               "abc");
}

static void test_client__takes_a_body_that_ends_with_the_connection(void **state)
{
    (void)state;
    check_body("HTTP/1.1 200 OK\r\n\r\nto the end", "to the end");
}

static void test_client__waits_behind_100_continue(void **state)
{
    (void)state;
    check_body(
        "HTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "ok");
}

static void test_client__does_not_wait_behind_100_continue_for_ever(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct buf text;
    buf_init_arena(&text, &arena, SIZE_MAX / 2);
    for (int i = 0; i < 100; i++)
        buf_add(&text, STR("HTTP/1.1 100 Continue\r\n\r\n"));
    check_failure(arena_cstr(&arena, buf_str(&text)));
    arena_release(&arena);
}

static void test_client__fails_on_a_cut_body(void **state)
{
    (void)state;
    check_failure("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort");
}

static void test_client__fails_on_what_is_not_http(void **state)
{
    (void)state;
    check_failure("SSH-2.0-server\r\n");
}

static void test_client__does_not_send_again_on_a_new_connection(void **state)
{
    (void)state;
    check_failure("");
}

static void test_client__leaves_a_connection_that_says_more_than_asked(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue"};
    struct arena arena = {0};
    struct http_response response;
    assert_int_equal(ask_script(texts, 2, 2, &response, &arena), OK);
    assert_str(response.body, STR("true"));
    arena_release(&arena);
}

static void test_client__sends_again_once(void **state)
{
    (void)state;
    static const char *const texts[] = {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""};
    struct arena arena = {0};
    struct http_response response;
    assert_int_equal(ask_script(texts, 2, 2, &response, &arena), ERR_INTERNAL);
    arena_release(&arena);
}

/* --- Alone --- */

static enum err new_client(const char *url, unsigned timeout_ms, struct http_client **out)
{
    struct error error;
    return http_client_new(str_from(url), timeout_ms, out, &error);
}

static void test_client__refuses_what_is_no_url(void **state)
{
    (void)state;
    static const char *const urls[] = {"localhost:80", "ftp://a",       "http://",
                                       "http://:80",   "http://a:b",    "http://a:99999",
                                       "http://[::1",  "http://[::1]80"};
    struct http_client *client;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
        assert_int_equal(new_client(urls[i], 100, &client), ERR_VALIDATION);
}

static void test_client__tells_the_host_as_given(void **state)
{
    (void)state;
    struct http_client *client;
    assert_int_equal(new_client("https://[::1]:8443/x", 100, &client), OK);
    assert_str(http_client_host(client), STR("[::1]:8443"));
    http_client_free(client);
}

static enum err get(struct http_client *client)
{
    struct arena arena = {0};
    struct http_response response;
    struct error error;
    enum err rc = http_client_send(client, STR("GET"), STR("/"), NULL, 0, STR_EMPTY, 100, &arena,
                                   &response, &error);
    arena_release(&arena);
    return rc;
}

static void test_client__fails_when_nobody_listens(void **state)
{
    (void)state;
    struct http_client *client;
    assert_int_equal(new_client("http://127.0.0.1:1", 1000, &client), OK);
    assert_int_equal(get(client), ERR_INTERNAL);
    http_client_free(client);
}

static void test_client__gives_up_when_no_answer_comes(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct http_client *client;
    char url[64];
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(fd, 8), 0);
    getsockname(fd, (struct sockaddr *)&address, &len);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", ntohs(address.sin_port));
    assert_int_equal(new_client(url, 30, &client), OK);
    assert_int_equal(get(client), ERR_SERVICE_UNAVAILABLE);
    http_client_free(client);
    close(fd);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_client__gets_status_headers_and_body),
        CASE(test_client__sends_headers_and_host),
        CASE(test_client__keeps_its_connection),
        CASE(test_client__takes_answers_without_body),
        CASE(test_client__sends_and_takes_20_megabytes),
        CASE(test_client__refuses_longer_answers_than_asked_for),
        CASE(test_client__reads_an_answer_that_comes_before_its_body_is_taken),
        CASE(test_client__sends_again_when_its_connection_was_closed),
        CASE(test_client__refuses_headers_with_line_breaks),
        cmocka_unit_test(test_client__takes_chunks),
        cmocka_unit_test(test_client__takes_a_body_that_ends_with_the_connection),
        cmocka_unit_test(test_client__waits_behind_100_continue),
        cmocka_unit_test(test_client__does_not_wait_behind_100_continue_for_ever),
        cmocka_unit_test(test_client__fails_on_a_cut_body),
        cmocka_unit_test(test_client__fails_on_what_is_not_http),
        cmocka_unit_test(test_client__does_not_send_again_on_a_new_connection),
        cmocka_unit_test(test_client__leaves_a_connection_that_says_more_than_asked),
        cmocka_unit_test(test_client__sends_again_once),
        cmocka_unit_test(test_client__refuses_what_is_no_url),
        cmocka_unit_test(test_client__tells_the_host_as_given),
        cmocka_unit_test(test_client__fails_when_nobody_listens),
        cmocka_unit_test(test_client__gives_up_when_no_answer_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
