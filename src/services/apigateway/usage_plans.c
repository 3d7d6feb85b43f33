/* Usage plans: what keys may do on which stages. */
#include "services/apigateway/patch.h"

#include <stdlib.h>

static struct str key_of(struct request *request)
{
    return state_key(request->arena, "plan", apigw_label(request, "usageplanId"), NO_PART);
}

static enum err unknown_plan(struct request *request)
{
    return apigw_not_found(request, "Invalid Usage Plan ID specified");
}

/* --- Checks --- */

static enum err check_quota(struct request *request, yyjson_mut_val *quota)
{
    struct str period = apigw_mut_str(apigw_member(quota, STR("period")));
    int64_t limit = yyjson_mut_get_sint(apigw_member(quota, STR("limit")));
    int64_t offset = yyjson_mut_get_sint(apigw_member(quota, STR("offset")));
    if (!quota)
        return OK;
    if (!str_eq(period, STR("DAY")) && !str_eq(period, STR("WEEK")) &&
        !str_eq(period, STR("MONTH")))
        return apigw_bad_request(
            request,
            "Invalid Usage Plan quota period specified. Must be one of [DAY, WEEK, MONTH]");
    if (limit < 0 || limit > INT32_MAX)
        return apigw_bad_request(request, "Usage Plan quota limit must be a non-negative integer");
    if (str_eq(period, STR("DAY")) && offset != 0)
        return apigw_bad_request(request, "Usage Plan quota offset must be zero in the DAY period");
    if (str_eq(period, STR("WEEK")) && (offset < 0 || offset > 6))
        return apigw_bad_request(request, "Usage Plan quota offset must be between 0 and 6 "
                                          "inclusive in the WEEK period");
    if (offset < 0 || offset > 27)
        return apigw_bad_request(request, "Usage Plan quota offset must be between 0 and 27 "
                                          "inclusive in the MONTH period");
    return OK;
}

static double number_of(yyjson_mut_val *value)
{
    return yyjson_mut_get_num(value);
}

static enum err check_throttle(struct request *request, yyjson_mut_val *throttle)
{
    if (throttle && (number_of(apigw_member(throttle, STR("rateLimit"))) < 0 ||
                     number_of(apigw_member(throttle, STR("burstLimit"))) < 0))
        return apigw_bad_request(request,
                                 "Usage Plan throttle rate and burst limits must not be negative");
    return OK;
}

/* Before it is there, a plan goes by its name. */
static enum err check_stage(struct request *request, const struct view *view, yyjson_mut_val *plan,
                            struct str api_id, struct str stage)
{
    static const char message[] =
        "Invalid API Stage {api: %.*s, stage: %.*s} specified for usageplan %.*s";
    bool found = false, is_new = !apigw_label(request, "usageplanId").len;
    struct str name = json_mut_get_str(plan, is_new ? "name" : "id");
    enum err rc = OK;
    if (api_id.len && stage.len)
        rc = state_has(view, state_key(request->arena, "stage", api_id, stage), &found);
    if (rc || found)
        return rc;
    return is_new
               ? apigw_bad_request(request, message, STR_ARG(api_id), STR_ARG(stage), STR_ARG(name))
               : apigw_not_found(request, message, STR_ARG(api_id), STR_ARG(stage), STR_ARG(name));
}

/* Another plan with a key of this one may not cover the stage as well. */
static enum err check_keys(struct request *request, const struct view *view, struct str plan_id,
                           yyjson_mut_val *stages)
{
    struct str *keys;
    size_t count;
    enum err rc =
        state_names(view, state_prefix(request->arena, "plankey", plan_id), &keys, &count);
    for (size_t i = 0; rc == OK && i < count; i++)
        rc = apigw_check_key_stages(request, view, keys[i], plan_id, stages);
    return rc;
}

/* "/notes/GET" of the resource "/notes" with GET, or with ANY. */
static bool is_method(struct str method, struct str path, struct str verb)
{
    struct str rest = str_slice(method, path.len, method.len);
    return str_starts(method, path) && str_starts(rest, STR("/")) &&
           str_find_byte(rest, '/', 1) < 0 &&
           (str_eq(verb, STR("ANY")) || str_eq(str_slice(rest, 1, rest.len), verb));
}

