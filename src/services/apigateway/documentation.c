/* Documentation parts: texts about the places of an API, kept for those who export it. */
#include "services/apigateway/documentation.h"

#include "base/map.h"
#include "services/apigateway/openapi/document.h"
#include "services/apigateway/patch.h"

#define TYPES                                                                                      \
    "[RESPONSE_BODY, RESPONSE, METHOD, MODEL, AUTHORIZER, RESPONSE_HEADER, RESOURCE, "             \
    "PATH_PARAMETER, REQUEST_BODY, QUERY_PARAMETER, API, REQUEST_HEADER]"

static const char *const place_members[] = {"type", "path", "method", "statusCode", "name"};

enum { PLACE_MEMBERS = sizeof(place_members) / sizeof(place_members[0]) };

static struct str key_of(struct request *request)
{
    return state_key(request->arena, "documentationpart", apigw_label(request, "restapi_id"),
                     apigw_label(request, "part_id"));
}

/* --- Checks --- */

static enum err check_part(struct request *request, yyjson_val *location, struct str properties)
{
    struct str type = json_get_str(location, "type");
    if (!type.len)
        return request_fail(request, ERR_VALIDATION,
                            "1 validation error detected: Value null at 'location.type' failed to "
                            "satisfy constraint: Member must not be null");
    enum err rc = apigw_check_enum(request, "location.type", type, TYPES);
    if (rc == OK && !yyjson_is_obj(json_parse(request->arena, properties)))
        rc = apigw_bad_request(request, "Documentation part properties must be a JSON object");
    return rc;
}

/* --- Places --- */

/* The ids of an API's parts by their locations. */
struct places {
    struct arena *arena;
    struct map ids;
};

static struct str text_of(struct arena *arena, yyjson_val *location)
{
    struct buf text;
    buf_init_arena(&text, arena, 64 * 1024);
    for (size_t i = 0; i < PLACE_MEMBERS; i++) {
        buf_add(&text, json_get_str(location, place_members[i]));
        buf_add_byte(&text, '\0');
    }
    return buf_str(&text);
}

static void add_place(struct places *places, yyjson_val *location, struct str id)
{
    struct str *copy = arena_new(places->arena, struct str);
    *copy = arena_str(places->arena, id);
    map_set(&places->ids, text_of(places->arena, location), copy);
}

static enum err know_place(void *arg, struct str name, yyjson_val *document)
{
    add_place(arg, json_get(document, "location"), name);
    return OK;
}

static enum err load_places(const struct view *view, struct str api_id, struct places *out)
{
    *out = (struct places){.arena = view->arena};
    return state_each(view, state_prefix(view->arena, "documentationpart", api_id), STR_EMPTY,
                      know_place, out);
}

/* --- Writing --- */

static yyjson_mut_val *build(yyjson_mut_doc *doc, struct str id, yyjson_val *location,
                             struct str properties)
{
    yyjson_mut_val *part = yyjson_mut_obj(doc);
    yyjson_mut_val *place = json_add_obj(doc, part, "location");
    apigw_set_str(doc, part, STR("id"), id);
    for (size_t i = 0; i < PLACE_MEMBERS; i++)
        json_add_copy(doc, place, place_members[i], json_get(location, place_members[i]));
    apigw_set_str(doc, part, STR("properties"), properties);
    return part;
}

static enum err run_create(struct request *request, struct store_txn *txn)
{
    struct view view = apigw_view(request, txn);
    struct str api_id = apigw_label(request, "restapi_id");
    struct places places = {0};
    yyjson_val *api, *location = json_get(request->input, "location");
    enum err rc = apigw_find_api(request, &view, api_id, &api);
    if (rc == OK)
        rc = load_places(&view, api_id, &places);
    bool is_taken = map_get(&places.ids, text_of(request->arena, location));
    map_release(&places.ids);
    if (rc == OK && is_taken)
        rc =
            apigw_conflict(request, "Documentation part already exists for the specified location");
    if (rc)
        return rc;
    yyjson_mut_doc *doc = json_doc(request->arena);
    struct str id = apigw_new_id(request->arena);
    yyjson_mut_val *part = build(doc, id, location, request_str(request, "properties"));
    state_put(&view, state_key(request->arena, "documentationpart", api_id, id), part);
    return apigw_answer(request, doc, part);
}

enum err apigw_create_documentation_part(struct request *request)
{
    enum err rc = check_part(request, json_get(request->input, "location"),
                             request_str(request, "properties"));
    return rc ? rc : apigw_write(request, run_create);
}

/* Properties of a document are JSON, of the API text. */
static struct str properties_of(struct arena *arena, yyjson_val *part)
{
    yyjson_val *given = json_get(part, "properties");
    return yyjson_is_obj(given) ? json_write_val(arena, given) : json_str(given);
}

static enum err put_part(struct request *request, const struct view *view, struct str api_id,
                         struct places *places, yyjson_val *given, yyjson_mut_doc *doc,
                         struct str *out_id)
{
    yyjson_val *location = json_get(given, "location");
    struct str properties = properties_of(view->arena, given);
    enum err rc = check_part(request, location, properties);
    if (rc)
        return rc;
    struct str *old = map_get(&places->ids, text_of(view->arena, location));
    *out_id = old ? *old : apigw_new_id(view->arena);
    add_place(places, location, *out_id);
    state_put(view, state_key(view->arena, "documentationpart", api_id, *out_id),
              build(doc, *out_id, location, properties));
    return OK;
}

