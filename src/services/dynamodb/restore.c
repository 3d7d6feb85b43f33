/* RestoreTableFromBackup and RestoreTableToPointInTime: a new table, filled in the background from
 * a backup or another table. Until then data operations do not see it. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "services/dynamodb/backup.h"
#include "services/dynamodb/definition.h"
#include "services/dynamodb/job.h"
#include "services/dynamodb/journal.h"
#include "services/dynamodb/operations.h"

/* --- The job: clean, copy, go back, adopt --- */

enum phase { CLEAN, COPY, GO_BACK, ADOPT };

struct restore {
    struct ddb_job job; /* first */
    struct arena arena; /* of the name */
    struct str name;
    uint64_t table_id, from;
    uint64_t journal_id; /* 0: nothing to go back through */
    int64_t until_ms;
    enum phase phase;
    /* Both opened on the writer in one step: the source at one moment. */
    struct store_iter *items, *journal;
    struct arena next_arena;
    struct str next; /* of ADOPT: the first key to look at; empty at the start */
};

/* What an interrupted restore left. */
static void clean(struct restore *restore, struct store_txn *txn, const struct ddb_table *table,
                  struct arena *scratch)
{
    struct dynamodb *dynamodb = restore->job.dynamodb;
    size_t room = DDB_JOB_STEP;
    for (size_t i = 0; room && i < table->index_count + 2; i++) {
        uint64_t id = i < table->index_count    ? table->indexes[i].keys.id
                      : i == table->index_count ? table->keys.id
                                                : table->collections_id;
        if (id)
            room -= ddb_purge_some(txn, id, room, scratch);
    }
    if (room == 0)
        return;
    for (size_t i = 0; i <= table->index_count; i++) {
        bool is_index = i < table->index_count;
        struct ddb_stats *stats = is_index ? table->indexes[i].stats : table->stats;
        ddb_stats_change(dynamodb, stats, -atomic_load(&stats->item_count),
                         -atomic_load(&stats->size_bytes));
    }
    restore->phase = COPY;
}

static void open_source(struct restore *restore, struct arena *scratch)
{
    struct store *store = restore->job.dynamodb->skylite->store;
    struct str start = ddb_keys_prefix(scratch, restore->from), end;
    restore->items =
        store_iter_new(store, STORE_ITEMS, start, store_prefix_end(scratch, start), false);
    if (!restore->journal_id)
        return;
    ddb_journal_range(scratch, restore->journal_id, restore->until_ms, &start, &end);
    restore->journal = store_iter_new(store, STORE_ITEMS, start, end, true);
    /* An iterator sees the store as of its making, not of its first use. */
}

static struct str key_under(struct arena *arena, uint64_t id, struct str rest)
{
    struct buf key;
    buf_init_arena(&key, arena, SIZE_MAX / 2);
    buf_add(&key, ddb_keys_prefix(arena, id));
    buf_add(&key, rest);
    return buf_str(&key);
}

static enum err copy(struct restore *restore, struct store_txn *txn, struct arena *scratch,
                     struct error *error)
{
    struct str key, value;
    bool has_more = true;
    if (!restore->items)
        open_source(restore, scratch);
    for (size_t i = 0; i < DDB_JOB_STEP && !store_txn_is_full(txn); i++) {
        has_more = store_iter_next(restore->items, &key, &value);
        if (!has_more)
            break;
        struct str rest = str_slice(key, sizeof(uint64_t), key.len);
        store_txn_put(txn, STORE_ITEMS, key_under(scratch, restore->table_id, rest), value);
    }
    if (!has_more)
        restore->phase = restore->journal ? GO_BACK : ADOPT;
    return store_iter_error(restore->items, error);
}

