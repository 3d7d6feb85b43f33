/* The standard retry mode's rules. */
#include "retry.h"

#include "../check.h"

static void test_retry__is_for_throttling_and_server_failures(void **state)
{
    (void)state;
    assert_true(retry_is_worthwhile(500, STR("InternalServerError")));
    assert_true(retry_is_worthwhile(503, STR_EMPTY));
    assert_true(retry_is_worthwhile(400, STR("ProvisionedThroughputExceededException")));
    assert_true(retry_is_worthwhile(400, STR("ThrottlingException")));
    assert_false(retry_is_worthwhile(400, STR("ConditionalCheckFailedException")));
    assert_false(retry_is_worthwhile(403, STR("AccessDeniedException")));
    assert_false(retry_is_worthwhile(501, STR_EMPTY));
}

static void test_retry__waits_twice_as_long_each_time(void **state)
{
    (void)state;
    assert_int_equal(retry_delay_ms(2, UINT32_MAX), RETRY_BASE_MS - 1);
    assert_int_equal(retry_delay_ms(3, UINT32_MAX), 2 * RETRY_BASE_MS - 1);
    assert_int_equal(retry_delay_ms(4, UINT32_MAX), 4 * RETRY_BASE_MS - 1);
}

static void test_retry__waits_up_to_a_limit(void **state)
{
    (void)state;
    assert_int_equal(retry_delay_ms(20, UINT32_MAX), RETRY_MAX_MS - 1);
    assert_int_equal(retry_delay_ms(100, UINT32_MAX), RETRY_MAX_MS - 1);
}

static void test_retry__spreads_the_wait(void **state)
{
    (void)state;
    assert_int_equal(retry_delay_ms(2, 0), 0);
    assert_int_equal(retry_delay_ms(2, UINT32_MAX / 2 + 1), RETRY_BASE_MS / 2);
}

static void test_retry__stops_when_the_budget_is_spent(void **state)
{
    (void)state;
    struct retry_budget budget;
    int taken = 0;
    retry_budget_init(&budget);
    while (retry_take(&budget, RETRY_COST))
        taken++;
    assert_int_equal(taken, RETRY_BUDGET / RETRY_COST);
}

static void test_retry__earns_the_budget_back(void **state)
{
    (void)state;
    struct retry_budget budget = {.left = 0};
    retry_give_back(&budget, 0);
    assert_int_equal(budget.left, 1);
    retry_give_back(&budget, RETRY_TIMEOUT_COST);
    assert_int_equal(budget.left, 11);
    budget.left = RETRY_BUDGET;
    retry_give_back(&budget, RETRY_COST);
    assert_int_equal(budget.left, RETRY_BUDGET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retry__is_for_throttling_and_server_failures),
        cmocka_unit_test(test_retry__waits_twice_as_long_each_time),
        cmocka_unit_test(test_retry__waits_up_to_a_limit),
        cmocka_unit_test(test_retry__spreads_the_wait),
        cmocka_unit_test(test_retry__stops_when_the_budget_is_spent),
        cmocka_unit_test(test_retry__earns_the_budget_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
