/* The inputs of all operations: names, types and limits as in the service's model. The order of
 * members is that in which limits are told. */
#include "services/dynamodb/shape.h"

/* clang-format off */

#define STRUCT(type_name, member_table) {.kind = DDB_SHAPE_STRUCT, .type = type_name, .members = member_table}
#define LIST_OF(shape, least, most) {.kind = DDB_SHAPE_LIST, .element = shape, .min = least, .max = most}
#define MAP_OF(type_name, shape) {.kind = DDB_SHAPE_MAP, .type = type_name, .element = shape}
#define CHOICE(values) {.kind = DDB_SHAPE_STRING, .choices = values}
#define END {NULL, NULL, false}

/* --- Plain ones --- */

static const struct ddb_shape string = {.kind = DDB_SHAPE_STRING};
static const struct ddb_shape boolean = {.kind = DDB_SHAPE_BOOLEAN};
static const struct ddb_shape timestamp = {.kind = DDB_SHAPE_DOUBLE};
static const struct ddb_shape positive = {.kind = DDB_SHAPE_INTEGER, .min = 1};
static const struct ddb_shape query_limit = {.kind = DDB_SHAPE_INTEGER, .min = 1, .flags = DDB_SHAPE_BARE};
static const struct ddb_shape units = {.kind = DDB_SHAPE_LONG, .min = 1};
static const struct ddb_shape up_to_100 = {.kind = DDB_SHAPE_INTEGER, .min = 1, .max = 100};
static const struct ddb_shape any_long = {.kind = DDB_SHAPE_LONG, .min = INT64_MIN};
static const struct ddb_shape name = {.kind = DDB_SHAPE_STRING, .min = 3, .max = 255, .flags = DDB_SHAPE_NAME};
static const struct ddb_shape table_name = {.kind = DDB_SHAPE_STRING, .min = 3, .max = 255,
                                            .flags = DDB_SHAPE_NAME | DDB_SHAPE_ARN};
static const struct ddb_shape control_name = {.kind = DDB_SHAPE_STRING,
                                              .flags = DDB_SHAPE_NAME | DDB_SHAPE_ARN | DDB_SHAPE_CONTROL};
static const struct ddb_shape new_name = {.kind = DDB_SHAPE_STRING, .min = 3, .max = 255,
                                          .flags = DDB_SHAPE_NAME | DDB_SHAPE_CONTROL};
static const struct ddb_shape attribute_name = {.kind = DDB_SHAPE_STRING, .max = 65535};
static const struct ddb_shape key_name = {.kind = DDB_SHAPE_STRING, .min = 1, .max = 255};
static const struct ddb_shape resource_arn = {.kind = DDB_SHAPE_STRING, .min = 1, .max = 1283};
static const struct ddb_shape long_arn = {.kind = DDB_SHAPE_STRING, .min = 37, .max = 1024};
static const struct ddb_shape token = {.kind = DDB_SHAPE_STRING, .min = 1, .max = 36};
static const struct ddb_shape value = {.kind = DDB_SHAPE_VALUE};
static const struct ddb_shape elsewhere = {.kind = DDB_SHAPE_ELSEWHERE};
static const struct ddb_shape values = LIST_OF(&value, 0, 0);
static const struct ddb_shape item = MAP_OF("AttributeValue", &value);
static const struct ddb_shape names = MAP_OF("java.lang.String", &attribute_name);
static const struct ddb_shape attributes_to_get = LIST_OF(&attribute_name, 1, 255);

static const struct ddb_shape consumed = CHOICE("INDEXES, TOTAL, NONE");
static const struct ddb_shape metrics = CHOICE("SIZE, NONE");
static const struct ddb_shape returned = CHOICE("ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW");
static const struct ddb_shape returned_on_failure = CHOICE("ALL_OLD, NONE");
static const struct ddb_shape selected = CHOICE("SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, ALL_PROJECTED_ATTRIBUTES");
static const struct ddb_shape operator = CHOICE("OR, AND");
static const struct ddb_shape comparison =
    CHOICE("IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, BEGINS_WITH, GE, CONTAINS");
