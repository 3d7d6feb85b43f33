/* Table snapshots: loading, sharing, staging, finding. */
#include "services/dynamodb/table.h"

#include <stdlib.h>

#include "core/arn.h"
#include "services/dynamodb/metrics.h"
#include "services/dynamodb/resource_policy.h"

struct str ddb_table_store_key(struct arena *arena, struct str name)
{
    return arena_printf(arena, "dynamodb/table/%.*s", STR_ARG(name));
}

/* --- Loading --- */

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

static uint64_t get_id(const yyjson_val *object, const char *key)
{
    int64_t id = 0;
    json_get_i64(object, key, &id);
    return (uint64_t)id;
}

/* Of a table or an index, whose key attributes the table defines. */
static bool load_keys(struct ddb_table *table, yyjson_val *owner, struct ddb_keys *out)
{
    struct ddb_key_part *parts = arena_array(&table->arena, struct ddb_key_part, DDB_MAX_KEY_PARTS);
    yyjson_val *element;
    size_t i, max;
    *out = (struct ddb_keys){.id = get_id(owner, "Id"), .parts = parts};
    out->range.name = STR_EMPTY;
    yyjson_arr_foreach (json_get(owner, "KeySchema"), i, max, element) {
        struct ddb_key_part *part = &parts[out->count];
        if (out->count == DDB_MAX_KEY_PARTS)
            return false;
        part->name = json_get_str(element, "AttributeName");
        if (!type_of_attribute(table->definition, part->name, &part->type))
            return false;
        out->count++;
        out->hash_count += str_eq(json_get_str(element, "KeyType"), STR("HASH"));
    }
    out->hash = parts[0];
    if (out->count > out->hash_count)
        out->range = parts[out->hash_count];
    return out->hash_count > 0 && out->id > 0;
}

static void load_projection(struct ddb_table *table, struct ddb_index *index)
{
    yyjson_val *projection = json_get(index->definition, "Projection"), *name;
    yyjson_val *included = json_get(projection, "NonKeyAttributes");
    struct str type = json_get_str(projection, "ProjectionType");
    size_t i, max;
    index->projected = str_eq(type, STR("ALL"))         ? DDB_PROJECTED_ALL
                       : str_eq(type, STR("KEYS_ONLY")) ? DDB_PROJECTED_KEYS
                                                        : DDB_PROJECTED_SOME;
    index->included = arena_array(&table->arena, struct str, yyjson_arr_size(included));
    yyjson_arr_foreach (included, i, max, name)
        index->included[index->included_count++] = json_str(name);
}

static enum err load_indexes(struct dynamodb *dynamodb, struct ddb_table *table, const char *list,
                             bool is_global, struct error *error)
{
    yyjson_val *definition;
    size_t i, max;
    yyjson_arr_foreach (json_get(table->definition, list), i, max, definition) {
        struct ddb_index *index = &table->indexes[table->index_count++];
        index->definition = definition;
        index->name = json_get_str(definition, "IndexName");
        index->is_global = is_global;
        index->is_filling = json_get(definition, "Filling") != NULL;
        if (!load_keys(table, definition, &index->keys))
            return error_set(error, ERR_INTERNAL, "A stored index definition cannot be read");
        load_projection(table, index);
        enum err rc = ddb_stats_load(dynamodb, index->keys.id, &index->stats, error);
        if (rc)
            return rc;
    }
    return OK;
}

static enum err load_all_indexes(struct dynamodb *dynamodb, struct ddb_table *table,
                                 struct error *error)
{
    size_t count = yyjson_arr_size(json_get(table->definition, "LocalSecondaryIndexes")) +
                   yyjson_arr_size(json_get(table->definition, "GlobalSecondaryIndexes"));
    table->indexes = arena_array(&table->arena, struct ddb_index, count);
    enum err rc = load_indexes(dynamodb, table, "LocalSecondaryIndexes", false, error);
    table->local_count = table->index_count;
    return rc ? rc : load_indexes(dynamodb, table, "GlobalSecondaryIndexes", true, error);
}

static void load_stream(struct ddb_table *table)
{
    yyjson_val *stream = json_get(table->definition, "StreamSpecification");
    struct str view = json_get_str(stream, "StreamViewType");
    if (json_get_bool(stream, "StreamEnabled", false))
        table->stream_id = get_id(table->definition, "StreamId");
    table->view = str_eq(view, STR("NEW_IMAGE"))   ? DDB_VIEW_NEW
                  : str_eq(view, STR("OLD_IMAGE")) ? DDB_VIEW_OLD
                  : str_eq(view, STR("KEYS_ONLY")) ? DDB_VIEW_KEYS
                                                   : DDB_VIEW_BOTH;
}

