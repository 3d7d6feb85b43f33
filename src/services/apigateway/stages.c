/* Stages: named addresses of deployments. */
#include "services/apigateway/plane/log.h"
#include "services/apigateway/stage_canary.h"
#include "services/apigateway/stage_settings.h"

static struct str key_of(struct request *request)
{
    return state_key(request->arena, "stage", apigw_label(request, "restapi_id"),
                     apigw_label(request, "stage_name"));
}

static enum err check_name(struct request *request, struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_alphanumeric =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_alphanumeric && c != '_' && c != '-')
            return apigw_bad_request(request, "Stage name only allows a-zA-Z0-9_-");
    }
    if (name.len == 0 || name.len > 128)
        return apigw_bad_request(request, "Stage name must be between 1 and 128 characters");
    return OK;
}

static bool variable_value_is_valid(struct str value)
{
    static const char allowed[] = "-._~:/?#&=,";
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        bool is_alphanumeric =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_alphanumeric && (c == '\0' || !strchr(allowed, c)))
            return false;
    }
    return true;
}

static enum err check_variable(struct request *request, struct str name, struct str value)
{
    bool is_name = name.len > 0;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        is_name &=
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    }
    if (!is_name)
        return apigw_bad_request(request,
                                 "Stage variable name %.*s is invalid: only alphanumeric "
                                 "characters and underscores are allowed",
                                 STR_ARG(name));
    if (!variable_value_is_valid(value))
        return apigw_bad_request(request,
                                 "Invalid stage variable value: %.*s. Please use values with "
                                 "alphanumeric characters and the symbols ' ', -', '.', '_', ':', "
                                 "'/', '?', '&', '=', and ','.",
                                 STR_ARG(value));
    return OK;
}

static enum err check_variables(struct request *request)
{
    size_t i, max;
    yyjson_val *key, *value;
    yyjson_obj_foreach (json_get(request->input, "variables"), i, max, key, value) {
        enum err rc = check_variable(request, json_str(key), json_str(value));
        if (rc)
            return rc;
    }
    return OK;
}

#define CACHE_SIZES "[0.5, 1.6, 6.1, 13.5, 28.4, 58.2, 118, 237]"

static enum err check_documentation(struct request *request, const struct view *view,
                                    struct str version)
{
    bool found = true;
    struct str api_id = apigw_label(request, "restapi_id");
    enum err rc = OK;
    if (version.len)
        rc = state_has(view, state_key(request->arena, "documentationversion", api_id, version),
                       &found);
    if (rc == OK && !found)
        rc = apigw_bad_request(request, "Invalid Documentation version specified");
    return rc;
}

/* --- Creating --- */

static enum err build(struct request *request, yyjson_mut_doc *doc, yyjson_mut_val *stage,
                      struct str deployment_id, const struct member *members, size_t count)
{
    json_add_str(doc, stage, "stageName", request_str(request, "stageName"));
    json_add_str(doc, stage, "deploymentId", deployment_id);
    json_add_bool(doc, stage, "cacheClusterEnabled", false);
    json_add_str(doc, stage, "cacheClusterStatus", STR("NOT_AVAILABLE"));
    json_add_obj(doc, stage, "methodSettings");
    json_add_bool(doc, stage, "tracingEnabled", false);
    json_add_i64(doc, stage, "createdDate", apigw_now());
    json_add_i64(doc, stage, "lastUpdatedDate", apigw_now());
    return apigw_copy(request, doc, stage, request->input, members, count);
}

static const struct member create_members[] = {
    {"description", MEMBER_STRING},
    {"cacheClusterEnabled", MEMBER_BOOL},
    {"cacheClusterSize", MEMBER_STRING},
    {"variables", MEMBER_STRING_MAP},
    {"documentationVersion", MEMBER_STRING},
    {"tracingEnabled", MEMBER_BOOL},
    {"tags", MEMBER_STRING_MAP},
};

