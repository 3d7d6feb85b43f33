/* Base path mappings: which API and stage the paths of a domain name lead to. */
#include "services/apigateway/patch.h"

static struct str domain_of(struct request *request)
{
    struct str name = apigw_label(request, "domain_name");
    char *text = arena_cstr(request->arena, name);
    for (size_t i = 0; i < name.len; i++) {
        if (text[i] >= 'A' && text[i] <= 'Z')
            text[i] = (char)(text[i] - 'A' + 'a');
    }
    return str_make(text, name.len);
}

/* The empty base path is "(none)" in keys, paths and answers. */
static struct str or_none(struct str base_path)
{
    return base_path.len ? base_path : STR("(none)");
}

static struct str key_of(struct request *request, struct str base_path)
{
    return state_key(request->arena, "mapping", domain_of(request), or_none(base_path));
}

static enum err check_domain(struct request *request, const struct view *view)
{
    bool found;
    enum err rc =
        state_has(view, state_key(request->arena, "domain", domain_of(request), NO_PART), &found);
    if (rc || found)
        return rc;
    return apigw_not_found(request, "Invalid domain name identifier specified");
}

static enum err check_base_path(struct request *request, struct str base_path)
{
    if (str_find_byte(base_path, '/', 0) >= 0)
        return apigw_bad_request(request,
                                 "API Gateway V1 doesn't support the slash character (/) in base "
                                 "path mappings. To create a multi-level base path mapping, use "
                                 "API Gateway V2.");
    for (size_t i = 0; i < base_path.len; i++) {
        char c = base_path.ptr[i];
        bool is_alphanumeric =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_alphanumeric && (c == '\0' || !strchr("-_.~()!$&'*+,;=@", c)))
            return apigw_bad_request(request, "Invalid base path specified");
    }
    return OK;
}

static enum err check_target(struct request *request, const struct view *view, struct str api_id,
                             struct str stage)
{
    bool found;
    enum err rc = state_has(
        view, state_key(request->arena, "api", api_id.ptr ? api_id : STR_EMPTY, NO_PART), &found);
    if (rc == OK && !found)
        rc = apigw_bad_request(request, "Invalid REST API identifier specified");
    if (rc == OK && stage.len)
        rc = state_has(view, state_key(request->arena, "stage", api_id, stage), &found);
    if (rc == OK && !found)
        rc = apigw_bad_request(request, "Invalid stage identifier specified");
    return rc;
}

/* --- Creating --- */

static enum err run_create(struct request *request, struct store_txn *txn)
{
    struct view view = apigw_view(request, txn);
    struct str base_path = request_str(request, "basePath");
    struct str api_id = request_str(request, "restApiId"), stage = request_str(request, "stage");
    struct str key = key_of(request, base_path);
    bool found = false;
    enum err rc = check_domain(request, &view);
    if (rc == OK)
        rc = check_target(request, &view, api_id, stage);
    if (rc == OK)
        rc = state_has(&view, key, &found);
    if (rc)
        return rc;
    if (found)
        return apigw_conflict(request, "Base path already exists for this domain name");
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *mapping = yyjson_mut_obj(doc);
    json_add_str(doc, mapping, "basePath", or_none(base_path));
    json_add_str(doc, mapping, "restApiId", api_id);
    if (stage.len)
        json_add_str(doc, mapping, "stage", stage);
    state_put(&view, key, mapping);
    apigw_touch(request, TOUCH_DOMAIN, domain_of(request), STR_EMPTY);
    return apigw_answer(request, doc, mapping);
}

enum err apigw_create_base_path_mapping(struct request *request)
{
    enum err rc = apigw_require(request, "restApiId");
    if (rc == OK)
        rc = check_base_path(request, request_str(request, "basePath"));
    return rc ? rc : apigw_write(request, run_create);
}

/* --- Reading --- */

static enum err unknown_mapping(struct request *request)
{
    return apigw_not_found(request, "Invalid base path mapping identifier specified");
}

enum err apigw_get_base_path_mapping(struct request *request)
{
    struct view view = apigw_view(request, NULL);
    yyjson_val *mapping;
    enum err rc = check_domain(request, &view);
    if (rc == OK)
        rc = state_get(&view, key_of(request, apigw_label(request, "base_path")), &mapping);
    if (rc)
        return rc;
    return mapping ? apigw_answer_copy(request, mapping) : unknown_mapping(request);
}

enum err apigw_get_base_path_mappings(struct request *request)
{
    struct view view = apigw_view(request, NULL);
    enum err rc = check_domain(request, &view);
    return rc ? rc
              : apigw_list(request, state_prefix(request->arena, "mapping", domain_of(request)),
                           NULL);
}

/* --- Updating --- */

