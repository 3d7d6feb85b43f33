/* Secondary indexes: kept with their items, read by Query and Scan, added and taken away. */
#include "fixture.h"

#define ITEM(p, s, more) "{'TableName':'Tab','Item':{'p':{'S':'" p "'},'s':{'S':'" s "'}" more "}}"
#define QUERY_G                                                                                    \
    "{'TableName':'Tab','IndexName':'some','KeyConditionExpression':'g=:g',"                       \
    "'ExpressionAttributeValues':{':g':{'S':'G'}}}"

static double index_count(struct fixture *f, const char *path)
{
    return number_at(call(f, "DescribeTable", "{'TableName':'Tab'}"), path);
}

static void test_index__has_items_with_its_keys_only(void **state)
{
    struct fixture *f = *state;
    create_indexed(f);
    call(f, "PutItem", ITEM("a", "1", ",'g':{'S':'G'},'n':{'N':'2'},'x':{'S':'X'},'y':{'S':'Y'}"));
    call(f, "PutItem", ITEM("a", "2", ",'g':{'S':'G'}"));
    yyjson_val *answer = call(f, "Query", QUERY_G);
    assert_int_equal(number_at(answer, "Count"), 1);
    assert_string_equal(text_at(answer, "Items/0/x/S"), "X");
    assert_null(yyjson_ptr_get(answer, "/Items/0/y"));
    assert_int_equal(index_count(f, "Table/GlobalSecondaryIndexes/0/ItemCount"), 1);
    assert_int_equal(index_count(f, "Table/ItemCount"), 2);
}

static void test_index__follows_updates_and_deletions(void **state)
{
    struct fixture *f = *state;
    create_indexed(f);
    call(f, "PutItem", ITEM("a", "1", ",'g':{'S':'F'},'n':{'N':'2'}"));
    call(f, "UpdateItem",
         "{'TableName':'Tab','Key':{'p':{'S':'a'},'s':{'S':'1'}},'UpdateExpression':'SET g=:g',"
         "'ExpressionAttributeValues':{':g':{'S':'G'}}}");
    assert_int_equal(number_at(call(f, "Query", QUERY_G), "Count"), 1);
    call(f, "UpdateItem",
         "{'TableName':'Tab','Key':{'p':{'S':'a'},'s':{'S':'1'}},'UpdateExpression':'REMOVE g'}");
    assert_int_equal(number_at(call(f, "Query", QUERY_G), "Count"), 0);
    assert_int_equal(index_count(f, "Table/GlobalSecondaryIndexes/1/ItemCount"), 1);
    call(f, "DeleteItem", "{'TableName':'Tab','Key':{'p':{'S':'a'},'s':{'S':'1'}}}");
    assert_int_equal(index_count(f, "Table/GlobalSecondaryIndexes/1/ItemCount"), 0);
    assert_int_equal(index_count(f, "Table/GlobalSecondaryIndexes/1/IndexSizeBytes"), 0);
}

static void test_index__sorts_by_its_range_key_across_pages(void **state)
{
    struct fixture *f = *state;
    create_indexed(f);
    call(f, "PutItem", ITEM("a", "1", ",'g':{'S':'G'},'n':{'N':'10'}"));
    call(f, "PutItem", ITEM("b", "1", ",'g':{'S':'G'},'n':{'N':'9'}"));
    call(f, "PutItem", ITEM("c", "1", ",'g':{'S':'G'},'n':{'N':'9'}"));
    yyjson_val *answer =
        call(f, "Query",
             "{'TableName':'Tab','IndexName':'some','KeyConditionExpression':'g=:g',"
             "'ExpressionAttributeValues':{':g':{'S':'G'}},'Limit':2}");
    assert_string_equal(text_at(answer, "LastEvaluatedKey/n/N"), "9");
    struct str key = json_write_val(&f->arena, json_get(answer, "LastEvaluatedKey"));
    struct str next = arena_printf(
        &f->arena,
        "{\"TableName\":\"Tab\",\"IndexName\":\"some\",\"KeyConditionExpression\":\"g=:g\","
        "\"ExpressionAttributeValues\":{\":g\":{\"S\":\"G\"}},\"ExclusiveStartKey\":%.*s}",
        STR_ARG(key));
    answer = call(f, "Query", next.ptr);
    assert_int_equal(number_at(answer, "Count"), 1);
    assert_string_equal(text_at(answer, "Items/0/n/N"), "10");
}

