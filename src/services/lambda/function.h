/* A function as the data plane sees it: an immutable snapshot of its stored documents, shared by
 * reference between threads. */
#pragma once

#include <stdatomic.h>

#include "core/arn.h"
#include "core/capabilities.h"
#include "services/lambda/code.h"
#include "wire/json.h"

/* How a caller names a function. */
struct function_name {
    struct str name;
    struct str qualifier;   /* version or alias; empty when there is none */
    struct arn_parts owner; /* without resource; region and account are empty where not given */
};

/* Parses a name, "function:NAME", "ACCOUNT:function:NAME" or an ARN, each with ":QUALIFIER" or
 * without. A name may have dots, though no function has. False when it is none of them. No
 * allocation. */
bool function_name_parse(struct str text, struct function_name *out);

/* Whether `text` is letters, digits, '-' and '_' only. */
bool function_is_name(struct str text);

/* A statement that lets an AWS service invoke the function. */
struct service_grant {
    struct str service;        /* "apigateway.amazonaws.com", or "*" */
    struct str source_arn;     /* an ARN with wildcards; empty: any */
    struct str source_account; /* empty: any */
};

/* Who may invoke a function, a version or an alias of it. In the arena of what it belongs to. */
struct resource_policy {
    struct str text; /* JSON, or empty */
    struct service_grant *grants;
    size_t grant_count;
};

/* How many invocations of a function run, of all its versions and on all loops; outlives snapshots.
 */
struct function_load {
    atomic_uint refs;
    atomic_int running;
    atomic_int reserved; /* concurrency; -1: none */
};

/* A function's newest state ($LATEST), or a published version of it. */
struct function {
    atomic_uint refs;
    struct arena arena; /* holds what follows */
    struct code *code;  /* NULL: its package is lost, and it cannot run */
    struct function_load *load;

    struct str key;        /* "NAME", or "NAME:VERSION" of a published version */
    struct str name;       /* of the function */
    struct str version;    /* "$LATEST" or a number */
    struct str arn;        /* with the version, where it is a published one */
    struct str latest_arn; /* with "$LATEST"; empty of a published version */
    yyjson_val *document;  /* as stored: {"Configuration":{...},"Tags":{...},...} */
    struct str generation; /* another one with each change of what runs */
    struct str handler, runtime, role;
    struct str log_group, log_format;       /* "Text" or "JSON" */
    struct str log_level, system_log_level; /* of JSON; else NULL pointers */
    yyjson_val *variables;                  /* an object, or NULL */
    unsigned timeout_s, memory_mb, tmp_mb;
    struct resource_policy policy;
};

/* Builds a snapshot from the stored texts. `code` (may be NULL) and `load` are taken over. `policy`
 * ({"Policy":{...},"RevisionId":"..."}) may be empty. NULL when the document is not one of ours. */
struct function *function_new(struct str key, struct str document, struct str policy,
                              struct code *code, struct function_load *load);
void function_ref(struct function *function);
/* NULL does nothing. */
void function_unref(struct function *function);

struct function_load *function_load_new(void);
void function_load_ref(struct function_load *load);
void function_load_unref(struct function_load *load);

/* A name for one version of a function, or for two with a share of the invocations each. Immutable
 * and shared, as functions are. */
struct alias {
    atomic_uint refs;
    struct arena arena; /* holds what follows */
    struct str key;     /* "NAME:ALIAS" */
    struct str arn;
    yyjson_val *document;   /* as GetAlias answers it */
    struct str version_key; /* of the function snapshot that it stands for */
    struct str second_key;  /* of the one that gets `second_weight` of the invocations, or empty */
    double second_weight;   /* 0 to 1 */
    struct resource_policy policy;
};

/* Builds a snapshot from the stored texts. NULL when the document is not one of ours. */
struct alias *alias_new(struct str key, struct str document, struct str policy);
void alias_ref(struct alias *alias);
/* NULL does nothing. */
void alias_unref(struct alias *alias);

/* Whether the policy lets this service invoke from that source. */
bool resource_policy_lets_service(const struct resource_policy *policy, struct str service,
                                  struct str source_arn);

/* Whether `arn` matches a pattern in which '*' and '?' stand for parts of one of the six
 * colon-separated sections (the ArnLike condition). */
bool arn_like(struct str pattern, struct str arn);
