/* Consumed capacity: counted and told. */
#include "services/dynamodb/capacity.h"

#include "services/dynamodb/metrics.h"

uint64_t ddb_read_half_units(size_t bytes, bool is_consistent)
{
    uint64_t blocks = bytes ? (bytes + 4095) / 4096 : 1;
    return is_consistent ? blocks * 2 : blocks;
}

uint64_t ddb_write_half_units(size_t bytes)
{
    return (bytes ? (bytes + 1023) / 1024 : 1) * 2;
}

void ddb_capacity_add_index(struct ddb_capacity *capacity, const struct ddb_index *index,
                            uint64_t half_units, struct arena *arena)
{
    if (!capacity->index_half)
        capacity->index_half = arena_array(arena, uint64_t, capacity->table->index_count);
    capacity->index_half[index - capacity->table->indexes] += half_units;
}

void ddb_capacity_merge(struct ddb_capacity *capacity, const struct ddb_capacity *more,
                        struct arena *arena)
{
    capacity->table_half += more->table_half;
    for (size_t i = 0; more->index_half && i < more->table->index_count; i++) {
        const struct ddb_index *index =
            ddb_table_index(capacity->table, more->table->indexes[i].name);
        if (index && more->index_half[i])
            ddb_capacity_add_index(capacity, index, more->index_half[i], arena);
    }
}

static void add_units(struct buf *out, enum ddb_capacity_kind kind, uint64_t half_units)
{
    static const char *const more[] = {NULL, "ReadCapacityUnits", "WriteCapacityUnits"};
    buf_add(out, STR("\"CapacityUnits\":"));
    buf_add_u64(out, half_units / 2);
    buf_add(out, half_units % 2 ? STR(".5") : STR(".0"));
    if (more[kind])
        buf_printf(out, ",\"%s\":%llu.%d", more[kind], (unsigned long long)half_units / 2,
                   half_units % 2 ? 5 : 0);
}

static void add_indexes(struct buf *out, const struct ddb_capacity *capacity, bool is_global)
{
    bool has_any = false;
    for (size_t i = 0; capacity->index_half && i < capacity->table->index_count; i++) {
        const struct ddb_index *index = &capacity->table->indexes[i];
        if (index->is_global != is_global || capacity->index_half[i] == 0)
            continue;
        if (!has_any)
            buf_add(out, is_global ? STR(",\"GlobalSecondaryIndexes\":{")
                                   : STR(",\"LocalSecondaryIndexes\":{"));
        else
            buf_add_byte(out, ',');
        has_any = true;
        buf_add_json(out, index->name);
        buf_add(out, STR(":{"));
        add_units(out, capacity->kind, capacity->index_half[i]);
        buf_add_byte(out, '}');
    }
    if (has_any)
        buf_add_byte(out, '}');
}

/* Of the table and its indexes. */
static uint64_t total_half(const struct ddb_capacity *capacity)
{
    uint64_t total = capacity->table_half;
    for (size_t i = 0; capacity->index_half && i < capacity->table->index_count; i++)
        total += capacity->index_half[i];
    return total;
}

static void add_capacity(struct buf *out, enum ddb_consumed consumed,
                         const struct ddb_capacity *capacity)
{
    uint64_t total = total_half(capacity);
    buf_add(out, STR("{\"TableName\":\""));
    buf_add(out, capacity->table->name);
    buf_add(out, STR("\","));
    add_units(out, capacity->kind, total);
    if (consumed == DDB_CONSUMED_INDEXES) {
        buf_add(out, STR(",\"Table\":{"));
        add_units(out, capacity->kind, capacity->table_half);
        buf_add_byte(out, '}');
        add_indexes(out, capacity, false);
        add_indexes(out, capacity, true);
    }
    buf_add_byte(out, '}');
}

void ddb_capacity_write(struct buf *out, enum ddb_consumed consumed,
                        const struct ddb_capacity *capacity, bool is_first)
{
    ddb_metrics_consumed(capacity);
    if (consumed == DDB_CONSUMED_NONE)
        return;
    buf_add(out, is_first ? STR("\"ConsumedCapacity\":") : STR(",\"ConsumedCapacity\":"));
    add_capacity(out, consumed, capacity);
}

void ddb_tally_add(struct ddb_tally *tally, const struct ddb_capacity *capacity,
                   struct arena *arena)
{
    for (size_t i = 0; i < tally->count; i++) {
        if (str_eq(tally->all[i].table->name, capacity->table->name)) {
            ddb_capacity_merge(&tally->all[i], capacity, arena);
            return;
        }
    }
    if (tally->count == tally->room) {
        size_t room = tally->room ? tally->room * 2 : 4;
        tally->all = arena_realloc(arena, tally->all, tally->room * sizeof(*tally->all),
                                   room * sizeof(*tally->all));
        tally->room = room;
    }
    struct ddb_capacity *added = &tally->all[tally->count++];
    *added = (struct ddb_capacity){
        .table = capacity->table, .kind = capacity->kind, .is_write = capacity->is_write};
    ddb_capacity_merge(added, capacity, arena);
}

void ddb_tally_write(struct buf *out, enum ddb_consumed consumed, const struct ddb_tally *tally,
                     bool is_first)
{
    for (size_t i = 0; i < tally->count; i++)
        ddb_metrics_consumed(&tally->all[i]);
    if (consumed == DDB_CONSUMED_NONE)
        return;
    buf_add(out, is_first ? STR("\"ConsumedCapacity\":[") : STR(",\"ConsumedCapacity\":["));
    for (size_t i = 0; i < tally->count; i++) {
        if (i)
            buf_add_byte(out, ',');
        add_capacity(out, consumed, &tally->all[i]);
    }
    buf_add_byte(out, ']');
}
