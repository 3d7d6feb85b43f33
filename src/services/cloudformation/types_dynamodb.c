/* AWS::DynamoDB::Table */
#include "services/cloudformation/types.h"

static const struct cfn_property throughput_properties[] = {
    {"ReadCapacityUnits", NULL, CFN_INTEGER, 0, NULL},
    {"WriteCapacityUnits", NULL, CFN_INTEGER, 0, NULL},
    CFN_END,
};

static const struct cfn_property on_demand_properties[] = {
    {"MaxReadRequestUnits", NULL, CFN_INTEGER, 0, NULL},
    {"MaxWriteRequestUnits", NULL, CFN_INTEGER, 0, NULL},
    CFN_END,
};

static const struct cfn_property warm_properties[] = {
    {"ReadUnitsPerSecond", NULL, CFN_INTEGER, 0, NULL},
    {"WriteUnitsPerSecond", NULL, CFN_INTEGER, 0, NULL},
    CFN_END,
};

/* Of tables and of their global indexes. */
static const struct {
    const char *name;
    const struct cfn_property *properties;
} throughputs[] = {
    {"ProvisionedThroughput", throughput_properties},
    {"OnDemandThroughput", on_demand_properties},
    {"WarmThroughput", warm_properties},
};
enum { THROUGHPUTS = sizeof(throughputs) / sizeof(throughputs[0]) };

static const struct cfn_property key_properties[] = {
    {"AttributeName", NULL, CFN_COPY, CFN_REQUIRED, NULL},
    {"KeyType", NULL, CFN_COPY, CFN_REQUIRED, NULL},
    CFN_END,
};

static const struct cfn_property attribute_properties[] = {
    {"AttributeName", NULL, CFN_COPY, CFN_REQUIRED, NULL},
    {"AttributeType", NULL, CFN_COPY, CFN_REQUIRED, NULL},
    CFN_END,
};

static const struct cfn_property projection_properties[] = {
    {"ProjectionType", NULL, CFN_COPY, 0, NULL},
    {"NonKeyAttributes", NULL, CFN_COPY, 0, NULL},
    CFN_END,
};

static const struct cfn_property index_properties[] = {
    {"IndexName", NULL, CFN_COPY, CFN_REQUIRED, NULL},
    {"KeySchema", NULL, CFN_COPY, CFN_REQUIRED, key_properties},
    {"Projection", NULL, CFN_COPY, CFN_REQUIRED, projection_properties},
    {"ProvisionedThroughput", NULL, CFN_COPY, 0, throughput_properties},
    {"OnDemandThroughput", NULL, CFN_COPY, 0, on_demand_properties},
    {"WarmThroughput", NULL, CFN_COPY, 0, warm_properties},
    CFN_END,
};

static const struct cfn_property local_index_properties[] = {
    {"IndexName", NULL, CFN_COPY, CFN_REQUIRED, NULL},
    {"KeySchema", NULL, CFN_COPY, CFN_REQUIRED, key_properties},
    {"Projection", NULL, CFN_COPY, CFN_REQUIRED, projection_properties},
    CFN_END,
};

static const struct cfn_property encryption_properties[] = {
    {"SSEEnabled", NULL, CFN_BOOLEAN, CFN_REQUIRED, NULL},
    {"SSEType", NULL, CFN_COPY, 0, NULL},
    {"KMSMasterKeyId", NULL, CFN_COPY, 0, NULL},
    CFN_END,
};

static const struct cfn_property stream_properties[] = {
    {"StreamViewType", NULL, CFN_COPY, CFN_REQUIRED, NULL},
    CFN_END,
};

static const struct cfn_property expiry_properties[] = {
    {"AttributeName", NULL, CFN_COPY, 0, NULL},
    {"Enabled", NULL, CFN_BOOLEAN, CFN_REQUIRED, NULL},
    CFN_END,
};

static const struct cfn_property recovery_properties[] = {
    {"PointInTimeRecoveryEnabled", NULL, CFN_BOOLEAN, 0, NULL},
    {"RecoveryPeriodInDays", NULL, CFN_INTEGER, 0, NULL},
    CFN_END,
};

static const struct cfn_property policy_properties[] = {
    {"PolicyDocument", NULL, CFN_OWN, CFN_REQUIRED, NULL},
    CFN_END,
};

