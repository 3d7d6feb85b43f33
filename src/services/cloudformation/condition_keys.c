/* The condition keys of CloudFormation's actions: parameters of the request, tags of the stack. */
#include "services/cloudformation/internal.h"
#include "services/cloudformation/stacks.h"

static void add_member(const struct condition_question *question, const char *name,
                       struct condition_values *out)
{
    if (condition_is_own(question))
        condition_add(out, request_str(question->request, name));
}

/* Takes the name out of "arn:aws:cloudformation:REGION:ACCOUNT:changeSet/NAME/ID". */
static void change_set_name(const struct condition_question *question, struct condition_values *out)
{
    struct str name = condition_is_own(question) ? request_str(question->request, "ChangeSetName")
                                                 : (struct str){NULL, 0};
    struct str head;
    if (str_starts(name, STR("arn:"))) {
        str_cut(&name, '/', &head);
        str_cut(&name, '/', &head);
        name = head;
    }
    condition_add(out, name);
}

static void resource_types(const struct condition_question *question, struct condition_values *out)
{
    if (condition_is_own(question))
        condition_add_list(out, json_get(question->request->input, "ResourceTypes"));
}

static void import_resource_types(const struct condition_question *question,
                                  struct condition_values *out)
{
    yyjson_val *list, *resource;
    size_t i, max;
    if (!condition_is_own(question))
        return;
    list = json_get(question->request->input, "ResourcesToImport");
    yyjson_arr_foreach (list, i, max, resource) {
        condition_add(out, json_get_str(resource, "ResourceType"));
    }
}

static void role_arn(const struct condition_question *question, struct condition_values *out)
{
    add_member(question, "RoleARN", out);
}

static void stack_policy_url(const struct condition_question *question,
                             struct condition_values *out)
{
    add_member(question, "StackPolicyURL", out);
}

static void template_url(const struct condition_question *question, struct condition_values *out)
{
    add_member(question, "TemplateURL", out);
}

static void request_tag(const struct condition_question *question, struct condition_values *out)
{
    if (condition_is_own(question))
        condition_add_tag(out, json_get(question->request->input, "Tags"), question->tail);
}

static void tag_keys(const struct condition_question *question, struct condition_values *out)
{
    if (condition_is_own(question))
        condition_add_tag_keys(out, json_get(question->request->input, "Tags"));
}

static void resource_tag(const struct condition_question *question, struct condition_values *out)
{
    struct str name = cfn_stack_name(question->authorization->resource), text;
    struct error error;
    bool found = false;
    if (store_get(question->skylite->store, STORE_META, cfn_stack_key(out->arena, name), out->arena,
                  &found, &text, &error) == OK &&
        found)
        condition_add_tag(out,
                          json_get(json_get(json_parse(out->arena, text), "Definition"), "Tags"),
                          question->tail);
}

#define MAKING "CreateChangeSet CreateStack UpdateStack"

const struct condition_key cfn_condition_keys[] = {
    {"cloudformation:ChangeSetName",
     "CreateChangeSet DeleteChangeSet DescribeChangeSet ExecuteChangeSet", change_set_name, NULL},
    {"cloudformation:ResourceTypes", MAKING, resource_types, NULL},
    {"cloudformation:ImportResourceTypes", "CreateChangeSet", import_resource_types, NULL},
    {"cloudformation:RoleArn", MAKING " ContinueUpdateRollback DeleteStack", role_arn, NULL},
    {"cloudformation:StackPolicyUrl", MAKING, stack_policy_url, NULL},
    {"cloudformation:TemplateUrl", MAKING " GetTemplateSummary ValidateTemplate", template_url,
     NULL},
    {"cloudformation:CreateAction", NULL, NULL, "Only TagResource and UntagResource have it"},
    {"aws:RequestTag/", MAKING, request_tag, NULL},
    {"aws:TagKeys", MAKING, tag_keys, NULL},
    {"aws:ResourceTag/", NULL, resource_tag, NULL},
};
const size_t cfn_condition_key_count = sizeof(cfn_condition_keys) / sizeof(cfn_condition_keys[0]);
