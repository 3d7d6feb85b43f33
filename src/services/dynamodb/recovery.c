/* DescribeContinuousBackups and UpdateContinuousBackups. */
#include "base/clock.h"
#include "services/dynamodb/backup.h"
#include "services/dynamodb/definition.h"
#include "services/dynamodb/job.h"
#include "services/dynamodb/journal.h"
#include "services/dynamodb/operations.h"

#define DAY_MS (24LL * 60 * 60 * 1000)

struct recovery_update {
    const struct ddb_table *table;
    struct ddb_alteration change;
    bool is_enabled;
    uint64_t purged_id;
};

int64_t ddb_earliest_restorable_ms(const struct ddb_table *table)
{
    int64_t days = ddb_get_integer(table->definition, "RecoveryDays", DDB_RECOVERY_DAYS);
    int64_t since_ms = ddb_get_integer(table->definition, "JournalSinceMs", 0);
    int64_t oldest_ms = clock_wall_ms() - days * DAY_MS;
    return since_ms > oldest_ms ? since_ms : oldest_ms;
}

static void describe(struct request *request, const struct ddb_table *table)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *out =
        json_add_obj(doc, request_output(request), "ContinuousBackupsDescription");
    json_add_str(doc, out, "ContinuousBackupsStatus", STR("ENABLED"));
    yyjson_mut_val *recovery = json_add_obj(doc, out, "PointInTimeRecoveryDescription");
    json_add_str(doc, recovery, "PointInTimeRecoveryStatus",
                 table->journal_id ? STR("ENABLED") : STR("DISABLED"));
    if (!table->journal_id)
        return;
    json_add_i64(doc, recovery, "RecoveryPeriodInDays",
                 ddb_get_integer(table->definition, "RecoveryDays", DDB_RECOVERY_DAYS));
    request_add_time(request, recovery, "EarliestRestorableDateTime",
                     ddb_earliest_restorable_ms(table));
    request_add_time(request, recovery, "LatestRestorableDateTime", clock_wall_ms());
}

static enum err find_table(struct request *request, const struct ddb_table **out)
{
    enum err rc = ddb_table_for_control(request, out);
    if (rc == ERR_DDB_RESOURCE_NOT_FOUND)
        return request_fail(request, ERR_DDB_TABLE_NOT_FOUND, "Table not found: %.*s",
                            STR_ARG(request_str(request, "TableName")));
    return rc;
}

enum err ddb_describe_continuous_backups(struct request *request)
{
    const struct ddb_table *table;
    enum err rc = find_table(request, &table);
    if (rc == OK)
        describe(request, table);
    return rc;
}

static enum err change(struct request *request, struct store_txn *txn)
{
    struct recovery_update *update = request->handler_state;
    struct ddb_draft *draft = &update->change.draft;
    yyjson_val *wanted = json_get(request->input, "PointInTimeRecoverySpecification");
    enum err rc = ddb_alter_start(request, update->table, &update->change);
    if (rc)
        return rc;
    uint64_t id = update->change.before->journal_id;
    if (update->is_enabled && !id) {
        rc = ddb_next_id(txn, request->arena, &id, &request->error);
        ddb_draft_set_i64(draft, "JournalId", (int64_t)id);
        ddb_draft_set_i64(draft, "JournalSinceMs", clock_wall_ms());
    }
    if (update->is_enabled)
        ddb_draft_set_i64(draft, "RecoveryDays",
                          ddb_get_integer(wanted, "RecoveryPeriodInDays", DDB_RECOVERY_DAYS));
    if (!update->is_enabled && id &&
        ddb_is_restored_from(request_self(request, struct dynamodb), id))
        return request_fail(request, ERR_DDB_RESOURCE_IN_USE,
                            "Attempt to change a resource which is still in use: Table is being "
                            "restored from: %.*s",
                            STR_ARG(update->table->name));
    if (!update->is_enabled && id) {
        ddb_draft_remove(draft, "JournalId");
        ddb_draft_remove(draft, "JournalSinceMs");
        update->purged_id = id;
        ddb_purge(txn, id);
    }
    return rc ? rc : ddb_alter_finish(request, txn, &update->change);
}

static enum err answer(struct request *request)
{
    const struct recovery_update *update = request->handler_state;
    if (update->purged_id)
        ddb_purge_start(request_self(request, struct dynamodb), update->purged_id);
    describe(request, update->change.after);
    return OK;
}

enum err ddb_update_continuous_backups(struct request *request)
{
    struct recovery_update *update = arena_new(request->arena, struct recovery_update);
    yyjson_val *wanted = json_get(request->input, "PointInTimeRecoverySpecification");
    update->is_enabled = ddb_get_boolean(wanted, "PointInTimeRecoveryEnabled", false);
    request->handler_state = update;
    enum err rc = find_table(request, &update->table);
    return rc ? rc : request_write(request, change, answer);
}
