#include "services/apigateway/plane/authorizer_cache.h"

#include <stdlib.h>

#include "base/map.h"

enum { OVERHEAD = 8 * 1024 }; /* an arena's first block */

struct authorizer_cache {
    struct map answers;
    size_t bytes; /* of answers and keys */
};

/* --- Answers --- */

static bool is_flat(yyjson_val *context)
{
    size_t i, max;
    yyjson_val *key, *value;
    if (context && !yyjson_is_null(context) && !yyjson_is_obj(context))
        return false;
    yyjson_obj_foreach (context, i, max, key, value) {
        if (yyjson_is_ctn(value) || yyjson_is_null(value))
            return false;
    }
    return true;
}

static bool read_answer(struct cached_answer *answer, struct str payload)
{
    struct arena *arena = &answer->arena;
    yyjson_val *root = json_parse(arena, arena_str(arena, payload));
    yyjson_val *context = json_get(root, "context"), *policy = json_get(root, "policyDocument");
    struct authorized *authorized = &answer->authorized;
    authorized->principal_id = json_get_str(root, "principalId");
    authorized->usage_key = json_get_str(root, "usageIdentifierKey");
    authorized->context = yyjson_is_obj(context) ? context : NULL;
    if (!authorized->principal_id.len || !yyjson_is_obj(policy) || !is_flat(context))
        return false;
    authorized->policy = json_write_val(arena, policy);
    return true;
}

struct cached_answer *cached_answer_parse(struct str payload)
{
    struct arena arena = {0};
    struct cached_answer *answer = arena_new(&arena, struct cached_answer);
    answer->arena = arena;
    answer->refs = 1;
    /* The text, the tree and the policy as text again. */
    answer->bytes = OVERHEAD + 4 * payload.len;
    if (read_answer(answer, payload))
        return answer;
    cached_answer_unref(answer);
    return NULL;
}

void cached_answer_unref(void *ptr)
{
    struct cached_answer *answer = ptr;
    if (--answer->refs)
        return;
    struct arena arena = answer->arena;
    arena_release(&arena);
}

/* --- The cache --- */

static void forget_all(struct authorizer_cache *cache)
{
    size_t cursor = 0;
    void *answer;
    while (map_next(&cache->answers, &cursor, NULL, &answer))
        cached_answer_unref(answer);
    map_release(&cache->answers);
    map_init(&cache->answers);
    cache->bytes = 0;
}

static void forget(struct authorizer_cache *cache, struct str key, struct cached_answer *answer)
{
    cache->bytes -= answer->bytes + key.len;
    cached_answer_unref(answer);
}

void authorizer_cache_free(struct authorizer_cache *cache)
{
    if (!cache)
        return;
    forget_all(cache);
    free(cache);
}

struct cached_answer *authorizer_cache_find(struct authorizer_cache *cache, struct str key,
                                            int64_t now_ms, uint64_t epoch)
{
    struct cached_answer *answer = cache ? map_get(&cache->answers, key) : NULL;
    if (!answer)
        return NULL;
    if (answer->expires_ms <= now_ms || answer->epoch != epoch) {
        map_remove(&cache->answers, key);
        forget(cache, key, answer);
        return NULL;
    }
    answer->refs++;
    return answer;
}

void authorizer_cache_keep(struct authorizer_cache **place, struct str key,
                           struct cached_answer *answer)
{
    if (!*place)
        *place = calloc(1, sizeof(**place));
    if (!*place)
        abort();
    struct authorizer_cache *cache = *place;
    /* All at once is simple, and seldom: it costs the callers a question each. */
    if (cache->bytes + answer->bytes + key.len > AUTHORIZER_CACHE_BYTES)
        forget_all(cache);
    answer->refs++;
    cache->bytes += answer->bytes + key.len;
    struct cached_answer *before = map_set(&cache->answers, key, answer);
    if (before)
        forget(cache, key, before);
}
