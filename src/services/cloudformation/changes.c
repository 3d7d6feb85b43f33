/* Planning a whole stack. Values that are not known before resources are made are texts that say
 * so, and count as changed. */
#include "services/cloudformation/changes.h"

struct planner {
    struct request *request;
    struct changes *changes;
    yyjson_mut_doc *doc;
    struct cfn_template *template;
    const yyjson_val *old_root; /* of the template as it was; NULL: a new stack */
    const yyjson_val *old_parameters, *new_parameters;
    /* Of the resource under way. */
    const struct cfn_resource *resource;
    const yyjson_val *record; /* NULL: a new one */
    yyjson_mut_val *details;
    bool is_static; /* a change that needs replacement is certain */
};

static bool same(const yyjson_val *a, const yyjson_val *b)
{
    return a && b ? yyjson_equals((yyjson_val *)(uintptr_t)a, (yyjson_val *)(uintptr_t)b) : a == b;
}

/* --- Why a property changes --- */

static void add_detail(struct planner *p, const char *attribute, const char *name, bool replaces,
                       bool is_dynamic, const char *source, struct str cause)
{
    yyjson_mut_doc *doc = p->doc;
    yyjson_mut_val *detail = yyjson_mut_arr_add_obj(doc, p->details);
    yyjson_mut_val *target = json_add_obj(doc, detail, "Target");
    json_add_str(doc, target, "Attribute", str_from(attribute));
    if (name)
        json_add_str(doc, target, "Name", str_from(name));
    json_add_str(doc, target, "RequiresRecreation", replaces ? STR("Always") : STR("Never"));
    json_add_str(doc, detail, "Evaluation", is_dynamic ? STR("Dynamic") : STR("Static"));
    json_add_str(doc, detail, "ChangeSource", str_from(source));
    json_add_str_opt(doc, detail, "CausingEntity", cause);
    p->is_static |= replaces && !is_dynamic;
}

struct cause_visit {
    struct planner *planner;
    const char *property;
    bool replaces;
};

/* A parameter with another value, or a resource that is not there yet. */
static enum err visit_cause(void *arg, struct str name, struct str attribute, struct error *error)
{
    struct cause_visit *visit = arg;
    struct planner *p = visit->planner;
    char *key = arena_cstr(p->template->arena, name);
    struct cfn_resource *resource = cfn_template_find(p->template, name);
    (void)error;
    if (json_get(p->new_parameters, key) &&
        !same(json_get(p->new_parameters, key), json_get(p->old_parameters, key)))
        add_detail(p, "Properties", visit->property, visit->replaces, false, "ParameterReference",
                   name);
    else if (resource && resource->is_unknown && attribute.ptr)
        add_detail(
            p, "Properties", visit->property, visit->replaces, true, "ResourceAttribute",
            arena_printf(p->template->arena, "%.*s.%.*s", STR_ARG(name), STR_ARG(attribute)));
    else if (resource && resource->is_unknown)
        add_detail(p, "Properties", visit->property, visit->replaces, true, "ResourceReference",
                   name);
    return OK;
}

static yyjson_val *old_definition(const struct planner *p)
{
    return json_get(json_get(p->old_root, "Resources"),
                    arena_cstr(p->template->arena, p->resource->logical_id));
}

static enum err explain(struct planner *p, const char *name, bool replaces)
{
    struct cause_visit visit = {p, name, replaces};
    const struct cfn_visit references = {.reference = visit_cause, .arg = &visit};
    yyjson_val *now = json_get(json_get(p->resource->definition, "Properties"), name);
    yyjson_val *before = json_get(json_get(old_definition(p), "Properties"), name);
    size_t count = yyjson_mut_arr_size(p->details);
    enum err rc =
        now ? cfn_visit_references(p->template, now, &references, &p->request->error) : OK;
    if (rc)
        return rc;
    /* The template itself, the stack's tags, or a condition that is decided otherwise. */
    if (!same(now, before) || yyjson_mut_arr_size(p->details) == count)
        add_detail(p, "Properties", name, replaces, false, "DirectModification",
                   (struct str){NULL, 0});
    return OK;
}

/* --- One resource --- */

static enum err compare_property(struct planner *p, const struct cfn_type *type,
                                 const struct cfn_property *property, const yyjson_val *now,
                                 bool *out_is_replaced)
{
    const yyjson_val *before = json_get(p->record, "Properties");
    bool replaces = !type->update || property->flags & CFN_REPLACES;
    if (same(json_get(now, property->name), json_get(before, property->name)))
        return OK;
    *out_is_replaced |= replaces;
    return explain(p, property->name, replaces);
}

