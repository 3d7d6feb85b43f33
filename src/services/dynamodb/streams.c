/* The Streams API: ListStreams, DescribeStream, GetShardIterator, GetRecords. */
#include "services/dynamodb/streams.h"

#include "base/clock.h"
#include "base/encode.h"
#include "services/dynamodb/parameters.h"
#include "services/dynamodb/stream.h"

enum {
    MAX_LISTED = 100,
    MAX_RECORDS = 1000,
    MAX_RECORD_BYTES = 1024 * 1024,
    ITERATOR_MS = 15 * 60 * 1000,
};

/* --- Names --- */

static struct str stream_arn(const struct request *request, const struct ddb_stream *stream)
{
    return arena_printf(request->arena, "%.*s/stream/%.*s",
                        STR_ARG(ddb_table_arn(request, stream->table)), STR_ARG(stream->label));
}

static struct str shard_id(struct arena *arena, const struct ddb_stream *stream)
{
    return arena_printf(arena, "shardId-%020lld-%08llx", (long long)stream->created_ms,
                        (unsigned long long)stream->id & 0xffffffffu);
}

static enum err not_found(struct request *request, struct str arn)
{
    return request_fail(request, ERR_DDB_RESOURCE_NOT_FOUND,
                        "Requested resource not found: Stream: %.*s not found", STR_ARG(arn));
}

static enum err find_by_arn(struct request *request, struct str arn, struct ddb_stream *out)
{
    static const struct str middle = STR_INIT("/stream/");
    struct str prefix = ddb_table_arn(request, STR_EMPTY);
    struct str rest = str_slice(arn, prefix.len, arn.len);
    ptrdiff_t at = str_find(rest, middle);
    bool found = false;
    if (!str_starts(arn, prefix) || at < 0)
        return request_fail(request, ERR_VALIDATION, "Invalid StreamArn");
    enum err rc =
        ddb_stream_find(request_self(request, struct dynamodb), str_slice(rest, 0, (size_t)at),
                        str_slice(rest, (size_t)at + middle.len, rest.len), request->arena, &found,
                        out, &request->error);
    return rc || found ? rc : not_found(request, arn);
}

static enum err stream_resource(struct request *request, struct str *out_arn)
{
    *out_arn = request_str(request, "StreamArn");
    return OK;
}

/* --- ListStreams --- */

static enum err list_streams(struct request *request)
{
    struct str table = request_str(request, "TableName");
    struct str start = request_str(request, "ExclusiveStartStreamArn"), key, value,
               last = STR_EMPTY;
    int64_t limit = ddb_get_integer(request->input, "Limit", MAX_LISTED);
    struct str prefix = ddb_stream_prefix(request->arena, table.ptr ? table : STR_EMPTY);
    yyjson_mut_val *list = json_add_arr(request->doc, request_output(request), "Streams");
    struct store_iter *iter = store_iter_new(request->skylite->store, STORE_META, prefix,
                                             store_prefix_end(request->arena, prefix), false);
    while (store_iter_next(iter, &key, &value)) {
        struct ddb_stream stream;
        if (!ddb_stream_parse(value, request->arena, &stream))
            continue;
        struct str arn = stream_arn(request, &stream);
        if (start.ptr && str_cmp(arn, start) <= 0)
            continue;
        if ((int64_t)yyjson_mut_arr_size(list) == limit) {
            json_add_str(request->doc, request->output, "LastEvaluatedStreamArn", last);
            break;
        }
        yyjson_mut_val *one = yyjson_mut_arr_add_obj(request->doc, list);
        json_add_str(request->doc, one, "StreamArn", arn);
        json_add_str(request->doc, one, "TableName", stream.table);
        json_add_str(request->doc, one, "StreamLabel", stream.label);
        last = arn;
    }
    enum err rc = store_iter_error(iter, &request->error);
    store_iter_free(iter);
    return rc;
}

/* --- DescribeStream --- */

