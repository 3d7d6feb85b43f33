#include "server.h"

#include <stdio.h>
#include <unistd.h>

enum { HEADER_LIMIT = 2048, BODY_LIMIT = 100, FILLER = 3000 };

/* What the server refuses by itself, and as what. '#' stands for FILLER bytes of 'a', '~' for as
 * many blanks. */
static const struct refusal {
    int status;
    const char *request;
} refusals[] = {
    {400, "\x16\x03\x01 hello over TLS\r\n\r\n"},
    {400, "GET\r\n\r\n"},
    {400, "get / HTTP/1.1\r\nHost: a\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a\r\nBad Name: b\r\n\r\n"},
    {400, "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n folded\r\n\r\n"},
    {400, "GET / HTTP/1.1\nHost: a\n\n"},
    {400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n"},
    {400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1x\r\n\r\n"},
    {400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n"},
    {400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"},
    {400, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"},
    {400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
    {400, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"},
    {413, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n"},
    {413, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nbb8\r\n#"},
    {417, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: magic\r\n\r\n"},
    {431, "GET / HTTP/1.1\r\nHost: a\r\nX: #"},
    {431, "GET / HTTP/1.1\r\nHost: a\r\nX:~"},
    {431, "GET / HTTP/1.1\r\nHost: a\r\n#"},
    {431, "GET /#"},
    {431, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;#"},
    {431, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: #"},
    {501, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n"},
    {501, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"},
    {501, "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"},
    {505, "GET / HTTP/3.0\r\nHost: a\r\n\r\n"},
    {505, "GET /\r\n\r\n"},
    {505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
};

static struct str expand(struct arena *arena, const char *pattern)
{
    struct buf text;
    buf_init_arena(&text, arena, SIZE_MAX / 2);
    for (; *pattern; pattern++) {
        bool is_filler = *pattern == '#' || *pattern == '~';
        for (int i = 0; i < (is_filler ? FILLER : 1); i++)
            buf_add_byte(&text, *pattern == '#' ? 'a' : *pattern == '~' ? ' ' : *pattern);
    }
    return buf_str(&text);
}

static int setup(void **state)
{
    return world_setup(state, (struct http_listener_options){.max_header_bytes = HEADER_LIMIT,
                                                             .max_body_bytes = BODY_LIMIT});
}

/* After the refusal the connection must be at its end, whatever the client still sends. */
static void check_all(struct world *w, void (*sender)(int fd, struct str bytes))
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        int fd = dial(w->server);
        sender(fd, expand(&w->arena, refusals[i].request));
        struct str answer = receive_all(fd, &w->arena);
        char expected[32];
        snprintf(expected, sizeof(expected), "HTTP/1.1 %d ", refusals[i].status);
        if (!str_starts(answer, str_from(expected)) ||
            str_find(answer, STR("Connection: close\r\n")) < 0)
            fail_msg("%s: got \"%.*s\"", refusals[i].request, STR_ARG(answer));
        close(fd);
        arena_reset(&w->arena);
    }
}

static void test_server__refuses_what_it_must(void **state)
{
    check_all(*state, send_bytes);
}

static void test_server__refuses_the_same_one_byte_at_a_time(void **state)
{
    check_all(*state, drip);
}

static void test_server__refuses_too_many_headers(void **state)
{
    struct world *w = *state;
    struct buf request;
    buf_init_arena(&request, &w->arena, SIZE_MAX / 2);
    buf_add(&request, STR("GET / HTTP/1.1\r\nHost: a\r\n"));
    for (int i = 0; i < 200; i++)
        buf_add(&request, STR("a:b\r\n"));
    buf_add(&request, STR("\r\n"));
    send_bytes(w->fd, buf_str(&request));
    assert_str(body_of(receive_answer(w->fd, &w->arena)), STR("refused 431"));
}

static void test_server__lets_the_client_read_a_refusal_while_it_sends(void **state)
{
    struct world *w = *state;
    send_bytes(w->fd, STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n"));
    for (int i = 0; i < 1000; i++)
        send_bytes(w->fd, expand(&w->arena, "#"));
    assert_str(body_of(receive_answer(w->fd, &w->arena)), STR("refused 413"));
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, world_teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_server__refuses_what_it_must),
        CASE(test_server__refuses_the_same_one_byte_at_a_time),
        CASE(test_server__refuses_too_many_headers),
        CASE(test_server__lets_the_client_read_a_refusal_while_it_sends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
