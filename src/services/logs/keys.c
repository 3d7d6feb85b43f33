/* Keys of the log store: kind, group, and what orders within it; numbers big-endian. */
#include <stdio.h>

#include "services/logs/internal.h"

uint64_t logs_read_u64(struct str bytes, size_t at)
{
    uint64_t value = 0;
    for (size_t i = 0; i < 8; i++)
        value = value << 8 | (unsigned char)bytes.ptr[at + i];
    return value;
}

void logs_write_u64(char *to, uint64_t value)
{
    for (int i = 7; i >= 0; i--) {
        to[i] = (char)(value & 0xff);
        value >>= 8;
    }
}

/* 'kind', then `count` numbers, then `tail`. */
static struct str make(struct arena *arena, char kind, const uint64_t *numbers, size_t count,
                       struct str tail)
{
    size_t len = 1 + count * 8 + tail.len;
    char *key = arena_alloc(arena, len);
    key[0] = kind;
    for (size_t i = 0; i < count; i++)
        logs_write_u64(key + 1 + i * 8, numbers[i]);
    if (tail.len)
        memcpy(key + 1 + count * 8, tail.ptr, tail.len);
    return str_make(key, len);
}

struct str logs_key_next_id(void)
{
    return STR("n");
}

struct str logs_key_group(struct arena *arena, struct str name)
{
    return make(arena, 'g', NULL, 0, name);
}

struct str logs_key_stream(struct arena *arena, uint64_t group, struct str name)
{
    return make(arena, 's', &group, 1, name);
}

struct str logs_key_stream_name(struct arena *arena, uint64_t group, uint64_t stream)
{
    return make(arena, 'i', (const uint64_t[]){group, stream}, 2, STR_EMPTY);
}

struct str logs_key_event(struct arena *arena, uint64_t group, struct position position)
{
    uint64_t numbers[] = {group, (uint64_t)position.time_ms, position.sequence};
    return make(arena, 'e', numbers, 3, STR_EMPTY);
}

struct str logs_key_deleted(struct arena *arena, uint64_t group)
{
    return make(arena, 'x', &group, 1, STR_EMPTY);
}

struct str logs_key_deleted_stream(struct arena *arena, uint64_t group, uint64_t stream)
{
    return make(arena, 'd', (const uint64_t[]){group, stream}, 2, STR_EMPTY);
}

struct str logs_key_prefix(struct arena *arena, char kind, uint64_t group)
{
    return make(arena, kind, &group, 1, STR_EMPTY);
}

struct position logs_position_of_key(struct str event_key)
{
    return (struct position){(int64_t)logs_read_u64(event_key, 9), logs_read_u64(event_key, 17)};
}

uint64_t logs_group_of_key(struct str key)
{
    return logs_read_u64(key, 1);
}

struct str logs_position_text(struct arena *arena, struct position position)
{
    return arena_printf(arena, "%020llu%036llu", (unsigned long long)position.time_ms,
                        (unsigned long long)position.sequence);
}

bool logs_position_parse(struct str text, struct position *out)
{
    uint64_t time_ms;
    if (text.len != 56 || !str_to_u64(str_slice(text, 0, 20), &time_ms) || time_ms > INT64_MAX ||
        !str_to_u64(str_slice(text, 20, 36), &out->sequence))
        return false;
    out->time_ms = (int64_t)time_ms;
    return true;
}