static const struct cfn_property table_properties[] = {
    {"TableName", NULL, CFN_OWN, CFN_REPLACES, NULL},
    {"AttributeDefinitions", "AttributeDefinitions", CFN_COPY, 0, attribute_properties},
    {"KeySchema", "KeySchema", CFN_COPY, CFN_REQUIRED | CFN_REPLACES, key_properties},
    {"BillingMode", "BillingMode", CFN_COPY, 0, NULL},
    {"ProvisionedThroughput", "ProvisionedThroughput", CFN_COPY, 0, throughput_properties},
    {"OnDemandThroughput", "OnDemandThroughput", CFN_COPY, 0, on_demand_properties},
    {"WarmThroughput", "WarmThroughput", CFN_COPY, 0, warm_properties},
    {"GlobalSecondaryIndexes", "GlobalSecondaryIndexes", CFN_COPY, 0, index_properties},
    {"LocalSecondaryIndexes", "LocalSecondaryIndexes", CFN_COPY, CFN_REPLACES,
     local_index_properties},
    {"DeletionProtectionEnabled", "DeletionProtectionEnabled", CFN_BOOLEAN, 0, NULL},
    {"TableClass", "TableClass", CFN_COPY, 0, NULL},
    {"Tags", "Tags", CFN_COPY, 0, NULL},
    {"SSESpecification", NULL, CFN_OWN, 0, encryption_properties},
    {"StreamSpecification", NULL, CFN_OWN, 0, stream_properties},
    {"TimeToLiveSpecification", NULL, CFN_OWN, 0, expiry_properties},
    {"PointInTimeRecoverySpecification", NULL, CFN_OWN, 0, recovery_properties},
    {"ResourcePolicy", NULL, CFN_OWN, 0, policy_properties},
    CFN_END,
};

static struct cfn_call *add(struct cfn_calls *calls, const char *operation)
{
    struct cfn_call *call = cfn_add(calls, "dynamodb", operation);
    cfn_put(calls->step, call, "TableName", calls->step->physical_id);
    return call;
}

/* --- Parts of the input --- */

static void put_encryption(struct cfn_step *step, struct cfn_call *call)
{
    yyjson_val *wanted = json_get(step->properties, "SSESpecification");
    yyjson_mut_val *out = json_add_obj(step->doc, call->input, "SSESpecification");
    json_add_bool(step->doc, out, "Enabled", json_get_bool(wanted, "SSEEnabled", false));
    json_add_copy(step->doc, out, "SSEType", json_get(wanted, "SSEType"));
    json_add_copy(step->doc, out, "KMSMasterKeyId", json_get(wanted, "KMSMasterKeyId"));
}

static void put_stream(struct cfn_step *step, struct cfn_call *call, const yyjson_val *stream)
{
    yyjson_mut_val *out = json_add_obj(step->doc, call->input, "StreamSpecification");
    json_add_bool(step->doc, out, "StreamEnabled", stream != NULL);
    json_add_copy(step->doc, out, "StreamViewType", json_get(stream, "StreamViewType"));
}

static struct str expiry_attribute(const yyjson_val *properties)
{
    yyjson_val *expiry = json_get(properties, "TimeToLiveSpecification");
    return json_get_bool(expiry, "Enabled", false) ? json_get_str(expiry, "AttributeName")
                                                   : STR_EMPTY;
}

static void set_expiry(struct cfn_calls *calls, struct str attribute, bool is_enabled)
{
    struct cfn_step *step = calls->step;
    struct cfn_call *call = add(calls, "UpdateTimeToLive");
    yyjson_mut_val *out = json_add_obj(step->doc, call->input, "TimeToLiveSpecification");
    json_add_str(step->doc, out, "AttributeName", attribute);
    json_add_bool(step->doc, out, "Enabled", is_enabled);
}

/* From what it was to what it is to be; a new table has none. */
static void change_expiry(struct cfn_step *step, struct cfn_calls *calls)
{
    struct str before = expiry_attribute(step->old_properties);
    struct str now = expiry_attribute(step->properties);
    if (str_eq(before, now))
        return;
    if (before.len)
        set_expiry(calls, before, false);
    if (now.len)
        set_expiry(calls, now, true);
}

static void change_recovery(struct cfn_step *step, struct cfn_calls *calls)
{
    yyjson_val *wanted = json_get(step->properties, "PointInTimeRecoverySpecification");
    if (!cfn_changed(step, "PointInTimeRecoverySpecification"))
        return;
    struct cfn_call *call = add(calls, "UpdateContinuousBackups");
    yyjson_mut_val *out = json_add_obj(step->doc, call->input, "PointInTimeRecoverySpecification");
    int64_t days;
    json_add_bool(step->doc, out, "PointInTimeRecoveryEnabled",
                  json_get_bool(wanted, "PointInTimeRecoveryEnabled", false));
    if (json_get_i64(wanted, "RecoveryPeriodInDays", &days))
        json_add_i64(step->doc, out, "RecoveryPeriodInDays", days);
}

/* --- The table --- */

