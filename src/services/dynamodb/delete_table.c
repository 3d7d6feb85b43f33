/* DeleteTable: the definition goes at once, the items after it in the background. */
#include "services/dynamodb/backup.h"
#include "services/dynamodb/job.h"
#include "services/dynamodb/operations.h"
#include "services/dynamodb/stream.h"

/* Calls `visit` with each id under which the table has stored something. */
static void each_id(const struct ddb_table *table, void (*visit)(void *arg, uint64_t id), void *arg)
{
    uint64_t ids[] = {table->keys.id, table->collections_id, table->ttl_id, table->journal_id};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        if (ids[i])
            visit(arg, ids[i]);
    }
    for (size_t i = 0; i < table->index_count; i++)
        visit(arg, table->indexes[i].keys.id);
}

static void note_purge(void *txn, uint64_t id)
{
    ddb_purge(txn, id);
}

static void start_purge(void *dynamodb, uint64_t id)
{
    ddb_purge_start(dynamodb, id);
}

static enum err take_out(struct request *request, struct store_txn *txn)
{
    struct dynamodb *dynamodb = request_self(request, struct dynamodb);
    const struct ddb_table *table = request->handler_state;
    struct ddb_table *now = ddb_table_now(dynamodb, table->name, table->keys.id);
    if (!now)
        return request_fail(request, ERR_DDB_RESOURCE_NOT_FOUND,
                            "Requested resource not found: Table: %.*s not found",
                            STR_ARG(table->name));
    ddb_table_keep(request->arena, now);
    request->handler_state = now;
    if (now->is_protected)
        return request_fail(request, ERR_VALIDATION,
                            "Resource cannot be deleted as it is currently protected against "
                            "deletion. Disable deletion protection first.");
    if (!now->is_ready)
        return request_fail(request, ERR_DDB_RESOURCE_IN_USE,
                            "Attempt to change a resource which is still in use: Table is being "
                            "created: %.*s",
                            STR_ARG(now->name));
    if (ddb_is_restored_from(dynamodb, now->keys.id))
        return request_fail(request, ERR_DDB_RESOURCE_IN_USE,
                            "Attempt to change a resource which is still in use: Table is being "
                            "restored from: %.*s",
                            STR_ARG(now->name));
    if (now->stream_id) {
        enum err rc = ddb_stream_close(dynamodb, NULL, txn, now, &request->error);
        if (rc)
            return rc;
    }
    each_id(now, note_purge, txn);
    ddb_table_remove(dynamodb, txn, now->name);
    return OK;
}

static enum err answer(struct request *request)
{
    const struct ddb_table *table = request->handler_state;
    each_id(table, start_purge, request_self(request, struct dynamodb));
    yyjson_mut_val *out = json_add_obj(request->doc, request_output(request), "TableDescription");
    ddb_table_describe(request, table, "DELETING", out);
    return OK;
}

enum err ddb_delete_table(struct request *request)
{
    const struct ddb_table *table;
    enum err rc = ddb_table_for_control(request, &table);
    if (rc)
        return rc;
    request->handler_state = (void *)(uintptr_t)table;
    return request_write(request, take_out, answer);
}
