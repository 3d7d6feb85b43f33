/* Applying PATCH operations. */
#include "services/apigateway/patch.h"

#include <math.h>
#include <stdlib.h>

/* --- Reading --- */

static const struct {
    const char *name;
    enum patch_op_kind kind;
} op_names[] = {
    {"add", PATCH_ADD},   {"remove", PATCH_REMOVE}, {"replace", PATCH_REPLACE},
    {"copy", PATCH_COPY}, {"move", PATCH_MOVE},     {"test", PATCH_TEST},
};

const char *patch_op_name(enum patch_op_kind kind)
{
    for (size_t i = 0; i < sizeof(op_names) / sizeof(op_names[0]); i++) {
        if (op_names[i].kind == kind)
            return op_names[i].name;
    }
    return "";
}

static bool read_kind(struct str name, enum patch_op_kind *out)
{
    for (size_t i = 0; i < sizeof(op_names) / sizeof(op_names[0]); i++) {
        if (str_eq(name, str_from(op_names[i].name))) {
            *out = op_names[i].kind;
            return true;
        }
    }
    return false;
}

struct str patch_decode(struct arena *arena, struct str part)
{
    if (str_find_byte(part, '~', 0) < 0)
        return part;
    char *text = arena_alloc(arena, part.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < part.len; i++) {
        char next = i + 1 < part.len ? part.ptr[i + 1] : '\0';
        bool is_escape = part.ptr[i] == '~' && (next == '0' || next == '1');
        text[len++] = !is_escape ? part.ptr[i] : next == '1' ? '/' : '~';
        i += is_escape;
    }
    return str_make(text, len);
}

static void split_path(struct arena *arena, struct patch_op *op)
{
    struct str rest = op->path, part;
    if (rest.len == 0 || rest.ptr[0] != '/')
        return;
    bool is_last = false;
    for (rest = str_slice(rest, 1, rest.len); !is_last;) {
        if (op->part_count == PATCH_MAX_PARTS) {
            op->part_count = 0;
            return;
        }
        is_last = !str_cut(&rest, '/', &part);
        op->raw[op->part_count] = part;
        op->parts[op->part_count++] = patch_decode(arena, part);
    }
}

/* AWS counts and lists all operations that there are not, and behind them what else is wrong. */
static enum err unknown_ops(struct request *request, yyjson_val *list, size_t bad, struct str more)
{
    struct buf text;
    size_t i, max;
    yyjson_val *item;
    enum patch_op_kind kind;
    const char *separator = "";
    char lower = (char)(request->operation->name[0] | 0x20);
    buf_init_arena(&text, request->arena, ERROR_MESSAGE_MAX);
    yyjson_arr_foreach (list, i, max, item) {
        struct str name = json_get_str(item, "op");
        if (read_kind(name, &kind))
            continue;
        buf_printf(&text,
                   "%sValue '%.*s' at '%c%sInput.patchOperations.%zu.member.op' failed to satisfy "
                   "constraint: Member must satisfy enum value set: [add, remove, move, test, "
                   "replace, copy]",
                   separator, STR_ARG(name), lower, request->operation->name + 1, i + 1);
        separator = "; ";
    }
    if (more.len)
        buf_printf(&text, "%s%.*s", separator, STR_ARG(more));
    bad += more.len > 0;
    return request_fail(request, ERR_VALIDATION, "%zu validation error%s detected: %.*s", bad,
                        bad == 1 ? "" : "s", STR_ARG(buf_str(&text)));
}

enum err patch_check(struct request *request, struct str more)
{
    yyjson_val *list = json_get(request->input, "patchOperations"), *item;
    size_t i, max, bad = 0;
    enum patch_op_kind kind;
    if (list && !yyjson_is_arr(list))
        return request_fail(request, ERR_SERIALIZATION, "patchOperations is not a list");
    yyjson_arr_foreach (list, i, max, item) {
        bad += !read_kind(json_get_str(item, "op"), &kind);
    }
    return bad || more.len ? unknown_ops(request, list, bad, more) : OK;
}

enum err patch_read(struct request *request, struct patch_op **out, size_t *out_count)
{
    yyjson_val *list = json_get(request->input, "patchOperations"), *item;
    struct patch_op *ops = arena_array(request->arena, struct patch_op, yyjson_arr_size(list) + 1);
    size_t i, max;
    enum err rc = patch_check(request, STR_EMPTY);
    if (rc)
        return rc;
    yyjson_arr_foreach (list, i, max, item) {
        read_kind(json_get_str(item, "op"), &ops[i].op);
        ops[i].path = json_get_str(item, "path");
        ops[i].value = json_get_str(item, "value");
        ops[i].from = json_get_str(item, "from");
        split_path(request->arena, &ops[i]);
    }
    *out = ops;
    *out_count = yyjson_arr_size(list);
    return OK;
}

