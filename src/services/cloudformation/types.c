/* What all resource types share. */
#include "services/cloudformation/types.h"

const struct cfn_type *cfn_type_find(struct str name)
{
    const struct cfn_type *const tables[] = {cfn_apigateway_types, cfn_iam_types, cfn_other_types};
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        for (const struct cfn_type *type = tables[i]; type->name; type++) {
            if (str_eq(name, str_from(type->name)))
                return type;
        }
    }
    return NULL;
}

enum err cfn_check_properties(const struct cfn_type *type, const yyjson_val *properties,
                              struct error *error)
{
    yyjson_val *key, *value;
    size_t i, max;
    yyjson_obj_foreach ((yyjson_val *)(uintptr_t)properties, i, max, key, value) {
        const struct cfn_property *property = type->properties;
        while (property->name && !yyjson_equals_str(key, property->name))
            property++;
        if (!property->name)
            return error_set(error, ERR_VALIDATION_ERROR, "Encountered unsupported property %.*s",
                             STR_ARG(json_str(key)));
    }
    for (const struct cfn_property *property = type->properties; property->name; property++) {
        if (property->flags & CFN_REQUIRED && !json_get(properties, property->name))
            return error_set(error, ERR_VALIDATION_ERROR, "Property %s cannot be empty.",
                             property->name);
    }
    return OK;
}

bool cfn_is_missing(enum err code)
{
    return code == ERR_DDB_RESOURCE_NOT_FOUND || code == ERR_LAMBDA_RESOURCE_NOT_FOUND ||
           code == ERR_APIGW_NOT_FOUND || code == ERR_IAM_NO_SUCH_ENTITY ||
           code == ERR_LOGS_RESOURCE_NOT_FOUND;
}

/* --- Calls --- */

void cfn_call_make(struct cfn_step *step, const char *service, const char *operation,
                   struct cfn_call *out)
{
    *out = (struct cfn_call){
        .service = service, .operation = operation, .input = yyjson_mut_obj(step->doc)};
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

void cfn_call_map(struct cfn_step *step, const struct cfn_property *properties,
                  struct cfn_call *out)
{
    for (; properties->name; properties++) {
        yyjson_val *value = json_get(step->properties, properties->name);
        if (!value || properties->how == CFN_OWN)
            continue;
        json_add(step->doc, out->input, properties->member,
                 properties->how == CFN_LOWER ? lowered(step, value)
                                              : yyjson_val_mut_copy(step->doc, value));
    }
}

void cfn_call_add(struct cfn_step *step, struct cfn_call *call, const char *member,
                  struct str value)
{
    json_add_str_opt(step->doc, call->input, member, value);
}

struct str cfn_text(const struct cfn_step *step, const yyjson_val *properties, const char *name)
{
    yyjson_val *value = json_get(properties, name);
    if (!value || yyjson_is_null(value))
        return (struct str){NULL, 0};
    return yyjson_is_str(value) ? json_str(value) : json_write_val(step->arena, value);
}

struct str cfn_name(struct cfn_step *step, const char *property)
{
    struct str given = cfn_text(step, step->properties, property);
    if (given.ptr)
        return given;
    /* Room for names of 64 characters at most, as roles and functions have. */
    struct str stack = str_slice(step->template->stack_name, 0, 24);
    struct str id = str_slice(step->logical_id, 0, 24);
    return arena_printf(step->arena, "%.*s-%.*s-%.*s", STR_ARG(stack), STR_ARG(id),
                        STR_ARG(step->token));
}

void cfn_set_attribute(struct cfn_step *step, const char *name, struct str value)
{
    if (value.ptr)
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

void cfn_patch(struct cfn_step *step, struct cfn_call *call, const char *op, struct str path,
               struct str value)
{
    yyjson_mut_val *list = yyjson_mut_obj_get(call->input, "patchOperations");
    if (!list)
        list = json_add_arr(step->doc, call->input, "patchOperations");
    yyjson_mut_val *operation = yyjson_mut_obj(step->doc);
    json_add_str(step->doc, operation, "op", str_from(op));
    json_add_str(step->doc, operation, "path", path);
    json_add_str_opt(step->doc, operation, "value", value);
    yyjson_mut_arr_append(list, operation);
}

bool cfn_changed(const struct cfn_step *step, const char *property)
{
    yyjson_val *now = json_get(step->properties, property);
    yyjson_val *before = json_get(step->old_properties, property);
    if (!now || !before)
        return now != before;
    return !yyjson_equals(now, before);
}

bool cfn_patch_changed(struct cfn_step *step, struct cfn_call *call, const char *property,
                       const char *path)
{
    if (!cfn_changed(step, property))
        return false;
    struct str value = cfn_text(step, step->properties, property);
    cfn_patch(step, call, "replace", str_from(path), value.ptr ? value : STR_EMPTY);
    return true;
}
