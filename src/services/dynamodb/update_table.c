/* UpdateTable: throughput, billing, global indexes and settings of a table. */
#include "base/clock.h"
#include "services/dynamodb/definition.h"
#include "services/dynamodb/job.h"
#include "services/dynamodb/key_paths.h"
#include "services/dynamodb/operations.h"
#include "services/dynamodb/stream.h"

enum { MAX_INDEX_UPDATES = 5, MAX_GLOBAL_INDEXES = 20 };

struct table_update {
    const struct ddb_table *table; /* of the request */
    struct ddb_alteration change;
    uint64_t filled_id;  /* of an index that was added */
    uint64_t deleted_id; /* of one that was taken out */
};

static enum err invalid(struct request *request, const char *what)
{
    return request_fail(request, ERR_VALIDATION, "One or more parameter values were invalid: %s",
                        what);
}

/* --- What the request says by itself --- */

static enum err check_something_wanted(struct request *request)
{
    static const char *const any[] = {
        "ProvisionedThroughput", "BillingMode",    "StreamSpecification",       "SSESpecification",
        "OnDemandThroughput",    "WarmThroughput", "DeletionProtectionEnabled", "TableClass"};
    for (size_t i = 0; i < sizeof(any) / sizeof(any[0]); i++) {
        if (ddb_get(request->input, any[i]))
            return OK;
    }
    if (yyjson_arr_size(ddb_get(request->input, "GlobalSecondaryIndexUpdates")))
        return OK;
    return request_fail(request, ERR_VALIDATION,
                        "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
                        "GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is "
                        "required");
}

/* The one action of an element, and its name. */
static yyjson_val *action_of(const yyjson_val *update, const char **out_name)
{
    static const char *const names[] = {"Update", "Create", "Delete"};
    for (size_t i = 0; i < 3; i++) {
        yyjson_val *action = ddb_get(update, names[i]);
        *out_name = names[i];
        if (action)
            return action;
    }
    return NULL;
}

static enum err check_index_updates(struct request *request)
{
    yyjson_val *list = ddb_get(request->input, "GlobalSecondaryIndexUpdates"), *update;
    struct str names[MAX_INDEX_UPDATES] = {{NULL, 0}};
    size_t i, max, changes = 0;
    const char *kind;
    if (yyjson_arr_size(list) > MAX_INDEX_UPDATES)
        changes = 2;
    yyjson_arr_foreach (list, i, max, update) {
        yyjson_val *action = action_of(update, &kind);
        struct str name = json_get_str(action, "IndexName");
        if (!action)
            return invalid(request, "One of GlobalSecondaryIndexUpdate.Update, "
                                    "GlobalSecondaryIndexUpdate.Create, "
                                    "GlobalSecondaryIndexUpdate.Delete must not be null");
        for (size_t j = 0; j < i && j < MAX_INDEX_UPDATES; j++) {
            if (str_eq(names[j], name))
                return request_fail(request, ERR_VALIDATION,
                                    "One or more parameter values were invalid: Only one global "
                                    "secondary index update per index is allowed simultaneously. "
                                    "Index: %.*s",
                                    STR_ARG(name));
        }
        if (i < MAX_INDEX_UPDATES)
            names[i] = name;
        changes += strcmp(kind, "Update") != 0;
    }
    if (changes > 1)
        return request_fail(request, ERR_DDB_LIMIT_EXCEEDED,
                            "Subscriber limit exceeded: Only 1 online index can be created or "
                            "deleted simultaneously per table");
    return OK;
}

static enum err check_request(struct request *request)
{
    yyjson_val *throughput = ddb_get(request->input, "ProvisionedThroughput");
    bool to_provisioned = str_eq(request_str(request, "BillingMode"), STR("PROVISIONED"));
    enum err rc = check_something_wanted(request);
    if (rc == OK && to_provisioned && !throughput)
        rc = invalid(request,
                     "ProvisionedThroughput must be specified when BillingMode is PROVISIONED");
    if (rc == OK && throughput)
        rc = ddb_check_throughput(request, throughput);
    if (rc == OK)
        rc = check_index_updates(request);
    return rc ? rc : ddb_check_stream(request, ddb_get(request->input, "StreamSpecification"));
}

/* --- Throughput and billing --- */

