/* What the service's files share: series in memory, their points in the store.
 *
 * STORE_METRICS has a series' identity under "cw/s/ID" and its points under "cw/p/ID/R/TIME", where
 * R is the resolution's letter and TIME the start in seconds, both numbers in hexadecimal. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "core/request.h"
#include "services/cloudwatch/cloudwatch.h"
#include "services/cloudwatch/point.h"

enum {
    CW_MAX_DIMENSIONS = 30,
    CW_MAX_SERIES = 100000,
    CW_UNITS = 27,
    CW_FLUSH_EVERY_MS = 10 * 1000,
    CW_NOTED_EVERY_S = 600,           /* how often the time of the last value is stored */
    CW_LISTED_FOR_S = 14 * 24 * 3600, /* after its last value a metric is listed for two weeks */
};

/* What a metric is known by; dimensions are sorted by name. */
struct cw_identity {
    struct str space, name, unit;
    struct metric_dimension *dimensions;
    size_t dimension_count;
};

/* One minute's values. Most are 0 or 1, which are just counted. */
struct cw_cell {
    int32_t minute;
    uint32_t zeros, ones;
    uint32_t others; /* how many; what follows is of these */
    double sum, min, max;
    uint32_t *buckets; /* of the sketch; made for the first one */
};

/* A minute that is over, until it is written. */
struct cw_past;

/* Where the buckets of Prometheus's histograms end, in milliseconds. */
#define CW_STEPS                                                                                   \
    {                                                                                              \
        0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000       \
    }
enum { CW_STEP_COUNT = 17 };

/* In one piece of memory with its dimensions and its key, since there may be many. What a 0
 * or 1 touches is its first cache line: a gateway of a thousand methods has five thousand series.
 */
struct metric_series {
    pthread_mutex_t lock; /* over the members up to `past` */
    struct cloudwatch *cloudwatch;
    struct cw_cell cell;           /* of the current minute */
    double total_sum, total_count; /* since the start, without those in `cell` */
    uint64_t *steps;      /* of times, how many of these fell into each step, or beyond; or NULL */
    struct cw_past *past; /* cells to be written, newest first */
    struct metric_series *next_dirty; /* the list has a lock of its own */

    uint64_t id;
    struct str key;                /* of the identity, as in the map */
    struct cw_identity identity;   /* its texts are those in the key */
    struct metric_series *also[2]; /* values count there as well, when they are written */
    size_t also_count;
    bool is_exposed;       /* opened by a service */
    atomic_bool is_stored; /* its identity is */
    atomic_llong last_s;   /* when it last had a value */
};

struct cloudwatch {
    struct skylite *skylite;
    struct service service;
    int64_t started_ms;
    atomic_llong minute; /* now, in minutes since 1970: asked for with every value */

    pthread_rwlock_t lock; /* over the map */
    struct map series;     /* by key */
    uint64_t next_id;

    pthread_mutex_t dirty_lock;
    struct metric_series *dirty;
    struct metric_series *flushing; /* the writer's own: those that cw_flush has taken */

    struct request_counts *requests; /* by place in the registry of services */

    struct loop_task start_timer;
    struct loop_timer *clock, *flush;
    struct store_write write;
    bool is_writing;
    uint64_t sweep_id; /* where the sweep goes on; the writer thread's */
};

/* --- Series (series.c) --- */

/* Text that is the same for the same identity. In `arena`. */
struct str cw_key(struct arena *arena, const struct cw_identity *identity);

/* The series, made when it is not there yet; NULL when there are too many. Any thread. */
struct metric_series *cw_series(struct cloudwatch *cloudwatch, const struct cw_identity *identity);

/* The series of an identity in any unit, or (unless `identity->unit` is empty) in that one; returns
 * how many there are. */
size_t cw_find(struct cloudwatch *cloudwatch, const struct cw_identity *identity,
               struct metric_series *out[CW_UNITS]);

/* Calls visit for each series, under the reader's lock. */
void cw_each(struct cloudwatch *cloudwatch, void (*visit)(struct metric_series *series, void *arg),
             void *arg);

enum err cw_load(struct cloudwatch *cloudwatch, struct error *error);
void cw_release_series(struct cloudwatch *cloudwatch);

