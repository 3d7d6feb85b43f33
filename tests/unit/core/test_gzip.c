/* gzip of request bodies and answers. */
#include "../check.h"
#include "base/buf.h"
#include "core/gzip.h"

static struct str long_text(struct arena *arena)
{
    struct buf text;
    buf_init_arena(&text, arena, SIZE_MAX / 2);
    for (int i = 0; i < 5000; i++)
        buf_printf(&text, "line %d\n", i % 100);
    return buf_str(&text);
}

static void test_gzip__unpacks_what_it_packed(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct str text = long_text(&arena), packed, unpacked;
    assert_true(gzip_pack(&arena, text, &packed));
    assert_true(packed.len < text.len / 4);
    assert_true(gzip_unpack(&arena, packed, text.len, &unpacked));
    assert_true(str_eq(unpacked, text));
    arena_release(&arena);
}

static void test_gzip__refuses_more_than_the_maximum(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct str text = long_text(&arena), packed, unpacked;
    assert_true(gzip_pack(&arena, text, &packed));
    assert_false(gzip_unpack(&arena, packed, text.len - 1, &unpacked));
    arena_release(&arena);
}

static void test_gzip__refuses_what_is_cut_short_or_no_gzip(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct str packed, unpacked;
    assert_true(gzip_pack(&arena, long_text(&arena), &packed));
    assert_false(gzip_unpack(&arena, str_slice(packed, 0, packed.len - 1), 1 << 20, &unpacked));
    assert_false(gzip_unpack(&arena, STR("{}"), 1 << 20, &unpacked));
    assert_false(gzip_unpack(&arena, STR_EMPTY, 1 << 20, &unpacked));
    arena_release(&arena);
}

static void test_gzip__leaves_what_gets_no_shorter(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct str packed;
    assert_false(gzip_pack(&arena, STR("abc"), &packed));
    arena_release(&arena);
}

static void test_gzip__reads_what_is_accepted(void **state)
{
    (void)state;
    assert_true(gzip_is_accepted(STR("gzip"), STR("gzip")));
    assert_true(gzip_is_accepted(STR("deflate, GZIP;q=0.5"), STR("gzip")));
    assert_true(gzip_is_accepted(STR("*"), STR("gzip")));
    assert_false(gzip_is_accepted(STR("identity"), STR("gzip")));
    assert_false(gzip_is_accepted(STR("gzip;q=0, br"), STR("gzip")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gzip__unpacks_what_it_packed),
        cmocka_unit_test(test_gzip__refuses_more_than_the_maximum),
        cmocka_unit_test(test_gzip__refuses_what_is_cut_short_or_no_gzip),
        cmocka_unit_test(test_gzip__leaves_what_gets_no_shorter),
        cmocka_unit_test(test_gzip__reads_what_is_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
