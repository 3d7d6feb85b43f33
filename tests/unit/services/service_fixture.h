/* A server with one or a few services: a store in a temporary folder, and a loop to call operations
 * on. Who includes it defines start_services and stop_services; `service` is theirs. */
#pragma once

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../check.h"
#include "base/clock.h"
#include "core/request.h"
#include "core/skylite.h"

struct fixture {
    char path[64];
    struct skylite skylite;
    struct loop *loop;
    void *service;
    struct arena arena;
    struct error error;
};

static void start_services(struct fixture *f);
static void stop_services(struct fixture *f);

static inline void start_server(struct fixture *f)
{
    char store_path[80];
    snprintf(store_path, sizeof(store_path), "%s/store", f->path);
    struct store_options options = {.durability = STORE_RELAXED, .cache_bytes = 1024 * 1024};
    f->skylite = (struct skylite){
        .config = {.data_dir = f->path, .region = STR("us-east-1"), .account = STR("000000000000")},
    };
    assert_int_equal(store_open(store_path, &options, &f->skylite.store, &f->error), OK);
    assert_int_equal(loop_new(0, &f->loop, &f->error), OK);
    f->skylite.loops[0] = f->loop;
    f->skylite.loop_count = 1;
    start_services(f);
    assert_int_equal(loop_start(f->loop, &f->error), OK);
}

static inline void stop_server(struct fixture *f)
{
    loop_stop(f->loop);
    loop_join(f->loop);
    stop_services(f);
    loop_free(f->loop);
    store_close(f->skylite.store);
}

static inline int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    snprintf(f->path, sizeof(f->path), "%s", "/tmp/skylite-unit-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    start_server(f);
    *state = f;
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;
    char command[128];
    stop_server(f);
    arena_release(&f->arena);
    snprintf(command, sizeof(command), "rm -rf '%s'", f->path);
    int rc = system(command);
    free(f);
    clock_fake_ms(0);
    return rc;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* --- Calling operations --- */

struct fixture_call {
    struct loop_task task;
    struct fixture *f;
    const struct principal *principal;
    const char *service, *operation;
    yyjson_mut_val *input;
    sem_t is_done;
    enum err rc;
    struct str output;
};

static inline void fixture_call_done(void *arg, enum err rc, const struct error *error,
                                     yyjson_mut_val *output)
{
    struct fixture_call *call = arg;
    call->rc = rc;
    call->f->error = *error;
    call->output = output ? json_write(&call->f->arena, output) : STR("{}");
    sem_post(&call->is_done);
}

static inline void fixture_call_start(struct loop_task *task)
{
    struct fixture_call *call =
        (struct fixture_call *)((char *)task - offsetof(struct fixture_call, task));
    call_operation(&call->f->skylite, call->f->loop, call->principal, call->service,
                   call->operation, call->input, fixture_call_done, call);
}

/* Calls "service:Operation" with an input in JSON where ' is ". */
static inline enum err call_as(struct fixture *f, const struct principal *principal,
                               const char *service, const char *operation, const char *input,
                               struct str *out_output)
{
    char *text = arena_cstr(&f->arena, str_from(input));
    for (char *c = text; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    yyjson_val *parsed = json_parse(&f->arena, str_from(text));
    assert_non_null(parsed);
    struct fixture_call call = {
        .task.run = fixture_call_start,
        .f = f,
        .principal = principal,
        .service = service,
        .operation = operation,
        .input = yyjson_val_mut_copy(json_doc(&f->arena), parsed),
    };
    sem_init(&call.is_done, 0, 0);
    loop_post(f->loop, &call.task);
    sem_wait(&call.is_done);
    sem_destroy(&call.is_done);
    if (out_output)
        *out_output = call.output;
    return call.rc;
}

static inline struct principal root_of(void)
{
    return (struct principal){
        .kind = PRINCIPAL_ROOT,
        .account = STR("000000000000"),
        .arn = STR("arn:aws:iam::000000000000:root"),
        .name = STR("root"),
        .user_id = STR("000000000000"),
        .session_name = STR_EMPTY,
        .access_key_id = STR("AKIAROOT"),
        .session_policy = STR_EMPTY,
    };
}

/* As root, expecting success. */
static inline yyjson_val *service_ok(struct fixture *f, const char *service, const char *operation,
                                     const char *input)
{
    struct principal root = root_of();
    struct str output;
    if (call_as(f, &root, service, operation, input, &output))
        fail_msg("%s: %s: %s", operation, error_type(f->error.code), f->error.message);
    return json_parse(&f->arena, output);
}

/* As root, expecting that error. */
static inline void service_fails(struct fixture *f, const char *service, const char *operation,
                                 const char *input, enum err expected, const char *message)
{
    struct principal root = root_of();
    enum err rc = call_as(f, &root, service, operation, input, NULL);
    if (rc != expected)
        fail_msg("%s: got %s (%s), expected %s", operation, error_type(rc), f->error.message,
                 error_type(expected));
    assert_string_equal(f->error.message, message);
}
