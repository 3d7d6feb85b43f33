/* Journals of tables with point-in-time recovery. */
#include "services/dynamodb/journal.h"

#include <stdlib.h>

#include "base/clock.h"
#include "services/dynamodb/job.h"
#include "services/dynamodb/stream.h"

#define DAY_MS (24LL * 60 * 60 * 1000)

/* Both are keyed by sequence numbers. */
static struct str entry_key(struct arena *arena, uint64_t journal_id, uint64_t sequence)
{
    struct ddb_stream like = {.id = journal_id};
    return ddb_stream_record_key(arena, &like, sequence);
}

void ddb_journal_write(struct dynamodb *dynamodb, struct store_txn *txn,
                       const struct ddb_change *change, struct arena *arena)
{
    struct buf value;
    struct str item_key = str_slice(change->key, sizeof(uint64_t), change->key.len);
    uint32_t key_len = (uint32_t)item_key.len;
    buf_init_arena(&value, arena, SIZE_MAX / 2);
    buf_add(&value, str_make((const char *)&key_len, sizeof(key_len)));
    buf_add(&value, item_key);
    if (change->old_item)
        buf_add(&value, ddb_stored_make(arena, change->old_item, change->old_size));
    store_txn_put(txn, STORE_ITEMS,
                  entry_key(arena, change->table->journal_id, ddb_sequence_next(dynamodb)),
                  buf_str(&value));
}

bool ddb_journal_read(struct str value, struct ddb_undo *out)
{
    uint32_t key_len;
    if (value.len < sizeof(key_len))
        return false;
    memcpy(&key_len, value.ptr, sizeof(key_len));
    if (key_len > value.len - sizeof(key_len))
        return false;
    out->item_key = str_slice(value, sizeof(key_len), key_len);
    out->stored = str_slice(value, sizeof(key_len) + key_len, value.len);
    return true;
}

void ddb_journal_range(struct arena *arena, uint64_t journal_id, int64_t after_ms,
                       struct str *out_start, struct str *out_end)
{
    *out_start = entry_key(arena, journal_id, ddb_sequence_at(after_ms + 1));
    *out_end = store_prefix_end(arena, ddb_keys_prefix(arena, journal_id));
}

/* --- All journals --- */

static size_t list_journals(struct dynamodb *dynamodb, struct arena *arena, uint64_t **out_ids)
{
    size_t cursor = 0, count = 0;
    void *table;
    pthread_rwlock_rdlock(&dynamodb->lock);
    *out_ids = arena_array(arena, uint64_t, dynamodb->tables.count);
    while (map_next(&dynamodb->tables, &cursor, NULL, &table)) {
        uint64_t id = ((const struct ddb_table *)table)->journal_id;
        if (id)
            (*out_ids)[count++] = id;
    }
    pthread_rwlock_unlock(&dynamodb->lock);
    return count;
}

enum err ddb_journal_resume(struct dynamodb *dynamodb, struct error *error)
{
    struct arena arena = {0};
    uint64_t *ids;
    size_t count = list_journals(dynamodb, &arena, &ids);
    enum err rc = OK;
    for (size_t i = 0; rc == OK && i < count; i++) {
        struct str start, end, key, value;
        ddb_journal_range(&arena, ids[i], 0, &start, &end);
        struct store_iter *iter =
            store_iter_new(dynamodb->skylite->store, STORE_ITEMS, start, end, true);
        if (store_iter_next(iter, &key, &value)) {
            uint64_t last = ddb_stream_record_sequence(key);
            if (last > atomic_load(&dynamodb->last_sequence))
                atomic_store(&dynamodb->last_sequence, last);
        }
        rc = store_iter_error(iter, error);
        store_iter_free(iter);
    }
    arena_release(&arena);
    return rc;
}

/* --- Trimming --- */

static enum err trim_step(struct ddb_job *job, struct store_txn *txn, struct arena *scratch,
                          struct error *error)
{
    int64_t until_ms = clock_wall_ms() - DDB_RECOVERY_DAYS * DAY_MS;
    uint64_t *ids;
    size_t total = 0, journals = list_journals(job->dynamodb, scratch, &ids);
    (void)error;
    for (size_t i = 0; i < journals && total < DDB_JOB_STEP; i++) {
        struct str *keys = arena_array(scratch, struct str, DDB_JOB_STEP), key, value;
        size_t count = 0;
        struct store_iter *iter =
            store_txn_iter_new(txn, STORE_ITEMS, entry_key(scratch, ids[i], 0),
                               entry_key(scratch, ids[i], ddb_sequence_at(until_ms)), false);
        while (total + count < DDB_JOB_STEP && store_iter_next(iter, &key, &value))
            keys[count++] = arena_str(scratch, key);
        store_iter_free(iter);
        for (size_t j = 0; j < count; j++)
            store_txn_delete(txn, STORE_ITEMS, keys[j]);
        total += count;
    }
    job->is_done = total < DDB_JOB_STEP;
    return OK;
}

void ddb_journal_trim(struct dynamodb *dynamodb)
{
    struct ddb_job *job = ddb_job_new(dynamodb, sizeof(*job), "trimming journals", trim_step);
    job->write.class = STORE_CONTROL;
    ddb_job_start(job);
}
