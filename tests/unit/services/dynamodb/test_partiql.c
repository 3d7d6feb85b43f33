/* PartiQL: what is understood, and what is said to the rest. */
#include "../../check.h"
#include "base/buf.h"
#include "services/dynamodb/partiql.h"

struct parsed {
    struct arena arena;
    struct error error;
    struct ddb_statement statement;
};

static enum err parse(struct parsed *p, const char *text)
{
    static const struct ddb_value parameters[] = {
        {.type = DDB_S, .text = STR_INIT("p0")},
        {.type = DDB_N, .text = STR_INIT("7")},
    };
    size_t count = 0;
    for (const char *c = text; *c; c++)
        count += *c == '?';
    p->error.message[0] = '\0';
    return ddb_statement_parse(str_from(text), parameters, count, &p->arena, &p->statement,
                               &p->error);
}

static void parses(struct parsed *p, const char *text)
{
    if (parse(p, text))
        fail_msg("%s: %s", text, p->error.message);
}

static int setup(void **state)
{
    *state = calloc(1, sizeof(struct parsed));
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    struct parsed *p = *state;
    arena_release(&p->arena);
    free(p);
    return 0;
}

static struct str item_json(struct parsed *p)
{
    struct buf out;
    buf_init_arena(&out, &p->arena, 4096);
    ddb_item_write(&p->statement.item, &out);
    return buf_str(&out);
}

static void test_partiql__reads_every_kind_of_value(void **state)
{
    struct parsed *p = *state;
    parses(p, "INSERT INTO \"Tab\" VALUE {'s':'it''s','n':-1.50e1,'b':true,'z':null,"
              "'l':[1,'x',[]],'m':{'k':?},'ss':<<'a','b'>>,'ns':<<1,2>>}");
    assert_str(item_json(p),
               STR("{\"s\":{\"S\":\"it's\"},\"n\":{\"N\":\"-15\"},\"b\":{\"BOOL\":true},"
                   "\"z\":{\"NULL\":true},\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"x\"},{\"L\":[]}]},"
                   "\"m\":{\"M\":{\"k\":{\"S\":\"p0\"}}},\"ss\":{\"SS\":[\"a\",\"b\"]},"
                   "\"ns\":{\"NS\":[\"1\",\"2\"]}}"));
}

static void test_partiql__reads_table_index_and_order(void **state)
{
    struct parsed *p = *state;
    parses(p, "select a, b.c[1].\"d e\" from \"Ta.b\".\"by-x\" where x = ? order by x desc, y");
    assert_str(p->statement.table, STR("Ta.b"));
    assert_str(p->statement.index, STR("by-x"));
    assert_int_equal(p->statement.projection->count, 2);
    assert_str(ddb_path_text(&p->statement.projection->paths[1], &p->arena),
               STR("[b, c, [1], d e]"));
    assert_true(p->statement.order[0].is_descending);
    assert_false(p->statement.order[1].is_descending);
}

/* Whether the clause holds for {"a": 1, "s": "xyz", "z": null, "l": ["q"]}. */
static bool holds(struct parsed *p, const char *where)
{
    struct ddb_value element = {.type = DDB_S, .text = STR("q")};
    struct ddb_entry entries[] = {
        {STR("a"), {.type = DDB_N, .text = STR("1")}},
        {STR("s"), {.type = DDB_S, .text = STR("xyz")}},
        {STR("z"), {.type = DDB_NULL, .boolean = true}},
        {STR("l"), {.type = DDB_L, .count = 1, .list = &element}},
    };
    struct ddb_value item = {.type = DDB_M, .count = 4, .map = entries};
    parses(p, arena_printf(&p->arena, "SELECT * FROM T WHERE %s", where).ptr);
    return ddb_condition_holds(p->statement.where, &item);
}

