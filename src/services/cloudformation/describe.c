/* The operations that tell about stacks. */
#include "services/cloudformation/internal.h"

enum { HOLD_MS = 3000, FIRST_STEP_MS = 4 };

/* --- Stacks --- */

static void copy(struct request *request, yyjson_mut_val *out, const yyjson_val *from,
                 const char *name)
{
    json_add_copy(request->doc, out, name, json_get(from, name));
}

static void add_time(struct request *request, yyjson_mut_val *out, const char *member,
                     const yyjson_val *from, const char *name)
{
    int64_t time_ms;
    if (json_get_i64(from, name, &time_ms))
        request_add_time(request, out, member, time_ms);
}

static yyjson_mut_val *describe_stack(struct request *request, const yyjson_val *stack)
{
    const yyjson_val *definition = json_get(stack, "Definition");
    yyjson_mut_val *out = yyjson_mut_obj(request->doc);
    copy(request, out, stack, "StackId");
    copy(request, out, stack, "StackName");
    json_add_copy(request->doc, out, "Parameters", json_get(definition, "ParameterList"));
    add_time(request, out, "CreationTime", stack, "CreationTimeMs");
    add_time(request, out, "DeletionTime", stack, "DeletionTimeMs");
    add_time(request, out, "LastUpdatedTime", stack, "LastUpdatedTimeMs");
    copy(request, out, stack, "StackStatus");
    copy(request, out, stack, "StackStatusReason");
    json_add_bool(request->doc, out, "DisableRollback",
                  str_eq(json_get_str(stack, "OnFailure"), STR("DO_NOTHING")));
    json_add_bool(request->doc, out, "EnableTerminationProtection",
                  json_get_bool(stack, "EnableTerminationProtection", false));
    copy(request, out, stack, "TimeoutInMinutes");
    copy(request, out, stack, "ChangeSetId");
    json_add_str(request->doc, json_add_obj(request->doc, out, "DriftInformation"),
                 "StackDriftStatus", STR("NOT_CHECKED"));
    copy(request, out, definition, "Capabilities");
    copy(request, out, stack, "Outputs");
    copy(request, out, definition, "Tags");
    copy(request, out, definition, "RoleARN");
    return out;
}

/* Calls visit for each document under a prefix. */
static enum err for_each(struct request *request, struct str prefix,
                         void (*visit)(struct request *request, yyjson_val *document, void *arg),
                         void *arg)
{
    struct str key, value;
    struct store_iter *iter = store_iter_new(request->skylite->store, STORE_META, prefix,
                                             store_prefix_end(request->arena, prefix), false);
    while (store_iter_next(iter, &key, &value)) {
        yyjson_val *document = json_parse(request->arena, value);
        if (document)
            visit(request, document, arg);
    }
    enum err rc = store_iter_error(iter, &request->error);
    store_iter_free(iter);
    return rc;
}

static void append_stack(struct request *request, yyjson_val *stack, void *list)
{
    yyjson_mut_arr_append(list, describe_stack(request, stack));
}

static enum err describe_one(struct request *request, yyjson_val *stack)
{
    yyjson_mut_val *list = json_add_arr(request->doc, request_output(request), "Stacks");
    append_stack(request, stack, list);
    return OK;
}

/* Whoever asks for one stack mostly waits for its operation to end, and AWS's clients ask again
 * only after 30 seconds: the answer is held back for a moment, in which most operations end. */
struct hold {
    struct request *request;
    int64_t until_ms, step_ms;
};

static bool is_under_way(yyjson_val *stack)
{
    struct str status = json_get_str(stack, "StackStatus");
    return str_ends(status, STR("_IN_PROGRESS")) && !str_eq(status, STR("REVIEW_IN_PROGRESS"));
}

static void look_again(void *arg)
{
    struct hold *hold = arg;
    struct request *request = hold->request;
    yyjson_val *stack;
    enum err rc = cfn_stack_of_request(request, &stack);
    if (rc == OK && is_under_way(stack) && loop_now_ms(request->loop) < hold->until_ms) {
        hold->step_ms = hold->step_ms * 3 / 2;
        loop_timer_start(request->loop, (uint64_t)hold->step_ms, 0, look_again, hold);
        return;
    }
    request_finish(request, rc ? rc : describe_one(request, stack));
}

enum err cfn_describe_stacks(struct request *request)
{
    yyjson_val *stack;
    if (!request_str(request, "StackName").ptr)
        return for_each(request, cfn_stack_key(request->arena, STR_EMPTY), append_stack,
                        json_add_arr(request->doc, request_output(request), "Stacks"));
    enum err rc = cfn_stack_of_request(request, &stack);
    if (rc)
        return rc;
    if (!request->exchange || !is_under_way(stack))
        return describe_one(request, stack);
    struct hold *hold = arena_new(request->arena, struct hold);
    *hold = (struct hold){request, loop_now_ms(request->loop) + HOLD_MS, FIRST_STEP_MS};
    loop_timer_start(request->loop, FIRST_STEP_MS, 0, look_again, hold);
    return ERR_PENDING;
}

static bool is_wanted(struct request *request, struct str status)
{
    yyjson_val *filter = json_get(request->input, "StackStatusFilter"), *one;
    size_t i, max;
    if (yyjson_arr_size(filter) == 0)
        return true;
    yyjson_arr_foreach (filter, i, max, one) {
        if (str_eq(json_str(one), status))
            return true;
    }
    return false;
}

