/* BatchGetItem. */
#include "services/dynamodb/operations.h"

enum { MAX_KEYS = 100, MAX_ANSWER_BYTES = 16 * 1024 * 1024 };

/* The keys of one table. */
struct table_gets {
    struct str name; /* as the request has it */
    yyjson_val *input;
    struct ddb_get *gets;
    size_t count, answered; /* those behind did not fit */
    const struct ddb_table *table;
    bool is_consistent;
};

struct batch {
    struct table_gets *tables;
    size_t table_count, key_count;
    size_t bytes;
    struct ddb_tally tally;
};

/* --- Reading --- */

static enum err read_keys(struct request *request, struct batch *batch, struct table_gets *table,
                          const struct ddb_projection *projection)
{
    yyjson_val *keys = json_get(table->input, "Keys"), *key;
    size_t i, max;
    table->gets = arena_array(request->arena, struct ddb_get, yyjson_arr_size(keys));
    yyjson_arr_foreach (keys, i, max, key) {
        struct ddb_get *get = &table->gets[table->count++];
        get->projection = projection;
        enum err rc = ddb_item_read(key, request->arena, false, &get->item_key, &request->error);
        for (size_t j = 0; rc == OK && j < i; j++) {
            if (ddb_value_equal(&table->gets[j].item_key, &get->item_key))
                rc = request_fail(request, ERR_VALIDATION,
                                  "Provided list of item keys contains duplicates");
        }
        if (rc == OK && ++batch->key_count > MAX_KEYS)
            rc = request_fail(request, ERR_VALIDATION,
                              "Too many items requested for the BatchGetItem call");
        if (rc)
            return rc;
    }
    return OK;
}

static enum err read_table(struct request *request, struct batch *batch, struct table_gets *table)
{
    const struct ddb_parameter_set *set = ddb_get_parameters();
    struct ddb_expressions expressions = {0};
    enum err rc = ddb_check_style(request, table->input, set);
    if (rc == OK)
        rc = ddb_read_attributes_to_get(request, table->input, &expressions);
    if (rc == OK)
        rc = ddb_expressions_read(request, table->input, set, &expressions);
    table->is_consistent = ddb_get_boolean(table->input, "ConsistentRead", false);
    return rc ? rc : read_keys(request, batch, table, expressions.projection);
}

/* The two styles may not be mixed, not even between tables. */
static enum err check_styles(struct request *request, yyjson_val *items)
{
    yyjson_val *key, *input;
    size_t i, max;
    bool has_expression = false, has_older = false;
    yyjson_obj_foreach (items, i, max, key, input) {
        has_expression |= ddb_get(input, "ProjectionExpression") != NULL;
        has_older |= ddb_get(input, "AttributesToGet") != NULL;
    }
    if (!has_expression || !has_older)
        return OK;
    return request_fail(request, ERR_VALIDATION,
                        "Can not use both expression and non-expression parameters in the same "
                        "request: Non-expression parameters: {AttributesToGet} Expression "
                        "parameters: {ProjectionExpression}");
}

static enum err read_batch(struct request *request, struct batch *batch)
{
    yyjson_val *items = json_get(request->input, "RequestItems"), *key, *input;
    size_t i, max;
    if (yyjson_obj_size(items) == 0)
        return request_fail(request, ERR_VALIDATION,
                            "The requestItems parameter is required for BatchGetItem");
    batch->tables = arena_array(request->arena, struct table_gets, yyjson_obj_size(items));
    yyjson_obj_foreach (items, i, max, key, input) {
        struct table_gets *table = &batch->tables[batch->table_count++];
        table->name = json_str(key);
        table->input = input;
        enum err rc = read_table(request, batch, table);
        if (rc)
            return rc;
    }
    return check_styles(request, items);
}

