/* Token buckets against a reference, quota periods, counters. */
#include "services/apigateway/plane/throttle.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../check.h"
#include "base/clock.h"

/* The token bucket as books have it, in floating point. */
struct reference {
    double rate, burst, tokens;
    int64_t last_us;
};

static bool reference_take(struct reference *reference, int64_t now_us)
{
    reference->tokens += (double)(now_us - reference->last_us) * reference->rate / 1e6;
    if (reference->tokens > reference->burst)
        reference->tokens = reference->burst;
    reference->last_us = now_us;
    if (reference->tokens < 1 - 1e-9)
        return false;
    reference->tokens -= 1;
    return true;
}

static void test_bucket__admits_what_the_reference_admits(void **state)
{
    (void)state;
    static const struct {
        double rate;
        int64_t burst;
    } plans[] = {{100.0 / 60, 100}, {500.0 / 60, 500}, {1, 1}, {12.5, 3}, {1000, 50}};
    srand(7);
    for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
        struct throttle throttle = throttle_make(plans[i].rate, plans[i].burst);
        struct bucket bucket = {0};
        int64_t now_ms = INT64_C(1700000000000);
        struct reference reference = {plans[i].rate, (double)plans[i].burst, (double)plans[i].burst,
                                      now_ms * 1000};
        int64_t admitted = 0, expected = 0;
        for (int step = 0; step < 20000; step++) {
            now_ms += rand() % 4 == 0 ? rand() % 2000 : 0;
            clock_fake_ms(now_ms);
            admitted += bucket_take(&bucket, &throttle, clock_mono_us());
            expected += reference_take(&reference, clock_mono_us());
            assert_in_range(admitted + 1, expected, expected + 2);
        }
    }
    clock_fake_ms(0);
}

static void test_bucket__gives_a_burst_at_once_and_then_the_rate(void **state)
{
    (void)state;
    struct throttle throttle = throttle_make(100.0 / 60, 100);
    struct bucket bucket = {0};
    int64_t now_us = INT64_C(5000000000);
    for (int i = 0; i < 100; i++)
        assert_true(bucket_take(&bucket, &throttle, now_us));
    assert_false(bucket_take(&bucket, &throttle, now_us));
    assert_false(bucket_take(&bucket, &throttle, now_us + 599999));
    assert_true(bucket_take(&bucket, &throttle, now_us + 600000));
    assert_false(bucket_take(&bucket, &throttle, now_us + 600000));
}

static void test_bucket__lets_nothing_pass_without_burst(void **state)
{
    (void)state;
    struct throttle throttle = throttle_make(10, 0);
    struct bucket bucket = {0};
    assert_false(bucket_take(&bucket, &throttle, 1000000));
}

static void test_bucket__never_refills_at_rate_zero(void **state)
{
    (void)state;
    struct throttle throttle = throttle_make(0, 2);
    struct bucket bucket = {0};
    assert_true(bucket_take(&bucket, &throttle, 1));
    assert_true(bucket_take(&bucket, &throttle, 1));
    assert_false(bucket_take(&bucket, &throttle, INT64_C(86400000000) * 365));
}

static void test_bucket__follows_a_new_rate_at_once(void **state)
{
    (void)state;
    struct throttle slow = throttle_make(0, 5), fast = throttle_make(10, 5);
    struct bucket bucket = {0};
    for (int i = 0; i < 5; i++)
        assert_true(bucket_take(&bucket, &slow, 1000));
    assert_false(bucket_take(&bucket, &fast, 1000));
    assert_true(bucket_take(&bucket, &fast, 101000));
}

struct race {
    struct bucket bucket;
    struct throttle throttle;
    struct counter counter;
    _Atomic int admitted, counted;
};

static void *take_many(void *arg)
{
    struct race *race = arg;
    for (int i = 0; i < 20000; i++) {
        atomic_fetch_add(&race->admitted, bucket_take(&race->bucket, &race->throttle, 1000000));
        atomic_fetch_add(&race->counted, counter_take(&race->counter, 3, 12345, NULL));
    }
    return NULL;
}

