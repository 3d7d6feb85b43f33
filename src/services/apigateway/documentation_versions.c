/* Documentation versions: the parts as they were at a time, which stages can name. */
#include "services/apigateway/patch.h"

static struct str key_of(struct request *request, const char *kind, struct str version)
{
    return state_key(request->arena, kind, apigw_label(request, "restapi_id"), version);
}

static struct str own_key(struct request *request)
{
    return key_of(request, "documentationversion", apigw_label(request, "doc_version"));
}

struct taking {
    yyjson_mut_doc *doc;
    yyjson_mut_val *parts;
};

static enum err take_part(void *arg, struct str name, yyjson_val *document)
{
    struct taking *taking = arg;
    yyjson_mut_val *part = yyjson_mut_arr_add_obj(taking->doc, taking->parts);
    (void)name;
    json_add_copy(taking->doc, part, "location", json_get(document, "location"));
    json_add_copy(taking->doc, part, "properties", json_get(document, "properties"));
    return OK;
}

/* {"documentationParts": [...]} of an API as it is now. */
static enum err take_parts(struct request *request, const struct view *view, struct str version)
{
    struct str api_id = apigw_label(request, "restapi_id");
    struct taking taking = {.doc = json_doc(request->arena)};
    yyjson_mut_val *object = yyjson_mut_obj(taking.doc);
    taking.parts = json_add_arr(taking.doc, object, "documentationParts");
    enum err rc = state_each(view, state_prefix(request->arena, "documentationpart", api_id),
                             STR_EMPTY, take_part, &taking);
    if (rc == OK)
        state_put(view, key_of(request, "documentationsnapshot", version), object);
    return rc;
}

static enum err name_in_stage(struct request *request, const struct view *view, struct str version)
{
    struct str name = request_str(request, "stageName");
    struct str key = key_of(request, "stage", name);
    yyjson_val *document;
    if (!name.len)
        return OK;
    enum err rc = state_get(view, key, &document);
    if (rc)
        return rc;
    if (!document)
        return apigw_not_found(request, "Invalid stage identifier specified");
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *stage = yyjson_val_mut_copy(doc, document);
    apigw_set_str(doc, stage, STR("documentationVersion"), version);
    state_put(view, key, stage);
    return OK;
}

static enum err run_create(struct request *request, struct store_txn *txn)
{
    static const struct member members[] = {{"description", MEMBER_STRING}};
    struct view view = apigw_view(request, txn);
    struct str version = request_str(request, "documentationVersion");
    struct str key = key_of(request, "documentationversion", version);
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *document = yyjson_mut_obj(doc);
    yyjson_val *api;
    bool found;
    enum err rc = apigw_find_api(request, &view, apigw_label(request, "restapi_id"), &api);
    if (rc == OK)
        rc = state_has(&view, key, &found);
    if (rc == OK && found)
        rc = apigw_conflict(request, "Documentation version already exists");
    if (rc == OK)
        rc = take_parts(request, &view, version);
    if (rc == OK)
        rc = name_in_stage(request, &view, version);
    json_add_str(doc, document, "version", version);
    json_add_i64(doc, document, "createdDate", apigw_now());
    if (rc == OK)
        rc = APIGW_COPY(request, doc, document, request->input, members);
    if (rc)
        return rc;
    state_put(&view, key, document);
    return apigw_answer(request, doc, document);
}

enum err apigw_create_documentation_version(struct request *request)
{
    struct str version = request_str(request, "documentationVersion");
    enum err rc = apigw_require(request, "documentationVersion");
    if (rc == OK && (version.len > 64 || str_find_byte(version, '/', 0) >= 0))
        rc = apigw_bad_request(request, "Invalid documentation version specified");
    return rc ? rc : apigw_write(request, run_create);
}

enum err apigw_get_documentation_version(struct request *request)
{
    struct view view = apigw_view(request, NULL);
    yyjson_val *version;
    enum err rc = state_get(&view, own_key(request), &version);
    if (rc)
        return rc;
    return version ? apigw_answer_copy(request, version)
                   : apigw_not_found(request, "Invalid Documentation version specified");
}

enum err apigw_get_documentation_versions(struct request *request)
{
    struct view view = apigw_view(request, NULL);
    struct str id = apigw_label(request, "restapi_id");
    yyjson_val *api;
    enum err rc = apigw_find_api(request, &view, id, &api);
    return rc ? rc
              : apigw_list(request, state_prefix(request->arena, "documentationversion", id), NULL);
}

static const struct patch_rule version_rules[] = {
    {"/description", PATCH_REPLACE, PATCH_STRING, NULL, NULL},
};

static const struct patch_table version_table = PATCH_TABLE(version_rules, PATCH_STYLE_SHORT, NULL);

static enum err run_update(struct request *request, struct store_txn *txn)
{
    return patch_document(request, txn, own_key(request), &version_table,
                          "Invalid Documentation version specified");
}

enum err apigw_update_documentation_version(struct request *request)
{
    return apigw_write(request, run_update);
}

static enum err run_delete(struct request *request, struct store_txn *txn)
{
    struct view view = apigw_view(request, txn);
    bool found;
    enum err rc = state_has(&view, own_key(request), &found);
    if (rc == OK && !found)
        rc = apigw_not_found(request, "Invalid Documentation version specified");
    if (rc)
        return rc;
    state_delete(&view, own_key(request));
    state_delete(&view,
                 key_of(request, "documentationsnapshot", apigw_label(request, "doc_version")));
    return OK;
}

enum err apigw_delete_documentation_version(struct request *request)
{
    return apigw_write(request, run_delete);
}
