/* What a value refers to. */
#include "services/cloudformation/resolver.h"

struct visitor {
    const struct cfn_template *template;
    const struct cfn_visit *visit;
    struct error *error;
    int depth;
};

static enum err visit_value(struct visitor *v, yyjson_val *value);

static enum err visit_name(struct visitor *v, struct str name, struct str attribute)
{
    return v->visit->reference(v->visit->arg, name, attribute, v->error);
}

/* "Name" or "Name.Attribute". */
static enum err visit_dotted(struct visitor *v, struct str text)
{
    struct str rest = text, id;
    if (str_starts(text, STR("AWS::")) || !str_cut(&rest, '.', &id))
        return visit_name(v, text, (struct str){NULL, 0});
    return visit_name(v, id, rest);
}

static enum err visit_sub(struct visitor *v, yyjson_val *argument)
{
    yyjson_val *map = yyjson_is_arr(argument) ? yyjson_arr_get(argument, 1) : NULL;
    struct str text = json_str(yyjson_is_arr(argument) ? yyjson_arr_get(argument, 0) : argument);
    enum err rc = map ? visit_value(v, map) : OK;
    while (rc == OK && text.len) {
        ptrdiff_t start = str_find(text, STR("${"));
        ptrdiff_t end = start < 0 ? -1 : str_find_byte(text, '}', (size_t)start);
        if (end < 0)
            break;
        struct str name = str_slice(text, (size_t)start + 2, (size_t)(end - start) - 2);
        bool is_literal = str_starts(name, STR("!"));
        name = str_trim(name);
        if (!is_literal && !json_get(map, arena_cstr(v->template->arena, name)))
            rc = visit_dotted(v, name);
        text = str_slice(text, (size_t)end + 1, text.len);
    }
    return rc;
}

static enum err visit_get_att(struct visitor *v, yyjson_val *argument)
{
    if (yyjson_is_str(argument))
        return visit_dotted(v, json_str(argument));
    struct str name = json_str(yyjson_arr_get(argument, 0));
    yyjson_val *attribute = yyjson_arr_get(argument, 1);
    enum err rc = yyjson_is_str(attribute) ? OK : visit_value(v, attribute);
    return rc ? rc
              : visit_name(v, name, yyjson_is_str(attribute) ? json_str(attribute) : STR_EMPTY);
}

static enum err visit_if(struct visitor *v, yyjson_val *argument)
{
    bool is_true;
    enum err rc = OK;
    if (v->visit->is_static) {
        rc = visit_value(v, yyjson_arr_get(argument, 1));
        return rc ? rc : visit_value(v, yyjson_arr_get(argument, 2));
    }
    rc =
        cfn_condition_holds(v->template, json_str(yyjson_arr_get(argument, 0)), &is_true, v->error);
    return rc ? rc : visit_value(v, yyjson_arr_get(argument, is_true ? 1 : 2));
}

/* Its argument refers to no resources, so that it can be resolved before there are any. */
static enum err visit_import(struct visitor *v, yyjson_val *argument)
{
    struct resolver r = {
        .template = v->template, .doc = json_doc(v->template->arena), .error = v->error};
    struct str name;
    if (v->visit->is_static || !v->visit->import)
        return visit_value(v, argument);
    enum err rc = cfn_resolve_text(&r, argument, &name);
    return rc ? rc : v->visit->import(v->visit->arg, name, v->error);
}

static enum err visit_call(struct visitor *v, struct str name, yyjson_val *argument, bool *out_done)
{
    *out_done = true;
    if (str_eq(name, STR("Ref")))
        return visit_name(v, json_str(argument), (struct str){NULL, 0});
    if (str_eq(name, STR("Fn::Sub")))
        return visit_sub(v, argument);
    if (str_eq(name, STR("Fn::GetAtt")))
        return visit_get_att(v, argument);
    if (str_eq(name, STR("Fn::If")) && yyjson_arr_size(argument) == 3)
        return visit_if(v, argument);
    if (str_eq(name, STR("Fn::ImportValue")))
        return visit_import(v, argument);
    *out_done = false;
    return OK;
}

static enum err visit_value(struct visitor *v, yyjson_val *value)
{
    yyjson_val *key, *item;
    size_t i, max;
    bool is_done = false;
    enum err rc = OK;
    if (++v->depth > RESOLVER_MAX_DEPTH)
        return error_set(v->error, ERR_VALIDATION_ERROR,
                         "Template error: functions are nested too deeply");
    if (yyjson_is_obj(value) && yyjson_obj_size(value) == 1) {
        yyjson_obj_iter iter = yyjson_obj_iter_with(value);
        key = yyjson_obj_iter_next(&iter);
        rc = visit_call(v, json_str(key), yyjson_obj_iter_get_val(key), &is_done);
    }
    if (rc == OK && !is_done && yyjson_is_obj(value)) {
        yyjson_obj_foreach (value, i, max, key, item) {
            if (rc == OK)
                rc = visit_value(v, item);
        }
    } else if (rc == OK && yyjson_is_arr(value)) {
        yyjson_arr_foreach (value, i, max, item) {
            if (rc == OK)
                rc = visit_value(v, item);
        }
    }
    v->depth--;
    return rc;
}

enum err cfn_visit_references(const struct cfn_template *template, const yyjson_val *value,
                              const struct cfn_visit *visit, struct error *error)
{
    struct visitor v = {.template = template, .visit = visit, .error = error};
    return visit_value(&v, (yyjson_val *)(uintptr_t)value);
}
