/* Walking the items of a page. */
#include "services/dynamodb/operations.h"

enum { MAX_PAGE_BYTES = 1024 * 1024 };

struct walk {
    struct request *request;
    const struct ddb_page *page;
    struct buf items;
    struct arena scratch; /* of one item */
    uint64_t count, scanned;
    size_t bytes;
    uint64_t fetched_half; /* units of items read from the table for a local index */
    struct str last_key;   /* wire JSON of the last item seen, when the page ends there */
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
    walk->fetched_half += ddb_read_half_units(stored.size, page->is_consistent);
    *value = found_value;
    return rc;
}

static enum err take_item(struct walk *walk, struct str value)
{
    const struct ddb_page *page = walk->page;
    struct ddb_stored stored;
    struct ddb_value item, part;
    enum err rc = ddb_stored_read(value, &stored, &walk->request->error);
    walk->scanned++;
    walk->bytes += stored.size;
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

static void add_part(const struct ddb_key_part *part, const struct ddb_value *item,
                     struct ddb_value *key)
{
    if (part->name.len && !ddb_map_get(key, part->name))
        key->map[key->count++] = (struct ddb_entry){part->name, *ddb_map_get(item, part->name)};
}

static enum err note_last_key(struct walk *walk, struct str value)
{
    const struct ddb_page *page = walk->page;
    struct ddb_entry entries[4];
    struct ddb_value item, key = {.type = DDB_M, .map = entries};
    struct buf text;
    enum err rc = ddb_stored_parse(value, &walk->scratch, &item, &walk->request->error);
    if (rc)
        return rc;
    add_part(&page->table->keys.hash, &item, &key);
    add_part(&page->table->keys.range, &item, &key);
    if (page->index) {
        add_part(&page->keys->hash, &item, &key);
        add_part(&page->keys->range, &item, &key);
    }
    buf_init_arena(&text, walk->request->arena, SIZE_MAX / 2);
    ddb_item_write(&key, &text);
    walk->last_key = buf_str(&text);
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

static void count_capacity(const struct walk *walk, struct ddb_capacity *out)
{
    const struct ddb_page *page = walk->page;
    uint64_t half = ddb_read_half_units(walk->bytes, page->is_consistent);
    *out = (struct ddb_capacity){.table = page->table};
    out->table_half = page->index ? walk->fetched_half : half;
    if (page->index)
        ddb_capacity_add_index(out, page->index, half, walk->request->arena);
}

enum err ddb_page_answer(struct request *request, const struct ddb_page *page)
{
    struct walk walk = {.request = request, .page = page};
    struct ddb_capacity capacity;
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
    count_capacity(&walk, &capacity);
    ddb_capacity_write(&out, page->consumed, &capacity, false);
    buf_add_byte(&out, '}');
    request->raw_output = buf_str(&out);
    return OK;
}