static bool was_on_demand(const struct table_update *update)
{
    return str_eq(json_get_str(update->table->definition, "BillingMode"), STR("PAY_PER_REQUEST"));
}

static bool is_on_demand(const struct request *request, const struct table_update *update)
{
    struct str mode = request_str(request, "BillingMode");
    return mode.ptr ? str_eq(mode, STR("PAY_PER_REQUEST")) : was_on_demand(update);
}

static int64_t units(const yyjson_val *throughput, const char *which)
{
    return ddb_get_integer(throughput, which, 0);
}

/* Of the table or an index: `owner` as it was, `draft` as it will be. */
static enum err change_throughput(struct request *request, struct ddb_draft *draft,
                                  const yyjson_val *owner, yyjson_mut_val *target,
                                  const yyjson_val *wanted)
{
    yyjson_val *old = json_get(owner, "ProvisionedThroughput");
    int64_t reads = units(wanted, "ReadCapacityUnits"), old_reads = units(old, "ReadCapacityUnits");
    int64_t writes = units(wanted, "WriteCapacityUnits"),
            old_writes = units(old, "WriteCapacityUnits");
    int64_t decreases = ddb_get_integer(owner, "DecreasesToday", 0);
    if (reads == old_reads && writes == old_writes)
        return request_fail(
            request, ERR_VALIDATION,
            "The provisioned throughput for the table will not change. The requested value equals "
            "the current value. Current ReadCapacityUnits provisioned for the table: %lld. "
            "Requested ReadCapacityUnits: %lld. Current WriteCapacityUnits provisioned for the "
            "table: %lld. Requested WriteCapacityUnits: %lld. Refer to the Amazon DynamoDB "
            "Developer Guide for current limits and how to request higher limits.",
            (long long)old_reads, (long long)reads, (long long)old_writes, (long long)writes);
    yyjson_mut_doc *doc = draft->doc;
    bool is_less = reads < old_reads || writes < old_writes;
    yyjson_mut_obj_put(target, yyjson_mut_str(doc, "ProvisionedThroughput"),
                       yyjson_val_mut_copy(doc, (yyjson_val *)(uintptr_t)wanted));
    yyjson_mut_obj_put(target, yyjson_mut_str(doc, is_less ? "LastDecreaseMs" : "LastIncreaseMs"),
                       yyjson_mut_sint(doc, clock_wall_ms()));
    if (is_less)
        yyjson_mut_obj_put(target, yyjson_mut_str(doc, "DecreasesToday"),
                           yyjson_mut_sint(doc, decreases + 1));
    return OK;
}

static void forget_throughput(struct ddb_draft *draft)
{
    size_t i, max;
    yyjson_mut_val *index;
    ddb_draft_remove(draft, "ProvisionedThroughput");
    yyjson_mut_arr_foreach (yyjson_mut_obj_get(draft->root, "GlobalSecondaryIndexes"), i, max,
                            index)
        yyjson_mut_obj_remove_key(index, "ProvisionedThroughput");
}

static bool updates_index(const struct request *request, struct str name)
{
    yyjson_val *update;
    size_t i, max;
    yyjson_arr_foreach (ddb_get(request->input, "GlobalSecondaryIndexUpdates"), i, max, update) {
        yyjson_val *action = ddb_get(update, "Update");
        if (str_eq(json_get_str(action, "IndexName"), name) &&
            ddb_get(action, "ProvisionedThroughput"))
            return true;
    }
    return false;
}

static enum err check_index_throughputs(struct request *request, const struct table_update *update)
{
    const struct ddb_table *table = update->table;
    struct buf missing;
    buf_init_arena(&missing, request->arena, SIZE_MAX / 2);
    for (size_t i = table->local_count; i < table->index_count; i++) {
        if (!updates_index(request, table->indexes[i].name))
            buf_printf(&missing, "%s%.*s", missing.len ? "," : "", STR_ARG(table->indexes[i].name));
    }
    if (missing.len == 0)
        return OK;
    return request_fail(request, ERR_VALIDATION,
                        "One or more parameter values were invalid: ProvisionedThroughput must be "
                        "specified for index: %.*s",
                        STR_ARG(buf_str(&missing)));
}

