/* API keys. */
#include "base/encode.h"
#include "services/apigateway/patch.h"

enum { MIN_VALUE = 20, MAX_VALUE = 128, GENERATED_VALUE = 40 };
enum { MAX_NAME = 1024, MAX_DESCRIPTION = 125000 };

static struct str key_of(struct request *request)
{
    return state_key(request->arena, "key", apigw_label(request, "api_Key"), NO_PART);
}

static enum err unknown_key(struct request *request)
{
    return apigw_not_found(request, "Invalid API Key identifier specified");
}

/* --- Creating --- */

static enum err check_value(struct request *request, struct str value)
{
    if (value.len < MIN_VALUE)
        return apigw_bad_request(request, "API Key value should be at least 20 characters");
    if (value.len > MAX_VALUE)
        return apigw_bad_request(request, "API Key value exceeds maximum size of 128 characters");
    return header_value_is_valid(value) ? OK : apigw_bad_request(request, "Invalid API Key value");
}

static enum err check_name(struct request *request, struct str name)
{
    return name.len <= MAX_NAME
               ? OK
               : apigw_bad_request(request,
                                   "Invalid API Key name, can be at most 1024 characters.");
}

static enum err check_description(struct request *request, struct str description)
{
    return description.len <= MAX_DESCRIPTION
               ? OK
               : apigw_bad_request(request, "Invalid API Key description specified.");
}

/* [{"restApiId": "a", "stageName": "s"}] of the request as ["a/s"] of the answer. */
static void add_stage_keys(struct request *request, yyjson_mut_doc *doc, yyjson_mut_val *key)
{
    size_t i, max;
    yyjson_val *stage_key;
    yyjson_mut_val *list = json_add_arr(doc, key, "stageKeys");
    yyjson_arr_foreach (json_get(request->input, "stageKeys"), i, max, stage_key) {
        struct str text =
            arena_printf(request->arena, "%.*s/%.*s", STR_ARG(json_get_str(stage_key, "restApiId")),
                         STR_ARG(json_get_str(stage_key, "stageName")));
        yyjson_mut_arr_add_strn(doc, list, text.ptr, text.len);
    }
}

static enum err build(struct request *request, yyjson_mut_doc *doc, yyjson_mut_val *key)
{
    static const struct member members[] = {
        {"name", MEMBER_STRING},  {"description", MEMBER_STRING}, {"customerId", MEMBER_STRING},
        {"enabled", MEMBER_BOOL}, {"tags", MEMBER_STRING_MAP},
    };
    struct str value = request_str(request, "value");
    if (!value.ptr || value.len == 0)
        value = random_text(request->arena,
                            STR("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"),
                            GENERATED_VALUE);
    json_add_str(doc, key, "id", apigw_new_id(request->arena));
    json_add_str(doc, key, "value", value);
    json_add_bool(doc, key, "enabled", false);
    json_add_i64(doc, key, "createdDate", apigw_now());
    json_add_i64(doc, key, "lastUpdatedDate", apigw_now());
    add_stage_keys(request, doc, key);
    enum err rc = APIGW_COPY(request, doc, key, request->input, members);
    if (json_mut_get_str(key, "name").len == 0)
        yyjson_mut_obj_remove_key(key, "name");
    return rc;
}

enum err apigw_insert_key(struct request *request, const struct view *view, yyjson_mut_val *key)
{
    struct str id = json_mut_get_str(key, "id"), value = json_mut_get_str(key, "value");
    struct str value_key = state_key(view->arena, "keyvalue", value, NO_PART);
    bool found;
    enum err rc = check_value(request, value);
    if (rc == OK)
        rc = state_has(view, value_key, &found);
    if (rc)
        return rc;
    if (found)
        return apigw_conflict(request, "API Key already exists");
    state_put_text(view, value_key, id);
    state_put(view, state_key(view->arena, "key", id, NO_PART), key);
    apigw_touch(request, TOUCH_KEY, id, STR_EMPTY);
    return OK;
}

static enum err run_create(struct request *request, struct store_txn *txn)
{
    struct view view = apigw_view(request, txn);
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *key = yyjson_mut_obj(doc);
    enum err rc = build(request, doc, key);
    if (rc == OK)
        rc = apigw_insert_key(request, &view, key);
    return rc ? rc : apigw_answer(request, doc, key);
}

enum err apigw_create_api_key(struct request *request)
{
    enum err rc = apigw_check_tags(request, json_get(request->input, "tags"));
    if (rc == OK)
        rc = check_name(request, request_str(request, "name"));
    if (rc == OK)
        rc = check_description(request, request_str(request, "description"));
    return rc ? rc : apigw_write(request, run_create);
}

/* --- Reading --- */

enum err apigw_get_api_key(struct request *request)
{
    struct view view = apigw_view(request, NULL);
    yyjson_val *document;
    enum err rc = state_get(&view, key_of(request), &document);
    if (rc)
        return rc;
    if (!document)
        return unknown_key(request);
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *key = yyjson_val_mut_copy(doc, document);
    if (!json_get_bool(request->input, "includeValue", false))
        yyjson_mut_obj_remove_key(key, "value");
    return apigw_answer(request, doc, key);
}