static const struct ddb_shape update_action = CHOICE("ADD, PUT, DELETE");
static const struct ddb_shape key_type = CHOICE("HASH, RANGE");
static const struct ddb_shape scalar_type = CHOICE("B, N, S");
static const struct ddb_shape billing_mode = CHOICE("PROVISIONED, PAY_PER_REQUEST");
static const struct ddb_shape projection_type = CHOICE("ALL, INCLUDE, KEYS_ONLY");
static const struct ddb_shape view_type = CHOICE("NEW_IMAGE, OLD_IMAGE, NEW_AND_OLD_IMAGES, KEYS_ONLY");
static const struct ddb_shape sse_type = CHOICE("AES256, KMS");
static const struct ddb_shape table_class = CHOICE("STANDARD, STANDARD_INFREQUENT_ACCESS");
static const struct ddb_shape backup_type = CHOICE("USER, SYSTEM, AWS_BACKUP, ALL");
static const struct ddb_shape iterator_type = CHOICE("TRIM_HORIZON, LATEST, AT_SEQUENCE_NUMBER, AFTER_SEQUENCE_NUMBER");

/* --- Conditions of the older style --- */

static const struct ddb_member expected_members[] = {
    {"AttributeValueList", &values, false}, {"ComparisonOperator", &comparison, false},
    {"Exists", &boolean, false}, {"Value", &value, false}, END};
static const struct ddb_shape expected_value = STRUCT("ExpectedAttributeValue", expected_members);
static const struct ddb_shape expected = MAP_OF("ExpectedAttributeValue", &expected_value);
static const struct ddb_member condition_members[] = {
    {"AttributeValueList", &values, false}, {"ComparisonOperator", &comparison, true}, END};
static const struct ddb_shape condition = STRUCT("Condition", condition_members);
static const struct ddb_shape conditions = MAP_OF("Condition", &condition);
static const struct ddb_member update_members[] = {
    {"Action", &update_action, false}, {"Value", &value, false}, END};
static const struct ddb_shape attribute_update = STRUCT("AttributeValueUpdate", update_members);
static const struct ddb_shape attribute_updates = MAP_OF("AttributeValueUpdate", &attribute_update);

/* --- Items --- */

static const struct ddb_member put_item[] = {
    {"ReturnConsumedCapacity", &consumed, false}, {"TableName", &table_name, true}, {"Item", &item, true},
    {"ConditionalOperator", &operator, false}, {"Expected", &expected, false}, {"ReturnValues", &returned, false},
    {"ReturnItemCollectionMetrics", &metrics, false}, {"ConditionExpression", &string, false},
    {"ExpressionAttributeValues", &item, false}, {"ExpressionAttributeNames", &names, false},
    {"ReturnValuesOnConditionCheckFailure", &returned_on_failure, false}, END};
static const struct ddb_member get_item[] = {
    {"ReturnConsumedCapacity", &consumed, false}, {"AttributesToGet", &attributes_to_get, false},
    {"TableName", &table_name, true}, {"Key", &item, true}, {"ConsistentRead", &boolean, false},
    {"ProjectionExpression", &string, false}, {"ExpressionAttributeNames", &names, false}, END};
static const struct ddb_member update_item[] = {
    {"ReturnConsumedCapacity", &consumed, false}, {"TableName", &table_name, true},
    {"ReturnItemCollectionMetrics", &metrics, false}, {"ReturnValues", &returned, false}, {"Key", &item, true},
    {"ConditionalOperator", &operator, false}, {"Expected", &expected, false},
    {"AttributeUpdates", &attribute_updates, false}, {"ConditionExpression", &string, false},
    {"UpdateExpression", &string, false}, {"ExpressionAttributeValues", &item, false},
    {"ExpressionAttributeNames", &names, false},
    {"ReturnValuesOnConditionCheckFailure", &returned_on_failure, false}, END};
