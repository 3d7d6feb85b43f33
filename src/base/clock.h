/* The time, in one place so that tests can set it. Safe from any thread. */
#pragma once

#include <stdint.h>

#include "base/arena.h"

/* Milliseconds since 1970-01-01 UTC. */
int64_t clock_wall_ms(void);

/* Microseconds from an unspecified start, never going back. */
int64_t clock_mono_us(void);

/* For tests: from now on both clocks stand still at this wall time (the monotonic one at the same
 * number of microseconds). 0 brings the real clocks back. */
void clock_fake_ms(int64_t wall_ms);

/* "2026-01-31T23:59:59.123Z" (ISO 8601, UTC, milliseconds). */
struct str clock_iso8601_ms(struct arena *arena, int64_t wall_ms);

/* "2026-01-31T23:59:59Z". */
struct str clock_iso8601(struct arena *arena, int64_t wall_ms);

/* "20260131T235959Z", the form of X-Amz-Date. */
struct str clock_amz_date(struct arena *arena, int64_t wall_ms);

/* Parses the form of X-Amz-Date. False when it is not of that form. */
bool clock_parse_amz_date(struct str s, int64_t *out_wall_ms);
