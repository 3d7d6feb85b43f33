/* How functions, invocations and sources are named, and how log lines look. */
#include "services/lambda/function.h"
#include "services/lambda/report.h"
#include "services/lambda/runtime_api.h"

#include "../../check.h"
#include "base/clock.h"

/* --- Functions --- */

static void assert_name(const char *text, const char *name, const char *qualifier)
{
    struct function_name found;
    if (!function_name_parse(str_from(text), &found))
        fail_msg("\"%s\" is not taken for a name", text);
    assert_str(found.name, str_from(name));
    assert_str(found.qualifier, str_from(qualifier));
}

static void test_function_name__takes_all_forms_of_names(void **state)
{
    (void)state;
    assert_name("f-1_x", "f-1_x", "");
    assert_name("f:$LATEST", "f", "$LATEST");
    assert_name("f:live", "f", "live");
    assert_name("function:f", "f", "");
    assert_name("123456789012:function:f:1", "f", "1");
    assert_name("arn:aws:lambda:us-east-1:000000000000:function:f", "f", "");
    assert_name("arn:aws:lambda:us-east-1:000000000000:function:f:2", "f", "2");
    assert_name("function", "function", "");
    assert_name("arn:aws:lambda:us-east-1:000000000000:function", "function", "");
    assert_name("arn:aws:lambda:us-gov-west-1:000000000000:function:f", "f", "");
    assert_name("arn:aws:lambda:eusc-de-east-1:000000000000:function:f", "f", "");
    assert_name("ab.cd:$LATEST.PUBLISHED", "ab.cd", "$LATEST.PUBLISHED");
}

static void test_function_name__refuses_what_is_none(void **state)
{
    (void)state;
    const char *texts[] = {"",
                           "a b",
                           "a/b",
                           "f:",
                           "f:a:b",
                           "arn:aws:lambda:invalid-region:000000000000:function:f",
                           "arn:aws:lambda::000000000000:function:f",
                           "f:$LATES",
                           "arn:aws:s3:us-east-1:000000000000:function:f",
                           "arn:aws:lambda",
                           "arn:aws:lambda:us-east-1:000000000000:function:"};
    struct function_name found;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        if (function_name_parse(str_from(texts[i]), &found))
            fail_msg("\"%s\" is taken for a name", texts[i]);
    }
}

/* --- Sources --- */

static void test_arn_like__matches_within_sections(void **state)
{
    (void)state;
    struct str arn = STR("arn:aws:execute-api:us-east-1:000000000000:abc/prod/GET/notes/{id}");
    assert_true(arn_like(arn, arn));
    assert_true(arn_like(STR("arn:aws:execute-api:*:*:abc/*/GET/notes/*"), arn));
    assert_true(arn_like(STR("arn:aws:execute-api:us-east-?:000000000000:*"), arn));
    assert_false(arn_like(STR("arn:aws:execute-api:*:abc/*"), arn));
    assert_false(arn_like(STR("arn:aws:execute-api:us-east-1:000000000000:abd/*"), arn));
    assert_false(arn_like(STR("*"), arn));
    assert_false(arn_like(arn, STR_EMPTY));
}

/* --- Runtime API --- */

static void assert_call(const char *method, const char *path, enum runtime_call expected,
                        const char *id)
{
    struct str found = STR_EMPTY;
    assert_int_equal(runtime_api_parse(str_from(method), str_from(path), &found), expected);
    assert_str(found, str_from(id));
}

static void test_runtime_api__knows_its_calls(void **state)
{
    (void)state;
    assert_call("GET", "/2018-06-01/runtime/invocation/next", RUNTIME_NEXT, "");
    assert_call("POST", "/2018-06-01/runtime/invocation/x-1/response", RUNTIME_RESPONSE, "x-1");
    assert_call("POST", "/2018-06-01/runtime/invocation/x-1/error", RUNTIME_ERROR, "x-1");
    assert_call("POST", "/2018-06-01/runtime/init/error", RUNTIME_INIT_ERROR, "");
}

