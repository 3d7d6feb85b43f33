/* One request to a deployed API on its way through the gateway, and what templates, mappings and
 * logs can say about it. It lives in its exchange's arena and belongs to the exchange's thread. */
#pragma once

#include "base/buf.h"
#include "core/principal.h"
#include "io/http.h"
#include "services/apigateway/plane/stage.h"
#include "wire/json.h"

/* What host and path say before anything is looked up. */
struct address {
    enum { ADDRESS_NONE, ADDRESS_API, ADDRESS_DOMAIN } kind;
    struct str api_id;     /* of ADDRESS_API */
    struct str stage_name; /* of ADDRESS_API; empty when the path ends before it */
    struct str domain;     /* host without port */
    struct str path;       /* of ADDRESS_API behind the stage, of ADDRESS_DOMAIN all of it */
    struct str sent_path;  /* of ADDRESS_API, from the stage on, with all slashes as sent */
};

/* What a Lambda authorizer has said of a caller. */
struct authorized {
    struct str principal_id;
    struct str policy;
    struct str usage_key; /* a NULL pointer for none */
    yyjson_val *context;  /* an object of texts, numbers and truth values; NULL for none */
    int64_t latency_ms;   /* of asking it; 0 where the answer was known */
};

/* One of the steps by which it is decided whether a call goes on. */
struct decision {
    int status;       /* 200, or what the caller was refused with; 0: the step was not taken */
    int64_t us;       /* how long it took */
    struct str error; /* why it was refused; a NULL pointer: it was not */
};

struct lane;
struct trial;
struct log_line;
struct log_capability;

struct api_call {
    struct http_exchange *exchange;
    struct arena *arena;       /* the exchange's */
    const struct stage *stage; /* NULL when there is none; the exchange holds a reference */
    struct method *method;     /* NULL before it is routed */
    struct route route;

    struct str domain_name;
    struct str domain_prefix;
    struct str resource_path; /* what is routed: behind stage or base path */
    struct str event_path;    /* the event's "path": with the base path of a mapping */
    struct str context_path;  /* $context.path: with stage or base path */
    struct str base_path;     /* of the mapping of a domain name; else empty */

    struct decision authentication; /* by a signature */
    struct decision authorization;  /* by policies */
    struct decision authorizer;     /* by a function */
    int64_t authorizer_started_us;  /* clock_mono_us */
    int authorizer_lambda_status;   /* of Lambda; 0: the function was not asked */
    struct str authorizer_id;       /* the request id there */

    int64_t now_ms;
    int64_t now_us;                      /* clock_mono_us */
    struct str request_id;               /* a UUID */
    struct str extended_id;              /* x-amz-apigw-id */
    struct str trace_id;                 /* "Root=1-..."; made when an integration needs it */
    struct str request_time;             /* "09/Apr/2015:12:34:56 +0000" */
    unsigned port;                       /* where the server listens */
    const struct authorized *authorized; /* what an authorizer said; NULL: none was asked */
    const struct principal *principal;   /* who has signed it; NULL: it is not asked for */
    struct str api_key;                  /* set once the key was checked; else NULL pointers */
    struct str api_key_id;

    /* Set when the gateway itself answers. */
    enum gateway_type error_type;
    struct str error_message; /* NULL pointer: no error */
    struct str error_name;    /* x-amzn-ErrorType; a NULL pointer: the type's own */
    struct str
        validation_error; /* why a request validator refused it; a NULL pointer: it did not */

    /* What mapping templates have set under $context.requestOverride and .responseOverride. */
    const struct velocity_override *overrides;
    size_t override_count;

    /* Of the integration, once it has answered. */
    int64_t integration_started_us; /* clock_mono_us; 0: it was not asked */
    int64_t integration_us;         /* how long it took; -1: it has not answered */
    int integration_status;         /* of the service that was asked; 0: none */
    int function_status;            /* what the function said; 0: nothing */
    struct str integration_id;      /* the request id there */
    struct str integration_error;   /* a NULL pointer for none */

