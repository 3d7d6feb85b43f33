/* The use of plans in the store: written twice a second while it changes, so that a crash costs
 * less than a second of counts; read back at the start. */
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "services/apigateway/plane/plane.h"
#include "services/apigateway/state.h"

enum { SAVE_EVERY_MS = 500 };

struct usage_saver {
    struct plane *plane;
    struct loop_task start;
    struct loop_timer *timer;
    struct store_write write;
    _Atomic bool is_writing; /* the members below belong to the writer */
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

static enum err save(struct store_txn *txn, struct store_write *write, struct error *error)
{
    (void)error;
    struct usage_saver *saver = write->arg;
    struct arena *arena = &saver->arena;
    for (size_t i = 0; i < saver->count; i++) {
        const struct usage_figures *figures = &saver->figures[i];
        struct str value = arena_printf(arena, "{\"start\":%u,\"used\":%u,\"bonus\":%d}",
                                        figures->quota_start, figures->used, figures->bonus);
        store_txn_put(txn, STORE_METRICS,
                      state_key(arena, "quota", figures->plan_id, figures->key_id), value);
        if (figures->earlier_day)
            put_day(txn, arena, figures, figures->earlier_day, figures->earlier_used);
        put_day(txn, arena, figures, figures->day, figures->day_used);
    }
    return OK;
}

static void saved(struct store_write *write)
{
    struct usage_saver *saver = write->arg;
    if (write->rc)
        log_error("apigateway", "the use of plans was not saved: %s", write->error.message);
    arena_reset(&saver->arena);
    atomic_store(&saver->is_writing, false);
}

static void tick(void *arg)
{
    struct usage_saver *saver = arg;
    if (atomic_exchange(&saver->is_writing, true))
        return;
    saver->count = registry_take_changed(saver->plane->registry, &saver->arena, &saver->figures);
    if (saver->count == 0) {
        arena_reset(&saver->arena);
        atomic_store(&saver->is_writing, false);
        return;
    }
    saver->write = (struct store_write){.run = save, .done = saved, .arg = saver};
    store_submit(saver->plane->skylite->store, &saver->write);
}

static void start_timer(struct loop_task *task)
{
    struct usage_saver *saver =
        (struct usage_saver *)((char *)task - offsetof(struct usage_saver, start));
    saver->timer = loop_timer_start(saver->plane->skylite->loops[0], SAVE_EVERY_MS, SAVE_EVERY_MS,
                                    tick, saver);
}

/* --- At the start --- */

static enum err read_days(struct plane *plane, struct arena *arena, struct usage_figures *figures,
                          struct error *error)
{
    bool found;
    struct str value, start = state_key(arena, "usage", figures->plan_id, figures->key_id);
    figures->day = day_of_ms(clock_wall_ms());
    struct str key = arena_printf(arena, "%.*s/%05u", STR_ARG(start), figures->day);
    enum err rc =
        store_get(plane->skylite->store, STORE_METRICS, key, arena, &found, &value, error);
    int64_t used = 0;
    if (rc == OK && found)
        json_get_i64(json_parse(arena, value), "used", &used);
    figures->day_used = (uint32_t)used;
    return rc;
}

/* One saved quota: `name` is "PLAN/KEY". */
static enum err restore(struct plane *plane, struct arena *arena, struct str name, struct str value,
                        struct error *error)
{
    int64_t start = 0, used = 0, bonus = 0;
    yyjson_val *document = json_parse(arena, value);
    json_get_i64(document, "start", &start);
    json_get_i64(document, "used", &used);
    json_get_i64(document, "bonus", &bonus);
    struct usage_figures figures = {
        .quota_start = (uint32_t)start,
        .used = (uint32_t)used,
        .bonus = (int32_t)bonus,
    };
    figures.key_id = name;
    str_cut(&figures.key_id, '/', &figures.plan_id);
    enum err rc = read_days(plane, arena, &figures, error);
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
    saver->start.run = start_timer;
    if (plane->skylite->loop_count)
        loop_post(plane->skylite->loops[0], &saver->start);
    *out = saver;
    return OK;
}

void usage_saver_free(struct usage_saver *saver)
{
    if (!saver)
        return;
    /* A write that is still queued is done before this one, since the writer keeps the order. */
    struct usage_saver last = {.plane = saver->plane};
    struct error error;
    last.count = registry_take_changed(saver->plane->registry, &last.arena, &last.figures);
    if (store_write_wait(saver->plane->skylite->store, save, &last, &error))
        log_error("apigateway", "the use of plans was not saved: %s", error.message);
    arena_release(&last.arena);
    arena_release(&saver->arena);
    loop_timer_stop(saver->timer);
    free(saver);
}
