/* Compiling a stage from its documents. */
#include "services/apigateway/plane/stage.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/buf.h"
#include "core/capabilities.h"
#include "services/apigateway/plane/compile.h"
#include "services/apigateway/plane/log.h"
#include "services/apigateway/plane/validate.h"
#include "wire/json.h"

enum { MAX_EVENT_PART = 256 * 1024 };

/* --- Gateway response types --- */

static const struct {
    struct str name;
    int status;
} gateway_types[GATEWAY_TYPE_COUNT] = {
#define GATEWAY_TYPE(name, status, message, error_type) {STR_INIT(#name), status},
#include "services/apigateway/plane/gateway_types.def"
#undef GATEWAY_TYPE
};

enum gateway_type gateway_type_of(struct str name)
{
    for (int type = 0; type < GATEWAY_TYPE_COUNT; type++) {
        if (str_eq(name, gateway_types[type].name))
            return (enum gateway_type)type;
    }
    return GATEWAY_TYPE_COUNT;
}

struct str gateway_type_name(enum gateway_type type)
{
    return gateway_types[type].name;
}

int gateway_type_status(enum gateway_type type)
{
    return gateway_types[type].status;
}

/* --- Lookups --- */

void stage_ref(struct stage *stage)
{
    atomic_fetch_add_explicit(&stage->refs, 1, memory_order_relaxed);
}

void stage_unref(struct stage *stage)
{
    if (!stage || atomic_fetch_sub_explicit(&stage->refs, 1, memory_order_acq_rel) != 1)
        return;
    struct arena arena = stage->arena;
    stage_unref(stage->canary);
    arena_release(&arena);
}

struct str stage_variable(const struct stage *stage, struct str name)
{
    for (size_t i = 0; i < stage->variable_count; i++) {
        if (str_eq(stage->variables[i].name, name))
            return stage->variables[i].value;
    }
    return (struct str){NULL, 0};
}

/* "image/png" for "image/png; charset=x". */
static struct str media_type(struct str type)
{
    struct str head;
    str_cut(&type, ';', &head);
    return str_trim(head);
}

/* Whether `type` is `wanted`, which may be "image/ *" (without the blank) or all types. */
static bool type_matches(struct str wanted, struct str type)
{
    if (str_eq(wanted, STR("*/*")))
        return true;
    if (str_ends(wanted, STR("/*"))) {
        size_t len = wanted.len - 1;
        return type.len >= len && str_eq_nocase(str_slice(type, 0, len), str_slice(wanted, 0, len));
    }
    return str_eq_nocase(wanted, type);
}

bool stage_is_binary(const struct stage *stage, struct str type)
{
    if (stage->binary_type_count == 0)
        return false;
    type = media_type(type);
    for (size_t i = 0; i < stage->binary_type_count; i++) {
        if (type_matches(stage->binary_types[i], type))
            return true;
    }
    return false;
}

/* --- Variables and types --- */

static void compile_variables(struct stage *stage, yyjson_val *variables)
{
    struct arena *arena = &stage->arena;
    stage->variables = arena_array(arena, struct stage_variable, yyjson_obj_size(variables) + 1);
    size_t i, max;
    yyjson_val *key, *value;
    yyjson_obj_foreach (variables, i, max, key, value) {
        stage->variables[stage->variable_count++] = (struct stage_variable){
            arena_str(arena, json_str(key)), arena_str(arena, json_str(value))};
    }
}

static void compile_binary_types(struct stage *stage, yyjson_val *types)
{
    struct arena *arena = &stage->arena;
    stage->binary_types = arena_array(arena, struct str, yyjson_arr_size(types) + 1);
    size_t i, max;
    yyjson_val *type;
    yyjson_arr_foreach (types, i, max, type) {
        stage->binary_types[stage->binary_type_count++] = arena_str(arena, json_str(type));
    }
}

/* --- Gateway responses --- */

