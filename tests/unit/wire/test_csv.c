/* Comma-separated values. */
#include "../check.h"
#include "wire/csv.h"

/* The rows of a text, fields in brackets. */
static struct str rows(struct arena *arena, const char *text)
{
    struct str rest = str_from(text);
    struct csv_row row;
    struct buf out;
    buf_init_arena(&out, arena, 4096);
    while (csv_next(&rest, arena, &row)) {
        for (size_t i = 0; i < row.count; i++)
            buf_printf(&out, "[%.*s]", STR_ARG(row.fields[i]));
        buf_printf(&out, "%zu;", row.lines);
    }
    return buf_str(&out);
}

static void test_csv__reads_rows_and_fields(void **state)
{
    (void)state;
    struct arena arena = {0};
    assert_str(rows(&arena, "a,b\nc,,d\r\n"), STR("[a][b]1;[c][][d]1;"));
    assert_str(rows(&arena, "a,"), STR("[a][]1;"));
    assert_str(rows(&arena, "\nx"), STR("[]1;[x]1;"));
    assert_str(rows(&arena, ""), STR(""));
    arena_release(&arena);
}

static void test_csv__reads_quoted_fields(void **state)
{
    (void)state;
    struct arena arena = {0};
    assert_str(rows(&arena, "\"a,\"\"b\"\"\",\"c\nd\"\r\ne"), STR("[a,\"b\"][c\nd]2;[e]1;"));
    assert_str(rows(&arena, "a\"b,\"\""), STR("[a\"b][]1;"));
    assert_str(rows(&arena, "\"never closed\n"), STR("[never closed\n]2;"));
    arena_release(&arena);
}

static void test_csv__reads_back_what_it_wrote(void **state)
{
    (void)state;
    static const char *const fields[] = {"plain", "",           " spaced ",
                                         "a,b",   "say \"hi\"", "two\r\nlines"};
    struct arena arena = {0};
    struct buf text;
    struct csv_row row;
    buf_init_arena(&text, &arena, 4096);
    for (size_t i = 0; i < 6; i++) {
        buf_add(&text, i ? STR(",") : STR_EMPTY);
        csv_add(&text, str_from(fields[i]));
    }
    struct str rest = buf_str(&text);
    assert_true(csv_next(&rest, &arena, &row));
    assert_int_equal(row.count, 6);
    for (size_t i = 0; i < 6; i++)
        assert_str(row.fields[i], str_from(fields[i]));
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv__reads_rows_and_fields),
        cmocka_unit_test(test_csv__reads_quoted_fields),
        cmocka_unit_test(test_csv__reads_back_what_it_wrote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
