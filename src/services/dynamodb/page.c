/* What Query and Scan have in common: index, projection, start key. */
#include "services/dynamodb/key_paths.h"
#include "services/dynamodb/operations.h"

enum selection { SELECT_DEFAULT, SELECT_ALL, SELECT_PROJECTED, SELECT_SPECIFIC, SELECT_COUNT };

static enum selection read_selection(const yyjson_val *input)
{
    static const char *const names[] = {
        "", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "SPECIFIC_ATTRIBUTES", "COUNT", NULL};
    return (enum selection)ddb_get_choice(input, "Select", names);
}

static enum err check_selection(struct request *request, const struct ddb_page *page)
{
    static const char *const choices[] = {
        [SELECT_ALL] = "ALL_ATTRIBUTES",
        [SELECT_PROJECTED] = "ALL_PROJECTED_ATTRIBUTES",
        [SELECT_COUNT] = "only the Count",
    };
    enum selection selection = read_selection(request->input);
    bool is_older = ddb_get(request->input, "AttributesToGet") != NULL;
    if (selection == SELECT_SPECIFIC && !page->projection)
        return request_fail(request, ERR_VALIDATION,
                            "%sMust specify the AttributesToGet or ProjectionExpression when "
                            "choosing to get SPECIFIC_ATTRIBUTES",
                            page->is_query ? "1 validation error detected: " : "");
    if (page->projection && selection != SELECT_DEFAULT && selection != SELECT_SPECIFIC)
        return request_fail(
            request, ERR_VALIDATION, "Cannot specify the %s when choosing to get %s",
            is_older ? "AttributesToGet" : "ProjectionExpression", choices[selection]);
    if (selection == SELECT_PROJECTED && !request_str(request, "IndexName").ptr)
        return request_fail(request, ERR_VALIDATION,
                            "One or more parameter values were invalid: ALL_PROJECTED_ATTRIBUTES "
                            "can be used only when Querying using an IndexName");
    return OK;
}

static enum err read_start_key(struct request *request, struct ddb_page *page)
{
    yyjson_val *wire = ddb_get(request->input, "ExclusiveStartKey");
    struct error inner;
    if (!wire)
        return OK;
    page->has_start_key = true;
    enum err rc = ddb_item_read(wire, request->arena, false, &page->start_key, &inner);
    if (rc == OK)
        return OK;
    /* Problems with numbers and sets are told as they are. */
    struct str message = str_from(inner.message);
    bool is_plain = str_find(message, STR("umber")) >= 0 ||
                    str_find(message, STR("numeric")) >= 0 ||
                    str_find(message, STR("duplicates")) >= 0;
    return request_fail(request, rc, "%s%s",
                        is_plain ? "" : "The provided starting key is invalid: ", inner.message);
}

enum err ddb_page_select(struct request *request, const struct ddb_expressions *expressions,
                         struct ddb_page *page)
{
    page->filter = expressions->filter;
    page->projection = expressions->projection;
    return check_selection(request, page);
}

enum err ddb_page_read(struct request *request, struct ddb_page *page)
{
    page->is_consistent = ddb_get_boolean(request->input, "ConsistentRead", false);
    page->limit = (uint64_t)ddb_get_integer(request->input, "Limit", 0);
    page->consumed = ddb_get_consumed(request->input);
    page->is_count_only = read_selection(request->input) == SELECT_COUNT;
    return read_start_key(request, page);
}

/* --- Index --- */

static bool projects_all(const struct ddb_page *page, struct str *out_missing)
{
    for (size_t i = 0; i < page->projection->count; i++) {
        *out_missing = page->projection->paths[i].steps[0].name;
        if (!ddb_index_has(page->table, page->index, *out_missing))
            return false;
    }
    return true;
}

enum err ddb_page_check_index(struct request *request, struct ddb_page *page)
{
    const struct ddb_index *index = page->index;
    if (index->is_global && page->is_consistent)
        return request_fail(request, ERR_VALIDATION,
                            "Consistent reads are not supported on global secondary indexes");
    if (index->is_global && index->is_filling)
        return request_fail(request, ERR_VALIDATION,
                            "Cannot read from backfilling global secondary index: %.*s",
                            STR_ARG(index->name));
    return OK;
}