static void compile_gateway_responses(struct stage *stage, yyjson_val *responses)
{
    const struct gateway_response *configured[GATEWAY_TYPE_COUNT] = {0};
    for (int type = 0; type < GATEWAY_TYPE_COUNT; type++) {
        yyjson_val *document =
            yyjson_obj_getn(responses, gateway_types[type].name.ptr, gateway_types[type].name.len);
        if (!document)
            continue;
        struct gateway_response *response = arena_new(&stage->arena, struct gateway_response);
        int64_t status = 0;
        json_get_i64(document, "statusCode", &status);
        response->status = (int)status;
        response->headers = compile_mappings(&stage->arena, MAPPING_OF_GATEWAY,
                                             json_get(document, "responseParameters"));
        response->bodies =
            compile_templates(&stage->arena, json_get(document, "responseTemplates"));
        configured[type] = response;
    }
    for (int type = 0; type < GATEWAY_TYPE_COUNT; type++) {
        bool is_server_error = gateway_types[type].status >= 500;
        const struct gateway_response *fallback =
            configured[is_server_error ? GATEWAY_DEFAULT_5XX : GATEWAY_DEFAULT_4XX];
        if (gateway_types[type].status == 0)
            fallback = NULL;
        stage->gateway_responses[type] = configured[type] ? configured[type] : fallback;
    }
}

/* --- Methods --- */

/* "/notes" from the key "~1notes/GET" (also "notes/GET", and "/" from "~1/GET"), compared with a
 * method. */
static bool setting_is_for(struct arena *arena, struct str key, const struct method *method)
{
    ptrdiff_t slash = -1;
    for (size_t i = 0; i < key.len; i++)
        slash = key.ptr[i] == '/' ? (ptrdiff_t)i : slash;
    if (slash < 0 || !str_eq(str_slice(key, (size_t)slash + 1, key.len), method->verb))
        return false;
    struct buf path;
    buf_init_arena(&path, arena, key.len + 1);
    for (size_t i = 0; i < (size_t)slash; i++) {
        bool is_escape = key.ptr[i] == '~' && i + 1 < (size_t)slash &&
                         (key.ptr[i + 1] == '1' || key.ptr[i + 1] == '0');
        buf_add_byte(&path, !is_escape ? key.ptr[i] : key.ptr[i + 1] == '1' ? '/' : '~');
        i += is_escape;
    }
    struct str have = buf_str(&path), want = method->resource_path;
    return str_eq(have, want) || str_eq(have, str_slice(want, 1, want.len));
}

/* What a stage sets for methods, as read so far. */
struct method_settings {
    double rate;
    int64_t burst;
    bool is_throttled;
    bool has_metrics; /* by method */
};

static void read_throttle(yyjson_val *setting, struct method_settings *out)
{
    double rate;
    int64_t burst;
    if (json_get_double(setting, "throttlingRateLimit", &rate) && rate >= 0) {
        out->rate = rate;
        out->is_throttled = true;
    }
    if (json_get_i64(setting, "throttlingBurstLimit", &burst) && burst >= 0) {
        out->burst = burst;
        out->is_throttled = true;
    }
}

static enum logging_level read_level(yyjson_val *setting, enum logging_level before)
{
    struct str level = json_get_str(setting, "loggingLevel");
    if (!level.ptr)
        return before;
    if (str_eq(level, STR("INFO")))
        return LOGGING_INFO;
    return str_eq(level, STR("ERROR")) ? LOGGING_ERROR : LOGGING_OFF;
}

static void read_settings(struct method *method, yyjson_val *setting, struct method_settings *out)
{
    read_throttle(setting, out);
    method->logging_level = read_level(setting, method->logging_level);
    method->is_data_traced = json_get_bool(setting, "dataTraceEnabled", method->is_data_traced);
    out->has_metrics = json_get_bool(setting, "metricsEnabled", out->has_metrics);
}

/* https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
 */
static struct metric_series *open_series(const struct stage_source *source,
                                         const struct stage *stage, const struct method *method,
                                         const char *name, const char *unit)
{
    struct metric_dimension dimensions[] = {
        {STR("ApiName"), json_get_str(source->api, "name")},
        {STR("Stage"), stage->name},
        {STR("Method"), method ? method->verb : STR_EMPTY},
        {STR("Resource"), method ? method->resource_path : STR_EMPTY},
    };
    return metric_open(source->metrics, &(struct metric_definition){
                                            .space = "AWS/ApiGateway",
                                            .name = name,
                                            .unit = unit,
                                            .dimensions = dimensions,
                                            .dimension_count = method ? 4 : 2,
                                            .also = {1},
                                            .also_count = method ? 0 : 1,
                                        });
}

