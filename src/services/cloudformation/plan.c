/* What a resource is to be, and what becomes of it when its properties change. */
#include "services/cloudformation/types.h"

/* --- What it is to be --- */

static bool has_tags(const struct cfn_type *type)
{
    const struct cfn_property *property = type->properties;
    while (property->name && strcmp(property->name, "Tags") != 0)
        property++;
    return property->name != NULL;
}

static bool has_tag(yyjson_mut_val *tags, struct str key)
{
    yyjson_mut_val *tag;
    size_t i, max;
    yyjson_mut_arr_foreach (tags, i, max, tag) {
        if (str_eq(json_mut_get_str(tag, "Key"), key))
            return true;
    }
    return false;
}

void cfn_add_stack_tags(const struct cfn_template *template, const struct cfn_type *type,
                        yyjson_mut_doc *doc, yyjson_mut_val *properties)
{
    yyjson_val *tag;
    size_t i, max;
    if (yyjson_arr_size(template->tags) == 0 || !has_tags(type))
        return;
    yyjson_mut_val *tags = yyjson_mut_obj_get(properties, "Tags");
    if (!tags)
        tags = json_add_arr(doc, properties, "Tags");
    yyjson_arr_foreach (template->tags, i, max, tag) {
        if (yyjson_mut_is_arr(tags) && !has_tag(tags, json_get_str(tag, "Key")))
            yyjson_mut_arr_append(tags, yyjson_val_mut_copy(doc, tag));
    }
}

enum err cfn_wanted_properties(const struct cfn_template *template,
                               const struct cfn_resource *resource, yyjson_val **out,
                               struct error *error)
{
    const struct cfn_type *type = cfn_type_find(resource->type);
    yyjson_mut_doc *doc = json_doc(template->arena);
    yyjson_mut_val *properties = NULL;
    yyjson_val *given = json_get(resource->definition, "Properties");
    enum err rc = given ? cfn_resolve(template, given, doc, &properties, error) : OK;
    if (rc)
        return rc;
    if (!properties)
        properties = yyjson_mut_obj(doc);
    cfn_add_stack_tags(template, type, doc, properties);
    *out = json_parse(template->arena, json_write(template->arena, properties));
    return OK;
}

/* --- What becomes of it --- */

static bool is_changed(const yyjson_val *before, const yyjson_val *after, const char *name)
{
    yyjson_val *a = json_get(before, name), *b = json_get(after, name);
    return a && b ? !yyjson_equals(a, b) : a != b;
}

enum cfn_change cfn_plan_change(struct str type_before, const yyjson_val *before,
                                struct str type_after, const yyjson_val *after)
{
    const struct cfn_type *type = cfn_type_find(type_after);
    enum cfn_change change = CFN_KEEP;
    if (!str_eq(type_before, type_after))
        return CFN_REPLACE;
    for (const struct cfn_property *property = type->properties; property->name; property++) {
        if (!is_changed(before, after, property->name))
            continue;
        if (!type->update || property->flags & CFN_REPLACES)
            return CFN_REPLACE;
        change = CFN_UPDATE;
    }
    if (type->needs_replacement && type->needs_replacement(before, after))
        return CFN_REPLACE;
    return change;
}
