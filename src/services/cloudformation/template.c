/* Templates: form, parameters, order of creation. */
#include "services/cloudformation/template.h"

#include "base/buf.h"
#include "services/cloudformation/types.h"
#include "wire/yaml.h"

enum { MAX_PARAMETERS = 200 };

/* --- Form --- */

static enum err check_sections(const yyjson_val *root, struct error *error)
{
    static const char *const known[] = {"AWSTemplateFormatVersion",
                                        "Description",
                                        "Metadata",
                                        "Parameters",
                                        "Rules",
                                        "Mappings",
                                        "Conditions",
                                        "Transform",
                                        "Resources",
                                        "Outputs",
                                        NULL};
    yyjson_val *key, *value;
    size_t i, max;
    yyjson_obj_foreach ((yyjson_val *)(uintptr_t)root, i, max, key, value) {
        const char *const *name = known;
        while (*name && !yyjson_equals_str(key, *name))
            name++;
        if (!*name)
            return error_set(error, ERR_VALIDATION_ERROR,
                             "Invalid template property or properties [%.*s]",
                             STR_ARG(json_str(key)));
    }
    if (json_get(root, "Transform"))
        return error_set(error, ERR_VALIDATION_ERROR,
                         "Template format error: Transform is not supported");
    return OK;
}

static enum err check_resource(struct str name, yyjson_val *definition, struct error *error)
{
    struct str type = json_get_str(definition, "Type");
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')))
            return error_set(error, ERR_VALIDATION_ERROR,
                             "Template format error: Resource name %.*s is non alphanumeric.",
                             STR_ARG(name));
    }
    if (!yyjson_is_obj(definition) || !type.ptr)
        return error_set(error, ERR_VALIDATION_ERROR,
                         "Template format error: [/Resources/%.*s] Every Resources object must "
                         "contain a Type member.",
                         STR_ARG(name));
    if (!cfn_type_find(type))
        return error_set(error, ERR_VALIDATION_ERROR,
                         "Template format error: Unrecognized resource types: [%.*s]",
                         STR_ARG(type));
    return OK;
}

enum err cfn_template_parse(struct cfn_template *template, struct str body, struct error *error)
{
    if (body.len > CFN_MAX_TEMPLATE_BYTES)
        return error_set(error, ERR_VALIDATION_ERROR,
                         "1 validation error detected: Value at 'templateBody' failed to satisfy "
                         "constraint: Member must have length less than or equal to %d",
                         CFN_MAX_TEMPLATE_BYTES);
    enum err rc = yaml_parse(template->arena, body, &template->root, error);
    if (rc)
        return rc;
    if (!yyjson_is_obj(template->root))
        return error_set(error, ERR_VALIDATION_ERROR,
                         "Template format error: unsupported structure.");
    rc = check_sections(template->root, error);
    yyjson_val *resources = json_get(template->root, "Resources"), *key, *value;
    size_t i, max;
    if (rc == OK && (!yyjson_is_obj(resources) || yyjson_obj_size(resources) == 0))
        rc = error_set(error, ERR_VALIDATION_ERROR,
                       "Template format error: At least one Resources member must be defined.");
    if (rc == OK && yyjson_obj_size(resources) > CFN_MAX_RESOURCES)
        rc = error_set(error, ERR_VALIDATION_ERROR,
                       "Template format error: Number of resources, %zu, is greater than maximum "
                       "allowed, %d",
                       yyjson_obj_size(resources), CFN_MAX_RESOURCES);
    if (rc)
        return rc;
    yyjson_obj_foreach (resources, i, max, key, value) {
        rc = check_resource(json_str(key), value, error);
        if (rc)
            return rc;
    }
    return OK;
}

/* --- Parameters --- */

static bool is_allowed(const yyjson_val *allowed, struct str value, struct arena *arena)
{
    yyjson_val *item;
    size_t i, max;
    if (!allowed)
        return true;
    yyjson_arr_foreach ((yyjson_val *)(uintptr_t)allowed, i, max, item) {
        struct str text = yyjson_is_str(item) ? json_str(item) : json_write_val(arena, item);
        if (str_eq(text, value))
            return true;
    }
    return false;
}