static const struct ddb_member delete_item[] = {
    {"ReturnConsumedCapacity", &consumed, false}, {"TableName", &table_name, true},
    {"ReturnValues", &returned, false}, {"ReturnItemCollectionMetrics", &metrics, false}, {"Key", &item, true},
    {"ConditionalOperator", &operator, false}, {"Expected", &expected, false},
    {"ConditionExpression", &string, false}, {"ExpressionAttributeValues", &item, false},
    {"ExpressionAttributeNames", &names, false},
    {"ReturnValuesOnConditionCheckFailure", &returned_on_failure, false}, END};
static const struct ddb_member query[] = {
    {"Select", &selected, false}, {"IndexName", &name, false}, {"ReturnConsumedCapacity", &consumed, false},
    {"QueryFilter", &conditions, false}, {"TableName", &table_name, true}, {"ConditionalOperator", &operator, false},
    {"AttributesToGet", &attributes_to_get, false}, {"Limit", &query_limit, false},
    {"KeyConditions", &conditions, false}, {"ExclusiveStartKey", &item, false}, {"ConsistentRead", &boolean, false},
    {"ScanIndexForward", &boolean, false}, {"KeyConditionExpression", &string, false},
    {"FilterExpression", &string, false}, {"ProjectionExpression", &string, false},
    {"ExpressionAttributeValues", &item, false}, {"ExpressionAttributeNames", &names, false}, END};
static const struct ddb_shape total_segments = {.kind = DDB_SHAPE_INTEGER, .min = 1, .max = 1000000};
static const struct ddb_shape segment = {.kind = DDB_SHAPE_INTEGER};
static const struct ddb_member scan[] = {
    {"Select", &selected, false}, {"IndexName", &name, false}, {"TotalSegments", &total_segments, false},
    {"ReturnConsumedCapacity", &consumed, false}, {"TableName", &table_name, true},
    {"ConditionalOperator", &operator, false}, {"ScanFilter", &conditions, false}, {"Segment", &segment, false},
    {"Limit", &positive, false}, {"AttributesToGet", &attributes_to_get, false},
    {"ExclusiveStartKey", &item, false}, {"FilterExpression", &string, false},
    {"ProjectionExpression", &string, false}, {"ExpressionAttributeValues", &item, false},
    {"ExpressionAttributeNames", &names, false}, {"ConsistentRead", &boolean, false}, END};

/* --- Batches and transactions --- */

static const struct ddb_shape item_in_list = {.kind = DDB_SHAPE_MAP, .type = "AttributeValue", .element = &value,
                                              .flags = DDB_SHAPE_PARAMETERIZED};
static const struct ddb_shape keys = {.kind = DDB_SHAPE_LIST, .element = &item_in_list, .min = 1, .max = 100,
                                      .flags = DDB_SHAPE_BARE};
static const struct ddb_member keys_members[] = {
    {"Keys", &keys, true}, {"AttributesToGet", &attributes_to_get, false}, {"ConsistentRead", &boolean, false},
    {"ProjectionExpression", &string, false}, {"ExpressionAttributeNames", &names, false}, END};
static const struct ddb_shape keys_and_attributes = STRUCT("KeysAndAttributes", keys_members);
static const struct ddb_shape batch_get_map = {.kind = DDB_SHAPE_MAP, .type = "KeysAndAttributes",
    .element = &keys_and_attributes, .key = &table_name, .max = 100};
static const struct ddb_member batch_get_item[] = {
    {"ReturnConsumedCapacity", &consumed, false}, {"RequestItems", &batch_get_map, true}, END};

static const struct ddb_member put_request_members[] = {{"Item", &item, true}, END};
static const struct ddb_shape put_request = STRUCT("PutRequest", put_request_members);
static const struct ddb_member delete_request_members[] = {{"Key", &item, true}, END};
static const struct ddb_shape delete_request = STRUCT("DeleteRequest", delete_request_members);
static const struct ddb_member write_request_members[] = {
    {"DeleteRequest", &delete_request, false}, {"PutRequest", &put_request, false}, END};
