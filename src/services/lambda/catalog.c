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
    void *function;
    while (map_next(&catalog->functions, &cursor, NULL, &function))
        function_unref(function);
    map_release(&catalog->functions);
    pthread_rwlock_destroy(&catalog->lock);
}

struct function *catalog_get(struct catalog *catalog, struct str name)
{
    pthread_rwlock_rdlock(&catalog->lock);
    struct function *function = map_get(&catalog->functions, name);
    if (function)
        function_ref(function);
    pthread_rwlock_unlock(&catalog->lock);
    return function;
}

static void changed(struct catalog *catalog, struct function *old)
{
    atomic_fetch_add(&catalog->generation, 1);
    pthread_rwlock_unlock(&catalog->lock);
    function_unref(old);
}

void catalog_set(struct catalog *catalog, struct function *function)
{
    pthread_rwlock_wrlock(&catalog->lock);
    changed(catalog, map_set(&catalog->functions, function->name, function));
}

void catalog_remove(struct catalog *catalog, struct str name)
{
    pthread_rwlock_wrlock(&catalog->lock);
    changed(catalog, map_remove(&catalog->functions, name));
}
