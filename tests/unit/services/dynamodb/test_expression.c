/* Expressions on one item: what holds, what changes, what is refused and how. */
#include "services/dynamodb/expression.h"

#include "../../check.h"

static const char item_json[] =
    "{\"id\":{\"S\":\"a1\"},\"n\":{\"N\":\"10\"},\"t\":{\"BOOL\":true},\"z\":{\"NULL\":true},"
    "\"l\":{\"L\":[{\"N\":\"1\"},{\"M\":{\"k\":{\"S\":\"deep\"}}},{\"S\":\"x\"}]},"
    "\"m\":{\"M\":{\"a\":{\"M\":{\"b\":{\"N\":\"5\"}}},\"size\":{\"S\":\"big\"}}},"
    "\"ss\":{\"SS\":[\"p\",\"q\"]},\"ns\":{\"NS\":[\"1\",\"2.5\"]},\"b\":{\"B\":\"AAEC\"}}";

static const char names_json[] = "{\"#s\":\"size\",\"#n\":\"n\",\"#odd\":\"a.b c\"}";

static const char values_json[] =
    "{\":one\":{\"N\":\"1\"},\":five\":{\"N\":\"5\"},\":ten\":{\"N\":\"10.0\"},\":a\":{\"S\":\"a\"}"
    ","
    "\":a1\":{\"S\":\"a1\"},\":p\":{\"S\":\"p\"},\":x\":{\"S\":\"x\"},\":S\":{\"S\":\"S\"},"
    "\":three\":{\"N\":\"3\"},\":l\":{\"L\":[{\"S\":\"new\"}]},\":ss\":{\"SS\":[\"q\",\"r\"]},"
    "\":bytes\":{\"B\":\"AAE=\"},\":t\":{\"BOOL\":true},\":m\":{\"M\":{\"k\":{\"S\":\"deep\"}}},"
    "\":two5\":{\"N\":\"2.5\"},\":smile\":{\"S\":\"\xf0\x9f\x98\x80!\"}}";

struct fixture {
    struct arena arena;
    struct error error;
    struct ddb_value item;
    struct ddb_substitutions *with;
};

static int setup(void **state)
{
    static struct fixture f;
    f = (struct fixture){0};
    yyjson_val *wire = json_parse(&f.arena, str_from(item_json));
    assert_int_equal(ddb_item_read(wire, &f.arena, false, &f.item, &f.error), OK);
    assert_int_equal(ddb_substitutions_read(json_parse(&f.arena, str_from(names_json)),
                                            json_parse(&f.arena, str_from(values_json)), &f.arena,
                                            &f.with, &f.error),
                     OK);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    arena_release(&((struct fixture *)*state)->arena);
    return 0;
}

static void test_condition__holds_or_not(void **state)
{
    static const struct {
        const char *text;
        bool holds;
    } cases[] = {
        {"id = :a1", true},
        {"id <> :a1", false},
        {"n = :ten", true},
        {"n > :five and n < :ten", false},
        {"n BETWEEN :five AND :ten", true},
        {"n IN (:one, :five)", false},
        {"n in (:one, :ten)", true},
        {"NOT n = :one", true},
        {"n = :one OR id = :a1", true},
        {"n = :one or n = :five and id = :a1", false},
        {"(n = :one or n = :ten) and id = :a1", true},
        {"attribute_exists(m.a.b)", true},
        {"attribute_exists(m.a.c)", false},
        {"attribute_not_exists(l[3])", true},
        {"attribute_type(id, :S)", true},
        {"begins_with(id, :a)", true},
        {"begins_with(b, :bytes)", true},
        {"contains(id, :a)", true},
        {"contains(ss, :p)", true},
        {"contains(ss, :x)", false},
        {"contains(ns, :two5)", true},
        {"contains(l, :x)", true},
        {"contains(l, :m)", true},
        {"size(l) = :three", true},
        {"size(id) < :three", true},
        {"size(b) = :three", true},
        {"size(n) = :three", false},
        {"size(absent) > :one", false},
        {"size(n) = size(n)", false},
        {"size(:smile) = :three", true}, /* an emoji is two characters of UTF-16 */
        {"l[1].k = :x", false},
        {"l[1] = :m", true},
        {"m.#s <> :x", true},
        {"m.a.b = :five", true},
        {"absent = :x", false},
        {"absent <> :x", true},
        {"absent <> nowhere", true},
        {"(size(l)) = :three", true},
        {"(n)between(:one)and(:ten)", true},
        {"n in ((:one),(:ten))", true},
        {"begins_with((id),:a)", true},
        {"(attribute_exists(n)) and not (n = :one)", true},
        {"not(not(n = :one)) or id = :a1", true},
        {"absent > :x", false},
        {"n > :a", false},
        {"t = :t", true},
        {"#odd = :x", false},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct ddb_condition *condition;
        if (ddb_condition_parse(str_from(cases[i].text), "ConditionExpression", f->with, &f->arena,
                                &condition, &f->error))
            fail_msg("%s: %s", cases[i].text, f->error.message);
        if (ddb_condition_holds(condition, &f->item) != cases[i].holds)
            fail_msg("%s is not %d", cases[i].text, cases[i].holds);
    }
}

