/* Models in other forms: flattened, and as a mapping template to start from. */
#include "base/map.h"
#include "services/apigateway/models.h"

enum { MAX_DEPTH = 32, MAX_TEMPLATE = 128 * 1024 };

/* The model that a schema refers to; a NULL pointer for none. */
static struct str referred_model(yyjson_val *schema)
{
    static const struct str marker = STR_INIT("/models/");
    struct str reference = json_get_str(schema, "$ref");
    ptrdiff_t at = reference.ptr ? str_find(reference, marker) : -1;
    return at < 0 ? NO_PART : str_slice(reference, (size_t)at + marker.len, reference.len);
}

static enum err load_schema(struct request *request, const struct view *view, struct str name,
                            yyjson_val **out)
{
    yyjson_val *model;
    struct str api_id = apigw_label(request, "restapi_id");
    enum err rc = state_get(view, state_key(view->arena, "model", api_id, name), &model);
    if (rc == OK)
        *out = json_parse(view->arena, json_get_str(model, "schema"));
    return rc;
}

/* --- Flattened --- */

struct flattening {
    struct request *request;
    struct view view;
    yyjson_mut_doc *doc;
    yyjson_mut_val *definitions; /* filled while it is walked */
    enum err rc;
};

static void flatten_reference(struct flattening *flattening, yyjson_mut_val *object,
                              struct str name);

static void flatten(struct flattening *flattening, yyjson_mut_val *value)
{
    size_t i, max;
    yyjson_mut_val *key, *member;
    yyjson_mut_arr_foreach (value, i, max, member) {
        flatten(flattening, member);
    }
    yyjson_mut_obj_foreach (value, i, max, key, member) {
        struct str text = apigw_mut_str(member);
        ptrdiff_t at = str_find(text, STR("/models/"));
        if (yyjson_mut_equals_str(key, "$ref") && text.ptr && at >= 0)
            flatten_reference(flattening, member, str_slice(text, (size_t)at + 8, text.len));
        else
            flatten(flattening, member);
    }
}

/* The text of "$ref" becomes one of the schema's own definitions, which is added with its own. */
static void flatten_reference(struct flattening *flattening, yyjson_mut_val *text, struct str name)
{
    struct str own = arena_printf(flattening->view.arena, "#/definitions/%.*s", STR_ARG(name));
    yyjson_val *schema;
    yyjson_mut_set_strn(text, own.ptr, own.len);
    if (apigw_member(flattening->definitions, name) || flattening->rc)
        return;
    flattening->rc = load_schema(flattening->request, &flattening->view, name, &schema);
    if (flattening->rc || !schema)
        return;
    yyjson_mut_val *copy = yyjson_val_mut_copy(flattening->doc, schema);
    apigw_set(flattening->doc, flattening->definitions, name, copy);
    flatten(flattening, copy);
}

enum err models_flatten(struct request *request, struct str schema, struct str *out)
{
    struct flattening flattening = {.request = request, .view = apigw_view(request, NULL)};
    yyjson_val *root = json_parse(request->arena, schema);
    flattening.doc = json_doc(request->arena);
    flattening.definitions = yyjson_mut_obj(flattening.doc);
    if (!root) {
        *out = schema;
        return OK;
    }
    yyjson_mut_val *copy = yyjson_val_mut_copy(flattening.doc, root);
    flatten(&flattening, copy);
    if (yyjson_mut_obj_size(flattening.definitions))
        apigw_set(flattening.doc, copy, STR("definitions"), flattening.definitions);
    *out = json_write(request->arena, copy);
    return flattening.rc;
}

/* --- As a template --- */

struct template
{
    struct request *request;
    struct view view;
    struct buf text;
    yyjson_val *root;
    struct str open[MAX_DEPTH + 1]; /* references that are being followed, by depth */
    unsigned depth;
    enum err rc;
};

static void indent(struct template *template)
{
    for (unsigned i = 0; i < template->depth; i++)
        buf_add(&template->text, STR("  "));
}

static void write_sample(struct template *template, yyjson_val *schema, struct str path);

