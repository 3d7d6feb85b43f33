/* Templates: form, parameters, order of creation. */
#include "services/cloudformation/template.h"

#include "base/buf.h"
#include "services/cloudformation/resolver.h"
#include "services/cloudformation/types.h"
#include "wire/yaml.h"

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
        return error_set(
            error, ERR_VALIDATION_ERROR,
            "Template format error: transforms, such as AWS::Serverless-2016-10-31, "
            "are not supported: write the resources themselves (AWS::Lambda::Function, "
            "AWS::ApiGateway::RestApi, AWS::DynamoDB::Table)");
    if (json_get(root, "Rules"))
        return error_set(error, ERR_VALIDATION_ERROR,
                         "Template format error: Rules are not supported");
    return OK;
}

static enum err check_policy(struct str name, const yyjson_val *definition, const char *attribute,
                             struct error *error)
{
    yyjson_val *value = json_get(definition, attribute);
    struct str policy = json_str(value);
    bool is_of_deletion = strcmp(attribute, "DeletionPolicy") == 0;
    if (!value || str_eq(policy, STR("Delete")) || str_eq(policy, STR("Retain")) ||
        (is_of_deletion && str_eq(policy, STR("RetainExceptOnCreate"))))
        return OK;
    if (!policy.ptr)
        return error_set(error, ERR_VALIDATION_ERROR,
                         "Template format error: Every %s member must be a string.", attribute);
    if (str_eq(policy, STR("Snapshot")))
        return error_set(error, ERR_VALIDATION_ERROR,
                         "Template error: resource type %.*s does not support %s policy Snapshot",
                         STR_ARG(json_get_str(definition, "Type")),
                         is_of_deletion ? "deletion" : "update replace");
    return error_set(error, ERR_VALIDATION_ERROR,
                     "Template format error: Unrecognized %s %.*s for resource %.*s", attribute,
                     STR_ARG(policy), STR_ARG(name));
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
    enum err rc = check_policy(name, definition, "DeletionPolicy", error);
    return rc ? rc : check_policy(name, definition, "UpdateReplacePolicy", error);
}

/* --- References, as far as they can be told before there are parameters --- */

static enum err unresolved(struct str name, const char *block, struct error *error)
{
    return error_set(error, ERR_VALIDATION_ERROR,
                     "Template format error: Unresolved resource dependencies [%.*s] in the %s "
                     "block of the template",
                     STR_ARG(name), block);
}

static bool is_value(const struct cfn_template *template, struct str name)
{
    return str_starts(name, STR("AWS::")) ||
           json_get(json_get(template->root, "Parameters"), arena_cstr(template->arena, name));
}

struct static_visit {
    struct cfn_template *template;
    const char *block;
    struct buf unresolved;
};

static enum err check_attribute(struct str name, yyjson_val *resource, struct str attribute,
                                struct error *error)
{
    const struct cfn_type *type = cfn_type_find(json_get_str(resource, "Type"));
    for (const char *const *known = type->attributes; known && *known; known++) {
        if (str_eq(attribute, str_from(*known)))
            return OK;
    }
    return error_set(error, ERR_VALIDATION_ERROR,
                     "Template error: resource %.*s does not support attribute type %.*s in "
                     "Fn::GetAtt",
                     STR_ARG(name), STR_ARG(attribute));
}

static enum err check_reference(void *arg, struct str name, struct str attribute,
                                struct error *error)
{
    struct static_visit *visit = arg;
    char *key = arena_cstr(visit->template->arena, name);
    yyjson_val *resource = json_get(json_get(visit->template->root, "Resources"), key);
    if (is_value(visit->template, name) && !attribute.ptr)
        return OK;
    if (resource)
        return attribute.len ? check_attribute(name, resource, attribute, error) : OK;
    if (attribute.ptr)
        return error_set(error, ERR_VALIDATION_ERROR,
                         "Template error: instance of Fn::GetAtt references undefined resource "
                         "%.*s",
                         STR_ARG(name));
    buf_add(&visit->unresolved, visit->unresolved.len ? STR(", ") : STR_EMPTY);
    buf_add(&visit->unresolved, name);
    return OK;
}

static enum err check_block(struct cfn_template *template, const char *block, const char *member,
                            struct error *error)
{
    struct static_visit visit = {.template = template, .block = block};
    const struct cfn_visit references = {
        .is_static = true, .reference = check_reference, .arg = &visit};
    yyjson_val *key, *entry;
    size_t i, max;
    buf_init_arena(&visit.unresolved, template->arena, ERROR_MESSAGE_MAX);
    yyjson_obj_foreach (json_get(template->root, block), i, max, key, entry) {
        enum err rc = cfn_visit_references(template, json_get(entry, member), &references, error);
        if (rc)
            return rc;
    }
    return visit.unresolved.len ? unresolved(buf_str(&visit.unresolved), block, error) : OK;
}