static void test_condition__errors_are_dynamodbs(void **state)
{
    static const char *const cases[][2] = {
        {"", "Invalid ConditionExpression: The expression can not be empty;"},
        {"id =", "Invalid ConditionExpression: Syntax error; token: \"<EOF>\", near: \"=\""},
        {"id == :a", "Invalid ConditionExpression: Syntax error; token: \"=\", near: \"== :a\""},
        {"id = :nope", "Invalid ConditionExpression: An expression attribute value used in "
                       "expression is not defined; attribute value: :nope"},
        {"#nope = :a", "Invalid ConditionExpression: An expression attribute name used in the "
                       "document path is not defined; attribute name: #nope"},
        {"size = :a", "Invalid ConditionExpression: Attribute name is a reserved keyword; reserved "
                      "keyword: size"},
        {"foo(id)", "Invalid ConditionExpression: Invalid function name; function: foo"},
        {"begins_with(id)",
         "Invalid ConditionExpression: Incorrect number of operands for operator "
         "or function; operator or function: begins_with, number of operands: "
         "1"},
        {"attribute_exists(:a)", "Invalid ConditionExpression: Operator or function requires a "
                                 "document path; operator or function: attribute_exists"},
        {"id = id", "Invalid ConditionExpression: The first operand must be distinct from the "
                    "remaining operands for this operator or function; operator: =, first operand: "
                    "[id]"},
        {"contains(id, id)",
         "Invalid ConditionExpression: The first operand must be distinct from the remaining "
         "operands for this operator or function; operator: contains, first operand: [id]"},
        {"n < :ss", "Invalid ConditionExpression: Incorrect operand type for operator or function; "
                    "operator or function: <, operand type: SS"},
        {"n between :ss and :one", "Invalid ConditionExpression: Incorrect operand type for "
                                   "operator or function; operator or function: BETWEEN, operand "
                                   "type: SS"},
        {"size(:one) = :one", "Invalid ConditionExpression: Incorrect operand type for operator or "
                              "function; operator or function: size, operand type: N"},
        {"_abc = :a", "Invalid ConditionExpression: Syntax error; token: \"_\", near: \"_abc\""},
        {"id", "Invalid ConditionExpression: Syntax error; token: \"<EOF>\", near: \"id\""},
        {"(id = :a) = :a",
         "Invalid ConditionExpression: Syntax error; token: \"=\", near: \") = :a\""},
        {"size(id)", "Invalid ConditionExpression: The function is not allowed to be used this way "
                     "in an expression; function: size"},
        {"attribute_exists(id) = :a", "Invalid ConditionExpression: The function is not allowed to "
                                      "be used this way in an expression; function: "
                                      "attribute_exists"},
        {"if_not_exists(id, :a)", "Invalid ConditionExpression: The function is not allowed in a "
                                  "condition expression; function: if_not_exists"},
        {"size(id, n) = :one",
         "Invalid ConditionExpression: Incorrect number of operands for operator or function; "
         "operator or function: size, number of operands: 2"},
        {"((id)) = :a", "Invalid ConditionExpression: The expression has redundant parentheses;"},
        /* The kinds of mistakes have an order of their own, whatever the order of the text. */
        {"size = :a and foo(id) and ((id = :nope)) and id = id and",
         "Invalid ConditionExpression: Syntax error; token: \"<EOF>\", near: \"and\""},
        {"id = id and n < :ss and begins_with(id) and id = :nope and ((id = :a)) and foo(id) and "
         "size = :a",
         "Invalid ConditionExpression: Attribute name is a reserved keyword; reserved keyword: "
         "size"},
        {"id = id and n < :ss and begins_with(id) and id = :nope and ((id = :a)) and foo(id)",
         "Invalid ConditionExpression: Invalid function name; function: foo"},
        {"id = id and n < :ss and begins_with(id) and id = :nope and ((id = :a))",
         "Invalid ConditionExpression: The expression has redundant parentheses;"},
        {"id = id and n < :ss and begins_with(id) and id = :nope",
         "Invalid ConditionExpression: An expression attribute value used in expression is not "
         "defined; attribute value: :nope"},
        {"id = id and n < :ss and begins_with(id)",
         "Invalid ConditionExpression: Incorrect number of operands for operator or function; "
         "operator or function: begins_with, number of operands: 1"},
        {"id = id and n < :ss",
         "Invalid ConditionExpression: Incorrect operand type for operator or function; operator "
         "or function: <, operand type: SS"},
        {"((id = :a))", "Invalid ConditionExpression: The expression has redundant parentheses;"},
        {"(id = :a OR ((n = :one)))",
         "Invalid ConditionExpression: The expression has redundant parentheses;"},
        {"n between :ten and :one", "Invalid ConditionExpression: The BETWEEN operator requires "
                                    "upper bound to be greater than "
                                    "or equal to lower bound; lower bound operand: AttributeValue: "
                                    "{N:10}, upper bound operand: "
                                    "AttributeValue: {N:1}"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct ddb_condition *condition;
        assert_int_equal(ddb_condition_parse(str_from(cases[i][0]), "ConditionExpression", f->with,
                                             &f->arena, &condition, &f->error),
                         ERR_VALIDATION);
        assert_str(str_from(f->error.message), str_from(cases[i][1]));
    }
}

static void test_condition__has_no_more_than_300_operators(void **state)
{
    struct fixture *f = *state;
    struct buf text;
    const struct ddb_condition *condition;
    buf_init_arena(&text, &f->arena, 8192);
    buf_add(&text, STR("n=:one"));
    for (int i = 0; i < 150; i++)
        buf_add(&text, STR(" or n=:one"));
    assert_int_equal(ddb_condition_parse(buf_str(&text), "FilterExpression", f->with, &f->arena,
                                         &condition, &f->error),
                     ERR_VALIDATION);
    assert_non_null(strstr(f->error.message, "too many operators; operator count: 301"));
}

static void test_condition__is_nested_as_deeply_as_its_operators_allow(void **state)
{
    struct fixture *f = *state;
    struct buf text;
    const struct ddb_condition *condition;
    buf_init_arena(&text, &f->arena, 8192);
    for (int i = 0; i < 149; i++)
        buf_add(&text, STR("(n=:one or "));
    buf_add(&text, STR("n=:ten"));
    for (int i = 0; i < 149; i++)
        buf_add_byte(&text, ')');
    assert_int_equal(ddb_condition_parse(buf_str(&text), "FilterExpression", f->with, &f->arena,
                                         &condition, &f->error),
                     OK);
    assert_true(ddb_condition_holds(condition, &f->item));
    buf_init_arena(&text, &f->arena, 8192);
    for (int i = 0; i < 4000; i++)
        buf_add_byte(&text, '(');
    assert_int_equal(ddb_condition_parse(buf_str(&text), "FilterExpression", f->with, &f->arena,
                                         &condition, &f->error),
                     ERR_VALIDATION);
}

static struct str updated(struct fixture *f, const char *text, const char *path)
{
    struct ddb_update update;
    struct ddb_value changed;
    struct buf out;
    if (ddb_update_parse(str_from(text), f->with, &f->arena, &update, &f->error) ||
        ddb_update_apply(&update, &f->item, &f->arena, &changed, &f->error))
        return arena_str(&f->arena, str_from(f->error.message));
    const struct ddb_value *value = ddb_map_get(&changed, str_from(path));
    if (!value)
        return STR("(missing)");
    buf_init_arena(&out, &f->arena, 4096);
    ddb_value_write(value, &out);
    return buf_str(&out);
}

static void test_update__changes_the_item(void **state)
{
    static const char *const cases[][3] = {
        {"SET n = n + :one", "n", "{\"N\":\"11\"}"},
        {"SET n = :one - n", "n", "{\"N\":\"-9\"}"},
        {"set other1 = :x", "other1", "{\"S\":\"x\"}"},
        {"SET n = if_not_exists(n, :one)", "n", "{\"N\":\"10\"}"},
        {"SET k = if_not_exists(k, :one) + :five", "k", "{\"N\":\"6\"}"},
        {"SET m.a.b = :x", "m",
         "{\"M\":{\"a\":{\"M\":{\"b\":{\"S\":\"x\"}}},\"size\":{\"S\":\"big\"}}}"},
        {"SET l[0] = :x", "l",
         "{\"L\":[{\"S\":\"x\"},{\"M\":{\"k\":{\"S\":\"deep\"}}},{\"S\":\"x\"}]}"},
        {"SET l[9] = :one", "l",
         "{\"L\":[{\"N\":\"1\"},{\"M\":{\"k\":{\"S\":\"deep\"}}},{\"S\":\"x\"},{\"N\":\"1\"}]}"},
        {"SET l[84] = :one, l[37] = :x", "l",
         "{\"L\":[{\"N\":\"1\"},{\"M\":{\"k\":{\"S\":\"deep\"}}},{\"S\":\"x\"},{\"S\":\"x\"},"
         "{\"N\":\"1\"}]}"},
        {"SET n = (n + :one)", "n", "{\"N\":\"11\"}"},
        {"SET n = (n) - (:one)", "n", "{\"N\":\"9\"}"},
        {"SET k = if_not_exists((k), (:one))", "k", "{\"N\":\"1\"}"},
        {"DELETE m.absent :ss", "n", "{\"N\":\"10\"}"},
        {"SET l = list_append(:l, l)", "l",
         "{\"L\":[{\"S\":\"new\"},{\"N\":\"1\"},{\"M\":{\"k\":{\"S\":\"deep\"}}},{\"S\":\"x\"}]}"},
        {"REMOVE l[0], l[2]", "l", "{\"L\":[{\"M\":{\"k\":{\"S\":\"deep\"}}}]}"},
        {"REMOVE n", "n", "(missing)"},
        {"REMOVE nothing", "n", "{\"N\":\"10\"}"},
        {"ADD n :five", "n", "{\"N\":\"15\"}"},
        {"ADD fresh :five", "fresh", "{\"N\":\"5\"}"},
        {"ADD ss :ss", "ss", "{\"SS\":[\"p\",\"q\",\"r\"]}"},
        {"DELETE ss :ss", "ss", "{\"SS\":[\"p\"]}"},
        {"SET n = :one REMOVE t ADD k :one DELETE ss :ss", "k", "{\"N\":\"1\"}"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_str(updated(f, cases[i][0], cases[i][1]), str_from(cases[i][2]));
}

static void test_update__leaves_the_old_item_alone(void **state)
{
    struct fixture *f = *state;
    struct buf before, after;
    buf_init_arena(&before, &f->arena, 4096);
    buf_init_arena(&after, &f->arena, 4096);
    ddb_item_write(&f->item, &before);
    updated(f, "SET m.a.b = :x, l[0] = :x REMOVE l[1].k ADD ss :ss", "m");
    ddb_item_write(&f->item, &after);
    assert_str(buf_str(&after), buf_str(&before));
}

static void test_update__errors_are_dynamodbs(void **state)
{
    static const char *const cases[][2] = {
        {"SET", "Invalid UpdateExpression: Syntax error; token: \"<EOF>\", near: \"SET\""},
        {"SET n = absent", "The provided expression refers to an attribute that does not exist in "
                           "the item"},
        {"SET n = ((n + :one))",
         "Invalid UpdateExpression: The expression has redundant parentheses;"},
        {"SET n = size(n)", "Invalid UpdateExpression: The function is not allowed in an update "
                            "expression; function: size"},
        {"SET l = list_append(list_append(l, :l), :l)",
         "Invalid UpdateExpression: The function is not allowed to be used this way in an "
         "expression; function: list_append"},
        {"SET n = if_not_exists(n)",
         "Invalid UpdateExpression: Incorrect number of operands for operator or function; "
         "operator or function: if_not_exists, number of operands: 1"},
        {"SET n = if_not_exists(:one, :one)",
         "Invalid UpdateExpression: Operator or function requires a document path; operator or "
         "function: if_not_exists"},
        {"SET n = :nope SET size = :one", "Invalid UpdateExpression: The \"SET\" section can only "
                                          "be used once in an update expression;"},
        {"DELETE absent.a :ss",
         "The document path provided in the update expression is invalid for update"},
        {"SET n = n + :a", "Invalid UpdateExpression: Incorrect operand type for operator or "
                           "function; operator or function: +, operand type: S"},
        {"SET n = id + :one", "An operand in the update expression has an incorrect data type"},
        {"SET n.x = :one",
         "The document path provided in the update expression is invalid for update"},
        {"SET absent.x = :one",
         "The document path provided in the update expression is invalid for update"},
        {"ADD n :a", "Invalid UpdateExpression: Incorrect operand type for operator or function; "
                     "operator: ADD, operand type: STRING"},
        {"SET n = :one SET k = :one", "Invalid UpdateExpression: The \"SET\" section can only be "
                                      "used once in an update expression;"},
        {"SET m.a = :one REMOVE m.a.b",
         "Invalid UpdateExpression: Two document paths overlap with each other; must remove or "
         "rewrite one of these paths; path one: [m, a], path two: [m, a, b]"},
        {"SET m.a = :one REMOVE m[1]",
         "Invalid UpdateExpression: Two document paths conflict with each other; must remove or "
         "rewrite one of these paths; path one: [m, a], path two: [m, [1]]"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_str(updated(f, cases[i][0], "n"), str_from(cases[i][1]));
}

static void test_projection__takes_the_parts(void **state)
{
    static const char *const cases[][2] = {
        {"id", "{\"id\":{\"S\":\"a1\"}}"},
        {"m.a.b, l[2]",
         "{\"l\":{\"L\":[{\"S\":\"x\"}]},\"m\":{\"M\":{\"a\":{\"M\":{\"b\":{\"N\":\"5\"}}}}}}"},
        {"l[2], l[0]", "{\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"x\"}]}}"},
        {"absent, l[7], n.x", "{}"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ddb_projection projection;
        struct ddb_value part;
        struct buf out;
        assert_int_equal(
            ddb_projection_parse(str_from(cases[i][0]), f->with, &f->arena, &projection, &f->error),
            OK);
        ddb_projection_apply(&projection, &f->item, &f->arena, &part);
        buf_init_arena(&out, &f->arena, 4096);
        ddb_item_write(&part, &out);
        assert_str(buf_str(&out), str_from(cases[i][1]));
    }
}

static void test_substitutions__tells_what_was_not_used(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(ddb_substitutions_check_used(f->with, &f->error), ERR_VALIDATION);
    assert_str(str_from(f->error.message),
               STR("Value provided in ExpressionAttributeNames unused in expressions: keys: {#s, "
                   "#n, #odd}"));
}

static void test_reserved__knows_the_words_in_any_case(void **state)
{
    (void)state;
    assert_true(ddb_is_reserved(STR("ABORT")));
    assert_true(ddb_is_reserved(STR("zone")));
    assert_true(ddb_is_reserved(STR("Timestamp")));
    assert_false(ddb_is_reserved(STR("noteId")));
    assert_false(ddb_is_reserved(STR("")));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_condition__holds_or_not),
        TEST(test_condition__errors_are_dynamodbs),
        TEST(test_condition__has_no_more_than_300_operators),
        TEST(test_condition__is_nested_as_deeply_as_its_operators_allow),
        TEST(test_update__changes_the_item),
        TEST(test_update__leaves_the_old_item_alone),
        TEST(test_update__errors_are_dynamodbs),
        TEST(test_projection__takes_the_parts),
        TEST(test_substitutions__tells_what_was_not_used),
        TEST(test_reserved__knows_the_words_in_any_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
