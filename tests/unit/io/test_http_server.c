#include "server.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int setup(void **state)
{
    return world_setup(state, (struct http_listener_options){.max_body_bytes = 32 * 1024 * 1024});
}

/* --- Requests --- */

static void test_server__answers_on_a_kept_connection(void **state)
{
    struct world *w = *state;
    assert_str(body_of(exchange_bytes(w->fd, GET("/"), &w->arena)), STR("hello"));
    assert_str(body_of(exchange_bytes(w->fd, GET("/"), &w->arena)), STR("hello"));
}

static void test_server__takes_a_request_one_byte_at_a_time(void **state)
{
    struct world *w = *state;
    drip(w->fd, STR("POST /echo?a=b HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"));
    assert_str(body_of(receive_answer(w->fd, &w->arena)), STR("body"));
}

static void test_server__takes_chunks_one_byte_at_a_time(void **state)
{
    struct world *w = *state;
    drip(w->fd, STR("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "3\r\nabc\r\n1;x=y\r\nd\r\n0\r\nX-Test: t\r\n\r\n"));
    assert_str(body_of(receive_answer(w->fd, &w->arena)), STR("abcd"));
}

static void test_server__splits_the_target_and_trims_values(void **state)
{
    struct world *w = *state;
    struct str answer = exchange_bytes(
        w->fd, STR("PUT /see?a=b?c HTTP/1.1\r\nHost: a\r\nx-test:  v w \t\r\n\r\n"), &w->arena);
    assert_str(body_of(answer), STR("PUT /see?a=b?c 127.0.0.1 2 [v w]"));
}

static void test_server__takes_a_target_in_absolute_form(void **state)
{
    struct world *w = *state;
    struct str answer = exchange_bytes(w->fd, GET("http://b.example:80/see?q"), &w->arena);
    assert_str(body_of(answer), STR("GET /see?q 127.0.0.1 1 []"));
}

static void test_server__does_not_take_trailers_for_headers(void **state)
{
    struct world *w = *state;
    struct str answer =
        exchange_bytes(w->fd,
                       STR("POST /see HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                           "1\r\na\r\n0\r\nX-Test: trailer\r\n\r\n"),
                       &w->arena);
    assert_str(body_of(answer), STR("POST /see? 127.0.0.1 2 []"));
}

static void test_server__skips_line_breaks_between_requests(void **state)
{
    struct world *w = *state;
    exchange_bytes(w->fd, GET("/"), &w->arena);
    struct str answer =
        exchange_bytes(w->fd, STR("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), &w->arena);
    assert_str(body_of(answer), STR("hello"));
}

static void test_server__takes_20_megabytes(void **state)
{
    struct world *w = *state;
    size_t size = 20 * 1024 * 1024;
    char *bytes = malloc(size);
    assert_non_null(bytes);
    memset(bytes, 'x', size);
    send_bytes(w->fd, STR("POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: 20971520\r\n\r\n"));
    send_bytes(w->fd, str_make(bytes, size));
    free(bytes);
    assert_str(body_of(receive_answer(w->fd, &w->arena)), STR("20971520"));
}

static void test_server__takes_20_megabytes_in_chunks(void **state)
{
    struct world *w = *state;
    size_t chunk = 1024 * 1024;
    char *bytes = malloc(chunk);
    assert_non_null(bytes);
    memset(bytes, 'x', chunk);
    send_bytes(w->fd, STR("POST /size HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"));
    for (int i = 0; i < 20; i++) {
        send_bytes(w->fd, STR("100000\r\n"));
        send_bytes(w->fd, str_make(bytes, chunk));
        send_bytes(w->fd, STR("\r\n"));
    }
    send_bytes(w->fd, STR("0\r\n\r\n"));
    free(bytes);
    assert_str(body_of(receive_answer(w->fd, &w->arena)), STR("20971520"));
}

/* --- Answers --- */

static void test_server__gives_20_megabytes(void **state)
{
    struct world *w = *state;
    struct str answer = exchange_bytes(w->fd, GET("/big?20971520"), &w->arena);
    assert_int_equal(body_of(answer).len, 20971520);
}

static void test_server__goes_on_after_a_big_answer(void **state)
{
    struct world *w = *state;
    send_bytes(w->fd, GET("/big?20971520"));
    send_bytes(w->fd, GET("/"));
    receive_answer(w->fd, &w->arena);
    assert_str(body_of(receive_answer(w->fd, &w->arena)), STR("hello"));
}

static void test_server__answers_head_without_a_body(void **state)
{
    struct world *w = *state;
    send_bytes(w->fd, STR("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    struct str answer = receive_all(w->fd, &w->arena);
    assert_true(str_find(answer, STR("Content-Length: 5\r\n")) > 0);
    assert_str(body_of(answer), STR_EMPTY);
}

static void test_server__gives_204_neither_body_nor_length(void **state)
{
    struct world *w = *state;
    send_bytes(w->fd, GET("/204"));
    send_bytes(w->fd, STR("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    struct str first = receive_answer(w->fd, &w->arena);
    assert_starts(first, STR("HTTP/1.1 204 No Content\r\nDate: "));
    assert_int_equal(str_find(first, STR("Content-Length")), -1);
    assert_starts(receive_all(w->fd, &w->arena), STR("HTTP/1.1 200 OK\r\n"));
}

static void test_server__leaves_out_headers_with_line_breaks(void **state)
{
    struct world *w = *state;
    struct str answer = exchange_bytes(w->fd, GET("/header?a!X-Evil:b"), &w->arena);
    assert_int_equal(str_find(answer, STR("X-")), -1);
}

static void test_server__closes_when_the_client_asks(void **state)
{
    struct world *w = *state;
    send_bytes(w->fd, STR("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    struct str answer = receive_all(w->fd, &w->arena);
    assert_true(str_find(answer, STR("Connection: close\r\n")) > 0);
}

static void test_server__closes_after_http_1_0(void **state)
{
    struct world *w = *state;
    send_bytes(w->fd, STR("GET / HTTP/1.0\r\n\r\n"));
    assert_str(body_of(receive_all(w->fd, &w->arena)), STR("hello"));
}

static void test_server__keeps_http_1_0_when_asked(void **state)
{
    struct world *w = *state;
    struct str request = STR("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    struct str first = exchange_bytes(w->fd, request, &w->arena);
    assert_true(str_find(first, STR("Connection: keep-alive\r\n")) > 0);
    assert_str(body_of(exchange_bytes(w->fd, request, &w->arena)), STR("hello"));
}

static void test_server__answers_from_another_thread_later(void **state)
{
    struct world *w = *state;
    send_bytes(w->fd, GET("/later"));
    server_wait_kept(w->server);
    server_answer(w->server, 0, STR("at last"));
    assert_str(body_of(receive_answer(w->fd, &w->arena)), STR("at last"));
}

/* --- Pipelining --- */

static void test_server__answers_pipelined_requests_in_order(void **state)
{
    struct world *w = *state;
    send_bytes(w->fd, STR("GET /later HTTP/1.1\r\nHost: a\r\n\r\n"
                          "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
                          "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nend"));
    server_wait_kept(w->server);
    server_answer(w->server, 0, STR("first"));
    assert_str(body_of(receive_answer(w->fd, &w->arena)), STR("first"));
    assert_str(body_of(receive_answer(w->fd, &w->arena)), STR("hello"));
    assert_str(body_of(receive_answer(w->fd, &w->arena)), STR("end"));
}

static void test_server__answers_thousands_of_pipelined_requests(void **state)
{
    struct world *w = *state;
    struct buf all;
    enum { COUNT = 5000 };
    buf_init_arena(&all, &w->arena, SIZE_MAX / 2);
    for (int i = 0; i < COUNT; i++)
        buf_add(&all, GET("/"));
    send_bytes(w->fd, buf_str(&all));
    for (int i = 0; i < COUNT; i++)
        assert_str(body_of(receive_answer(w->fd, &w->arena)), STR("hello"));
}

static void test_server__answers_what_a_half_closed_client_sent(void **state)
{
    struct world *w = *state;
    send_bytes(w->fd,
               STR("GET /later HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    shutdown(w->fd, SHUT_WR);
    server_wait_kept(w->server);
    server_answer(w->server, 0, STR("first"));
    assert_str(body_of(receive_answer(w->fd, &w->arena)), STR("first"));
    assert_str(body_of(receive_all(w->fd, &w->arena)), STR("hello"));
}

/* --- 100-continue --- */

#define EXPECTING "POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"

static void test_server__asks_for_the_body(void **state)
{
    struct world *w = *state;
    struct str first = exchange_bytes(w->fd, STR(EXPECTING "Content-Length: 4\r\n\r\n"), &w->arena);
    assert_str(first, STR("HTTP/1.1 100 Continue\r\n\r\n"));
    assert_str(body_of(exchange_bytes(w->fd, STR("body"), &w->arena)), STR("body"));
}

static void test_server__does_not_ask_for_a_body_that_is_there(void **state)
{
    struct world *w = *state;
    struct str first =
        exchange_bytes(w->fd, STR(EXPECTING "Content-Length: 4\r\n\r\nbody"), &w->arena);
    assert_starts(first, STR("HTTP/1.1 200 OK\r\n"));
}

static void test_server__refuses_a_body_instead_of_asking_for_it(void **state)
{
    struct world *w = *state;
    send_bytes(w->fd, STR(EXPECTING "Content-Length: 400000000\r\n\r\n"));
    assert_starts(receive_answer(w->fd, &w->arena), STR("HTTP/1.1 413 "));
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, world_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_server__answers_on_a_kept_connection),
        CASE(test_server__takes_a_request_one_byte_at_a_time),
        CASE(test_server__takes_chunks_one_byte_at_a_time),
        CASE(test_server__splits_the_target_and_trims_values),
        CASE(test_server__takes_a_target_in_absolute_form),
        CASE(test_server__does_not_take_trailers_for_headers),
        CASE(test_server__skips_line_breaks_between_requests),
        CASE(test_server__takes_20_megabytes),
        CASE(test_server__takes_20_megabytes_in_chunks),
        CASE(test_server__gives_20_megabytes),
        CASE(test_server__goes_on_after_a_big_answer),
        CASE(test_server__answers_head_without_a_body),
        CASE(test_server__gives_204_neither_body_nor_length),
        CASE(test_server__leaves_out_headers_with_line_breaks),
        CASE(test_server__closes_when_the_client_asks),
        CASE(test_server__closes_after_http_1_0),
        CASE(test_server__keeps_http_1_0_when_asked),
        CASE(test_server__answers_from_another_thread_later),
        CASE(test_server__answers_pipelined_requests_in_order),
        CASE(test_server__answers_thousands_of_pipelined_requests),
        CASE(test_server__answers_what_a_half_closed_client_sent),
        CASE(test_server__asks_for_the_body),
        CASE(test_server__does_not_ask_for_a_body_that_is_there),
        CASE(test_server__refuses_a_body_instead_of_asking_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
