/* Open addressing with linear probing; keys are hashed with SipHash-1-3 (Aumasson and Bernstein,
 * 2012) under a random seed, since they come from clients. */
#include "base/map.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

struct map_entry {
    uint64_t hash;
    char *key; /* NULL: free, or deleted when `hash` is 1 */
    size_t key_len;
    void *value;
};

static uint64_t seed[2];
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void make_seed(void)
{
    if (getrandom(seed, sizeof(seed), 0) != sizeof(seed))
        abort();
}

static uint64_t rotate(uint64_t x, unsigned bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
}

uint64_t map_hash(struct str key)
{
    pthread_once(&seed_once, make_seed);
    uint64_t v[4] = {seed[0] ^ 0x736f6d6570736575u, seed[1] ^ 0x646f72616e646f6du,
                     seed[0] ^ 0x6c7967656e657261u, seed[1] ^ 0x7465646279746573u};
    size_t i = 0;
    for (; i + 8 <= key.len; i += 8) {
        uint64_t word;
        memcpy(&word, key.ptr + i, 8);
        sip_word(v, word);
    }
    uint64_t last = (uint64_t)key.len << 56;
    if (key.len > i)
        memcpy(&last, key.ptr + i, key.len - i);
    sip_word(v, last);
    v[2] ^= 0xff;
    for (int round = 0; round < 3; round++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void map_init(struct map *map)
{
    *map = (struct map){0};
}

void map_release(struct map *map)
{
    for (size_t i = 0; i < map->capacity; i++)
        free(map->entries[i].key);
    free(map->entries);
    map_init(map);
}

static bool is_free(const struct map_entry *entry)
{
    return !entry->key && entry->hash == 0;
}

static struct map_entry *find(const struct map *map, struct str key, uint64_t hash)
{
    if (map->capacity == 0)
        return NULL;
    for (size_t i = hash & (map->capacity - 1);; i = (i + 1) & (map->capacity - 1)) {
        struct map_entry *entry = &map->entries[i];
        if (is_free(entry))
            return NULL;
        if (entry->key && entry->hash == hash && str_eq(str_make(entry->key, entry->key_len), key))
            return entry;
    }
}

static struct map_entry *first_open(struct map_entry *entries, size_t capacity, uint64_t hash)
{
    size_t i = hash & (capacity - 1);
    while (entries[i].key)
        i = (i + 1) & (capacity - 1);
    return &entries[i];
}

static void rehash(struct map *map)
{
    size_t capacity = map->count * 4 < 16 ? 16 : map->capacity;
    while (map->count * 2 >= capacity)
        capacity *= 2;
    struct map_entry *entries = calloc(capacity, sizeof(*entries));
    if (!entries)
        abort();
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->entries[i].key)
            *first_open(entries, capacity, map->entries[i].hash) = map->entries[i];
    }
    free(map->entries);
    map->entries = entries;
    map->capacity = capacity;
    map->used = map->count;
}

void *map_get(const struct map *map, struct str key)
{
    struct map_entry *entry = find(map, key, map_hash(key));
    return entry ? entry->value : NULL;
}

void *map_set(struct map *map, struct str key, void *value)
{
    uint64_t hash = map_hash(key);
    struct map_entry *entry = find(map, key, hash);
    if (entry) {
        void *old = entry->value;
        entry->value = value;
        return old;
    }

    if ((map->used + 1) * 4 > map->capacity * 3)
        rehash(map);
    char *copy = malloc(key.len + 1);
    if (!copy)
        abort();
    memcpy(copy, key.ptr, key.len);
    copy[key.len] = '\0';
    entry = first_open(map->entries, map->capacity, hash);
    map->used += is_free(entry);
    map->count++;
    *entry = (struct map_entry){hash, copy, key.len, value};
    return NULL;
}

void *map_remove(struct map *map, struct str key)
{
    struct map_entry *entry = find(map, key, map_hash(key));
    if (!entry)
        return NULL;
    void *value = entry->value;
    free(entry->key);
    *entry = (struct map_entry){.hash = 1};
    map->count--;
    return value;
}

bool map_next(const struct map *map, size_t *cursor, struct str *out_key, void **out_value)
{
    while (*cursor < map->capacity) {
        const struct map_entry *entry = &map->entries[(*cursor)++];
        if (!entry->key)
            continue;
        if (out_key)
            *out_key = str_make(entry->key, entry->key_len);
        *out_value = entry->value;
        return true;
    }
    return false;
}
