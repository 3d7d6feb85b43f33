/* The service's start and end, and its table of operations. */
#include "services/logs/logs.h"

#include <stdlib.h>

#include "core/arn.h"
#include "base/clock.h"
#include "services/logs/internal.h"

#define ROW(name, handler, resource)                                                               \
    {                                                                                              \
#name, handler, "logs:" #name, resource, .flags = 0                                        \
    }

#define READ(name, handler, resource)                                                              \
    {                                                                                              \
#name, handler, "logs:" #name, resource, .flags = OPERATION_READ                           \
    }

const struct operation logs_operations[] = {
    ROW(CreateLogGroup, logs_create_log_group, logs_resource_group),
    READ(DescribeLogGroups, logs_describe_log_groups, logs_resource_all_groups),
    READ(ListLogGroups, logs_list_log_groups, logs_resource_all_groups),
    ROW(DeleteLogGroup, logs_delete_log_group, logs_resource_group),
    ROW(PutRetentionPolicy, logs_put_retention_policy, logs_resource_group),
    ROW(DeleteRetentionPolicy, logs_delete_retention_policy, logs_resource_group),
    ROW(TagResource, logs_tag_resource, logs_resource_group),
    ROW(UntagResource, logs_untag_resource, logs_resource_group),
    READ(ListTagsForResource, logs_list_tags_for_resource, logs_resource_group),
    ROW(TagLogGroup, logs_tag_resource, logs_resource_group),
    ROW(UntagLogGroup, logs_untag_resource, logs_resource_group),
    READ(ListTagsLogGroup, logs_list_tags_for_resource, logs_resource_group),

    ROW(PutResourcePolicy, logs_put_resource_policy, NULL),
    READ(DescribeResourcePolicies, logs_describe_resource_policies, NULL),
    ROW(DeleteResourcePolicy, logs_delete_resource_policy, NULL),

    ROW(CreateLogStream, logs_create_log_stream, logs_resource_group),
    ROW(DeleteLogStream, logs_delete_log_stream, logs_resource_stream),
    READ(DescribeLogStreams, logs_describe_log_streams, logs_resource_group),
    ROW(PutLogEvents, logs_put_log_events, logs_resource_stream),
    READ(GetLogEvents, logs_get_log_events, logs_resource_stream),
    READ(FilterLogEvents, logs_filter_log_events, logs_resource_group),
};
const size_t logs_operation_count = sizeof(logs_operations) / sizeof(logs_operations[0]);

enum err logs_new(struct skylite *skylite, struct logs **out, struct error *error)
{
    struct logs *logs = calloc(1, sizeof(*logs));
    (void)error;
    if (!logs)
        abort();
    logs->skylite = skylite;
    /* Beyond all numbers given out before: nobody writes a million events in a millisecond. */
    logs->next_sequence = (uint64_t)clock_wall_ms() << 20;
    logs_append_init(logs);
    logs_sweep_init(logs);
    logs->service = (struct service){
        .name = "logs",
        .signing_name = "logs",
        .protocols = PROTOCOL_AWS_JSON_1_1 | PROTOCOL_INTERNAL,
        .unavailable = ERR_LOGS_SERVICE_UNAVAILABLE,
        .target_prefix = "Logs_20140328",
        .arns = &logs_arn_rules,
        .operations = logs_operations,
        .operation_count = logs_operation_count,
        .condition_keys = logs_condition_keys,
        .condition_key_count = logs_condition_key_count,
        .self = logs,
    };
    skylite_add_service(skylite, &logs->service);
    skylite->logs =
        (struct log_capability){.self = logs, .append = logs_append, .is_behind = logs_is_behind};
    *out = logs;
    return OK;
}

void logs_free(struct logs *logs)
{
    if (!logs)
        return;
    logs_sweep_release(logs);
    logs_append_release(logs);
    free(logs);
}
