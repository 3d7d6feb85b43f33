/* Asynchronous invocations. What an event is stands in STORE_META ("lambda/event/ID"), its payload
 * in STORE_BLOBS under the same key: a retry rewrites only the former. */
#include "services/lambda/events.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "services/lambda/event_config.h"
#include "services/lambda/internal.h"

#define EVENTS "lambda/event/"

enum {
    MAX_RUNNING = 64, /* per loop */
    MAX_BACKOFF_MS = 5 * 60 * 1000,
};

struct event {
    struct arena arena;     /* holds what follows */
    struct arena try_arena; /* what one try needs */
    struct event_lane *lane;
    struct str id;       /* the request id, of all its tries */
    struct str function; /* "NAME" or "NAME:QUALIFIER" */
    struct str client_context;
    int64_t accepted_ms, due_ms; /* wall time */
    int64_t retries;             /* after errors of the function */
    int64_t refusals;            /* tries for which there was no room */
    struct function_invocation invocation;
};

static struct str event_key(struct arena *arena, struct str id)
{
    return arena_printf(arena, EVENTS "%.*s", STR_ARG(id));
}

/* --- Stored form --- */

static struct str write_event(const struct event *event, struct arena *arena)
{
    yyjson_mut_doc *doc = json_doc(arena);
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    json_add_str(doc, object, "Function", event->function);
    if (event->client_context.len)
        json_add_str(doc, object, "ClientContext", event->client_context);
    json_add_i64(doc, object, "Accepted", event->accepted_ms);
    json_add_i64(doc, object, "Due", event->due_ms);
    json_add_i64(doc, object, "Retries", event->retries);
    json_add_i64(doc, object, "Refusals", event->refusals);
    return json_write(arena, object);
}

static struct event *event_new(struct event_lane *lane, struct str id, struct str document)
{
    struct arena arena = {0};
    struct event *event = arena_new(&arena, struct event);
    yyjson_val *object = json_parse(&arena, arena_str(&arena, document));
    event->lane = lane;
    event->id = arena_str(&arena, id);
    event->function = json_get_str(object, "Function");
    event->client_context = json_get_str(object, "ClientContext");
    json_get_i64(object, "Accepted", &event->accepted_ms);
    json_get_i64(object, "Due", &event->due_ms);
    json_get_i64(object, "Retries", &event->retries);
    json_get_i64(object, "Refusals", &event->refusals);
    event->arena = arena;
    return event;
}

static void event_free(struct event *event)
{
    arena_release(&event->try_arena);
    struct arena arena = event->arena;
    arena_release(&arena);
}

/* --- Changing what is stored, without waiting for it --- */

struct event_write {
    struct store_write write;
    struct arena arena; /* holds this struct too */
    struct str key;
    struct str document; /* empty: the event is over */
};

static enum err run_write(struct store_txn *txn, struct store_write *write, struct error *error)
{
    const struct event_write *self = write->arg;
    (void)error;
    if (self->document.len) {
        store_txn_put(txn, STORE_META, self->key, self->document);
        return OK;
    }
    store_txn_delete(txn, STORE_META, self->key);
    store_txn_delete(txn, STORE_BLOBS, self->key);
    return OK;
}

static void write_done(struct store_write *write)
{
    struct event_write *self = write->arg;
    struct arena arena = self->arena;
    if (write->rc)
        log_error_limited("lambda", "an event's state cannot be stored: %s", write->error.message);
    arena_release(&arena);
}

static void store_event(const struct event *event, bool is_over)
{
    struct store *store = event->lane->fleet->lambda->skylite->store;
    struct arena arena = {0};
    struct event_write *self = arena_new(&arena, struct event_write);
    self->key = event_key(&arena, event->id);
    self->document = is_over ? STR_EMPTY : write_event(event, &arena);
    self->write = (struct store_write){.run = run_write, .done = write_done, .arg = self};
    self->arena = arena;
    store_submit(store, &self->write);
}

/* --- The heap --- */

static void swap(struct event_lane *lane, size_t a, size_t b)
{
    struct event *event = lane->heap[a];
    lane->heap[a] = lane->heap[b];
    lane->heap[b] = event;
}

static bool is_before(const struct event_lane *lane, size_t a, size_t b)
{
    return lane->heap[a]->due_ms < lane->heap[b]->due_ms;
}

