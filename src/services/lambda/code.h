/* Code folders: one per package, named by its hash and shared by all functions that have the same
 * code, so that their processes also share the memory of it. Any thread. */
#pragma once

#include <pthread.h>

#include "base/error.h"
#include "base/map.h"

#define CODE_ID_LEN 64 /* SHA-256 in hexadecimal */

struct code;

struct code_store {
    char *dir; /* DATA/functions */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct map codes;    /* id to struct code */
    unsigned next_trash; /* for names of folders that wait to be removed */
    bool has_trash;
};

/* Makes the folder. */
enum err code_store_init(struct code_store *store, const char *data_dir, struct error *error);
void code_store_release(struct code_store *store);

/* Takes a reference on the code `id`, unpacking `zip` when its folder is not there yet; what other
 * threads are unpacking is waited for. Blocks: for pool threads and start-up. */
enum err code_acquire(struct code_store *store, struct str id, struct str zip, struct code **out,
                      struct error *error);

/* The same for code whose folder is there from an earlier run. False when it is not. */
bool code_adopt(struct code_store *store, struct str id, struct code **out);

void code_ref(struct code *code);

/* With the last reference the folder is set aside, to be removed by code_sweep. NULL does nothing.
 */
void code_unref(struct code *code);

/* The folder's name. */
struct str code_folder(const struct code *code);

/* Removes the folders that were set aside and, `is_start_up`, those that nothing refers to. Blocks.
 */
void code_sweep(struct code_store *store, bool is_start_up);

/* Whether there is something to sweep. */
bool code_has_trash(struct code_store *store);
