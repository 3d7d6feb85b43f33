/* Client request tokens. */
#include "services/dynamodb/token.h"

#include "base/buf.h"
#include "base/clock.h"

/* Under the id 0, which no table has: a row by token with time and digest, and one by time. */
enum { BY_TOKEN = 1, BY_TIME = 2, MAX_DROPPED = 32, MAX_KEY = 256 };

static void start_key(struct buf *key, struct arena *arena, char kind)
{
    static const char no_id[8] = {0};
    buf_init_arena(key, arena, MAX_KEY);
    buf_add(key, str_make(no_id, sizeof(no_id)));
    buf_add_byte(key, kind);
}

static struct str token_key(struct arena *arena, struct str token)
{
    struct buf key;
    start_key(&key, arena, BY_TOKEN);
    buf_add(&key, token);
    return buf_str(&key);
}

static struct str time_key(struct arena *arena, int64_t time_ms, struct str token)
{
    struct buf key;
    uint64_t big_endian = __builtin_bswap64((uint64_t)time_ms);
    start_key(&key, arena, BY_TIME);
    buf_add(&key, str_make((const char *)&big_endian, sizeof(big_endian)));
    buf_add(&key, token);
    return buf_str(&key);
}

enum err ddb_token_check(struct store_txn *txn, struct str token, struct str digest,
                         bool *out_is_known, struct arena *arena, struct error *error)
{
    struct str value;
    int64_t used_ms;
    bool found;
    *out_is_known = false;
    enum err rc =
        store_txn_get(txn, STORE_ITEMS, token_key(arena, token), arena, &found, &value, error);
    if (rc || !found || value.len < sizeof(used_ms))
        return rc;
    memcpy(&used_ms, value.ptr, sizeof(used_ms));
    if (used_ms + DDB_TOKEN_MS < clock_wall_ms())
        return OK;
    if (!str_eq(str_slice(value, sizeof(used_ms), value.len), digest))
        return error_set(error, ERR_DDB_IDEMPOTENT_PARAMETER_MISMATCH,
                         "The request uses the same client token as a previous, but non-identical "
                         "request. Do not reuse a client token with different requests, unless the "
                         "requests are identical");
    *out_is_known = true;
    return OK;
}

/* When the token was used last; 0: never. */
static int64_t last_use(struct store_txn *txn, struct str token, struct arena *arena)
{
    struct error ignored;
    struct str value;
    int64_t used_ms = 0;
    bool found = false;
    enum err rc =
        store_txn_get(txn, STORE_ITEMS, token_key(arena, token), arena, &found, &value, &ignored);
    if (rc == OK && found && value.len >= sizeof(used_ms))
        memcpy(&used_ms, value.ptr, sizeof(used_ms));
    return used_ms;
}

static void drop_some(struct store_txn *txn, int64_t now_ms, struct arena *arena)
{
    struct str key, value, keys[MAX_DROPPED], tokens[MAX_DROPPED];
    size_t count = 0;
    struct store_iter *iter =
        store_txn_iter_new(txn, STORE_ITEMS, time_key(arena, 0, STR_EMPTY),
                           time_key(arena, now_ms - DDB_TOKEN_MS, STR_EMPTY), false);
    while (count < MAX_DROPPED && store_iter_next(iter, &key, &value)) {
        keys[count] = arena_str(arena, key);
        tokens[count++] = arena_str(arena, value);
    }
    store_iter_free(iter);
    for (size_t i = 0; i < count; i++) {
        store_txn_delete(txn, STORE_ITEMS, keys[i]);
        if (last_use(txn, tokens[i], arena) <= now_ms - DDB_TOKEN_MS)
            store_txn_delete(txn, STORE_ITEMS, token_key(arena, tokens[i]));
    }
}

void ddb_token_put(struct store_txn *txn, struct str token, struct str digest)
{
    struct arena arena = {0};
    struct buf value;
    int64_t now_ms = clock_wall_ms();
    drop_some(txn, now_ms, &arena);
    buf_init_arena(&value, &arena, MAX_KEY);
    buf_add(&value, str_make((const char *)&now_ms, sizeof(now_ms)));
    buf_add(&value, digest);
    store_txn_put(txn, STORE_ITEMS, token_key(&arena, token), buf_str(&value));
    store_txn_put(txn, STORE_ITEMS, time_key(&arena, now_ms, token), token);
    arena_release(&arena);
}