static void test_index__of_local_kind_fetches_what_it_does_not_have(void **state)
{
    struct fixture *f = *state;
    create_indexed(f);
    call(f, "PutItem", ITEM("a", "1", ",'l':{'S':'L'},'y':{'S':'Y'}"));
    yyjson_val *answer =
        call(f, "Query",
             "{'TableName':'Tab','IndexName':'local','KeyConditionExpression':'p=:p',"
             "'ExpressionAttributeValues':{':p':{'S':'a'}},'Select':'ALL_ATTRIBUTES',"
             "'ConsistentRead':true,'ReturnConsumedCapacity':'INDEXES'}");
    assert_string_equal(text_at(answer, "Items/0/y/S"), "Y");
    assert_int_equal(number_at(answer, "ConsumedCapacity/CapacityUnits"), 2);
    assert_int_equal(
        number_at(answer, "ConsumedCapacity/LocalSecondaryIndexes/local/CapacityUnits"), 1);
}

static void test_index__of_global_kind_refuses_what_it_cannot(void **state)
{
    struct fixture *f = *state;
    create_indexed(f);
#define ASK(more)                                                                                  \
    "{'TableName':'Tab','IndexName':'some','KeyConditionExpression':'g=:g',"                       \
    "'ExpressionAttributeValues':{':g':{'S':'G'}}," more "}"
    fails(f, "Query", ASK("'ConsistentRead':true"), ERR_VALIDATION,
          "Consistent reads are not supported on global secondary indexes");
    fails(f, "Query", ASK("'Select':'ALL_ATTRIBUTES'"), ERR_VALIDATION,
          "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported "
          "for global secondary index some because its projection type is not ALL");
    fails(f, "Query", ASK("'ProjectionExpression':'x,y'"), ERR_VALIDATION,
          "One or more parameter values were invalid: Global secondary index some does not project "
          "[y]");
}

static void test_index__refuses_items_with_keys_of_another_type(void **state)
{
    struct fixture *f = *state;
    create_indexed(f);
    fails(f, "PutItem", ITEM("a", "1", ",'g':{'N':'1'}"), ERR_VALIDATION,
          "One or more parameter values were invalid: Type mismatch for Index Key g Expected: S "
          "Actual: N IndexName: some");
    fails(f, "PutItem", ITEM("a", "1", ",'g':{'S':''}"), ERR_VALIDATION,
          "One or more parameter values are not valid. A value specified for a secondary index key "
          "is not supported. The AttributeValue for a key attribute cannot contain an empty string "
          "value. IndexName: some, IndexKey: g");
}

static void test_index__costs_are_told_by_index(void **state)
{
    struct fixture *f = *state;
    create_indexed(f);
    yyjson_val *answer =
        call(f, "PutItem",
             "{'TableName':'Tab','Item':{'p':{'S':'a'},'s':{'S':'1'},'g':{'S':'G'},'n':{'N':'1'}},"
             "'ReturnConsumedCapacity':'INDEXES','ReturnItemCollectionMetrics':'SIZE'}");
    assert_int_equal(number_at(answer, "ConsumedCapacity/CapacityUnits"), 3);
    assert_int_equal(number_at(answer, "ConsumedCapacity/Table/CapacityUnits"), 1);
    assert_int_equal(
        number_at(answer, "ConsumedCapacity/GlobalSecondaryIndexes/keys/CapacityUnits"), 1);
    assert_string_equal(text_at(answer, "ItemCollectionMetrics/ItemCollectionKey/p/S"), "a");
}

static void wait_until_filled(struct fixture *f)
{
    for (;;) {
        yyjson_val *answer = call(f, "DescribeTable", "{'TableName':'Tab'}");
        size_t i, max;
        yyjson_val *index;
        bool is_active = true;
        yyjson_arr_foreach (yyjson_ptr_get(answer, "/Table/GlobalSecondaryIndexes"), i, max, index)
            is_active &= str_eq(json_get_str(index, "IndexStatus"), STR("ACTIVE"));
        if (is_active)
            return;
    }
}

