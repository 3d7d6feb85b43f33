/* Keys in usage plans. */
#include "services/apigateway/internal.h"

static struct str plan_id_of(struct request *request)
{
    return apigw_label(request, "usageplanId");
}

static enum err find_plan(struct request *request, const struct view *view, struct str plan_id,
                          yyjson_val **out)
{
    enum err rc = state_get(view, state_key(view->arena, "plan", plan_id, NO_PART), out);
    if (rc || *out)
        return rc;
    return apigw_not_found(request, "Invalid Usage Plan ID specified");
}

/* {"id", "type", "name", "value"} of a key's document. */
static enum err answer_key(struct request *request, yyjson_val *key)
{
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *answer = yyjson_mut_obj(doc);
    json_add_copy(doc, answer, "id", json_get(key, "id"));
    json_add_str(doc, answer, "type", STR("API_KEY"));
    json_add_copy(doc, answer, "name", json_get(key, "name"));
    json_add_copy(doc, answer, "value", json_get(key, "value"));
    return apigw_answer(request, doc, answer);
}

/* --- Creating --- */

static bool covers(yyjson_val *plan, yyjson_mut_val *stage)
{
    size_t i, max;
    yyjson_val *entry;
    yyjson_arr_foreach (json_get(plan, "apiStages"), i, max, entry) {
        if (str_eq(json_get_str(entry, "apiId"),
                   apigw_mut_str(apigw_member(stage, STR("apiId")))) &&
            str_eq(json_get_str(entry, "stage"), apigw_mut_str(apigw_member(stage, STR("stage")))))
            return true;
    }
    return false;
}

static enum err check_overlap(struct request *request, struct str key_id, struct str plan_id,
                              yyjson_val *other, yyjson_mut_val *stages)
{
    size_t i, max;
    yyjson_mut_val *stage;
    yyjson_mut_arr_foreach (stages, i, max, stage) {
        if (covers(other, stage))
            return apigw_conflict(
                request,
                "Usage Plan %.*s cannot be added because API Key %.*s cannot reference multiple "
                "Usage Plans with the same api stage: %.*s:%.*s",
                STR_ARG(plan_id), STR_ARG(key_id),
                STR_ARG(apigw_mut_str(apigw_member(stage, STR("apiId")))),
                STR_ARG(apigw_mut_str(apigw_member(stage, STR("stage")))));
    }
    return OK;
}

enum err apigw_check_key_stages(struct request *request, const struct view *view, struct str key_id,
                                struct str plan_id, yyjson_mut_val *stages)
{
    struct str *plans;
    size_t count;
    enum err rc = state_names(view, state_prefix(view->arena, "keyplan", key_id), &plans, &count);
    for (size_t i = 0; rc == OK && i < count; i++) {
        yyjson_val *other;
        if (str_eq(plans[i], plan_id))
            continue;
        rc = state_get(view, state_key(view->arena, "plan", plans[i], NO_PART), &other);
        if (rc == OK)
            rc = check_overlap(request, key_id, plan_id, other, stages);
    }
    return rc;
}

static enum err check_free(struct request *request, const struct view *view, yyjson_val *plan,
                           struct str plan_id, struct str key_id)
{
    bool found;
    enum err rc = state_has(view, state_key(view->arena, "plankey", plan_id, key_id), &found);
    if (rc)
        return rc;
    if (found)
        return apigw_conflict(request,
                              "Usage Plan %.*s cannot be added because API Key %.*s already "
                              "references it",
                              STR_ARG(plan_id), STR_ARG(key_id));
    yyjson_mut_doc *doc = json_doc(view->arena);
    return apigw_check_key_stages(request, view, key_id, plan_id,
                                  yyjson_val_mut_copy(doc, json_get(plan, "apiStages")));
}

