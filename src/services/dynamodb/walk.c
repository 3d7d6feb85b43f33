/* Walking the items of a page. */
#include "services/dynamodb/operations.h"

enum { MAX_PAGE_BYTES = 1024 * 1024 };

struct walk {
    struct request *request;
    const struct ddb_page *page;
    struct ddb_page_result *result;
    struct arena scratch; /* of one item */
};

/* The item itself, for an entry of an index; the entry where it has gone meanwhile. */
static enum err fetch(struct walk *walk, struct str *value)
{
    const struct ddb_page *page = walk->page;
    struct ddb_value entry;
    struct ddb_stored stored;
    struct str found_value;
    bool found;
    enum err rc = ddb_stored_parse(*value, &walk->scratch, &entry, &walk->request->error);
    if (rc)
        return rc;
    struct str key = ddb_item_key(&walk->scratch, &page->table->keys, &entry);
    rc = store_get(walk->request->skylite->store, STORE_ITEMS, key, &walk->scratch, &found,
                   &found_value, &walk->request->error);
    if (rc || !found)
        return rc;
    rc = ddb_stored_read(found_value, &stored, &walk->request->error);
    walk->result->fetched_half += ddb_read_half_units(stored.size, page->is_consistent);
    *value = found_value;
    return rc;
}

static enum err take_item(struct walk *walk, struct str value)
{
    const struct ddb_page *page = walk->page;
    struct ddb_stored stored;
    struct ddb_value item, part;
    enum err rc = ddb_stored_read(value, &stored, &walk->request->error);
    walk->result->scanned++;
    walk->result->bytes += stored.size;
    if (rc == OK && page->is_fetching) {
        rc = fetch(walk, &value);
        if (rc == OK)
            rc = ddb_stored_read(value, &stored, &walk->request->error);
    }
    if (rc == OK && (page->filter || page->projection))
        rc = ddb_stored_parse(value, &walk->scratch, &item, &walk->request->error);
    if (rc)
        return rc;
    if (page->filter && !ddb_condition_holds(page->filter, &item))
        return OK;
    walk->result->count++;
    if (page->is_count_only)
        return OK;
    if (walk->result->items.len)
        buf_add_byte(&walk->result->items, ',');
    if (page->projection) {
        ddb_projection_apply(page->projection, &item, &walk->scratch, &part);
        ddb_item_write(&part, &walk->result->items);
    } else {
        buf_add(&walk->result->items, stored.json);
    }
    return OK;
}

static void add_part(const struct ddb_key_part *part, const struct ddb_value *item,
                     struct ddb_value *key)
{
    if (part->name.len && !ddb_map_get(key, part->name))
        key->map[key->count++] = (struct ddb_entry){part->name, *ddb_map_get(item, part->name)};
}

static enum err note_last_key(struct walk *walk, struct str value)
{
    const struct ddb_page *page = walk->page;
    struct ddb_entry entries[2 + DDB_MAX_KEY_PARTS];
    struct ddb_value item, key = {.type = DDB_M, .map = entries};
    struct buf text;
    enum err rc = ddb_stored_parse(value, &walk->scratch, &item, &walk->request->error);
    if (rc)
        return rc;
    add_part(&page->table->keys.hash, &item, &key);
    add_part(&page->table->keys.range, &item, &key);
    for (size_t i = 0; page->index && i < page->keys->count; i++)
        add_part(&page->keys->parts[i], &item, &key);
    buf_init_arena(&text, walk->request->arena, SIZE_MAX / 2);
    ddb_item_write(&key, &text);
    walk->result->last_key = buf_str(&text);
    return OK;
}

static bool is_page_full(const struct walk *walk)
{
    return (walk->page->limit && walk->result->scanned >= walk->page->limit) ||
           walk->result->bytes >= MAX_PAGE_BYTES;
}

void ddb_page_result_init(struct ddb_page_result *result, struct arena *arena)
{
    *result = (struct ddb_page_result){.last_key = STR_EMPTY};
    buf_init_arena(&result->items, arena, SIZE_MAX / 2);
}

enum err ddb_page_walk(struct request *request, const struct ddb_page *page,
                       struct ddb_page_result *result)
{
    struct walk walk = {.request = request, .page = page, .result = result};
    struct str key, value;
    enum err rc = OK;
    if (page->end.len && str_cmp(page->start, page->end) >= 0)
        return OK;
    struct store_iter *iter = store_iter_new(request->skylite->store, STORE_ITEMS, page->start,
                                             page->end, page->is_reverse);
    while (rc == OK && !result->last_key.len && store_iter_next(iter, &key, &value)) {
        rc = take_item(&walk, value);
        if (rc == OK && is_page_full(&walk))
            rc = note_last_key(&walk, value);
        arena_reset(&walk.scratch);
    }
    if (rc == OK)
        rc = store_iter_error(iter, &request->error);
    store_iter_free(iter);
    arena_release(&walk.scratch);
    return rc;
}

void ddb_page_capacity(const struct ddb_page *page, const struct ddb_page_result *result,
                       struct arena *arena, struct ddb_capacity *out)
{
    uint64_t half = ddb_read_half_units(result->bytes, page->is_consistent);
    *out = (struct ddb_capacity){.table = page->table};
    out->table_half = page->index ? result->fetched_half : half;
    if (page->index)
        ddb_capacity_add_index(out, page->index, half, arena);
}

enum err ddb_page_answer(struct request *request, const struct ddb_page *page)
{
    struct ddb_page_result result;
    struct ddb_capacity capacity;
    struct buf out;
    ddb_page_result_init(&result, request->arena);
    enum err rc = ddb_page_walk(request, page, &result);
    if (rc)
        return rc;
    buf_init_arena(&out, request->arena, SIZE_MAX / 2);
    buf_reserve(&out, result.items.len + 512);
    buf_printf(&out, "{\"Count\":%llu,\"ScannedCount\":%llu", (unsigned long long)result.count,
               (unsigned long long)result.scanned);
    if (!page->is_count_only) {
        buf_add(&out, STR(",\"Items\":["));
        buf_add(&out, buf_str(&result.items));
        buf_add_byte(&out, ']');
    }
    if (result.last_key.len) {
        buf_add(&out, STR(",\"LastEvaluatedKey\":"));
        buf_add(&out, result.last_key);
    }
    ddb_page_capacity(page, &result, request->arena, &capacity);
    ddb_capacity_write(&out, page->consumed, &capacity, false);
    buf_add_byte(&out, '}');
    request->raw_output = buf_str(&out);
    return OK;
}
