/* AWS::Lambda: Function, Permission, Version, Alias, EventInvokeConfig. */
#include "base/encode.h"
#include "services/cloudformation/types.h"
#include "services/cloudformation/zip.h"

/* --- Function --- */

static const struct cfn_property code_properties[] = {
    {"S3Bucket", NULL, CFN_COPY, 0, NULL},
    {"S3Key", NULL, CFN_COPY, 0, NULL},
    {"S3ObjectVersion", NULL, CFN_COPY, 0, NULL},
    {"ZipFile", NULL, CFN_COPY, 0, NULL},
    CFN_END,
};

static const struct cfn_property variable_properties[] = {
    {"Variables", NULL, CFN_TEXTS, 0, NULL},
    CFN_END,
};

static const struct cfn_property storage_properties[] = {
    {"Size", NULL, CFN_INTEGER, CFN_REQUIRED, NULL},
    CFN_END,
};

static const struct cfn_property tracing_properties[] = {
    {"Mode", NULL, CFN_COPY, 0, NULL},
    CFN_END,
};

static const struct cfn_property logging_properties[] = {
    {"LogFormat", NULL, CFN_COPY, 0, NULL},
    {"LogGroup", NULL, CFN_COPY, 0, NULL},
    {"ApplicationLogLevel", NULL, CFN_COPY, 0, NULL},
    {"SystemLogLevel", NULL, CFN_COPY, 0, NULL},
    CFN_END,
};

static const struct cfn_property function_properties[] = {
    {"FunctionName", NULL, CFN_OWN, CFN_REPLACES, NULL},
    {"Code", NULL, CFN_OWN, CFN_REQUIRED, code_properties},
    {"Role", "Role", CFN_COPY, CFN_REQUIRED, NULL},
    {"Runtime", "Runtime", CFN_COPY, 0, NULL},
    {"Handler", "Handler", CFN_COPY, 0, NULL},
    {"Description", "Description", CFN_COPY, 0, NULL},
    {"MemorySize", "MemorySize", CFN_INTEGER, 0, NULL},
    {"Timeout", "Timeout", CFN_INTEGER, 0, NULL},
    {"Environment", "Environment", CFN_COPY, 0, variable_properties},
    {"Architectures", "Architectures", CFN_COPY, 0, NULL},
    {"EphemeralStorage", "EphemeralStorage", CFN_COPY, 0, storage_properties},
    {"PackageType", "PackageType", CFN_COPY, CFN_REPLACES, NULL},
    {"TracingConfig", "TracingConfig", CFN_COPY, 0, tracing_properties},
    {"LoggingConfig", "LoggingConfig", CFN_COPY, 0, logging_properties},
    {"ReservedConcurrentExecutions", NULL, CFN_OWN, 0, NULL},
    {"Tags", NULL, CFN_OWN, 0, NULL},
    CFN_END,
};

static struct cfn_call *add(struct cfn_calls *calls, const char *operation)
{
    struct cfn_call *call = cfn_add(calls, "lambda", operation);
    cfn_put(calls->step, call, "FunctionName", calls->step->physical_id);
    return call;
}

/* The file that source in a template is; NULL for runtimes that have no such. */
static const char *source_file(struct str runtime)
{
    if (str_starts(runtime, STR("python")))
        return "index.py";
    return str_starts(runtime, STR("nodejs")) ? "index.js" : NULL;
}

/* Adds the members that say where the code is to `object`. */
static enum err put_code(struct cfn_step *step, yyjson_mut_val *object)
{
    yyjson_val *code = json_get(step->properties, "Code");
    struct str source = cfn_text(step, code, "ZipFile");
    if (!source.ptr) {
        if (!json_get(code, "S3Bucket") || !json_get(code, "S3Key"))
            return error_set(step->error, ERR_VALIDATION_ERROR,
                             "Code must have S3Bucket and S3Key, or ZipFile; a local path must be "
                             "packaged first (skylite deploy and aws cloudformation package do)");
        for (const struct cfn_property *member = code_properties; member->name; member++)
            json_add_copy(step->doc, object, member->name, json_get(code, member->name));
        return OK;
    }
    const char *file = source_file(cfn_wanted(step, "Runtime"));
    if (!file)
        return error_set(step->error, ERR_VALIDATION_ERROR,
                         "ZipFile can only be used when Runtime is set to one of nodejs or python");
    struct str zip = zip_of_one(step->arena, str_from(file), source);
    json_add_str(step->doc, object, "ZipFile", encode_base64(step->arena, zip));
    return OK;
}

