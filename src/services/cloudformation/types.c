/* What all resource types share. */
#include "services/cloudformation/types.h"

#include <stdarg.h>

const struct cfn_type *cfn_type_find(struct str name)
{
    const struct cfn_type *const tables[] = {
        cfn_api_types,      cfn_authorizer_types, cfn_model_types, cfn_stage_types,
        cfn_usage_types,    cfn_domain_types,     cfn_iam_types,   cfn_policy_types,
        cfn_dynamodb_types, cfn_lambda_types,     cfn_logs_types};
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        for (const struct cfn_type *type = tables[i]; type->name; type++) {
            if (str_eq(name, str_from(type->name)))
                return type;
        }
    }
    return NULL;
}

/* --- Properties --- */

static enum err check_inside(const struct cfn_property *properties, yyjson_val *value,
                             struct error *error);

static enum err check_member(const struct cfn_property *properties, yyjson_val *key,
                             yyjson_val *value, struct error *error)
{
    for (; properties->name; properties++) {
        if (yyjson_equals_str(key, properties->name))
            return properties->inside ? check_inside(properties->inside, value, error) : OK;
    }
    return error_set(error, ERR_VALIDATION_ERROR, "Encountered unsupported property %.*s",
                     STR_ARG(json_str(key)));
}

static enum err check_inside(const struct cfn_property *properties, yyjson_val *value,
                             struct error *error)
{
    yyjson_val *key, *item;
    size_t i, max;
    enum err rc = OK;
    if (!yyjson_is_ctn(value))
        return error_set(error, ERR_VALIDATION_ERROR,
                         "Value of property must be an object or a list of objects");
    yyjson_arr_foreach (value, i, max, item) {
        rc = check_inside(properties, item, error);
        if (rc)
            return rc;
    }
    yyjson_obj_foreach (value, i, max, key, item) {
        rc = check_member(properties, key, item, error);
        if (rc)
            return rc;
    }
    for (; yyjson_is_obj(value) && properties->name; properties++) {
        if (properties->flags & CFN_REQUIRED && !json_get(value, properties->name))
            return error_set(error, ERR_VALIDATION_ERROR, "Property %s cannot be empty.",
                             properties->name);
    }
    return OK;
}

enum err cfn_check_properties(const struct cfn_type *type, const yyjson_val *properties,
                              struct error *error)
{
    return check_inside(type->properties, (yyjson_val *)(uintptr_t)properties, error);
}

bool cfn_is_missing(enum err code)
{
    return code == ERR_DDB_RESOURCE_NOT_FOUND || code == ERR_LAMBDA_RESOURCE_NOT_FOUND ||
           code == ERR_APIGW_NOT_FOUND || code == ERR_IAM_NO_SUCH_ENTITY ||
           code == ERR_LOGS_RESOURCE_NOT_FOUND;
}

/* --- Calls --- */

struct cfn_call *cfn_add(struct cfn_calls *calls, const char *service, const char *operation)
{
    struct cfn_call *call = arena_new(calls->step->arena, struct cfn_call);
    call->service = service;
    call->operation = operation;
    call->input = yyjson_mut_obj(calls->step->doc);
    *calls->end = call;
    calls->end = &call->next;
    return call;
}

bool cfn_is(const struct cfn_call *call, const char *operation)
{
    return strcmp(call->operation, operation) == 0;
}

static yyjson_mut_val *lowered_key(struct cfn_step *step, const yyjson_val *key)
{
    char *name = arena_cstr(step->arena, json_str(key));
    if (name[0] >= 'A' && name[0] <= 'Z')
        name[0] = (char)(name[0] | 0x20);
    return yyjson_mut_str(step->doc, name);
}

static yyjson_mut_val *lowered(struct cfn_step *step, yyjson_val *value)
{
    yyjson_val *key, *item;
    size_t i, max;
    if (yyjson_is_arr(value)) {
        yyjson_mut_val *list = yyjson_mut_arr(step->doc);
        yyjson_arr_foreach (value, i, max, item)
            yyjson_mut_arr_append(list, lowered(step, item));
        return list;
    }
    if (!yyjson_is_obj(value))
        return yyjson_val_mut_copy(step->doc, value);
    yyjson_mut_val *object = yyjson_mut_obj(step->doc);
    yyjson_obj_foreach (value, i, max, key, item)
        yyjson_mut_obj_add(object, lowered_key(step, key), lowered(step, item));
    return object;
}

static yyjson_mut_val *texts(struct cfn_step *step, yyjson_val *value)
{
    yyjson_val *key, *item;
    size_t i, max;
    if (yyjson_is_arr(value)) {
        yyjson_mut_val *list = yyjson_mut_arr(step->doc);
        yyjson_arr_foreach (value, i, max, item)
            yyjson_mut_arr_append(list, texts(step, item));
        return list;
    }
    if (yyjson_is_obj(value)) {
        yyjson_mut_val *object = yyjson_mut_obj(step->doc);
        yyjson_obj_foreach (value, i, max, key, item)
            yyjson_mut_obj_add(object, yyjson_val_mut_copy(step->doc, key), texts(step, item));
        return object;
    }
    if (yyjson_is_str(value) || yyjson_is_null(value))
        return yyjson_val_mut_copy(step->doc, value);
    struct str text = json_write_val(step->arena, value);
    return yyjson_mut_strn(step->doc, text.ptr, text.len);
}

