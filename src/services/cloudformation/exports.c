/* Outputs and exports: values of a stack for its users and for other stacks. */
#include "services/cloudformation/exports.h"

enum { MAX_EXPORT_NAME = 255 };

/* --- Outputs --- */

static enum err text_output(const struct cfn_template *template, const yyjson_val *value,
                            yyjson_mut_doc *doc, struct str *out, struct error *error)
{
    yyjson_mut_val *resolved = NULL;
    enum err rc = cfn_resolve(template, value, doc, &resolved, error);
    *out = (struct str){NULL, 0};
    if (rc || !resolved)
        return rc;
    *out = yyjson_mut_is_str(resolved)
               ? str_make(yyjson_mut_get_str(resolved), yyjson_mut_get_len(resolved))
               : json_write(template->arena, resolved);
    return OK;
}

static enum err add_export(const struct cfn_template *template, const yyjson_val *export,
                           yyjson_mut_doc *doc, yyjson_mut_val *out, struct error *error)
{
    struct str name;
    if (!export)
        return OK;
    enum err rc = text_output(template, json_get(export, "Name"), doc, &name, error);
    if (rc == OK && (name.len == 0 || name.len > MAX_EXPORT_NAME))
        rc = error_set(error, ERR_VALIDATION_ERROR,
                       "Template format error: Output Export Name must be a string of 1 to %d "
                       "characters",
                       MAX_EXPORT_NAME);
    if (rc == OK)
        json_add_str(doc, out, "ExportName", name);
    return rc;
}

static enum err add_output(const struct cfn_template *template, yyjson_val *name,
                           yyjson_val *output, yyjson_mut_doc *doc, yyjson_mut_val *list,
                           struct error *error)
{
    struct str condition = json_get_str(output, "Condition"), value = {NULL, 0};
    bool holds = true;
    enum err rc = OK;
    if (condition.ptr)
        rc = cfn_condition_holds(template, condition, &holds, error);
    if (rc == OK && holds)
        rc = text_output(template, json_get(output, "Value"), doc, &value, error);
    if (rc || !value.ptr)
        return rc;
    yyjson_mut_val *one = yyjson_mut_arr_add_obj(doc, list);
    json_add_str(doc, one, "OutputKey", json_str(name));
    json_add_str(doc, one, "OutputValue", value);
    json_add_copy(doc, one, "Description", json_get(output, "Description"));
    return add_export(template, json_get(output, "Export"), doc, one, error);
}

enum err cfn_outputs(const struct cfn_template *template, yyjson_mut_doc *doc, yyjson_mut_val **out,
                     struct error *error)
{
    yyjson_val *key, *output;
    size_t i, max;
    *out = yyjson_mut_arr(doc);
    yyjson_obj_foreach (json_get(template->root, "Outputs"), i, max, key, output) {
        enum err rc = add_output(template, key, output, doc, *out, error);
        if (rc)
            return rc;
    }
    return OK;
}

/* --- Looking exports up --- */

enum err cfn_import(const struct cfn_template *template, struct str name, struct str *out,
                    struct error *error)
{
    bool found = false;
    struct str text;
    enum err rc = OK;
    if (template->skylite->store)
        rc = store_get(template->skylite->store, STORE_META, cfn_export_key(template->arena, name),
                       template->arena, &found, &text, error);
    if (rc == OK && !found)
        rc = error_set(error, ERR_VALIDATION_ERROR, "No export named %.*s found", STR_ARG(name));
    if (rc == OK)
        *out = json_get_str(json_parse(template->arena, text), "Value");
    return rc;
}

/* --- Writing them --- */

enum err exports_take_imports(struct request *request, struct store_txn *txn, struct str stack_name,
                              const yyjson_val *imports)
{
    yyjson_val *name;
    size_t i, max;
    bool found;
    struct str text;
    yyjson_arr_foreach ((yyjson_val *)(uintptr_t)imports, i, max, name) {
        enum err rc = store_txn_get(txn, STORE_META, cfn_export_key(request->arena, json_str(name)),
                                    request->arena, &found, &text, &request->error);
        if (rc == OK && !found)
            rc = request_fail(request, ERR_VALIDATION_ERROR, "No export named %.*s found",
                              STR_ARG(json_str(name)));
        if (rc)
            return rc;
        store_txn_put(txn, STORE_META, cfn_import_key(request->arena, json_str(name), stack_name),
                      STR("{}"));
    }
    return OK;
}

/* A stack that imports it, other than `stack_name`; the empty string when there is none. */
static struct str importer_of(struct arena *arena, struct store_iter *iter, size_t prefix_len,
                              struct str stack_name)
{
    struct str key, value, found = STR_EMPTY;
    while (found.len == 0 && store_iter_next(iter, &key, &value)) {
        struct str stack = str_slice(key, prefix_len, key.len);
        if (!str_eq(stack, stack_name))
            found = arena_str(arena, stack);
    }
    store_iter_free(iter);
    return found;
}

static bool has_export(const yyjson_val *outputs, struct str name)
{
    yyjson_val *output;
    size_t i, max;
    yyjson_arr_foreach ((yyjson_val *)(uintptr_t)outputs, i, max, output) {
        if (str_eq(json_get_str(output, "ExportName"), name))
            return true;
    }
    return false;
}

