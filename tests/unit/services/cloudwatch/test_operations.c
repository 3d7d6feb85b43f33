/* The operations, as other services call them. */
#include "../service_fixture.h"
#include "services/cloudwatch/internal.h"

/* 2023-11-14T22:00:00Z, the beginning of an hour. */
#define NOW_S 1699999200

static void start_services(struct fixture *f)
{
    struct cloudwatch *cloudwatch;
    clock_fake_ms(NOW_S * 1000LL);
    assert_int_equal(cloudwatch_new(&f->skylite, &cloudwatch, &f->error), OK);
    f->service = cloudwatch;
}

static void stop_services(struct fixture *f)
{
    cloudwatch_free(f->service);
    f->skylite.service_count = 0;
}

static yyjson_val *call(struct fixture *f, const char *operation, struct str input)
{
    return service_ok(f, "cloudwatch", operation, input.ptr);
}

/* A value `minutes_ago`. */
static void put(struct fixture *f, const char *name, double value, int minutes_ago)
{
    call(f, "PutMetricData",
         arena_printf(&f->arena,
                      "{'Namespace':'N','MetricData':[{'MetricName':'%s','Value':%g,"
                      "'Timestamp':%d}]}",
                      name, value, NOW_S - minutes_ago * 60));
}

/* A query for the sum of a metric. */
static struct str sum_query(struct fixture *f, const char *id, const char *name, int period_s)
{
    return arena_printf(&f->arena,
                        "{'Id':'%s','MetricStat':{'Metric':{'Namespace':'N','MetricName':'%s'},"
                        "'Period':%d,'Stat':'Sum'}}",
                        id, name, period_s);
}

/* Asks for the last hour. */
static yyjson_val *get_data(struct fixture *f, struct str queries, const char *more)
{
    return call(f, "GetMetricData",
                arena_printf(&f->arena,
                             "{'StartTime':%d,'EndTime':%d,'MetricDataQueries':[%.*s]%s}",
                             NOW_S - 3600, NOW_S, STR_ARG(queries), more));
}

/* The values of a result, in its order, as "1 2 3". */
static struct str values_of(struct fixture *f, yyjson_val *answer, const char *id)
{
    struct buf text;
    yyjson_val *result, *value;
    size_t i, max, j, count;
    buf_init_arena(&text, &f->arena, 4096);
    yyjson_arr_foreach (json_get(answer, "MetricDataResults"), i, max, result) {
        if (!str_eq(json_get_str(result, "Id"), str_from(id)))
            continue;
        yyjson_arr_foreach (json_get(result, "Values"), j, count, value)
            buf_printf(&text, "%s%g", j ? " " : "", yyjson_get_num(value));
    }
    return buf_str(&text);
}

static struct str join(struct fixture *f, struct str a, struct str b)
{
    return arena_printf(&f->arena, "%.*s,%.*s", STR_ARG(a), STR_ARG(b));
}

static void test_metric_data__is_by_each_querys_own_period(void **state)
{
    struct fixture *f = *state;
    put(f, "m", 1, 10);
    put(f, "m", 2, 9);
    put(f, "m", 4, 8);
    struct str queries = join(f, sum_query(f, "fine", "m", 60), sum_query(f, "coarse", "m", 3600));
    yyjson_val *answer = get_data(f, queries, "");
    assert_str(values_of(f, answer, "fine"), STR("4 2 1"));
    assert_str(values_of(f, answer, "coarse"), STR("7"));
}

static void test_metric_data__expressions_have_the_longest_period_of_their_metrics(void **state)
{
    struct fixture *f = *state;
    put(f, "m", 1, 10);
    put(f, "m", 2, 9);
    struct str queries =
        join(f, join(f, sum_query(f, "fine", "m", 60), sum_query(f, "coarse", "m", 3600)),
             STR("{'Id':'e','Expression':'f2 + coarse'},{'Id':'f2','Expression':'fine * 10'}"));
    yyjson_val *answer = get_data(f, queries, "");
    assert_str(values_of(f, answer, "fine"), STR("2 1"));
    assert_str(values_of(f, answer, "f2"), STR("20 10"));
    assert_str(values_of(f, answer, "e"), STR("33"));
}

