/* Shared code folders with reference counts. */
#include "services/lambda/code.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "services/lambda/package.h"

#define TRASH_PREFIX ".trash-"

struct code {
    struct code_store *store;
    char id[CODE_ID_LEN + 1];
    unsigned refs;  /* guarded by the store's mutex */
    bool is_ready;  /* unpacked */
    bool is_failed; /* could not be; those who wait try again */
};

static void path_of(const struct code_store *store, const char *name, char path[PATH_MAX])
{
    snprintf(path, PATH_MAX, "%s/%s", store->dir, name);
}

enum err code_store_init(struct code_store *store, const char *data_dir, struct error *error)
{
    *store = (struct code_store){0};
    pthread_mutex_init(&store->mutex, NULL);
    pthread_cond_init(&store->changed, NULL);
    if (asprintf(&store->dir, "%s/functions", data_dir) < 0)
        abort();
    /* Sandboxes' users go through it, whatever the server's umask. */
    if ((mkdir(store->dir, 0755) && errno != EEXIST) || chmod(store->dir, 0755))
        return error_set(error, ERR_INTERNAL, "cannot make %s: %s", store->dir, strerror(errno));
    return OK;
}

void code_store_release(struct code_store *store)
{
    map_release(&store->codes);
    pthread_mutex_destroy(&store->mutex);
    pthread_cond_destroy(&store->changed);
    free(store->dir);
}

static struct code *add(struct code_store *store, struct str id)
{
    struct code *code = calloc(1, sizeof(*code));
    if (!code)
        abort();
    code->store = store;
    code->refs = 1;
    snprintf(code->id, sizeof(code->id), "%.*s", STR_ARG(id));
    map_set(&store->codes, id, code);
    return code;
}

/* Drops a reference; the mutex is held. */
static void release(struct code *code)
{
    struct code_store *store = code->store;
    char path[PATH_MAX], trash[PATH_MAX], name[32];
    if (--code->refs)
        return;
    if (map_get(&store->codes, str_from(code->id)) == code)
        map_remove(&store->codes, str_from(code->id));
    if (code->is_ready) {
        path_of(store, code->id, path);
        snprintf(name, sizeof(name), TRASH_PREFIX "%u", store->next_trash++);
        path_of(store, name, trash);
        rename(path, trash);
        store->has_trash = true;
    }
    free(code);
}

/* Unpacks beside the folder's place, so that a folder that is there is whole. */
static enum err unpack(struct code_store *store, const struct code *code, struct str zip,
                       struct error *error)
{
    char path[PATH_MAX], part[PATH_MAX], name[CODE_ID_LEN + 8];
    snprintf(name, sizeof(name), ".new-%s", code->id);
    path_of(store, name, part);
    path_of(store, code->id, path);
    enum err rc = package_unpack(zip, part, error);
    if (rc == OK && rename(part, path)) {
        rc = error_set(error, ERR_LAMBDA_SERVICE, "The deployment package could not be stored");
        package_remove(part);
    }
    return rc;
}

/* A reference on code that is there or on its way, or NULL. The mutex is held. */
static struct code *join(struct code_store *store, struct str id)
{
    struct code *code;
    while ((code = map_get(&store->codes, id))) {
        code->refs++;
        while (!code->is_ready && !code->is_failed)
            pthread_cond_wait(&store->changed, &store->mutex);
        if (code->is_ready)
            return code;
        release(code);
    }
    return NULL;
}

enum err code_acquire(struct code_store *store, struct str id, struct str zip, struct code **out,
                      struct error *error)
{
    pthread_mutex_lock(&store->mutex);
    struct code *code = join(store, id);
    if (code) {
        pthread_mutex_unlock(&store->mutex);
        *out = code;
        return OK;
    }
    code = add(store, id);
    pthread_mutex_unlock(&store->mutex);

    enum err rc = unpack(store, code, zip, error);

    pthread_mutex_lock(&store->mutex);
    code->is_ready = rc == OK;
    code->is_failed = rc != OK;
    pthread_cond_broadcast(&store->changed);
    if (rc) {
        map_remove(&store->codes, id);
        release(code);
    } else {
        *out = code;
    }
    pthread_mutex_unlock(&store->mutex);
    return rc;
}

bool code_adopt(struct code_store *store, struct str id, struct code **out)
{
    char path[PATH_MAX], name[CODE_ID_LEN + 1];
    struct stat stat_of;
    if (id.len != CODE_ID_LEN)
        return false;
    snprintf(name, sizeof(name), "%.*s", STR_ARG(id));
    path_of(store, name, path);
    pthread_mutex_lock(&store->mutex);
    struct code *code = join(store, id);
    if (!code && stat(path, &stat_of) == 0) {
        code = add(store, id);
        code->is_ready = true;
    }
    pthread_mutex_unlock(&store->mutex);
    if (code)
        *out = code;
    return code != NULL;
}

void code_ref(struct code *code)
{
    pthread_mutex_lock(&code->store->mutex);
    code->refs++;
    pthread_mutex_unlock(&code->store->mutex);
}

void code_unref(struct code *code)
{
    if (!code)
        return;
    struct code_store *store = code->store;
    pthread_mutex_lock(&store->mutex);
    release(code);
    pthread_mutex_unlock(&store->mutex);
}

struct str code_folder(const struct code *code)
{
    return str_make(code->id, CODE_ID_LEN);
}

/* --- Sweeping --- */

static bool is_swept(struct code_store *store, const char *name, bool is_start_up)
{
    if (strncmp(name, TRASH_PREFIX, strlen(TRASH_PREFIX)) == 0)
        return true;
    if (!is_start_up || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return false;
    pthread_mutex_lock(&store->mutex);
    bool is_used = map_get(&store->codes, str_from(name)) != NULL;
    pthread_mutex_unlock(&store->mutex);
    return !is_used;
}

void code_sweep(struct code_store *store, bool is_start_up)
{
    char path[PATH_MAX];
    pthread_mutex_lock(&store->mutex);
    store->has_trash = false;
    pthread_mutex_unlock(&store->mutex);
    DIR *dir = opendir(store->dir);
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        if (!is_swept(store, entry->d_name, is_start_up))
            continue;
        path_of(store, entry->d_name, path);
        package_remove(path);
    }
    if (dir)
        closedir(dir);
}

bool code_has_trash(struct code_store *store)
{
    pthread_mutex_lock(&store->mutex);
    bool has_trash = store->has_trash;
    pthread_mutex_unlock(&store->mutex);
    return has_trash;
}