static enum err change_billing(struct request *request, struct table_update *update)
{
    struct ddb_draft *draft = &update->change.draft;
    yyjson_val *throughput = ddb_get(request->input, "ProvisionedThroughput");
    bool now = is_on_demand(request, update), before = was_on_demand(update);
    if (now && throughput)
        return invalid(request, "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified "
                                "when BillingMode is PAY_PER_REQUEST");
    if (now && !before) {
        forget_throughput(draft);
        ddb_draft_set_i64(draft, "OnDemandSinceMs", clock_wall_ms());
    }
    if (!now && before) {
        enum err rc = check_index_throughputs(request, update);
        if (rc)
            return rc;
        int64_t created_ms = ddb_get_integer(update->table->definition, "CreatedMs", 0);
        if (!json_get(update->table->definition, "OnDemandSinceMs"))
            ddb_draft_set_i64(draft, "OnDemandSinceMs", created_ms);
    }
    ddb_draft_set_copy(draft, "BillingMode", json_get(request->input, "BillingMode"));
    ddb_draft_set_copy(draft, "OnDemandThroughput", json_get(request->input, "OnDemandThroughput"));
    ddb_draft_set_copy(draft, "WarmThroughput", json_get(request->input, "WarmThroughput"));
    return throughput ? change_throughput(request, draft, update->table->definition, draft->root,
                                          throughput)
                      : OK;
}

/* --- Indexes --- */

static yyjson_mut_val *index_in_draft(struct table_update *update, struct str name, size_t *out_at)
{
    yyjson_mut_val *list = yyjson_mut_obj_get(update->change.draft.root, "GlobalSecondaryIndexes");
    yyjson_mut_val *index;
    size_t i, max;
    yyjson_mut_arr_foreach (list, i, max, index) {
        if (yyjson_mut_equals_strn(yyjson_mut_obj_get(index, "IndexName"), name.ptr, name.len)) {
            *out_at = i;
            return index;
        }
    }
    return NULL;
}

static enum err no_index(struct request *request)
{
    return request_fail(request, ERR_DDB_RESOURCE_NOT_FOUND, "Requested resource not found");
}

static enum err update_index(struct request *request, struct table_update *update,
                             const yyjson_val *action)
{
    struct str name = json_get_str(action, "IndexName");
    const struct ddb_index *index = ddb_table_index(update->table, name);
    yyjson_val *throughput = ddb_get(action, "ProvisionedThroughput");
    size_t at;
    if (!index || !index->is_global)
        return no_index(request);
    yyjson_mut_val *target = index_in_draft(update, name, &at);
    static const char *const kept[] = {"OnDemandThroughput", "WarmThroughput"};
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        yyjson_val *wanted = ddb_get(action, kept[i]);
        if (wanted)
            yyjson_mut_obj_put(target, yyjson_mut_str(update->change.draft.doc, kept[i]),
                               yyjson_val_mut_copy(update->change.draft.doc, wanted));
    }
    if (!throughput)
        return OK;
    if (is_on_demand(request, update))
        return invalid(request, "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified "
                                "when BillingMode is PAY_PER_REQUEST");
    enum err rc = ddb_check_throughput(request, throughput);
    return rc ? rc
              : change_throughput(request, &update->change.draft, index->definition, target,
                                  throughput);
}

/* The request's definitions are added to those that the table has. */
static void merge_attributes(struct request *request, struct table_update *update)
{
    yyjson_mut_doc *doc = update->change.draft.doc;
    yyjson_mut_val *all = yyjson_mut_obj_get(update->change.draft.root, "AttributeDefinitions");
    yyjson_val *attribute;
    size_t i, max, j, count;
    yyjson_arr_foreach (ddb_get(request->input, "AttributeDefinitions"), i, max, attribute) {
        struct str name = json_get_str(attribute, "AttributeName");
        yyjson_mut_val *known;
        bool is_known = false;
        yyjson_mut_arr_foreach (all, j, count, known)
            is_known |= yyjson_mut_equals_strn(yyjson_mut_obj_get(known, "AttributeName"), name.ptr,
                                               name.len);
        if (!is_known)
            yyjson_mut_arr_append(all, yyjson_val_mut_copy(doc, attribute));
    }
}

