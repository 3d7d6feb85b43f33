/* CreateBackup, DescribeBackup, ListBackups, DeleteBackup. */
#include "services/dynamodb/backup.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/log.h"
#include "services/dynamodb/job.h"
#include "services/dynamodb/operations.h"

static const struct str backups_prefix = STR_INIT("dynamodb/backup/");

static struct str backup_key(struct arena *arena, struct str table, struct str backup_id)
{
    return arena_printf(arena, "%.*s%.*s/%.*s", STR_ARG(backups_prefix), STR_ARG(table),
                        STR_ARG(backup_id));
}

static bool parse_backup(struct str text, struct arena *arena, struct ddb_backup *out)
{
    yyjson_val *document = json_parse(arena, text);
    *out = (struct ddb_backup){.document = document};
    out->source = json_get(document, "Table");
    out->table = json_get_str(out->source, "TableName");
    out->name = json_get_str(document, "BackupName");
    out->backup_id = json_get_str(document, "BackupId");
    out->id = (uint64_t)ddb_get_integer(document, "Id", 0);
    out->created_ms = ddb_get_integer(document, "CreatedMs", 0);
    out->size_bytes = ddb_get_integer(document, "SizeBytes", 0);
    out->is_available = ddb_get_boolean(document, "IsAvailable", false);
    return out->id && out->table.ptr && out->backup_id.ptr;
}

static struct str arn_of(struct request *request, const struct ddb_backup *backup)
{
    return arena_printf(request->arena, "%.*s/backup/%.*s",
                        STR_ARG(ddb_table_arn(request, backup->table)), STR_ARG(backup->backup_id));
}

static enum err not_found(struct request *request, struct str arn)
{
    return request_fail(request, ERR_DDB_BACKUP_NOT_FOUND, "Backup not found: %.*s", STR_ARG(arn));
}

static bool split_arn(struct request *request, struct str arn, struct str *out_table,
                      struct str *out_id)
{
    static const struct str middle = STR_INIT("/backup/");
    struct str prefix = ddb_table_arn(request, STR_EMPTY);
    struct str rest = str_slice(arn, prefix.len, arn.len);
    ptrdiff_t at = str_find(rest, middle);
    if (!str_starts(arn, prefix) || at < 0)
        return false;
    *out_table = str_slice(rest, 0, (size_t)at);
    *out_id = str_slice(rest, (size_t)at + middle.len, rest.len);
    return true;
}

enum err ddb_backup_find(struct request *request, struct str arn, struct ddb_backup *out)
{
    struct str table, backup_id, value;
    bool found = false;
    if (!split_arn(request, arn, &table, &backup_id))
        return request_fail(request, ERR_VALIDATION, "Invalid BackupArn: %.*s", STR_ARG(arn));
    enum err rc =
        store_get(request->skylite->store, STORE_META, backup_key(request->arena, table, backup_id),
                  request->arena, &found, &value, &request->error);
    if (rc == OK && !found)
        return not_found(request, arn);
    if (rc == OK && !parse_backup(value, request->arena, out))
        rc = request_fail(request, ERR_DDB_INTERNAL, "A stored backup cannot be read");
    return rc;
}

enum err ddb_backup_resource(struct request *request, struct str *out_arn)
{
    *out_arn = request_str(request, "BackupArn");
    return OK;
}

/* --- Copying --- */

struct copy {
    struct ddb_job job; /* first */
    struct arena arena; /* of the strings */
    struct str key;     /* the document's */
    struct str table;
    uint64_t from, to;
    bool is_clean;           /* what an interrupted copy left is gone */
    struct store_iter *iter; /* opened on the writer: the table at that moment */
    int64_t items, bytes;
};

