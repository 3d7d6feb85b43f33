/* CBOR: the examples of RFC 8949 (appendix A), and what is refused. */
#include "wire/cbor.h"

#include "../check.h"
#include "base/encode.h"

static struct arena arena;

static int teardown(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static yyjson_val *read_hex(const char *hex)
{
    struct str text = str_from(hex);
    char *bytes = arena_alloc(&arena, text.len / 2 + 1);
    for (size_t i = 0; i < text.len / 2; i++) {
        unsigned byte;
        sscanf(hex + 2 * i, "%2x", &byte);
        bytes[i] = (char)byte;
    }
    return cbor_to_json(&arena, str_make(bytes, text.len / 2));
}

static void assert_read(const char *hex, const char *expected)
{
    yyjson_val *value = read_hex(hex);
    if (!value)
        fail_msg("%s is refused", hex);
    assert_str(json_write_val(&arena, value), str_from(expected));
}

static void test_cbor__reads_the_rfcs_examples(void **state)
{
    static const char *const examples[][2] = {
        {"00", "0"},
        {"1903e8", "1000"},
        {"1bffffffffffffffff", "18446744073709551615"},
        {"20", "-1"},
        {"3903e7", "-1000"},
        {"f93e00", "1.5"},
        {"fb3ff199999999999a", "1.1"},
        {"fa47c35000", "100000.0"},
        {"f4", "false"},
        {"f6", "null"},
        {"f7", "null"},
        {"c11a514b67b0", "1363896240"},
        {"4401020304", "\"AQIDBA==\""},
        {"62c3bc", "\"ü\""},
        {"83010203", "[1,2,3]"},
        {"8301820203820405", "[1,[2,3],[4,5]]"},
        {"a26161016162820203", "{\"a\":1,\"b\":[2,3]}"},
        {"80", "[]"},
        {"a0", "{}"},
        {"9fff", "[]"},
        {"9f018202039f0405ffff", "[1,[2,3],[4,5]]"},
        {"bf61610161629f0203ffff", "{\"a\":1,\"b\":[2,3]}"},
        {"7f657374726561646d696e67ff", "\"streaming\""},
        {"5f42010243030405ff", "\"AQIDBAU=\""},
        {"8180", "[[]]"},
        {"a161618180", "{\"a\":[[]]}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++)
        assert_read(examples[i][0], examples[i][1]);
}

static void test_cbor__refuses_what_is_malformed(void **state)
{
    static const char *const examples[] = {
        "",     "18",   "6261",     "8301",   "a16161",
        "ff",   "81ff", "0000",     "a10102", "bf6161ff",
        "9f01", "1c",   "7f4101ff", "62c328", "9bffffffffffffffff01",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
        if (read_hex(examples[i]))
            fail_msg("%s is read", examples[i]);
    }
}

static void test_cbor__is_bounded_in_depth(void **state)
{
    char deep[2 * (CBOR_MAX_DEPTH + 2) + 1];
    (void)state;
    memset(deep, 0, sizeof(deep));
    for (int i = 0; i < CBOR_MAX_DEPTH + 1; i++)
        memcpy(deep + 2 * i, "81", 2);
    memcpy(deep + 2 * (CBOR_MAX_DEPTH + 1), "00", 2);
    assert_null(read_hex(deep));
    assert_non_null(read_hex(deep + 2));
}

static void test_cbor__writes_what_it_reads(void **state)
{
    struct str text = STR("{\"a\":[1,-2,1.5,true,null,\"x\",{}],\"b\":18446744073709551615}");
    (void)state;
    yyjson_mut_doc *doc = json_doc(&arena);
    yyjson_mut_val *value = yyjson_val_mut_copy(doc, json_parse(&arena, text));
    yyjson_val *again = cbor_to_json(&arena, cbor_from_json(&arena, value));
    assert_str(json_write_val(&arena, again), text);
}

static void test_cbor__tags_times(void **state)
{
    (void)state;
    struct str bytes = cbor_from_json(&arena, cbor_time(json_doc(&arena), &arena, 1500));
    assert_str(encode_hex(&arena, bytes), STR("c1fb3ff8000000000000"));
}

#define CBOR_TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CBOR_TEST(test_cbor__reads_the_rfcs_examples),
        CBOR_TEST(test_cbor__refuses_what_is_malformed),
        CBOR_TEST(test_cbor__is_bounded_in_depth),
        CBOR_TEST(test_cbor__writes_what_it_reads),
        CBOR_TEST(test_cbor__tags_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
