/* JSON, query, XML and YAML: what is read, what is written, what is refused. */
#include "wire/json.h"
#include "wire/query.h"
#include "wire/xml.h"
#include "wire/yaml.h"

#include "../check.h"

static struct arena arena;
static struct error error;

static int teardown(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static struct str as_text(const yyjson_val *value)
{
    return value ? json_write_val(&arena, value) : STR("(none)");
}

static void test_json__is_bounded_in_depth(void **state)
{
    (void)state;
    struct buf text;
    buf_init_arena(&text, &arena, 4096);
    for (int i = 0; i < 150; i++)
        buf_add_byte(&text, '[');
    for (int i = 0; i < 150; i++)
        buf_add_byte(&text, ']');
    assert_non_null(json_parse(&arena, buf_str(&text)));
    struct str deeper =
        arena_printf(&arena, "%.*s%.*s", 75, buf_str(&text).ptr, STR_ARG(buf_str(&text)));
    deeper = arena_printf(&arena, "%.*s%.*s", STR_ARG(deeper), 75, buf_str(&text).ptr + 150);
    assert_null(json_parse(&arena, deeper));
    assert_null(json_parse(&arena, STR("{\"a\":1} x")));
    assert_null(json_parse(&arena, STR("\"\xff\"")));
}

static void test_json__reads_numbers_and_truth_also_from_text(void **state)
{
    (void)state;
    yyjson_val *v = json_parse(
        &arena,
        STR("{\"a\":5,\"b\":\"6\",\"c\":7.0,\"d\":7.5,\"e\":\"x\",\"t\":\"true\",\"f\":false}"));
    int64_t number = 0;
    assert_true(json_get_i64(v, "a", &number) && number == 5);
    assert_true(json_get_i64(v, "b", &number) && number == 6);
    assert_true(json_get_i64(v, "c", &number) && number == 7);
    assert_false(json_get_i64(v, "d", &number));
    assert_false(json_get_i64(v, "e", &number));
    assert_true(json_get_bool(v, "t", false));
    assert_false(json_get_bool(v, "f", true));
    assert_true(json_get_bool(v, "missing", true));
}

static void test_query__nests_and_sorts_lists(void **state)
{
    static const char *const cases[][2] = {
        {"", "{}"},
        {"A=1&B=", "{\"A\":\"1\",\"B\":\"\"}"},
        {"A.B.C=x", "{\"A\":{\"B\":{\"C\":\"x\"}}}"},
        {"L.member.2=b&L.member.1=a&L.member.10=c", "{\"L\":[\"a\",\"b\",\"c\"]}"},
        {"T.member.1.Key=k&T.member.1.Value=v", "{\"T\":[{\"Key\":\"k\",\"Value\":\"v\"}]}"},
        {"M.entry.1.key=k&M.entry.1.value=v", "{\"M\":[{\"key\":\"k\",\"value\":\"v\"}]}"},
        {"A=a+b%20c%2B&%41b=1", "{\"A\":\"a b c+\",\"Ab\":\"1\"}"},
        {"entry", "{\"entry\":\"\"}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        yyjson_val *value = NULL;
        assert_int_equal(query_to_json(&arena, str_from(cases[i][0]), &value, &error), OK);
        assert_str(as_text(value), str_from(cases[i][1]));
    }
}

static void test_query__refuses_what_contradicts_itself(void **state)
{
    static const char *const cases[] = {"A=1&A.B=2", "A.B=2&A=1", "A=1&A=2", "A=%ff"};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        yyjson_val *value;
        assert_int_equal(query_to_json(&arena, str_from(cases[i]), &value, &error),
                         ERR_VALIDATION_ERROR);
    }
}

static void test_xml__escapes_and_wraps(void **state)
{
    (void)state;
    yyjson_mut_doc *doc = json_doc(&arena);
    yyjson_mut_val *output = yyjson_mut_obj(doc);
    json_add_str(doc, output, "Text", STR("<a & \"b\">\r\x01"));
    json_add_i64(doc, output, "Number", -5);
    json_add_bool(doc, output, "Truth", true);
    json_add_arr(doc, output, "None");
    yyjson_mut_arr_add_str(doc, json_add_arr(doc, output, "Some"), "x");
    assert_str(xml_query_response(&arena, STR("Op"), STR("ns"), STR("id"), output),
               STR("<OpResponse xmlns=\"ns\"><OpResult><Text>&lt;a &amp; "
                   "&quot;b&quot;&gt;&#xD;\xEF\xBF\xBD</Text><Number>-5</Number><Truth>true</Truth>"
                   "<None></None><Some><member>x</member></Some></OpResult><ResponseMetadata>"
                   "<RequestId>id</RequestId></ResponseMetadata></OpResponse>"));
}

static void test_yaml__reads_templates(void **state)
{
    static const char *const cases[][2] = {
        {"a: 1\nb: x\nc: [true, no, ~, 1.5]", "{\"a\":1,\"b\":\"x\",\"c\":[true,false,null,1.5]}"},
        {"d: 2010-09-09\nz: 000123\nq: '5'\nv: 1.2.3",
         "{\"d\":\"2010-09-09\",\"z\":\"000123\",\"q\":\"5\",\"v\":\"1.2.3\"}"},
        {"a: !Ref x\nb: !GetAtt r.a.b\nc: !Sub 'x-${y}'\nd: !Join [',', [a, !Ref b]]",
         "{\"a\":{\"Ref\":\"x\"},\"b\":{\"Fn::GetAtt\":[\"r\",\"a.b\"]},\"c\":{\"Fn::Sub\":\"x-${y}"
         "\"},"
         "\"d\":{\"Fn::Join\":[\",\",[\"a\",{\"Ref\":\"b\"}]]}}"},
        {"a: !If [C, !Equals [a, b], !Condition D]",
         "{\"a\":{\"Fn::If\":[\"C\",{\"Fn::Equals\":[\"a\",\"b\"]},{\"Condition\":\"D\"}]}}"},
        {"base: &b {x: 1, y: 2}\nnext:\n  <<: *b\n  y: 3",
         "{\"base\":{\"x\":1,\"y\":2},\"next\":{\"y\":3,\"x\":1}}"},
        {"a: |\n  two\n  lines\n", "{\"a\":\"two\\nlines\\n\"}"},
        {"{\"json\": [1]}", "{\"json\":[1]}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        yyjson_val *value = NULL;
        if (yaml_parse(&arena, str_from(cases[i][0]), &value, &error))
            fail_msg("%s: %s", cases[i][0], error.message);
        assert_str(as_text(value), str_from(cases[i][1]));
    }
}

static void test_yaml__says_where_it_is_wrong(void **state)
{
    static const char *const cases[][2] = {
        {"a: 1\na: 2", "line 2, column 1"},
        {"a: !Nope x", "unsupported tag"},
        {"a: *x", "unknown alias"},
        {"a: [1", "line "},
        {"", "empty"},
        {"{\"a\":", "JSON not well-formed"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        yyjson_val *value;
        assert_int_equal(yaml_parse(&arena, str_from(cases[i][0]), &value, &error),
                         ERR_VALIDATION_ERROR);
        if (!strstr(error.message, cases[i][1]))
            fail_msg("%s: %s", cases[i][0], error.message);
    }
}

static void test_yaml__aliases_do_not_explode(void **state)
{
    (void)state;
    struct buf text;
    yyjson_val *value;
    buf_init_arena(&text, &arena, 8192);
    buf_add(&text, STR("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"));
    for (int i = 1; i < 9; i++)
        buf_printf(&text, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1,
                   i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
    assert_int_equal(yaml_parse(&arena, buf_str(&text), &value, &error), ERR_VALIDATION_ERROR);
    assert_non_null(strstr(error.message, "expand to too much"));
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_json__is_bounded_in_depth),
        TEST(test_json__reads_numbers_and_truth_also_from_text),
        TEST(test_query__nests_and_sorts_lists),
        TEST(test_query__refuses_what_contradicts_itself),
        TEST(test_xml__escapes_and_wraps),
        TEST(test_yaml__reads_templates),
        TEST(test_yaml__says_where_it_is_wrong),
        TEST(test_yaml__aliases_do_not_explode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