static void write_object(struct template *template, yyjson_val *properties, struct str path)
{
    size_t i, max;
    yyjson_val *name, *schema;
    buf_add(&template->text, STR("{"));
    template->depth++;
    yyjson_obj_foreach (properties, i, max, name, schema) {
        struct str below =
            arena_printf(template->view.arena, "%.*s.%s", STR_ARG(path), yyjson_get_str(name));
        buf_add(&template->text, i ? STR(",\n") : STR("\n"));
        indent(template);
        buf_add_json(&template->text, json_str(name));
        buf_add(&template->text, STR(" : "));
        write_sample(template, schema, below);
    }
    template->depth--;
    buf_add(&template->text, STR("\n"));
    indent(template);
    buf_add(&template->text, STR("}"));
}

static void write_array(struct template *template, yyjson_val *items, struct str path)
{
    buf_add(&template->text, STR("[\n"));
    buf_printf(&template->text, "#foreach($elem in %.*s)\n", STR_ARG(path));
    template->depth++;
    indent(template);
    write_sample(template, items, STR("$elem"));
    template->depth--;
    buf_add(&template->text, STR("#if($foreach.hasNext),#end\n#end\n"));
    indent(template);
    buf_add(&template->text, STR("]"));
}

/* Whether a schema stands inside of itself. */
static bool is_circle(struct template *template, struct str reference)
{
    for (unsigned i = 0; i < template->depth; i++) {
        if (template->open[i].ptr && str_eq(template->open[i], reference))
            return true;
    }
    template->open[template->depth] = reference;
    return false;
}

static yyjson_val *follow(struct template *template, yyjson_val *schema)
{
    static const struct str definitions = STR_INIT("#/definitions/");
    struct str model = referred_model(schema), reference = json_get_str(schema, "$ref");
    if (model.ptr) {
        template->rc = load_schema(template->request, &template->view, model, &schema);
    } else if (reference.ptr && str_starts(reference, definitions)) {
        struct str name = str_slice(reference, definitions.len, reference.len);
        schema = yyjson_obj_getn(json_get(template->root, "definitions"), name.ptr, name.len);
    }
    return schema;
}

/* Sample values are AWS's. */
static void write_sample(struct template *template, yyjson_val *schema, struct str path)
{
    struct str reference = json_get_str(schema, "$ref");
    template->open[template->depth] = NO_PART;
    if (template->depth == MAX_DEPTH || template->rc || template->text.is_full ||
        (reference.ptr && is_circle(template, reference))) {
        buf_add(&template->text, STR("{}"));
        return;
    }
    schema = follow(template, schema);
    struct str type = json_get_str(schema, "type");
    if (json_get(schema, "properties") || str_eq(type, STR("object")))
        write_object(template, json_get(schema, "properties"), path);
    else if (str_eq(type, STR("array")))
        write_array(template, json_get(schema, "items"), path);
    else if (str_eq(type, STR("integer")))
        buf_add(&template->text, STR("42"));
    else if (str_eq(type, STR("number")))
        buf_add(&template->text, STR("3.14"));
    else if (str_eq(type, STR("boolean")))
        buf_add(&template->text, STR("true"));
    else
        buf_add(&template->text, STR("\"foo\""));
}

enum err apigw_get_model_template(struct request *request)
{
    struct template template = {.request = request, .view = apigw_view(request, NULL)};
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *answer = yyjson_mut_obj(doc);
    yyjson_val *api;
    struct str name = apigw_label(request, "model_name");
    enum err rc = apigw_find_api(request, &template.view, apigw_label(request, "restapi_id"), &api);
    if (rc == OK)
        rc = load_schema(request, &template.view, name, &template.root);
    if (rc)
        return rc;
    if (!template.root)
        return apigw_not_found(request, "Invalid model name specified: %.*s", STR_ARG(name));
    buf_init_arena(&template.text, request->arena, MAX_TEMPLATE);
    buf_add(&template.text, STR("#set($inputRoot = $input.path('$'))\n"));
    write_sample(&template, template.root, STR("$inputRoot"));
    if (template.rc)
        return template.rc;
    if (template.text.is_full)
        return apigw_bad_request(request, "The template of the model is too large");
    json_add_str(doc, answer, "value", buf_str(&template.text));
    return apigw_answer(request, doc, answer);
}