static enum err create_index(struct request *request, struct table_update *update,
                             struct store_txn *txn, const yyjson_val *action)
{
    const struct ddb_table *table = update->table;
    struct str name = json_get_str(action, "IndexName");
    if (ddb_table_index(table, name))
        return request_fail(request, ERR_VALIDATION,
                            "Attempting to create an index which already exists");
    if (table->index_count - table->local_count >= MAX_GLOBAL_INDEXES)
        return request_fail(request, ERR_DDB_LIMIT_EXCEEDED,
                            "GlobalSecondaryIndex count exceeds the per-table limit of %d",
                            MAX_GLOBAL_INDEXES);
    for (size_t i = 0; i < table->index_count; i++) {
        if (table->indexes[i].is_filling)
            return request_fail(request, ERR_DDB_LIMIT_EXCEEDED,
                                "Subscriber limit exceeded: Only 1 online index can be created or "
                                "deleted simultaneously per table");
    }
    merge_attributes(request, update);
    yyjson_val *attributes = json_parse(
        request->arena, json_write(request->arena, yyjson_mut_obj_get(update->change.draft.root,
                                                                      "AttributeDefinitions")));
    enum err rc = ddb_check_new_index(request, action, attributes, is_on_demand(request, update));
    if (rc == OK)
        rc = ddb_draft_add_index(&update->change.draft, request, txn, "GlobalSecondaryIndexes",
                                 action, true, &update->filled_id);
    if (rc == OK)
        ddb_fill(txn, table, update->filled_id);
    return rc;
}

static bool keeps_attribute(const struct ddb_table *table, uint64_t deleted_id,
                            yyjson_mut_val *attribute)
{
    struct str name = {yyjson_mut_get_str(attribute), yyjson_mut_get_len(attribute)};
    bool is_used = ddb_is_key(&table->keys, name);
    for (size_t i = 0; i < table->index_count; i++) {
        const struct ddb_keys *keys = &table->indexes[i].keys;
        is_used |= keys->id != deleted_id && ddb_is_key(keys, name);
    }
    return is_used;
}

static enum err delete_index(struct request *request, struct table_update *update,
                             struct store_txn *txn, const yyjson_val *action)
{
    struct str name = json_get_str(action, "IndexName");
    const struct ddb_index *index = ddb_table_index(update->table, name);
    yyjson_mut_val *list = yyjson_mut_obj_get(update->change.draft.root, "GlobalSecondaryIndexes");
    yyjson_mut_val *attributes =
        yyjson_mut_obj_get(update->change.draft.root, "AttributeDefinitions");
    size_t at = 0;
    if (!index || !index->is_global)
        return no_index(request);
    index_in_draft(update, name, &at);
    yyjson_mut_arr_remove(list, at);
    if (yyjson_mut_arr_size(list) == 0)
        ddb_draft_remove(&update->change.draft, "GlobalSecondaryIndexes");
    for (size_t i = yyjson_mut_arr_size(attributes); i > 0; i--) {
        yyjson_mut_val *attribute = yyjson_mut_arr_get(attributes, i - 1);
        if (!keeps_attribute(update->table, index->keys.id,
                             yyjson_mut_obj_get(attribute, "AttributeName")))
            yyjson_mut_arr_remove(attributes, i - 1);
    }
    update->deleted_id = index->keys.id;
    ddb_purge(txn, index->keys.id);
    return OK;
}

static enum err change_indexes(struct request *request, struct table_update *update,
                               struct store_txn *txn)
{
    yyjson_val *one;
    size_t i, max;
    const char *kind;
    enum err rc = OK;
    yyjson_arr_foreach (ddb_get(request->input, "GlobalSecondaryIndexUpdates"), i, max, one) {
        yyjson_val *action = action_of(one, &kind);
        if (rc)
            break;
        if (strcmp(kind, "Update") == 0)
            rc = update_index(request, update, action);
        else if (strcmp(kind, "Create") == 0)
            rc = create_index(request, update, txn, action);
        else
            rc = delete_index(request, update, txn, action);
    }
    return rc;
}

/* --- All of it --- */