static const struct ddb_shape write_request = STRUCT("WriteRequest", write_request_members);
static const struct ddb_shape write_requests = {.kind = DDB_SHAPE_LIST, .element = &write_request,
                                                .flags = DDB_SHAPE_PARAMETERIZED};
static const struct ddb_shape write_requests_limit = {.kind = DDB_SHAPE_LIST, .min = 1, .max = 25};
static const struct ddb_shape batch_write_map = {.kind = DDB_SHAPE_MAP,
    .type = "java.util.List<com.amazonaws.dynamodb.v20120810.WriteRequest>", .element = &write_requests,
    .key = &table_name, .value = &write_requests_limit, .max = 25};
static const struct ddb_member batch_write_item[] = {
    {"ReturnConsumedCapacity", &consumed, false}, {"ReturnItemCollectionMetrics", &metrics, false},
    {"RequestItems", &batch_write_map, true}, END};

static const struct ddb_member get_members[] = {
    {"TableName", &table_name, true}, {"Key", &item, true}, {"ProjectionExpression", &string, false},
    {"ExpressionAttributeNames", &names, false}, END};
static const struct ddb_shape get = STRUCT("Get", get_members);
static const struct ddb_member transact_get_members[] = {{"Get", &get, true}, END};
static const struct ddb_shape transact_get = STRUCT("TransactGetItem", transact_get_members);
static const struct ddb_shape transact_gets = LIST_OF(&transact_get, 1, 100);
static const struct ddb_member transact_get_items[] = {
    {"ReturnConsumedCapacity", &consumed, false}, {"TransactItems", &transact_gets, true}, END};

#define TRANSACT_MEMBERS                                                                             \
    {"TableName", &table_name, true}, {"ConditionExpression", &string, false},                      \
    {"ExpressionAttributeValues", &item, false}, {"ExpressionAttributeNames", &names, false},       \
    {"ReturnValuesOnConditionCheckFailure", &returned_on_failure, false}
static const struct ddb_member check_members[] = {
    {"Key", &item, true}, {"TableName", &table_name, true}, {"ConditionExpression", &string, true},
    {"ExpressionAttributeValues", &item, false}, {"ExpressionAttributeNames", &names, false},
    {"ReturnValuesOnConditionCheckFailure", &returned_on_failure, false}, END};
static const struct ddb_shape check = STRUCT("ConditionCheck", check_members);
static const struct ddb_member put_members[] = {{"Item", &item, true}, TRANSACT_MEMBERS, END};
static const struct ddb_shape put = STRUCT("Put", put_members);
static const struct ddb_member delete_members[] = {{"Key", &item, true}, TRANSACT_MEMBERS, END};
static const struct ddb_shape delete = STRUCT("Delete", delete_members);
static const struct ddb_member transact_update_members[] = {
    {"Key", &item, true}, {"UpdateExpression", &string, true}, TRANSACT_MEMBERS, END};
static const struct ddb_shape update = STRUCT("Update", transact_update_members);
static const struct ddb_member transact_write_members[] = {
    {"ConditionCheck", &check, false}, {"Put", &put, false}, {"Delete", &delete, false},
    {"Update", &update, false}, END};
static const struct ddb_shape transact_write = STRUCT("TransactWriteItem", transact_write_members);
static const struct ddb_shape transact_writes = LIST_OF(&transact_write, 1, 100);
static const struct ddb_member transact_write_items[] = {
    {"ReturnConsumedCapacity", &consumed, false}, {"ReturnItemCollectionMetrics", &metrics, false},
    {"ClientRequestToken", &token, false}, {"TransactItems", &transact_writes, true}, END};

/* --- PartiQL --- */

static const struct ddb_shape statement_text = {.kind = DDB_SHAPE_STRING, .min = 1, .max = 8192};
static const struct ddb_shape parameters = LIST_OF(&value, 1, 0);
static const struct ddb_shape next_token = {.kind = DDB_SHAPE_STRING, .min = 1, .max = 32768};
static const struct ddb_member execute_statement[] = {
    {"Statement", &statement_text, true}, {"Parameters", &parameters, false}, {"ConsistentRead", &boolean, false},
    {"NextToken", &next_token, false}, {"ReturnConsumedCapacity", &consumed, false}, {"Limit", &positive, false},
    {"ReturnValuesOnConditionCheckFailure", &returned_on_failure, false}, END};
