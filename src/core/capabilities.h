/* What services offer each other: small structs of functions, each implemented by one service and
 * connected in main.c. A function whose comment says nothing of threads may be called on any loop.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "core/own_call.h"
#include "core/principal.h"
#include "io/loop.h"

/* --- IAM --- */

/* The values that a call gives a condition key, such as aws:TagKeys; none when it has no such key.
 */
struct condition_values {
    struct arena *arena; /* of the evaluation; what is made for the values may live there */
    struct str *list;
    size_t count, room;
};

void condition_values_add(struct condition_values *values, struct str value);

struct authorization {
    const struct principal *principal;
    struct str action;   /* "dynamodb:PutItem" */
    struct str resource; /* an ARN, or "*" */
    /* A resource-based policy (JSON) that applies as well, or empty. */
    struct str resource_policy;
    /* The ARN that a service acts for, such as the method that a function is called for
     * (aws:SourceArn); or empty. */
    struct str source_arn;
    /* Adds the values of a condition key that the caller's identity does not tell. Only asked for
     * keys that a policy of the call names, inside the call of authorize. NULL: there are none. */
    void (*find_values)(const struct authorization *authorization, struct str key,
                        struct condition_values *out);
    const void *find_arg; /* find_values' own */
};

struct credentials {
    struct str access_key_id;
    struct str secret_access_key;
    struct str session_token;
    int64_t expires_ms; /* 0: never */
};

/* A role that a service asks for. */
struct role_assumption {
    struct str role_arn;
    struct str service;    /* "lambda.amazonaws.com" */
    struct str source_arn; /* what the service acts for (aws:SourceArn), or empty */
    struct str session_name;
    int64_t duration_s;
};

struct iam_capability {
    void *self;

    /* The secret and the principal behind an access key. `session_token` is empty for long-term
     * keys. All in `arena`. ERR_UNRECOGNIZED_CLIENT or ERR_INVALID_CLIENT_TOKEN_ID when there is
     * none (or it is inactive), ERR_EXPIRED_TOKEN. */
    enum err (*find_key)(void *self, struct str access_key_id, struct str session_token,
                         struct arena *arena, struct str *out_secret,
                         struct principal *out_principal, struct error *error);

    /* OK, or ERR_ACCESS_DENIED_EXCEPTION with AWS's message ("User: ARN is not authorized to
     * perform: ACTION on resource: ARN because ..."). */
    enum err (*authorize)(void *self, const struct authorization *authorization,
                          struct error *error);

    /* The same for a caller whom IAM does not know, with `policy` (JSON, of the identity-based
     * kind) instead of what IAM has. ERR_IAM_MALFORMED_POLICY_DOCUMENT when it is none. */
    enum err (*authorize_by)(void *self, struct str policy,
                             const struct authorization *authorization, struct error *error);

    /* Checks a policy that a service is asked to attach to a resource of its own by IAM's grammar;
     * ERR_IAM_MALFORMED_POLICY_DOCUMENT with IAM's message. */
    enum err (*check_resource_policy)(void *self, struct str policy, struct error *error);

    /* Temporary credentials for a role, when its trust policy lets the service assume it; in
     * `arena`. */
    enum err (*assume_role_for_service)(void *self, const struct role_assumption *asked,
                                        struct arena *arena, struct credentials *out,
                                        struct error *error);
};

/* --- Lambda --- */

/* One synchronous invocation. The caller owns it and its arena until `done` is called, on `loop`.
 */
