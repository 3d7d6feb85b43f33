/* The Logs API, and appending from inside the server. */
#include "../service_fixture.h"
#include "services/logs/internal.h"

#define NOW_MS 1700000000000

static void start_services(struct fixture *f)
{
    struct logs *logs;
    assert_int_equal(logs_new(&f->skylite, &logs, &f->error), OK);
    f->service = logs;
}

static void stop_services(struct fixture *f)
{
    logs_free(f->service);
}

static yyjson_val *call(struct fixture *f, const char *operation, const char *input)
{
    return service_ok(f, "logs", operation, input);
}

static void fails(struct fixture *f, const char *operation, const char *input, enum err expected,
                  const char *message)
{
    service_fails(f, "logs", operation, input, expected, message);
}

static void append(struct fixture *f, const char *stream, int64_t time_ms, const char *message)
{
    struct log_event event = {time_ms, str_from(message)};
    f->skylite.logs.append(f->skylite.logs.self, STR("/aws/lambda/f"), str_from(stream), &event, 1);
}

static void flush(struct fixture *f)
{
    logs_append_flush(f->service);
}

static enum err write_nothing(struct store_txn *txn, struct store_write *write, struct error *error)
{
    (void)txn;
    (void)write;
    (void)error;
    return OK;
}

/* Waits for a whole sweep: twice, since one may have been under way. */
static void sweep(struct fixture *f)
{
    for (int i = 0; i < 2; i++) {
        logs_sweep_start(f->service);
        assert_int_equal(store_write_wait(f->skylite.store, write_nothing, NULL, &f->error), OK);
    }
}

/* The messages of an answer, joined by blanks. */
static struct str messages(struct fixture *f, yyjson_val *answer)
{
    struct buf buf;
    size_t i, max;
    yyjson_val *event;
    buf_init_arena(&buf, &f->arena, 1024 * 1024);
    yyjson_arr_foreach (json_get(answer, "events"), i, max, event) {
        if (i)
            buf_add_byte(&buf, ' ');
        buf_add(&buf, json_get_str(event, "message"));
    }
    return buf_str(&buf);
}

#define GROUP  "'logGroupName':'/aws/lambda/f'"
#define STREAM "'logStreamName':'s'"

/* --- Appending --- */

static void test_append__makes_group_and_stream(void **state)
{
    struct fixture *f = *state;
    append(f, "s", NOW_MS, "hello");
    flush(f);
    assert_str(messages(f, call(f, "GetLogEvents", "{" GROUP "," STREAM "}")), STR("hello"));
}

static void test_append__keeps_the_order_of_a_millisecond(void **state)
{
    struct fixture *f = *state;
    append(f, "s", NOW_MS, "1");
    append(f, "t", NOW_MS, "2");
    append(f, "s", NOW_MS, "3");
    flush(f);
    append(f, "s", NOW_MS, "4");
    flush(f);
    assert_str(messages(f, call(f, "FilterLogEvents", "{" GROUP "}")), STR("1 2 3 4"));
}

static void test_append__is_written_when_the_service_ends(void **state)
{
    struct fixture *f = *state;
    append(f, "s", NOW_MS, "last words");
    stop_server(f);
    start_server(f);
    assert_str(messages(f, call(f, "GetLogEvents", "{" GROUP "," STREAM "}")), STR("last words"));
}

static void test_append__counts_the_bytes_of_all_streams(void **state)
{
    struct fixture *f = *state;
    append(f, "s", NOW_MS, "1234");
    append(f, "t", NOW_MS, "1234");
    flush(f);
    yyjson_val *groups = json_get(call(f, "DescribeLogGroups", "{}"), "logGroups");
    int64_t bytes = 0;
    json_get_i64(yyjson_arr_get(groups, 0), "storedBytes", &bytes);
    assert_int_equal(bytes, 60);
}

/* --- Groups and streams --- */

static void test_groups__are_made_once(void **state)
{
    struct fixture *f = *state;
    call(f, "CreateLogGroup", "{" GROUP "}");
    fails(f, "CreateLogGroup", "{" GROUP "}", ERR_LOGS_RESOURCE_ALREADY_EXISTS,
          "The specified log group already exists");
}