static enum err go_back(struct restore *restore, struct store_txn *txn, struct arena *scratch,
                        struct error *error)
{
    struct str key, value;
    bool has_more = true;
    for (size_t i = 0; i < DDB_JOB_STEP && !store_txn_is_full(txn); i++) {
        struct ddb_undo undo;
        has_more = store_iter_next(restore->journal, &key, &value);
        if (!has_more)
            break;
        if (!ddb_journal_read(value, &undo))
            continue;
        struct str target = key_under(scratch, restore->table_id, undo.item_key);
        if (undo.stored.len)
            store_txn_put(txn, STORE_ITEMS, target, undo.stored);
        else
            store_txn_delete(txn, STORE_ITEMS, target);
    }
    if (!has_more)
        restore->phase = ADOPT;
    return store_iter_error(restore->journal, error);
}

static enum err adopt_one(struct restore *restore, struct store_txn *txn,
                          const struct ddb_table *table, struct str value, struct error *error)
{
    struct arena arena = {0};
    struct ddb_stored stored;
    struct ddb_value item;
    enum err rc = ddb_stored_read(value, &stored, error);
    if (rc == OK)
        rc = ddb_stored_parse(value, &arena, &item, error);
    if (rc == OK)
        rc = ddb_change_adopt(restore->job.dynamodb, txn, table, &item, stored.size, &arena, error);
    arena_release(&arena);
    return rc;
}

static enum err finish(struct restore *restore, struct store_txn *txn,
                       const struct ddb_table *table, struct arena *scratch, struct error *error)
{
    struct ddb_draft draft;
    ddb_draft_start(&draft, table, scratch);
    ddb_draft_remove(&draft, "Restoring");
    restore->job.is_done = true;
    return ddb_draft_store(&draft, restore->job.dynamodb, txn, NULL, error);
}

static enum err adopt(struct restore *restore, struct store_txn *txn, const struct ddb_table *table,
                      struct arena *scratch, struct error *error)
{
    struct str prefix = ddb_keys_prefix(scratch, table->keys.id), key, value, last = STR_EMPTY;
    struct store_iter *iter =
        store_txn_iter_new(txn, STORE_ITEMS, restore->next.len ? restore->next : prefix,
                           store_prefix_end(scratch, prefix), false);
    size_t count = 0;
    enum err rc = OK;
    while (rc == OK && count < DDB_JOB_STEP && store_iter_next(iter, &key, &value)) {
        last = arena_str(scratch, key); /* writing may move what the iterator lent */
        rc = adopt_one(restore, txn, table, arena_str(scratch, value), error);
        count++;
    }
    if (rc == OK)
        rc = store_iter_error(iter, error);
    store_iter_free(iter);
    arena_reset(&restore->next_arena);
    restore->next = str_make(arena_cstr(&restore->next_arena, last), last.len + 1);
    return rc || count == DDB_JOB_STEP ? rc : finish(restore, txn, table, scratch, error);
}

static enum err restore_step(struct ddb_job *job, struct store_txn *txn, struct arena *scratch,
                             struct error *error)
{
    struct restore *restore = (struct restore *)job;
    struct ddb_table *table = ddb_table_now(job->dynamodb, restore->name, restore->table_id);
    enum err rc = OK;
    job->is_done = table == NULL;
    if (!table)
        return OK;
    switch (restore->phase) {
    case CLEAN:
        clean(restore, txn, table, scratch);
        break;
    case COPY:
        rc = copy(restore, txn, scratch, error);
        break;
    case GO_BACK:
        rc = go_back(restore, txn, scratch, error);
        break;
    case ADOPT:
        rc = adopt(restore, txn, table, scratch, error);
        break;
    }
    ddb_table_unref(table);
    return rc;
}

static void restore_anew(struct ddb_job *job)
{
    struct restore *restore = (struct restore *)job;
    store_iter_free(restore->items);
    store_iter_free(restore->journal);
    restore->items = restore->journal = NULL;
    restore->phase = CLEAN;
    restore->next = STR_EMPTY;
}

