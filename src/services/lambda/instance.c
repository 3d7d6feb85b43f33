/* The life of an instance: launch, deadlines, failure, end. */
#include "services/lambda/instance.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "services/lambda/environment.h"
#include "services/lambda/runtime_api.h"

enum {
    INIT_TIMEOUT_MS = 10 * 1000,
    CREDENTIALS_S = 12 * 3600,
    OUTPUT_RESUME_MS = 10,
};

static void fail(struct instance *instance, struct failure *failure);

/* --- Launching --- */

static enum err spawn(struct instance *instance, struct arena *arena, struct error *error)
{
    const struct lambda *lambda = instance->fleet->lambda;
    const struct function *function = instance->function;
    const struct iam_capability *iam = &lambda->skylite->iam;
    struct str stream = str_from(instance->report.stream);
    struct str resource = arena_printf(arena, "function:%.*s", STR_ARG(function->name));
    struct role_assumption asked = {
        .role_arn = function->role,
        .service = STR("lambda.amazonaws.com"),
        .source_arn = skylite_arn(lambda->skylite, arena, "lambda", resource),
        .session_name = function->name,
        .duration_s = CREDENTIALS_S,
    };
    struct credentials credentials;

    if (!function->code)
        return error_set(error, ERR_LAMBDA_SERVICE, "The function's code is missing");
    enum err rc = iam->assume_role_for_service(iam->self, &asked, arena, &credentials, error);
    if (rc)
        return error_set(error, ERR_LAMBDA_SERVICE,
                         "The role defined for the function cannot be assumed by Lambda.");
    instance->expires_ms = credentials.expires_ms;
    struct launcher_spawn request = {
        .id = (uint64_t)(uintptr_t)instance,
        .code = code_folder(function->code),
        .runtime = runtime_find(function->runtime),
        .environment = environment_build(lambda->skylite, function, stream, &credentials, arena),
        .memory_mb = function->memory_mb,
        .tmp_mb = function->tmp_mb,
    };
    return launcher_spawn(instance->fleet->channel, &request, error);
}

static struct instance *make(struct pool *pool, enum instance_phase phase)
{
    struct fleet *fleet = pool->fleet;
    struct instance *instance = calloc(1, sizeof(*instance));
    if (!instance)
        abort();
    *instance = (struct instance){
        .fleet = fleet,
        .pool = pool,
        .function = pool->function,
        .phase = phase,
        .open = 1, /* the launcher's word */
        .output_fd = -1,
        .memory_fd = -1,
        .process_fd = -1,
        .launched_us = clock_mono_us(),
        .init_us = -1,
        .next = pool->instances,
    };
    function_ref(instance->function);
    report_init(&instance->report, &fleet->lambda->skylite->logs, instance->function->log_group,
                instance->function->version);
    if (str_eq(instance->function->log_format, STR("JSON")))
        report_set_json(&instance->report, instance->function->system_log_level);
    if (instance->next)
        instance->next->previous = instance;
    pool->instances = instance;
    pool->starting++;
    fleet->starting++;
    fleet->instance_count++;
    return instance;
}

static void let_go(struct instance *instance)
{
    if (--instance->open)
        return;
    struct pool *pool = instance->pool;
    report_release(&instance->report);
    free((char *)(uintptr_t)instance->init_error.ptr);
    function_unref(instance->function);
    if (instance->previous)
        instance->previous->next = instance->next;
    else
        pool->instances = instance->next;
    if (instance->next)
        instance->next->previous = instance->previous;
    free(instance);
    pool_shrunk(pool);
}

void instance_launch(struct pool *pool, enum instance_phase phase)
{
    struct instance *instance = make(pool, phase);
    struct arena arena = {0};
    struct error error;
    instance_log_launch(instance);
    enum err rc = spawn(instance, &arena, &error);
    if (rc) {
        log_error("lambda", "function=%.*s cannot start: %s", STR_ARG(instance->function->name),
                  error.message);
        struct failure failure = failure_internal(error.message);
        failure.is_transient = rc == ERR_INTERNAL; /* it is the launcher that does not answer */
        fail(instance, &failure);
        let_go(instance); /* the launcher knows nothing of it */
    }
    arena_release(&arena);
}

/* --- Failing --- */

static struct ticket *fail_invocation(struct instance *instance, const struct failure *failure)
{
    struct ticket *ticket = instance->ticket;
    instance->ticket = NULL;
    instance->deadline_ms = 0;
    instance_log_failure(instance, ticket->invocation, failure);
    instance_log_end(instance, ticket, failure);
    failure_fill(failure, ticket->invocation);
    return ticket;
}