static void put_concurrency(struct cfn_step *step, struct cfn_calls *calls, struct str name)
{
    int64_t reserved;
    bool is_reserved = json_get_i64(step->properties, "ReservedConcurrentExecutions", &reserved);
    struct cfn_call *call = cfn_add(
        calls, "lambda", is_reserved ? "PutFunctionConcurrency" : "DeleteFunctionConcurrency");
    cfn_put(step, call, "FunctionName", name);
    if (is_reserved)
        json_add_i64(step->doc, call->input, "ReservedConcurrentExecutions", reserved);
}

static enum err create_function(struct cfn_step *step, struct cfn_calls *calls)
{
    struct str name = cfn_name(step, "FunctionName");
    struct cfn_call *call = cfn_add(calls, "lambda", "CreateFunction");
    cfn_map(step, call, function_properties);
    cfn_put(step, call, "FunctionName", name);
    cfn_put_tag_map(step, call, "Tags");
    if (json_get(step->properties, "ReservedConcurrentExecutions"))
        put_concurrency(step, calls, name);
    return put_code(step, json_add_obj(step->doc, call->input, "Code"));
}

static struct str function_arn(struct cfn_step *step)
{
    return cfn_arn(step, "lambda", "function:%.*s", STR_ARG(step->physical_id));
}

static void answered_function(struct cfn_step *step, const struct cfn_call *call,
                              yyjson_mut_val *output)
{
    (void)output;
    if (!cfn_is(call, "CreateFunction"))
        return;
    step->physical_id = cfn_name(step, "FunctionName");
    cfn_set_attribute(step, "Arn", function_arn(step));
}

/* What a function has when the template does not say. */
static struct str default_setting(struct cfn_step *step, const char *property)
{
    static const struct {
        const char *property, *json;
    } defaults[] = {
        {"Description", "\"\""},
        {"MemorySize", "128"},
        {"Timeout", "3"},
        {"Environment", "{}"},
        {"EphemeralStorage", "{\"Size\":512}"},
        {"TracingConfig", "{\"Mode\":\"PassThrough\"}"},
    };
    for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
        if (strcmp(defaults[i].property, property) == 0)
            return str_from(defaults[i].json);
    }
    if (strcmp(property, "LoggingConfig") == 0)
        return arena_printf(step->arena,
                            "{\"LogFormat\":\"Text\",\"LogGroup\":\"/aws/lambda/%.*s\"}",
                            STR_ARG(step->physical_id));
    return STR_EMPTY;
}

static void update_configuration(struct cfn_step *step, struct cfn_calls *calls)
{
    struct cfn_call *call = add(calls, "UpdateFunctionConfiguration");
    for (const struct cfn_property *property = function_properties; property->name; property++) {
        if (property->how == CFN_OWN || strcmp(property->name, "Architectures") == 0 ||
            !cfn_changed(step, property->name))
            continue;
        yyjson_val *value = json_get(step->properties, property->name);
        struct str fallback = default_setting(step, property->name);
        if (value)
            json_add(step->doc, call->input, property->member,
                     cfn_typed_property(step, value, property));
        else if (fallback.len)
            cfn_put_copy(step, call, property->member, json_parse(step->arena, fallback));
    }
    if (yyjson_mut_obj_size(call->input) == 1)
        cfn_drop(calls, call);
}

static bool has_new_code(const struct cfn_step *step)
{
    bool is_source = json_get(json_get(step->properties, "Code"), "ZipFile") != NULL;
    return cfn_changed(step, "Code") || cfn_changed(step, "Architectures") ||
           (is_source && cfn_changed(step, "Runtime"));
}

static enum err update_function(struct cfn_step *step, struct cfn_calls *calls)
{
    static const struct cfn_tagging tagging = {
        "lambda", "TagResource", "UntagResource", "ARN", "Tags", "tagKeys", true};
    enum err rc = OK;
    if (has_new_code(step)) {
        struct cfn_call *call = add(calls, "UpdateFunctionCode");
        cfn_put_copy(step, call, "Architectures", json_get(step->properties, "Architectures"));
        rc = put_code(step, call->input);
    }
    update_configuration(step, calls);
    if (cfn_changed(step, "ReservedConcurrentExecutions"))
        put_concurrency(step, calls, step->physical_id);
    cfn_change_tags(step, calls, &tagging, function_arn(step));
    return rc;
}

static enum err remove_function(struct cfn_step *step, struct cfn_calls *calls)
{
    (void)step;
    add(calls, "DeleteFunction");
    return OK;
}

/* --- Permission --- */

static const struct cfn_property permission_properties[] = {
    {"FunctionName", "FunctionName", CFN_COPY, CFN_REQUIRED | CFN_REPLACES, NULL},
    {"Action", "Action", CFN_COPY, CFN_REQUIRED | CFN_REPLACES, NULL},
    {"Principal", "Principal", CFN_COPY, CFN_REQUIRED | CFN_REPLACES, NULL},
    {"SourceArn", "SourceArn", CFN_COPY, CFN_REPLACES, NULL},
    {"SourceAccount", "SourceAccount", CFN_COPY, CFN_REPLACES, NULL},
    {"EventSourceToken", "EventSourceToken", CFN_COPY, CFN_REPLACES, NULL},
    CFN_END,
};