static void test_groups__are_listed_by_prefix_in_pages(void **state)
{
    struct fixture *f = *state;
    call(f, "CreateLogGroup", "{'logGroupName':'a1'}");
    call(f, "CreateLogGroup", "{'logGroupName':'a2'}");
    call(f, "CreateLogGroup", "{'logGroupName':'b'}");
    yyjson_val *first = call(f, "DescribeLogGroups", "{'logGroupNamePrefix':'a','limit':1}");
    assert_str(json_get_str(yyjson_arr_get(json_get(first, "logGroups"), 0), "arn"),
               STR("arn:aws:logs:us-east-1:000000000000:log-group:a1:*"));
    struct str next =
        arena_printf(&f->arena, "{'logGroupNamePrefix':'a','limit':1,'nextToken':'%.*s'}",
                     STR_ARG(json_get_str(first, "nextToken")));
    yyjson_val *second = call(f, "DescribeLogGroups", next.ptr);
    assert_str(json_get_str(yyjson_arr_get(json_get(second, "logGroups"), 0), "logGroupName"),
               STR("a2"));
    assert_null(json_get(second, "nextToken"));
}

static void test_groups__names_are_checked(void **state)
{
    struct fixture *f = *state;
    fails(f, "CreateLogGroup", "{'logGroupName':'a b'}", ERR_LOGS_INVALID_PARAMETER,
          "1 validation error detected: Value 'a b' at 'logGroupName' failed to satisfy "
          "constraint: Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+");
}

static void test_groups__are_gone_with_their_events(void **state)
{
    struct fixture *f = *state;
    append(f, "s", NOW_MS, "old");
    flush(f);
    call(f, "DeleteLogGroup", "{" GROUP "}");
    fails(f, "GetLogEvents", "{" GROUP "," STREAM "}", ERR_LOGS_RESOURCE_NOT_FOUND,
          "The specified log group does not exist.");
    append(f, "s", NOW_MS, "new");
    flush(f);
    assert_str(messages(f, call(f, "FilterLogEvents", "{" GROUP "}")), STR("new"));
}

static void test_groups__deleted_ones_are_swept_away(void **state)
{
    struct fixture *f = *state;
    append(f, "s", NOW_MS, "old");
    flush(f);
    call(f, "DeleteLogGroup", "{" GROUP "}");
    sweep(f);
    struct str key, value;
    struct store_iter *iter =
        store_iter_new(f->skylite.store, STORE_LOGS, STR("a"), STR("n"), false);
    assert_false(store_iter_next(iter, &key, &value));
    store_iter_free(iter);
}

static void test_streams__are_listed_by_last_event(void **state)
{
    struct fixture *f = *state;
    append(f, "a", NOW_MS + 2, "x");
    append(f, "b", NOW_MS + 3, "x");
    append(f, "c", NOW_MS + 1, "x");
    flush(f);
    yyjson_val *streams =
        json_get(call(f, "DescribeLogStreams",
                      "{" GROUP ",'orderBy':'LastEventTime','descending':true,'limit':1}"),
                 "logStreams");
    assert_str(json_get_str(yyjson_arr_get(streams, 0), "logStreamName"), STR("b"));
}

static void test_streams__need_their_group(void **state)
{
    struct fixture *f = *state;
    fails(f, "CreateLogStream", "{" GROUP "," STREAM "}", ERR_LOGS_RESOURCE_NOT_FOUND,
          "The specified log group does not exist.");
}

/* --- PutLogEvents --- */

static void create_stream(struct fixture *f)
{
    clock_fake_ms(NOW_MS);
    call(f, "CreateLogGroup", "{" GROUP "}");
    call(f, "CreateLogStream", "{" GROUP "," STREAM "}");
}

static void test_put__events_are_read_back(void **state)
{
    struct fixture *f = *state;
    create_stream(f);
    call(f, "PutLogEvents",
         "{" GROUP "," STREAM ",'logEvents':[{'timestamp':1700000000000,'message':'a'},"
         "{'timestamp':1700000000001,'message':'b'}]}");
    assert_str(messages(f, call(f, "GetLogEvents", "{" GROUP "," STREAM "}")), STR("a b"));
}

static void test_put__needs_the_order_of_time(void **state)
{
    struct fixture *f = *state;
    create_stream(f);
    fails(f, "PutLogEvents",
          "{" GROUP "," STREAM ",'logEvents':[{'timestamp':1700000000001,'message':'a'},"
          "{'timestamp':1700000000000,'message':'b'}]}",
          ERR_LOGS_INVALID_PARAMETER,
          "Log events in a single PutLogEvents request must be in chronological order.");
}

