/* What is known of the values of one metric in one stretch of time: count, sum, least, greatest,
 * and a sketch of how they are spread. Points can be merged, so a longer stretch's is made of
 * shorter ones'.
 *
 * The sketch counts values in buckets whose bounds grow by 2^(1/32): a percentile read from it is
 * within 1.1% of the exact value, whatever PutMetricData takes (2^-360 to 2^360). Zero and negative
 * values have buckets of their own. A point made of statistic sets has no sketch, as on AWS. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

enum {
    POINT_BUCKETS_PER_DOUBLING = 32,
    POINT_BUCKET_OF_ONE = 360 * POINT_BUCKETS_PER_DOUBLING + 1, /* the one that 1 is in */
    POINT_MAX_BUCKETS = 2 * 2 * POINT_BUCKET_OF_ONE + 1,
};

struct point_bucket {
    int32_t index;
    double count;
};

struct point {
    double count, sum, min, max;
    struct point_bucket *buckets; /* by index, ascending */
    size_t bucket_count;
    bool has_sketch;
};

/* The bucket of a value, and the value that stands for a bucket. */
int32_t point_bucket_of(double value);
double point_bucket_value(int32_t index);

/* A point without values. */
struct point point_empty(void);

/* Adds a value `count` times. The buckets are made in `arena`. */
void point_add(struct point *point, double value, double count, struct arena *arena);

/* Adds a statistic set. */
void point_add_set(struct point *point, const struct point *set);

void point_merge(struct point *point, const struct point *other, struct arena *arena);

/* The value below which `percent` of the values are, interpolated within the sketch and never
 * outside of least and greatest. False without values or sketch. */
bool point_percentile(const struct point *point, double percent, double *out);

/* To bytes and back; false for what is no point. The buckets are made in `arena`. */
void point_write(const struct point *point, struct buf *out);
bool point_read(struct str bytes, struct point *out, struct arena *arena);
