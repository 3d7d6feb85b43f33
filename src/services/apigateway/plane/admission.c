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

/* The counter that grants bound: without a quota, that of the days. */
static struct counter *granted_counter(struct usage *usage)
{
    return usage->plan->quota.period == QUOTA_NONE ? &usage->day : &usage->period;
}

/* How far the counter may go in `period`. */
static uint32_t granted(const struct registry *registry, const struct usage *usage, uint32_t period)
{
    uint64_t state = atomic_load_explicit(&usage->grant, memory_order_relaxed);
    if (!registry->want)
        return UINT32_MAX;
    return counter_period(state) >= period ? counter_count(state) : 0;
}

/* Counts one more in `period` where limit and grant let it. */
static enum admission take(struct registry *registry, struct usage *usage, struct counter *counter,
                           uint32_t period, uint32_t limit, uint64_t *out_before)
{
    uint32_t most = granted(registry, usage, period);
    bool is_bounded = counter == granted_counter(usage);
    if (!counter_take(counter, period, is_bounded && most < limit ? most : limit, out_before)) {
        if (counter_get(counter, period) >= limit)
            return ADMISSION_QUOTA;
        atomic_store(&usage->wanted, period);
        mark_changed(registry, usage);
        return ADMISSION_WAITS;
    }
    return ADMITTED;
}

static enum admission count_request(struct registry *registry, struct usage *usage, uint32_t day,
                                    bool *out_wants)
{
    const struct quota *quota = &usage->plan->quota;
    uint32_t start = quota_start(quota, day);
    uint64_t before, day_before;
    enum admission admission = ADMITTED;
    if (quota->period != QUOTA_NONE)
        admission =
            take(registry, usage, &usage->period, start, quota_limit(usage, start), &before);
    if (admission == ADMITTED)
        admission = take(registry, usage, &usage->day, day, UINT32_MAX, &day_before);
    if (admission != ADMITTED)
        return admission;
    if (quota->period == QUOTA_NONE)
        before = day_before;
    bool is_new_day = counter_period(day_before) != day && counter_count(day_before);
    if (is_new_day)
        atomic_store(&usage->earlier_day, day_before);
    uint32_t refill_at = atomic_load_explicit(&usage->refill_at, memory_order_relaxed);
    *out_wants = is_new_day || counter_count(before) + 1 == refill_at;
    mark_changed(registry, usage);
    return ADMITTED;
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
                                int64_t now_us, bool *out_wants)
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
    return count_request(registry, usage, day_of_ms(now_ms), out_wants);
}

enum admission registry_admit(struct registry *registry, const struct stage *stage,
                              struct method *method, struct str key, int64_t now_ms, int64_t now_us,
                              struct arena *arena, struct str *out_key_id)
{
    enum admission admission;
    char buffer[REGISTRY_NAME_MAX];
    bool wants = false;
    pthread_rwlock_rdlock(&registry->lock);
    if (method->is_key_required) {
        struct str stage_name = registry_stage_name(buffer, stage->api_id, stage->name);
        const struct api_key *found = key.len ? map_get(&registry->keys_by_value, key) : NULL;
        admission = admit_key(registry, stage_name, method, found, now_ms, now_us, &wants);
        if (admission != ADMISSION_FORBIDDEN)
            *out_key_id = arena_str(arena, found->id);
    } else {
        admission = take_common_tokens(registry, method, now_us) ? ADMITTED : ADMISSION_THROTTLED;
    }
    pthread_rwlock_unlock(&registry->lock);
    if (wants && registry->want)
        registry->want(registry->want_arg);
    return admission;
}

enum admission registry_admit_again(struct registry *registry, const struct stage *stage,
                                    struct str key, int64_t now_ms)
{
    enum admission admission = ADMISSION_FORBIDDEN;
    const struct covered_stage *covered = NULL;
    char buffer[REGISTRY_NAME_MAX];
    bool wants = false;
    pthread_rwlock_rdlock(&registry->lock);
    struct str stage_name = registry_stage_name(buffer, stage->api_id, stage->name);
    const struct api_key *found = map_get(&registry->keys_by_value, key);
    struct usage *usage =
        found && found->is_enabled ? find_usage(found, stage_name, &covered) : NULL;
    if (usage)
        admission = count_request(registry, usage, day_of_ms(now_ms), &wants);
    pthread_rwlock_unlock(&registry->lock);
    if (wants && registry->want)
        registry->want(registry->want_arg);
    return admission;
}

/* --- Grants --- */

static struct usage *usage_of(struct registry *registry, struct str plan_id, struct str key_id)
{
    const struct api_key *key = map_get(&registry->keys, key_id);
    for (struct usage *usage = key ? key->usages : NULL; usage; usage = usage->next) {
        if (str_eq(usage->plan->id, plan_id))
            return usage;
    }
    return NULL;
}

enum {
    GRANT_MIN = 16, /* requests */
    GRANT_MAX = 65536,
    GRANT_SHARE =
        8, /* one part of so many of what is left: a crash loses less, the less there is */
    GRANT_GROWTH = 4, /* times what was used since the last grant: two seconds' worth in the end */
};

void registry_require_grants(struct registry *registry, void (*want)(void *arg), void *arg)
{
    pthread_rwlock_wrlock(&registry->lock);
    registry->want = want;
    registry->want_arg = arg;
    pthread_rwlock_unlock(&registry->lock);
}