static void test_runtime_api__knows_no_others(void **state)
{
    (void)state;
    assert_call("POST", "/2018-06-01/runtime/invocation/next", RUNTIME_UNKNOWN, "");
    assert_call("GET", "/2018-06-01/runtime/init/error", RUNTIME_UNKNOWN, "");
    assert_call("GET", "/2018-06-01/runtime/invocation/x/response", RUNTIME_UNKNOWN, "");
    assert_call("POST", "/2018-06-01/runtime/invocation//response", RUNTIME_UNKNOWN, "");
    assert_call("POST", "/2018-06-01/runtime/invocation/x/responses", RUNTIME_UNKNOWN, "x");
    assert_call("POST", "/2018-06-01/runtime/", RUNTIME_UNKNOWN, "");
    assert_call("POST", "", RUNTIME_UNKNOWN, "");
}

/* --- Log lines --- */

struct kept {
    struct arena arena;
    struct buf text;
};

static void keep(void *self, struct str group, struct str stream, const struct log_event *events,
                 size_t count)
{
    struct kept *kept = self;
    assert_str(group, STR("/aws/lambda/f"));
    assert_true(str_find(stream, STR("/[$LATEST]")) == 10 && stream.len == 52);
    for (size_t i = 0; i < count; i++)
        buf_add(&kept->text, events[i].message);
}

struct log_fixture {
    struct kept kept;
    struct log_capability logs;
    struct report report;
};

static void begin(struct log_fixture *f)
{
    *f = (struct log_fixture){0};
    buf_init_arena(&f->kept.text, &f->kept.arena, 1024 * 1024);
    f->logs = (struct log_capability){.self = &f->kept, .append = keep};
    report_init(&f->report, &f->logs, STR("/aws/lambda/f"), STR("$LATEST"));
}

static void assert_logged(struct log_fixture *f, const char *expected)
{
    report_flush(&f->report);
    assert_str(buf_str(&f->kept.text), str_from(expected));
    report_release(&f->report);
    arena_release(&f->kept.arena);
}

static void test_report__cuts_output_into_lines(void **state)
{
    (void)state;
    struct log_fixture f;
    begin(&f);
    report_output(&f.report, STR("one\ntw"));
    report_output(&f.report, STR("o\n\nthr"));
    report_output(&f.report, STR("ee\n"));
    assert_logged(&f, "one\ntwo\n\nthree\n");
}

static void test_report__keeps_the_lines_of_an_entry_together(void **state)
{
    (void)state;
    struct log_fixture f;
    begin(&f);
    report_output(&f.report, STR("one\x1e"
                                 "two\n"));
    assert_int_equal(f.report.count, 1);
    assert_logged(&f, "one\ntwo\n");
}

static void test_report__is_worded_as_lambda_does(void **state)
{
    (void)state;
    struct log_fixture f;
    const struct report_cost cost = {
        .request_id = STR("id"),
        .duration_us = 1234,
        .init_us = 103660,
        .memory_mb = 128,
        .used_mb = 12,
    };
    begin(&f);
    report_start(&f.report, STR("id"), false);
    report_output(&f.report, STR("unfinished"));
    report_end(&f.report, &cost);
    assert_logged(&f, "START RequestId: id Version: $LATEST\nunfinished\nEND RequestId: id\n"
                      "REPORT RequestId: id\tDuration: 1.23 ms\tBilled Duration: 105 ms\tMemory "
                      "Size: 128 MB\tMax Memory Used: 12 MB\tInit Duration: 103.66 ms\t\n");
}

static void test_report__gives_the_end_of_a_long_log(void **state)
{
    (void)state;
    struct log_fixture f;
    char line[1000];
    begin(&f);
    memset(line, 'x', sizeof(line) - 1);
    line[sizeof(line) - 1] = '\n';
    report_start(&f.report, STR("id"), true);
    for (int i = 0; i < 1000; i++)
        report_output(&f.report, str_make(line, sizeof(line)));
    assert_int_equal(report_tail(&f.report, &f.kept.arena).len, (4096 + 2) / 3 * 4);
    report_release(&f.report);
    arena_release(&f.kept.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_function_name__takes_all_forms_of_names),
        cmocka_unit_test(test_function_name__refuses_what_is_none),
        cmocka_unit_test(test_arn_like__matches_within_sections),
        cmocka_unit_test(test_runtime_api__knows_its_calls),
        cmocka_unit_test(test_runtime_api__knows_no_others),
        cmocka_unit_test(test_report__cuts_output_into_lines),
        cmocka_unit_test(test_report__keeps_the_lines_of_an_entry_together),
        cmocka_unit_test(test_report__is_worded_as_lambda_does),
        cmocka_unit_test(test_report__gives_the_end_of_a_long_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
