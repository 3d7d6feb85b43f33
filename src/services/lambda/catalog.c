/* The functions in memory. */
#include "services/lambda/catalog.h"

void catalog_init(struct catalog *catalog)
{
    *catalog = (struct catalog){0};
    pthread_rwlock_init(&catalog->lock, NULL);
    atomic_init(&catalog->generation, 1);
}

void catalog_release(struct catalog *catalog)
{
    size_t cursor = 0;
    void *value;
    while (map_next(&catalog->functions, &cursor, NULL, &value))
        function_unref(value);
    cursor = 0;
    while (map_next(&catalog->aliases, &cursor, NULL, &value))
        alias_unref(value);
    map_release(&catalog->functions);
    map_release(&catalog->aliases);
    pthread_rwlock_destroy(&catalog->lock);
}

struct function *catalog_get(struct catalog *catalog, struct str key)
{
    pthread_rwlock_rdlock(&catalog->lock);
    struct function *function = map_get(&catalog->functions, key);
    if (function)
        function_ref(function);
    pthread_rwlock_unlock(&catalog->lock);
    return function;
}

struct alias *catalog_get_alias(struct catalog *catalog, struct str key)
{
    pthread_rwlock_rdlock(&catalog->lock);
    struct alias *alias = map_get(&catalog->aliases, key);
    if (alias)
        alias_ref(alias);
    pthread_rwlock_unlock(&catalog->lock);
    return alias;
}

static void changed(struct catalog *catalog)
{
    atomic_fetch_add(&catalog->generation, 1);
    pthread_rwlock_unlock(&catalog->lock);
}

void catalog_set(struct catalog *catalog, struct function *function)
{
    pthread_rwlock_wrlock(&catalog->lock);
    struct function *old = map_set(&catalog->functions, function->key, function);
    changed(catalog);
    function_unref(old);
}

void catalog_set_alias(struct catalog *catalog, struct alias *alias)
{
    pthread_rwlock_wrlock(&catalog->lock);
    struct alias *old = map_set(&catalog->aliases, alias->key, alias);
    changed(catalog);
    alias_unref(old);
}

void catalog_remove(struct catalog *catalog, struct str key)
{
    pthread_rwlock_wrlock(&catalog->lock);
    struct function *old = map_remove(&catalog->functions, key);
    changed(catalog);
    function_unref(old);
}

void catalog_remove_alias(struct catalog *catalog, struct str key)
{
    pthread_rwlock_wrlock(&catalog->lock);
    struct alias *old = map_remove(&catalog->aliases, key);
    changed(catalog);
    alias_unref(old);
}

/* Whether `key` is "NAME:...". */
static bool is_part_of(struct str key, struct str name)
{
    return key.len > name.len && key.ptr[name.len] == ':' && str_starts(key, name);
}

void catalog_remove_all(struct catalog *catalog, struct str name)
{
    struct str key;
    void *value;
    pthread_rwlock_wrlock(&catalog->lock);
    function_unref(map_remove(&catalog->functions, name));
    for (size_t cursor = 0; map_next(&catalog->functions, &cursor, &key, &value);) {
        if (is_part_of(key, name))
            function_unref(map_remove(&catalog->functions, key));
    }
    for (size_t cursor = 0; map_next(&catalog->aliases, &cursor, &key, &value);) {
        if (is_part_of(key, name))
            alias_unref(map_remove(&catalog->aliases, key));
    }
    changed(catalog);
}
