#include "io/http_fetch.h"

#include <stdio.h>
#include <stdlib.h>

#include "server.h"

/* A server, and a loop of its own that fetches from it. */
struct fetch_world {
    struct server *server;
    struct loop *loop;
    struct arena arena;
    struct loop_task task;
    struct http_fetch fetch;
    sem_t done;
};

static int setup(void **state)
{
    struct fetch_world *w = calloc(1, sizeof(*w));
    struct error error;
    assert_non_null(w);
    w->server = server_start((struct http_listener_options){.max_body_bytes = 32 * 1024 * 1024});
    assert_int_equal(loop_new(1, &w->loop, &error), OK);
    assert_int_equal(loop_start(w->loop, &error), OK);
    sem_init(&w->done, 0, 0);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct fetch_world *w = *state;
    loop_stop(w->loop);
    loop_join(w->loop);
    loop_free(w->loop);
    server_stop(w->server);
    arena_release(&w->arena);
    sem_destroy(&w->done);
    free(w);
    return 0;
}

static void fetched(struct http_fetch *fetch)
{
    struct fetch_world *w = fetch->arg;
    sem_post(&w->done);
}

static void start(struct loop_task *task)
{
    struct fetch_world *w =
        (struct fetch_world *)((char *)task - offsetof(struct fetch_world, task));
    http_fetch_start(&w->fetch);
}

/* Begins a request for "METHOD /path". */
static void begin(struct fetch_world *w, const char *method, const char *path, struct str body)
{
    static const struct http_header headers[] = {{STR_INIT("X-Test"), STR_INIT("value")},
                                                 {STR_INIT("Host"), STR_INIT("elsewhere")}};
    w->fetch = (struct http_fetch){
        .loop = w->loop,
        .arena = &w->arena,
        .method = str_from(method),
        .url = arena_printf(&w->arena, "http://127.0.0.1:%u%s", w->server->port, path),
        .headers = headers,
        .header_count = 2,
        .body = body,
        .timeout_ms = 5000,
        .max_body = 1000000,
        .done = fetched,
        .arg = w,
    };
    w->task.run = start;
}

static void ask(struct fetch_world *w, const char *method, const char *path, struct str body)
{
    begin(w, method, path, body);
    loop_post(w->loop, &w->task);
    sem_wait(&w->done);
}

static struct str header_of(const struct http_fetch *fetch, struct str name)
{
    for (size_t i = 0; i < fetch->response_header_count; i++) {
        if (str_eq_nocase(fetch->response_headers[i].name, name))
            return fetch->response_headers[i].value;
    }
    return (struct str){NULL, 0};
}

static void test_fetch__gets_status_headers_and_body(void **state)
{
    struct fetch_world *w = *state;
    ask(w, "GET", "/header?x", STR_EMPTY);
    assert_int_equal(w->fetch.rc, OK);
    assert_int_equal(w->fetch.status, 200);
    assert_str(header_of(&w->fetch, STR("x-answer")), STR("x"));
    ask(w, "GET", "/none", STR_EMPTY);
    assert_str(w->fetch.response_body, STR("hello"));
}

static void test_fetch__sends_its_headers_and_host_and_no_other(void **state)
{
    struct fetch_world *w = *state;
    ask(w, "GET", "/see?a", STR_EMPTY);
    assert_str(w->fetch.response_body, STR("GET /see?a 127.0.0.1 2 [value]"));
    ask(w, "DELETE", "/see", STR_EMPTY);
    assert_str(w->fetch.response_body, STR("DELETE /see? 127.0.0.1 2 [value]"));
}

static void test_fetch__sends_bodies_with_any_method(void **state)
{
    struct fetch_world *w = *state;
    static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE", "GET"};
    for (size_t i = 0; i < 5; i++) {
        ask(w, methods[i], "/echo", STR("body"));
        assert_int_equal(w->fetch.rc, OK);
        assert_str(w->fetch.response_body, STR("body"));
    }
}

static void test_fetch__takes_answers_without_body(void **state)
{
    struct fetch_world *w = *state;
    ask(w, "HEAD", "/none", STR_EMPTY);
    assert_int_equal(w->fetch.status, 200);
    assert_int_equal(w->fetch.response_body.len, 0);
    ask(w, "GET", "/204", STR_EMPTY);
    assert_int_equal(w->fetch.status, 204);
}

static void test_fetch__refuses_longer_answers_than_asked_for(void **state)
{
    struct fetch_world *w = *state;
    ask(w, "GET", "/big?1000001", STR_EMPTY);
    assert_int_equal(w->fetch.rc, ERR_REQUEST_ENTITY_TOO_LARGE);
    ask(w, "GET", "/big?1000000", STR_EMPTY);
    assert_int_equal(w->fetch.rc, OK);
    assert_int_equal(w->fetch.response_body.len, 1000000);
}

static void test_fetch__tells_of_a_server_that_is_not_there(void **state)
{
    struct fetch_world *w = *state;
    begin(w, "GET", "/", STR_EMPTY);
    w->fetch.url = STR("http://127.0.0.1:1/");
    loop_post(w->loop, &w->task);
    sem_wait(&w->done);
    assert_int_equal(w->fetch.rc, ERR_SERVICE_UNAVAILABLE);
    assert_false(w->fetch.is_timeout);
}

static void test_fetch__speaks_http_only(void **state)
{
    struct fetch_world *w = *state;
    begin(w, "GET", "/", STR_EMPTY);
    w->fetch.url = STR("file:///etc/hostname");
    loop_post(w->loop, &w->task);
    sem_wait(&w->done);
    assert_int_equal(w->fetch.rc, ERR_SERVICE_UNAVAILABLE);
}

static void test_fetch__ends_when_its_time_is_up(void **state)
{
    struct fetch_world *w = *state;
    begin(w, "GET", "/later", STR_EMPTY);
    w->fetch.timeout_ms = 50;
    loop_post(w->loop, &w->task);
    sem_wait(&w->done);
    assert_int_equal(w->fetch.rc, ERR_SERVICE_UNAVAILABLE);
    assert_true(w->fetch.is_timeout);
    server_wait_kept(w->server);
    server_answer(w->server, 0, STR("late"));
}

static void test_fetch__ends_with_its_loop(void **state)
{
    struct fetch_world *w = *state;
    begin(w, "GET", "/later", STR_EMPTY);
    loop_post(w->loop, &w->task);
    server_wait_kept(w->server);
    loop_stop(w->loop);
    sem_wait(&w->done);
    assert_int_equal(w->fetch.rc, ERR_SERVICE_UNAVAILABLE);
    server_answer(w->server, 0, STR("late"));
}

static void test_fetch__uses_a_connection_again(void **state)
{
    struct fetch_world *w = *state;
    for (int i = 0; i < 100; i++) {
        ask(w, "POST", "/echo", STR("body"));
        assert_str(w->fetch.response_body, STR("body"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_fetch__gets_status_headers_and_body, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fetch__sends_its_headers_and_host_and_no_other, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_fetch__sends_bodies_with_any_method, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fetch__takes_answers_without_body, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fetch__refuses_longer_answers_than_asked_for, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_fetch__tells_of_a_server_that_is_not_there, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_fetch__speaks_http_only, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fetch__ends_when_its_time_is_up, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fetch__ends_with_its_loop, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fetch__uses_a_connection_again, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