static const struct ddb_member batch_statement_members[] = {
    {"Statement", &statement_text, true}, {"Parameters", &parameters, false}, {"ConsistentRead", &boolean, false},
    {"ReturnValuesOnConditionCheckFailure", &returned_on_failure, false}, END};
static const struct ddb_shape batch_statement = STRUCT("BatchStatementRequest", batch_statement_members);
static const struct ddb_shape batch_statements = LIST_OF(&batch_statement, 1, 25);
static const struct ddb_member batch_execute_statement[] = {
    {"Statements", &batch_statements, true}, {"ReturnConsumedCapacity", &consumed, false}, END};
static const struct ddb_member parameterized_members[] = {
    {"Statement", &statement_text, true}, {"Parameters", &parameters, false},
    {"ReturnValuesOnConditionCheckFailure", &returned_on_failure, false}, END};
static const struct ddb_shape parameterized = STRUCT("ParameterizedStatement", parameterized_members);
static const struct ddb_shape transact_statements = LIST_OF(&parameterized, 1, 100);
static const struct ddb_member execute_transaction[] = {
    {"TransactStatements", &transact_statements, true}, {"ClientRequestToken", &token, false},
    {"ReturnConsumedCapacity", &consumed, false}, END};

/* --- Tables --- */

static const struct ddb_member definition_members[] = {
    {"AttributeName", &key_name, true}, {"AttributeType", &scalar_type, true}, END};
static const struct ddb_shape definition = STRUCT("AttributeDefinition", definition_members);
static const struct ddb_shape definitions = LIST_OF(&definition, 0, 0);
static const struct ddb_member key_members[] = {
    {"AttributeName", &key_name, true}, {"KeyType", &key_type, true}, END};
static const struct ddb_shape key_element = STRUCT("KeySchemaElement", key_members);
static const struct ddb_shape key_schema = LIST_OF(&key_element, 1, 2);
static const struct ddb_shape key_schema_of_several = LIST_OF(&key_element, 1, 8);
static const struct ddb_member throughput_members[] = {
    {"WriteCapacityUnits", &units, true}, {"ReadCapacityUnits", &units, true}, END};
static const struct ddb_shape throughput = STRUCT("ProvisionedThroughput", throughput_members);
static const struct ddb_member on_demand_members[] = {
    {"MaxReadRequestUnits", &any_long, false}, {"MaxWriteRequestUnits", &any_long, false}, END};
static const struct ddb_shape on_demand = STRUCT("OnDemandThroughput", on_demand_members);
static const struct ddb_member warm_members[] = {
    {"ReadUnitsPerSecond", &any_long, false}, {"WriteUnitsPerSecond", &any_long, false}, END};
static const struct ddb_shape warm = STRUCT("WarmThroughput", warm_members);
static const struct ddb_shape non_key_attributes = LIST_OF(&key_name, 1, 0);
static const struct ddb_member projection_members[] = {
    {"ProjectionType", &projection_type, false}, {"NonKeyAttributes", &non_key_attributes, false}, END};
static const struct ddb_shape projection = STRUCT("Projection", projection_members);
static const struct ddb_member local_members[] = {
    {"IndexName", &name, true}, {"KeySchema", &key_schema, true}, {"Projection", &projection, true}, END};
static const struct ddb_shape local_index = STRUCT("LocalSecondaryIndex", local_members);
static const struct ddb_shape local_indexes = LIST_OF(&local_index, 0, 0);
static const struct ddb_member global_members[] = {
    {"IndexName", &name, true}, {"KeySchema", &key_schema_of_several, true}, {"Projection", &projection, true},
    {"ProvisionedThroughput", &throughput, false}, {"OnDemandThroughput", &on_demand, false},
    {"WarmThroughput", &warm, false}, END};
