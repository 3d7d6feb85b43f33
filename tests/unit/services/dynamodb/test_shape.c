/* Inputs against the shapes of their operations. */
#include "../../check.h"
#include "base/buf.h"
#include "services/dynamodb/shape.h"

/* What the check says of an input in JSON where ' is ". */
static const char *check(const char *operation, const char *input, enum err expected)
{
    static struct error error;
    struct arena arena = {0};
    char *text = arena_cstr(&arena, str_from(input));
    for (char *c = text; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    yyjson_val *value = json_parse(&arena, str_from(text));
    assert_non_null(value);
    error.message[0] = '\0';
    assert_int_equal(ddb_shape_check(ddb_shape_of_input(operation), value, &arena, &error),
                     expected);
    arena_release(&arena);
    return error.message;
}

static void test_shape__takes_what_fits(void **state)
{
    (void)state;
    check("GetItem", "{'TableName':'abc','Key':{'a':{'S':'x'}},'ConsistentRead':true}", OK);
    check("GetItem", "{'TableName':'abc','Key':{'a':{'S':'x'}},'Unknown':{'a':1}}", OK);
    check("GetItem", "{'TableName':'abc','Key':{},'ConsistentRead':null}", OK);
}

static void test_shape__tells_all_limits_at_once(void **state)
{
    (void)state;
    assert_string_equal(
        check("Query", "{'TableName':'a;','Limit':0,'Select':'ALL'}", ERR_VALIDATION),
        "3 validation errors detected: Value 'ALL' at 'select' failed to satisfy constraint: "
        "Member must satisfy enum value set: [SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, "
        "ALL_PROJECTED_ATTRIBUTES]; Value 'a;' at 'tableName' failed to satisfy constraint: Member "
        "must satisfy regular expression pattern: [a-zA-Z0-9_.-]+; Value 'a;' at 'tableName' "
        "failed to satisfy constraint: Member must have length greater than or equal to 3");
    assert_string_equal(check("Query", "{'TableName':'abc','Limit':0}", ERR_VALIDATION),
                        "1 validation error detected: Value at 'Limit' failed to satisfy "
                        "constraint: Member must have value greater than or equal to 1");
}

static void test_shape__tells_where_in_lists_and_maps(void **state)
{
    (void)state;
    assert_string_equal(
        check("TransactGetItems", "{'TransactItems':[{'Get':{'TableName':'abc'}}]}",
              ERR_VALIDATION),
        "1 validation error detected: Value null at 'transactItems.1.member.get.key' failed to "
        "satisfy constraint: Member must not be null");
    assert_string_equal(check("BatchGetItem", "{'RequestItems':{'abc':{}}}", ERR_VALIDATION),
                        "1 validation error detected: Value null at "
                        "'requestItems.abc.member.keys' failed to satisfy constraint: Member must "
                        "not be null");
}

static void test_shape__stops_after_ten_errors(void **state)
{
    (void)state;
    const char *message =
        check("TransactGetItems", "{'TransactItems':[{},{},{},{},{},{},{},{},{},{},{},{}]}",
              ERR_VALIDATION);
    assert_true(str_starts(str_from(message), STR("10 validation errors detected: ")));
}

static void test_shape__tells_the_wrong_kind_of_json_first(void **state)
{
    (void)state;
    static const struct {
        const char *input, *message;
    } cases[] = {
        {"{'TableName':1}", "NUMBER_VALUE cannot be converted to String"},
        {"{'TableName':1.5}", "DECIMAL_VALUE cannot be converted to String"},
        {"{'TableName':true}", "TRUE_VALUE cannot be converted to String"},
        {"{'TableName':[]}", "Unrecognized collection type class java.lang.String"},
        {"{'TableName':{}}", "Start of structure or map found where not expected"},
        {"{'Limit':'x'}", "STRING_VALUE cannot be converted to Integer"},
        {"{'ConsistentRead':'x'}", "Unexpected token received from parser"},
        {"{'AttributesToGet':'x'}", "Unexpected field type"},
        {"{'ExclusiveStartKey':'x'}", "Unexpected field type"},
        {"{'ExclusiveStartKey':[]}", "Unrecognized collection type java.util.Map<java.lang.String, "
                                     "com.amazonaws.dynamodb.v20120810.AttributeValue>"},
        {"{'ExclusiveStartKey':{'a':1}}", "Unexpected value type in payload"},
        {"{'ExclusiveStartKey':{'a':{'B':'abc'}}}",
         "Base64 encoded length is expected a multiple of 4 bytes but found: 3"},
        {"{'ExclusiveStartKey':{'a':{'L':[{'M':{'b':{'NS':[1]}}}]}}}",
         "NUMBER_VALUE cannot be converted to String"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(check("Query", cases[i].input, ERR_SERIALIZATION), cases[i].message);
}

static void test_shape__counts_characters_as_java_does(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct error error;
    struct buf input;
    buf_init_arena(&input, &arena, 4096);
    buf_add(&input, STR("{\"TransactItems\":[{\"Get\":{\"TableName\":\"abc\",\"Key\":{}}}],"
                        "\"ClientRequestToken\":\""));
    for (int i = 0; i < 19; i++)
        buf_add(&input, STR("\xF0\x9F\x98\x80")); /* two units of UTF-16 each */
    buf_add(&input, STR("\"}"));
    enum err rc = ddb_shape_check(ddb_shape_of_input("TransactWriteItems"),
                                  json_parse(&arena, buf_str(&input)), &arena, &error);
    assert_int_equal(rc, ERR_VALIDATION);
    assert_true(str_ends(str_from(error.message), STR("length less than or equal to 36")));
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shape__takes_what_fits),
        cmocka_unit_test(test_shape__tells_all_limits_at_once),
        cmocka_unit_test(test_shape__tells_where_in_lists_and_maps),
        cmocka_unit_test(test_shape__stops_after_ten_errors),
        cmocka_unit_test(test_shape__tells_the_wrong_kind_of_json_first),
        cmocka_unit_test(test_shape__counts_characters_as_java_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
