/* Users, roles, keys and compiled policies in memory. A change of IAM's data drops them all:
 * changes are rare, and what is used comes back with one read. */
#include <stdlib.h>

#include "services/iam/internal.h"

enum { MAX_DOCUMENTS = 1024, MAX_HOLDERS = 16 * 1024 };

void iam_cache_init(struct iam_cache *cache)
{
    *cache = (struct iam_cache){0};
    pthread_rwlock_init(&cache->lock, NULL);
}

/* --- Reference counts --- */

static bool drops_last(atomic_uint *refs)
{
    return atomic_fetch_sub_explicit(refs, 1, memory_order_acq_rel) == 1;
}

static void add_ref(atomic_uint *refs)
{
    atomic_fetch_add_explicit(refs, 1, memory_order_relaxed);
}

void iam_holder_unref(struct holder *holder)
{
    if (!holder || !drops_last(&holder->refs))
        return;
    for (size_t i = 0; i < holder->policy_count; i++)
        iam_policy_unref(holder->policies[i]);
    iam_policy_unref(holder->boundary);
    arena_release(&holder->arena);
    free(holder);
}

void iam_long_term_key_unref(struct long_term_key *key)
{
    if (!key || !drops_last(&key->refs))
        return;
    arena_release(&key->arena);
    free(key);
}

/* --- Forgetting --- */

/* Takes all values out; with the lock held for writing. */
static void clear(struct map *map, void (*unref)(void *value))
{
    size_t cursor = 0;
    void *value;
    while (map_next(map, &cursor, NULL, &value))
        unref(value);
    map_release(map);
}

static void unref_holder(void *value)
{
    iam_holder_unref(value);
}

static void unref_key(void *value)
{
    iam_long_term_key_unref(value);
}

static void unref_policy(void *value)
{
    iam_policy_unref(value);
}

void iam_cache_forget(struct iam_cache *cache)
{
    pthread_rwlock_wrlock(&cache->lock);
    cache->generation++;
    clear(&cache->holders, unref_holder);
    clear(&cache->keys, unref_key);
    pthread_rwlock_unlock(&cache->lock);
}

void iam_cache_release(struct iam_cache *cache)
{
    clear(&cache->holders, unref_holder);
    clear(&cache->keys, unref_key);
    clear(&cache->documents, unref_policy);
    pthread_rwlock_destroy(&cache->lock);
}

/* --- Policies --- */

static struct policy *find_document(struct iam_cache *cache, struct str text)
{
    pthread_rwlock_rdlock(&cache->lock);
    struct policy *policy = map_get(&cache->documents, text);
    if (policy)
        iam_policy_ref(policy);
    pthread_rwlock_unlock(&cache->lock);
    return policy;
}

static void keep_document(struct iam_cache *cache, struct str text, struct policy *policy)
{
    pthread_rwlock_wrlock(&cache->lock);
    if (cache->documents.count >= MAX_DOCUMENTS)
        clear(&cache->documents, unref_policy);
    iam_policy_unref(map_set(&cache->documents, text, iam_policy_ref(policy)));
    pthread_rwlock_unlock(&cache->lock);
}

enum err iam_document(struct iam *iam, struct str text, struct policy **out, struct error *error)
{
    struct policy *policy = find_document(&iam->cache, text);
    if (!policy) {
        enum err rc = iam_policy_compile(text, POLICY_STORED, &policy, error);
        if (rc)
            return rc;
        keep_document(&iam->cache, text, policy);
    }
    *out = policy;
    return OK;
}

/* --- Users and roles --- */

static enum err add_policy(struct iam *iam, struct holder *holder, struct str text,
                           struct error *error)
{
    enum err rc = iam_document(iam, text, &holder->policies[holder->policy_count], error);
    if (rc == OK)
        holder->policy_count++;
    return rc;
}

static enum err add_policies(struct iam *iam, const struct reader *reader, yyjson_val *entity,
                             struct holder *holder, struct error *error)
{
    yyjson_val *inline_policies = json_get(entity, "InlinePolicies");
    yyjson_val *attached = json_get(entity, "AttachedPolicies");
    holder->policies = arena_array(&holder->arena, struct policy *,
                                   yyjson_obj_size(inline_policies) + yyjson_arr_size(attached));
    size_t i, max;
    yyjson_val *name, *value;
    enum err rc = OK;
    yyjson_obj_foreach (inline_policies, i, max, name, value) {
        if (rc == OK)
            rc = add_policy(iam, holder, json_str(value), error);
    }
    yyjson_arr_foreach (attached, i, max, value) {
        struct str text = {NULL, 0};
        if (rc == OK)
            rc = iam_managed_document(reader, json_str(value), &text, error);
        if (rc == OK && text.ptr)
            rc = add_policy(iam, holder, text, error);
    }
    return rc;
}

/* A boundary whose policy is gone allows nothing, as on AWS. */
static enum err add_boundary(struct iam *iam, const struct reader *reader, yyjson_val *entity,
                             struct holder *holder, struct error *error)
{
    struct str arn = json_get_str(entity, "PermissionsBoundary"), text;
    if (!arn.ptr)
        return OK;
    enum err rc = iam_managed_document(reader, arn, &text, error);
    if (rc)
        return rc;
    return iam_document(iam, text.ptr ? text : STR("{\"Statement\":[]}"), &holder->boundary, error);
}

