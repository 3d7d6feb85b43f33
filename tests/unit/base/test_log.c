/* The log: kinds of lines that others can cause as often as they like. */
#include "base/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "../check.h"
#include "base/clock.h"

enum { FIRST_MS = 1000 * 1000 };

/* What 1,000 calls at one time and one more than a second later write. */
static struct str write_lines(char *text, size_t size)
{
    struct log_limit limit = {0};
    int pipes[2], old = dup(STDERR_FILENO);
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    dup2(pipes[1], STDERR_FILENO);
    clock_fake_ms(FIRST_MS);
    for (int i = 0; i < 1000; i++)
        log_line_limited(&limit, LOG_WARN, "test", "refused %d", i);
    clock_fake_ms(FIRST_MS + 1001);
    log_line_limited(&limit, LOG_WARN, "test", "refused");
    clock_fake_ms(0);
    dup2(old, STDERR_FILENO);
    close(old);
    close(pipes[1]);
    ssize_t got = read(pipes[0], text, size);
    close(pipes[0]);
    assert_true(got > 0);
    return str_make(text, (size_t)got);
}

static void test_log__writes_a_limited_line_once_a_second_with_a_count(void **state)
{
    (void)state;
    char text[4096];
    struct str rest = write_lines(text, sizeof(text)), first, second;
    assert_true(str_cut(&rest, '\n', &first));
    assert_true(str_cut(&rest, '\n', &second));
    assert_int_equal(rest.len, 0);
    assert_true(str_ends(first, STR(" warn test: refused 0")));
    assert_true(str_ends(second, STR(" warn test: refused (and 999 times before)")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log__writes_a_limited_line_once_a_second_with_a_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