static void restore_end(struct ddb_job *job)
{
    struct restore *restore = (struct restore *)job;
    store_iter_free(restore->items);
    store_iter_free(restore->journal);
    arena_release(&restore->arena);
    arena_release(&restore->next_arena);
    free(restore);
}

static void start_restore(struct dynamodb *dynamodb, const struct ddb_table *table)
{
    yyjson_val *restoring = json_get(table->definition, "Restoring");
    struct restore *restore =
        ddb_job_new(dynamodb, sizeof(*restore), "restoring a table", restore_step);
    restore->job.begin_anew = restore_anew;
    restore->job.end = restore_end;
    restore->name = arena_str(&restore->arena, table->name);
    restore->table_id = table->keys.id;
    restore->from = (uint64_t)ddb_get_integer(restoring, "From", 0);
    restore->journal_id = (uint64_t)ddb_get_integer(restoring, "Journal", 0);
    restore->until_ms = ddb_get_integer(restoring, "UntilMs", 0);
    restore->next = STR_EMPTY;
    ddb_job_start(&restore->job);
}

enum err ddb_restore_resume(struct dynamodb *dynamodb, struct error *error)
{
    size_t cursor = 0;
    void *value;
    (void)error;
    pthread_rwlock_rdlock(&dynamodb->lock);
    while (map_next(&dynamodb->tables, &cursor, NULL, &value)) {
        const struct ddb_table *table = value;
        if (!table->is_ready)
            start_restore(dynamodb, table);
    }
    pthread_rwlock_unlock(&dynamodb->lock);
    return OK;
}

bool ddb_is_restored_from(struct dynamodb *dynamodb, uint64_t id)
{
    size_t cursor = 0;
    void *value;
    bool is_used = false;
    pthread_rwlock_rdlock(&dynamodb->lock);
    while (map_next(&dynamodb->tables, &cursor, NULL, &value)) {
        yyjson_val *restoring = json_get(((struct ddb_table *)value)->definition, "Restoring");
        is_used |= (uint64_t)ddb_get_integer(restoring, "From", 0) == id ||
                   (uint64_t)ddb_get_integer(restoring, "Journal", 0) == id;
    }
    pthread_rwlock_unlock(&dynamodb->lock);
    return is_used;
}

/* --- The operations --- */

struct restore_request {
    yyjson_val *source; /* the definition to start from */
    struct str source_table, backup_arn;
    uint64_t from, journal;
    int64_t until_ms;
    yyjson_val *input; /* as CreateTable's */
    const struct ddb_table *table;
};

static void take_override(struct request *request, yyjson_mut_doc *doc, yyjson_mut_val *input,
                          const char *parameter, const char *member)
{
    yyjson_val *given = ddb_get(request->input, parameter);
    if (!given)
        return;
    yyjson_mut_obj_remove_key(input, member);
    if (!yyjson_is_arr(given) || yyjson_arr_size(given))
        json_add_copy(doc, input, member, given);
}

/* What CreateTable would be told to make such a table. */
static yyjson_val *make_input(struct request *request, const yyjson_val *source)
{
    static const char *const kept[] = {
        "AttributeDefinitions",   "KeySchema",          "BillingMode",
        "ProvisionedThroughput",  "OnDemandThroughput", "LocalSecondaryIndexes",
        "GlobalSecondaryIndexes", "TableClass"};
    static const struct {
        const char *parameter, *member;
    } overrides[] = {
        {"BillingModeOverride", "BillingMode"},
        {"ProvisionedThroughputOverride", "ProvisionedThroughput"},
        {"OnDemandThroughputOverride", "OnDemandThroughput"},
        {"LocalSecondaryIndexOverride", "LocalSecondaryIndexes"},
        {"GlobalSecondaryIndexOverride", "GlobalSecondaryIndexes"},
        {"SSESpecificationOverride", "SSESpecification"},
    };
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *input = yyjson_mut_obj(doc);
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        json_add_copy(doc, input, kept[i], json_get(source, kept[i]));
    for (size_t i = 0; i < sizeof(overrides) / sizeof(overrides[0]); i++)
        take_override(request, doc, input, overrides[i].parameter, overrides[i].member);
    bool to_on_demand = str_eq(request_str(request, "BillingModeOverride"), STR("PAY_PER_REQUEST"));
    if (to_on_demand && !ddb_get(request->input, "ProvisionedThroughputOverride"))
        yyjson_mut_obj_remove_key(input, "ProvisionedThroughput");
    return json_parse(request->arena, json_write(request->arena, input));
}