static enum err check_method(struct request *request, const struct view *view, struct str api_id,
                             struct str method)
{
    struct str *resources;
    size_t count;
    enum err rc =
        state_names(view, state_prefix(request->arena, "resource", api_id), &resources, &count);
    for (size_t i = 0; rc == OK && i < count; i++) {
        yyjson_val *resource, *key, *value;
        size_t j, max;
        rc =
            state_get(view, state_key(request->arena, "resource", api_id, resources[i]), &resource);
        struct str path = json_get_str(resource, "path");
        yyjson_obj_foreach (json_get(resource, "resourceMethods"), j, max, key, value) {
            if (rc == OK && is_method(method, path, json_str(key)))
                return OK;
        }
    }
    return rc ? rc : apigw_not_found(request, "Invalid Method identifier specified");
}

/* Methods may go later, so only limits that are being set are held to them. */
static enum err check_methods(struct request *request, const struct view *view,
                              yyjson_mut_val *plan)
{
    size_t i, max, j, count;
    yyjson_mut_val *entry, *key, *value;
    enum err rc = OK;
    yyjson_mut_arr_foreach (apigw_member(plan, STR("apiStages")), i, max, entry) {
        yyjson_mut_obj_foreach (apigw_member(entry, STR("throttle")), j, count, key, value) {
            if (rc == OK)
                rc = check_method(request, view, apigw_mut_str(apigw_member(entry, STR("apiId"))),
                                  apigw_mut_str(key));
        }
    }
    return rc;
}

/* Limits of single methods stand below a limit of the plan. */
static enum err check_method_throttles(struct request *request, yyjson_mut_val *plan,
                                       yyjson_mut_val *entry)
{
    yyjson_mut_val *throttles = apigw_member(entry, STR("throttle")), *key, *value;
    size_t i, max;
    enum err rc = OK;
    if (yyjson_mut_obj_size(throttles) == 0)
        return OK;
    if (!apigw_member(plan, STR("throttle")))
        return apigw_bad_request(request, "Can not define fine grain throttling if usage plan "
                                          "throttle is not defined.");
    yyjson_mut_obj_foreach (throttles, i, max, key, value) {
        if (rc == OK)
            rc = check_throttle(request, value);
    }
    return rc;
}

/* All of a plan as it is to be. */
static enum err check_plan(struct request *request, const struct view *view, yyjson_mut_val *plan)
{
    size_t i, max;
    yyjson_mut_val *entry, *stages = apigw_member(plan, STR("apiStages"));
    struct str id = apigw_mut_str(apigw_member(plan, STR("id")));
    enum err rc = check_quota(request, apigw_member(plan, STR("quota")));
    if (rc == OK)
        rc = check_throttle(request, apigw_member(plan, STR("throttle")));
    yyjson_mut_arr_foreach (stages, i, max, entry) {
        if (rc == OK)
            rc = check_stage(request, view, plan, apigw_mut_str(apigw_member(entry, STR("apiId"))),
                             apigw_mut_str(apigw_member(entry, STR("stage"))));
        if (rc == OK)
            rc = check_method_throttles(request, plan, entry);
    }
    return rc ? rc : check_keys(request, view, id, stages);
}

/* --- Creating --- */

static const struct member throttle_members[] = {
    {"burstLimit", MEMBER_INTEGER},
    {"rateLimit", MEMBER_DOUBLE},
};

static enum err copy_throttle(struct request *request, yyjson_mut_doc *doc, yyjson_mut_val *to,
                              struct str name, yyjson_val *throttle)
{
    if (!yyjson_is_obj(throttle))
        return OK;
    yyjson_mut_val *copy = yyjson_mut_obj(doc);
    json_add_i64(doc, copy, "burstLimit", 0);
    json_add_double(doc, copy, "rateLimit", 0);
    apigw_set(doc, to, name, copy);
    return APIGW_COPY(request, doc, copy, throttle, throttle_members);
}

static enum err copy_quota(struct request *request, yyjson_mut_doc *doc, yyjson_mut_val *plan,
                           yyjson_val *quota)
{
    static const struct member members[] = {
        {"limit", MEMBER_INTEGER},
        {"offset", MEMBER_INTEGER},
        {"period", MEMBER_STRING},
    };
    if (!yyjson_is_obj(quota))
        return OK;
    yyjson_mut_val *copy = yyjson_mut_obj(doc);
    json_add_i64(doc, copy, "limit", 0);
    json_add_i64(doc, copy, "offset", 0);
    json_add(doc, plan, "quota", copy);
    return APIGW_COPY(request, doc, copy, quota, members);
}

