/* Fleets: which instance runs which invocation, on one loop. */
#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/log.h"
#include "services/lambda/instance.h"

enum {
    MAX_STARTING = 32, /* per loop: what the launcher's socket holds without blocking */
    REAP_EVERY_MS = 10 * 1000,
    PATIENCE_MS = 5 * 1000, /* how long an invocation waits for a launcher */
    TRIES = 5,              /* of starts that fail for want of something */
    TRY_AGAIN_MS = 100,     /* after the first; then twice that */
};

/* --- Request ids --- */

/* A random UUID, from a stock of random bytes: one system call serves many. */
static struct str request_id(struct fleet *fleet, struct arena *arena)
{
    static const char digits[] = "0123456789abcdef";
    if (fleet->random_left < 16) {
        random_bytes(fleet->random, sizeof(fleet->random));
        fleet->random_left = sizeof(fleet->random);
    }
    fleet->random_left -= 16;
    unsigned char *bytes = fleet->random + fleet->random_left;
    bytes[6] = (unsigned char)(0x40 | (bytes[6] & 0x0f));
    bytes[8] = (unsigned char)(0x80 | (bytes[8] & 0x3f));

    char *text = arena_alloc(arena, 36);
    size_t at = 0;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            text[at++] = '-';
        text[at++] = digits[bytes[i] >> 4];
        text[at++] = digits[bytes[i] & 15];
    }
    return str_make(text, 36);
}

/* --- Concurrency --- */

static bool count_up(atomic_int *running, int limit)
{
    if (atomic_fetch_add_explicit(running, 1, memory_order_relaxed) < limit)
        return true;
    atomic_fetch_sub_explicit(running, 1, memory_order_relaxed);
    return false;
}

static enum err too_many(struct error *error, const char *members)
{
    error_set(error, ERR_LAMBDA_TOO_MANY_REQUESTS, "Rate Exceeded.");
    error->members = str_from(members);
    return ERR_LAMBDA_TOO_MANY_REQUESTS;
}

/* Takes a place for the invocation. What a function has reserved is its limit. */
static enum err take_place(struct ticket *ticket, struct function *function, struct error *error)
{
    struct lambda *lambda = ticket->fleet->lambda;
    if (!count_up(&lambda->running, lambda->account_concurrency)) {
        metrics_count_throttle(ticket);
        return too_many(error, "\"Reason\":\"ConcurrentInvocationLimitExceeded\"");
    }
    int reserved = atomic_load_explicit(&function->load->reserved, memory_order_relaxed);
    int limit = reserved >= 0 ? reserved : lambda->account_concurrency;
    if (!count_up(&function->load->running, limit)) {
        atomic_fetch_sub_explicit(&lambda->running, 1, memory_order_relaxed);
        metrics_count_throttle(ticket);
        return too_many(error, "\"Reason\":\"ReservedFunctionConcurrentInvocationLimitExceeded\"");
    }
    ticket->load = function->load;
    function_load_ref(ticket->load);
    metrics_count_start(ticket);
    return OK;
}

void ticket_finish(struct ticket *ticket)
{
    struct function_invocation *invocation = ticket->invocation;
    if (ticket->load) {
        metrics_count_end(ticket);
        atomic_fetch_sub_explicit(&ticket->load->running, 1, memory_order_relaxed);
        atomic_fetch_sub_explicit(&ticket->fleet->lambda->running, 1, memory_order_relaxed);
        function_load_unref(ticket->load);
    }
    invocation->done(invocation);
}

static void finish_task(struct loop_task *task)
{
    ticket_finish((struct ticket *)((char *)task - offsetof(struct ticket, task)));
}

void ticket_finish_later(struct ticket *ticket)
{
    ticket->task.run = finish_task;
    loop_post(ticket->fleet->loop, &ticket->task);
}

/* --- The launcher's channel --- */

static void lose_patience(void *arg);
static void try_again(void *arg);

/* Until it tells anything of an instance, or somebody who waits loses patience. */
static void wait_for_launcher(struct fleet *fleet)
{
    fleet->is_starved = true;
    if (!fleet->patience)
        fleet->patience = loop_timer_start(fleet->loop, PATIENCE_MS, 0, lose_patience, fleet);
}

static void try_again_after(struct fleet *fleet, uint64_t delay_ms)
{
    if (!fleet->again)
        fleet->again = loop_timer_start(fleet->loop, delay_ms, 0, try_again, fleet);
}

