/* The account's settings. On AWS its throttle is raised by a support case; here it is patched. */
#include "services/apigateway/plane/compile.h"
#include "services/apigateway/patch.h"

static struct str key_of(struct request *request)
{
    return state_key(request->arena, "account", NO_PART, NO_PART);
}

static enum err load(struct request *request, const struct view *view, yyjson_mut_doc *doc,
                     yyjson_mut_val **out)
{
    yyjson_val *document;
    enum err rc = state_get(view, key_of(request), &document);
    if (rc)
        return rc;
    if (document) {
        *out = yyjson_val_mut_copy(doc, document);
        return OK;
    }
    yyjson_mut_val *account = yyjson_mut_obj(doc);
    yyjson_mut_val *throttle = json_add_obj(doc, account, "throttleSettings");
    json_add_i64(doc, throttle, "burstLimit", DEFAULT_BURST_LIMIT);
    json_add_double(doc, throttle, "rateLimit", DEFAULT_RATE_LIMIT);
    yyjson_mut_arr_add_str(doc, json_add_arr(doc, account, "features"), "UsagePlans");
    json_add_str(doc, account, "apiKeyVersion", STR("4"));
    *out = account;
    return OK;
}

enum err apigw_get_account(struct request *request)
{
    struct view view = apigw_view(request, NULL);
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *account;
    enum err rc = load(request, &view, doc, &account);
    return rc ? rc : apigw_answer(request, doc, account);
}

static enum err patch_role(struct patch_target *target, const struct patch_op *op)
{
    struct str arn = op->value.ptr ? op->value : STR_EMPTY;
    if (op->op == PATCH_REMOVE || arn.len == 0) {
        yyjson_mut_obj_remove_key(target->object, "cloudwatchRoleArn");
        return OK;
    }
    if (!str_starts(arn, STR("arn:aws:iam::")) || str_find(arn, STR(":role/")) < 0)
        return apigw_bad_request(target->request, "Invalid ARN specified in the request");
    const struct iam_capability *iam = &target->request->skylite->iam;
    struct role_assumption asked = {.role_arn = arn,
                                    .service = STR("apigateway.amazonaws.com"),
                                    .session_name = STR("check"),
                                    .duration_s = 900};
    struct credentials credentials;
    struct error error;
    enum err rc = request_authorize_pass_role(target->request, arn, asked.service, STR_EMPTY);
    if (rc)
        return rc;
    if (iam->assume_role_for_service(iam->self, &asked, target->request->arena, &credentials,
                                     &error))
        return apigw_bad_request(target->request,
                                 "The role ARN does not have required permissions configured. "
                                 "Please grant trust permission for API Gateway and add the "
                                 "required role policy.");
    apigw_set_str(target->doc, target->object, STR("cloudwatchRoleArn"), arn);
    return OK;
}

static enum err patch_feature(struct patch_target *target, const struct patch_op *op)
{
    if (str_eq(op->value, STR("UsagePlans")))
        return OK;
    return apigw_bad_request(target->request, "Invalid feature specified. Must be UsagePlans");
}

static const struct patch_rule account_rules[] = {
    {"/cloudwatchRoleArn", PATCH_REPLACE | PATCH_ADD | PATCH_REMOVE, PATCH_CUSTOM, patch_role,
     NULL},
    {"/features", PATCH_ADD, PATCH_CUSTOM, patch_feature, NULL},
    {"/throttleSettings/rateLimit", PATCH_REPLACE, PATCH_DOUBLE, NULL, NULL},
    {"/throttleSettings/burstLimit", PATCH_REPLACE, PATCH_INTEGER, NULL, NULL},
};

static const struct patch_table account_table =
    PATCH_TABLE(account_rules, PATCH_STYLE_LISTED, NULL);

static enum err run_update(struct request *request, struct store_txn *txn)
{
    struct patch_target target = {.request = request, .view = apigw_view(request, txn)};
    target.doc = json_doc(request->arena);
    enum err rc = load(request, &target.view, target.doc, &target.object);
    if (rc == OK)
        rc = patch_apply(&target, &account_table);
    if (rc)
        return rc;
    state_put(&target.view, key_of(request), target.object);
    apigw_touch(request, TOUCH_ACCOUNT, STR_EMPTY, STR_EMPTY);
    return apigw_answer(request, target.doc, target.object);
}

enum err apigw_update_account(struct request *request)
{
    return apigw_write(request, run_update);
}
