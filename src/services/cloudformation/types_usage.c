/* AWS::ApiGateway: ApiKey, UsagePlan, UsagePlanKey. */
#include "services/cloudformation/types_apigateway.h"

static void take_id(struct cfn_step *step, yyjson_mut_val *output, const char *attribute)
{
    step->physical_id = cfn_output(step, output, "id");
    if (attribute)
        cfn_set_attribute(step, attribute, step->physical_id);
}

/* --- ApiKey --- */

static const struct cfn_property stage_key_properties[] = {
    {"RestApiId", NULL, CFN_OWN, 0, NULL},
    {"StageName", NULL, CFN_OWN, 0, NULL},
    CFN_END,
};

static const struct cfn_property api_key_properties[] = {
    {"Name", "name", CFN_COPY, CFN_REPLACES, NULL},
    {"Description", "description", CFN_COPY, 0, NULL},
    {"Enabled", "enabled", CFN_BOOLEAN, 0, NULL},
    {"Value", "value", CFN_COPY, CFN_REPLACES, NULL},
    {"CustomerId", "customerId", CFN_COPY, 0, NULL},
    {"StageKeys", "stageKeys", CFN_LOWER, 0, stage_key_properties},
    {"GenerateDistinctId", "generateDistinctId", CFN_BOOLEAN, CFN_REPLACES, NULL},
    APIGW_TAGS,
    CFN_END,
};

static enum err create_api_key(struct cfn_step *step, struct cfn_calls *calls)
{
    struct cfn_call *call = cfn_add(calls, "apigateway", "CreateApiKey");
    cfn_map(step, call, api_key_properties);
    if (!json_get(step->properties, "Name"))
        cfn_put(step, call, "name", cfn_name(step, ""));
    cfn_put_tag_map(step, call, "tags");
    return OK;
}

static void answered_api_key(struct cfn_step *step, const struct cfn_call *call,
                             yyjson_mut_val *output)
{
    if (cfn_is(call, "CreateApiKey"))
        take_id(step, output, "APIKeyId");
}

/* Stages of `from` that `other` does not have. */
static void patch_stage_keys(struct cfn_step *step, struct cfn_call *call, const yyjson_val *from,
                             const yyjson_val *other, const char *op)
{
    yyjson_val *stage;
    size_t i, max;
    yyjson_arr_foreach (json_get(from, "StageKeys"), i, max, stage) {
        struct str api_id = cfn_text(step, stage, "RestApiId");
        struct str name = cfn_text(step, stage, "StageName");
        if (!cfn_has(json_get(other, "StageKeys"), stage))
            cfn_patch(step, call, op, STR("/stages"),
                      arena_printf(step->arena, "%.*s/%.*s", STR_ARG(api_id), STR_ARG(name)));
    }
}

static enum err update_api_key(struct cfn_step *step, struct cfn_calls *calls)
{
    struct cfn_call *call = cfn_add(calls, "apigateway", "UpdateApiKey");
    cfn_put(step, call, "api_Key", step->physical_id);
    cfn_patch_property(step, call, "Description", "/description", "");
    cfn_patch_property(step, call, "Enabled", "/enabled", "false");
    cfn_patch_property(step, call, "CustomerId", "/customerId", "");
    patch_stage_keys(step, call, step->old_properties, step->properties, "remove");
    patch_stage_keys(step, call, step->properties, step->old_properties, "add");
    cfn_drop_unpatched(calls, call);
    apigw_change_tags(step, calls,
                      arena_printf(step->arena, "/apikeys/%.*s", STR_ARG(step->physical_id)));
    return OK;
}

static enum err remove_api_key(struct cfn_step *step, struct cfn_calls *calls)
{
    cfn_put(step, cfn_add(calls, "apigateway", "DeleteApiKey"), "api_Key", step->physical_id);
    return OK;
}

/* --- UsagePlan --- */

static const struct cfn_property throttle_properties[] = {
    {"RateLimit", "rateLimit", CFN_INTEGER, 0, NULL},
    {"BurstLimit", "burstLimit", CFN_INTEGER, 0, NULL},
    CFN_END,
};

static const struct cfn_property quota_properties[] = {
    {"Limit", "limit", CFN_INTEGER, 0, NULL},
    {"Offset", "offset", CFN_INTEGER, 0, NULL},
    {"Period", "period", CFN_COPY, 0, NULL},
    CFN_END,
};

static const struct cfn_property api_stage_properties[] = {
    {"ApiId", NULL, CFN_OWN, 0, NULL},
    {"Stage", NULL, CFN_OWN, 0, NULL},
    {"Throttle", NULL, CFN_OWN, 0, NULL},
    CFN_END,
};