/* Its instances have ended with it. Those that had work have failed it, the others are replaced. */
static void launcher_is_gone(struct fleet *fleet)
{
    const struct launcher_event gone = {.kind = LAUNCHER_GONE};
    size_t cursor = 0;
    void *value;
    loop_watch_stop(fleet->watch);
    close(fleet->channel);
    fleet->watch = NULL;
    fleet->channel = -1;
    fleet->is_ending = true;
    while (map_next(&fleet->pools, &cursor, NULL, &value)) {
        struct pool *pool = value;
        struct instance *next;
        for (struct instance *instance = pool->instances; instance; instance = next) {
            next = instance->next;
            instance_event(instance, &gone);
        }
    }
    fleet->is_ending = false;
    wait_for_launcher(fleet);
    try_again_after(fleet, TRY_AGAIN_MS);
}

static void channel_ready(void *arg)
{
    struct fleet *fleet = arg;
    struct launcher_event event;
    while (fleet->channel >= 0 && launcher_receive(fleet->channel, &event)) {
        if (event.kind == LAUNCHER_GONE) {
            launcher_is_gone(fleet);
            continue;
        }
        loop_timer_stop(fleet->patience);
        fleet->patience = NULL;
        instance_event((struct instance *)(uintptr_t)event.id, &event);
    }
}

/* True when instances can be started. When not, there will be a launcher again, and that is told.
 */
static bool has_channel(struct fleet *fleet)
{
    struct error error;
    if (fleet->is_ending)
        return false;
    if (fleet->channel >= 0)
        return true;
    if (launcher_open(fleet->lambda->launcher, &fleet->channel, &error)) {
        wait_for_launcher(fleet);
        return false;
    }
    fleet->watch = loop_watch_start(fleet->loop, fleet->channel, channel_ready, fleet);
    return true;
}

/* --- Reaping --- */

static void end_idle(struct pool *pool, int64_t idle_before_ms)
{
    struct instance *next;
    for (struct instance *instance = pool->idle; instance; instance = next) {
        next = instance->next_idle;
        if (instance->idle_since_ms <= idle_before_ms || !instance_is_current(instance))
            instance_end(instance);
    }
}

static void reap(void *arg)
{
    struct fleet *fleet = arg;
    size_t cursor = 0;
    void *pool;
    int64_t idle_before_ms = loop_now_ms(fleet->loop) - fleet->lambda->idle_ms;
    while (map_next(&fleet->pools, &cursor, NULL, &pool))
        end_idle(pool, idle_before_ms);
    lambda_sweep_code(fleet->lambda, fleet->loop);
    if (fleet->instance_count == 0) {
        loop_timer_stop(fleet->reaper);
        fleet->reaper = NULL;
    }
}

/* --- Pools --- */

static struct pool *add_pool(struct fleet *fleet, struct function *function)
{
    struct pool *pool = calloc(1, sizeof(*pool));
    if (!pool)
        abort();
    pool->fleet = fleet;
    pool->function = function;
    pool->last = &pool->first;
    map_set(&fleet->pools, function->key, pool);
    return pool;
}

/* Starts instances for those who wait and have none that is starting. */
static void fill(struct pool *pool, enum instance_phase phase)
{
    struct fleet *fleet = pool->fleet;
    while (pool->function && pool->waiting > pool->starting) {
        if (fleet->starting >= MAX_STARTING || !has_channel(fleet)) {
            fleet->is_starved = true;
            return;
        }
        if (!fleet->reaper)
            fleet->reaper =
                loop_timer_start(fleet->loop, REAP_EVERY_MS, REAP_EVERY_MS, reap, fleet);
        instance_launch(pool, phase);
    }
}

static void fill_all(struct fleet *fleet)
{
    size_t cursor = 0;
    void *pool;
    if (!fleet->is_starved)
        return;
    fleet->is_starved = false;
    while (map_next(&fleet->pools, &cursor, NULL, &pool))
        fill(pool, INSTANCE_PHASE_INIT);
}

static void start_is_over(struct pool *pool, enum instance_phase phase)
{
    pool->starting--;
    pool->fleet->starting--;
    fill(pool, phase);
    fill_all(pool->fleet);
}

void pool_started(struct pool *pool)
{
    pool->failed = 0;
    start_is_over(pool, INSTANCE_PHASE_INIT);
}

