/* Strings, buffers, maps, encodings and times. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/encode.h"
#include "base/error.h"
#include "base/map.h"

#include <stdio.h>

#include "../check.h"

static struct arena arena;

static int teardown(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static void test_str__orders_by_unsigned_bytes(void **state)
{
    (void)state;
    assert_true(str_cmp(STR("a"), STR("ab")) < 0);
    assert_true(str_cmp(STR("\x7f"), STR("\x80")) < 0);
    assert_int_equal(str_cmp(STR("same"), STR("same")), 0);
}

static void test_str__cuts_at_the_first_byte(void **state)
{
    (void)state;
    struct str rest = STR("a=b=c"), head;
    assert_true(str_cut(&rest, '=', &head));
    assert_str(head, STR("a"));
    assert_str(rest, STR("b=c"));
    rest = STR("none");
    assert_false(str_cut(&rest, '=', &head));
    assert_str(head, STR("none"));
    assert_str(rest, STR(""));
}

static void test_str__numbers_do_not_overflow(void **state)
{
    (void)state;
    uint64_t u;
    int64_t i;
    assert_true(str_to_u64(STR("18446744073709551615"), &u) && u == UINT64_MAX);
    assert_false(str_to_u64(STR("18446744073709551616"), &u));
    assert_false(str_to_u64(STR(""), &u));
    assert_false(str_to_u64(STR("+1"), &u));
    assert_true(str_to_i64(STR("-9223372036854775808"), &i) && i == INT64_MIN);
    assert_false(str_to_i64(STR("9223372036854775808"), &i));
    assert_false(str_to_i64(STR("-"), &i));
}

static void test_str__knows_utf8(void **state)
{
    static const char *const good[] = {
        "", "a", "\xC2\x80", "\xEF\xBF\xBD", "\xF0\x9F\x8E\x89", "\xF4\x8F\xBF\xBF"};
    static const char *const bad[] = {"\x80",
                                      "\xC0\x80",
                                      "\xC2",
                                      "\xE0\x80\x80",
                                      "\xED\xA0\x80",
                                      "\xF4\x90\x80\x80",
                                      "\xF5\x80\x80\x80",
                                      "a\xFF"};
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(str_is_utf8(str_from(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(str_is_utf8(str_from(bad[i])));
}

static void test_str__secrets_compare_whole(void **state)
{
    (void)state;
    assert_true(str_eq_secret(STR("abc"), STR("abc")));
    assert_false(str_eq_secret(STR("abc"), STR("abd")));
    assert_false(str_eq_secret(STR("abc"), STR("abcd")));
    assert_false(str_eq_secret(STR(""), STR("a")));
}

static void test_buf__remembers_what_did_not_fit(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 4);
    assert_true(buf_add(&buf, STR("abcd")));
    assert_false(buf_add(&buf, STR("e")));
    assert_true(buf.is_full);
    assert_str(buf_str(&buf), STR("abcd"));
    buf_clear(&buf);
    assert_true(buf_printf(&buf, "%d", 1234));
    assert_false(buf_printf(&buf, "%d", 5));
    buf_release(&buf);
}

static void test_buf__writes_json_strings(void **state)
{
    (void)state;
    struct buf buf;
    buf_init_arena(&buf, &arena, 1024);
    buf_add_json(&buf, str_make("a\"b\\c\n\t\x01\x00\xC3\xBC\xFFz", 13));
    assert_str(buf_str(&buf), STR("\"a\\\"b\\\\c\\n\\t\\u0001\\u0000\xC3\xBC\xEF\xBF\xBDz\""));
}

static void test_map__holds_what_was_set(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    struct map map = {0};
    static int values[COUNT];
    char key[16];
    for (int i = 0; i < COUNT; i++) {
        int len = snprintf(key, sizeof(key), "k%d", i);
        assert_null(map_set(&map, str_make(key, (size_t)len), &values[i]));
    }
    for (int i = 0; i < COUNT; i += 2) {
        int len = snprintf(key, sizeof(key), "k%d", i);
        assert_ptr_equal(map_remove(&map, str_make(key, (size_t)len)), &values[i]);
    }
    for (int i = 0; i < COUNT; i++) {
        int len = snprintf(key, sizeof(key), "k%d", i);
        assert_ptr_equal(map_get(&map, str_make(key, (size_t)len)), i % 2 ? &values[i] : NULL);
    }
    assert_int_equal(map.count, COUNT / 2);
    assert_ptr_equal(map_set(&map, STR("k1"), &values[0]), &values[1]);
    map_release(&map);
}

static void test_map__walks_every_entry_once(void **state)
{
    (void)state;
    struct map map = {0};
    size_t cursor = 0, count = 0;
    struct str key;
    void *value;
    map_set(&map, STR("a"), &count);
    map_set(&map, STR("b"), &count);
    map_remove(&map, STR("a"));
    while (map_next(&map, &cursor, &key, &value)) {
        assert_str(key, STR("b"));
        count++;
    }
    assert_int_equal(count, 1);
    map_release(&map);
}

static void test_encode__base64_is_strict(void **state)
{
    static const char *const pairs[][2] = {
        {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}};
    static const char *const bad[] = {
        "Zg", "Zg=", "Zh==", "Zm9=", "Z===", "Zm 9", "====", "Zm9v\n"};
    struct str decoded;
    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        assert_str(encode_base64(&arena, str_from(pairs[i][0])), str_from(pairs[i][1]));
        assert_true(decode_base64(&arena, str_from(pairs[i][1]), &decoded));
        assert_str(decoded, str_from(pairs[i][0]));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(decode_base64(&arena, str_from(bad[i]), &decoded));
}

static void test_encode__percent_and_back(void **state)
{
    (void)state;
    struct buf buf;
    buf_init_arena(&buf, &arena, 100);
    encode_percent(&buf, STR("a b/\xC3\xBC~"), false);
    assert_str(buf_str(&buf), STR("a%20b%2F%C3%BC~"));
    assert_str(decode_percent(&arena, buf_str(&buf), false), STR("a b/\xC3\xBC~"));
    assert_str(decode_percent(&arena, STR("a+b%2"), true), STR("a b%2"));
    assert_str(decode_percent(&arena, STR("%zz%41"), false), STR("%zzA"));
}

static void test_encode__random_ids_differ_and_have_their_form(void **state)
{
    (void)state;
    struct str a = random_uuid(&arena), b = random_uuid(&arena);
    assert_int_equal(a.len, 36);
    assert_false(str_eq(a, b));
    assert_int_equal(a.ptr[14], '4');
    assert_non_null(strchr("89ab", a.ptr[19]));
    struct str text = random_text(&arena, STR("xyz"), 1000);
    for (size_t i = 0; i < text.len; i++)
        assert_non_null(strchr("xyz", text.ptr[i]));
}

static void test_clock__forms(void **state)
{
    (void)state;
    int64_t ms = 1798761599123;
    assert_str(clock_iso8601_ms(&arena, ms), STR("2026-12-31T23:59:59.123Z"));
    assert_str(clock_iso8601(&arena, ms), STR("2026-12-31T23:59:59Z"));
    assert_str(clock_amz_date(&arena, ms), STR("20261231T235959Z"));
    int64_t parsed;
    assert_true(clock_parse_amz_date(STR("20261231T235959Z"), &parsed));
    assert_int_equal(parsed, ms - 123);
    assert_false(clock_parse_amz_date(STR("2026-12-31T23:59:59Z"), &parsed));
    assert_false(clock_parse_amz_date(STR("20261231T23595xZ"), &parsed));
}

static void test_clock__can_be_set(void **state)
{
    (void)state;
    clock_fake_ms(5000);
    assert_int_equal(clock_wall_ms(), 5000);
    assert_int_equal(clock_mono_us(), 5000000);
    clock_fake_ms(0);
    assert_true(clock_wall_ms() > 1700000000000);
}

static void test_error__fills_and_returns(void **state)
{
    (void)state;
    struct error error;
    assert_int_equal(error_set(&error, ERR_VALIDATION, "no %s", "way"), ERR_VALIDATION);
    assert_string_equal(error.message, "no way");
    assert_string_equal(error_type(ERR_APIGW_NOT_FOUND), "NotFoundException");
    assert_int_equal(error_status(ERR_APIGW_NOT_FOUND), 404);
    assert_int_equal(error_set(NULL, ERR_INTERNAL, "unheard"), ERR_INTERNAL);
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_str__orders_by_unsigned_bytes),
        TEST(test_str__cuts_at_the_first_byte),
        TEST(test_str__numbers_do_not_overflow),
        TEST(test_str__knows_utf8),
        TEST(test_str__secrets_compare_whole),
        TEST(test_buf__remembers_what_did_not_fit),
        TEST(test_buf__writes_json_strings),
        TEST(test_map__holds_what_was_set),
        TEST(test_map__walks_every_entry_once),
        TEST(test_encode__base64_is_strict),
        TEST(test_encode__percent_and_back),
        TEST(test_encode__random_ids_differ_and_have_their_form),
        TEST(test_clock__forms),
        TEST(test_clock__can_be_set),
        TEST(test_error__fills_and_returns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
