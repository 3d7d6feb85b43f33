/* ImportRestApi and PutRestApi: an OpenAPI document's plan, carried out by the control plane's own
 * operations inside one write. So an import takes all or nothing, and checks nothing anew. */
#include "services/apigateway/openapi/import.h"

#include "services/apigateway/documentation.h"

enum { MAX_DOCUMENT = 6 * 1024 * 1024 }; /* AWS's quota */

/* --- Operations --- */

void import_add_text(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name, struct str text)
{
    yyjson_mut_obj_put(object, yyjson_mut_str(doc, name),
                       yyjson_mut_strncpy(doc, text.ptr, text.len));
}

enum err import_run(struct import *import, const char *operation, yyjson_mut_val *input,
                    yyjson_mut_val **out)
{
    yyjson_mut_val *ignored = NULL;
    arena_reset(&import->scratch);
    if (import->api_id.len)
        import_add_text(import->plan.doc, input, "restapi_id", import->api_id);
    return request_run_inside(import->request, import->txn, &import->scratch, operation, input,
                              out ? out : &ignored);
}

enum err import_note(struct import *import, enum err rc, const char *what, struct str name)
{
    if (rc == OK || error_status(rc) >= 500)
        return rc;
    openapi_fail(&import->plan, "%s '%.*s': %s", what, STR_ARG(name),
                 import->request->error.message);
    return OK;
}

static enum err note_method(struct import *import, enum err rc, const char *what, struct str verb,
                            struct str path)
{
    if (rc == OK || error_status(rc) >= 500)
        return rc;
    openapi_fail(&import->plan, "%s '%.*s' %s resource at path '%.*s': %s", what, STR_ARG(verb),
                 strstr(what, "integration") ? "for" : "on", STR_ARG(path),
                 import->request->error.message);
    return OK;
}

static struct str *keep(struct import *import, struct map *map, struct str name, struct str id)
{
    struct str *copy = arena_new(import->request->arena, struct str);
    *copy = arena_str(import->request->arena, id);
    map_set(map, name, copy);
    return copy;
}

static yyjson_mut_val *copy_of(struct import *import, yyjson_mut_val *value)
{
    return yyjson_mut_val_mut_copy(import->plan.doc, value);
}

/* --- What was there --- */

static enum err know_resource(void *arg, struct str name, yyjson_val *document)
{
    struct import *import = arg;
    keep(import, &import->resources, json_get_str(document, "path"), name);
    return OK;
}

static enum err know_validator(void *arg, struct str name, yyjson_val *document)
{
    struct import *import = arg;
    keep(import, &import->validators, json_get_str(document, "name"), name);
    return OK;
}

static enum err know_authorizer(void *arg, struct str name, yyjson_val *document)
{
    struct import *import = arg;
    keep(import, &import->authorizers, json_get_str(document, "name"), name);
    return OK;
}

static enum err know(struct import *import, const struct view *view)
{
    static const struct {
        const char *kind;
        state_each_fn fn;
    } kinds[] = {{"resource", know_resource},
                 {"validator", know_validator},
                 {"authorizer", know_authorizer}};
    enum err rc = OK;
    for (size_t i = 0; rc == OK && i < sizeof(kinds) / sizeof(kinds[0]); i++)
        rc = state_each(view, state_prefix(view->arena, kinds[i].kind, import->api_id), STR_EMPTY,
                        kinds[i].fn, import);
    return rc;
}

/* --- What the API is made of --- */

static enum err put_model(struct import *import, const struct view *view, yyjson_mut_val *model)
{
    yyjson_mut_doc *doc = import->plan.doc;
    struct str name = json_mut_get_str(model, "name");
    struct str key = state_key(view->arena, "model", import->api_id, name);
    yyjson_mut_val *input = copy_of(import, model);
    import_add_text(doc, input, "schema",
                    openapi_schema_text(import->request->arena, yyjson_mut_obj_get(model, "schema"),
                                        import->api_id));
    state_delete(view, key);
    return import_note(import, import_run(import, "CreateModel", input, NULL),
                       "Unable to create model", name);
}

/* Under the id that the name had before, if any: methods go on referring to it. */
static enum err keep_id(struct import *import, const struct view *view, const char *kind,
                        struct str old_id, struct str new_id)
{
    struct str key = state_key(view->arena, kind, import->api_id, new_id);
    yyjson_val *document;
    enum err rc = state_get(view, key, &document);
    if (rc)
        return rc;
    yyjson_mut_val *copy = yyjson_val_mut_copy(import->plan.doc, document);
    import_add_text(import->plan.doc, copy, "id", old_id);
    state_put(view, state_key(view->arena, kind, import->api_id, old_id), copy);
    state_delete(view, key);
    return OK;
}