static void push(struct event_lane *lane, struct event *event)
{
    if (lane->count == lane->capacity) {
        lane->capacity = lane->capacity ? 2 * lane->capacity : 64;
        lane->heap = realloc(lane->heap, lane->capacity * sizeof(struct event *));
        if (!lane->heap)
            abort();
    }
    size_t at = lane->count++;
    lane->heap[at] = event;
    while (at > 0 && is_before(lane, at, (at - 1) / 2)) {
        swap(lane, at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
}

static struct event *pop(struct event_lane *lane)
{
    struct event *first = lane->heap[0];
    size_t at = 0;
    lane->heap[0] = lane->heap[--lane->count];
    for (;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < lane->count; child++)
            least = is_before(lane, child, least) ? child : least;
        if (least == at)
            return first;
        swap(lane, at, least);
        at = least;
    }
}

/* --- Running --- */

static void run_due(struct event_lane *lane);

static void timer_fired(void *arg)
{
    struct event_lane *lane = arg;
    lane->timer = NULL;
    run_due(lane);
}

/* Has the lane looked after when its first event is due. */
static void wait_for_first(struct event_lane *lane)
{
    struct loop *loop = loop_current();
    if (lane->count == 0 || lane->running >= MAX_RUNNING)
        return;
    int64_t due_ms = lane->heap[0]->due_ms;
    if (lane->timer && lane->timer_ms <= due_ms)
        return;
    loop_timer_stop(lane->timer);
    int64_t delay_ms = due_ms - clock_wall_ms();
    lane->timer_ms = due_ms;
    lane->timer =
        loop_timer_start(loop, delay_ms > 0 ? (uint64_t)delay_ms : 0, 0, timer_fired, lane);
}

static void event_over(struct event *event)
{
    store_event(event, true);
    event_free(event);
}

static void drop(struct event *event, const char *why)
{
    log_warn_limited("lambda", "function=%.*s request=%.*s the event is dropped: %s",
                     STR_ARG(event->function), STR_ARG(event->id), why);
    event_over(event);
}

static void try_again(struct event *event, int64_t delay_ms)
{
    event->due_ms = clock_wall_ms() + delay_ms;
    arena_release(&event->try_arena);
    store_event(event, false);
    push(event->lane, event);
}

/* A try ended with an error of the function: a minute later there is another one, and two minutes
 * after that the last. */
static void function_failed(struct event *event, const struct event_config *config)
{
    int64_t pause_ms = event->lane->fleet->lambda->event_retry_ms;
    if (event->retries >= config->max_retries)
        drop(event, "its function failed each time");
    else
        try_again(event, pause_ms << event->retries++);
}

/* A function whose reserved concurrency is 0 is switched off: its events are not tried again. */
static bool is_switched_off(struct event *event)
{
    struct str name, rest = event->function;
    str_cut(&rest, ':', &name);
    struct function *function = catalog_get(&event->lane->fleet->lambda->catalog, name);
    bool is_off = function && atomic_load(&function->load->reserved) == 0;
    function_unref(function);
    return is_off;
}

/* There was no room, or the server failed: again and again, until it is too old. */
static void was_refused(struct event *event, const struct event_config *config)
{
    int64_t age_ms = clock_wall_ms() - event->accepted_ms;
    int64_t delay_ms = event->refusals < 8 ? 1000 << event->refusals : MAX_BACKOFF_MS;
    event->refusals++;
    if (is_switched_off(event))
        drop(event, "its function has no concurrency");
    else if (age_ms > config->max_age_s * 1000)
        drop(event, "there was no room for it in its time");
    else
        try_again(event, delay_ms);
}

static void finished(struct function_invocation *invocation)
{
    struct event *event = invocation->arg;
    struct event_lane *lane = event->lane;
    struct event_config config;
    lane->running--;
    event_config_load(lane->fleet->lambda, event->function, &config);
    switch (invocation->rc) {
    case OK:
        if (invocation->function_error.len)
            function_failed(event, &config);
        else
            event_over(event);
        break;
    case ERR_LAMBDA_RESOURCE_NOT_FOUND:
        drop(event, "its function was deleted");
        break;
    default:
        was_refused(event, &config);
    }
    run_due(lane);
}

static enum err load_payload(struct event *event, struct str *out, struct error *error)
{
    struct store *store = event->lane->fleet->lambda->skylite->store;
    struct arena *arena = &event->try_arena;
    bool is_found = false;
    enum err rc =
        store_get(store, STORE_BLOBS, event_key(arena, event->id), arena, &is_found, out, error);
    if (rc == OK && !is_found)
        rc = error_set(error, ERR_INTERNAL, "its payload is missing");
    return rc;
}

static void start(struct event_lane *lane, struct event *event)
{
    struct error error;
    struct str payload;
    if (load_payload(event, &payload, &error)) {
        drop(event, error.message);
        return;
    }
    lane->running++;
    event->invocation = (struct function_invocation){
        .loop = loop_current(),
        .arena = &event->try_arena,
        .function = event->function,
        .payload = payload,
        .own_call = OWN_CALL_EVENT,
        .client_context = event->client_context,
        .request_id = event->id,
        .done = finished,
        .arg = event,
    };
    fleet_invoke(lane->fleet->lambda, &event->invocation);
}

static void run_due(struct event_lane *lane)
{
    int64_t now_ms = clock_wall_ms();
    if (lane->fleet->is_stopping)
        return;
    while (lane->count && lane->running < MAX_RUNNING && lane->heap[0]->due_ms <= now_ms)
        start(lane, pop(lane));
    wait_for_first(lane);
}

/* --- Accepting --- */

static struct event_lane *lane_of(struct lambda *lambda, struct loop *loop)
{
    return &lambda->fleets[loop_index(loop)].events;
}

static enum err put_event(struct request *request, struct store_txn *txn)
{
    const struct event *event = request->handler_state;
    struct str key = event_key(request->arena, event->id);
    store_txn_put(txn, STORE_META, key, write_event(event, request->arena));
    store_txn_put(txn, STORE_BLOBS, key, event->invocation.payload);
    return OK;
}

static enum err accepted(struct request *request)
{
    const struct event *event = request->handler_state;
    struct event_lane *lane = event->lane;
    request->status = 202;
    push(lane, event_new(lane, event->id, write_event(event, request->arena)));
    run_due(lane);
    return OK;
}

enum err event_accept(struct request *request, struct str key, struct str payload)
{
    struct lambda *lambda = request_self(request, struct lambda);
    struct event *event = arena_new(request->arena, struct event);
    struct str context = request_header(request, STR("x-amz-client-context"));
    event->lane = lane_of(lambda, request->loop);
    event->id = random_uuid(request->arena);
    event->function = key;
    event->client_context = context.ptr ? context : STR_EMPTY;
    event->accepted_ms = event->due_ms = clock_wall_ms();
    event->invocation.payload = payload;
    request->request_id = event->id;
    request->handler_state = event;
    return request_write(request, put_event, accepted);
}

/* --- Beginning and end --- */

void event_lane_init(struct event_lane *lane, struct fleet *fleet)
{
    *lane = (struct event_lane){.fleet = fleet};
}

void event_lane_release(struct event_lane *lane)
{
    for (size_t i = 0; i < lane->count; i++)
        event_free(lane->heap[i]);
    free(lane->heap);
    *lane = (struct event_lane){0};
}

static void start_task(struct loop_task *task)
{
    struct fleet *fleet = (struct fleet *)((char *)task - offsetof(struct fleet, start_events));
    run_due(&fleet->events);
}

enum err events_load(struct lambda *lambda, struct error *error)
{
    struct skylite *skylite = lambda->skylite;
    struct arena arena = {0};
    struct str prefix = STR(EVENTS), key, value;
    struct store_iter *iter =
        store_iter_new(skylite->store, STORE_META, prefix, store_prefix_end(&arena, prefix), false);
    for (unsigned next = 0; store_iter_next(iter, &key, &value); next++) {
        struct event_lane *lane = &lambda->fleets[next % skylite->loop_count].events;
        push(lane, event_new(lane, str_slice(key, prefix.len, key.len), value));
    }
    enum err rc = store_iter_error(iter, error);
    store_iter_free(iter);
    arena_release(&arena);
    for (unsigned i = 0; rc == OK && i < skylite->loop_count; i++) {
        lambda->fleets[i].start_events.run = start_task;
        if (lambda->fleets[i].events.count)
            loop_post(skylite->loops[i], &lambda->fleets[i].start_events);
    }
    return rc;
}