static void test_bucket__is_exact_under_many_threads(void **state)
{
    (void)state;
    struct race race = {.throttle = throttle_make(1, 5000)};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_many, &race), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(race.admitted, 5000);
    assert_int_equal(race.counted, 12345);
}

static uint32_t day(const char *date)
{
    uint32_t value;
    assert_true(day_parse(str_from(date), &value));
    return value;
}

static void test_day__goes_to_a_date_and_back(void **state)
{
    (void)state;
    for (uint32_t value = 0; value < 80000; value++) {
        int year;
        unsigned month, day_of_month;
        char text[16];
        day_to_date(value, &year, &month, &day_of_month);
        snprintf(text, sizeof(text), "%04d-%02u-%02u", year, month % 100, day_of_month % 100);
        assert_int_equal(day(text), value);
    }
}

static void test_day__refuses_what_is_no_date(void **state)
{
    (void)state;
    static const char *const dates[] = {"2026-02-29", "2026-13-01", "2026-1-01", "20260101",
                                        "",           "2026-04-31", "1969-12-31"};
    uint32_t value;
    for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++)
        assert_false(day_parse(str_from(dates[i]), &value));
}

static void test_quota__weeks_start_on_sunday_plus_offset(void **state)
{
    (void)state;
    struct quota sunday = {QUOTA_WEEK, 10, 0}, wednesday = {QUOTA_WEEK, 10, 3};
    /* 2026-01-31 is a Saturday. */
    assert_int_equal(quota_start(&sunday, day("2026-01-31")), day("2026-01-25"));
    assert_int_equal(quota_start(&sunday, day("2026-02-01")), day("2026-02-01"));
    assert_int_equal(quota_start(&wednesday, day("2026-01-28")), day("2026-01-28"));
    assert_int_equal(quota_start(&wednesday, day("2026-01-27")), day("2026-01-21"));
}

static void test_quota__months_start_on_the_first_plus_offset(void **state)
{
    (void)state;
    struct quota first = {QUOTA_MONTH, 10, 0}, eleventh = {QUOTA_MONTH, 10, 10};
    assert_int_equal(quota_start(&first, day("2024-02-29")), day("2024-02-01"));
    assert_int_equal(quota_start(&eleventh, day("2024-02-11")), day("2024-02-11"));
    assert_int_equal(quota_start(&eleventh, day("2024-01-10")), day("2023-12-11"));
}

static void test_counter__starts_over_with_a_new_period(void **state)
{
    (void)state;
    struct counter counter = {0};
    uint64_t before;
    assert_true(counter_take(&counter, 7, 2, NULL));
    assert_true(counter_take(&counter, 7, 2, NULL));
    assert_false(counter_take(&counter, 7, 2, NULL));
    assert_true(counter_take(&counter, 8, 2, &before));
    assert_int_equal(counter_period(before), 7);
    assert_int_equal(counter_count(before), 2);
    assert_int_equal(counter_get(&counter, 8), 1);
}

static void test_counter__does_not_start_over_when_the_clock_is_set_back(void **state)
{
    (void)state;
    struct counter counter = {0};
    assert_true(counter_take(&counter, 8, 2, NULL));
    assert_true(counter_take(&counter, 7, 2, NULL));
    assert_false(counter_take(&counter, 8, 2, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bucket__admits_what_the_reference_admits),
        cmocka_unit_test(test_bucket__gives_a_burst_at_once_and_then_the_rate),
        cmocka_unit_test(test_bucket__lets_nothing_pass_without_burst),
        cmocka_unit_test(test_bucket__never_refills_at_rate_zero),
        cmocka_unit_test(test_bucket__follows_a_new_rate_at_once),
        cmocka_unit_test(test_bucket__is_exact_under_many_threads),
        cmocka_unit_test(test_day__goes_to_a_date_and_back),
        cmocka_unit_test(test_day__refuses_what_is_no_date),
        cmocka_unit_test(test_quota__weeks_start_on_sunday_plus_offset),
        cmocka_unit_test(test_quota__months_start_on_the_first_plus_offset),
        cmocka_unit_test(test_counter__starts_over_with_a_new_period),
        cmocka_unit_test(test_counter__does_not_start_over_when_the_clock_is_set_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