static void compare_attributes(struct planner *p)
{
    static const char *const attributes[] = {"DeletionPolicy", "UpdateReplacePolicy", "Metadata"};
    for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
        if (!same(json_get(p->resource->definition, attributes[i]),
                  json_get(old_definition(p), attributes[i])))
            add_detail(p, attributes[i], NULL, false, false, "DirectModification",
                       (struct str){NULL, 0});
    }
}

static yyjson_mut_val *add_change(struct planner *p, const char *action, const yyjson_val *record,
                                  struct str logical_id, struct str type)
{
    yyjson_mut_doc *doc = p->doc;
    struct str physical_id = json_get_str(record, "PhysicalResourceId");
    yyjson_mut_val *entry = yyjson_mut_arr_add_obj(doc, p->changes->list);
    json_add_str(doc, entry, "Type", STR("Resource"));
    yyjson_mut_val *change = json_add_obj(doc, entry, "ResourceChange");
    json_add_str(doc, change, "Action", str_from(action));
    json_add_str(doc, change, "LogicalResourceId", logical_id);
    if (physical_id.len)
        json_add_str(doc, change, "PhysicalResourceId", physical_id);
    json_add_str(doc, change, "ResourceType", type);
    return change;
}

/* Which attributes the details are about, each once. */
static void add_scope(struct planner *p, yyjson_mut_val *change)
{
    yyjson_mut_val *scope = json_add_arr(p->doc, change, "Scope"), *detail, *known;
    size_t i, max, j, count;
    yyjson_mut_arr_foreach (p->details, i, max, detail) {
        yyjson_mut_val *target = yyjson_mut_obj_get(detail, "Target");
        bool is_tags = str_eq(json_mut_get_str(target, "Name"), STR("Tags"));
        struct str name = is_tags ? STR("Tags") : json_mut_get_str(target, "Attribute");
        bool is_there = false;
        yyjson_mut_arr_foreach (scope, j, count, known)
            is_there |= yyjson_mut_equals_strn(known, name.ptr, name.len);
        if (!is_there)
            yyjson_mut_arr_add_strncpy(p->doc, scope, name.ptr, name.len);
    }
}

/* The properties as they will be, each for itself: what cannot be resolved yet is left out, so that
 * it differs. */
static enum err future_properties(struct planner *p, yyjson_val **out)
{
    struct request *request = p->request;
    enum err rc = cfn_wanted_properties(p->template, p->resource, out, &request->error);
    if (rc == OK)
        return OK;
    yyjson_val *key, *value;
    size_t i, max;
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *object = yyjson_mut_obj(doc);
    bool has_unknown = false;
    for (size_t n = 0; n < p->template->resource_count; n++)
        has_unknown |= p->template->resources[n].is_unknown;
    if (!has_unknown)
        return rc;
    yyjson_obj_foreach (json_get(p->resource->definition, "Properties"), i, max, key, value) {
        yyjson_mut_val *resolved = NULL;
        if (cfn_resolve(p->template, value, doc, &resolved, &request->error) == OK && resolved)
            yyjson_mut_obj_add(object, yyjson_val_mut_copy(doc, key), resolved);
    }
    *out = json_parse(request->arena, json_write(request->arena, object));
    return OK;
}

static enum err plan_existing(struct planner *p, struct cfn_resource *resource)
{
    const struct cfn_type *type = cfn_type_find(resource->type);
    struct str old_type = json_get_str(p->record, "ResourceType");
    struct str status = json_get_str(p->record, "ResourceStatus");
    bool is_replaced = !str_eq(old_type, resource->type) || str_eq(status, STR("CREATE_FAILED"));
    bool is_forced = str_ends(status, STR("_FAILED"));
    yyjson_val *now;
    enum err rc = future_properties(p, &now);
    p->details = yyjson_mut_arr(p->doc);
    p->is_static = is_replaced;
    for (const struct cfn_property *property = type->properties; rc == OK && property->name;
         property++)
        rc = compare_property(p, type, property, now, &is_replaced);
    if (rc)
        return rc;
    if (type->needs_replacement && type->needs_replacement(json_get(p->record, "Properties"), now))
        is_replaced = p->is_static = true;
    compare_attributes(p);
    if (yyjson_mut_arr_size(p->details) == 0 && !is_replaced && !is_forced)
        return OK;
    yyjson_mut_val *change =
        add_change(p, "Modify", p->record, resource->logical_id, resource->type);
    resource->is_unknown = is_replaced;
    json_add_str(p->doc, change, "Replacement",
                 !is_replaced   ? STR("False")
                 : p->is_static ? STR("True")
                                : STR("Conditional"));
    add_scope(p, change);
    json_add(p->doc, change, "Details", p->details);
    return OK;
}