static enum err finish_copy(struct copy *copy, struct store_txn *txn, struct arena *scratch,
                            struct error *error)
{
    struct str value;
    bool found;
    enum err rc = store_txn_get(txn, STORE_META, copy->key, scratch, &found, &value, error);
    if (rc || !found)
        return rc;
    yyjson_mut_doc *doc = json_doc(scratch);
    yyjson_mut_val *document = yyjson_val_mut_copy(doc, json_parse(scratch, value));
    json_add_bool(doc, document, "IsAvailable", true);
    json_add_i64(doc, document, "SizeBytes", copy->bytes);
    json_add_i64(doc, document, "ItemCount", copy->items);
    store_txn_put(txn, STORE_META, copy->key, json_write(scratch, document));
    return OK;
}

static enum err copy_some(struct copy *copy, struct store_txn *txn, struct arena *scratch,
                          struct error *error)
{
    struct str key, value, prefix = ddb_keys_prefix(scratch, copy->from);
    struct str target = ddb_keys_prefix(scratch, copy->to);
    bool has_more = true;
    if (!copy->iter)
        copy->iter = store_iter_new(copy->job.dynamodb->skylite->store, STORE_ITEMS, prefix,
                                    store_prefix_end(scratch, prefix), false);
    for (size_t i = 0; i < DDB_JOB_STEP && !store_txn_is_full(txn); i++) {
        struct ddb_stored stored;
        struct buf to;
        has_more = store_iter_next(copy->iter, &key, &value);
        if (!has_more)
            break;
        buf_init_arena(&to, scratch, SIZE_MAX / 2);
        buf_add(&to, target);
        buf_add(&to, str_slice(key, prefix.len, key.len));
        store_txn_put(txn, STORE_ITEMS, buf_str(&to), value);
        enum err rc = ddb_stored_read(value, &stored, error);
        if (rc)
            return rc;
        copy->bytes += (int64_t)stored.size;
        copy->items++;
    }
    enum err rc = store_iter_error(copy->iter, error);
    copy->job.is_done = !has_more;
    return rc || !copy->job.is_done ? rc : finish_copy(copy, txn, scratch, error);
}

static enum err copy_step(struct ddb_job *job, struct store_txn *txn, struct arena *scratch,
                          struct error *error)
{
    struct copy *copy = (struct copy *)job;
    if (!copy->is_clean) {
        copy->is_clean = ddb_purge_some(txn, copy->to, DDB_JOB_STEP, scratch) < DDB_JOB_STEP;
        return OK;
    }
    if (!copy->iter) {
        struct ddb_table *table = ddb_table_now(job->dynamodb, copy->table, copy->from);
        ddb_table_unref(table);
        if (!table) { /* deleted before the copy began */
            store_txn_delete(txn, STORE_META, copy->key);
            job->is_done = true;
            return OK;
        }
    }
    return copy_some(copy, txn, scratch, error);
}

static void copy_anew(struct ddb_job *job)
{
    struct copy *copy = (struct copy *)job;
    store_iter_free(copy->iter);
    copy->iter = NULL;
    copy->is_clean = false;
    copy->items = copy->bytes = 0;
}

static void copy_end(struct ddb_job *job)
{
    struct copy *copy = (struct copy *)job;
    store_iter_free(copy->iter);
    arena_release(&copy->arena);
    free(copy);
}

static void start_copy(struct dynamodb *dynamodb, struct str key, const struct ddb_backup *backup)
{
    struct copy *copy = ddb_job_new(dynamodb, sizeof(*copy), "making a backup", copy_step);
    copy->key = arena_str(&copy->arena, key);
    copy->table = arena_str(&copy->arena, backup->table);
    copy->from = (uint64_t)ddb_get_integer(backup->source, "Id", 0);
    copy->to = backup->id;
    copy->job.begin_anew = copy_anew;
    copy->job.end = copy_end;
    ddb_job_start(&copy->job);
}

