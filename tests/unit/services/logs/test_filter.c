/* Filter patterns, with the examples of AWS's documentation. */
#include "services/logs/filter.h"

#include "../../check.h"

struct filter_case {
    const char *pattern, *message;
    bool is_match;
};

/* In patterns and messages ' is ". */
static const struct filter_case cases[] = {
    /* Terms */
    {"", "anything", true},
    {"  ", "anything", true},
    {"ERROR", "[ERROR 400] BAD REQUEST", true},
    {"ERROR", "[error 400] bad request", false},
    {"Exception", "java.lang.NullPointerException: null", true},
    {"ERROR ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", true},
    {"ERROR ARGUMENTS", "[ERROR 400] BAD REQUEST", false},
    {"?ERROR ?ARGUMENTS", "[ERROR 400] BAD REQUEST", true},
    {"?ERROR ?ARGUMENTS", "[WARN] MISSING ARGUMENTS", true},
    {"?ERROR ?ARGUMENTS", "fine", false},
    {"ERROR -ARGUMENTS", "[ERROR 400] BAD REQUEST", true},
    {"ERROR -ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", false},
    {"-ARGUMENTS", "fine", true},
    {"?WARN ERROR", "WARN", false},
    {"'INTERNAL SERVER ERROR'", "[ERROR 500] INTERNAL SERVER ERROR", true},
    {"'INTERNAL SERVER ERROR'", "INTERNAL ERROR SERVER", false},
    {"-'disk full' ERROR", "ERROR: disk full", false},
    {"'say \\'hi\\''", "they say 'hi'", true},

    /* Regular expressions */
    {"%ERR.R%", "an ERROR", true},
    {"%^ERR.R%", "an ERROR", false},
    {"%AUTHORIZED|FAILED% user", "user FAILED", true},
    {"-%4[0-9]{2}%", "status 404", false},
    {"?%4\\d\\d% ?WARN", "status 404", true},
    {"%100\\%%", "100% done", true},
    {"{ $.eventType = %Trail% }", "{'eventType': 'UpdateTrail'}", true},
    {"{ $.status != %4..% }", "{'status': 404}", false},
    {"{ $.status = %^4[0-9 ]+|x$% && $.b = 1 }", "{'status':'404','b':1}", true},
    {"[ip=%127\\.0\\.0\\.[1-9]%, user, ...]", "127.0.0.1 frank ok", true},
    {"[ip!=%127\\.0\\.0\\.[1-9]%, user, ...]", "127.0.0.1 frank ok", false},

    /* JSON: texts */
    {"{ $.eventType = 'UpdateTrail' }", "{'eventType': 'UpdateTrail'}", true},
    {"{ $.eventType = UpdateTrail }", "{'eventType': 'UpdateTrail'}", true},
    {"{ $.eventType = 'UpdateTrail' }", "{'eventType': 'Other'}", false},
    {"{ $.eventType = 'UpdateTrail' }", "eventType = UpdateTrail", false},
    {"{ $.eventType != 'UpdateTrail' }", "{'eventType': 'Other'}", true},
    {"{ $.eventType != 'UpdateTrail' }", "{'other': 1}", false},
    {"{ $.sourceIPAddress != 123.123.* }", "{'sourceIPAddress': '111.111.111.111'}", true},
    {"{ $.sourceIPAddress = 111.111.* }", "{'sourceIPAddress': '111.111.111.111'}", true},
    {"{ $.message = '*timed out*' }", "{'message': 'Task timed out after 3 s'}", true},
    {"{$.a='b'}", "{'a':'b'}", true},
    {"{ $.a.b.c = 'x' }", "{'a':{'b':{'c':'x'}}}", true},
    {"{ $['a.b'] = 'x' }", "{'a.b':'x'}", true},
    {"{ $.arrayKey[0] = 'value' }", "{'arrayKey':['value','another value']}", true},
    {"{ $.arrayKey[1] = 'value' }", "{'arrayKey':['value','another value']}", false},
    {"{ $.objectList[1].id = 2 }", "{'objectList':[{'id':1},{'id':2}]}", true},
    {"{ $.objectList[*].id = 2 }", "{'objectList':[{'id':1},{'id':2}]}", true},
    {"{ $.objectList[*].id = 3 }", "{'objectList':[{'id':1},{'id':2}]}", false},

    /* JSON: numbers */
    {"{ $.bandwidth > 75 }", "{'bandwidth': 76.5}", true},
    {"{ $.bandwidth > 75 }", "{'bandwidth': 75}", false},
    {"{ $.bandwidth >= 75 }", "{'bandwidth': 75}", true},
    {"{ $.latency < 50 }", "{'latency': 49}", true},
    {"{ $.latency <= 50 }", "{'latency': 50.1}", false},
    {"{ $.errorCode = 400 }", "{'errorCode': 400}", true},
    {"{ $.errorCode = 400 }", "{'errorCode': '400'}", true},
    {"{ $.errorCode != 400 }", "{'errorCode': 500}", true},
    {"{ $.errorCode = 4* }", "{'errorCode': 404}", true},
    {"{ $.number[0] = 1e-3 }", "{'number': [0.001]}", true},
    {"{ $.latency > 50 }", "{'latency': 'slow'}", false},

    /* JSON: what a value is */
    {"{ $.SomeObject IS NULL }", "{'SomeObject': null}", true},
    {"{ $.SomeObject IS NULL }", "{'Other': null}", false},
    {"{ $.SomeOtherObject NOT EXISTS }", "{'SomeObject': null}", true},
    {"{ $.SomeObject NOT EXISTS }", "{'SomeObject': null}", false},
    {"{ $.ThisFlag IS TRUE }", "{'ThisFlag': true}", true},
    {"{ $.ThisFlag IS FALSE }", "{'ThisFlag': true}", false},
    {"{ $.ThisFlag = true }", "{'ThisFlag': true}", true},

    /* JSON: together */
    {"{ ($.user.id = 1) && ($.users[0].email = 'John.Doe@example.com') }",
     "{'user':{'id':1},'users':[{'email':'John.Doe@example.com'}]}", true},
    {"{ ($.user.id = 2 && $.users[0].email = 'nonmatch') || $.actions[2] = 'GET' }",
     "{'user':{'id':1},'users':[{'email':'x'}],'actions':['A','B','GET']}", true},
    {"{ ($.user.email = 'a' || $.coordinates[0][1] = nonmatch) && $.actions[2] = nonmatch }",
     "{'user':{'email':'a'},'coordinates':[[0,1]],'actions':['A','B','GET']}", false},
    {"{ $.a = 1 || $.b = 1 && $.c = 1 }", "{'a':1}", true},

    /* Columns */
    {"[ip, user, username, timestamp, request, status_code, bytes]",
     "127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] 'GET /index.html HTTP/1.0' 200 1534", true},
    {"[ip, user, username, timestamp, request = *.html*, status_code = 4*, bytes]",
     "127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] 'GET /index.html HTTP/1.0' 404 1534", true},
    {"[ip, user, username, timestamp, request, status_code = 4*, bytes]",
     "127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] 'GET /index.html HTTP/1.0' 200 1534",
     false},
    {"[..., status_code, bytes > 1000]",
     "127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] 'GET /index.html HTTP/1.0' 404 1534", true},
    {"[ip, ...]", "127.0.0.1 Prod frank", true},
    {"[ip, user]", "127.0.0.1 Prod frank", false},
    {"[w1=ERROR, w2]", "ERROR here", true},
    {"[w1!=ERROR && w1!=WARN, w2]", "WARN here", false},
    {"[w1=ERROR || w1=WARN, w2]", "WARN here", true},
};

