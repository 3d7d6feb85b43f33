/* Transactions on the writer thread, and what they say when they are cancelled. */
#include "services/dynamodb/transaction.h"

#include <stdlib.h>

#include "services/dynamodb/token.h"
#include "wire/sigv4.h"

enum { MAX_TRANSACTION_BYTES = 4 * 1024 * 1024 };

void ddb_transaction_init(struct ddb_transaction *transaction, struct arena *arena, size_t count,
                          bool is_writing)
{
    transaction->count = count;
    transaction->token = transaction->digest = STR_EMPTY;
    transaction->reasons = arena_array(arena, struct ddb_reason, count);
    if (is_writing) {
        transaction->writes = arena_array(arena, struct ddb_write, count);
    } else {
        transaction->gets = arena_array(arena, struct ddb_get, count);
        transaction->items = arena_array(arena, struct str, count);
    }
    transaction->sizes = arena_array(arena, size_t, count);
}

/* --- What a token stands for --- */

static int by_text(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static struct str plain(struct arena *arena, yyjson_val *value, bool is_number);

/* Elements of sets in one order; those of lists stay as they are. */
static struct str plain_list(struct arena *arena, yyjson_val *list, bool is_set, bool is_number)
{
    struct str *texts = arena_array(arena, struct str, yyjson_arr_size(list));
    struct buf out;
    yyjson_val *element;
    size_t i, max;
    yyjson_arr_foreach (list, i, max, element)
        texts[i] = plain(arena, element, is_number);
    if (is_set)
        qsort(texts, yyjson_arr_size(list), sizeof(*texts), by_text);
    buf_init_arena(&out, arena, SIZE_MAX / 2);
    buf_add_byte(&out, '[');
    for (i = 0; i < yyjson_arr_size(list); i++) {
        buf_add(&out, i ? STR(",") : STR_EMPTY);
        buf_add(&out, texts[i]);
    }
    buf_add_byte(&out, ']');
    return buf_str(&out);
}

/* Members in the order of their names. What is read as a number's text may be a member of another
 * name: such a text stays as it is. */
static struct str plain_object(struct arena *arena, yyjson_val *object)
{
    struct str *texts = arena_array(arena, struct str, yyjson_obj_size(object));
    struct buf out;
    yyjson_val *key, *value;
    size_t i, max, count = 0;
    yyjson_obj_foreach (object, i, max, key, value) {
        struct str name = json_str(key);
        bool is_numbers = str_eq(name, STR("NS"));
        bool is_set = is_numbers || str_eq(name, STR("SS")) || str_eq(name, STR("BS"));
        if (yyjson_is_null(value))
            continue;
        buf_init_arena(&out, arena, SIZE_MAX / 2);
        buf_add_json(&out, name);
        buf_add_byte(&out, ':');
        buf_add(&out, is_set && yyjson_is_arr(value) ? plain_list(arena, value, true, is_numbers)
                                                     : plain(arena, value, str_eq(name, STR("N"))));
        texts[count++] = buf_str(&out);
    }
    qsort(texts, count, sizeof(*texts), by_text);
    buf_init_arena(&out, arena, SIZE_MAX / 2);
    buf_add_byte(&out, '{');
    for (i = 0; i < count; i++) {
        buf_add(&out, i ? STR(",") : STR_EMPTY);
        buf_add(&out, texts[i]);
    }
    buf_add_byte(&out, '}');
    return buf_str(&out);
}

/* JSON text that is equal for values that mean the same. */
static struct str plain(struct arena *arena, yyjson_val *value, bool is_number)
{
    struct ddb_number number;
    struct error ignored;
    if (yyjson_is_obj(value))
        return plain_object(arena, value);
    if (yyjson_is_arr(value))
        return plain_list(arena, value, false, false);
    if (is_number && json_str(value).ptr && !ddb_number_parse(json_str(value), &number, &ignored))
        return ddb_number_format(&number, arena);
    return json_write_val(arena, value);
}

struct str ddb_transaction_digest(struct arena *arena, const yyjson_val *actions)
{
    return sigv4_sha256_hex(arena, plain(arena, (yyjson_val *)(uintptr_t)actions, false));
}

/* --- Reasons --- */

static const struct {
    enum err rc;
    const char *code;
} cancelling[] = {
    {ERR_DDB_CONDITIONAL_CHECK_FAILED, "ConditionalCheckFailed"},
    {ERR_VALIDATION, "ValidationError"},
    {ERR_DDB_ITEM_COLLECTION_SIZE, "ItemCollectionSizeLimitExceeded"},
    {ERR_DDB_DUPLICATE_ITEM, "DuplicateItem"},
};

enum err ddb_transaction_note(struct ddb_transaction *transaction, size_t i, enum err rc,
                              struct arena *arena, struct error *error)
{
    for (size_t j = 0; rc && j < sizeof(cancelling) / sizeof(cancelling[0]); j++) {
        if (cancelling[j].rc != rc)
            continue;
        if (transaction->has_invalid)
            return OK;
        transaction->has_invalid = rc == ERR_VALIDATION;
        transaction->reasons[i].code = cancelling[j].code;
        transaction->reasons[i].message = arena_str(arena, error_text(error));
        transaction->reasons[i].item =
            rc == ERR_DDB_CONDITIONAL_CHECK_FAILED ? error->members : STR_EMPTY;
        return OK;
    }
    return rc;
}

static void add_reason(struct buf *out, const struct ddb_reason *reason)
{
    buf_printf(out, "{\"Code\":\"%s\"", reason->code ? reason->code : "None");
    if (reason->code && reason->item.len) {
        buf_add_byte(out, ',');
        buf_add(out, reason->item);
    }
    if (reason->code) {
        buf_add(out, STR(",\"Message\":"));
        buf_add_json(out, reason->message);
    }
    buf_add_byte(out, '}');
}

/* ERR_DDB_TRANSACTION_CANCELED when there is any reason. */
static enum err check_reasons(struct request *request, const struct ddb_transaction *transaction)
{
    struct buf codes, list;
    bool has_any = false;
    for (size_t i = 0; i < transaction->count; i++)
        has_any |= transaction->reasons[i].code != NULL;
    if (!has_any)
        return OK;
    buf_init_arena(&codes, request->arena, SIZE_MAX / 2);
    buf_init_arena(&list, request->arena, SIZE_MAX / 2);
    buf_add(&list, STR("\"CancellationReasons\":["));
    for (size_t i = 0; i < transaction->count; i++) {
        const struct ddb_reason *reason = &transaction->reasons[i];
        buf_printf(&codes, "%s%s", i ? ", " : "", reason->code ? reason->code : "None");
        buf_add(&list, i ? STR(",") : STR_EMPTY);
        add_reason(&list, reason);
    }
    buf_add_byte(&list, ']');
    request_fail(request, ERR_DDB_TRANSACTION_CANCELED,
                 "Transaction cancelled, please refer cancellation reasons for specific reasons "
                 "[%.*s]",
                 STR_ARG(buf_str(&codes)));
    request->error.members = buf_str(&list);
    return ERR_DDB_TRANSACTION_CANCELED;
}

/* --- On the writer thread --- */

static enum err read_items(struct request *request, struct store_txn *txn)
{
    struct ddb_transaction *transaction = request->handler_state;
    for (size_t i = 0; i < transaction->count; i++) {
        const struct ddb_get *get = &transaction->gets[i];
        struct ddb_stored stored;
        struct str value;
        bool found;
        enum err rc = store_txn_get(txn, STORE_ITEMS, get->key, request->arena, &found, &value,
                                    &request->error);
        if (rc == OK && found)
            rc = ddb_stored_read(value, &stored, &request->error);
        if (rc)
            return rc;
        transaction->items[i] = found ? stored.json : (struct str){NULL, 0};
        transaction->sizes[i] = found ? stored.size : 0;
    }
    return OK;
}

/* What was written under the token costs reads of it now. */
static enum err repeat(struct request *request, struct store_txn *txn,
                       struct ddb_transaction *transaction)
{
    transaction->is_repeated = true;
    for (size_t i = 0; i < transaction->count; i++) {
        struct ddb_stored stored = {0};
        struct str value;
        bool found;
        enum err rc = store_txn_get(txn, STORE_ITEMS, transaction->writes[i].key, request->arena,
                                    &found, &value, &request->error);
        if (rc == OK && found)
            rc = ddb_stored_read(value, &stored, &request->error);
        if (rc)
            return rc;
        transaction->sizes[i] = stored.size;
    }
    return OK;
}

static enum err write_items(struct request *request, struct store_txn *txn)
{
    struct dynamodb *dynamodb = request_self(request, struct dynamodb);
    struct ddb_transaction *transaction = request->handler_state;
    bool is_repeated = false;
    enum err rc = OK;
    if (transaction->token.len)
        rc = ddb_token_check(txn, transaction->token, transaction->digest, &is_repeated,
                             request->arena, &request->error);
    if (rc || is_repeated)
        return rc ? rc : repeat(request, txn, transaction);
    for (size_t i = 0; rc == OK && i < transaction->count; i++) {
        rc = ddb_write_check(dynamodb, txn, &transaction->writes[i], request->arena,
                             &request->error);
        rc = ddb_transaction_note(transaction, i, rc, request->arena, &request->error);
    }
    if (rc == OK)
        rc = check_reasons(request, transaction);
    for (size_t i = 0; rc == OK && i < transaction->count; i++)
        rc = ddb_write_apply(dynamodb, txn, &transaction->writes[i], request->arena,
                             &request->error);
    if (rc == OK && transaction->token.len)
        ddb_token_put(txn, transaction->token, transaction->digest);
    return rc;
}

/* --- On the loop --- */

static struct str key_of(const struct ddb_transaction *transaction, size_t i)
{
    return transaction->writes ? transaction->writes[i].key : transaction->gets[i].key;
}

static enum err check_apart(struct request *request, const struct ddb_transaction *transaction)
{
    size_t bytes = 0;
    for (size_t i = 0; i < transaction->count; i++) {
        struct str key = key_of(transaction, i);
        if (transaction->writes)
            bytes += ddb_item_size(&transaction->writes[i].item);
        for (size_t j = 0; key.len && j < i; j++) {
            if (str_eq(key, key_of(transaction, j)))
                return request_fail(request, ERR_VALIDATION,
                                    "Transaction request cannot include multiple operations on one "
                                    "item");
        }
    }
    if (bytes > MAX_TRANSACTION_BYTES)
        return request_fail(request, ERR_VALIDATION,
                            "Aggregate size of all items in the transaction cannot exceed 4 MB");
    return OK;
}

/* Deletions make room; reads go to the writer because between two writes they see all items at one
 * moment. */
static enum store_class class_of(const struct ddb_transaction *transaction)
{
    if (!transaction->writes)
        return STORE_READING;
    for (size_t i = 0; i < transaction->count; i++) {
        enum ddb_write_kind kind = transaction->writes[i].kind;
        if (kind != DDB_DELETE && kind != DDB_CHECK)
            return STORE_INTERACTIVE;
    }
    return STORE_CONTROL;
}

enum err ddb_transaction_submit(struct request *request, struct ddb_transaction *transaction,
                                enum err (*answer)(struct request *request))
{
    enum err rc = check_reasons(request, transaction);
    if (rc == OK)
        rc = check_apart(request, transaction);
    request->handler_state = transaction;
    request->write.class = class_of(transaction);
    return rc ? rc : request_write(request, transaction->writes ? write_items : read_items, answer);
}

void ddb_transaction_add_capacity(struct request *request,
                                  const struct ddb_transaction *transaction, struct buf *out,
                                  bool is_first)
{
    struct ddb_tally tally = {0};
    bool is_writing = transaction->writes && !transaction->is_repeated;
    for (size_t i = 0; i < transaction->count; i++) {
        struct ddb_capacity capacity = {.kind = DDB_CAPACITY_READ};
        capacity.table =
            transaction->writes ? transaction->writes[i].table : transaction->gets[i].table;
        capacity.table_half = ddb_read_half_units(transaction->sizes[i], true) * 2;
        if (is_writing) {
            const struct ddb_capacity *once = &transaction->writes[i].change.capacity;
            capacity = (struct ddb_capacity){.table = once->table, .kind = DDB_CAPACITY_WRITE};
            ddb_capacity_merge(&capacity, once, request->arena);
            ddb_capacity_merge(&capacity, once, request->arena);
        }
        ddb_tally_add(&tally, &capacity, request->arena);
    }
    size_t before = out->len;
    ddb_tally_write(out, transaction->consumed, &tally, is_first);
    if (!transaction->wants_metrics || !is_writing)
        return;
    const struct ddb_write **writes =
        arena_alloc(request->arena, transaction->count * sizeof(*writes));
    for (size_t i = 0; i < transaction->count; i++)
        writes[i] = &transaction->writes[i];
    struct buf metrics;
    buf_init_arena(&metrics, request->arena, SIZE_MAX / 2);
    ddb_add_all_collection_metrics(&metrics, writes, transaction->count);
    buf_add(out, metrics.len && (out->len > before || !is_first) ? STR(",") : STR_EMPTY);
    buf_add(out, buf_str(&metrics));
}
