/* AWS::ApiGateway: Deployment, Stage. */
#include "services/cloudformation/types_apigateway.h"

/* --- What stages, and stages that come with deployments, have in common --- */

#define METHOD_SETTINGS                                                                            \
    {"CacheDataEncrypted", "caching/dataEncrypted", CFN_OWN, 0, NULL},                             \
        {"CacheTtlInSeconds", "caching/ttlInSeconds", CFN_OWN, 0, NULL},                           \
        {"CachingEnabled", "caching/enabled", CFN_OWN, 0, NULL},                                   \
        {"DataTraceEnabled", "logging/dataTrace", CFN_OWN, 0, NULL},                               \
        {"LoggingLevel", "logging/loglevel", CFN_OWN, 0, NULL},                                    \
        {"MetricsEnabled", "metrics/enabled", CFN_OWN, 0, NULL},                                   \
        {"ThrottlingBurstLimit", "throttling/burstLimit", CFN_OWN, 0, NULL},                       \
    {                                                                                              \
        "ThrottlingRateLimit", "throttling/rateLimit", CFN_OWN, 0, NULL                            \
    }

static const struct cfn_property method_setting_properties[] = {
    {"ResourcePath", NULL, CFN_OWN, 0, NULL},
    {"HttpMethod", NULL, CFN_OWN, 0, NULL},
    METHOD_SETTINGS,
    CFN_END,
};

static const struct cfn_property access_log_properties[] = {
    {"DestinationArn", NULL, CFN_OWN, 0, NULL},
    {"Format", NULL, CFN_OWN, 0, NULL},
    CFN_END,
};

/* What is told by patches, with the path of each and what holds without it. */
static const struct {
    const char *property, *path, *fallback;
} plain_settings[] = {
    {"Description", "/description", ""},
    {"TracingEnabled", "/tracingEnabled", "false"},
    {"DocumentationVersion", "/documentationVersion", ""},
    {"CacheClusterEnabled", "/cacheClusterEnabled", "false"},
    {"CacheClusterSize", "/cacheClusterSize", ""},
    {"ClientCertificateId", "/clientCertificateId", ""},
};

#define CANARY_SETTINGS                                                                            \
    {"PercentTraffic", "percentTraffic", CFN_INTEGER, 0, NULL},                                    \
        {"StageVariableOverrides", "stageVariableOverrides", CFN_TEXTS, 0, NULL},                  \
    {                                                                                              \
        "UseStageCache", "useStageCache", CFN_BOOLEAN, 0, NULL                                     \
    }

static const struct cfn_property canary_properties[] = {
    {"DeploymentId", NULL, CFN_OWN, CFN_REQUIRED, NULL},
    CANARY_SETTINGS,
    CFN_END,
};

#define STAGE_SETTINGS                                                                             \
    {"Description", "description", CFN_COPY, 0, NULL},                                             \
        {"Variables", "variables", CFN_TEXTS, 0, NULL},                                            \
        {"TracingEnabled", "tracingEnabled", CFN_BOOLEAN, 0, NULL},                                \
        {"DocumentationVersion", "documentationVersion", CFN_COPY, 0, NULL},                       \
        {"CacheClusterEnabled", "cacheClusterEnabled", CFN_BOOLEAN, 0, NULL},                      \
        {"CacheClusterSize", "cacheClusterSize", CFN_COPY, 0, NULL},                               \
        {"ClientCertificateId", NULL, CFN_OWN, 0, NULL},                                           \
        {"MethodSettings", NULL, CFN_OWN, 0, method_setting_properties},                           \
        {"AccessLogSetting", NULL, CFN_OWN, 0, access_log_properties}, APIGW_TAGS

/* --- Patches from one form of a stage to another; `before` is NULL for a new one --- */

struct stage_patch {
    struct cfn_step *step;
    struct cfn_call *call;
    const yyjson_val *before, *now;
};

static bool same(const yyjson_val *a, const yyjson_val *b)
{
    return a && b ? yyjson_equals((yyjson_val *)(uintptr_t)a, (yyjson_val *)(uintptr_t)b) : a == b;
}

static void patch_plain(const struct stage_patch *patch)
{
    struct cfn_step *step = patch->step;
    for (size_t i = 0; i < sizeof(plain_settings) / sizeof(plain_settings[0]); i++) {
        const char *name = plain_settings[i].property;
        struct str value = cfn_text(step, patch->now, name);
        if (same(json_get(patch->before, name), json_get(patch->now, name)))
            continue;
        cfn_patch(step, patch->call, "replace", str_from(plain_settings[i].path),
                  value.ptr ? value : str_from(plain_settings[i].fallback));
    }
}

