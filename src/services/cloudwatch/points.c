/* Points in the store: merging, reading, and growing old. */
#include <stdlib.h>

#include "services/cloudwatch/internal.h"

enum { DAY_S = 24 * 3600, SWEEP_MAX_POINTS = 2000, SWEEP_MAX_SERIES = 100 };

/* https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#metrics-retention
 */
const struct cw_resolution cw_resolutions[] = {
    {'a', 1, 3 * 3600},
    {'b', 60, 15 * DAY_S},
    {'c', 300, 63 * DAY_S},
    {'d', 3600, 455 * DAY_S},
};
const size_t cw_resolution_count = sizeof(cw_resolutions) / sizeof(cw_resolutions[0]);

static struct str point_prefix(struct arena *arena, uint64_t id, size_t resolution)
{
    return arena_printf(arena, "cw/p/%016llx/%c/", (unsigned long long)id,
                        cw_resolutions[resolution].letter);
}

static struct str point_key(struct arena *arena, uint64_t id, size_t resolution, int64_t time_s)
{
    struct str prefix = point_prefix(arena, id, resolution);
    return arena_printf(arena, "%.*s%010llx", STR_ARG(prefix), (unsigned long long)time_s);
}

static int64_t time_of_key(struct str key, struct str prefix)
{
    char digits[17] = "";
    struct str text = str_slice(key, prefix.len, 16);
    memcpy(digits, text.ptr, text.len);
    return strtoll(digits, NULL, 16);
}

/* --- Writing --- */

static void put_identity(struct store_txn *txn, struct metric_series *series, int64_t last_s,
                         struct arena *arena)
{
    yyjson_mut_doc *doc = json_doc(arena);
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    json_add_str(doc, object, "Namespace", series->identity.space);
    json_add_str(doc, object, "MetricName", series->identity.name);
    json_add_str(doc, object, "Unit", series->identity.unit);
    yyjson_mut_val *dimensions = json_add_obj(doc, object, "Dimensions");
    for (size_t i = 0; i < series->identity.dimension_count; i++) {
        const struct metric_dimension *dimension = &series->identity.dimensions[i];
        yyjson_mut_obj_add(dimensions,
                           yyjson_mut_strn(doc, dimension->name.ptr, dimension->name.len),
                           yyjson_mut_strn(doc, dimension->value.ptr, dimension->value.len));
    }
    json_add_i64(doc, object, "Last", last_s);
    store_txn_put(txn, STORE_METRICS,
                  arena_printf(arena, "cw/s/%016llx", (unsigned long long)series->id),
                  json_write(arena, object));
    atomic_store(&series->is_stored, true);
}

/* The identity is written with the first value, and anew now and then for the time of the last. */
static void note_value(struct store_txn *txn, struct metric_series *series, int64_t time_s,
                       struct arena *arena)
{
    int64_t before_s = atomic_load(&series->last_s);
    if (time_s > before_s)
        atomic_store(&series->last_s, time_s);
    if (!atomic_load(&series->is_stored) || time_s / CW_NOTED_EVERY_S > before_s / CW_NOTED_EVERY_S)
        put_identity(txn, series, time_s, arena);
}

static enum err merge_at(struct store_txn *txn, uint64_t id, size_t resolution, int64_t time_s,
                         const struct point *point, struct arena *arena, struct error *error)
{
    struct str key = point_key(arena, id, resolution, time_s), bytes;
    struct point merged = point_empty(), stored;
    struct buf out;
    bool is_found = false;
    enum err rc = store_txn_get(txn, STORE_METRICS, key, arena, &is_found, &bytes, error);
    if (rc)
        return rc;
    if (is_found && point_read(bytes, &stored, arena))
        merged = stored;
    point_merge(&merged, point, arena);
    buf_init_arena(&out, arena, 1024 * 1024);
    point_write(&merged, &out);
    store_txn_put(txn, STORE_METRICS, key, buf_str(&out));
    return OK;
}

enum err cw_merge(struct store_txn *txn, struct metric_series *series, int resolution,
                  int64_t time_s, const struct point *point, struct error *error)
{
    struct arena arena = {0};
    note_value(txn, series, time_s, &arena);
    enum err rc = merge_at(txn, series->id, (size_t)resolution, time_s, point, &arena, error);
    arena_release(&arena);
    return rc;
}

/* --- Reading --- */

static enum err read_resolution(struct cloudwatch *cloudwatch, uint64_t id, size_t resolution,
                                int64_t start_s, int64_t period_s, size_t count, struct point *out,
                                struct arena *arena, struct error *error)
{
    int64_t end_s = start_s + (int64_t)count * period_s;
    struct str prefix = point_prefix(arena, id, resolution), key, value;
    struct store_iter *iter =
        store_iter_new(cloudwatch->skylite->store, STORE_METRICS,
                       point_key(arena, id, resolution, start_s > 0 ? start_s : 0),
                       point_key(arena, id, resolution, end_s > 0 ? end_s : 0), false);
    while (store_iter_next(iter, &key, &value)) {
        struct arena scratch = {0};
        struct point point;
        size_t place = (size_t)((time_of_key(key, prefix) - start_s) / period_s);
        if (place < count && point_read(value, &point, &scratch))
            point_merge(&out[place], &point, arena);
        arena_release(&scratch);
    }
    enum err rc = store_iter_error(iter, error);
    store_iter_free(iter);
    return rc;
}