void pool_not_started(struct pool *pool, enum instance_phase phase)
{
    start_is_over(pool, phase);
}

static void try_again(void *arg)
{
    struct fleet *fleet = arg;
    fleet->again = NULL; /* it has fired */
    fill_all(fleet);
}

bool pool_try_again(struct pool *pool, bool is_launcher_gone)
{
    struct fleet *fleet = pool->fleet;
    if (!is_launcher_gone && pool->failed + 1 >= TRIES)
        return false;
    if (!is_launcher_gone)
        try_again_after(fleet, (uint64_t)TRY_AGAIN_MS << pool->failed);
    pool->failed += !is_launcher_gone;
    pool->starting--;
    fleet->starting--;
    fleet->is_starved = true;
    return true;
}

struct ticket *pool_take(struct pool *pool)
{
    struct ticket *ticket = pool->first;
    if (!ticket)
        return NULL;
    pool->first = ticket->next;
    if (!pool->first)
        pool->last = &pool->first;
    pool->waiting--;
    return ticket;
}

void pool_offer(struct pool *pool, struct instance *instance)
{
    struct ticket *ticket = pool_take(pool);
    if (ticket) {
        bool is_running = instance_run(instance, ticket);
        assert(is_running); /* it has just asked */
        return;
    }
    instance->idle_since_ms = loop_now_ms(pool->fleet->loop);
    instance->next_idle = pool->idle;
    pool->idle = instance;
}

static void tell_stopped(struct fleet *fleet);

void pool_shrunk(struct pool *pool)
{
    struct fleet *fleet = pool->fleet;
    fleet->instance_count--;
    fill(pool, INSTANCE_PHASE_INIT);
    if (fleet->instance_count == 0 && fleet->is_stopping)
        tell_stopped(fleet);
}

/* --- Keeping up with the catalog --- */

static void refuse_waiting(struct pool *pool, enum err rc, const char *message)
{
    struct ticket *ticket;
    while ((ticket = pool_take(pool))) {
        ticket->invocation->rc = error_set(&ticket->invocation->error, rc, "%s", message);
        ticket_finish_later(ticket);
    }
}

static void lose_patience(void *arg)
{
    struct fleet *fleet = arg;
    size_t cursor = 0;
    struct str name;
    void *value;
    fleet->patience = NULL; /* it has fired */
    while (map_next(&fleet->pools, &cursor, &name, &value)) {
        struct pool *pool = value;
        if (!pool->first)
            continue;
        log_error("lambda", "function=%.*s has waited for a launcher in vain", STR_ARG(name));
        refuse_waiting(pool, ERR_LAMBDA_SERVICE, "The function's sandbox could not be made");
    }
}

static void revive_task(struct loop_task *task)
{
    struct fleet *fleet = (struct fleet *)((char *)task - offsetof(struct fleet, revive));
    atomic_store(&fleet->is_revive_posted, false);
    fill_all(fleet);
}

void fleet_launcher_is_back(struct lambda *lambda)
{
    for (unsigned i = 0; i < lambda->fleet_count; i++) {
        struct fleet *fleet = &lambda->fleets[i];
        if (fleet->loop && !atomic_exchange(&fleet->is_revive_posted, true))
            loop_post(fleet->loop, &fleet->revive);
    }
}

/* Instances of former configurations end when they have no work. */
static void refresh(struct pool *pool, struct str name)
{
    struct function *function = catalog_get(&pool->fleet->lambda->catalog, name);
    function_unref(pool->function);
    pool->function = function;
    if (!function)
        refuse_waiting(pool, ERR_LAMBDA_RESOURCE_NOT_FOUND, "The function was deleted");
    end_idle(pool, INT64_MIN);
}

static bool is_over(const struct pool *pool)
{
    return !pool->function && !pool->instances && !pool->first;
}

static void catch_up(struct fleet *fleet)
{
    struct catalog *catalog = &fleet->lambda->catalog;
    unsigned long long generation = atomic_load(&catalog->generation);
    size_t cursor = 0;
    struct str name;
    void *pool;
    if (generation == fleet->generation)
        return;
    fleet->generation = generation;
    while (map_next(&fleet->pools, &cursor, &name, &pool)) {
        refresh(pool, name);
        if (is_over(pool)) {
            map_remove(&fleet->pools, name);
            free(pool);
        }
    }
}

