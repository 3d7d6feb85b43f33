/* The data plane's tables: stages, domains, keys and plans. */
#include "services/apigateway/plane/registry.h"

#include <assert.h>
#include <stdlib.h>

#include "services/apigateway/plane/registry_internal.h"

/* --- Memory --- */

static void *must(void *ptr)
{
    if (!ptr)
        abort();
    return ptr;
}

static struct str copy_str(struct str s)
{
    char *text = must(malloc(s.len + 1));
    if (s.len)
        memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    return str_make(text, s.len);
}

static void free_str(struct str s)
{
    /* What copy_str made is ours to change. */
    union {
        const char *borrowed;
        char *owned;
    } text = {s.ptr};
    free(text.owned);
}

struct registry *registry_new(void)
{
    struct registry *registry = must(calloc(1, sizeof(*registry)));
    /* The writer thread must not wait for as long as requests keep coming. */
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&registry->lock, &attributes);
    pthread_rwlockattr_destroy(&attributes);
    pthread_mutex_init(&registry->changed_lock, NULL);
    return registry;
}

/* --- Stages --- */

struct str registry_stage_name(char buffer[static REGISTRY_NAME_MAX], struct str api_id,
                               struct str name)
{
    if (api_id.len + name.len + 1 > REGISTRY_NAME_MAX)
        return STR_EMPTY;
    memcpy(buffer, api_id.ptr, api_id.len);
    buffer[api_id.len] = '/';
    if (name.len)
        memcpy(buffer + api_id.len + 1, name.ptr, name.len);
    return str_make(buffer, api_id.len + 1 + name.len);
}

void registry_set_stage(struct registry *registry, struct str api_id, struct str name,
                        struct stage *stage)
{
    char buffer[REGISTRY_NAME_MAX];
    struct str key = registry_stage_name(buffer, api_id, name);
    pthread_rwlock_wrlock(&registry->lock);
    struct stage *old =
        stage ? map_set(&registry->stages, key, stage) : map_remove(&registry->stages, key);
    pthread_rwlock_unlock(&registry->lock);
    stage_unref(old);
}

struct stage *registry_find_stage(struct registry *registry, struct str api_id, struct str name)
{
    char buffer[REGISTRY_NAME_MAX];
    struct str key = registry_stage_name(buffer, api_id, name);
    pthread_rwlock_rdlock(&registry->lock);
    struct stage *stage = map_get(&registry->stages, key);
    if (stage)
        stage_ref(stage);
    pthread_rwlock_unlock(&registry->lock);
    return stage;
}

/* --- Domains --- */

static struct domain *new_domain(const struct mapping_config *mappings, size_t count)
{
    struct arena arena = {0};
    struct domain *domain = arena_new(&arena, struct domain);
    domain->mappings = arena_array(&arena, struct mapping_config, count + 1);
    domain->count = count;
    for (size_t i = 0; i < count; i++)
        domain->mappings[i] = (struct mapping_config){
            arena_str(&arena, mappings[i].base_path),
            arena_str(&arena, mappings[i].api_id),
            arena_str(&arena, mappings[i].stage),
        };
    domain->arena = arena;
    return domain;
}

static void free_domain(struct domain *domain)
{
    if (!domain)
        return;
    struct arena arena = domain->arena;
    arena_release(&arena);
}

void registry_set_domain(struct registry *registry, struct str name,
                         const struct mapping_config *mappings, size_t count)
{
    struct domain *domain = new_domain(mappings, count);
    pthread_rwlock_wrlock(&registry->lock);
    struct domain *old = map_set(&registry->domains, name, domain);
    pthread_rwlock_unlock(&registry->lock);
    free_domain(old);
}

void registry_remove_domain(struct registry *registry, struct str name)
{
    pthread_rwlock_wrlock(&registry->lock);
    struct domain *old = map_remove(&registry->domains, name);
    pthread_rwlock_unlock(&registry->lock);
    free_domain(old);
}

static const struct mapping_config *choose_mapping(const struct domain *domain, struct str path)
{
    const struct mapping_config *chosen = NULL;
    struct str part, rest = str_slice(path, 1, path.len);
    str_cut(&rest, '/', &part);
    for (size_t i = 0; i < domain->count; i++) {
        const struct mapping_config *mapping = &domain->mappings[i];
        if (mapping->base_path.len == 0)
            chosen = chosen ? chosen : mapping;
        else if (str_eq(mapping->base_path, part))
            return mapping;
    }
    return chosen;
}