static void patch_variables(const struct stage_patch *patch)
{
    struct cfn_step *step = patch->step;
    yyjson_val *now = json_get(patch->now, "Variables"), *key, *value;
    yyjson_val *before = json_get(patch->before, "Variables");
    size_t i, max;
    yyjson_obj_foreach (now, i, max, key, value) {
        const char *name = yyjson_get_str(key);
        if (!same(json_get(before, name), value))
            cfn_patch(step, patch->call, "replace",
                      arena_printf(step->arena, "/variables/%s", name), cfn_text(step, now, name));
    }
    yyjson_obj_foreach (before, i, max, key, value) {
        const char *name = yyjson_get_str(key);
        if (!json_get(now, name))
            cfn_patch(step, patch->call, "remove", arena_printf(step->arena, "/variables/%s", name),
                      (struct str){NULL, 0});
    }
}

static void patch_access_log(const struct stage_patch *patch)
{
    yyjson_val *now = json_get(patch->now, "AccessLogSetting");
    yyjson_val *before = json_get(patch->before, "AccessLogSetting");
    struct str destination = cfn_text(patch->step, now, "DestinationArn");
    struct str format = cfn_text(patch->step, now, "Format");
    if (same(now, before))
        return;
    if (before)
        cfn_patch(patch->step, patch->call, "remove", STR("/accessLogSettings"),
                  (struct str){NULL, 0});
    if (destination.ptr)
        cfn_patch(patch->step, patch->call, "replace", STR("/accessLogSettings/destinationArn"),
                  destination);
    if (format.ptr)
        cfn_patch(patch->step, patch->call, "replace", STR("/accessLogSettings/format"), format);
}

static void patch_canary(const struct stage_patch *patch)
{
    struct cfn_step *step = patch->step;
    yyjson_val *now = json_get(patch->now, "CanarySetting"), *name, *value;
    yyjson_val *overrides = json_get(now, "StageVariableOverrides");
    struct str percent = cfn_text(step, now, "PercentTraffic");
    struct str uses_cache = cfn_text(step, now, "UseStageCache");
    size_t i, max;
    if (same(now, json_get(patch->before, "CanarySetting")))
        return;
    if (json_get(patch->before, "CanarySetting"))
        cfn_patch(step, patch->call, "remove", STR("/canarySettings"), (struct str){NULL, 0});
    if (!now)
        return;
    cfn_patch(step, patch->call, "replace", STR("/canarySettings/deploymentId"),
              cfn_text(step, now, "DeploymentId"));
    cfn_patch(step, patch->call, "replace", STR("/canarySettings/percentTraffic"),
              percent.ptr ? percent : STR("0.0"));
    cfn_patch(step, patch->call, "replace", STR("/canarySettings/useStageCache"),
              uses_cache.ptr ? uses_cache : STR("false"));
    yyjson_obj_foreach (overrides, i, max, name, value) {
        cfn_patch(step, patch->call, "replace",
                  arena_printf(step->arena, "/canarySettings/stageVariableOverrides/%s",
                               yyjson_get_str(name)),
                  cfn_text(step, overrides, yyjson_get_str(name)));
    }
}

/* "/~1notes~1{id}/GET", or "/STAR/STAR" for all (a star each). */
static struct str setting_path(struct cfn_step *step, const yyjson_val *setting)
{
    struct str path = cfn_text(step, setting, "ResourcePath");
    struct str method = cfn_text(step, setting, "HttpMethod");
    bool is_all = !path.ptr || str_eq(path, STR("/*")) || str_eq(path, STR("*"));
    path = is_all ? STR("*") : apigw_escape(step->arena, path);
    return arena_printf(step->arena, "/%.*s/%.*s", STR_ARG(path), method.ptr ? (int)method.len : 1,
                        method.ptr ? method.ptr : "*");
}

static void patch_setting(const struct stage_patch *patch, const yyjson_val *setting,
                          struct str path)
{
    struct cfn_step *step = patch->step;
    for (const struct cfn_property *property = method_setting_properties; property->name;
         property++) {
        struct str value = cfn_text(step, setting, property->name);
        if (property->member && value.ptr)
            cfn_patch(step, patch->call, "replace",
                      arena_printf(step->arena, "%.*s/%s", STR_ARG(path), property->member), value);
    }
}