static enum err check_new(struct request *request, const struct view *view, struct str api_id)
{
    yyjson_val *api;
    bool found;
    struct str name = request_str(request, "stageName");
    struct str deployment = request_str(request, "deploymentId");
    enum err rc = apigw_find_api(request, view, api_id, &api);
    if (rc == OK)
        rc = state_has(view, state_key(request->arena, "deployment", api_id, deployment), &found);
    if (rc == OK && !found)
        rc = apigw_bad_request(request, "Deployment id does not exist");
    if (rc == OK)
        rc = state_has(view, state_key(request->arena, "stage", api_id, name), &found);
    if (rc == OK && found)
        rc = apigw_conflict(request, "Stage already exists");
    if (rc == OK)
        rc = check_documentation(request, view, request_str(request, "documentationVersion"));
    return rc;
}

static enum err run_create(struct request *request, struct store_txn *txn)
{
    struct view view = apigw_view(request, txn);
    struct str api_id = apigw_label(request, "restapi_id");
    struct str name = request_str(request, "stageName");
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *stage = yyjson_mut_obj(doc);
    enum err rc = check_new(request, &view, api_id);
    if (rc == OK)
        rc = build(request, doc, stage, request_str(request, "deploymentId"), create_members,
                   sizeof(create_members) / sizeof(create_members[0]));
    if (rc == OK)
        rc = canary_set(request, &view, doc, stage, NO_PART);
    if (rc)
        return rc;
    state_put(&view, state_key(request->arena, "stage", api_id, name), stage);
    apigw_touch(request, TOUCH_STAGE, api_id, name);
    return apigw_answer(request, doc, stage);
}

enum err apigw_create_stage(struct request *request)
{
    enum err rc = apigw_require(request, "stageName");
    if (rc == OK)
        rc = apigw_require(request, "deploymentId");
    if (rc == OK)
        rc = check_name(request, request_str(request, "stageName"));
    if (rc == OK)
        rc = check_variables(request);
    if (rc == OK)
        rc = apigw_check_tags(request, json_get(request->input, "tags"));
    if (rc == OK)
        rc = apigw_check_enum(request, "cacheClusterSize", request_str(request, "cacheClusterSize"),
                              CACHE_SIZES);
    return rc ? rc : apigw_write(request, run_create);
}

/* --- By a deployment --- */

static const struct member deploy_members[] = {
    {"cacheClusterEnabled", MEMBER_BOOL},
    {"cacheClusterSize", MEMBER_STRING},
    {"variables", MEMBER_STRING_MAP},
    {"tracingEnabled", MEMBER_BOOL},
};

static enum err update_deployed(struct request *request, yyjson_mut_doc *doc, yyjson_mut_val *stage,
                                struct str deployment_id)
{
    static const struct member members[] = {
        {"cacheClusterEnabled", MEMBER_BOOL},
        {"cacheClusterSize", MEMBER_STRING},
        {"tracingEnabled", MEMBER_BOOL},
    };
    size_t i, max;
    yyjson_val *key, *value, *given = json_get(request->input, "variables");
    apigw_set_str(doc, stage, STR("deploymentId"), deployment_id);
    apigw_set(doc, stage, STR("lastUpdatedDate"), yyjson_mut_sint(doc, apigw_now()));
    yyjson_obj_foreach (given, i, max, key, value) {
        apigw_set_str(doc, apigw_object_member(doc, stage, STR("variables")), json_str(key),
                      json_str(value));
    }
    return APIGW_COPY(request, doc, stage, request->input, members);
}

enum err apigw_deploy_to_stage(struct request *request, const struct view *view, struct str api_id,
                               struct str deployment_id)
{
    struct str name = request_str(request, "stageName");
    struct str key = state_key(request->arena, "stage", api_id, name);
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *stage;
    yyjson_val *document;
    enum err rc = check_name(request, name);
    if (rc == OK)
        rc = check_variables(request);
    if (rc == OK)
        rc = state_get(view, key, &document);
    if (rc)
        return rc;
    bool is_canary = yyjson_is_obj(json_get(request->input, "canarySettings"));
    if (is_canary && !document)
        return apigw_bad_request(request,
                                 "Invalid deployment content specified.Stage %.*s must already be "
                                 "created before making a canary release deployment",
                                 STR_ARG(name));
    if (is_canary) {
        stage = yyjson_val_mut_copy(doc, document);
        rc = canary_set(request, view, doc, stage, deployment_id);
    } else if (document) {
        stage = yyjson_val_mut_copy(doc, document);
        rc = update_deployed(request, doc, stage, deployment_id);
    } else {
        stage = yyjson_mut_obj(doc);
        rc = build(request, doc, stage, deployment_id, deploy_members,
                   sizeof(deploy_members) / sizeof(deploy_members[0]));
    }
    struct str description = request_str(request, "stageDescription");
    if (description.ptr)
        apigw_set_str(doc, stage, STR("description"), description);
    if (rc == OK) {
        state_put(view, key, stage);
        apigw_touch(request, TOUCH_STAGE, api_id, name);
    }
    return rc;
}

