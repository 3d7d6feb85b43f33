/* The tables themselves, for the two files that work on them. */
#pragma once

#include <stdatomic.h>

#include "services/apigateway/plane/registry.h"

enum { REGISTRY_NAME_MAX = 512 };

struct domain {
    struct arena arena;
    struct mapping_config *mappings;
    size_t count;
};

struct covered_stage {
    struct plan_stage config;
    size_t first_bucket; /* of its limits, in usage->method_buckets */
};

struct plan {
    struct str id;
    struct arena arena; /* what follows; replaced when the plan changes */
    bool is_throttled;
    struct throttle throttle;
    struct quota quota;
    struct covered_stage *stages;
    size_t stage_count;
    size_t bucket_count;
};

/* A key in a plan. Its members after `next` are counted on under the reader's lock. What a request
 * touches comes first, in one cache line. */
struct usage {
    struct plan *plan;
    struct usage *next; /* of the same key */
    struct bucket bucket;
    struct counter period; /* by first day of the quota's period */
    struct counter day;
    _Atomic uint64_t grant;     /* as a state of the counter that it bounds */
    _Atomic uint32_t refill_at; /* the count at which more is asked for; 0: there is no more */
    _Atomic bool is_changed;    /* in the list of changed ones */
    _Atomic uint64_t bonus;     /* as a counter's state; the count is signed */
    _Atomic uint32_t wanted;    /* the period that a request waits in for a grant */
    uint64_t seen;              /* the counter's state when the last grant was made */
    struct bucket *method_buckets;
    _Atomic uint64_t earlier_day; /* the state of `day` before it started over */
    struct api_key *key;
    struct usage *next_changed;
};

/* In one piece of memory with its texts. */
struct api_key {
    struct str id;
    struct str value;
    struct usage *usages;
    bool is_enabled;
};

struct registry {
    pthread_rwlock_t lock;
    struct map stages;        /* "API/STAGE" to struct stage */
    struct map domains;       /* lower-case name to struct domain */
    struct map plans;         /* id to struct plan */
    struct map keys;          /* id to struct api_key */
    struct map keys_by_value; /* the same ones */
    struct throttle account_throttle;
    struct bucket account_bucket;

    void (*want)(void *arg); /* NULL: requests need no grants */
    void *want_arg;

    pthread_mutex_t changed_lock; /* guards the list; taken inside `lock` */
    struct usage *changed;
};

struct str registry_stage_name(char buffer[static REGISTRY_NAME_MAX], struct str api_id,
                               struct str name);
