/* AllowedPattern. */
#include "services/cloudformation/pattern.h"

#include "../../check.h"

static enum pattern_result match(const char *pattern, const char *text)
{
    struct arena arena = {0};
    enum pattern_result result = pattern_match(&arena, str_from(pattern), str_from(text));
    arena_release(&arena);
    return result;
}

static void test_pattern__matches_the_whole_text(void **state)
{
    (void)state;
    assert_int_equal(match("[a-z]+", "abc"), PATTERN_MATCHES);
    assert_int_equal(match("[a-z]+", "abc1"), PATTERN_DIFFERS);
    assert_int_equal(match("a|bc", "bc"), PATTERN_MATCHES);
    assert_int_equal(match("^a$", "a"), PATTERN_MATCHES);
    assert_int_equal(match("", ""), PATTERN_MATCHES);
}

static void test_pattern__understands_javas_classes(void **state)
{
    static const char *const matching[][2] = {
        {"\\d{1,3}(\\.\\d{1,3}){3}/\\d{1,2}", "10.0.0.1/16"},
        {"[\\w.+-]+@[\\w-]+", "a.b+c@d-e"},
        {"[^\\s\\]]*", "a[b"},
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
    };
    (void)state;
    for (size_t i = 0; i < sizeof(matching) / sizeof(matching[0]); i++) {
        if (match(matching[i][0], matching[i][1]) != PATTERN_MATCHES)
            fail_msg("%s does not match %s", matching[i][0], matching[i][1]);
    }
    assert_int_equal(match("\\d+", "a"), PATTERN_DIFFERS);
    assert_int_equal(match("[^\\d]", "5"), PATTERN_DIFFERS);
}

static void test_pattern__tells_what_it_cannot_do(void **state)
{
    static const char *const patterns[] = {
        "(?=a)b", "(a)\\1", "\\p{Alpha}", "[a-z&&[b]]", "(a{1,255}){1,255}",
        "[z-a]",  "(",      "a{2,1}",     "[a",         "\\"};
    (void)state;
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        if (match(patterns[i], "a") != PATTERN_UNSUPPORTED)
            fail_msg("%s is taken", patterns[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pattern__matches_the_whole_text),
        cmocka_unit_test(test_pattern__understands_javas_classes),
        cmocka_unit_test(test_pattern__tells_what_it_cannot_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
