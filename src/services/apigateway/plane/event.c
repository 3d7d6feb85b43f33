/* Building the proxy event. */
#include "services/apigateway/plane/event.h"

#include "base/encode.h"
#include "services/apigateway/plane/headers.h"
#include "wire/query.h"

/* --- Fields by name --- */

/* A header or query parameter, linked to the next one of the same name. */
struct field {
    struct str name;
    struct str value;
    uint32_t next; /* index + 1; 0: the last of its name */
    uint32_t last; /* of the first of its name: index of the last */
    bool is_first;
};

struct fields {
    struct field *items;
    uint32_t count;
    bool is_nocase;
};

static uint32_t name_hash(struct str name)
{
    uint32_t hash = 2166136261u; /* FNV-1a; letters of either case count as one */
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ ((unsigned char)name.ptr[i] | 0x20u)) * 16777619u;
    return hash ^ hash >> 15;
}

static bool same_name(const struct fields *fields, struct str a, struct str b)
{
    return fields->is_nocase ? str_eq_nocase(a, b) : str_eq(a, b);
}

/* Links fields of one name, in time linear in their number. */
static void link_fields(struct arena *arena, struct fields *fields)
{
    uint32_t size = 16;
    while (size < fields->count * 2)
        size *= 2;
    uint32_t *slots = arena_array(arena, uint32_t, size); /* index + 1 of firsts */
    for (uint32_t i = 0; i < fields->count; i++) {
        struct field *field = &fields->items[i];
        uint32_t slot = name_hash(field->name) & (size - 1);
        while (slots[slot] && !same_name(fields, fields->items[slots[slot] - 1].name, field->name))
            slot = (slot + 1) & (size - 1);
        struct field *first = slots[slot] ? &fields->items[slots[slot] - 1] : field;
        if (first == field) {
            slots[slot] = i + 1;
            field->is_first = true;
        } else {
            fields->items[first->last].next = i + 1;
        }
        first->last = i;
    }
}

static void add_values(struct buf *out, const struct fields *fields, const struct field *first)
{
    buf_add_byte(out, '[');
    for (const struct field *field = first;; field = &fields->items[field->next - 1]) {
        buf_add_json(out, field->value);
        if (!field->next)
            break;
        buf_add_byte(out, ',');
    }
    buf_add_byte(out, ']');
}

/* {"name":"last value"} or {"name":["value","value"]}; null when there are none. */
static void add_fields(struct buf *out, const struct fields *fields, bool has_arrays)
{
    if (fields->count == 0) {
        buf_add(out, STR("null"));
        return;
    }
    char separator = '{';
    for (uint32_t i = 0; i < fields->count; i++) {
        const struct field *field = &fields->items[i];
        if (!field->is_first)
            continue;
        buf_add_byte(out, separator);
        separator = ',';
        buf_add_json(out, field->name);
        buf_add_byte(out, ':');
        if (has_arrays)
            add_values(out, fields, field);
        else
            buf_add_json(out, fields->items[field->last].value);
    }
    buf_add_byte(out, '}');
}

static void add_field(struct fields *fields, struct str name, struct str value)
{
    fields->items[fields->count++] = (struct field){.name = name, .value = value};
}

/* --- Headers --- */

static struct str forwarded_for(const struct api_call *call)
{
    struct str before = http_header_get(call->exchange, STR("x-forwarded-for"));
    if (!before.len)
        return call->exchange->peer;
    return arena_printf(call->arena, "%.*s, %.*s", STR_ARG(before), STR_ARG(call->exchange->peer));
}

static struct fields request_headers(const struct api_call *call)
{
    const struct http_exchange *exchange = call->exchange;
    struct fields fields = {
        .items = arena_array(call->arena, struct field, exchange->header_count + 4),
        .is_nocase = true,
    };
    for (size_t i = 0; i < exchange->header_count; i++) {
        if (!(header_fate(exchange->headers[i].name) & (HEADER_NOT_READ | HEADER_REWRITTEN)))
            add_field(&fields, exchange->headers[i].name, exchange->headers[i].value);
    }
    add_field(&fields, STR("X-Amzn-Trace-Id"), call->trace_id);
    add_field(&fields, STR("X-Forwarded-For"), forwarded_for(call));
    add_field(&fields, STR("X-Forwarded-Port"), arena_printf(call->arena, "%u", call->port));
    add_field(&fields, STR("X-Forwarded-Proto"), STR("http"));
    link_fields(call->arena, &fields);
    return fields;
}

static struct fields request_query(const struct api_call *call)
{
    struct fields fields = {0};
    if (call->exchange->query.len == 0)
        return fields;
    struct query_pair *pairs;
    size_t count = query_parse(call->arena, call->exchange->query, &pairs);
    fields.items = arena_array(call->arena, struct field, count + 1);
    for (size_t i = 0; i < count; i++)
        add_field(&fields, pairs[i].name, pairs[i].value);
    link_fields(call->arena, &fields);
    return fields;
}

/* --- The event --- */

static void add_path_parameters(struct buf *out, const struct route *route)
{
    if (route->parameter_count == 0) {
        buf_add(out, STR("null"));
        return;
    }
    for (size_t i = 0; i < route->parameter_count; i++) {
        buf_add_byte(out, i ? ',' : '{');
        buf_add_json(out, route->parameters[i].name);
        buf_add_byte(out, ':');
        buf_add_json(out, route->parameters[i].value);
    }
    buf_add_byte(out, '}');
}

static void add_member(struct buf *out, struct str start, struct str value)
{
    buf_add(out, start);
    buf_add_json(out, value);
}

static const struct str no_text = {NULL, 0};

