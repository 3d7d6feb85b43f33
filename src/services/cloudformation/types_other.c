/* AWS::DynamoDB::*, AWS::Lambda::*, AWS::Logs::* */
#include "services/cloudformation/types.h"

/* --- Table --- */

static const struct cfn_property table_properties[] = {
    {"TableName", NULL, CFN_OWN, 0},
    {"AttributeDefinitions", "AttributeDefinitions", CFN_COPY, CFN_REQUIRED},
    {"KeySchema", "KeySchema", CFN_COPY, CFN_REQUIRED},
    {"BillingMode", "BillingMode", CFN_COPY, 0},
    {"ProvisionedThroughput", "ProvisionedThroughput", CFN_COPY, 0},
    {"GlobalSecondaryIndexes", "GlobalSecondaryIndexes", CFN_COPY, 0},
    {"LocalSecondaryIndexes", "LocalSecondaryIndexes", CFN_COPY, 0},
    {"DeletionProtectionEnabled", "DeletionProtectionEnabled", CFN_COPY, 0},
    {"TableClass", "TableClass", CFN_COPY, 0},
    {"Tags", "Tags", CFN_COPY, 0},
    {"SSESpecification", NULL, CFN_OWN, 0},
    {"StreamSpecification", NULL, CFN_OWN, 0},
    {NULL, NULL, CFN_COPY, 0},
};

static enum err create_table(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    if (index > 0)
        return OK;
    cfn_call_make(step, "dynamodb", "CreateTable", out);
    cfn_call_map(step, table_properties, out);
    cfn_call_add(step, out, "TableName", cfn_name(step, "TableName"));
    yyjson_val *encryption = json_get(step->properties, "SSESpecification");
    if (encryption)
        json_add_bool(step->doc, json_add_obj(step->doc, out->input, "SSESpecification"), "Enabled",
                      json_get_bool(encryption, "SSEEnabled", false));
    yyjson_val *stream = json_get(step->properties, "StreamSpecification");
    if (stream) {
        yyjson_mut_val *wanted = json_add_obj(step->doc, out->input, "StreamSpecification");
        json_add_bool(step->doc, wanted, "StreamEnabled", true);
        json_add_copy(step->doc, wanted, "StreamViewType", json_get(stream, "StreamViewType"));
    }
    return OK;
}

static struct str table_arn(struct cfn_step *step)
{
    return skylite_arn(step->template->skylite, step->arena, "dynamodb",
                       arena_printf(step->arena, "table/%.*s", STR_ARG(step->physical_id)));
}

static void created_table(struct cfn_step *step, unsigned index, yyjson_mut_val *output)
{
    yyjson_mut_val *table = yyjson_mut_obj_get(output, "TableDescription");
    if (index > 0)
        return;
    step->physical_id = cfn_name(step, "TableName");
    cfn_set_attribute(step, "Arn", table_arn(step));
    cfn_set_attribute(step, "StreamArn", cfn_output(step, table, "LatestStreamArn"));
}

static enum err remove_table(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    if (index > 0)
        return OK;
    cfn_call_make(step, "dynamodb", "DeleteTable", out);
    cfn_call_add(step, out, "TableName", step->physical_id);
    return OK;
}

/* --- Function --- */

static const struct cfn_property function_properties[] = {
    {"FunctionName", NULL, CFN_OWN, CFN_REPLACES},
    {"Code", NULL, CFN_OWN, CFN_REQUIRED},
    {"Role", "Role", CFN_COPY, CFN_REQUIRED},
    {"Runtime", "Runtime", CFN_COPY, 0},
    {"Handler", "Handler", CFN_COPY, 0},
    {"Description", "Description", CFN_COPY, 0},
    {"MemorySize", "MemorySize", CFN_COPY, 0},
    {"Timeout", "Timeout", CFN_COPY, 0},
    {"Environment", "Environment", CFN_COPY, 0},
    {"Architectures", "Architectures", CFN_COPY, 0},
    {"EphemeralStorage", "EphemeralStorage", CFN_COPY, 0},
    {"PackageType", "PackageType", CFN_COPY, CFN_REPLACES},
    {"TracingConfig", "TracingConfig", CFN_COPY, 0},
    {"LoggingConfig", "LoggingConfig", CFN_COPY, 0},
    {"Tags", NULL, CFN_OWN, 0},
    {NULL, NULL, CFN_COPY, 0},
};

