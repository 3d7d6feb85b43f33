/* Whether a request may pass, and what is counted for it. */
#include "base/arena.h"
#include "services/apigateway/plane/registry_internal.h"

/* Has the usage saved soon. Once per usage and saving, so the lock is not taken by each request. */
static void mark_changed(struct registry *registry, struct usage *usage)
{
    if (atomic_exchange(&usage->is_changed, true))
        return;
    pthread_mutex_lock(&registry->changed_lock);
    usage->next_changed = registry->changed;
    registry->changed = usage;
    pthread_mutex_unlock(&registry->changed_lock);
}

static const struct covered_stage *find_covered(const struct plan *plan, struct str stage_name)
{
    for (size_t i = 0; i < plan->stage_count; i++) {
        if (str_eq(plan->stages[i].config.name, stage_name))
            return &plan->stages[i];
    }
    return NULL;
}

static bool take_method_tokens(struct usage *usage, const struct covered_stage *covered,
                               const struct method *method, int64_t now_us)
{
    for (size_t i = 0; i < covered->config.limit_count; i++) {
        const struct method_limit *limit = &covered->config.limits[i];
        if (!str_eq(limit->path, method->resource_path) || !str_eq(limit->verb, method->verb))
            continue;
        if (!bucket_take(&usage->method_buckets[covered->first_bucket + i], &limit->throttle,
                         now_us))
            return false;
    }
    return true;
}

static int32_t bonus_of(const struct usage *usage, uint32_t start)
{
    uint64_t state = atomic_load_explicit(&usage->bonus, memory_order_relaxed);
    return counter_period(state) == start ? (int32_t)counter_count(state) : 0;
}

static uint32_t quota_limit(const struct usage *usage, uint32_t start)
{
    int64_t limit = (int64_t)usage->plan->quota.limit + bonus_of(usage, start);
    return limit < 0 ? 0 : limit > UINT32_MAX ? UINT32_MAX : (uint32_t)limit;
}

static bool count_request(struct registry *registry, struct usage *usage, uint32_t day)
{
    const struct quota *quota = &usage->plan->quota;
    uint32_t start = quota_start(quota, day);
    uint64_t before;
    if (quota->period != QUOTA_NONE &&
        !counter_take(&usage->period, start, quota_limit(usage, start), NULL))
        return false;
    counter_take(&usage->day, day, UINT32_MAX, &before);
    if (counter_period(before) != day && counter_count(before))
        atomic_store(&usage->earlier_day, before);
    mark_changed(registry, usage);
    return true;
}

/* The plan of the key that covers the stage. */
static struct usage *find_usage(const struct api_key *key, struct str stage_name,
                                const struct covered_stage **out_covered)
{
    for (struct usage *usage = key ? key->usages : NULL; usage; usage = usage->next) {
        *out_covered = find_covered(usage->plan, stage_name);
        if (*out_covered)
            return usage;
    }
    return NULL;
}

static bool take_common_tokens(struct registry *registry, struct method *method, int64_t now_us)
{
    return (!method->is_throttled || bucket_take(&method->bucket, &method->throttle, now_us)) &&
           (registry->account_throttle.interval == 0 ||
            bucket_take(&registry->account_bucket, &registry->account_throttle, now_us));
}

static enum admission admit_key(struct registry *registry, struct str stage_name,
                                struct method *method, const struct api_key *key, int64_t now_ms,
                                int64_t now_us)
{
    const struct covered_stage *covered = NULL;
    struct usage *usage = key && key->is_enabled ? find_usage(key, stage_name, &covered) : NULL;
    if (!usage)
        return ADMISSION_FORBIDDEN;
    if (!take_method_tokens(usage, covered, method, now_us))
        return ADMISSION_THROTTLED;
    if (usage->plan->is_throttled && !bucket_take(&usage->bucket, &usage->plan->throttle, now_us))
        return ADMISSION_THROTTLED;
    if (!take_common_tokens(registry, method, now_us))
        return ADMISSION_THROTTLED;
    return count_request(registry, usage, day_of_ms(now_ms)) ? ADMITTED : ADMISSION_QUOTA;
}

