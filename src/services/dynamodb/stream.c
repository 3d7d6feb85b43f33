/* Streams: opened, written, closed. */
#include "services/dynamodb/stream.h"

#include <stdlib.h>

#include "base/clock.h"
#include "services/dynamodb/job.h"
#include "services/dynamodb/resource_policy.h"

enum { CLOCK_BITS = 20 }; /* of a sequence number, below its milliseconds */

/* --- Sequence numbers --- */

uint64_t ddb_sequence_at(int64_t time_ms)
{
    return (uint64_t)time_ms << CLOCK_BITS;
}

uint64_t ddb_sequence_next(struct dynamodb *dynamodb)
{
    uint64_t now = ddb_sequence_at(clock_wall_ms());
    uint64_t last = atomic_load(&dynamodb->last_sequence);
    uint64_t next = now > last ? now : last + 1;
    atomic_store(&dynamodb->last_sequence, next);
    return next;
}

struct str ddb_sequence_text(struct arena *arena, uint64_t sequence)
{
    return arena_printf(arena, "1%020llu", (unsigned long long)sequence);
}

bool ddb_sequence_parse(struct str text, uint64_t *out)
{
    return text.len == 21 && text.ptr[0] == '1' && str_to_u64(str_slice(text, 1, 20), out);
}

/* --- Documents --- */

static const struct str streams_prefix = STR_INIT("dynamodb/stream/");

struct str ddb_stream_prefix(struct arena *arena, struct str table)
{
    return arena_printf(arena, "%.*s%.*s%s", STR_ARG(streams_prefix), STR_ARG(table),
                        table.len ? "/" : "");
}

static struct str stream_key(struct arena *arena, struct str table, struct str label)
{
    return arena_printf(arena, "%.*s%.*s", STR_ARG(ddb_stream_prefix(arena, table)),
                        STR_ARG(label));
}

bool ddb_stream_parse(struct str document, struct arena *arena, struct ddb_stream *out)
{
    int64_t id = 0, last = 0;
    *out = (struct ddb_stream){.document = json_parse(arena, document)};
    out->table = json_get_str(out->document, "TableName");
    out->label = json_get_str(out->document, "Label");
    json_get_i64(out->document, "CreatedMs", &out->created_ms);
    json_get_i64(out->document, "ClosedMs", &out->closed_ms);
    json_get_i64(out->document, "Last", &last);
    json_get_i64(out->document, "Id", &id);
    out->id = (uint64_t)id;
    out->last = (uint64_t)last;
    return id > 0 && out->table.ptr && out->label.ptr;
}

enum err ddb_stream_find(struct dynamodb *dynamodb, struct str table, struct str label,
                         struct arena *arena, bool *out_found, struct ddb_stream *out,
                         struct error *error)
{
    struct str value;
    enum err rc = store_get(dynamodb->skylite->store, STORE_META, stream_key(arena, table, label),
                            arena, out_found, &value, error);
    if (rc == OK && *out_found && !ddb_stream_parse(value, arena, out))
        rc = error_set(error, ERR_DDB_INTERNAL, "A stored stream cannot be read");
    return rc;
}

/* --- Opening and closing --- */

/* The label is the time; of two in one millisecond the second one is later. */
static enum err find_label(struct store_txn *txn, struct str table, int64_t *time_ms,
                           struct arena *arena, struct str *out, struct error *error)
{
    for (;; ++*time_ms) {
        struct str value;
        bool is_taken;
        *out = clock_iso8601_ms(arena, *time_ms);
        out->len--; /* without the Z */
        enum err rc = store_txn_get(txn, STORE_META, stream_key(arena, table, *out), arena,
                                    &is_taken, &value, error);
        if (rc || !is_taken)
            return rc;
    }
}

enum err ddb_stream_open(struct ddb_draft *draft, struct str table, struct store_txn *txn,
                         const yyjson_val *specification, struct error *error)
{
    struct arena *arena = draft->arena;
    int64_t now_ms = clock_wall_ms();
    struct str label;
    uint64_t id;
    enum err rc = ddb_next_id(txn, arena, &id, error);
    if (rc == OK)
        rc = find_label(txn, table, &now_ms, arena, &label, error);
    if (rc)
        return rc;
    yyjson_mut_doc *doc = json_doc(arena);
    yyjson_mut_val *document = yyjson_mut_obj(doc);
    json_add_i64(doc, document, "Id", (int64_t)id);
    json_add_str(doc, document, "TableName", table);
    json_add_str(doc, document, "Label", label);
    json_add_i64(doc, document, "CreatedMs", now_ms);
    json_add_copy(doc, document, "StreamViewType", json_get(specification, "StreamViewType"));
    json_add(doc, document, "KeySchema",
             yyjson_mut_val_mut_copy(doc, yyjson_mut_obj_get(draft->root, "KeySchema")));
    store_txn_put(txn, STORE_META, stream_key(arena, table, label), json_write(arena, document));

    ddb_draft_set_i64(draft, "StreamId", (int64_t)id);
    ddb_draft_set(draft, "LatestStreamLabel", yyjson_mut_strncpy(draft->doc, label.ptr, label.len));
    ddb_draft_set_copy(draft, "StreamSpecification", specification);
    return OK;
}

