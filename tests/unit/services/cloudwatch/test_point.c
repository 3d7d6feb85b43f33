/* Points: counting, merging, percentiles, and their stored form. */
#include "services/cloudwatch/point.h"

#include <math.h>
#include <stdlib.h>

#include "../../check.h"

static struct arena arena;

static int teardown(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void test_point__percentiles_are_near_the_exact_ones(void **state)
{
    enum { COUNT = 5000 };
    static double values[COUNT];
    struct point point = point_empty();
    unsigned seed = 7;
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        values[i] = exp2((double)(rand_r(&seed) % 30000) / 1000 - 10);
        point_add(&point, values[i], 1, &arena);
    }
    qsort(values, COUNT, sizeof(*values), by_size);
    for (int percent = 1; percent < 100; percent++) {
        double found = 0, exact = values[percent * COUNT / 100 - 1];
        assert_true(point_percentile(&point, percent, &found));
        assert_true(fabs(found - exact) <= exact * 0.0112);
    }
}

static void test_point__is_as_exact_far_from_one(void **state)
{
    (void)state;
    for (int exponent = -100; exponent <= 100; exponent += 10) {
        struct point point = point_empty();
        double found = 0, base = pow(10, exponent);
        for (int i = 1; i <= 100; i++)
            point_add(&point, i * base, 1, &arena);
        assert_true(point_percentile(&point, 50, &found));
        assert_true(fabs(found - 50 * base) <= 50 * base * 0.0112);
        point_add(&point, -base, 1, &arena);
        assert_true(point_percentile(&point, 0, &found) && found == -base);
    }
}

static void test_point__negative_and_zero_values_have_their_places(void **state)
{
    struct point point = point_empty();
    double found = 0;
    (void)state;
    for (int i = -10; i <= 10; i++)
        point_add(&point, i, 1, &arena);
    assert_true(point_percentile(&point, 0, &found) && found == -10);
    assert_true(point_percentile(&point, 50, &found) && found == 0);
    assert_true(point_percentile(&point, 100, &found) && found == 10);
}

static void test_point__merges_to_what_was_added(void **state)
{
    struct point all = point_empty(), parts[3] = {point_empty(), point_empty(), point_empty()};
    struct point merged = point_empty();
    double a = 0, b = 0;
    (void)state;
    for (int i = 0; i < 300; i++) {
        point_add(&all, i * 1.5, 2, &arena);
        point_add(&parts[i % 3], i * 1.5, 2, &arena);
    }
    for (int i = 0; i < 3; i++)
        point_merge(&merged, &parts[i], &arena);
    assert_true(merged.count == all.count && merged.sum == all.sum && merged.min == all.min &&
                merged.max == all.max && merged.bucket_count == all.bucket_count);
    assert_true(point_percentile(&all, 90, &a) && point_percentile(&merged, 90, &b) && a == b);
}

static void test_point__of_sets_has_no_percentiles(void **state)
{
    struct point point = point_empty(), set = {4, 10, 1, 4, NULL, 0, false};
    double found;
    (void)state;
    point_add(&point, 2, 1, &arena);
    point_add_set(&point, &set);
    assert_true(point.count == 5 && point.sum == 12);
    assert_false(point_percentile(&point, 50, &found));
}

static void test_point__comes_back_from_bytes(void **state)
{
    struct point point = point_empty(), read;
    struct buf bytes;
    (void)state;
    for (int i = -5; i < 200; i++)
        point_add(&point, i, i == 3 ? 0.5 : 1, &arena);
    buf_init_arena(&bytes, &arena, 1024 * 1024);
    point_write(&point, &bytes);
    assert_true(point_read(buf_str(&bytes), &read, &arena));
    assert_int_equal(read.bucket_count, point.bucket_count);
    for (size_t i = 0; i < read.bucket_count; i++)
        assert_true(read.buckets[i].index == point.buckets[i].index &&
                    read.buckets[i].count == point.buckets[i].count);
    assert_true(read.sum == point.sum && read.has_sketch);
    assert_false(point_read(str_slice(buf_str(&bytes), 0, bytes.len - 1), &read, &arena));
    assert_false(point_read(STR("short"), &read, &arena));
}

#define POINT_TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        POINT_TEST(test_point__percentiles_are_near_the_exact_ones),
        POINT_TEST(test_point__is_as_exact_far_from_one),
        POINT_TEST(test_point__negative_and_zero_values_have_their_places),
        POINT_TEST(test_point__merges_to_what_was_added),
        POINT_TEST(test_point__of_sets_has_no_percentiles),
        POINT_TEST(test_point__comes_back_from_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