static void add_shard(struct request *request, const struct ddb_stream *stream, yyjson_mut_val *out)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *shards = json_add_arr(doc, out, "Shards");
    struct str after = request_str(request, "ExclusiveStartShardId");
    struct str id = shard_id(request->arena, stream);
    /* The one shard is never split, so that none has children to filter for. */
    bool wants_children = ddb_get(request->input, "ShardFilter") != NULL;
    if (wants_children || (after.ptr && str_cmp(id, after) <= 0))
        return;
    yyjson_mut_val *shard = yyjson_mut_arr_add_obj(doc, shards);
    json_add_str(doc, shard, "ShardId", id);
    yyjson_mut_val *range = json_add_obj(doc, shard, "SequenceNumberRange");
    json_add_str(doc, range, "StartingSequenceNumber",
                 ddb_sequence_text(request->arena, ddb_sequence_at(stream->created_ms)));
    if (stream->last)
        json_add_str(doc, range, "EndingSequenceNumber",
                     ddb_sequence_text(request->arena, stream->last));
}

static enum err describe_stream(struct request *request)
{
    struct ddb_stream stream;
    struct str arn = request_str(request, "StreamArn");
    yyjson_mut_doc *doc = request->doc;
    enum err rc = find_by_arn(request, arn, &stream);
    if (rc)
        return rc;
    yyjson_mut_val *out = json_add_obj(doc, request_output(request), "StreamDescription");
    json_add_str(doc, out, "StreamArn", arn);
    json_add_str(doc, out, "StreamLabel", stream.label);
    json_add_str(doc, out, "StreamStatus", stream.last ? STR("DISABLED") : STR("ENABLED"));
    json_add_copy(doc, out, "StreamViewType", json_get(stream.document, "StreamViewType"));
    request_add_time(request, out, "CreationRequestDateTime", stream.created_ms);
    json_add_str(doc, out, "TableName", stream.table);
    json_add_copy(doc, out, "KeySchema", json_get(stream.document, "KeySchema"));
    add_shard(request, &stream, out);
    return OK;
}

/* --- Iterators: ARN|version|base64 of "next sequence number,time of issue" --- */

static struct str make_iterator(struct request *request, struct str arn, uint64_t next)
{
    struct str inside = arena_printf(request->arena, "%llu,%lld", (unsigned long long)next,
                                     (long long)clock_wall_ms());
    return arena_printf(request->arena, "%.*s|1|%.*s", STR_ARG(arn),
                        STR_ARG(encode_base64(request->arena, inside)));
}

static enum err read_iterator(struct request *request, struct str *out_arn, uint64_t *out_next)
{
    struct str rest = request_str(request, "ShardIterator"), version, inside, next;
    int64_t issued_ms;
    str_cut(&rest, '|', out_arn);
    str_cut(&rest, '|', &version);
    bool is_valid = str_eq(version, STR("1")) && decode_base64(request->arena, rest, &inside) &&
                    str_cut(&inside, ',', &next) && str_to_u64(next, out_next) &&
                    str_to_i64(inside, &issued_ms);
    if (!is_valid)
        return request_fail(request, ERR_VALIDATION, "Invalid ShardIterator");
    if (issued_ms + ITERATOR_MS < clock_wall_ms())
        return request_fail(request, ERR_DDB_EXPIRED_ITERATOR,
                            "Iterator expired. The iterator was created at time %lld",
                            (long long)issued_ms);
    return OK;
}

static enum err iterator_resource(struct request *request, struct str *out_arn)
{
    struct str rest = request_str(request, "ShardIterator");
    str_cut(&rest, '|', out_arn);
    return OK;
}

/* The sequence number that an iterator by number starts with. */
static enum err start_at(struct request *request, const struct ddb_stream *stream, bool is_after,
                         uint64_t *out)
{
    struct str given = request_str(request, "SequenceNumber");
    uint64_t sequence;
    if (!given.ptr)
        return request_fail(request, ERR_VALIDATION,
                            "SequenceNumber is required for ShardIteratorType %.*s",
                            STR_ARG(request_str(request, "ShardIteratorType")));
    if (!ddb_sequence_parse(given, &sequence) || sequence < ddb_sequence_at(stream->created_ms) ||
        (stream->last && sequence > stream->last))
        return request_fail(request, ERR_VALIDATION,
                            "Invalid SequenceNumber: %.*s is not of shard %.*s", STR_ARG(given),
                            STR_ARG(request_str(request, "ShardId")));
    if (sequence < ddb_sequence_at(clock_wall_ms() - DDB_STREAM_MS))
        return request_fail(request, ERR_DDB_TRIMMED_DATA,
                            "Trying to access trimmed data in shard %.*s",
                            STR_ARG(request_str(request, "ShardId")));
    *out = sequence + is_after;
    return OK;
}