/* null for a NULL pointer. */
static void add_optional(struct buf *out, struct str start, struct str value)
{
    buf_add(out, start);
    if (value.ptr)
        buf_add_json(out, value);
    else
        buf_add(out, STR("null"));
}

static void add_identity(struct buf *out, const struct api_call *call)
{
    struct str agent = http_header_get(call->exchange, STR("user-agent"));
    const struct principal *who = call->principal;
    buf_add(out, STR(",\"identity\":{\"cognitoIdentityPoolId\":null"));
    add_optional(out, STR(",\"accountId\":"), who ? who->account : no_text);
    buf_add(out, STR(",\"cognitoIdentityId\":null"));
    add_optional(out, STR(",\"caller\":"), who ? who->user_id : no_text);
    if (call->api_key.ptr) {
        add_member(out, STR(",\"apiKey\":"), call->api_key);
        add_member(out, STR(",\"apiKeyId\":"), call->api_key_id);
    }
    add_member(out, STR(",\"sourceIp\":"), call->exchange->peer);
    buf_add(out, STR(",\"principalOrgId\":null"));
    add_optional(out, STR(",\"accessKey\":"), who ? who->access_key_id : no_text);
    buf_add(out, STR(",\"cognitoAuthenticationType\":null,\"cognitoAuthenticationProvider\":null"));
    add_optional(out, STR(",\"userArn\":"), who ? who->arn : no_text);
    add_optional(out, STR(",\"userAgent\":"), agent);
    add_optional(out, STR(",\"user\":"), who ? who->user_id : no_text);
    buf_add_byte(out, '}');
}

/* Numbers and truth values are texts here. */
static void add_authorizer(struct buf *out, const struct authorized *authorized)
{
    size_t i, max;
    yyjson_val *key, *value;
    add_member(out, STR(",\"authorizer\":{\"principalId\":"), authorized->principal_id);
    yyjson_obj_foreach (authorized->context, i, max, key, value) {
        buf_add_byte(out, ',');
        buf_add_json(out, json_str(key));
        buf_add_byte(out, ':');
        buf_add_json(out,
                     yyjson_is_str(value) ? json_str(value) : json_write_val(out->arena, value));
    }
    buf_add(out, STR(",\"integrationLatency\":"));
    buf_add_u64(out, (uint64_t)authorized->latency_ms);
    buf_add_byte(out, '}');
}

static void add_request_context(struct buf *out, const struct api_call *call)
{
    buf_add(out, call->method->event_context);
    add_member(out, STR(",\"httpMethod\":"), call->exchange->method);
    add_member(out, STR(",\"extendedRequestId\":"), call->extended_id);
    add_member(out, STR(",\"requestTime\":"), call->request_time);
    add_member(out, STR(",\"path\":"), call->context_path);
    buf_add(out, call->exchange->is_http_1_0 ? STR(",\"protocol\":\"HTTP/1.0\"")
                                             : STR(",\"protocol\":\"HTTP/1.1\""));
    add_member(out, STR(",\"domainPrefix\":"), call->domain_prefix);
    buf_add(out, STR(",\"requestTimeEpoch\":"));
    buf_add_u64(out, (uint64_t)call->now_ms);
    add_member(out, STR(",\"requestId\":"), call->request_id);
    if (call->authorized)
        add_authorizer(out, call->authorized);
    add_identity(out, call);
    add_member(out, STR(",\"domainName\":"), call->domain_name);
    buf_add_byte(out, '}');
}

static void add_body(struct buf *out, const struct api_call *call)
{
    struct str body = call->exchange->body;
    struct str type = http_header_get(call->exchange, STR("content-type"));
    bool is_binary = body.len && stage_is_binary(call->stage, type.ptr ? type : STR_EMPTY);
    buf_add(out, STR(",\"body\":"));
    if (body.len == 0)
        buf_add(out, STR("null"));
    else
        buf_add_json(out, is_binary ? encode_base64(call->arena, body) : body);
    buf_add(out,
            is_binary ? STR(",\"isBase64Encoded\":true}") : STR(",\"isBase64Encoded\":false}"));
}

/* Behind the opening parts: from the value of "path" to the request context. */
static void add_request(struct buf *out, const struct api_call *call)
{
    struct fields headers = request_headers(call);
    struct fields query = request_query(call);
    buf_add_json(out, call->event_path);
    add_member(out, STR(",\"httpMethod\":"), call->exchange->method);
    buf_add(out, STR(",\"headers\":"));
    add_fields(out, &headers, false);
    buf_add(out, STR(",\"multiValueHeaders\":"));
    add_fields(out, &headers, true);
    buf_add(out, STR(",\"queryStringParameters\":"));
    add_fields(out, &query, false);
    buf_add(out, STR(",\"multiValueQueryStringParameters\":"));
    add_fields(out, &query, true);
    buf_add(out, STR(",\"pathParameters\":"));
    add_path_parameters(out, &call->route);
    add_request_context(out, call);
}

void event_build(const struct api_call *call, struct buf *out)
{
    buf_reserve(out, 4096);
    buf_add(out, call->method->event_head);
    add_request(out, call);
    add_body(out, call);
}

void event_build_authorizer(const struct api_call *call, struct str method_arn, struct buf *out)
{
    struct str head = call->method->event_head;
    buf_add(out, STR("{\"type\":\"REQUEST\""));
    add_member(out, STR(",\"methodArn\":"), method_arn);
    buf_add_byte(out, ',');
    buf_add(out, str_slice(head, 1, head.len)); /* without its brace */
    add_request(out, call);
    buf_add_byte(out, '}');
}
