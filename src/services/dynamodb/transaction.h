/* Transactions: several reads, or several writes, of which all happen or none. TransactWriteItems,
 * TransactGetItems and ExecuteTransaction fill one and submit it. */
#pragma once

#include "services/dynamodb/operations.h"

/* Why an action cancels its transaction; the code is NULL when it does not. */
struct ddb_reason {
    const char *code; /* "ConditionalCheckFailed" */
    struct str message;
    struct str item; /* `"Item":{...}`, or empty */
};

struct ddb_transaction {
    struct ddb_write *writes; /* of a writing transaction; else NULL */
    struct ddb_get *gets;     /* of a reading one */
    size_t count;
    struct ddb_reason *reasons; /* one for each action */
    struct str token;           /* "ClientRequestToken"; empty: none */
    struct str digest;          /* of what the token stands for */
    enum ddb_consumed consumed;
    bool wants_metrics;
    bool has_invalid; /* an action is not valid: the reasons of those behind it are not told */

    /* Filled by the writer. */
    bool is_repeated;  /* the token was seen: nothing was done */
    struct str *items; /* of gets: wire JSON, a NULL pointer where there is no item */
    size_t *sizes;
};

/* Makes room for `count` actions. */
void ddb_transaction_init(struct ddb_transaction *transaction, struct arena *arena, size_t count,
                          bool is_writing);

/* Notes an error of one action as a reason when it is one that cancels; what else it may be is
 * passed on. */
enum err ddb_transaction_note(struct ddb_transaction *transaction, size_t i, enum err rc,
                              struct arena *arena, struct error *error);

/* Checks the prepared actions against each other and for reasons, then hands them to the writer.
 * `answer` runs on the loop when it succeeded. */
enum err ddb_transaction_submit(struct request *request, struct ddb_transaction *transaction,
                                enum err (*answer)(struct request *request));

/* Adds `"ConsumedCapacity":[...]` (and item collection metrics), as far as it was asked for. */
void ddb_transaction_add_capacity(struct request *request,
                                  const struct ddb_transaction *transaction, struct buf *out,
                                  bool is_first);

/* Adds `"Item":{...}` of a get that found one, with its projection. */
enum err ddb_transaction_add_item(struct request *request,
                                  const struct ddb_transaction *transaction, size_t i,
                                  struct buf *out);

/* What a token stands for: a digest of the request's part with the actions, equal for all texts
 * that mean the same (order of members and of sets' elements, forms of numbers). */
struct str ddb_transaction_digest(struct arena *arena, const yyjson_val *actions);