/* Attributes that no key uses any more, once indexes were left out, are not defined. */
static yyjson_val *without_unused(struct request *request, yyjson_val *input)
{
    static const char *const lists[] = {"LocalSecondaryIndexes", "GlobalSecondaryIndexes"};
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *copy = yyjson_val_mut_copy(doc, input);
    yyjson_mut_val *attributes = yyjson_mut_obj_get(copy, "AttributeDefinitions");
    struct buf used;
    buf_init_arena(&used, request->arena, SIZE_MAX / 2);
    buf_add(&used, json_write_val(request->arena, json_get(input, "KeySchema")));
    for (size_t i = 0; i < 2; i++) {
        yyjson_val *index;
        size_t j, max;
        yyjson_arr_foreach (json_get(input, lists[i]), j, max, index)
            buf_add(&used, json_write_val(request->arena, json_get(index, "KeySchema")));
    }
    for (size_t i = yyjson_mut_arr_size(attributes); i > 0; i--) {
        yyjson_mut_val *name =
            yyjson_mut_obj_get(yyjson_mut_arr_get(attributes, i - 1), "AttributeName");
        struct buf member;
        buf_init_arena(&member, request->arena, SIZE_MAX / 2);
        buf_add(&member, STR("\"AttributeName\":"));
        buf_add_json(&member, str_make(yyjson_mut_get_str(name), yyjson_mut_get_len(name)));
        if (str_find(buf_str(&used), buf_str(&member)) < 0)
            yyjson_mut_arr_remove(attributes, i - 1);
    }
    return json_parse(request->arena, json_write(request->arena, copy));
}

static void add_origin(struct request *request, const struct restore_request *restore,
                       struct ddb_draft *draft)
{
    yyjson_mut_doc *doc = draft->doc;
    yyjson_mut_val *restoring = json_add_obj(doc, draft->root, "Restoring");
    json_add_i64(doc, restoring, "From", (int64_t)restore->from);
    json_add_i64(doc, restoring, "Journal", (int64_t)restore->journal);
    json_add_i64(doc, restoring, "UntilMs", restore->until_ms);
    yyjson_mut_val *origin = json_add_obj(doc, draft->root, "Restore");
    json_add_str_opt(doc, origin, "SourceBackupArn", restore->backup_arn);
    json_add_str(doc, origin, "SourceTableArn", ddb_table_arn(request, restore->source_table));
    json_add_i64(doc, origin, "TimeMs", restore->until_ms);
}

static enum err create(struct request *request, struct store_txn *txn)
{
    struct dynamodb *dynamodb = request_self(request, struct dynamodb);
    struct restore_request *restore = request->handler_state;
    struct str name = request_str(request, "TargetTableName");
    struct ddb_table *old = ddb_table_now(dynamodb, name, 0), *table;
    struct ddb_draft draft;
    if (old) {
        ddb_table_unref(old);
        return request_fail(request, ERR_DDB_TABLE_ALREADY_EXISTS, "Table already exists: %.*s",
                            STR_ARG(name));
    }
    ddb_draft_start(&draft, NULL, request->arena);
    enum err rc = ddb_draft_create(&draft, request, txn, restore->input, name);
    if (rc)
        return rc;
    add_origin(request, restore, &draft);
    rc = ddb_draft_store(&draft, dynamodb, txn, &table, &request->error);
    if (rc)
        return rc;
    atomic_fetch_add(&table->refs, 1);
    ddb_table_keep(request->arena, table);
    restore->table = table;
    return OK;
}

