/* Filling new indexes (and times to live) with the items that were there before them. */
#include <stdlib.h>

#include "services/dynamodb/change.h"
#include "services/dynamodb/definition.h"
#include "services/dynamodb/job.h"

static const struct str fill_prefix = STR_INIT("dynamodb/fill/");

struct fill {
    struct ddb_job job; /* first */
    uint64_t id;        /* of the index, or of times to live */
    uint64_t table_id;
    struct arena arena; /* of the two below */
    struct str table;
    struct str next; /* the first item key to look at; empty at the start */
};

static struct str fill_key(struct arena *arena, uint64_t id)
{
    return arena_printf(arena, "%.*s%llu", STR_ARG(fill_prefix), (unsigned long long)id);
}

/* The note's text is the table's name: how far a fill came is not kept, since an entry that is
 * there already is passed over. */
void ddb_fill(struct store_txn *txn, const struct ddb_table *table, uint64_t id)
{
    struct arena arena = {0};
    store_txn_put(txn, STORE_META, fill_key(&arena, id), table->name);
    arena_release(&arena);
}

static const struct ddb_index *index_with_id(const struct ddb_table *table, uint64_t id)
{
    for (size_t i = 0; i < table->index_count; i++) {
        if (table->indexes[i].keys.id == id)
            return &table->indexes[i];
    }
    return NULL;
}

static enum err fill_one(struct fill *fill, struct store_txn *txn, const struct ddb_table *table,
                         struct str key, struct str value, struct error *error)
{
    struct arena arena = {0};
    struct ddb_value item;
    const struct ddb_index *index = index_with_id(table, fill->id);
    enum err rc = ddb_stored_parse(value, &arena, &item, error);
    if (rc == OK && index) {
        rc = ddb_change_fill(fill->job.dynamodb, txn, table, index, &item, &arena, error);
    } else if (rc == OK) {
        struct str expiry = ddb_expiry_key(&arena, table, &item);
        if (expiry.len)
            store_txn_put(txn, STORE_ITEMS, expiry, key);
    }
    arena_release(&arena);
    return rc;
}

/* Takes the mark off the index: it is complete. */
static enum err finish(struct fill *fill, struct store_txn *txn, const struct ddb_table *table,
                       struct arena *scratch, struct error *error)
{
    struct ddb_draft draft;
    ddb_draft_start(&draft, table, scratch);
    yyjson_mut_val *list = yyjson_mut_obj_get(draft.root, "GlobalSecondaryIndexes"), *index;
    size_t i, max;
    yyjson_mut_arr_foreach (list, i, max, index) {
        if (yyjson_mut_get_uint(yyjson_mut_obj_get(index, "Id")) == fill->id)
            yyjson_mut_obj_remove_key(index, "Filling");
    }
    return ddb_draft_store(&draft, fill->job.dynamodb, txn, NULL, error);
}

static enum err fill_items(struct fill *fill, struct store_txn *txn, const struct ddb_table *table,
                           struct arena *scratch, struct error *error)
{
    struct str prefix = ddb_keys_prefix(scratch, table->keys.id), key, value;
    struct store_iter *iter =
        store_txn_iter_new(txn, STORE_ITEMS, fill->next.len ? fill->next : prefix,
                           store_prefix_end(scratch, prefix), false);
    size_t count = 0;
    enum err rc = OK;
    struct str last = STR_EMPTY;
    while (rc == OK && count < DDB_JOB_STEP && store_iter_next(iter, &key, &value)) {
        last = arena_str(scratch, key); /* writing may move what the iterator lent */
        rc = fill_one(fill, txn, table, last, value, error);
        count++;
    }
    if (rc == OK)
        rc = store_iter_error(iter, error);
    store_iter_free(iter);
    arena_reset(&fill->arena);
    /* With the NUL behind it that is not counted it is the smallest key behind the last one. */
    fill->next = str_make(arena_cstr(&fill->arena, last), last.len + 1);
    fill->job.is_done = rc == OK && count < DDB_JOB_STEP;
    return rc;
}

static enum err fill_step(struct ddb_job *job, struct store_txn *txn, struct arena *scratch,
                          struct error *error)
{
    struct fill *fill = (struct fill *)job;
    enum err rc = OK;
    struct ddb_table *table = ddb_table_now(job->dynamodb, fill->table, fill->table_id);
    const struct ddb_index *index = table ? index_with_id(table, fill->id) : NULL;
    bool is_wanted = index ? index->is_filling : table && table->ttl_id == fill->id;
    job->is_done = !is_wanted; /* deleted meanwhile */
    if (is_wanted)
        rc = fill_items(fill, txn, table, scratch, error);
    if (rc == OK && job->is_done) {
        store_txn_delete(txn, STORE_META, fill_key(scratch, fill->id));
        if (index && is_wanted)
            rc = finish(fill, txn, table, scratch, error);
    }
    ddb_table_unref(table);
    return rc;
}

static void fill_anew(struct ddb_job *job)
{
    ((struct fill *)job)->next = STR_EMPTY;
}

static void fill_end(struct ddb_job *job)
{
    struct fill *fill = (struct fill *)job;
    arena_release(&fill->arena);
    free((void *)(uintptr_t)fill->table.ptr);
    free(fill);
}

void ddb_fill_start(struct dynamodb *dynamodb, const struct ddb_table *table, uint64_t id)
{
    struct fill *fill = ddb_job_new(dynamodb, sizeof(*fill), "filling an index", fill_step);
    char *name = malloc(table->name.len + 1);
    if (!name)
        abort();
    memcpy(name, table->name.ptr, table->name.len);
    fill->job.begin_anew = fill_anew;
    fill->job.end = fill_end;
    fill->id = id;
    fill->table_id = table->keys.id;
    fill->table = str_make(name, table->name.len);
    fill->next = STR_EMPTY;
    ddb_job_start(&fill->job);
}

enum err ddb_fill_resume(struct dynamodb *dynamodb, struct error *error)
{
    struct arena arena = {0};
    struct str key, value;
    struct store_iter *iter = store_iter_new(dynamodb->skylite->store, STORE_META, fill_prefix,
                                             store_prefix_end(&arena, fill_prefix), false);
    while (store_iter_next(iter, &key, &value)) {
        uint64_t id;
        struct ddb_table *table = ddb_table_ref(dynamodb, value);
        if (table && str_to_u64(str_slice(key, fill_prefix.len, key.len), &id))
            ddb_fill_start(dynamodb, table, id);
        ddb_table_unref(table);
    }
    enum err rc = store_iter_error(iter, error);
    store_iter_free(iter);
    arena_release(&arena);
    return rc;
}
