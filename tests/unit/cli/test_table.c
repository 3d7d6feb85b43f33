/* Text in columns. */
#include "cli/table.h"

#include "../check.h"

static struct arena arena;

static int teardown(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static const struct table_column columns[] = {{"NAME", false}, {"COUNT", true}, {"URL", false}};

static struct table new_table(void)
{
    struct table table;
    table_init(&table, &arena, columns, 3);
    return table;
}

static void add(struct table *table, const char *name, const char *count, const char *url)
{
    struct str cells[] = {str_from(name), str_from(count), str_from(url)};
    table_add(table, cells);
}

static struct str written(const struct table *table, size_t width)
{
    struct buf out;
    buf_init_arena(&out, &arena, 64 * 1024);
    table_write(table, width, &out);
    return buf_str(&out);
}

static void test_table__aligns_text_left_and_numbers_right(void **state)
{
    struct table table = new_table();
    (void)state;
    add(&table, "a", "1", "http://x");
    add(&table, "longer", "123456", "");
    assert_str(written(&table, 0), STR("NAME     COUNT  URL\n"
                                       "a            1  http://x\n"
                                       "longer  123456\n"));
}

static void test_table__puts_the_last_column_below_when_it_does_not_fit(void **state)
{
    struct table table = new_table();
    (void)state;
    add(&table, "a", "1", "http://example/one");
    add(&table, "", "", "http://example/two");
    assert_str(written(&table, 20), STR("NAME  COUNT\n"
                                        "a         1\n"
                                        "    http://example/one\n"
                                        "    http://example/two\n"));
}

static void test_table__cuts_names_that_do_not_fit(void **state)
{
    struct table table = new_table();
    (void)state;
    add(&table, "a-function-with-a-long-name", "1", "u");
    assert_str(written(&table, 22), STR("NAME             COUNT\n"
                                        "a-function-wit~      1\n"
                                        "    u\n"));
    assert_str(written(&table, 5), STR("NAME          COUNT\n"
                                       "a-function-~      1\n"
                                       "    u\n"));
}

static void test_table__counts_characters_and_not_bytes(void **state)
{
    struct table table = new_table();
    (void)state;
    add(&table, "\xc3\xa4\xc3\xb6\xc3\xbc", "1", "u");
    add(&table, "aouaou", "2", "u");
    assert_str(written(&table, 0), STR("NAME    COUNT  URL\n"
                                       "\xc3\xa4\xc3\xb6\xc3\xbc         1  u\n"
                                       "aouaou      2  u\n"));
}

static void test_table__does_not_let_names_control_the_terminal(void **state)
{
    struct table table = new_table();
    (void)state;
    add(&table, "a\x1b[2Jb\n", "1", "u");
    assert_str(written(&table, 0), STR("NAME     COUNT  URL\n"
                                       "a?[2Jb?      1  u\n"));
}

static void test_table__keeps_rows_beyond_its_first_room(void **state)
{
    struct table table = new_table();
    (void)state;
    for (int i = 0; i < 100; i++)
        add(&table, "n", "1", "u");
    assert_int_equal(written(&table, 0).len, 101 * strlen("NAME  COUNT  URL\n") - 200);
}

#define TABLE_TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TABLE_TEST(test_table__aligns_text_left_and_numbers_right),
        TABLE_TEST(test_table__puts_the_last_column_below_when_it_does_not_fit),
        TABLE_TEST(test_table__cuts_names_that_do_not_fit),
        TABLE_TEST(test_table__counts_characters_and_not_bytes),
        TABLE_TEST(test_table__does_not_let_names_control_the_terminal),
        TABLE_TEST(test_table__keeps_rows_beyond_its_first_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
