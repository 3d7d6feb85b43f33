/* UpdateTimeToLive, DescribeTimeToLive, and the reaper that deletes what has expired. */
#include <stdlib.h>

#include "base/clock.h"
#include "services/dynamodb/definition.h"
#include "services/dynamodb/job.h"
#include "services/dynamodb/operations.h"

/* Times longer ago are no times: items that carry them stay (Developer Guide, "How it works: TTL").
 */
#define OLDEST_S (5LL * 365 * 24 * 60 * 60)

/* --- Operations --- */

struct ttl_update {
    const struct ddb_table *table;
    struct ddb_alteration change;
    struct str attribute;
    bool is_enabled;
    uint64_t id; /* of the entries that are to be made, or taken away */
};

static enum err check_change(struct request *request, const struct ttl_update *update)
{
    struct str now = update->change.before->ttl_attribute;
    if (now.len && !str_eq(now, update->attribute))
        return request_fail(request, ERR_VALIDATION,
                            "TimeToLive is active on a different AttributeName: current "
                            "AttributeName is %.*s",
                            STR_ARG(now));
    if (update->is_enabled == (now.len > 0))
        return request_fail(request, ERR_VALIDATION, "TimeToLive is already %s",
                            update->is_enabled ? "enabled" : "disabled");
    return OK;
}

static enum err change(struct request *request, struct store_txn *txn)
{
    struct ttl_update *update = request->handler_state;
    struct ddb_draft *draft = &update->change.draft;
    enum err rc = ddb_alter_start(request, update->table, &update->change);
    if (rc == OK)
        rc = check_change(request, update);
    if (rc)
        return rc;
    if (update->is_enabled) {
        rc = ddb_next_id(txn, request->arena, &update->id, &request->error);
        ddb_draft_set_copy(
            draft, "TimeToLiveAttribute",
            json_get(json_get(request->input, "TimeToLiveSpecification"), "AttributeName"));
        ddb_draft_set_i64(draft, "TimeToLiveId", (int64_t)update->id);
        ddb_fill(txn, update->change.before, update->id);
    } else {
        update->id = update->change.before->ttl_id;
        ddb_draft_remove(draft, "TimeToLiveAttribute");
        ddb_draft_remove(draft, "TimeToLiveId");
        ddb_purge(txn, update->id);
    }
    return rc ? rc : ddb_alter_finish(request, txn, &update->change);
}

static enum err answer(struct request *request)
{
    struct dynamodb *dynamodb = request_self(request, struct dynamodb);
    const struct ttl_update *update = request->handler_state;
    if (update->is_enabled)
        ddb_fill_start(dynamodb, update->change.after, update->id);
    else
        ddb_purge_start(dynamodb, update->id);
    yyjson_mut_val *out =
        json_add_obj(request->doc, request_output(request), "TimeToLiveSpecification");
    json_add_str(request->doc, out, "AttributeName", update->attribute);
    json_add_bool(request->doc, out, "Enabled", update->is_enabled);
    return OK;
}

enum err ddb_update_time_to_live(struct request *request)
{
    yyjson_val *wanted = json_get(request->input, "TimeToLiveSpecification");
    struct ttl_update *update = arena_new(request->arena, struct ttl_update);
    update->attribute = json_get_str(wanted, "AttributeName");
    update->is_enabled = ddb_get_boolean(wanted, "Enabled", false);
    request->handler_state = update;
    enum err rc = ddb_table_for_control(request, &update->table);
    return rc ? rc : request_write(request, change, answer);
}

enum err ddb_describe_time_to_live(struct request *request)
{
    const struct ddb_table *table;
    enum err rc = ddb_table_for_control(request, &table);
    if (rc)
        return rc;
    yyjson_mut_val *out =
        json_add_obj(request->doc, request_output(request), "TimeToLiveDescription");
    bool is_enabled = table->ttl_attribute.len > 0;
    json_add_str(request->doc, out, "TimeToLiveStatus",
                 is_enabled ? STR("ENABLED") : STR("DISABLED"));
    if (is_enabled)
        json_add_copy(request->doc, out, "AttributeName",
                      json_get(table->definition, "TimeToLiveAttribute"));
    return OK;
}

/* --- The reaper --- */

/* Calls `visit` with each table in which items may expire, until it says true. */
static bool any_table(struct dynamodb *dynamodb,
                      bool (*visit)(struct dynamodb *dynamodb, struct ddb_table *table, void *arg),
                      void *arg)
{
    struct arena arena = {0};
    size_t cursor = 0, count = 0;
    void *table;
    bool is_found = false;
    pthread_rwlock_rdlock(&dynamodb->lock);
    struct ddb_table **tables = arena_array(&arena, struct ddb_table *, dynamodb->tables.count);
    while (map_next(&dynamodb->tables, &cursor, NULL, &table)) {
        if (((struct ddb_table *)table)->ttl_attribute.len == 0)
            continue;
        tables[count++] = table;
        atomic_fetch_add(&tables[count - 1]->refs, 1);
    }
    pthread_rwlock_unlock(&dynamodb->lock);
    for (size_t i = 0; i < count; i++) {
        is_found = is_found || visit(dynamodb, tables[i], arg);
        ddb_table_unref(tables[i]);
    }
    arena_release(&arena);
    return is_found;
}

