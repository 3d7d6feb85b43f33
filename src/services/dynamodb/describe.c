/* Tables and indexes as DescribeTable tells them. */
#include "services/dynamodb/table.h"

static void add_throughput(struct request *request, const yyjson_val *owner, yyjson_mut_val *out)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_val *wanted = json_get(owner, "ProvisionedThroughput");
    int64_t read = 0, write = 0, increased_ms, decreased_ms, decreases = 0;
    json_get_i64(wanted, "ReadCapacityUnits", &read);
    json_get_i64(wanted, "WriteCapacityUnits", &write);
    json_get_i64(owner, "DecreasesToday", &decreases);
    yyjson_mut_val *throughput = json_add_obj(doc, out, "ProvisionedThroughput");
    if (json_get_i64(owner, "LastIncreaseMs", &increased_ms))
        request_add_time(request, throughput, "LastIncreaseDateTime", increased_ms);
    if (json_get_i64(owner, "LastDecreaseMs", &decreased_ms))
        request_add_time(request, throughput, "LastDecreaseDateTime", decreased_ms);
    json_add_i64(doc, throughput, "NumberOfDecreasesToday", decreases);
    json_add_i64(doc, throughput, "ReadCapacityUnits", read);
    json_add_i64(doc, throughput, "WriteCapacityUnits", write);
    json_add_copy(doc, out, "OnDemandThroughput", json_get(owner, "OnDemandThroughput"));
}

/* What a table can take at once: as asked for, what is provisioned, or what AWS starts with. */
static void add_warm_throughput(struct request *request, const yyjson_val *owner,
                                const char *status, yyjson_mut_val *out)
{
    yyjson_val *warm = json_get(owner, "WarmThroughput");
    yyjson_val *provisioned = json_get(owner, "ProvisionedThroughput");
    int64_t read = 12000, write = 4000;
    if (!warm && strcmp(status, "CREATING") == 0)
        return; /* not known until the table is there */
    json_get_i64(provisioned, "ReadCapacityUnits", &read);
    json_get_i64(provisioned, "WriteCapacityUnits", &write);
    json_get_i64(warm, "ReadUnitsPerSecond", &read);
    json_get_i64(warm, "WriteUnitsPerSecond", &write);
    yyjson_mut_val *described = json_add_obj(request->doc, out, "WarmThroughput");
    json_add_i64(request->doc, described, "ReadUnitsPerSecond", read);
    json_add_i64(request->doc, described, "WriteUnitsPerSecond", write);
    json_add_str(request->doc, described, "Status", str_from(status));
}

static const char *index_status(const struct ddb_index *index, const char *table_status)
{
    if (index->is_filling || strcmp(table_status, "CREATING") == 0)
        return "CREATING";
    return strcmp(table_status, "DELETING") == 0 ? "DELETING" : "ACTIVE";
}

static void add_index(struct request *request, const struct ddb_table *table,
                      const struct ddb_index *index, const char *table_status, yyjson_mut_val *list)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *out = yyjson_mut_arr_add_obj(doc, list);
    json_add_copy(doc, out, "IndexName", json_get(index->definition, "IndexName"));
    json_add_copy(doc, out, "KeySchema", json_get(index->definition, "KeySchema"));
    json_add_copy(doc, out, "Projection", json_get(index->definition, "Projection"));
    if (index->is_global) {
        json_add_str(doc, out, "IndexStatus", str_from(index_status(index, table_status)));
        if (index->is_filling)
            json_add_bool(doc, out, "Backfilling", true);
        add_throughput(request, index->definition, out);
        add_warm_throughput(request, index->definition, index_status(index, table_status), out);
    }
    json_add_i64(doc, out, "IndexSizeBytes", atomic_load(&index->stats->size_bytes));
    json_add_i64(doc, out, "ItemCount", atomic_load(&index->stats->item_count));
    json_add_str(doc, out, "IndexArn", ddb_index_arn(request, table->name, index->name));
}

static void add_indexes(struct request *request, const struct ddb_table *table, const char *status,
                        yyjson_mut_val *out)
{
    yyjson_mut_val *list = NULL;
    for (size_t i = 0; i < table->index_count; i++) {
        const struct ddb_index *index = &table->indexes[i];
        if (i == 0 || i == table->local_count)
            list =
                json_add_arr(request->doc, out,
                             index->is_global ? "GlobalSecondaryIndexes" : "LocalSecondaryIndexes");
        add_index(request, table, index, status, list);
    }
}

