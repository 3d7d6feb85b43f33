/* Cursors: there and back, and everything that is none. */
#include "cursor.h"

#include "../check.h"
#include "base/encode.h"

static void test_cursor__comes_back_as_the_id(void **state)
{
    (void)state;
    static const struct str ids[] = {
        STR_INIT("018f0000-0000-7000-8000-000000000000"),
        STR_INIT("a"),
        STR_INIT("ab"),
        STR_INIT("abc"),
        STR_INIT("?>~\xC3\xBC\"\\\x01 \xE2\x9C\x93"),
    };
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        struct arena arena = {0};
        struct str id;
        assert_true(cursor_read(&arena, cursor_write(&arena, ids[i]), &id));
        assert_str(id, ids[i]);
        arena_release(&arena);
    }
}

static void test_cursor__goes_into_a_url_as_it_is(void **state)
{
    (void)state;
    struct arena arena = {0};
    for (unsigned i = 0; i < 256; i++) {
        struct str cursor = cursor_write(&arena, arena_printf(&arena, "%c\xC3\xBE>?~%u", 'a', i));
        for (size_t at = 0; at < cursor.len; at++)
            assert_true(cursor.ptr[at] != '+' && cursor.ptr[at] != '/' && cursor.ptr[at] != '=');
    }
    arena_release(&arena);
}

static void refuses(struct str cursor)
{
    struct arena arena = {0};
    struct str id;
    assert_false(cursor_read(&arena, cursor, &id));
    arena_release(&arena);
}

static void refuses_key(struct str key)
{
    struct arena arena = {0};
    struct str cursor = encode_base64(&arena, key);
    while (str_ends(cursor, STR("=")))
        cursor.len--;
    refuses(cursor);
    arena_release(&arena);
}

static void test_cursor__refuses_what_is_not_base64url(void **state)
{
    (void)state;
    refuses(STR_EMPTY);
    refuses(STR("nonsense!"));
    refuses(STR("eyJub3RlSWQiOnsiUyI6ImEifX0=")); /* padded */
    refuses(STR("eyJu+"));
    refuses(STR("eyJub"));
}

static void test_cursor__refuses_what_is_no_key_of_the_table(void **state)
{
    (void)state;
    refuses_key(STR("nonsense"));
    refuses_key(STR("[]"));
    refuses_key(STR("{}"));
    refuses_key(STR("{\"noteId\":\"a\"}"));
    refuses_key(STR("{\"noteId\":{\"N\":\"1\"}}"));
    refuses_key(STR("{\"noteId\":{\"S\":\"\"}}"));
    refuses_key(STR("{\"noteId\":{\"S\":\"a\"},\"other\":{\"S\":\"b\"}}"));
}

static void test_cursor__refuses_an_id_that_is_too_long(void **state)
{
    (void)state;
    struct arena arena = {0};
    char id[2049];
    memset(id, 'x', sizeof(id));
    refuses(cursor_write(&arena, str_make(id, sizeof(id))));
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cursor__comes_back_as_the_id),
        cmocka_unit_test(test_cursor__goes_into_a_url_as_it_is),
        cmocka_unit_test(test_cursor__refuses_what_is_not_base64url),
        cmocka_unit_test(test_cursor__refuses_what_is_no_key_of_the_table),
        cmocka_unit_test(test_cursor__refuses_an_id_that_is_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