static enum err copy_stage(struct request *request, yyjson_mut_doc *doc, yyjson_mut_val *list,
                           yyjson_val *stage)
{
    static const struct member members[] = {{"apiId", MEMBER_STRING}, {"stage", MEMBER_STRING}};
    size_t i, max;
    yyjson_val *key, *value, *throttles = json_get(stage, "throttle");
    yyjson_mut_val *copy = yyjson_mut_obj(doc);
    enum err rc = APIGW_COPY(request, doc, copy, stage, members);
    yyjson_mut_arr_append(list, copy);
    if (yyjson_obj_size(throttles) == 0)
        return rc;
    yyjson_mut_val *map = json_add_obj(doc, copy, "throttle");
    yyjson_obj_foreach (throttles, i, max, key, value) {
        if (rc == OK)
            rc = copy_throttle(request, doc, map, json_str(key), value);
    }
    return rc;
}

static enum err build(struct request *request, yyjson_mut_doc *doc, yyjson_mut_val *plan)
{
    static const struct member members[] = {
        {"name", MEMBER_STRING},
        {"description", MEMBER_STRING},
        {"tags", MEMBER_STRING_MAP},
    };
    size_t i, max;
    yyjson_val *stage, *input = request->input;
    json_add_str(doc, plan, "id", apigw_new_id(request->arena));
    enum err rc = APIGW_COPY(request, doc, plan, input, members);
    if (rc == OK)
        rc = copy_throttle(request, doc, plan, STR("throttle"), json_get(input, "throttle"));
    if (rc == OK)
        rc = copy_quota(request, doc, plan, json_get(input, "quota"));
    yyjson_mut_val *list = json_add_arr(doc, plan, "apiStages");
    yyjson_arr_foreach (json_get(input, "apiStages"), i, max, stage) {
        if (rc == OK)
            rc = copy_stage(request, doc, list, stage);
    }
    return rc;
}

static enum err run_create(struct request *request, struct store_txn *txn)
{
    struct view view = apigw_view(request, txn);
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *plan = yyjson_mut_obj(doc);
    enum err rc = build(request, doc, plan);
    if (rc == OK)
        rc = check_plan(request, &view, plan);
    if (rc == OK)
        rc = check_methods(request, &view, plan);
    if (rc)
        return rc;
    struct str id = apigw_mut_str(apigw_member(plan, STR("id")));
    state_put(&view, state_key(request->arena, "plan", id, NO_PART), plan);
    apigw_touch(request, TOUCH_PLAN, id, STR_EMPTY);
    return apigw_answer(request, doc, plan);
}

enum err apigw_create_usage_plan(struct request *request)
{
    enum err rc = apigw_require(request, "name");
    if (rc == OK)
        rc = apigw_check_tags(request, json_get(request->input, "tags"));
    return rc ? rc : apigw_write(request, run_create);
}

/* --- Reading --- */

enum err apigw_get_usage_plan(struct request *request)
{
    struct view view = apigw_view(request, NULL);
    yyjson_val *plan;
    enum err rc = state_get(&view, key_of(request), &plan);
    if (rc)
        return rc;
    if (!plan)
        return unknown_plan(request);
    rc = apigw_answer_copy(request, plan);
    apigw_answer_tags(request);
    return rc;
}

/* With keyId: the plans that the key is in. */
static bool select_plan(struct request *request, yyjson_mut_doc *doc, yyjson_mut_val *item,
                        struct str name)
{
    (void)doc;
    (void)item;
    struct str key_id = request_str(request, "keyId");
    struct view view = apigw_view(request, NULL);
    bool found = false;
    return !key_id.len ||
           (state_has(&view, state_key(request->arena, "keyplan", key_id, name), &found) == OK &&
            found);
}

enum err apigw_get_usage_plans(struct request *request)
{
    return apigw_list(request, state_prefix(request->arena, "plan", NO_PART), select_plan);
}

/* --- Updating --- */

/* "API:STAGE" to its entry in apiStages; NULL when there is none. */
static yyjson_mut_val *find_stage(yyjson_mut_val *plan, struct str name, size_t *out_index)
{
    size_t i, max;
    yyjson_mut_val *entry;
    struct str api_id;
    str_cut(&name, ':', &api_id);
    yyjson_mut_arr_foreach (apigw_member(plan, STR("apiStages")), i, max, entry) {
        if (str_eq(apigw_mut_str(apigw_member(entry, STR("apiId"))), api_id) &&
            str_eq(apigw_mut_str(apigw_member(entry, STR("stage"))), name)) {
            *out_index = i;
            return entry;
        }
    }
    return NULL;
}

