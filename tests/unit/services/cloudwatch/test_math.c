/* Metric math. */
#include "services/cloudwatch/math.h"

#include <math.h>

#include "../../check.h"
#include "base/buf.h"

static struct arena arena;
static double first[] = {1, 2, NAN, 4}, second[] = {10, 20, 30, 0};
static const struct math_series known[] = {{STR_INIT("m1"), first}, {STR_INIT("m2"), second}};

static int teardown(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static enum err evaluate(const char *text, double **out, struct error *error)
{
    size_t budget = 1000;
    struct math_input input = {known, 2, 2, 4, 1782907200, 60, &arena, &budget};
    return math_evaluate(str_from(text), &input, out, error);
}

static void assert_values(const char *text, double a, double b, double c, double d)
{
    double expected[] = {a, b, c, d}, *values;
    struct error error;
    if (evaluate(text, &values, &error))
        fail_msg("%s: %s", text, error.message);
    for (int i = 0; i < 4; i++) {
        bool is_same = isnan(expected[i]) ? isnan(values[i]) : fabs(values[i] - expected[i]) < 1e-9;
        if (!is_same)
            fail_msg("%s: value %d is %g, not %g", text, i, values[i], expected[i]);
    }
}

static void assert_refused(const char *text, const char *message)
{
    double *values;
    struct error error;
    assert_int_equal(evaluate(text, &values, &error), ERR_VALIDATION_ERROR);
    if (!strstr(error.message, message))
        fail_msg("%s: %s", text, error.message);
}

static void test_math__has_the_usual_precedence(void **state)
{
    (void)state;
    assert_values("1 + 2 * 3 ^ 2 - -4 / 2", 21, 21, 21, 21);
    assert_values("(m1 + 1) * 2", 4, 6, NAN, 10);
    assert_values("m2 - m1 - 1", 8, 17, NAN, -5);
}

static void test_math__has_no_value_where_it_would_divide_by_zero(void **state)
{
    (void)state;
    assert_values("m1 / m2", 0.1, 0.1, NAN, NAN);
}

static void test_math__aggregates_one_series_to_a_number(void **state)
{
    (void)state;
    assert_values("SUM(m1)", 7, 7, 7, 7);
    assert_values("MAX(m2) - MIN(m2)", 30, 30, 30, 30);
    assert_values("m1 / AVG(m1)", 3.0 / 7, 6.0 / 7, NAN, 12.0 / 7);
}

static void test_math__aggregates_several_to_a_series(void **state)
{
    (void)state;
    assert_values("SUM(METRICS())", 11, 22, 30, 4);
    assert_values("MAX(m1, m2)", 10, 20, 30, 4);
}

static void test_math__fills_and_differs(void **state)
{
    (void)state;
    assert_values("FILL(m1, 0)", 1, 2, 0, 4);
    assert_values("FILL(m1, REPEAT)", 1, 2, 2, 4);
    assert_values("DIFF(m2)", NAN, 10, 10, -30);
    assert_values("RATE(m1)", NAN, 1.0 / 60, NAN, 2.0 / 120);
    assert_values("m2 / PERIOD(m2)", 1.0 / 6, 1.0 / 3, 0.5, 0);
}

static void test_math__takes_arrays(void **state)
{
    (void)state;
    assert_values("SUM([m1, m2])", 11, 22, 30, 4);
    assert_values("MAX([m1,m2])", 10, 20, 30, 4);
    assert_values("AVG([m1, m2])", 5.5, 11, 30, 2);
    assert_values("STDDEV([m1, m2])", 4.5, 9, 0, 2);
    assert_values("METRIC_COUNT([m1, m2, m1])", 3, 3, 3, 3);
    assert_values("SUM([m1, m2] * 2)", 22, 44, 60, 8);
    assert_values("SUM(METRICS(\"m1\"))", 1, 2, NAN, 4);
    assert_values("FIRST([m2, m1])", 10, 20, 30, 0);
    assert_values("LAST([m2, m1])", 1, 2, NAN, 4);
    assert_values("SLICE(METRICS(), 1)", 10, 20, 30, 0);
    assert_values("SUM(SLICE(METRICS(), 0, 2))", 11, 22, 30, 4);
    assert_values("SLICE(SORT(METRICS(), SUM, DESC), 0, 1)", 10, 20, 30, 0);
    assert_values("SORT([m2, m1], AVG, ASC, 1)", 1, 2, NAN, 4);
    assert_values("METRIC_COUNT(REMOVE_EMPTY([m1, m1 * LOG(0)]))", 1, 1, 1, 1);
}

static void test_math__compares_and_chooses(void **state)
{
    (void)state;
    assert_values("m1 > 1", 0, 1, NAN, 1);
    assert_values("m1 >= 2 AND m2 != 0", 0, 1, NAN, 0);
    assert_values("m1 == 1 || m1 == 4", 1, 0, NAN, 1);
    assert_values("m1 <= 1 OR m1 < 0 && m1 > 0", 1, 0, NAN, 0);
    assert_values("IF(m1 > 1, m1, 0)", 0, 2, NAN, 4);
    assert_values("IF(m2 < 15, m2)", 10, NAN, NAN, 0);
    assert_values("IF(1, m1, m2)", 1, 2, NAN, 4);
    assert_values("1 + 1 > 1", 1, 1, 1, 1);
}

static void test_math__looks_at_one_value_after_the_other(void **state)
{
    (void)state;
    assert_values("FILL(m1, LINEAR)", 1, 2, 3, 4);
    assert_values("RUNNING_SUM(m1)", 1, 3, NAN, 7);
    assert_values("DIFF_TIME(m1)", NAN, 60, NAN, 120);
    assert_values("DATAPOINT_COUNT(m1)", 3, 3, 3, 3);
    assert_values("STDDEV(m2)", sqrt(125), sqrt(125), sqrt(125), sqrt(125));
}

/* They begin on Wednesday, 1 July 2026 at 12:00. */
static void test_math__knows_the_time(void **state)
{
    (void)state;
    assert_values("MINUTE(m1)", 0, 1, 2, 3);
    assert_values("HOUR(m1)", 12, 12, 12, 12);
    assert_values("DAY(m1) * 10000 + DATE(m1) * 100 + MONTH(m1)", 30107, 30107, 30107, 30107);
    assert_values("YEAR(m1)", 2026, 2026, 2026, 2026);
    assert_values("EPOCH(m1) - 1782907200", 0, 60, 120, 180);
}

static void test_math__says_what_is_wrong(void **state)
{
    (void)state;
    assert_refused("m3 + 1", "there is no query with the id m3");
    assert_refused("ANOMALY_DETECTION_BAND(m1)", "ANOMALY_DETECTION_BAND");
    assert_refused("(1 + 2", "expected )");
    assert_refused("1 +", "expected a value");
    assert_refused("1 2", "did not expect 2");
    assert_refused("METRICS()", "single series");
    assert_refused("((((((((((((((((((((((((((((((((((((((1))))))))))))))))))))))))))))))))))))))",
                   "nested too deeply");
    assert_refused("--------------------------------------1", "nested too deeply");
}

static void test_math__refuses_what_costs_too_much(void **state)
{
    struct buf text;
    (void)state;
    buf_init_arena(&text, &arena, 4096);
    buf_add(&text, STR("SUM(METRICS()"));
    for (int i = 0; i < 100; i++)
        buf_add(&text, STR("*m1"));
    buf_add_byte(&text, ')');
    assert_refused(arena_cstr(&arena, buf_str(&text)), "too much work");
}

#define MATH_TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MATH_TEST(test_math__has_the_usual_precedence),
        MATH_TEST(test_math__has_no_value_where_it_would_divide_by_zero),
        MATH_TEST(test_math__aggregates_one_series_to_a_number),
        MATH_TEST(test_math__aggregates_several_to_a_series),
        MATH_TEST(test_math__fills_and_differs),
        MATH_TEST(test_math__takes_arrays),
        MATH_TEST(test_math__compares_and_chooses),
        MATH_TEST(test_math__looks_at_one_value_after_the_other),
        MATH_TEST(test_math__knows_the_time),
        MATH_TEST(test_math__says_what_is_wrong),
        MATH_TEST(test_math__refuses_what_costs_too_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