static void sync_task(struct loop_task *task)
{
    struct fleet *fleet = (struct fleet *)((char *)task - offsetof(struct fleet, sync));
    atomic_store(&fleet->is_sync_posted, false);
    catch_up(fleet);
}

void fleet_catalog_changed(struct lambda *lambda)
{
    for (unsigned i = 0; i < lambda->fleet_count; i++) {
        struct fleet *fleet = &lambda->fleets[i];
        if (fleet->loop && !atomic_exchange(&fleet->is_sync_posted, true))
            loop_post(fleet->loop, &fleet->sync);
    }
}

static struct pool *pool_of(struct fleet *fleet, struct function *function)
{
    struct pool *pool = map_get(&fleet->pools, function->key);
    function_ref(function);
    if (!pool)
        return add_pool(fleet, function);
    function_unref(pool->function);
    pool->function = function;
    return pool;
}

/* The pool of what is named and the target itself, referenced, or an error as lambda_find gives
 * it. */
static enum err find_pool(struct fleet *fleet, struct str text, struct pool **out,
                          struct lambda_target *out_target, struct error *error)
{
    struct function_name name;
    catch_up(fleet);
    if (function_name_parse(text, &name) && name.qualifier.len == 0) {
        struct pool *pool = map_get(&fleet->pools, name.name);
        bool is_name = text.len == name.name.len;
        if (pool && pool->function && (is_name || str_eq(text, pool->function->arn))) {
            function_ref(pool->function);
            *out_target = (struct lambda_target){.function = pool->function};
            *out = pool;
            return OK;
        }
    }
    enum err rc = lambda_find_to_invoke(fleet->lambda, text, STR_EMPTY, out_target, error);
    if (rc == OK)
        *out = pool_of(fleet, out_target->function);
    return rc;
}

/* --- Invoking --- */

/* Notes what is executed, and by which name. */
static void note_target(struct ticket *ticket, const struct lambda_target *target)
{
    struct function_invocation *invocation = ticket->invocation;
    struct str resource = target->alias ? target->alias->key : target->function->key;
    ticket->metrics =
        metrics_table_get(&ticket->fleet->lambda->metrics, target->function->name, resource);
    struct str version = target->function->version;
    bool is_latest = str_eq(version, STR("$LATEST"));
    invocation->executed_version =
        is_latest ? STR("$LATEST") : arena_str(invocation->arena, version);
    if (target->alias || target->is_latest)
        ticket->invoked_arn = arena_str(invocation->arena, lambda_target_arn(target));
}

static enum err authorize(const struct fleet *fleet, const struct lambda_target *target,
                          const struct function_invocation *invocation, struct error *error)
{
    switch (invocation->own_call) {
    case OWN_CALL_EVENT:
        return OK;
    case OWN_CALL_NONE:
        break;
    }
    return lambda_authorize_invoke(fleet->lambda, target, invocation, error);
}

static enum err accept_ticket(struct fleet *fleet, struct ticket *ticket, struct pool **out)
{
    struct function_invocation *invocation = ticket->invocation;
    struct error *error = &invocation->error;
    struct lambda_target target;
    enum err rc = find_pool(fleet, invocation->function, out, &target, error);
    if (rc && invocation->own_call != OWN_CALL_NONE)
        return rc; /* nobody is told */
    if (rc)
        return lambda_hide_missing(fleet->lambda, invocation->function, STR_EMPTY,
                                   invocation->principal, rc, error);
    note_target(ticket, &target);
    rc = authorize(fleet, &target, invocation, error);
    if (rc == OK && invocation->payload.len > LAMBDA_MAX_PAYLOAD)
        rc = error_set(error, ERR_LAMBDA_REQUEST_TOO_LARGE,
                       "%zu byte payload is too large for the RequestResponse invocation type "
                       "(limit %d bytes)",
                       invocation->payload.len, LAMBDA_MAX_PAYLOAD);
    if (rc == OK)
        rc = take_place(ticket, target.function, error);
    lambda_target_release(&target);
    return rc;
}

/* Gives it to the newest warm instance that is still good. */
static bool run_warm(struct pool *pool, struct ticket *ticket)
{
    while (pool->idle) {
        struct instance *instance = pool->idle;
        pool->idle = instance->next_idle;
        if (instance_is_current(instance) && instance_run(instance, ticket))
            return true;
        instance_end(instance);
    }
    return false;
}