enum err ddb_page_check_projected(struct request *request, struct ddb_page *page)
{
    const struct ddb_index *index = page->index;
    struct str missing;
    if (!index)
        return OK;
    bool is_whole = index->projected == DDB_PROJECTED_ALL;
    if (read_selection(request->input) == SELECT_ALL && !is_whole) {
        if (index->is_global)
            return request_fail(request, ERR_VALIDATION,
                                "One or more parameter values were invalid: Select type "
                                "ALL_ATTRIBUTES is not supported for global secondary index %.*s "
                                "because its projection type is not ALL",
                                STR_ARG(index->name));
        page->is_fetching = true;
    }
    if (page->projection && !projects_all(page, &missing)) {
        if (index->is_global)
            return request_fail(request, ERR_VALIDATION,
                                "One or more parameter values were invalid: Global secondary index "
                                "%.*s does not project [%.*s]",
                                STR_ARG(index->name), STR_ARG(missing));
        page->is_fetching = true;
    }
    return OK;
}

enum err ddb_page_find(struct request *request, struct ddb_page *page)
{
    struct str name = request_str(request, "IndexName");
    enum err rc = ddb_table_of_request(request, &page->table);
    if (rc)
        return rc;
    page->keys = &page->table->keys;
    if (page->filter)
        rc = ddb_check_condition_paths(page->table, page->filter, &request->error);
    if (rc == OK && page->projection)
        rc = ddb_check_projection_paths(page->table, page->projection, &request->error);
    if (rc || !name.ptr)
        return rc;
    page->index = ddb_table_index(page->table, name);
    if (!page->index)
        return request_fail(request, ERR_VALIDATION,
                            "The table does not have the specified index: %.*s", STR_ARG(name));
    page->keys = &page->index->keys;
    return ddb_page_check_index(request, page);
}

/* --- Start key --- */

static bool has_part(const struct ddb_page *page, const struct ddb_key_part *part)
{
    return part->name.len == 0 || ddb_map_get(&page->start_key, part->name);
}

static size_t wanted_parts(const struct ddb_page *page)
{
    const struct ddb_keys *table = &page->table->keys;
    size_t count = table->count;
    for (size_t i = 0; page->index && i < page->keys->count; i++)
        count += !ddb_is_key(table, page->keys->parts[i].name);
    return count;
}

static enum err no_match(struct request *request)
{
    return request_fail(request, ERR_VALIDATION,
                        "The provided starting key is invalid: The provided key element does not "
                        "match the schema");
}

/* The two parts of one key among what else the start key has. */
static enum err check_parts(struct request *request, const struct ddb_page *page,
                            const struct ddb_keys *keys)
{
    struct ddb_entry entries[DDB_MAX_KEY_PARTS];
    struct ddb_value key;
    ddb_key_of(keys, &page->start_key, entries, &key);
    return ddb_check_key(keys, &key, &request->error);
}

enum err ddb_page_check_start(struct request *request, const struct ddb_page *page)
{
    const struct ddb_keys *table = &page->table->keys;
    bool is_complete = page->start_key.count == wanted_parts(page) &&
                       has_part(page, &table->hash) && has_part(page, &table->range);
    bool is_scan = strcmp(request->operation->name, "Scan") == 0;
    for (size_t i = 0; page->index && i < page->keys->count; i++)
        is_complete = is_complete && has_part(page, &page->keys->parts[i]);
    if (!is_complete)
        return is_scan && !page->index
                   ? no_match(request)
                   : request_fail(request, ERR_VALIDATION, "The provided starting key is invalid");
    if (page->index || !is_scan) {
        enum err rc = check_parts(request, page, page->keys);
        if (rc)
            return rc;
    }
    if (check_parts(request, page, table) == OK)
        return OK;
    return request_fail(request, ERR_VALIDATION, "The provided starting key is invalid: %s",
                        arena_cstr(request->arena, str_from(request->error.message)));
}

struct str ddb_page_start_key(struct request *request, const struct ddb_page *page)
{
    return page->index ? ddb_index_key(request->arena, page->table, page->index, &page->start_key)
                       : ddb_item_key(request->arena, page->keys, &page->start_key);
}

void ddb_page_continue(struct request *request, struct ddb_page *page, struct str from)
{
    if (page->is_reverse) {
        if (page->end.len == 0 || str_cmp(from, page->end) < 0)
            page->end = from;
        return;
    }
    /* The smallest key behind it: no key is a prefix of another one. */
    struct str behind = str_make(arena_cstr(request->arena, from), from.len + 1);
    if (str_cmp(behind, page->start) > 0)
        page->start = behind;
}