static void load_expiry(struct ddb_table *table)
{
    table->ttl_attribute = json_get_str(table->definition, "TimeToLiveAttribute");
    if (table->ttl_attribute.ptr)
        table->ttl_id = get_id(table->definition, "TimeToLiveId");
    else
        table->ttl_attribute = STR_EMPTY;
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
    table->is_ready = json_get(table->definition, "Restoring") == NULL;
    table->collections_id = get_id(table->definition, "CollectionsId");
    table->journal_id = get_id(table->definition, "JournalId");
    load_stream(table);
    load_expiry(table);
    enum err rc = OK;
    if (!table->name.ptr || !load_keys(table, table->definition, &table->keys))
        rc = error_set(error, ERR_INTERNAL, "A stored table definition cannot be read");
    if (rc == OK)
        rc = load_all_indexes(dynamodb, table, error);
    if (rc == OK)
        rc = ddb_stats_load(dynamodb, table->keys.id, &table->stats, error);
    if (rc) {
        ddb_table_unref(table);
        return rc;
    }
    if (json_get(table->definition, DDB_TABLE_POLICY) ||
        json_get(table->definition, DDB_STREAM_POLICY))
        atomic_store(&dynamodb->has_policies, true);
    ddb_metrics_open(dynamodb, table);
    *out = table;
    return OK;
}

/* --- Sharing --- */

void ddb_table_unref(struct ddb_table *table)
{
    if (!table || atomic_fetch_sub(&table->refs, 1) > 1)
        return;
    arena_release(&table->arena);
    free(table);
}

static void unref_at_end(void *table)
{
    ddb_table_unref(table);
}

void ddb_table_keep(struct arena *arena, const struct ddb_table *table)
{
    arena_defer(arena, unref_at_end, (void *)(uintptr_t)table);
}

struct ddb_table *ddb_table_ref(struct dynamodb *dynamodb, struct str name)
{
    pthread_rwlock_rdlock(&dynamodb->lock);
    struct ddb_table *table = map_get(&dynamodb->tables, name);
    if (table)
        atomic_fetch_add(&table->refs, 1);
    pthread_rwlock_unlock(&dynamodb->lock);
    return table;
}

void ddb_table_publish(struct dynamodb *dynamodb, struct ddb_table *table)
{
    pthread_rwlock_wrlock(&dynamodb->lock);
    struct ddb_table *old = map_set(&dynamodb->tables, table->name, table);
    pthread_rwlock_unlock(&dynamodb->lock);
    ddb_table_unref(old);
}

static void withdraw(struct dynamodb *dynamodb, struct str name)
{
    pthread_rwlock_wrlock(&dynamodb->lock);
    struct ddb_table *old = map_remove(&dynamodb->tables, name);
    pthread_rwlock_unlock(&dynamodb->lock);
    ddb_table_unref(old);
}

/* --- On the writer thread --- */

static struct ddb_staged *find_staged(struct dynamodb *dynamodb, struct str name)
{
    struct ddb_staged *staged = dynamodb->staged;
    while (staged && !str_eq(staged->name, name))
        staged = staged->next;
    return staged;
}

struct ddb_table *ddb_table_now(struct dynamodb *dynamodb, struct str name, uint64_t id)
{
    struct ddb_staged *staged = find_staged(dynamodb, name);
    struct ddb_table *table = staged ? staged->table : ddb_table_ref(dynamodb, name);
    if (staged && table)
        atomic_fetch_add(&table->refs, 1);
    if (table && id && table->keys.id != id) {
        ddb_table_unref(table);
        table = NULL;
    }
    return table;
}

/* Takes over the reference. */
static void stage(struct dynamodb *dynamodb, struct str name, struct ddb_table *table)
{
    struct ddb_staged *staged = find_staged(dynamodb, name);
    if (!staged) {
        staged = arena_new(&dynamodb->staged_arena, struct ddb_staged);
        staged->name = arena_str(&dynamodb->staged_arena, name);
        staged->next = dynamodb->staged;
        dynamodb->staged = staged;
    }
    ddb_table_unref(staged->table);
    staged->table = table;
}

enum err ddb_table_store(struct dynamodb *dynamodb, struct store_txn *txn, struct str definition,
                         struct ddb_table **out, struct error *error)
{
    struct ddb_table *table;
    enum err rc = ddb_table_load(dynamodb, definition, &table, error);
    if (rc)
        return rc;
    store_txn_put(txn, STORE_META, ddb_table_store_key(&dynamodb->staged_arena, table->name),
                  definition);
    stage(dynamodb, table->name, table);
    if (out)
        *out = table;
    return OK;
}

void ddb_table_remove(struct dynamodb *dynamodb, struct store_txn *txn, struct str name)
{
    store_txn_delete(txn, STORE_META, ddb_table_store_key(&dynamodb->staged_arena, name));
    stage(dynamodb, name, NULL);
}

static struct dynamodb *of_observer(struct store_observer *observer)
{
    return (struct dynamodb *)((char *)observer - offsetof(struct dynamodb, observer));
}