/* --- All resources --- */

static enum err find_record(struct planner *p, struct str logical_id, yyjson_val **out)
{
    struct arena *arena = p->request->arena;
    bool found;
    struct str text, prefix = cfn_resource_prefix(arena, p->template->stack_name);
    struct str key = arena_printf(arena, "%.*s%.*s", STR_ARG(prefix), STR_ARG(logical_id));
    *out = NULL;
    if (!p->changes->before)
        return OK;
    enum err rc = store_get(p->request->skylite->store, STORE_META, key, arena, &found, &text,
                            &p->request->error);
    if (rc == OK && found)
        *out = json_parse(arena, text);
    return rc;
}

static enum err plan_resource(struct planner *p, struct cfn_resource *resource)
{
    yyjson_val *record;
    enum err rc = find_record(p, resource->logical_id, &record);
    if (rc)
        return rc;
    p->resource = resource;
    p->record = record;
    if (!record) {
        resource->is_unknown = true;
        yyjson_mut_val *change = add_change(p, "Add", NULL, resource->logical_id, resource->type);
        json_add_arr(p->doc, change, "Scope");
        json_add_arr(p->doc, change, "Details");
        return OK;
    }
    resource->physical_id = json_get_str(record, "PhysicalResourceId");
    resource->attributes = json_get(record, "Attributes");
    return plan_existing(p, resource);
}

static enum err plan_removals(struct planner *p)
{
    struct str prefix = cfn_resource_prefix(p->request->arena, p->template->stack_name), key, value;
    struct store_iter *iter;
    if (!p->changes->before)
        return OK;
    iter = store_iter_new(p->request->skylite->store, STORE_META, prefix,
                          store_prefix_end(p->request->arena, prefix), false);
    while (store_iter_next(iter, &key, &value)) {
        yyjson_val *record = json_parse(p->request->arena, value);
        struct str logical_id = json_get_str(record, "LogicalResourceId");
        if (cfn_template_find(p->template, logical_id))
            continue;
        yyjson_mut_val *change =
            add_change(p, "Remove", record, logical_id, json_get_str(record, "ResourceType"));
        json_add_arr(p->doc, change, "Scope");
        json_add_arr(p->doc, change, "Details");
    }
    enum err rc = store_iter_error(iter, &p->request->error);
    store_iter_free(iter);
    return rc;
}

/* --- Outputs --- */

static enum err plan_outputs(struct planner *p)
{
    yyjson_mut_doc *doc = json_doc(p->request->arena);
    yyjson_mut_val *outputs;
    enum err rc = cfn_outputs(p->template, doc, &outputs, &p->request->error);
    if (rc)
        return rc;
    yyjson_val *now = json_parse(p->request->arena, json_write(p->request->arena, outputs));
    yyjson_val *before = json_get(p->changes->before, "Outputs");
    p->changes->is_output_changed =
        yyjson_arr_size(now) != yyjson_arr_size(before) || (before && !same(now, before));
    return OK;
}

enum err changes_plan(struct request *request, struct changes *changes, yyjson_mut_doc *doc)
{
    const yyjson_val *old = json_get(changes->before, "Definition");
    struct planner p = {.request = request,
                        .changes = changes,
                        .doc = doc,
                        .template = changes->template,
                        .old_parameters = json_get(old, "Parameters")};
    struct cfn_template before = {.arena = request->arena, .skylite = request->skylite};
    enum err rc = OK;
    changes->list = yyjson_mut_arr(doc);
    if (old) {
        rc = cfn_template_parse(&before, json_get_str(old, "TemplateBody"), &request->error);
        p.old_root = before.root;
    }
    p.new_parameters = cfn_parameter_texts(changes->template);
    for (size_t i = 0; rc == OK && i < changes->template->resource_count; i++)
        rc = plan_resource(&p, &changes->template->resources[i]);
    if (rc == OK)
        rc = plan_removals(&p);
    return rc ? rc : plan_outputs(&p);
}
