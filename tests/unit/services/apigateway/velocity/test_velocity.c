#include "services/apigateway/velocity/velocity.h"

#include <stdlib.h>

#include "../../../check.h"
#include "source.h"

struct outcome {
    enum err rc;
    struct str text; /* or the error's */
    struct velocity_result result;
};

static struct outcome render(struct arena *arena, const char *template, const char *body)
{
    struct velocity *velocity;
    struct velocity_source source = source_of(str_from(body));
    struct error error;
    struct outcome outcome = {0};
    outcome.rc = velocity_parse(arena, str_from(template), &velocity, &error);
    if (outcome.rc == OK)
        outcome.rc = velocity_render(velocity, &source, arena, &outcome.result, &error);
    outcome.text = outcome.rc ? arena_str(arena, str_from(error.message)) : outcome.result.text;
    return outcome;
}

static const struct {
    const char *document, *template, *expected;
} cases[] = {
#define CASE(document, template, expected) {#document, template, expected},
#include "cases.def"
#undef CASE
};

static void test_velocity__renders_as_documented(void **state)
{
    size_t failed = 0;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena arena = {0};
        struct outcome outcome = render(&arena, cases[i].template, SOURCE_BODY);
        if (outcome.rc || !str_eq(outcome.text, str_from(cases[i].expected))) {
            print_error("%s: %s\n  is       %.*s\n  not      %s\n", cases[i].document,
                        cases[i].template, STR_ARG(outcome.text), cases[i].expected);
            failed++;
        }
        arena_release(&arena);
    }
    assert_int_equal(failed, 0);
}

static void assert_fails(const char *template, const char *message)
{
    struct arena arena = {0};
    struct outcome outcome = render(&arena, template, SOURCE_BODY);
    if (!outcome.rc || str_find(outcome.text, str_from(message)) < 0)
        fail_msg("%.60s gives \"%.*s\"", template,
                 (int)(outcome.text.len > 200 ? 200 : outcome.text.len), outcome.text.ptr);
    arena_release(&arena);
}

static void test_velocity__tells_what_is_wrong_and_where(void **state)
{
    (void)state;
    assert_fails("a\nb #if(true) c", "#end is missing at line 2");
    assert_fails("#set($a)", "#set needs '='");
    assert_fails("#set(a = 1)", "#set needs a reference");
    assert_fails("#foreach($i of [1])#end", "#foreach needs 'in'");
    assert_fails("#if()x#end", "an expression is missing");
    assert_fails("#set($a = 'x)", "a string does not end");
    assert_fails("x #end", "without its directive");
    assert_fails("#parse('x')", "not supported");
    assert_fails("$input.json('$[')", "JSONPath");
    assert_fails("$util.parseJson('{')", "no JSON");
    assert_fails("$input.body.matches('(')", "regular expression");
}

static void test_velocity__bounds_what_a_template_can_take(void **state)
{
    char *deep = calloc(1, 40001);
    (void)state;
    assert_non_null(deep);
    memset(deep, '(', 40000);
    memcpy(deep, "#if(", 4);
    assert_fails(deep, "nested too deeply");
    for (size_t i = 0; i + 9 < 40000; i += 9)
        memcpy(deep + i, "#if(true)", 9);
    assert_fails(deep, "nested too deeply");
    free(deep);
    assert_fails("#foreach($i in [1..1000000000])x#end", "too many steps");
    assert_fails("#foreach($i in [1..1000])#foreach($j in [1..1000])x#end#end", "too many steps");
    assert_fails("#macro(again)#again()#end#again()", "nested too deeply");
    assert_fails("#set($a = 'xxxxxxxxxxxxxxxx')#foreach($i in [1..100])#set($a = \"$a$a\")#end",
                 "text is too long");
    assert_fails("#set($a = 'xxxxxxxxxxxxxxxx')#foreach($i in [1..100])#set($a = $a + $a)#end",
                 "text is too long");
    assert_fails("#set($l = [1])#foreach($i in [1..100])$l.addAll($l)#end", "too many steps");
    assert_fails("#define($d)$d#end$d", "nested too deeply");
}

