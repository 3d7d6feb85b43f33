/* DynamoDB's numbers: exact, ordered, bounded. */
#include "services/dynamodb/number.h"

#include "../../check.h"

static struct ddb_number parse(const char *text)
{
    struct ddb_number number;
    struct error error = {0};
    if (ddb_number_parse(str_from(text), &number, &error))
        fail_msg("%s: %s", text, error.message);
    return number;
}

static void test_number__has_one_canonical_form(void **state)
{
    static const char *const cases[][2] = {
        {"0", "0"},
        {"-0", "0"},
        {"0.000", "0"},
        {"1", "1"},
        {"+1", "1"},
        {"-1.50", "-1.5"},
        {"001", "1"},
        {"1e3", "1000"},
        {"1.5E-3", "0.0015"},
        {"12345.6789", "12345.6789"},
        {".5", "0.5"},
        {"5.", "5"},
        {"100", "100"},
        {"1E-5", "0.00001"},
        {"0.1e1", "1"},
        {"12345678901234567890123456789012345678", "12345678901234567890123456789012345678"},
    };
    (void)state;
    struct arena arena = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ddb_number number = parse(cases[i][0]);
        assert_str(ddb_number_format(&number, &arena), str_from(cases[i][1]));
    }
    arena_release(&arena);
}

static void test_number__refuses_what_is_none(void **state)
{
    static const char *const cases[] = {
        "",    "-",   "x",        "1x",  "1e",  "1e+", "..1", "1.2.3",
        "0x1", "NaN", "Infinity", "1 2", "--1", " 1",  "1 ",  "1e9223372036854775808"};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ddb_number number;
        struct error error;
        assert_int_equal(ddb_number_parse(str_from(cases[i]), &number, &error), ERR_VALIDATION);
        assert_non_null(strstr(error.message, "cannot be converted to a numeric value"));
    }
}

static void test_number__keeps_to_its_range(void **state)
{
    static const char *const cases[][2] = {
        {"1e126", "overflow"},
        {"-1e126", "overflow"},
        {"1e-131", "underflow"},
        {"1e999999999999", "overflow"},
        {"1e-999999999999", "underflow"},
        {"0e126", "overflow"},
        {"0e-131", "underflow"},
        {"123456789012345678901234567890123456789", "38 significant"},
        {"1.00000000000000000000000000000000000001", "38 significant"},
    };
    (void)state;
    parse("9.9999999999999999999999999999999999999E+125");
    parse("1E-130");
    parse("0e125");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ddb_number number;
        struct error error;
        assert_int_equal(ddb_number_parse(str_from(cases[i][0]), &number, &error), ERR_VALIDATION);
        assert_non_null(strstr(error.message, cases[i][1]));
    }
}

static const char *const ascending[] = {
    "-9.9999999999999999999999999999999999999E+125",
    "-1e100",
    "-1000",
    "-10.5",
    "-10",
    "-2",
    "-1.01",
    "-1",
    "-0.5",
    "-0.05",
    "-1e-130",
    "0",
    "1e-130",
    "0.05",
    "0.5",
    "1",
    "1.01",
    "1.1",
    "2",
    "9",
    "10",
    "10.5",
    "11",
    "100",
    "1e100",
    "9.9999999999999999999999999999999999999E+125",
};

enum { ASCENDING = sizeof(ascending) / sizeof(ascending[0]) };

static int sign(int order)
{
    return (order > 0) - (order < 0);
}

static void test_number__compares_by_value(void **state)
{
    (void)state;
    for (int i = 0; i < ASCENDING; i++) {
        for (int j = 0; j < ASCENDING; j++) {
            struct ddb_number a = parse(ascending[i]), b = parse(ascending[j]);
            assert_int_equal(sign(ddb_number_compare(&a, &b)), sign(i - j));
        }
    }
}

static void test_number__encodes_in_the_order_of_values(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct str last = STR_EMPTY;
    for (int i = 0; i < ASCENDING; i++) {
        struct ddb_number number = parse(ascending[i]);
        struct buf encoded;
        buf_init_arena(&encoded, &arena, 100);
        ddb_number_encode(&number, &encoded);
        if (str_cmp(last, buf_str(&encoded)) >= 0)
            fail_msg("%s sorts before what is smaller", ascending[i]);
        assert_false(last.len && str_starts(buf_str(&encoded), last));
        last = buf_str(&encoded);
    }
    arena_release(&arena);
}

static void test_number__adds_and_subtracts_exactly(void **state)
{
    static const struct {
        const char *a, *b;
        bool is_minus;
        const char *result;
    } cases[] = {
        {"1", "2", false, "3"},
        {"0.1", "0.2", false, "0.3"},
        {"1", "1", true, "0"},
        {"1", "2", true, "-1"},
        {"-1", "-2", false, "-3"},
        {"-1", "2", false, "1"},
        {"999", "1", false, "1000"},
        {"1000", "0.001", true, "999.999"},
        {"5", "-5", false, "0"},
        {"0", "7", true, "-7"},
        {"-10", "-3", true, "-7"},
        {"1e100", "1e100", true, "0"},
        {"99999999999999999999999999999999999999", "1", false,
         "100000000000000000000000000000000000000"},
    };
    (void)state;
    struct arena arena = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ddb_number a = parse(cases[i].a), b = parse(cases[i].b), sum;
        struct error error;
        assert_int_equal(ddb_number_add(&a, &b, cases[i].is_minus, &sum, &error), OK);
        assert_str(ddb_number_format(&sum, &arena), str_from(cases[i].result));
    }
    arena_release(&arena);
}

static void test_number__refuses_sums_that_do_not_fit(void **state)
{
    (void)state;
    struct ddb_number big = parse("9e125"), one = parse("1"), sum;
    struct error error;
    assert_int_equal(ddb_number_add(&big, &big, false, &sum, &error), ERR_VALIDATION);
    assert_int_equal(ddb_number_add(&big, &one, false, &sum, &error), ERR_VALIDATION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_number__has_one_canonical_form),
        cmocka_unit_test(test_number__refuses_what_is_none),
        cmocka_unit_test(test_number__keeps_to_its_range),
        cmocka_unit_test(test_number__compares_by_value),
        cmocka_unit_test(test_number__encodes_in_the_order_of_values),
        cmocka_unit_test(test_number__adds_and_subtracts_exactly),
        cmocka_unit_test(test_number__refuses_sums_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
