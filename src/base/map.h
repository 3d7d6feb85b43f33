/* A hash table from strings to pointers. It owns copies of the keys and borrows the values. Not
 * safe to share between threads that change it. A zeroed struct is a valid empty map. */
#pragma once

#include "base/str.h"

struct map_entry;

struct map {
    struct map_entry *entries;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
    size_t used; /* entries that hold a key or the mark of a deleted one */
};

void map_init(struct map *map);

/* Frees the keys and the table, not the values. */
void map_release(struct map *map);

/* The value, or NULL. */
void *map_get(const struct map *map, struct str key);

/* Sets the value (not NULL) and returns the one it had, or NULL. */
void *map_set(struct map *map, struct str key, void *value);

/* Takes the key out and returns its value, or NULL. */
void *map_remove(struct map *map, struct str key);

/* Walks the entries in no order: start with *cursor = 0. False at the end. `out_key` is borrowed
 * and may be NULL. The map may not be changed meanwhile, except that the entry just given may be
 * removed. */
bool map_next(const struct map *map, size_t *cursor, struct str *out_key, void **out_value);

/* A 64-bit hash of bytes, seeded once per process: not to be stored. */
uint64_t map_hash(struct str key);