yyjson_mut_val *cfn_typed(struct cfn_step *step, yyjson_val *value,
                          const struct cfn_property *inside)
{
    yyjson_val *key, *item;
    size_t i, max;
    if (yyjson_is_arr(value)) {
        yyjson_mut_val *list = yyjson_mut_arr(step->doc);
        yyjson_arr_foreach (value, i, max, item)
            yyjson_mut_arr_append(list, cfn_typed(step, item, inside));
        return list;
    }
    if (!yyjson_is_obj(value))
        return yyjson_val_mut_copy(step->doc, value);
    yyjson_mut_val *object = yyjson_mut_obj(step->doc);
    yyjson_obj_foreach (value, i, max, key, item) {
        const struct cfn_property *property = inside;
        while (property->name && !yyjson_equals_str(key, property->name))
            property++;
        if (property->name)
            yyjson_mut_obj_add(object, yyjson_val_mut_copy(step->doc, key),
                               cfn_typed_property(step, item, property));
    }
    return object;
}

yyjson_mut_val *cfn_typed_property(struct cfn_step *step, yyjson_val *value,
                                   const struct cfn_property *property)
{
    struct str text = json_str(value);
    int64_t number;
    yyjson_val *given;
    bool is_true = str_eq(text, STR("true"));
    switch (property->how) {
    case CFN_INTEGER:
        if (text.ptr && str_to_i64(text, &number))
            return yyjson_mut_sint(step->doc, number);
        given = text.ptr ? json_parse(step->arena, text) : NULL;
        if (yyjson_is_num(given))
            return yyjson_val_mut_copy(step->doc, given);
        break;
    case CFN_BOOLEAN:
        if (is_true || str_eq(text, STR("false")))
            return yyjson_mut_bool(step->doc, is_true);
        break;
    case CFN_TEXTS:
        return texts(step, value);
    case CFN_LOWER:
        return lowered(step, value);
    case CFN_COPY:
    case CFN_OWN:
        break;
    }
    return property->inside ? cfn_typed(step, value, property->inside)
                            : yyjson_val_mut_copy(step->doc, value);
}

void cfn_map(struct cfn_step *step, struct cfn_call *call, const struct cfn_property *properties)
{
    for (; properties->name; properties++) {
        yyjson_val *value = json_get(step->properties, properties->name);
        if (!value || properties->how == CFN_OWN)
            continue;
        json_add(step->doc, call->input, properties->member,
                 cfn_typed_property(step, value, properties));
    }
}

void cfn_put(struct cfn_step *step, struct cfn_call *call, const char *member, struct str value)
{
    json_add_str_opt(step->doc, call->input, member, value);
}

void cfn_put_copy(struct cfn_step *step, struct cfn_call *call, const char *member,
                  const yyjson_val *value)
{
    json_add_copy(step->doc, call->input, member, value);
}

struct str cfn_text(const struct cfn_step *step, const yyjson_val *properties, const char *name)
{
    yyjson_val *value = json_get(properties, name);
    if (!value || yyjson_is_null(value))
        return (struct str){NULL, 0};
    return yyjson_is_str(value) ? json_str(value) : json_write_val(step->arena, value);
}

struct str cfn_wanted(const struct cfn_step *step, const char *name)
{
    return cfn_text(step, step->properties, name);
}

struct str cfn_name(struct cfn_step *step, const char *property)
{
    struct str given = cfn_wanted(step, property);
    if (given.ptr)
        return given;
    /* Room for names of 64 characters at most, as roles and functions have. */
    struct str stack = str_slice(step->template->stack_name, 0, 24);
    struct str id = str_slice(step->logical_id, 0, 24);
    return arena_printf(step->arena, "%.*s-%.*s-%.*s", STR_ARG(stack), STR_ARG(id),
                        STR_ARG(step->token));
}

struct str cfn_arn(const struct cfn_step *step, const char *service, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct str resource = arena_vprintf(step->arena, format, args);
    va_end(args);
    return skylite_arn(step->template->skylite, step->arena, service, resource);
}

void cfn_set_attribute(struct cfn_step *step, const char *name, struct str value)
{
    if (!value.ptr)
        return;
    yyjson_mut_obj_remove_key(step->attributes, name);
    json_add_str(step->doc, step->attributes, name, arena_str(step->arena, value));
}

struct str cfn_output(const struct cfn_step *step, yyjson_mut_val *output, const char *member)
{
    yyjson_mut_val *value = yyjson_mut_obj_get(output, member);
    if (!yyjson_mut_is_str(value))
        return (struct str){NULL, 0};
    return arena_str(step->arena, str_make(yyjson_mut_get_str(value), yyjson_mut_get_len(value)));
}

/* --- Changes --- */