static enum err put_named(struct import *import, const struct view *view, yyjson_mut_val *given,
                          const char *operation, const char *kind, struct map *map)
{
    struct str name = json_mut_get_str(given, "name");
    struct str *old = map_get(map, name);
    yyjson_mut_val *answer = NULL;
    enum err rc = import_run(import, operation, copy_of(import, given), &answer);
    if (rc)
        return import_note(import, rc, arena_printf(view->arena, "Unable to create %s", kind).ptr,
                           name);
    if (old)
        return keep_id(import, view, kind, *old, json_mut_get_str(answer, "id"));
    keep(import, map, name, json_mut_get_str(answer, "id"));
    return OK;
}

static enum err put_gateway_response(struct import *import, yyjson_mut_val *response)
{
    return import_note(
        import, import_run(import, "PutGatewayResponse", copy_of(import, response), NULL),
        "Unable to put gateway response", json_mut_get_str(response, "responseType"));
}

static enum err put_parts(struct import *import, const struct view *view)
{
    size_t i, max;
    yyjson_mut_val *part;
    enum err rc = OK;
    yyjson_mut_arr_foreach (import->plan.models, i, max, part) {
        if (rc == OK)
            rc = put_model(import, view, part);
    }
    yyjson_mut_arr_foreach (import->plan.validators, i, max, part) {
        if (rc == OK)
            rc = put_named(import, view, part, "CreateRequestValidator", "validator",
                           &import->validators);
    }
    yyjson_mut_arr_foreach (import->plan.authorizers, i, max, part) {
        if (rc == OK)
            rc = put_named(import, view, part, "CreateAuthorizer", "authorizer",
                           &import->authorizers);
    }
    yyjson_mut_arr_foreach (import->plan.gateway_responses, i, max, part) {
        if (rc == OK)
            rc = put_gateway_response(import, part);
    }
    return rc;
}

static enum err put_documentation(struct import *import, const struct view *view)
{
    yyjson_val *given = json_get(import->document.root, "x-amazon-apigateway-documentation");
    if (import->is_undocumented)
        return OK;
    enum err rc = documentation_put(import->request, view, import->api_id,
                                    json_get(given, "documentationParts"), import->plan.doc, NULL);
    return import_note(import, rc, "Unable to put documentation of API", import->api_id);
}

/* --- Methods --- */

struct target {
    struct str resource_id, verb, path;
};

static yyjson_mut_val *method_input(struct import *import, const struct target *target,
                                    yyjson_mut_val *given)
{
    yyjson_mut_val *input = given ? copy_of(import, given) : yyjson_mut_obj(import->plan.doc);
    import_add_text(import->plan.doc, input, "resource_id", target->resource_id);
    import_add_text(import->plan.doc, input, "http_method", target->verb);
    return input;
}

/* A name in the plan as the id that it has here. */
static enum err add_id(struct import *import, const struct map *map, struct str name,
                       yyjson_mut_val *input, const char *member)
{
    struct str *id = name.ptr ? map_get(map, name) : NULL;
    if (name.ptr && !id)
        return apigw_bad_request(import->request, "Invalid %s specified: %.*s", member,
                                 STR_ARG(name));
    if (id)
        import_add_text(import->plan.doc, input, member, *id);
    return OK;
}

static enum err put_method(struct import *import, const struct target *target,
                           yyjson_mut_val *method)
{
    yyjson_mut_val *input = method_input(import, target, yyjson_mut_obj_get(method, "put"));
    enum err rc = import_run(import, "DeleteMethod", method_input(import, target, NULL), NULL);
    if (rc == ERR_APIGW_NOT_FOUND)
        rc = OK;
    if (rc == OK)
        rc = add_id(import, &import->validators, json_mut_get_str(method, "validator"), input,
                    "requestValidatorId");
    if (rc == OK)
        rc = add_id(import, &import->authorizers, json_mut_get_str(method, "authorizer"), input,
                    "authorizerId");
    return rc ? rc : import_run(import, "PutMethod", input, NULL);
}

/* All of a list with one operation; the first that fails ends the method. */
static enum err put_each(struct import *import, const struct target *target, yyjson_mut_val *list,
                         const char *operation)
{
    size_t i, max;
    yyjson_mut_val *given;
    enum err rc = OK;
    yyjson_mut_arr_foreach (list, i, max, given) {
        if (rc == OK)
            rc = import_run(import, operation, method_input(import, target, given), NULL);
    }
    return rc;
}