static enum err patch_base_path(struct patch_target *target, const struct patch_op *op)
{
    struct str base_path = op->value.ptr ? op->value : STR_EMPTY;
    if (str_eq(base_path, STR("(none)")))
        base_path = STR_EMPTY;
    enum err rc = check_base_path(target->request, base_path);
    if (rc == OK)
        apigw_set_str(target->doc, target->object, STR("basePath"), or_none(base_path));
    return rc;
}

static enum err patch_api(struct patch_target *target, const struct patch_op *op)
{
    apigw_set_str(target->doc, target->object, STR("restApiId"),
                  op->value.ptr ? op->value : STR_EMPTY);
    return OK;
}

static const struct patch_rule mapping_rules[] = {
    {"/basePath", PATCH_REPLACE, PATCH_CUSTOM, patch_base_path, NULL},
    {"/restapiId", PATCH_REPLACE, PATCH_CUSTOM, patch_api, NULL},
    {"/restApiId", PATCH_REPLACE, PATCH_CUSTOM, patch_api, NULL},
    {"/stage", PATCH_REPLACE | PATCH_REMOVE, PATCH_STRING, NULL, NULL},
};

static const struct patch_table mapping_table =
    PATCH_TABLE(mapping_rules, PATCH_STYLE_LISTED, "/basePath, /stage, /restapiId");

static enum err save_moved(struct request *request, const struct view *view, struct str old_key,
                           yyjson_mut_val *mapping)
{
    bool found = false;
    struct str key = key_of(request, apigw_mut_str(apigw_member(mapping, STR("basePath"))));
    enum err rc = str_eq(key, old_key) ? OK : state_has(view, key, &found);
    if (rc)
        return rc;
    if (found)
        return apigw_conflict(request, "Base path already exists for this domain name");
    state_delete(view, old_key);
    state_put(view, key, mapping);
    apigw_touch(request, TOUCH_DOMAIN, domain_of(request), STR_EMPTY);
    return OK;
}

static enum err run_update(struct request *request, struct store_txn *txn)
{
    struct patch_target target = {.request = request, .view = apigw_view(request, txn)};
    struct str key = key_of(request, apigw_label(request, "base_path"));
    yyjson_val *document;
    enum err rc = check_domain(request, &target.view);
    if (rc == OK)
        rc = state_get(&target.view, key, &document);
    if (rc)
        return rc;
    if (!document)
        return unknown_mapping(request);
    target.doc = json_doc(request->arena);
    target.object = yyjson_val_mut_copy(target.doc, document);
    rc = patch_apply(&target, &mapping_table);
    if (rc == OK)
        rc = check_target(request, &target.view,
                          apigw_mut_str(apigw_member(target.object, STR("restApiId"))),
                          apigw_mut_str(apigw_member(target.object, STR("stage"))));
    if (rc == OK)
        rc = save_moved(request, &target.view, key, target.object);
    return rc ? rc : apigw_answer(request, target.doc, target.object);
}

enum err apigw_update_base_path_mapping(struct request *request)
{
    return apigw_write(request, run_update);
}

/* --- Deleting --- */

static enum err run_delete(struct request *request, struct store_txn *txn)
{
    struct view view = apigw_view(request, txn);
    struct str key = key_of(request, apigw_label(request, "base_path"));
    bool found;
    enum err rc = check_domain(request, &view);
    if (rc == OK)
        rc = state_has(&view, key, &found);
    if (rc)
        return rc;
    if (!found)
        return unknown_mapping(request);
    state_delete(&view, key);
    apigw_touch(request, TOUCH_DOMAIN, domain_of(request), STR_EMPTY);
    return OK;
}

enum err apigw_delete_base_path_mapping(struct request *request)
{
    return apigw_write(request, run_delete);
}

/* --- Who has mappings --- */

struct search {
    struct str api_id, stage;
    struct buf *domains;
};

static enum err look_at_mapping(void *arg, struct str name, yyjson_val *document)
{
    struct search *search = arg;
    struct str domain, stage = json_get_str(document, "stage");
    str_cut(&name, '/', &domain);
    if (!str_eq(json_get_str(document, "restApiId"), search->api_id) ||
        (search->stage.ptr && !str_eq(stage, search->stage)))
        return OK;
    if (search->domains->len)
        buf_add(search->domains, STR(", "));
    buf_add(search->domains, domain);
    return OK;
}

enum err apigw_mapped_domains(struct request *request, const struct view *view, struct str api_id,
                              struct str stage, struct str *out)
{
    struct buf domains;
    struct search search = {api_id, stage, &domains};
    buf_init_arena(&domains, request->arena, ERROR_MESSAGE_MAX);
    enum err rc = state_each(view, state_prefix(request->arena, "mapping", NO_PART), STR_EMPTY,
                             look_at_mapping, &search);
    *out = buf_str(&domains);
    return rc;
}