static enum err answer(struct request *request)
{
    const struct restore_request *restore = request->handler_state;
    start_restore(request_self(request, struct dynamodb), restore->table);
    ddb_table_describe(request, restore->table, "CREATING",
                       json_add_obj(request->doc, request_output(request), "TableDescription"));
    return OK;
}

static enum err submit(struct request *request, struct restore_request *restore)
{
    restore->input = without_unused(request, make_input(request, restore->source));
    request->handler_state = restore;
    enum err rc = ddb_check_definition(request, restore->input);
    return rc ? rc : request_write(request, create, answer);
}

enum err ddb_restore_table_from_backup(struct request *request)
{
    struct restore_request *restore = arena_new(request->arena, struct restore_request);
    struct ddb_backup backup;
    restore->backup_arn = request_str(request, "BackupArn");
    enum err rc = ddb_backup_find(request, restore->backup_arn, &backup);
    if (rc)
        return rc;
    if (!backup.is_available)
        return request_fail(request, ERR_DDB_BACKUP_IN_USE, "Backup is being created: %.*s",
                            STR_ARG(restore->backup_arn));
    restore->source = backup.source;
    restore->source_table = backup.table;
    restore->from = backup.id;
    restore->until_ms = backup.created_ms;
    return submit(request, restore);
}

static enum err find_source(struct request *request, const struct ddb_table **out)
{
    struct str name = request_str(request, "SourceTableName");
    struct str arn = request_str(request, "SourceTableArn");
    if (!name.ptr && !arn.ptr)
        return request_fail(request, ERR_VALIDATION,
                            "Either SourceTableName or SourceTableArn must be specified");
    enum err rc = ddb_table_by_name(request, name.ptr ? name : arn, out);
    if (rc == ERR_DDB_RESOURCE_NOT_FOUND)
        return request_fail(request, ERR_DDB_TABLE_NOT_FOUND, "Table not found: %.*s",
                            STR_ARG(name.ptr ? name : arn));
    if (rc == OK && !(*out)->journal_id)
        rc = request_fail(request, ERR_DDB_RECOVERY_UNAVAILABLE,
                          "Point in time recovery is not enabled for table '%.*s'",
                          STR_ARG((*out)->name));
    return rc;
}

static enum err read_time(struct request *request, const struct ddb_table *source, int64_t *out)
{
    yyjson_val *wanted = ddb_get(request->input, "RestoreDateTime");
    bool is_latest = ddb_get_boolean(request->input, "UseLatestRestorableTime", false);
    if (is_latest == (wanted != NULL))
        return request_fail(request, ERR_VALIDATION,
                            "Exactly one of RestoreDateTime and UseLatestRestorableTime must be "
                            "specified");
    int64_t now_ms = clock_wall_ms();
    *out = is_latest ? now_ms : (int64_t)(yyjson_get_num(wanted) * 1000);
    if (*out < ddb_earliest_restorable_ms(source) || *out > now_ms)
        return request_fail(request, ERR_DDB_INVALID_RESTORE_TIME,
                            "The specified RestoreDateTime is outside of the restorable period");
    return OK;
}

enum err ddb_restore_table_to_point_in_time(struct request *request)
{
    struct restore_request *restore = arena_new(request->arena, struct restore_request);
    const struct ddb_table *source;
    enum err rc = find_source(request, &source);
    if (rc == OK)
        rc = read_time(request, source, &restore->until_ms);
    if (rc)
        return rc;
    restore->backup_arn = (struct str){NULL, 0};
    restore->source = source->definition;
    restore->source_table = source->name;
    restore->from = source->keys.id;
    restore->journal = source->journal_id;
    return submit(request, restore);
}

enum err ddb_restore_resource(struct request *request, struct str *out_arn)
{
    *out_arn = ddb_table_arn(request, request_str(request, "TargetTableName"));
    return OK;
}