static void expired_range(const struct ddb_table *table, struct arena *arena, struct str *out_start,
                          struct str *out_end)
{
    int64_t now_s = clock_wall_ms() / 1000;
    ddb_expiry_range(arena, table, now_s - OLDEST_S, now_s, out_start, out_end);
}

static bool has_expired(struct dynamodb *dynamodb, struct ddb_table *table, void *arg)
{
    struct arena arena = {0};
    struct str start, end, key, value;
    (void)arg;
    expired_range(table, &arena, &start, &end);
    struct store_iter *iter =
        store_iter_new(dynamodb->skylite->store, STORE_ITEMS, start, end, false);
    bool has_any = store_iter_next(iter, &key, &value);
    store_iter_free(iter);
    arena_release(&arena);
    return has_any;
}

/* Deletes the item that an entry leads to, if it still expires when the entry says. */
static enum err expire_item(struct dynamodb *dynamodb, struct store_txn *txn,
                            const struct ddb_table *table, struct str entry, struct str item_key,
                            struct error *error)
{
    struct arena arena = {0};
    struct ddb_change change = {.table = table, .key = item_key, .is_expiry = true};
    struct ddb_stored stored;
    struct ddb_value item;
    struct str value;
    enum err rc = store_txn_get(txn, STORE_ITEMS, item_key, &arena, &change.has_old, &value, error);
    if (rc == OK && change.has_old)
        rc = ddb_stored_read(value, &stored, error);
    if (rc == OK && change.has_old)
        rc = ddb_stored_parse(value, &arena, &item, error);
    if (rc == OK && change.has_old && str_eq(ddb_expiry_key(&arena, table, &item), entry)) {
        change.old_item = &item;
        change.old_size = stored.size;
        rc = ddb_change_apply(dynamodb, txn, &change, &arena, error);
    } else if (rc == OK) {
        store_txn_delete(txn, STORE_ITEMS, entry);
    }
    arena_release(&arena);
    return rc;
}

struct expiry {
    struct store_txn *txn;
    struct arena *scratch;
    struct error *error;
    size_t count;
    enum err rc;
};

static bool expire_some(struct dynamodb *dynamodb, struct ddb_table *seen, void *arg)
{
    struct expiry *expiry = arg;
    struct ddb_table *table = ddb_table_now(dynamodb, seen->name, seen->keys.id);
    struct str start, end, key, value;
    struct str *keys = arena_array(expiry->scratch, struct str, 2 * DDB_JOB_STEP);
    size_t count = 0;
    if (!table || table->ttl_attribute.len == 0) {
        ddb_table_unref(table);
        return false;
    }
    expired_range(table, expiry->scratch, &start, &end);
    struct store_iter *iter = store_txn_iter_new(expiry->txn, STORE_ITEMS, start, end, false);
    while (expiry->count + count < DDB_JOB_STEP && store_iter_next(iter, &key, &value)) {
        keys[2 * count] = arena_str(expiry->scratch, key);
        keys[2 * count++ + 1] = arena_str(expiry->scratch, value);
    }
    store_iter_free(iter);
    for (size_t i = 0; expiry->rc == OK && i < count; i++)
        expiry->rc =
            expire_item(dynamodb, expiry->txn, table, keys[2 * i], keys[2 * i + 1], expiry->error);
    expiry->count += count;
    ddb_table_unref(table);
    return expiry->rc || expiry->count == DDB_JOB_STEP;
}

static enum err expire_step(struct ddb_job *job, struct store_txn *txn, struct arena *scratch,
                            struct error *error)
{
    struct expiry expiry = {txn, scratch, error, 0, OK};
    any_table(job->dynamodb, expire_some, &expiry);
    job->is_done = expiry.count < DDB_JOB_STEP;
    return expiry.rc;
}

static void expire_end(struct ddb_job *job)
{
    atomic_store(&job->dynamodb->is_expiring, false);
    free(job);
}

void ddb_expire(struct dynamodb *dynamodb)
{
    if (!any_table(dynamodb, has_expired, NULL) || atomic_exchange(&dynamodb->is_expiring, true))
        return;
    struct ddb_job *job =
        ddb_job_new(dynamodb, sizeof(*job), "deleting expired items", expire_step);
    job->write.class = STORE_CONTROL;
    job->end = expire_end;
    ddb_job_start(job);
}
