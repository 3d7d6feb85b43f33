/* Resources: the tree of paths of an API. */
#include "services/apigateway/openapi/document.h"
#include "services/apigateway/patch.h"

/* All resources of the API at hand, to check names against. */
struct tree {
    struct request *request;
    struct view view;
    struct str api_id;
    yyjson_mut_doc *doc;
    yyjson_mut_val **items;
    size_t count, capacity;
};

static enum err add_resource(void *arg, struct str name, yyjson_val *document)
{
    struct tree *tree = arg;
    (void)name;
    if (tree->count == tree->capacity) {
        size_t capacity = tree->capacity ? tree->capacity * 2 : 32;
        tree->items = arena_realloc(tree->request->arena, tree->items,
                                    tree->capacity * sizeof(yyjson_mut_val *),
                                    capacity * sizeof(yyjson_mut_val *));
        tree->capacity = capacity;
    }
    tree->items[tree->count++] = yyjson_val_mut_copy(tree->doc, document);
    return OK;
}

static enum err load_tree(struct request *request, struct store_txn *txn, struct tree *out)
{
    struct tree tree = {.request = request, .view = apigw_view(request, txn)};
    tree.doc = json_doc(request->arena);
    tree.api_id = apigw_label(request, "restapi_id");
    enum err rc = state_each(&tree.view, state_prefix(request->arena, "resource", tree.api_id),
                             STR_EMPTY, add_resource, &tree);
    *out = tree;
    return rc;
}

static struct str text_of(yyjson_mut_val *resource, const char *member)
{
    return apigw_mut_str(yyjson_mut_obj_get(resource, member));
}

static yyjson_mut_val *find_id(const struct tree *tree, struct str id)
{
    for (size_t i = 0; id.ptr && i < tree->count; i++) {
        if (str_eq(text_of(tree->items[i], "id"), id))
            return tree->items[i];
    }
    return NULL;
}

static void save(const struct tree *tree, yyjson_mut_val *resource)
{
    state_put(&tree->view,
              state_key(tree->request->arena, "resource", tree->api_id, text_of(resource, "id")),
              resource);
}

/* --- Checks --- */

static bool is_variable(struct str part)
{
    return str_starts(part, STR("{"));
}

static bool is_greedy(struct str part)
{
    return str_ends(part, STR("+}"));
}

static bool part_is_valid(struct str part)
{
    if (is_variable(part)) {
        if (!str_ends(part, STR("}")))
            return false;
        part = str_slice(part, 1, part.len - (is_greedy(part) ? 3 : 2));
    }
    for (size_t i = 0; i < part.len; i++) {
        char c = part.ptr[i];
        bool is_alphanumeric =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_alphanumeric && (c == '\0' || !strchr("._-:", c)))
            return false;
    }
    return part.len > 0;
}

/* Whether a resource with that part can be (put) under `parent`. */
static enum err check_place(const struct tree *tree, yyjson_mut_val *self, yyjson_mut_val *parent,
                            struct str part)
{
    struct request *request = tree->request;
    struct str parent_part = text_of(parent, "pathPart");
    if (!part_is_valid(part))
        return apigw_bad_request(request,
                                 "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy "
                                 "path variable and curly braces at the beginning and the end.");
    if (is_greedy(parent_part))
        return apigw_bad_request(
            request, "Cannot create a child of a resource with a greedy path variable: %.*s",
            STR_ARG(parent_part));
    for (size_t i = 0; i < tree->count; i++) {
        struct str sibling = text_of(tree->items[i], "pathPart");
        if (tree->items[i] == self ||
            !str_eq(text_of(tree->items[i], "parentId"), text_of(parent, "id")))
            continue;
        if (str_eq(sibling, part))
            return apigw_conflict(
                request, "Another resource with the same parent already has this name: %.*s",
                STR_ARG(part));
        if (is_variable(sibling) && is_variable(part))
            return apigw_bad_request(request,
                                     "A sibling (%.*s) of this resource already has a variable "
                                     "path part -- only one is allowed",
                                     STR_ARG(sibling));
    }
    return OK;
}