enum err ddb_stream_close(struct dynamodb *dynamodb, struct ddb_draft *draft, struct store_txn *txn,
                          const struct ddb_table *table, struct error *error)
{
    struct arena arena = {0};
    struct str label = json_get_str(table->definition, "LatestStreamLabel"), value;
    struct str key = stream_key(&arena, table->name, label);
    bool found;
    enum err rc = store_txn_get(txn, STORE_META, key, &arena, &found, &value, error);
    if (rc == OK && found) {
        yyjson_mut_doc *doc = json_doc(&arena);
        yyjson_mut_val *document = yyjson_val_mut_copy(doc, json_parse(&arena, value));
        json_add_i64(doc, document, "ClosedMs", clock_wall_ms());
        json_add_i64(doc, document, "Last", (int64_t)ddb_sequence_next(dynamodb));
        store_txn_put(txn, STORE_META, key, json_write(&arena, document));
    }
    if (draft) {
        ddb_draft_remove(draft, "StreamId");
        ddb_draft_remove(draft, "StreamSpecification");
        ddb_draft_remove(draft, DDB_STREAM_POLICY);
    }
    arena_release(&arena);
    return rc;
}

/* --- Records --- */

struct str ddb_stream_record_key(struct arena *arena, const struct ddb_stream *stream,
                                 uint64_t sequence)
{
    uint64_t parts[2] = {__builtin_bswap64(stream->id), __builtin_bswap64(sequence)};
    return arena_str(arena, str_make((const char *)parts, sizeof(parts)));
}

uint64_t ddb_stream_record_sequence(struct str key)
{
    uint64_t big_endian = 0;
    if (key.len == 2 * sizeof(big_endian))
        memcpy(&big_endian, key.ptr + sizeof(big_endian), sizeof(big_endian));
    return __builtin_bswap64(big_endian);
}

static const char *const view_names[] = {
    [DDB_VIEW_KEYS] = "KEYS_ONLY",
    [DDB_VIEW_NEW] = "NEW_IMAGE",
    [DDB_VIEW_OLD] = "OLD_IMAGE",
    [DDB_VIEW_BOTH] = "NEW_AND_OLD_IMAGES",
};

/* Adds `,"NewImage":{...}` and counts its bytes. */
static void add_image(struct buf *out, const char *name, const struct ddb_value *item,
                      size_t *bytes)
{
    buf_printf(out, ",\"%s\":", name);
    ddb_item_write(item, out);
    *bytes += ddb_item_size(item);
}

static void add_images(struct buf *out, const struct ddb_change *change)
{
    const struct ddb_value *item = change->new_item ? change->new_item : change->old_item;
    enum ddb_view view = change->table->view;
    struct ddb_entry entries[DDB_MAX_KEY_PARTS];
    struct ddb_value key;
    ddb_key_of(&change->table->keys, item, entries, &key);
    size_t bytes = ddb_item_size(&key);
    buf_add(out, STR("\"Keys\":"));
    ddb_item_write(&key, out);
    if (change->new_item && (view == DDB_VIEW_NEW || view == DDB_VIEW_BOTH))
        add_image(out, "NewImage", change->new_item, &bytes);
    if (change->old_item && (view == DDB_VIEW_OLD || view == DDB_VIEW_BOTH))
        add_image(out, "OldImage", change->old_item, &bytes);
    buf_printf(out, ",\"SizeBytes\":%zu,\"StreamViewType\":\"%s\"", bytes, view_names[view]);
}