static void append_summary(struct request *request, yyjson_val *stack, void *list)
{
    if (!is_wanted(request, json_get_str(stack, "StackStatus")))
        return;
    yyjson_mut_val *out = yyjson_mut_obj(request->doc);
    copy(request, out, stack, "StackId");
    copy(request, out, stack, "StackName");
    add_time(request, out, "CreationTime", stack, "CreationTimeMs");
    add_time(request, out, "LastUpdatedTime", stack, "LastUpdatedTimeMs");
    add_time(request, out, "DeletionTime", stack, "DeletionTimeMs");
    copy(request, out, stack, "StackStatus");
    copy(request, out, stack, "StackStatusReason");
    yyjson_mut_arr_append(list, out);
}

enum err cfn_list_stacks(struct request *request)
{
    yyjson_mut_val *list = json_add_arr(request->doc, request_output(request), "StackSummaries");
    enum err rc = for_each(request, cfn_stack_key(request->arena, STR_EMPTY), append_summary, list);
    if (rc == OK)
        rc = for_each(request, cfn_deleted_key(request->arena, STR_EMPTY), append_summary, list);
    return rc;
}

/* --- Events --- */

static void append_event(struct request *request, yyjson_val *event, void *list)
{
    static const char *const members[] = {"StackId",
                                          "EventId",
                                          "StackName",
                                          "LogicalResourceId",
                                          "PhysicalResourceId",
                                          "ResourceType",
                                          "ResourceStatus",
                                          "ResourceStatusReason",
                                          "ClientRequestToken"};
    yyjson_mut_val *out = yyjson_mut_obj(request->doc);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        copy(request, out, event, members[i]);
    add_time(request, out, "Timestamp", event, "TimeMs");
    yyjson_mut_arr_append(list, out);
}

enum err cfn_describe_stack_events(struct request *request)
{
    yyjson_val *stack;
    enum err rc = cfn_stack_of_request(request, &stack);
    if (rc)
        return rc;
    yyjson_mut_val *list = json_add_arr(request->doc, request_output(request), "StackEvents");
    struct str prefix = cfn_event_prefix(request->arena, json_get_str(stack, "StackId"));
    return for_each(request, prefix, append_event, list);
}

/* --- Resources --- */

struct resource_list {
    const yyjson_val *stack;
    yyjson_mut_val *list;
    struct str wanted; /* a logical id; a NULL pointer: all */
    const char *time_member;
    bool has_stack;
};

static void append_resource(struct request *request, yyjson_val *resource, void *arg)
{
    static const char *const members[] = {"LogicalResourceId", "PhysicalResourceId", "ResourceType",
                                          "ResourceStatus"};
    struct resource_list *resources = arg;
    if (resources->wanted.ptr &&
        !str_eq(resources->wanted, json_get_str(resource, "LogicalResourceId")))
        return;
    yyjson_mut_val *out = yyjson_mut_obj(request->doc);
    if (resources->has_stack) {
        copy(request, out, resources->stack, "StackName");
        copy(request, out, resources->stack, "StackId");
    }
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        copy(request, out, resource, members[i]);
    add_time(request, out, resources->time_member, resource, "TimeMs");
    yyjson_mut_arr_append(resources->list, out);
}

static enum err list_resources(struct request *request, struct resource_list *resources)
{
    yyjson_val *stack;
    enum err rc = cfn_stack_of_request(request, &stack);
    if (rc)
        return rc;
    resources->stack = stack;
    struct str prefix = cfn_resource_prefix(request->arena, json_get_str(stack, "StackName"));
    return for_each(request, prefix, append_resource, resources);
}

enum err cfn_describe_stack_resources(struct request *request)
{
    struct resource_list resources = {
        .list = json_add_arr(request->doc, request_output(request), "StackResources"),
        .wanted = request_str(request, "LogicalResourceId"),
        .time_member = "Timestamp",
        .has_stack = true,
    };
    return list_resources(request, &resources);
}

enum err cfn_list_stack_resources(struct request *request)
{
    struct resource_list resources = {
        .list = json_add_arr(request->doc, request_output(request), "StackResourceSummaries"),
        .time_member = "LastUpdatedTimestamp",
    };
    return list_resources(request, &resources);
}

enum err cfn_describe_stack_resource(struct request *request)
{
    struct resource_list resources = {
        .list = yyjson_mut_arr(request->doc),
        .wanted = request_str(request, "LogicalResourceId"),
        .time_member = "LastUpdatedTimestamp",
        .has_stack = true,
    };
    if (!resources.wanted.ptr)
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "1 validation error detected: Value null at 'logicalResourceId' failed "
                            "to satisfy constraint: Member must not be null");
    enum err rc = list_resources(request, &resources);
    if (rc)
        return rc;
    yyjson_mut_val *found = yyjson_mut_arr_get_first(resources.list);
    if (!found)
        return request_fail(
            request, ERR_VALIDATION_ERROR, "Resource %.*s does not exist for stack %.*s",
            STR_ARG(resources.wanted), STR_ARG(json_get_str(resources.stack, "StackName")));
    json_add(request->doc, request_output(request), "StackResourceDetail",
             yyjson_mut_val_mut_copy(request->doc, found));
    return OK;
}