static enum err check_number(struct cfn_template *template, struct str name, yyjson_val *declared,
                             const yyjson_val *holder, struct str value, struct error *error)
{
    double number, limit;
    char *key = arena_cstr(template->arena, name);
    if (!json_get_double(holder, key, &number))
        return error_set(error, ERR_VALIDATION_ERROR, "Parameter '%.*s' must be a number.",
                         STR_ARG(name));
    if (json_get_double(declared, "MinValue", &limit) && number < limit)
        return error_set(error, ERR_VALIDATION_ERROR,
                         "Parameter '%.*s' must be a number not less than %g.", STR_ARG(name),
                         limit);
    if (json_get_double(declared, "MaxValue", &limit) && number > limit)
        return error_set(error, ERR_VALIDATION_ERROR,
                         "Parameter '%.*s' must be a number not greater than %g.", STR_ARG(name),
                         limit);
    (void)value;
    return OK;
}

static enum err check_text(struct str name, yyjson_val *declared, struct str value,
                           struct error *error)
{
    int64_t limit;
    if (json_get_i64(declared, "MinLength", &limit) && (int64_t)value.len < limit)
        return error_set(error, ERR_VALIDATION_ERROR,
                         "Parameter '%.*s' must contain at least %lld characters", STR_ARG(name),
                         (long long)limit);
    if (json_get_i64(declared, "MaxLength", &limit) && (int64_t)value.len > limit)
        return error_set(error, ERR_VALIDATION_ERROR,
                         "Parameter '%.*s' must contain at most %lld characters", STR_ARG(name),
                         (long long)limit);
    return OK;
}

static struct str scalar_text(struct arena *arena, const yyjson_val *value)
{
    if (yyjson_is_str((yyjson_val *)(uintptr_t)value))
        return json_str(value);
    return json_write_val(arena, value);
}

static enum err set_parameter(struct cfn_template *template, struct str name, yyjson_val *declared,
                              const yyjson_val *given, yyjson_mut_doc *doc, yyjson_mut_val *out,
                              struct error *error)
{
    char *key = arena_cstr(template->arena, name);
    yyjson_val *value = json_get(given, key);
    yyjson_val *fallback = json_get(declared, "Default");
    if (!value && !fallback)
        return error_set(error, ERR_VALIDATION_ERROR, "Parameters: [%.*s] must have values",
                         STR_ARG(name));
    struct str text = scalar_text(template->arena, value ? value : fallback);
    if (!is_allowed(json_get(declared, "AllowedValues"), text, template->arena))
        return error_set(error, ERR_VALIDATION_ERROR,
                         "Parameter '%.*s' must be one of AllowedValues", STR_ARG(name));
    struct str type = json_get_str(declared, "Type");
    enum err rc = check_text(name, declared, text, error);
    if (rc == OK && str_eq(type, STR("Number"))) {
        yyjson_mut_val *holder = yyjson_mut_obj(doc);
        json_add_str(doc, holder, key, text);
        rc = check_number(template, name, declared,
                          json_parse(template->arena, json_write(template->arena, holder)), text,
                          error);
    }
    if (rc)
        return rc;
    if (!str_starts(type, STR("List<")) && !str_eq(type, STR("CommaDelimitedList"))) {
        json_add_str(doc, out, key, text);
        return OK;
    }
    yyjson_mut_val *list = json_add_arr(doc, out, key);
    while (text.len) {
        struct str part;
        str_cut(&text, ',', &part);
        part = str_trim(part);
        yyjson_mut_arr_add_strn(doc, list, part.ptr, part.len);
    }
    return OK;
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
    if (rc == OK && yyjson_obj_size(declared) > MAX_PARAMETERS)
        rc = error_set(error, ERR_VALIDATION_ERROR,
                       "Template format error: more than %d parameters", MAX_PARAMETERS);
    if (rc)
        return rc;
    yyjson_obj_foreach (declared, i, max, key, value) {
        rc = set_parameter(template, json_str(key), value, given, doc, values, error);
        if (rc)
            return rc;
    }
    template->parameters = json_parse(template->arena, json_write(template->arena, values));
    return OK;
}

/* --- Order --- */

struct cfn_resource *cfn_template_find(const struct cfn_template *template, struct str logical_id)
{
    for (size_t i = 0; i < template->resource_count; i++) {
        if (str_eq(template->resources[i].logical_id, logical_id))
            return &template->resources[i];
    }
    return NULL;
}

struct dependency_visit {
    struct cfn_template *template;
    struct cfn_resource *resource;
    size_t capacity;
};

