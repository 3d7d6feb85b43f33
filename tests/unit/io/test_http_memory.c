/* What connections may hold: memory, places, files. */
#include "server.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MB = 1024 * 1024, BUDGET = 16 * MB };

/* A world whose server has a budget. */
struct bounded {
    struct world world; /* first */
    struct budget memory, disk;
    struct budget_share memory_share, disk_share, places;
    struct http_spill spill;
    bool is_known;
    size_t memory_used, disk_used; /* as of the last look */
};

static struct bounded *the_world; /* for the server's callback */

static bool is_known(const struct http_exchange *exchange, void *arg)
{
    (void)exchange;
    (void)arg;
    return the_world->is_known;
}

static int setup(void **state)
{
    struct bounded *b = calloc(1, sizeof(*b));
    assert_non_null(b);
    the_world = b;
    budget_init(&b->memory, BUDGET);
    budget_init(&b->disk, 4 * BUDGET);
    b->memory_share.budget = &b->memory;
    b->disk_share.budget = &b->disk;
    b->places.limit = 8;
    b->spill = (struct http_spill){open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC), &b->disk_share};
    b->world.server = server_start((struct http_listener_options){
        .is_known = is_known,
        .memory = &b->memory_share,
        .places = &b->places,
        .spill = &b->spill,
        .probe_path = STR("/echo"),
    });
    b->world.fd = dial(b->world.server);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bounded *b = *state;
    close(b->world.fd);
    server_stop(b->world.server);
    assert_int_equal(b->memory_share.used, 0);
    assert_int_equal(b->disk_share.used, 0);
    assert_int_equal(b->places.used, 0);
    close(b->spill.dir_fd);
    arena_release(&b->world.arena);
    free(b);
    return 0;
}

static void look(struct server *server)
{
    (void)server;
    the_world->memory_used = the_world->memory_share.used;
    the_world->disk_used = the_world->disk_share.used;
}

/* What is in use, once the server has read what was sent before: it answers another request. */
static void look_at_use(struct bounded *b)
{
    int fd = dial(b->world.server);
    exchange_bytes(fd, GET("/"), &b->world.arena);
    close(fd);
    server_do(b->world.server, look);
}

static struct str filler(struct bounded *b, size_t size)
{
    char *bytes = arena_alloc(&b->world.arena, size);
    memset(bytes, 'x', size);
    return str_make(bytes, size);
}

/* A request with a body of `size` bytes, of which `sent` are sent. */
static void post(struct bounded *b, int fd, const char *path, size_t size, size_t sent)
{
    send_bytes(fd, arena_printf(&b->world.arena,
                                "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", path,
                                size));
    send_bytes(fd, filler(b, sent));
}

static void test_memory__a_body_for_which_there_is_none_is_refused(void **state)
{
    struct bounded *b = *state;
    send_bytes(b->world.fd,
               STR("POST /size HTTP/1.1\r\nHost: a\r\nContent-Length: 12000000\r\n\r\n"));
    struct str part = filler(b, MB);
    for (int i = 0; i < 12 && send(b->world.fd, part.ptr, part.len, MSG_NOSIGNAL) > 0; i++)
        ;
    assert_starts(receive_answer(b->world.fd, &b->world.arena), STR("HTTP/1.1 503 "));
}

static void test_memory__a_small_body_of_one_who_is_known_gets_what_strangers_may_not(void **state)
{
    struct bounded *b = *state;
    struct budget_share others = {.budget = &b->memory};
    budget_force(&others, BUDGET / 8 * 7);
    post(b, b->world.fd, "/size", 4000, 4000);
    assert_starts(receive_answer(b->world.fd, &b->world.arena), STR("HTTP/1.1 503 "));

    b->is_known = true;
    int fd = dial(b->world.server);
    post(b, fd, "/size", 4000, 4000);
    assert_str(body_of(receive_answer(fd, &b->world.arena)), STR("4000"));
    close(fd);
    budget_give(&others, BUDGET / 8 * 7);
}

