/* Deployments: snapshots of an API. */
#include "services/apigateway/patch.h"

static struct str key_of(struct request *request, const char *kind)
{
    return state_key(request->arena, kind, apigw_label(request, "restapi_id"),
                     apigw_label(request, "deployment_id"));
}

/* --- The snapshot --- */

struct snapshot {
    struct request *request;
    yyjson_mut_doc *doc;
    yyjson_mut_val *resources;
    yyjson_mut_val *models;
    size_t method_count;
    struct str only; /* the id of the resource that is wanted; empty: all */
};

static enum err add_resource(void *arg, struct str name, yyjson_val *document)
{
    struct snapshot *snapshot = arg;
    size_t i, max;
    yyjson_val *key, *method, *methods = json_get(document, "resourceMethods");
    (void)name;
    bool is_wanted = !snapshot->only.len || str_eq(snapshot->only, json_get_str(document, "id"));
    if (yyjson_obj_size(methods) == 0 || !is_wanted)
        return OK;
    yyjson_obj_foreach (methods, i, max, key, method) {
        if (!json_get(method, "methodIntegration"))
            return apigw_bad_request(snapshot->request, "No integration defined for method");
    }
    snapshot->method_count += yyjson_obj_size(methods);
    yyjson_mut_arr_append(snapshot->resources, yyjson_val_mut_copy(snapshot->doc, document));
    return OK;
}

static enum err add_model(void *arg, struct str name, yyjson_val *document)
{
    struct snapshot *snapshot = arg;
    apigw_set_str(snapshot->doc, snapshot->models, name, json_get_str(document, "schema"));
    return OK;
}

/* What is kept as it is, by its name. */
struct whole {
    struct snapshot *snapshot;
    yyjson_mut_val *into;
};

static enum err add_whole(void *arg, struct str name, yyjson_val *document)
{
    struct whole *whole = arg;
    apigw_set(whole->snapshot->doc, whole->into, name,
              yyjson_val_mut_copy(whole->snapshot->doc, document));
    return OK;
}

static enum err add_wholes(struct snapshot *snapshot, const struct view *view, struct str id,
                           yyjson_mut_val *object)
{
    static const struct {
        const char *kind, *member;
    } kinds[] = {
        {"gatewayresponse", "gatewayResponses"},
        {"validator", "validators"},
        {"authorizer", "authorizers"},
    };
    enum err rc = OK;
    for (size_t i = 0; rc == OK && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct whole whole = {snapshot, json_add_obj(snapshot->doc, object, kinds[i].member)};
        rc = state_each(view, state_prefix(view->arena, kinds[i].kind, id), STR_EMPTY, add_whole,
                        &whole);
    }
    return rc;
}

enum err apigw_snapshot(struct request *request, const struct view *view, yyjson_val *api,
                        struct str resource_id, yyjson_mut_val **out)
{
    struct snapshot snapshot = {
        .request = request, .doc = json_doc(request->arena), .only = resource_id};
    struct str id = json_get_str(api, "id");
    yyjson_mut_val *object = yyjson_mut_obj(snapshot.doc);
    snapshot.resources = json_add_arr(snapshot.doc, object, "resources");
    snapshot.models = json_add_obj(snapshot.doc, object, "models");
    json_add_copy(snapshot.doc, object, "binaryMediaTypes", json_get(api, "binaryMediaTypes"));
    json_add_copy(snapshot.doc, object, "minimumCompressionSize",
                  json_get(api, "minimumCompressionSize"));
    json_add_copy(snapshot.doc, object, "apiKeySource", json_get(api, "apiKeySource"));
    json_add_copy(snapshot.doc, object, "policy", json_get(api, "policy"));
    enum err rc = state_each(view, state_prefix(request->arena, "resource", id), STR_EMPTY,
                             add_resource, &snapshot);
    if (rc == OK)
        rc = state_each(view, state_prefix(request->arena, "model", id), STR_EMPTY, add_model,
                        &snapshot);
    if (rc == OK)
        rc = add_wholes(&snapshot, view, id, object);
    if (rc == OK && snapshot.method_count == 0)
        rc = apigw_bad_request(request, "The REST API doesn't contain any methods");
    *out = object;
    return rc;
}

/* --- Operations --- */

static enum err check_canary(struct request *request)
{
    struct str stage = request_str(request, "stageName");
    if (stage.len || !yyjson_is_obj(json_get(request->input, "canarySettings")))
        return OK;
    return apigw_bad_request(request,
                             "Invalid deployment content specified.Non null and non empty "
                             "stageName must be provided for canary deployment. Provided value is "
                             "%s",
                             stage.ptr ? "" : "null");
}

