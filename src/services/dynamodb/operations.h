/* The handlers of the operation rows, and what several of them share. */
#pragma once

#include "core/condition_keys.h"
#include "services/dynamodb/parameters.h"
#include "services/dynamodb/write.h"

enum err ddb_create_table(struct request *request);
enum err ddb_update_table(struct request *request);
enum err ddb_describe_table(struct request *request);
enum err ddb_list_tables(struct request *request);
enum err ddb_delete_table(struct request *request);
enum err ddb_put_item(struct request *request);
enum err ddb_get_item(struct request *request);
enum err ddb_update_item(struct request *request);
enum err ddb_delete_item(struct request *request);
enum err ddb_query(struct request *request);
enum err ddb_scan(struct request *request);
enum err ddb_batch_get_item(struct request *request);
enum err ddb_batch_write_item(struct request *request);
enum err ddb_transact_get_items(struct request *request);
enum err ddb_transact_write_items(struct request *request);

enum err ddb_update_time_to_live(struct request *request);
enum err ddb_describe_time_to_live(struct request *request);
enum err ddb_tag_resource(struct request *request);
enum err ddb_untag_resource(struct request *request);
enum err ddb_list_tags_of_resource(struct request *request);
enum err ddb_given_resource(struct request *request, struct str *out_arn);
enum err ddb_put_resource_policy(struct request *request);
enum err ddb_get_resource_policy(struct request *request);
enum err ddb_delete_resource_policy(struct request *request);
enum err ddb_describe_limits(struct request *request);
enum err ddb_describe_endpoints(struct request *request);

enum err ddb_execute_statement(struct request *request);
enum err ddb_batch_execute_statement(struct request *request);
enum err ddb_execute_transaction(struct request *request);

enum err ddb_create_backup(struct request *request);
enum err ddb_describe_backup(struct request *request);
enum err ddb_list_backups(struct request *request);
enum err ddb_delete_backup(struct request *request);
enum err ddb_backup_resource(struct request *request, struct str *out_arn);
enum err ddb_describe_continuous_backups(struct request *request);
enum err ddb_update_continuous_backups(struct request *request);
enum err ddb_restore_table_from_backup(struct request *request);
enum err ddb_restore_table_to_point_in_time(struct request *request);
enum err ddb_restore_resource(struct request *request, struct str *out_arn);

/* The earliest moment that a table with point-in-time recovery can be restored to. */
int64_t ddb_earliest_restorable_ms(const struct ddb_table *table);

/* Starts deleting what has expired, when there is something. On a loop. */
void ddb_expire(struct dynamodb *dynamodb);

/* --- Reading one item --- */

struct ddb_get {
    const struct ddb_table *table;
    struct ddb_value item_key;
    struct str key; /* in the store */
    const struct ddb_projection *projection;
};

const struct ddb_parameter_set *ddb_get_parameters(void);

/* Checks the key against the table and makes the store key. */
enum err ddb_get_prepare(struct request *request, struct ddb_get *get);

/* Adds the item's wire JSON (nothing when there is none); its size by DynamoDB's accounting. */
enum err ddb_read_stored(struct request *request, const struct ddb_get *get, struct buf *out,
                         size_t *out_size, bool *out_found);

/* The partition key that a Query names, of the table or index with those keys; false when the
 * request cannot be read. Leaves its errors in request->error. */
bool ddb_query_partition(struct request *request, const struct ddb_keys *keys,
                         struct ddb_value *out);

/* The condition keys of the service's actions (condition_keys.c). */
extern const struct condition_key ddb_condition_keys[];
extern const size_t ddb_condition_key_count;

/* --- Pages of Query and Scan --- */

struct ddb_page {
    const struct ddb_table *table;
    const struct ddb_index *index; /* NULL: the table itself */
    const struct ddb_keys *keys;   /* of the one or the other */
    struct str start, end;         /* store keys */
    bool is_query, is_reverse, is_consistent, is_count_only;
    bool is_not_indexable; /* what KeyConditions asks for; told when all else is checked */
    bool is_fetching;      /* whole items from the table, for entries of a local index */
    uint64_t limit;        /* 0: none */
    const struct ddb_condition *filter;
    const struct ddb_projection *projection;
    enum ddb_consumed consumed;

    bool has_start_key;
    struct ddb_value start_key; /* "ExclusiveStartKey" */
};

/* Reads what Query and Scan both have and needs no table. */
enum err ddb_page_read(struct request *request, struct ddb_page *page);

/* Takes filter and projection, and checks "Select" against them. */
enum err ddb_page_select(struct request *request, const struct ddb_expressions *expressions,
                         struct ddb_page *page);

/* Finds table and index, and checks what is asked of the index. */
enum err ddb_page_find(struct request *request, struct ddb_page *page);

/* Checks that the page's index can be read as it is asked to be. */
enum err ddb_page_check_index(struct request *request, struct ddb_page *page);

/* Checks that the page's index, if it has one, can give what is asked; items that it has only a
 * part of are fetched. Comes behind the check of the start key. */
enum err ddb_page_check_projected(struct request *request, struct ddb_page *page);

/* The store key that a checked start key stands for. */
struct str ddb_page_start_key(struct request *request, const struct ddb_page *page);

/* Checks that a start key has the key attributes of index and table. */
enum err ddb_page_check_start(struct request *request, const struct ddb_page *page);

/* Narrows the page to what is behind that key. */
void ddb_page_continue(struct request *request, struct ddb_page *page, struct str from);

/* One partition, or a part of it. */
struct ddb_key_range {
    const struct ddb_value *hashes[DDB_MAX_KEY_PARTS];
    const struct ddb_value
        *equal[DDB_MAX_KEY_PARTS]; /* attributes of the sort key, from the left */
    size_t equal_count;
    bool has_comparison; /* of the next one: =, <, <=, >, >=, BETWEEN or begins_with */
    enum ddb_condition_kind kind;
    const struct ddb_value *values[2];
};

/* Sets the page's start and end; returns what the keys of the partition start with. */
struct str ddb_page_set_range(struct arena *arena, const struct ddb_key_range *range,
                              struct ddb_page *page);

/* What a walk finds. A second walk into the same result goes on counting. */
struct ddb_page_result {
    struct buf items; /* wire JSON, with commas between */
    uint64_t count, scanned;
    size_t bytes;
    uint64_t fetched_half; /* units of items read from the table for a local index */
    struct str last_key;   /* wire JSON, when the page ended before the range; else empty */
};
void ddb_page_result_init(struct ddb_page_result *result, struct arena *arena);
enum err ddb_page_walk(struct request *request, const struct ddb_page *page,
                       struct ddb_page_result *result);
void ddb_page_capacity(const struct ddb_page *page, const struct ddb_page_result *result,
                       struct arena *arena, struct ddb_capacity *out);

/* Walks the page and fills request->raw_output. */
enum err ddb_page_answer(struct request *request, const struct ddb_page *page);