/* --- Reading --- */

enum err apigw_get_stage(struct request *request)
{
    struct view view = apigw_view(request, NULL);
    yyjson_val *stage;
    enum err rc = state_get(&view, key_of(request), &stage);
    if (rc)
        return rc;
    return stage ? apigw_answer_copy(request, stage)
                 : apigw_not_found(request, "Invalid stage identifier specified");
}

static bool is_of_deployment(struct request *request, yyjson_mut_doc *doc, yyjson_mut_val *item,
                             struct str name)
{
    (void)doc;
    (void)name;
    struct str wanted = request_str(request, "deploymentId");
    return !wanted.len || str_eq(apigw_mut_str(apigw_member(item, STR("deploymentId"))), wanted);
}

enum err apigw_get_stages(struct request *request)
{
    struct view view = apigw_view(request, NULL);
    struct str id = apigw_label(request, "restapi_id");
    yyjson_val *api;
    enum err rc = apigw_find_api(request, &view, id, &api);
    return rc ? rc
              : apigw_list(request, state_prefix(request->arena, "stage", id), is_of_deployment);
}

/* --- Caches --- */

static enum err check_stage(struct request *request)
{
    struct view view = apigw_view(request, NULL);
    bool found;
    enum err rc = state_has(&view, key_of(request), &found);
    if (rc == OK && !found)
        rc = apigw_not_found(request, "Invalid stage identifier specified");
    return rc;
}

/* Answers are not cached: every call meets its integration, as after a flush. */
enum err apigw_flush_stage_cache(struct request *request)
{
    return check_stage(request);
}

enum err apigw_flush_stage_authorizers_cache(struct request *request)
{
    enum err rc = check_stage(request);
    if (rc == OK)
        plane_flush_authorizers(request_self(request, struct apigateway)->plane);
    return rc;
}

/* --- Updating --- */

static enum err patch_deployment(struct patch_target *target, const struct patch_op *op)
{
    bool found;
    struct request *request = target->request;
    struct str key = state_key(request->arena, "deployment", apigw_label(request, "restapi_id"),
                               op->value.ptr ? op->value : STR_EMPTY);
    enum err rc = state_has(&target->view, key, &found);
    if (rc)
        return rc;
    if (!found)
        return apigw_bad_request(request, "Deployment id does not exist");
    apigw_set_str(target->doc, target->object, STR("deploymentId"), op->value);
    return OK;
}

static enum err patch_cache_size(struct patch_target *target, const struct patch_op *op)
{
    return apigw_check_enum(target->request, "cacheClusterSize",
                            op->value.ptr ? op->value : STR_EMPTY, CACHE_SIZES)
               ? apigw_bad_request(target->request, "Invalid cache cluster size specified")
               : OK;
}

static enum err patch_documentation(struct patch_target *target, const struct patch_op *op)
{
    return check_documentation(target->request, &target->view,
                               op->value.ptr ? op->value : STR_EMPTY);
}

/* There are no certificates that it could be. */
static enum err patch_certificate(struct patch_target *target, const struct patch_op *op)
{
    if (op->op == PATCH_REMOVE || op->value.len == 0)
        return OK;
    return apigw_bad_request(target->request, "Invalid Client Certificate identifier specified");
}

static enum err patch_variable(struct patch_target *target, const struct patch_op *op)
{
    return op->op == PATCH_REMOVE ? OK : check_variable(target->request, op->parts[1], op->value);
}

static enum err empty_log_value(struct patch_target *target)
{
    return apigw_bad_request(target->request, "Access Log value must not be empty");
}

static enum err refuse_log_path(struct patch_target *target, const struct patch_op *op)
{
    (void)op;
    return apigw_bad_request(target->request,
                             "Invalid accessLogSettings path. Must be one of : "
                             "[/accessLogSettings/destinationArn, /accessLogSettings/format]");
}

