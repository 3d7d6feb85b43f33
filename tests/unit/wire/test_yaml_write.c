/* JSON as YAML. */
#include "../check.h"
#include "wire/yaml.h"

static struct arena arena;

static int teardown(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static struct str write(const char *json)
{
    char *text = arena_cstr(&arena, str_from(json));
    for (char *c = text; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    yyjson_val *value = json_parse(&arena, str_from(text));
    assert_non_null(value);
    return yaml_write(&arena, yyjson_val_mut_copy(json_doc(&arena), value));
}

static void test_yaml_write__writes_blocks(void **state)
{
    (void)state;
    assert_str(write("{'a':{'b':[1,true,null,2.5]},'c':[{'d':'e'}],'f':{},'g':[]}"),
               STR("a:\n  b:\n  - 1\n  - true\n  - null\n  - 2.5\nc:\n- d: \"e\"\nf: {}\ng: []\n"));
}

static void test_yaml_write__quotes_texts_and_keys_that_could_be_something_else(void **state)
{
    (void)state;
    assert_str(
        write("{'200':'1','on':'true','/a/{b}':'x: y','':'#','a b':''}"),
        STR("\"200\": \"1\"\n\"on\": \"true\"\n/a/{b}: \"x: y\"\n\"\": \"#\"\n\"a b\": \"\"\n"));
}

static void test_yaml_write__is_read_as_the_same(void **state)
{
    static const char *const texts[] = {
        "{'a':'line\\nline\\n','b':' x ','c':'\\u0000\\u001b\\ufffd\\ud83d\\ude00','d':'\\\"\\\\'}",
        "[[[],[{}]],[{'k':[1]}],-1,1e+300,'~','null','<<','- x','%','@a','!b','&c','*d']",
        "{'<<':{'a':1},'? k':1,'k: v':2,'0x10':3,'.5':4,'~':5,'\\ttab':6,'1e5':7}",
        "'text'",
    };
    struct error error;
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        yyjson_val *read;
        struct str yaml = write(texts[i]);
        if (yaml_parse(&arena, yaml, &read, &error))
            fail_msg("%s: %s", yaml.ptr, error.message);
        assert_str(yaml_write(&arena, yyjson_val_mut_copy(json_doc(&arena), read)), yaml);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yaml_write__writes_blocks),
        cmocka_unit_test(test_yaml_write__quotes_texts_and_keys_that_could_be_something_else),
        cmocka_unit_test(test_yaml_write__is_read_as_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
