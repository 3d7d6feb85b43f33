/* Published versions, aliases and events of functions, with real instances. */
#include "functions.h"
#include "services/lambda/internal.h"

static struct function_invocation invoke_named(struct fixture *f, const char *name)
{
    struct invoking invoking;
    prepare(f, &invoking, root_of(), STR_EMPTY, STR("\"MINE\""));
    invoking.invocation.function = str_from(name);
    loop_post(f->loop, &invoking.task);
    return finish(f, &invoking);
}

/* A function that answers with its variable MINE, which tells what was published when. */
static void publish(struct fixture *f, const char *mine)
{
    struct str update = arena_printf(
        &f->arena, "{'FunctionName':'f','Environment':{'Variables':{'MINE':'%s'}}}", mine);
    service_ok(f, "lambda", "UpdateFunctionConfiguration", update.ptr);
    service_ok(f, "lambda", "PublishVersion", "{'FunctionName':'f'}");
}

static void create_versions(struct fixture *f)
{
    create(f, "variable");
    publish(f, "one");
    publish(f, "two");
    service_ok(f, "lambda", "UpdateFunctionConfiguration",
               "{'FunctionName':'f','Environment':{'Variables':{'MINE':'newest'}}}");
}

static void make_alias(struct fixture *f, const char *version, const char *more)
{
    struct str input = arena_printf(
        &f->arena, "{'FunctionName':'f','Name':'live','FunctionVersion':'%s'%s}", version, more);
    service_ok(f, "lambda", "CreateAlias", input.ptr);
}

/* --- Versions --- */

static void test_version__stays_as_it_was_published(void **state)
{
    struct fixture *f = *state;
    create_versions(f);
    assert_answer(invoke_named(f, "f:1"), STR("one"));
    assert_answer(invoke_named(f, "f:2"), STR("two"));
    assert_answer(invoke_named(f, "f"), STR("newest"));
    assert_answer(invoke_named(f, "f:$LATEST"), STR("newest"));
}

static void test_version__is_told_with_the_answer(void **state)
{
    struct fixture *f = *state;
    create_versions(f);
    assert_str(invoke_named(f, "f:2").executed_version, STR("2"));
    assert_contains(buf_str(&world.log), " Version: 2\n");
}

static void test_version__is_not_published_twice(void **state)
{
    struct fixture *f = *state;
    create(f, "variable");
    service_ok(f, "lambda", "PublishVersion", "{'FunctionName':'f'}");
    yyjson_val *again = service_ok(f, "lambda", "PublishVersion", "{'FunctionName':'f'}");
    assert_str(json_get_str(again, "Version"), STR("1"));
    assert_str(json_get_str(again, "FunctionArn"),
               STR("arn:aws:lambda:us-east-1:000000000000:function:f:1"));
}

static void test_versions__are_listed_in_their_order(void **state)
{
    struct fixture *f = *state;
    create(f, "variable");
    for (char mine[] = "a"; mine[0] <= 'k'; mine[0]++)
        publish(f, mine);
    yyjson_val *list = service_ok(f, "lambda", "ListVersionsByFunction", "{'FunctionName':'f'}");
    yyjson_val *versions = json_get(list, "Versions");
    assert_int_equal(yyjson_arr_size(versions), 12);
    assert_str(json_get_str(yyjson_arr_get(versions, 0), "Version"), STR("$LATEST"));
    assert_str(json_get_str(yyjson_arr_get(versions, 2), "Version"), STR("2"));
    assert_str(json_get_str(yyjson_arr_get(versions, 11), "Version"), STR("11"));
}

static void test_versions__are_there_after_a_restart(void **state)
{
    struct fixture *f = *state;
    create_versions(f);
    make_alias(f, "1", "");
    shut_down(f);
    stop_server(f);
    start_server(f);
    assert_answer(invoke_named(f, "f:2"), STR("two"));
    assert_answer(invoke_named(f, "f:live"), STR("one"));
}

static void test_version__cannot_go_while_an_alias_stands_for_it(void **state)
{
    struct fixture *f = *state;
    create_versions(f);
    make_alias(f, "1", "");
    service_fails(f, "lambda", "DeleteFunction", "{'FunctionName':'f','Qualifier':'1'}",
                  ERR_LAMBDA_RESOURCE_CONFLICT,
                  "Cannot delete version 1, it is still referenced by alias live");
    service_ok(f, "lambda", "DeleteFunction", "{'FunctionName':'f','Qualifier':'2'}");
    assert_int_equal(invoke_named(f, "f:2").rc, ERR_LAMBDA_RESOURCE_NOT_FOUND);
    assert_answer(invoke_named(f, "f:1"), STR("one"));
}

