/* Capacity that calls consume, in half units so that it stays whole: half a unit for each 4 KB read
 * (a whole one when consistent), one for each KB written; twice that in transactions. */
#pragma once

#include "services/dynamodb/table.h"

enum ddb_consumed { DDB_CONSUMED_NONE, DDB_CONSUMED_TOTAL, DDB_CONSUMED_INDEXES };

enum ddb_capacity_kind { DDB_CAPACITY_PLAIN, DDB_CAPACITY_READ, DDB_CAPACITY_WRITE };

struct ddb_capacity {
    const struct ddb_table *table;
    enum ddb_capacity_kind kind; /* of transactions: tells reads and writes apart in the answer */
    bool is_write;
    uint64_t table_half;
    uint64_t *index_half; /* by place in table->indexes; NULL: nothing */
};

uint64_t ddb_read_half_units(size_t bytes, bool is_consistent);
uint64_t ddb_write_half_units(size_t bytes);

/* Counts for one of the table's indexes. */
void ddb_capacity_add_index(struct ddb_capacity *capacity, const struct ddb_index *index,
                            uint64_t half_units, struct arena *arena);

/* Adds what `more` says to `capacity`, of the same table. */
void ddb_capacity_merge(struct ddb_capacity *capacity, const struct ddb_capacity *more,
                        struct arena *arena);

/* Capacities by table, of batches and transactions. */
struct ddb_tally {
    struct ddb_capacity *all;
    size_t count, room;
};

/* Adds to the table's capacity, or as that of a table that was not there yet. */
void ddb_tally_add(struct ddb_tally *tally, const struct ddb_capacity *capacity,
                   struct arena *arena);

/* Adds `,"ConsumedCapacity":{...}` (or without the comma when `is_first`) when it was asked for. */
void ddb_capacity_write(struct buf *out, enum ddb_consumed consumed,
                        const struct ddb_capacity *capacity, bool is_first);
/* The same as a list. */
void ddb_tally_write(struct buf *out, enum ddb_consumed consumed, const struct ddb_tally *tally,
                     bool is_first);
