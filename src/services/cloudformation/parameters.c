/* The values of a template's parameters, checked. */
#include "base/buf.h"
#include "services/cloudformation/template.h"
#include "wire/regex.h"

#include <math.h>
#include <stdlib.h>

enum { MAX_PARAMETERS = 200, MAX_VALUE = 4096 };

struct parameter {
    struct arena *arena;
    struct str name;
    const yyjson_val *declared;
    struct str type;
    struct error *error;
};

static struct str scalar_text(struct arena *arena, const yyjson_val *value)
{
    if (yyjson_is_str((yyjson_val *)(uintptr_t)value))
        return json_str(value);
    return json_write_val(arena, value);
}

/* --- Constraints --- */

/* The template's own words when it has some. */
static enum err violated(const struct parameter *parameter, struct str what)
{
    struct str description = json_get_str(parameter->declared, "ConstraintDescription");
    if (description.len)
        return error_set(parameter->error, ERR_VALIDATION_ERROR,
                         "Parameter %.*s failed to satisfy constraint: %.*s",
                         STR_ARG(parameter->name), STR_ARG(description));
    return error_set(parameter->error, ERR_VALIDATION_ERROR, "Parameter '%.*s' %.*s",
                     STR_ARG(parameter->name), STR_ARG(what));
}

static enum err check_allowed(const struct parameter *parameter, struct str value)
{
    yyjson_val *allowed = json_get(parameter->declared, "AllowedValues"), *item;
    size_t i, max;
    if (!allowed)
        return OK;
    yyjson_arr_foreach (allowed, i, max, item) {
        if (str_eq(scalar_text(parameter->arena, item), value))
            return OK;
    }
    return violated(parameter, STR("must be one of AllowedValues"));
}

static enum err check_number(const struct parameter *parameter, struct str value)
{
    double limit;
    char *end, *text = arena_cstr(parameter->arena, value);
    double number = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(number))
        return error_set(parameter->error, ERR_VALIDATION_ERROR,
                         "Parameter '%.*s' must be a number.", STR_ARG(parameter->name));
    if (json_get_double(parameter->declared, "MinValue", &limit) && number < limit)
        return violated(parameter,
                        arena_printf(parameter->arena, "must be a number not less than %g", limit));
    if (json_get_double(parameter->declared, "MaxValue", &limit) && number > limit)
        return violated(parameter, arena_printf(parameter->arena,
                                                "must be a number not greater than %g", limit));
    return OK;
}

static enum err check_length(const struct parameter *parameter, struct str value)
{
    int64_t limit;
    if (json_get_i64(parameter->declared, "MinLength", &limit) && (int64_t)value.len < limit)
        return violated(parameter,
                        arena_printf(parameter->arena, "must contain at least %lld characters",
                                     (long long)limit));
    if (json_get_i64(parameter->declared, "MaxLength", &limit) && (int64_t)value.len > limit)
        return violated(parameter,
                        arena_printf(parameter->arena, "must contain at most %lld characters",
                                     (long long)limit));
    return OK;
}

static enum err check_pattern(const struct parameter *parameter, struct str value)
{
    struct str pattern = json_get_str(parameter->declared, "AllowedPattern");
    if (!pattern.ptr)
        return OK;
    const struct regex *regex = regex_compile(parameter->arena, REGEX_JAVA, pattern);
    if (!regex)
        return error_set(parameter->error, ERR_VALIDATION_ERROR,
                         "Template format error: the AllowedPattern of parameter %.*s is not a "
                         "valid regular expression",
                         STR_ARG(parameter->name));
    if (regex_match(regex, value) != REGEX_MATCHES)
        return violated(
            parameter, arena_printf(parameter->arena, "must match pattern %.*s", STR_ARG(pattern)));
    return OK;
}

/* One value, or one of a list. */
static enum err check_value(const struct parameter *parameter, struct str value)
{
    bool is_number =
        str_eq(parameter->type, STR("Number")) || str_eq(parameter->type, STR("List<Number>"));
    enum err rc = check_allowed(parameter, value);
    if (rc == OK)
        rc = is_number ? check_number(parameter, value) : check_length(parameter, value);
    return rc ? rc : check_pattern(parameter, value);
}

/* --- Values --- */

static enum err set_list(const struct parameter *parameter, struct str text, yyjson_mut_doc *doc,
                         yyjson_mut_val *list)
{
    while (text.len) {
        struct str part;
        str_cut(&text, ',', &part);
        part = str_trim(part);
        enum err rc = check_value(parameter, part);
        if (rc)
            return rc;
        yyjson_mut_arr_add_strn(doc, list, part.ptr, part.len);
    }
    return OK;
}

static bool is_list(struct str type)
{
    return str_eq(type, STR("CommaDelimitedList")) || str_eq(type, STR("List<Number>"));
}