/* The functions of struct metric_capability. */
struct metric_series *cw_open(void *self, const struct metric_definition *definition);
void cw_add(struct metric_series *series, double value);

/* Adds what is in `cell` to the totals, and sets the cell aside to be written. Under the series'
 * lock. */
void cw_settle(struct metric_series *series);
struct str cw_expose(void *self, struct arena *arena);
void cw_count_request(void *self, const struct service *service, const struct operation *operation,
                      int status);

/* --- Requests (requests.c) --- */

void cw_requests_init(struct cloudwatch *cloudwatch);
void cw_requests_release(struct cloudwatch *cloudwatch);

/* Adds what was counted in the text format of Prometheus. */
void cw_requests_expose(const struct cloudwatch *cloudwatch, struct buf *out);

/* --- Points (points.c) --- */

/* A resolution and how long points of it are kept, before they are merged into the next one's. */
struct cw_resolution {
    char letter;
    int64_t seconds;
    int64_t kept_s;
};
extern const struct cw_resolution cw_resolutions[];
extern const size_t cw_resolution_count;

/* Merges a point into the stored one. On the writer thread. */
enum err cw_merge(struct store_txn *txn, struct metric_series *series, int resolution,
                  int64_t time_s, const struct point *point, struct error *error);

/* Writes what the services have added so far, or a part of it. On the writer thread. */
enum err cw_flush(struct cloudwatch *cloudwatch, struct store_txn *txn, bool *out_has_more,
                  struct error *error);

/* Merges some of the points that are too old for their resolution into longer ones, or deletes
 * them; called again and again it comes by all. On the writer thread. */
enum err cw_sweep(struct cloudwatch *cloudwatch, struct store_txn *txn, int64_t now_s,
                  struct error *error);

/* Points of a series in [start_s, end_s), merged by periods that begin at start_s. `out` has
 * `count` places, which are empty points where there is nothing. */
enum err cw_read(struct cloudwatch *cloudwatch, const struct metric_series *series, int64_t start_s,
                 int64_t period_s, size_t count, struct point *out, struct arena *arena,
                 struct error *error);

typedef enum err (*cw_read_fn)(struct request *request, void *state);

/* Has everything that was added written, then calls read(request, state) on a thread of the pool,
 * since it may read much, and finishes the request on its loop; for operations that read. Returns
 * ERR_PENDING. */
enum err cw_after_flush(struct request *request, cw_read_fn read, void *state);

/* --- Statistics (statistics.c) --- */

/* Whether the name is one of CloudWatch's ("Average", "p99.9"). */
bool cw_is_statistic(struct str name);

/* The statistic of a point; false when the point has none. */
bool cw_statistic(const struct point *point, struct str name, double *out);

/* Reads and checks "Period"; `path` goes before its name in messages. */
enum err cw_read_period(struct request *request, const yyjson_val *input, const char *path,
                        int64_t *out_s);

/* Reads "StartTime" and "EndTime"; `order_error` when they are not in this order. */
enum err cw_read_times(struct request *request, enum err order_error, int64_t *out_start_s,
                       int64_t *out_end_s);

/* Where periods begin: the time, rounded down as its age demands. */
int64_t cw_rounded_start(int64_t start_s, int64_t period_s);

/* --- Input (input.c) --- */

enum err cw_missing(struct request *request, const char *parameter);
enum err cw_invalid(struct request *request, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A time as the protocols give it: seconds as a number, or ISO 8601 text. False also for what is
 * thousands of years away. */
bool cw_time(yyjson_val *value, int64_t *out_s);
/* Fills the identity but its unit from Namespace, MetricName and Dimensions; checked. `path` goes
 * before names in messages. */
enum err cw_read_identity(struct request *request, struct str space, const yyjson_val *metric,
                          const char *path, struct cw_identity *out);
extern const char *const cw_units[CW_UNITS];
bool cw_is_unit(struct str unit);

/* --- Operations --- */

enum err cw_put_metric_data(struct request *request);
enum err cw_list_metrics(struct request *request);
enum err cw_get_metric_statistics(struct request *request);
enum err cw_get_metric_data(struct request *request);