enum err exports_check_removed(struct arena *arena, struct store_txn *txn, struct str stack_name,
                               const yyjson_val *before, const yyjson_val *after,
                               struct error *error)
{
    yyjson_val *output;
    size_t i, max;
    yyjson_arr_foreach (json_get(before, "Outputs"), i, max, output) {
        struct str name = json_get_str(output, "ExportName");
        if (!name.ptr || has_export(after, name))
            continue;
        struct str prefix = cfn_import_key(arena, name, STR_EMPTY);
        struct store_iter *iter =
            store_txn_iter_new(txn, STORE_META, prefix, store_prefix_end(arena, prefix), false);
        struct str importer = importer_of(arena, iter, prefix.len, stack_name);
        if (importer.len)
            return error_set(error, ERR_VALIDATION_ERROR,
                             "Export %.*s cannot be deleted as it is in use by %.*s", STR_ARG(name),
                             STR_ARG(importer));
    }
    return OK;
}

static enum err put_export(struct arena *arena, struct store_txn *txn, const yyjson_val *stack,
                           const yyjson_val *output, struct error *error)
{
    struct str name = json_get_str(output, "ExportName"), text;
    struct str key = cfn_export_key(arena, name);
    bool found;
    enum err rc = store_txn_get(txn, STORE_META, key, arena, &found, &text, error);
    if (rc)
        return rc;
    struct str owner = found ? json_get_str(json_parse(arena, text), "StackName") : STR_EMPTY;
    if (found && !str_eq(owner, json_get_str(stack, "StackName")))
        return error_set(error, ERR_VALIDATION_ERROR,
                         "Export with name %.*s is already exported by stack %.*s.", STR_ARG(name),
                         STR_ARG(owner));
    yyjson_mut_doc *doc = json_doc(arena);
    yyjson_mut_val *export = yyjson_mut_obj(doc);
    json_add_str(doc, export, "Name", name);
    json_add_copy(doc, export, "Value", json_get(output, "OutputValue"));
    json_add_copy(doc, export, "ExportingStackId", json_get(stack, "StackId"));
    json_add_copy(doc, export, "StackName", json_get(stack, "StackName"));
    store_txn_put(txn, STORE_META, key, json_write(arena, export));
    return OK;
}

enum err exports_replace(struct arena *arena, struct store_txn *txn, const yyjson_val *stack,
                         const yyjson_val *outputs, struct error *error)
{
    yyjson_val *output;
    size_t i, max;
    enum err rc =
        exports_check_removed(arena, txn, json_get_str(stack, "StackName"), stack, outputs, error);
    yyjson_arr_foreach (json_get(stack, "Outputs"), i, max, output) {
        struct str name = json_get_str(output, "ExportName");
        if (rc == OK && name.ptr && !has_export(outputs, name))
            store_txn_delete(txn, STORE_META, cfn_export_key(arena, name));
    }
    yyjson_arr_foreach ((yyjson_val *)(uintptr_t)outputs, i, max, output) {
        if (rc == OK && json_get_str(output, "ExportName").ptr)
            rc = put_export(arena, txn, stack, output, error);
    }
    return rc;
}

/* --- Telling about them --- */

enum err cfn_list_exports(struct request *request)
{
    static const char *const members[] = {"ExportingStackId", "Name", "Value"};
    struct str prefix = cfn_export_key(request->arena, STR_EMPTY), key, value;
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *list = json_add_arr(doc, request_output(request), "Exports");
    struct store_iter *iter = store_iter_new(request->skylite->store, STORE_META, prefix,
                                             store_prefix_end(request->arena, prefix), false);
    while (store_iter_next(iter, &key, &value)) {
        yyjson_val *export = json_parse(request->arena, value);
        yyjson_mut_val *out = yyjson_mut_arr_add_obj(doc, list);
        for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
            json_add_copy(doc, out, members[i], json_get(export, members[i]));
    }
    enum err rc = store_iter_error(iter, &request->error);
    store_iter_free(iter);
    return rc;
}

enum err cfn_list_imports(struct request *request)
{
    struct str name = request_str(request, "ExportName"), key, value;
    struct str prefix = cfn_import_key(request->arena, name, STR_EMPTY);
    yyjson_mut_doc *doc = request->doc;
    if (!name.ptr)
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "1 validation error detected: Value null at 'exportName' failed to "
                            "satisfy constraint: Member must not be null");
    yyjson_mut_val *list = json_add_arr(doc, request_output(request), "Imports");
    struct store_iter *iter = store_iter_new(request->skylite->store, STORE_META, prefix,
                                             store_prefix_end(request->arena, prefix), false);
    while (store_iter_next(iter, &key, &value)) {
        struct str stack = str_slice(key, prefix.len, key.len);
        yyjson_mut_arr_add_strncpy(doc, list, stack.ptr, stack.len);
    }
    enum err rc = store_iter_error(iter, &request->error);
    store_iter_free(iter);
    if (rc == OK && yyjson_mut_arr_size(list) == 0)
        rc = request_fail(request, ERR_VALIDATION_ERROR,
                          "Export '%.*s' is not imported by any stack.", STR_ARG(name));
    return rc;
}
