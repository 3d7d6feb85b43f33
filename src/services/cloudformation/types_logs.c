/* AWS::Logs::LogGroup */
#include "services/cloudformation/types.h"

static const struct cfn_property log_group_properties[] = {
    {"LogGroupName", NULL, CFN_OWN, CFN_REPLACES, NULL},
    {"RetentionInDays", NULL, CFN_OWN, 0, NULL},
    {"Tags", NULL, CFN_OWN, 0, NULL},
    CFN_END,
};

static enum err set_retention(struct cfn_step *step, struct cfn_calls *calls, struct str name)
{
    struct str days = cfn_wanted(step, "RetentionInDays");
    int64_t number = 0;
    struct cfn_call *call =
        cfn_add(calls, "logs", days.ptr ? "PutRetentionPolicy" : "DeleteRetentionPolicy");
    cfn_put(step, call, "logGroupName", name);
    if (days.ptr && !str_to_i64(days, &number))
        return error_set(step->error, ERR_VALIDATION_ERROR, "RetentionInDays must be a number");
    if (days.ptr)
        json_add_i64(step->doc, call->input, "retentionInDays", number);
    return OK;
}

static enum err create_log_group(struct cfn_step *step, struct cfn_calls *calls)
{
    struct str name = cfn_name(step, "LogGroupName");
    struct cfn_call *call = cfn_add(calls, "logs", "CreateLogGroup");
    cfn_put(step, call, "logGroupName", name);
    cfn_put_tag_map(step, call, "tags");
    return cfn_wanted(step, "RetentionInDays").ptr ? set_retention(step, calls, name) : OK;
}

static struct str group_arn(struct cfn_step *step)
{
    return cfn_arn(step, "logs", "log-group:%.*s", STR_ARG(step->physical_id));
}

static void answered_log_group(struct cfn_step *step, const struct cfn_call *call,
                               yyjson_mut_val *output)
{
    (void)output;
    if (!cfn_is(call, "CreateLogGroup"))
        return;
    step->physical_id = cfn_name(step, "LogGroupName");
    cfn_set_attribute(step, "Arn", arena_printf(step->arena, "%.*s:*", STR_ARG(group_arn(step))));
}

static enum err update_log_group(struct cfn_step *step, struct cfn_calls *calls)
{
    static const struct cfn_tagging tagging = {
        "logs", "TagResource", "UntagResource", "resourceArn", "tags", "tagKeys", true};
    enum err rc = OK;
    if (cfn_changed(step, "RetentionInDays"))
        rc = set_retention(step, calls, step->physical_id);
    cfn_change_tags(step, calls, &tagging, group_arn(step));
    return rc;
}

static enum err remove_log_group(struct cfn_step *step, struct cfn_calls *calls)
{
    cfn_put(step, cfn_add(calls, "logs", "DeleteLogGroup"), "logGroupName", step->physical_id);
    return OK;
}

const struct cfn_type cfn_logs_types[] = {
    {
        .name = "AWS::Logs::LogGroup",
        .properties = log_group_properties,
        .create = create_log_group,
        .update = update_log_group,
        .remove = remove_log_group,
        .answered = answered_log_group,
        .name_property = "LogGroupName",
        .attributes = CFN_NAMES("Arn"),
    },
    {.name = NULL},
};
