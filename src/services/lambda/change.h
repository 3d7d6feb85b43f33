/* A change of one function: read, changed and written back on the writer thread, and shown to the
 * loops when it is durable. */
#pragma once

#include "services/lambda/internal.h"

struct change;

/* Checks the stored state and changes it. On the writer thread; fills request->error. */
typedef enum err (*change_fn)(struct request *request, struct change *change);

struct change {
    struct lambda *lambda;
    struct str name;
    change_fn apply;

    /* As stored, for `apply` to change, in request->doc; NULL when there is none. */
    yyjson_mut_val *document;
    yyjson_mut_val *configuration; /* in the document */
    yyjson_mut_val *policy;        /* {"Policy":{...},"RevisionId":"..."} */
    bool is_removed;               /* set by `apply` */
    bool is_dry_run;               /* nothing is written */

    /* New code, when there is some. */
    struct code *code; /* a reference, passed on to the snapshot */
    struct str code_id;
    struct str code_sha256; /* in base64 */
    struct str zip;

    struct str document_text, policy_text; /* as written: for the snapshot */
};

/* Starts the change of the function that the input names: the path's FunctionName, without
 * qualifier. Fails as lambda_find does when the name is malformed. */
enum err change_new(struct request *request, change_fn apply, struct change **out);

/* Writes it and then calls `after`. Returns ERR_PENDING, for the handler to return. */
enum err change_start(struct request *request, struct change *change,
                      enum err (*after)(struct request *request));

/* ERR_LAMBDA_RESOURCE_NOT_FOUND unless the function is there. For change_fn. */
enum err change_must_exist(struct request *request, const struct change *change);

/* ERR_LAMBDA_PRECONDITION_FAILED when the input has a RevisionId that is not `current`. */
enum err change_check_revision(struct request *request, struct str current);

/* New RevisionId and LastModified. */
void change_touch(struct request *request, struct change *change);

/* Fills in the new code's size and hash, and that it is the function's. */
void change_set_code(struct request *request, struct change *change);

/* Answers with the configuration. */
enum err change_answer(struct request *request);

/* --- New code --- */

/* Takes the package out of `source` (ZipFile, or S3Bucket and S3Key), unpacks it on a pool thread
 * into change->code and then starts the change. Returns what the handler is to return. */
enum err change_with_code(struct request *request, struct change *change, yyjson_val *source,
                          enum err (*after)(struct request *request));

/* --- Keys in the store --- */

struct str lambda_function_key(struct arena *arena, struct str name);
struct str lambda_policy_key(struct arena *arena, struct str name);
struct str lambda_code_key(struct arena *arena, struct str code_id);