/* Of a method, or (with NULL) of the stage and, with those of its other stages, of the API. */
static struct gateway_metrics open_metrics(const struct stage_source *source,
                                           const struct stage *stage, const struct method *method)
{
    return (struct gateway_metrics){
        .count = open_series(source, stage, method, "Count", "Count"),
        .client_errors = open_series(source, stage, method, "4XXError", "Count"),
        .server_errors = open_series(source, stage, method, "5XXError", "Count"),
        .latency = open_series(source, stage, method, "Latency", "Milliseconds"),
        .integration_latency =
            open_series(source, stage, method, "IntegrationLatency", "Milliseconds"),
    };
}

/* A method's own settings go before those for all methods of the stage. */
static void compile_settings(const struct stage_source *source, struct stage *stage,
                             struct method *method)
{
    yyjson_val *settings = json_get(source->stage, "methodSettings");
    struct method_settings read = {.rate = DEFAULT_RATE_LIMIT, .burst = DEFAULT_BURST_LIMIT};
    size_t i, max;
    yyjson_val *key, *value;
    read_settings(method, json_get(settings, "*/*"), &read);
    yyjson_obj_foreach (settings, i, max, key, value) {
        if (setting_is_for(&stage->arena, json_str(key), method))
            read_settings(method, value, &read);
    }
    method->is_throttled = read.is_throttled;
    method->throttle = throttle_make(read.rate, read.burst);
    if (read.has_metrics)
        method->metrics = open_metrics(source, stage, method);
}

static const struct authorizer *find_authorizer(const struct stage *stage, struct str id)
{
    for (size_t i = 0; i < stage->authorizer_count; i++) {
        if (str_eq(stage->authorizers[i].id, id))
            return &stage->authorizers[i];
    }
    return NULL;
}

static void compile_event_parts(struct stage *stage, struct method *method)
{
    struct buf text;
    buf_init_arena(&text, &stage->arena, MAX_EVENT_PART);
    buf_add(&text, STR("{\"resource\":"));
    buf_add_json(&text, method->resource_path);
    buf_add(&text, STR(",\"path\":"));
    method->event_head = buf_str(&text);

    buf_init_arena(&text, &stage->arena, MAX_EVENT_PART);
    buf_add(&text, STR(",\"stageVariables\":"));
    for (size_t i = 0; i < stage->variable_count; i++) {
        buf_add_byte(&text, i ? ',' : '{');
        buf_add_json(&text, stage->variables[i].name);
        buf_add_byte(&text, ':');
        buf_add_json(&text, stage->variables[i].value);
    }
    buf_add(&text, stage->variable_count ? STR("}") : STR("null"));
    buf_add(&text, STR(",\"requestContext\":{\"resourceId\":"));
    buf_add_json(&text, method->resource_id);
    buf_add(&text, STR(",\"resourcePath\":"));
    buf_add_json(&text, method->resource_path);
    buf_add(&text, STR(",\"accountId\":"));
    buf_add_json(&text, stage->account);
    buf_add(&text, STR(",\"apiId\":"));
    buf_add_json(&text, stage->api_id);
    buf_add(&text, STR(",\"deploymentId\":"));
    buf_add_json(&text, stage->deployment_id);
    buf_add(&text, STR(",\"stage\":"));
    buf_add_json(&text, stage->name);
    method->event_context = buf_str(&text);
}

/* A type that is not known is one that nobody passes: that of an authorizer that is not there. */
static void compile_authorization(const struct stage *stage, struct method *method,
                                  yyjson_val *document)
{
    struct str type = json_get_str(document, "authorizationType");
    if (str_eq(type, STR("NONE")))
        return;
    method->authorization = AUTHORIZATION_CUSTOM;
    if (str_eq(type, STR("AWS_IAM")))
        method->authorization = AUTHORIZATION_IAM;
    else if (str_eq(type, STR("CUSTOM")))
        method->authorizer = find_authorizer(stage, json_get_str(document, "authorizerId"));
}