enum err apigw_join_plan(struct request *request, const struct view *view, struct str plan_id,
                         struct str key_id)
{
    yyjson_val *plan;
    enum err rc = find_plan(request, view, plan_id, &plan);
    if (rc == OK)
        rc = check_free(request, view, plan, plan_id, key_id);
    if (rc)
        return rc;
    state_put_text(view, state_key(view->arena, "plankey", plan_id, key_id), STR_EMPTY);
    state_put_text(view, state_key(view->arena, "keyplan", key_id, plan_id), STR_EMPTY);
    apigw_touch(request, TOUCH_KEY, key_id, STR_EMPTY);
    return OK;
}

static enum err run_create(struct request *request, struct store_txn *txn)
{
    struct view view = apigw_view(request, txn);
    struct str plan_id = plan_id_of(request), key_id = request_str(request, "keyId");
    yyjson_val *plan, *key;
    enum err rc = find_plan(request, &view, plan_id, &plan);
    if (rc == OK)
        rc = state_get(&view, state_key(request->arena, "key", key_id, NO_PART), &key);
    if (rc)
        return rc;
    if (!key)
        return apigw_not_found(request, "Invalid API Key identifier specified");
    rc = apigw_join_plan(request, &view, plan_id, key_id);
    return rc ? rc : answer_key(request, key);
}

enum err apigw_create_usage_plan_key(struct request *request)
{
    enum err rc = apigw_require(request, "keyId");
    if (rc == OK)
        rc = apigw_require(request, "keyType");
    if (rc == OK && !str_eq(request_str(request, "keyType"), STR("API_KEY")))
        rc = apigw_bad_request(request, "Invalid key type specified. Must be API_KEY");
    return rc ? rc : apigw_write(request, run_create);
}

/* --- Reading --- */

static enum err find_member(struct request *request, const struct view *view, yyjson_val **out)
{
    struct str key_id = request_str(request, "keyId");
    bool found = false;
    yyjson_val *plan;
    enum err rc = find_plan(request, view, plan_id_of(request), &plan);
    if (rc == OK)
        rc = state_has(view, state_key(request->arena, "plankey", plan_id_of(request), key_id),
                       &found);
    if (rc)
        return rc;
    if (!found)
        return apigw_not_found(request, "Invalid API Key identifier specified");
    return state_get(view, state_key(request->arena, "key", key_id, NO_PART), out);
}

enum err apigw_get_usage_plan_key(struct request *request)
{
    struct view view = apigw_view(request, NULL);
    yyjson_val *key;
    enum err rc = find_member(request, &view, &key);
    return rc ? rc : answer_key(request, key);
}

static bool select_key(struct request *request, yyjson_mut_doc *doc, yyjson_mut_val *item,
                       struct str name)
{
    struct view view = apigw_view(request, NULL);
    struct str wanted = request_str(request, "name");
    yyjson_val *key = NULL;
    if (state_get(&view, state_key(request->arena, "key", name, NO_PART), &key) || !key)
        return false;
    struct str key_name = json_get_str(key, "name");
    if (wanted.len && (!key_name.ptr || !str_starts(key_name, wanted)))
        return false;
    json_add_copy(doc, item, "id", json_get(key, "id"));
    json_add_str(doc, item, "type", STR("API_KEY"));
    json_add_copy(doc, item, "name", json_get(key, "name"));
    json_add_copy(doc, item, "value", json_get(key, "value"));
    return true;
}

enum err apigw_get_usage_plan_keys(struct request *request)
{
    return apigw_list(request, state_prefix(request->arena, "plankey", plan_id_of(request)),
                      select_key);
}

/* --- Deleting --- */

static enum err run_delete(struct request *request, struct store_txn *txn)
{
    struct view view = apigw_view(request, txn);
    struct str plan_id = plan_id_of(request), key_id = request_str(request, "keyId");
    yyjson_val *key;
    enum err rc = find_member(request, &view, &key);
    if (rc)
        return rc;
    state_delete(&view, state_key(request->arena, "plankey", plan_id, key_id));
    state_delete(&view, state_key(request->arena, "keyplan", key_id, plan_id));
    apigw_touch(request, TOUCH_KEY, key_id, STR_EMPTY);
    return state_delete_usage(&view, plan_id, key_id);
}

enum err apigw_delete_usage_plan_key(struct request *request)
{
    return apigw_write(request, run_delete);
}
