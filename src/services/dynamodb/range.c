/* Ranges of store keys for one partition key and a comparison of the sort key. */
#include "services/dynamodb/operations.h"

static struct str with_range(struct arena *arena, struct str partition,
                             const struct ddb_value *value)
{
    struct buf key;
    buf_init_arena(&key, arena, SIZE_MAX / 2);
    buf_add(&key, partition);
    ddb_key_encode(value, &key);
    return buf_str(&key);
}

/* The encoded text without its two closing bytes is what all longer ones start with. */
static struct str beginning(struct arena *arena, struct str partition,
                            const struct ddb_value *value)
{
    struct str key = with_range(arena, partition, value);
    return str_slice(key, 0, key.len - 2);
}

static void narrow(struct arena *arena, const struct ddb_key_range *range, struct str partition,
                   struct ddb_page *page)
{
    struct str exact = with_range(arena, partition, range->values[0]);
    struct str behind = store_prefix_end(arena, exact);
    switch ((int)range->kind) {
    case DDB_EQUAL:
        page->start = exact;
        page->end = behind;
        break;
    case DDB_LESS:
        page->end = exact;
        break;
    case DDB_LESS_EQUAL:
        page->end = behind;
        break;
    case DDB_GREATER:
        page->start = behind;
        break;
    case DDB_GREATER_EQUAL:
        page->start = exact;
        break;
    case DDB_BETWEEN:
        page->start = exact;
        page->end = store_prefix_end(arena, with_range(arena, partition, range->values[1]));
        break;
    default: /* begins_with */
        page->start = beginning(arena, partition, range->values[0]);
        page->end = store_prefix_end(arena, page->start);
        break;
    }
}

struct str ddb_page_set_range(struct arena *arena, const struct ddb_key_range *range,
                              struct ddb_page *page)
{
    struct str partition = ddb_partition_prefix(arena, page->keys, range->hashes);
    struct str prefix = partition;
    for (size_t i = 0; i < range->equal_count; i++)
        prefix = with_range(arena, prefix, range->equal[i]);
    page->start = prefix;
    page->end = store_prefix_end(arena, prefix);
    if (range->has_comparison)
        narrow(arena, range, prefix, page);
    return partition;
}
