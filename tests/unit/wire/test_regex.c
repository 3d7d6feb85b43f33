#include "wire/regex.h"

#include "../check.h"

enum { INVALID = -1 };

static int match(enum regex_kind kind, const char *pattern, const char *text)
{
    struct arena arena = {0};
    const struct regex *regex = regex_compile(&arena, kind, str_from(pattern));
    int result = regex ? (int)regex_match(regex, str_from(text)) : INVALID;
    arena_release(&arena);
    return result;
}

static void test_regex__of_java_matches_the_whole_text(void **state)
{
    (void)state;
    assert_int_equal(match(REGEX_JAVA, "[a-z]+", "abc"), REGEX_MATCHES);
    assert_int_equal(match(REGEX_JAVA, "[a-z]+", "abc1"), REGEX_DIFFERS);
    assert_int_equal(match(REGEX_JAVA, "a|bc", "bc"), REGEX_MATCHES);
    assert_int_equal(match(REGEX_JAVA, "^a$", "a"), REGEX_MATCHES);
    assert_int_equal(match(REGEX_JAVA, "a", "a\n"), REGEX_DIFFERS);
    assert_int_equal(match(REGEX_JAVA, "", ""), REGEX_MATCHES);
}

static void test_regex__of_ecma_matches_anywhere(void **state)
{
    (void)state;
    assert_int_equal(match(REGEX_ECMA, "[0-9]", "abc1"), REGEX_MATCHES);
    assert_int_equal(match(REGEX_ECMA, "^[0-9]", "abc1"), REGEX_DIFFERS);
    assert_int_equal(match(REGEX_ECMA, "[0-9]$", "abc1\n"), REGEX_DIFFERS);
}

static void test_regex__understands_javas_constructs(void **state)
{
    static const char *const matching[][2] = {
        {"\\d{1,3}(\\.\\d{1,3}){3}/\\d{1,2}", "10.0.0.1/16"},
        {"[\\w.+-]+@[\\w-]+", "a.b+c@d-e"},
        {"[^\\s\\]]*", "a{b"},
        {"\\S+ \\D", "ab x"},
        {"[a-zA-Z][-a-zA-Z0-9]*", "a-1"},
        {"[]a]+", "]a"},
        {"[\\^]", "^"},
        {"[-^\\[]+", "[-^"},
        {"(?:ab)+?", "abab"},
        {"(?i)abc", "ABC"},
        {"a\\{1\\}", "a{1}"},
        {"[\\\\/]", "\\"},
        {"[\\W]", "-"},
        {"(?=a)\\w+", "ab"},
        {"(?!x).*", "ab"},
        {"(a)\\1", "aa"},
        {"(a|b)*+c", "abc"},
        {"\\u0061.", "a\xc3\xa9"},
        {"\\p{L}+", "\xc3\xa9t\xc3\xa9"},
        {"\\Qa.b\\E", "a.b"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(matching) / sizeof(matching[0]); i++) {
        if (match(REGEX_JAVA, matching[i][0], matching[i][1]) != REGEX_MATCHES)
            fail_msg("%s does not match %s", matching[i][0], matching[i][1]);
    }
    assert_int_equal(match(REGEX_JAVA, "\\d+", "a"), REGEX_DIFFERS);
    assert_int_equal(match(REGEX_JAVA, "[^\\d]", "5"), REGEX_DIFFERS);
}

static void test_regex__refuses_what_is_not_valid(void **state)
{
    static const char *const patterns[] = {"[a-z&&[b]]", "[a[b]]", "(a{1,65535}){1,65535}",
                                           "[z-a]",      "(",      "a{2,1}",
                                           "[a",         "\\",     "\xff"};
    (void)state;
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        if (match(REGEX_JAVA, patterns[i], "a") != INVALID)
            fail_msg("%s is taken", patterns[i]);
    }
}

static void test_regex__gives_up_what_backtracks_without_end(void **state)
{
    (void)state;
    assert_int_equal(match(REGEX_JAVA, "(a+)+[bd]", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac"),
                     REGEX_TOO_COSTLY);
}

static void test_regex__does_not_match_what_is_not_utf8(void **state)
{
    (void)state;
    assert_int_equal(match(REGEX_ECMA, "b", "\xff\xfe b"), REGEX_DIFFERS);
    assert_int_equal(match(REGEX_JAVA, ".*", "\xff"), REGEX_DIFFERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_regex__of_java_matches_the_whole_text),
        cmocka_unit_test(test_regex__of_ecma_matches_anywhere),
        cmocka_unit_test(test_regex__understands_javas_constructs),
        cmocka_unit_test(test_regex__refuses_what_is_not_valid),
        cmocka_unit_test(test_regex__gives_up_what_backtracks_without_end),
        cmocka_unit_test(test_regex__does_not_match_what_is_not_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
