/* Clocks and the forms in which times are written. */
#include "base/clock.h"

#include <stdatomic.h>
#include <time.h>

static _Atomic int64_t fake_ms;

int64_t clock_wall_ms(void)
{
    int64_t fake = atomic_load_explicit(&fake_ms, memory_order_relaxed);
    if (fake)
        return fake;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_mono_us(void)
{
    int64_t fake = atomic_load_explicit(&fake_ms, memory_order_relaxed);
    if (fake)
        return fake * 1000;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void clock_fake_ms(int64_t wall_ms)
{
    atomic_store(&fake_ms, wall_ms);
}

static struct tm utc_time(int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    utc.tm_year += 1900;
    utc.tm_mon += 1;
    return utc;
}

struct str clock_iso8601_ms(struct arena *arena, int64_t wall_ms)
{
    struct tm t = utc_time(wall_ms);
    return arena_printf(arena, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", t.tm_year, t.tm_mon,
                        t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, (int)(wall_ms % 1000));
}

struct str clock_iso8601(struct arena *arena, int64_t wall_ms)
{
    struct tm t = utc_time(wall_ms);
    return arena_printf(arena, "%04d-%02d-%02dT%02d:%02d:%02dZ", t.tm_year, t.tm_mon, t.tm_mday,
                        t.tm_hour, t.tm_min, t.tm_sec);
}

/* Writes `value` in `digits` decimal digits. */
static void put(char *to, int digits, int value)
{
    while (digits--) {
        to[digits] = (char)('0' + value % 10);
        value /= 10;
    }
}

struct str clock_amz_date(struct arena *arena, int64_t wall_ms)
{
    struct tm t = utc_time(wall_ms);
    char *text = arena_cstr(arena, STR("00000000T000000Z"));
    put(text, 4, t.tm_year);
    put(text + 4, 2, t.tm_mon);
    put(text + 6, 2, t.tm_mday);
    put(text + 9, 2, t.tm_hour);
    put(text + 11, 2, t.tm_min);
    put(text + 13, 2, t.tm_sec);
    return str_make(text, 16);
}

static bool number(struct str s, size_t from, size_t len, int *out)
{
    uint64_t value;
    if (!str_to_u64(str_slice(s, from, len), &value))
        return false;
    *out = (int)value;
    return true;
}

bool clock_parse_amz_date(struct str s, int64_t *out_wall_ms)
{
    struct tm utc = {0};
    if (s.len != 16 || s.ptr[8] != 'T' || s.ptr[15] != 'Z')
        return false;
    if (!number(s, 0, 4, &utc.tm_year) || !number(s, 4, 2, &utc.tm_mon) ||
        !number(s, 6, 2, &utc.tm_mday) || !number(s, 9, 2, &utc.tm_hour) ||
        !number(s, 11, 2, &utc.tm_min) || !number(s, 13, 2, &utc.tm_sec))
        return false;
    utc.tm_year -= 1900;
    utc.tm_mon -= 1;
    *out_wall_ms = (int64_t)timegm(&utc) * 1000;
    return true;
}
