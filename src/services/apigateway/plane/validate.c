/* Validating calls. */
#include "services/apigateway/plane/validate.h"

#include "services/apigateway/plane/log.h"
#include "services/apigateway/plane/schema.h"
#include "wire/json.h"

/* --- Compiling --- */

static yyjson_val *schema_of(yyjson_val *snapshot, struct str name)
{
    return yyjson_obj_getn(json_get(snapshot, "models"), name.ptr, name.len);
}

static void add_parameters(struct stage *stage, struct validation *validation,
                           yyjson_val *parameters, enum mapping_source source)
{
    size_t i, max;
    yyjson_val *name, *is_required;
    yyjson_obj_foreach (parameters, i, max, name, is_required) {
        struct mapping *mapping = &validation->required[validation->required_count];
        if (yyjson_is_true(is_required) && mapping_source_parse(json_str(name), mapping) &&
            mapping->source == source) {
            mapping->value = arena_str(&stage->arena, mapping->value);
            validation->required_count++;
        }
    }
}

/* In the order that AWS names those that are missing in. */
static void compile_parameters(struct stage *stage, struct validation *validation,
                               yyjson_val *parameters)
{
    validation->required =
        arena_array(&stage->arena, struct mapping, yyjson_obj_size(parameters) + 1);
    add_parameters(stage, validation, parameters, MAPPING_HEADER);
    add_parameters(stage, validation, parameters, MAPPING_PATH);
    add_parameters(stage, validation, parameters, MAPPING_QUERY);
}

static void compile_models(struct stage *stage, struct validation *validation, yyjson_val *models,
                           yyjson_val *snapshot)
{
    size_t i, max;
    yyjson_val *type, *name;
    validation->models = arena_array(&stage->arena, struct body_model, yyjson_obj_size(models) + 1);
    yyjson_obj_foreach (models, i, max, type, name) {
        validation->models[validation->model_count++] = (struct body_model){
            .type = arena_str(&stage->arena, json_str(type)),
            .schema =
                json_parse(&stage->arena,
                           arena_str(&stage->arena, json_str(schema_of(snapshot, json_str(name))))),
        };
    }
}

void validation_compile(struct stage *stage, struct method *method, yyjson_val *document,
                        yyjson_val *snapshot)
{
    struct str id = json_get_str(document, "requestValidatorId");
    yyjson_val *validator = yyjson_obj_getn(json_get(snapshot, "validators"), id.ptr, id.len);
    struct validation *validation = &method->validation;
    if (!validator)
        return;
    if (json_get_bool(validator, "validateRequestParameters", false))
        compile_parameters(stage, validation, json_get(document, "requestParameters"));
    if (json_get_bool(validator, "validateRequestBody", false))
        compile_models(stage, validation, json_get(document, "requestModels"), snapshot);
}

/* --- Parameters --- */

static bool has_parameters(struct api_call *call)
{
    const struct validation *validation = &call->method->validation;
    struct buf missing;
    buf_init_arena(&missing, call->arena, 16 * 1024);
    for (size_t i = 0; i < validation->required_count; i++) {
        const struct mapping *required = &validation->required[i];
        if (call_parameter(call, required->source, required->value).len)
            continue;
        buf_add(&missing, missing.len ? STR(", ") : STR_EMPTY);
        buf_add(&missing, required->value);
    }
    if (missing.len == 0)
        return true;
    call->validation_error = arena_printf(call->arena, "[%.*s]", STR_ARG(buf_str(&missing)));
    struct str message = arena_printf(call->arena, "Missing required request parameters: %.*s",
                                      STR_ARG(call->validation_error));
    execution_log_error(call, "Request failed validation: %.*s", STR_ARG(message));
    call_fail(call, GATEWAY_BAD_REQUEST_PARAMETERS, 0, arena_cstr(call->arena, message));
    return false;
}

/* --- Bodies --- */

/* The model for what was sent: JSON where the client does not say. NULL: none is asked for. */
static const struct body_model *choose_model(const struct api_call *call)
{
    const struct validation *validation = &call->method->validation;
    struct str type = http_header_get(call->exchange, STR("content-type")), head;
    if (!type.len)
        type = STR("application/json");
    str_cut(&type, ';', &head);
    head = str_trim(head);
    for (size_t i = 0; i < validation->model_count; i++) {
        if (str_eq_nocase(validation->models[i].type, head))
            return &validation->models[i];
    }
    return NULL;
}

static yyjson_val *find_model(void *arg, struct str name)
{
    const struct api_call *call = arg;
    return yyjson_obj_getn(call->stage->schemas, name.ptr, name.len);
}

static bool has_body(struct api_call *call)
{
    const struct body_model *model = choose_model(call);
    struct buf errors;
    if (!model || !model->schema)
        return true;
    struct schema_context context = {call->arena, model->schema, find_model, call};
    yyjson_val *body = json_parse(call->arena, call->exchange->body);
    buf_init_arena(&errors, call->arena, 16 * 1024);
    if (body && schema_fits(&context, model->schema, body, &errors))
        return true;
    call->validation_error = body ? arena_printf(call->arena, "[%.*s]", STR_ARG(buf_str(&errors)))
                                  : STR("[Unexpected character, or the body is empty]");
    execution_log_error(call,
                        "Request body does not match model schema for content type %.*s: %.*s",
                        STR_ARG(model->type), STR_ARG(call->validation_error));
    call_fail(call, GATEWAY_BAD_REQUEST_BODY, 0, NULL);
    return false;
}

bool validation_pass(struct api_call *call)
{
    const struct validation *validation = &call->method->validation;
    if (validation->required_count && !has_parameters(call))
        return false;
    return validation->model_count == 0 || has_body(call);
}