static bool select_key(struct request *request, yyjson_mut_doc *doc, yyjson_mut_val *item,
                       struct str name)
{
    (void)doc;
    (void)name;
    struct str wanted = request_str(request, "name");
    struct str customer = request_str(request, "customerId");
    struct str item_name = apigw_mut_str(apigw_member(item, STR("name")));
    if (wanted.len && (!item_name.ptr || !str_starts(item_name, wanted)))
        return false;
    if (customer.len && !str_eq(apigw_mut_str(apigw_member(item, STR("customerId"))), customer))
        return false;
    if (!json_get_bool(request->input, "includeValues", false))
        yyjson_mut_obj_remove_key(item, "value");
    return true;
}

enum err apigw_get_api_keys(struct request *request)
{
    return apigw_list(request, state_prefix(request->arena, "key", NO_PART), select_key);
}

/* --- Updating --- */

static enum err patch_name(struct patch_target *target, const struct patch_op *op)
{
    return check_name(target->request, op->value);
}

static enum err patch_description(struct patch_target *target, const struct patch_op *op)
{
    return check_description(target->request, op->value);
}

/* "API/STAGE" is added to the stages of the key, or taken from them. */
static enum err patch_stages(struct patch_target *target, const struct patch_op *op)
{
    size_t i, max;
    yyjson_mut_val *stage, *list = apigw_member(target->object, STR("stageKeys"));
    yyjson_mut_val *kept = yyjson_mut_arr(target->doc);
    if (str_find_byte(op->value, '/', 0) <= 0)
        return apigw_bad_request(target->request, "Invalid stage key specified");
    yyjson_mut_arr_foreach (list, i, max, stage) {
        if (!str_eq(apigw_mut_str(stage), op->value))
            yyjson_mut_arr_append(kept, yyjson_mut_val_mut_copy(target->doc, stage));
    }
    if (op->op == PATCH_ADD)
        yyjson_mut_arr_add_strncpy(target->doc, kept, op->value.ptr, op->value.len);
    apigw_set(target->doc, target->object, STR("stageKeys"), kept);
    return OK;
}

static const struct patch_rule key_rules[] = {
    {"/name", PATCH_REPLACE | PATCH_ADD, PATCH_STRING, patch_name, NULL},
    {"/description", PATCH_REPLACE | PATCH_ADD, PATCH_STRING, patch_description, NULL},
    {"/enabled", PATCH_REPLACE | PATCH_ADD, PATCH_BOOL, NULL, NULL},
    {"/customerId", PATCH_REPLACE | PATCH_ADD, PATCH_STRING, NULL, NULL},
    {"/stages", PATCH_ADD | PATCH_REMOVE, PATCH_CUSTOM, patch_stages, NULL},
};

static const struct patch_table key_table =
    PATCH_TABLE(key_rules, PATCH_STYLE_LISTED, "/description, /enabled, /name, /customerId");

static enum err run_update(struct request *request, struct store_txn *txn)
{
    enum err rc = patch_document(request, txn, key_of(request), &key_table,
                                 "Invalid API Key identifier specified");
    if (rc)
        return rc;
    yyjson_mut_obj_remove_key(request->output, "value");
    apigw_answer_tags(request);
    apigw_touch(request, TOUCH_KEY, apigw_label(request, "api_Key"), STR_EMPTY);
    return OK;
}

enum err apigw_update_api_key(struct request *request)
{
    return apigw_write(request, run_update);
}

/* --- Deleting --- */

static enum err leave_plans(struct request *request, const struct view *view, struct str id)
{
    struct str *plans, prefix = state_prefix(request->arena, "keyplan", id);
    size_t count;
    enum err rc = state_names(view, prefix, &plans, &count);
    for (size_t i = 0; rc == OK && i < count; i++) {
        state_delete(view, state_key(request->arena, "plankey", plans[i], id));
        rc = state_delete_usage(view, plans[i], id);
    }
    return rc ? rc : state_delete_all(view, prefix);
}

static enum err run_delete(struct request *request, struct store_txn *txn)
{
    struct view view = apigw_view(request, txn);
    struct str id = apigw_label(request, "api_Key");
    yyjson_val *key;
    enum err rc = state_get(&view, key_of(request), &key);
    if (rc)
        return rc;
    if (!key)
        return unknown_key(request);
    rc = leave_plans(request, &view, id);
    if (rc)
        return rc;
    state_delete(&view, state_key(request->arena, "keyvalue", json_get_str(key, "value"), NO_PART));
    state_delete(&view, key_of(request));
    apigw_touch(request, TOUCH_KEY, id, STR_EMPTY);
    return OK;
}

enum err apigw_delete_api_key(struct request *request)
{
    return apigw_write(request, run_delete);
}