static enum err check_code(struct cfn_step *step)
{
    yyjson_val *code = json_get(step->properties, "Code");
    if (json_get(code, "ZipFile"))
        return error_set(step->error, ERR_VALIDATION_ERROR,
                         "Inline source in Code.ZipFile is not supported: give a path or S3Bucket "
                         "and S3Key");
    if (!json_get(code, "S3Bucket") || !json_get(code, "S3Key"))
        return error_set(step->error, ERR_VALIDATION_ERROR,
                         "Code must have S3Bucket and S3Key; a local path must be packaged first "
                         "(skylite deploy does)");
    return OK;
}

static void add_tags(struct cfn_step *step, struct cfn_call *call)
{
    yyjson_val *list = json_get(step->properties, "Tags"), *tag;
    size_t i, max;
    if (!list)
        return;
    yyjson_mut_val *tags = json_add_obj(step->doc, call->input, "Tags");
    yyjson_arr_foreach (list, i, max, tag) {
        struct str key = cfn_text(step, tag, "Key"), value = cfn_text(step, tag, "Value");
        json_add_str(step->doc, tags, arena_cstr(step->arena, key), value.ptr ? value : STR_EMPTY);
    }
}

static enum err create_function(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    if (index > 0)
        return OK;
    cfn_call_make(step, "lambda", "CreateFunction", out);
    cfn_call_map(step, function_properties, out);
    cfn_call_add(step, out, "FunctionName", cfn_name(step, "FunctionName"));
    json_add_copy(step->doc, out->input, "Code", json_get(step->properties, "Code"));
    add_tags(step, out);
    return check_code(step);
}

static void created_function(struct cfn_step *step, unsigned index, yyjson_mut_val *output)
{
    (void)output;
    if (index > 0)
        return;
    step->physical_id = cfn_name(step, "FunctionName");
    cfn_set_attribute(
        step, "Arn",
        skylite_arn(step->template->skylite, step->arena, "lambda",
                    arena_printf(step->arena, "function:%.*s", STR_ARG(step->physical_id))));
}

static enum err update_function(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    bool has_new_code = cfn_changed(step, "Code");
    enum err rc = OK;
    if (index == 0 && has_new_code) {
        yyjson_val *code = json_get(step->properties, "Code");
        cfn_call_make(step, "lambda", "UpdateFunctionCode", out);
        cfn_call_add(step, out, "FunctionName", step->physical_id);
        cfn_call_add(step, out, "S3Bucket", cfn_text(step, code, "S3Bucket"));
        cfn_call_add(step, out, "S3Key", cfn_text(step, code, "S3Key"));
        json_add_copy(step->doc, out->input, "Architectures",
                      json_get(step->properties, "Architectures"));
        rc = check_code(step);
    } else if (index == (has_new_code ? 1 : 0)) {
        cfn_call_make(step, "lambda", "UpdateFunctionConfiguration", out);
        cfn_call_map(step, function_properties, out);
        yyjson_mut_obj_remove_key(out->input, "Architectures");
        yyjson_mut_obj_remove_key(out->input, "PackageType");
        cfn_call_add(step, out, "FunctionName", step->physical_id);
    }
    return rc;
}

static enum err remove_function(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    if (index > 0)
        return OK;
    cfn_call_make(step, "lambda", "DeleteFunction", out);
    cfn_call_add(step, out, "FunctionName", step->physical_id);
    return OK;
}

/* --- Permission --- */

static const struct cfn_property permission_properties[] = {
    {"FunctionName", "FunctionName", CFN_COPY, CFN_REQUIRED},
    {"Action", "Action", CFN_COPY, CFN_REQUIRED},
    {"Principal", "Principal", CFN_COPY, CFN_REQUIRED},
    {"SourceArn", "SourceArn", CFN_COPY, 0},
    {"SourceAccount", "SourceAccount", CFN_COPY, 0},
    {"EventSourceToken", "EventSourceToken", CFN_COPY, 0},
    {NULL, NULL, CFN_COPY, 0},
};