/* --- Parsing --- */

static enum err check_output(struct str name, yyjson_val *output, struct error *error)
{
    if (!json_get(output, "Value"))
        return error_set(error, ERR_VALIDATION_ERROR,
                         "Template format error: Output %.*s is malformed. Every Outputs member "
                         "must contain a Value object",
                         STR_ARG(name));
    return OK;
}

static enum err check_each(const yyjson_val *section, const char *name, size_t limit,
                           enum err (*check)(struct str name, yyjson_val *entry,
                                             struct error *error),
                           struct error *error)
{
    yyjson_val *key, *value;
    size_t i, max, count = yyjson_obj_size((yyjson_val *)(uintptr_t)section);
    if (count > limit)
        return error_set(error, ERR_VALIDATION_ERROR,
                         "Template format error: Number of %s, %zu, is greater than maximum "
                         "allowed, %zu",
                         name, count, limit);
    yyjson_obj_foreach ((yyjson_val *)(uintptr_t)section, i, max, key, value) {
        enum err rc = check(json_str(key), value, error);
        if (rc)
            return rc;
    }
    return OK;
}

static void release_index(void *ptr)
{
    struct cfn_index *index = ptr;
    map_release(&index->resources);
    map_release(&index->conditions);
}

static void make_index(struct cfn_template *template)
{
    struct cfn_index *index = arena_new(template->arena, struct cfn_index);
    yyjson_val *key, *definition;
    size_t i, max;
    index->budget = RESOLVER_BUDGET;
    arena_defer(template->arena, release_index, index);
    yyjson_obj_foreach (json_get(template->root, "Conditions"), i, max, key, definition) {
        struct cfn_condition *condition = arena_new(template->arena, struct cfn_condition);
        condition->definition = definition;
        map_set(&index->conditions, json_str(key), condition);
    }
    template->index = index;
}

static enum err check_size(struct str body, struct error *error)
{
    if (body.len > CFN_MAX_TEMPLATE_BYTES)
        return error_set(error, ERR_VALIDATION_ERROR,
                         "1 validation error detected: Value at 'templateBody' failed to satisfy "
                         "constraint: Member must have length less than or equal to %d",
                         CFN_MAX_TEMPLATE_BYTES);
    return OK;
}

enum err cfn_template_parse(struct cfn_template *template, struct str body, struct error *error)
{
    enum err rc = check_size(body, error);
    if (rc == OK)
        rc = yaml_parse(template->arena, body, &template->root, error);
    if (rc)
        return rc;
    yyjson_val *root = template->root, *resources = json_get(root, "Resources");
    if (!yyjson_is_obj(root))
        return error_set(error, ERR_VALIDATION_ERROR,
                         "Template format error: unsupported structure.");
    rc = check_sections(root, error);
    if (rc == OK && (!yyjson_is_obj(resources) || yyjson_obj_size(resources) == 0))
        rc = error_set(error, ERR_VALIDATION_ERROR,
                       "Template format error: At least one Resources member must be defined.");
    if (rc == OK)
        rc = check_each(resources, "resources", CFN_MAX_RESOURCES, check_resource, error);
    if (rc == OK)
        rc = check_each(json_get(root, "Outputs"), "outputs", CFN_MAX_OUTPUTS, check_output, error);
    if (rc)
        return rc;
    make_index(template);
    rc = check_block(template, "Resources", "Properties", error);
    return rc ? rc : check_block(template, "Outputs", "Value", error);
}

/* --- Order --- */

