/* Figures of tables and indexes. */
#include <stdio.h>
#include <stdlib.h>

#include "services/dynamodb/table.h"

static struct str stats_key(char buffer[64], uint64_t id)
{
    int len = snprintf(buffer, 64, "dynamodb/stats/%llu", (unsigned long long)id);
    return str_make(buffer, (size_t)len);
}

static enum err read_figures(struct dynamodb *dynamodb, struct str key, int64_t figures[2],
                             struct error *error)
{
    struct arena arena = {0};
    struct str value;
    bool found;
    enum err rc =
        store_get(dynamodb->skylite->store, STORE_METRICS, key, &arena, &found, &value, error);
    if (rc == OK && found && value.len == 2 * sizeof(*figures))
        memcpy(figures, value.ptr, value.len);
    arena_release(&arena);
    return rc;
}

enum err ddb_stats_load(struct dynamodb *dynamodb, uint64_t id, struct ddb_stats **out,
                        struct error *error)
{
    char buffer[64];
    struct str key = stats_key(buffer, id);
    int64_t figures[2] = {0, 0};
    pthread_rwlock_rdlock(&dynamodb->lock);
    struct ddb_stats *stats = map_get(&dynamodb->stats, key);
    pthread_rwlock_unlock(&dynamodb->lock);
    enum err rc = stats ? OK : read_figures(dynamodb, key, figures, error);
    if (rc == OK && !stats) {
        stats = calloc(1, sizeof(*stats));
        if (!stats)
            abort();
        stats->id = id;
        atomic_init(&stats->item_count, figures[0]);
        atomic_init(&stats->size_bytes, figures[1]);
        pthread_rwlock_wrlock(&dynamodb->lock);
        map_set(&dynamodb->stats, key, stats);
        pthread_rwlock_unlock(&dynamodb->lock);
    }
    *out = stats;
    return rc;
}

void ddb_stats_change(struct dynamodb *dynamodb, struct ddb_stats *stats, int64_t items,
                      int64_t bytes)
{
    if (items == 0 && bytes == 0)
        return;
    stats->pending_items += items;
    stats->pending_bytes += bytes;
    if (stats->is_pending)
        return;
    stats->is_pending = true;
    stats->next_pending = dynamodb->pending_stats;
    dynamodb->pending_stats = stats;
}

void ddb_stats_store(struct dynamodb *dynamodb, struct store_txn *txn)
{
    for (struct ddb_stats *stats = dynamodb->pending_stats; stats; stats = stats->next_pending) {
        char buffer[64];
        int64_t figures[2] = {atomic_load(&stats->item_count) + stats->pending_items,
                              atomic_load(&stats->size_bytes) + stats->pending_bytes};
        store_txn_put(txn, STORE_METRICS, stats_key(buffer, stats->id),
                      str_make((const char *)figures, sizeof(figures)));
    }
}

void ddb_stats_delete(struct store_txn *txn, uint64_t id)
{
    char buffer[64];
    store_txn_delete(txn, STORE_METRICS, stats_key(buffer, id));
}

void ddb_stats_settle(struct dynamodb *dynamodb, bool is_durable)
{
    struct ddb_stats *stats = dynamodb->pending_stats;
    dynamodb->pending_stats = NULL;
    while (stats) {
        struct ddb_stats *next = stats->next_pending;
        if (is_durable) {
            atomic_fetch_add(&stats->item_count, stats->pending_items);
            atomic_fetch_add(&stats->size_bytes, stats->pending_bytes);
        }
        stats->pending_items = stats->pending_bytes = 0;
        stats->is_pending = false;
        stats->next_pending = NULL;
        stats = next;
    }
}
