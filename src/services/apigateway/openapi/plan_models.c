/* Schemas as models. */
#include "services/apigateway/openapi/plan.h"

#define MODEL_URL "https://apigateway.amazonaws.com/restapis/"

static const struct str own_places[] = {STR_INIT("#/definitions/"),
                                        STR_INIT("#/components/schemas/")};

static void add_model(struct openapi_plan *plan, struct str name, yyjson_val *schema)
{
    yyjson_mut_val *model = yyjson_mut_arr_add_obj(plan->doc, plan->models);
    json_add_str(plan->doc, model, "name", name);
    json_add_str(plan->doc, model, "contentType", STR("application/json"));
    openapi_add(plan, model, "description", json_get(schema, "description"));
    json_add_copy(plan->doc, model, "schema", schema);
    map_set(&plan->model_names, name, plan);
}

void openapi_plan_models(struct openapi_plan *plan)
{
    size_t i, max;
    yyjson_val *name, *schema;
    yyjson_obj_foreach (openapi_part(plan->document, "definitions", "schemas"), i, max, name,
                        schema) {
        if (yyjson_is_obj(schema))
            add_model(plan, json_str(name), schema);
        else
            openapi_fail(plan, "Invalid schema for model '%.*s'", STR_ARG(json_str(name)));
    }
}

/* FNV-1a: the same schema is the same model, from one import to the next. */
static uint64_t hash_of(struct str text)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.ptr[i]) * UINT64_C(1099511628211);
    return hash;
}

struct str openapi_model_for(struct openapi_plan *plan, yyjson_val *schema)
{
    struct str name = openapi_model_of(plan->document, schema);
    if (name.ptr && !map_get(&plan->model_names, name))
        openapi_fail(plan, "Invalid model reference specified: %.*s", STR_ARG(name));
    if (name.ptr)
        return name;
    struct str text = json_write_val(plan->arena, schema);
    name = arena_printf(plan->arena, "MODEL%06llx",
                        (unsigned long long)(hash_of(text) & UINT64_C(0xffffff)));
    if (!map_get(&plan->model_names, name))
        add_model(plan, name, schema);
    return name;
}

/* --- References --- */

static void rewrite_reference(yyjson_mut_val *value, struct arena *arena, struct str api_id)
{
    struct str text = str_make(yyjson_mut_get_str(value), yyjson_mut_get_len(value));
    for (size_t i = 0; i < 2; i++) {
        if (!str_starts(text, own_places[i]))
            continue;
        text = str_slice(text, own_places[i].len, text.len);
        text = arena_printf(arena, MODEL_URL "%.*s/models/%.*s", STR_ARG(api_id), STR_ARG(text));
        yyjson_mut_set_strn(value, text.ptr, text.len);
        return;
    }
}

static void rewrite(yyjson_mut_val *value, struct arena *arena, struct str api_id)
{
    size_t i, max;
    yyjson_mut_val *key, *member;
    if (yyjson_mut_is_arr(value)) {
        yyjson_mut_arr_foreach (value, i, max, member) {
            rewrite(member, arena, api_id);
        }
        return;
    }
    yyjson_mut_obj_foreach (value, i, max, key, member) {
        if (yyjson_mut_is_str(member) && yyjson_mut_equals_str(key, "$ref"))
            rewrite_reference(member, arena, api_id);
        else
            rewrite(member, arena, api_id);
    }
}

struct str openapi_schema_text(struct arena *arena, yyjson_mut_val *schema, struct str api_id)
{
    yyjson_mut_val *copy = yyjson_mut_val_mut_copy(json_doc(arena), schema);
    rewrite(copy, arena, api_id);
    return json_write(arena, copy);
}