struct cfn_resource *cfn_template_find(const struct cfn_template *template, struct str logical_id)
{
    return map_get(&template->index->resources, logical_id);
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

static enum err visit_dependency(void *arg, struct str name, struct str attribute,
                                 struct error *error)
{
    struct dependency_visit *visit = arg;
    (void)attribute;
    if (is_value(visit->template, name))
        return OK;
    struct cfn_resource *on = cfn_template_find(visit->template, name);
    if (!on)
        return unresolved(name, visit->resource ? "Resources" : "Outputs", error);
    if (visit->resource)
        add_dependency(visit, on);
    return OK;
}

static enum err visit_import(void *arg, struct str name, struct error *error)
{
    struct cfn_template *template = ((struct dependency_visit *)arg)->template;
    (void)error;
    for (size_t i = 0; i < template->import_count; i++) {
        if (str_eq(template->imports[i], name))
            return OK;
    }
    size_t size = template->import_count * sizeof(struct str);
    template->imports =
        arena_realloc(template->arena, template->imports, size, size + sizeof(struct str));
    template->imports[template->import_count++] = name;
    return OK;
}

static enum err add_explicit(struct dependency_visit *visit, yyjson_val *name, struct error *error)
{
    struct cfn_resource *on = cfn_template_find(visit->template, json_str(name));
    yyjson_val *declared = json_get(visit->template->root, "Resources");
    if (on)
        add_dependency(visit, on);
    else if (!yyjson_is_str(name) || !json_get(declared, yyjson_get_str(name)))
        return unresolved(json_str(name), "Resources", error);
    return OK; /* a resource whose condition does not hold is not waited for */
}

static enum err find_dependencies(struct cfn_template *template, struct cfn_resource *resource,
                                  struct error *error)
{
    struct dependency_visit visit = {.template = template, .resource = resource};
    yyjson_val *explicit = json_get(resource->definition, "DependsOn"), *name;
    size_t i, max;
    const struct cfn_visit references = {
        .reference = visit_dependency, .import = visit_import, .arg = &visit};
    enum err rc = cfn_visit_references(template, json_get(resource->definition, "Properties"),
                                       &references, error);
    if (rc == OK && yyjson_is_str(explicit))
        rc = add_explicit(&visit, explicit, error);
    yyjson_arr_foreach (explicit, i, max, name) {
        if (rc == OK)
            rc = add_explicit(&visit, name, error);
    }
    return rc;
}

/* Names all of the circle that `last` closes by its need of `first`, in the order of that need. */
static enum err fail_circle(const struct cfn_resource *first, const struct cfn_resource *last,
                            struct error *error)
{
    char names[ERROR_MESSAGE_MAX];
    size_t at = sizeof(names);
    for (const struct cfn_resource *one = last;; one = one->user) {
        struct str name = one->logical_id;
        if (at < name.len + 2)
            break;
        memcpy(names + (at -= name.len), name.ptr, name.len);
        if (one == first)
            break;
        memcpy(names + (at -= 2), ", ", 2);
    }
    return error_set(error, ERR_VALIDATION_ERROR, "Circular dependency between resources: [%.*s]",
                     (int)(sizeof(names) - at), names + at);
}

static enum err place(struct cfn_resource *resource, struct cfn_resource *user,
                      struct cfn_resource **order, size_t *count, struct error *error)
{
    if (resource->mark == 2)
        return OK;
    if (resource->mark == 1)
        return fail_circle(resource, user, error);
    resource->mark = 1;
    resource->user = user;
    for (size_t i = 0; i < resource->depends_count; i++) {
        enum err rc = place(resource->depends_on[i], resource, order, count, error);
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
    for (size_t n = 0; n < template->resource_count; n++)
        map_set(&template->index->resources, template->resources[n].logical_id,
                &template->resources[n]);
    return OK;
}

static enum err check_outputs(struct cfn_template *template, struct error *error)
{
    struct dependency_visit visit = {.template = template};
    const struct cfn_visit references = {
        .reference = visit_dependency, .import = visit_import, .arg = &visit};
    yyjson_val *key, *output;
    size_t i, max;
    yyjson_obj_foreach (json_get(template->root, "Outputs"), i, max, key, output) {
        struct str condition = json_get_str(output, "Condition");
        bool holds = true;
        enum err rc = condition.ptr ? cfn_condition_holds(template, condition, &holds, error) : OK;
        if (rc == OK && holds)
            rc = cfn_visit_references(template, output, &references, error);
        if (rc)
            return rc;
    }
    return OK;
}

/* Each one, so that a bad one is found that nothing uses. */
static enum err decide_conditions(struct cfn_template *template, struct error *error)
{
    yyjson_val *key, *condition;
    size_t i, max;
    bool holds;
    yyjson_obj_foreach (json_get(template->root, "Conditions"), i, max, key, condition) {
        enum err rc = cfn_condition_holds(template, json_str(key), &holds, error);
        if (rc)
            return rc;
    }
    return OK;
}

enum err cfn_template_sort(struct cfn_template *template, struct error *error)
{
    enum err rc = decide_conditions(template, error);
    if (rc == OK)
        rc = collect(template, error);
    for (size_t i = 0; rc == OK && i < template->resource_count; i++)
        rc = find_dependencies(template, &template->resources[i], error);
    struct cfn_resource **order =
        arena_array(template->arena, struct cfn_resource *, template->resource_count);
    size_t count = 0;
    for (size_t i = 0; rc == OK && i < template->resource_count; i++)
        rc = place(&template->resources[i], NULL, order, &count, error);
    if (rc)
        return rc;
    struct cfn_resource *sorted = arena_array(template->arena, struct cfn_resource, count);
    for (size_t i = 0; i < count; i++) {
        sorted[i] = *order[i];
        map_set(&template->index->resources, sorted[i].logical_id, &sorted[i]);
    }
    template->resources = sorted;
    return check_outputs(template, error);
}