static struct str join(struct arena *arena, struct str parent, struct str part)
{
    return parent.len == 1 ? arena_printf(arena, "/%.*s", STR_ARG(part))
                           : arena_printf(arena, "%.*s/%.*s", STR_ARG(parent), STR_ARG(part));
}

/* --- Creating --- */

static enum err run_create(struct request *request, struct store_txn *txn)
{
    struct tree tree;
    struct str part = request_str(request, "pathPart");
    enum err rc = load_tree(request, txn, &tree);
    if (rc)
        return rc;
    yyjson_mut_val *parent = find_id(&tree, apigw_label(request, "parent_id"));
    if (!parent)
        return apigw_not_found(request, "Invalid Resource identifier specified");
    rc = check_place(&tree, NULL, parent, part);
    if (rc)
        return rc;
    yyjson_mut_val *resource = yyjson_mut_obj(tree.doc);
    json_add_str(tree.doc, resource, "id", apigw_new_id(request->arena));
    json_add_str(tree.doc, resource, "parentId", text_of(parent, "id"));
    json_add_str(tree.doc, resource, "pathPart", part);
    json_add_str(tree.doc, resource, "path", join(request->arena, text_of(parent, "path"), part));
    save(&tree, resource);
    return apigw_answer(request, tree.doc, resource);
}

enum err apigw_create_resource(struct request *request)
{
    enum err rc = apigw_require(request, "pathPart");
    return rc ? rc : apigw_write(request, run_create);
}

/* --- Reading --- */

/* Without embed=methods only the names of the methods are shown. */
static void hide_methods(struct request *request, yyjson_mut_doc *doc, yyjson_mut_val *resource)
{
    yyjson_mut_obj_remove_key(resource, METHOD_TYPES);
    yyjson_val *embed = json_get(request->input, "embed"), *first = yyjson_arr_get_first(embed);
    yyjson_mut_val *methods = yyjson_mut_obj_get(resource, "resourceMethods"), *key, *value;
    if (str_eq(json_str(yyjson_is_arr(embed) ? first : embed), STR("methods")) || !methods)
        return;
    size_t i, max;
    yyjson_mut_val *names = yyjson_mut_obj(doc);
    yyjson_mut_obj_foreach (methods, i, max, key, value) {
        apigw_set(doc, names, apigw_mut_str(key), yyjson_mut_obj(doc));
    }
    if (yyjson_mut_obj_size(names))
        apigw_set(doc, resource, STR("resourceMethods"), names);
    else
        yyjson_mut_obj_remove_key(resource, "resourceMethods");
}

enum err apigw_get_resource(struct request *request)
{
    struct view view = apigw_view(request, NULL);
    yyjson_val *resource;
    enum err rc = apigw_find_resource(request, &view, &resource);
    if (rc)
        return rc;
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *copy = yyjson_val_mut_copy(doc, resource);
    hide_methods(request, doc, copy);
    return apigw_answer(request, doc, copy);
}

static bool select_resource(struct request *request, yyjson_mut_doc *doc, yyjson_mut_val *item,
                            struct str name)
{
    (void)name;
    hide_methods(request, doc, item);
    return true;
}

enum err apigw_get_resources(struct request *request)
{
    struct view view = apigw_view(request, NULL);
    struct str id = apigw_label(request, "restapi_id");
    yyjson_val *api;
    enum err rc = apigw_find_api(request, &view, id, &api);
    return rc ? rc
              : apigw_list(request, state_prefix(request->arena, "resource", id), select_resource);
}

/* --- Updating --- */

/* Writes the paths of everything below a resource anew. */
static void move_children(struct tree *tree, yyjson_mut_val *parent)
{
    for (size_t i = 0; i < tree->count; i++) {
        yyjson_mut_val *child = tree->items[i];
        if (!str_eq(text_of(child, "parentId"), text_of(parent, "id")))
            continue;
        apigw_set_str(
            tree->doc, child, STR("path"),
            join(tree->request->arena, text_of(parent, "path"), text_of(child, "pathPart")));
        save(tree, child);
        move_children(tree, child);
    }
}

