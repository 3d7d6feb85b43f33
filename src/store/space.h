/* Free space on the disk of the store, and a reserve of it: a file whose blocks are allocated and
 * never written. It is given up when nothing else is left, so that deletions and the next start
 * still have room. One thread at a time. */
#pragma once

#include <stdint.h>

#include "base/error.h"

struct space {
    int dir, reserve;     /* descriptors; -1 when not open */
    uint64_t total_bytes; /* of the file system */
    uint64_t step_bytes;  /* the reserve's size and the unit of all thresholds */
    bool is_held;         /* the reserve's blocks are allocated */
};

/* Opens the folder and takes what is there of its reserve. */
enum err space_open(const char *path, struct space *space, struct error *error);
void space_release(struct space *space);

/* Bytes that this process may still write, without the reserve. */
uint64_t space_free(const struct space *space);

/* Bytes of the folder's files whose names are a number and this suffix, as RocksDB's are. */
uint64_t space_used(const struct space *space, const char *suffix);

/* Allocates the reserve when at least `spare_bytes` stay free beside it. */
void space_hold(struct space *space, uint64_t spare_bytes);

/* Gives the reserve's blocks back to the file system. */
void space_give_up(struct space *space);