void ddb_stream_record(struct dynamodb *dynamodb, struct store_txn *txn,
                       const struct ddb_change *change, struct arena *arena)
{
    struct ddb_stream stream = {.id = change->table->stream_id};
    struct buf out;
    if (change->old_item && change->new_item && ddb_value_equal(change->old_item, change->new_item))
        return;
    uint64_t sequence = ddb_sequence_next(dynamodb);
    struct str key = ddb_stream_record_key(arena, &stream, sequence);
    uint64_t hash = ddb_key_hash(key);
    buf_init_arena(&out, arena, SIZE_MAX / 2);
    buf_printf(&out,
               "{\"eventID\":\"%016llx%016llx\",\"eventName\":\"%s\",\"eventVersion\":\"1.1\","
               "\"eventSource\":\"aws:dynamodb\",\"awsRegion\":\"%.*s\",\"dynamodb\":{"
               "\"ApproximateCreationDateTime\":%lld,\"SequenceNumber\":\"%.*s\",",
               (unsigned long long)hash, (unsigned long long)sequence,
               !change->new_item   ? "REMOVE"
               : !change->old_item ? "INSERT"
                                   : "MODIFY",
               STR_ARG(dynamodb->skylite->config.region), (long long)(clock_wall_ms() / 1000),
               STR_ARG(ddb_sequence_text(arena, sequence)));
    add_images(&out, change);
    buf_add(&out, STR("}"));
    if (change->is_expiry)
        buf_add(&out, STR(",\"userIdentity\":{\"Type\":\"Service\",\"PrincipalId\":"
                          "\"dynamodb.amazonaws.com\"}"));
    buf_add_byte(&out, '}');
    store_txn_put(txn, STORE_ITEMS, key, buf_str(&out));
}

/* --- At the start --- */

static void see_last(struct dynamodb *dynamodb, const struct ddb_stream *stream)
{
    struct arena arena = {0};
    struct str start = ddb_keys_prefix(&arena, stream->id), key, value;
    struct store_iter *iter = store_iter_new(dynamodb->skylite->store, STORE_ITEMS, start,
                                             store_prefix_end(&arena, start), true);
    uint64_t last = stream->last;
    if (store_iter_next(iter, &key, &value) && ddb_stream_record_sequence(key) > last)
        last = ddb_stream_record_sequence(key);
    if (last > atomic_load(&dynamodb->last_sequence))
        atomic_store(&dynamodb->last_sequence, last);
    store_iter_free(iter);
    arena_release(&arena);
}

enum err ddb_stream_resume(struct dynamodb *dynamodb, struct error *error)
{
    struct arena arena = {0};
    struct str key, value;
    struct store_iter *iter = store_iter_new(dynamodb->skylite->store, STORE_META, streams_prefix,
                                             store_prefix_end(&arena, streams_prefix), false);
    while (store_iter_next(iter, &key, &value)) {
        struct ddb_stream stream;
        if (ddb_stream_parse(value, &arena, &stream))
            see_last(dynamodb, &stream);
    }
    enum err rc = store_iter_error(iter, error);
    store_iter_free(iter);
    arena_release(&arena);
    return rc;
}

/* --- Trimming --- */

/* Deletes up to `room` records before `until`; how many there were. */
static size_t trim_records(struct store_txn *txn, const struct ddb_stream *stream, uint64_t until,
                           size_t room, struct arena *scratch)
{
    struct str *keys = arena_array(scratch, struct str, room), key, value;
    struct store_iter *iter =
        store_txn_iter_new(txn, STORE_ITEMS, ddb_stream_record_key(scratch, stream, 0),
                           ddb_stream_record_key(scratch, stream, until), false);
    size_t count = 0;
    while (count < room && store_iter_next(iter, &key, &value))
        keys[count++] = arena_str(scratch, key);
    store_iter_free(iter);
    for (size_t i = 0; i < count; i++)
        store_txn_delete(txn, STORE_ITEMS, keys[i]);
    return count;
}

static enum err trim_step(struct ddb_job *job, struct store_txn *txn, struct arena *scratch,
                          struct error *error)
{
    int64_t until_ms = clock_wall_ms() - DDB_STREAM_MS;
    struct str key, value, over = STR_EMPTY;
    size_t count = 0;
    struct store_iter *iter = store_txn_iter_new(txn, STORE_META, streams_prefix,
                                                 store_prefix_end(scratch, streams_prefix), false);
    while (count < DDB_JOB_STEP && store_iter_next(iter, &key, &value)) {
        struct ddb_stream stream;
        if (!ddb_stream_parse(value, scratch, &stream))
            continue;
        size_t trimmed =
            trim_records(txn, &stream, ddb_sequence_at(until_ms), DDB_JOB_STEP - count, scratch);
        count += trimmed;
        if (trimmed == 0 && stream.last && stream.closed_ms < until_ms)
            over = arena_str(scratch, key);
    }
    enum err rc = store_iter_error(iter, error);
    store_iter_free(iter);
    if (over.len)
        store_txn_delete(txn, STORE_META, over);
    job->is_done = count == 0 && !over.len;
    return rc;
}

static void trim_end(struct ddb_job *job)
{
    atomic_store(&job->dynamodb->is_trimming, false);
    free(job);
}

void ddb_stream_trim(struct dynamodb *dynamodb)
{
    if (atomic_exchange(&dynamodb->is_trimming, true))
        return;
    struct ddb_job *job = ddb_job_new(dynamodb, sizeof(*job), "trimming streams", trim_step);
    job->write.class = STORE_CONTROL;
    job->end = trim_end;
    ddb_job_start(job);
}
