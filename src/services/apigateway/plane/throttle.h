/* How many requests may pass: token buckets and counters per period. All of it is lock-free, exact
 * when many threads take at once, and may be shared between threads. Zeroed structs are a full
 * bucket and an empty counter. */
#pragma once

#include "base/str.h"

/* The rate of a bucket, in ticks (1/1024 us) so that a take is one addition. */
struct throttle {
    int64_t interval; /* ticks that one token takes to come back */
    int64_t span;     /* ticks that an empty bucket takes to fill */
};

/* `burst` tokens at most, coming back at `rate` per second. A burst of 0 lets nothing pass. */
struct throttle throttle_make(double rate, int64_t burst);

struct bucket {
    /* The tick at which it will be full again; a full bucket's is in the past. This is the token
     * count and its time in one number (the virtual scheduling algorithm of ITU-T I.371), so that
     * one compare-and-swap changes both. */
    _Atomic int64_t full_at;
};

/* Takes a token as of `now_us` (clock_mono_us). False when there is none. */
bool bucket_take(struct bucket *bucket, const struct throttle *throttle, int64_t now_us);

enum quota_period { QUOTA_NONE, QUOTA_DAY, QUOTA_WEEK, QUOTA_MONTH };

struct quota {
    enum quota_period period;
    uint32_t limit;
    uint32_t offset; /* days after Sunday, or after the first of the month, that a period starts */
};

/* Days since 1970-01-01 UTC. */
uint32_t day_of_ms(int64_t wall_ms);

/* The first day of the quota's period that `day` is in. */
uint32_t quota_start(const struct quota *quota, uint32_t day);

/* The civil date of a day, for keys and reports. */
void day_to_date(uint32_t day, int *out_year, unsigned *out_month, unsigned *out_day);

/* The reverse, for dates "YYYY-MM-DD". False when it is not one. */
bool day_parse(struct str date, uint32_t *out_day);

/* A count that starts over when its period changes. */
struct counter {
    _Atomic uint64_t state; /* period in the upper half, count in the lower */
};

static inline uint64_t counter_state(uint32_t period, uint32_t count)
{
    return (uint64_t)period << 32 | count;
}

static inline uint32_t counter_period(uint64_t state)
{
    return (uint32_t)(state >> 32);
}

static inline uint32_t counter_count(uint64_t state)
{
    return (uint32_t)state;
}

/* The count in `period`; 0 when it has counted another one. */
uint32_t counter_get(const struct counter *counter, uint32_t period);

/* Counts one more in `period` unless there are `limit` already; then it returns false. A period
 * before the one being counted (the clock was set back) counts for the later one. `out_before` (or
 * NULL) is the state that it had. */
bool counter_take(struct counter *counter, uint32_t period, uint32_t limit, uint64_t *out_before);