enum admission registry_admit(struct registry *registry, const struct stage *stage,
                              struct method *method, struct str key, int64_t now_ms, int64_t now_us,
                              struct arena *arena, struct str *out_key_id)
{
    enum admission admission;
    char buffer[REGISTRY_NAME_MAX];
    pthread_rwlock_rdlock(&registry->lock);
    if (method->is_key_required) {
        struct str stage_name = registry_stage_name(buffer, stage->api_id, stage->name);
        const struct api_key *found = key.len ? map_get(&registry->keys_by_value, key) : NULL;
        admission = admit_key(registry, stage_name, method, found, now_ms, now_us);
        if (admission != ADMISSION_FORBIDDEN)
            *out_key_id = arena_str(arena, found->id);
    } else {
        admission = take_common_tokens(registry, method, now_us) ? ADMITTED : ADMISSION_THROTTLED;
    }
    pthread_rwlock_unlock(&registry->lock);
    return admission;
}

/* --- Figures --- */

static struct usage *usage_of(struct registry *registry, struct str plan_id, struct str key_id)
{
    const struct api_key *key = map_get(&registry->keys, key_id);
    for (struct usage *usage = key ? key->usages : NULL; usage; usage = usage->next) {
        if (str_eq(usage->plan->id, plan_id))
            return usage;
    }
    return NULL;
}

static struct usage_figures figures_of(const struct usage *usage, struct arena *arena)
{
    uint64_t period = atomic_load(&usage->period.state), day = atomic_load(&usage->day.state);
    uint64_t earlier = atomic_load(&usage->earlier_day);
    return (struct usage_figures){
        .plan_id = arena_str(arena, usage->plan->id),
        .key_id = arena_str(arena, usage->key->id),
        .quota = usage->plan->quota,
        .quota_start = counter_period(period),
        .used = counter_count(period),
        .bonus = bonus_of(usage, counter_period(period)),
        .day = counter_period(day),
        .day_used = counter_count(day),
        .earlier_day = counter_period(earlier),
        .earlier_used = counter_count(earlier),
    };
}

bool registry_get_usage(struct registry *registry, struct str plan_id, struct str key_id,
                        int64_t now_ms, struct arena *arena, struct usage_figures *out)
{
    pthread_rwlock_rdlock(&registry->lock);
    const struct usage *usage = usage_of(registry, plan_id, key_id);
    if (usage) {
        uint32_t day = day_of_ms(now_ms);
        *out = figures_of(usage, arena);
        out->quota_start = quota_start(&out->quota, day);
        out->used = counter_get(&usage->period, out->quota_start);
        out->bonus = bonus_of(usage, out->quota_start);
        out->day = day;
        out->day_used = counter_get(&usage->day, day);
    }
    pthread_rwlock_unlock(&registry->lock);
    return usage;
}

bool registry_set_usage(struct registry *registry, const struct usage_figures *figures)
{
    pthread_rwlock_rdlock(&registry->lock);
    struct usage *usage = usage_of(registry, figures->plan_id, figures->key_id);
    if (usage) {
        atomic_store(&usage->period.state, counter_state(figures->quota_start, figures->used));
        atomic_store(&usage->bonus, counter_state(figures->quota_start, (uint32_t)figures->bonus));
        atomic_store(&usage->day.state, counter_state(figures->day, figures->day_used));
    }
    pthread_rwlock_unlock(&registry->lock);
    return usage;
}

void registry_set_bonus(struct registry *registry, struct str plan_id, struct str key_id,
                        uint32_t start, int32_t bonus)
{
    pthread_rwlock_rdlock(&registry->lock);
    struct usage *usage = usage_of(registry, plan_id, key_id);
    if (usage) {
        atomic_store(&usage->bonus, counter_state(start, (uint32_t)bonus));
        mark_changed(registry, usage);
    }
    pthread_rwlock_unlock(&registry->lock);
}

size_t registry_take_changed(struct registry *registry, struct arena *arena,
                             struct usage_figures **out)
{
    size_t count = 0;
    pthread_rwlock_rdlock(&registry->lock);
    pthread_mutex_lock(&registry->changed_lock);
    for (const struct usage *usage = registry->changed; usage; usage = usage->next_changed)
        count++;
    *out = arena_array(arena, struct usage_figures, count + 1);
    count = 0;
    while (registry->changed) {
        struct usage *usage = registry->changed;
        registry->changed = usage->next_changed;
        /* Before the counts are read: what is counted from here on marks it again. */
        atomic_store(&usage->is_changed, false);
        (*out)[count++] = figures_of(usage, arena);
        atomic_store(&usage->earlier_day, 0);
    }
    pthread_mutex_unlock(&registry->changed_lock);
    pthread_rwlock_unlock(&registry->lock);
    return count;
}