enum err ddb_backup_resume(struct dynamodb *dynamodb, struct error *error)
{
    struct arena arena = {0};
    struct str key, value;
    struct store_iter *iter = store_iter_new(dynamodb->skylite->store, STORE_META, backups_prefix,
                                             store_prefix_end(&arena, backups_prefix), false);
    while (store_iter_next(iter, &key, &value)) {
        struct ddb_backup backup;
        if (!parse_backup(value, &arena, &backup) || backup.is_available)
            continue;
        log_warn("dynamodb", "the backup %.*s of %.*s is begun again", STR_ARG(backup.name),
                 STR_ARG(backup.table));
        start_copy(dynamodb, key, &backup);
    }
    enum err rc = store_iter_error(iter, error);
    store_iter_free(iter);
    arena_release(&arena);
    return rc;
}

/* --- Describing --- */

static void add_details(struct request *request, const struct ddb_backup *backup,
                        const char *status, yyjson_mut_val *out)
{
    yyjson_mut_doc *doc = request->doc;
    json_add_str(doc, out, "BackupArn", arn_of(request, backup));
    json_add_str(doc, out, "BackupName", backup->name);
    json_add_i64(doc, out, "BackupSizeBytes", backup->size_bytes);
    json_add_str(doc, out, "BackupStatus", str_from(status));
    json_add_str(doc, out, "BackupType", STR("USER"));
    request_add_time(request, out, "BackupCreationDateTime", backup->created_ms);
}

static const char *status_of(const struct ddb_backup *backup)
{
    return backup->is_available ? "AVAILABLE" : "CREATING";
}

static void add_source(struct request *request, const struct ddb_backup *backup,
                       yyjson_mut_val *description)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_val *throughput = json_get(backup->source, "ProvisionedThroughput");
    struct str mode = json_get_str(backup->source, "BillingMode");
    yyjson_mut_val *out = json_add_obj(doc, description, "SourceTableDetails");
    json_add_str(doc, out, "TableName", backup->table);
    json_add_copy(doc, out, "TableId", json_get(backup->source, "TableId"));
    json_add_str(doc, out, "TableArn", ddb_table_arn(request, backup->table));
    json_add_i64(doc, out, "TableSizeBytes", backup->size_bytes);
    json_add_i64(doc, out, "ItemCount", ddb_get_integer(backup->document, "ItemCount", 0));
    json_add_copy(doc, out, "KeySchema", json_get(backup->source, "KeySchema"));
    request_add_time(request, out, "TableCreationDateTime",
                     ddb_get_integer(backup->source, "CreatedMs", 0));
    json_add_str(doc, out, "BillingMode", mode.ptr ? mode : STR("PROVISIONED"));
    yyjson_mut_val *units = json_add_obj(doc, out, "ProvisionedThroughput");
    json_add_i64(doc, units, "ReadCapacityUnits",
                 ddb_get_integer(throughput, "ReadCapacityUnits", 0));
    json_add_i64(doc, units, "WriteCapacityUnits",
                 ddb_get_integer(throughput, "WriteCapacityUnits", 0));
}

static void add_indexes(struct request *request, const struct ddb_backup *backup, const char *list,
                        yyjson_mut_val *out)
{
    static const char *const told[] = {"IndexName", "KeySchema", "Projection",
                                       "ProvisionedThroughput"};
    yyjson_val *indexes = json_get(backup->source, list), *index;
    size_t i, max;
    if (!indexes)
        return;
    yyjson_mut_val *all = json_add_arr(request->doc, out, list);
    yyjson_arr_foreach (indexes, i, max, index) {
        yyjson_mut_val *one = yyjson_mut_arr_add_obj(request->doc, all);
        for (size_t j = 0; j < sizeof(told) / sizeof(told[0]); j++)
            json_add_copy(request->doc, one, told[j], json_get(index, told[j]));
    }
}

