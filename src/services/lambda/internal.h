/* What the service's files share: its state, and the fleets that run functions, one per loop. */
#pragma once

#include "base/buf.h"
#include "core/request.h"
#include "core/skylite.h"
#include "services/lambda/catalog.h"
#include "services/lambda/events.h"
#include "services/lambda/lambda.h"
#include "services/lambda/metrics.h"

enum {
    LAMBDA_MAX_PAYLOAD = 6 * 1024 * 1024,
    LAMBDA_MAX_RESPONSE = LAMBDA_MAX_PAYLOAD + 100, /* Lambda's own limit on answers */
    LAMBDA_ACCOUNT_CONCURRENCY = 1000,
    LAMBDA_IDLE_MS = 5 * 60 * 1000,
    LAMBDA_EVENT_RETRY_MS = 60 * 1000,
};
#define LAMBDA_MAX_TOTAL_CODE 80530636800

struct fleet;

struct lambda {
    struct skylite *skylite;
    struct launcher *launcher;
    struct service service;
    struct code_store codes;
    struct catalog catalog;
    struct metrics_table metrics;
    atomic_int running;           /* invocations, in all fleets */
    int account_concurrency;      /* how many may run */
    int64_t idle_ms;              /* after which an instance without work ends */
    int64_t event_retry_ms;       /* after which a failed event is tried again; then twice that */
    unsigned char url_secret[32]; /* signs links to packages; of this run only */
    struct fleet *fleets;         /* by loop index */
    unsigned fleet_count;

    /* lambda_shutdown */
    atomic_uint fleets_stopping;
    struct loop *stop_loop;
    struct loop_task stopped;
    void (*stop_done)(void *arg);
    void *stop_arg;
};

/* Where the store has them; the key of the catalog follows. */
#define LAMBDA_FUNCTIONS "lambda/function/"
#define LAMBDA_ALIASES   "lambda/alias/"

/* What a caller's text names: a function or a version of it, and the alias that led there. */
struct lambda_target {
    struct function *function;
    struct alias *alias; /* NULL: none */
    bool is_latest;      /* named as "$LATEST" */
};

/* Parses a function's name as callers give it; `qualifier` (may be empty) comes from a query
 * parameter. ERR_VALIDATION, or ERR_LAMBDA_INVALID_PARAMETER_VALUE when the two do not agree. The
 * parts are borrowed from the texts. */
enum err lambda_parse_name(struct str text, struct str qualifier, struct function_name *out,
                           struct error *error);

/* The same for operations whose FunctionName may be no longer than an ARN and has no dots. */
enum err lambda_parse_plain_name(struct str text, struct function_name *out, struct error *error);

struct violations;

/* Adds what is wrong with a FunctionName; `is_plain` as lambda_parse_plain_name. */
void lambda_check_name(struct violations *violations, struct str text, bool is_plain);

/* The key of the function, version or alias in the catalog and in the store: "NAME", or
 * "NAME:QUALIFIER". */
struct str lambda_key(struct arena *arena, struct function_name name);

/* Looks up what the texts name, or fails with ERR_LAMBDA_RESOURCE_NOT_FOUND and as
 * lambda_parse_name does. Of an alias with two versions one is drawn. */
enum err lambda_find(struct lambda *lambda, struct str text, struct str qualifier,
                     struct lambda_target *out, struct error *error);

/* The same for an invocation: what is missing is named with its "$LATEST". */
enum err lambda_find_to_invoke(struct lambda *lambda, struct str text, struct str qualifier,
                               struct lambda_target *out, struct error *error);

/* Gives the references back. */
void lambda_target_release(struct lambda_target *target);

/* The ARN by which the target was named. */
struct str lambda_target_arn(const struct lambda_target *target);

/* True when the invocation's principal may invoke it, by identity and resource policy. */
enum err lambda_authorize_invoke(const struct lambda *lambda, const struct lambda_target *target,
                                 const struct function_invocation *invocation, struct error *error);

/* Of lambda_find's failure: a caller who may not invoke what is missing is told that, and not
 * whether it is there. Returns the error to answer with. */
enum err lambda_hide_missing(const struct lambda *lambda, struct str text, struct str qualifier,
                             const struct principal *principal, enum err rc, struct error *error);

/* The ERR_LAMBDA_RESOURCE_NOT_FOUND of a function, version or alias that is not there. */
enum err lambda_not_found(const struct lambda *lambda, struct function_name name,
                          struct error *error);

