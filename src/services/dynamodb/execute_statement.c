/* ExecuteStatement. */
#include "base/encode.h"
#include "services/dynamodb/statement.h"

/* --- SELECT --- */

struct select {
    const struct ddb_statement *statement;
    struct ddb_page page;
    struct ddb_where where;
    struct ddb_page_result result;
    size_t at; /* which of the partition keys it goes on with */
};

static enum err check_order(struct request *request, struct select *select)
{
    const struct ddb_statement *statement = select->statement;
    if (statement->order_count == 0)
        return OK;
    if (!statement->where)
        return request_fail(request, ERR_VALIDATION,
                            "Must have WHERE clause in the statement when using ORDER BY clause.");
    if (select->where.hash_count == 0)
        return request_fail(request, ERR_VALIDATION,
                            "Must have at least one non-optional hash key condition in WHERE "
                            "clause when using ORDER BY clause.");
    for (size_t i = 0; i < statement->order_count; i++) {
        struct str name = statement->order[i].name;
        if (!str_eq(name, select->page.keys->hash.name) &&
            !str_eq(name, select->page.keys->range.name))
            return request_fail(request, ERR_VALIDATION,
                                "Variable reference %.*s in ORDER BY clause must be part of the "
                                "primary key",
                                STR_ARG(name));
        if (str_eq(name, select->page.keys->range.name))
            select->page.is_reverse = statement->order[i].is_descending;
    }
    return OK;
}

/* "NextToken" is base64 of {"at": partition key, "key": {...}}. */
static enum err read_token(struct request *request, struct select *select)
{
    struct str token = request_str(request, "NextToken"), text;
    if (!token.ptr)
        return OK;
    yyjson_val *inside =
        decode_base64(request->arena, token, &text) ? json_parse(request->arena, text) : NULL;
    yyjson_val *key = json_get(inside, "key");
    select->at = (size_t)ddb_get_integer(inside, "at", 0);
    bool is_valid =
        yyjson_is_obj(key) && (select->at == 0 || select->at < select->where.hash_count);
    if (is_valid)
        is_valid = ddb_item_read(key, request->arena, false, &select->page.start_key,
                                 &request->error) == OK &&
                   ddb_page_check_start(request, &select->page) == OK;
    if (!is_valid)
        return request_fail(request, ERR_VALIDATION, "NextToken does not match request");
    select->page.has_start_key = true;
    return OK;
}

static struct str make_token(struct request *request, const struct select *select)
{
    return encode_base64(request->arena,
                         arena_printf(request->arena, "{\"at\":%zu,\"key\":%.*s}", select->at,
                                      STR_ARG(select->result.last_key)));
}

/* The range of the partition key that is next, or of the whole table. */
static void set_range(struct request *request, struct select *select)
{
    struct ddb_page *page = &select->page;
    if (select->where.hash_count) {
        struct ddb_key_range range = select->where.range;
        range.hashes[0] = select->where.hashes[select->at];
        ddb_page_set_range(request->arena, &range, page);
    } else {
        page->start = ddb_keys_prefix(request->arena, page->keys->id);
        page->end = store_prefix_end(request->arena, page->start);
    }
    if (page->has_start_key)
        ddb_page_continue(request, page, ddb_page_start_key(request, page));
    page->has_start_key = false;
}

static enum err walk_all(struct request *request, struct select *select)
{
    size_t count = select->where.hash_count ? select->where.hash_count : 1;
    enum err rc = OK;
    while (rc == OK) {
        set_range(request, select);
        rc = ddb_page_walk(request, &select->page, &select->result);
        if (rc || select->result.last_key.len || select->at + 1 == count)
            break;
        select->at++;
    }
    return rc;
}

static enum err answer_select(struct request *request, const struct select *select)
{
    struct ddb_capacity capacity;
    struct buf out;
    buf_init_arena(&out, request->arena, SIZE_MAX / 2);
    buf_add(&out, STR("{\"Items\":["));
    buf_add(&out, buf_str(&select->result.items));
    buf_add_byte(&out, ']');
    if (select->result.last_key.len) {
        buf_add(&out, STR(",\"NextToken\":"));
        buf_add_json(&out, make_token(request, select));
        buf_add(&out, STR(",\"LastEvaluatedKey\":"));
        buf_add(&out, select->result.last_key);
    }
    ddb_page_capacity(&select->page, &select->result, request->arena, &capacity);
    ddb_capacity_write(&out, select->page.consumed, &capacity, false);
    buf_add_byte(&out, '}');
    request->raw_output = buf_str(&out);
    return OK;
}

