/* A server with CloudFormation and the services that its stacks are made of, and a store whose
 * writes a test can cut off or have fail. Link with -Wl,--wrap=store_submit. */
#pragma once

#include <sched.h>
#include <stdatomic.h>

#include "../service_fixture.h"
#include "base/buf.h"
#include "services/apigateway/apigateway.h"
#include "services/cloudformation/engine.h"
#include "services/dynamodb/dynamodb.h"
#include "services/iam/iam.h"
#include "services/logs/logs.h"

enum { MAX_HELD = 1024 };

struct services {
    struct iam *iam;
    struct logs *logs;
    struct dynamodb *dynamodb;
    struct apigateway *apigateway;
    struct cloudformation *cloudformation;
};

static struct services services;

static void start_services(struct fixture *f)
{
    struct skylite *skylite = &f->skylite;
    assert_int_equal(iam_new(skylite, &services.iam, &f->error), OK);
    assert_int_equal(logs_new(skylite, &services.logs, &f->error), OK);
    assert_int_equal(dynamodb_new(skylite, &services.dynamodb, &f->error), OK);
    assert_int_equal(apigateway_new(skylite, &services.apigateway, &f->error), OK);
    assert_int_equal(cloudformation_new(skylite, &services.cloudformation, &f->error), OK);
}

static void stop_services(struct fixture *f)
{
    (void)f;
    cloudformation_free(services.cloudformation);
    apigateway_free(services.apigateway);
    dynamodb_free(services.dynamodb);
    logs_free(services.logs);
    iam_free(services.iam);
}

/* --- The store's writes --- */

static struct {
    atomic_uint until_cut;  /* writes that still get through; 0: all do */
    atomic_uint until_fail; /* the same, for one that fails */
    atomic_bool is_cut;
    /* What was cut off, so that it is not lost to the leak checker. */
    struct store_write *held[MAX_HELD];
    atomic_uint held_count;
} power;

void __real_store_submit(struct store *store, struct store_write *write);
void __wrap_store_submit(struct store *store, struct store_write *write);

static inline enum err refuse_write(struct store_txn *txn, struct store_write *write,
                                    struct error *error)
{
    (void)txn;
    (void)write;
    return error_set(error, ERR_INTERNAL, "no space left");
}

/* Whether it is a write of an operation or of the engine, not one of a sweeper. */
static inline bool is_counted(const struct store_write *write)
{
    ptrdiff_t offset = (const char *)write - (const char *)write->arg;
    return offset == offsetof(struct request, write) || offset == offsetof(struct run, write);
}

void __wrap_store_submit(struct store *store, struct store_write *write)
{
    if (is_counted(write) && atomic_load(&power.until_cut) &&
        atomic_fetch_sub(&power.until_cut, 1) == 1)
        atomic_store(&power.is_cut, true);
    if (atomic_load(&power.is_cut)) {
        unsigned index = atomic_fetch_add(&power.held_count, 1);
        assert_true(index < MAX_HELD);
        power.held[index] = write;
        return;
    }
    if (is_counted(write) && atomic_load(&power.until_fail) &&
        atomic_fetch_sub(&power.until_fail, 1) == 1)
        write->run = refuse_write;
    __real_store_submit(store, write);
}

/* What a power cut and a new start of the server leave: what was written. */
static inline void restart(struct fixture *f)
{
    stop_server(f);
    atomic_store(&power.is_cut, false);
    atomic_store(&power.until_cut, 0);
    start_server(f);
    cloudformation_resume(services.cloudformation);
}

/* --- Stacks --- */

/* The status of the stack "s", also after it was deleted when `id` is given. */
static inline struct str status_of(struct fixture *f, const char *name_or_id)
{
    struct str input = arena_printf(&f->arena, "{'StackName':'%s'}", name_or_id);
    yyjson_val *answer = service_ok(f, "cloudformation", "DescribeStacks", input.ptr);
    yyjson_val *stack = yyjson_arr_get_first(json_get(answer, "Stacks"));
    return json_get_str(stack, "StackStatus");
}

/* Waits for the end of the operation, or for the cut. */
static inline struct str wait_for(struct fixture *f, const char *name_or_id)
{
    struct str status;
    do {
        sched_yield();
        status = status_of(f, name_or_id);
    } while (str_ends(status, STR("_IN_PROGRESS")) && !atomic_load(&power.is_cut));
    return status;
}

/* The number of elements of a list that an operation answers with. */
static inline size_t count_of(struct fixture *f, const char *service, const char *operation,
                              const char *input, const char *member)
{
    yyjson_val *answer = service_ok(f, service, operation, input);
    for (struct str path = str_from(member), part; path.len;) {
        str_cut(&path, '.', &part);
        answer = json_get(answer, arena_cstr(&f->arena, part));
    }
    return yyjson_arr_size(answer);
}

static inline size_t keys_under(struct fixture *f, const char *prefix)
{
    struct str start = str_from(prefix), key, value;
    size_t count = 0;
    struct store_iter *iter = store_iter_new(f->skylite.store, STORE_META, start,
                                             store_prefix_end(&f->arena, start), false);
    while (store_iter_next(iter, &key, &value))
        count++;
    store_iter_free(iter);
    return count;
}
