/* Functions from their making to their answers: the API, and real instances in sandboxes. With the
 * argument "plain" without sandboxes. */
#include "services/lambda/lambda.h"

#include <fcntl.h>
#include <pthread.h>

#include "../service_fixture.h"
#include "base/buf.h"
#include "base/encode.h"
#include "zips.h"

static bool is_sandboxed = true;

/* --- What the service needs of others --- */

static struct {
    struct launcher *launchers[64]; /* one for each start of a server; made before any thread */
    size_t launcher_count, used;
    pthread_mutex_t mutex;
    struct buf log;
    struct str object; /* what the bucket "packages" holds */
} world = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static enum err assume(void *self, struct str role_arn, struct str service, struct str name,
                       int64_t duration_s, struct arena *arena, struct credentials *out,
                       struct error *error)
{
    (void)self;
    (void)arena;
    assert_str(service, STR("lambda.amazonaws.com"));
    assert_true(name.len > 0 && duration_s > 0);
    if (!str_ends(role_arn, STR("role/good")))
        return error_set(error, ERR_IAM_NO_SUCH_ENTITY, "no such role");
    *out = (struct credentials){STR("ASIATEST"), STR("secret"), STR("token"), 0};
    return OK;
}

/* Allows what the resource policy seems to allow, and what user "able" does. */
static enum err authorize(void *self, const struct authorization *authorization,
                          struct error *error)
{
    (void)self;
    const struct principal *principal = authorization->principal;
    if (str_eq(principal->name, STR("able")) ||
        str_find(authorization->resource_policy, principal->arn) > 0)
        return OK;
    return error_set(error, ERR_ACCESS_DENIED_EXCEPTION, "not authorized");
}

static void append(void *self, struct str group, struct str stream, const struct log_event *events,
                   size_t count)
{
    (void)self;
    (void)group;
    (void)stream;
    pthread_mutex_lock(&world.mutex);
    for (size_t i = 0; i < count; i++)
        buf_add(&world.log, events[i].message);
    pthread_mutex_unlock(&world.mutex);
}

static enum err get_object(void *self, struct str bucket, struct str key, struct arena *arena,
                           struct str *out, struct error *error)
{
    (void)self;
    (void)arena;
    if (!str_eq(bucket, STR("packages")) || !str_eq(key, STR("f.zip")))
        return error_set(error, ERR_S3_NO_SUCH_KEY, "The specified key does not exist.");
    *out = world.object;
    return OK;
}

/* --- Fixture --- */

static void start_services(struct fixture *f)
{
    struct lambda *lambda = NULL;
    f->skylite.iam.authorize = authorize;
    f->skylite.iam.assume_role_for_service = assume;
    f->skylite.logs.append = append;
    f->skylite.packages.get = get_object;
    buf_init(&world.log, 16 * 1024 * 1024);
    assert_true(world.used < world.launcher_count);
    if (lambda_new(&f->skylite, world.launchers[world.used], &lambda, &f->error))
        fail_msg("%s", f->error.message);
    f->service = lambda;
}

static void stop_services(struct fixture *f)
{
    lambda_free(f->service);
    launcher_stop(world.launchers[world.used++]);
    buf_release(&world.log);
    f->skylite.service_count = 0;
}

struct shutdown {
    struct loop_task task;
    struct lambda *lambda;
    sem_t is_done;
};

static void shut_down_done(void *arg)
{
    struct shutdown *shutdown = arg;
    sem_post(&shutdown->is_done);
}

static void shut_down_start(struct loop_task *task)
{
    struct shutdown *shutdown = (struct shutdown *)task;
    lambda_shutdown(shutdown->lambda, shut_down_done, shutdown);
}

static void shut_down(struct fixture *f)
{
    struct shutdown shutdown = {.task.run = shut_down_start, .lambda = f->service};
    sem_init(&shutdown.is_done, 0, 0);
    loop_post(f->loop, &shutdown.task);
    sem_wait(&shutdown.is_done);
    sem_destroy(&shutdown.is_done);
}

static int tear_down(void **state)
{
    shut_down(*state);
    return teardown(state);
}

#define LAMBDA_TEST(name) cmocka_unit_test_setup_teardown(name, setup, tear_down)

/* --- Making functions --- */

static struct str read_worker(struct arena *arena)
{
    int fd = open(WORKER_PROGRAM, O_RDONLY | O_CLOEXEC);
    struct stat stat;
    assert_true(fd >= 0 && fstat(fd, &stat) == 0);
    char *bytes = arena_alloc(arena, (size_t)stat.st_size);
    assert_int_equal(read(fd, bytes, (size_t)stat.st_size), stat.st_size);
    close(fd);
    return str_make(bytes, (size_t)stat.st_size);
}

static struct str worker_zip(struct arena *arena, struct str note)
{
    const struct zip_entry entries[] = {
        {"bootstrap", read_worker(arena), 0100755},
        {"note", note, 0100644},
    };
    return make_zip(arena, entries, 2);
}

