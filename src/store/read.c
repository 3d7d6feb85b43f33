/* Reads by key and in order, and what a transaction reads and writes. */
#include "store/internal.h"

#include <stdlib.h>

struct store_iter {
    struct store *store;
    struct database *database; /* NULL in a transaction */
    rocksdb_iterator_t *iter;
    rocksdb_readoptions_t *options;
    struct arena arena; /* the bounds, which RocksDB borrows */
    struct str start, end;
    bool is_reverse, is_started;
};

enum { KEY_COST = 64 };

/* --- The allowance of a thread --- */

static _Thread_local size_t allowance = SIZE_MAX;
static _Thread_local bool is_refused; /* something was not read for want of it */

void store_allow(size_t cost)
{
    allowance = cost;
    is_refused = false;
}

bool store_allow_end(void)
{
    allowance = SIZE_MAX;
    return is_refused;
}

/* What is read last may go beyond it, so that one large value is no long read. */
static void spend(size_t bytes)
{
    size_t cost = KEY_COST + bytes;
    if (allowance != SIZE_MAX)
        allowance -= cost < allowance ? cost : allowance;
}

static bool may_read(void)
{
    is_refused |= allowance == 0;
    return allowance > 0;
}

/* --- Reading --- */

static void free_pinned(void *value)
{
    rocksdb_pinnableslice_destroy(value);
}

enum err store_get(struct store *store, enum store_family family, struct str key,
                   struct arena *arena, bool *out_found, struct str *out_value, struct error *error)
{
    char *message = NULL;
    if (!may_read())
        return error_set(error, ERR_INTERNAL, "The read is too long for this thread");
    struct database *database = readers_enter(store);
    /* What is pinned is the cache's, which outlives the database. */
    rocksdb_pinnableslice_t *value = rocksdb_get_pinned_cf(
        database->db, store->read_options, database->families[family], key.ptr, key.len, &message);
    readers_leave();
    if (message)
        return store_take_error(store, message, error);

    *out_found = value != NULL;
    if (value) {
        size_t len;
        const char *bytes = rocksdb_pinnableslice_value(value, &len);
        arena_defer(arena, free_pinned, value);
        spend(len);
        *out_value = str_make(bytes, len);
    }
    return OK;
}

/* True when all keys of the range have the prefix that filters know: only then may they be asked.
 */
static bool has_one_prefix(struct str start, struct str end)
{
    return start.len >= STORE_ITEM_PREFIX && end.len >= STORE_ITEM_PREFIX &&
           memcmp(start.ptr, end.ptr, STORE_ITEM_PREFIX) == 0;
}

static struct store_iter *iter_new(struct store *store, struct str start, struct str end,
                                   bool is_reverse)
{
    struct store_iter *iter = calloc(1, sizeof(*iter));
    if (!iter)
        abort();
    iter->store = store;
    iter->start = arena_str(&iter->arena, start);
    iter->end = arena_str(&iter->arena, end);
    iter->is_reverse = is_reverse;
    iter->options = rocksdb_readoptions_create();
    rocksdb_readoptions_set_total_order_seek(iter->options, !has_one_prefix(start, end));
    rocksdb_readoptions_set_iterate_lower_bound(iter->options, iter->start.ptr, iter->start.len);
    if (end.len)
        rocksdb_readoptions_set_iterate_upper_bound(iter->options, iter->end.ptr, iter->end.len);
    return iter;
}

struct store_iter *store_iter_new(struct store *store, enum store_family family, struct str start,
                                  struct str end, bool is_reverse)
{
    struct store_iter *iter = iter_new(store, start, end, is_reverse);
    struct database *database = readers_enter(store);
    iter->iter =
        rocksdb_create_iterator_cf(database->db, iter->options, database->families[family]);
    iter->database = database;
    atomic_fetch_add(&database->iterators, 1);
    readers_leave();
    return iter;
}

struct store_iter *store_txn_iter_new(struct store_txn *txn, enum store_family family,
                                      struct str start, struct str end, bool is_reverse)
{
    struct store_iter *iter = iter_new(txn->store, start, end, is_reverse);
    struct database *database = txn->database;
    rocksdb_iterator_t *base =
        rocksdb_create_iterator_cf(database->db, iter->options, database->families[family]);
    iter->iter = rocksdb_writebatch_wi_create_iterator_with_base_cf(txn->batch, base,
                                                                    database->families[family]);
    return iter;
}