/* The settings of each method that has others now are set anew. */
static void patch_method_settings(const struct stage_patch *patch)
{
    yyjson_val *now = json_get(patch->now, "MethodSettings"), *setting;
    yyjson_val *before = json_get(patch->before, "MethodSettings");
    size_t i, max;
    if (same(now, before))
        return;
    yyjson_arr_foreach (before, i, max, setting)
        cfn_patch(patch->step, patch->call, "remove", setting_path(patch->step, setting),
                  (struct str){NULL, 0});
    yyjson_arr_foreach (now, i, max, setting)
        patch_setting(patch, setting, setting_path(patch->step, setting));
}

/* Those of a deployment's StageDescription that are for all methods. */
static void patch_flat_settings(const struct stage_patch *patch)
{
    bool is_other = false;
    for (const struct cfn_property *property = method_setting_properties; property->name;
         property++) {
        if (property->member)
            is_other |= !same(json_get(patch->before, property->name),
                              json_get(patch->now, property->name));
    }
    if (!is_other)
        return;
    if (patch->before)
        cfn_patch(patch->step, patch->call, "remove", STR("/*/*"), (struct str){NULL, 0});
    patch_setting(patch, patch->now, STR("/*/*"));
}

static void patch_settings(const struct stage_patch *patch)
{
    patch_variables(patch);
    patch_access_log(patch);
    patch_flat_settings(patch);
    patch_method_settings(patch);
}

static struct cfn_call *add_for_stage(struct cfn_calls *calls, const char *operation,
                                      struct str stage)
{
    struct cfn_call *call = apigw_add(calls, operation);
    cfn_put(calls->step, call, "stage_name", stage);
    return call;
}

static struct str stage_path(struct cfn_step *step, struct str stage)
{
    return arena_printf(step->arena, "/restapis/%.*s/stages/%.*s",
                        STR_ARG(cfn_wanted(step, "RestApiId")), STR_ARG(stage));
}

/* --- Stage --- */

static const struct cfn_property stage_properties[] = {
    {"RestApiId", "restapi_id", CFN_COPY, CFN_REQUIRED | CFN_REPLACES, NULL},
    {"StageName", "stageName", CFN_COPY, CFN_REPLACES, NULL},
    {"DeploymentId", "deploymentId", CFN_COPY, CFN_REQUIRED, NULL},
    {"CanarySetting", NULL, CFN_OWN, 0, canary_properties},
    STAGE_SETTINGS,
    CFN_END,
};

static enum err create_stage(struct cfn_step *step, struct cfn_calls *calls)
{
    struct str name = cfn_wanted(step, "StageName");
    struct cfn_call *call = cfn_add(calls, "apigateway", "CreateStage");
    struct stage_patch patch = {.step = step, .now = step->properties};
    cfn_map(step, call, stage_properties);
    if (!name.ptr)
        cfn_put(step, call, "stageName", STR("default"));
    cfn_put_tag_map(step, call, "tags");
    patch.call = add_for_stage(calls, "UpdateStage", name.ptr ? name : STR("default"));
    patch_access_log(&patch);
    patch_method_settings(&patch);
    patch_canary(&patch);
    struct str certificate = cfn_wanted(step, "ClientCertificateId");
    if (certificate.ptr)
        cfn_patch(step, patch.call, "replace", STR("/clientCertificateId"), certificate);
    cfn_drop_unpatched(calls, patch.call);
    return OK;
}

static void answered_stage(struct cfn_step *step, const struct cfn_call *call,
                           yyjson_mut_val *output)
{
    if (cfn_is(call, "CreateStage"))
        step->physical_id = cfn_output(step, output, "stageName");
}

static enum err update_stage(struct cfn_step *step, struct cfn_calls *calls)
{
    struct stage_patch patch = {
        .step = step, .before = step->old_properties, .now = step->properties};
    patch.call = add_for_stage(calls, "UpdateStage", step->physical_id);
    cfn_patch_property(step, patch.call, "DeploymentId", "/deploymentId", "");
    patch_plain(&patch);
    patch_settings(&patch);
    patch_canary(&patch);
    cfn_drop_unpatched(calls, patch.call);
    apigw_change_tags(step, calls, stage_path(step, step->physical_id));
    return OK;
}

static enum err remove_stage(struct cfn_step *step, struct cfn_calls *calls)
{
    add_for_stage(calls, "DeleteStage", step->physical_id);
    return OK;
}

/* --- Deployment --- */

static const struct cfn_property stage_description_properties[] = {
    STAGE_SETTINGS,
    METHOD_SETTINGS,
    CFN_END,
};

static const struct cfn_property deployment_canary_properties[] = {
    CANARY_SETTINGS,
    CFN_END,
};