/* An invocation that waited for this instance: there is no further attempt. */
static void fail_waiting(struct instance *instance, const struct failure *failure)
{
    instance->ticket = pool_take(instance->pool);
    if (!instance->ticket)
        return;
    instance->started_us = instance->launched_us;
    instance_log_start(instance, instance->ticket->invocation);
    /* Later, because the invocation may just be made. */
    ticket_finish_later(fail_invocation(instance, failure));
}

/* Its start has failed. The first time the function gets another chance. */
static void fail_init(struct instance *instance, struct failure *failure)
{
    struct pool *pool = instance->pool;
    bool is_last = instance->phase == INSTANCE_PHASE_INVOKE || failure->is_internal;
    if (failure->is_transient && pool_try_again(pool, failure->is_gone)) {
        instance_end(instance);
        return;
    }
    struct arena arena = {0};
    if (instance->init_error.ptr) {
        struct str type = json_get_str(json_parse(&arena, instance->init_error), "errorType");
        failure->payload = instance->init_error;
        if (type.len)
            failure->log_type = arena_cstr(&arena, type);
    }
    instance_drain(instance);
    if (!failure->is_internal)
        instance_log_failed_init(instance, failure);
    if (is_last)
        fail_waiting(instance, failure);
    arena_release(&arena);
    instance_end(instance);
    pool_not_started(pool, is_last ? INSTANCE_PHASE_INIT : INSTANCE_PHASE_INVOKE);
}

/* It has ended, or shall, whatever it is doing. */
static void fail(struct instance *instance, struct failure *failure)
{
    struct ticket *ticket = NULL;
    switch (instance->state) {
    case INSTANCE_STARTING:
    case INSTANCE_INIT:
        fail_init(instance, failure);
        return;
    case INSTANCE_RUNNING:
        ticket = fail_invocation(instance, failure);
        break;
    case INSTANCE_IDLE:
    case INSTANCE_ANSWERED:
        instance_drain(instance);
        break;
    case INSTANCE_ENDING:
        return;
    }
    instance_end(instance);
    if (ticket)
        ticket_finish(ticket);
}

/* --- Deadlines --- */

static void watch_deadline(struct instance *instance);

static void timer_fired(void *arg)
{
    struct instance *instance = arg;
    instance->timer = NULL;
    if (instance->deadline_ms == 0)
        return;
    if (loop_now_ms(instance->fleet->loop) < instance->deadline_ms) {
        watch_deadline(instance);
        return;
    }
    bool is_first = instance->state == INSTANCE_INIT && instance->phase == INSTANCE_PHASE_INIT;
    struct failure failure =
        failure_timeout(is_first ? INIT_TIMEOUT_MS / 1000 : instance->function->timeout_s);
    fail(instance, &failure);
}

static void watch_deadline(struct instance *instance)
{
    int64_t left_ms = instance->deadline_ms - loop_now_ms(instance->fleet->loop);
    instance->timer_ms = instance->deadline_ms;
    instance->timer = loop_timer_start(instance->fleet->loop, left_ms > 0 ? (uint64_t)left_ms : 0,
                                       0, timer_fired, instance);
}

/* One timer serves many invocations: while it fires early enough it stays as it is, and looks for
 * the deadline then. */
void instance_set_deadline(struct instance *instance, int64_t after_ms)
{
    instance->deadline_ms = loop_now_ms(instance->fleet->loop) + after_ms;
    if (instance->timer && instance->timer_ms <= instance->deadline_ms)
        return;
    loop_timer_stop(instance->timer);
    watch_deadline(instance);
}

/* --- What the launcher tells --- */

static void listener_closed(void *arg)
{
    let_go(arg);
}

static enum err listen_in_sandbox(struct instance *instance, const struct launcher_event *event,
                                  struct error *error)
{
    struct loop *loop = instance->fleet->loop;
    struct skylite *skylite = instance->fleet->lambda->skylite;
    unsigned index = loop_index(loop);
    limits_of_sandbox(&skylite->limits.loops[index],
                      (size_t)instance->function->memory_mb * 1024 * 1024, &instance->limits);
    struct http_listener_options api = runtime_api_options(instance);
    struct http_listener_options endpoint =
        front_door_options_in_sandbox(skylite, index, &instance->limits);
    enum err rc = http_listen_fd(loop, event->api_fd, &api, &instance->api, error);
    if (rc) {
        close(event->endpoint_fd);
        return rc;
    }
    instance->open++;
    rc = http_listen_fd(loop, event->endpoint_fd, &endpoint, &instance->endpoint, error);
    instance->open += rc == OK;
    return rc;
}

static void watch_output(struct instance *instance);

static void look_again(void *arg)
{
    struct instance *instance = arg;
    instance->output_resume = NULL;
    watch_output(instance);
}

