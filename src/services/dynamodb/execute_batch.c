/* BatchExecuteStatement, where statements fail one by one, and ExecuteTransaction, where they fail
 * together. */
#include "services/dynamodb/statement.h"
#include "services/dynamodb/transaction.h"

struct batch_statement {
    struct ddb_statement statement;
    const yyjson_val *input;
    const struct ddb_table *table;
    struct ddb_write write;
    struct ddb_get get;
    const struct ddb_condition *filter; /* of a get: what it says beside the key */
    enum err rc;
    struct str message, failed_item; /* of a failure; the item as `"Item":{...}` */
    struct str item;                 /* wire JSON of the answer; a NULL pointer for none */
    struct ddb_capacity capacity;
};

struct statement_batch {
    struct batch_statement *all;
    size_t count;
    bool is_reading;
};

static void fail(struct request *request, struct batch_statement *one, enum err rc)
{
    one->rc = rc;
    one->message = arena_str(request->arena, error_text(&request->error));
    one->failed_item = rc == ERR_DDB_CONDITIONAL_CHECK_FAILED ? request->error.members : STR_EMPTY;
}

static struct str write_json(struct arena *arena, const struct ddb_value *item)
{
    struct buf out;
    buf_init_arena(&out, arena, SIZE_MAX / 2);
    ddb_item_write(item, &out);
    return buf_str(&out);
}

/* --- BatchExecuteStatement --- */

static enum err prepare(struct request *request, struct batch_statement *one)
{
    if (ddb_statement_is_read(&one->statement)) {
        enum err rc =
            ddb_statement_get(request, &one->statement, one->table, &one->get, &one->filter);
        if (rc == ERR_VALIDATION &&
            str_starts(str_from(request->error.message), STR("Where clause")))
            rc = request_fail(request, ERR_VALIDATION,
                              "Select statements within BatchExecuteStatement must specify the "
                              "primary key in the where clause.");
        return rc;
    }
    return ddb_statement_write(request, &one->statement, one->table, one->input, &one->write);
}

static enum err read_batch(struct request *request, struct statement_batch *batch)
{
    yyjson_val *list = json_get(request->input, "Statements"), *input;
    size_t i, max, reads = 0, writes = 0;
    batch->all = arena_array(request->arena, struct batch_statement, yyjson_arr_size(list));
    yyjson_arr_foreach (list, i, max, input) {
        struct batch_statement *one = &batch->all[batch->count++];
        one->input = input;
        one->item = (struct str){NULL, 0};
        one->statement.table = STR_EMPTY;
        enum err rc = ddb_statement_read(request, input, &one->statement, &one->table);
        if (rc == OK) {
            bool is_read = ddb_statement_is_read(&one->statement);
            reads += is_read;
            writes += !is_read;
            rc = prepare(request, one);
        }
        if (rc)
            fail(request, one, rc);
    }
    batch->is_reading = writes == 0;
    if (reads && writes)
        return request_fail(request, ERR_VALIDATION,
                            "The batch must consist of either read statements or write statements");
    return OK;
}

static enum err read_item(struct request *request, struct batch_statement *one)
{
    struct ddb_get whole = one->get;
    struct ddb_value item, part;
    struct buf json;
    size_t size;
    bool found;
    whole.projection = NULL;
    buf_init_arena(&json, request->arena, SIZE_MAX / 2);
    enum err rc = ddb_read_stored(request, &whole, &json, &size, &found);
    one->capacity = (struct ddb_capacity){.table = one->table};
    one->capacity.table_half =
        ddb_read_half_units(size, ddb_get_boolean(one->input, "ConsistentRead", false));
    if (rc || !found)
        return rc;
    one->item = buf_str(&json);
    if (!one->filter && !one->get.projection)
        return OK;
    rc = ddb_item_read(json_parse(request->arena, one->item), request->arena, true, &item,
                       &request->error);
    if (rc)
        return rc;
    if (one->filter && !ddb_condition_holds(one->filter, &item)) {
        one->item = (struct str){NULL, 0};
    } else if (one->get.projection) {
        ddb_projection_apply(one->get.projection, &item, request->arena, &part);
        one->item = write_json(request->arena, &part);
    }
    return OK;
}

