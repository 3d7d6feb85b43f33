/* What time does to streams and items. */
#include "fixture.h"
#include "services/dynamodb/operations.h"
#include "services/dynamodb/stream.h"

#define NOW_MS         1700000000000
#define PUT(key, more) "{'TableName':'Tab','Item':{'p':{'S':'" key "'}" more "}}"

static struct str create_streamed(struct fixture *f)
{
    yyjson_val *answer = call(f, "CreateTable",
                              "{'TableName':'Tab','BillingMode':'PAY_PER_REQUEST',"
                              "'AttributeDefinitions':[{'AttributeName':'p','AttributeType':'S'}],"
                              "'KeySchema':[{'AttributeName':'p','KeyType':'HASH'}],"
                              "'StreamSpecification':{'StreamEnabled':true,"
                              "'StreamViewType':'KEYS_ONLY'}}");
    return str_from(text_at(answer, "TableDescription/LatestStreamArn"));
}

static yyjson_val *stream_call(struct fixture *f, const char *operation, struct str input)
{
    return service_ok(f, "dynamodbstreams", operation, arena_cstr(&f->arena, input));
}

static struct str iterator_of(struct fixture *f, struct str arn)
{
    yyjson_val *stream = stream_call(f, "DescribeStream",
                                     arena_printf(&f->arena, "{'StreamArn':'%.*s'}", STR_ARG(arn)));
    struct str input = arena_printf(
        &f->arena, "{'StreamArn':'%.*s','ShardId':'%s','ShardIteratorType':'TRIM_HORIZON'}",
        STR_ARG(arn), text_at(stream, "StreamDescription/Shards/0/ShardId"));
    return str_from(text_at(stream_call(f, "GetShardIterator", input), "ShardIterator"));
}

static size_t record_count(struct fixture *f, struct str arn)
{
    struct str input =
        arena_printf(&f->arena, "{'ShardIterator':'%.*s'}", STR_ARG(iterator_of(f, arn)));
    return yyjson_arr_size(json_get(stream_call(f, "GetRecords", input), "Records"));
}

static enum err write_nothing(struct store_txn *txn, struct store_write *write, struct error *error)
{
    (void)txn;
    (void)write;
    (void)error;
    return OK;
}

/* Waits for jobs of one step, twice since one more step may follow. */
static void wait_for_jobs(struct fixture *f)
{
    for (int i = 0; i < 3; i++)
        assert_int_equal(store_write_wait(f->skylite.store, write_nothing, NULL, &f->error), OK);
}

static void test_stream__is_trimmed_after_a_day(void **state)
{
    struct fixture *f = *state;
    clock_fake_ms(NOW_MS);
    struct str arn = create_streamed(f);
    call(f, "PutItem", PUT("a", ""));
    clock_fake_ms(NOW_MS + DDB_STREAM_MS);
    call(f, "PutItem", PUT("b", ""));
    assert_int_equal(record_count(f, arn), 2);
    clock_fake_ms(NOW_MS + DDB_STREAM_MS + 1);
    ddb_stream_trim(f->service);
    wait_for_jobs(f);
    assert_int_equal(record_count(f, arn), 1);
}

static void test_stream__of_a_deleted_table_goes_after_a_day(void **state)
{
    struct fixture *f = *state;
    clock_fake_ms(NOW_MS);
    struct str arn = create_streamed(f);
    call(f, "PutItem", PUT("a", ""));
    call(f, "DeleteTable", "{'TableName':'Tab'}");
    assert_int_equal(record_count(f, arn), 1);
    clock_fake_ms(NOW_MS + DDB_STREAM_MS + 1);
    ddb_stream_trim(f->service);
    wait_for_jobs(f);
    yyjson_val *answer = stream_call(f, "ListStreams", STR("{}"));
    assert_int_equal(yyjson_arr_size(json_get(answer, "Streams")), 0);
}

static void test_stream__iterators_expire(void **state)
{
    struct fixture *f = *state;
    clock_fake_ms(NOW_MS);
    struct str iterator = iterator_of(f, create_streamed(f));
    clock_fake_ms(NOW_MS + 15 * 60 * 1000 + 1);
    struct str input = arena_printf(&f->arena, "{'ShardIterator':'%.*s'}", STR_ARG(iterator));
    service_fails(f, "dynamodbstreams", "GetRecords", input.ptr, ERR_DDB_EXPIRED_ITERATOR,
                  "Iterator expired. The iterator was created at time 1700000000000");
}

static void test_stream__numbers_grow_when_the_clock_does_not(void **state)
{
    struct fixture *f = *state;
    clock_fake_ms(NOW_MS);
    struct str arn = create_streamed(f);
    call(f, "PutItem", PUT("a", ""));
    stop_server(f);
    clock_fake_ms(NOW_MS - 1000);
    start_server(f);
    call(f, "PutItem", PUT("b", ""));
    struct str input =
        arena_printf(&f->arena, "{'ShardIterator':'%.*s'}", STR_ARG(iterator_of(f, arn)));
    yyjson_val *records = json_get(stream_call(f, "GetRecords", input), "Records");
    assert_string_equal(text_at(yyjson_arr_get(records, 1), "dynamodb/Keys/p/S"), "b");
}

static size_t item_count(struct fixture *f)
{
    return (size_t)number_at(call(f, "Scan", "{'TableName':'Tab'}"), "Count");
}

static void test_item__expires_at_its_time(void **state)
{
    struct fixture *f = *state;
    clock_fake_ms(NOW_MS);
    create_streamed(f);
    call(f, "UpdateTimeToLive",
         "{'TableName':'Tab','TimeToLiveSpecification':{'Enabled':true,'AttributeName':'t'}}");
    call(f, "PutItem", PUT("a", ",'t':{'N':'1700000001'}"));
    call(f, "PutItem", PUT("b", ",'t':{'N':'1500000000'}")); /* more than five years ago */
    call(f, "PutItem", PUT("c", ",'t':{'S':'1600000000'}"));
    ddb_expire(f->service);
    wait_for_jobs(f);
    assert_int_equal(item_count(f), 3);
    clock_fake_ms(NOW_MS + 1000);
    ddb_expire(f->service);
    wait_for_jobs(f);
    assert_int_equal(item_count(f), 2);
}

static void test_item__whose_time_was_moved_stays(void **state)
{
    struct fixture *f = *state;
    clock_fake_ms(NOW_MS);
    create_streamed(f);
    call(f, "UpdateTimeToLive",
         "{'TableName':'Tab','TimeToLiveSpecification':{'Enabled':true,'AttributeName':'t'}}");
    call(f, "PutItem", PUT("a", ",'t':{'N':'1700000001'}"));
    call(f, "PutItem", PUT("a", ",'t':{'N':'1700000002'}"));
    clock_fake_ms(NOW_MS + 1000);
    ddb_expire(f->service);
    wait_for_jobs(f);
    assert_int_equal(item_count(f), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_stream__is_trimmed_after_a_day),
        TEST(test_stream__of_a_deleted_table_goes_after_a_day),
        TEST(test_stream__iterators_expire),
        TEST(test_stream__numbers_grow_when_the_clock_does_not),
        TEST(test_item__expires_at_its_time),
        TEST(test_item__whose_time_was_moved_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