static void test_metric_data__comes_in_pages(void **state)
{
    struct fixture *f = *state;
    struct str token = STR_EMPTY, all = STR_EMPTY;
    size_t pages = 0;
    for (int minute = 1; minute <= 30; minute++)
        put(f, "m", minute, minute);
    do {
        struct str more =
            arena_printf(&f->arena, ",'MaxDatapoints':20,'ScanBy':'TimestampAscending'%s%.*s%s",
                         token.len ? ",'NextToken':'" : "", STR_ARG(token), token.len ? "'" : "");
        yyjson_val *answer = get_data(f, sum_query(f, "m", "m", 60), more.ptr);
        struct str values = values_of(f, answer, "m");
        all = arena_printf(&f->arena, "%.*s%s%.*s", STR_ARG(all), values.len && all.len ? " " : "",
                           STR_ARG(values));
        token = json_get_str(answer, "NextToken");
        pages++;
    } while (token.ptr);
    assert_int_equal(pages, 2);
    assert_str(all, STR("30 29 28 27 26 25 24 23 22 21 20 19 18 17 16 15 14 13 12 11 10 9 8 7 6 "
                        "5 4 3 2 1"));
}

static void test_metric_data__is_of_all_units_or_of_one(void **state)
{
    struct fixture *f = *state;
    call(f, "PutMetricData",
         STR("{'Namespace':'N','MetricData':[{'MetricName':'m','Value':1,'Unit':'Seconds',"
             "'Timestamp':1699999140},{'MetricName':'m','Value':2,'Unit':'Count',"
             "'Timestamp':1699999140}]}"));
    yyjson_val *answer = get_data(f, sum_query(f, "m", "m", 60), "");
    assert_str(values_of(f, answer, "m"), STR("2"));
    yyjson_val *result = yyjson_arr_get_first(json_get(answer, "MetricDataResults"));
    yyjson_val *message = yyjson_arr_get_first(json_get(result, "Messages"));
    assert_str(json_get_str(message, "Code"), STR("MultipleUnits"));
    assert_str(json_get_str(message, "Value"), STR("Multiple units returned: '[Count, Seconds]'"));
    struct str query = STR("{'Id':'m','MetricStat':{'Metric':{'Namespace':'N','MetricName':'m'},"
                           "'Period':60,'Stat':'Sum','Unit':'Count'}}");
    assert_str(values_of(f, get_data(f, query, ""), "m"), STR("2"));
}

static void assert_labels(struct fixture *f, const char *first, const char *second,
                          const char *labels)
{
    struct str text = STR_EMPTY;
    struct str queries = arena_printf(&f->arena,
                                      "{'Id':'a','MetricStat':{'Metric':{'Namespace':'N',"
                                      "'MetricName':'m'},%s}},{'Id':'b','MetricStat':{"
                                      "'Metric':{'Namespace':'N','MetricName':'m'},%s}}",
                                      first, second);
    yyjson_val *result;
    size_t i, max;
    yyjson_arr_foreach (json_get(get_data(f, queries, ""), "MetricDataResults"), i, max, result) {
        text = arena_printf(&f->arena, "%.*s%s%.*s", STR_ARG(text), i ? ", " : "",
                            STR_ARG(json_get_str(result, "Label")));
    }
    assert_str(text, str_from(labels));
}

static void test_metric_data__labels_tell_queries_of_one_metric_apart(void **state)
{
    struct fixture *f = *state;
    assert_labels(f, "'Period':60,'Stat':'Sum'", "'Period':60,'Stat':'Sum'", "m, m");
    assert_labels(f, "'Period':60,'Stat':'Sum'", "'Period':60,'Stat':'Minimum'",
                  "m Sum, m Minimum");
    assert_labels(f, "'Period':60,'Stat':'Sum'", "'Period':30,'Stat':'Sum'", "m 60, m 30");
    assert_labels(f, "'Period':60,'Stat':'Sum'", "'Period':30,'Stat':'Minimum','Unit':'Count'",
                  "m Sum 60, m Minimum 30");
}

static void refuses_data(struct fixture *f, const char *queries, enum err code, const char *message)
{
    struct str input =
        arena_printf(&f->arena, "{'StartTime':%d,'EndTime':%d,'MetricDataQueries':[%s]}",
                     NOW_S - 3600, NOW_S, queries);
    service_fails(f, "cloudwatch", "GetMetricData", input.ptr, code, message);
}