static void test_versions__go_with_their_function(void **state)
{
    struct fixture *f = *state;
    create_versions(f);
    make_alias(f, "1", "");
    service_ok(f, "lambda", "DeleteFunction", "{'FunctionName':'f'}");
    create(f, "variable");
    assert_int_equal(invoke_named(f, "f:1").rc, ERR_LAMBDA_RESOURCE_NOT_FOUND);
    assert_int_equal(invoke_named(f, "f:live").rc, ERR_LAMBDA_RESOURCE_NOT_FOUND);
}

static void test_version__keeps_its_code_when_the_function_gets_other(void **state)
{
    struct fixture *f = *state;
    create_with(f, "variable", ",'Publish':true,'Environment':{'Variables':{'MINE':'first'}}");
    struct str zip = encode_base64(&f->arena, worker_zip(&f->arena, STR("other")));
    struct str update =
        arena_printf(&f->arena, "{'FunctionName':'f','ZipFile':'%.*s'}", STR_ARG(zip));
    service_ok(f, "lambda", "UpdateFunctionCode", update.ptr);
    shut_down(f);
    stop_server(f);
    start_server(f);
    assert_answer(invoke_named(f, "f:1"), STR("first"));
}

/* --- Aliases --- */

static void test_alias__leads_to_its_version(void **state)
{
    struct fixture *f = *state;
    create_versions(f);
    make_alias(f, "1", "");
    assert_answer(invoke_named(f, "f:live"), STR("one"));
    service_ok(f, "lambda", "UpdateAlias",
               "{'FunctionName':'f','Name':'live','FunctionVersion':'2'}");
    assert_answer(invoke_named(f, "f:live"), STR("two"));
}

static void test_alias__shares_invocations_by_weight(void **state)
{
    struct fixture *f = *state;
    create_versions(f);
    make_alias(f, "1", ",'RoutingConfig':{'AdditionalVersionWeights':{'2':0.5}}");
    unsigned second = 0;
    for (int i = 0; i < 60; i++)
        second += str_eq(invoke_named(f, "f:live").executed_version, STR("2"));
    assert_true(second > 5 && second < 55); /* fails by chance once in 10^10 runs */
}

static void test_alias__has_a_policy_of_its_own(void **state)
{
    struct fixture *f = *state;
    struct principal service = {.kind = PRINCIPAL_SERVICE, .arn = STR("apigateway.amazonaws.com")};
    struct invoking invoking;
    create_versions(f);
    make_alias(f, "1", "");
    service_ok(f, "lambda", "AddPermission",
               "{'FunctionName':'f','Qualifier':'live','StatementId':'s',"
               "'Action':'lambda:InvokeFunction','Principal':'apigateway.amazonaws.com'}");
    assert_int_equal(invoke_as(f, service, STR_EMPTY, STR("1")).rc, ERR_ACCESS_DENIED_EXCEPTION);
    prepare(f, &invoking, service, STR_EMPTY, STR("\"MINE\""));
    invoking.invocation.function = STR("f:live");
    loop_post(f->loop, &invoking.task);
    assert_answer(finish(f, &invoking), STR("one"));
}

static void test_alias__refuses_what_is_not_there(void **state)
{
    struct fixture *f = *state;
    create(f, "variable");
    service_fails(f, "lambda", "CreateAlias",
                  "{'FunctionName':'f','Name':'live','FunctionVersion':'7'}",
                  ERR_LAMBDA_RESOURCE_NOT_FOUND,
                  "Function not found: arn:aws:lambda:us-east-1:000000000000:function:f:7");
    service_fails(f, "lambda", "GetAlias", "{'FunctionName':'f','Name':'live'}",
                  ERR_LAMBDA_RESOURCE_NOT_FOUND,
                  "Cannot find alias arn: arn:aws:lambda:us-east-1:000000000000:function:f:live");
    service_fails(f, "lambda", "CreateAlias",
                  "{'FunctionName':'f','Name':'12','FunctionVersion':'$LATEST'}", ERR_VALIDATION,
                  "1 validation error detected: Value '12' at 'name' failed to satisfy constraint: "
                  "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)");
}

/* --- Tags --- */