static const struct ddb_shape global_index = STRUCT("GlobalSecondaryIndex", global_members);
static const struct ddb_shape global_indexes = LIST_OF(&global_index, 0, 0);
static const struct ddb_member stream_members[] = {
    {"StreamEnabled", &boolean, true}, {"StreamViewType", &view_type, false}, END};
static const struct ddb_shape stream = STRUCT("StreamSpecification", stream_members);
static const struct ddb_member sse_members[] = {
    {"Enabled", &boolean, false}, {"SSEType", &sse_type, false}, {"KMSMasterKeyId", &string, false}, END};
static const struct ddb_shape sse = STRUCT("SSESpecification", sse_members);
static const struct ddb_shape tag_key = {.kind = DDB_SHAPE_STRING, .min = 1, .max = 128};
static const struct ddb_shape tag_value = {.kind = DDB_SHAPE_STRING, .max = 256};
static const struct ddb_member tag_members[] = {{"Key", &tag_key, true}, {"Value", &tag_value, true}, END};
static const struct ddb_shape tag = STRUCT("Tag", tag_members);
static const struct ddb_shape tags = LIST_OF(&tag, 0, 0);
static const struct ddb_shape tag_keys = LIST_OF(&tag_key, 0, 0);

static const struct ddb_member create_table[] = {
    {"AttributeDefinitions", &definitions, true}, {"TableName", &new_name, true},
    {"BillingMode", &billing_mode, false}, {"ProvisionedThroughput", &throughput, false},
    {"OnDemandThroughput", &on_demand, false}, {"KeySchema", &key_schema, true},
    {"LocalSecondaryIndexes", &local_indexes, false}, {"GlobalSecondaryIndexes", &global_indexes, false},
    {"StreamSpecification", &stream, false}, {"SSESpecification", &sse, false}, {"Tags", &tags, false},
    {"TableClass", &table_class, false}, {"DeletionProtectionEnabled", &boolean, false},
    {"ResourcePolicy", &string, false}, {"WarmThroughput", &warm, false},
    {"GlobalTableSourceArn", &elsewhere, false}, {"GlobalTableSettingsReplicationMode", &elsewhere, false}, END};
static const struct ddb_member update_index_members[] = {
    {"IndexName", &name, true}, {"ProvisionedThroughput", &throughput, false},
    {"OnDemandThroughput", &on_demand, false}, {"WarmThroughput", &warm, false}, END};
static const struct ddb_shape update_index = STRUCT("UpdateGlobalSecondaryIndexAction", update_index_members);
static const struct ddb_shape create_index = STRUCT("CreateGlobalSecondaryIndexAction", global_members);
static const struct ddb_member delete_index_members[] = {{"IndexName", &name, true}, END};
static const struct ddb_shape delete_index = STRUCT("DeleteGlobalSecondaryIndexAction", delete_index_members);
static const struct ddb_member index_update_members[] = {
    {"Update", &update_index, false}, {"Create", &create_index, false}, {"Delete", &delete_index, false}, END};
static const struct ddb_shape index_update = STRUCT("GlobalSecondaryIndexUpdate", index_update_members);
static const struct ddb_shape index_updates = LIST_OF(&index_update, 0, 0);
static const struct ddb_member update_table[] = {
    {"TableName", &control_name, true}, {"AttributeDefinitions", &definitions, false},
    {"ProvisionedThroughput", &throughput, false}, {"OnDemandThroughput", &on_demand, false},
    {"BillingMode", &billing_mode, false}, {"GlobalSecondaryIndexUpdates", &index_updates, false},
    {"StreamSpecification", &stream, false}, {"SSESpecification", &sse, false},
    {"TableClass", &table_class, false}, {"DeletionProtectionEnabled", &boolean, false},
    {"WarmThroughput", &warm, false}, {"ReplicaUpdates", &elsewhere, false},
    {"MultiRegionConsistency", &elsewhere, false}, {"GlobalTableWitnessUpdates", &elsewhere, false},
    {"GlobalTableSettingsReplicationMode", &elsewhere, false}, END};
