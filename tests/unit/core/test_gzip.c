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

static void test_gzip__unpacks_all_members(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct buf both;
    struct str text = long_text(&arena), packed, unpacked;
    buf_init_arena(&both, &arena, SIZE_MAX / 2);
    assert_true(gzip_pack(&arena, text, &packed));
    buf_add(&both, packed);
    buf_add(&both, packed);
    assert_true(gzip_unpack(&arena, buf_str(&both), 1 << 20, &unpacked));
    assert_int_equal(unpacked.len, 2 * text.len);
    buf_add(&both, STR("more"));
    assert_false(gzip_unpack(&arena, buf_str(&both), 1 << 20, &unpacked));
    arena_release(&arena);
}

static void test_gzip__chooses_by_weight_and_order(void **state)
{
    static const char *const cases[][2] = {
        {"gzip", "gzip"},
        {"deflate", "deflate"},
        {"identity", ""},
        {"", ""},
        {"br", ""},
        {"x-gzip", ""},
        {"gzip, deflate", "gzip"},
        {"br, identity, deflate, gzip", "deflate"},
        {"GZIP, identity", "gzip"},
        {"dog, gzip ,, cat", "gzip"},
        {"gzip;q=0.8, deflate;q=0.5", "gzip"},
        {"br, gzip;q=0, deflate; q = 0.5 , identity;q=0", "deflate"},
        {"*", "gzip"},
        {"*, deflate;q=0.5", "gzip"},
        {"*, deflate", "deflate"},
        {"*, gzip;q=0.5", "deflate"},
        {"gzip ;q=0", ""},
        {"*;q=0", ""},
        {"*;q=0.5,identity", "gzip"},
        {"gzip;q=0.5,identity;q=0.8", "gzip"},
        {"br;q=0.8,identity;q=0.5,*;q=0", ""},
        {"\"gzip\"", ""},
        {"gzip br", ""},
        {"deflate;q=0.5, gzip;q=31", "gzip"},
        {"gzip;q=31,deflate;q=51", "gzip"},
        {"deflate;q=0.5, gzip;q=0.2", "deflate"},
        {"deflate;q=0.5, gzip;q=1;q=0.2", "gzip"},
        {"deflate;q=0.5,gzip;q=0.", "deflate"},
        {"deflate;q=0.5,gzip;q=0.x", "gzip"},
        {"deflate;q=-0.5,gzip;q=0.2", "gzip"},
        {"gzip;nq=1;q=0 ", ""},
        {"gzip;q=0, gzip;q=1, gzip;q=0", "gzip"},
        {"br,identity;q=0.5,gzip;q=0.0001", "gzip"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (!str_eq(gzip_choose(str_from(cases[i][0])), str_from(cases[i][1])))
            fail_msg("%s is not answered with %s", cases[i][0], cases[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gzip__unpacks_what_it_packed),
        cmocka_unit_test(test_gzip__refuses_more_than_the_maximum),
        cmocka_unit_test(test_gzip__refuses_what_is_cut_short_or_no_gzip),
        cmocka_unit_test(test_gzip__leaves_what_gets_no_shorter),
        cmocka_unit_test(test_gzip__reads_what_is_accepted),
        cmocka_unit_test(test_gzip__unpacks_all_members),
        cmocka_unit_test(test_gzip__chooses_by_weight_and_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
