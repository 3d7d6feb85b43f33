/* The Lambda service with real instances, for tests of it: what it needs of others, and functions
 * that are made of worker.c. With the argument "plain" they run without sandboxes. */
#pragma once

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
    struct launcher *launchers[64];
    size_t launcher_count, used;
    pthread_mutex_t mutex;
    struct buf log;
    struct str object; /* what the bucket "packages" holds */
} world = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static inline enum err assume(void *self, const struct role_assumption *asked, struct arena *arena,
                              struct credentials *out, struct error *error)
{
    (void)self;
    (void)arena;
    assert_str(asked->service, STR("lambda.amazonaws.com"));
    assert_true(asked->session_name.len > 0 && asked->duration_s > 0);
    assert_true(str_find(asked->source_arn, STR(":function:")) > 0);
    if (!str_ends(asked->role_arn, STR("role/good")))
        return error_set(error, ERR_IAM_NO_SUCH_ENTITY, "no such role");
    *out = (struct credentials){STR("ASIATEST"), STR("secret"), STR("token"), 0};
    return OK;
}

/* Allows what the resource policy seems to allow, and what user "able" does. */
static inline enum err authorize(void *self, const struct authorization *authorization,
                                 struct error *error)
{
    (void)self;
    const struct principal *principal = authorization->principal;
    if (str_eq(principal->name, STR("able")) ||
        str_find(authorization->resource_policy, principal->arn) > 0)
        return OK;
    return error_set(error, ERR_ACCESS_DENIED_EXCEPTION, "not authorized");
}

static inline void append(void *self, struct str group, struct str stream,
                          const struct log_event *events, size_t count)
{
    (void)self;
    (void)group;
    (void)stream;
    pthread_mutex_lock(&world.mutex);
    for (size_t i = 0; i < count; i++)
        buf_add(&world.log, events[i].message);
    pthread_mutex_unlock(&world.mutex);
}

static inline enum err get_object(void *self, struct str bucket, struct str key,
                                  struct arena *arena, struct str *out, struct error *error)
{
    (void)self;
    (void)arena;
    if (!str_eq(bucket, STR("packages")) || !str_eq(key, STR("f.zip")))
        return error_set(error, ERR_S3_NO_SUCH_KEY, "The specified key does not exist.");
    *out = world.object;
    return OK;
}

/* --- Fixture --- */

static inline void start_services(struct fixture *f)
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

static inline void stop_services(struct fixture *f)
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

static inline void shut_down_done(void *arg)
{
    struct shutdown *shutdown = arg;
    sem_post(&shutdown->is_done);
}

static inline void shut_down_start(struct loop_task *task)
{
    struct shutdown *shutdown = (struct shutdown *)task;
    lambda_shutdown(shutdown->lambda, shut_down_done, shutdown);
}

static inline void shut_down(struct fixture *f)
{
    struct shutdown shutdown = {.task.run = shut_down_start, .lambda = f->service};
    sem_init(&shutdown.is_done, 0, 0);
    loop_post(f->loop, &shutdown.task);
    sem_wait(&shutdown.is_done);
    sem_destroy(&shutdown.is_done);
}

static inline int tear_down(void **state)
{
    shut_down(*state);
    return teardown(state);
}

#define LAMBDA_TEST(name) cmocka_unit_test_setup_teardown(name, setup, tear_down)

/* --- Making functions --- */

static inline struct str read_worker(struct arena *arena)
{
    int fd = open(WORKER_PROGRAM, O_RDONLY | O_CLOEXEC);
    struct stat stat;
    assert_true(fd >= 0 && fstat(fd, &stat) == 0);
    char *bytes = arena_alloc(arena, (size_t)stat.st_size);
    assert_int_equal(read(fd, bytes, (size_t)stat.st_size), stat.st_size);
    close(fd);
    return str_make(bytes, (size_t)stat.st_size);
}

static inline struct str worker_zip(struct arena *arena, struct str note)
{
    const struct zip_entry entries[] = {
        {"bootstrap", read_worker(arena), 0100755},
        {"note", note, 0100644},
    };
    return make_zip(arena, entries, 2);
}