static void add_billing(struct request *request, const struct ddb_table *table, const char *status,
                        yyjson_mut_val *out)
{
    yyjson_mut_doc *doc = request->doc;
    int64_t since_ms;
    struct str mode = json_get_str(table->definition, "BillingMode");
    bool was_on_demand = json_get_i64(table->definition, "OnDemandSinceMs", &since_ms);
    bool is_on_demand = str_eq(mode, STR("PAY_PER_REQUEST"));
    if (!is_on_demand && !was_on_demand)
        return;
    if (!was_on_demand)
        json_get_i64(table->definition, "CreatedMs", &since_ms);
    yyjson_mut_val *billing = json_add_obj(doc, out, "BillingModeSummary");
    json_add_str(doc, billing, "BillingMode",
                 is_on_demand ? STR("PAY_PER_REQUEST") : STR("PROVISIONED"));
    if (strcmp(status, "CREATING") != 0)
        request_add_time(request, billing, "LastUpdateToPayPerRequestDateTime", since_ms);
}

static void add_stream(struct request *request, const struct ddb_table *table, yyjson_mut_val *out)
{
    yyjson_mut_doc *doc = request->doc;
    struct str label = json_get_str(table->definition, "LatestStreamLabel");
    json_add_copy(doc, out, "StreamSpecification",
                  json_get(table->definition, "StreamSpecification"));
    if (!label.ptr)
        return;
    json_add_str(doc, out, "LatestStreamLabel", arena_str(request->arena, label));
    json_add_str(doc, out, "LatestStreamArn",
                 arena_printf(request->arena, "%.*s/stream/%.*s",
                              STR_ARG(ddb_table_arn(request, table->name)), STR_ARG(label)));
}

static void add_table_class(struct request *request, const struct ddb_table *table,
                            yyjson_mut_val *out)
{
    yyjson_val *name = json_get(table->definition, "TableClass");
    int64_t changed_ms;
    if (!name)
        return;
    yyjson_mut_val *summary = json_add_obj(request->doc, out, "TableClassSummary");
    json_add_copy(request->doc, summary, "TableClass", name);
    if (json_get_i64(table->definition, "TableClassMs", &changed_ms))
        request_add_time(request, summary, "LastUpdateDateTime", changed_ms);
}

static void add_restore(struct request *request, const struct ddb_table *table, yyjson_mut_val *out)
{
    yyjson_val *restore = json_get(table->definition, "Restore");
    int64_t time_ms = 0;
    if (!restore)
        return;
    yyjson_mut_val *summary = json_add_obj(request->doc, out, "RestoreSummary");
    json_add_copy(request->doc, summary, "SourceBackupArn", json_get(restore, "SourceBackupArn"));
    json_add_copy(request->doc, summary, "SourceTableArn", json_get(restore, "SourceTableArn"));
    json_get_i64(restore, "TimeMs", &time_ms);
    request_add_time(request, summary, "RestoreDateTime", time_ms);
    json_add_bool(request->doc, summary, "RestoreInProgress", !table->is_ready);
}

void ddb_table_describe(struct request *request, const struct ddb_table *table, const char *status,
                        yyjson_mut_val *out)
{
    yyjson_mut_doc *doc = request->doc;
    bool is_going = strcmp(status, "DELETING") == 0; /* and not told in full any more */
    int64_t created_ms = 0;
    if (!table->is_ready)
        status = "CREATING";
    json_get_i64(table->definition, "CreatedMs", &created_ms);
    if (!is_going)
        json_add_copy(doc, out, "AttributeDefinitions",
                      json_get(table->definition, "AttributeDefinitions"));
    json_add_copy(doc, out, "TableName", json_get(table->definition, "TableName"));
    if (!is_going)
        json_add_copy(doc, out, "KeySchema", json_get(table->definition, "KeySchema"));
    json_add_str(doc, out, "TableStatus", str_from(status));
    if (!is_going)
        request_add_time(request, out, "CreationDateTime", created_ms);
    add_throughput(request, table->definition, out);
    add_warm_throughput(request, table->definition, status, out);
    json_add_i64(doc, out, "TableSizeBytes", atomic_load(&table->stats->size_bytes));
    json_add_i64(doc, out, "ItemCount", atomic_load(&table->stats->item_count));
    json_add_str(doc, out, "TableArn", ddb_table_arn(request, table->name));
    json_add_copy(doc, out, "TableId", json_get(table->definition, "TableId"));
    add_billing(request, table, status, out);
    if (!is_going)
        add_indexes(request, table, status, out);
    add_stream(request, table, out);
    json_add_copy(doc, out, "SSEDescription", json_get(table->definition, "SSEDescription"));
    add_table_class(request, table, out);
    add_restore(request, table, out);
    json_add_bool(doc, out, "DeletionProtectionEnabled", table->is_protected);
}