void registry_end_grants(struct registry *registry)
{
    size_t cursor = 0;
    void *value;
    pthread_rwlock_wrlock(&registry->lock);
    registry->want = NULL;
    while (map_next(&registry->keys, &cursor, NULL, &value)) {
        const struct api_key *key = value;
        for (struct usage *usage = key->usages; usage; usage = usage->next) {
            if (atomic_load(&usage->grant))
                mark_changed(registry, usage);
        }
    }
    pthread_rwlock_unlock(&registry->lock);
}

static uint32_t clamp(uint64_t value, uint32_t least, uint32_t most)
{
    return value < least ? least : value > most ? most : (uint32_t)value;
}

/* The state up to which the usage may count next. */
static uint64_t next_grant(struct usage *usage)
{
    uint64_t state = atomic_load(&granted_counter(usage)->state);
    uint64_t now = atomic_load(&usage->grant);
    uint32_t wanted = atomic_load(&usage->wanted);
    uint32_t period = counter_period(state) > wanted ? counter_period(state) : wanted;
    uint32_t used = counter_period(state) == period ? counter_count(state) : 0;
    uint32_t seen = counter_period(usage->seen) == period ? counter_count(usage->seen) : 0;
    uint32_t before = counter_period(now) == period ? counter_count(now) : 0;
    bool is_bounded = usage->plan->quota.period != QUOTA_NONE;
    uint32_t limit = is_bounded ? quota_limit(usage, period) : UINT32_MAX;
    uint32_t left = limit > used ? limit - used : 0;
    uint32_t block = clamp((uint64_t)(used - seen) * GRANT_GROWTH, GRANT_MIN, GRANT_MAX);
    block = clamp(block, 0, left / GRANT_SHARE + (left > 0));
    usage->seen = counter_state(period, used);
    return counter_state(period, before > used + block ? before : used + block);
}

void registry_grant(struct registry *registry, const struct usage_figures *figures)
{
    pthread_rwlock_rdlock(&registry->lock);
    struct usage *usage = usage_of(registry, figures->plan_id, figures->key_id);
    if (usage) {
        bool is_bounded = usage->plan->quota.period != QUOTA_NONE;
        uint32_t period = is_bounded ? figures->quota_start : figures->day;
        uint32_t used = is_bounded ? figures->used : figures->day_used;
        uint32_t limit = is_bounded ? quota_limit(usage, period) : UINT32_MAX;
        uint32_t refill_at = figures->granted - (figures->granted - used) / 2;
        atomic_store(&usage->refill_at, figures->granted < limit ? refill_at : 0);
        atomic_store(&usage->grant, counter_state(period, figures->granted));
    }
    pthread_rwlock_unlock(&registry->lock);
}

/* --- Figures --- */

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
        .granted = counter_count(atomic_load(&usage->grant)),
    };
}

/* The counts are read before the grant is made from them, or they could be beyond it. */
static struct usage_figures figures_with_grant(struct usage *usage, struct arena *arena)
{
    struct usage_figures figures = figures_of(usage, arena);
    uint64_t grant = next_grant(usage);
    bool is_bounded = usage->plan->quota.period != QUOTA_NONE;
    uint32_t *period = is_bounded ? &figures.quota_start : &figures.day;
    uint32_t *used = is_bounded ? &figures.used : &figures.day_used;
    if (*period != counter_period(grant)) {
        /* The first request of a period waits. */
        if (!is_bounded && figures.day_used && !figures.earlier_day) {
            figures.earlier_day = figures.day;
            figures.earlier_used = figures.day_used;
        }
        *period = counter_period(grant);
        *used = 0;
        figures.bonus = bonus_of(usage, counter_period(grant));
    }
    figures.granted = counter_count(grant);
    return figures;
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
        uint32_t period = out->quota.period == QUOTA_NONE ? day : out->quota_start;
        uint64_t grant = atomic_load(&usage->grant);
        out->granted = counter_period(grant) == period ? counter_count(grant) : 0;
    }
    pthread_rwlock_unlock(&registry->lock);
    return usage;
}

bool registry_set_usage(struct registry *registry, const struct usage_figures *figures)
{
    pthread_rwlock_rdlock(&registry->lock);
    struct usage *usage = usage_of(registry, figures->plan_id, figures->key_id);
    if (usage) {
        atomic_store(&usage->grant, 0);
        atomic_store(&usage->period.state, counter_state(figures->quota_start, figures->used));
        atomic_store(&usage->bonus, counter_state(figures->quota_start, (uint32_t)figures->bonus));
        atomic_store(&usage->day.state, counter_state(figures->day, figures->day_used));
        if (figures->earlier_day) {
            atomic_store(&usage->earlier_day,
                         counter_state(figures->earlier_day, figures->earlier_used));
            mark_changed(registry, usage);
        }
    }
    pthread_rwlock_unlock(&registry->lock);
    return usage;
}

void registry_save_again(struct registry *registry, const struct usage_figures *figures)
{
    pthread_rwlock_rdlock(&registry->lock);
    struct usage *usage = usage_of(registry, figures->plan_id, figures->key_id);
    if (usage) {
        uint64_t none = 0;
        atomic_compare_exchange_strong(&usage->earlier_day, &none,
                                       counter_state(figures->earlier_day, figures->earlier_used));
        mark_changed(registry, usage);
    }
    pthread_rwlock_unlock(&registry->lock);
}

bool registry_has_changed(struct registry *registry)
{
    pthread_mutex_lock(&registry->changed_lock);
    bool has_changed = registry->changed;
    pthread_mutex_unlock(&registry->changed_lock);
    return has_changed;
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
        (*out)[count++] = figures_with_grant(usage, arena);
        atomic_store(&usage->earlier_day, 0);
    }
    pthread_mutex_unlock(&registry->changed_lock);
    pthread_rwlock_unlock(&registry->lock);
    return count;
}
