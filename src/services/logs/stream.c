/* Log streams. */
#include <stdlib.h>

#include "base/clock.h"
#include "services/logs/internal.h"

enum { MAX_PAGE = 50 };

/* --- Reading and writing --- */

static int64_t number_or(yyjson_val *document, const char *key, int64_t fallback)
{
    json_get_i64(document, key, &fallback);
    return fallback;
}

struct stream logs_stream_read(struct str name, yyjson_val *document)
{
    return (struct stream){
        .id = (uint64_t)number_or(document, "id", 0),
        .name = name,
        .created_ms = number_or(document, "created", 0),
        .first_ms = number_or(document, "first", -1),
        .last_ms = number_or(document, "last", -1),
        .ingested_ms = number_or(document, "ingested", -1),
    };
}

enum err logs_stream_get(const struct reader *reader, const struct group *group, struct str name,
                         struct stream *out, struct error *error)
{
    yyjson_val *document;
    enum err rc =
        logs_reader_get(reader, logs_key_stream(reader->arena, group->id, name), &document, error);
    if (rc == OK && !document)
        return error_set(error, ERR_LOGS_RESOURCE_NOT_FOUND,
                         "The specified log stream does not exist.");
    if (rc == OK)
        *out = logs_stream_read(name, document);
    return rc;
}

void logs_stream_put(struct store_txn *txn, struct arena *arena, const struct group *group,
                     const struct stream *stream)
{
    yyjson_mut_doc *doc = json_doc(arena);
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    json_add_i64(doc, object, "id", (int64_t)stream->id);
    json_add_i64(doc, object, "created", stream->created_ms);
    if (stream->last_ms >= 0) {
        json_add_i64(doc, object, "first", stream->first_ms);
        json_add_i64(doc, object, "last", stream->last_ms);
        json_add_i64(doc, object, "ingested", stream->ingested_ms);
    }
    store_txn_put(txn, STORE_LOGS, logs_key_stream(arena, group->id, stream->name),
                  json_write(arena, object));
}

enum err logs_stream_create(const struct reader *reader, const struct group *group, struct str name,
                            struct stream *out, struct error *error)
{
    yyjson_val *existing;
    enum err rc =
        logs_reader_get(reader, logs_key_stream(reader->arena, group->id, name), &existing, error);
    if (rc)
        return rc;
    if (existing)
        return error_set(error, ERR_LOGS_RESOURCE_ALREADY_EXISTS,
                         "The specified log stream already exists");
    *out = (struct stream){
        .name = name,
        .created_ms = clock_wall_ms(),
        .first_ms = -1,
        .last_ms = -1,
        .ingested_ms = -1,
    };
    rc = logs_id_take(reader, &out->id, error);
    if (rc)
        return rc;
    logs_stream_put(reader->txn, reader->arena, group, out);
    store_txn_put(reader->txn, STORE_LOGS, logs_key_stream_name(reader->arena, group->id, out->id),
                  name);
    return OK;
}

/* --- CreateLogStream --- */

static enum err create(struct request *request, struct store_txn *txn)
{
    struct reader reader = reader_of(request, txn);
    struct group group;
    struct stream stream;
    enum err rc =
        logs_group_get(&reader, request_str(request, "logGroupName"), &group, &request->error);
    if (rc == OK)
        rc = logs_stream_create(&reader, &group, request_str(request, "logStreamName"), &stream,
                                &request->error);
    return rc;
}

enum err logs_create_log_stream(struct request *request)
{
    struct str group, stream;
    enum err rc = logs_input_name(request, "logGroupName", true, &group);
    if (rc == OK)
        rc = logs_input_name(request, "logStreamName", true, &stream);
    return rc ? rc : request_write(request, create, NULL);
}

/* --- DeleteLogStream --- */

/* Its events are left to the sweep; without a name they belong to no stream. */
static enum err delete_stream(struct request *request, struct store_txn *txn)
{
    struct arena *arena = request->arena;
    struct reader reader = reader_of(request, txn);
    struct group group;
    struct stream stream;
    enum err rc =
        logs_group_get(&reader, request_str(request, "logGroupName"), &group, &request->error);
    if (rc == OK)
        rc = logs_stream_get(&reader, &group, request_str(request, "logStreamName"), &stream,
                             &request->error);
    if (rc)
        return rc;
    store_txn_delete(txn, STORE_LOGS, logs_key_stream(arena, group.id, stream.name));
    store_txn_delete(txn, STORE_LOGS, logs_key_stream_name(arena, group.id, stream.id));
    if (stream.last_ms >= 0)
        logs_deleted_stream_put(txn, arena, &group, stream.id,
                                (struct position){stream.first_ms, 0});
    return OK;
}

static enum err after_delete(struct request *request)
{
    logs_sweep_start(request_self(request, struct logs));
    return OK;
}

enum err logs_delete_log_stream(struct request *request)
{
    struct str group, stream;
    enum err rc = logs_input_name(request, "logGroupName", true, &group);
    if (rc == OK)
        rc = logs_input_name(request, "logStreamName", true, &stream);
    return rc ? rc : request_write(request, delete_stream, after_delete);
}

/* --- DescribeLogStreams --- */

struct listing {
    struct request *request;
    struct group group;
    struct stream *streams;
    size_t count, capacity;
    bool by_time, is_descending;
};

