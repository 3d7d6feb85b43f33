/* Series: what metrics there are, and the values that services add to them. */
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "services/cloudwatch/internal.h"

/* --- Identities --- */

struct str cw_key(struct arena *arena, const struct cw_identity *identity)
{
    struct buf key;
    buf_init_arena(&key, arena, 256 * 1024);
    buf_add(&key, identity->space);
    buf_add_byte(&key, '\0');
    buf_add(&key, identity->name);
    buf_add_byte(&key, '\0');
    for (size_t i = 0; i < identity->dimension_count; i++) {
        buf_add(&key, identity->dimensions[i].name);
        buf_add_byte(&key, '\0');
        buf_add(&key, identity->dimensions[i].value);
        buf_add_byte(&key, '\0');
    }
    buf_add(&key, identity->unit);
    return buf_str(&key);
}

/* The next text in a key, which is NUL or the key's end behind it. */
static struct str take_text(struct str *rest, size_t len)
{
    struct str text = str_slice(*rest, 0, len);
    *rest = str_slice(*rest, len + 1, rest->len);
    return text;
}

/* Under the writer's lock. */
static struct metric_series *make_series(struct cloudwatch *cloudwatch,
                                         const struct cw_identity *from, struct str key)
{
    size_t dimension_bytes = from->dimension_count * sizeof(struct metric_dimension);
    struct metric_series *series = calloc(1, sizeof(*series) + dimension_bytes + key.len);
    if (!series)
        abort();
    struct cw_identity *to = &series->identity;
    to->dimensions = (struct metric_dimension *)(series + 1);
    to->dimension_count = from->dimension_count;
    char *bytes = (char *)(series + 1) + dimension_bytes;
    memcpy(bytes, key.ptr, key.len);
    series->key = str_make(bytes, key.len);
    struct str rest = series->key;
    to->space = take_text(&rest, from->space.len);
    to->name = take_text(&rest, from->name.len);
    for (size_t i = 0; i < from->dimension_count; i++) {
        to->dimensions[i].name = take_text(&rest, from->dimensions[i].name.len);
        to->dimensions[i].value = take_text(&rest, from->dimensions[i].value.len);
    }
    to->unit = rest;
    series->cloudwatch = cloudwatch;
    series->id = cloudwatch->next_id++;
    pthread_mutex_init(&series->lock, NULL);
    map_set(&cloudwatch->series, series->key, series);
    return series;
}

struct metric_series *cw_series(struct cloudwatch *cloudwatch, const struct cw_identity *identity)
{
    struct arena arena = {0};
    struct str key = cw_key(&arena, identity);
    pthread_rwlock_rdlock(&cloudwatch->lock);
    struct metric_series *series = map_get(&cloudwatch->series, key);
    pthread_rwlock_unlock(&cloudwatch->lock);
    if (!series) {
        pthread_rwlock_wrlock(&cloudwatch->lock);
        series = map_get(&cloudwatch->series, key);
        if (!series && cloudwatch->series.count < CW_MAX_SERIES)
            series = make_series(cloudwatch, identity, key);
        pthread_rwlock_unlock(&cloudwatch->lock);
    }
    arena_release(&arena);
    return series;
}

size_t cw_find(struct cloudwatch *cloudwatch, const struct cw_identity *identity,
               struct metric_series *out[CW_UNITS])
{
    struct arena arena = {0};
    struct cw_identity wanted = *identity;
    size_t count = 0;
    pthread_rwlock_rdlock(&cloudwatch->lock);
    for (size_t i = 0; i < CW_UNITS; i++) {
        wanted.unit = str_from(cw_units[i]);
        if (identity->unit.len && !str_eq(identity->unit, wanted.unit))
            continue;
        struct metric_series *series = map_get(&cloudwatch->series, cw_key(&arena, &wanted));
        if (series)
            out[count++] = series;
    }
    pthread_rwlock_unlock(&cloudwatch->lock);
    arena_release(&arena);
    return count;
}

void cw_each(struct cloudwatch *cloudwatch, void (*visit)(struct metric_series *series, void *arg),
             void *arg)
{
    size_t cursor = 0;
    void *series;
    pthread_rwlock_rdlock(&cloudwatch->lock);
    while (map_next(&cloudwatch->series, &cursor, NULL, &series))
        visit(series, arg);
    pthread_rwlock_unlock(&cloudwatch->lock);
}

/* --- Values of services --- */

/* From 2^-20 to 2^48, which is what services count: milliseconds, bytes, units. */
enum {
    CELL_FIRST = POINT_BUCKET_OF_ONE - 20 * POINT_BUCKETS_PER_DOUBLING,
    CELL_BUCKETS = 1 + 68 * POINT_BUCKETS_PER_DOUBLING,
};

