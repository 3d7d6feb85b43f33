/* The use of plans in the store: written twice a second while it changes, with what may be used
 * until the next time, and sooner when requests wait for that; read back at the start. After a
 * crash all that was granted counts as used.
 *
 * Requests and the timer ask for a save, on any thread; there is one at a time. Its figures are
 * taken, and granted, on the writer thread. Requests that wait are parked until it is done. */
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "services/apigateway/plane/plane.h"
#include "services/apigateway/state.h"

enum { SAVE_EVERY_MS = 500 };

/* A call that waits, in its own arena. */
struct parked {
    struct loop_task task;
    struct plane *plane;
    struct api_call *call;
    bool has_failed;
    struct parked *next;
};

struct usage_saver {
    struct plane *plane;
    struct loop_task start;
    struct loop_timer *timer;
    pthread_mutex_t mutex; /* guards the next three */
    struct parked *parked;
    bool is_saving, is_wanted;
    bool is_last; /* no request follows: nothing is granted */

    /* The writer's own. */
    struct store_write write;
    struct arena arena;
    struct usage_figures *figures;
    size_t count;
};

static uint32_t remaining(const struct usage_figures *figures)
{
    int64_t left = (int64_t)figures->quota.limit + figures->bonus - figures->used;
    return left < 0 ? 0 : (uint32_t)left;
}

static void put_day(struct store_txn *txn, struct arena *arena, const struct usage_figures *figures,
                    uint32_t day, uint32_t used)
{
    struct str start = state_key(arena, "usage", figures->plan_id, figures->key_id);
    struct str key = arena_printf(arena, "%.*s/%05u", STR_ARG(start), day);
    struct str value =
        arena_printf(arena, "{\"used\":%u,\"remaining\":%u}", used, remaining(figures));
    store_txn_put(txn, STORE_METRICS, key, value);
}

/* What may be used beyond what is used now. */
static uint32_t ahead(const struct usage_saver *saver, const struct usage_figures *figures)
{
    uint32_t used = figures->quota.period == QUOTA_NONE ? figures->day_used : figures->used;
    return saver->is_last || figures->granted < used ? 0 : figures->granted - used;
}

static enum err save(struct store_txn *txn, struct store_write *write, struct error *error)
{
    (void)error;
    struct usage_saver *saver = write->arg;
    struct arena *arena = &saver->arena;
    saver->count = registry_take_changed(saver->plane->registry, arena, &saver->figures);
    for (size_t i = 0; i < saver->count; i++) {
        const struct usage_figures *figures = &saver->figures[i];
        struct str value =
            arena_printf(arena, "{\"start\":%u,\"used\":%u,\"bonus\":%d,\"day\":%u,\"ahead\":%u}",
                         figures->quota_start, figures->used, figures->bonus, figures->day,
                         ahead(saver, figures));
        store_txn_put(txn, STORE_METRICS,
                      state_key(arena, "quota", figures->plan_id, figures->key_id), value);
        if (figures->earlier_day)
            put_day(txn, arena, figures, figures->earlier_day, figures->earlier_used);
        put_day(txn, arena, figures, figures->day, figures->day_used);
    }
    return OK;
}

static void grant(struct store_write *write)
{
    struct usage_saver *saver = write->arg;
    for (size_t i = 0; i < saver->count; i++)
        registry_grant(saver->plane->registry, &saver->figures[i]);
}

static void go_on(struct loop_task *task)
{
    struct parked *parked = (struct parked *)((char *)task - offsetof(struct parked, task));
    plane_admit_again(parked->plane, parked->call, parked->has_failed);
}

static void saved(struct store_write *write);

static void submit(struct usage_saver *saver)
{
    saver->write =
        (struct store_write){.run = save, .committed = grant, .done = saved, .arg = saver};
    store_submit(saver->plane->skylite->store, &saver->write);
}

static void saved(struct store_write *write)
{
    struct usage_saver *saver = write->arg;
    bool has_failed = write->rc;
    if (has_failed) {
        log_error("apigateway", "the use of plans was not saved: %s", write->error.message);
        for (size_t i = 0; i < saver->count; i++)
            registry_save_again(saver->plane->registry, &saver->figures[i]);
    }
    arena_reset(&saver->arena);
    pthread_mutex_lock(&saver->mutex);
    struct parked *parked = saver->parked, *next;
    bool goes_on = saver->is_wanted && !has_failed;
    saver->parked = NULL;
    saver->is_saving = goes_on;
    saver->is_wanted = false;
    pthread_mutex_unlock(&saver->mutex);
    for (; parked; parked = next) {
        next = parked->next;
        parked->has_failed = has_failed;
        loop_post(parked->call->exchange->loop, &parked->task);
    }
    if (goes_on)
        submit(saver);
}

/* Saves now, or once more when that is under way. */
static void want(struct usage_saver *saver, struct parked *parked)
{
    pthread_mutex_lock(&saver->mutex);
    bool starts = !saver->is_saving;
    saver->is_saving = true;
    saver->is_wanted |= !starts;
    if (parked) {
        parked->next = saver->parked;
        saver->parked = parked;
    }
    pthread_mutex_unlock(&saver->mutex);
    if (starts)
        submit(saver);
}

static void want_grant(void *arg)
{
    want(arg, NULL);
}