/* Its answers may come after the write, so that their receipts tell nothing. */
static void change_policy(struct cfn_step *step, struct cfn_calls *calls)
{
    yyjson_val *policy = json_get(step->properties, "ResourcePolicy");
    if (!cfn_changed(step, "ResourcePolicy"))
        return;
    struct cfn_call *call =
        cfn_add(calls, "dynamodb", policy ? "PutResourcePolicy" : "DeleteResourcePolicy");
    cfn_put(step, call, "ResourceArn",
            cfn_arn(step, "dynamodb", "table/%.*s", STR_ARG(step->physical_id)));
    cfn_put(step, call, "Policy", cfn_text(step, policy, "PolicyDocument"));
}

static void answered_table(struct cfn_step *step, const struct cfn_call *call,
                           yyjson_mut_val *output)
{
    yyjson_mut_val *table = yyjson_mut_obj_get(output, "Table");
    if (cfn_is(call, "CreateTable")) {
        step->physical_id = cfn_name(step, "TableName");
        cfn_set_attribute(step, "Arn",
                          cfn_arn(step, "dynamodb", "table/%.*s", STR_ARG(step->physical_id)));
    } else if (cfn_is(call, "DescribeTable")) {
        cfn_set_attribute(step, "StreamArn", cfn_output(step, table, "LatestStreamArn"));
    }
}

static enum err create_table(struct cfn_step *step, struct cfn_calls *calls)
{
    struct cfn_call *call = cfn_add(calls, "dynamodb", "CreateTable");
    yyjson_val *stream = json_get(step->properties, "StreamSpecification");
    cfn_map(step, call, table_properties);
    cfn_put(step, call, "TableName", cfn_name(step, "TableName"));
    if (json_get(step->properties, "SSESpecification"))
        put_encryption(step, call);
    if (stream)
        put_stream(step, call, stream);
    change_expiry(step, calls);
    change_recovery(step, calls);
    change_policy(step, calls);
    if (stream)
        add(calls, "DescribeTable");
    return OK;
}

static enum err remove_table(struct cfn_step *step, struct cfn_calls *calls)
{
    (void)step;
    add(calls, "DeleteTable");
    return OK;
}

/* --- Changing it --- */

static yyjson_val *find_named(const yyjson_val *list, const char *member, const yyjson_val *like)
{
    yyjson_val *item;
    size_t i, max;
    yyjson_arr_foreach ((yyjson_val *)(uintptr_t)list, i, max, item) {
        if (str_eq(json_get_str(item, member), json_get_str(like, member)))
            return item;
    }
    return NULL;
}

/* A key that becomes of another type cannot stay in the table. */
static bool needs_replacement(const yyjson_val *before, const yyjson_val *after)
{
    yyjson_val *attribute, *others = json_get(before, "AttributeDefinitions");
    size_t i, max;
    yyjson_arr_foreach (json_get(after, "AttributeDefinitions"), i, max, attribute) {
        yyjson_val *other = find_named(others, "AttributeName", attribute);
        if (other && !yyjson_equals(other, attribute))
            return true;
    }
    return false;
}

static bool is_same_index(const yyjson_val *a, const yyjson_val *b)
{
    return yyjson_equals(json_get(a, "KeySchema"), json_get(b, "KeySchema")) &&
           yyjson_equals(json_get(a, "Projection"), json_get(b, "Projection"));
}

static yyjson_mut_val *add_index_update(struct cfn_step *step, struct cfn_call *call,
                                        const char *action, const yyjson_val *index)
{
    yyjson_mut_val *list = yyjson_mut_obj_get(call->input, "GlobalSecondaryIndexUpdates");
    if (!list)
        list = json_add_arr(step->doc, call->input, "GlobalSecondaryIndexUpdates");
    yyjson_mut_val *update = yyjson_mut_arr_add_obj(step->doc, list);
    yyjson_mut_val *out = json_add_obj(step->doc, update, action);
    json_add_copy(step->doc, out, "IndexName", json_get(index, "IndexName"));
    return out;
}

/* Throughput of indexes that stay. */
static enum err update_indexes(struct cfn_step *step, struct cfn_call *call)
{
    yyjson_val *before = json_get(step->old_properties, "GlobalSecondaryIndexes"), *index;
    size_t i, max;
    yyjson_arr_foreach (json_get(step->properties, "GlobalSecondaryIndexes"), i, max, index) {
        yyjson_val *old = find_named(before, "IndexName", index);
        yyjson_mut_val *update = NULL;
        if (old && !is_same_index(old, index))
            return error_set(step->error, ERR_VALIDATION_ERROR,
                             "Cannot update GSI's properties other than Provisioned Throughput and "
                             "Contributor Insights Specification. You can create a new GSI with a "
                             "different name.");
        for (size_t k = 0; old && k < THROUGHPUTS; k++) {
            yyjson_val *wanted = json_get(index, throughputs[k].name);
            if (!wanted || yyjson_equals(wanted, json_get(old, throughputs[k].name)))
                continue;
            if (!update)
                update = add_index_update(step, call, "Update", index);
            json_add(step->doc, update, throughputs[k].name,
                     cfn_typed(step, wanted, throughputs[k].properties));
        }
    }
    return OK;
}