static void test_tags__are_added_and_removed(void **state)
{
    struct fixture *f = *state;
    create_with(f, "echo", ",'Tags':{'a':'1'}");
    service_ok(f, "lambda", "TagResource",
               "{'ARN':'arn:aws:lambda:us-east-1:000000000000:function:f','Tags':{'b':'2'}}");
    service_ok(f, "lambda", "UntagResource",
               "{'ARN':'arn:aws:lambda:us-east-1:000000000000:function:f','tagKeys':['a','c']}");
    yyjson_val *list = service_ok(f, "lambda", "ListTags",
                                  "{'ARN':'arn:aws:lambda:us-east-1:000000000000:function:f'}");
    assert_str(json_write_val(&f->arena, json_get(list, "Tags")), STR("{\"b\":\"2\"}"));
}

/* --- Events --- */

static size_t count_in_log(const char *part)
{
    size_t count = 0;
    pthread_mutex_lock(&world.mutex);
    struct str rest = buf_str(&world.log);
    for (ptrdiff_t at; (at = str_find(rest, str_from(part))) >= 0; count++)
        rest = str_slice(rest, (size_t)at + 1, rest.len);
    pthread_mutex_unlock(&world.mutex);
    return count;
}

/* Waits until the log has `part` so often; fails after ten seconds. */
static void await_log(const char *part, size_t times)
{
    for (int i = 0; count_in_log(part) < times; i++) {
        if (i == 10000)
            fail_msg("\"%s\" is %zu times in the log", part, count_in_log(part));
        usleep(1000);
    }
}

static void test_event__runs_the_function(void **state)
{
    struct fixture *f = *state;
    create(f, "print");
    service_ok(f, "lambda", "InvokeAsync", "{'FunctionName':'f'}");
    await_log("REPORT RequestId", 1);
    assert_int_equal(count_in_log("one\n"), 1);
}

static void test_event__is_tried_three_times(void **state)
{
    struct fixture *f = *state;
    struct lambda *lambda = f->service;
    lambda->event_retry_ms = 5;
    create(f, "error");
    service_ok(f, "lambda", "InvokeAsync", "{'FunctionName':'f'}");
    await_log("REPORT RequestId", 3);
    usleep(100 * 1000);
    assert_int_equal(count_in_log("REPORT RequestId"), 3);
}

static void test_event__is_tried_as_often_as_its_owner_says(void **state)
{
    struct fixture *f = *state;
    struct lambda *lambda = f->service;
    lambda->event_retry_ms = 5;
    create(f, "error");
    service_ok(f, "lambda", "PutFunctionEventInvokeConfig",
               "{'FunctionName':'f','MaximumRetryAttempts':1}");
    service_ok(f, "lambda", "InvokeAsync", "{'FunctionName':'f'}");
    await_log("REPORT RequestId", 2);
    usleep(100 * 1000);
    assert_int_equal(count_in_log("REPORT RequestId"), 2);
}

static void test_event__goes_on_after_a_restart(void **state)
{
    struct fixture *f = *state;
    struct lambda *lambda = f->service;
    lambda->event_retry_ms = 700;
    create(f, "error");
    service_ok(f, "lambda", "InvokeAsync", "{'FunctionName':'f'}");
    await_log("REPORT RequestId", 1);
    usleep(50 * 1000); /* the failure is stored shortly after it is logged */
    shut_down(f);
    stop_server(f);
    start_server(f);
    await_log("REPORT RequestId", 1);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        LAMBDA_TEST(test_version__stays_as_it_was_published),
        LAMBDA_TEST(test_version__is_told_with_the_answer),
        LAMBDA_TEST(test_version__is_not_published_twice),
        LAMBDA_TEST(test_versions__are_listed_in_their_order),
        LAMBDA_TEST(test_versions__are_there_after_a_restart),
        LAMBDA_TEST(test_version__cannot_go_while_an_alias_stands_for_it),
        LAMBDA_TEST(test_versions__go_with_their_function),
        LAMBDA_TEST(test_version__keeps_its_code_when_the_function_gets_other),
        LAMBDA_TEST(test_alias__leads_to_its_version),
        LAMBDA_TEST(test_alias__shares_invocations_by_weight),
        LAMBDA_TEST(test_alias__has_a_policy_of_its_own),
        LAMBDA_TEST(test_alias__refuses_what_is_not_there),
        LAMBDA_TEST(test_tags__are_added_and_removed),
        LAMBDA_TEST(test_event__runs_the_function),
        LAMBDA_TEST(test_event__is_tried_three_times),
        LAMBDA_TEST(test_event__is_tried_as_often_as_its_owner_says),
        LAMBDA_TEST(test_event__goes_on_after_a_restart),
    };
    if (!start_launchers(argc, argv))
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    stop_launchers();
    return failed;
}
