/* GetTemplateSummary, ValidateTemplate and GetTemplate. */
#include "services/cloudformation/definition.h"

static void copy(struct request *request, yyjson_mut_val *out, const yyjson_val *from,
                 const char *name)
{
    json_add_copy(request->doc, out, name, json_get(from, name));
}

static struct str text_of(struct request *request, const yyjson_val *value)
{
    return yyjson_is_str((yyjson_val *)(uintptr_t)value) ? json_str(value)
                                                         : json_write_val(request->arena, value);
}

/* --- Parameters --- */

static void add_constraints(struct request *request, yyjson_mut_val *out,
                            const yyjson_val *declared)
{
    yyjson_val *allowed = json_get(declared, "AllowedValues"), *value;
    yyjson_mut_val *constraints = json_add_obj(request->doc, out, "ParameterConstraints");
    size_t i, max;
    if (!allowed)
        return;
    yyjson_mut_val *list = json_add_arr(request->doc, constraints, "AllowedValues");
    yyjson_arr_foreach (allowed, i, max, value) {
        struct str text = text_of(request, value);
        yyjson_mut_arr_add_strncpy(request->doc, list, text.ptr, text.len);
    }
}

static void add_parameters(struct request *request, const yyjson_val *root, bool is_summary)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *list = json_add_arr(doc, request_output(request), "Parameters");
    yyjson_val *key, *declared;
    size_t i, max;
    yyjson_obj_foreach (json_get(root, "Parameters"), i, max, key, declared) {
        yyjson_mut_val *out = yyjson_mut_arr_add_obj(doc, list);
        yyjson_val *fallback = json_get(declared, "Default");
        json_add_str(doc, out, "ParameterKey", json_str(key));
        if (fallback)
            json_add_str(doc, out, "DefaultValue", text_of(request, fallback));
        json_add_bool(doc, out, "NoEcho", json_get_bool(declared, "NoEcho", false));
        copy(request, out, declared, "Description");
        if (is_summary) {
            json_add_copy(doc, out, "ParameterType", json_get(declared, "Type"));
            add_constraints(request, out, declared);
        }
    }
}

/* --- What it needs --- */

static void add_capabilities(struct request *request, const yyjson_val *root)
{
    yyjson_mut_doc *doc = request->doc;
    struct str types;
    bool needs_named;
    if (!definition_needs_iam(request->arena, root, &types, &needs_named))
        return;
    yyjson_mut_val *list = json_add_arr(doc, request_output(request), "Capabilities");
    yyjson_mut_arr_add_str(doc, list, needs_named ? "CAPABILITY_NAMED_IAM" : "CAPABILITY_IAM");
    json_add_str(doc, request->output, "CapabilitiesReason",
                 arena_printf(request->arena,
                              "The following resource(s) require capabilities: [%.*s]",
                              STR_ARG(types)));
}

static void add_types(struct request *request, const yyjson_val *root)
{
    yyjson_mut_val *list = json_add_arr(request->doc, request_output(request), "ResourceTypes");
    yyjson_mut_val *known;
    yyjson_val *key, *resource;
    size_t i, max, j, count;
    yyjson_obj_foreach (json_get(root, "Resources"), i, max, key, resource) {
        struct str type = json_get_str(resource, "Type");
        bool is_there = false;
        yyjson_mut_arr_foreach (list, j, count, known)
            is_there |= yyjson_mut_equals_strn(known, type.ptr, type.len);
        if (!is_there)
            yyjson_mut_arr_add_strncpy(request->doc, list, type.ptr, type.len);
    }
}

/* --- Operations --- */

/* Of a template, or of a stack or change set. */
static enum err find_body(struct request *request, struct str *out)
{
    yyjson_val *stack;
    if (!request_str(request, "StackName").ptr)
        return definition_template_body(request, out);
    enum err rc = cfn_stack_of_request(request, &stack);
    if (rc == OK)
        *out = json_get_str(json_get(stack, "Definition"), "TemplateBody");
    if (rc == OK && !out->ptr)
        rc = request_fail(request, ERR_VALIDATION_ERROR,
                          "GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks.");
    return rc;
}

static enum err summarize(struct request *request, struct str body, bool is_summary)
{
    struct cfn_template template = {.arena = request->arena, .skylite = request->skylite};
    enum err rc = cfn_template_parse(&template, body, &request->error);
    if (rc)
        return rc;
    add_parameters(request, template.root, is_summary);
    add_capabilities(request, template.root);
    copy(request, request->output, template.root, "Description");
    if (!is_summary)
        return OK;
    add_types(request, template.root);
    json_add_copy(request->doc, request->output, "Version",
                  json_get(template.root, "AWSTemplateFormatVersion"));
    yyjson_val *metadata = json_get(template.root, "Metadata");
    if (metadata)
        json_add_str(request->doc, request->output, "Metadata",
                     json_write_val(request->arena, metadata));
    return OK;
}

enum err cfn_get_template_summary(struct request *request)
{
    struct str body;
    enum err rc = find_body(request, &body);
    return rc ? rc : summarize(request, body, true);
}

enum err cfn_validate_template(struct request *request)
{
    struct str body;
    enum err rc = definition_template_body(request, &body);
    return rc ? rc : summarize(request, body, false);
}

enum err cfn_get_template(struct request *request)
{
    yyjson_val *stack, *definition = NULL;
    yyjson_mut_doc *doc = request->doc;
    enum err rc;
    if (request_str(request, "ChangeSetName").ptr) {
        rc = cfn_change_set_definition(request, &definition);
    } else {
        rc = cfn_stack_of_request(request, &stack);
        definition = rc ? NULL : json_get(stack, "Definition");
    }
    if (rc)
        return rc;
    copy(request, request_output(request), definition, "TemplateBody");
    yyjson_mut_val *stages = json_add_arr(doc, request->output, "StagesAvailable");
    yyjson_mut_arr_add_str(doc, stages, "Original");
    yyjson_mut_arr_add_str(doc, stages, "Processed");
    return OK;
}