static void test_memory__a_large_body_of_one_who_is_known_waits_in_a_file(void **state)
{
    struct bounded *b = *state;
    b->is_known = true;
    post(b, b->world.fd, "/size", (size_t)5 * MB, (size_t)5 * MB - 1);
    look_at_use(b);
    assert_true(b->memory_used < 2 * MB);
    send_bytes(b->world.fd, STR("x"));
    assert_str(body_of(receive_answer(b->world.fd, &b->world.arena)), STR("5242880"));
}

static void test_memory__a_whole_large_body_waits_for_its_turn(void **state)
{
    struct bounded *b = *state;
    struct budget_share others = {.budget = &b->memory};
    b->is_known = true;
    budget_force(&others, BUDGET / 8 * 5);
    post(b, b->world.fd, "/size", (size_t)3 * MB, (size_t)3 * MB);
    usleep(50 * 1000); /* it may wait shorter, but gets its answer all the same */
    budget_give(&others, BUDGET / 8 * 5);
    assert_str(body_of(receive_answer(b->world.fd, &b->world.arena)), STR("3145728"));
}

static void test_memory__an_answer_that_is_not_read_goes_to_a_file(void **state)
{
    struct bounded *b = *state;
    struct budget_share others = {.budget = &b->memory};
    budget_force(&others, BUDGET / 8 * 6);
    send_bytes(b->world.fd, GET("/big?20000000"));
    look_at_use(b);
    assert_true(b->memory_used < 2 * MB);
    assert_true(b->disk_used > 10 * MB);
    struct str answer = receive_answer(b->world.fd, &b->world.arena);
    assert_int_equal(body_of(answer).len, 20000000);
    assert_int_equal(body_of(answer).ptr[19999999], 'b');
    budget_give(&others, BUDGET / 8 * 6);
}

static void test_places__the_longest_idle_connection_makes_room(void **state)
{
    struct bounded *b = *state;
    int fds[8];
    exchange_bytes(b->world.fd, GET("/"), &b->world.arena);
    for (int i = 0; i < 8; i++) {
        fds[i] = dial(b->world.server);
        exchange_bytes(fds[i], GET("/"), &b->world.arena);
    }
    assert_true(is_at_end(b->world.fd));
    for (int i = 0; i < 8; i++)
        close(fds[i]);
}

static void test_places__a_guest_is_told_only_that_the_server_lives(void **state)
{
    struct bounded *b = *state;
    int fds[8] = {b->world.fd};
    for (int i = 0; i < 8; i++) {
        fds[i] = i ? dial(b->world.server) : b->world.fd;
        send_bytes(fds[i], GET("/later"));
        server_wait_kept(b->world.server);
    }
    int guest = dial(b->world.server);
    assert_starts(exchange_bytes(guest, GET("/echo"), &b->world.arena), STR("HTTP/1.1 200 "));
    assert_true(is_at_end(guest));
    close(guest);
    guest = dial(b->world.server);
    assert_starts(exchange_bytes(guest, GET("/"), &b->world.arena), STR("HTTP/1.1 503 "));
    close(guest);
    for (size_t i = 0; i < 8; i++) {
        server_answer(b->world.server, i, STR("late"));
        assert_str(body_of(receive_answer(fds[i], &b->world.arena)), STR("late"));
        if (i)
            close(fds[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_memory__a_body_for_which_there_is_none_is_refused),
        TEST(test_memory__a_small_body_of_one_who_is_known_gets_what_strangers_may_not),
        TEST(test_memory__a_large_body_of_one_who_is_known_waits_in_a_file),
        TEST(test_memory__a_whole_large_body_waits_for_its_turn),
        TEST(test_memory__an_answer_that_is_not_read_goes_to_a_file),
        TEST(test_places__the_longest_idle_connection_makes_room),
        TEST(test_places__a_guest_is_told_only_that_the_server_lives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
