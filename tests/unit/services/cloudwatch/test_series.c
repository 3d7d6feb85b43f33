/* Series of services: what they add is counted, kept over a restart, and grows old. */
#include <math.h>

#include "../service_fixture.h"
#include "services/cloudwatch/internal.h"

static void start_services(struct fixture *f)
{
    struct cloudwatch *cloudwatch;
    assert_int_equal(cloudwatch_new(&f->skylite, &cloudwatch, &f->error), OK);
    f->service = cloudwatch;
}

static void stop_services(struct fixture *f)
{
    cloudwatch_free(f->service);
    f->skylite.service_count = 0;
}

static struct metric_series *open_latency(struct fixture *f, const char *stage)
{
    struct metric_dimension dimensions[] = {{STR("ApiName"), STR("a")},
                                            {STR("Stage"), str_from(stage)}};
    return metric_open(&f->skylite.metrics, &(struct metric_definition){
                                                .space = "AWS/Test",
                                                .name = "Latency",
                                                .unit = "Milliseconds",
                                                .dimensions = dimensions,
                                                .dimension_count = 2,
                                                .also = {1, 0},
                                                .also_count = 2,
                                            });
}

static double sum_of(struct fixture *f, const char *dimensions)
{
    struct str input = arena_printf(&f->arena,
                                    "{'Namespace':'AWS/Test','MetricName':'Latency','Period':86400,"
                                    "'StartTime':%lld,'EndTime':%lld,'Statistics':['Sum'],"
                                    "'Dimensions':[%s]}",
                                    (long long)clock_wall_ms() / 1000 - 86000,
                                    (long long)clock_wall_ms() / 1000 + 300, dimensions);
    yyjson_val *output = service_ok(f, "cloudwatch", "GetMetricStatistics", input.ptr);
    double sum = 0;
    json_get_double(yyjson_arr_get_first(json_get(output, "Datapoints")), "Sum", &sum);
    return sum;
}

#define PROD "{'Name':'ApiName','Value':'a'},{'Name':'Stage','Value':'prod'}"

static void test_series__count_under_leading_dimensions_too(void **state)
{
    struct fixture *f = *state;
    metric_add(&f->skylite.metrics, open_latency(f, "prod"), 3);
    metric_add(&f->skylite.metrics, open_latency(f, "prod"), 4);
    metric_add(&f->skylite.metrics, open_latency(f, "test"), 10);
    assert_true(sum_of(f, PROD) == 7);
    assert_true(sum_of(f, "{'Name':'ApiName','Value':'a'}") == 17);
    assert_true(sum_of(f, "") == 17);
}

static void test_series__have_percentiles_of_what_services_add(void **state)
{
    struct fixture *f = *state;
    struct metric_series *series = open_latency(f, "prod");
    double p50 = 0, p1 = 0;
    metric_add(&f->skylite.metrics, series, 0);
    for (int i = 0; i < 99; i++)
        metric_add(&f->skylite.metrics, series, 0.5 + i % 3);
    struct str input = arena_printf(
        &f->arena,
        "{'Namespace':'AWS/Test','MetricName':'Latency','Period':86400,'StartTime':%lld,"
        "'EndTime':%lld,'ExtendedStatistics':['p1','p50'],'Dimensions':[" PROD "]}",
        (long long)clock_wall_ms() / 1000 - 86000, (long long)clock_wall_ms() / 1000 + 300);
    yyjson_val *output = service_ok(f, "cloudwatch", "GetMetricStatistics", input.ptr);
    yyjson_val *found =
        json_get(yyjson_arr_get_first(json_get(output, "Datapoints")), "ExtendedStatistics");
    assert_true(json_get_double(found, "p50", &p50) && json_get_double(found, "p1", &p1));
    assert_true(p50 > 1.48 && p50 < 1.52);
    assert_true(p1 == 0);
}

static void assert_statistic(const yyjson_val *point, const char *name, double expected)
{
    double value = NAN;
    assert_true(json_get_double(point, name, &value));
    assert_true(value == expected);
}

