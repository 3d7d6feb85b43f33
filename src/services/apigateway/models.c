/* Models: JSON schemas that methods name for their bodies. A new API has Empty and Error. */
#include "services/apigateway/models.h"

#include "services/apigateway/patch.h"
#include "services/apigateway/plane/schema.h"

#define NO_MODEL "Invalid model name specified: %.*s"

static const struct {
    struct str name, description, schema;
} own_models[] = {
    {STR_INIT("Empty"), STR_INIT("This is a default empty schema model"),
     STR_INIT(
         "{\n  \"$schema\": \"http://json-schema.org/draft-04/schema#\",\n  \"title\" : \"Empty "
         "Schema\",\n  \"type\" : \"object\"\n}")},
    {STR_INIT("Error"), STR_INIT("This is a default error schema model"),
     STR_INIT(
         "{\n  \"$schema\" : \"http://json-schema.org/draft-04/schema#\",\n  \"title\" : \"Error "
         "Schema\",\n  \"type\" : \"object\",\n  \"properties\" : {\n    \"message\" : { "
         "\"type\" : \"string\" }\n  }\n}")},
};

static struct str key_of(struct request *request, struct str name)
{
    return state_key(request->arena, "model", apigw_label(request, "restapi_id"), name);
}

void models_add_own(const struct view *view, struct str api_id)
{
    for (size_t i = 0; i < sizeof(own_models) / sizeof(own_models[0]); i++) {
        yyjson_mut_doc *doc = json_doc(view->arena);
        yyjson_mut_val *model = yyjson_mut_obj(doc);
        json_add_str(doc, model, "id", apigw_new_id(view->arena));
        json_add_str(doc, model, "name", own_models[i].name);
        json_add_str(doc, model, "description", own_models[i].description);
        json_add_str(doc, model, "schema", own_models[i].schema);
        json_add_str(doc, model, "contentType", STR("application/json"));
        state_put(view, state_key(view->arena, "model", api_id, own_models[i].name), model);
    }
}

enum err models_check_name(struct request *request, const struct view *view, struct str name)
{
    bool found;
    enum err rc = state_has(view, key_of(request, name), &found);
    if (rc == OK && !found)
        rc = apigw_bad_request(request, "Invalid model identifier specified: %.*s", STR_ARG(name));
    return rc;
}

enum err models_check_names(struct request *request, const struct view *view, yyjson_val *models)
{
    size_t i, max;
    yyjson_val *key, *value;
    enum err rc = OK;
    yyjson_obj_foreach (models, i, max, key, value) {
        if (rc == OK)
            rc = models_check_name(request, view, json_str(value));
    }
    return rc;
}

/* --- Creating --- */

static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_alphanumeric =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_alphanumeric)
            return false;
    }
    return name.len > 0;
}

static enum err check_schema(struct request *request, struct str text)
{
    struct error error;
    if (text.len == 0)
        return apigw_bad_request(
            request, "Model schema must have at least 1 property or array items defined");
    yyjson_val *schema = json_parse(request->arena, text);
    if (!schema)
        return apigw_bad_request(request, "Invalid model specified: Validation Result: warnings : "
                                          "[], errors : [Invalid model schema specified]");
    if (schema_check(schema, request->arena, &error))
        return apigw_bad_request(
            request,
            "Invalid model specified: Validation Result: warnings : [], errors "
            ": [Invalid model schema specified: %s]",
            error.message);
    return OK;
}

static enum err run_create(struct request *request, struct store_txn *txn)
{
    static const struct member members[] = {{"name", MEMBER_STRING},
                                            {"description", MEMBER_STRING},
                                            {"schema", MEMBER_STRING},
                                            {"contentType", MEMBER_STRING}};
    struct view view = apigw_view(request, txn);
    struct str name = request_str(request, "name");
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *model = yyjson_mut_obj(doc);
    yyjson_val *api;
    bool found = false;
    enum err rc = apigw_find_api(request, &view, apigw_label(request, "restapi_id"), &api);
    if (rc == OK)
        rc = state_has(&view, key_of(request, name), &found);
    if (rc == OK && found)
        rc = apigw_conflict(request, "Model name already exists for this REST API");
    if (rc)
        return rc;
    json_add_str(doc, model, "id", apigw_new_id(request->arena));
    rc = APIGW_COPY(request, doc, model, request->input, members);
    if (rc)
        return rc;
    state_put(&view, key_of(request, name), model);
    return apigw_answer(request, doc, model);
}

enum err apigw_create_model(struct request *request)
{
    struct str name = request_str(request, "name");
    enum err rc = OK;
    if (name.ptr && name.len == 0)
        return apigw_bad_request(request, "Model name must be non-empty");
    rc = apigw_require(request, "name");
    if (rc == OK)
        rc = apigw_require(request, "contentType");
    if (rc == OK && !is_name(name))
        rc = apigw_bad_request(request, "Model name must be alphanumeric: %.*s", STR_ARG(name));
    if (rc == OK)
        rc = check_schema(request, request_str(request, "schema"));
    return rc ? rc : apigw_write(request, run_create);
}

