/* Table snapshots: loading, sharing, describing. */
#include "services/dynamodb/table.h"

#include <stdio.h>
#include <stdlib.h>

struct str ddb_table_store_key(struct arena *arena, struct str name)
{
    return arena_printf(arena, "dynamodb/table/%.*s", STR_ARG(name));
}

/* --- Figures --- */

static struct str stats_key(char buffer[64], uint64_t table_id)
{
    int len = snprintf(buffer, 64, "dynamodb/stats/%llu", (unsigned long long)table_id);
    return str_make(buffer, (size_t)len);
}

enum err ddb_stats_load(struct dynamodb *dynamodb, uint64_t table_id, struct ddb_stats **out,
                        struct error *error)
{
    char buffer[64];
    struct str key = stats_key(buffer, table_id), value;
    pthread_rwlock_wrlock(&dynamodb->lock);
    struct ddb_stats *stats = map_get(&dynamodb->stats, key);
    pthread_rwlock_unlock(&dynamodb->lock);
    if (stats) {
        *out = stats;
        return OK;
    }

    struct arena arena = {0};
    bool found;
    enum err rc =
        store_get(dynamodb->skylite->store, STORE_METRICS, key, &arena, &found, &value, error);
    if (rc == OK) {
        stats = calloc(1, sizeof(*stats));
        if (!stats)
            abort();
        int64_t figures[2] = {0, 0};
        if (found && value.len == sizeof(figures))
            memcpy(figures, value.ptr, sizeof(figures));
        atomic_init(&stats->item_count, figures[0]);
        atomic_init(&stats->size_bytes, figures[1]);
        pthread_rwlock_wrlock(&dynamodb->lock);
        map_set(&dynamodb->stats, key, stats);
        pthread_rwlock_unlock(&dynamodb->lock);
        *out = stats;
    }
    arena_release(&arena);
    return rc;
}

void ddb_stats_change(struct store_txn *txn, const struct ddb_table *table, int64_t items,
                      int64_t bytes)
{
    char buffer[64];
    if (items == 0 && bytes == 0)
        return;
    int64_t figures[2] = {atomic_fetch_add(&table->stats->item_count, items) + items,
                          atomic_fetch_add(&table->stats->size_bytes, bytes) + bytes};
    store_txn_put(txn, STORE_METRICS, stats_key(buffer, table->id),
                  str_make((const char *)figures, sizeof(figures)));
}

/* --- Snapshots --- */

static bool type_of_attribute(yyjson_val *definition, struct str name, enum ddb_type *out)
{
    yyjson_val *attribute;
    size_t i, max;
    yyjson_arr_foreach (json_get(definition, "AttributeDefinitions"), i, max, attribute) {
        if (!str_eq(json_get_str(attribute, "AttributeName"), name))
            continue;
        struct str type = json_get_str(attribute, "AttributeType");
        *out = str_eq(type, STR("N")) ? DDB_N : str_eq(type, STR("B")) ? DDB_B : DDB_S;
        return true;
    }
    return false;
}

static bool load_keys(struct ddb_table *table)
{
    yyjson_val *element;
    size_t i, max;
    table->range.name = STR_EMPTY;
    yyjson_arr_foreach (json_get(table->definition, "KeySchema"), i, max, element) {
        bool is_hash = str_eq(json_get_str(element, "KeyType"), STR("HASH"));
        struct ddb_key_part *part = is_hash ? &table->hash : &table->range;
        part->name = json_get_str(element, "AttributeName");
        if (!type_of_attribute(table->definition, part->name, &part->type))
            return false;
    }
    return table->hash.name.len > 0;
}

enum err ddb_table_load(struct dynamodb *dynamodb, struct str definition, struct ddb_table **out,
                        struct error *error)
{
    struct ddb_table *table = calloc(1, sizeof(*table));
    if (!table)
        abort();
    atomic_init(&table->refs, 1);
    table->definition = json_parse(&table->arena, definition);
    table->name = json_get_str(table->definition, "TableName");
    table->is_protected = json_get_bool(table->definition, "DeletionProtectionEnabled", false);
    int64_t id = 0;
    enum err rc = OK;
    if (!json_get_i64(table->definition, "Id", &id) || !load_keys(table))
        rc = error_set(error, ERR_INTERNAL, "A stored table definition cannot be read");
    table->id = (uint64_t)id;
    if (rc == OK)
        rc = ddb_stats_load(dynamodb, table->id, &table->stats, error);
    if (rc)
        ddb_table_unref(table);
    else
        *out = table;
    return rc;
}

void ddb_table_unref(struct ddb_table *table)
{
    if (!table || atomic_fetch_sub(&table->refs, 1) > 1)
        return;
    arena_release(&table->arena);
    free(table);
}

void ddb_table_publish(struct dynamodb *dynamodb, struct ddb_table *table)
{
    pthread_rwlock_wrlock(&dynamodb->lock);
    struct ddb_table *old = map_set(&dynamodb->tables, table->name, table);
    pthread_rwlock_unlock(&dynamodb->lock);
    ddb_table_unref(old);
}

void ddb_table_withdraw(struct dynamodb *dynamodb, struct str name)
{
    pthread_rwlock_wrlock(&dynamodb->lock);
    struct ddb_table *old = map_remove(&dynamodb->tables, name);
    pthread_rwlock_unlock(&dynamodb->lock);
    ddb_table_unref(old);
}

