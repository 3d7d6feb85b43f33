/* Intrinsic functions (CloudFormation template reference, "Intrinsic functions"). */
#include "base/buf.h"
#include "base/encode.h"
#include "services/cloudformation/resolver.h"

static enum err bad(struct resolver *r, const char *what)
{
    return error_set(r->error, ERR_VALIDATION_ERROR, "Template error: %s", what);
}

/* What functions give may be much larger than the template: it is counted. */
static enum err spend(struct resolver *r, size_t bytes)
{
    size_t *left = &r->template->index->budget;
    if (bytes > *left)
        return bad(r, "the values that functions give are too large");
    *left -= bytes;
    return OK;
}

static enum err text_value(struct resolver *r, struct str text, yyjson_mut_val **out)
{
    enum err rc = spend(r, text.len);
    if (rc)
        return rc;
    text = arena_str(r->template->arena, text);
    *out = yyjson_mut_strn(r->doc, text.ptr, text.len);
    return OK;
}

static size_t size_of(const yyjson_val *value)
{
    yyjson_val *item;
    size_t i, max, size = 16;
    if (yyjson_is_str((yyjson_val *)(uintptr_t)value))
        size += json_str(value).len;
    yyjson_arr_foreach ((yyjson_val *)(uintptr_t)value, i, max, item)
        size += size_of(item);
    return size;
}

static enum err copy_value(struct resolver *r, const yyjson_val *value, yyjson_mut_val **out)
{
    enum err rc = spend(r, size_of(value));
    if (rc == OK)
        *out = yyjson_val_mut_copy(r->doc, (yyjson_val *)(uintptr_t)value);
    return rc;
}

enum err cfn_resolve_text(struct resolver *r, const yyjson_val *value, struct str *out)
{
    yyjson_mut_val *resolved;
    enum err rc = cfn_resolve_value(r, value, &resolved);
    if (rc)
        return rc;
    if (yyjson_mut_is_str(resolved))
        *out = str_make(yyjson_mut_get_str(resolved), yyjson_mut_get_len(resolved));
    else if (yyjson_mut_is_num(resolved) || yyjson_mut_is_bool(resolved))
        *out = json_write(r->template->arena, resolved);
    else
        return bad(r, "a function needs text where it was given a structure");
    return OK;
}

/* --- References --- */

static bool pseudo_parameter(const struct cfn_template *template, struct str name, struct str *out)
{
    const struct skylite_config *config = &template->skylite->config;
    const struct {
        struct str name, value;
    } all[] = {
        {STR("AWS::AccountId"), config->account},
        {STR("AWS::Region"), config->region},
        {STR("AWS::StackName"), template->stack_name},
        {STR("AWS::StackId"), template->stack_id},
        {STR("AWS::Partition"), STR("aws")},
        {STR("AWS::URLSuffix"), STR("amazonaws.com")},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (str_eq(all[i].name, name)) {
            *out = all[i].value;
            return true;
        }
    }
    return false;
}

static enum err ref(struct resolver *r, struct str name, yyjson_mut_val **out)
{
    struct str value;
    *out = NULL;
    if (str_eq(name, STR("AWS::NoValue")))
        return OK;
    if (str_eq(name, STR("AWS::NotificationARNs"))) {
        *out = yyjson_mut_arr(r->doc);
        return OK;
    }
    if (pseudo_parameter(r->template, name, &value)) {
        return text_value(r, value, out);
    }
    yyjson_val *parameter = json_get(r->template->parameters, arena_cstr(r->template->arena, name));
    if (parameter)
        return copy_value(r, parameter, out);
    struct cfn_resource *resource = cfn_template_find(r->template, name);
    if (!resource)
        return error_set(r->error, ERR_VALIDATION_ERROR,
                         "Template format error: Unresolved resource dependencies [%.*s] in the "
                         "Resources block of the template",
                         STR_ARG(name));
    if (resource->is_unknown)
        return text_value(r, arena_printf(r->template->arena, CFN_UNKNOWN ":%.*s", STR_ARG(name)),
                          out);
    return text_value(r, resource->physical_id.ptr ? resource->physical_id : STR_EMPTY, out);
}