static const struct cfn_property usage_plan_properties[] = {
    {"UsagePlanName", "name", CFN_COPY, 0, NULL},
    {"Description", "description", CFN_COPY, 0, NULL},
    {"ApiStages", "apiStages", CFN_LOWER, 0, api_stage_properties},
    {"Throttle", NULL, CFN_OWN, 0, throttle_properties},
    {"Quota", NULL, CFN_OWN, 0, quota_properties},
    APIGW_TAGS,
    CFN_END,
};

/* An object of the properties, under the names that the API has. */
static void put_group(struct cfn_step *step, struct cfn_call *call, const char *property,
                      const struct cfn_property *members, const char *name)
{
    yyjson_val *given = json_get(step->properties, property);
    if (!given)
        return;
    yyjson_mut_val *group = json_add_obj(step->doc, call->input, name);
    for (; members->name; members++) {
        yyjson_val *value = json_get(given, members->name);
        if (value)
            json_add(step->doc, group, members->member, cfn_typed_property(step, value, members));
    }
}

static enum err create_usage_plan(struct cfn_step *step, struct cfn_calls *calls)
{
    struct cfn_call *call = cfn_add(calls, "apigateway", "CreateUsagePlan");
    cfn_map(step, call, usage_plan_properties);
    put_group(step, call, "Throttle", throttle_properties, "throttle");
    put_group(step, call, "Quota", quota_properties, "quota");
    if (!json_get(step->properties, "UsagePlanName"))
        cfn_put(step, call, "name", cfn_name(step, ""));
    cfn_put_tag_map(step, call, "tags");
    return OK;
}

static void answered_usage_plan(struct cfn_step *step, const struct cfn_call *call,
                                yyjson_mut_val *output)
{
    if (cfn_is(call, "CreateUsagePlan"))
        take_id(step, output, "Id");
}

/* Members of an object under a path of their own. */
static void patch_members(struct cfn_step *step, struct cfn_call *call, const yyjson_val *object,
                          const struct cfn_property *members, struct str path)
{
    for (; members->name; members++) {
        struct str value = cfn_text(step, object, members->name);
        if (value.ptr)
            cfn_patch(step, call, "replace",
                      arena_printf(step->arena, "%.*s/%s", STR_ARG(path), members->member), value);
    }
}

static void patch_group(struct cfn_step *step, struct cfn_call *call, const char *property,
                        const struct cfn_property *members, const char *path)
{
    yyjson_val *now = json_get(step->properties, property);
    if (!cfn_changed(step, property))
        return;
    if (json_get(step->old_properties, property))
        cfn_patch(step, call, "remove", str_from(path), (struct str){NULL, 0});
    patch_members(step, call, now, members, str_from(path));
}

static struct str stage_pair(struct cfn_step *step, const yyjson_val *stage)
{
    struct str api = cfn_text(step, stage, "ApiId"), name = cfn_text(step, stage, "Stage");
    return arena_printf(step->arena, "%.*s:%.*s", STR_ARG(api), STR_ARG(name));
}

static void add_stage(struct cfn_step *step, struct cfn_call *call, const yyjson_val *stage)
{
    struct str pair = stage_pair(step, stage);
    yyjson_val *path, *throttle;
    size_t i, max;
    cfn_patch(step, call, "add", STR("/apiStages"), pair);
    yyjson_obj_foreach (json_get(stage, "Throttle"), i, max, path, throttle) {
        struct str method = json_str(path);
        const char *slash = memrchr(method.ptr, '/', method.len);
        size_t end = slash ? (size_t)(slash - method.ptr) : method.len;
        patch_members(step, call, throttle, throttle_properties,
                      arena_printf(step->arena, "/apiStages/%.*s/throttle/%.*s/%.*s", STR_ARG(pair),
                                   STR_ARG(apigw_escape(step->arena, str_slice(method, 0, end))),
                                   STR_ARG(str_slice(method, end + 1, method.len))));
    }
}

/* Stages of `from` that `other` does not have just so. */
static void patch_stages(struct cfn_step *step, struct cfn_call *call, const yyjson_val *from,
                         const yyjson_val *other, bool is_added)
{
    yyjson_val *stage;
    size_t i, max;
    yyjson_arr_foreach (json_get(from, "ApiStages"), i, max, stage) {
        if (cfn_has(json_get(other, "ApiStages"), stage))
            continue;
        if (is_added)
            add_stage(step, call, stage);
        else
            cfn_patch(step, call, "remove", STR("/apiStages"), stage_pair(step, stage));
    }
}

