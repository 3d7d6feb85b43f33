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

struct str s3_blob_key(struct arena *arena, struct str id)
{
    return arena_printf(arena, "s3/%.*s", STR_ARG(id));
}

struct str s3_piece_key(struct arena *arena, struct str id, uint64_t number)
{
    return arena_printf(arena, "s3/%.*s/%06llu", STR_ARG(id), (unsigned long long)number);
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

/* Blobs of earlier versions have no pieces, whatever their size. */
static uint64_t piece_count(yyjson_val *blob)
{
    int64_t size = 0, piece = 0;
    json_get_i64(blob, "size", &size);
    json_get_i64(blob, "piece", &piece);
    return piece > 0 && size > 0 ? (uint64_t)((size + piece - 1) / piece) : 0;
}

static enum err read_piece(const struct s3_reader *reader, struct str key, struct str *out,
                           struct error *error)
{
    bool found = false;
    enum err rc = read_value(reader, STORE_BLOBS, key, &found, out, error);
    if (rc == OK && !found)
        rc = error_set(error, ERR_INTERNAL, "A part of the object is missing in the store");
    return rc;
}

static enum err add_pieces(const struct s3_reader *reader, yyjson_val *blob, struct buf *joined,
                           struct error *error)
{
    struct str id = json_get_str(blob, "id");
    uint64_t count = piece_count(blob);
    for (uint64_t i = 0; i < count || i == 0; i++) {
        struct arena arena = {0};
        struct s3_reader of_piece = {reader->store, reader->txn, &arena};
        struct str key = count ? s3_piece_key(&arena, id, i) : s3_blob_key(&arena, id), piece;
        enum err rc = read_piece(&of_piece, key, &piece, error);
        if (rc == OK)
            buf_add(joined, piece);
        arena_release(&arena);
        if (rc)
            return rc;
    }
    return OK;
}

enum err s3_read_blobs(const struct s3_reader *reader, yyjson_val *object, struct str *out,
                       struct error *error)
{
    yyjson_val *blobs = json_get(object, "blobs"), *blob = yyjson_arr_get(blobs, 0);
    size_t i, max;
    struct buf joined;
    if (yyjson_arr_size(blobs) == 1 && !piece_count(blob))
        return read_piece(reader, s3_blob_key(reader->arena, json_get_str(blob, "id")), out, error);
    buf_init_arena(&joined, reader->arena, S3_MAX_OBJECT);
    yyjson_arr_foreach (blobs, i, max, blob) {
        enum err rc = add_pieces(reader, blob, &joined, error);
        if (rc)
            return rc;
    }
    *out = buf_str(&joined);
    return OK;
}

void s3_add_blob(struct request *request, struct store_txn *txn, yyjson_mut_val *blobs,
                 struct str bytes)
{
    struct str id = random_uuid(request->arena);
    yyjson_mut_val *blob = yyjson_mut_arr_add_obj(request->doc, blobs);
    json_add_str(request->doc, blob, "id", id);
    json_add_i64(request->doc, blob, "size", (int64_t)bytes.len);
    if (bytes.len <= S3_PIECE) {
        store_txn_put(txn, STORE_BLOBS, s3_blob_key(request->arena, id), bytes);
        return;
    }
    json_add_i64(request->doc, blob, "piece", S3_PIECE);
    for (uint64_t number = 0; bytes.len; number++) {
        size_t len = bytes.len < S3_PIECE ? bytes.len : S3_PIECE;
        store_txn_put(txn, STORE_BLOBS, s3_piece_key(request->arena, id, number),
                      str_slice(bytes, 0, len));
        bytes = str_slice(bytes, len, bytes.len);
    }
}

void s3_delete_blobs(struct store_txn *txn, struct arena *arena, yyjson_val *object)
{
    size_t i, max;
    yyjson_val *blob;
    yyjson_arr_foreach (json_get(object, "blobs"), i, max, blob) {
        struct str id = json_get_str(blob, "id");
        uint64_t count = piece_count(blob);
        if (!count)
            store_txn_delete(txn, STORE_BLOBS, s3_blob_key(arena, id));
        for (uint64_t number = 0; number < count; number++)
            store_txn_delete(txn, STORE_BLOBS, s3_piece_key(arena, id, number));
    }
}