static enum err run_create(struct request *request, struct store_txn *txn)
{
    static const struct member members[] = {{"description", MEMBER_STRING}};
    struct view view = apigw_view(request, txn);
    struct str api_id = apigw_label(request, "restapi_id"), id = apigw_new_id(request->arena);
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *deployment = yyjson_mut_obj(doc), *snapshot;
    yyjson_val *api;
    enum err rc = apigw_find_api(request, &view, api_id, &api);
    if (rc == OK)
        rc = check_canary(request);
    if (rc == OK)
        rc = apigw_snapshot(request, &view, api, STR_EMPTY, &snapshot);
    if (rc)
        return rc;
    json_add_str(doc, deployment, "id", id);
    json_add_i64(doc, deployment, "createdDate", apigw_now());
    rc = APIGW_COPY(request, doc, deployment, request->input, members);
    if (rc)
        return rc;
    state_put(&view, state_key(request->arena, "deployment", api_id, id), deployment);
    state_put(&view, state_key(request->arena, "snapshot", api_id, id), snapshot);
    if (request_str(request, "stageName").len)
        rc = apigw_deploy_to_stage(request, &view, api_id, id);
    return rc ? rc : apigw_answer(request, doc, deployment);
}

enum err apigw_create_deployment(struct request *request)
{
    return apigw_write(request, run_create);
}

/* "/notes": {"GET": {"authorizationType": "NONE", "apiKeyRequired": true}} */
static void add_summary(yyjson_mut_doc *doc, yyjson_mut_val *deployment, yyjson_val *snapshot)
{
    size_t i, max, j, count;
    yyjson_val *resource, *verb, *method;
    yyjson_mut_val *summary = json_add_obj(doc, deployment, "apiSummary");
    yyjson_arr_foreach (json_get(snapshot, "resources"), i, max, resource) {
        yyjson_mut_val *methods = yyjson_mut_obj(doc);
        yyjson_obj_foreach (json_get(resource, "resourceMethods"), j, count, verb, method) {
            yyjson_mut_val *entry = yyjson_mut_obj(doc);
            json_add_copy(doc, entry, "authorizationType", json_get(method, "authorizationType"));
            json_add_copy(doc, entry, "apiKeyRequired", json_get(method, "apiKeyRequired"));
            apigw_set(doc, methods, json_str(verb), entry);
        }
        apigw_set(doc, summary, json_get_str(resource, "path"), methods);
    }
}

static bool wants_summary(struct request *request)
{
    yyjson_val *embed = json_get(request->input, "embed");
    struct str value = json_str(yyjson_is_arr(embed) ? yyjson_arr_get_first(embed) : embed);
    return str_eq(value, STR("apisummary"));
}

enum err apigw_get_deployment(struct request *request)
{
    struct view view = apigw_view(request, NULL);
    yyjson_val *document, *snapshot = NULL;
    enum err rc = state_get(&view, key_of(request, "deployment"), &document);
    if (rc == OK && wants_summary(request))
        rc = state_get(&view, key_of(request, "snapshot"), &snapshot);
    if (rc)
        return rc;
    if (!document)
        return apigw_not_found(request, "Invalid Deployment identifier specified");
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *deployment = yyjson_val_mut_copy(doc, document);
    if (snapshot)
        add_summary(doc, deployment, snapshot);
    return apigw_answer(request, doc, deployment);
}

enum err apigw_get_deployments(struct request *request)
{
    struct view view = apigw_view(request, NULL);
    struct str id = apigw_label(request, "restapi_id");
    yyjson_val *api;
    enum err rc = apigw_find_api(request, &view, id, &api);
    return rc ? rc : apigw_list(request, state_prefix(request->arena, "deployment", id), NULL);
}

static const struct patch_rule deployment_rules[] = {
    {"/description", PATCH_REPLACE, PATCH_STRING, NULL, NULL},
};

static const struct patch_table deployment_table =
    PATCH_TABLE(deployment_rules, PATCH_STYLE_LISTED, NULL);

static enum err run_update(struct request *request, struct store_txn *txn)
{
    return patch_document(request, txn, key_of(request, "deployment"), &deployment_table,
                          "Invalid Deployment identifier specified");
}

enum err apigw_update_deployment(struct request *request)
{
    return apigw_write(request, run_update);
}

/* --- Deleting --- */

struct use {
    struct str deployment_id;
    bool is_found;
};

static enum err look_for_use(void *arg, struct str name, yyjson_val *document)
{
    struct use *use = arg;
    (void)name;
    use->is_found |= str_eq(json_get_str(document, "deploymentId"), use->deployment_id) ||
                     str_eq(json_get_str(json_get(document, "canarySettings"), "deploymentId"),
                            use->deployment_id);
    return OK;
}

static enum err run_delete(struct request *request, struct store_txn *txn)
{
    struct view view = apigw_view(request, txn);
    struct use use = {.deployment_id = apigw_label(request, "deployment_id")};
    bool found;
    enum err rc = state_has(&view, key_of(request, "deployment"), &found);
    if (rc)
        return rc;
    if (!found)
        return apigw_not_found(request, "Invalid Deployment identifier specified");
    rc =
        state_each(&view, state_prefix(request->arena, "stage", apigw_label(request, "restapi_id")),
                   STR_EMPTY, look_for_use, &use);
    if (rc)
        return rc;
    if (use.is_found)
        return apigw_bad_request(
            request, "Active stages pointing to this deployment must be moved or deleted");
    state_delete(&view, key_of(request, "deployment"));
    state_delete(&view, key_of(request, "snapshot"));
    return OK;
}

enum err apigw_delete_deployment(struct request *request)
{
    return apigw_write(request, run_delete);
}