static void test_put__tells_which_events_are_too_new(void **state)
{
    struct fixture *f = *state;
    create_stream(f);
    yyjson_val *answer =
        call(f, "PutLogEvents",
             "{" GROUP "," STREAM ",'logEvents':[{'timestamp':1700000000000,'message':'a'},"
             "{'timestamp':1700010000000,'message':'b'}]}");
    int64_t index = -1;
    json_get_i64(json_get(answer, "rejectedLogEventsInfo"), "tooNewLogEventStartIndex", &index);
    assert_int_equal(index, 1);
    assert_str(messages(f, call(f, "GetLogEvents", "{" GROUP "," STREAM "}")), STR("a"));
}

static void test_put__needs_the_stream(void **state)
{
    struct fixture *f = *state;
    call(f, "CreateLogGroup", "{" GROUP "}");
    fails(f, "PutLogEvents",
          "{" GROUP "," STREAM ",'logEvents':[{'timestamp':1700000000001,'message':'a'}]}",
          ERR_LOGS_RESOURCE_NOT_FOUND, "The specified log stream does not exist.");
}

/* --- GetLogEvents --- */

static void append_five(struct fixture *f)
{
    for (int i = 0; i < 5; i++) {
        append(f, "s", NOW_MS + i, arena_printf(&f->arena, "%d", i).ptr);
        append(f, "other", NOW_MS + i, "x");
    }
    flush(f);
}

static yyjson_val *follow(struct fixture *f, yyjson_val *page, const char *token)
{
    return call(f, "GetLogEvents",
                arena_printf(&f->arena, "{" GROUP "," STREAM ",'limit':2,'nextToken':'%.*s'}",
                             STR_ARG(json_get_str(page, token)))
                    .ptr);
}

static void test_get__gives_the_latest_events_first(void **state)
{
    struct fixture *f = *state;
    append_five(f);
    yyjson_val *page = call(f, "GetLogEvents", "{" GROUP "," STREAM ",'limit':2}");
    assert_str(messages(f, page), STR("3 4"));
    assert_str(messages(f, follow(f, page, "nextBackwardToken")), STR("1 2"));
}

static void test_get__goes_forward_from_the_head(void **state)
{
    struct fixture *f = *state;
    append_five(f);
    yyjson_val *page =
        call(f, "GetLogEvents", "{" GROUP "," STREAM ",'limit':2,'startFromHead':true}");
    assert_str(messages(f, page), STR("0 1"));
    page = follow(f, page, "nextForwardToken");
    assert_str(messages(f, page), STR("2 3"));
    assert_str(messages(f, follow(f, page, "nextBackwardToken")), STR("0 1"));
}

static void test_get__gives_the_same_token_at_the_end(void **state)
{
    struct fixture *f = *state;
    append_five(f);
    yyjson_val *page = call(f, "GetLogEvents", "{" GROUP "," STREAM ",'startFromHead':true}");
    yyjson_val *end = follow(f, page, "nextForwardToken");
    assert_str(messages(f, end), STR_EMPTY);
    yyjson_val *again = follow(f, end, "nextForwardToken");
    assert_str(json_get_str(again, "nextForwardToken"), json_get_str(end, "nextForwardToken"));
}

static void test_get__token_at_the_end_finds_what_comes_later(void **state)
{
    struct fixture *f = *state;
    append_five(f);
    yyjson_val *page = call(f, "GetLogEvents", "{" GROUP "," STREAM ",'startFromHead':true}");
    yyjson_val *end = follow(f, page, "nextForwardToken");
    append(f, "s", NOW_MS + 4, "late");
    flush(f);
    assert_str(messages(f, follow(f, end, "nextForwardToken")), STR("late"));
}

static void test_get__token_of_an_empty_stream_finds_what_comes_later(void **state)
{
    struct fixture *f = *state;
    create_stream(f);
    yyjson_val *page = call(f, "GetLogEvents", "{" GROUP "," STREAM "}");
    append(f, "s", NOW_MS, "late");
    flush(f);
    assert_str(messages(f, follow(f, page, "nextForwardToken")), STR("late"));
}

static void test_get__end_of_the_range_is_not_in_it(void **state)
{
    struct fixture *f = *state;
    append_five(f);
    assert_str(messages(f, call(f, "GetLogEvents",
                                "{" GROUP "," STREAM
                                ",'startTime':1700000000001,'endTime':1700000000003}")),
               STR("1 2"));
}

