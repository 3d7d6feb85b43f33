/* What the files of this folder share. */
#pragma once

#include "base/buf.h"
#include "core/condition_keys.h"
#include "core/request.h"
#include "core/skylite.h"
#include "services/s3/s3.h"

#define S3_ARTIFACTS_BUCKET "skylite-artifacts"

enum {
    S3_MAX_OBJECT = 250 * 1024 * 1024,
    S3_MAX_META = 8,
    S3_PIECE = HTTP_PIECE, /* of a blob: what is read at once */
};

struct s3 {
    struct skylite *skylite;
    struct service service;
};

extern const struct operation s3_operations[];
extern const size_t s3_operation_count;

/* --- Documents (document.c) --- */

/* From the store, or from a write's transaction when `txn` is set. */
struct s3_reader {
    struct store *store;
    struct store_txn *txn;
    struct arena *arena;
};

struct s3_reader s3_reader_of(struct request *request, struct store_txn *txn);

/* Keys in STORE_META. */
struct str s3_bucket_key(struct arena *arena, struct str bucket);
struct str s3_object_key(struct arena *arena, struct str bucket, struct str key);
struct str s3_upload_key(struct arena *arena, struct str upload);
struct str s3_part_key(struct arena *arena, struct str upload, int64_t number);

/* The JSON document under `key`; NULL in `*out` when there is none. */
enum err s3_get(const struct s3_reader *reader, struct str key, yyjson_val **out,
                struct error *error);
void s3_put(struct store_txn *txn, struct arena *arena, struct str key,
            const yyjson_mut_val *document);

/* ERR_S3_NO_SUCH_BUCKET, ERR_S3_NO_SUCH_KEY. */
enum err s3_find_bucket(const struct s3_reader *reader, struct str bucket, struct error *error);
enum err s3_find_object(const struct s3_reader *reader, struct str bucket, struct str key,
                        yyjson_val **out, struct error *error);

/* The object's bytes, joined from its blobs, in the arena. */
enum err s3_read_blobs(const struct s3_reader *reader, yyjson_val *object, struct str *out,
                       struct error *error);

/* Stores bytes as one more of the object's (or part's) blobs. */
void s3_add_blob(struct request *request, struct store_txn *txn, yyjson_mut_val *blobs,
                 struct str bytes);
void s3_delete_blobs(struct store_txn *txn, struct arena *arena, yyjson_val *object);

/* --- Answers in pieces (stream.c) --- */

/* Has the bytes of the object from `first` on be the answer, `size` of them, read from the store as
 * the client takes them. False when they are not stored so that this goes. */
bool s3_stream(struct request *request, yyjson_val *object, uint64_t first, uint64_t size);

/* The key of a blob's piece; of a blob that is in one piece without a number. */
struct str s3_blob_key(struct arena *arena, struct str id);
struct str s3_piece_key(struct arena *arena, struct str id, uint64_t number);

/* --- Bodies (body.c) --- */

struct s3_body {
    struct str bytes;
    struct str md5; /* 16 bytes */
};

/* The request's body without framing, checked against Content-MD5 and x-amz-checksum-*.
 * ERR_S3_BAD_DIGEST, ERR_S3_INVALID_DIGEST, ERR_S3_INCOMPLETE_BODY. */
enum err s3_read_body(struct request *request, struct s3_body *out);

/* "\"900150983cd24fb0d6963f7d28e17f72\"" */
struct str s3_etag(struct arena *arena, struct str md5);

/* --- Answers (answer.c) --- */

/* A buffer that begins as every XML answer does. */
void s3_xml_start(struct request *request, struct buf *buf);
void s3_xml_add(struct buf *buf, const char *name, struct str value);
void s3_answer_xml(struct request *request, struct buf *buf);

/* The text of the first element of that name in a request's XML; `*xml` becomes what is behind it.
 */
bool s3_xml_take(struct str *xml, const char *name, struct arena *arena, struct str *out);

/* The input's Bucket and Key. */
struct str s3_bucket_of(struct request *request);
struct str s3_key_of(struct request *request);

/* A parameter of the query string; NULL pointer when it is not there. */
struct str s3_query(struct request *request, const char *name);

/* Refuses what no operation here reads, before anything is done: query parameters (which in S3
 * choose the operation) and headers that change what a write means. ERR_S3_NOT_IMPLEMENTED, with
 * the name. */
enum err s3_check_parameters(struct request *request);

enum err s3_resource_all(struct request *request, struct str *out_arn);
enum err s3_resource_bucket(struct request *request, struct str *out_arn);
enum err s3_resource_object(struct request *request, struct str *out_arn);

/* --- Objects (object.c) --- */

/* A new document for an object or an upload with type, metadata and time from the request's
 * headers. ERR_S3_METADATA_TOO_LARGE. */
enum err s3_new_document(struct request *request, yyjson_mut_val **out);

/* Puts `document` in the place of the object; the blobs of the one before are deleted. */
enum err s3_replace_object(struct request *request, struct store_txn *txn, struct str bucket,
                           struct str key, const yyjson_mut_val *document);

enum err s3_package_get(void *self, struct str bucket, struct str key, struct arena *arena,
                        struct str *out, struct error *error);

/* --- Condition keys (condition_keys.c) --- */

extern const struct condition_key s3_condition_keys[];
extern const size_t s3_condition_key_count;

/* --- Operations --- */

enum err s3_list_buckets(struct request *request);
enum err s3_create_bucket(struct request *request);
enum err s3_head_bucket(struct request *request);
enum err s3_delete_bucket(struct request *request);
enum err s3_get_bucket_location(struct request *request);
enum err s3_list_objects(struct request *request);
enum err s3_put_object(struct request *request);
enum err s3_get_object(struct request *request);
enum err s3_delete_object(struct request *request);
enum err s3_post_object(struct request *request);

/* What PutObject and DeleteObject are with an uploadId (upload.c). */
enum err s3_upload_part(struct request *request);
enum err s3_abort_upload(struct request *request);