static void test_metric_data__refuses_expressions_that_use_themselves(void **state)
{
    struct fixture *f = *state;
    refuses_data(f, "{'Id':'a','Expression':'b + 1'},{'Id':'b','Expression':'a + 1'}",
                 ERR_VALIDATION_ERROR, "The expression of a uses itself.");
}

static void test_metric_data__refuses_periods_that_are_no_minutes(void **state)
{
    struct fixture *f = *state;
    refuses_data(f, sum_query(f, "m", "m", 61).ptr, ERR_CW_INVALID_PARAMETER_VALUE,
                 "The parameter MetricDataQueries.member.1.MetricStat.Period must be a multiple of "
                 "60.");
}

static void test_metric_data__refuses_times_that_are_none(void **state)
{
    struct fixture *f = *state;
    struct str query = sum_query(f, "m", "m", 60);
    const char *times[] = {"-1e300", "1e300", "9223372036854775807", "'99999999999999999'"};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        struct str input =
            arena_printf(&f->arena, "{'StartTime':%s,'EndTime':0,'MetricDataQueries':[%.*s]}",
                         times[i], STR_ARG(query));
        service_fails(f, "cloudwatch", "GetMetricData", input.ptr, ERR_CW_INVALID_PARAMETER_VALUE,
                      "The parameters StartTime and EndTime must be times.");
    }
}

static void test_metric_data__refuses_more_than_it_would_read(void **state)
{
    struct fixture *f = *state;
    struct str input =
        arena_printf(&f->arena, "{'StartTime':%d,'EndTime':%d,'MetricDataQueries':[%.*s]}",
                     NOW_S - 300 * 86400, NOW_S, STR_ARG(sum_query(f, "m", "m", 1)));
    service_fails(f, "cloudwatch", "GetMetricData", input.ptr, ERR_VALIDATION_ERROR,
                  "You have requested up to 25920000 datapoints, which exceeds the limit of "
                  "1000000. You may reduce the datapoints requested by increasing Period, or "
                  "decreasing the time range.");
}

static void test_statistics__are_refused_in_awss_words(void **state)
{
    struct fixture *f = *state;
    service_fails(f, "cloudwatch", "GetMetricStatistics",
                  "{'Namespace':'N','MetricName':'m','StartTime':1699912800,'EndTime':1699999200,"
                  "'Period':10,'Statistics':['Sum']}",
                  ERR_CW_INVALID_PARAMETER_COMBINATION,
                  "You have requested up to 8640 datapoints, which exceeds the limit of 1440. You "
                  "may reduce the datapoints requested by increasing Period, or decreasing the "
                  "time range.");
}

static void test_list__has_pages_of_500(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 6; i++) {
        struct buf input;
        buf_init_arena(&input, &f->arena, 1024 * 1024);
        buf_add(&input, STR("{'Namespace':'N','MetricData':["));
        for (int j = 0; j < 100; j++)
            buf_printf(&input, "%s{'MetricName':'m%d','Value':1}", j ? "," : "", i * 100 + j);
        buf_add(&input, STR("]}"));
        call(f, "PutMetricData", arena_str(&f->arena, buf_str(&input)));
    }
    yyjson_val *first = call(f, "ListMetrics", STR("{}"));
    struct str token = json_get_str(first, "NextToken");
    assert_int_equal(yyjson_arr_size(json_get(first, "Metrics")), 500);
    yyjson_val *second =
        call(f, "ListMetrics", arena_printf(&f->arena, "{'NextToken':'%.*s'}", STR_ARG(token)));
    assert_int_equal(yyjson_arr_size(json_get(second, "Metrics")), 100);
    assert_null(json_get(second, "NextToken"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_metric_data__is_by_each_querys_own_period),
        TEST(test_metric_data__expressions_have_the_longest_period_of_their_metrics),
        TEST(test_metric_data__comes_in_pages),
        TEST(test_metric_data__is_of_all_units_or_of_one),
        TEST(test_metric_data__labels_tell_queries_of_one_metric_apart),
        TEST(test_metric_data__refuses_expressions_that_use_themselves),
        TEST(test_metric_data__refuses_periods_that_are_no_minutes),
        TEST(test_metric_data__refuses_times_that_are_none),
        TEST(test_metric_data__refuses_more_than_it_would_read),
        TEST(test_statistics__are_refused_in_awss_words),
        TEST(test_list__has_pages_of_500),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