static enum err set_parameter(const struct parameter *parameter, const yyjson_val *given,
                              yyjson_mut_doc *doc, yyjson_mut_val *out)
{
    char *key = arena_cstr(parameter->arena, parameter->name);
    yyjson_val *value = json_get(given, key);
    if (!value)
        value = json_get(parameter->declared, "Default");
    struct str text = scalar_text(parameter->arena, value);
    if (text.len > MAX_VALUE)
        return error_set(parameter->error, ERR_VALIDATION_ERROR,
                         "Parameter '%.*s' must contain at most %d characters",
                         STR_ARG(parameter->name), MAX_VALUE);
    if (is_list(parameter->type))
        return set_list(parameter, text, doc, json_add_arr(doc, out, key));
    json_add_str(doc, out, key, text);
    return check_value(parameter, text);
}

struct str cfn_parameter_text(struct arena *arena, const yyjson_val *value)
{
    struct buf text;
    yyjson_val *item;
    size_t i, max;
    if (!yyjson_is_arr((yyjson_val *)(uintptr_t)value))
        return json_str(value);
    buf_init_arena(&text, arena, SIZE_MAX / 2);
    yyjson_arr_foreach ((yyjson_val *)(uintptr_t)value, i, max, item) {
        if (i)
            buf_add_byte(&text, ',');
        buf_add(&text, json_str(item));
    }
    return buf_str(&text);
}

yyjson_val *cfn_parameter_texts(const struct cfn_template *template)
{
    yyjson_mut_doc *doc = json_doc(template->arena);
    yyjson_mut_val *out = yyjson_mut_obj(doc);
    yyjson_val *key, *value;
    size_t i, max;
    yyjson_obj_foreach (template->parameters, i, max, key, value)
        json_add_str(doc, out, yyjson_get_str(key), cfn_parameter_text(template->arena, value));
    return json_parse(template->arena, json_write(template->arena, out));
}

/* --- The section --- */

static enum err check_declared(const struct parameter *parameter)
{
    struct str type = parameter->type;
    if (!type.ptr)
        return error_set(parameter->error, ERR_VALIDATION_ERROR,
                         "Template format error: Every Parameters object must contain a Type "
                         "member.");
    if (!is_list(type) && !str_eq(type, STR("String")) && !str_eq(type, STR("Number")))
        return error_set(parameter->error, ERR_VALIDATION_ERROR,
                         "Template format error: Unrecognized parameter type: %.*s", STR_ARG(type));
    return OK;
}

/* All that have neither a value nor a default are told at once. */
static enum err check_missing(struct arena *arena, const yyjson_val *declared,
                              const yyjson_val *given, struct error *error)
{
    struct buf names;
    yyjson_val *key, *value;
    size_t i, max;
    buf_init_arena(&names, arena, ERROR_MESSAGE_MAX);
    yyjson_obj_foreach ((yyjson_val *)(uintptr_t)declared, i, max, key, value) {
        if (json_get(given, yyjson_get_str(key)) || json_get(value, "Default"))
            continue;
        buf_add(&names, names.len ? STR(", ") : STR_EMPTY);
        buf_add(&names, json_str(key));
    }
    if (names.len == 0)
        return OK;
    return error_set(error, ERR_VALIDATION_ERROR, "Parameters: [%.*s] must have values",
                     STR_ARG(buf_str(&names)));
}

static enum err check_given(const yyjson_val *declared, const yyjson_val *given,
                            struct error *error)
{
    yyjson_val *key, *value;
    size_t i, max;
    yyjson_obj_foreach ((yyjson_val *)(uintptr_t)given, i, max, key, value) {
        if (!json_get(declared, yyjson_get_str(key)))
            return error_set(error, ERR_VALIDATION_ERROR,
                             "Parameters: [%.*s] do not exist in the template",
                             STR_ARG(json_str(key)));
    }
    return OK;
}

enum err cfn_template_set_parameters(struct cfn_template *template, const yyjson_val *given,
                                     struct error *error)
{
    yyjson_val *declared = json_get(template->root, "Parameters"), *key, *value;
    yyjson_mut_doc *doc = json_doc(template->arena);
    yyjson_mut_val *values = yyjson_mut_obj(doc);
    size_t i, max;
    enum err rc = check_given(declared, given, error);
    if (rc == OK)
        rc = check_missing(template->arena, declared, given, error);
    if (rc == OK && yyjson_obj_size(declared) > MAX_PARAMETERS)
        rc = error_set(error, ERR_VALIDATION_ERROR,
                       "Template format error: Number of parameters, %zu, is greater than maximum "
                       "allowed, %d",
                       yyjson_obj_size(declared), MAX_PARAMETERS);
    if (rc)
        return rc;
    yyjson_obj_foreach (declared, i, max, key, value) {
        struct parameter parameter = {.arena = template->arena,
                                      .name = json_str(key),
                                      .declared = value,
                                      .type = json_get_str(value, "Type"),
                                      .error = error};
        rc = check_declared(&parameter);
        if (rc == OK)
            rc = set_parameter(&parameter, given, doc, values);
        if (rc)
            return rc;
    }
    template->parameters = json_parse(template->arena, json_write(template->arena, values));
    return OK;
}
