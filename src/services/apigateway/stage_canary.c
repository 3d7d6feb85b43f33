/* Canaries. */
#include "services/apigateway/stage_canary.h"

static const struct str settings_member = STR_INIT("canarySettings");

static enum err check_percent(struct request *request, double percent)
{
    if (percent >= 0 && percent <= 100)
        return OK;
    return apigw_bad_request(request, "Percent traffic must be between 0.0 and 100.0");
}

static enum err check_deployment(struct request *request, const struct view *view, struct str id)
{
    bool found = false;
    enum err rc = OK;
    if (id.len)
        rc = state_has(view,
                       state_key(view->arena, "deployment", apigw_label(request, "restapi_id"), id),
                       &found);
    return rc || found ? rc : apigw_bad_request(request, "Deployment id does not exist");
}

enum err canary_set(struct request *request, const struct view *view, yyjson_mut_doc *doc,
                    yyjson_mut_val *stage, struct str deployment_id)
{
    static const struct member members[] = {
        {"percentTraffic", MEMBER_DOUBLE},
        {"deploymentId", MEMBER_STRING},
        {"stageVariableOverrides", MEMBER_STRING_MAP},
        {"useStageCache", MEMBER_BOOL},
    };
    yyjson_val *given = json_get(request->input, settings_member.ptr);
    yyjson_mut_val *settings = yyjson_mut_obj(doc);
    if (!yyjson_is_obj(given))
        return OK;
    json_add_double(doc, settings, "percentTraffic", 0);
    json_add_bool(doc, settings, "useStageCache", false);
    enum err rc = APIGW_COPY(request, doc, settings, given, members);
    if (deployment_id.ptr)
        apigw_set_str(doc, settings, STR("deploymentId"), deployment_id);
    if (rc == OK)
        rc = check_percent(request,
                           yyjson_mut_get_num(yyjson_mut_obj_get(settings, "percentTraffic")));
    if (rc == OK && !deployment_id.ptr)
        rc = check_deployment(request, view, json_mut_get_str(settings, "deploymentId"));
    if (rc == OK)
        apigw_set(doc, stage, settings_member, settings);
    return rc;
}

/* --- Patches --- */

enum err canary_complete(struct patch_target *target, const struct patch_op *op)
{
    yyjson_mut_doc *doc = target->doc;
    yyjson_mut_val *settings = apigw_member(target->object, settings_member);
    (void)op;
    if (!apigw_member(settings, STR("percentTraffic")))
        json_add_double(doc, settings, "percentTraffic", 0);
    if (!apigw_member(settings, STR("deploymentId")))
        apigw_set_str(doc, settings, STR("deploymentId"),
                      json_mut_get_str(target->object, "deploymentId"));
    if (!apigw_member(settings, STR("useStageCache")))
        json_add_bool(doc, settings, "useStageCache", false);
    return OK;
}

enum err canary_patch_percent(struct patch_target *target, const struct patch_op *op)
{
    yyjson_mut_val *settings = apigw_member(target->object, settings_member);
    yyjson_mut_val *percent = yyjson_mut_obj_get(settings, "percentTraffic");
    enum err rc = check_percent(target->request, yyjson_mut_get_num(percent));
    return rc ? rc : canary_complete(target, op);
}

enum err canary_patch_deployment(struct patch_target *target, const struct patch_op *op)
{
    enum err rc =
        check_deployment(target->request, &target->view, op->value.ptr ? op->value : STR_EMPTY);
    return rc ? rc : canary_complete(target, op);
}

enum err canary_refuse_add(struct patch_target *target, const struct patch_op *op)
{
    return apigw_bad_request(target->request, "Invalid add operation with path: %.*s",
                             STR_ARG(op->path));
}

enum err canary_refuse_copy(struct patch_target *target, const struct patch_op *op)
{
    return apigw_bad_request(
        target->request,
        "Invalid copy operation with path: %.*s and from %.*s. Valid copy:path are "
        "[/deploymentId, /variables] and valid copy:from are [/canarySettings/deploymentId, "
        "/canarySettings/stageVariableOverrides]",
        STR_ARG(op->path), STR_ARG(op->from));
}

/* The settings that a promotion copies from; fails when `from` is not where they are. */
static enum err find_promoted(struct patch_target *target, const struct patch_op *op,
                              struct str from, yyjson_mut_val **out)
{
    *out = apigw_member(target->object, settings_member);
    if (!str_eq(op->from, from))
        return canary_refuse_copy(target, op);
    if (!*out)
        return apigw_bad_request(target->request,
                                 "Promotion not available. Canary does not exist.");
    return OK;
}

enum err canary_promote_deployment(struct patch_target *target, const struct patch_op *op)
{
    yyjson_mut_val *settings;
    enum err rc = find_promoted(target, op, STR("/canarySettings/deploymentId"), &settings);
    if (rc == OK)
        apigw_set_str(target->doc, target->object, STR("deploymentId"),
                      json_mut_get_str(settings, "deploymentId"));
    return rc;
}

enum err canary_promote_variables(struct patch_target *target, const struct patch_op *op)
{
    size_t i, max;
    yyjson_mut_val *name, *value, *settings;
    enum err rc =
        find_promoted(target, op, STR("/canarySettings/stageVariableOverrides"), &settings);
    if (rc)
        return rc;
    yyjson_mut_obj_foreach (yyjson_mut_obj_get(settings, "stageVariableOverrides"), i, max, name,
                            value) {
        apigw_set_str(target->doc,
                      apigw_object_member(target->doc, target->object, STR("variables")),
                      apigw_mut_str(name), apigw_mut_str(value));
    }
    return OK;
}

enum err canary_remove(struct patch_target *target, const struct patch_op *op)
{
    (void)op;
    yyjson_mut_obj_remove_key(target->object, settings_member.ptr);
    return OK;
}
