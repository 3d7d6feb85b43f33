/* Token buckets, quota periods and counters. */
#include "services/apigateway/plane/throttle.h"

#include <math.h>
#include <stdatomic.h>

enum { TICKS_PER_US = 1024 };

static const int64_t max_span = INT64_C(1) << 61;

struct throttle throttle_make(double rate, int64_t burst)
{
    if (burst <= 0 || !(rate >= 0))
        return (struct throttle){.interval = 1, .span = 0};
    int64_t longest = max_span / burst;
    double ticks = rate > 0 ? round(TICKS_PER_US * 1e6 / rate) : (double)max_span;
    int64_t interval = ticks >= (double)longest ? longest : ticks < 1 ? 1 : (int64_t)ticks;
    return (struct throttle){.interval = interval, .span = interval * burst};
}

bool bucket_take(struct bucket *bucket, const struct throttle *throttle, int64_t now_us)
{
    int64_t now = now_us * TICKS_PER_US;
    int64_t old = atomic_load_explicit(&bucket->full_at, memory_order_relaxed);
    int64_t next;
    do {
        if (old - now > throttle->span) {
            /* Emptied under a slower rate that was changed since: empty, but no more than that. */
            atomic_compare_exchange_strong(&bucket->full_at, &old, now + throttle->span);
            return false;
        }
        next = (old > now ? old : now) + throttle->interval;
        if (next - now > throttle->span)
            return false;
    } while (!atomic_compare_exchange_weak(&bucket->full_at, &old, next));
    return true;
}

/* --- Periods --- */

static const int64_t day_ms = INT64_C(24) * 60 * 60 * 1000;

uint32_t day_of_ms(int64_t wall_ms)
{
    return wall_ms > 0 ? (uint32_t)(wall_ms / day_ms) : 0;
}

/* Days since 1970-01-01 of a civil date and back, by eras of 400 years from March
 * (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms"). */
static int64_t days_from_date(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    unsigned year_of_era = (unsigned)(year - era * 400);
    unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + (int64_t)day_of_era - 719468;
}

void day_to_date(uint32_t day, int *out_year, unsigned *out_month, unsigned *out_day)
{
    uint64_t z = (uint64_t)day + 719468;
    uint64_t era = z / 146097;
    unsigned day_of_era = (unsigned)(z - era * 146097);
    unsigned year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned month = (5 * day_of_year + 2) / 153;
    *out_day = day_of_year - (153 * month + 2) / 5 + 1;
    *out_month = month < 10 ? month + 3 : month - 9;
    *out_year = (int)(year_of_era + era * 400) + (*out_month <= 2);
}

bool day_parse(struct str date, uint32_t *out_day)
{
    uint64_t year, month, day;
    if (date.len != 10 || date.ptr[4] != '-' || date.ptr[7] != '-' ||
        !str_to_u64(str_slice(date, 0, 4), &year) || !str_to_u64(str_slice(date, 5, 2), &month) ||
        !str_to_u64(str_slice(date, 8, 2), &day) || year < 1970 || month < 1 || month > 12 ||
        day < 1 || day > 31)
        return false;
    uint32_t days = (uint32_t)days_from_date((int64_t)year, (unsigned)month, (unsigned)day);
    int same_year;
    unsigned same_month, same_day;
    day_to_date(days, &same_year, &same_month, &same_day);
    if (same_month != month || same_day != day)
        return false;
    *out_day = days;
    return true;
}

static uint32_t month_start(uint32_t day, uint32_t offset)
{
    int year;
    unsigned month, day_of_month;
    day_to_date(day, &year, &month, &day_of_month);
    if (day_of_month - 1 < offset) {
        year -= month == 1;
        month = month == 1 ? 12 : month - 1;
    }
    return (uint32_t)days_from_date(year, month, 1 + offset);
}

uint32_t quota_start(const struct quota *quota, uint32_t day)
{
    /* 1970-01-01 was a Thursday, four days after a Sunday. */
    switch (quota->period) {
    case QUOTA_NONE:
    case QUOTA_DAY:
        return day;
    case QUOTA_WEEK:
        return day - (day + 4 + 7 - quota->offset % 7) % 7;
    case QUOTA_MONTH:
        return month_start(day, quota->offset);
    }
    return day;
}

/* --- Counters --- */

uint32_t counter_get(const struct counter *counter, uint32_t period)
{
    uint64_t state = atomic_load_explicit(&counter->state, memory_order_relaxed);
    return counter_period(state) >= period ? counter_count(state) : 0;
}

bool counter_take(struct counter *counter, uint32_t period, uint32_t limit, uint64_t *out_before)
{
    uint64_t old = atomic_load_explicit(&counter->state, memory_order_relaxed);
    uint64_t next;
    do {
        uint32_t current = counter_period(old) > period ? counter_period(old) : period;
        uint32_t count = counter_period(old) == current ? counter_count(old) : 0;
        if (count >= limit)
            return false;
        next = counter_state(current, count + 1);
    } while (!atomic_compare_exchange_weak(&counter->state, &old, next));
    if (out_before)
        *out_before = old;
    return true;
}