static const struct cfn_property deployment_properties[] = {
    {"RestApiId", "restapi_id", CFN_COPY, CFN_REQUIRED | CFN_REPLACES, NULL},
    {"Description", "description", CFN_COPY, 0, NULL},
    {"StageName", "stageName", CFN_COPY, CFN_REPLACES, NULL},
    {"StageDescription", NULL, CFN_OWN, 0, stage_description_properties},
    {"DeploymentCanarySettings", NULL, CFN_OWN, CFN_REPLACES, deployment_canary_properties},
    CFN_END,
};

static void add_stage_patch(struct cfn_step *step, struct cfn_calls *calls)
{
    struct str stage = cfn_wanted(step, "StageName");
    struct stage_patch patch = {.step = step,
                                .before = json_get(step->old_properties, "StageDescription"),
                                .now = json_get(step->properties, "StageDescription")};
    if (!stage.ptr)
        return;
    patch.call = add_for_stage(calls, "UpdateStage", stage);
    patch_plain(&patch);
    patch_settings(&patch);
    cfn_drop_unpatched(calls, patch.call);
}

static void put_canary(struct cfn_step *step, struct cfn_call *call)
{
    yyjson_val *given = json_get(step->properties, "DeploymentCanarySettings");
    if (!given)
        return;
    yyjson_mut_val *settings = json_add_obj(step->doc, call->input, "canarySettings");
    for (const struct cfn_property *row = deployment_canary_properties; row->name; row++) {
        yyjson_val *value = json_get(given, row->name);
        if (value)
            json_add(step->doc, settings, row->member, cfn_typed_property(step, value, row));
    }
}

static enum err create_deployment(struct cfn_step *step, struct cfn_calls *calls)
{
    struct str stage = cfn_wanted(step, "StageName");
    if (json_get(step->properties, "StageDescription") && !stage.ptr)
        return error_set(step->error, ERR_VALIDATION_ERROR,
                         "StageDescription cannot be specified when stage referenced by StageName "
                         "does not exist");
    struct cfn_call *call = cfn_add(calls, "apigateway", "CreateDeployment");
    cfn_map(step, call, deployment_properties);
    put_canary(step, call);
    add_stage_patch(step, calls);
    return OK;
}

static void answered_deployment(struct cfn_step *step, const struct cfn_call *call,
                                yyjson_mut_val *output)
{
    if (cfn_is(call, "GetStage"))
        step->found = output ? yyjson_mut_val_mut_copy(step->doc, output) : NULL;
    if (!cfn_is(call, "CreateDeployment"))
        return;
    step->physical_id = cfn_output(step, output, "id");
    cfn_set_attribute(step, "DeploymentId", step->physical_id);
}

static enum err update_deployment(struct cfn_step *step, struct cfn_calls *calls)
{
    struct cfn_call *call = apigw_add(calls, "UpdateDeployment");
    cfn_put(step, call, "deployment_id", step->physical_id);
    cfn_patch_property(step, call, "Description", "/description", "");
    cfn_drop_unpatched(calls, call);
    add_stage_patch(step, calls);
    return OK;
}

static void remove_canary(struct cfn_step *step, struct cfn_calls *calls, struct str stage)
{
    yyjson_mut_val *canary = yyjson_mut_obj_get(step->found, "canarySettings");
    if (!str_eq(cfn_output(step, canary, "deploymentId"), step->physical_id))
        return;
    struct cfn_call *call = add_for_stage(calls, "UpdateStage", stage);
    cfn_patch(step, call, "remove", STR("/canarySettings"), (struct str){NULL, 0});
}

/* The stage that the deployment made goes with it, unless it has moved on to another. */
static enum err remove_deployment(struct cfn_step *step, struct cfn_calls *calls)
{
    struct str stage = cfn_wanted(step, "StageName");
    if (stage.ptr) {
        add_for_stage(calls, "GetStage", stage);
        if (str_eq(cfn_output(step, step->found, "deploymentId"), step->physical_id))
            add_for_stage(calls, "DeleteStage", stage);
        else
            remove_canary(step, calls, stage);
    }
    cfn_put(step, apigw_add(calls, "DeleteDeployment"), "deployment_id", step->physical_id);
    return OK;
}

const struct cfn_type cfn_stage_types[] = {
    {
        .name = APIGW_TYPE "Stage",
        .properties = stage_properties,
        .create = create_stage,
        .update = update_stage,
        .remove = remove_stage,
        .answered = answered_stage,
        .name_property = "StageName",
    },
    {
        .name = APIGW_TYPE "Deployment",
        .properties = deployment_properties,
        .create = create_deployment,
        .update = update_deployment,
        .remove = remove_deployment,
        .answered = answered_deployment,
        .attributes = CFN_NAMES("DeploymentId"),
    },
    {.name = NULL},
};