void ddb_batch_ending(struct store_observer *observer, struct store_txn *txn)
{
    ddb_stats_store(of_observer(observer), txn);
}

void ddb_batch_ended(struct store_observer *observer, enum err rc)
{
    struct dynamodb *dynamodb = of_observer(observer);
    ddb_stats_settle(dynamodb, rc == OK);
    for (struct ddb_staged *staged = dynamodb->staged; staged; staged = staged->next) {
        if (rc)
            ddb_table_unref(staged->table);
        else if (staged->table)
            ddb_table_publish(dynamodb, staged->table);
        else
            withdraw(dynamodb, staged->name);
    }
    if (dynamodb->staged)
        arena_reset(&dynamodb->staged_arena);
    dynamodb->staged = NULL;
}

enum err ddb_next_id(struct store_txn *txn, struct arena *arena, uint64_t *out, struct error *error)
{
    struct str key = STR("dynamodb/next-table-id"), value;
    bool found;
    uint64_t id = 1;
    enum err rc = store_txn_get(txn, STORE_META, key, arena, &found, &value, error);
    if (rc)
        return rc;
    if (found && !str_to_u64(value, &id))
        return error_set(error, ERR_DDB_INTERNAL, "The table counter cannot be read");
    store_txn_put(txn, STORE_META, key, arena_printf(arena, "%llu", (unsigned long long)id + 1));
    *out = id;
    return OK;
}

/* --- For requests --- */

struct str ddb_table_arn(const struct request *request, struct str name)
{
    return skylite_arn(request->skylite, request->arena, "dynamodb",
                       arena_concat(request->arena, STR("table/"), name));
}

struct str ddb_index_arn(const struct request *request, struct str table, struct str index)
{
    return skylite_arn(request->skylite, request->arena, "dynamodb",
                       arena_concat(request->arena, STR("table/"), table, STR("/index/"), index));
}

enum err ddb_table_name_of(struct request *request, struct str given, struct str *out)
{
    if (str_starts(given, STR("arn:"))) {
        struct str prefix = ddb_table_arn(request, STR_EMPTY);
        enum err rc = arn_check(request, STR("TableName"), given);
        if (rc)
            return rc;
        if (!str_starts(given, prefix))
            return request_fail(request, ERR_DDB_RESOURCE_NOT_FOUND,
                                "Requested resource not found");
        given = str_slice(given, prefix.len, given.len);
    }
    *out = given;
    return OK;
}

enum err ddb_table_by_name(struct request *request, struct str name, const struct ddb_table **out)
{
    enum err rc = ddb_table_name_of(request, name, &name);
    if (rc)
        return rc;
    struct ddb_table *table = ddb_table_ref(request_self(request, struct dynamodb), name);
    if (table)
        ddb_table_keep(request->arena, table);
    if (!table || !table->is_ready)
        return request_fail(request, ERR_DDB_RESOURCE_NOT_FOUND, "Requested resource not found");
    *out = table;
    return OK;
}

enum err ddb_table_of_request(struct request *request, const struct ddb_table **out)
{
    return ddb_table_by_name(request, request_str(request, "TableName"), out);
}

enum err ddb_table_for_control(struct request *request, const struct ddb_table **out)
{
    struct str name;
    enum err rc = ddb_table_name_of(request, request_str(request, "TableName"), &name);
    if (rc)
        return rc;
    struct ddb_table *table = ddb_table_ref(request_self(request, struct dynamodb), name);
    if (!table)
        return request_fail(request, ERR_DDB_RESOURCE_NOT_FOUND,
                            "Requested resource not found: Table: %.*s not found", STR_ARG(name));
    ddb_table_keep(request->arena, table);
    *out = table;
    return OK;
}

const struct ddb_index *ddb_table_index(const struct ddb_table *table, struct str name)
{
    for (size_t i = 0; i < table->index_count; i++) {
        if (str_eq(table->indexes[i].name, name))
            return &table->indexes[i];
    }
    return NULL;
}

enum err ddb_table_resource(struct request *request, struct str *out_arn)
{
    struct str name;
    enum err rc = ddb_table_name_of(request, request_str(request, "TableName"), &name);
    if (rc == OK)
        *out_arn = ddb_table_arn(request, name);
    return rc;
}

enum err ddb_index_resource(struct request *request, struct str *out_arn)
{
    struct str name, index = request_str(request, "IndexName");
    if (!index.ptr)
        return ddb_table_resource(request, out_arn);
    enum err rc = ddb_table_name_of(request, request_str(request, "TableName"), &name);
    if (rc == OK)
        *out_arn = ddb_index_arn(request, name, index);
    return rc;
}

enum err ddb_authorize_table(struct request *request, const char *action, struct str name,
                             const struct ddb_permission *permission)
{
    enum err rc = ddb_table_name_of(request, name, &name);
    return rc ? rc
              : request_authorize_part(request, str_from(action), ddb_table_arn(request, name),
                                       permission);
}
