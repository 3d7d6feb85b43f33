/* A function as the data plane sees it: an immutable snapshot of its stored documents, shared by
 * reference between threads. */
#pragma once

#include <stdatomic.h>

#include "core/capabilities.h"
#include "services/lambda/code.h"
#include "wire/json.h"

/* How a caller names a function. */
struct function_name {
    struct str name;
    struct str qualifier; /* version or alias; empty when there is none */
};

/* Parses a name, "function:NAME", "ACCOUNT:function:NAME" or an ARN, each with ":QUALIFIER" or
 * without. False when it is none of them. No allocation. */
bool function_name_parse(struct str text, struct function_name *out);

/* Whether `text` is letters, digits, '-' and '_' only. */
bool function_is_name(struct str text);

/* A statement that lets an AWS service invoke the function. */
struct service_grant {
    struct str service;        /* "apigateway.amazonaws.com", or "*" */
    struct str source_arn;     /* an ARN with wildcards; empty: any */
    struct str source_account; /* empty: any */
};

/* How many invocations of it run, on all loops; outlives snapshots. */
struct function_load {
    atomic_uint refs;
    atomic_int running;
};

struct function {
    atomic_uint refs;
    struct arena arena; /* holds what follows */
    struct code *code;  /* NULL: its package is lost, and it cannot run */
    struct function_load *load;

    struct str name, arn;
    yyjson_val *document; /* as stored: {"Configuration":{...},"Tags":{...},...} */
    struct str revision_id;
    struct str handler, runtime, role, log_group;
    yyjson_val *variables; /* an object, or NULL */
    unsigned timeout_s, memory_mb, tmp_mb;
    int reserved; /* concurrency; -1: none */

    struct str policy; /* the resource policy as JSON, or empty */
    struct service_grant *grants;
    size_t grant_count;
};

/* Builds a snapshot from the stored texts. `code` (may be NULL) and `load` are taken over. `policy`
 * ({"Policy":{...},"RevisionId":"..."}) may be empty. NULL when the document is not one of ours. */
struct function *function_new(struct str name, struct str document, struct str policy,
                              struct code *code, struct function_load *load);
void function_ref(struct function *function);
/* NULL does nothing. */
void function_unref(struct function *function);

struct function_load *function_load_new(void);
void function_load_ref(struct function_load *load);
void function_load_unref(struct function_load *load);

/* Whether the resource policy lets this service invoke it from that source. */
bool function_lets_service(const struct function *function, struct str service,
                           struct str source_arn);

/* Whether `arn` matches a pattern in which '*' and '?' stand for parts of one of the six
 * colon-separated sections (the ArnLike condition). */
bool arn_like(struct str pattern, struct str arn);
