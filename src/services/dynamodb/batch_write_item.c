/* BatchWriteItem: puts and deletions without conditions, in one transaction of the store. */
#include "services/dynamodb/operations.h"

enum { MAX_WRITES = 25 };

struct batch {
    struct ddb_write *writes[MAX_WRITES];
    struct str names[MAX_WRITES];  /* of their tables, as the request has them */
    yyjson_val *lists[MAX_WRITES]; /* that they are in */
    size_t count;
};

/* --- On the writer thread --- */

static enum err carry_out(struct request *request, struct store_txn *txn)
{
    struct dynamodb *dynamodb = request_self(request, struct dynamodb);
    struct batch *batch = request->handler_state;
    enum err rc = OK;
    for (size_t i = 0; rc == OK && i < batch->count; i++)
        rc = ddb_write_check(dynamodb, txn, batch->writes[i], request->arena, &request->error);
    for (size_t i = 0; rc == OK && i < batch->count; i++)
        rc = ddb_write_apply(dynamodb, txn, batch->writes[i], request->arena, &request->error);
    return rc;
}

static enum err answer(struct request *request)
{
    struct batch *batch = request->handler_state;
    struct ddb_tally tally = {0};
    struct buf out;
    buf_init_arena(&out, request->arena, SIZE_MAX / 2);
    buf_add(&out, STR("{\"UnprocessedItems\":{}"));
    for (size_t i = 0; i < batch->count; i++)
        ddb_tally_add(&tally, &batch->writes[i]->change.capacity, request->arena);
    ddb_tally_write(&out, ddb_get_consumed(request->input), &tally, false);
    if (str_eq(request_str(request, "ReturnItemCollectionMetrics"), STR("SIZE"))) {
        struct buf metrics;
        buf_init_arena(&metrics, request->arena, SIZE_MAX / 2);
        ddb_add_all_collection_metrics(&metrics, (const struct ddb_write *const *)batch->writes,
                                       batch->count);
        buf_add(&out, metrics.len ? STR(",") : STR_EMPTY);
        buf_add(&out, buf_str(&metrics));
    }
    buf_add_byte(&out, '}');
    request->raw_output = buf_str(&out);
    return OK;
}

/* --- Reading --- */

static enum err read_write(struct request *request, yyjson_val *input, struct ddb_write *write)
{
    yyjson_val *put = ddb_get(input, "PutRequest"), *delete = ddb_get(input, "DeleteRequest");
    if (!put == !delete)
        return request_fail(request, ERR_VALIDATION,
                            "Supplied AttributeValue has more than one datatypes set, must contain "
                            "exactly one of the supported datatypes");
    write->kind = put ? DDB_PUT : DDB_DELETE;
    enum err rc = put ? ddb_read_item(request, put, "Item", &write->item)
                      : ddb_read_item(request, delete, "Key", &write->item);
    if (rc == OK && put && ddb_item_size(&write->item) > DDB_MAX_ITEM_BYTES)
        rc = request_fail(request, ERR_VALIDATION,
                          "Item size has exceeded the maximum allowed size");
    return rc;
}

static enum err read_batch(struct request *request, struct batch *batch)
{
    yyjson_val *items = json_get(request->input, "RequestItems"), *key, *list, *input;
    size_t i, j, max, count;
    if (yyjson_obj_size(items) == 0)
        return request_fail(request, ERR_VALIDATION,
                            "The requestItems parameter is required for BatchWriteItem");
    yyjson_obj_foreach (items, i, max, key, list) {
        yyjson_arr_foreach (list, j, count, input) {
            if (batch->count == MAX_WRITES)
                return request_fail(request, ERR_VALIDATION,
                                    "Too many items requested for the BatchWriteItem call");
            struct ddb_write *write = arena_new(request->arena, struct ddb_write);
            batch->names[batch->count] = json_str(key);
            batch->lists[batch->count] = list;
            batch->writes[batch->count++] = write;
            enum err rc = read_write(request, input, write);
            if (rc)
                return rc;
        }
    }
    return OK;
}

/* A put without its key is told as a key that does not fit. */
static enum err prepare(struct request *request, struct ddb_write *write)
{
    enum err rc = ddb_write_prepare(write, request->arena, &request->error);
    struct str message = str_from(request->error.message);
    if (rc == ERR_VALIDATION && (str_find(message, STR("Missing the key")) >= 0 ||
                                 str_find(message, STR("Type mismatch for key")) >= 0))
        rc = request_fail(request, ERR_VALIDATION,
                          "The provided key element does not match the schema");
    return rc;
}

static enum err find_tables(struct request *request, struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct ddb_write *write = batch->writes[i];
        struct ddb_permission permission = {.input = batch->lists[i]};
        bool is_same = i > 0 && batch->lists[i] == batch->lists[i - 1];
        enum err rc = is_same ? OK
                              : ddb_authorize_table(request, "dynamodb:BatchWriteItem",
                                                    batch->names[i], &permission);
        if (rc == OK && !is_same)
            rc = ddb_table_by_name(request, batch->names[i], &write->table);
        if (is_same)
            write->table = batch->writes[i - 1]->table;
        if (rc == OK)
            rc = prepare(request, write);
        for (size_t j = 0; rc == OK && j < i; j++) {
            if (ddb_write_is_same(batch->writes[j], write))
                rc = request_fail(request, ERR_VALIDATION,
                                  "Provided list of item keys contains duplicates");
        }
        if (rc)
            return rc;
    }
    return OK;
}

enum err ddb_batch_write_item(struct request *request)
{
    struct batch *batch = arena_new(request->arena, struct batch);
    enum err rc = read_batch(request, batch);
    if (rc == OK)
        rc = find_tables(request, batch);
    request->handler_state = batch;
    request->write.class = STORE_CONTROL; /* deletions make room */
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->writes[i]->kind != DDB_DELETE)
            request->write.class = STORE_INTERACTIVE;
    }
    return rc ? rc : request_write(request, carry_out, answer);
}