static bool is_below(const struct tree *tree, yyjson_mut_val *resource, yyjson_mut_val *ancestor)
{
    for (; resource; resource = find_id(tree, text_of(resource, "parentId"))) {
        if (resource == ancestor)
            return true;
    }
    return false;
}

static const struct patch_rule resource_rules[] = {
    {"/parentId", PATCH_REPLACE, PATCH_STRING, NULL, NULL},
    {"/pathPart", PATCH_REPLACE, PATCH_STRING, NULL, NULL},
};

static const struct patch_table resource_table =
    PATCH_TABLE(resource_rules, PATCH_STYLE_LISTED, NULL);

static enum err check_move(struct tree *tree, yyjson_mut_val *resource, yyjson_mut_val *target,
                           yyjson_mut_val **out_parent)
{
    struct request *request = tree->request;
    struct str old_parent = text_of(resource, "parentId");
    if (!old_parent.ptr && text_of(target, "pathPart").ptr)
        return apigw_bad_request(request, "Root resource cannot update its pathPart.");
    if (!old_parent.ptr && text_of(target, "parentId").ptr)
        return apigw_bad_request(request, "Root resource cannot update its parentId.");
    yyjson_mut_val *parent = find_id(tree, text_of(target, "parentId"));
    if (!parent && old_parent.ptr)
        return apigw_not_found(request, "Invalid Resource identifier specified");
    *out_parent = parent;
    if (!parent)
        return OK;
    if (is_below(tree, parent, resource))
        return apigw_bad_request(request, "Resources cannot be cyclical.");
    return check_place(tree, resource, parent, text_of(target, "pathPart"));
}

static enum err run_update(struct request *request, struct store_txn *txn)
{
    struct tree tree;
    yyjson_mut_val *parent = NULL;
    enum err rc = load_tree(request, txn, &tree);
    if (rc)
        return rc;
    yyjson_mut_val *resource = find_id(&tree, apigw_label(request, "resource_id"));
    if (!resource)
        return apigw_not_found(request, "Invalid Resource identifier specified");
    struct patch_target target = {
        .request = request,
        .view = tree.view,
        .doc = tree.doc,
        .object = yyjson_mut_val_mut_copy(tree.doc, resource),
    };
    rc = patch_apply(&target, &resource_table);
    if (rc == OK)
        rc = check_move(&tree, resource, target.object, &parent);
    if (rc)
        return rc;
    if (parent) {
        struct str part = text_of(target.object, "pathPart");
        apigw_set_str(tree.doc, resource, STR("pathPart"), part);
        apigw_set_str(tree.doc, resource, STR("parentId"), text_of(parent, "id"));
        apigw_set_str(tree.doc, resource, STR("path"),
                      join(request->arena, text_of(parent, "path"), part));
        save(&tree, resource);
        move_children(&tree, resource);
    }
    yyjson_mut_val *answer = yyjson_mut_val_mut_copy(tree.doc, resource);
    hide_methods(request, tree.doc, answer);
    return apigw_answer(request, tree.doc, answer);
}

enum err apigw_update_resource(struct request *request)
{
    return apigw_write(request, run_update);
}

/* --- Deleting --- */

static enum err run_delete(struct request *request, struct store_txn *txn)
{
    struct tree tree;
    enum err rc = load_tree(request, txn, &tree);
    if (rc)
        return rc;
    yyjson_mut_val *resource = find_id(&tree, apigw_label(request, "resource_id"));
    if (!resource)
        return apigw_not_found(request, "Invalid Resource identifier specified");
    if (!text_of(resource, "parentId").ptr)
        return apigw_bad_request(request, "Cannot delete root resource");
    for (size_t i = 0; i < tree.count; i++) {
        if (is_below(&tree, tree.items[i], resource))
            state_delete(&tree.view, state_key(request->arena, "resource", tree.api_id,
                                               text_of(tree.items[i], "id")));
    }
    return OK;
}

enum err apigw_delete_resource(struct request *request)
{
    return apigw_write(request, run_delete);
}
