/* What Lambda authorizers have said, for a while. One cache for each loop, used on its thread. */
#pragma once

#include "services/apigateway/plane/call.h"

struct authorizer_cache;

/* An answer; it is counted, since calls under way may outlive its place in the cache. */
struct cached_answer {
    struct arena arena; /* all of it, itself included */
    unsigned refs;
    int64_t expires_ms; /* loop time */
    uint64_t epoch;
    size_t bytes; /* of memory, about */
    struct authorized authorized;
};

/* Parses what a function returned; NULL when it is not of the form that AWS asks for: principalId,
 * policyDocument, and optionally context (texts, numbers and truth values) and usageIdentifierKey.
 * One reference, for the caller. */
struct cached_answer *cached_answer_parse(struct str payload);

void cached_answer_unref(void *answer);

/* Frees what is kept. NULL does nothing. */
void authorizer_cache_free(struct authorizer_cache *cache);

/* A new reference, or NULL where there is none that counts at `now_ms` in that epoch. */
struct cached_answer *authorizer_cache_find(struct authorizer_cache *cache, struct str key,
                                            int64_t now_ms, uint64_t epoch);

/* Keeps a reference of its own; makes the cache where *cache is NULL. Callers choose the keys, so a
 * cache that would hold more than AUTHORIZER_CACHE_BYTES forgets all first. */
#define AUTHORIZER_CACHE_BYTES (64 * 1024 * 1024)
void authorizer_cache_keep(struct authorizer_cache **cache, struct str key,
                           struct cached_answer *answer);