static void output_ready(void *arg)
{
    struct instance *instance = arg;
    bool is_open = instance_drain(instance);
    report_flush(&instance->report);
    if (is_open && !instance_log_is_behind(instance))
        return;
    loop_watch_stop(instance->output_watch);
    instance->output_watch = NULL;
    if (is_open)
        watch_output(instance);
    /* Otherwise the function has closed it, or has ended; the launcher will tell. */
}

/* While the log is behind, its output stays in the pipe, and it waits when that is full. */
static void watch_output(struct instance *instance)
{
    struct loop *loop = instance->fleet->loop;
    if (instance_log_is_behind(instance))
        instance->output_resume = loop_timer_start(loop, OUTPUT_RESUME_MS, 0, look_again, instance);
    else
        instance->output_watch =
            loop_watch_start(loop, instance->output_fd, output_ready, instance);
}

static void started(struct instance *instance, const struct launcher_event *event)
{
    struct error error;
    instance->output_fd = event->output_fd;
    instance->memory_fd = event->memory_fd;
    instance->process_fd = event->process_fd;
    if (instance->state == INSTANCE_ENDING) {
        /* Nobody wants it any more. */
        close(event->api_fd);
        close(event->endpoint_fd);
        launcher_kill(instance->process_fd);
        return;
    }
    instance->state = INSTANCE_INIT;
    if (listen_in_sandbox(instance, event, &error)) {
        struct failure failure = failure_internal(error.message);
        fail(instance, &failure);
        return;
    }
    watch_output(instance);
    instance_set_deadline(instance, instance->phase == INSTANCE_PHASE_INIT
                                        ? INIT_TIMEOUT_MS
                                        : (int64_t)instance->function->timeout_s * 1000);
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static struct failure failure_of(const struct instance *instance,
                                 const struct launcher_event *event)
{
    struct str name = instance->function->name;
    if (event->kind == LAUNCHER_EXITED) {
        if (event->message[0])
            log_warn("lambda", "function=%.*s was ended: %s", STR_ARG(name), event->message);
        return failure_exit(event, runtime_find(instance->function->runtime));
    }
    struct failure failure = failure_internal("The function's sandbox could not be made");
    failure.is_transient = true;
    failure.is_gone = event->kind == LAUNCHER_GONE;
    if (!failure.is_gone)
        log_error("lambda", "function=%.*s has no sandbox: %s", STR_ARG(name), event->message);
    return failure;
}

void instance_event(struct instance *instance, const struct launcher_event *event)
{
    if (event->kind == LAUNCHER_STARTED) {
        started(instance, event);
        return;
    }
    struct failure failure = failure_of(instance, event);
    fail(instance, &failure);
    close_fd(&instance->output_fd);
    close_fd(&instance->memory_fd);
    close_fd(&instance->process_fd);
    let_go(instance);
}

/* --- Ending --- */

bool instance_is_current(const struct instance *instance)
{
    const struct function *now = instance->pool->function;
    int64_t needed_ms = ((int64_t)instance->function->timeout_s + 60) * 1000;
    bool is_fresh = instance->expires_ms == 0 || instance->expires_ms - clock_wall_ms() > needed_ms;
    return now && is_fresh && !instance->fleet->is_stopping &&
           str_eq(now->generation, instance->function->generation);
}

static void leave_idle(struct instance *instance)
{
    struct instance **at = &instance->pool->idle;
    while (*at && *at != instance)
        at = &(*at)->next_idle;
    if (*at)
        *at = instance->next_idle;
}

static void close_listener(struct http_listener **listener, struct instance *instance)
{
    if (!*listener)
        return;
    http_listener_abort(*listener);
    http_listener_close(*listener, listener_closed, instance);
    *listener = NULL;
}

void instance_end(struct instance *instance)
{
    if (instance->state == INSTANCE_ENDING)
        return;
    assert(!instance->ticket);
    leave_idle(instance);
    instance->state = INSTANCE_ENDING;
    instance->deadline_ms = 0;
    loop_timer_stop(instance->timer);
    instance->timer = NULL;
    if (instance->process_fd >= 0)
        launcher_kill(instance->process_fd);

    struct http_exchange *asking = instance->asking;
    instance->asking = NULL;
    close_listener(&instance->api, instance);
    close_listener(&instance->endpoint, instance);
    if (asking)
        http_reply(asking, 500, NULL, 0, STR_EMPTY);
    loop_watch_stop(instance->output_watch);
    instance->output_watch = NULL;
    loop_timer_stop(instance->output_resume);
    instance->output_resume = NULL;
    report_flush(&instance->report);
}