static enum err create_permission(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    if (index > 0)
        return OK;
    step->physical_id = cfn_name(step, "");
    cfn_call_make(step, "lambda", "AddPermission", out);
    cfn_call_map(step, permission_properties, out);
    cfn_call_add(step, out, "StatementId", step->physical_id);
    return OK;
}

static enum err remove_permission(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    if (index > 0)
        return OK;
    cfn_call_make(step, "lambda", "RemovePermission", out);
    cfn_call_add(step, out, "FunctionName", cfn_text(step, step->properties, "FunctionName"));
    cfn_call_add(step, out, "StatementId", step->physical_id);
    return OK;
}

/* --- LogGroup --- */

static const struct cfn_property log_group_properties[] = {
    {"LogGroupName", NULL, CFN_OWN, CFN_REPLACES},
    {"RetentionInDays", NULL, CFN_OWN, 0},
    {NULL, NULL, CFN_COPY, 0},
};

static enum err set_retention(struct cfn_step *step, struct cfn_call *out)
{
    struct str days = cfn_text(step, step->properties, "RetentionInDays");
    int64_t number = 0;
    cfn_call_make(step, "logs", days.ptr ? "PutRetentionPolicy" : "DeleteRetentionPolicy", out);
    cfn_call_add(step, out, "logGroupName", step->physical_id);
    if (days.ptr && !str_to_i64(days, &number))
        return error_set(step->error, ERR_VALIDATION_ERROR, "RetentionInDays must be a number");
    if (days.ptr)
        json_add_i64(step->doc, out->input, "retentionInDays", number);
    return OK;
}

static enum err create_log_group(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    if (index == 1 && json_get(step->properties, "RetentionInDays"))
        return set_retention(step, out);
    if (index > 0)
        return OK;
    struct str name = cfn_name(step, "LogGroupName");
    cfn_call_make(step, "logs", "CreateLogGroup", out);
    cfn_call_add(step, out, "logGroupName", name);
    cfn_set_attribute(step, "Name", name);
    return OK;
}

static void created_log_group(struct cfn_step *step, unsigned index, yyjson_mut_val *output)
{
    (void)output;
    if (index > 0)
        return;
    step->physical_id = cfn_output(step, step->attributes, "Name");
    yyjson_mut_obj_remove_key(step->attributes, "Name");
    cfn_set_attribute(
        step, "Arn",
        skylite_arn(step->template->skylite, step->arena, "logs",
                    arena_printf(step->arena, "log-group:%.*s:*", STR_ARG(step->physical_id))));
}

static enum err update_log_group(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    return index == 0 ? set_retention(step, out) : OK;
}

static enum err remove_log_group(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    if (index > 0)
        return OK;
    cfn_call_make(step, "logs", "DeleteLogGroup", out);
    cfn_call_add(step, out, "logGroupName", step->physical_id);
    return OK;
}

const struct cfn_type cfn_other_types[] = {
    {
        .name = "AWS::DynamoDB::Table",
        .properties = table_properties,
        .create = create_table,
        .created = created_table,
        .remove = remove_table,
        .name_property = "TableName",
        .attributes = CFN_NAMES("Arn", "StreamArn"),
    },
    {
        .name = "AWS::Lambda::Function",
        .properties = function_properties,
        .create = create_function,
        .created = created_function,
        .update = update_function,
        .remove = remove_function,
        .name_property = "FunctionName",
        .attributes = CFN_NAMES("Arn"),
    },
    {
        .name = "AWS::Lambda::Permission",
        .properties = permission_properties,
        .create = create_permission,
        .remove = remove_permission,
    },
    {
        .name = "AWS::Logs::LogGroup",
        .properties = log_group_properties,
        .create = create_log_group,
        .created = created_log_group,
        .update = update_log_group,
        .remove = remove_log_group,
        .name_property = "LogGroupName",
        .attributes = CFN_NAMES("Arn"),
    },
    {.name = NULL},
};