static enum err patch_stages(struct patch_target *target, const struct patch_op *op)
{
    size_t index;
    struct str stage = op->value.ptr ? op->value : STR_EMPTY, api_id;
    yyjson_mut_val *list = apigw_member(target->object, STR("apiStages"));
    yyjson_mut_val *entry = find_stage(target->object, stage, &index);
    if (str_find_byte(stage, ':', 0) < 0)
        return apigw_bad_request(target->request, "Invalid API Stage specified");
    if (op->op == PATCH_REMOVE) {
        if (!entry)
            return apigw_not_found(target->request, "Invalid API Stage specified");
        yyjson_mut_arr_remove(list, index);
        return OK;
    }
    if (entry)
        return OK;
    str_cut(&stage, ':', &api_id);
    entry = yyjson_mut_obj(target->doc);
    apigw_set_str(target->doc, entry, STR("apiId"), api_id);
    apigw_set_str(target->doc, entry, STR("stage"), stage);
    yyjson_mut_arr_append(list, entry);
    return OK;
}

/* "/apiStages/API:STAGE/throttle/~1notes/GET[/rateLimit]"; with no method, all of the stage's. */
static enum err patch_stage_throttle(struct patch_target *target, const struct patch_op *op)
{
    size_t index;
    yyjson_mut_val *entry = find_stage(target->object, op->parts[1], &index);
    if (!entry)
        return apigw_not_found(target->request, "Invalid API Stage specified");
    if (op->part_count == 3) {
        yyjson_mut_obj_remove_key(entry, "throttle");
        return OK;
    }
    struct str method = arena_printf(target->request->arena, "%.*s/%.*s", STR_ARG(op->parts[3]),
                                     STR_ARG(op->parts[4]));
    yyjson_mut_val *throttles = apigw_object_member(target->doc, entry, STR("throttle"));
    if (op->op == PATCH_REMOVE) {
        yyjson_mut_obj_remove_keyn(throttles, method.ptr, method.len);
        return OK;
    }
    enum err rc = check_method(target->request, &target->view,
                               apigw_mut_str(apigw_member(entry, STR("apiId"))), method);
    if (rc)
        return rc;
    yyjson_mut_val *throttle = apigw_object_member(target->doc, throttles, method);
    double rate = number_of(apigw_member(throttle, STR("rateLimit")));
    int64_t burst = (int64_t)number_of(apigw_member(throttle, STR("burstLimit")));
    bool is_rate = str_eq(op->parts[5], STR("rateLimit"));
    char *end, *text = arena_cstr(target->request->arena, op->value.ptr ? op->value : STR_EMPTY);
    double number = strtod(text, &end);
    if (end == text || *end != '\0' || !(number >= 0 && number <= INT32_MAX))
        return apigw_bad_request(target->request, "Invalid value '%s' specified for path %.*s",
                                 text, STR_ARG(op->path));
    apigw_set(target->doc, throttle, STR("rateLimit"),
              yyjson_mut_real(target->doc, is_rate ? number : rate));
    apigw_set(target->doc, throttle, STR("burstLimit"),
              yyjson_mut_sint(target->doc, is_rate ? burst : (int64_t)number));
    return OK;
}

/* Setting one limit makes the other where there is none. */
static enum err complete_throttle(struct patch_target *target, const struct patch_op *op)
{
    (void)op;
    yyjson_mut_val *throttle = apigw_member(target->object, STR("throttle"));
    if (throttle && !apigw_member(throttle, STR("rateLimit")))
        json_add_double(target->doc, throttle, "rateLimit", 0);
    if (throttle && !apigw_member(throttle, STR("burstLimit")))
        json_add_i64(target->doc, throttle, "burstLimit", 0);
    return OK;
}

static enum err complete_quota(struct patch_target *target, const struct patch_op *op)
{
    (void)op;
    yyjson_mut_val *quota = apigw_member(target->object, STR("quota"));
    if (quota && !apigw_member(quota, STR("offset")))
        json_add_i64(target->doc, quota, "offset", 0);
    if (quota && !apigw_member(quota, STR("limit")))
        json_add_i64(target->doc, quota, "limit", 0);
    if (quota && !apigw_member(quota, STR("period")))
        json_add_str(target->doc, quota, "period", STR("DAY"));
    return OK;
}