static enum err import_method(struct import *import, const struct target *target,
                              yyjson_mut_val *method)
{
    yyjson_mut_val *integration = yyjson_mut_obj_get(method, "integration");
    const char *what = "Unable to put method";
    enum err rc = put_method(import, target, method);
    if (rc == OK) {
        what = "Unable to put method response on";
        rc = put_each(import, target, yyjson_mut_obj_get(method, "responses"), "PutMethodResponse");
    }
    if (rc == OK && integration) {
        what = "Unable to put integration on";
        rc = import_run(import, "PutIntegration", method_input(import, target, integration), NULL);
    }
    if (rc == OK && integration) {
        what = "Unable to put integration response on";
        rc = put_each(import, target, yyjson_mut_obj_get(method, "integrationResponses"),
                      "PutIntegrationResponse");
    }
    return note_method(import, rc, what, target->verb, target->path);
}

/* --- Resources --- */

/* The resource of a path, made with those above it where they are not there; NULL when it cannot
 * be. */
static enum err make_resource(struct import *import, struct str path, struct str **out)
{
    yyjson_mut_doc *doc = import->plan.doc;
    struct str *parent, parent_path = path;
    yyjson_mut_val *answer = NULL, *input = yyjson_mut_obj(doc);
    *out = map_get(&import->resources, path);
    if (*out)
        return OK;
    while (parent_path.ptr[parent_path.len - 1] != '/')
        parent_path.len--;
    struct str part = str_slice(path, parent_path.len, path.len);
    parent_path.len -= parent_path.len > 1;
    enum err rc = make_resource(import, parent_path, &parent);
    if (rc || !parent)
        return rc;
    import_add_text(doc, input, "parent_id", *parent);
    import_add_text(doc, input, "pathPart", part);
    rc = import_run(import, "CreateResource", input, &answer);
    if (rc)
        return import_note(import, rc, "Unable to create resource at path", path);
    *out = keep(import, &import->resources, path, json_mut_get_str(answer, "id"));
    return OK;
}

static struct str path_of(yyjson_mut_val *entry)
{
    struct str path = json_mut_get_str(entry, "path");
    while (path.len > 1 && str_ends(path, STR("/")))
        path.len--;
    return path;
}

static enum err import_methods(struct import *import, yyjson_mut_val *entry)
{
    size_t i, max;
    yyjson_mut_val *method;
    struct str path = path_of(entry), *id = map_get(&import->resources, path);
    enum err rc = OK;
    if (!id)
        return OK; /* said already */
    yyjson_mut_arr_foreach (yyjson_mut_obj_get(entry, "methods"), i, max, method) {
        struct target target = {*id, json_mut_get_str(method, "http_method"), path};
        if (rc == OK)
            rc = import_method(import, &target, method);
    }
    return rc;
}

/* All resources first: making one looks at all that there are, which are small as yet. */
static enum err import_paths(struct import *import)
{
    size_t i, max;
    yyjson_mut_val *entry;
    struct str *id;
    enum err rc = OK;
    yyjson_mut_arr_foreach (import->plan.paths, i, max, entry) {
        if (rc == OK)
            rc = make_resource(import, path_of(entry), &id);
    }
    yyjson_mut_arr_foreach (import->plan.paths, i, max, entry) {
        if (rc == OK)
            rc = import_methods(import, entry);
    }
    return rc;
}

/* --- The import --- */

static enum err fail_with(struct request *request, const char *what, yyjson_mut_val *texts)
{
    struct buf all;
    size_t i, max;
    yyjson_mut_val *text;
    buf_init_arena(&all, request->arena, ERROR_MESSAGE_MAX);
    yyjson_mut_arr_foreach (texts, i, max, text) {
        buf_printf(&all, "\n\t%s", yyjson_mut_get_str(text));
    }
    return apigw_bad_request(request, "%s found during import:%.*s", what, STR_ARG(buf_str(&all)));
}

static enum err check_outcome(const struct import *import)
{
    if (yyjson_mut_arr_size(import->plan.errors))
        return fail_with(import->request, "Errors", import->plan.errors);
    if (import->is_strict && yyjson_mut_arr_size(import->plan.warnings))
        return fail_with(import->request, "Warnings", import->plan.warnings);
    return OK;
}

static enum err answer_api(struct import *import, const struct view *view)
{
    yyjson_val *api;
    yyjson_mut_doc *doc = json_doc(import->request->arena);
    enum err rc = apigw_find_api(import->request, view, import->api_id, &api);
    if (rc)
        return rc;
    yyjson_mut_val *answer = yyjson_val_mut_copy(doc, api);
    if (yyjson_mut_arr_size(import->plan.warnings))
        json_add(doc, answer, "warnings", yyjson_mut_val_mut_copy(doc, import->plan.warnings));
    return apigw_answer(import->request, doc, answer);
}

