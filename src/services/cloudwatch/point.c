/* Points and their sketches. */
#include "services/cloudwatch/point.h"

#include <math.h>

enum {
    LEAST_EXPONENT = -360,   /* what is nearer to zero counts as 2^-360 */
    GREATEST_EXPONENT = 360, /* PutMetricData takes nothing greater */
    POINT_VERSION = 2,
};

/* --- Buckets --- */

/* 1 and more for positive values, 0 for zero, mirrored for negative ones. */
int32_t point_bucket_of(double value)
{
    double size = fabs(value);
    if (size == 0)
        return 0;
    double place = log2(size);
    if (place < LEAST_EXPONENT)
        place = LEAST_EXPONENT;
    if (place > GREATEST_EXPONENT)
        place = GREATEST_EXPONENT;
    int32_t index = (int32_t)floor(place * POINT_BUCKETS_PER_DOUBLING) + POINT_BUCKET_OF_ONE;
    return value < 0 ? -index : index;
}

double point_bucket_value(int32_t index)
{
    if (index == 0)
        return 0;
    int32_t size = index < 0 ? -index : index;
    double middle = exp2((size - POINT_BUCKET_OF_ONE + 0.5) / POINT_BUCKETS_PER_DOUBLING);
    return index < 0 ? -middle : middle;
}

/* The place of the bucket in the list, or where it belongs. */
static size_t find_bucket(const struct point *point, int32_t index)
{
    size_t low = 0, high = point->bucket_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (point->buckets[middle].index < index)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void count_in_bucket(struct point *point, int32_t index, double count, struct arena *arena)
{
    size_t at = find_bucket(point, index), used = point->bucket_count;
    if (at < used && point->buckets[at].index == index) {
        point->buckets[at].count += count;
        return;
    }
    /* Grows when the number of buckets is 0, 8, 16, 32 and so on. */
    if (used == 0 || (used >= 8 && (used & (used - 1)) == 0)) {
        struct point_bucket *more = arena_array(arena, struct point_bucket, used ? 2 * used : 8);
        if (used)
            memcpy(more, point->buckets, used * sizeof(*more));
        point->buckets = more;
    }
    memmove(point->buckets + at + 1, point->buckets + at, (used - at) * sizeof(*point->buckets));
    point->buckets[at] = (struct point_bucket){index, count};
    point->bucket_count++;
}

/* --- Adding --- */

struct point point_empty(void)
{
    return (struct point){.min = INFINITY, .max = -INFINITY, .has_sketch = true};
}

static void count_values(struct point *point, double count, double sum, double min, double max)
{
    point->count += count;
    point->sum += sum;
    point->min = min < point->min ? min : point->min;
    point->max = max > point->max ? max : point->max;
}

void point_add(struct point *point, double value, double count, struct arena *arena)
{
    count_values(point, count, value * count, value, value);
    if (point->has_sketch)
        count_in_bucket(point, point_bucket_of(value), count, arena);
}

void point_add_set(struct point *point, const struct point *set)
{
    count_values(point, set->count, set->sum, set->min, set->max);
    point->has_sketch = false;
    point->bucket_count = 0;
}

void point_merge(struct point *point, const struct point *other, struct arena *arena)
{
    if (other->count <= 0)
        return;
    if (!other->has_sketch) {
        point_add_set(point, other);
        return;
    }
    count_values(point, other->count, other->sum, other->min, other->max);
    for (size_t i = 0; point->has_sketch && i < other->bucket_count; i++)
        count_in_bucket(point, other->buckets[i].index, other->buckets[i].count, arena);
}

/* --- Reading --- */

bool point_percentile(const struct point *point, double percent, double *out)
{
    double wanted = point->count * percent / 100, passed = 0;
    if (point->count <= 0 || (!point->has_sketch && point->min != point->max))
        return false;
    double value = point->max;
    for (size_t i = 0; i < point->bucket_count; i++) {
        passed += point->buckets[i].count;
        if (passed >= wanted) {
            value = point_bucket_value(point->buckets[i].index);
            break;
        }
    }
    if (percent <= 0)
        value = point->min;
    if (percent >= 100)
        value = point->max;
    value = value < point->min ? point->min : value;
    *out = value > point->max ? point->max : value;
    return true;
}

/* --- Stored form --- */

struct stored_point {
    uint32_t version;
    uint32_t bucket_count; /* UINT32_MAX: there is no sketch */
    double count, sum, min, max;
};

struct stored_bucket {
    int32_t index;
    float count_rest; /* of counts that are not whole */
    uint64_t count;
};

void point_write(const struct point *point, struct buf *out)
{
    struct stored_point head = {
        .version = POINT_VERSION,
        .bucket_count = point->has_sketch ? (uint32_t)point->bucket_count : UINT32_MAX,
        .count = point->count,
        .sum = point->sum,
        .min = point->min,
        .max = point->max,
    };
    buf_add(out, str_make((const char *)&head, sizeof(head)));
    for (size_t i = 0; point->has_sketch && i < point->bucket_count; i++) {
        double whole = floor(point->buckets[i].count);
        struct stored_bucket bucket = {
            .index = point->buckets[i].index,
            .count_rest = (float)(point->buckets[i].count - whole),
            .count = (uint64_t)whole,
        };
        buf_add(out, str_make((const char *)&bucket, sizeof(bucket)));
    }
}

bool point_read(struct str bytes, struct point *out, struct arena *arena)
{
    struct stored_point head;
    if (bytes.len < sizeof(head))
        return false;
    memcpy(&head, bytes.ptr, sizeof(head));
    bool has_sketch = head.bucket_count != UINT32_MAX;
    size_t count = has_sketch ? head.bucket_count : 0;
    if (head.version != POINT_VERSION || count > POINT_MAX_BUCKETS ||
        bytes.len != sizeof(head) + count * sizeof(struct stored_bucket))
        return false;
    struct point point = {head.count, head.sum, head.min, head.max, NULL, 0, has_sketch};
    for (size_t i = 0; i < count; i++) {
        struct stored_bucket bucket;
        memcpy(&bucket, bytes.ptr + sizeof(head) + i * sizeof(bucket), sizeof(bucket));
        count_in_bucket(&point, bucket.index, (double)bucket.count + (double)bucket.count_rest,
                        arena);
    }
    *out = point;
    return true;
}