static void add_features(struct request *request, const struct ddb_backup *backup,
                         yyjson_mut_val *description)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_val *attribute = json_get(backup->source, "TimeToLiveAttribute");
    yyjson_mut_val *out = json_add_obj(doc, description, "SourceTableFeatureDetails");
    add_indexes(request, backup, "LocalSecondaryIndexes", out);
    add_indexes(request, backup, "GlobalSecondaryIndexes", out);
    json_add_copy(doc, out, "StreamDescription", json_get(backup->source, "StreamSpecification"));
    json_add_copy(doc, out, "SSEDescription", json_get(backup->source, "SSEDescription"));
    if (attribute) {
        yyjson_mut_val *expiry = json_add_obj(doc, out, "TimeToLiveDescription");
        json_add_str(doc, expiry, "TimeToLiveStatus", STR("ENABLED"));
        json_add_copy(doc, expiry, "AttributeName", attribute);
    }
}

static void describe(struct request *request, const struct ddb_backup *backup, const char *status)
{
    yyjson_mut_val *out = json_add_obj(request->doc, request_output(request), "BackupDescription");
    add_details(request, backup, status, json_add_obj(request->doc, out, "BackupDetails"));
    add_source(request, backup, out);
    add_features(request, backup, out);
}

enum err ddb_describe_backup(struct request *request)
{
    struct ddb_backup backup;
    enum err rc = ddb_backup_find(request, request_str(request, "BackupArn"), &backup);
    if (rc == OK)
        describe(request, &backup, status_of(&backup));
    return rc;
}

/* --- Creating and deleting --- */

struct backup_change {
    const struct ddb_table *table;
    struct ddb_backup backup;
    struct str key;
};

static enum err create(struct request *request, struct store_txn *txn)
{
    struct dynamodb *dynamodb = request_self(request, struct dynamodb);
    struct backup_change *change = request->handler_state;
    struct ddb_table *now = ddb_table_now(dynamodb, change->table->name, change->table->keys.id);
    uint64_t id;
    unsigned char random[4];
    if (!now)
        return request_fail(request, ERR_DDB_TABLE_NOT_FOUND, "Table not found: %.*s",
                            STR_ARG(change->table->name));
    ddb_table_keep(request->arena, now);
    enum err rc = ddb_next_id(txn, request->arena, &id, &request->error);
    if (rc)
        return rc;
    int64_t now_ms = clock_wall_ms();
    random_bytes(random, sizeof(random));
    struct str backup_id = arena_printf(
        request->arena, "%014lld-%.*s", (long long)now_ms,
        STR_ARG(encode_hex(request->arena, str_make((const char *)random, sizeof(random)))));
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *document = yyjson_mut_obj(doc);
    json_add_i64(doc, document, "Id", (int64_t)id);
    json_add_str(doc, document, "BackupId", backup_id);
    json_add_copy(doc, document, "BackupName", json_get(request->input, "BackupName"));
    json_add_i64(doc, document, "CreatedMs", now_ms);
    json_add_copy(doc, document, "Table", now->definition);
    struct str text = json_write(request->arena, document);
    change->key = backup_key(request->arena, now->name, backup_id);
    store_txn_put(txn, STORE_META, change->key, text);
    parse_backup(text, request->arena, &change->backup);
    return OK;
}

static enum err answer_create(struct request *request)
{
    struct backup_change *change = request->handler_state;
    start_copy(request_self(request, struct dynamodb), change->key, &change->backup);
    add_details(request, &change->backup, "CREATING",
                json_add_obj(request->doc, request_output(request), "BackupDetails"));
    return OK;
}

enum err ddb_create_backup(struct request *request)
{
    struct backup_change *change = arena_new(request->arena, struct backup_change);
    enum err rc = ddb_table_for_control(request, &change->table);
    if (rc == ERR_DDB_RESOURCE_NOT_FOUND || (rc == OK && !change->table->is_ready))
        return request_fail(request, ERR_DDB_TABLE_NOT_FOUND, "Table not found: %.*s",
                            STR_ARG(request_str(request, "TableName")));
    request->handler_state = change;
    return rc ? rc : request_write(request, create, answer_create);
}