/* --- Reading --- */

static enum err answer_flat(struct request *request, yyjson_val *model)
{
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *copy = yyjson_val_mut_copy(doc, model);
    struct str schema;
    enum err rc = models_flatten(request, json_get_str(model, "schema"), &schema);
    if (rc)
        return rc;
    apigw_set_str(doc, copy, STR("schema"), schema);
    return apigw_answer(request, doc, copy);
}

enum err apigw_get_model(struct request *request)
{
    struct view view = apigw_view(request, NULL);
    struct str name = apigw_label(request, "model_name");
    yyjson_val *model;
    enum err rc = state_get(&view, key_of(request, name), &model);
    if (rc)
        return rc;
    if (!model)
        return apigw_not_found(request, NO_MODEL, STR_ARG(name));
    return json_get_bool(request->input, "flatten", false) ? answer_flat(request, model)
                                                           : apigw_answer_copy(request, model);
}

enum err apigw_get_models(struct request *request)
{
    struct view view = apigw_view(request, NULL);
    struct str id = apigw_label(request, "restapi_id");
    yyjson_val *api;
    enum err rc = apigw_find_api(request, &view, id, &api);
    return rc ? rc : apigw_list(request, state_prefix(request->arena, "model", id), NULL);
}

/* --- Changing --- */

static enum err patch_schema(struct patch_target *target, const struct patch_op *op)
{
    return check_schema(target->request, op->value.ptr ? op->value : STR_EMPTY);
}

static const struct patch_rule model_rules[] = {
    {"/description", PATCH_REPLACE, PATCH_STRING, NULL, NULL},
    {"/schema", PATCH_REPLACE, PATCH_STRING, patch_schema, NULL},
};

static const struct patch_table model_table = PATCH_TABLE(model_rules, PATCH_STYLE_LISTED, NULL);

static enum err run_update(struct request *request, struct store_txn *txn)
{
    struct str name = apigw_label(request, "model_name");
    const char *missing = arena_printf(request->arena, NO_MODEL, STR_ARG(name)).ptr;
    return patch_document(request, txn, key_of(request, name), &model_table, missing);
}

enum err apigw_update_model(struct request *request)
{
    return apigw_write(request, run_update);
}

/* The first method that names the model, in what it takes or what it answers. */
struct use {
    struct arena *arena;
    struct str model;
    struct str place; /* "method request: /pets/GET"; empty: none */
};

static void look_in(struct use *use, yyjson_val *models, const char *where, yyjson_val *resource,
                    struct str verb)
{
    size_t i, max;
    yyjson_val *type, *name;
    yyjson_obj_foreach (models, i, max, type, name) {
        if (str_eq(json_str(name), use->model) && !use->place.len)
            use->place = arena_printf(use->arena, "method %s: %.*s/%.*s", where,
                                      STR_ARG(json_get_str(resource, "path")), STR_ARG(verb));
    }
}

static enum err look_in_resource(void *arg, struct str name, yyjson_val *resource)
{
    struct use *use = arg;
    size_t i, max, j, count;
    yyjson_val *verb, *method, *code, *response;
    (void)name;
    yyjson_obj_foreach (json_get(resource, "resourceMethods"), i, max, verb, method) {
        look_in(use, json_get(method, "requestModels"), "request", resource, json_str(verb));
        yyjson_obj_foreach (json_get(method, "methodResponses"), j, count, code, response) {
            look_in(use, json_get(response, "responseModels"), "response", resource,
                    json_str(verb));
        }
    }
    return OK;
}

static enum err run_delete(struct request *request, struct store_txn *txn)
{
    struct view view = apigw_view(request, txn);
    struct str name = apigw_label(request, "model_name"), id = apigw_label(request, "restapi_id");
    struct use use = {.arena = request->arena, .model = name};
    bool found;
    enum err rc = state_has(&view, key_of(request, name), &found);
    if (rc == OK && !found)
        rc = apigw_not_found(request, NO_MODEL, STR_ARG(name));
    if (rc == OK)
        rc = state_each(&view, state_prefix(request->arena, "resource", id), STR_EMPTY,
                        look_in_resource, &use);
    if (rc == OK && use.place.len)
        rc = apigw_conflict(request, "Cannot delete model '%.*s', is referenced in %.*s",
                            STR_ARG(name), STR_ARG(use.place));
    if (rc == OK)
        state_delete(&view, key_of(request, name));
    return rc;
}

enum err apigw_delete_model(struct request *request)
{
    return apigw_write(request, run_delete);
}
