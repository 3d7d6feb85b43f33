/* The operation registry: every service is a table of operations, an operation is one row. Routing,
 * IAM, metrics and the coverage table come from the rows. */
#pragma once

#include "base/error.h"

struct arn_rules;
struct condition_key;
struct request;
struct skylite;

enum protocol {
    PROTOCOL_AWS_JSON_1_0 = 1,
    PROTOCOL_AWS_JSON_1_1 = 2,
    PROTOCOL_QUERY = 4,
    PROTOCOL_REST_JSON = 8,
    PROTOCOL_REST_XML = 16, /* S3 only: the handler reads and writes the HTTP exchange itself */
    PROTOCOL_INTERNAL = 32, /* called by another service */
    PROTOCOL_RPC_CBOR = 64, /* Smithy's RPC v2 with CBOR */
};

/* Runs on the loop of the request. Reads request->input, fills request->output (or
 * request->raw_output) and returns OK, or fills request->error and returns its code, or returns
 * ERR_PENDING and has request_finish called later. */
typedef enum err (*operation_fn)(struct request *request);

/* Makes the ARN that the IAM action is checked on, in the request's arena. Failing fails the
 * request. */
typedef enum err (*operation_resource_fn)(struct request *request, struct str *out_arn);

enum operation_flag {
    OPERATION_RAW_BODY = 1, /* REST-JSON: the body is not parsed (Lambda's Invoke) */
    OPERATION_NO_AUTH = 2,  /* may be called unsigned */
    OPERATION_NO_IAM = 4,   /* signed, but no IAM check by the row (sts:GetCallerIdentity), or the
                               handler makes its own */
    OPERATION_BULK = 8,     /* stores what callers send: refused on a disk that runs full, while
                               deletions and other control calls still have room */
    OPERATION_READ = 16,    /* only reads, maybe long: see request_read */
};

struct operation {
    const char *name; /* "PutItem" */
    operation_fn handler;
    const char *iam_action;         /* "dynamodb:PutItem" */
    operation_resource_fn resource; /* NULL: "*" */

    /* REST-JSON only. Labels in braces become members of the input ("/restapis/{restApiId}"), as do
     * all query parameters by their wire name and the members of a JSON body; "{key+}" takes the
     * rest of the path. A query parameter given more than once becomes an array. */
    const char *http_method;
    const char *http_path; /* a query part ("/apikeys?mode=import") must be there as well */
    int http_status;       /* of success; 0 is 200 */

    unsigned flags; /* enum operation_flag */
};

/* How a REST-JSON service writes an error. */
struct error_form {
    const char *message; /* the member that has the text */
    bool has_type;       /* "Type" goes before it */
};

struct service {
    const char *name;         /* "dynamodb": the folder */
    const char *signing_name; /* the service in the credential scope; what a request is routed by */
    unsigned protocols;       /* enum protocol, or-ed */
    const char *target_prefix; /* AWS JSON: X-Amz-Target before the dot, "DynamoDB_20120810"; RPC
                                  with CBOR: the service in the path */
    const char *xmlns;         /* query: the answer's namespace */
    const char *error_prefix;  /* AWS JSON: what stands before the error type,
                                  "com.amazonaws.dynamodb.v20120810#"; NULL: nothing */
    struct error_form (*error_form)(enum err code); /* REST-JSON; NULL: "message" and no type */
    enum err unavailable; /* a write that is refused because the disk is full; 0:
                             ERR_SERVICE_UNAVAILABLE */
    enum err bad_packing; /* a body that cannot be unpacked; 0: ERR_SERIALIZATION. Where it is set,
                             also other codings than gzip and deflate are refused */
    const char *server;   /* the header Server; NULL: none */
    const struct operation *operations;
    size_t operation_count;
    const struct condition_key *condition_keys; /* of the actions named after the service */
    size_t condition_key_count;
    void *self; /* the service's own state */

    /* Optional: checks request->input before the permission and the handler. Fills request->error.
     */
    enum err (*check_input)(struct request *request);

    /* Optional: where ARNs of the service's own resources come in (core/arn.h). Those of elsewhere
     * are refused before the permission and the handler. */
    const struct arn_rules *arns;

    /* Optional: the resource-based policy (JSON) of one of the service's resources, which lives as
     * long as the request; empty when it has none. */
    struct str (*resource_policy)(struct request *request, struct str resource_arn);

    /* Optional: sees every request of the service that was run, once its outcome is known. On the
     * request's loop; for metrics. */
    void (*observe)(const struct request *request, enum err rc);

    /* Optional: rewrites an error before it is written (such as DynamoDB's coral prefix for some
     * types). Returns the whole __type. */
    struct str (*error_type)(const struct request *request, enum err code);
};
