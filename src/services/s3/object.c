/* Objects: put, get, delete. */
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "services/s3/internal.h"

enum { MAX_KEY = 1024, MAX_META_BYTES = 2048 };

/* --- Documents --- */

static enum err add_metadata(struct request *request, yyjson_mut_val *document)
{
    static const struct str prefix = STR_INIT("x-amz-meta-");
    const struct http_exchange *exchange = request->exchange;
    yyjson_mut_val *meta = json_add_obj(request->doc, document, "meta");
    size_t bytes = 0;
    for (size_t i = 0; exchange && i < exchange->header_count; i++) {
        struct str name = exchange->headers[i].name, value = exchange->headers[i].value;
        if (!str_eq_nocase(str_slice(name, 0, prefix.len), prefix))
            continue;
        bytes += name.len - prefix.len + value.len;
        yyjson_mut_obj_add(meta, yyjson_mut_strn(request->doc, name.ptr, name.len),
                           yyjson_mut_strn(request->doc, value.ptr, value.len));
    }
    if (bytes > MAX_META_BYTES || yyjson_mut_obj_size(meta) > S3_MAX_META)
        return request_fail(request, ERR_S3_METADATA_TOO_LARGE,
                            "Your metadata headers exceed the maximum allowed metadata size");
    return OK;
}

enum err s3_new_document(struct request *request, yyjson_mut_val **out)
{
    struct str type = request_header(request, STR("content-type"));
    if (s3_key_of(request).len > MAX_KEY)
        return request_fail(request, ERR_S3_KEY_TOO_LONG, "Your key is too long");
    *out = yyjson_mut_obj(request->doc);
    json_add_str(request->doc, *out, "type", type.ptr ? type : STR("binary/octet-stream"));
    json_add_i64(request->doc, *out, "modified", clock_wall_ms() / 1000 * 1000);
    return add_metadata(request, *out);
}

enum err s3_replace_object(struct request *request, struct store_txn *txn, struct str bucket,
                           struct str key, const yyjson_mut_val *document)
{
    struct s3_reader reader = s3_reader_of(request, txn);
    struct str place = s3_object_key(request->arena, bucket, key);
    yyjson_val *before;
    enum err rc = s3_find_bucket(&reader, bucket, &request->error);
    if (rc == OK)
        rc = s3_get(&reader, place, &before, &request->error);
    if (rc)
        return rc;
    s3_delete_blobs(txn, request->arena, before);
    s3_put(txn, request->arena, place, document);
    return OK;
}

/* --- PutObject --- */

struct put {
    struct s3_body body;
    yyjson_mut_val *document;
};

static enum err put(struct request *request, struct store_txn *txn)
{
    struct put *put = request->handler_state;
    yyjson_mut_val *blobs = json_add_arr(request->doc, put->document, "blobs");
    s3_add_blob(request, txn, blobs, put->body.bytes);
    json_add_i64(request->doc, put->document, "size", (int64_t)put->body.bytes.len);
    return s3_replace_object(request, txn, s3_bucket_of(request), s3_key_of(request),
                             put->document);
}

enum err s3_put_object(struct request *request)
{
    if (s3_query(request, "uploadId").ptr)
        return s3_upload_part(request);
    struct put *state = arena_new(request->arena, struct put);
    enum err rc = s3_read_body(request, &state->body);
    if (rc == OK)
        rc = s3_new_document(request, &state->document);
    if (rc)
        return rc;
    struct str etag = s3_etag(request->arena, state->body.md5);
    json_add_str(request->doc, state->document, "etag", etag);
    request_add_header(request, STR("ETag"), etag);
    request->handler_state = state;
    return request_write(request, put, NULL);
}

/* --- GetObject and HeadObject --- */

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110). */
static struct str http_date(struct arena *arena, int64_t wall_ms)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    return arena_printf(arena, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[utc.tm_wday],
                        utc.tm_mday, months[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour,
                        utc.tm_min, utc.tm_sec);
}

static void add_headers(struct request *request, yyjson_val *object)
{
    int64_t modified = 0;
    size_t i, max;
    yyjson_val *name, *value;
    json_get_i64(object, "modified", &modified);
    request_add_header(request, STR("Content-Type"), json_get_str(object, "type"));
    request_add_header(request, STR("ETag"), json_get_str(object, "etag"));
    request_add_header(request, STR("Last-Modified"), http_date(request->arena, modified));
    request_add_header(request, STR("Accept-Ranges"), STR("bytes"));
    yyjson_obj_foreach (json_get(object, "meta"), i, max, name, value) {
        request_add_header(request, json_str(name), json_str(value));
    }
}