/* On the writer thread: each statement by itself. */
static enum err write_items(struct request *request, struct store_txn *txn)
{
    struct dynamodb *dynamodb = request_self(request, struct dynamodb);
    struct statement_batch *batch = request->handler_state;
    for (size_t i = 0; i < batch->count; i++) {
        struct batch_statement *one = &batch->all[i];
        if (one->rc)
            continue;
        enum err rc = ddb_write_check(dynamodb, txn, &one->write, request->arena, &request->error);
        if (rc) {
            fail(request, one, rc);
            continue;
        }
        rc = ddb_write_apply(dynamodb, txn, &one->write, request->arena, &request->error);
        if (rc)
            return rc; /* the store's: nothing of the batch is kept */
        const struct ddb_value *returned =
            ddb_statement_returned(request->arena, &one->statement, &one->write);
        if (returned)
            one->item = write_json(request->arena, returned);
        one->capacity = one->write.change.capacity;
    }
    return OK;
}

static const char *error_code(enum err rc)
{
    switch ((int)rc) {
    case ERR_DDB_CONDITIONAL_CHECK_FAILED:
        return "ConditionalCheckFailed";
    case ERR_DDB_ITEM_COLLECTION_SIZE:
        return "ItemCollectionSizeLimitExceeded";
    case ERR_DDB_DUPLICATE_ITEM:
        return "DuplicateItem";
    case ERR_DDB_RESOURCE_NOT_FOUND:
        return "ResourceNotFound";
    case ERR_ACCESS_DENIED_EXCEPTION:
        return "AccessDenied";
    case ERR_VALIDATION:
        return "ValidationError";
    default:
        return "InternalServerError";
    }
}

static void add_response(struct buf *out, const struct batch_statement *one)
{
    buf_add_byte(out, '{');
    if (one->rc) {
        buf_printf(out, "\"Error\":{\"Code\":\"%s\",\"Message\":", error_code(one->rc));
        buf_add_json(out, one->message);
        if (one->failed_item.len) {
            buf_add_byte(out, ',');
            buf_add(out, one->failed_item);
        }
        buf_add_byte(out, '}');
    }
    if (one->table) {
        buf_add(out, one->rc ? STR(",\"TableName\":") : STR("\"TableName\":"));
        buf_add_json(out, one->table->name);
    }
    if (one->item.ptr) {
        buf_add(out, STR(",\"Item\":"));
        buf_add(out, one->item);
    }
    buf_add_byte(out, '}');
}

static enum err answer_batch(struct request *request)
{
    const struct statement_batch *batch = request->handler_state;
    struct ddb_tally tally = {0};
    struct buf out;
    buf_init_arena(&out, request->arena, SIZE_MAX / 2);
    buf_add(&out, STR("{\"Responses\":["));
    for (size_t i = 0; i < batch->count; i++) {
        buf_add(&out, i ? STR(",") : STR_EMPTY);
        add_response(&out, &batch->all[i]);
        if (batch->all[i].rc == OK && batch->all[i].capacity.table)
            ddb_tally_add(&tally, &batch->all[i].capacity, request->arena);
    }
    buf_add_byte(&out, ']');
    ddb_tally_write(&out, ddb_get_consumed(request->input), &tally, false);
    buf_add_byte(&out, '}');
    request->raw_output = buf_str(&out);
    return OK;
}

enum err ddb_batch_execute_statement(struct request *request)
{
    struct statement_batch *batch = arena_new(request->arena, struct statement_batch);
    enum err rc = read_batch(request, batch);
    request->handler_state = batch;
    if (rc)
        return rc;
    if (!batch->is_reading)
        return request_write(request, write_items, answer_batch);
    for (size_t i = 0; i < batch->count; i++) {
        struct batch_statement *one = &batch->all[i];
        rc = one->rc ? OK : read_item(request, one);
        if (rc)
            fail(request, one, rc);
    }
    return answer_batch(request);
}

/* --- ExecuteTransaction --- */

struct statement_transaction {
    struct ddb_transaction transaction; /* first: the writer's */
    struct ddb_statement *statements;
    const struct ddb_condition **filters;
};

