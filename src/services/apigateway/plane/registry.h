/* What the data plane knows: stages, domain names, API keys, usage plans and how much of them is
 * used up. The control plane changes it on the writer thread; requests on all loops read it under a
 * reader's lock and count with atomics, so they never wait for each other. */
#pragma once

#include <pthread.h>

#include "base/map.h"
#include "services/apigateway/plane/stage.h"

/* A throttle of a plan for one method of a stage. */
struct method_limit {
    struct str path; /* "/notes" */
    struct str verb; /* "GET" */
    struct throttle throttle;
};

/* A stage that a plan covers. */
struct plan_stage {
    struct str name; /* "API/STAGE" */
    const struct method_limit *limits;
    size_t limit_count;
};

/* A usage plan as it is to be; borrowed by registry_set_plan, which copies. */
struct plan_config {
    struct str id;
    bool is_throttled;
    struct throttle throttle;
    struct quota quota; /* QUOTA_NONE: no quota */
    const struct plan_stage *stages;
    size_t stage_count;
};

/* The use that one key makes of one plan. */
struct usage_figures {
    struct str plan_id;
    struct str key_id;
    struct quota quota;   /* as it is now */
    uint32_t quota_start; /* first day of the period that `used` is of */
    uint32_t used;        /* in that period */
    int32_t bonus;        /* more (or less) than the plan's limit, in that period */
    uint32_t day;         /* the day that `day_used` is of */
    uint32_t day_used;
    uint32_t earlier_day; /* a day before whose count was final since it was last taken, or 0 */
    uint32_t earlier_used;
    uint32_t granted; /* requests that may be admitted in that period, as was stored before */
};

struct mapping_config {
    struct str base_path; /* "" for none */
    struct str api_id;
    struct str stage; /* "": the next part of the path names it */
};

struct registry;

struct registry *registry_new(void);
void registry_free(struct registry *registry); /* NULL does nothing */

/* --- Changing it (one thread at a time) --- */

/* Takes over the caller's reference; NULL takes the stage out. */
void registry_set_stage(struct registry *registry, struct str api_id, struct str name,
                        struct stage *stage);

/* A custom domain name in lower case and where its base paths lead. */
void registry_set_domain(struct registry *registry, struct str name,
                         const struct mapping_config *mappings, size_t count);
void registry_remove_domain(struct registry *registry, struct str name);

/* Keys that are in the plan keep their buckets and counts. */
void registry_set_plan(struct registry *registry, const struct plan_config *config);
void registry_remove_plan(struct registry *registry, struct str id);

/* `plan_ids` are the plans that the key is in; unknown ones are left out. */
void registry_set_key(struct registry *registry, struct str id, struct str value, bool is_enabled,
                      const struct str *plan_ids, size_t plan_count);
void registry_remove_key(struct registry *registry, struct str id);

/* The account's own throttle, over all APIs. */
void registry_set_account_throttle(struct registry *registry, struct throttle throttle);

/* Sets counts that were saved; those of `earlier_day` are saved once more. False when the key is
 * not in the plan. */
bool registry_set_usage(struct registry *registry, const struct usage_figures *figures);

/* Sets how many requests more (or less) than its plan's limit a key may make in a period. */
void registry_set_bonus(struct registry *registry, struct str plan_id, struct str key_id,
                        uint32_t start, int32_t bonus);

/* From now on a usage admits no more requests than were granted to it by registry_grant, which is
 * for the time when the grant is in the store: a crash may lose some that were not used, but a
 * quota never admits more. `want(arg)`, on any thread, asks for registry_take_changed soon. */
void registry_require_grants(struct registry *registry, void (*want)(void *arg), void *arg);

/* No request follows. All usages with grants count as changed, so that what was not used is given
 * back when they are saved. */
void registry_end_grants(struct registry *registry);

/* Lets requests pass up to the figures' `granted`. */
void registry_grant(struct registry *registry, const struct usage_figures *figures);

/* Has the counts taken by registry_take_changed once more: they were not saved. */
void registry_save_again(struct registry *registry, const struct usage_figures *figures);

/* --- Reading it (any thread) --- */

/* With a reference for the caller; NULL when there is none. */
struct stage *registry_find_stage(struct registry *registry, struct str api_id, struct str name);

bool registry_has_domain(struct registry *registry, struct str host);

enum domain_match { DOMAIN_UNKNOWN, DOMAIN_UNMAPPED, DOMAIN_MAPPED };

/* True when the host is a custom domain name; `out` borrows from `arena`. */
enum domain_match registry_find_domain(struct registry *registry, struct str host, struct str path,
                                       struct arena *arena, struct mapping_config *out);

enum admission {
    ADMITTED,
    ADMISSION_FORBIDDEN,
    ADMISSION_THROTTLED,
    ADMISSION_QUOTA,
    ADMISSION_WAITS, /* for a grant, which was asked for; then registry_admit_again decides */
};

/* True when a request may pass, in AWS's order: API key, the plan's throttle for the method, the
 * plan's for the key, the stage's for the method, the account's, the plan's quota. `key` is what
 * was sent (looked at only when the method needs one); the key's id is copied to `arena`. */
enum admission registry_admit(struct registry *registry, const struct stage *stage,
                              struct method *method, struct str key, int64_t now_ms, int64_t now_us,
                              struct arena *arena, struct str *out_key_id);

/* True when a request that has waited for a grant may pass now. It has taken its tokens already. */
enum admission registry_admit_again(struct registry *registry, const struct stage *stage,
                                    struct str key, int64_t now_ms);

/* The use that a key makes of a plan; false when it is not in it. Text is copied to `arena`. */
bool registry_get_usage(struct registry *registry, struct str plan_id, struct str key_id,
                        int64_t now_ms, struct arena *arena, struct usage_figures *out);

bool registry_has_changed(struct registry *registry);

/* Takes the usages that changed since the last time, in `arena`, with what is to be granted to them
 * now. One thread at a time. */
size_t registry_take_changed(struct registry *registry, struct arena *arena,
                             struct usage_figures **out);