/* --- Rules --- */

static bool rule_matches(const struct patch_rule *rule, const struct patch_op *op)
{
    struct str rest = str_from(rule->path + 1), part;
    for (size_t i = 0; i < op->part_count; i++) {
        bool has_more = str_cut(&rest, '/', &part);
        if (!str_starts(part, STR("{")) && !str_eq(part, op->parts[i]))
            return false;
        if (op->parts[i].len == 0 && str_starts(part, STR("{")))
            return false;
        if (i + 1 == op->part_count)
            return !has_more;
        if (!has_more)
            return false;
    }
    return false;
}

static struct str list_paths(struct request *request, const struct patch_table *table, unsigned ops)
{
    struct buf text;
    buf_init_arena(&text, request->arena, ERROR_MESSAGE_MAX);
    for (size_t i = 0; i < table->count; i++) {
        if (!(table->rules[i].ops & ops))
            continue;
        if (text.len)
            buf_add(&text, STR(", "));
        buf_add(&text, str_from(table->rules[i].path));
    }
    return buf_str(&text);
}

static enum err bad_path(struct request *request, const struct patch_table *table,
                         const struct patch_op *op)
{
    struct str path = op->path.ptr ? op->path : STR("null");
    if (table->style == PATCH_STYLE_SHORT)
        return apigw_bad_request(request, "Invalid patch path %.*s", STR_ARG(path));
    struct str paths = list_paths(request, table, op->op);
    if (paths.len == 0)
        return apigw_bad_request(request,
                                 "Invalid patch path  '%.*s' specified for op '%s'. Please choose "
                                 "supported operations",
                                 STR_ARG(path), patch_op_name(op->op));
    if (table->listing)
        paths = str_from(table->listing);
    return apigw_bad_request(
        request, "Invalid patch path  '%.*s' specified for op '%s'. Must be one of: [%.*s]",
        STR_ARG(path), patch_op_name(op->op), STR_ARG(paths));
}

static enum err bad_op(struct request *request, const struct patch_table *table,
                       const struct patch_rule *rule, const struct patch_op *op)
{
    if (table->style == PATCH_STYLE_LISTED)
        return bad_path(request, table, op);
    struct buf names;
    buf_init_arena(&names, request->arena, 256);
    for (size_t i = 0; i < sizeof(op_names) / sizeof(op_names[0]); i++) {
        if (rule->ops & op_names[i].kind)
            buf_printf(&names, "%s%s", names.len ? ", " : "", op_names[i].name);
    }
    return apigw_bad_request(request, "Invalid patch operation specified. Must be one of: [%.*s]",
                             STR_ARG(buf_str(&names)));
}

/* --- Changing --- */

/* The object that holds the member; made on the way when `is_made`, else NULL when there is none.
 */
static yyjson_mut_val *find_parent(struct patch_target *target, const struct patch_op *op,
                                   bool is_made)
{
    yyjson_mut_val *object = target->object;
    for (size_t i = 0; i + 1 < op->part_count && object; i++) {
        object = is_made ? apigw_object_member(target->doc, object, op->parts[i])
                         : apigw_member(object, op->parts[i]);
    }
    return object;
}

static enum err read_value(struct patch_target *target, const struct patch_rule *rule,
                           const struct patch_op *op, yyjson_mut_val **out)
{
    yyjson_mut_doc *doc = target->doc;
    struct str value = op->value.ptr ? op->value : STR_EMPTY;
    int64_t integer;
    char *end, *text = arena_cstr(target->request->arena, value);
    double number = strtod(text, &end);
    switch (rule->kind) {
    case PATCH_BOOL:
        *out = yyjson_mut_bool(doc, patch_bool(value));
        return OK;
    case PATCH_INTEGER:
        if (!str_to_i64(value, &integer))
            break;
        *out = yyjson_mut_sint(doc, integer);
        return OK;
    case PATCH_DOUBLE:
        if (end == text || *end != '\0' || !isfinite(number))
            break;
        *out = yyjson_mut_real(doc, number);
        return OK;
    case PATCH_STRING:
    case PATCH_SET:
    case PATCH_CUSTOM:
        *out = yyjson_mut_strncpy(doc, value.ptr, value.len);
        return OK;
    }
    return apigw_bad_request(target->request, "Invalid value '%.*s' specified for path %.*s",
                             STR_ARG(value), STR_ARG(op->path));
}