static void test_velocity__prints_a_list_that_holds_itself_to_a_depth(void **state)
{
    struct arena arena = {0};
    (void)state;
    struct outcome outcome = render(&arena, "#set($l = [])#set($x = $l.add($l))$l.size()", "");
    assert_int_equal(outcome.rc, OK);
    assert_str(outcome.text, STR("1"));
    outcome = render(&arena, "#set($l = [])#set($x = $l.add($l))$l", "");
    assert_int_equal(outcome.rc, OK);
    arena_release(&arena);
}

static void test_velocity__reads_bodies_that_are_no_objects(void **state)
{
    struct arena arena = {0};
    (void)state;
    assert_str(render(&arena, "<$input.body>", "").text, STR("<{}>"));
    assert_str(render(&arena, "$input.json('$')", "").text, STR("{}"));
    assert_str(render(&arena, "$input.json('$')", "no json").text, STR("no json"));
    assert_str(render(&arena, "<$input.path('$.a')>", "no json").text, STR("<>"));
    assert_str(render(&arena, "$input.path('$')[1]", "[1, 2]").text, STR("2"));
    assert_str(render(&arena, "$input.path('$')", "\"text\"").text, STR("text"));
    arena_release(&arena);
}

static void test_velocity__collects_overrides(void **state)
{
    struct arena arena = {0};
    (void)state;
    struct outcome outcome = render(&arena,
                                    "#set($context.requestOverride.header.X-A = 'a')"
                                    "#set($context.requestOverride.path.id = $input.params('id'))"
                                    "#set($context.requestOverride.querystring['q'] = 1)"
                                    "#set($context.responseOverride.header.X-B = \"b\")"
                                    "#set($context.responseOverride.status = 201)ok",
                                    "");
    static const struct velocity_override expected[] = {
        {OVERRIDE_REQUEST_HEADER, STR_INIT("X-A"), STR_INIT("a")},
        {OVERRIDE_REQUEST_PATH, STR_INIT("id"), STR_INIT("42")},
        {OVERRIDE_REQUEST_QUERY, STR_INIT("q"), STR_INIT("1")},
        {OVERRIDE_RESPONSE_HEADER, STR_INIT("X-B"), STR_INIT("b")},
        {OVERRIDE_RESPONSE_STATUS, STR_INIT(""), STR_INIT("201")},
    };
    assert_str(outcome.text, STR("ok"));
    assert_int_equal(outcome.result.override_count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(outcome.result.overrides[i].kind, expected[i].kind);
        assert_str(outcome.result.overrides[i].name, expected[i].name);
        assert_str(outcome.result.overrides[i].value, expected[i].value);
    }
    arena_release(&arena);
}

static void test_velocity__knows_what_is_the_same_for_all(void **state)
{
    struct arena arena = {0};
    struct velocity *velocity;
    struct str text;
    (void)state;
    assert_int_equal(velocity_parse(&arena, STR("{\"statusCode\": 200}"), &velocity, NULL), OK);
    assert_true(velocity_is_static(velocity, &text));
    assert_str(text, STR("{\"statusCode\": 200}"));
    assert_int_equal(velocity_parse(&arena, STR("$input.body"), &velocity, NULL), OK);
    assert_false(velocity_is_static(velocity, &text));
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_velocity__renders_as_documented),
        cmocka_unit_test(test_velocity__tells_what_is_wrong_and_where),
        cmocka_unit_test(test_velocity__bounds_what_a_template_can_take),
        cmocka_unit_test(test_velocity__prints_a_list_that_holds_itself_to_a_depth),
        cmocka_unit_test(test_velocity__reads_bodies_that_are_no_objects),
        cmocka_unit_test(test_velocity__collects_overrides),
        cmocka_unit_test(test_velocity__knows_what_is_the_same_for_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