static enum err get_att(struct resolver *r, struct str logical_id, struct str attribute,
                        yyjson_mut_val **out)
{
    struct cfn_resource *resource = cfn_template_find(r->template, logical_id);
    if (!resource)
        return error_set(r->error, ERR_VALIDATION_ERROR,
                         "Template error: instance of Fn::GetAtt references undefined resource "
                         "%.*s",
                         STR_ARG(logical_id));
    yyjson_val *value = json_get(resource->attributes, arena_cstr(r->template->arena, attribute));
    if (!value && resource->is_unknown)
        return text_value(r,
                          arena_printf(r->template->arena, CFN_UNKNOWN ":%.*s.%.*s",
                                       STR_ARG(logical_id), STR_ARG(attribute)),
                          out);
    if (!value)
        return error_set(r->error, ERR_VALIDATION_ERROR,
                         "Template error: resource %.*s does not support attribute type %.*s in "
                         "Fn::GetAtt",
                         STR_ARG(logical_id), STR_ARG(attribute));
    return copy_value(r, value, out);
}

static enum err fn_get_att(struct resolver *r, yyjson_val *argument, yyjson_mut_val **out)
{
    struct str id, attribute;
    if (yyjson_is_str(argument)) {
        attribute = json_str(argument);
        str_cut(&attribute, '.', &id);
        return get_att(r, id, attribute, out);
    }
    id = json_str(yyjson_arr_get(argument, 0));
    if (yyjson_arr_size(argument) != 2 || !id.ptr)
        return bad(r,
                   "every Fn::GetAtt object requires two non-empty parameters, the resource name "
                   "and the resource attribute");
    enum err rc = cfn_resolve_text(r, yyjson_arr_get(argument, 1), &attribute);
    return rc ? rc : get_att(r, id, attribute, out);
}

/* --- Sub --- */

static enum err sub_variable(struct resolver *r, struct str name, const yyjson_val *map,
                             struct buf *out)
{
    yyjson_mut_val *value = NULL;
    yyjson_val *mapped = json_get(map, arena_cstr(r->template->arena, name));
    enum err rc;
    struct str attribute = name, id;
    if (mapped)
        rc = cfn_resolve_value(r, mapped, &value);
    else if (str_cut(&attribute, '.', &id) && !str_starts(name, STR("AWS::")))
        rc = get_att(r, id, attribute, &value);
    else
        rc = ref(r, name, &value);
    if (rc)
        return rc;
    if (yyjson_mut_is_str(value))
        buf_add(out, str_make(yyjson_mut_get_str(value), yyjson_mut_get_len(value)));
    else if (yyjson_mut_is_num(value) || yyjson_mut_is_bool(value))
        buf_add(out, json_write(r->template->arena, value));
    else
        return bad(r, "Fn::Sub needs variables that are text");
    return OK;
}

/* "${Name}", "${Resource.Attribute}", and "${!Literal}", which stays as "${Literal}". */
static enum err sub_text(struct resolver *r, struct str text, const yyjson_val *map,
                         struct buf *out)
{
    while (text.len) {
        ptrdiff_t start = str_find(text, STR("${"));
        ptrdiff_t end = start < 0 ? -1 : str_find_byte(text, '}', (size_t)start);
        buf_add(out, end < 0 ? text : str_slice(text, 0, (size_t)start));
        if (end < 0)
            return OK;
        struct str name = str_slice(text, (size_t)start + 2, (size_t)(end - start) - 2);
        if (str_starts(name, STR("!"))) {
            buf_add(out, STR("${"));
            buf_add(out, str_slice(name, 1, name.len));
            buf_add(out, STR("}"));
        } else {
            enum err rc = sub_variable(r, str_trim(name), map, out);
            if (rc)
                return rc;
        }
        text = str_slice(text, (size_t)end + 1, text.len);
    }
    return OK;
}

static enum err fn_sub(struct resolver *r, yyjson_val *argument, yyjson_mut_val **out)
{
    yyjson_val *text = argument, *map = NULL;
    if (yyjson_is_arr(argument)) {
        text = yyjson_arr_get(argument, 0);
        map = yyjson_arr_get(argument, 1);
    }
    if (!yyjson_is_str(text))
        return bad(r, "One or more Fn::Sub intrinsic functions don't specify expected arguments. "
                      "Specify a string as first argument, and an optional second argument to "
                      "specify a mapping of values to replace in the string");
    struct buf result;
    buf_init_arena(&result, r->template->arena, RESOLVER_MAX_TEXT);
    enum err rc = sub_text(r, json_str(text), map, &result);
    if (rc == OK && result.is_full)
        rc = spend(r, SIZE_MAX);
    return rc ? rc : text_value(r, buf_str(&result), out);
}

/* --- The others --- */