static enum err take_out(struct request *request, struct store_txn *txn)
{
    struct backup_change *change = request->handler_state;
    struct str value;
    bool found;
    enum err rc = store_txn_get(txn, STORE_META, change->key, request->arena, &found, &value,
                                &request->error);
    if (rc)
        return rc;
    if (!found || !parse_backup(value, request->arena, &change->backup))
        return not_found(request, request_str(request, "BackupArn"));
    if (!change->backup.is_available ||
        ddb_is_restored_from(request_self(request, struct dynamodb), change->backup.id))
        return request_fail(request, ERR_DDB_BACKUP_IN_USE, "Backup is being used: %.*s",
                            STR_ARG(request_str(request, "BackupArn")));
    store_txn_delete(txn, STORE_META, change->key);
    ddb_purge(txn, change->backup.id);
    return OK;
}

static enum err answer_delete(struct request *request)
{
    struct backup_change *change = request->handler_state;
    ddb_purge_start(request_self(request, struct dynamodb), change->backup.id);
    describe(request, &change->backup, "DELETED");
    return OK;
}

enum err ddb_delete_backup(struct request *request)
{
    struct backup_change *change = arena_new(request->arena, struct backup_change);
    enum err rc = ddb_backup_find(request, request_str(request, "BackupArn"), &change->backup);
    if (rc)
        return rc;
    change->key = backup_key(request->arena, change->backup.table, change->backup.backup_id);
    request->handler_state = change;
    return request_write(request, take_out, answer_delete);
}

/* --- Listing --- */

static bool is_listed(struct request *request, const struct ddb_backup *backup)
{
    yyjson_val *from = ddb_get(request->input, "TimeRangeLowerBound");
    yyjson_val *until = ddb_get(request->input, "TimeRangeUpperBound");
    struct str type = request_str(request, "BackupType");
    double seconds = (double)backup->created_ms / 1000;
    return (!from || seconds >= yyjson_get_num(from)) &&
           (!until || seconds < yyjson_get_num(until)) &&
           (!type.ptr || str_eq(type, STR("USER")) || str_eq(type, STR("ALL")));
}

static void add_summary(struct request *request, const struct ddb_backup *backup,
                        yyjson_mut_val *list)
{
    yyjson_mut_val *out = yyjson_mut_arr_add_obj(request->doc, list);
    json_add_str(request->doc, out, "TableName", backup->table);
    json_add_copy(request->doc, out, "TableId", json_get(backup->source, "TableId"));
    json_add_str(request->doc, out, "TableArn", ddb_table_arn(request, backup->table));
    add_details(request, backup, status_of(backup), out);
}

enum err ddb_list_backups(struct request *request)
{
    struct str table = request_str(request, "TableName"), key, value, last = STR_EMPTY;
    struct str start = request_str(request, "ExclusiveStartBackupArn");
    int64_t limit = ddb_get_integer(request->input, "Limit", 100);
    struct str prefix = backups_prefix;
    enum err rc = table.ptr ? ddb_table_name_of(request, table, &table) : OK;
    if (rc)
        return rc;
    if (table.ptr)
        prefix = backup_key(request->arena, table, STR_EMPTY);
    yyjson_mut_val *list = json_add_arr(request->doc, request_output(request), "BackupSummaries");
    struct store_iter *iter = store_iter_new(request->skylite->store, STORE_META, prefix,
                                             store_prefix_end(request->arena, prefix), false);
    while (store_iter_next(iter, &key, &value)) {
        struct ddb_backup backup;
        if (!parse_backup(value, request->arena, &backup) || !is_listed(request, &backup))
            continue;
        struct str arn = arn_of(request, &backup);
        if (start.ptr && str_cmp(arn, start) <= 0)
            continue;
        if ((int64_t)yyjson_mut_arr_size(list) == limit) {
            json_add_str(request->doc, request->output, "LastEvaluatedBackupArn", last);
            break;
        }
        add_summary(request, &backup, list);
        last = arn;
    }
    rc = store_iter_error(iter, &request->error);
    store_iter_free(iter);
    return rc;
}
