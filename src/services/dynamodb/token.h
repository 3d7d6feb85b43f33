/* Client request tokens: what makes a transaction that is sent again happen once. Kept in the store
 * for ten minutes, in the transaction that they belong to. On the writer thread. */
#pragma once

#include "store/store.h"

enum { DDB_TOKEN_MS = 10 * 60 * 1000 };

/* Whether the token was used in the last ten minutes. ERR_DDB_IDEMPOTENT_PARAMETER_MISMATCH when it
 * stood for something else. */
enum err ddb_token_check(struct store_txn *txn, struct str token, struct str digest,
                         bool *out_is_known, struct arena *arena, struct error *error);

/* Keeps the token, and drops some that are over. */
void ddb_token_put(struct store_txn *txn, struct str token, struct str digest);
