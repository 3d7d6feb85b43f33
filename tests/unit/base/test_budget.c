/* Budgets: shares, ranks, leases. */
#include "base/budget.h"

#include "../check.h"

enum { MB = 1024 * 1024 };

static void test_budget__strangers_leave_room_for_those_who_are_known(void **state)
{
    (void)state;
    static const struct {
        enum budget_rank rank;
        size_t most;
    } rows[] = {{BUDGET_LARGE_OF_STRANGERS, 32 * MB},
                {BUDGET_LARGE, 48 * MB},
                {BUDGET_SMALL_OF_STRANGERS, 56 * MB},
                {BUDGET_SMALL, 64 * MB}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct budget budget;
        struct budget_share share = {.budget = &budget};
        budget_init(&budget, 64 * MB);
        size_t got = 0;
        while (budget_claim(&share, 4096, rows[i].rank))
            got += 4096;
        assert_int_equal(got, rows[i].most);
        assert_int_equal(budget_most(&share, rows[i].rank), rows[i].most);
        budget_give(&share, got);
        assert_int_equal(share.used, 0);
    }
}

static void test_budget__a_share_below_is_bounded_by_its_own_limit(void **state)
{
    (void)state;
    struct budget budget;
    struct budget_share loop = {.budget = &budget};
    struct budget_share sandbox = {.limit = 64, .parent = &loop};
    struct budget_share other = {.limit = 64, .parent = &loop};
    budget_init(&budget, MB);
    for (int i = 0; i < 64; i++)
        assert_true(budget_claim(&sandbox, 1, BUDGET_SMALL));
    assert_false(budget_claim(&sandbox, 1, BUDGET_SMALL));
    assert_true(budget_claim(&other, 1, BUDGET_SMALL));
    assert_int_equal(loop.used, 65);
}

static void test_budget__shares_of_two_threads_are_bounded_together(void **state)
{
    (void)state;
    struct budget budget;
    struct budget_share one = {.budget = &budget}, two = {.budget = &budget};
    budget_init(&budget, MB);
    assert_true(budget_claim(&one, MB - 100, BUDGET_SMALL));
    assert_false(budget_claim(&two, 101, BUDGET_SMALL));
    assert_true(budget_claim(&two, 100, BUDGET_SMALL));
    budget_give(&one, MB - 100);
    assert_true(budget_claim(&two, MB / 2, BUDGET_SMALL));
}

static void test_budget__what_is_forced_keeps_others_out(void **state)
{
    (void)state;
    struct budget budget;
    struct budget_share share = {.budget = &budget};
    budget_init(&budget, MB);
    budget_force(&share, 2 * MB);
    assert_false(budget_claim(&share, 1, BUDGET_SMALL));
    budget_give(&share, 2 * MB);
    assert_true(budget_claim(&share, 1, BUDGET_SMALL));
}

static void test_budget__tells_once_that_it_has_fallen(void **state)
{
    (void)state;
    struct budget budget;
    struct budget_share share = {.budget = &budget};
    budget_init(&budget, 64 * MB);
    assert_false(budget_has_fallen(&budget));
    assert_true(budget_claim(&share, 20 * MB, BUDGET_SMALL));
    assert_false(budget_has_fallen(&budget));
    budget_give(&share, 20 * MB);
    assert_true(budget_has_fallen(&budget));
    assert_false(budget_has_fallen(&budget));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_budget__strangers_leave_room_for_those_who_are_known),
        cmocka_unit_test(test_budget__a_share_below_is_bounded_by_its_own_limit),
        cmocka_unit_test(test_budget__shares_of_two_threads_are_bounded_together),
        cmocka_unit_test(test_budget__what_is_forced_keeps_others_out),
        cmocka_unit_test(test_budget__tells_once_that_it_has_fallen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
