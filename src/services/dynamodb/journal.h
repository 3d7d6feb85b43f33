/* Journals, of tables with point-in-time recovery: what each changed item was before, in the order
 * of the changes. Going back through the journal from a table as it is now gives the table as it
 * was at any moment of the last 35 days. */
#pragma once

#include "services/dynamodb/change.h"

enum { DDB_RECOVERY_DAYS = 35 };

/* One entry, borrowed from the store. */
struct ddb_undo {
    struct str item_key; /* behind the table's id */
    struct str stored;   /* the item's stored form; empty: there was none */
};

/* In the transaction of the change. */
void ddb_journal_write(struct dynamodb *dynamodb, struct store_txn *txn,
                       const struct ddb_change *change, struct arena *arena);

/* The entries of a journal behind the moment. */
void ddb_journal_range(struct arena *arena, uint64_t journal_id, int64_t after_ms,
                       struct str *out_start, struct str *out_end);
bool ddb_journal_read(struct str value, struct ddb_undo *out);

/* At the start: sequence numbers go on behind those of the journals. */
enum err ddb_journal_resume(struct dynamodb *dynamodb, struct error *error);

/* Deletes what is older than the recovery period, in the background. */
void ddb_journal_trim(struct dynamodb *dynamodb);