struct function_invocation {
    struct loop *loop;
    struct arena *arena;
    struct str function; /* name, name:qualifier, or ARN */
    struct str payload;  /* stays until done */
    /* Who invokes; Lambda checks lambda:InvokeFunction for it against identity and resource policy.
     */
    const struct principal *principal;
    enum own_call own_call; /* unless OWN_CALL_NONE, `principal` is NULL and nobody is judged */
    struct str source_arn;  /* of a service: what invokes, such as an execute-api ARN */
    /* As of struct authorization, of the call that asks for it; NULL: of no call. */
    void (*find_values)(const struct authorization *authorization, struct str key,
                        struct condition_values *out);
    const void *find_arg;
    struct str trace_id;       /* X-Amzn-Trace-Id, or empty */
    struct str client_context; /* base64 as sent, or empty */
    struct str request_id;     /* of an invocation that is tried again; empty: a new one is made */
    bool want_log_tail;
    void (*done)(struct function_invocation *invocation);
    void *arg;

    /* Outcome, in `arena`. rc is OK also when the function itself failed: then `function_error` is
     * "Unhandled" or "Handled". */
    enum err rc;
    struct error error;
    struct str executed_version; /* "$LATEST" or a number; as far as the function was found */
    struct str payload_out;
    struct str function_error;
    struct str log_tail; /* base64, the last 4 KB */
    bool is_timeout;     /* the function did not answer in its time */

    struct function_invocation *next; /* Lambda's own */
};

struct function_capability {
    void *self;
    /* Starts it; `done` is always called later, never inside the call. On invocation->loop. */
    void (*invoke)(void *self, struct function_invocation *invocation);
};

/* --- CloudWatch Logs --- */

struct log_event {
    int64_t timestamp_ms;
    struct str message;
};

struct log_capability {
    void *self;
    /* Appends events to a stream, making group and stream when they are missing. Copies; never
     * blocks; written to the store shortly after. Any thread. */
    void (*append)(void *self, struct str group, struct str stream, const struct log_event *events,
                   size_t count);

    /* Does so much of a group wait to be written that who can should wait too? Far beyond, events
     * are dropped. Any thread. */
    bool (*is_behind)(void *self, struct str group);
};

/* --- CloudWatch metrics --- */

struct metric_dimension {
    struct str name, value;
};

/* A metric of a service. */
struct metric_definition {
    const char *space; /* "AWS/Lambda" */
    const char *name;  /* "Duration" */
    const char *unit;  /* "Milliseconds" */
    const struct metric_dimension *dimensions;
    size_t dimension_count;
    /* Sets of dimensions under which values count as well: how many of the leading ones. */
    size_t also[2];
    size_t also_count;
};

struct metric_series;
struct service;
struct operation;

struct metric_capability {
    void *self;

    /* A series to add values to. It is the same one for the same definition, and stays until the
     * server ends. Takes a lock: keep what it returns. */
    struct metric_series *(*open)(void *self, const struct metric_definition *definition);

    /* Adds a value to the present minute. Never blocks, and costs less than writing to memory that
     * other threads use: for every request. */
    void (*add)(struct metric_series *series, double value);

    /* Counts an answered request of an AWS API, for Prometheus only; `operation` is NULL when there
     * is no such one. Never blocks. Any thread. */
    void (*count_request)(void *self, const struct service *service,
                          const struct operation *operation, int status);

    /* What was counted since the start, in the text format of Prometheus; in `arena`. */
    struct str (*expose)(void *self, struct arena *arena);
};

/* Both do nothing where there is no CloudWatch (in tools and tests). */
static inline struct metric_series *metric_open(const struct metric_capability *metrics,
                                                const struct metric_definition *definition)
{
    return metrics->open ? metrics->open(metrics->self, definition) : NULL;
}

static inline void metric_add(const struct metric_capability *metrics, struct metric_series *series,
                              double value)
{
    if (series)
        metrics->add(series, value);
}

/* --- Deployment packages (S3) --- */

struct package_capability {
    void *self;
    /* An object's bytes in `arena`. ERR_S3_NO_SUCH_BUCKET, ERR_S3_NO_SUCH_KEY. */
    enum err (*get)(void *self, struct str bucket, struct str key, struct arena *arena,
                    struct str *out, struct error *error);
};
