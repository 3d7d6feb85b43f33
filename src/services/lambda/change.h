/* A change of one function, published version or alias: read, changed and written back on the
 * writer thread, and shown to the loops when it is durable. */
#pragma once

#include "services/lambda/internal.h"

struct change;

/* Checks the stored state and changes it. On the writer thread; fills request->error. */
typedef enum err (*change_fn)(struct request *request, struct change *change);

/* A published version that a change makes. */
struct published {
    yyjson_mut_val *configuration; /* NULL: none */
    struct str key, text;
};

struct change {
    struct lambda *lambda;
    struct function_name name;
    struct str key; /* as lambda_key makes it */
    bool is_alias;
    change_fn apply;
    struct store_txn *txn; /* for `apply` */

    /* As stored, for `apply` to change, in request->doc; NULL when there is none. */
    yyjson_mut_val *document;
    yyjson_mut_val *configuration; /* in a function's document */
    yyjson_mut_val *policy;        /* {"Policy":{...},"RevisionId":"..."} */
    bool is_removed;               /* set by `apply` */
    bool is_dry_run;               /* nothing is written */
    struct published published;

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

/* The same for a function that another member names. */
enum err change_new_of(struct request *request, change_fn apply, struct str text,
                       struct change **out);

/* Starts the change of what FunctionName and `qualifier` name together: a function, a version or an
 * alias. */
enum err change_new_qualified(struct request *request, change_fn apply, struct str qualifier,
                              struct change **out);

/* Writes it and then calls `after`. Returns ERR_PENDING, for the handler to return. */
enum err change_start(struct request *request, struct change *change,
                      enum err (*after)(struct request *request));

/* ERR_LAMBDA_RESOURCE_NOT_FOUND unless what is to be changed is there. For change_fn. */
enum err change_must_exist(struct request *request, const struct change *change);

/* The stored document under a key of the store, copied into request->doc; NULL when there is none.
 * For change_fn. */
enum err change_load(struct request *request, const struct change *change, struct str key,
                     yyjson_mut_val **out);

/* ERR_LAMBDA_PRECONDITION_FAILED when the input has a RevisionId that is not that of `object`. */
enum err change_check_revision(struct request *request, yyjson_mut_val *object);

/* Removes a package from the store unless another function or version has the same. For change_fn.
 */
void change_drop_code(struct request *request, const struct change *change, struct str code_id);

/* New RevisionId and LastModified; what runs is another than before. */
void change_touch(struct request *request, struct change *change);

/* Fills in the new code's size and hash, and that it is the function's. */
void change_set_code(struct request *request, struct change *change);

/* Publishes the function as it is now, unless nothing was changed since its newest version; then
 * change->published.configuration is that version's. For change_fn, as its last step. */
enum err change_publish(struct request *request, struct change *change, struct str description);

/* Answers with the configuration: of the version, when one was published. */
enum err change_answer(struct request *request);

/* --- New code --- */

/* Takes the package out of `source` (ZipFile, or S3Bucket and S3Key), unpacks it on a pool thread
 * into change->code and then starts the change. Returns what the handler is to return. */
enum err change_with_code(struct request *request, struct change *change, yyjson_val *source,
                          enum err (*after)(struct request *request));

/* --- Keys in the store --- */

/* Of a function ("NAME") or a version ("NAME:VERSION"). */
struct str lambda_function_key(struct arena *arena, struct str key);
struct str lambda_alias_key(struct arena *arena, struct str key);
/* Of a function's, version's or alias's resource policy. */
struct str lambda_policy_key(struct arena *arena, struct str key);
struct str lambda_code_key(struct arena *arena, struct str code_id);
