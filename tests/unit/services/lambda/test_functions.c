/* Functions from their making to their answers: the API, and real instances in sandboxes. With the
 * argument "plain" without sandboxes. */
#include "functions.h"

/* --- Invocations --- */

static void test_invoke__gives_the_functions_answer(void **state)
{
    create(*state, "echo");
    assert_answer(invoke(*state, STR("{\"a\":[1,2]}")), STR("{\"a\":[1,2]}"));
}

static void test_invoke__uses_a_warm_instance_again(void **state)
{
    create(*state, "count");
    assert_answer(invoke(*state, STR("{}")), STR("1"));
    assert_answer(invoke(*state, STR("{}")), STR("2"));
}

static void test_invoke__takes_many_at_once(void **state)
{
    enum { COUNT = 8 };
    struct fixture *f = *state;
    struct invoking all[COUNT];
    create(f, "echo");
    for (int i = 0; i < COUNT; i++)
        begin_as(f, &all[i], root_of(), STR_EMPTY, arena_printf(&f->arena, "%d", i));
    for (int i = 0; i < COUNT; i++)
        assert_answer(finish(f, &all[i]), arena_printf(&f->arena, "%d", i));
}

static void test_invoke__carries_large_payloads(void **state)
{
    struct fixture *f = *state;
    enum { SIZE = 5 * 1024 * 1024 };
    char *text = arena_alloc(&f->arena, SIZE);
    memset(text, 'x', SIZE);
    text[0] = text[SIZE - 1] = '"';
    create(f, "echo");
    assert_answer(invoke(f, str_make(text, SIZE)), str_make(text, SIZE));
}

static void test_invoke__refuses_a_payload_that_is_too_large(void **state)
{
    struct fixture *f = *state;
    size_t size = 6 * 1024 * 1024 + 1;
    char *text = arena_zalloc(&f->arena, size);
    create(f, "echo");
    assert_int_equal(invoke(f, str_make(text, size)).rc, ERR_LAMBDA_REQUEST_TOO_LARGE);
}

static void test_invoke__refuses_unknown_functions(void **state)
{
    struct function_invocation outcome = invoke(*state, STR("{}"));
    assert_int_equal(outcome.rc, ERR_LAMBDA_RESOURCE_NOT_FOUND);
    assert_string_equal(
        outcome.error.message,
        "Function not found: arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST");
}

static void test_invoke__gives_the_handlers_error(void **state)
{
    struct fixture *f = *state;
    create(f, "error");
    assert_failure(f, invoke(f, STR("{}")), "{\"errorMessage\":\"no\",\"errorType\":\"Nope\"}");
}

static void test_invoke__refuses_answers_to_other_invocations(void **state)
{
    create(*state, "wrong_id");
    assert_answer(invoke(*state, STR("{}")), STR("\"refused\""));
}

static void test_invoke__tells_how_the_runtime_exited(void **state)
{
    struct fixture *f = *state;
    create(f, "crash");
    struct function_invocation outcome = invoke(f, STR("{}"));
    assert_failure(f, outcome,
                   "{\"errorType\":\"Runtime.ExitError\",\"errorMessage\":\"RequestId: REQUESTID "
                   "Error: Runtime exited with error: exit status 3\"}");
    assert_contains(tail_of(f, outcome), "about to crash\n");
    assert_contains(tail_of(f, outcome), "Status: error\tError Type: Runtime.ExitError");
}

static void test_invoke__tells_that_the_runtime_left(void **state)
{
    struct fixture *f = *state;
    create(f, "leave");
    assert_failure(f, invoke(f, STR("{}")),
                   "{\"errorType\":\"Runtime.ExitError\",\"errorMessage\":\"RequestId: REQUESTID "
                   "Error: Runtime exited without providing a reason\"}");
}

static void test_invoke__tells_the_signal(void **state)
{
    struct fixture *f = *state;
    create(f, "abort");
    assert_failure(f, invoke(f, STR("{}")),
                   "{\"errorType\":\"Runtime.ExitError\",\"errorMessage\":\"RequestId: REQUESTID "
                   "Error: Runtime exited with error: signal: aborted\"}");
}

