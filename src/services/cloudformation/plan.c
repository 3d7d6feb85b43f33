/* What becomes of a resource when its properties change. */
#include "services/cloudformation/types.h"

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
