#include "server.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static int setup(void **state)
{
    return world_setup(state, (struct http_listener_options){0});
}

static int setup_short(void **state)
{
    return world_setup(
        state, (struct http_listener_options){.request_timeout_ms = 40, .idle_timeout_ms = 40});
}

/* Idle connections last; requests and answers do not. */
static int setup_short_request(void **state)
{
    return world_setup(state, (struct http_listener_options){.request_timeout_ms = 40});
}

/* --- Time --- */

static void test_server__closes_an_idle_connection(void **state)
{
    struct world *w = *state;
    exchange_bytes(w->fd, GET("/"), &w->arena);
    assert_true(is_at_end(w->fd));
}

static void test_server__closes_a_connection_that_never_asked(void **state)
{
    struct world *w = *state;
    assert_true(is_at_end(w->fd));
}

static void test_server__gives_up_on_a_head_that_does_not_end(void **state)
{
    struct world *w = *state;
    send_bytes(w->fd, STR("GET / HTTP/1.1\r\nHo"));
    assert_starts(receive_all(w->fd, &w->arena), STR("HTTP/1.1 408 Request Timeout\r\n"));
}

static void test_server__gives_up_on_a_body_that_does_not_end(void **state)
{
    struct world *w = *state;
    send_bytes(w->fd, STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nbod"));
    assert_starts(receive_all(w->fd, &w->arena), STR("HTTP/1.1 408 "));
}

static void test_server__gives_up_on_a_client_that_does_not_read(void **state)
{
    struct world *w = *state;
    send_bytes(w->fd, GET("/big?50000000"));
    server_close_listener(w->server);
    server_wait_closed(w->server); /* though not one byte was read */
}

static void test_server__does_not_hurry_a_handler(void **state)
{
    struct world *w = *state;
    send_bytes(w->fd, GET("/later"));
    server_wait_kept(w->server);
    int other = dial(w->server);
    assert_true(is_at_end(other)); /* by now the idle time has passed */
    close(other);
    server_answer(w->server, 0, STR("at last"));
    assert_str(body_of(receive_answer(w->fd, &w->arena)), STR("at last"));
}

/* --- Ending --- */

static void test_listener__closes_idle_connections(void **state)
{
    struct world *w = *state;
    exchange_bytes(w->fd, GET("/"), &w->arena);
    server_close_listener(w->server);
    assert_true(is_at_end(w->fd));
    server_wait_closed(w->server);
}

static void test_listener__finishes_the_answer_under_way(void **state)
{
    struct world *w = *state;
    send_bytes(w->fd, GET("/later"));
    server_wait_kept(w->server);
    server_close_listener(w->server);
    server_answer(w->server, 0, STR("last words"));
    struct str answer = receive_all(w->fd, &w->arena);
    assert_true(str_find(answer, STR("Connection: close\r\n")) > 0);
    assert_str(body_of(answer), STR("last words"));
    server_wait_closed(w->server);
}

static void test_listener__finishes_the_request_under_way(void **state)
{
    struct world *w = *state;
    exchange_bytes(w->fd, STR("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /"), &w->arena);
    server_close_listener(w->server);
    send_bytes(w->fd, STR(" HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_str(body_of(receive_all(w->fd, &w->arena)), STR("hello"));
    server_wait_closed(w->server);
}

static void test_listener__drops_pipelined_requests_when_it_closes(void **state)
{
    struct world *w = *state;
    send_bytes(w->fd, STR("GET /later HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n"));
    server_wait_kept(w->server);
    server_close_listener(w->server);
    server_answer(w->server, 0, STR("last words"));
    assert_str(body_of(receive_all(w->fd, &w->arena)), STR("last words"));
}

static void look(struct server *server)
{
    server->is_first_aborted = server->kept[0]->is_aborted;
}

static bool is_first_aborted(struct server *server)
{
    server_do(server, look);
    return server->is_first_aborted;
}

static void abort_listener(struct server *server)
{
    http_listener_abort(server->listener);
}

static void test_listener__aborts_what_is_pending(void **state)
{
    struct world *w = *state;
    send_bytes(w->fd, GET("/later"));
    server_wait_kept(w->server);
    server_do(w->server, abort_listener);
    assert_true(is_at_end(w->fd));
    assert_true(is_first_aborted(w->server));
    server_answer(w->server, 0, STR("to nobody"));
}

static void test_listener__goes_on_after_an_abort(void **state)
{
    struct world *w = *state;
    server_do(w->server, abort_listener);
    int fd = dial(w->server);
    assert_str(body_of(exchange_bytes(fd, GET("/"), &w->arena)), STR("hello"));
    close(fd);
}

static void test_listener__may_be_aborted_while_it_closes(void **state)
{
    struct world *w = *state;
    send_bytes(w->fd, GET("/later"));
    server_wait_kept(w->server);
    server_close_listener(w->server);
    server_do(w->server, abort_listener);
    server_answer(w->server, 0, STR("to nobody"));
    server_wait_closed(w->server);
}

/* --- Clients that go away --- */

static void reset(int fd)
{
    struct linger now = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(fd);
}

static void test_exchange__is_aborted_when_the_client_resets(void **state)
{
    struct world *w = *state;
    int fd = dial(w->server);
    send_bytes(fd, GET("/later"));
    server_wait_kept(w->server);
    reset(fd);
    while (!is_first_aborted(w->server))
        ;
    server_answer(w->server, 0, STR("to nobody"));
}

static void test_exchange__may_be_answered_when_the_client_is_gone(void **state)
{
    struct world *w = *state;
    int fd = dial(w->server);
    send_bytes(fd, GET("/later"));
    server_wait_kept(w->server);
    close(fd);
    server_answer(w->server, 0, STR("to nobody"));
    assert_str(body_of(exchange_bytes(w->fd, GET("/"), &w->arena)), STR("hello"));
}

/* --- Descriptors --- */

static void test_listener__accepts_again_when_there_are_descriptors(void **state)
{
    struct world *w = *state;
    struct rlimit before, none;
    exchange_bytes(w->fd, GET("/later-not"), &w->arena);
    int fd = dial(w->server), next = dup(fd);
    close(next);
    /* `fd` may be accepted already; the second one finds no descriptor. */
    int second = dial(w->server);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){(rlim_t)next, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    send_bytes(second, GET("/"));
    exchange_bytes(w->fd, GET("/"), &w->arena);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_str(body_of(receive_answer(second, &w->arena)), STR("hello"));
    close(second);
    close(fd);
}

int main(void)
{
#define CASE(fn, setup) cmocka_unit_test_setup_teardown(fn, setup, world_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_server__closes_an_idle_connection, setup_short),
        CASE(test_server__closes_a_connection_that_never_asked, setup_short),
        CASE(test_server__gives_up_on_a_head_that_does_not_end, setup_short),
        CASE(test_server__gives_up_on_a_body_that_does_not_end, setup_short),
        CASE(test_server__gives_up_on_a_client_that_does_not_read, setup_short_request),
        CASE(test_server__does_not_hurry_a_handler, setup_short),
        CASE(test_listener__closes_idle_connections, setup),
        CASE(test_listener__finishes_the_answer_under_way, setup),
        CASE(test_listener__finishes_the_request_under_way, setup),
        CASE(test_listener__drops_pipelined_requests_when_it_closes, setup),
        CASE(test_listener__aborts_what_is_pending, setup),
        CASE(test_listener__goes_on_after_an_abort, setup),
        CASE(test_listener__may_be_aborted_while_it_closes, setup),
        CASE(test_exchange__is_aborted_when_the_client_resets, setup),
        CASE(test_exchange__may_be_answered_when_the_client_is_gone, setup),
        CASE(test_listener__accepts_again_when_there_are_descriptors, setup_short_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
