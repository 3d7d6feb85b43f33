/* The arena: lifetimes, growth, deferred calls. */
#include "base/arena.h"

#include "../check.h"

static char order[8];
static size_t order_len;

static void note(void *ptr)
{
    order[order_len++] = *(char *)ptr;
}

static void test_arena__runs_deferred_calls_newest_first(void **state)
{
    (void)state;
    struct arena arena = {0};
    char a = 'a', b = 'b';
    order_len = 0;
    arena_defer(&arena, note, &a);
    arena_defer(&arena, note, &b);
    arena_release(&arena);
    assert_str(str_make(order, order_len), STR("ba"));
}

static void test_arena__keeps_what_was_written_across_growth(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct str first = arena_str(&arena, STR("first"));
    char *big = arena_alloc(&arena, 100 * 1024);
    memset(big, 'x', 100 * 1024);
    assert_str(first, STR("first"));
    arena_release(&arena);
}

static void test_arena__realloc_copies_when_something_is_behind(void **state)
{
    (void)state;
    struct arena arena = {0};
    char *text = arena_cstr(&arena, STR("abc"));
    arena_alloc(&arena, 1);
    char *moved = arena_realloc(&arena, text, 4, 64);
    assert_ptr_not_equal(moved, text);
    assert_string_equal(moved, "abc");
    arena_release(&arena);
}

static void test_arena__grows_what_has_a_block_of_its_own_without_leaving_a_copy(void **state)
{
    (void)state;
    enum { SIZE = 3 * 1024 * 1024 };
    struct arena arena = {0};
    char *big = arena_alloc(&arena, SIZE);
    memset(big, 'x', SIZE);
    arena_alloc(&arena, 100);
    size_t before = arena_bytes(&arena);
    big = arena_realloc(&arena, big, SIZE, (size_t)2 * SIZE);
    assert_int_equal(big[SIZE - 1], 'x');
    assert_int_equal(arena_bytes(&arena), before + SIZE);
    arena_reset(&arena);
    arena_release(&arena);
    assert_int_equal(arena_bytes(&arena), 0);
}

static void test_arena__reset_keeps_the_first_block(void **state)
{
    (void)state;
    struct arena arena = {0};
    void *first = arena_alloc(&arena, 16);
    arena_alloc(&arena, 1024 * 1024);
    arena_reset(&arena);
    assert_ptr_equal(arena_alloc(&arena, 16), first);
    arena_release(&arena);
}

static void test_arena__joins_parts_and_ends_them_with_a_nul(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct str joined =
        arena_concat(&arena, STR("table/"), STR_EMPTY, str_make(NULL, 0), STR("Notes"));
    assert_str(joined, STR("table/Notes"));
    assert_int_equal(joined.ptr[joined.len], '\0');
    arena_release(&arena);
}

static void test_arena__formats_texts_of_any_length(void **state)
{
    (void)state;
    struct arena arena = {0};
    for (int len = 250; len < 262; len++) {
        struct str text = arena_printf(&arena, "%*d", len, 7);
        assert_int_equal(text.len, len);
        assert_int_equal(text.ptr[len - 1], '7');
        assert_int_equal(text.ptr[len], '\0');
    }
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arena__runs_deferred_calls_newest_first),
        cmocka_unit_test(test_arena__keeps_what_was_written_across_growth),
        cmocka_unit_test(test_arena__realloc_copies_when_something_is_behind),
        cmocka_unit_test(test_arena__grows_what_has_a_block_of_its_own_without_leaving_a_copy),
        cmocka_unit_test(test_arena__reset_keeps_the_first_block),
        cmocka_unit_test(test_arena__joins_parts_and_ends_them_with_a_nul),
        cmocka_unit_test(test_arena__formats_texts_of_any_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