static void compile_method(const struct stage_source *source, struct stage *stage,
                           yyjson_val *resource, struct str verb, yyjson_val *document)
{
    struct method *method = arena_new(&stage->arena, struct method);
    method->resource_id = arena_str(&stage->arena, json_get_str(resource, "id"));
    method->resource_path = arena_str(&stage->arena, json_get_str(resource, "path"));
    method->verb = arena_str(&stage->arena, verb);
    method->is_key_required = json_get_bool(document, "apiKeyRequired", false);
    compile_authorization(stage, method, document);
    compile_settings(source, stage, method);
    validation_compile(stage, method, document, source->snapshot);
    compile_integration(stage, method, document);
    compile_event_parts(stage, method);
    router_add(stage->router, method->resource_path, verb_of(verb), method);
}

static void compile_resources(const struct stage_source *source, struct stage *stage)
{
    yyjson_val *resources = json_get(source->snapshot, "resources");
    size_t i, max, j, method_max;
    yyjson_val *resource, *verb, *method;
    stage->router = router_new(&stage->arena);
    yyjson_arr_foreach (resources, i, max, resource) {
        yyjson_obj_foreach (json_get(resource, "resourceMethods"), j, method_max, verb, method) {
            if (verb_of(json_str(verb)) < VERB_COUNT)
                compile_method(source, stage, resource, json_str(verb), method);
        }
    }
}

/* --- Logs --- */

static void add_part(struct stage *stage, struct str text, bool is_variable)
{
    if (text.len)
        stage->access_parts[stage->access_part_count++] = (struct log_part){text, is_variable};
}

/* Of AWS's four formats two have quotes to break out of; CLF and CSV are lines of bare values. */
static enum log_escape escape_of(struct str format)
{
    while (format.len && (unsigned char)format.ptr[0] <= ' ')
        format = str_slice(format, 1, format.len);
    return str_starts(format, STR("{"))   ? LOG_JSON
           : str_starts(format, STR("<")) ? LOG_XML
                                          : LOG_PLAIN;
}

/* "$context.requestId" and the text between such. */
static void compile_access_log(struct stage *stage, yyjson_val *settings)
{
    static const struct str start = STR_INIT("$context.");
    struct str format = arena_str(&stage->arena, json_get_str(settings, "format"));
    struct str arn = json_get_str(settings, "destinationArn");
    stage->access_log = access_log_group(&stage->arena, stage->region, stage->account, arn);
    stage->access_escape = escape_of(format);
    stage->access_parts = arena_array(&stage->arena, struct log_part, format.len / 4 + 2);
    for (ptrdiff_t at; (at = str_find(format, start)) >= 0;) {
        struct str rest = str_slice(format, (size_t)at + start.len, format.len);
        size_t len = template_name_len(rest);
        add_part(stage, str_slice(format, 0, (size_t)at), false);
        add_part(stage, str_slice(rest, 0, len), true);
        format = str_slice(rest, len, rest.len);
    }
    add_part(stage, format, false);
}

/* From {"name": "schema as text"} to values. */
static void compile_schemas(struct stage *stage, yyjson_val *models)
{
    yyjson_mut_doc *doc = json_doc(&stage->arena);
    yyjson_mut_val *schemas = yyjson_mut_obj(doc);
    size_t i, max;
    yyjson_val *name, *text;
    yyjson_obj_foreach (models, i, max, name, text) {
        yyjson_val *schema = json_parse(&stage->arena, json_str(text));
        if (schema)
            yyjson_mut_obj_add(schemas, yyjson_val_mut_copy(doc, name),
                               yyjson_val_mut_copy(doc, schema));
    }
    stage->schemas = json_parse(&stage->arena, json_write(&stage->arena, schemas));
}