static enum err change_stream(struct request *request, struct table_update *update,
                              struct store_txn *txn)
{
    yyjson_val *wanted = ddb_get(request->input, "StreamSpecification");
    const struct ddb_table *table = update->table;
    bool is_enabled = ddb_get_boolean(wanted, "StreamEnabled", false);
    bool had_stream = json_get_str(table->definition, "LatestStreamLabel").ptr != NULL;
    if (!wanted)
        return OK;
    if (is_enabled && table->stream_id)
        return request_fail(request, ERR_VALIDATION,
                            "Table already has an enabled stream: TableName: %.*s",
                            STR_ARG(table->name));
    if (!is_enabled && !table->stream_id)
        return request_fail(request, ERR_VALIDATION, "Table %s stream%s: TableName: %.*s",
                            had_stream ? "already has a disabled" : "has no",
                            had_stream ? "" : " to disable", STR_ARG(table->name));
    if (is_enabled)
        return ddb_stream_open(&update->change.draft, table->name, txn, wanted, &request->error);
    return ddb_stream_close(request_self(request, struct dynamodb), &update->change.draft, txn,
                            table, &request->error);
}

static void change_settings(struct request *request, struct table_update *update)
{
    const yyjson_val *input = request->input;
    yyjson_val *encryption = ddb_get(input, "SSESpecification");
    ddb_draft_set_copy(&update->change.draft, "DeletionProtectionEnabled",
                       json_get(input, "DeletionProtectionEnabled"));
    if (ddb_get(input, "TableClass")) {
        ddb_draft_set_copy(&update->change.draft, "TableClass", json_get(input, "TableClass"));
        ddb_draft_set_i64(&update->change.draft, "TableClassMs", clock_wall_ms());
    }
    if (encryption)
        ddb_draft_encrypt(&update->change.draft, request, encryption);
}

static enum err change(struct request *request, struct store_txn *txn)
{
    struct table_update *update = request->handler_state;
    enum err rc = ddb_alter_start(request, update->table, &update->change);
    if (rc)
        return rc;
    update->table = update->change.before;
    rc = change_billing(request, update);
    if (rc == OK)
        rc = change_indexes(request, update, txn);
    if (rc == OK)
        rc = change_stream(request, update, txn);
    if (rc)
        return rc;
    change_settings(request, update);
    return ddb_alter_finish(request, txn, &update->change);
}

/* The throughput as it was: the new one is told when it is in force. */
static void show_old_throughput(struct request *request, const struct table_update *update,
                                yyjson_mut_val *out)
{
    yyjson_mut_val *before = yyjson_mut_obj(request->doc), *index, *old;
    size_t i, j, max, count;
    ddb_table_describe(request, update->change.before, "UPDATING", before);
    yyjson_mut_obj_put(out, yyjson_mut_str(request->doc, "ProvisionedThroughput"),
                       yyjson_mut_obj_get(before, "ProvisionedThroughput"));
    yyjson_mut_arr_foreach (yyjson_mut_obj_get(out, "GlobalSecondaryIndexes"), i, max, index) {
        yyjson_mut_arr_foreach (yyjson_mut_obj_get(before, "GlobalSecondaryIndexes"), j, count,
                                old) {
            if (yyjson_mut_equals(yyjson_mut_obj_get(index, "IndexName"),
                                  yyjson_mut_obj_get(old, "IndexName")))
                yyjson_mut_obj_put(index, yyjson_mut_str(request->doc, "ProvisionedThroughput"),
                                   yyjson_mut_obj_get(old, "ProvisionedThroughput"));
        }
    }
}

static enum err answer(struct request *request)
{
    struct dynamodb *dynamodb = request_self(request, struct dynamodb);
    struct table_update *update = request->handler_state;
    if (update->filled_id)
        ddb_fill_start(dynamodb, update->change.after, update->filled_id);
    if (update->deleted_id)
        ddb_purge_start(dynamodb, update->deleted_id);
    yyjson_mut_val *out = json_add_obj(request->doc, request_output(request), "TableDescription");
    ddb_table_describe(request, update->change.after, "UPDATING", out);
    show_old_throughput(request, update, out);
    return OK;
}

enum err ddb_update_table(struct request *request)
{
    struct table_update *update = arena_new(request->arena, struct table_update);
    enum err rc = check_request(request);
    if (rc == OK)
        rc = ddb_table_for_control(request, &update->table);
    request->handler_state = update;
    return rc ? rc : request_write(request, change, answer);
}
