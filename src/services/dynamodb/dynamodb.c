/* The service: its operations, its errors' names, its state. */
#include "services/dynamodb/dynamodb.h"

#include <stdlib.h>

#include "base/clock.h"

#include "services/dynamodb/backup.h"
#include "services/dynamodb/job.h"
#include "services/dynamodb/journal.h"
#include "services/dynamodb/metrics.h"
#include "core/arn.h"
#include "services/dynamodb/operations.h"
#include "services/dynamodb/resource_policy.h"
#include "services/dynamodb/shape.h"
#include "services/dynamodb/stream.h"
#include "services/dynamodb/streams.h"

#define OPERATION(name, handler, resource)                                                         \
    {                                                                                              \
#name, handler, "dynamodb:" #name, resource, NULL, NULL, 0, 0                              \
    }

#define BULK_OPERATION(name, handler, resource)                                                    \
    {                                                                                              \
#name, handler, "dynamodb:" #name, resource, NULL, NULL, 0, OPERATION_BULK                 \
    }

/* Of operations on several tables: the handler checks the permission on each. */
#define OPERATION_ON_SEVERAL(name, handler)                                                        \
    {                                                                                              \
#name, handler, "dynamodb:" #name, NULL, NULL, NULL, 0, OPERATION_NO_IAM                   \
    }
#define BULK_OPERATION_ON_SEVERAL(name, handler)                                                   \
    {                                                                                              \
#name, handler, "dynamodb:" #name, NULL, NULL, NULL, 0, OPERATION_NO_IAM | OPERATION_BULK  \
    }

#define READ(name, handler, resource)                                                              \
    {                                                                                              \
#name, handler, "dynamodb:" #name, resource, NULL, NULL, 0, OPERATION_READ                 \
    }

#define READ_ON_SEVERAL(name, handler)                                                             \
    {                                                                                              \
#name, handler, "dynamodb:" #name, NULL, NULL, NULL, 0, OPERATION_NO_IAM | OPERATION_READ  \
    }

static const struct operation operations[] = {
    BULK_OPERATION_ON_SEVERAL(BatchExecuteStatement, ddb_batch_execute_statement),
    READ_ON_SEVERAL(BatchGetItem, ddb_batch_get_item),
    BULK_OPERATION_ON_SEVERAL(BatchWriteItem, ddb_batch_write_item),
    BULK_OPERATION(CreateBackup, ddb_create_backup, ddb_table_resource),
    OPERATION(CreateTable, ddb_create_table, ddb_table_resource),
    OPERATION(DeleteBackup, ddb_delete_backup, ddb_backup_resource),
    OPERATION(DeleteItem, ddb_delete_item, ddb_table_resource),
    OPERATION(DeleteResourcePolicy, ddb_delete_resource_policy, ddb_given_resource),
    OPERATION(DeleteTable, ddb_delete_table, ddb_table_resource),
    READ(DescribeBackup, ddb_describe_backup, ddb_backup_resource),
    READ(DescribeContinuousBackups, ddb_describe_continuous_backups, ddb_table_resource),
    READ(DescribeEndpoints, ddb_describe_endpoints, NULL),
    READ(DescribeLimits, ddb_describe_limits, NULL),
    READ(DescribeTable, ddb_describe_table, ddb_table_resource),
    READ(DescribeTimeToLive, ddb_describe_time_to_live, ddb_table_resource),
    BULK_OPERATION_ON_SEVERAL(ExecuteStatement, ddb_execute_statement),
    BULK_OPERATION_ON_SEVERAL(ExecuteTransaction, ddb_execute_transaction),
    OPERATION(GetItem, ddb_get_item, ddb_table_resource),
    READ(GetResourcePolicy, ddb_get_resource_policy, ddb_given_resource),
    READ(ListBackups, ddb_list_backups, NULL),
    READ(ListTables, ddb_list_tables, NULL),
    READ(ListTagsOfResource, ddb_list_tags_of_resource, ddb_given_resource),
    BULK_OPERATION(PutItem, ddb_put_item, ddb_table_resource),
    OPERATION(PutResourcePolicy, ddb_put_resource_policy, ddb_given_resource),
    READ(Query, ddb_query, ddb_index_resource),
    BULK_OPERATION(RestoreTableFromBackup, ddb_restore_table_from_backup, ddb_restore_resource),
    BULK_OPERATION(RestoreTableToPointInTime, ddb_restore_table_to_point_in_time,
                   ddb_restore_resource),
    READ(Scan, ddb_scan, ddb_index_resource),
    OPERATION(TagResource, ddb_tag_resource, ddb_given_resource),
    READ_ON_SEVERAL(TransactGetItems, ddb_transact_get_items),
    BULK_OPERATION_ON_SEVERAL(TransactWriteItems, ddb_transact_write_items),
    OPERATION(UntagResource, ddb_untag_resource, ddb_given_resource),
    OPERATION(UpdateContinuousBackups, ddb_update_continuous_backups, ddb_table_resource),
    BULK_OPERATION(UpdateItem, ddb_update_item, ddb_table_resource),
    OPERATION(UpdateTable, ddb_update_table, ddb_table_resource),
    OPERATION(UpdateTimeToLive, ddb_update_time_to_live, ddb_table_resource),
};