/* --- Requests --- */

static void unref_at_end(void *table)
{
    ddb_table_unref(table);
}

static enum err check_name(struct request *request, struct str name)
{
    const char *what = name.len < 3     ? "have length greater than or equal to 3"
                       : name.len > 255 ? "have length less than or equal to 255"
                                        : NULL;
    for (size_t i = 0; !what && i < name.len; i++) {
        char c = name.ptr[i];
        bool is_fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '-' || c == '.';
        if (!is_fine)
            what = "satisfy regular expression pattern: [a-zA-Z0-9_.-]+";
    }
    if (!what)
        return OK;
    return request_fail(
        request, ERR_VALIDATION,
        "1 validation error detected: Value '%.*s' at 'tableName' failed to satisfy "
        "constraint: Member must %s",
        STR_ARG(name), what);
}

enum err ddb_table_name(struct request *request, struct str *out)
{
    struct str name = request_str(request, "TableName");
    if (!name.ptr)
        return request_fail(request, ERR_VALIDATION,
                            "1 validation error detected: Value null at 'tableName' failed to "
                            "satisfy constraint: Member must not be null");
    if (str_starts(name, STR("arn:"))) {
        struct str prefix = ddb_table_arn(request, STR_EMPTY);
        if (!str_starts(name, prefix))
            return request_fail(request, ERR_DDB_RESOURCE_NOT_FOUND,
                                "Requested resource not found");
        name = str_slice(name, prefix.len, name.len);
    }
    enum err rc = check_name(request, name);
    if (rc == OK)
        *out = name;
    return rc;
}

enum err ddb_table_of_request(struct request *request, const struct ddb_table **out)
{
    struct dynamodb *dynamodb = request_self(request, struct dynamodb);
    struct str name;
    enum err rc = ddb_table_name(request, &name);
    if (rc)
        return rc;
    pthread_rwlock_rdlock(&dynamodb->lock);
    struct ddb_table *table = map_get(&dynamodb->tables, name);
    if (table)
        atomic_fetch_add(&table->refs, 1);
    pthread_rwlock_unlock(&dynamodb->lock);
    if (!table)
        return request_fail(request, ERR_DDB_RESOURCE_NOT_FOUND, "Requested resource not found");
    arena_defer(request->arena, unref_at_end, table);
    *out = table;
    return OK;
}

struct str ddb_table_arn(const struct request *request, struct str name)
{
    return skylite_arn(request->skylite, request->arena, "dynamodb",
                       arena_printf(request->arena, "table/%.*s", STR_ARG(name)));
}

enum err ddb_table_resource(struct request *request, struct str *out_arn)
{
    struct str name;
    enum err rc = ddb_table_name(request, &name);
    if (rc == OK)
        *out_arn = ddb_table_arn(request, name);
    return rc;
}

static void describe_throughput(yyjson_mut_doc *doc, const yyjson_val *definition,
                                yyjson_mut_val *out)
{
    yyjson_val *wanted = json_get(definition, "ProvisionedThroughput");
    int64_t read = 0, write = 0;
    json_get_i64(wanted, "ReadCapacityUnits", &read);
    json_get_i64(wanted, "WriteCapacityUnits", &write);
    yyjson_mut_val *throughput = json_add_obj(doc, out, "ProvisionedThroughput");
    json_add_i64(doc, throughput, "NumberOfDecreasesToday", 0);
    json_add_i64(doc, throughput, "ReadCapacityUnits", read);
    json_add_i64(doc, throughput, "WriteCapacityUnits", write);
}

void ddb_table_describe(struct request *request, const struct ddb_table *table, const char *status,
                        yyjson_mut_val *out)
{
    yyjson_mut_doc *doc = request->doc;
    int64_t created_ms = 0;
    json_get_i64(table->definition, "CreatedMs", &created_ms);
    json_add_copy(doc, out, "AttributeDefinitions",
                  json_get(table->definition, "AttributeDefinitions"));
    json_add_str(doc, out, "TableName", arena_str(request->arena, table->name));
    json_add_copy(doc, out, "KeySchema", json_get(table->definition, "KeySchema"));
    json_add_str(doc, out, "TableStatus", str_from(status));
    request_add_time(request, out, "CreationDateTime", created_ms);
    describe_throughput(doc, table->definition, out);
    json_add_i64(doc, out, "TableSizeBytes", atomic_load(&table->stats->size_bytes));
    json_add_i64(doc, out, "ItemCount", atomic_load(&table->stats->item_count));
    json_add_str(doc, out, "TableArn", ddb_table_arn(request, table->name));
    json_add_copy(doc, out, "TableId", json_get(table->definition, "TableId"));
    if (str_eq(json_get_str(table->definition, "BillingMode"), STR("PAY_PER_REQUEST"))) {
        yyjson_mut_val *billing = json_add_obj(doc, out, "BillingModeSummary");
        json_add_str(doc, billing, "BillingMode", STR("PAY_PER_REQUEST"));
        request_add_time(request, billing, "LastUpdateToPayPerRequestDateTime", created_ms);
    }
    json_add_copy(doc, out, "StreamSpecification",
                  json_get(table->definition, "StreamSpecification"));
    json_add_copy(doc, out, "SSEDescription", json_get(table->definition, "SSEDescription"));
    json_add_bool(doc, out, "DeletionProtectionEnabled", table->is_protected);
}