static enum err update_usage_plan(struct cfn_step *step, struct cfn_calls *calls)
{
    struct cfn_call *call = cfn_add(calls, "apigateway", "UpdateUsagePlan");
    cfn_put(step, call, "usageplanId", step->physical_id);
    cfn_patch_property(step, call, "UsagePlanName", "/name", cfn_name(step, "UsagePlanName").ptr);
    cfn_patch_property(step, call, "Description", "/description", "");
    patch_group(step, call, "Throttle", throttle_properties, "/throttle");
    patch_group(step, call, "Quota", quota_properties, "/quota");
    patch_stages(step, call, step->old_properties, step->properties, false);
    patch_stages(step, call, step->properties, step->old_properties, true);
    cfn_drop_unpatched(calls, call);
    apigw_change_tags(step, calls,
                      arena_printf(step->arena, "/usageplans/%.*s", STR_ARG(step->physical_id)));
    return OK;
}

/* A plan that still has stages cannot be deleted. */
static enum err remove_usage_plan(struct cfn_step *step, struct cfn_calls *calls)
{
    struct cfn_call *call = cfn_add(calls, "apigateway", "GetUsagePlan");
    cfn_put(step, call, "usageplanId", step->physical_id);
    yyjson_mut_val *stages = yyjson_mut_obj_get(step->found, "apiStages"), *stage;
    size_t i, max;
    call = cfn_add(calls, "apigateway", "UpdateUsagePlan");
    cfn_put(step, call, "usageplanId", step->physical_id);
    yyjson_mut_arr_foreach (stages, i, max, stage) {
        struct str api = json_mut_get_str(stage, "apiId"), name = json_mut_get_str(stage, "stage");
        cfn_patch(step, call, "remove", STR("/apiStages"),
                  arena_printf(step->arena, "%.*s:%.*s", STR_ARG(api), STR_ARG(name)));
    }
    cfn_drop_unpatched(calls, call);
    cfn_put(step, cfn_add(calls, "apigateway", "DeleteUsagePlan"), "usageplanId",
            step->physical_id);
    return OK;
}

static void answered_plan(struct cfn_step *step, const struct cfn_call *call,
                          yyjson_mut_val *output)
{
    if (cfn_is(call, "GetUsagePlan"))
        step->found = output ? yyjson_mut_val_mut_copy(step->doc, output) : NULL;
    else
        answered_usage_plan(step, call, output);
}

/* --- UsagePlanKey --- */

static const struct cfn_property usage_plan_key_properties[] = {
    {"UsagePlanId", "usageplanId", CFN_COPY, CFN_REQUIRED | CFN_REPLACES, NULL},
    {"KeyId", "keyId", CFN_COPY, CFN_REQUIRED | CFN_REPLACES, NULL},
    {"KeyType", "keyType", CFN_COPY, CFN_REQUIRED | CFN_REPLACES, NULL},
    CFN_END,
};

static enum err create_usage_plan_key(struct cfn_step *step, struct cfn_calls *calls)
{
    cfn_map(step, cfn_add(calls, "apigateway", "CreateUsagePlanKey"), usage_plan_key_properties);
    return OK;
}

static void answered_usage_plan_key(struct cfn_step *step, const struct cfn_call *call,
                                    yyjson_mut_val *output)
{
    (void)output;
    if (cfn_is(call, "CreateUsagePlanKey"))
        step->physical_id =
            arena_printf(step->arena, "%.*s:%.*s", STR_ARG(cfn_wanted(step, "KeyId")),
                         STR_ARG(cfn_wanted(step, "UsagePlanId")));
}

static enum err remove_usage_plan_key(struct cfn_step *step, struct cfn_calls *calls)
{
    struct cfn_call *call = cfn_add(calls, "apigateway", "DeleteUsagePlanKey");
    cfn_put(step, call, "usageplanId", cfn_wanted(step, "UsagePlanId"));
    cfn_put(step, call, "keyId", cfn_wanted(step, "KeyId"));
    return OK;
}

const struct cfn_type cfn_usage_types[] = {
    {
        .name = APIGW_TYPE "ApiKey",
        .properties = api_key_properties,
        .create = create_api_key,
        .update = update_api_key,
        .remove = remove_api_key,
        .answered = answered_api_key,
        .attributes = CFN_NAMES("APIKeyId"),
    },
    {
        .name = APIGW_TYPE "UsagePlan",
        .properties = usage_plan_properties,
        .create = create_usage_plan,
        .update = update_usage_plan,
        .remove = remove_usage_plan,
        .answered = answered_plan,
        .attributes = CFN_NAMES("Id"),
    },
    {
        .name = APIGW_TYPE "UsagePlanKey",
        .properties = usage_plan_key_properties,
        .create = create_usage_plan_key,
        .remove = remove_usage_plan_key,
        .answered = answered_usage_plan_key,
    },
    {.name = NULL},
};