static const struct ddb_member named_table[] = {{"TableName", &control_name, true}, END};
static const struct ddb_member list_tables[] = {
    {"Limit", &up_to_100, false}, {"ExclusiveStartTableName", &name, false}, END};
static const struct ddb_member tag_resource[] = {
    {"ResourceArn", &resource_arn, true}, {"Tags", &tags, true}, END};
static const struct ddb_member untag_resource[] = {
    {"ResourceArn", &resource_arn, true}, {"TagKeys", &tag_keys, true}, END};
static const struct ddb_member list_tags[] = {
    {"ResourceArn", &resource_arn, true}, {"NextToken", &string, false}, END};
static const struct ddb_shape revision_id = {.kind = DDB_SHAPE_STRING, .min = 1, .max = 255};
static const struct ddb_member put_policy[] = {
    {"ResourceArn", &resource_arn, true}, {"Policy", &string, true}, {"ExpectedRevisionId", &revision_id, false},
    {"ConfirmRemoveSelfResourceAccess", &boolean, false}, END};
static const struct ddb_member get_policy[] = {{"ResourceArn", &resource_arn, true}, END};
static const struct ddb_member delete_policy[] = {
    {"ResourceArn", &resource_arn, true}, {"ExpectedRevisionId", &revision_id, false}, END};
static const struct ddb_member ttl_members[] = {
    {"Enabled", &boolean, true}, {"AttributeName", &key_name, true}, END};
static const struct ddb_shape ttl = STRUCT("TimeToLiveSpecification", ttl_members);
static const struct ddb_member update_ttl[] = {
    {"TableName", &control_name, true}, {"TimeToLiveSpecification", &ttl, true}, END};
static const struct ddb_member nothing[] = {END};

/* --- Backups --- */

static const struct ddb_shape recovery_days = {.kind = DDB_SHAPE_INTEGER, .min = 1, .max = 35};
static const struct ddb_member recovery_members[] = {
    {"PointInTimeRecoveryEnabled", &boolean, true}, {"RecoveryPeriodInDays", &recovery_days, false}, END};
static const struct ddb_shape recovery = STRUCT("PointInTimeRecoverySpecification", recovery_members);
static const struct ddb_member update_continuous[] = {
    {"TableName", &table_name, true}, {"PointInTimeRecoverySpecification", &recovery, true}, END};
static const struct ddb_member described_continuous[] = {{"TableName", &table_name, true}, END};
static const struct ddb_member create_backup[] = {
    {"TableName", &table_name, true}, {"BackupName", &name, true}, END};
static const struct ddb_member named_backup[] = {{"BackupArn", &long_arn, true}, END};
static const struct ddb_member list_backups[] = {
    {"TableName", &table_name, false}, {"Limit", &up_to_100, false}, {"TimeRangeLowerBound", &timestamp, false},
    {"TimeRangeUpperBound", &timestamp, false}, {"ExclusiveStartBackupArn", &long_arn, false},
    {"BackupType", &backup_type, false}, END};
#define RESTORE_MEMBERS                                                                              \
    {"BillingModeOverride", &billing_mode, false}, {"GlobalSecondaryIndexOverride", &global_indexes, false},  \
    {"LocalSecondaryIndexOverride", &local_indexes, false},                                         \
    {"ProvisionedThroughputOverride", &throughput, false},                                          \
    {"OnDemandThroughputOverride", &on_demand, false}, {"SSESpecificationOverride", &sse, false}
static const struct ddb_member restore_from_backup[] = {
    {"TargetTableName", &name, true}, {"BackupArn", &long_arn, true}, RESTORE_MEMBERS, END};
static const struct ddb_member restore_to_time[] = {
    {"SourceTableArn", &string, false}, {"SourceTableName", &name, false}, {"TargetTableName", &name, true},
    {"UseLatestRestorableTime", &boolean, false}, {"RestoreDateTime", &timestamp, false}, RESTORE_MEMBERS, END};

/* --- Streams --- */

