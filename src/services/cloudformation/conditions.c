/* Conditions, each of which is decided once. */
#include "services/cloudformation/resolver.h"

static enum err bad(struct resolver *r, const char *what)
{
    return error_set(r->error, ERR_VALIDATION_ERROR, "Template error: %s", what);
}

static enum err holds(struct resolver *r, const yyjson_val *condition, bool *out);

enum err cfn_resolve_condition(struct resolver *r, struct str name, bool *out)
{
    const struct cfn_index *index = r->template->index;
    struct cfn_condition *condition = map_get(&index->conditions, name);
    enum err rc = OK;
    if (!condition)
        return error_set(r->error, ERR_VALIDATION_ERROR,
                         "Template format error: Unresolved condition dependency %.*s",
                         STR_ARG(name));
    if (condition->state == CFN_CONDITION_UNDER_WAY)
        return error_set(r->error, ERR_VALIDATION_ERROR,
                         "Template format error: Circular dependency between conditions: [%.*s]",
                         STR_ARG(name));
    if (condition->state == CFN_CONDITION_UNKNOWN) {
        bool is_true;
        condition->state = CFN_CONDITION_UNDER_WAY;
        rc = holds(r, condition->definition, &is_true);
        condition->state = is_true ? CFN_CONDITION_TRUE : CFN_CONDITION_FALSE;
    }
    *out = condition->state == CFN_CONDITION_TRUE;
    return rc;
}

static enum err equals(struct resolver *r, yyjson_val *pair, bool *out)
{
    struct str a, b;
    if (yyjson_arr_size(pair) != 2)
        return bad(r, "every Fn::Equals object requires a list of 2 string parameters.");
    enum err rc = cfn_resolve_text(r, yyjson_arr_get(pair, 0), &a);
    if (rc == OK)
        rc = cfn_resolve_text(r, yyjson_arr_get(pair, 1), &b);
    if (rc == OK)
        *out = str_eq(a, b);
    return rc;
}

static enum err combine(struct resolver *r, yyjson_val *list, bool is_and, bool *out)
{
    yyjson_val *item;
    size_t i, max, count = yyjson_arr_size(list);
    if (count < 2 || count > 10)
        return bad(r, "Fn::And and Fn::Or require a list of at least 2 and at most 10 conditions.");
    *out = is_and;
    yyjson_arr_foreach (list, i, max, item) {
        bool one;
        enum err rc = holds(r, item, &one);
        if (rc)
            return rc;
        *out = is_and ? *out && one : *out || one;
    }
    return OK;
}

static enum err holds_unchecked(struct resolver *r, yyjson_val *condition, bool *out)
{
    yyjson_val *inner;
    if ((inner = json_get(condition, "Fn::Equals")) != NULL)
        return equals(r, inner, out);
    if ((inner = json_get(condition, "Fn::And")) != NULL)
        return combine(r, inner, true, out);
    if ((inner = json_get(condition, "Fn::Or")) != NULL)
        return combine(r, inner, false, out);
    if ((inner = json_get(condition, "Condition")) != NULL)
        return cfn_resolve_condition(r, json_str(inner), out);
    if ((inner = json_get(condition, "Fn::Not")) != NULL) {
        bool one;
        if (yyjson_arr_size(inner) != 1)
            return bad(r, "Fn::Not requires a list of 1 condition.");
        enum err rc = holds(r, yyjson_arr_get(inner, 0), &one);
        *out = !one;
        return rc;
    }
    return bad(r, "every Conditions member must be a condition function.");
}

static enum err holds(struct resolver *r, const yyjson_val *condition, bool *out)
{
    *out = false;
    if (++r->depth > RESOLVER_MAX_DEPTH)
        return bad(r, "conditions are nested too deeply");
    enum err rc = holds_unchecked(r, (yyjson_val *)(uintptr_t)condition, out);
    r->depth--;
    return rc;
}

enum err cfn_condition_holds(const struct cfn_template *template, struct str name, bool *out,
                             struct error *error)
{
    struct resolver r = {.template = template, .doc = json_doc(template->arena), .error = error};
    return cfn_resolve_condition(&r, name, out);
}