static void iter_start(struct store_iter *iter)
{
    iter->is_started = true;
    if (!iter->is_reverse) {
        rocksdb_iter_seek(iter->iter, iter->start.ptr, iter->start.len);
        return;
    }
    if (iter->end.len == 0) {
        rocksdb_iter_seek_to_last(iter->iter);
        return;
    }
    /* SeekForPrev lands on `end` itself when a batch holds that key: the end is not part of the
     * range. */
    rocksdb_iter_seek_for_prev(iter->iter, iter->end.ptr, iter->end.len);
    size_t len;
    if (rocksdb_iter_valid(iter->iter)) {
        const char *key = rocksdb_iter_key(iter->iter, &len);
        if (str_eq(str_make(key, len), iter->end))
            rocksdb_iter_prev(iter->iter);
    }
}

bool store_iter_next(struct store_iter *iter, struct str *out_key, struct str *out_value)
{
    if (!may_read())
        return false;
    if (!iter->is_started)
        iter_start(iter);
    else if (!rocksdb_iter_valid(iter->iter))
        return false;
    else if (iter->is_reverse)
        rocksdb_iter_prev(iter->iter);
    else
        rocksdb_iter_next(iter->iter);
    if (!rocksdb_iter_valid(iter->iter))
        return false;

    size_t len;
    const char *key = rocksdb_iter_key(iter->iter, &len);
    *out_key = str_make(key, len);
    /* RocksDB keeps to its bounds in the tables, but not in a batch laid over them. */
    if (str_cmp(*out_key, iter->start) < 0 ||
        (iter->end.len && str_cmp(*out_key, iter->end) >= 0)) {
        return false;
    }
    const char *value = rocksdb_iter_value(iter->iter, &len);
    *out_value = str_make(value, len);
    spend(out_key->len + len);
    return true;
}

enum err store_iter_error(struct store_iter *iter, struct error *error)
{
    char *message = NULL;
    rocksdb_iter_get_error(iter->iter, &message);
    return store_take_error(iter->store, message, error);
}

void store_iter_free(struct store_iter *iter)
{
    if (!iter)
        return;
    rocksdb_iter_destroy(iter->iter);
    if (iter->database)
        atomic_fetch_sub(&iter->database->iterators, 1);
    rocksdb_readoptions_destroy(iter->options);
    arena_release(&iter->arena);
    free(iter);
}

struct str store_prefix_end(struct arena *arena, struct str prefix)
{
    while (prefix.len && (unsigned char)prefix.ptr[prefix.len - 1] == 0xff)
        prefix.len--;
    if (prefix.len == 0)
        return STR_EMPTY;
    char *end = arena_cstr(arena, prefix);
    end[prefix.len - 1]++;
    return str_make(end, prefix.len);
}

/* --- Transactions --- */

enum err store_txn_get(struct store_txn *txn, enum store_family family, struct str key,
                       struct arena *arena, bool *out_found, struct str *out_value,
                       struct error *error)
{
    struct database *database = txn->database;
    char *message = NULL;
    size_t len;
    char *value = rocksdb_writebatch_wi_get_from_batch_and_db_cf(
        txn->batch, database->db, txn->store->read_options, database->families[family], key.ptr,
        key.len, &len, &message);
    if (message)
        return store_take_error(txn->store, message, error);

    *out_found = value != NULL;
    if (value) {
        arena_defer(arena, free, value);
        *out_value = str_make(value, len);
    }
    return OK;
}

static void mark(struct store_txn *txn)
{
    if (!txn->has_save_point)
        rocksdb_writebatch_wi_set_save_point(txn->batch);
    txn->has_save_point = true;
}

void store_txn_put(struct store_txn *txn, enum store_family family, struct str key,
                   struct str value)
{
    mark(txn);
    rocksdb_writebatch_wi_put_cf(txn->batch, txn->database->families[family], key.ptr, key.len,
                                 value.ptr, value.len);
}

void store_txn_delete(struct store_txn *txn, enum store_family family, struct str key)
{
    mark(txn);
    rocksdb_writebatch_wi_delete_cf(txn->batch, txn->database->families[family], key.ptr, key.len);
}