static void add_dependency(struct dependency_visit *visit, struct cfn_resource *on)
{
    struct cfn_resource *resource = visit->resource;
    for (size_t i = 0; i < resource->depends_count; i++) {
        if (resource->depends_on[i] == on)
            return;
    }
    if (resource->depends_count == visit->capacity) {
        size_t capacity = visit->capacity ? visit->capacity * 2 : 8;
        resource->depends_on =
            arena_realloc(visit->template->arena, resource->depends_on,
                          visit->capacity * sizeof(void *), capacity * sizeof(void *));
        visit->capacity = capacity;
    }
    resource->depends_on[resource->depends_count++] = on;
}

static enum err unresolved(struct str name, struct error *error)
{
    return error_set(error, ERR_VALIDATION_ERROR,
                     "Template format error: Unresolved resource dependencies [%.*s] in the "
                     "Resources block of the template",
                     STR_ARG(name));
}

static enum err visit_dependency(void *arg, struct str name, struct error *error)
{
    struct dependency_visit *visit = arg;
    if (str_starts(name, STR("AWS::")) ||
        json_get(visit->template->parameters, arena_cstr(visit->template->arena, name)))
        return OK;
    struct cfn_resource *on = cfn_template_find(visit->template, name);
    if (!on)
        return unresolved(name, error);
    add_dependency(visit, on);
    return OK;
}

static enum err add_explicit(struct dependency_visit *visit, yyjson_val *name, struct error *error)
{
    struct cfn_resource *on = cfn_template_find(visit->template, json_str(name));
    yyjson_val *declared = json_get(visit->template->root, "Resources");
    if (on)
        add_dependency(visit, on);
    else if (!yyjson_is_str(name) || !json_get(declared, yyjson_get_str(name)))
        return unresolved(json_str(name), error);
    return OK; /* a resource whose condition does not hold is not waited for */
}

static enum err find_dependencies(struct cfn_template *template, struct cfn_resource *resource,
                                  struct error *error)
{
    struct dependency_visit visit = {.template = template, .resource = resource};
    yyjson_val *explicit = json_get(resource->definition, "DependsOn"), *name;
    size_t i, max;
    enum err rc = cfn_visit_references(template, json_get(resource->definition, "Properties"),
                                       visit_dependency, &visit, error);
    if (rc == OK && yyjson_is_str(explicit))
        rc = add_explicit(&visit, explicit, error);
    yyjson_arr_foreach (explicit, i, max, name) {
        if (rc == OK)
            rc = add_explicit(&visit, name, error);
    }
    return rc;
}

static enum err place(struct cfn_resource *resource, struct cfn_resource **order, size_t *count,
                      struct error *error)
{
    if (resource->mark == 2)
        return OK;
    if (resource->mark == 1)
        return error_set(error, ERR_VALIDATION_ERROR,
                         "Circular dependency between resources: [%.*s]",
                         STR_ARG(resource->logical_id));
    resource->mark = 1;
    for (size_t i = 0; i < resource->depends_count; i++) {
        enum err rc = place(resource->depends_on[i], order, count, error);
        if (rc)
            return rc;
    }
    resource->mark = 2;
    order[(*count)++] = resource;
    return OK;
}

static enum err collect(struct cfn_template *template, struct error *error)
{
    yyjson_val *all = json_get(template->root, "Resources"), *key, *definition;
    size_t i, max;
    template->resources = arena_array(template->arena, struct cfn_resource, yyjson_obj_size(all));
    yyjson_obj_foreach (all, i, max, key, definition) {
        struct str condition = json_get_str(definition, "Condition");
        bool holds = true;
        enum err rc = condition.ptr ? cfn_condition_holds(template, condition, &holds, error) : OK;
        if (rc)
            return rc;
        if (!holds)
            continue;
        struct cfn_resource *resource = &template->resources[template->resource_count++];
        resource->logical_id = json_str(key);
        resource->type = json_get_str(definition, "Type");
        resource->definition = definition;
    }
    return OK;
}

enum err cfn_template_sort(struct cfn_template *template, struct error *error)
{
    enum err rc = collect(template, error);
    for (size_t i = 0; rc == OK && i < template->resource_count; i++)
        rc = find_dependencies(template, &template->resources[i], error);
    struct cfn_resource **order =
        arena_array(template->arena, struct cfn_resource *, template->resource_count);
    size_t count = 0;
    for (size_t i = 0; rc == OK && i < template->resource_count; i++)
        rc = place(&template->resources[i], order, &count, error);
    if (rc)
        return rc;
    struct cfn_resource *sorted = arena_array(template->arena, struct cfn_resource, count);
    for (size_t i = 0; i < count; i++)
        sorted[i] = *order[i];
    template->resources = sorted;
    return OK;
}
