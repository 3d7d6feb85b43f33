/* DeleteTable: the definition goes at once, the items after it in the background. */
#include <stdlib.h>

#include "base/log.h"
#include "services/dynamodb/operations.h"

enum { PURGED_AT_ONCE = 1000 }; /* items: a millisecond or so of the writer's time */

static const struct str purge_prefix = STR_INIT("dynamodb/purge/");

/* --- Items --- */

struct purge {
    struct store_write write; /* first */
    struct store *store;
    uint64_t table_id;
    bool has_more;
};

static struct str purge_key(struct arena *arena, uint64_t table_id)
{
    return arena_printf(arena, "%.*s%llu", STR_ARG(purge_prefix), (unsigned long long)table_id);
}

static enum err purge_some(struct store_txn *txn, struct store_write *write, struct error *error)
{
    struct purge *purge = (struct purge *)write;
    struct arena arena = {0};
    struct ddb_table table = {.id = purge->table_id};
    struct str prefix = ddb_table_prefix(&arena, &table), key, value;
    struct store_iter *iter =
        store_txn_iter_new(txn, STORE_ITEMS, prefix, store_prefix_end(&arena, prefix), false);
    struct str *keys = arena_array(&arena, struct str, PURGED_AT_ONCE);
    size_t count = 0;
    while (count < PURGED_AT_ONCE && store_iter_next(iter, &key, &value))
        keys[count++] = arena_str(&arena, key);
    enum err rc = store_iter_error(iter, error);
    store_iter_free(iter);
    for (size_t i = 0; rc == OK && i < count; i++)
        store_txn_delete(txn, STORE_ITEMS, keys[i]);
    purge->has_more = count == PURGED_AT_ONCE;
    if (rc == OK && !purge->has_more)
        store_txn_delete(txn, STORE_META, purge_key(&arena, purge->table_id));
    arena_release(&arena);
    return rc;
}

static void purge_done(struct store_write *write)
{
    struct purge *purge = (struct purge *)write;
    if (write->rc == OK && purge->has_more) {
        store_submit(purge->store, write);
        return;
    }
    if (write->rc)
        log_error("dynamodb", "the items of a deleted table stay until the next start: %s",
                  write->error.message);
    free(purge);
}

static void purge_start(struct store *store, uint64_t table_id)
{
    struct purge *purge = calloc(1, sizeof(*purge));
    if (!purge)
        abort();
    purge->store = store;
    purge->table_id = table_id;
    purge->write.run = purge_some;
    purge->write.done = purge_done;
    store_submit(store, &purge->write);
}

enum err ddb_purge_resume(struct dynamodb *dynamodb, struct error *error)
{
    struct arena arena = {0};
    struct str key, value;
    struct store *store = dynamodb->skylite->store;
    struct store_iter *iter = store_iter_new(store, STORE_META, purge_prefix,
                                             store_prefix_end(&arena, purge_prefix), false);
    while (store_iter_next(iter, &key, &value)) {
        uint64_t table_id;
        if (str_to_u64(str_slice(key, purge_prefix.len, key.len), &table_id))
            purge_start(store, table_id);
    }
    enum err rc = store_iter_error(iter, error);
    store_iter_free(iter);
    arena_release(&arena);
    return rc;
}

/* --- The table --- */

static enum err take_out(struct request *request, struct store_txn *txn)
{
    const struct ddb_table *table = request->handler_state;
    struct str key = ddb_table_store_key(request->arena, table->name), value;
    bool found;
    enum err rc =
        store_txn_get(txn, STORE_META, key, request->arena, &found, &value, &request->error);
    if (rc == OK && !found)
        rc = request_fail(request, ERR_DDB_RESOURCE_NOT_FOUND,
                          "Requested resource not found: Table: %.*s not found",
                          STR_ARG(table->name));
    if (rc)
        return rc;
    store_txn_delete(txn, STORE_META, key);
    store_txn_put(txn, STORE_META, purge_key(request->arena, table->id), STR("1"));
    return OK;
}

static void withdraw(struct store_write *write)
{
    struct request *request = write->arg;
    const struct ddb_table *table = request->handler_state;
    ddb_table_withdraw(request_self(request, struct dynamodb), table->name);
}

static enum err answer(struct request *request)
{
    const struct ddb_table *table = request->handler_state;
    purge_start(request->skylite->store, table->id);
    yyjson_mut_val *out = json_add_obj(request->doc, request_output(request), "TableDescription");
    ddb_table_describe(request, table, "DELETING", out);
    return OK;
}

enum err ddb_delete_table(struct request *request)
{
    const struct ddb_table *table;
    enum err rc = ddb_table_of_request(request, &table);
    if (rc == ERR_DDB_RESOURCE_NOT_FOUND)
        return request_fail(request, rc, "Requested resource not found: Table: %.*s not found",
                            STR_ARG(request_str(request, "TableName")));
    if (rc)
        return rc;
    if (table->is_protected)
        return request_fail(request, ERR_VALIDATION,
                            "Resource cannot be deleted as it is currently protected against "
                            "deletion. Disable deletion protection first.");
    request->handler_state = (void *)(uintptr_t)table;
    request->write.committed = withdraw;
    return request_write(request, take_out, answer);
}