static enum err replace_indexes(struct cfn_step *step, struct cfn_calls *calls)
{
    yyjson_val *before = json_get(step->old_properties, "GlobalSecondaryIndexes"), *index;
    yyjson_val *now = json_get(step->properties, "GlobalSecondaryIndexes");
    size_t i, max, changes = 0;
    yyjson_arr_foreach (before, i, max, index) {
        if (find_named(now, "IndexName", index))
            continue;
        add_index_update(step, add(calls, "UpdateTable"), "Delete", index);
        changes++;
    }
    yyjson_arr_foreach (now, i, max, index) {
        if (find_named(before, "IndexName", index))
            continue;
        struct cfn_call *call = add(calls, "UpdateTable");
        yyjson_mut_val *list = json_add_arr(step->doc, call->input, "GlobalSecondaryIndexUpdates");
        yyjson_mut_val *update = yyjson_mut_arr_add_obj(step->doc, list);
        json_add(step->doc, update, "Create", cfn_typed(step, index, index_properties));
        cfn_put_copy(step, call, "AttributeDefinitions",
                     json_get(step->properties, "AttributeDefinitions"));
        changes++;
    }
    if (changes > 1)
        return error_set(
            step->error, ERR_VALIDATION_ERROR,
            "Cannot perform more than one GSI creation or deletion in a single update");
    return OK;
}

/* Settings that one call changes, with what holds when a template leaves them out. */
static void put_settings(struct cfn_step *step, struct cfn_call *call)
{
    struct str billing = cfn_wanted(step, "BillingMode");
    struct str class = cfn_wanted(step, "TableClass");
    if (cfn_changed(step, "BillingMode"))
        cfn_put(step, call, "BillingMode", billing.ptr ? billing : STR("PROVISIONED"));
    for (size_t i = 0; i < THROUGHPUTS; i++) {
        yyjson_val *wanted = json_get(step->properties, throughputs[i].name);
        if (wanted && cfn_changed(step, throughputs[i].name))
            json_add(step->doc, call->input, throughputs[i].name,
                     cfn_typed(step, wanted, throughputs[i].properties));
    }
    if (cfn_changed(step, "TableClass"))
        cfn_put(step, call, "TableClass", class.ptr ? class : STR("STANDARD"));
    if (cfn_changed(step, "DeletionProtectionEnabled"))
        json_add_bool(step->doc, call->input, "DeletionProtectionEnabled",
                      str_eq(cfn_wanted(step, "DeletionProtectionEnabled"), STR("true")));
    if (cfn_changed(step, "SSESpecification"))
        put_encryption(step, call);
}

/* A stream of another kind is another stream. */
static void change_stream(struct cfn_step *step, struct cfn_calls *calls)
{
    yyjson_val *before = json_get(step->old_properties, "StreamSpecification");
    yyjson_val *now = json_get(step->properties, "StreamSpecification");
    if (!cfn_changed(step, "StreamSpecification"))
        return;
    if (before)
        put_stream(step, add(calls, "UpdateTable"), NULL);
    if (!now)
        return;
    put_stream(step, add(calls, "UpdateTable"), now);
    add(calls, "DescribeTable");
}

static enum err update_table(struct cfn_step *step, struct cfn_calls *calls)
{
    static const struct cfn_tagging tagging = {
        "dynamodb", "TagResource", "UntagResource", "ResourceArn", "Tags", "TagKeys", false};
    struct cfn_call *call = add(calls, "UpdateTable");
    put_settings(step, call);
    enum err rc = update_indexes(step, call);
    if (yyjson_mut_obj_size(call->input) == 1)
        cfn_drop(calls, call);
    if (rc == OK)
        rc = replace_indexes(step, calls);
    change_stream(step, calls);
    change_expiry(step, calls);
    change_recovery(step, calls);
    change_policy(step, calls);
    cfn_change_tags(step, calls, &tagging,
                    cfn_arn(step, "dynamodb", "table/%.*s", STR_ARG(step->physical_id)));
    return rc;
}

const struct cfn_type cfn_dynamodb_types[] = {
    {
        .name = "AWS::DynamoDB::Table",
        .properties = table_properties,
        .create = create_table,
        .update = update_table,
        .remove = remove_table,
        .answered = answered_table,
        .needs_replacement = needs_replacement,
        .name_property = "TableName",
        .attributes = CFN_NAMES("Arn", "StreamArn"),
    },
    {.name = NULL},
};
