/* The running server: its configuration, its loops, its store, its services and what they offer
 * each other. */
#pragma once

#include "core/capabilities.h"
#include "core/health.h"
#include "core/limits.h"
#include "core/operation.h"
#include "io/http.h"
#include "io/loop.h"
#include "io/reach.h"
#include "io/workers.h"
#include "store/store.h"

#define SKYLITE_MAX_SERVICES 16
#define SKYLITE_MAX_LOOPS    LIMITS_MAX_LOOPS

enum auth_mode { AUTH_SIGV4, AUTH_ANY };

struct skylite_config {
    const char *data_dir;
    const char *listen_address; /* "127.0.0.1" */
    uint16_t listen_port;       /* as asked for; 0: any */
    unsigned thread_count;
    size_t memory; /* bytes for bodies and answers in flight */
    enum store_durability durability;
    enum auth_mode auth;
    bool is_sandboxed;       /* false for --sandbox=none */
    struct str region;       /* "us-east-1" */
    struct str account;      /* "000000000000" */
    int64_t log_quota_bytes; /* of a log group; 0: none */
    struct reach reach;      /* where HTTP integrations may go */
};

/* The data plane of deployed APIs, asked first for every HTTP request. True when it took the
 * exchange (and will answer it). */
struct api_capability {
    void *self;
    bool (*handle)(void *self, struct http_exchange *exchange);
    /* The body limit of what it would take; 0 when it would not take it. */
    size_t (*body_limit)(void *self, const struct http_exchange *exchange);
    /* Answers what the server itself refuses (413); false when it is not one of its own. */
    bool (*reject)(void *self, struct http_exchange *exchange, int status);
};

struct skylite {
    struct skylite_config config;
    struct health health;
    struct store *store;
    struct loop *loops[SKYLITE_MAX_LOOPS];
    unsigned loop_count;
    struct limits limits;
    uint16_t port;           /* where it listens */
    struct workers *workers; /* for long reads; NULL: they are run where they come in */

    const struct service *services[SKYLITE_MAX_SERVICES];
    size_t service_count;

    struct iam_capability iam;
    struct function_capability functions;
    struct log_capability logs;
    struct metric_capability metrics;
    struct package_capability packages;
    struct api_capability apis;
};

/* "arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE" of this server. */
struct str skylite_arn(const struct skylite *skylite, struct arena *arena, const char *service,
                       struct str resource);

/* Adds a service; before the loops start. */
void skylite_add_service(struct skylite *skylite, const struct service *service);

/* The front door: http_listener_options whose arg is the struct skylite, for the main listener of a
 * loop and for the AWS endpoint inside a sandbox. */
struct http_listener_options front_door_options(struct skylite *skylite, unsigned loop_index);
struct http_listener_options front_door_options_in_sandbox(struct skylite *skylite,
                                                           unsigned loop_index,
                                                           struct sandbox_limits *limits);

/* A listener that gives the figures for Prometheus to whoever reaches it, and nothing else. */
struct http_listener_options front_door_options_for_metrics(struct skylite *skylite);
