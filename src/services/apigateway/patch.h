/* PATCH: lists of operations on paths of a document, as API Gateway has them. Each kind of resource
 * has a table of the paths that it lets change; a path that is not in it is an error in AWS's
 * words. https://docs.aws.amazon.com/apigateway/latest/api/patch-operations.html */
#pragma once

#include "services/apigateway/internal.h"

enum patch_op_kind {
    PATCH_ADD = 1,
    PATCH_REMOVE = 2,
    PATCH_REPLACE = 4,
    PATCH_COPY = 8,
    PATCH_MOVE = 16,
    PATCH_TEST = 32,
};

#define PATCH_MAX_PARTS 8

struct patch_op {
    enum patch_op_kind op;
    struct str path; /* a NULL pointer when it was not given, as the next two */
    struct str value;
    struct str from;
    struct str parts[PATCH_MAX_PARTS]; /* between the slashes, ~1 and ~0 decoded */
    struct str raw[PATCH_MAX_PARTS];   /* the same, not decoded */
    size_t part_count;                 /* 0 when the path is none, or has too many parts */
};

/* The document being changed. */
struct patch_target {
    struct request *request;
    struct view view;
    yyjson_mut_doc *doc;
    yyjson_mut_val *object;
};

typedef enum err (*patch_fn)(struct patch_target *target, const struct patch_op *op);

enum patch_kind {
    PATCH_STRING,
    PATCH_BOOL,
    PATCH_INTEGER,
    PATCH_DOUBLE,
    PATCH_SET,    /* the last part names an element of the list before it */
    PATCH_CUSTOM, /* `apply` does it */
};

/* What may be changed. A part of `path` in braces stands for any one part; the member that is
 * changed has the path of the operation. */
struct patch_rule {
    const char *path;
    unsigned ops; /* enum patch_op_kind, or-ed */
    enum patch_kind kind;
    patch_fn apply;
    /* Of an entry in a map: what to say (404) when it is to be replaced or removed and there is
     * none. NULL: nothing. */
    const char *missing;
};

enum patch_style {
    PATCH_STYLE_SHORT,  /* "Invalid patch path /x" */
    PATCH_STYLE_LISTED, /* "Invalid patch path  '/x' specified for op 'replace'. Must be one of:
                           [...]" */
};

struct patch_table {
    const struct patch_rule *rules;
    size_t count;
    enum patch_style style;
    const char *listing; /* of PATCH_STYLE_LISTED: the paths; NULL: from the rules */
};

#define PATCH_TABLE(rules, style, listing)                                                         \
    {                                                                                              \
        rules, sizeof(rules) / sizeof((rules)[0]), style, listing                                  \
    }

/* A ValidationException for operations that there are not, all of them together, and for `more`,
 * another violation in AWS's words, where that is not empty. */
enum err patch_check(struct request *request, struct str more);

/* Reads input.patchOperations; a ValidationException for operations that there are not. */
enum err patch_read(struct request *request, struct patch_op **out, size_t *out_count);

/* Reads them and applies them in order to `target->object`. */
enum err patch_apply(struct patch_target *target, const struct patch_table *table);

/* The whole of a PATCH that has no rules beyond its table: loads `key`, patches, sets
 * lastUpdatedDate where the document has it, saves and answers. `missing` is said (404) when there
 * is no document. */
enum err patch_document(struct request *request, struct store_txn *txn, struct str key,
                        const struct patch_table *table, const char *missing);

/* "replace" */
const char *patch_op_name(enum patch_op_kind kind);

/* "true" (in any case) is true, all else false, as AWS reads them. */
bool patch_bool(struct str value);

/* Decodes ~1 and ~0. */
struct str patch_decode(struct arena *arena, struct str part);