/* CreateFunction's input for a function whose handler does that; `more` are further members. */
static const char *input_of(struct fixture *f, const char *handler, const char *more)
{
    struct str zip = encode_base64(&f->arena, worker_zip(&f->arena, STR("1")));
    struct str input =
        arena_printf(&f->arena,
                     "{'FunctionName':'f','Runtime':'provided.al2023','Handler':'%s',"
                     "'Role':'arn:aws:iam::000000000000:role/good','Code':{'ZipFile':'%.*s'}%s}",
                     handler, STR_ARG(zip), more);
    return input.ptr;
}

static yyjson_val *create_with(struct fixture *f, const char *handler, const char *more)
{
    return service_ok(f, "lambda", "CreateFunction", input_of(f, handler, more));
}

static void create(struct fixture *f, const char *handler)
{
    create_with(f, handler, "");
}

/* --- Invoking --- */

struct invoking {
    struct loop_task task;
    struct function_capability *functions;
    struct function_invocation invocation;
    struct principal principal;
    struct arena arena;
    sem_t is_done;
};

static void invoked(struct function_invocation *invocation)
{
    struct invoking *invoking = invocation->arg;
    sem_post(&invoking->is_done);
}

static void invoke_start(struct loop_task *task)
{
    struct invoking *invoking = (struct invoking *)task;
    invoking->functions->invoke(invoking->functions->self, &invoking->invocation);
}

static void begin_as(struct fixture *f, struct invoking *invoking, struct principal principal,
                     struct str source_arn, struct str payload)
{
    *invoking = (struct invoking){.task.run = invoke_start, .functions = &f->skylite.functions};
    invoking->principal = principal;
    invoking->invocation = (struct function_invocation){
        .loop = f->loop,
        .arena = &invoking->arena,
        .function = STR("f"),
        .payload = payload,
        .principal = &invoking->principal,
        .source_arn = source_arn,
        .want_log_tail = true,
        .done = invoked,
        .arg = invoking,
    };
    sem_init(&invoking->is_done, 0, 0);
    loop_post(f->loop, &invoking->task);
}

/* Waits for the outcome and moves it to the fixture's arena. */
static struct function_invocation finish(struct fixture *f, struct invoking *invoking)
{
    sem_wait(&invoking->is_done);
    sem_destroy(&invoking->is_done);
    struct function_invocation outcome = invoking->invocation;
    outcome.payload_out = arena_str(&f->arena, outcome.payload_out);
    outcome.log_tail = arena_str(&f->arena, outcome.log_tail);
    outcome.request_id = arena_str(&f->arena, outcome.request_id);
    outcome.error.members = arena_str(&f->arena, outcome.error.members);
    arena_release(&invoking->arena);
    return outcome;
}

static struct function_invocation invoke_as(struct fixture *f, struct principal principal,
                                            struct str source_arn, struct str payload)
{
    struct invoking invoking;
    begin_as(f, &invoking, principal, source_arn, payload);
    return finish(f, &invoking);
}

static struct function_invocation invoke(struct fixture *f, struct str payload)
{
    return invoke_as(f, root_of(), STR_EMPTY, payload);
}

static void assert_answer(struct function_invocation outcome, struct str expected)
{
    if (outcome.rc)
        fail_msg("%s: %s", error_type(outcome.rc), outcome.error.message);
    assert_str(outcome.payload_out, expected);
    assert_int_equal(outcome.function_error.len, 0);
}

/* A failure of the function's own; REQUESTID in `expected` stands for the id. */
static void assert_failure(struct fixture *f, struct function_invocation outcome,
                           const char *expected)
{
    struct str rest = str_from(expected), message;
    ptrdiff_t at = str_find(rest, STR("REQUESTID"));
    assert_int_equal(outcome.rc, OK);
    assert_str(outcome.function_error, STR("Unhandled"));
    message = rest;
    if (at >= 0)
        message = arena_printf(&f->arena, "%.*s%.*s%s", (int)at, rest.ptr,
                               STR_ARG(outcome.request_id), rest.ptr + at + strlen("REQUESTID"));
    assert_str(outcome.payload_out, message);
}

static struct str tail_of(struct fixture *f, struct function_invocation outcome)
{
    struct str text;
    assert_true(decode_base64(&f->arena, outcome.log_tail, &text));
    return text;
}

static void assert_contains(struct str text, const char *part)
{
    if (str_find(text, str_from(part)) < 0)
        fail_msg("\"%s\" is not in \"%.*s\"", part, STR_ARG(text));
}

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
    assert_string_equal(outcome.error.message,
                        "Function not found: arn:aws:lambda:us-east-1:000000000000:function:f");
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
                  "The RevisionId provided does not match the latest RevisionId. Call the "
                  "GetFunction/GetAlias API to retrieve the latest RevisionId");
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
    struct error error;
    is_sandboxed = argc < 2 || strcmp(argv[1], "plain") != 0;
    while (world.launcher_count < sizeof(world.launchers) / sizeof(*world.launchers)) {
        if (launcher_start(is_sandboxed, &world.launchers[world.launcher_count++], &error))
            return 1;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    while (world.used < world.launcher_count)
        launcher_stop(world.launchers[world.used++]);
    return failed;
}