#define ADD_INDEX                                                                                  \
    "{'TableName':'Tab','AttributeDefinitions':[{'AttributeName':'z','AttributeType':'S'}],"       \
    "'GlobalSecondaryIndexUpdates':[{'Create':{'IndexName':'late','KeySchema':["                   \
    "{'AttributeName':'z','KeyType':'HASH'}],'Projection':{'ProjectionType':'ALL'}}}]}"

static void test_index__added_later_has_the_items_of_before(void **state)
{
    struct fixture *f = *state;
    create_indexed(f);
    for (int i = 0; i < 1200; i++) {
        struct str input = arena_printf(&f->arena,
                                        "{\"TableName\":\"Tab\",\"Item\":{\"p\":{\"S\":\"%d\"},"
                                        "\"s\":{\"S\":\"1\"},\"z\":{\"S\":\"Z\"}}}",
                                        i);
        call(f, "PutItem", input.ptr);
    }
    yyjson_val *answer = call(f, "UpdateTable", ADD_INDEX);
    assert_string_equal(text_at(answer, "TableDescription/GlobalSecondaryIndexes/2/IndexStatus"),
                        "CREATING");
    call(f, "DeleteItem", "{'TableName':'Tab','Key':{'p':{'S':'7'},'s':{'S':'1'}}}");
    call(f, "PutItem", ITEM("8", "1", ",'z':{'S':'Z'},'more':{'S':'more'}"));
    wait_until_filled(f);
    assert_int_equal(index_count(f, "Table/GlobalSecondaryIndexes/2/ItemCount"), 1199);
    answer = call(f, "Query",
                  "{'TableName':'Tab','IndexName':'late','KeyConditionExpression':'z=:z',"
                  "'ExpressionAttributeValues':{':z':{'S':'Z'}},'Select':'COUNT'}");
    assert_int_equal(number_at(answer, "Count"), 1199);
}

static void test_index__can_be_taken_away(void **state)
{
    struct fixture *f = *state;
    create_indexed(f);
    call(f, "PutItem", ITEM("a", "1", ",'g':{'S':'G'},'n':{'N':'1'}"));
    yyjson_val *answer = call(f, "UpdateTable",
                              "{'TableName':'Tab','GlobalSecondaryIndexUpdates':["
                              "{'Delete':{'IndexName':'some'}}]}");
    assert_int_equal(
        yyjson_arr_size(yyjson_ptr_get(answer, "/TableDescription/AttributeDefinitions")), 4);
    fails(f, "Query", QUERY_G, ERR_VALIDATION, "The table does not have the specified index: some");
    fails(f, "UpdateTable",
          "{'TableName':'Tab','GlobalSecondaryIndexUpdates':[{'Delete':{'IndexName':'some'}}]}",
          ERR_DDB_RESOURCE_NOT_FOUND, "Requested resource not found");
}

static void test_index__is_there_after_a_restart(void **state)
{
    struct fixture *f = *state;
    create_indexed(f);
    call(f, "PutItem", ITEM("a", "1", ",'g':{'S':'G'},'n':{'N':'1'}"));
    call(f, "UpdateTable", ADD_INDEX);
    stop_server(f);
    start_server(f);
    wait_until_filled(f);
    assert_int_equal(number_at(call(f, "Query", QUERY_G), "Count"), 1);
    assert_int_equal(index_count(f, "Table/GlobalSecondaryIndexes/0/ItemCount"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_index__has_items_with_its_keys_only),
        TEST(test_index__follows_updates_and_deletions),
        TEST(test_index__sorts_by_its_range_key_across_pages),
        TEST(test_index__of_local_kind_fetches_what_it_does_not_have),
        TEST(test_index__of_global_kind_refuses_what_it_cannot),
        TEST(test_index__refuses_items_with_keys_of_another_type),
        TEST(test_index__costs_are_told_by_index),
        TEST(test_index__added_later_has_the_items_of_before),
        TEST(test_index__can_be_taken_away),
        TEST(test_index__is_there_after_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