static enum err read_action(struct request *request, struct statement_transaction *all, size_t i,
                            const yyjson_val *input)
{
    const struct ddb_table *table;
    struct ddb_statement *statement = &all->statements[i];
    enum err rc = ddb_statement_read(request, input, statement, &table);
    if (rc)
        return rc;
    bool is_reading = all->transaction.writes == NULL;
    if (ddb_statement_is_read(statement) != is_reading)
        return request_fail(request, ERR_VALIDATION,
                            "The transaction must consist of either read statements or write "
                            "statements");
    rc = is_reading
             ? ddb_statement_get(request, statement, table, &all->transaction.gets[i],
                                 &all->filters[i])
             : ddb_statement_write(request, statement, table, input, &all->transaction.writes[i]);
    return ddb_transaction_note(&all->transaction, i, rc, request->arena, &request->error);
}

static enum err add_answer(struct request *request, const struct statement_transaction *all,
                           size_t i, struct buf *out)
{
    const struct ddb_transaction *transaction = &all->transaction;
    if (!transaction->writes) {
        struct ddb_value item;
        struct str json = transaction->items[i];
        if (!all->filters[i] || !json.ptr)
            return ddb_transaction_add_item(request, transaction, i, out);
        enum err rc = ddb_item_read(json_parse(request->arena, json), request->arena, true, &item,
                                    &request->error);
        if (rc || !ddb_condition_holds(all->filters[i], &item))
            return rc;
        return ddb_transaction_add_item(request, transaction, i, out);
    }
    const struct ddb_value *returned =
        transaction->is_repeated
            ? NULL
            : ddb_statement_returned(request->arena, &all->statements[i], &transaction->writes[i]);
    if (returned) {
        buf_add(out, STR("\"Item\":"));
        ddb_item_write(returned, out);
    }
    return OK;
}

/* Writes are answered by an empty list, unless one of them returns an item. */
static bool has_answers(const struct statement_transaction *all)
{
    bool has_any = all->transaction.writes == NULL;
    for (size_t i = 0; !has_any && i < all->transaction.count; i++)
        has_any = all->statements[i].returning != DDB_RETURNING_NOTHING;
    return has_any;
}

static enum err answer_transaction(struct request *request)
{
    const struct statement_transaction *all = request->handler_state;
    struct buf out;
    buf_init_arena(&out, request->arena, SIZE_MAX / 2);
    buf_add(&out, STR("{\"Responses\":["));
    size_t count = has_answers(all) ? all->transaction.count : 0;
    for (size_t i = 0; i < count; i++) {
        buf_add(&out, i ? STR(",{") : STR("{"));
        enum err rc = add_answer(request, all, i, &out);
        if (rc)
            return rc;
        buf_add_byte(&out, '}');
    }
    buf_add_byte(&out, ']');
    ddb_transaction_add_capacity(request, &all->transaction, &out, false);
    buf_add_byte(&out, '}');
    request->raw_output = buf_str(&out);
    return OK;
}

/* Whether the first statement reads decides for all. */
static bool starts_reading(const yyjson_val *list)
{
    yyjson_val *first = yyjson_arr_get((yyjson_val *)(uintptr_t)list, 0);
    struct str text = str_trim(json_get_str(first, "Statement"));
    return str_eq_nocase(str_slice(text, 0, 6), STR("SELECT"));
}

enum err ddb_execute_transaction(struct request *request)
{
    yyjson_val *list = json_get(request->input, "TransactStatements"), *input;
    struct statement_transaction *all = arena_new(request->arena, struct statement_transaction);
    struct ddb_transaction *transaction = &all->transaction;
    size_t i, max, count = yyjson_arr_size(list);
    struct str token = request_str(request, "ClientRequestToken");
    ddb_transaction_init(transaction, request->arena, count, !starts_reading(list));
    all->statements = arena_array(request->arena, struct ddb_statement, count);
    all->filters = arena_alloc(request->arena, count * sizeof(*all->filters));
    memset(all->filters, 0, count * sizeof(*all->filters));
    yyjson_arr_foreach (list, i, max, input) {
        enum err rc = read_action(request, all, i, input);
        if (rc)
            return rc;
    }
    if (token.ptr && transaction->writes) {
        transaction->token = token;
        transaction->digest = ddb_transaction_digest(request->arena, list);
    }
    transaction->consumed = ddb_get_consumed(request->input);
    return ddb_transaction_submit(request, transaction, answer_transaction);
}
