/* Series: what metrics there are, and the values that services add to them. */
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "services/cloudwatch/internal.h"

enum { CACHE_LINE = 64 };

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

/* aligned_alloc wants whole lines. */
static size_t round_up(size_t size)
{
    return (size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
}

/* Under the writer's lock. */
static struct metric_series *make_series(struct cloudwatch *cloudwatch,
                                         const struct cw_identity *from, struct str key)
{
    size_t dimension_bytes = from->dimension_count * sizeof(struct metric_dimension);
    size_t size = sizeof(struct metric_series) + dimension_bytes + key.len;
    struct metric_series *series = aligned_alloc(CACHE_LINE, round_up(size));
    if (!series)
        abort();
    *series = (struct metric_series){0};
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

struct cw_past {
    struct cw_cell cell;
    struct cw_past *next;
};

/* The first place is that of what is less than zero, the others are those of buckets from
 * CELL_FIRST on. */
static void count_in_bucket(struct cw_cell *cell, double value)
{
    if (!cell->buckets)
        cell->buckets = calloc(CELL_BUCKETS, sizeof(*cell->buckets));
    if (!cell->buckets)
        abort();
    int32_t place = point_bucket_of(value) - CELL_FIRST + 1;
    if (value > 0 && place < 1)
        place = 1;
    cell->buckets[place < 0 ? 0 : place < CELL_BUCKETS ? place : CELL_BUCKETS - 1]++;
}

static void count_step(struct metric_series *series, double value, uint64_t count)
{
    static const double steps[CW_STEP_COUNT] = CW_STEPS;
    size_t step = 0;
    while (step < CW_STEP_COUNT && value > steps[step])
        step++;
    if (series->steps)
        series->steps[step] += count;
}

static void count_other(struct metric_series *series, double value)
{
    struct cw_cell *cell = &series->cell;
    cell->min = !cell->others || value < cell->min ? value : cell->min;
    cell->max = !cell->others || value > cell->max ? value : cell->max;
    cell->sum += value;
    cell->others++;
    count_in_bucket(cell, value);
    count_step(series, value, 1);
}

static double count_of(const struct cw_cell *cell)
{
    return (double)cell->zeros + cell->ones + cell->others;
}

void cw_settle(struct metric_series *series)
{
    struct cw_cell *cell = &series->cell;
    if (count_of(cell) > 0) {
        struct cw_past *past = malloc(sizeof(*past));
        if (!past)
            abort();
        *past = (struct cw_past){*cell, series->past};
        series->past = past;
        series->total_count += count_of(cell);
        series->total_sum += cell->sum + cell->ones;
        count_step(series, 0, cell->zeros);
        count_step(series, 1, cell->ones);
    }
    *cell = (struct cw_cell){.minute = cell->minute};
}

static void mark_dirty(struct metric_series *series)
{
    struct cloudwatch *cloudwatch = series->cloudwatch;
    pthread_mutex_lock(&cloudwatch->dirty_lock);
    series->next_dirty = cloudwatch->dirty;
    cloudwatch->dirty = series;
    pthread_mutex_unlock(&cloudwatch->dirty_lock);
}

void cw_add(struct metric_series *series, double value)
{
    int64_t now = atomic_load_explicit(&series->cloudwatch->minute, memory_order_relaxed);
    struct cw_cell *cell = &series->cell;
    pthread_mutex_lock(&series->lock);
    if (cell->minute != now) {
        cw_settle(series);
        cell->minute = (int32_t)now;
    }
    bool is_first = !cell->zeros && !cell->ones && !cell->others && !series->past;
    if (value == 0)
        cell->zeros++;
    else if (value == 1)
        cell->ones++;
    else
        count_other(series, value);
    pthread_mutex_unlock(&series->lock);
    if (is_first)
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

static void add_bucket(struct point *point, int32_t index, uint32_t count)
{
    if (count)
        point->buckets[point->bucket_count++] = (struct point_bucket){index, count};
}

/* How many values a place of a cell's array has, those of `ones` among them. */
static uint32_t count_at(const struct cw_cell *cell, int32_t place)
{
    uint32_t count = cell->buckets ? cell->buckets[place] : 0;
    return count + (place == POINT_BUCKET_OF_ONE - CELL_FIRST + 1 ? cell->ones : 0);
}

static struct point point_of(const struct cw_cell *cell, struct arena *arena)
{
    struct point point = point_empty();
    size_t used = 0;
    for (int32_t i = 1; i < CELL_BUCKETS; i++)
        used += count_at(cell, i) != 0;
    point.buckets = arena_array(arena, struct point_bucket, used + 1);
    add_bucket(&point, 0, cell->zeros + count_at(cell, 0));
    for (int32_t i = 1; i < CELL_BUCKETS; i++)
        add_bucket(&point, CELL_FIRST + i - 1, count_at(cell, i));
    point.count = count_of(cell);
    point.sum = cell->sum + cell->ones;
    point.min = cell->others ? cell->min : INFINITY;
    point.max = cell->others ? cell->max : -INFINITY;
    if (cell->zeros) {
        point.min = fmin(point.min, 0);
        point.max = fmax(point.max, 0);
    }
    if (cell->ones) {
        point.min = fmin(point.min, 1);
        point.max = fmax(point.max, 1);
    }
    return point;
}

/* What is not written yet, newest minute first. */
static struct cw_past *take_cells(struct metric_series *series)
{
    pthread_mutex_lock(&series->lock);
    cw_settle(series);
    struct cw_past *cells = series->past;
    series->past = NULL;
    pthread_mutex_unlock(&series->lock);
    return cells;
}

static void free_past(struct cw_past *past)
{
    free(past->cell.buckets);
    free(past);
}

enum { RESOLUTION_MINUTE = 1 };

static enum err flush_cell(struct metric_series *series, const struct cw_cell *cell,
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

static void take_dirty(struct cloudwatch *cloudwatch)
{
    pthread_mutex_lock(&cloudwatch->dirty_lock);
    cloudwatch->flushing = cloudwatch->dirty;
    cloudwatch->dirty = NULL;
    pthread_mutex_unlock(&cloudwatch->dirty_lock);
}

enum err cw_flush(struct cloudwatch *cloudwatch, struct store_txn *txn, bool *out_has_more,
                  struct error *error)
{
    enum err rc = OK;
    if (!cloudwatch->flushing)
        take_dirty(cloudwatch);
    while (rc == OK && cloudwatch->flushing && !store_txn_is_full(txn)) {
        struct metric_series *series = cloudwatch->flushing;
        struct cw_past *next;
        cloudwatch->flushing = series->next_dirty;
        for (struct cw_past *past = take_cells(series); past; past = next) {
            next = past->next;
            if (rc == OK)
                rc = flush_cell(series, &past->cell, txn, error);
            free_past(past);
        }
    }
    *out_has_more = cloudwatch->flushing;
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
        struct cw_past *next;
        for (struct cw_past *past = take_cells(series); past; past = next) {
            next = past->next;
            free_past(past);
        }
        pthread_mutex_destroy(&series->lock);
        free(series->steps);
        free(series);
    }
    map_release(&cloudwatch->series);
}