static void add_tags(yyjson_val *entity, struct holder *holder)
{
    yyjson_val *tags = json_get(entity, "Tags");
    size_t i, max;
    yyjson_val *tag;
    holder->tags = arena_array(&holder->arena, struct context_tag, yyjson_arr_size(tags));
    yyjson_arr_foreach (tags, i, max, tag) {
        holder->tags[holder->tag_count++] = (struct context_tag){
            arena_str(&holder->arena, json_get_str(tag, "Key")),
            arena_str(&holder->arena, json_get_str(tag, "Value")),
        };
    }
}

static enum err load_holder(struct iam *iam, const struct entity_kind *kind, struct str name,
                            struct holder **out, struct error *error)
{
    struct arena arena = {0};
    struct reader reader = {iam->skylite->store, NULL, &arena};
    yyjson_val *entity;
    enum err rc = iam_reader_get(&reader, iam_entity_key(&arena, kind, name), &entity, error);
    *out = NULL;
    if (rc == OK && entity) {
        struct holder *holder = calloc(1, sizeof(*holder));
        if (!holder)
            abort();
        atomic_init(&holder->refs, 1);
        holder->name = arena_str(&holder->arena, json_get_str(entity, kind->name_member));
        holder->arn = arena_str(&holder->arena, json_get_str(entity, "Arn"));
        holder->id = arena_str(&holder->arena, json_get_str(entity, "Id"));
        add_tags(entity, holder);
        rc = add_policies(iam, &reader, entity, holder, error);
        if (rc == OK)
            rc = add_boundary(iam, &reader, entity, holder, error);
        if (rc == OK)
            *out = holder;
        else
            iam_holder_unref(holder);
    }
    arena_release(&arena);
    return rc;
}

static uint64_t generation_of(struct iam_cache *cache)
{
    pthread_rwlock_rdlock(&cache->lock);
    uint64_t generation = cache->generation;
    pthread_rwlock_unlock(&cache->lock);
    return generation;
}

static struct holder *find_holder(struct iam_cache *cache, struct str key)
{
    pthread_rwlock_rdlock(&cache->lock);
    struct holder *holder = map_get(&cache->holders, key);
    if (holder)
        add_ref(&holder->refs);
    pthread_rwlock_unlock(&cache->lock);
    return holder;
}

/* What was read before a change is not kept. */
static void keep_holder(struct iam_cache *cache, struct str key, struct holder *holder,
                        uint64_t generation)
{
    pthread_rwlock_wrlock(&cache->lock);
    if (cache->generation == generation) {
        if (cache->holders.count >= MAX_HOLDERS)
            clear(&cache->holders, unref_holder);
        add_ref(&holder->refs);
        iam_holder_unref(map_set(&cache->holders, key, holder));
    }
    pthread_rwlock_unlock(&cache->lock);
}

enum err iam_holder(struct iam *iam, const struct entity_kind *kind, struct str name,
                    struct holder **out, struct error *error)
{
    char bytes[160];
    int len = snprintf(bytes, sizeof(bytes), "%s/%.*s", kind->noun, STR_ARG(name));
    struct str key = str_make(bytes, (size_t)len < sizeof(bytes) ? (size_t)len : sizeof(bytes) - 1);
    *out = find_holder(&iam->cache, key);
    if (*out)
        return OK;

    uint64_t generation = generation_of(&iam->cache);
    enum err rc = load_holder(iam, kind, name, out, error);
    if (rc == OK && *out)
        keep_holder(&iam->cache, key, *out, generation);
    return rc;
}

/* --- Access keys --- */

static struct long_term_key *find_key(struct iam_cache *cache, struct str id)
{
    pthread_rwlock_rdlock(&cache->lock);
    struct long_term_key *key = map_get(&cache->keys, id);
    if (key)
        add_ref(&key->refs);
    pthread_rwlock_unlock(&cache->lock);
    return key;
}

static void keep_key(struct iam_cache *cache, struct str id, struct long_term_key *key,
                     uint64_t generation)
{
    pthread_rwlock_wrlock(&cache->lock);
    if (cache->generation == generation) {
        if (cache->keys.count >= MAX_HOLDERS)
            clear(&cache->keys, unref_key);
        add_ref(&key->refs);
        iam_long_term_key_unref(map_set(&cache->keys, id, key));
    }
    pthread_rwlock_unlock(&cache->lock);
}

static enum err load_key(struct iam *iam, struct str id, struct long_term_key **out,
                         struct error *error)
{
    struct arena arena = {0};
    struct reader reader = {iam->skylite->store, NULL, &arena};
    yyjson_val *document;
    enum err rc = iam_reader_get(&reader, arena_printf(&arena, "iam/key/%.*s", STR_ARG(id)),
                                 &document, error);
    *out = NULL;
    if (rc == OK && document) {
        struct long_term_key *key = calloc(1, sizeof(*key));
        if (!key)
            abort();
        atomic_init(&key->refs, 1);
        key->secret = arena_str(&key->arena, json_get_str(document, "SecretAccessKey"));
        key->user_name = arena_str(&key->arena, json_get_str(document, "UserName"));
        key->is_active = str_eq(json_get_str(document, "Status"), STR("Active"));
        *out = key;
    }
    arena_release(&arena);
    return rc;
}

enum err iam_long_term_key(struct iam *iam, struct str access_key_id, struct long_term_key **out,
                           struct error *error)
{
    *out = find_key(&iam->cache, access_key_id);
    if (*out)
        return OK;

    uint64_t generation = generation_of(&iam->cache);
    enum err rc = load_key(iam, access_key_id, out, error);
    if (rc == OK && *out)
        keep_key(&iam->cache, access_key_id, *out, generation);
    return rc;
}
