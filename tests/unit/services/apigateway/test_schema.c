/* JSON Schema draft 4: what fits, and what is said of what does not. */
#include "services/apigateway/plane/schema.h"

#include "../../check.h"
#include "wire/json.h"

static struct arena arena;

static int teardown(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static yyjson_val *parse(const char *text)
{
    char *copy = arena_cstr(&arena, str_from(text));
    for (char *c = copy; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    yyjson_val *value = json_parse(&arena, str_from(copy));
    if (!value)
        fail_msg("%s is no JSON", text);
    return value;
}

static yyjson_val *other_model(void *arg, struct str name)
{
    (void)arg;
    return str_eq(name, STR("Name")) ? parse("{'type':'string','minLength':2}") : NULL;
}

static struct str errors_of(const char *schema, const char *value)
{
    struct buf errors;
    buf_init_arena(&errors, &arena, 4096);
    yyjson_val *root = parse(schema);
    struct schema_context context = {&arena, root, other_model, NULL};
    bool is_good = schema_fits(&context, root, parse(value), &errors);
    assert_int_equal(is_good, errors.len == 0);
    return buf_str(&errors);
}

static void assert_fits(const char *schema, const char *value)
{
    struct str errors = errors_of(schema, value);
    if (errors.len)
        fail_msg("%s is refused by %s: %.*s", value, schema, STR_ARG(errors));
}

static void assert_refused(const char *schema, const char *value)
{
    if (errors_of(schema, value).len == 0)
        fail_msg("%s fits %s", value, schema);
}

static void test_schema__checks_types(void **state)
{
    (void)state;
    assert_fits("{'type':'integer'}", "3.0");
    assert_refused("{'type':'integer'}", "3.5");
    assert_fits("{'type':'number'}", "3");
    assert_fits("{'type':['string','null']}", "null");
    assert_refused("{'type':['string','null']}", "1");
    assert_fits("{}", "[1]");
}

static void test_schema__checks_objects(void **state)
{
    static const char note[] =
        "{'type':'object','required':['title'],'properties':{'title':{'type':'string','minLength':"
        "1},"
        "'tags':{'type':'array','items':{'type':'string'},'uniqueItems':true}},"
        "'additionalProperties':false}";
    (void)state;
    assert_fits(note, "{'title':'x','tags':['a','b']}");
    assert_str(errors_of(note, "{}"), STR("object has missing required properties ([\"title\"])"));
    assert_refused(note, "{'title':''}");
    assert_refused(note, "{'title':'x','other':1}");
    assert_refused(note, "{'title':'x','tags':['a','a']}");
    assert_refused(note, "{'title':'x','tags':[1]}");
    assert_fits("{'patternProperties':{'^x-':{'type':'string'}}}", "{'x-a':'b','c':1}");
    assert_refused("{'patternProperties':{'^x-':{'type':'string'}}}", "{'x-a':1}");
}

static void test_schema__checks_numbers_and_text(void **state)
{
    (void)state;
    assert_fits("{'minimum':1,'maximum':3}", "3");
    assert_refused("{'maximum':3,'exclusiveMaximum':true}", "3");
    assert_fits("{'multipleOf':0.1}", "0.3");
    assert_refused("{'multipleOf':2}", "3");
    assert_fits("{'maxLength':2}", "'äö'");
    assert_refused("{'maxLength':2}", "'äöü'");
    assert_fits("{'pattern':'[0-9]{3}'}", "'ab123'");
    assert_refused("{'pattern':'^[0-9]{3}$'}", "'ab123'");
    assert_refused("{'enum':['a',1]}", "'b'");
}

static void test_schema__combines(void **state)
{
    (void)state;
    assert_fits("{'anyOf':[{'type':'string'},{'minimum':5}]}", "6");
    assert_refused("{'anyOf':[{'type':'string'},{'minimum':5}]}", "4");
    assert_refused("{'oneOf':[{'minimum':1},{'minimum':2}]}", "3");
    assert_refused("{'allOf':[{'minimum':1},{'maximum':2}]}", "3");
    assert_refused("{'not':{'type':'string'}}", "'x'");
}

static void test_schema__follows_references(void **state)
{
    (void)state;
    assert_refused("{'definitions':{'n':{'type':'integer'}},'properties':{'a':{'$ref':"
                   "'#/definitions/n'}}}",
                   "{'a':'x'}");
    assert_refused("{'properties':{'a':{'$ref':"
                   "'https://apigateway.amazonaws.com/restapis/x/models/Name'}}}",
                   "{'a':'x'}");
    assert_refused("{'$ref':'#'}", "1"); /* round and round */
    assert_refused("{'$ref':'#/nowhere'}", "1");
}

static void test_schema__must_be_one(void **state)
{
    static const char *const bad[] = {"[]",
                                      "{'required':[]}",
                                      "{'anyOf':{}}",
                                      "{'pattern':'('}",
                                      "{'properties':[]}",
                                      "{'properties':{'a':1}}"};
    struct error error;
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (schema_check(parse(bad[i]), &arena, &error) == OK)
            fail_msg("%s is a schema", bad[i]);
    }
}

#define SCHEMA_TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCHEMA_TEST(test_schema__checks_types),
        SCHEMA_TEST(test_schema__checks_objects),
        SCHEMA_TEST(test_schema__checks_numbers_and_text),
        SCHEMA_TEST(test_schema__combines),
        SCHEMA_TEST(test_schema__follows_references),
        SCHEMA_TEST(test_schema__must_be_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
