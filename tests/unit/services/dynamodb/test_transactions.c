/* Transactions and their tokens. */
#include "fixture.h"
#include "services/dynamodb/token.h"

#define NOW_MS 1700000000000

#define COUNT(token)                                                                               \
    "{'ClientRequestToken':'" token "','TransactItems':[{'Update':{'TableName':'Tab','Key':{"      \
    "'p':{'S':'a'},'s':{'S':'1'}},'UpdateExpression':'ADD c :one','ExpressionAttributeValues':{"   \
    "':one':{'N':'1'}}}}]}"
#define GET "{'TableName':'Tab','Key':{'p':{'S':'a'},'s':{'S':'1'}}}"

static const char *count(struct fixture *f)
{
    return text_at(call(f, "GetItem", GET), "Item/c/N");
}

static void test_transaction__with_a_token_happens_once_in_ten_minutes(void **state)
{
    struct fixture *f = *state;
    clock_fake_ms(NOW_MS);
    create_indexed(f);
    call(f, "TransactWriteItems", COUNT("t"));
    clock_fake_ms(NOW_MS + DDB_TOKEN_MS);
    call(f, "TransactWriteItems", COUNT("t"));
    assert_string_equal(count(f), "1");
    clock_fake_ms(NOW_MS + DDB_TOKEN_MS + 1);
    call(f, "TransactWriteItems", COUNT("t"));
    assert_string_equal(count(f), "2");
}

static void test_transaction__drops_tokens_that_are_over(void **state)
{
    struct fixture *f = *state;
    static const char none[9] = {0};
    struct str prefix = str_make(none, 8), key, value;
    size_t rows = 0;
    clock_fake_ms(NOW_MS);
    create_indexed(f);
    call(f, "TransactWriteItems", COUNT("t1"));
    clock_fake_ms(NOW_MS + 2 * DDB_TOKEN_MS);
    call(f, "TransactWriteItems", COUNT("t2"));
    struct store_iter *iter =
        store_iter_new(f->skylite.store, STORE_ITEMS, prefix,
                       store_prefix_end(&f->arena, STR("\0\0\0\0\0\0\0\1")), false);
    while (store_iter_next(iter, &key, &value))
        rows += str_starts(key, prefix);
    store_iter_free(iter);
    assert_int_equal(rows, 2); /* of the one token that counts */
}

static void test_transaction__changes_indexes_and_figures_once(void **state)
{
    struct fixture *f = *state;
    create_indexed(f);
    call(f, "TransactWriteItems",
         "{'TransactItems':[{'Put':{'TableName':'Tab','Item':{'p':{'S':'a'},'s':{'S':'1'},"
         "'n':{'N':'1'}}}},{'Put':{'TableName':'Tab','Item':{'p':{'S':'a'},'s':{'S':'2'},"
         "'n':{'N':'1'}}}}]}");
    fails(f, "TransactWriteItems",
          "{'TransactItems':[{'Delete':{'TableName':'Tab','Key':{'p':{'S':'a'},'s':{'S':'1'}}}},"
          "{'ConditionCheck':{'TableName':'Tab','Key':{'p':{'S':'a'},'s':{'S':'2'}},"
          "'ConditionExpression':'attribute_not_exists(p)'}}]}",
          ERR_DDB_TRANSACTION_CANCELED,
          "Transaction cancelled, please refer cancellation reasons for specific reasons [None, "
          "ConditionalCheckFailed]");
    yyjson_val *table = call(f, "DescribeTable", "{'TableName':'Tab'}");
    assert_int_equal(number_at(table, "Table/ItemCount"), 2);
    assert_int_equal(number_at(table, "Table/GlobalSecondaryIndexes/1/ItemCount"), 2);
}

static void test_transaction__tells_reasons_in_order(void **state)
{
    struct fixture *f = *state;
    create_indexed(f);
    fails(f, "TransactWriteItems",
          "{'TransactItems':[{'Put':{'TableName':'Tab','Item':{'p':{'S':'a'},'s':{'S':'1'}}}},"
          "{'Delete':{'TableName':'Tab','Key':{'p':{'S':'a'}}}}]}",
          ERR_DDB_TRANSACTION_CANCELED,
          "Transaction cancelled, please refer cancellation reasons for specific reasons [None, "
          "ValidationError]");
}

static void test_batch__refuses_an_item_given_twice(void **state)
{
    struct fixture *f = *state;
    create_indexed(f);
    fails(f, "BatchWriteItem",
          "{'RequestItems':{'Tab':[{'PutRequest':{'Item':{'p':{'S':'a'},'s':{'S':'1'}}}},"
          "{'DeleteRequest':{'Key':{'s':{'S':'1'},'p':{'S':'a'}}}}]}}",
          ERR_VALIDATION, "Provided list of item keys contains duplicates");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_transaction__with_a_token_happens_once_in_ten_minutes),
        TEST(test_transaction__drops_tokens_that_are_over),
        TEST(test_transaction__changes_indexes_and_figures_once),
        TEST(test_transaction__tells_reasons_in_order),
        TEST(test_batch__refuses_an_item_given_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