/* --- FilterLogEvents --- */

static void test_filter__finds_by_pattern_and_stream(void **state)
{
    struct fixture *f = *state;
    append(f, "a/1", NOW_MS, "ERROR one");
    append(f, "b/1", NOW_MS, "ERROR two");
    append(f, "a/1", NOW_MS, "fine");
    flush(f);
    assert_str(messages(f, call(f, "FilterLogEvents",
                                "{" GROUP ",'filterPattern':'ERROR','logStreamNamePrefix':'a/'}")),
               STR("ERROR one"));
}

static void test_filter__end_of_the_range_is_in_it(void **state)
{
    struct fixture *f = *state;
    append_five(f);
    assert_str(messages(f, call(f, "FilterLogEvents",
                                "{" GROUP ",'logStreamNames':['s'],'startTime':1700000000001,"
                                "'endTime':1700000000003}")),
               STR("1 2 3"));
}

static void test_filter__goes_on_with_its_token(void **state)
{
    struct fixture *f = *state;
    append_five(f);
    yyjson_val *page = call(f, "FilterLogEvents", "{" GROUP ",'logStreamNames':['s'],'limit':3}");
    assert_str(messages(f, page), STR("0 1 2"));
    struct str next =
        arena_printf(&f->arena, "{" GROUP ",'logStreamNames':['s'],'limit':3,'nextToken':'%.*s'}",
                     STR_ARG(json_get_str(page, "nextToken")));
    page = call(f, "FilterLogEvents", next.ptr);
    assert_str(messages(f, page), STR("3 4"));
    assert_null(json_get(page, "nextToken"));
}

static void test_filter__refuses_a_wrong_pattern(void **state)
{
    struct fixture *f = *state;
    append_five(f);
    fails(f, "FilterLogEvents", "{" GROUP ",'filterPattern':'{ $.a'}", ERR_LOGS_INVALID_PARAMETER,
          "Invalid filter pattern");
}

/* --- Retention --- */

static void test_retention__deletes_what_is_older(void **state)
{
    struct fixture *f = *state;
    clock_fake_ms(NOW_MS);
    append(f, "s", NOW_MS - 2 * DAY_MS, "old");
    append(f, "s", NOW_MS, "new");
    flush(f);
    call(f, "PutRetentionPolicy", "{" GROUP ",'retentionInDays':1}");
    sweep(f);
    assert_str(messages(f, call(f, "FilterLogEvents", "{" GROUP "}")), STR("new"));
}

static void test_retention__takes_only_awss_numbers_of_days(void **state)
{
    struct fixture *f = *state;
    struct principal root = root_of();
    call(f, "CreateLogGroup", "{" GROUP "}");
    assert_int_equal(
        call_as(f, &root, "logs", "PutRetentionPolicy", "{" GROUP ",'retentionInDays':2}", NULL),
        ERR_LOGS_INVALID_PARAMETER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_append__makes_group_and_stream),
        TEST(test_append__keeps_the_order_of_a_millisecond),
        TEST(test_append__is_written_when_the_service_ends),
        TEST(test_append__counts_the_bytes_of_all_streams),
        TEST(test_groups__are_made_once),
        TEST(test_groups__are_listed_by_prefix_in_pages),
        TEST(test_groups__names_are_checked),
        TEST(test_groups__are_gone_with_their_events),
        TEST(test_groups__deleted_ones_are_swept_away),
        TEST(test_streams__are_listed_by_last_event),
        TEST(test_streams__need_their_group),
        TEST(test_put__events_are_read_back),
        TEST(test_put__needs_the_order_of_time),
        TEST(test_put__tells_which_events_are_too_new),
        TEST(test_put__needs_the_stream),
        TEST(test_get__gives_the_latest_events_first),
        TEST(test_get__goes_forward_from_the_head),
        TEST(test_get__gives_the_same_token_at_the_end),
        TEST(test_get__token_at_the_end_finds_what_comes_later),
        TEST(test_get__token_of_an_empty_stream_finds_what_comes_later),
        TEST(test_get__end_of_the_range_is_not_in_it),
        TEST(test_filter__finds_by_pattern_and_stream),
        TEST(test_filter__end_of_the_range_is_in_it),
        TEST(test_filter__goes_on_with_its_token),
        TEST(test_filter__refuses_a_wrong_pattern),
        TEST(test_retention__deletes_what_is_older),
        TEST(test_retention__takes_only_awss_numbers_of_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
