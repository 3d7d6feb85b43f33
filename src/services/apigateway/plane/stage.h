/* A deployed stage in the form that requests are served from: router, methods, integrations,
 * gateway responses, variables. It is compiled once from the stage and the deployment that it
 * points to, never changes, and is counted: whoever answers a request from it holds a reference. */
#pragma once

#include <yyjson.h>

#include "base/arena.h"
#include "services/apigateway/plane/integration.h"
#include "services/apigateway/plane/router.h"
#include "services/apigateway/plane/throttle.h"

struct metric_capability;
struct metric_series;

/* What the gateway itself can answer; the names are AWS's gateway response types. */
enum gateway_type {
#define GATEWAY_TYPE(name, status, message, error_type) GATEWAY_##name,
#include "services/apigateway/plane/gateway_types.def"
#undef GATEWAY_TYPE
    GATEWAY_TYPE_COUNT
};

struct gateway_response {
    int status; /* 0: the one of the failure */
    struct mapping_list headers;
    struct template_list bodies;
};

/* What of a method's requests goes to the execution log. */
enum logging_level { LOGGING_OFF, LOGGING_ERROR, LOGGING_INFO };

/* What CloudWatch counts; all NULL where it is not counted. */
struct gateway_metrics {
    struct metric_series *count, *client_errors, *server_errors, *latency, *integration_latency;
};

struct body_model {
    struct str type;    /* "application/json" */
    yyjson_val *schema; /* in the stage's arena; NULL: anything fits */
};

/* What has to be in a request before its integration is asked. */
struct validation {
    struct mapping *required; /* without `header` */
    size_t required_count;
    struct body_model *models;
    size_t model_count;
};

/* Who may call a method. */
enum authorization_type { AUTHORIZATION_NONE, AUTHORIZATION_IAM, AUTHORIZATION_CUSTOM };

/* A function that decides. */
struct authorizer {
    struct str id;
    bool is_token;           /* it gets one header; else the whole request */
    struct str function;     /* empty when the URI does not name one */
    struct str role;         /* whose rights it is invoked with; empty: API Gateway's own */
    struct mapping *sources; /* of the caller's identity, without target */
    size_t source_count;
    const struct regex *expression; /* that a token has to match; NULL: any does */
    int64_t ttl_ms;                 /* how long its answers are kept; 0: not at all */
};

struct method {
    struct str resource_id;
    struct str resource_path;
    struct str verb; /* as configured: "ANY" for that */
    bool is_key_required;
    enum authorization_type authorization;
    const struct authorizer *authorizer; /* of AUTHORIZATION_CUSTOM */
    struct validation validation;
    struct integration integration;
    enum logging_level logging_level;
    bool is_data_traced;            /* the log has headers and bodies as well */
    struct gateway_metrics metrics; /* by method, where the stage's settings ask for it */
    bool is_throttled;
    struct throttle throttle;
    struct bucket bucket; /* shared by all threads */

    /* Ready parts of the proxy event: up to the path, and from the stage variables into the
     * request context. */
    struct str event_head;
    struct str event_context;
};

/* How values are written in an access log, so that none of a client's can end its field. */
enum log_escape { LOG_PLAIN, LOG_JSON, LOG_XML };

/* A part of an access log's format. */
struct log_part {
    struct str text;
    bool is_variable; /* the text is the name of a variable of $context */
};

struct stage_variable {
    struct str name;
    struct str value;
};

struct stage {
    _Atomic unsigned refs;
    struct arena arena; /* everything below, itself included */
    struct str api_id;
    struct str name;
    struct str deployment_id;
    struct stage *canary;  /* its own; takes a share of the requests. NULL: there is none */
    uint32_t canary_share; /* of UINT32_MAX */
    bool is_canary;
    struct str endpoint_type; /* "REGIONAL" */
    struct str account;
    struct str region;
    struct str policy;     /* the resource policy; empty: none */
    struct str arn_prefix; /* "arn:aws:execute-api:us-east-1:000000000000:API/STAGE/" */
    struct gateway_metrics metrics;
    struct str execution_log; /* the log group */
    struct str access_log;    /* the log group; empty: none is kept */
    struct log_part *access_parts;
    size_t access_part_count;
    enum log_escape access_escape;
    bool is_endpoint_disabled;   /* execute-api hosts are refused */
    bool is_key_from_authorizer; /* not from x-api-key */
    struct router *router;
    struct authorizer *authorizers;
    size_t authorizer_count;
    yyjson_val *schemas; /* models by name, for references between them */
    struct stage_variable *variables;
    size_t variable_count;
    int64_t minimum_compression; /* bytes from which answers are packed; -1: never */
    struct str *binary_types;
    size_t binary_type_count;
    /* For each type the configured answer, that of its DEFAULT_ type, or NULL. */
    const struct gateway_response *gateway_responses[GATEWAY_TYPE_COUNT];
};

/* The documents that a stage is made of; `gateway_responses` is an object by type. */
struct stage_source {
    const struct metric_capability *metrics;
    struct str account;
    struct str region;
    yyjson_val *api;      /* as it is now: id, disableExecuteApiEndpoint */
    yyjson_val *stage;    /* as it is now */
    yyjson_val *snapshot; /* of the deployment: resources, gatewayResponses, api */
    yyjson_val *canary;   /* the same of canarySettings' deployment, or NULL */
};

/* One reference, for the caller. Never fails: what a deployment cannot serve was refused when it
 * was created, and what depends on stage variables is answered with 500. */
struct stage *stage_compile(const struct stage_source *source);

void stage_ref(struct stage *stage);
void stage_unref(struct stage *stage); /* NULL does nothing */

/* The value of a stage variable; a NULL pointer when there is none. */
struct str stage_variable(const struct stage *stage, struct str name);

/* Whether `type` ("image/png; x=y") is among the binary media types, which may hold wildcards. */
bool stage_is_binary(const struct stage *stage, struct str type);

/* "DEFAULT_4XX" to GATEWAY_DEFAULT_4XX; GATEWAY_TYPE_COUNT when it is none. */
enum gateway_type gateway_type_of(struct str name);
struct str gateway_type_name(enum gateway_type type);
int gateway_type_status(enum gateway_type type); /* 0 for the two defaults */