static void test_invoke__ends_at_the_functions_timeout(void **state)
{
    struct fixture *f = *state;
    create_with(f, "hang", ",'Timeout':1");
    struct function_invocation outcome = invoke(f, STR("{}"));
    assert_true(outcome.is_timeout);
    assert_failure(f, outcome,
                   "{\"errorType\":\"Sandbox.Timedout\",\"errorMessage\":\"RequestId: REQUESTID "
                   "Error: Task timed out after 1.00 seconds\"}");
    assert_contains(tail_of(f, outcome), "Task timed out after 1.00 seconds\n");
    assert_contains(tail_of(f, outcome), "Status: timeout");
}

static void test_invoke__refuses_an_answer_that_is_too_large(void **state)
{
    struct fixture *f = *state;
    create(f, "large");
    assert_failure(f, invoke(f, STR("{}")),
                   "{\"errorType\":\"Function.ResponseSizeTooLarge\",\"errorMessage\":\"Response "
                   "payload size exceeded maximum allowed payload size (6291556 bytes).\"}");
}

static void test_invoke__tells_that_the_start_failed(void **state)
{
    struct fixture *f = *state;
    create(f, "init_crash");
    assert_failure(f, invoke(f, STR("{}")),
                   "{\"errorType\":\"Runtime.ExitError\",\"errorMessage\":\"RequestId: REQUESTID "
                   "Error: Runtime exited with error: exit status 5\"}");
    assert_contains(buf_str(&world.log), "Phase: init\tStatus: error");
    assert_contains(buf_str(&world.log), "Phase: invoke\tStatus: error");
}

static void test_invoke__gives_the_runtimes_own_init_error(void **state)
{
    struct fixture *f = *state;
    create(f, "init_error");
    assert_failure(f, invoke(f, STR("{}")),
                   "{\"errorMessage\":\"cannot load\",\"errorType\":\"Init\"}");
}

static void test_invoke__runs_after_a_crash(void **state)
{
    struct fixture *f = *state;
    create(f, "crash");
    invoke(f, STR("{}"));
    service_ok(f, "lambda", "UpdateFunctionConfiguration", "{'FunctionName':'f','Handler':'echo'}");
    assert_answer(invoke(f, STR("1")), STR("1"));
}

/* --- Logs --- */

static void test_log__has_output_between_start_and_end(void **state)
{
    struct fixture *f = *state;
    create(f, "print");
    struct str log = tail_of(f, invoke(f, STR("{}")));
    ptrdiff_t start = str_find(log, STR("START RequestId: "));
    ptrdiff_t output = str_find(log, STR("one\ntwo\n"));
    ptrdiff_t end = str_find(log, STR("END RequestId: "));
    ptrdiff_t report = str_find(log, STR("REPORT RequestId: "));
    assert_true(start == 0 && output > start && end > output && report > end);
    assert_contains(buf_str(&world.log), "INIT_START Runtime Version: provided:al2023.v1\t");
}

static void test_log__tells_the_first_start_once(void **state)
{
    struct fixture *f = *state;
    create(f, "echo");
    assert_contains(tail_of(f, invoke(f, STR("{}"))), "Init Duration: ");
    assert_int_equal(str_find(tail_of(f, invoke(f, STR("{}"))), STR("Init Duration: ")), -1);
}

static void test_log__is_in_json_when_asked(void **state)
{
    struct fixture *f = *state;
    create_with(f, "echo", ",'LoggingConfig':{'LogFormat':'JSON'}");
    struct str start, report = tail_of(f, invoke(f, STR("{}")));
    str_cut(&report, '\n', &start);
    yyjson_val *first = json_parse(&f->arena, start), *second = json_parse(&f->arena, report);
    assert_str(json_get_str(first, "type"), STR("platform.start"));
    assert_str(json_get_str(json_get(first, "record"), "version"), STR("$LATEST"));
    assert_str(json_get_str(second, "type"), STR("platform.report"));
    assert_str(json_get_str(json_get(second, "record"), "status"), STR("success"));
    service_ok(f, "lambda", "UpdateFunctionConfiguration",
               "{'FunctionName':'f','LoggingConfig':{'LogFormat':'JSON','SystemLogLevel':'WARN'}}");
    assert_str(tail_of(f, invoke(f, STR("{}"))), STR(""));
}

