/* All functions by name, in memory: read on any thread, changed on the writer thread when a write
 * is committed. */
#pragma once

#include <pthread.h>

#include "services/lambda/function.h"

struct catalog {
    pthread_rwlock_t lock;
    struct map functions;
    /* Grows with every change, so that a loop knows without a lock whether what it remembers still
     * holds. */
    atomic_ullong generation;
};

void catalog_init(struct catalog *catalog);
void catalog_release(struct catalog *catalog);

/* A reference, or NULL. */
struct function *catalog_get(struct catalog *catalog, struct str name);

/* Takes the snapshot over in the place of the one of the same name. */
void catalog_set(struct catalog *catalog, struct function *function);
void catalog_remove(struct catalog *catalog, struct str name);
