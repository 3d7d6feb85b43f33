/* The condition keys of Lambda's actions. */
#include "services/lambda/internal.h"
#include "services/lambda/operations.h"

static yyjson_val *member_of(const struct condition_question *question, const char *name)
{
    return condition_is_own(question) ? json_get(question->request->input, name) : NULL;
}

static void request_tag(const struct condition_question *question, struct condition_values *out)
{
    condition_add_tag(out, member_of(question, "Tags"), question->tail);
}

static void tag_keys(const struct condition_question *question, struct condition_values *out)
{
    condition_add_tag_keys(out, member_of(question, "Tags"));
    condition_add_list(out, member_of(question, "tagKeys"));
}

/* Versions and aliases have the tags of their function. */
static void resource_tag(const struct condition_question *question, struct condition_values *out)
{
    struct lambda *lambda = question->service->self;
    struct function_name name;
    if (!function_name_parse(question->authorization->resource, &name))
        return;
    struct function *function = catalog_get(&lambda->catalog, name.name);
    if (!function)
        return;
    size_t first = out->count;
    condition_add_tag(out, json_get(function->document, "Tags"), question->tail);
    condition_keep(out, first);
    function_unref(function);
}

static void layer(const struct condition_question *question, struct condition_values *out)
{
    condition_add_list(out, member_of(question, "Layers"));
}

static void subnet_ids(const struct condition_question *question, struct condition_values *out)
{
    condition_add_list(out, json_get(member_of(question, "VpcConfig"), "SubnetIds"));
}

static void security_group_ids(const struct condition_question *question,
                               struct condition_values *out)
{
    condition_add_list(out, json_get(member_of(question, "VpcConfig"), "SecurityGroupIds"));
}

static void code_signing_config(const struct condition_question *question,
                                struct condition_values *out)
{
    condition_add_json(out, member_of(question, "CodeSigningConfigArn"));
}

/* --- Permissions --- */

/* The statement that RemovePermission names, in `arena`; NULL when there is none. */
static yyjson_val *statement_of(const struct condition_question *question, struct arena *arena)
{
    struct request *request = question->request;
    struct lambda_target target;
    struct error error;
    yyjson_val *statement, *found = NULL;
    size_t i, max;
    if (!condition_is_own(question) ||
        lambda_find(question->service->self, request_str(request, "FunctionName"),
                    request_str(request, "Qualifier"), &target, &error))
        return NULL;
    struct str text = target.alias ? target.alias->policy.text : target.function->policy.text;
    yyjson_val *list = json_get(json_parse(arena, text), "Statement");
    yyjson_arr_foreach (list, i, max, statement) {
        if (str_eq(json_get_str(statement, "Sid"), request_str(request, "StatementId")))
            found = statement;
    }
    lambda_target_release(&target);
    return found;
}

/* The principal that gets a permission, or has the one that is taken away. */
static void principal(const struct condition_question *question, struct condition_values *out)
{
    condition_add_json(out, member_of(question, "Principal"));
    if (out->count)
        return;
    yyjson_val *who = json_get(statement_of(question, out->arena), "Principal");
    condition_add_json(out, who);
    condition_add_list(out, json_get(who, "Service"));
    condition_add_list(out, json_get(who, "AWS"));
}

static void function_url_auth_type(const struct condition_question *question,
                                   struct condition_values *out)
{
    condition_add_json(out, member_of(question, "FunctionUrlAuthType"));
}

#define SETTING "CreateFunction UpdateFunctionConfiguration"

const struct condition_key lambda_condition_keys[] = {
    {"aws:RequestTag/", "CreateFunction TagResource", request_tag, NULL},
    {"aws:TagKeys", "CreateFunction TagResource UntagResource", tag_keys, NULL},
    {"aws:ResourceTag/", NULL, resource_tag, NULL},
    {"lambda:Layer", SETTING, layer, NULL},
    {"lambda:SubnetIds", SETTING, subnet_ids, NULL},
    {"lambda:SecurityGroupIds", SETTING, security_group_ids, NULL},
    {"lambda:VpcIds", SETTING, NULL, "Functions are in no VPC"},
    {"lambda:CodeSigningConfigArn", "CreateFunction", code_signing_config, NULL},
    {"lambda:Principal", "AddPermission RemovePermission", principal, NULL},
    {"lambda:FunctionUrlAuthType", "AddPermission RemovePermission", function_url_auth_type, NULL},
    {"lambda:InvokedViaFunctionUrl", NULL, NULL, "Functions have no URLs"},
    {"lambda:EventSourceToken", NULL, NULL, "No event source outside of AWS invokes functions"},
    {"lambda:FunctionArn", NULL, NULL, "There are no event source mappings and function URLs"},
};
const size_t lambda_condition_key_count =
    sizeof(lambda_condition_keys) / sizeof(lambda_condition_keys[0]);
