/* Objects that are sent as the client takes them: each piece is read when the one before is out, so
 * a slow client costs a piece and not the object. An object that is replaced or deleted meanwhile
 * ends the connection short of its length, which clients take as a failure. */
#include "services/s3/internal.h"

struct part {
    struct str id;
    uint64_t size;
    bool has_pieces;
};

struct stream {
    struct http_source source; /* first */
    struct store *store;
    uint64_t first; /* of the object's bytes */
    struct part *parts;
    size_t count;
};

/* The part that holds byte `*at`, which then counts from its start. */
static const struct part *find_part(const struct stream *stream, uint64_t *at)
{
    for (size_t i = 0; i < stream->count; i++) {
        if (*at < stream->parts[i].size)
            return &stream->parts[i];
        *at -= stream->parts[i].size;
    }
    return NULL;
}

static size_t read_from_store(struct http_source *source, uint64_t at, char *to, size_t max)
{
    struct stream *stream = (struct stream *)source;
    struct arena arena = {0};
    struct error error;
    struct str piece = STR_EMPTY;
    bool found = false;
    size_t len = 0;
    at += stream->first;
    const struct part *part = find_part(stream, &at);
    if (!part)
        return 0;
    uint64_t number = at / S3_PIECE, offset = at % S3_PIECE;
    struct str key =
        part->has_pieces ? s3_piece_key(&arena, part->id, number) : s3_blob_key(&arena, part->id);
    enum err rc = store_get(stream->store, STORE_BLOBS, key, &arena, &found, &piece, &error);
    if (rc == OK && found && offset < piece.len) {
        len = piece.len - offset < max ? piece.len - offset : max;
        memcpy(to, piece.ptr + offset, len);
    }
    arena_release(&arena);
    return len;
}

/* A blob without pieces that is larger than one is of an earlier version. */
static bool add_part(struct stream *stream, yyjson_val *blob)
{
    int64_t size = 0, piece = 0;
    json_get_i64(blob, "size", &size);
    json_get_i64(blob, "piece", &piece);
    if (size < 0 || (piece != S3_PIECE && (piece || size > S3_PIECE)))
        return false;
    stream->parts[stream->count++] =
        (struct part){json_get_str(blob, "id"), (uint64_t)size, piece > 0};
    return true;
}

bool s3_stream(struct request *request, yyjson_val *object, uint64_t first, uint64_t size)
{
    yyjson_val *blobs = json_get(object, "blobs"), *blob;
    size_t i, max;
    if (!request->exchange)
        return false;
    struct stream *stream = arena_new(request->arena, struct stream);
    stream->source.read = read_from_store;
    stream->store = request->skylite->store;
    stream->first = first;
    stream->parts = arena_array(request->arena, struct part, yyjson_arr_size(blobs));
    yyjson_arr_foreach (blobs, i, max, blob) {
        if (!add_part(stream, blob))
            return false;
    }
    request->source = &stream->source;
    request->source_size = size;
    return true;
}