enum err documentation_put(struct request *request, const struct view *view, struct str api_id,
                           yyjson_val *parts, yyjson_mut_doc *doc, yyjson_mut_val *ids)
{
    size_t i, max;
    yyjson_val *given;
    struct places places;
    struct str id;
    enum err rc = load_places(view, api_id, &places);
    yyjson_arr_foreach (parts, i, max, given) {
        if (rc == OK)
            rc = put_part(request, view, api_id, &places, given, doc, &id);
        if (rc == OK && ids)
            yyjson_mut_arr_add_strncpy(doc, ids, id.ptr, id.len);
    }
    map_release(&places.ids);
    return rc;
}

static enum err run_import(struct request *request, struct store_txn *txn)
{
    struct view view = apigw_view(request, txn);
    struct str api_id = apigw_label(request, "restapi_id");
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *answer = yyjson_mut_obj(doc);
    yyjson_val *api;
    enum err rc = apigw_find_api(request, &view, api_id, &api);
    if (rc == OK && str_eq(request_str(request, "mode"), STR("overwrite")))
        rc = state_delete_all(&view, state_prefix(request->arena, "documentationpart", api_id));
    if (rc == OK)
        rc = documentation_put(request, &view, api_id, request->handler_state, doc,
                               json_add_arr(doc, answer, "ids"));
    json_add_arr(doc, answer, "warnings");
    return rc ? rc : apigw_answer(request, doc, answer);
}

enum err apigw_import_documentation_parts(struct request *request)
{
    struct openapi_document document;
    enum err rc =
        apigw_check_enum(request, "mode", request_str(request, "mode"), "[merge, overwrite]");
    if (rc == OK)
        rc = openapi_parse(request->arena, apigw_body(request), &document, &request->error);
    if (rc == ERR_APIGW_BAD_REQUEST)
        rc = apigw_bad_request(request, "Unable to build importer with provided input.");
    if (rc)
        return rc;
    request->handler_state = json_get(json_get(document.root, "x-amazon-apigateway-documentation"),
                                      "documentationParts");
    return apigw_write(request, run_import);
}

static enum err patch_properties(struct patch_target *target, const struct patch_op *op)
{
    return yyjson_is_obj(json_parse(target->request->arena, op->value))
               ? OK
               : apigw_bad_request(target->request,
                                   "Documentation part properties must be a JSON object");
}

static const struct patch_rule part_rules[] = {
    {"/properties", PATCH_REPLACE, PATCH_STRING, patch_properties, NULL},
};

static const struct patch_table part_table = PATCH_TABLE(part_rules, PATCH_STYLE_LISTED, NULL);

static enum err run_update(struct request *request, struct store_txn *txn)
{
    return patch_document(request, txn, key_of(request), &part_table,
                          "Invalid Documentation part identifier specified");
}

enum err apigw_update_documentation_part(struct request *request)
{
    return apigw_write(request, run_update);
}

static enum err run_delete(struct request *request, struct store_txn *txn)
{
    struct view view = apigw_view(request, txn);
    yyjson_val *api;
    bool found = false;
    enum err rc = apigw_find_api(request, &view, apigw_label(request, "restapi_id"), &api);
    if (rc == OK)
        rc = state_has(&view, key_of(request), &found);
    if (rc == OK && !found)
        rc = apigw_not_found(request, "Invalid Documentation part identifier specified");
    if (rc == OK)
        state_delete(&view, key_of(request));
    return rc;
}

enum err apigw_delete_documentation_part(struct request *request)
{
    return apigw_write(request, run_delete);
}

/* --- Reading --- */

enum err apigw_get_documentation_part(struct request *request)
{
    struct view view = apigw_view(request, NULL);
    yyjson_val *part;
    enum err rc = state_get(&view, key_of(request), &part);
    if (rc)
        return rc;
    return part ? apigw_answer_copy(request, part)
                : apigw_not_found(request, "Invalid Documentation part identifier specified");
}

static bool select_part(struct request *request, yyjson_mut_doc *doc, yyjson_mut_val *item,
                        struct str name)
{
    static const char *const filters[] = {"type", "path", "name"};
    yyjson_mut_val *location = yyjson_mut_obj_get(item, "location");
    (void)doc;
    (void)name;
    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
        struct str wanted = request_str(request, filters[i]);
        if (wanted.len && !str_eq(json_mut_get_str(location, filters[i]), wanted))
            return false;
    }
    return true;
}

enum err apigw_get_documentation_parts(struct request *request)
{
    struct view view = apigw_view(request, NULL);
    struct str id = apigw_label(request, "restapi_id");
    yyjson_val *api;
    enum err rc = apigw_find_api(request, &view, id, &api);
    if (rc == OK)
        rc = apigw_check_enum(request, "locationStatus", request_str(request, "locationStatus"),
                              "[DOCUMENTED, UNDOCUMENTED]");
    if (rc == OK && str_eq(request_str(request, "locationStatus"), STR("UNDOCUMENTED")))
        return apigw_bad_request(request, "Listing undocumented locations is not supported");
    return rc ? rc
              : apigw_list(request, state_prefix(request->arena, "documentationpart", id),
                           select_part);
}