static enum err patch_log_destination(struct patch_target *target, const struct patch_op *op)
{
    const struct skylite_config *config = &target->request->skylite->config;
    if (!op->value.len)
        return empty_log_value(target);
    if (access_log_group(target->request->arena, config->region, config->account, op->value).len ==
        0)
        return apigw_bad_request(target->request,
                                 "Invalid ARN specified in the request. ARNs must start with "
                                 "'arn:aws:logs' and name a log group: %.*s",
                                 STR_ARG(op->value));
    return settings_require_log_role(target);
}

static enum err patch_log_format(struct patch_target *target, const struct patch_op *op)
{
    struct str format = op->value.ptr ? op->value : STR_EMPTY;
    ptrdiff_t line_end = str_find_byte(format, '\n', 0);
    if (!format.len)
        return empty_log_value(target);
    if (line_end >= 0 && (size_t)line_end + 1 < format.len)
        return apigw_bad_request(target->request,
                                 "Access Log format must be single line, new line character is "
                                 "allowed only at end of the format");
    if (str_find(format, STR("$context.requestId")) < 0 &&
        str_find(format, STR("$context.extendedRequestId")) < 0)
        return apigw_bad_request(target->request,
                                 "Access Log format must include either $context.requestId or "
                                 "$context.extendedRequestId");
    return OK;
}

static enum err remove_log_settings(struct patch_target *target, const struct patch_op *op)
{
    (void)op;
    yyjson_mut_obj_remove_key(target->object, "accessLogSettings");
    return OK;
}

#define CHANGE (PATCH_ADD | PATCH_REPLACE)

static const struct patch_rule stage_rules[] = {
    {"/deploymentId", CHANGE, PATCH_CUSTOM, patch_deployment, NULL},
    {"/description", CHANGE | PATCH_REMOVE, PATCH_STRING, NULL, NULL},
    {"/documentationVersion", CHANGE, PATCH_STRING, patch_documentation, NULL},
    {"/clientCertificateId", CHANGE | PATCH_REMOVE, PATCH_CUSTOM, patch_certificate, NULL},
    {"/cacheClusterEnabled", CHANGE, PATCH_BOOL, NULL, NULL},
    {"/cacheClusterSize", CHANGE, PATCH_STRING, patch_cache_size, NULL},
    {"/tracingEnabled", CHANGE, PATCH_BOOL, NULL, NULL},
    {"/variables/{name}", CHANGE | PATCH_REMOVE, PATCH_STRING, patch_variable, NULL},
    {"/accessLogSettings", PATCH_REMOVE, PATCH_CUSTOM, remove_log_settings, NULL},
    {"/accessLogSettings/destinationArn", CHANGE, PATCH_STRING, patch_log_destination, NULL},
    {"/accessLogSettings/format", CHANGE, PATCH_STRING, patch_log_format, NULL},
    {"/accessLogSettings/{other}", CHANGE, PATCH_CUSTOM, refuse_log_path, NULL},
    {"/accessLogSettings", CHANGE, PATCH_CUSTOM, refuse_log_path, NULL},
    {"/canarySettings/percentTraffic", PATCH_REPLACE, PATCH_DOUBLE, canary_patch_percent, NULL},
    {"/canarySettings/deploymentId", PATCH_REPLACE, PATCH_STRING, canary_patch_deployment, NULL},
    {"/canarySettings/useStageCache", PATCH_REPLACE, PATCH_BOOL, canary_complete, NULL},
    {"/canarySettings/stageVariableOverrides/{name}", PATCH_REPLACE, PATCH_STRING, canary_complete,
     NULL},
    {"/canarySettings/stageVariableOverrides/{name}", PATCH_REMOVE, PATCH_STRING, NULL, NULL},
    {"/canarySettings/{any}", PATCH_ADD, PATCH_CUSTOM, canary_refuse_add, NULL},
    {"/canarySettings/stageVariableOverrides/{name}", PATCH_ADD, PATCH_CUSTOM, canary_refuse_add,
     NULL},
    {"/canarySettings", PATCH_REMOVE, PATCH_CUSTOM, canary_remove, NULL},
    {"/deploymentId", PATCH_COPY, PATCH_CUSTOM, canary_promote_deployment, NULL},
    {"/variables", PATCH_COPY, PATCH_CUSTOM, canary_promote_variables, NULL},
    {"/{resourcePath}/{httpMethod}/{group}/{setting}", CHANGE | PATCH_REMOVE, PATCH_CUSTOM,
     settings_patch, NULL},
    {"/{resourcePath}/{httpMethod}", PATCH_REMOVE, PATCH_CUSTOM, settings_remove, NULL},
    {"/{anything}", CHANGE | PATCH_REMOVE, PATCH_CUSTOM, settings_refuse, NULL},
    {"/{anything}/{more}", CHANGE, PATCH_CUSTOM, settings_refuse, NULL},
    {"/{anything}", PATCH_COPY, PATCH_CUSTOM, canary_refuse_copy, NULL},
    {"/{anything}/{more}", PATCH_COPY, PATCH_CUSTOM, canary_refuse_copy, NULL},
};