#define CHANGE (PATCH_ADD | PATCH_REPLACE)

static const struct patch_rule plan_rules[] = {
    {"/name", PATCH_REPLACE, PATCH_STRING, NULL, NULL},
    {"/description", PATCH_REPLACE, PATCH_STRING, NULL, NULL},
    {"/productCode", PATCH_REPLACE | PATCH_REMOVE, PATCH_STRING, NULL, NULL},
    {"/throttle", PATCH_REMOVE, PATCH_STRING, NULL, NULL},
    {"/throttle/rateLimit", CHANGE, PATCH_DOUBLE, complete_throttle, NULL},
    {"/throttle/burstLimit", CHANGE, PATCH_INTEGER, complete_throttle, NULL},
    {"/quota", PATCH_REMOVE, PATCH_STRING, NULL, NULL},
    {"/quota/limit", CHANGE, PATCH_INTEGER, complete_quota, NULL},
    {"/quota/offset", CHANGE, PATCH_INTEGER, complete_quota, NULL},
    {"/quota/period", CHANGE, PATCH_STRING, complete_quota, NULL},
    {"/apiStages", PATCH_ADD | PATCH_REMOVE, PATCH_CUSTOM, patch_stages, NULL},
    {"/apiStages/{apidId:stageName}/throttle", PATCH_REMOVE, PATCH_CUSTOM, patch_stage_throttle,
     NULL},
    {"/apiStages/{apidId:stageName}/throttle/{resourcePath}/{httpMethod}", PATCH_REMOVE,
     PATCH_CUSTOM, patch_stage_throttle, NULL},
    {"/apiStages/{apidId:stageName}/throttle/{resourcePath}/{httpMethod}/rateLimit", CHANGE,
     PATCH_CUSTOM, patch_stage_throttle, NULL},
    {"/apiStages/{apidId:stageName}/throttle/{resourcePath}/{httpMethod}/burstLimit", CHANGE,
     PATCH_CUSTOM, patch_stage_throttle, NULL},
};

static const struct patch_table plan_table = PATCH_TABLE(plan_rules, PATCH_STYLE_LISTED, NULL);

static enum err run_update(struct request *request, struct store_txn *txn)
{
    struct view view = apigw_view(request, txn);
    enum err rc = patch_document(request, txn, key_of(request), &plan_table,
                                 "Invalid Usage Plan ID specified");
    if (rc == OK)
        rc = check_plan(request, &view, request->output);
    if (rc == OK)
        apigw_touch(request, TOUCH_PLAN, apigw_label(request, "usageplanId"), STR_EMPTY);
    if (rc == OK)
        apigw_answer_tags(request);
    return rc;
}

enum err apigw_update_usage_plan(struct request *request)
{
    return apigw_write(request, run_update);
}

/* --- Deleting --- */

static enum err remove_keys(struct request *request, const struct view *view, struct str id)
{
    struct str *keys, prefix = state_prefix(request->arena, "plankey", id);
    size_t count;
    enum err rc = state_names(view, prefix, &keys, &count);
    for (size_t i = 0; rc == OK && i < count; i++) {
        state_delete(view, state_key(request->arena, "keyplan", keys[i], id));
        rc = state_delete_usage(view, id, keys[i]);
    }
    return rc ? rc : state_delete_all(view, prefix);
}

static enum err run_delete(struct request *request, struct store_txn *txn)
{
    struct view view = apigw_view(request, txn);
    struct str id = apigw_label(request, "usageplanId");
    yyjson_val *plan;
    enum err rc = state_get(&view, key_of(request), &plan);
    if (rc)
        return rc;
    if (!plan)
        return unknown_plan(request);
    yyjson_val *stage = yyjson_arr_get_first(json_get(plan, "apiStages"));
    if (stage)
        return apigw_bad_request(request,
                                 "Cannot delete Usage Plan %.*s because there are API Stages "
                                 "associated with it, including %.*s:%.*s",
                                 STR_ARG(id), STR_ARG(json_get_str(stage, "apiId")),
                                 STR_ARG(json_get_str(stage, "stage")));
    rc = remove_keys(request, &view, id);
    if (rc)
        return rc;
    state_delete(&view, key_of(request));
    apigw_touch(request, TOUCH_PLAN, id, STR_EMPTY);
    return OK;
}

enum err apigw_delete_usage_plan(struct request *request)
{
    return apigw_write(request, run_delete);
}
