/* Attribute values: writing and reading. */
#include "skylite/dynamodb.h"

#include "../check.h"

static void test_dynamodb_value__writes_each_type(void **state)
{
    (void)state;
    struct arena arena = {0};
    yyjson_mut_doc *doc = json_doc(&arena);
    yyjson_mut_val *item = yyjson_mut_obj(doc);
    dynamodb_add_s(doc, item, "s", STR("text"));
    dynamodb_add_n(doc, item, "n", -42);
    dynamodb_add_b(doc, item, "b", &arena, STR("hi"));
    dynamodb_add_bool(doc, item, "t", true);
    dynamodb_add_null(doc, item, "z");
    assert_str(json_write(&arena, item),
               STR("{\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"-42\"},\"b\":{\"B\":\"aGk=\"},"
                   "\"t\":{\"BOOL\":true},\"z\":{\"NULL\":true}}"));
    arena_release(&arena);
}

static void test_dynamodb_value__reads_each_type(void **state)
{
    (void)state;
    struct arena arena = {0};
    yyjson_val *item = json_parse(&arena, STR("{\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"-42\"},"
                                              "\"b\":{\"B\":\"aGk=\"},\"t\":{\"BOOL\":true}}"));
    int64_t number = 0;
    bool truth = false;
    struct str bytes = STR_EMPTY;
    assert_str(dynamodb_get_s(item, "s"), STR("text"));
    assert_true(dynamodb_get_n(item, "n", &number));
    assert_int_equal(number, -42);
    assert_true(dynamodb_get_b(item, "b", &arena, &bytes));
    assert_str(bytes, STR("hi"));
    assert_true(dynamodb_get_bool(item, "t", &truth));
    assert_true(truth);
    arena_release(&arena);
}

static void test_dynamodb_value__reads_no_other_type(void **state)
{
    (void)state;
    struct arena arena = {0};
    yyjson_val *item = json_parse(
        &arena, STR("{\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"1.5\"},\"b\":{\"B\":\"!\"}}"));
    int64_t number;
    bool truth;
    struct str bytes;
    assert_null(dynamodb_get_s(item, "n").ptr);
    assert_null(dynamodb_get_s(item, "missing").ptr);
    assert_null(dynamodb_get_s(NULL, "s").ptr);
    assert_false(dynamodb_get_n(item, "n", &number));
    assert_false(dynamodb_get_b(item, "b", &arena, &bytes));
    assert_false(dynamodb_get_bool(item, "s", &truth));
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dynamodb_value__writes_each_type),
        cmocka_unit_test(test_dynamodb_value__reads_each_type),
        cmocka_unit_test(test_dynamodb_value__reads_no_other_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
