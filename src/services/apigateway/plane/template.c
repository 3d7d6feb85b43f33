/* What mapping templates see of a call. */
#include "services/apigateway/plane/template.h"

#include "services/apigateway/plane/headers.h"

static struct str context(const void *arg, struct str name)
{
    const struct template_scope *scope = arg;
    return call_context(scope->call, name);
}

static bool context_at(const void *arg, struct str name, size_t index, struct str *out)
{
    const struct template_scope *scope = arg;
    return call_context_at(scope->call, name, index, out);
}

static struct str variable(const void *arg, struct str name)
{
    const struct template_scope *scope = arg;
    return stage_variable(scope->call->stage, name);
}

static bool variable_at(const void *arg, size_t index, struct str *out)
{
    const struct stage *stage = ((const struct template_scope *)arg)->call->stage;
    if (index >= stage->variable_count)
        return false;
    *out = stage->variables[index].name;
    return true;
}

static struct str parameter(const void *arg, enum velocity_parameter kind, struct str name)
{
    const struct template_scope *scope = arg;
    switch (kind) {
    case VELOCITY_PATH:
        return call_parameter(scope->call, MAPPING_PATH, name);
    case VELOCITY_HEADER:
        return call_parameter(scope->call, MAPPING_HEADER, name);
    case VELOCITY_QUERY:
        break;
    }
    for (size_t i = scope->query_count; i-- > 0;) {
        if (str_eq(scope->query[i].name, name))
            return scope->query[i].value;
    }
    return (struct str){NULL, 0};
}

static bool parameter_at(const void *arg, enum velocity_parameter kind, size_t index,
                         struct str *out_name, struct str *out_value)
{
    const struct template_scope *scope = arg;
    const struct route *route = &scope->call->route;
    bool is_there = index < (kind == VELOCITY_PATH    ? route->parameter_count
                             : kind == VELOCITY_QUERY ? scope->query_count
                                                      : scope->header_count);
    if (!is_there)
        return false;
    *out_name = kind == VELOCITY_PATH    ? route->parameters[index].name
                : kind == VELOCITY_QUERY ? scope->query[index].name
                                         : scope->headers[index].name;
    *out_value = kind == VELOCITY_PATH    ? route->parameters[index].value
                 : kind == VELOCITY_QUERY ? scope->query[index].value
                                          : scope->headers[index].value;
    return true;
}

static void read_headers(struct template_scope *scope)
{
    const struct http_exchange *exchange = scope->call->exchange;
    scope->header_count = 0;
    scope->headers =
        arena_array(scope->call->arena, struct http_header, exchange->header_count + 1);
    for (size_t i = 0; i < exchange->header_count; i++) {
        if (!(header_fate(exchange->headers[i].name) & HEADER_NOT_READ))
            scope->headers[scope->header_count++] = exchange->headers[i];
    }
}

struct velocity_source template_source(struct template_scope *scope, const struct api_call *call,
                                       struct str body)
{
    scope->call = call;
    read_headers(scope);
    scope->query_count = query_parse(call->arena, call->exchange->query, &scope->query);
    return (struct velocity_source){
        .overrides = call->overrides,
        .override_count = call->override_count,
        .arg = scope,
        .body = body,
        .context = context,
        .context_at = context_at,
        .stage_variable = variable,
        .stage_variable_at = variable_at,
        .parameter = parameter,
        .parameter_at = parameter_at,
    };
}