/* "bytes=0-99", "bytes=100-" or "bytes=-100"; other forms are no range. */
static bool parse_range(struct str header, size_t size, size_t *out_first, size_t *out_last)
{
    uint64_t first = 0, last = size - 1;
    struct str head, tail = header;
    if (!str_starts(header, STR("bytes=")) || str_find_byte(header, ',', 0) >= 0)
        return false;
    tail = str_slice(tail, 6, tail.len);
    if (!str_cut(&tail, '-', &head) || (head.len == 0 && tail.len == 0))
        return false;
    if (head.len && !str_to_u64(head, &first))
        return false;
    if (tail.len && !str_to_u64(tail, &last))
        return false;
    if (head.len == 0) {
        first = last >= size ? 0 : size - last;
        last = size - 1;
    }
    *out_first = first;
    *out_last = last >= size ? size - 1 : last;
    return true;
}

/* What of an object of `size` bytes is asked for. */
static enum err find_range(struct request *request, size_t size, size_t *out_first,
                           size_t *out_size)
{
    struct str header = request_header(request, STR("range"));
    size_t first, last;
    *out_first = 0;
    *out_size = size;
    if (!header.ptr || !parse_range(header, size, &first, &last))
        return OK;
    if (first >= size || first > last)
        return request_fail(request, ERR_S3_INVALID_RANGE,
                            "The requested range is not satisfiable");
    *out_first = first;
    *out_size = last - first + 1;
    request->status = 206;
    request_add_header(request, STR("Content-Range"),
                       arena_printf(request->arena, "bytes %zu-%zu/%zu", first, last, size));
    return OK;
}

/* As one piece: what is small, and what is not for a client. */
static enum err answer_whole(struct request *request, yyjson_val *object, size_t size, size_t first,
                             size_t part)
{
    struct s3_reader reader = s3_reader_of(request, NULL);
    struct str bytes;
    if (request->exchange && !http_reserve(request->exchange, size))
        return request_fail(request, ERR_S3_SLOW_DOWN, "Please reduce your request rate.");
    enum err rc = s3_read_blobs(&reader, object, &bytes, &request->error);
    if (rc == OK)
        request->raw_output = str_slice(bytes, first, part);
    return rc;
}

/* HeadObject too: the body gives the length, and is not sent. */
enum err s3_get_object(struct request *request)
{
    struct s3_reader reader = s3_reader_of(request, NULL);
    size_t first, part;
    int64_t size = 0;
    yyjson_val *object;
    enum err rc = s3_find_object(&reader, s3_bucket_of(request), s3_key_of(request), &object,
                                 &request->error);
    if (rc)
        return rc;
    json_get_i64(object, "size", &size);
    rc = find_range(request, (size_t)size, &first, &part);
    if (rc)
        return rc;
    if (request->exchange && !http_reserve(request->exchange, S3_PIECE))
        return request_fail(request, ERR_S3_SLOW_DOWN, "Please reduce your request rate.");
    if (part <= S3_PIECE || !s3_stream(request, object, first, part))
        rc = answer_whole(request, object, (size_t)size, first, part);
    if (rc == OK)
        add_headers(request, object);
    return rc;
}

/* --- DeleteObject --- */

/* Deleting what is not there succeeds. */
static enum err delete_object(struct request *request, struct store_txn *txn)
{
    struct s3_reader reader = s3_reader_of(request, txn);
    struct str place = s3_object_key(request->arena, s3_bucket_of(request), s3_key_of(request));
    yyjson_val *object;
    enum err rc = s3_find_bucket(&reader, s3_bucket_of(request), &request->error);
    if (rc == OK)
        rc = s3_get(&reader, place, &object, &request->error);
    if (rc)
        return rc;
    s3_delete_blobs(txn, request->arena, object);
    store_txn_delete(txn, STORE_META, place);
    return OK;
}

enum err s3_delete_object(struct request *request)
{
    if (s3_query(request, "uploadId").ptr)
        return s3_abort_upload(request);
    return request_write(request, delete_object, NULL);
}

/* --- For other services --- */

enum err s3_package_get(void *self, struct str bucket, struct str key, struct arena *arena,
                        struct str *out, struct error *error)
{
    struct s3 *s3 = self;
    struct s3_reader reader = {s3->skylite->store, NULL, arena};
    yyjson_val *object;
    enum err rc = s3_find_object(&reader, bucket, key, &object, error);
    return rc ? rc : s3_read_blobs(&reader, object, out, error);
}
