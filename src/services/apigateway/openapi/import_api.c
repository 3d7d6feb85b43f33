/* The API itself of an import: made, or changed, or emptied. */
#include "services/apigateway/openapi/import.h"

static void add_patch(yyjson_mut_doc *doc, yyjson_mut_val *list, const char *op, struct str path,
                      struct str value)
{
    yyjson_mut_val *patch = yyjson_mut_arr_add_obj(doc, list);
    import_add_text(doc, patch, "op", str_from(op));
    import_add_text(doc, patch, "path", path);
    if (value.ptr)
        import_add_text(doc, patch, "value", value);
}

static struct str encode_part(struct arena *arena, struct str part)
{
    struct buf text;
    buf_init_arena(&text, arena, part.len * 2 + 1);
    for (size_t i = 0; i < part.len; i++) {
        if (part.ptr[i] == '/')
            buf_add(&text, STR("~1"));
        else if (part.ptr[i] == '~')
            buf_add(&text, STR("~0"));
        else
            buf_add_byte(&text, part.ptr[i]);
    }
    return buf_str(&text);
}

static void patch_media_types(struct import *import, yyjson_mut_val *list)
{
    size_t i, max;
    yyjson_mut_val *type;
    yyjson_mut_arr_foreach (yyjson_mut_obj_get(import->plan.api, "binaryMediaTypes"), i, max,
                            type) {
        struct str part = encode_part(import->request->arena, apigw_mut_str(type));
        add_patch(import->plan.doc, list, "add",
                  arena_printf(import->request->arena, "/binaryMediaTypes/%.*s", STR_ARG(part)),
                  NO_PART);
    }
}

static void patch_endpoint(struct import *import, yyjson_mut_val *list)
{
    size_t i, max;
    yyjson_mut_val *id, *given = yyjson_mut_obj_get(import->plan.api, "endpointConfiguration");
    struct str type = apigw_mut_str(yyjson_mut_arr_get_first(yyjson_mut_obj_get(given, "types")));
    if (type.ptr)
        add_patch(import->plan.doc, list, "replace", STR("/endpointConfiguration/types/EDGE"),
                  type);
    yyjson_mut_arr_foreach (yyjson_mut_obj_get(given, "vpcEndpointIds"), i, max, id) {
        add_patch(import->plan.doc, list, "add", STR("/endpointConfiguration/vpcEndpointIds"),
                  apigw_mut_str(id));
    }
}

static void patch_scalars(struct import *import, yyjson_mut_val *list)
{
    static const char *const members[] = {"name",
                                          "description",
                                          "version",
                                          "apiKeySource",
                                          "policy",
                                          "minimumCompressionSize",
                                          "disableExecuteApiEndpoint"};
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        yyjson_mut_val *given = yyjson_mut_obj_get(import->plan.api, members[i]);
        struct str value = apigw_mut_str(given);
        if (given && !value.ptr)
            value = json_write(import->request->arena, given);
        if (value.ptr)
            add_patch(import->plan.doc, list, "replace",
                      arena_printf(import->request->arena, "/%s", members[i]), value);
    }
}

/* What an overwritten API has only if its document says so. */
static void reset_api(struct import *import, const struct view *view, yyjson_val *api)
{
    static const char *const members[] = {"description", "version", "minimumCompressionSize",
                                          "binaryMediaTypes"};
    yyjson_mut_val *copy = yyjson_val_mut_copy(import->plan.doc, api);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        yyjson_mut_obj_remove_key(copy, members[i]);
    import_add_text(import->plan.doc, copy, "apiKeySource", STR("HEADER"));
    state_put(view, state_key(view->arena, "api", import->api_id, NO_PART), copy);
}

enum err import_update_api(struct import *import, const struct view *view, yyjson_val *api)
{
    yyjson_mut_val *input = yyjson_mut_obj(import->plan.doc);
    yyjson_mut_val *patches = json_add_arr(import->plan.doc, input, "patchOperations");
    if (import->is_overwrite)
        reset_api(import, view, api);
    patch_scalars(import, patches);
    patch_endpoint(import, patches);
    patch_media_types(import, patches);
    return import_note(import, import_run(import, "UpdateRestApi", input, NULL),
                       "Unable to update API", import->api_id);
}

enum err import_create_api(struct import *import, struct str *out_root_id)
{
    yyjson_mut_val *answer = NULL;
    enum err rc = import_run(import, "CreateRestApi", import->plan.api, &answer);
    if (rc)
        return rc;
    import->api_id = arena_str(import->request->arena, json_mut_get_str(answer, "id"));
    *out_root_id = arena_str(import->request->arena, json_mut_get_str(answer, "rootResourceId"));
    return OK;
}

enum err import_clear(struct import *import, const struct view *view, struct str root_id)
{
    static const char *const kinds[] = {"resource",        "model",      "validator",
                                        "gatewayresponse", "authorizer", "documentationpart"};
    struct arena *arena = import->request->arena;
    enum err rc = OK;
    for (size_t i = 0; rc == OK && i < sizeof(kinds) / sizeof(kinds[0]); i++)
        rc = state_delete_all(view, state_prefix(arena, kinds[i], import->api_id));
    yyjson_mut_val *root = yyjson_mut_obj(import->plan.doc);
    json_add_str(import->plan.doc, root, "id", root_id);
    json_add_str(import->plan.doc, root, "path", STR("/"));
    state_put(view, state_key(arena, "resource", import->api_id, root_id), root);
    return rc;
}
