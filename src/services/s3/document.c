/* Buckets, objects and blobs in the store. */
#include "base/encode.h"
#include "services/s3/internal.h"

/* --- Keys --- */

struct str s3_bucket_key(struct arena *arena, struct str bucket)
{
    return arena_printf(arena, "s3/bucket/%.*s", STR_ARG(bucket));
}

/* A bucket's name holds no '/'. Keys may hold any byte, NUL included. */
struct str s3_object_key(struct arena *arena, struct str bucket, struct str key)
{
    struct buf buf;
    buf_init_arena(&buf, arena, SIZE_MAX / 2);
    buf_printf(&buf, "s3/object/%.*s/", STR_ARG(bucket));
    buf_add(&buf, key);
    return buf_str(&buf);
}

struct str s3_upload_key(struct arena *arena, struct str upload)
{
    return arena_printf(arena, "s3/upload/%.*s", STR_ARG(upload));
}

struct str s3_part_key(struct arena *arena, struct str upload, int64_t number)
{
    return arena_printf(arena, "s3/part/%.*s/%05lld", STR_ARG(upload), (long long)number);
}

static struct str blob_key(struct arena *arena, struct str id)
{
    return arena_printf(arena, "s3/%.*s", STR_ARG(id));
}

/* --- Documents --- */

struct s3_reader s3_reader_of(struct request *request, struct store_txn *txn)
{
    return (struct s3_reader){request->skylite->store, txn, request->arena};
}

static enum err read_value(const struct s3_reader *reader, enum store_family family, struct str key,
                           bool *out_found, struct str *out, struct error *error)
{
    return reader->txn
               ? store_txn_get(reader->txn, family, key, reader->arena, out_found, out, error)
               : store_get(reader->store, family, key, reader->arena, out_found, out, error);
}

enum err s3_get(const struct s3_reader *reader, struct str key, yyjson_val **out,
                struct error *error)
{
    bool found = false;
    struct str text;
    enum err rc = read_value(reader, STORE_META, key, &found, &text, error);
    *out = NULL;
    if (rc || !found)
        return rc;
    *out = json_parse(reader->arena, text);
    return *out ? OK : error_set(error, ERR_INTERNAL, "A document of S3 in the store is damaged");
}

void s3_put(struct store_txn *txn, struct arena *arena, struct str key,
            const yyjson_mut_val *document)
{
    store_txn_put(txn, STORE_META, key, json_write(arena, document));
}

enum err s3_find_bucket(const struct s3_reader *reader, struct str bucket, struct error *error)
{
    yyjson_val *document;
    enum err rc = s3_get(reader, s3_bucket_key(reader->arena, bucket), &document, error);
    if (rc == OK && !document)
        rc = error_set(error, ERR_S3_NO_SUCH_BUCKET, "The specified bucket does not exist");
    return rc;
}

enum err s3_find_object(const struct s3_reader *reader, struct str bucket, struct str key,
                        yyjson_val **out, struct error *error)
{
    enum err rc = s3_find_bucket(reader, bucket, error);
    if (rc == OK)
        rc = s3_get(reader, s3_object_key(reader->arena, bucket, key), out, error);
    if (rc == OK && !*out)
        rc = error_set(error, ERR_S3_NO_SUCH_KEY, "The specified key does not exist.");
    return rc;
}

/* --- Blobs --- */

static enum err read_blob(const struct s3_reader *reader, yyjson_val *blob, struct str *out,
                          struct error *error)
{
    bool found = false;
    struct str id = json_get_str(blob, "id");
    enum err rc = read_value(reader, STORE_BLOBS, blob_key(reader->arena, id), &found, out, error);
    if (rc == OK && !found)
        rc = error_set(error, ERR_INTERNAL, "A part of the object is missing in the store");
    return rc;
}

enum err s3_read_blobs(const struct s3_reader *reader, yyjson_val *object, struct str *out,
                       struct error *error)
{
    yyjson_val *blobs = json_get(object, "blobs"), *blob;
    size_t i, max;
    struct buf joined;
    if (yyjson_arr_size(blobs) == 1)
        return read_blob(reader, yyjson_arr_get(blobs, 0), out, error);
    buf_init_arena(&joined, reader->arena, S3_MAX_OBJECT);
    yyjson_arr_foreach (blobs, i, max, blob) {
        struct str part;
        enum err rc = read_blob(reader, blob, &part, error);
        if (rc)
            return rc;
        buf_add(&joined, part);
    }
    *out = buf_str(&joined);
    return OK;
}

struct str s3_write_blob(struct store_txn *txn, struct arena *arena, struct str bytes)
{
    struct str id = random_uuid(arena);
    store_txn_put(txn, STORE_BLOBS, blob_key(arena, id), bytes);
    return id;
}

void s3_delete_blobs(struct store_txn *txn, struct arena *arena, yyjson_val *object)
{
    size_t i, max;
    yyjson_val *blob;
    yyjson_arr_foreach (json_get(object, "blobs"), i, max, blob) {
        store_txn_delete(txn, STORE_BLOBS, blob_key(arena, json_get_str(blob, "id")));
    }
}