static enum err find_index(struct request *request, struct ddb_page *page, struct str name)
{
    page->keys = &page->table->keys;
    if (name.len == 0)
        return OK;
    page->index = ddb_table_index(page->table, name);
    page->keys = &page->index->keys;
    enum err rc = ddb_page_check_index(request, page);
    return rc ? rc : ddb_page_check_projected(request, page);
}

static enum err run_select(struct request *request, const struct ddb_statement *statement,
                           const struct ddb_table *table)
{
    struct select select = {.statement = statement};
    struct ddb_page *page = &select.page;
    page->table = table;
    page->is_consistent = ddb_get_boolean(request->input, "ConsistentRead", false);
    page->limit = (uint64_t)ddb_get_integer(request->input, "Limit", 0);
    page->consumed = ddb_get_consumed(request->input);
    page->projection = statement->projection;
    ddb_page_result_init(&select.result, request->arena);
    enum err rc = find_index(request, page, statement->index);
    if (rc == OK)
        rc = ddb_where_read(page->keys, statement->where, request->arena, &select.where,
                            &request->error);
    /* Without a partition key the sort key is one attribute among others. */
    bool is_filtered = !select.where.is_key_only || select.where.hash_count == 0;
    page->filter = is_filtered ? statement->where : NULL;
    if (rc == OK)
        rc = check_order(request, &select);
    if (rc == OK)
        rc = read_token(request, &select);
    if (rc == OK)
        rc = walk_all(request, &select);
    return rc ? rc : answer_select(request, &select);
}

/* --- Writes --- */

struct statement_write {
    struct ddb_statement statement;
    struct ddb_write write;
};

static enum err carry_out(struct request *request, struct store_txn *txn)
{
    struct dynamodb *dynamodb = request_self(request, struct dynamodb);
    struct statement_write *one = request->handler_state;
    enum err rc = ddb_write_check(dynamodb, txn, &one->write, request->arena, &request->error);
    return rc ? rc : ddb_write_apply(dynamodb, txn, &one->write, request->arena, &request->error);
}

static enum err answer_write(struct request *request)
{
    const struct statement_write *one = request->handler_state;
    const struct ddb_value *returned =
        ddb_statement_returned(request->arena, &one->statement, &one->write);
    struct buf out;
    buf_init_arena(&out, request->arena, SIZE_MAX / 2);
    buf_add(&out, STR("{\"Items\":["));
    if (returned)
        ddb_item_write(returned, &out);
    buf_add_byte(&out, ']');
    ddb_capacity_write(&out, ddb_get_consumed(request->input), &one->write.change.capacity, false);
    buf_add_byte(&out, '}');
    request->raw_output = buf_str(&out);
    return OK;
}

/* Reads the statement anew, since it may run twice. */
static enum err select_again(struct request *request)
{
    struct ddb_statement *statement = arena_new(request->arena, struct ddb_statement);
    const struct ddb_table *table;
    enum err rc = ddb_statement_read(request, request->input, statement, &table);
    return rc ? rc : run_select(request, statement, table);
}

enum err ddb_execute_statement(struct request *request)
{
    struct statement_write *one = arena_new(request->arena, struct statement_write);
    struct ddb_statement *statement = &one->statement;
    const struct ddb_table *table;
    enum err rc = ddb_statement_read(request, request->input, statement, &table);
    if (rc)
        return rc;
    if (statement->kind == DDB_STATEMENT_SELECT)
        return request_read(request, select_again);
    if (statement->kind == DDB_STATEMENT_EXISTS)
        return request_fail(request, ERR_VALIDATION,
                            "EXISTS is only supported in ExecuteTransaction");
    rc = ddb_statement_write(request, statement, table, request->input, &one->write);
    request->handler_state = one;
    if (one->write.kind == DDB_DELETE)
        request->write.class = STORE_CONTROL;
    return rc ? rc : request_write(request, carry_out, answer_write);
}