bool cfn_changed(const struct cfn_step *step, const char *property)
{
    yyjson_val *now = json_get(step->properties, property);
    yyjson_val *before = json_get(step->old_properties, property);
    if (!now || !before)
        return now != before;
    return !yyjson_equals(now, before);
}

bool cfn_has(const yyjson_val *list, const yyjson_val *element)
{
    yyjson_val *item;
    size_t i, max;
    yyjson_arr_foreach ((yyjson_val *)(uintptr_t)list, i, max, item) {
        if (yyjson_equals(item, (yyjson_val *)(uintptr_t)element))
            return true;
    }
    return false;
}

void cfn_patch(struct cfn_step *step, struct cfn_call *call, const char *op, struct str path,
               struct str value)
{
    yyjson_mut_val *list = yyjson_mut_obj_get(call->input, "patchOperations");
    if (!list)
        list = json_add_arr(step->doc, call->input, "patchOperations");
    yyjson_mut_val *operation = yyjson_mut_arr_add_obj(step->doc, list);
    json_add_str(step->doc, operation, "op", str_from(op));
    json_add_str(step->doc, operation, "path", path);
    json_add_str_opt(step->doc, operation, "value", value);
}

void cfn_patch_property(struct cfn_step *step, struct cfn_call *call, const char *property,
                        const char *path, const char *fallback)
{
    if (!cfn_changed(step, property))
        return;
    struct str value = cfn_wanted(step, property);
    cfn_patch(step, call, "replace", str_from(path), value.ptr ? value : str_from(fallback));
}

void cfn_drop(struct cfn_calls *calls, const struct cfn_call *call)
{
    struct cfn_call **at = &calls->first;
    while (*at != call)
        at = &(*at)->next;
    *at = NULL;
    calls->end = at;
}

void cfn_drop_unpatched(struct cfn_calls *calls, const struct cfn_call *call)
{
    if (!yyjson_mut_obj_get(call->input, "patchOperations"))
        cfn_drop(calls, call);
}

/* --- Tags --- */

/* The element of "Tags" with that key; NULL when there is none. */
static yyjson_val *find_tag(const yyjson_val *properties, struct str key)
{
    yyjson_val *tag;
    size_t i, max;
    yyjson_arr_foreach (json_get(properties, "Tags"), i, max, tag) {
        if (str_eq(json_get_str(tag, "Key"), key))
            return tag;
    }
    return NULL;
}

static void add_tag(struct cfn_step *step, yyjson_mut_val *map, const yyjson_val *tag)
{
    struct str value = cfn_text(step, tag, "Value");
    json_add_str(step->doc, map, arena_cstr(step->arena, cfn_text(step, tag, "Key")),
                 value.ptr ? value : STR_EMPTY);
}

void cfn_put_tag_map(struct cfn_step *step, struct cfn_call *call, const char *member)
{
    yyjson_val *tags = json_get(step->properties, "Tags"), *tag;
    size_t i, max;
    if (yyjson_arr_size(tags) == 0)
        return;
    yyjson_mut_val *map = json_add_obj(step->doc, call->input, member);
    yyjson_arr_foreach (tags, i, max, tag)
        add_tag(step, map, tag);
}

static void tag_new(struct cfn_step *step, struct cfn_calls *calls,
                    const struct cfn_tagging *tagging, struct str id)
{
    yyjson_mut_val *added = NULL;
    yyjson_val *tag;
    size_t i, max;
    yyjson_arr_foreach (json_get(step->properties, "Tags"), i, max, tag) {
        yyjson_val *before = find_tag(step->old_properties, json_get_str(tag, "Key"));
        if (before && yyjson_equals(before, tag))
            continue;
        if (!added) {
            struct cfn_call *call = cfn_add(calls, tagging->service, tagging->tag);
            cfn_put(step, call, tagging->id_member, id);
            added = tagging->is_map ? json_add_obj(step->doc, call->input, tagging->tags_member)
                                    : json_add_arr(step->doc, call->input, tagging->tags_member);
        }
        if (tagging->is_map)
            add_tag(step, added, tag);
        else
            yyjson_mut_arr_append(added, yyjson_val_mut_copy(step->doc, tag));
    }
}

static void untag_old(struct cfn_step *step, struct cfn_calls *calls,
                      const struct cfn_tagging *tagging, struct str id)
{
    yyjson_mut_val *keys = NULL;
    yyjson_val *tag;
    size_t i, max;
    yyjson_arr_foreach (json_get(step->old_properties, "Tags"), i, max, tag) {
        struct str key = json_get_str(tag, "Key");
        if (find_tag(step->properties, key))
            continue;
        if (!keys) {
            struct cfn_call *call = cfn_add(calls, tagging->service, tagging->untag);
            cfn_put(step, call, tagging->id_member, id);
            keys = json_add_arr(step->doc, call->input, tagging->keys_member);
        }
        yyjson_mut_arr_add_strn(step->doc, keys, key.ptr, key.len);
    }
}

void cfn_change_tags(struct cfn_step *step, struct cfn_calls *calls,
                     const struct cfn_tagging *tagging, struct str id)
{
    tag_new(step, calls, tagging, id);
    untag_old(step, calls, tagging, id);
}