/* One minute's values. They are counted in an array, because they come with every request: the
 * first place is that of zero (and what is less), the others are those of buckets from CELL_FIRST
 * on. */
struct cell {
    int64_t minute;
    double count, sum, min, max;
    struct cell *next;
    uint32_t buckets[CELL_BUCKETS];
};

static struct cell *new_cell(int64_t minute)
{
    struct cell *cell = calloc(1, sizeof(*cell));
    if (!cell)
        abort();
    cell->minute = minute;
    cell->min = INFINITY;
    cell->max = -INFINITY;
    return cell;
}

static void count_value(struct cell *cell, double value)
{
    int32_t place = point_bucket_of(value) - CELL_FIRST + 1;
    cell->count++;
    cell->sum += value;
    cell->min = value < cell->min ? value : cell->min;
    cell->max = value > cell->max ? value : cell->max;
    if (value > 0 && place < 1)
        place = 1;
    cell->buckets[place < 0 ? 0 : place < CELL_BUCKETS ? place : CELL_BUCKETS - 1]++;
}

static void mark_dirty(struct metric_series *series)
{
    struct cloudwatch *cloudwatch = series->cloudwatch;
    pthread_mutex_lock(&cloudwatch->dirty_lock);
    series->next_dirty = cloudwatch->dirty;
    cloudwatch->dirty = series;
    pthread_mutex_unlock(&cloudwatch->dirty_lock);
}

static void count_step(struct metric_series *series, double value)
{
    static const double steps[CW_STEP_COUNT] = CW_STEPS;
    size_t step = 0;
    while (step < CW_STEP_COUNT && value > steps[step])
        step++;
    series->steps[step]++;
}

void cw_add(struct metric_series *series, double value)
{
    int64_t minute = atomic_load_explicit(&series->cloudwatch->minute, memory_order_relaxed);
    pthread_mutex_lock(&series->lock);
    if (!series->cells || series->cells->minute != minute) {
        struct cell *cell = new_cell(minute);
        cell->next = series->cells;
        series->cells = cell;
    }
    count_value(series->cells, value);
    series->total_count++;
    series->total_sum += value;
    if (series->steps)
        count_step(series, value);
    bool was_dirty = series->is_dirty;
    series->is_dirty = true;
    pthread_mutex_unlock(&series->lock);
    if (!was_dirty)
        mark_dirty(series);
}

static int by_name(const void *a, const void *b)
{
    const struct metric_dimension *x = a, *y = b;
    return str_cmp(x->name, y->name);
}

/* The series of the leading `count` dimensions. */
static struct metric_series *open_leading(struct cloudwatch *cloudwatch,
                                          const struct metric_definition *definition, size_t count)
{
    struct metric_dimension dimensions[CW_MAX_DIMENSIONS];
    if (count)
        memcpy(dimensions, definition->dimensions, count * sizeof(*dimensions));
    qsort(dimensions, count, sizeof(*dimensions), by_name);
    return cw_series(cloudwatch, &(struct cw_identity){
                                     .space = str_from(definition->space),
                                     .name = str_from(definition->name),
                                     .unit = str_from(definition->unit),
                                     .dimensions = dimensions,
                                     .dimension_count = count,
                                 });
}

static uint64_t *new_steps(void)
{
    uint64_t *steps = calloc(CW_STEP_COUNT + 1, sizeof(*steps));
    if (!steps)
        abort();
    return steps;
}

struct metric_series *cw_open(void *self, const struct metric_definition *definition)
{
    struct cloudwatch *cloudwatch = self;
    struct metric_series *series =
        open_leading(cloudwatch, definition, definition->dimension_count);
    if (!series) {
        log_warn("cloudwatch", "there are %d metrics: no more are kept", CW_MAX_SERIES);
        return NULL;
    }
    struct metric_series *also[2];
    for (size_t i = 0; i < definition->also_count; i++)
        also[i] = open_leading(cloudwatch, definition, definition->also[i]);
    pthread_mutex_lock(&series->lock);
    series->is_exposed = true;
    if (!series->steps && str_eq(series->identity.unit, STR("Milliseconds")))
        series->steps = new_steps();
    series->also_count = 0;
    for (size_t i = 0; i < definition->also_count; i++) {
        if (also[i])
            series->also[series->also_count++] = also[i];
    }
    pthread_mutex_unlock(&series->lock);
    return series;
}

/* --- Writing them --- */