static enum err finish(struct import *import, const struct view *view)
{
    enum err rc = know(import, view);
    if (rc == OK)
        rc = put_parts(import, view);
    if (rc == OK)
        rc = put_documentation(import, view);
    if (rc == OK)
        rc = import_paths(import);
    if (rc == OK)
        rc = check_outcome(import);
    return rc ? rc : answer_api(import, view);
}

static enum err run_import(struct request *request, struct store_txn *txn)
{
    struct import *import = request->handler_state;
    struct view view = apigw_view(request, txn);
    import->txn = txn;
    struct str root_id;
    enum err rc = import_create_api(import, &root_id);
    if (rc == OK)
        rc = import_clear(import, &view, root_id);
    return rc ? rc : finish(import, &view);
}

static enum err run_put(struct request *request, struct store_txn *txn)
{
    struct import *import = request->handler_state;
    struct view view = apigw_view(request, txn);
    yyjson_val *api;
    import->txn = txn;
    import->api_id = apigw_label(request, "restapi_id");
    enum err rc = apigw_find_api(request, &view, import->api_id, &api);
    if (rc == OK)
        rc = import_update_api(import, &view, api);
    if (rc == OK && import->is_overwrite)
        rc = import_clear(import, &view, json_get_str(api, "rootResourceId"));
    if (rc == OK)
        rc = finish(import, &view);
    if (rc == OK)
        apigw_answer_tags(request);
    return rc;
}

static void release(void *arg)
{
    struct import *import = arg;
    map_release(&import->resources);
    map_release(&import->validators);
    map_release(&import->authorizers);
    openapi_plan_release(&import->plan);
    arena_release(&import->scratch);
}

/* A parameter beside the document: in the query; of an internal caller also in the model's map. */
static struct str parameter(struct request *request, const char *name)
{
    struct str value = request_str(request, name);
    return value.ptr ? value : json_get_str(json_get(request->input, "parameters"), name);
}

static enum err read_base_path(struct request *request, enum openapi_base_path *out)
{
    struct str mode = parameter(request, "basepath");
    *out = OPENAPI_IGNORE;
    if (str_eq_nocase(mode, STR("prepend")))
        *out = OPENAPI_PREPEND;
    else if (str_eq_nocase(mode, STR("split")))
        *out = OPENAPI_SPLIT;
    else if (mode.ptr && !str_eq_nocase(mode, STR("ignore")))
        return apigw_bad_request(request, "Invalid basepath mode specified. Valid options are "
                                          "ignore, prepend, split");
    return OK;
}

/* "endpointConfigurationTypes=REGIONAL" beside the document wins. */
static void set_endpoint(struct import *import)
{
    yyjson_mut_doc *doc = import->plan.doc;
    struct str type = parameter(import->request, "endpointConfigurationTypes");
    if (!type.len)
        return;
    yyjson_mut_val *configuration =
        apigw_object_member(doc, import->plan.api, STR("endpointConfiguration"));
    yyjson_mut_val *types = yyjson_mut_arr(doc);
    yyjson_mut_arr_add_strn(doc, types, type.ptr, type.len);
    apigw_set(doc, configuration, STR("types"), types);
}

static enum err start(struct request *request,
                      enum err (*run_write)(struct request *request, struct store_txn *txn))
{
    struct import *import = arena_new(request->arena, struct import);
    enum openapi_base_path base_path;
    struct str body = apigw_body(request);
    enum err rc = read_base_path(request, &base_path);
    if (rc == OK && body.len > MAX_DOCUMENT)
        rc = apigw_bad_request(request, "Invalid OpenAPI input: it is larger than 6 MB");
    if (rc == OK)
        rc = openapi_parse(request->arena, body, &import->document, &request->error);
    if (rc)
        return rc;
    import->request = request;
    import->is_strict = json_get_bool(request->input, "failonwarnings", false) ||
                        json_get_bool(request->input, "failOnWarnings", false);
    import->is_undocumented = str_eq(parameter(request, "ignore"), STR("documentation"));
    import->is_overwrite = str_eq(request_str(request, "mode"), STR("overwrite"));
    request->handler_state = import;
    arena_defer(request->arena, release, import);
    openapi_plan_make(&import->document, base_path, &import->plan);
    set_endpoint(import);
    return apigw_write(request, run_write);
}

enum err apigw_import_rest_api(struct request *request)
{
    return start(request, run_import);
}

enum err apigw_put_rest_api(struct request *request)
{
    struct str mode = request_str(request, "mode");
    enum err rc = apigw_check_enum(request, "mode", mode, "[merge, overwrite]");
    return rc ? rc : start(request, run_put);
}