static enum err fn_join(struct resolver *r, yyjson_val *argument, yyjson_mut_val **out)
{
    struct buf joined;
    yyjson_mut_val *list, *item;
    size_t i, max;
    struct str separator = json_str(yyjson_arr_get(argument, 0));
    if (yyjson_arr_size(argument) != 2 || !separator.ptr)
        return bad(r, "every Fn::Join object requires two parameters, (1) a string delimiter and "
                      "(2) a list of strings to be joined");
    enum err rc = cfn_resolve_value(r, yyjson_arr_get(argument, 1), &list);
    if (rc)
        return rc;
    if (!yyjson_mut_is_arr(list))
        return bad(r, "Fn::Join needs a list");
    buf_init_arena(&joined, r->template->arena, RESOLVER_MAX_TEXT);
    yyjson_mut_arr_foreach (list, i, max, item) {
        if (i)
            buf_add(&joined, separator);
        if (yyjson_mut_is_str(item))
            buf_add(&joined, str_make(yyjson_mut_get_str(item), yyjson_mut_get_len(item)));
        else
            buf_add(&joined, json_write(r->template->arena, item));
    }
    return joined.is_full ? spend(r, SIZE_MAX) : text_value(r, buf_str(&joined), out);
}

static enum err fn_if(struct resolver *r, yyjson_val *argument, yyjson_mut_val **out)
{
    bool is_true;
    struct str name = json_str(yyjson_arr_get(argument, 0));
    if (yyjson_arr_size(argument) != 3 || !name.ptr)
        return bad(r, "Fn::If requires a list argument with the first element being a condition");
    enum err rc = cfn_resolve_condition(r, name, &is_true);
    return rc ? rc : cfn_resolve_value(r, yyjson_arr_get(argument, is_true ? 1 : 2), out);
}

static enum err fn_select(struct resolver *r, yyjson_val *argument, yyjson_mut_val **out)
{
    struct str text;
    uint64_t index;
    yyjson_mut_val *list;
    if (yyjson_arr_size(argument) != 2)
        return bad(r, "Fn::Select requires a list argument with two elements");
    enum err rc = cfn_resolve_text(r, yyjson_arr_get(argument, 0), &text);
    if (rc == OK)
        rc = cfn_resolve_value(r, yyjson_arr_get(argument, 1), &list);
    if (rc)
        return rc;
    if (!str_to_u64(text, &index) || index >= yyjson_mut_arr_size(list))
        return error_set(r->error, ERR_VALIDATION_ERROR,
                         "Template error: Fn::Select cannot select nonexistent value at index %.*s",
                         STR_ARG(text));
    *out = yyjson_mut_arr_get(list, index);
    return OK;
}

static enum err fn_split(struct resolver *r, yyjson_val *argument, yyjson_mut_val **out)
{
    struct str separator = json_str(yyjson_arr_get(argument, 0)), text;
    if (yyjson_arr_size(argument) != 2 || separator.len == 0)
        return bad(r, "every Fn::Split object requires two parameters");
    enum err rc = cfn_resolve_text(r, yyjson_arr_get(argument, 1), &text);
    if (rc)
        return rc;
    *out = yyjson_mut_arr(r->doc);
    for (;;) {
        ptrdiff_t at = str_find(text, separator);
        struct str part = str_slice(text, 0, at < 0 ? text.len : (size_t)at);
        yyjson_mut_val *one = NULL;
        rc = text_value(r, part, &one);
        if (rc)
            return rc;
        yyjson_mut_arr_append(*out, one);
        if (at < 0)
            return OK;
        text = str_slice(text, (size_t)at + separator.len, text.len);
    }
}

static enum err fn_find_in_map(struct resolver *r, yyjson_val *argument, yyjson_mut_val **out)
{
    struct str keys[3];
    yyjson_val *found = json_get(r->template->root, "Mappings");
    if (yyjson_arr_size(argument) != 3)
        return bad(r, "every Fn::FindInMap object requires three parameters, the map name, map key "
                      "and the attribute for return value");
    for (size_t i = 0; i < 3; i++) {
        enum err rc = cfn_resolve_text(r, yyjson_arr_get(argument, i), &keys[i]);
        if (rc)
            return rc;
        found = json_get(found, arena_cstr(r->template->arena, keys[i]));
    }
    if (!found)
        return error_set(r->error, ERR_VALIDATION_ERROR,
                         "Template error: Unable to get mapping for %.*s::%.*s::%.*s",
                         STR_ARG(keys[0]), STR_ARG(keys[1]), STR_ARG(keys[2]));
    return copy_value(r, found, out);
}