static struct point point_of(const struct cell *cell, struct arena *arena)
{
    struct point point = point_empty();
    size_t used = 0;
    for (int32_t i = 0; i < CELL_BUCKETS; i++)
        used += cell->buckets[i] != 0;
    point.buckets = arena_array(arena, struct point_bucket, used + 1);
    for (int32_t i = 0; i < CELL_BUCKETS; i++) {
        if (cell->buckets[i])
            point.buckets[point.bucket_count++] =
                (struct point_bucket){i ? CELL_FIRST + i - 1 : 0, cell->buckets[i]};
    }
    point.count = cell->count;
    point.sum = cell->sum;
    point.min = cell->min;
    point.max = cell->max;
    return point;
}

static struct cell *take_cells(struct metric_series *series)
{
    pthread_mutex_lock(&series->lock);
    struct cell *cells = series->cells;
    series->cells = NULL;
    series->is_dirty = false;
    pthread_mutex_unlock(&series->lock);
    return cells;
}

enum { RESOLUTION_MINUTE = 1 };

static enum err flush_cell(struct metric_series *series, const struct cell *cell,
                           struct store_txn *txn, struct error *error)
{
    struct arena arena = {0};
    struct point point = point_of(cell, &arena);
    int64_t time_s = cell->minute * 60;
    enum err rc = cw_merge(txn, series, RESOLUTION_MINUTE, time_s, &point, error);
    for (size_t i = 0; rc == OK && i < series->also_count; i++)
        rc = cw_merge(txn, series->also[i], RESOLUTION_MINUTE, time_s, &point, error);
    arena_release(&arena);
    return rc;
}

enum err cw_flush(struct cloudwatch *cloudwatch, struct store_txn *txn, struct error *error)
{
    pthread_mutex_lock(&cloudwatch->dirty_lock);
    struct metric_series *series = cloudwatch->dirty, *next_series;
    cloudwatch->dirty = NULL;
    pthread_mutex_unlock(&cloudwatch->dirty_lock);
    enum err rc = OK;
    for (; series; series = next_series) {
        next_series = series->next_dirty;
        struct cell *next;
        for (struct cell *cell = take_cells(series); cell; cell = next) {
            next = cell->next;
            if (rc == OK)
                rc = flush_cell(series, cell, txn, error);
            free(cell);
        }
    }
    return rc;
}

/* --- Loading --- */

static void load_one(struct cloudwatch *cloudwatch, uint64_t id, yyjson_val *document)
{
    struct metric_dimension dimensions[CW_MAX_DIMENSIONS];
    struct cw_identity identity = {
        .space = json_get_str(document, "Namespace"),
        .name = json_get_str(document, "MetricName"),
        .unit = json_get_str(document, "Unit"),
        .dimensions = dimensions,
    };
    yyjson_val *name, *value;
    size_t i, max;
    int64_t last_s = 0;
    yyjson_obj_foreach (json_get(document, "Dimensions"), i, max, name, value) {
        if (identity.dimension_count < CW_MAX_DIMENSIONS)
            dimensions[identity.dimension_count++] =
                (struct metric_dimension){json_str(name), json_str(value)};
    }
    json_get_i64(document, "Last", &last_s);
    cloudwatch->next_id = id;
    struct metric_series *series = cw_series(cloudwatch, &identity);
    if (!series)
        return;
    atomic_store(&series->is_stored, true);
    atomic_store(&series->last_s, last_s);
}

enum err cw_load(struct cloudwatch *cloudwatch, struct error *error)
{
    struct arena arena = {0};
    struct str prefix = STR("cw/s/"), key, value;
    struct store_iter *iter = store_iter_new(cloudwatch->skylite->store, STORE_METRICS, prefix,
                                             store_prefix_end(&arena, prefix), false);
    uint64_t greatest = 0;
    while (store_iter_next(iter, &key, &value)) {
        struct arena scratch = {0};
        uint64_t id = strtoull(arena_cstr(&scratch, str_slice(key, prefix.len, 16)), NULL, 16);
        load_one(cloudwatch, id, json_parse(&scratch, value));
        greatest = id > greatest ? id : greatest;
        arena_release(&scratch);
    }
    cloudwatch->next_id = greatest + 1;
    enum err rc = store_iter_error(iter, error);
    store_iter_free(iter);
    arena_release(&arena);
    return rc;
}

void cw_release_series(struct cloudwatch *cloudwatch)
{
    size_t cursor = 0;
    void *value;
    while (map_next(&cloudwatch->series, &cursor, NULL, &value)) {
        struct metric_series *series = value;
        struct cell *next;
        for (struct cell *cell = series->cells; cell; cell = next) {
            next = cell->next;
            free(cell);
        }
        pthread_mutex_destroy(&series->lock);
        free(series->steps);
        free(series);
    }
    map_release(&cloudwatch->series);
}