/* Which of AWS's three name spaces an error's type is in. */
static const char *prefix_of(enum err code)
{
    switch ((int)code) {
    case ERR_VALIDATION:
        return "com.amazon.coral.validate#";
    case ERR_SERIALIZATION:
    case ERR_UNKNOWN_OPERATION:
    case ERR_ACCESS_DENIED_EXCEPTION:
    case ERR_UNRECOGNIZED_CLIENT:
    case ERR_MISSING_AUTHENTICATION_TOKEN:
    case ERR_INCOMPLETE_SIGNATURE:
    case ERR_INVALID_SIGNATURE:
    case ERR_EXPIRED_TOKEN:
        return "com.amazon.coral.service#";
    default:
        return "com.amazonaws.dynamodb.v20120810#";
    }
}

static struct str type_of_error(const struct request *request, enum err code)
{
    if (code == ERR_INTERNAL)
        code = ERR_DDB_INTERNAL;
    return arena_printf(request->arena, "%s%s", prefix_of(code), error_type(code));
}

static enum err refuse_region(struct request *request, struct str member, struct str text,
                              const struct arn_parts *arn)
{
    (void)member;
    (void)text;
    (void)arn;
    return request_fail(request, ERR_DDB_RESOURCE_NOT_FOUND, "Requested resource not found");
}

static const char *const arn_members[] = {"TableName",
                                          "ResourceArn",
                                          "StreamArn",
                                          "BackupArn",
                                          "SourceTableArn",
                                          "SourceTableName",
                                          "ExclusiveStartBackupArn",
                                          "ExclusiveStartStreamArn",
                                          NULL};
static const struct arn_rules arn_rules = {arn_members, refuse_region};

static struct service service = {
    .name = "dynamodb",
    .signing_name = "dynamodb",
    .protocols = PROTOCOL_AWS_JSON_1_0,
    .target_prefix = "DynamoDB_20120810",
    .operations = operations,
    .operation_count = sizeof(operations) / sizeof(operations[0]),
    .condition_keys = ddb_condition_keys,
    .check_input = ddb_check_input,
    .arns = &arn_rules,
    .resource_policy = ddb_policy_of_resource,
    .observe = ddb_metrics_observe,
    .error_type = type_of_error,
    .unavailable = ERR_DDB_INTERNAL,
    .bad_packing = ERR_DDB_INTERNAL,
    .server = "Server",
};

/* Clients of before 2012 name the service so; the operations are the same. */
static struct service older_service = {
    .name = "dynamodb-20111205",
    .signing_name = "dynamodb",
    .protocols = PROTOCOL_AWS_JSON_1_0,
    .target_prefix = "DynamoDB_20111205",
    .operations = operations,
    .operation_count = sizeof(operations) / sizeof(operations[0]),
    .condition_keys = ddb_condition_keys,
    .check_input = ddb_check_input,
    .arns = &arn_rules,
    .resource_policy = ddb_policy_of_resource,
    .observe = ddb_metrics_observe,
    .error_type = type_of_error,
    .unavailable = ERR_DDB_INTERNAL,
    .bad_packing = ERR_DDB_INTERNAL,
    .server = "Server",
};

static struct service streams_service = {
    .name = "dynamodbstreams",
    .signing_name = "dynamodb",
    .protocols = PROTOCOL_AWS_JSON_1_0,
    .target_prefix = "DynamoDBStreams_20120810",
    .check_input = ddb_check_input,
    .arns = &arn_rules,
    .resource_policy = ddb_policy_of_resource,
    .error_type = type_of_error,
    .unavailable = ERR_DDB_INTERNAL,
    .bad_packing = ERR_DDB_INTERNAL,
    .server = "Server",
};