    /* Of the answer, once it is given. */
    int status;
    size_t response_length;

    struct trial *trial; /* NULL for calls of clients */
    const struct log_capability *logs;
    const struct metric_capability *metrics;
    struct lane *lane;
    struct log_line *log_first, *log_last; /* of the execution log so far */
    size_t log_count;
};

/* Which API or domain an exchange is for. ADDRESS_DOMAIN only says that it might be: the host has
 * to be looked up. The domain is in lower case, in `arena` where that makes a difference. */
struct address address_of(const struct http_exchange *exchange, struct arena *arena);

/* A variable of $context such as "requestId" or "identity.sourceIp". A NULL pointer when there is
 * no such variable; the empty string when it has no value in this call. */
struct str call_context(const struct api_call *call, struct str name);

/* The names right below one of $context ("identity") by their index; false at the end. */
bool call_context_at(const struct api_call *call, struct str name, size_t index, struct str *out);

/* A parameter of the request by source and name; a NULL pointer when it was not given. */
struct str call_parameter(const struct api_call *call, enum mapping_source source, struct str name);

/* --- Mappings --- */

/* Which way a mapping goes: its targets and sources depend on it. */
enum mapping_side {
    MAPPING_OF_REQUEST,  /* integration.request.{header,querystring,path}.X */
    MAPPING_OF_RESPONSE, /* method.response.header.X */
    MAPPING_OF_GATEWAY,  /* gatewayresponse.header.X */
};

/* Parses a target and the expression that gives its value. False when either is not valid here. */
bool mapping_parse(enum mapping_side side, struct str target, struct str expression,
                   struct mapping *out);

/* Parses the source alone ("method.request.querystring.limit") into `out`'s source and value. */
bool mapping_source_parse(struct str expression, struct mapping *out);

/* What mappings and templates take values from. */
struct mapping_input {
    const struct api_call *call;
    struct str body; /* of the request, or of the integration's answer */
    /* The integration's answer; NULL and 0 on the way to it. */
    const struct http_header *headers;
    size_t header_count;
    bool is_parsed; /* `json` is set, or the body is none */
    yyjson_val *json;
};

/* Fills `out` with the values, MAPPING_MAX_VALUES at most: one, or as many as a source of the
 * multi-value kind has. Returns how many. */
enum { MAPPING_MAX_VALUES = 32 };
size_t mapping_values(struct mapping_input *input, const struct mapping *mapping,
                      struct str out[MAPPING_MAX_VALUES]);

/* The headers that the list gives, in the call's arena; returns how many. Values that could not
 * stand in a header are left out. */
size_t mapping_headers(struct mapping_input *input, const struct mapping_list *list,
                       struct http_header **out);

/* --- Plain templates --- */

/* The length of the dotted name that `text` starts with; a dot that no name follows does not count.
 */
size_t template_name_len(struct str text);

/* Replaces $context.x, $stageVariables.x and $method.request.{header,querystring,path}.x (also in
 * braces): all that gateway responses know. What is none of these stays as it is. */
struct str template_expand(const struct api_call *call, struct str text);

/* The body for what the client accepts: the exact type, else "application/json", else the first.
 * NULL for an empty list. */
const struct body_template *template_choose(const struct template_list *list, struct str accept);

/* Answers with the gateway's own response of that type, as the stage has configured it. `status` 0
 * is the type's own; `message` (NULL: the type's own). */
void call_fail(struct api_call *call, enum gateway_type type, int status, const char *message);

/* Answers with the integration's response. Adds the headers that every answer has. */
void call_reply(struct api_call *call, int status, const struct http_header *headers,
                size_t header_count, struct str body);

/* True for a non-empty name of token characters (RFC 9110), and for a value without control
 * characters. */
bool header_name_is_valid(struct str name);
bool header_value_is_valid(struct str value);
