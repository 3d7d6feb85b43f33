/* Definitions of tables, being made. */
#include "services/dynamodb/definition.h"

#include "base/clock.h"
#include "base/encode.h"

void ddb_draft_start(struct ddb_draft *draft, const struct ddb_table *table, struct arena *arena)
{
    draft->arena = arena;
    draft->doc = json_doc(arena);
    draft->root =
        table ? yyjson_val_mut_copy(draft->doc, table->definition) : yyjson_mut_obj(draft->doc);
}

void ddb_draft_set(struct ddb_draft *draft, const char *key, yyjson_mut_val *value)
{
    yyjson_mut_obj_put(draft->root, yyjson_mut_str(draft->doc, key), value);
}

void ddb_draft_set_i64(struct ddb_draft *draft, const char *key, int64_t value)
{
    ddb_draft_set(draft, key, yyjson_mut_sint(draft->doc, value));
}

void ddb_draft_set_copy(struct ddb_draft *draft, const char *key, const yyjson_val *value)
{
    if (value && !yyjson_is_null((yyjson_val *)(uintptr_t)value))
        ddb_draft_set(draft, key, yyjson_val_mut_copy(draft->doc, (yyjson_val *)(uintptr_t)value));
}

void ddb_draft_remove(struct ddb_draft *draft, const char *key)
{
    yyjson_mut_obj_remove_key(draft->root, key);
}

enum err ddb_draft_store(struct ddb_draft *draft, struct dynamodb *dynamodb, struct store_txn *txn,
                         struct ddb_table **out, struct error *error)
{
    return ddb_table_store(dynamodb, txn, json_write(draft->arena, draft->root), out, error);
}

enum err ddb_draft_add_index(struct ddb_draft *draft, struct request *request,
                             struct store_txn *txn, const char *list, const yyjson_val *index,
                             bool is_filling, uint64_t *out_id)
{
    static const char *const kept[] = {"IndexName",          "KeySchema",
                                       "Projection",         "ProvisionedThroughput",
                                       "OnDemandThroughput", "WarmThroughput"};
    enum err rc = ddb_next_id(txn, draft->arena, out_id, &request->error);
    yyjson_mut_val *all = yyjson_mut_obj_get(draft->root, list);
    if (rc)
        return rc;
    if (!all)
        all = json_add_arr(draft->doc, draft->root, list);
    /* Only what is known: the rest of the members are ours. */
    yyjson_mut_val *copy = yyjson_mut_obj(draft->doc);
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        json_add_copy(draft->doc, copy, kept[i], json_get(index, kept[i]));
    json_add_i64(draft->doc, copy, "Id", (int64_t)*out_id);
    if (is_filling)
        json_add_bool(draft->doc, copy, "Filling", true);
    yyjson_mut_arr_append(all, copy);
    return OK;
}

static enum err add_indexes(struct ddb_draft *draft, struct request *request, struct store_txn *txn,
                            const yyjson_val *input, const char *list)
{
    yyjson_val *index;
    size_t i, max;
    uint64_t id;
    enum err rc = OK;
    yyjson_arr_foreach (json_get(input, list), i, max, index) {
        if (rc == OK)
            rc = ddb_draft_add_index(draft, request, txn, list, index, false, &id);
    }
    return rc;
}

void ddb_draft_encrypt(struct ddb_draft *draft, struct request *request,
                       const yyjson_val *specification)
{
    struct str key = json_get_str(specification, "KMSMasterKeyId");
    ddb_draft_remove(draft, "SSEDescription");
    if (!json_get_bool(specification, "Enabled", false))
        return;
    yyjson_mut_val *described = json_add_obj(draft->doc, draft->root, "SSEDescription");
    json_add_str(draft->doc, described, "Status", STR("ENABLED"));
    json_add_str(draft->doc, described, "SSEType", STR("KMS"));
    if (!key.ptr)
        key = STR("alias/aws/dynamodb");
    bool is_arn = str_starts(key, STR("arn:"));
    bool is_alias = str_starts(key, STR("alias/"));
    json_add_str(draft->doc, described, "KMSMasterKeyArn",
                 is_arn ? key
                        : skylite_arn(request->skylite, draft->arena, "kms",
                                      arena_printf(draft->arena, "%s%.*s", is_alias ? "" : "key/",
                                                   STR_ARG(key))));
}

enum err ddb_draft_create(struct ddb_draft *draft, struct request *request, struct store_txn *txn,
                          const yyjson_val *input, struct str name)
{
    static const char *const kept[] = {
        "AttributeDefinitions", "KeySchema",  "BillingMode", "ProvisionedThroughput",
        "OnDemandThroughput",   "TableClass", "Tags",        "DeletionProtectionEnabled",
        "WarmThroughput"};
    uint64_t id, collections;
    enum err rc = ddb_next_id(txn, draft->arena, &id, &request->error);
    if (rc)
        return rc;
    json_add_str(draft->doc, draft->root, "TableName", name);
    ddb_draft_set_i64(draft, "Id", (int64_t)id);
    json_add_str(draft->doc, draft->root, "TableId", random_uuid(draft->arena));
    ddb_draft_set_i64(draft, "CreatedMs", clock_wall_ms());
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        ddb_draft_set_copy(draft, kept[i], json_get(input, kept[i]));
    ddb_draft_encrypt(draft, request, json_get(input, "SSESpecification"));
    rc = add_indexes(draft, request, txn, input, "LocalSecondaryIndexes");
    if (rc == OK)
        rc = add_indexes(draft, request, txn, input, "GlobalSecondaryIndexes");
    if (rc == OK && yyjson_mut_obj_get(draft->root, "LocalSecondaryIndexes")) {
        rc = ddb_next_id(txn, draft->arena, &collections, &request->error);
        ddb_draft_set_i64(draft, "CollectionsId", (int64_t)collections);
    }
    return rc;
}

enum err ddb_alter_start(struct request *request, const struct ddb_table *table,
                         struct ddb_alteration *alteration)
{
    struct dynamodb *dynamodb = request_self(request, struct dynamodb);
    struct ddb_table *now = ddb_table_now(dynamodb, table->name, table->keys.id);
    if (!now)
        return request_fail(request, ERR_DDB_RESOURCE_NOT_FOUND,
                            "Requested resource not found: Table: %.*s not found",
                            STR_ARG(table->name));
    ddb_table_keep(request->arena, now);
    alteration->before = now;
    if (!now->is_ready)
        return request_fail(request, ERR_DDB_RESOURCE_IN_USE,
                            "Attempt to change a resource which is still in use: Table is being "
                            "created: %.*s",
                            STR_ARG(now->name));
    ddb_draft_start(&alteration->draft, now, request->arena);
    return OK;
}

enum err ddb_alter_finish(struct request *request, struct store_txn *txn,
                          struct ddb_alteration *alteration)
{
    struct ddb_table *after;
    enum err rc = ddb_draft_store(&alteration->draft, request_self(request, struct dynamodb), txn,
                                  &after, &request->error);
    if (rc)
        return rc;
    atomic_fetch_add(&after->refs, 1);
    ddb_table_keep(request->arena, after);
    alteration->after = after;
    return OK;
}
