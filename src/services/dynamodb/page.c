/* Pages of items, for Query and Scan. */
#include "services/dynamodb/operations.h"

enum { MAX_PAGE_BYTES = 1024 * 1024 };

/* --- Parameters --- */

static enum err read_limit(struct request *request, struct ddb_page *page)
{
    yyjson_val *limit = json_get(request->input, "Limit");
    int64_t value;
    if (!limit || yyjson_is_null(limit))
        return OK;
    if (!json_get_i64(request->input, "Limit", &value))
        return request_fail(request, ERR_SERIALIZATION, "Unexpected value type in payload");
    if (value < 1)
        return request_fail(
            request, ERR_VALIDATION,
            "1 validation error detected: Value '%lld' at 'limit' failed to satisfy "
            "constraint: Member must have value greater than or equal to 1",
            (long long)value);
    page->limit = (uint64_t)value;
    return OK;
}

static enum err read_select(struct request *request, struct ddb_page *page)
{
    enum { ALL, ALL_PROJECTED, SPECIFIC, COUNT };
    static const char *const values[] = {"ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES",
                                         "SPECIFIC_ATTRIBUTES", "COUNT", NULL};
    size_t which;
    enum err rc = ddb_request_enum(request, "Select", values, ALL, &which);
    if (rc)
        return rc;
    bool has_projection = page->projection != NULL;
    page->is_count_only = which == COUNT;
    if (which == ALL_PROJECTED)
        return request_fail(
            request, ERR_VALIDATION,
            "One or more parameter values were invalid: ALL_PROJECTED_ATTRIBUTES can "
            "be used only when Querying using an IndexName");
    if (request_str(request, "Select").ptr && has_projection && which != SPECIFIC)
        return request_fail(request, ERR_VALIDATION,
                            "Cannot specify the ProjectionExpression when choosing to get %s",
                            which == COUNT ? "only the Count" : "ALL_ATTRIBUTES");
    if (which == SPECIFIC && !has_projection)
        return request_fail(
            request, ERR_VALIDATION,
            "Must specify the AttributesToGet or ProjectionExpression when choosing "
            "to get SPECIFIC_ATTRIBUTES");
    return OK;
}

enum err ddb_page_read(struct request *request, struct ddb_substitutions *with,
                       struct ddb_page *page)
{
    page->is_consistent = json_get_bool(request->input, "ConsistentRead", false);
    if (request_str(request, "IndexName").ptr)
        return request_fail(request, ERR_VALIDATION,
                            "The table does not have the specified index: %.*s",
                            STR_ARG(request_str(request, "IndexName")));
    enum err rc = read_limit(request, page);
    if (rc == OK)
        rc = ddb_request_consumed(request, &page->consumed);
    if (rc == OK)
        rc = ddb_request_condition(request, "FilterExpression", with, &page->filter);
    if (rc == OK)
        rc = ddb_request_projection(request, with, &page->projection);
    return rc ? rc : read_select(request, page);
}

enum err ddb_page_continue(struct request *request, struct ddb_page *page, struct str partition)
{
    yyjson_val *wire = json_get(request->input, "ExclusiveStartKey");
    struct ddb_value key;
    struct error ignored;
    if (!wire || yyjson_is_null(wire))
        return OK;
    enum err rc = ddb_item_read(wire, request->arena, false, &key, &request->error);
    if (rc)
        return rc;
    if (ddb_check_key(page->table, &key, &ignored))
        return request_fail(request, ERR_VALIDATION,
                            "The provided starting key is invalid: The provided key element does "
                            "not match the schema");
    struct str from = ddb_item_key(request->arena, page->table, &key);
    bool is_inside =
        str_cmp(from, page->start) >= 0 && (page->end.len == 0 || str_cmp(from, page->end) < 0);
    if (partition.len && (!str_starts(from, partition) || !is_inside))
        return request_fail(
            request, ERR_VALIDATION,
            "The provided starting key is outside query boundaries based on provided "
            "conditions");
    if (page->is_reverse) {
        page->end = from;
        return OK;
    }
    /* The smallest key behind it: no key is a prefix of another one. */
    struct str behind = str_make(arena_cstr(request->arena, from), from.len + 1);
    if (str_cmp(behind, page->start) > 0)
        page->start = behind;
    return OK;
}