static void test_series__count_zeros_and_ones_with_all_other_values(void **state)
{
    struct fixture *f = *state;
    struct metric_series *series = open_latency(f, "prod");
    double values[] = {0, 1, 0, 1, 1, 2.5};
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        metric_add(&f->skylite.metrics, series, values[i]);
        struct str page = f->skylite.metrics.expose(f->skylite.metrics.self, &f->arena);
        struct str count =
            arena_printf(&f->arena, "_count{ApiName=\"a\",Stage=\"prod\"} %zu\n", i + 1);
        assert_true(str_find(page, count) >= 0);
    }
    struct str page = f->skylite.metrics.expose(f->skylite.metrics.self, &f->arena);
    assert_true(str_find(page, STR("Stage=\"prod\",le=\"0.0001\"} 2\n")) >= 0);
    assert_true(str_find(page, STR("Stage=\"prod\",le=\"0.001\"} 5\n")) >= 0);
    struct str input = arena_printf(
        &f->arena,
        "{'Namespace':'AWS/Test','MetricName':'Latency','Period':86400,'StartTime':%lld,"
        "'EndTime':%lld,'Statistics':['Sum','SampleCount','Minimum','Maximum'],"
        "'Dimensions':[" PROD "]}",
        (long long)clock_wall_ms() / 1000 - 86000, (long long)clock_wall_ms() / 1000 + 300);
    yyjson_val *output = service_ok(f, "cloudwatch", "GetMetricStatistics", input.ptr);
    const yyjson_val *point = yyjson_arr_get_first(json_get(output, "Datapoints"));
    assert_statistic(point, "SampleCount", 6);
    assert_statistic(point, "Sum", 5.5);
    assert_statistic(point, "Minimum", 0);
    assert_statistic(point, "Maximum", 2.5);
}

static void test_series__are_kept_over_a_restart(void **state)
{
    struct fixture *f = *state;
    metric_add(&f->skylite.metrics, open_latency(f, "prod"), 3);
    stop_server(f);
    start_server(f);
    assert_true(sum_of(f, PROD) == 3);
    yyjson_val *list = service_ok(f, "cloudwatch", "ListMetrics", "{'Namespace':'AWS/Test'}");
    assert_int_equal(yyjson_arr_size(json_get(list, "Metrics")), 3);
}

struct aging {
    struct cloudwatch *cloudwatch;
    int64_t now_s;
};

static enum err sweep(struct store_txn *txn, struct store_write *write, struct error *error)
{
    const struct aging *aging = write->arg;
    return cw_sweep(aging->cloudwatch, txn, aging->now_s, error);
}

/* How many points there are of each resolution. */
static void assert_kept(struct fixture *f, size_t minutes, size_t fives, size_t hours)
{
    size_t counts[256] = {0};
    struct str key, value;
    struct store_iter *iter = store_iter_new(f->skylite.store, STORE_METRICS, STR("cw/p/"),
                                             store_prefix_end(&f->arena, STR("cw/p/")), false);
    while (store_iter_next(iter, &key, &value))
        counts[(unsigned char)key.ptr[strlen("cw/p/") + 17]]++;
    store_iter_free(iter);
    assert_int_equal(counts['b'], minutes);
    assert_int_equal(counts['c'], fives);
    assert_int_equal(counts['d'], hours);
}

static size_t stored_metrics(struct fixture *f)
{
    size_t count = 0;
    struct str key, value;
    struct store_iter *iter = store_iter_new(f->skylite.store, STORE_METRICS, STR("cw/s/"),
                                             store_prefix_end(&f->arena, STR("cw/s/")), false);
    while (store_iter_next(iter, &key, &value))
        count++;
    store_iter_free(iter);
    return count;
}

static void test_points__are_merged_as_they_grow_old(void **state)
{
    struct fixture *f = *state;
    int64_t now_s = clock_wall_ms() / 1000, hour_s = (now_s - 7200) / 3600 * 3600;
    struct aging aging = {f->service, now_s};
    for (int minute = 0; minute < 10; minute++) {
        struct str input = arena_printf(
            &f->arena,
            "{'Namespace':'N','MetricData':[{'MetricName':'m','Value':1,'Timestamp':%lld}]}",
            (long long)hour_s + minute * 60);
        service_ok(f, "cloudwatch", "PutMetricData", input.ptr);
    }
    store_write_wait(f->skylite.store, sweep, &aging, &f->error);
    assert_kept(f, 10, 0, 0);
    aging.now_s = now_s + 16 * 86400;
    store_write_wait(f->skylite.store, sweep, &aging, &f->error);
    assert_kept(f, 0, 2, 0);
    aging.now_s = now_s + 64 * 86400;
    store_write_wait(f->skylite.store, sweep, &aging, &f->error);
    assert_kept(f, 0, 0, 1);
    assert_int_equal(stored_metrics(f), 1);
    aging.now_s = now_s + 457 * 86400;
    store_write_wait(f->skylite.store, sweep, &aging, &f->error);
    assert_kept(f, 0, 0, 0);
    assert_int_equal(stored_metrics(f), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_series__count_under_leading_dimensions_too),
        TEST(test_series__have_percentiles_of_what_services_add),
        TEST(test_series__count_zeros_and_ones_with_all_other_values),
        TEST(test_series__are_kept_over_a_restart),
        TEST(test_points__are_merged_as_they_grow_old),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
