/* Operations on tables, and what items and tables owe each other. */
#include "fixture.h"

#define PLAIN(name, more)                                                                          \
    "{'TableName':'" name "','BillingMode':'PAY_PER_REQUEST','AttributeDefinitions':["             \
    "{'AttributeName':'p','AttributeType':'S'}],'KeySchema':["                                     \
    "{'AttributeName':'p','KeyType':'HASH'}]" more "}"

static void test_table__names_keys_without_definition(void **state)
{
    struct fixture *f = *state;
    fails(f, "CreateTable",
          "{'TableName':'Tab','BillingMode':'PAY_PER_REQUEST','AttributeDefinitions':["
          "{'AttributeName':'a','AttributeType':'S'}],'KeySchema':["
          "{'AttributeName':'b','KeyType':'HASH'}]}",
          ERR_VALIDATION,
          "One or more parameter values were invalid: Some index key attributes are not defined in "
          "AttributeDefinitions. Keys: [b], AttributeDefinitions: [a]");
}

static void test_table__lists_names_behind_a_start(void **state)
{
    struct fixture *f = *state;
    call(f, "CreateTable", PLAIN("Aaa", ""));
    call(f, "CreateTable", PLAIN("Bbb", ""));
    call(f, "CreateTable", PLAIN("Ccc", ""));
    yyjson_val *answer = call(f, "ListTables", "{'Limit':1,'ExclusiveStartTableName':'Aaa'}");
    assert_string_equal(text_at(answer, "TableNames/0"), "Bbb");
    assert_string_equal(text_at(answer, "LastEvaluatedTableName"), "Bbb");
    fails(f, "ListTables", "{'ExclusiveStartTableName':'a'}", ERR_VALIDATION,
          "1 validation error detected: Value 'a' at 'exclusiveStartTableName' failed to satisfy "
          "constraint: Member must have length greater than or equal to 3");
}

static void test_table__figures_follow_items(void **state)
{
    struct fixture *f = *state;
    call(f, "CreateTable", PLAIN("Tab", ""));
    call(f, "PutItem", "{'TableName':'Tab','Item':{'p':{'S':'a'},'x':{'S':'12345'}}}");
    call(f, "PutItem", "{'TableName':'Tab','Item':{'p':{'S':'a'},'x':{'S':'1'}}}");
    yyjson_val *answer = call(f, "DescribeTable", "{'TableName':'Tab'}");
    assert_int_equal(number_at(answer, "Table/ItemCount"), 1);
    assert_int_equal(number_at(answer, "Table/TableSizeBytes"), 4);
}

static void test_table__of_the_same_name_is_empty(void **state)
{
    struct fixture *f = *state;
    call(f, "CreateTable", PLAIN("Tab", ""));
    call(f, "PutItem", "{'TableName':'Tab','Item':{'p':{'S':'a'}}}");
    call(f, "DeleteTable", "{'TableName':'Tab'}");
    fails(f, "PutItem", "{'TableName':'Tab','Item':{'p':{'S':'a'}}}", ERR_DDB_RESOURCE_NOT_FOUND,
          "Requested resource not found");
    call(f, "CreateTable", PLAIN("Tab", ""));
    assert_int_equal(number_at(call(f, "Scan", "{'TableName':'Tab'}"), "Count"), 0);
}

static void test_table__protected_stays(void **state)
{
    struct fixture *f = *state;
    call(f, "CreateTable", PLAIN("Tab", ",'DeletionProtectionEnabled':true"));
    fails(f, "DeleteTable", "{'TableName':'Tab'}", ERR_VALIDATION,
          "Resource cannot be deleted as it is currently protected against deletion. Disable "
          "deletion protection first.");
    call(f, "UpdateTable", "{'TableName':'Tab','DeletionProtectionEnabled':false}");
    call(f, "DeleteTable", "{'TableName':'Tab'}");
}

static void test_table__changes_throughput_and_billing(void **state)
{
    struct fixture *f = *state;
    call(f, "CreateTable", PLAIN("Tab", ",'TableClass':'STANDARD'"));
    yyjson_val *answer = call(f, "UpdateTable",
                              "{'TableName':'Tab','BillingMode':'PROVISIONED',"
                              "'ProvisionedThroughput':{'ReadCapacityUnits':5,"
                              "'WriteCapacityUnits':6}}");
    assert_string_equal(text_at(answer, "TableDescription/TableStatus"), "UPDATING");
    answer = call(f, "DescribeTable", "{'TableName':'Tab'}");
    assert_string_equal(text_at(answer, "Table/BillingModeSummary/BillingMode"), "PROVISIONED");
    assert_int_equal(number_at(answer, "Table/ProvisionedThroughput/WriteCapacityUnits"), 6);
    fails(f, "UpdateTable", "{'TableName':'Tab'}", ERR_VALIDATION,
          "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
          "GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required");
}

static enum err write_later(struct store_txn *txn, struct store_write *write, struct error *error)
{
    (void)txn;
    (void)error;
    sem_wait(write->arg);
    return OK;
}