static enum err create_permission(struct cfn_step *step, struct cfn_calls *calls)
{
    struct cfn_call *call = cfn_add(calls, "lambda", "AddPermission");
    cfn_map(step, call, permission_properties);
    cfn_put(step, call, "StatementId", cfn_name(step, ""));
    return OK;
}

static void answered_permission(struct cfn_step *step, const struct cfn_call *call,
                                yyjson_mut_val *output)
{
    (void)output;
    if (cfn_is(call, "AddPermission"))
        step->physical_id = cfn_name(step, "");
}

static enum err remove_permission(struct cfn_step *step, struct cfn_calls *calls)
{
    struct cfn_call *call = cfn_add(calls, "lambda", "RemovePermission");
    cfn_put(step, call, "FunctionName", cfn_wanted(step, "FunctionName"));
    cfn_put(step, call, "StatementId", step->physical_id);
    return OK;
}

/* --- Version --- */

static const struct cfn_property version_properties[] = {
    {"FunctionName", "FunctionName", CFN_COPY, CFN_REQUIRED | CFN_REPLACES, NULL},
    {"CodeSha256", "CodeSha256", CFN_COPY, CFN_REPLACES, NULL},
    {"Description", "Description", CFN_COPY, CFN_REPLACES, NULL},
    CFN_END,
};

/* The name in a name, an ARN or a part of one. */
static struct str bare_name(struct cfn_step *step)
{
    struct str name = cfn_wanted(step, "FunctionName");
    ptrdiff_t at = str_find(name, STR("function:"));
    struct str rest = at < 0 ? name : str_slice(name, (size_t)at + 9, name.len), head;
    str_cut(&rest, ':', &head);
    return head;
}

/* A receipt does not tell the number: then it is the newest one. */
static enum err create_version(struct cfn_step *step, struct cfn_calls *calls)
{
    cfn_map(step, cfn_add(calls, "lambda", "PublishVersion"), version_properties);
    if (step->found)
        cfn_put(step, cfn_add(calls, "lambda", "ListVersionsByFunction"), "FunctionName",
                cfn_wanted(step, "FunctionName"));
    return OK;
}

static void answered_version(struct cfn_step *step, const struct cfn_call *call,
                             yyjson_mut_val *output)
{
    struct str version = {NULL, 0};
    if (cfn_is(call, "PublishVersion")) {
        version = cfn_output(step, output, "Version");
        step->found = version.ptr ? NULL : yyjson_mut_obj(step->doc);
    } else if (cfn_is(call, "ListVersionsByFunction")) {
        version = cfn_output(step, yyjson_mut_arr_get_last(yyjson_mut_obj_get(output, "Versions")),
                             "Version");
    }
    if (!version.ptr)
        return;
    struct str name = bare_name(step);
    step->physical_id =
        cfn_arn(step, "lambda", "function:%.*s:%.*s", STR_ARG(name), STR_ARG(version));
    cfn_set_attribute(step, "Version", version);
    cfn_set_attribute(step, "FunctionArn", step->physical_id);
}

static enum err remove_version(struct cfn_step *step, struct cfn_calls *calls)
{
    add(calls, "DeleteFunction");
    (void)step;
    return OK;
}

/* --- Alias --- */

static const struct cfn_property weight_properties[] = {
    {"FunctionVersion", NULL, CFN_COPY, CFN_REQUIRED, NULL},
    {"FunctionWeight", NULL, CFN_COPY, CFN_REQUIRED, NULL},
    CFN_END,
};

static const struct cfn_property routing_properties[] = {
    {"AdditionalVersionWeights", NULL, CFN_COPY, 0, weight_properties},
    CFN_END,
};

static const struct cfn_property alias_properties[] = {
    {"FunctionName", "FunctionName", CFN_COPY, CFN_REQUIRED | CFN_REPLACES, NULL},
    {"Name", "Name", CFN_COPY, CFN_REQUIRED | CFN_REPLACES, NULL},
    {"FunctionVersion", "FunctionVersion", CFN_COPY, CFN_REQUIRED, NULL},
    {"Description", NULL, CFN_OWN, 0, NULL},
    {"RoutingConfig", NULL, CFN_OWN, 0, routing_properties},
    CFN_END,
};