enum domain_match registry_find_domain(struct registry *registry, struct str host, struct str path,
                                       struct arena *arena, struct mapping_config *out)
{
    enum domain_match match = DOMAIN_UNKNOWN;
    pthread_rwlock_rdlock(&registry->lock);
    const struct domain *domain = map_get(&registry->domains, host);
    if (domain) {
        const struct mapping_config *mapping = choose_mapping(domain, path);
        match = mapping ? DOMAIN_MAPPED : DOMAIN_UNMAPPED;
        if (mapping)
            *out = (struct mapping_config){
                arena_str(arena, mapping->base_path),
                arena_str(arena, mapping->api_id),
                arena_str(arena, mapping->stage),
            };
    }
    pthread_rwlock_unlock(&registry->lock);
    return match;
}

bool registry_has_domain(struct registry *registry, struct str host)
{
    pthread_rwlock_rdlock(&registry->lock);
    bool found = map_get(&registry->domains, host);
    pthread_rwlock_unlock(&registry->lock);
    return found;
}

/* --- Plans --- */

static void copy_limits(struct arena *arena, struct plan_stage *to, const struct plan_stage *from,
                        size_t *bucket_count)
{
    struct method_limit *limits = arena_array(arena, struct method_limit, from->limit_count + 1);
    for (size_t i = 0; i < from->limit_count; i++)
        limits[i] = (struct method_limit){
            arena_str(arena, from->limits[i].path),
            arena_str(arena, from->limits[i].verb),
            from->limits[i].throttle,
        };
    to->limits = limits;
    to->limit_count = from->limit_count;
    *bucket_count += from->limit_count;
}

/* Fills in the plan from its configuration, in an arena of its own. */
static void fill_plan(struct plan *plan, const struct plan_config *config)
{
    struct arena arena = {0};
    plan->is_throttled = config->is_throttled;
    plan->throttle = config->throttle;
    plan->quota = config->quota;
    plan->stages = arena_array(&arena, struct covered_stage, config->stage_count + 1);
    plan->stage_count = config->stage_count;
    plan->bucket_count = 0;
    for (size_t i = 0; i < config->stage_count; i++) {
        struct covered_stage *stage = &plan->stages[i];
        stage->first_bucket = plan->bucket_count;
        stage->config.name = arena_str(&arena, config->stages[i].name);
        copy_limits(&arena, &stage->config, &config->stages[i], &plan->bucket_count);
    }
    plan->arena = arena;
}

static void make_buckets(struct usage *usage)
{
    free(usage->method_buckets);
    usage->method_buckets = NULL;
    if (usage->plan->bucket_count)
        usage->method_buckets = must(calloc(usage->plan->bucket_count, sizeof(struct bucket)));
}

/* The throttles by method start anew with the plan; everything else goes on. */
static void remake_buckets(struct registry *registry, const struct plan *plan)
{
    size_t cursor = 0;
    void *value;
    while (map_next(&registry->keys, &cursor, NULL, &value)) {
        const struct api_key *key = value;
        for (struct usage *usage = key->usages; usage; usage = usage->next) {
            if (usage->plan == plan)
                make_buckets(usage);
        }
    }
}

void registry_set_plan(struct registry *registry, const struct plan_config *config)
{
    pthread_rwlock_wrlock(&registry->lock);
    struct plan *plan = map_get(&registry->plans, config->id);
    if (!plan) {
        plan = must(calloc(1, sizeof(*plan)));
        plan->id = copy_str(config->id);
        map_set(&registry->plans, plan->id, plan);
    }
    bool had_buckets = plan->bucket_count > 0;
    arena_release(&plan->arena);
    fill_plan(plan, config);
    if (had_buckets || plan->bucket_count)
        remake_buckets(registry, plan);
    pthread_rwlock_unlock(&registry->lock);
}

static void free_plan(struct plan *plan)
{
    if (!plan)
        return;
    free_str(plan->id);
    arena_release(&plan->arena);
    free(plan);
}

/* --- Keys --- */

static void forget_changed(struct registry *registry, struct usage *usage)
{
    pthread_mutex_lock(&registry->changed_lock);
    for (struct usage **at = &registry->changed; *at; at = &(*at)->next_changed) {
        if (*at == usage) {
            *at = usage->next_changed;
            break;
        }
    }
    pthread_mutex_unlock(&registry->changed_lock);
}

static void free_usage(struct registry *registry, struct usage *usage)
{
    if (atomic_load(&usage->is_changed))
        forget_changed(registry, usage);
    free(usage->method_buckets);
    free(usage);
}