static const char *const invalid[] = {
    "'open",
    "-",
    "{",
    "{ $.a }",
    "{ a = 1 }",
    "{ $.a = }",
    "{ $. = 1 }",
    "{ $.a = 1",
    "{ $.a > x }",
    "{ $.a = 1 } x",
    "{ $.a[x] = 1 }",
    "[",
    "[a, ..., b, ...]",
    "[a = ]",
    "[a, b = 1",
    "%ERR",
    "%%",
    "%(a)%",
    "%[%",
    "%a% %b% %c%",
    "{ $.a > %1% }",
    "{ ($.a = 1 }",
    "{ $.a IS x }",
};

static struct str quoted(struct arena *arena, const char *text)
{
    char *copy = arena_cstr(arena, str_from(text));
    for (char *c = copy; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    return str_from(copy);
}

static void test_filter__matches_as_documented(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena arena = {0};
        const struct filter *filter;
        struct error error;
        if (logs_filter_parse(&arena, quoted(&arena, cases[i].pattern), &filter, &error))
            fail_msg("%s: %s", cases[i].pattern, error.message);
        if (logs_filter_matches(filter, quoted(&arena, cases[i].message), &arena) !=
            cases[i].is_match)
            fail_msg("%s on %s: expected %d", cases[i].pattern, cases[i].message,
                     cases[i].is_match);
        arena_release(&arena);
    }
}

static void test_filter__refuses_what_is_no_pattern(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) {
        struct arena arena = {0};
        const struct filter *filter;
        struct error error;
        if (logs_filter_parse(&arena, quoted(&arena, invalid[i]), &filter, &error) !=
            ERR_LOGS_INVALID_PARAMETER)
            fail_msg("%s was taken", invalid[i]);
        assert_string_equal(error.message, "Invalid filter pattern");
        arena_release(&arena);
    }
}

static void test_filter__bounds_its_depth(void **state)
{
    (void)state;
    struct arena arena = {0};
    const struct filter *filter;
    struct error error;
    char text[1024] = "{";
    memset(text + 1, '(', 200);
    strcat(text, "$.a = 1");
    assert_int_equal(logs_filter_parse(&arena, str_from(text), &filter, &error),
                     ERR_LOGS_INVALID_PARAMETER);
    arena_release(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filter__matches_as_documented),
        cmocka_unit_test(test_filter__refuses_what_is_no_pattern),
        cmocka_unit_test(test_filter__bounds_its_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