static void test_partiql__evaluates_conditions(void **state)
{
    struct parsed *p = *state;
    assert_true(holds(p, "a = 1 AND s <> 'x'"));
    assert_true(holds(p, "a BETWEEN 0 AND 2"));
    assert_true(holds(p, "a IN [3, 1] AND s IN ('xyz')"));
    assert_true(holds(p, "q IS MISSING AND a IS NOT MISSING"));
    assert_true(holds(p, "z IS NULL AND s IS NOT NULL"));
    assert_true(holds(p, "begins_with(s, 'xy') AND contains(l, 'q')"));
    assert_true(holds(p, "size(s) = 3 AND attribute_type(a, 'N')"));
    assert_true(holds(p, "NOT (a > 1 OR s != 'xyz')"));
    assert_false(holds(p, "a > 1 OR s = 'q' AND a = 1"));
}

static void test_partiql__reads_updates(void **state)
{
    struct parsed *p = *state;
    parses(p, "UPDATE T SET a = a + 1, b.c = list_append(l, [2]) SET s = set_add(s, <<'x'>>) "
              "REMOVE d, e[0] WHERE p = 'x' RETURNING MODIFIED NEW *");
    assert_int_equal(p->statement.update.count, 5);
    assert_int_equal(p->statement.update.actions[0].operand->kind, DDB_OPERAND_PLUS);
    assert_int_equal(p->statement.update.actions[2].kind, DDB_ACTION_ADD);
    assert_int_equal(p->statement.update.actions[4].kind, DDB_ACTION_REMOVE);
    assert_int_equal(p->statement.returning, DDB_RETURNING_MODIFIED_NEW);
}

static void test_partiql__tells_what_is_wrong(void **state)
{
    struct parsed *p = *state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "Statement wasn't well formed, can't be processed: Unexpected term"},
        {"SELECT * FROM", "Statement wasn't well formed, can't be processed: Expected identifier "
                          "for simple path"},
        {"SELECT * FROM T WHERE a", "Statement wasn't well formed, can't be processed: Expected a "
                                    "comparison"},
        {"SELECT * FROM T garbage", "Statement wasn't well formed, can't be processed: Unexpected "
                                    "token after the statement"},
        {"INSERT INTO T VALUE [1]", "Statement wasn't well formed, can't be processed: Expected "
                                    "tuple value to be inserted"},
        {"UPDATE T SET a=1 SET a.b=2 WHERE p=1",
         "Invalid UpdateExpression: Two document paths overlap with each other; must remove or "
         "rewrite one of these paths; path one: [a], path two: [a, b]"},
        {"DELETE FROM T WHERE p=1 RETURNING ALL NEW *",
         "DELETE statement only supports RETURNING ALL OLD *"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(parse(p, cases[i].text), ERR_VALIDATION);
        assert_string_equal(p->error.message, cases[i].message);
    }
}

static void test_partiql__wants_a_value_for_each_question_mark(void **state)
{
    struct parsed *p = *state;
    assert_int_equal(ddb_statement_parse(STR("SELECT * FROM T WHERE a = ?"), NULL, 0, &p->arena,
                                         &p->statement, &p->error),
                     ERR_VALIDATION);
    assert_string_equal(p->error.message,
                        "Number of parameters in request and statement don't match.");
}

static void test_partiql__bounds_nesting(void **state)
{
    struct parsed *p = *state;
    struct buf text;
    buf_init_arena(&text, &p->arena, 8192);
    buf_add(&text, STR("INSERT INTO T VALUE {'a':"));
    for (int i = 0; i < 4000; i++)
        buf_add_byte(&text, '[');
    assert_int_equal(
        ddb_statement_parse(buf_str(&text), NULL, 0, &p->arena, &p->statement, &p->error),
        ERR_VALIDATION);
}

int main(void)
{
#define PARSE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        PARSE_TEST(test_partiql__reads_every_kind_of_value),
        PARSE_TEST(test_partiql__reads_table_index_and_order),
        PARSE_TEST(test_partiql__evaluates_conditions),
        PARSE_TEST(test_partiql__reads_updates),
        PARSE_TEST(test_partiql__tells_what_is_wrong),
        PARSE_TEST(test_partiql__wants_a_value_for_each_question_mark),
        PARSE_TEST(test_partiql__bounds_nesting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