static void forget(struct store_write *write)
{
    (void)write;
}

/* A put that waits for the writer behind the table's deletion must not leave an item behind. */
static void test_table__deleted_takes_no_more_items(void **state)
{
    struct fixture *f = *state;
    struct principal root = root_of();
    sem_t may_go;
    sem_init(&may_go, 0, 0);
    struct store_write hold = {.run = write_later, .done = forget, .arg = &may_go};
    call(f, "CreateTable", PLAIN("Tab", ""));
    store_submit(f->skylite.store, &hold);
    struct fixture_call calls[2];
    static const char *const operations[] = {"DeleteTable", "PutItem"};
    static const char *const inputs[] = {"{\"TableName\":\"Tab\"}",
                                         "{\"TableName\":\"Tab\",\"Item\":{\"p\":{\"S\":\"a\"}}}"};
    for (int i = 0; i < 2; i++) {
        yyjson_val *input = json_parse(&f->arena, str_from(inputs[i]));
        calls[i] = (struct fixture_call){
            .task.run = fixture_call_start,
            .f = f,
            .principal = &root,
            .service = "dynamodb",
            .operation = operations[i],
            .input = yyjson_val_mut_copy(json_doc(&f->arena), input),
        };
        sem_init(&calls[i].is_done, 0, 0);
        loop_post(f->loop, &calls[i].task);
    }
    call(f, "ListTables", "{}"); /* both have been read by the loop */
    sem_post(&may_go);
    for (int i = 0; i < 2; i++) {
        sem_wait(&calls[i].is_done);
        sem_destroy(&calls[i].is_done);
    }
    sem_destroy(&may_go);
    assert_int_equal(calls[0].rc, OK);
    assert_int_equal(calls[1].rc, ERR_DDB_RESOURCE_NOT_FOUND);
}

static void test_item__answers_reach_callers_inside(void **state)
{
    struct fixture *f = *state;
    call(f, "CreateTable", PLAIN("Tab", ""));
    call(f, "PutItem", "{'TableName':'Tab','Item':{'p':{'S':'a'},'x':{'N':'1.50'}}}");
    yyjson_val *answer = call(f, "GetItem", "{'TableName':'Tab','Key':{'p':{'S':'a'}}}");
    assert_string_equal(text_at(answer, "Item/x/N"), "1.5");
}

static void test_item__styles_do_not_mix(void **state)
{
    struct fixture *f = *state;
    fails(f, "PutItem",
          "{'TableName':'Tab','Item':{},'Expected':{},'ConditionExpression':'attribute_exists(p)'}",
          ERR_VALIDATION,
          "Can not use both expression and non-expression parameters in the same request: "
          "Non-expression parameters: {Expected} Expression parameters: {ConditionExpression}");
}

static void test_item__older_parameters_work_as_expressions_do(void **state)
{
    struct fixture *f = *state;
    call(f, "CreateTable", PLAIN("Tab", ""));
    call(f, "PutItem", "{'TableName':'Tab','Item':{'p':{'S':'a'},'n':{'N':'1'}}}");
    fails(f, "PutItem",
          "{'TableName':'Tab','Item':{'p':{'S':'a'}},'Expected':{'p':{'Exists':false}}}",
          ERR_DDB_CONDITIONAL_CHECK_FAILED, "The conditional request failed");
    call(f, "UpdateItem",
         "{'TableName':'Tab','Key':{'p':{'S':'a'}},'AttributeUpdates':{"
         "'n':{'Action':'ADD','Value':{'N':'2'}},'l':{'Action':'ADD','Value':{'L':[{'S':'x'}]}}},"
         "'Expected':{'n':{'ComparisonOperator':'LT','AttributeValueList':[{'N':'2'}]}}}");
    yyjson_val *answer = call(f, "Scan",
                              "{'TableName':'Tab','AttributesToGet':['n'],'ScanFilter':{"
                              "'l':{'ComparisonOperator':'CONTAINS','AttributeValueList':["
                              "{'S':'x'}]}}}");
    assert_string_equal(text_at(answer, "Items/0/n/N"), "3");
    answer = call(f, "Query",
                  "{'TableName':'Tab','KeyConditions':{'p':{'ComparisonOperator':'EQ',"
                  "'AttributeValueList':[{'S':'a'}]}},'Select':'COUNT'}");
    assert_int_equal(number_at(answer, "Count"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_table__names_keys_without_definition),
        TEST(test_table__lists_names_behind_a_start),
        TEST(test_table__figures_follow_items),
        TEST(test_table__of_the_same_name_is_empty),
        TEST(test_table__protected_stays),
        TEST(test_table__changes_throughput_and_billing),
        TEST(test_table__deleted_takes_no_more_items),
        TEST(test_item__answers_reach_callers_inside),
        TEST(test_item__styles_do_not_mix),
        TEST(test_item__older_parameters_work_as_expressions_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