static enum err get_shard_iterator(struct request *request)
{
    static const char *const types[] = {"TRIM_HORIZON", "LATEST", "AT_SEQUENCE_NUMBER",
                                        "AFTER_SEQUENCE_NUMBER", NULL};
    struct dynamodb *dynamodb = request_self(request, struct dynamodb);
    struct str arn = request_str(request, "StreamArn"), shard = request_str(request, "ShardId");
    struct ddb_stream stream;
    uint64_t next = 0;
    enum err rc = find_by_arn(request, arn, &stream);
    if (rc)
        return rc;
    if (!str_eq(shard, shard_id(request->arena, &stream)))
        return request_fail(request, ERR_DDB_RESOURCE_NOT_FOUND,
                            "Requested resource not found: Shard does not exist");
    size_t type = ddb_get_choice(request->input, "ShardIteratorType", types);
    if (type == 1)
        next = atomic_load(&dynamodb->last_sequence) + 1;
    if (type >= 2)
        rc = start_at(request, &stream, type == 3, &next);
    if (rc == OK)
        json_add_str(request->doc, request_output(request), "ShardIterator",
                     make_iterator(request, arn, next));
    return rc;
}

/* --- GetRecords --- */

static enum err add_records(struct request *request, const struct ddb_stream *stream,
                            struct buf *out, uint64_t *next)
{
    int64_t limit = ddb_get_integer(request->input, "Limit", MAX_RECORDS), count = 0;
    size_t bytes = 0;
    struct str key, value;
    struct str start = ddb_stream_record_key(request->arena, stream, *next);
    struct str end = store_prefix_end(request->arena, ddb_keys_prefix(request->arena, stream->id));
    struct store_iter *iter =
        store_iter_new(request->skylite->store, STORE_ITEMS, start, end, false);
    while (count < limit && store_iter_next(iter, &key, &value)) {
        if (count && bytes + value.len > MAX_RECORD_BYTES)
            break;
        buf_add(out, count++ ? STR(",") : STR_EMPTY);
        buf_add(out, value);
        bytes += value.len;
        *next = ddb_stream_record_sequence(key) + 1;
    }
    enum err rc = store_iter_error(iter, &request->error);
    store_iter_free(iter);
    return rc;
}

static enum err get_records(struct request *request)
{
    struct ddb_stream stream;
    struct str arn;
    struct buf out;
    uint64_t next, horizon = ddb_sequence_at(clock_wall_ms() - DDB_STREAM_MS);
    enum err rc = read_iterator(request, &arn, &next);
    if (rc == OK)
        rc = find_by_arn(request, arn, &stream);
    if (rc)
        return rc;
    if (next < horizon)
        next = horizon;
    buf_init_arena(&out, request->arena, SIZE_MAX / 2);
    buf_add(&out, STR("{\"Records\":["));
    uint64_t from = next;
    rc = add_records(request, &stream, &out, &next);
    buf_add_byte(&out, ']');
    /* A closed shard that has been read to its end has no next iterator. */
    if (!stream.last || (next <= stream.last && next != from)) {
        buf_add(&out, STR(",\"NextShardIterator\":"));
        buf_add_json(&out, make_iterator(request, arn, next));
    }
    buf_add_byte(&out, '}');
    request->raw_output = buf_str(&out);
    return rc;
}

/* --- The service --- */

#define OPERATION(name, handler, resource)                                                         \
    {                                                                                              \
#name, handler, "dynamodb:" #name, resource, NULL, NULL, 0, OPERATION_READ                 \
    }

static const struct operation operations[] = {
    OPERATION(DescribeStream, describe_stream, stream_resource),
    OPERATION(GetRecords, get_records, iterator_resource),
    OPERATION(GetShardIterator, get_shard_iterator, stream_resource),
    OPERATION(ListStreams, list_streams, NULL),
};

const struct operation *ddb_streams_operations(size_t *out_count)
{
    *out_count = sizeof(operations) / sizeof(operations[0]);
    return operations;
}