static void test_log__has_levels_only_in_json(void **state)
{
    struct fixture *f = *state;
    create(f, "echo");
    service_fails(f, "lambda", "UpdateFunctionConfiguration",
                  "{'FunctionName':'f','LoggingConfig':{'SystemLogLevel':'WARN'}}",
                  ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                  "To use ApplicationLogLevel or SystemLogLevel, LogFormat must be JSON.");
}

/* --- Environment --- */

static void assert_variable(struct fixture *f, const char *name, const char *expected)
{
    assert_answer(invoke(f, arena_printf(&f->arena, "\"%s\"", name)), str_from(expected));
}

static void test_environment__is_lambdas(void **state)
{
    struct fixture *f = *state;
    create_with(f, "variable", ",'Environment':{'Variables':{'MINE':'x y'}}");
    assert_variable(f, "AWS_LAMBDA_FUNCTION_NAME", "f");
    assert_variable(f, "AWS_REGION", "us-east-1");
    assert_variable(f, "AWS_ACCESS_KEY_ID", "ASIATEST");
    assert_variable(f, "AWS_SESSION_TOKEN", "token");
    assert_variable(f, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128");
    assert_variable(f, "MINE", "x y");
}

static void test_environment__changes_with_the_configuration(void **state)
{
    struct fixture *f = *state;
    create_with(f, "variable", ",'Environment':{'Variables':{'MINE':'1'}}");
    assert_variable(f, "MINE", "1");
    service_ok(f, "lambda", "UpdateFunctionConfiguration",
               "{'FunctionName':'f','Environment':{'Variables':{'MINE':'2'}}}");
    assert_variable(f, "MINE", "2");
}

/* --- Concurrency --- */

static void test_concurrency__is_limited_to_what_is_reserved(void **state)
{
    struct fixture *f = *state;
    create(f, "echo");
    service_ok(f, "lambda", "PutFunctionConcurrency",
               "{'FunctionName':'f','ReservedConcurrentExecutions':0}");
    struct function_invocation outcome = invoke(f, STR("{}"));
    assert_int_equal(outcome.rc, ERR_LAMBDA_TOO_MANY_REQUESTS);
    assert_string_equal(outcome.error.message, "Rate Exceeded.");
    assert_str(outcome.error.members,
               STR("\"Reason\":\"ReservedFunctionConcurrentInvocationLimitExceeded\""));
    service_ok(f, "lambda", "DeleteFunctionConcurrency", "{'FunctionName':'f'}");
    assert_answer(invoke(f, STR("1")), STR("1"));
}

/* --- Permissions --- */

static struct principal gateway(void)
{
    return (struct principal){
        .kind = PRINCIPAL_SERVICE,
        .account = STR("000000000000"),
        .arn = STR("apigateway.amazonaws.com"),
        .name = STR("apigateway.amazonaws.com"),
    };
}

#define SOURCE "arn:aws:execute-api:us-east-1:000000000000:abc/"

static void test_permission__lets_a_service_invoke_from_its_source(void **state)
{
    struct fixture *f = *state;
    create(f, "echo");
    assert_int_equal(invoke_as(f, gateway(), STR(SOURCE "prod/GET/"), STR("1")).rc,
                     ERR_ACCESS_DENIED_EXCEPTION);
    service_ok(f, "lambda", "AddPermission",
               "{'FunctionName':'f','StatementId':'s','Action':'lambda:InvokeFunction',"
               "'Principal':'apigateway.amazonaws.com','SourceArn':'" SOURCE "*/GET/*'}");
    assert_answer(invoke_as(f, gateway(), STR(SOURCE "prod/GET/"), STR("1")), STR("1"));
    assert_int_equal(invoke_as(f, gateway(), STR(SOURCE "prod/PUT/"), STR("1")).rc,
                     ERR_ACCESS_DENIED_EXCEPTION);
    service_ok(f, "lambda", "RemovePermission", "{'FunctionName':'f','StatementId':'s'}");
    assert_int_equal(invoke_as(f, gateway(), STR(SOURCE "prod/GET/"), STR("1")).rc,
                     ERR_ACCESS_DENIED_EXCEPTION);
}

static void test_permission__asks_iam_about_users(void **state)
{
    struct fixture *f = *state;
    struct principal user = {.kind = PRINCIPAL_USER, .name = STR("unable"), .arn = STR("arn:u")};
    create(f, "echo");
    assert_int_equal(invoke_as(f, user, STR_EMPTY, STR("1")).rc, ERR_ACCESS_DENIED_EXCEPTION);
    user.name = STR("able");
    assert_answer(invoke_as(f, user, STR_EMPTY, STR("1")), STR("1"));
}

static void test_permission__is_shown_as_a_policy(void **state)
{
    struct fixture *f = *state;
    create(f, "echo");
    service_fails(f, "lambda", "GetPolicy", "{'FunctionName':'f'}", ERR_LAMBDA_RESOURCE_NOT_FOUND,
                  "The resource you requested does not exist.");
    service_ok(f, "lambda", "AddPermission",
               "{'FunctionName':'f','StatementId':'s','Action':'lambda:InvokeFunction',"
               "'Principal':'111122223333'}");
    yyjson_val *output = service_ok(f, "lambda", "GetPolicy", "{'FunctionName':'f'}");
    assert_str(json_get_str(output, "Policy"),
               STR("{\"Version\":\"2012-10-17\",\"Id\":\"default\",\"Statement\":[{\"Sid\":\"s\","
                   "\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::111122223333:root\"}"
                   ",\"Action\":\"lambda:InvokeFunction\",\"Resource\":\"arn:aws:lambda:us-east-1:"
                   "000000000000:function:f\"}]}"));
}

static void test_permission__has_a_name_of_its_own(void **state)
{
    struct fixture *f = *state;
    const char *input = "{'FunctionName':'f','StatementId':'s','Action':'lambda:InvokeFunction',"
                        "'Principal':'apigateway.amazonaws.com'}";
    create(f, "echo");
    service_ok(f, "lambda", "AddPermission", input);
    service_fails(f, "lambda", "AddPermission", input, ERR_LAMBDA_RESOURCE_CONFLICT,
                  "The statement id (s) provided already exists. Please provide a new statement "
                  "id, or remove the existing statement.");
}

/* --- The API --- */

static void test_create__answers_with_the_whole_configuration(void **state)
{
    struct fixture *f = *state;
    yyjson_val *output = create_with(f, "echo", ",'Description':'d','MemorySize':256");
    assert_str(json_get_str(output, "FunctionArn"),
               STR("arn:aws:lambda:us-east-1:000000000000:function:f"));
    assert_str(json_get_str(output, "State"), STR("Active"));
    assert_str(json_get_str(output, "Version"), STR("$LATEST"));
    assert_int_equal(json_get_str(output, "CodeSha256").len, 44);
    int64_t memory_mb, timeout_s;
    assert_true(json_get_i64(output, "MemorySize", &memory_mb) && memory_mb == 256);
    assert_true(json_get_i64(output, "Timeout", &timeout_s) && timeout_s == 3);
}

static void create_fails(struct fixture *f, const char *more, enum err expected,
                         const char *message)
{
    service_fails(f, "lambda", "CreateFunction", input_of(f, "echo", more), expected, message);
}

static void test_create__words_its_refusals_as_lambda_does(void **state)
{
    struct fixture *f = *state;
    create_fails(f, ",'MemorySize':64", ERR_VALIDATION,
                 "1 validation error detected: Value '64' at 'memorySize' failed to satisfy "
                 "constraint: Member must have value greater than or equal to 128");
    create_fails(f, ",'Timeout':901,'MemorySize':20000", ERR_VALIDATION,
                 "2 validation errors detected: Value '20000' at 'memorySize' failed to satisfy "
                 "constraint: Member must have value less than or equal to 10240; Value '901' at "
                 "'timeout' failed to satisfy constraint: Member must have value less than or "
                 "equal to 900");
    create_fails(f, ",'Environment':{'Variables':{'AWS_REGION':'x'}}",
                 ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                 "Lambda was unable to configure your environment variables because the "
                 "environment variables you have provided contains reserved keys that are "
                 "currently not supported for modification. Reserved keys used in this request: "
                 "AWS_REGION");
    service_fails(f, "lambda", "CreateFunction",
                  "{'FunctionName':'f','Runtime':'provided.al2023','Handler':'h',"
                  "'Role':'arn:aws:iam::000000000000:role/bad','Code':{'ZipFile':'UEs='}}",
                  ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                  "The role defined for the function cannot be assumed by Lambda.");
    service_fails(f, "lambda", "CreateFunction",
                  "{'FunctionName':'f','Runtime':'provided.al2023','Handler':'h',"
                  "'Role':'arn:aws:iam::000000000000:role/good','Code':{'ZipFile':'UEs='}}",
                  ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                  "Could not unzip uploaded file. Please check your file, then try to upload "
                  "again.");
}

static void test_create__refuses_a_name_that_is_taken(void **state)
{
    struct fixture *f = *state;
    create(f, "echo");
    create_fails(f, "", ERR_LAMBDA_RESOURCE_CONFLICT, "Function already exist: f");
}

static void test_create__takes_code_from_a_bucket(void **state)
{
    struct fixture *f = *state;
    world.object = worker_zip(&f->arena, STR("bucket"));
    service_ok(f, "lambda", "CreateFunction",
               "{'FunctionName':'f','Runtime':'provided.al2','Handler':'echo','Role':"
               "'arn:aws:iam::000000000000:role/good','Code':{'S3Bucket':'packages','S3Key':"
               "'f.zip'}}");
    assert_answer(invoke(f, STR("1")), STR("1"));
    service_fails(f, "lambda", "UpdateFunctionCode",
                  "{'FunctionName':'f','S3Bucket':'packages','S3Key':'g.zip'}",
                  ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                  "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The "
                  "specified key does not exist.");
}

static void test_update__replaces_the_code(void **state)
{
    struct fixture *f = *state;
    create(f, "count");
    invoke(f, STR("{}"));
    invoke(f, STR("{}"));
    struct str zip = encode_base64(&f->arena, worker_zip(&f->arena, STR("2")));
    service_ok(f, "lambda", "UpdateFunctionCode",
               arena_printf(&f->arena, "{'FunctionName':'f','ZipFile':'%.*s'}", STR_ARG(zip)).ptr);
    assert_answer(invoke(f, STR("{}")), STR("1"));
}

static void test_update__can_be_tied_to_a_revision(void **state)
{
    struct fixture *f = *state;
    create(f, "echo");
    service_fails(f, "lambda", "UpdateFunctionConfiguration",
                  "{'FunctionName':'f','Timeout':5,'RevisionId':'other'}",
                  ERR_LAMBDA_PRECONDITION_FAILED,
                  "The Revision Id provided does not match the latest Revision Id. Call the "
                  "GetFunction/GetAlias API to retrieve the latest Revision Id");
}

static void test_delete__leaves_nothing(void **state)
{
    struct fixture *f = *state;
    create(f, "echo");
    invoke(f, STR("1"));
    service_ok(f, "lambda", "DeleteFunction", "{'FunctionName':'f'}");
    assert_int_equal(invoke(f, STR("1")).rc, ERR_LAMBDA_RESOURCE_NOT_FOUND);
    service_fails(f, "lambda", "GetFunction", "{'FunctionName':'f'}", ERR_LAMBDA_RESOURCE_NOT_FOUND,
                  "Function not found: arn:aws:lambda:us-east-1:000000000000:function:f");
    create(f, "echo");
    assert_answer(invoke(f, STR("2")), STR("2"));
}

static void test_list__shows_functions_in_pages(void **state)
{
    struct fixture *f = *state;
    const char *input = input_of(f, "echo", "");
    for (char name = 'a'; name < 'e'; name++) {
        char *text = arena_cstr(&f->arena, str_from(input));
        *(strstr(text, "'f'") + 1) = name;
        service_ok(f, "lambda", "CreateFunction", text);
    }
    yyjson_val *page = service_ok(f, "lambda", "ListFunctions", "{'MaxItems':3}");
    assert_int_equal(yyjson_arr_size(json_get(page, "Functions")), 3);
    struct str marker = json_get_str(page, "NextMarker");
    struct str next = arena_printf(&f->arena, "{'Marker':'%.*s'}", STR_ARG(marker));
    page = service_ok(f, "lambda", "ListFunctions", next.ptr);
    assert_int_equal(yyjson_arr_size(json_get(page, "Functions")), 1);
    assert_null(json_get(page, "NextMarker"));
}

static void test_functions__are_there_after_a_restart(void **state)
{
    struct fixture *f = *state;
    create(f, "echo");
    service_ok(f, "lambda", "AddPermission",
               "{'FunctionName':'f','StatementId':'s','Action':'lambda:InvokeFunction',"
               "'Principal':'apigateway.amazonaws.com'}");
    shut_down(f);
    stop_server(f);
    start_server(f);
    assert_answer(invoke_as(f, gateway(), STR(SOURCE "prod/GET/"), STR("1")), STR("1"));
}

static void test_functions__are_unpacked_again_when_their_folders_are_lost(void **state)
{
    struct fixture *f = *state;
    char command[128];
    create(f, "echo");
    shut_down(f);
    stop_server(f);
    snprintf(command, sizeof(command), "rm -rf '%s/functions'", f->path);
    assert_int_equal(system(command), 0);
    start_server(f);
    assert_answer(invoke(f, STR("1")), STR("1"));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        LAMBDA_TEST(test_invoke__gives_the_functions_answer),
        LAMBDA_TEST(test_invoke__uses_a_warm_instance_again),
        LAMBDA_TEST(test_invoke__takes_many_at_once),
        LAMBDA_TEST(test_invoke__carries_large_payloads),
        LAMBDA_TEST(test_invoke__refuses_a_payload_that_is_too_large),
        LAMBDA_TEST(test_invoke__refuses_unknown_functions),
        LAMBDA_TEST(test_invoke__gives_the_handlers_error),
        LAMBDA_TEST(test_invoke__refuses_answers_to_other_invocations),
        LAMBDA_TEST(test_invoke__tells_how_the_runtime_exited),
        LAMBDA_TEST(test_invoke__tells_that_the_runtime_left),
        LAMBDA_TEST(test_invoke__tells_the_signal),
        LAMBDA_TEST(test_invoke__ends_at_the_functions_timeout),
        LAMBDA_TEST(test_invoke__refuses_an_answer_that_is_too_large),
        LAMBDA_TEST(test_invoke__tells_that_the_start_failed),
        LAMBDA_TEST(test_invoke__gives_the_runtimes_own_init_error),
        LAMBDA_TEST(test_invoke__runs_after_a_crash),
        LAMBDA_TEST(test_log__has_output_between_start_and_end),
        LAMBDA_TEST(test_log__tells_the_first_start_once),
        LAMBDA_TEST(test_log__is_in_json_when_asked),
        LAMBDA_TEST(test_log__has_levels_only_in_json),
        LAMBDA_TEST(test_environment__is_lambdas),
        LAMBDA_TEST(test_environment__changes_with_the_configuration),
        LAMBDA_TEST(test_concurrency__is_limited_to_what_is_reserved),
        LAMBDA_TEST(test_permission__lets_a_service_invoke_from_its_source),
        LAMBDA_TEST(test_permission__asks_iam_about_users),
        LAMBDA_TEST(test_permission__is_shown_as_a_policy),
        LAMBDA_TEST(test_permission__has_a_name_of_its_own),
        LAMBDA_TEST(test_create__answers_with_the_whole_configuration),
        LAMBDA_TEST(test_create__words_its_refusals_as_lambda_does),
        LAMBDA_TEST(test_create__refuses_a_name_that_is_taken),
        LAMBDA_TEST(test_create__takes_code_from_a_bucket),
        LAMBDA_TEST(test_update__replaces_the_code),
        LAMBDA_TEST(test_update__can_be_tied_to_a_revision),
        LAMBDA_TEST(test_delete__leaves_nothing),
        LAMBDA_TEST(test_list__shows_functions_in_pages),
        LAMBDA_TEST(test_functions__are_there_after_a_restart),
        LAMBDA_TEST(test_functions__are_unpacked_again_when_their_folders_are_lost),
    };
    if (!start_launchers(argc, argv))
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    stop_launchers();
    return failed;
}