enum err cw_read(struct cloudwatch *cloudwatch, const struct metric_series *series, int64_t start_s,
                 int64_t period_s, size_t count, struct point *out, struct arena *arena,
                 struct error *error)
{
    enum err rc = OK;
    for (size_t i = 0; i < count; i++)
        out[i] = point_empty();
    for (size_t i = 0; rc == OK && i < cw_resolution_count; i++)
        rc =
            read_resolution(cloudwatch, series->id, i, start_s, period_s, count, out, arena, error);
    return rc;
}

/* --- Growing old --- */

struct sweep {
    struct cloudwatch *cloudwatch;
    struct store_txn *txn;
    int64_t now_s;
    size_t left; /* how many points this round may still move */
    enum err rc;
    struct error *error;
};

/* Moves what is too old for a resolution into the next one, or out. */
static void sweep_resolution(struct sweep *sweep, uint64_t id, size_t resolution)
{
    const struct cw_resolution *own = &cw_resolutions[resolution];
    const struct cw_resolution *next = resolution + 1 < cw_resolution_count ? own + 1 : NULL;
    int64_t before_s = sweep->now_s - own->kept_s;
    struct arena arena = {0};
    struct str prefix = point_prefix(&arena, id, resolution), key, value;
    if (before_s <= 0)
        return;
    struct store_iter *iter = store_txn_iter_new(
        sweep->txn, STORE_METRICS, prefix, point_key(&arena, id, resolution, before_s), false);
    while (sweep->rc == OK && sweep->left > 0 && store_iter_next(iter, &key, &value)) {
        struct point point;
        int64_t time_s = time_of_key(key, prefix);
        key = arena_str(&arena, key);
        if (next && point_read(value, &point, &arena))
            sweep->rc = merge_at(sweep->txn, id, resolution + 1, time_s - time_s % next->seconds,
                                 &point, &arena, sweep->error);
        store_txn_delete(sweep->txn, STORE_METRICS, key);
        sweep->left = store_txn_is_full(sweep->txn) ? 0 : sweep->left - 1;
    }
    store_iter_free(iter);
    arena_release(&arena);
}

static void sweep_series(struct sweep *sweep, uint64_t id)
{
    for (size_t i = 0; i < cw_resolution_count; i++) {
        if (sweep->rc == OK && sweep->left > 0)
            sweep_resolution(sweep, id, i);
    }
}

/* Whether the last value of an identity is older than all that is kept. In memory it stays until
 * the server ends. */
static bool is_forgotten(struct str document, int64_t now_s)
{
    struct arena arena = {0};
    int64_t last_s = now_s;
    json_get_i64(json_parse(&arena, document), "Last", &last_s);
    arena_release(&arena);
    return last_s < now_s - cw_resolutions[cw_resolution_count - 1].kept_s - DAY_S;
}

/* Goes on behind the series at which the round before has ended, and starts anew at the end. */
enum err cw_sweep(struct cloudwatch *cloudwatch, struct store_txn *txn, int64_t now_s,
                  struct error *error)
{
    struct sweep sweep = {cloudwatch, txn, now_s, SWEEP_MAX_POINTS, OK, error};
    struct arena arena = {0};
    struct str prefix = STR("cw/s/"), key, value;
    struct str start =
        arena_printf(&arena, "cw/s/%016llx", (unsigned long long)cloudwatch->sweep_id);
    struct store_iter *iter =
        store_txn_iter_new(txn, STORE_METRICS, start, store_prefix_end(&arena, prefix), false);
    size_t series = 0;
    bool is_whole = true, has_room = true;
    while (is_whole && has_room && sweep.rc == OK && series++ < SWEEP_MAX_SERIES &&
           store_iter_next(iter, &key, &value)) {
        uint64_t id = strtoull(arena_cstr(&arena, str_slice(key, prefix.len, 16)), NULL, 16);
        bool is_over = is_forgotten(value, now_s);
        key = arena_str(&arena, key);
        sweep_series(&sweep, id);
        is_whole = sweep.left > 0; /* else there may be more of it */
        if (is_whole && is_over && sweep.rc == OK)
            store_txn_delete(txn, STORE_METRICS, key);
        cloudwatch->sweep_id = id + is_whole;
        has_room = !store_txn_is_full(txn);
    }
    if (is_whole && has_room && series <= SWEEP_MAX_SERIES)
        cloudwatch->sweep_id = 0;
    store_iter_free(iter);
    arena_release(&arena);
    return sweep.rc;
}