/* [{"FunctionVersion", "FunctionWeight"}] is {version: weight} in the API. */
static void put_alias(struct cfn_step *step, struct cfn_call *call)
{
    yyjson_val *list =
        json_get(json_get(step->properties, "RoutingConfig"), "AdditionalVersionWeights");
    struct str description = cfn_wanted(step, "Description");
    yyjson_val *entry;
    size_t i, max;
    cfn_map(step, call, alias_properties);
    cfn_put(step, call, "Description", description.ptr ? description : STR_EMPTY);
    yyjson_mut_val *weights =
        json_add_obj(step->doc, json_add_obj(step->doc, call->input, "RoutingConfig"),
                     "AdditionalVersionWeights");
    yyjson_arr_foreach (list, i, max, entry) {
        double weight = 0;
        json_get_double(entry, "FunctionWeight", &weight);
        json_add_double(step->doc, weights,
                        arena_cstr(step->arena, cfn_text(step, entry, "FunctionVersion")), weight);
    }
}

static enum err create_alias(struct cfn_step *step, struct cfn_calls *calls)
{
    put_alias(step, cfn_add(calls, "lambda", "CreateAlias"));
    return OK;
}

static void answered_alias(struct cfn_step *step, const struct cfn_call *call,
                           yyjson_mut_val *output)
{
    struct str function = bare_name(step), name = cfn_wanted(step, "Name");
    (void)output;
    if (!cfn_is(call, "CreateAlias"))
        return;
    step->physical_id =
        cfn_arn(step, "lambda", "function:%.*s:%.*s", STR_ARG(function), STR_ARG(name));
    cfn_set_attribute(step, "AliasArn", step->physical_id);
}

static enum err update_alias(struct cfn_step *step, struct cfn_calls *calls)
{
    put_alias(step, cfn_add(calls, "lambda", "UpdateAlias"));
    return OK;
}

static enum err remove_alias(struct cfn_step *step, struct cfn_calls *calls)
{
    struct cfn_call *call = cfn_add(calls, "lambda", "DeleteAlias");
    cfn_put(step, call, "FunctionName", cfn_wanted(step, "FunctionName"));
    cfn_put(step, call, "Name", cfn_wanted(step, "Name"));
    return OK;
}

/* --- EventInvokeConfig --- */

static const struct cfn_property event_config_properties[] = {
    {"FunctionName", "FunctionName", CFN_COPY, CFN_REQUIRED | CFN_REPLACES, NULL},
    {"Qualifier", "Qualifier", CFN_COPY, CFN_REQUIRED | CFN_REPLACES, NULL},
    {"MaximumEventAgeInSeconds", "MaximumEventAgeInSeconds", CFN_INTEGER, 0, NULL},
    {"MaximumRetryAttempts", "MaximumRetryAttempts", CFN_INTEGER, 0, NULL},
    CFN_END,
};

static enum err put_event_config(struct cfn_step *step, struct cfn_calls *calls)
{
    cfn_map(step, cfn_add(calls, "lambda", "PutFunctionEventInvokeConfig"),
            event_config_properties);
    return OK;
}

static void answered_event_config(struct cfn_step *step, const struct cfn_call *call,
                                  yyjson_mut_val *output)
{
    (void)output;
    if (cfn_is(call, "PutFunctionEventInvokeConfig"))
        step->physical_id = cfn_name(step, "");
}

static enum err remove_event_config(struct cfn_step *step, struct cfn_calls *calls)
{
    struct cfn_call *call = cfn_add(calls, "lambda", "DeleteFunctionEventInvokeConfig");
    cfn_put(step, call, "FunctionName", cfn_wanted(step, "FunctionName"));
    cfn_put(step, call, "Qualifier", cfn_wanted(step, "Qualifier"));
    return OK;
}

const struct cfn_type cfn_lambda_types[] = {
    {
        .name = "AWS::Lambda::Function",
        .properties = function_properties,
        .create = create_function,
        .update = update_function,
        .remove = remove_function,
        .answered = answered_function,
        .name_property = "FunctionName",
        .attributes = CFN_NAMES("Arn"),
    },
    {
        .name = "AWS::Lambda::Permission",
        .properties = permission_properties,
        .create = create_permission,
        .remove = remove_permission,
        .answered = answered_permission,
    },
    {
        .name = "AWS::Lambda::Version",
        .properties = version_properties,
        .create = create_version,
        .remove = remove_version,
        .answered = answered_version,
        .attributes = CFN_NAMES("Version", "FunctionArn"),
    },
    {
        .name = "AWS::Lambda::Alias",
        .properties = alias_properties,
        .create = create_alias,
        .update = update_alias,
        .remove = remove_alias,
        .answered = answered_alias,
        .attributes = CFN_NAMES("AliasArn"),
    },
    {
        .name = "AWS::Lambda::EventInvokeConfig",
        .properties = event_config_properties,
        .create = put_event_config,
        .update = put_event_config,
        .remove = remove_event_config,
        .answered = answered_event_config,
    },
    {.name = NULL},
};