/* --- Periodic work --- */

enum { TICK_MS = 1000, TRIM_EVERY_MS = 60 * 1000 };

static void tick(void *arg)
{
    struct dynamodb *dynamodb = arg;
    int64_t now_ms = clock_wall_ms();
    ddb_jobs_go_on(dynamodb);
    ddb_expire(dynamodb);
    if (now_ms < dynamodb->next_trim_ms)
        return;
    dynamodb->next_trim_ms = now_ms + TRIM_EVERY_MS;
    ddb_stream_trim(dynamodb);
    ddb_journal_trim(dynamodb);
}

/* --- Starting and stopping --- */

static enum err load_tables(struct dynamodb *dynamodb, struct error *error)
{
    struct arena arena = {0};
    struct str prefix = ddb_table_store_key(&arena, STR_EMPTY), key, value;
    struct store_iter *iter = store_iter_new(dynamodb->skylite->store, STORE_META, prefix,
                                             store_prefix_end(&arena, prefix), false);
    enum err rc = OK;
    while (rc == OK && store_iter_next(iter, &key, &value)) {
        struct ddb_table *table;
        rc = ddb_table_load(dynamodb, value, &table, error);
        if (rc == OK)
            ddb_table_publish(dynamodb, table);
    }
    if (rc == OK)
        rc = store_iter_error(iter, error);
    store_iter_free(iter);
    arena_release(&arena);
    return rc;
}

enum err dynamodb_new(struct skylite *skylite, struct dynamodb **out, struct error *error)
{
    struct dynamodb *dynamodb = calloc(1, sizeof(*dynamodb));
    if (!dynamodb)
        abort();
    dynamodb->skylite = skylite;
    pthread_rwlock_init(&dynamodb->lock, NULL);
    pthread_mutex_init(&dynamodb->stalled_lock, NULL);
    dynamodb->observer.batch_ending = ddb_batch_ending;
    dynamodb->observer.batch_ended = ddb_batch_ended;
    store_observe(skylite->store, &dynamodb->observer);
    enum err rc = load_tables(dynamodb, error);
    if (rc == OK)
        rc = ddb_stream_resume(dynamodb, error);
    if (rc == OK)
        rc = ddb_journal_resume(dynamodb, error);
    if (rc == OK)
        rc = ddb_purge_resume(dynamodb, error);
    if (rc == OK)
        rc = ddb_backup_resume(dynamodb, error);
    if (rc == OK)
        rc = ddb_restore_resume(dynamodb, error);
    if (rc == OK)
        rc = ddb_fill_resume(dynamodb, error);
    if (rc) {
        dynamodb_free(dynamodb);
        return rc;
    }
    service.condition_key_count = older_service.condition_key_count = ddb_condition_key_count;
    service.self = older_service.self = streams_service.self = dynamodb;
    streams_service.operations = ddb_streams_operations(&streams_service.operation_count);
    skylite_add_service(skylite, &older_service);
    skylite_add_service(skylite, &service);
    skylite_add_service(skylite, &streams_service);
    loop_timer_start(skylite->loops[0], TICK_MS, TICK_MS, tick, dynamodb);
    *out = dynamodb;
    return OK;
}

void dynamodb_free(struct dynamodb *dynamodb)
{
    size_t cursor = 0;
    void *value;
    if (!dynamodb)
        return;
    atomic_store(&dynamodb->is_closing, true);
    ddb_jobs_stop(dynamodb);
    store_unobserve(dynamodb->skylite->store, &dynamodb->observer);
    arena_release(&dynamodb->staged_arena);
    while (map_next(&dynamodb->tables, &cursor, NULL, &value))
        ddb_table_unref(value);
    cursor = 0;
    while (map_next(&dynamodb->stats, &cursor, NULL, &value)) {
        ddb_metrics_free(((struct ddb_stats *)value)->metrics);
        free(value);
    }
    map_release(&dynamodb->tables);
    map_release(&dynamodb->stats);
    pthread_rwlock_destroy(&dynamodb->lock);
    pthread_mutex_destroy(&dynamodb->stalled_lock);
    free(dynamodb);
}