void usage_saver_park(struct usage_saver *saver, struct api_call *call)
{
    struct parked *parked = arena_new(call->arena, struct parked);
    *parked = (struct parked){.task.run = go_on, .plane = saver->plane, .call = call};
    want(saver, parked);
}

static void tick(void *arg)
{
    struct usage_saver *saver = arg;
    if (registry_has_changed(saver->plane->registry))
        want(saver, NULL);
}

static void start_timer(struct loop_task *task)
{
    struct usage_saver *saver =
        (struct usage_saver *)((char *)task - offsetof(struct usage_saver, start));
    saver->timer = loop_timer_start(saver->plane->skylite->loops[0], SAVE_EVERY_MS, SAVE_EVERY_MS,
                                    tick, saver);
}

/* --- At the start --- */

static enum err read_day(struct plane *plane, struct arena *arena,
                         const struct usage_figures *figures, uint32_t day, uint32_t *out_used,
                         struct error *error)
{
    bool found;
    int64_t used = 0;
    struct str value, start = state_key(arena, "usage", figures->plan_id, figures->key_id);
    struct str key = arena_printf(arena, "%.*s/%05u", STR_ARG(start), day);
    enum err rc =
        store_get(plane->skylite->store, STORE_METRICS, key, arena, &found, &value, error);
    if (rc == OK && found)
        json_get_i64(json_parse(arena, value), "used", &used);
    *out_used = (uint32_t)used;
    return rc;
}

/* One saved quota: `name` is "PLAN/KEY". What was granted and not known to be used may have been
 * used on the day of the last save, or, in a period that began later, today. */
static enum err restore(struct plane *plane, struct arena *arena, struct str name, struct str value,
                        struct error *error)
{
    int64_t start = 0, used = 0, bonus = 0, ahead = 0, last_day = 0;
    yyjson_val *document = json_parse(arena, value);
    json_get_i64(document, "start", &start);
    json_get_i64(document, "used", &used);
    json_get_i64(document, "bonus", &bonus);
    json_get_i64(document, "ahead", &ahead);
    json_get_i64(document, "day", &last_day);
    struct usage_figures figures = {
        .quota_start = (uint32_t)start,
        .used = (uint32_t)(used + ahead),
        .bonus = (int32_t)bonus,
        .day = day_of_ms(clock_wall_ms()),
    };
    figures.key_id = name;
    str_cut(&figures.key_id, '/', &figures.plan_id);
    enum err rc = read_day(plane, arena, &figures, figures.day, &figures.day_used, error);
    if (rc == OK && (last_day == figures.day || start > last_day)) {
        figures.day_used += (uint32_t)ahead;
    } else if (rc == OK && ahead) {
        figures.earlier_day = (uint32_t)last_day;
        rc = read_day(plane, arena, &figures, figures.earlier_day, &figures.earlier_used, error);
        figures.earlier_used += (uint32_t)ahead;
    }
    if (rc == OK)
        registry_set_usage(plane->registry, &figures);
    return rc;
}

static enum err restore_all(struct plane *plane, struct error *error)
{
    struct arena arena = {0}, item = {0};
    struct str prefix = state_prefix(&arena, "quota", NO_PART), key, value;
    struct store_iter *iter = store_iter_new(plane->skylite->store, STORE_METRICS, prefix,
                                             store_prefix_end(&arena, prefix), false);
    enum err rc = OK;
    while (rc == OK && store_iter_next(iter, &key, &value)) {
        rc = restore(plane, &item, str_slice(key, prefix.len, key.len), value, error);
        arena_reset(&item);
    }
    if (rc == OK)
        rc = store_iter_error(iter, error);
    store_iter_free(iter);
    arena_release(&item);
    arena_release(&arena);
    return rc;
}

enum err usage_saver_new(struct plane *plane, struct usage_saver **out, struct error *error)
{
    enum err rc = restore_all(plane, error);
    if (rc)
        return rc;
    struct usage_saver *saver = calloc(1, sizeof(*saver));
    if (!saver)
        abort();
    saver->plane = plane;
    pthread_mutex_init(&saver->mutex, NULL);
    saver->start.run = start_timer;
    if (plane->skylite->loop_count) {
        registry_require_grants(plane->registry, want_grant, saver);
        loop_post(plane->skylite->loops[0], &saver->start);
    }
    *out = saver;
    return OK;
}

static enum err do_nothing(struct store_txn *txn, struct store_write *write, struct error *error)
{
    (void)txn;
    (void)write;
    (void)error;
    return OK;
}

static bool is_saving(struct usage_saver *saver)
{
    pthread_mutex_lock(&saver->mutex);
    bool is_saving = saver->is_saving;
    pthread_mutex_unlock(&saver->mutex);
    return is_saving;
}

void usage_saver_free(struct usage_saver *saver)
{
    if (!saver)
        return;
    loop_timer_stop(saver->timer);
    registry_end_grants(saver->plane->registry);
    /* A background write comes behind what was submitted before, unless that has waited for long;
     * and there may be one more to follow. */
    struct usage_saver last = {.plane = saver->plane, .is_last = true};
    struct error error;
    while (is_saving(saver))
        store_write_wait(saver->plane->skylite->store, do_nothing, NULL, &error);
    if (store_write_wait(saver->plane->skylite->store, save, &last, &error))
        log_error("apigateway", "the use of plans was not saved: %s", error.message);
    arena_release(&last.arena);
    arena_release(&saver->arena);
    pthread_mutex_destroy(&saver->mutex);
    free(saver);
}