/* CreateFunction's input for a function whose handler does that; `more` are further members. */
static inline const char *input_of(struct fixture *f, const char *handler, const char *more)
{
    struct str zip = encode_base64(&f->arena, worker_zip(&f->arena, STR("1")));
    struct str input =
        arena_printf(&f->arena,
                     "{'FunctionName':'f','Runtime':'provided.al2023','Handler':'%s',"
                     "'Role':'arn:aws:iam::000000000000:role/good','Code':{'ZipFile':'%.*s'}%s}",
                     handler, STR_ARG(zip), more);
    return input.ptr;
}

static inline yyjson_val *create_with(struct fixture *f, const char *handler, const char *more)
{
    return service_ok(f, "lambda", "CreateFunction", input_of(f, handler, more));
}

static inline void create(struct fixture *f, const char *handler)
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

static inline void invoked(struct function_invocation *invocation)
{
    struct invoking *invoking = invocation->arg;
    sem_post(&invoking->is_done);
}

static inline void invoke_start(struct loop_task *task)
{
    struct invoking *invoking = (struct invoking *)task;
    invoking->functions->invoke(invoking->functions->self, &invoking->invocation);
}

/* An invocation of "f" to be posted to the loop, and then finished. */
static inline void prepare(struct fixture *f, struct invoking *invoking, struct principal principal,
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
}

static inline void begin_as(struct fixture *f, struct invoking *invoking,
                            struct principal principal, struct str source_arn, struct str payload)
{
    prepare(f, invoking, principal, source_arn, payload);
    loop_post(f->loop, &invoking->task);
}

/* Waits for the outcome and moves it to the fixture's arena. */
static inline struct function_invocation finish(struct fixture *f, struct invoking *invoking)
{
    sem_wait(&invoking->is_done);
    sem_destroy(&invoking->is_done);
    struct function_invocation outcome = invoking->invocation;
    outcome.payload_out = arena_str(&f->arena, outcome.payload_out);
    outcome.log_tail = arena_str(&f->arena, outcome.log_tail);
    outcome.executed_version = arena_str(&f->arena, outcome.executed_version);
    outcome.request_id = arena_str(&f->arena, outcome.request_id);
    outcome.error.members = arena_str(&f->arena, outcome.error.members);
    arena_release(&invoking->arena);
    return outcome;
}

static inline struct function_invocation invoke_as(struct fixture *f, struct principal principal,
                                                   struct str source_arn, struct str payload)
{
    struct invoking invoking;
    begin_as(f, &invoking, principal, source_arn, payload);
    return finish(f, &invoking);
}

static inline struct function_invocation invoke(struct fixture *f, struct str payload)
{
    return invoke_as(f, root_of(), STR_EMPTY, payload);
}

static inline void assert_answer(struct function_invocation outcome, struct str expected)
{
    if (outcome.rc)
        fail_msg("%s: %s", error_type(outcome.rc), outcome.error.message);
    assert_str(outcome.payload_out, expected);
    assert_int_equal(outcome.function_error.len, 0);
}

/* A failure of the function's own; REQUESTID in `expected` stands for the id. */
static inline void assert_failure(struct fixture *f, struct function_invocation outcome,
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

static inline struct str tail_of(struct fixture *f, struct function_invocation outcome)
{
    struct str text;
    assert_true(decode_base64(&f->arena, outcome.log_tail, &text));
    return text;
}

static inline void assert_contains(struct str text, const char *part)
{
    if (str_find(text, str_from(part)) < 0)
        fail_msg("\"%s\" is not in \"%.*s\"", part, STR_ARG(text));
}

/* --- Running the tests --- */

/* One for each start of a server; made before any thread. */
static inline bool start_launchers(int argc, char **argv)
{
    struct error error;
    is_sandboxed = argc < 2 || strcmp(argv[1], "plain") != 0;
    while (world.launcher_count < sizeof(world.launchers) / sizeof(*world.launchers)) {
        if (launcher_start(is_sandboxed, &world.launchers[world.launcher_count++], &error))
            return false;
    }
    return true;
}

static inline void stop_launchers(void)
{
    while (world.used < world.launcher_count)
        launcher_stop(world.launchers[world.used++]);
}