static enum err change_member(struct patch_target *target, const struct patch_rule *rule,
                              const struct patch_op *op)
{
    struct str name = op->parts[op->part_count - 1];
    yyjson_mut_val *parent = find_parent(target, op, op->op != PATCH_REMOVE), *value = NULL;
    bool is_there = apigw_member(parent, name);
    if (!is_there && op->op != PATCH_ADD && rule->missing)
        return apigw_not_found(target->request, "%s", rule->missing);
    if (op->op == PATCH_REMOVE) {
        if (is_there)
            yyjson_mut_obj_remove_keyn(parent, name.ptr, name.len);
        if (op->part_count == 2 && yyjson_mut_obj_size(parent) == 0)
            yyjson_mut_obj_remove_keyn(target->object, op->parts[0].ptr, op->parts[0].len);
        return OK;
    }
    enum err rc = read_value(target, rule, op, &value);
    if (rc == OK)
        apigw_set(target->doc, parent, name, value);
    return rc;
}

static void remove_element(yyjson_mut_val *list, struct str element)
{
    size_t i, max;
    yyjson_mut_val *value;
    yyjson_mut_arr_foreach (list, i, max, value) {
        if (str_eq(apigw_mut_str(value), element)) {
            yyjson_mut_arr_remove(list, i);
            return;
        }
    }
}

static enum err change_set(struct patch_target *target, const struct patch_op *op)
{
    struct str element = op->parts[op->part_count - 1], name = op->parts[op->part_count - 2];
    yyjson_mut_val *list = apigw_member(target->object, name);
    if (!yyjson_mut_is_arr(list)) {
        list = yyjson_mut_arr(target->doc);
        apigw_set(target->doc, target->object, name, list);
    }
    remove_element(list, element);
    if (op->op == PATCH_REPLACE && op->value.ptr)
        element = op->value;
    if (op->op != PATCH_REMOVE)
        yyjson_mut_arr_append(list, yyjson_mut_strncpy(target->doc, element.ptr, element.len));
    if (yyjson_mut_arr_size(list) == 0)
        yyjson_mut_obj_remove_keyn(target->object, name.ptr, name.len);
    return OK;
}

static enum err apply_rule(struct patch_target *target, const struct patch_rule *rule,
                           const struct patch_op *op)
{
    switch (rule->kind) {
    case PATCH_CUSTOM:
        return rule->apply(target, op);
    case PATCH_SET:
        return change_set(target, op);
    case PATCH_STRING:
    case PATCH_BOOL:
    case PATCH_INTEGER:
    case PATCH_DOUBLE:
        break;
    }
    enum err rc = change_member(target, rule, op);
    return rc == OK && rule->apply ? rule->apply(target, op) : rc;
}

static enum err apply_op(struct patch_target *target, const struct patch_table *table,
                         const struct patch_op *op)
{
    const struct patch_rule *known = NULL;
    for (size_t i = 0; i < table->count; i++) {
        if (!rule_matches(&table->rules[i], op))
            continue;
        if (table->rules[i].ops & op->op)
            return apply_rule(target, &table->rules[i], op);
        known = &table->rules[i];
    }
    return known ? bad_op(target->request, table, known, op) : bad_path(target->request, table, op);
}

enum err patch_apply(struct patch_target *target, const struct patch_table *table)
{
    struct patch_op *ops;
    size_t count;
    enum err rc = patch_read(target->request, &ops, &count);
    for (size_t i = 0; rc == OK && i < count; i++)
        rc = apply_op(target, table, &ops[i]);
    return rc;
}

enum err patch_document(struct request *request, struct store_txn *txn, struct str key,
                        const struct patch_table *table, const char *missing)
{
    yyjson_val *document;
    struct patch_target target = {.request = request, .view = apigw_view(request, txn)};
    enum err rc = patch_check(request, STR_EMPTY);
    if (rc == OK)
        rc = state_get(&target.view, key, &document);
    if (rc)
        return rc;
    if (!document)
        return apigw_not_found(request, "%s", missing);
    target.doc = json_doc(request->arena);
    target.object = yyjson_val_mut_copy(target.doc, document);
    rc = patch_apply(&target, table);
    if (rc)
        return rc;
    if (apigw_member(target.object, STR("lastUpdatedDate")))
        apigw_set(target.doc, target.object, STR("lastUpdatedDate"),
                  yyjson_mut_sint(target.doc, apigw_now()));
    state_put(&target.view, key, target.object);
    return apigw_answer(request, target.doc, target.object);
}

bool patch_bool(struct str value)
{
    return str_eq_nocase(value, STR("true"));
}