static struct usage *take_usage(struct usage **list, const struct plan *plan)
{
    for (struct usage **at = list; *at; at = &(*at)->next) {
        struct usage *usage = *at;
        if (usage->plan == plan) {
            *at = usage->next;
            return usage;
        }
    }
    return NULL;
}

static void free_usages(struct registry *registry, struct usage *list)
{
    while (list) {
        struct usage *next = list->next;
        free_usage(registry, list);
        list = next;
    }
}

static struct usage *new_usage(struct plan *plan, struct api_key *key)
{
    enum { LINE = 64 };
    struct usage *usage = must(aligned_alloc(LINE, (sizeof(*usage) + LINE - 1) / LINE * LINE));
    *usage = (struct usage){.plan = plan, .key = key};
    make_buckets(usage);
    return usage;
}

static void set_key_plans(struct registry *registry, struct api_key *key,
                          const struct str *plan_ids, size_t plan_count)
{
    struct usage *old = key->usages;
    key->usages = NULL;
    for (size_t i = 0; i < plan_count; i++) {
        struct plan *plan = map_get(&registry->plans, plan_ids[i]);
        if (!plan)
            continue;
        struct usage *usage = take_usage(&old, plan);
        if (!usage)
            usage = new_usage(plan, key);
        usage->next = key->usages;
        key->usages = usage;
    }
    free_usages(registry, old);
}

static struct api_key *new_key(struct str id, struct str value)
{
    struct api_key *key = must(malloc(sizeof(*key) + id.len + value.len));
    char *text = (char *)(key + 1);
    memcpy(text, id.ptr, id.len);
    memcpy(text + id.len, value.ptr, value.len);
    *key = (struct api_key){
        .id = str_make(text, id.len),
        .value = str_make(text + id.len, value.len),
    };
    return key;
}

void registry_set_key(struct registry *registry, struct str id, struct str value, bool is_enabled,
                      const struct str *plan_ids, size_t plan_count)
{
    pthread_rwlock_wrlock(&registry->lock);
    struct api_key *key = map_get(&registry->keys, id);
    if (!key) {
        key = new_key(id, value);
        map_set(&registry->keys, key->id, key);
        map_set(&registry->keys_by_value, key->value, key);
    }
    key->is_enabled = is_enabled;
    set_key_plans(registry, key, plan_ids, plan_count);
    pthread_rwlock_unlock(&registry->lock);
}

static void free_key(struct registry *registry, struct api_key *key)
{
    free_usages(registry, key->usages);
    free(key);
}

void registry_remove_key(struct registry *registry, struct str id)
{
    pthread_rwlock_wrlock(&registry->lock);
    struct api_key *key = map_remove(&registry->keys, id);
    if (key) {
        map_remove(&registry->keys_by_value, key->value);
        free_key(registry, key);
    }
    pthread_rwlock_unlock(&registry->lock);
}

void registry_remove_plan(struct registry *registry, struct str id)
{
    pthread_rwlock_wrlock(&registry->lock);
    struct plan *plan = map_remove(&registry->plans, id);
    size_t cursor = 0;
    void *value;
    while (plan && map_next(&registry->keys, &cursor, NULL, &value)) {
        struct api_key *key = value;
        struct usage *usage = take_usage(&key->usages, plan);
        if (usage)
            free_usage(registry, usage);
    }
    free_plan(plan);
    pthread_rwlock_unlock(&registry->lock);
}

void registry_set_account_throttle(struct registry *registry, struct throttle throttle)
{
    pthread_rwlock_wrlock(&registry->lock);
    registry->account_throttle = throttle;
    pthread_rwlock_unlock(&registry->lock);
}

void registry_free(struct registry *registry)
{
    if (!registry)
        return;
    size_t cursor = 0;
    void *value;
    while (map_next(&registry->keys, &cursor, NULL, &value))
        free_key(registry, value);
    cursor = 0;
    while (map_next(&registry->plans, &cursor, NULL, &value))
        free_plan(value);
    cursor = 0;
    while (map_next(&registry->domains, &cursor, NULL, &value))
        free_domain(value);
    cursor = 0;
    while (map_next(&registry->stages, &cursor, NULL, &value))
        stage_unref(value);
    map_release(&registry->keys);
    map_release(&registry->keys_by_value);
    map_release(&registry->plans);
    map_release(&registry->domains);
    map_release(&registry->stages);
    pthread_rwlock_destroy(&registry->lock);
    pthread_mutex_destroy(&registry->changed_lock);
    free(registry);
}