static const struct patch_table stage_table = PATCH_TABLE(stage_rules, PATCH_STYLE_SHORT, NULL);

static enum err run_update(struct request *request, struct store_txn *txn)
{
    enum err rc = patch_document(request, txn, key_of(request), &stage_table,
                                 "Invalid stage identifier specified");
    if (rc == OK)
        apigw_touch(request, TOUCH_STAGE, apigw_label(request, "restapi_id"),
                    apigw_label(request, "stage_name"));
    return rc;
}

enum err apigw_update_stage(struct request *request)
{
    return apigw_write(request, run_update);
}

/* --- Deleting --- */

/* Takes the stage out of one plan's apiStages; true when it was there. */
static bool remove_from_plan(yyjson_mut_val *plan, struct str api_id, struct str name)
{
    size_t i, max;
    yyjson_mut_val *entry, *list = apigw_member(plan, STR("apiStages"));
    yyjson_mut_arr_foreach (list, i, max, entry) {
        if (str_eq(apigw_mut_str(apigw_member(entry, STR("apiId"))), api_id) &&
            str_eq(apigw_mut_str(apigw_member(entry, STR("stage"))), name)) {
            yyjson_mut_arr_remove(list, i);
            return true;
        }
    }
    return false;
}

static enum err remove_from_plans(struct request *request, const struct view *view,
                                  struct str api_id, struct str name)
{
    struct str *plans;
    size_t count;
    enum err rc = state_names(view, state_prefix(request->arena, "plan", NO_PART), &plans, &count);
    for (size_t i = 0; rc == OK && i < count; i++) {
        yyjson_val *plan;
        struct str key = state_key(request->arena, "plan", plans[i], NO_PART);
        rc = state_get(view, key, &plan);
        yyjson_mut_doc *doc = json_doc(request->arena);
        yyjson_mut_val *copy = rc ? NULL : yyjson_val_mut_copy(doc, plan);
        if (rc || !remove_from_plan(copy, api_id, name))
            continue;
        state_put(view, key, copy);
        apigw_touch(request, TOUCH_PLAN, plans[i], STR_EMPTY);
    }
    return rc;
}

enum err apigw_remove_stage(struct request *request, const struct view *view, struct str api_id,
                            struct str name)
{
    state_delete(view, state_key(request->arena, "stage", api_id, name));
    apigw_touch(request, TOUCH_STAGE, api_id, name);
    return remove_from_plans(request, view, api_id, name);
}

static enum err run_delete(struct request *request, struct store_txn *txn)
{
    struct view view = apigw_view(request, txn);
    struct str api_id = apigw_label(request, "restapi_id");
    struct str name = apigw_label(request, "stage_name"), domains;
    bool found;
    enum err rc = state_has(&view, key_of(request), &found);
    if (rc == OK && !found)
        rc = apigw_not_found(request, "Invalid stage identifier specified");
    if (rc == OK)
        rc = apigw_mapped_domains(request, &view, api_id, name, &domains);
    if (rc)
        return rc;
    if (domains.len)
        return apigw_bad_request(request,
                                 "Deleting stage %.*s failed. Please remove all base path mappings "
                                 "related to the stage in your domains: %.*s",
                                 STR_ARG(name), STR_ARG(domains));
    return apigw_remove_stage(request, &view, api_id, name);
}

enum err apigw_delete_stage(struct request *request)
{
    return apigw_write(request, run_delete);
}
