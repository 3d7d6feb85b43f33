/* Health: 200 while all parts are well, 503 with each ailing part's reason otherwise. */
#include "core/health.h"

#include <stdlib.h>
#include <string.h>

#include "../check.h"

struct fixture {
    struct health health;
    struct arena arena;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    arena_release(&f->arena);
    free(f);
    return 0;
}

static void check_answer(struct fixture *f, int status, const char *body)
{
    struct str got;
    assert_int_equal(health_answer(&f->health, &f->arena, &got), status);
    assert_str(got, str_from(body));
}

static void test_health__is_ok_at_first(void **state)
{
    check_answer(*state, 200, "{\"status\":\"ok\"}");
}

static void test_health__names_each_part_that_ails(void **state)
{
    struct fixture *f = *state;
    health_report(&f->health, HEALTH_STORE, "the disk is \"full\"");
    check_answer(
        f, 503,
        "{\"status\":\"unavailable\",\"reasons\":{\"store\":\"the disk is \\\"full\\\"\"}}");
    health_report(&f->health, HEALTH_LAUNCHER, "ended");
    check_answer(f, 503,
                 "{\"status\":\"unavailable\",\"reasons\":{\"store\":\"the disk is "
                 "\\\"full\\\"\",\"launcher\":\"ended\"}}");
}

static void test_health__returns_when_the_last_part_is_well(void **state)
{
    struct fixture *f = *state;
    health_report(&f->health, HEALTH_STORE, "first");
    health_report(&f->health, HEALTH_STORE, "second");
    health_report(&f->health, HEALTH_LAUNCHER, "ended");
    health_report(&f->health, HEALTH_STORE, NULL);
    check_answer(f, 503, "{\"status\":\"unavailable\",\"reasons\":{\"launcher\":\"ended\"}}");
    health_report(&f->health, HEALTH_LAUNCHER, NULL);
    health_report(&f->health, HEALTH_LAUNCHER, NULL);
    check_answer(f, 200, "{\"status\":\"ok\"}");
}

static void test_health__cuts_long_reasons(void **state)
{
    struct fixture *f = *state;
    char reason[HEALTH_REASON_BYTES * 2];
    struct str body;
    memset(reason, 'x', sizeof(reason) - 1);
    reason[sizeof(reason) - 1] = '\0';
    health_report(&f->health, HEALTH_STORE, reason);
    assert_int_equal(health_answer(&f->health, &f->arena, &body), 503);
    assert_true(body.len < HEALTH_REASON_BYTES + 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_health__is_ok_at_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_health__names_each_part_that_ails, setup, teardown),
        cmocka_unit_test_setup_teardown(test_health__returns_when_the_last_part_is_well, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_health__cuts_long_reasons, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