static void clear_outcome(struct function_invocation *invocation)
{
    invocation->rc = OK;
    invocation->payload_out = STR_EMPTY;
    invocation->function_error = STR_EMPTY;
    invocation->log_tail = STR_EMPTY;
    invocation->is_timeout = false;
}

void fleet_invoke(void *self, struct function_invocation *invocation)
{
    struct lambda *lambda = self;
    struct fleet *fleet = &lambda->fleets[loop_index(invocation->loop)];
    struct ticket *ticket = arena_new(invocation->arena, struct ticket);
    struct pool *pool = NULL;

    if (!fleet->loop)
        fleet->loop = invocation->loop;
    ticket->fleet = fleet;
    ticket->invocation = invocation;
    ticket->duration_us = -1;
    clear_outcome(invocation);
    if (!invocation->request_id.len)
        invocation->request_id = request_id(fleet, invocation->arena);
    invocation->rc = accept_ticket(fleet, ticket, &pool);
    if (invocation->rc) {
        ticket_finish_later(ticket);
        return;
    }
    if (run_warm(pool, ticket))
        return;
    *pool->last = ticket;
    pool->last = &ticket->next;
    pool->waiting++;
    fill(pool, INSTANCE_PHASE_INIT);
}

/* --- Beginning and end --- */

static void all_stopped(struct loop_task *task)
{
    struct lambda *lambda = (struct lambda *)((char *)task - offsetof(struct lambda, stopped));
    lambda->stop_done(lambda->stop_arg);
}

static void tell_stopped(struct fleet *fleet)
{
    struct lambda *lambda = fleet->lambda;
    loop_timer_stop(fleet->reaper);
    loop_timer_stop(fleet->patience);
    loop_timer_stop(fleet->again);
    loop_watch_stop(fleet->watch);
    fleet->reaper = fleet->patience = fleet->again = NULL;
    fleet->watch = NULL;
    if (atomic_fetch_sub(&lambda->fleets_stopping, 1) != 1)
        return;
    lambda->stopped.run = all_stopped;
    loop_post(lambda->stop_loop, &lambda->stopped);
}

static void stop_task(struct loop_task *task)
{
    struct fleet *fleet = (struct fleet *)((char *)task - offsetof(struct fleet, stop));
    size_t cursor = 0;
    void *value;
    fleet->is_stopping = true;
    if (fleet->instance_count == 0) {
        tell_stopped(fleet);
        return;
    }
    while (map_next(&fleet->pools, &cursor, NULL, &value)) {
        struct pool *pool = value;
        struct instance *next;
        for (struct instance *instance = pool->instances; instance; instance = next) {
            next = instance->next;
            if (!instance->ticket)
                instance_end(instance);
        }
    }
}

void lambda_shutdown(struct lambda *lambda, void (*done)(void *arg), void *arg)
{
    lambda->stop_done = done;
    lambda->stop_arg = arg;
    lambda->stop_loop = loop_current();
    /* One more than there are, for this function itself. */
    atomic_store(&lambda->fleets_stopping, lambda->fleet_count + 1);
    unsigned unused = 1;
    for (unsigned i = 0; i < lambda->fleet_count; i++) {
        struct fleet *fleet = &lambda->fleets[i];
        fleet->stop.run = stop_task;
        if (fleet->loop)
            loop_post(fleet->loop, &fleet->stop);
        else
            unused++;
    }
    if (atomic_fetch_sub(&lambda->fleets_stopping, unused) == unused) {
        lambda->stopped.run = all_stopped;
        loop_post(lambda->stop_loop, &lambda->stopped);
    }
}

void fleet_init(struct fleet *fleet, struct lambda *lambda)
{
    *fleet = (struct fleet){.lambda = lambda, .channel = -1};
    fleet->sync.run = sync_task;
    fleet->revive.run = revive_task;
    event_lane_init(&fleet->events, fleet);
}

void fleet_release(struct fleet *fleet)
{
    size_t cursor = 0;
    void *value;
    while (map_next(&fleet->pools, &cursor, NULL, &value)) {
        struct pool *pool = value;
        function_unref(pool->function);
        free(pool);
    }
    map_release(&fleet->pools);
    event_lane_release(&fleet->events);
    if (fleet->channel >= 0)
        close(fleet->channel);
}