static void add_to_listing(struct listing *listing, struct stream stream)
{
    if (listing->count == listing->capacity) {
        size_t capacity = listing->capacity ? listing->capacity * 2 : 64;
        listing->streams =
            arena_realloc(listing->request->arena, listing->streams,
                          listing->capacity * sizeof(stream), capacity * sizeof(stream));
        listing->capacity = capacity;
    }
    listing->streams[listing->count++] = stream;
}

static int by_last_event(const void *a, const void *b)
{
    const struct stream *one = a, *two = b;
    if (one->last_ms != two->last_ms)
        return one->last_ms < two->last_ms ? -1 : 1;
    return str_cmp(one->name, two->name);
}

static enum err read_streams(struct listing *listing, struct str prefix)
{
    struct request *request = listing->request;
    struct reader reader = reader_of(request, NULL);
    struct str start = logs_key_stream(request->arena, listing->group.id, prefix), key, text;
    size_t head = start.len - prefix.len;
    struct store_iter *iter =
        logs_reader_iter(&reader, start, store_prefix_end(request->arena, start));
    while (store_iter_next(iter, &key, &text)) {
        struct str name = arena_str(request->arena, str_slice(key, head, key.len));
        add_to_listing(listing, logs_stream_read(name, json_parse(request->arena, text)));
    }
    enum err rc = store_iter_error(iter, &request->error);
    store_iter_free(iter);
    return rc;
}

struct str logs_upload_token(struct arena *arena, const struct stream *stream)
{
    struct position position = {stream->ingested_ms < 0 ? 0 : stream->ingested_ms, stream->id};
    return logs_position_text(arena, position);
}

static void add_stream(struct request *request, yyjson_mut_val *list, const struct group *group,
                       const struct stream *stream)
{
    yyjson_mut_val *object = yyjson_mut_arr_add_obj(request->doc, list);
    json_add_str(request->doc, object, "logStreamName", stream->name);
    json_add_i64(request->doc, object, "creationTime", stream->created_ms);
    if (stream->last_ms >= 0) {
        json_add_i64(request->doc, object, "firstEventTimestamp", stream->first_ms);
        json_add_i64(request->doc, object, "lastEventTimestamp", stream->last_ms);
        json_add_i64(request->doc, object, "lastIngestionTime", stream->ingested_ms);
    }
    if (stream->last_ms >= 0)
        json_add_str(request->doc, object, "uploadSequenceToken",
                     logs_upload_token(request->arena, stream));
    json_add_str(request->doc, object, "arn",
                 arena_printf(request->arena, "%.*s:log-stream:%.*s",
                              STR_ARG(logs_group_arn(request, group->name)),
                              STR_ARG(stream->name)));
    json_add_i64(request->doc, object, "storedBytes", 0); /* as AWS since 2019 */
}

/* The place behind the stream that nextToken names. */
static size_t first_index(const struct listing *listing)
{
    struct str token = request_str(listing->request, "nextToken");
    for (size_t i = 0; token.ptr && i < listing->count; i++) {
        if (str_eq(listing->streams[i].name, token))
            return i + 1;
    }
    return 0;
}

static void answer_page(struct listing *listing, int64_t limit)
{
    struct request *request = listing->request;
    yyjson_mut_val *output = request_output(request);
    yyjson_mut_val *list = json_add_arr(request->doc, output, "logStreams");
    for (size_t i = first_index(listing); i < listing->count; i++) {
        if (limit-- == 0) {
            json_add_str(request->doc, output, "nextToken", listing->streams[i - 1].name);
            return;
        }
        add_stream(request, list, &listing->group, &listing->streams[i]);
    }
}

static enum err check_order(struct request *request, struct str prefix, bool *out_by_time)
{
    struct str order = request_str(request, "orderBy");
    *out_by_time = str_eq(order, STR("LastEventTime"));
    if (order.ptr && !*out_by_time && !str_eq(order, STR("LogStreamName")))
        return request_fail(request, ERR_LOGS_INVALID_PARAMETER,
                            "1 validation error detected: Value '%.*s' at 'orderBy' failed to "
                            "satisfy constraint: Member must satisfy enum value set: "
                            "[LogStreamName, LastEventTime]",
                            STR_ARG(order));
    if (*out_by_time && prefix.len)
        return request_fail(request, ERR_LOGS_INVALID_PARAMETER,
                            "Cannot order by LastEventTime with a logStreamNamePrefix.");
    return OK;
}

static void reverse(struct listing *listing)
{
    for (size_t i = 0, j = listing->count; i + 1 < j; i++) {
        struct stream swapped = listing->streams[i];
        listing->streams[i] = listing->streams[--j];
        listing->streams[j] = swapped;
    }
}

enum err logs_describe_log_streams(struct request *request)
{
    struct reader reader = reader_of(request, NULL);
    struct listing listing = {.request = request};
    struct str group, prefix;
    int64_t limit;
    enum err rc = logs_input_group(request, &group);
    if (rc == OK)
        rc = logs_input_name(request, "logStreamNamePrefix", false, &prefix);
    if (rc == OK)
        rc = logs_input_limit(request, MAX_PAGE, &limit);
    if (rc == OK)
        rc = check_order(request, prefix, &listing.by_time);
    if (rc == OK)
        rc = logs_group_get(&reader, group, &listing.group, &request->error);
    if (rc == OK)
        rc = read_streams(&listing, prefix);
    if (rc)
        return rc;
    if (listing.by_time && listing.count)
        qsort(listing.streams, listing.count, sizeof(struct stream), by_last_event);
    if (json_get_bool(request->input, "descending", false))
        reverse(&listing);
    answer_page(&listing, limit);
    return OK;
}