static enum err find_table(struct request *request, struct table_gets *table)
{
    struct ddb_permission permission = {.input = table->input};
    enum err rc = ddb_authorize_table(request, "dynamodb:BatchGetItem", table->name, &permission);
    if (rc == OK)
        rc = ddb_table_by_name(request, table->name, &table->table);
    for (size_t i = 0; rc == OK && i < table->count; i++) {
        table->gets[i].table = table->table;
        rc = ddb_get_prepare(request, &table->gets[i]);
    }
    return rc;
}

/* --- Answering --- */

/* Adds the items of a table as far as they fit. */
static enum err add_items(struct request *request, struct batch *batch, struct table_gets *table,
                          struct buf *out)
{
    struct ddb_capacity capacity = {.table = table->table};
    bool is_first = true;
    for (; table->answered < table->count && batch->bytes < MAX_ANSWER_BYTES; table->answered++) {
        struct buf item;
        size_t size;
        bool found;
        buf_init_arena(&item, request->arena, SIZE_MAX / 2);
        enum err rc = ddb_read_stored(request, &table->gets[table->answered], &item, &size, &found);
        if (rc)
            return rc;
        if (batch->bytes + size > MAX_ANSWER_BYTES)
            break;
        batch->bytes += size;
        capacity.table_half += ddb_read_half_units(size, table->is_consistent);
        if (!found)
            continue;
        buf_add(out, is_first ? STR_EMPTY : STR(","));
        buf_add(out, buf_str(&item));
        is_first = false;
    }
    ddb_tally_add(&batch->tally, &capacity, request->arena);
    return OK;
}

/* The table's part of the request with the keys that are left. */
static void add_unprocessed(struct request *request, const struct table_gets *table,
                            struct buf *out)
{
    static const char *const kept[] = {"AttributesToGet", "ConsistentRead", "ProjectionExpression",
                                       "ExpressionAttributeNames"};
    yyjson_val *keys = json_get(table->input, "Keys");
    buf_add_json(out, table->name);
    buf_add(out, STR(":{\"Keys\":["));
    for (size_t i = table->answered; i < table->count; i++) {
        buf_add(out, i > table->answered ? STR(",") : STR_EMPTY);
        buf_add(out, json_write_val(request->arena, yyjson_arr_get(keys, i)));
    }
    buf_add_byte(out, ']');
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        yyjson_val *value = ddb_get(table->input, kept[i]);
        if (!value)
            continue;
        buf_printf(out, ",\"%s\":", kept[i]);
        buf_add(out, json_write_val(request->arena, value));
    }
    buf_add_byte(out, '}');
}

static enum err answer(struct request *request, struct batch *batch)
{
    struct buf out;
    bool is_first = true;
    buf_init_arena(&out, request->arena, SIZE_MAX / 2);
    buf_add(&out, STR("{\"Responses\":{"));
    for (size_t i = 0; i < batch->table_count; i++) {
        buf_add(&out, i ? STR(",") : STR_EMPTY);
        buf_add_json(&out, batch->tables[i].name);
        buf_add(&out, STR(":["));
        enum err rc = add_items(request, batch, &batch->tables[i], &out);
        if (rc)
            return rc;
        buf_add_byte(&out, ']');
    }
    buf_add(&out, STR("},\"UnprocessedKeys\":{"));
    for (size_t i = 0; i < batch->table_count; i++) {
        if (batch->tables[i].answered == batch->tables[i].count)
            continue;
        buf_add(&out, is_first ? STR_EMPTY : STR(","));
        add_unprocessed(request, &batch->tables[i], &out);
        is_first = false;
    }
    buf_add_byte(&out, '}');
    ddb_tally_write(&out, ddb_get_consumed(request->input), &batch->tally, false);
    buf_add_byte(&out, '}');
    request->raw_output = buf_str(&out);
    return OK;
}

enum err ddb_batch_get_item(struct request *request)
{
    struct batch batch = {0};
    enum err rc = read_batch(request, &batch);
    for (size_t i = 0; rc == OK && i < batch.table_count; i++)
        rc = find_table(request, &batch.tables[i]);
    return rc ? rc : answer(request, &batch);
}