/* The stage's document as its canary has it: another deployment, variables of its own. */
static yyjson_val *canary_document(struct arena *arena, yyjson_val *document)
{
    yyjson_mut_doc *doc = json_doc(arena);
    yyjson_mut_val *copy = yyjson_val_mut_copy(doc, document);
    yyjson_val *settings = json_get(document, "canarySettings"), *name, *value;
    yyjson_mut_val *variables = yyjson_mut_obj_get(copy, "variables");
    size_t i, max;
    yyjson_mut_obj_put(copy, yyjson_mut_str(doc, "deploymentId"),
                       yyjson_val_mut_copy(doc, json_get(settings, "deploymentId")));
    if (!variables)
        variables = json_add_obj(doc, copy, "variables");
    yyjson_obj_foreach (json_get(settings, "stageVariableOverrides"), i, max, name, value) {
        yyjson_mut_obj_put(variables, yyjson_val_mut_copy(doc, name),
                           yyjson_val_mut_copy(doc, value));
    }
    return json_parse(arena, json_write(arena, copy));
}

static void compile_canary(const struct stage_source *source, struct stage *stage)
{
    struct stage_source canary = *source;
    double percent = 0;
    if (!source->canary)
        return;
    json_get_double(json_get(source->stage, "canarySettings"), "percentTraffic", &percent);
    canary.stage = canary_document(&stage->arena, source->stage);
    canary.snapshot = source->canary;
    canary.canary = NULL;
    stage->canary = stage_compile(&canary);
    stage->canary->is_canary = true;
    stage->canary->execution_log =
        arena_printf(&stage->canary->arena, "%.*s/Canary", STR_ARG(stage->execution_log));
    stage->canary_share = (uint32_t)(percent / 100 * UINT32_MAX);
}

static struct str endpoint_type(struct arena *arena, yyjson_val *api)
{
    yyjson_val *types = json_get(json_get(api, "endpointConfiguration"), "types");
    struct str type = json_str(yyjson_arr_get_first(types));
    return type.len ? arena_str(arena, type) : STR("EDGE");
}

struct stage *stage_compile(const struct stage_source *source)
{
    struct arena arena = {0};
    struct stage *stage = arena_new(&arena, struct stage);
    stage->arena = arena;
    struct arena *own = &stage->arena;
    atomic_init(&stage->refs, 1);
    stage->account = arena_str(own, source->account);
    stage->region = arena_str(own, source->region);
    stage->api_id = arena_str(own, json_get_str(source->api, "id"));
    stage->is_endpoint_disabled = json_get_bool(source->api, "disableExecuteApiEndpoint", false);
    stage->endpoint_type = endpoint_type(own, source->api);
    stage->name = arena_str(own, json_get_str(source->stage, "stageName"));
    stage->deployment_id = arena_str(own, json_get_str(source->stage, "deploymentId"));
    stage->arn_prefix =
        arena_printf(own, "arn:aws:execute-api:%.*s:%.*s:%.*s/%.*s/", STR_ARG(source->region),
                     STR_ARG(stage->account), STR_ARG(stage->api_id), STR_ARG(stage->name));
    stage->execution_log = arena_printf(own, "API-Gateway-Execution-Logs_%.*s/%.*s",
                                        STR_ARG(stage->api_id), STR_ARG(stage->name));
    compile_access_log(stage, json_get(source->stage, "accessLogSettings"));
    compile_authorizers(stage, json_get(source->snapshot, "authorizers"));
    struct str policy = json_get_str(source->snapshot, "policy");
    stage->policy = policy.len ? arena_str(&stage->arena, policy) : STR_EMPTY;
    stage->is_key_from_authorizer =
        str_eq(json_get_str(source->snapshot, "apiKeySource"), STR("AUTHORIZER"));
    compile_variables(stage, json_get(source->stage, "variables"));
    stage->minimum_compression = -1;
    json_get_i64(source->snapshot, "minimumCompressionSize", &stage->minimum_compression);
    compile_binary_types(stage, json_get(source->snapshot, "binaryMediaTypes"));
    compile_gateway_responses(stage, json_get(source->snapshot, "gatewayResponses"));
    compile_schemas(stage, json_get(source->snapshot, "models"));
    compile_resources(source, stage);
    stage->metrics = open_metrics(source, stage, NULL);
    compile_canary(source, stage);
    return stage;
}
