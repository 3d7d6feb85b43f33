/* All functions, their published versions and their aliases, in memory: read on any thread, changed
 * on the writer thread when a write is committed. */
#pragma once

#include <pthread.h>

#include "services/lambda/function.h"

struct catalog {
    pthread_rwlock_t lock;
    struct map functions; /* by key: "NAME" and "NAME:VERSION" */
    struct map aliases;   /* by "NAME:ALIAS" */
    /* Grows with every change, so that a loop knows without a lock whether what it remembers still
     * holds. */
    atomic_ullong generation;
};

void catalog_init(struct catalog *catalog);
void catalog_release(struct catalog *catalog);

/* A reference, or NULL. */
struct function *catalog_get(struct catalog *catalog, struct str key);
struct alias *catalog_get_alias(struct catalog *catalog, struct str key);

/* Takes the snapshot over in the place of the one of the same key. */
void catalog_set(struct catalog *catalog, struct function *function);
void catalog_set_alias(struct catalog *catalog, struct alias *alias);

/* Removes a function or version, or an alias. */
void catalog_remove(struct catalog *catalog, struct str key);
void catalog_remove_alias(struct catalog *catalog, struct str key);

/* Removes a function with its versions and aliases. */
void catalog_remove_all(struct catalog *catalog, struct str name);