static enum err fn_base64(struct resolver *r, yyjson_val *argument, yyjson_mut_val **out)
{
    struct str text;
    enum err rc = cfn_resolve_text(r, argument, &text);
    return rc ? rc : text_value(r, encode_base64(r->template->arena, text), out);
}

static enum err fn_import_value(struct resolver *r, yyjson_val *argument, yyjson_mut_val **out)
{
    struct str name, value;
    enum err rc = cfn_resolve_text(r, argument, &name);
    if (rc == OK)
        rc = cfn_import(r->template, name, &value, r->error);
    return rc ? rc : text_value(r, value, out);
}

static enum err fn_ref(struct resolver *r, yyjson_val *argument, yyjson_mut_val **out)
{
    if (!yyjson_is_str(argument))
        return bad(r, "every Ref object must have a single String value.");
    return ref(r, json_str(argument), out);
}

static enum err fn_unsupported(struct resolver *r, yyjson_val *argument, yyjson_mut_val **out)
{
    (void)argument;
    (void)out;
    return bad(r,
               "this function is not supported; there is Ref, Condition, Fn::And, Fn::Base64, "
               "Fn::Equals, Fn::FindInMap, Fn::GetAtt, Fn::If, Fn::ImportValue, Fn::Join, Fn::Not, "
               "Fn::Or, Fn::Select, Fn::Split and Fn::Sub");
}

typedef enum err (*function_fn)(struct resolver *r, yyjson_val *argument, yyjson_mut_val **out);

/* The function that an object calls, when it is a call: one member with a function's name. */
static function_fn function_of(const yyjson_val *object, yyjson_val **out_argument)
{
    static const struct {
        const char *name;
        function_fn fn;
    } all[] = {
        {"Ref", fn_ref},
        {"Fn::GetAtt", fn_get_att},
        {"Fn::Sub", fn_sub},
        {"Fn::Join", fn_join},
        {"Fn::If", fn_if},
        {"Fn::Select", fn_select},
        {"Fn::Split", fn_split},
        {"Fn::Base64", fn_base64},
        {"Fn::FindInMap", fn_find_in_map},
        {"Fn::ImportValue", fn_import_value},
    };
    yyjson_val *o = (yyjson_val *)(uintptr_t)object;
    if (yyjson_obj_size(o) != 1)
        return NULL;
    yyjson_obj_iter iter = yyjson_obj_iter_with(o);
    yyjson_val *key = yyjson_obj_iter_next(&iter);
    *out_argument = yyjson_obj_iter_get_val(key);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        if (yyjson_equals_str(key, all[i].name))
            return all[i].fn;
    }
    return str_starts(json_str(key), STR("Fn::")) ? fn_unsupported : NULL;
}

static enum err resolve_members(struct resolver *r, yyjson_val *value, yyjson_mut_val **out)
{
    yyjson_val *key, *item;
    size_t i, max;
    yyjson_mut_val *one;
    enum err rc = OK;
    if (yyjson_is_arr(value)) {
        *out = yyjson_mut_arr(r->doc);
        yyjson_arr_foreach (value, i, max, item) {
            rc = cfn_resolve_value(r, item, &one);
            if (rc)
                return rc;
            if (one)
                yyjson_mut_arr_append(*out, one);
        }
        return OK;
    }
    *out = yyjson_mut_obj(r->doc);
    yyjson_obj_foreach (value, i, max, key, item) {
        rc = cfn_resolve_value(r, item, &one);
        if (rc)
            return rc;
        if (one)
            yyjson_mut_obj_add(*out, yyjson_val_mut_copy(r->doc, key), one);
    }
    return OK;
}

enum err cfn_resolve_value(struct resolver *r, const yyjson_val *value, yyjson_mut_val **out)
{
    yyjson_val *v = (yyjson_val *)(uintptr_t)value, *argument;
    enum err rc;
    *out = NULL;
    if (!yyjson_is_obj(v) && !yyjson_is_arr(v)) {
        return v ? copy_value(r, v, out) : OK;
    }
    if (++r->depth > RESOLVER_MAX_DEPTH)
        return bad(r, "functions are nested too deeply");
    function_fn function = yyjson_is_obj(v) ? function_of(v, &argument) : NULL;
    rc = function ? function(r, argument, out) : resolve_members(r, v, out);
    r->depth--;
    return rc;
}

enum err cfn_resolve(const struct cfn_template *template, const yyjson_val *value,
                     yyjson_mut_doc *doc, yyjson_mut_val **out, struct error *error)
{
    struct resolver r = {.template = template, .doc = doc, .error = error};
    return cfn_resolve_value(&r, value, out);
}
