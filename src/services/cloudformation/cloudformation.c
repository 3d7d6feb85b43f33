/* The service: its operations and its start. */
#include "services/cloudformation/cloudformation.h"

#include <stdlib.h>

#include "core/arn.h"
#include "services/cloudformation/internal.h"

static enum err stack_resource(struct request *request, struct str *out_arn)
{
    struct str name = request_str(request, "StackName");
    if (!name.ptr || str_starts(name, STR("arn:"))) {
        *out_arn = name.ptr ? name : STR("*");
        return OK;
    }
    *out_arn = skylite_arn(request->skylite, request->arena, "cloudformation",
                           arena_printf(request->arena, "stack/%.*s/*", STR_ARG(name)));
    return OK;
}

#define OPERATION(name, handler, resource)                                                         \
    {                                                                                              \
#name, handler, "cloudformation:" #name, resource, NULL, NULL, 0, 0                        \
    }

#define READ(name, handler, resource)                                                              \
    {                                                                                              \
#name, handler, "cloudformation:" #name, resource, NULL, NULL, 0, OPERATION_READ           \
    }

static const struct operation operations[] = {
    OPERATION(CancelUpdateStack, cfn_cancel_update_stack, stack_resource),
    OPERATION(ContinueUpdateRollback, cfn_continue_update_rollback, stack_resource),
    OPERATION(CreateChangeSet, cfn_create_change_set, stack_resource),
    OPERATION(CreateStack, cfn_create_stack, stack_resource),
    OPERATION(DeleteChangeSet, cfn_delete_change_set, stack_resource),
    OPERATION(DeleteStack, cfn_delete_stack, stack_resource),
    READ(DescribeChangeSet, cfn_describe_change_set, stack_resource),
    READ(DescribeStackEvents, cfn_describe_stack_events, stack_resource),
    READ(DescribeStackResource, cfn_describe_stack_resource, stack_resource),
    READ(DescribeStackResources, cfn_describe_stack_resources, stack_resource),
    READ(DescribeStacks, cfn_describe_stacks, stack_resource),
    OPERATION(ExecuteChangeSet, cfn_execute_change_set, stack_resource),
    READ(GetTemplate, cfn_get_template, stack_resource),
    READ(GetTemplateSummary, cfn_get_template_summary, stack_resource),
    READ(ListChangeSets, cfn_list_change_sets, stack_resource),
    READ(ListExports, cfn_list_exports, NULL),
    READ(ListImports, cfn_list_imports, NULL),
    READ(ListStackResources, cfn_list_stack_resources, stack_resource),
    READ(ListStacks, cfn_list_stacks, NULL),
    OPERATION(UpdateStack, cfn_update_stack, stack_resource),
    OPERATION(UpdateTerminationProtection, cfn_update_termination_protection, stack_resource),
    OPERATION(ValidateTemplate, cfn_validate_template, NULL),
};

static enum err refuse_region(struct request *request, struct str member, struct str text,
                              const struct arn_parts *arn)
{
    (void)arn;
    if (str_eq(member, STR("ChangeSetName")))
        return request_fail(request, ERR_CFN_CHANGE_SET_NOT_FOUND,
                            "ChangeSet [%.*s] does not exist", STR_ARG(text));
    return request_fail(request, ERR_VALIDATION_ERROR, "Stack with id %.*s does not exist",
                        STR_ARG(text));
}

static const char *const arn_members[] = {"StackName", "ChangeSetName", NULL};
static const struct arn_rules arn_rules = {arn_members, refuse_region};

enum err cloudformation_new(struct skylite *skylite, struct cloudformation **out,
                            struct error *error)
{
    (void)error;
    struct cloudformation *cloudformation = calloc(1, sizeof(*cloudformation));
    if (!cloudformation)
        abort();
    cloudformation->skylite = skylite;
    cloudformation->service = (struct service){
        .name = "cloudformation",
        .signing_name = "cloudformation",
        .protocols = PROTOCOL_QUERY,
        .xmlns = "http://cloudformation.amazonaws.com/doc/2010-05-15/",
        .arns = &arn_rules,
        .operations = operations,
        .operation_count = sizeof(operations) / sizeof(operations[0]),
        .condition_keys = cfn_condition_keys,
        .condition_key_count = cfn_condition_key_count,
        .self = cloudformation,
    };
    skylite_add_service(skylite, &cloudformation->service);
    *out = cloudformation;
    return OK;
}

void cloudformation_resume(struct cloudformation *cloudformation)
{
    struct arena arena = {0};
    struct str prefix = cfn_stack_key(&arena, STR_EMPTY), key, value;
    struct store_iter *iter = store_iter_new(cloudformation->skylite->store, STORE_META, prefix,
                                             store_prefix_end(&arena, prefix), false);
    while (store_iter_next(iter, &key, &value)) {
        yyjson_val *stack = json_parse(&arena, value);
        struct str status = json_get_str(stack, "StackStatus");
        if (str_ends(status, STR("_IN_PROGRESS")) && !str_eq(status, STR("REVIEW_IN_PROGRESS")))
            cfn_engine_resume(cloudformation, json_get_str(stack, "StackName"));
    }
    store_iter_free(iter);
    arena_release(&arena);
}

void cloudformation_free(struct cloudformation *cloudformation)
{
    free(cloudformation);
}
