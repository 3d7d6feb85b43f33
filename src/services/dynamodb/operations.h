/* The handlers of the operation rows, and what several of them share. */
#pragma once

#include "services/dynamodb/item.h"

enum err ddb_create_table(struct request *request);
enum err ddb_describe_table(struct request *request);
enum err ddb_list_tables(struct request *request);
enum err ddb_delete_table(struct request *request);
enum err ddb_put_item(struct request *request);
enum err ddb_get_item(struct request *request);
enum err ddb_update_item(struct request *request);
enum err ddb_delete_item(struct request *request);
enum err ddb_query(struct request *request);
enum err ddb_scan(struct request *request);

/* Goes on with the deletion of items of tables that were deleted before a restart. */
enum err ddb_purge_resume(struct dynamodb *dynamodb, struct error *error);

/* Reads and checks "Key". */
enum err ddb_request_key(struct request *request, const struct ddb_table *table,
                         struct ddb_value *out);

/* ERR_VALIDATION when one of the NULL-terminated parameters of the older request style is there:
 * they are not taken, and must not be ignored. */
enum err ddb_refuse_legacy(struct request *request, const char *const *parameters);

/* One of the values of an enumeration parameter; `fallback` when it is missing. The list ends with
 * NULL; `*out` is an index into it. */
enum err ddb_request_enum(struct request *request, const char *parameter, const char *const *values,
                          size_t fallback, size_t *out);

enum ddb_consumed { DDB_CONSUMED_NONE, DDB_CONSUMED_TOTAL, DDB_CONSUMED_INDEXES };
enum err ddb_request_consumed(struct request *request, enum ddb_consumed *out);

/* Capacity in half units, so that it stays whole: half a unit for each 4 KB read (a whole one when
 * consistent), one for each KB written; one block at least. */
uint64_t ddb_read_half_units(size_t bytes, bool is_consistent);
uint64_t ddb_write_half_units(size_t bytes);

/* Adds `,"ConsumedCapacity":{...}` (or without the comma when `is_first`) when it was asked for. */
void ddb_add_consumed(struct buf *out, enum ddb_consumed consumed, const struct ddb_table *table,
                      uint64_t half_units, bool is_first);

/* The expressions that a request may have. */
enum err ddb_request_substitutions(struct request *request, struct ddb_substitutions **out);
/* NULL in `*out` when the request has none. */
enum err ddb_request_condition(struct request *request, const char *parameter,
                               struct ddb_substitutions *with, const struct ddb_condition **out);
enum err ddb_request_projection(struct request *request, struct ddb_substitutions *with,
                                const struct ddb_projection **out);

/* A page of Query or Scan. */
struct ddb_page {
    const struct ddb_table *table;
    struct str start, end; /* store keys */
    bool is_reverse, is_consistent, is_count_only;
    uint64_t limit; /* 0: none */
    const struct ddb_condition *filter;
    const struct ddb_projection *projection;
    enum ddb_consumed consumed;
};

/* Reads "Limit", "Select", "ConsistentRead", "ReturnConsumedCapacity", "FilterExpression" and
 * "ProjectionExpression". */
enum err ddb_page_read(struct request *request, struct ddb_substitutions *with,
                       struct ddb_page *page);

/* Narrows the page to what is behind "ExclusiveStartKey", when there is one. `partition` is the
 * prefix that the key must be in, or empty. */
enum err ddb_page_continue(struct request *request, struct ddb_page *page, struct str partition);

/* Walks the page and fills request->raw_output. */
enum err ddb_page_answer(struct request *request, const struct ddb_page *page);
