/* One sandboxed process that runs a function, from its launch to its end. It belongs to its loop's
 * thread. It frees itself when the launcher has told its end and its listeners are closed. */
#pragma once

#include "services/lambda/failure.h"
#include "services/lambda/internal.h"
#include "services/lambda/report.h"

enum instance_state {
    INSTANCE_STARTING, /* the launcher makes its sandbox */
    INSTANCE_INIT,     /* its bootstrap runs and has not asked for work yet */
    INSTANCE_IDLE,     /* asks for work */
    INSTANCE_RUNNING,  /* has work */
    INSTANCE_ANSWERED, /* has done its work and not asked for more yet */
    INSTANCE_ENDING,   /* being killed and closed */
};

struct instance {
    struct fleet *fleet;
    struct pool *pool;
    struct function *function; /* the snapshot it was launched with */
    struct instance *next, *previous;
    struct instance *next_idle;
    enum instance_state state;
    enum instance_phase phase;
    unsigned open; /* what is still to be closed before it can be freed */

    struct http_listener *api, *endpoint;
    struct sandbox_limits limits; /* of both together */
    struct http_exchange *asking; /* its request for work, while idle */
    struct ticket *ticket;        /* its work, while running */
    int output_fd, memory_fd, process_fd;
    struct loop_watch *output_watch;  /* NULL while its log is behind */
    struct loop_timer *output_resume; /* set meanwhile */

    struct loop_timer *timer; /* fires at or before the deadline */
    int64_t timer_ms;         /* loop time at which it fires */
    int64_t deadline_ms;      /* loop time; 0: none */
    int64_t idle_since_ms;    /* loop time */
    int64_t expires_ms;       /* wall time; of its credentials */
    int64_t launched_us, started_us;
    int64_t init_us; /* to be told with the next invocation, or -1 */
    unsigned used_mb;
    int64_t used_read_us;
    struct str init_error; /* what the runtime has told of its failed start; on the heap */
    struct report report;
};

/* Has the launcher make one. Counts as starting in its pool. */
void instance_launch(struct pool *pool, enum instance_phase phase);

/* What the launcher tells of it. */
void instance_event(struct instance *instance, const struct launcher_event *event);

/* Gives an idle instance work. False when its connection is gone; the ticket is not touched then.
 */
bool instance_run(struct instance *instance, struct ticket *ticket);

/* Whether it may take (more) work: it has the function's present configuration, and credentials for
 * long enough. */
bool instance_is_current(const struct instance *instance);

/* Kills it. An invocation under way must have been finished. */
void instance_end(struct instance *instance);

/* Sets the time at which it fails; in place of any earlier deadline. */
void instance_set_deadline(struct instance *instance, int64_t after_ms);

/* --- What its runtime says (the Runtime API; instance_runtime.c) --- */

/* Answers of the Runtime API that are not a success. */
enum runtime_refusal { RUNTIME_OK, RUNTIME_BAD_STATE, RUNTIME_BAD_ID, RUNTIME_TOO_LARGE };

/* It asks for work. On RUNTIME_OK the exchange is answered when there is some. */
enum runtime_refusal instance_next(struct instance *instance, struct http_exchange *exchange);

/* The answer or error of the invocation `id`. On RUNTIME_OK `out_ticket` is the finished
 * invocation, to be handed to ticket_finish once the runtime was answered. */
enum runtime_refusal instance_answer(struct instance *instance, struct str id, struct str body,
                                     bool is_error, struct ticket **out_ticket);

/* The answer was larger than what is allowed. */
enum runtime_refusal instance_too_large(struct instance *instance, struct str id,
                                        struct ticket **out_ticket);

enum runtime_refusal instance_init_error(struct instance *instance, struct str body);

/* --- Its log (instance_log.c) --- */

void instance_log_launch(struct instance *instance);
void instance_log_failed_init(struct instance *instance, const struct failure *failure);
void instance_log_start(struct instance *instance, const struct function_invocation *invocation);

/* What went wrong, before the invocation's END. */
void instance_log_failure(struct instance *instance, const struct function_invocation *invocation,
                          const struct failure *failure);

/* END and REPORT; `failure` is NULL after success. Fills the ticket's duration and the invocation's
 * log tail. */
void instance_log_end(struct instance *instance, struct ticket *ticket,
                      const struct failure *failure);

/* Does more of its log wait to be written than should? */
bool instance_log_is_behind(const struct instance *instance);

/* Takes what the function has written so far. False at the end of the pipe. */
bool instance_drain(struct instance *instance);