/* --- Walking --- */

struct walk {
    struct request *request;
    const struct ddb_page *page;
    struct buf items;
    struct arena scratch; /* of one item */
    uint64_t count, scanned;
    size_t bytes;
    struct str last_key; /* wire JSON of the last item seen, when the page ends there */
};

static enum err take_item(struct walk *walk, struct str value)
{
    const struct ddb_page *page = walk->page;
    struct ddb_stored stored;
    struct ddb_value item, part;
    enum err rc = ddb_stored_read(value, &stored, &walk->request->error);
    if (rc)
        return rc;
    walk->scanned++;
    walk->bytes += stored.size;
    if (page->filter || page->projection) {
        rc = ddb_stored_parse(value, &walk->scratch, &item, &walk->request->error);
        if (rc)
            return rc;
        if (page->filter && !ddb_condition_holds(page->filter, &item))
            return OK;
    }
    walk->count++;
    if (page->is_count_only)
        return OK;
    if (walk->items.len)
        buf_add_byte(&walk->items, ',');
    if (page->projection) {
        ddb_projection_apply(page->projection, &item, &walk->scratch, &part);
        ddb_item_write(&part, &walk->items);
    } else {
        buf_add(&walk->items, stored.json);
    }
    return OK;
}

static enum err note_last_key(struct walk *walk, struct str value)
{
    struct ddb_value item;
    struct buf key;
    enum err rc = ddb_stored_parse(value, &walk->scratch, &item, &walk->request->error);
    if (rc)
        return rc;
    buf_init_arena(&key, walk->request->arena, SIZE_MAX / 2);
    ddb_write_key(walk->page->table, &item, &key);
    walk->last_key = buf_str(&key);
    return OK;
}

static bool is_page_full(const struct walk *walk)
{
    return (walk->page->limit && walk->scanned >= walk->page->limit) ||
           walk->bytes >= MAX_PAGE_BYTES;
}

static enum err walk_items(struct walk *walk)
{
    const struct ddb_page *page = walk->page;
    struct str key, value;
    enum err rc = OK;
    if (page->end.len && str_cmp(page->start, page->end) >= 0)
        return OK;
    struct store_iter *iter = store_iter_new(walk->request->skylite->store, STORE_ITEMS,
                                             page->start, page->end, page->is_reverse);
    while (rc == OK && !walk->last_key.len && store_iter_next(iter, &key, &value)) {
        rc = take_item(walk, value);
        if (rc == OK && is_page_full(walk))
            rc = note_last_key(walk, value);
        arena_reset(&walk->scratch);
    }
    if (rc == OK)
        rc = store_iter_error(iter, &walk->request->error);
    store_iter_free(iter);
    arena_release(&walk->scratch);
    return rc;
}

enum err ddb_page_answer(struct request *request, const struct ddb_page *page)
{
    struct walk walk = {.request = request, .page = page};
    struct buf out;
    buf_init_arena(&walk.items, request->arena, SIZE_MAX / 2);
    enum err rc = walk_items(&walk);
    if (rc)
        return rc;
    buf_init_arena(&out, request->arena, SIZE_MAX / 2);
    buf_reserve(&out, walk.items.len + 512);
    buf_printf(&out, "{\"Count\":%llu,\"ScannedCount\":%llu", (unsigned long long)walk.count,
               (unsigned long long)walk.scanned);
    if (!page->is_count_only) {
        buf_add(&out, STR(",\"Items\":["));
        buf_add(&out, buf_str(&walk.items));
        buf_add_byte(&out, ']');
    }
    if (walk.last_key.len) {
        buf_add(&out, STR(",\"LastEvaluatedKey\":"));
        buf_add(&out, walk.last_key);
    }
    ddb_add_consumed(&out, page->consumed, page->table,
                     ddb_read_half_units(walk.bytes, page->is_consistent), false);
    buf_add_byte(&out, '}');
    request->raw_output = buf_str(&out);
    return OK;
}