static const struct ddb_shape shard_id = {.kind = DDB_SHAPE_STRING, .min = 28, .max = 65};
static const struct ddb_shape iterator = {.kind = DDB_SHAPE_STRING, .min = 1, .max = 2048};
static const struct ddb_shape sequence_number = {.kind = DDB_SHAPE_STRING, .min = 21, .max = 40};
static const struct ddb_shape record_limit = {.kind = DDB_SHAPE_INTEGER, .min = 1, .max = 1000};
static const struct ddb_member list_streams[] = {
    {"TableName", &name, false}, {"Limit", &up_to_100, false}, {"ExclusiveStartStreamArn", &long_arn, false}, END};
static const struct ddb_shape shard_filter_type = CHOICE("CHILD_SHARDS");
static const struct ddb_member shard_filter_members[] = {
    {"Type", &shard_filter_type, false}, {"ShardId", &shard_id, false}, END};
static const struct ddb_shape shard_filter = STRUCT("ShardFilter", shard_filter_members);
static const struct ddb_member describe_stream[] = {
    {"StreamArn", &long_arn, true}, {"Limit", &up_to_100, false}, {"ExclusiveStartShardId", &shard_id, false},
    {"ShardFilter", &shard_filter, false}, END};
static const struct ddb_member get_shard_iterator[] = {
    {"StreamArn", &long_arn, true}, {"ShardId", &shard_id, true}, {"ShardIteratorType", &iterator_type, true},
    {"SequenceNumber", &sequence_number, false}, END};
static const struct ddb_member get_records[] = {
    {"ShardIterator", &iterator, true}, {"Limit", &record_limit, false}, END};

/* --- Operations --- */

#define INPUT(operation, member_table) {#operation, STRUCT(#operation "Input", member_table)}

static const struct {
    const char *operation;
    struct ddb_shape shape;
} inputs[] = {
    INPUT(PutItem, put_item),
    INPUT(GetItem, get_item),
    INPUT(UpdateItem, update_item),
    INPUT(DeleteItem, delete_item),
    INPUT(Query, query),
    INPUT(Scan, scan),
    INPUT(BatchGetItem, batch_get_item),
    INPUT(BatchWriteItem, batch_write_item),
    INPUT(TransactGetItems, transact_get_items),
    INPUT(TransactWriteItems, transact_write_items),
    INPUT(ExecuteStatement, execute_statement),
    INPUT(BatchExecuteStatement, batch_execute_statement),
    INPUT(ExecuteTransaction, execute_transaction),
    INPUT(CreateTable, create_table),
    INPUT(UpdateTable, update_table),
    INPUT(DescribeTable, named_table),
    INPUT(DeleteTable, named_table),
    INPUT(ListTables, list_tables),
    INPUT(TagResource, tag_resource),
    INPUT(UntagResource, untag_resource),
    INPUT(ListTagsOfResource, list_tags),
    INPUT(PutResourcePolicy, put_policy),
    INPUT(GetResourcePolicy, get_policy),
    INPUT(DeleteResourcePolicy, delete_policy),
    INPUT(UpdateTimeToLive, update_ttl),
    INPUT(DescribeTimeToLive, named_table),
    INPUT(DescribeLimits, nothing),
    INPUT(DescribeEndpoints, nothing),
    INPUT(DescribeContinuousBackups, described_continuous),
    INPUT(UpdateContinuousBackups, update_continuous),
    INPUT(CreateBackup, create_backup),
    INPUT(DescribeBackup, named_backup),
    INPUT(DeleteBackup, named_backup),
    INPUT(ListBackups, list_backups),
    INPUT(RestoreTableFromBackup, restore_from_backup),
    INPUT(RestoreTableToPointInTime, restore_to_time),
    INPUT(ListStreams, list_streams),
    INPUT(DescribeStream, describe_stream),
    INPUT(GetShardIterator, get_shard_iterator),
    INPUT(GetRecords, get_records),
};

/* clang-format on */

const struct ddb_shape *ddb_shape_of_input(const char *operation)
{
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        if (strcmp(inputs[i].operation, operation) == 0)
            return &inputs[i].shape;
    }
    return NULL;
}