/* The same error, for an alias. */
enum err lambda_alias_not_found(struct request *request, struct function_name name);

/* Has a pool thread remove the folders of code that nothing uses any more. */
void lambda_sweep_code(struct lambda *lambda, struct loop *loop);

/* --- Fleets --- */

/* Lambda gives a function's first start ten seconds. When that fails, it starts it once more as
 * part of the invocation, with the invocation's time. */
enum instance_phase { INSTANCE_PHASE_INIT, INSTANCE_PHASE_INVOKE };

/* An invocation that was accepted; in the invocation's arena. */
struct ticket {
    struct fleet *fleet;
    struct function_invocation *invocation;
    struct function_load *load;       /* counted there until it is over; NULL: was refused */
    struct function_metrics *metrics; /* of what was invoked */
    struct str invoked_arn;           /* with the alias, where it was invoked by one */
    int64_t duration_us;              /* once it has run; -1: it has not */
    struct ticket *next;
    struct loop_task task; /* for telling the outcome later */
};

/* The instances of one function on one loop. */
struct pool {
    struct fleet *fleet;
    struct function *function;  /* as of now; NULL when it was deleted */
    struct instance *instances; /* all */
    struct instance *idle;      /* newest first */
    struct ticket *first;       /* wait for an instance */
    struct ticket **last;
    unsigned waiting;
    unsigned starting; /* instances that have not asked for work yet */
    unsigned failed;   /* starts in a row that were no fault of the function's */
};

/* One loop's instances. Everything in it belongs to the loop's thread but for what is atomic. */
struct fleet {
    struct lambda *lambda;
    _Atomic(struct loop *) loop;   /* NULL before its first invocation */
    int channel;                   /* to the launcher, or -1 */
    struct loop_watch *watch;      /* of the channel */
    struct loop_timer *reaper;     /* NULL while there are no instances */
    struct loop_timer *patience;   /* how long invocations wait for a launcher; NULL: none does */
    struct loop_timer *again;      /* when failed starts are tried again; NULL: none is */
    struct map pools;              /* by the function's name */
    unsigned long long generation; /* of the catalog, as far as the pools know it */
    unsigned instance_count;
    unsigned starting;
    bool is_starved; /* a pool waits: too many are starting, or nothing can be started now */
    bool is_ending;  /* the launcher's instances are being ended with it: nothing is started */
    bool is_stopping;
    struct loop_task revive; /* posted when there is a launcher again */
    atomic_bool is_revive_posted;
    struct loop_task sync; /* posted when the catalog has changed */
    atomic_bool is_sync_posted;
    struct loop_task stop;
    struct event_lane events;
    struct loop_task start_events;
    unsigned char random[512]; /* for request ids, in stock */
    size_t random_left;
};

void fleet_init(struct fleet *fleet, struct lambda *lambda);

/* After its loop ended: frees what is left. */
void fleet_release(struct fleet *fleet);

/* The struct function_capability's invoke. */
void fleet_invoke(void *lambda, struct function_invocation *invocation);

/* Tells every fleet that the catalog has changed. Any thread. */
void fleet_catalog_changed(struct lambda *lambda);

/* Tells every fleet that there is a launcher again. Any thread. */
void fleet_launcher_is_back(struct lambda *lambda);

/* --- For instances --- */

/* The instance, which is idle, asks for work: it gets what waits, or is remembered. */
void pool_offer(struct pool *pool, struct instance *instance);

/* A new instance has asked for work for the first time. */
void pool_started(struct pool *pool);

/* A new instance did not get so far. Those who wait get another one in `phase`. */
void pool_not_started(struct pool *pool, enum instance_phase phase);

/* The same, but it was no fault of the function's: it is tried again a little later, or when there
 * is a launcher. False: that was often enough, somebody who waits shall be told. Nothing is changed
 * then. */
bool pool_try_again(struct pool *pool, bool is_launcher_gone);

/* An instance is gone for good. */
void pool_shrunk(struct pool *pool);

/* Takes the invocation that has waited longest; NULL when there is none. */
struct ticket *pool_take(struct pool *pool);

/* Closes the account of an invocation and calls its `done`: now, or in the loop's next round. */
void ticket_finish(struct ticket *ticket);
void ticket_finish_later(struct ticket *ticket);
