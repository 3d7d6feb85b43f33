/* Mapping expressions and simple templates: values of a request put into headers and bodies. */
#include "services/apigateway/plane/call.h"
#include "services/apigateway/plane/headers.h"
#include "services/apigateway/velocity/jsonpath.h"
#include "wire/query.h"

bool header_name_is_valid(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_alphanumeric =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_alphanumeric && (c == '\0' || !strchr("!#$%&'*+-.^_`|~", c)))
            return false;
    }
    return name.len > 0;
}

bool header_value_is_valid(struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* --- Expressions --- */

#define SIDE(side) (1U << (side))

static const struct {
    struct str prefix;
    enum mapping_source source;
    unsigned sides; /* SIDE() of those that may use it */
} sources[] = {
    {STR_INIT("context."), MAPPING_CONTEXT, ~0U},
    {STR_INIT("stageVariables."), MAPPING_STAGE_VARIABLE, ~0U},
    {STR_INIT("method.request.header."), MAPPING_HEADER,
     SIDE(MAPPING_OF_REQUEST) | SIDE(MAPPING_OF_GATEWAY)},
    {STR_INIT("method.request.querystring."), MAPPING_QUERY,
     SIDE(MAPPING_OF_REQUEST) | SIDE(MAPPING_OF_GATEWAY)},
    {STR_INIT("method.request.path."), MAPPING_PATH,
     SIDE(MAPPING_OF_REQUEST) | SIDE(MAPPING_OF_GATEWAY)},
    {STR_INIT("method.request.multivalueheader."), MAPPING_MULTI_HEADER, SIDE(MAPPING_OF_REQUEST)},
    {STR_INIT("method.request.multivaluequerystring."), MAPPING_MULTI_QUERY,
     SIDE(MAPPING_OF_REQUEST)},
    {STR_INIT("method.request.body"), MAPPING_BODY, SIDE(MAPPING_OF_REQUEST)},
    {STR_INIT("integration.response.header."), MAPPING_RESPONSE_HEADER, SIDE(MAPPING_OF_RESPONSE)},
    {STR_INIT("integration.response.multivalueheader."), MAPPING_RESPONSE_MULTI_HEADER,
     SIDE(MAPPING_OF_RESPONSE)},
    {STR_INIT("integration.response.body"), MAPPING_RESPONSE_BODY, SIDE(MAPPING_OF_RESPONSE)},
};

static const struct {
    struct str prefix;
    enum mapping_target target;
    enum mapping_side side;
} targets[] = {
    {STR_INIT("integration.request.header."), MAPPED_HEADER, MAPPING_OF_REQUEST},
    {STR_INIT("integration.request.querystring."), MAPPED_QUERY, MAPPING_OF_REQUEST},
    {STR_INIT("integration.request.path."), MAPPED_PATH, MAPPING_OF_REQUEST},
    {STR_INIT("method.response.header."), MAPPED_HEADER, MAPPING_OF_RESPONSE},
    {STR_INIT("gatewayresponse.header."), MAPPED_HEADER, MAPPING_OF_GATEWAY},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Finds "context." and its like at the start of `text`; returns the length of the prefix, or 0. */
static size_t find_source(struct str text, unsigned sides, enum mapping_source *out)
{
    for (size_t i = 0; i < COUNT(sources); i++) {
        if ((sources[i].sides & sides) && str_starts(text, sources[i].prefix)) {
            *out = sources[i].source;
            return sources[i].prefix.len;
        }
    }
    return 0;
}

static bool is_body(enum mapping_source source)
{
    return source == MAPPING_BODY || source == MAPPING_RESPONSE_BODY;
}

/* The whole body, or a path in it: "method.request.body.a.b" is "$.a.b". */
static bool parse_source(struct str expression, unsigned sides, struct mapping *out)
{
    size_t len = find_source(expression, sides, &out->source);
    out->value = str_slice(expression, len, expression.len);
    if (len > 0 && is_body(out->source))
        return out->value.len == 0 || (out->value.ptr[0] == '.' && out->value.len > 1) ||
               out->value.ptr[0] == '[';
    return len > 0 && out->value.len > 0;
}

bool mapping_source_parse(struct str expression, struct mapping *out)
{
    return parse_source(expression, SIDE(MAPPING_OF_REQUEST), out);
}

static bool parse_target(enum mapping_side side, struct str text, struct mapping *out)
{
    for (size_t i = 0; i < COUNT(targets); i++) {
        struct str prefix = targets[i].prefix;
        if (targets[i].side != side || !str_starts(text, prefix))
            continue;
        out->target = targets[i].target;
        out->name = str_slice(text, prefix.len, text.len);
        return out->target == MAPPED_HEADER ? header_name_is_valid(out->name) : out->name.len > 0;
    }
    return false;
}

bool mapping_parse(enum mapping_side side, struct str target, struct str expression,
                   struct mapping *out)
{
    if (!parse_target(side, target, out))
        return false;
    if (expression.len >= 2 && expression.ptr[0] == '\'' && str_ends(expression, STR("'"))) {
        out->source = MAPPING_LITERAL;
        out->value = str_slice(expression, 1, expression.len - 2);
        return header_value_is_valid(out->value);
    }
    return parse_source(expression, SIDE(side), out);
}

/* --- Values --- */

static struct str query_parameter(const struct api_call *call, struct str name)
{
    struct query_pair *pairs;
    size_t count = query_parse(call->arena, call->exchange->query, &pairs);
    for (size_t i = count; i-- > 0;) {
        if (str_eq(pairs[i].name, name))
            return pairs[i].value;
    }
    return (struct str){NULL, 0};
}

struct str call_parameter(const struct api_call *call, enum mapping_source source, struct str name)
{
    switch (source) {
    case MAPPING_LITERAL:
        return name;
    case MAPPING_CONTEXT:
        return call_context(call, name);
    case MAPPING_STAGE_VARIABLE:
        return call->stage ? stage_variable(call->stage, name) : (struct str){NULL, 0};
    case MAPPING_HEADER:
    case MAPPING_MULTI_HEADER:
        return header_fate(name) & HEADER_NOT_READ ? (struct str){NULL, 0}
                                                   : http_header_get(call->exchange, name);
    case MAPPING_QUERY:
    case MAPPING_MULTI_QUERY:
        return query_parameter(call, name);
    case MAPPING_PATH:
        for (size_t i = 0; call->method && i < call->route.parameter_count; i++) {
            if (str_eq(call->route.parameters[i].name, name))
                return call->route.parameters[i].value;
        }
        break;
    default: /* not of a request's parameters */
        break;
    }
    return (struct str){NULL, 0};
}

static size_t header_values(const struct http_header *headers, size_t count, struct str name,
                            struct str out[MAPPING_MAX_VALUES])
{
    size_t found = 0;
    for (size_t i = 0; i < count && found < MAPPING_MAX_VALUES; i++) {
        if (str_eq_nocase(headers[i].name, name))
            out[found++] = headers[i].value;
    }
    return found;
}

static size_t query_values(const struct api_call *call, struct str name,
                           struct str out[MAPPING_MAX_VALUES])
{
    struct query_pair *pairs;
    size_t found = 0, count = query_parse(call->arena, call->exchange->query, &pairs);
    for (size_t i = 0; i < count && found < MAPPING_MAX_VALUES; i++) {
        if (str_eq(pairs[i].name, name))
            out[found++] = pairs[i].value;
    }
    return found;
}

/* Text as it is, all else as JSON. */
static struct str body_value(struct mapping_input *input, struct str path)
{
    struct arena *arena = input->call->arena;
    if (path.len == 0)
        return input->body;
    if (!input->is_parsed)
        input->json = json_parse(arena, input->body);
    input->is_parsed = true;
    yyjson_val *found = input->json ? jsonpath_first(arena, path, input->json) : NULL;
    if (!found)
        return (struct str){NULL, 0};
    return yyjson_is_str(found) ? json_str(found) : json_write_val(arena, found);
}

size_t mapping_values(struct mapping_input *input, const struct mapping *mapping,
                      struct str out[MAPPING_MAX_VALUES])
{
    const struct http_exchange *exchange = input->call->exchange;
    switch (mapping->source) {
    case MAPPING_MULTI_HEADER:
        if (header_fate(mapping->value) & HEADER_NOT_READ)
            return 0;
        return header_values(exchange->headers, exchange->header_count, mapping->value, out);
    case MAPPING_MULTI_QUERY:
        return query_values(input->call, mapping->value, out);
    case MAPPING_RESPONSE_MULTI_HEADER:
        return header_values(input->headers, input->header_count, mapping->value, out);
    case MAPPING_RESPONSE_HEADER:
        return header_values(input->headers, input->header_count, mapping->value, out) ? 1 : 0;
    case MAPPING_BODY:
    case MAPPING_RESPONSE_BODY:
        out[0] = body_value(input, mapping->value);
        break;
    default:
        out[0] = call_parameter(input->call, mapping->source, mapping->value);
        break;
    }
    return out[0].ptr ? 1 : 0;
}

size_t mapping_headers(struct mapping_input *input, const struct mapping_list *list,
                       struct http_header **out)
{
    struct str values[MAPPING_MAX_VALUES];
    size_t count = 0, room = list->count + 2 * MAPPING_MAX_VALUES;
    struct http_header *headers = arena_alloc(input->call->arena, room * sizeof(*headers));
    for (size_t i = 0; i < list->count; i++) {
        const struct mapping *mapping = &list->items[i];
        size_t value_count =
            mapping->target == MAPPED_HEADER ? mapping_values(input, mapping, values) : 0;
        for (size_t j = 0; j < value_count && count < room - (list->count - i); j++) {
            if (header_value_is_valid(values[j]))
                headers[count++] = (struct http_header){mapping->name, values[j]};
        }
    }
    *out = headers;
    return count;
}

/* --- Templates --- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_name_byte(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9') || c == '-';
}

size_t template_name_len(struct str text)
{
    size_t len = 0;
    while (len < text.len &&
           (is_name_byte(text.ptr[len]) ||
            (text.ptr[len] == '.' && len + 1 < text.len && is_name_byte(text.ptr[len + 1]))))
        len++;
    return len;
}

/* Adds the value of the reference that starts `text` (behind the dollar sign) and returns how long
 * the reference is; 0 when it is none. */
static size_t expand_reference(const struct api_call *call, struct str text, struct buf *out)
{
    bool has_brace = str_starts(text, STR("{"));
    struct str inner = str_slice(text, has_brace, text.len);
    struct str reference = str_slice(inner, 0, template_name_len(inner));
    if (has_brace && (reference.len == inner.len || inner.ptr[reference.len] != '}'))
        return 0;

    enum mapping_source source;
    size_t prefix = find_source(reference, SIDE(MAPPING_OF_GATEWAY), &source);
    if (!prefix)
        return 0;
    struct str value = call_parameter(call, source, str_slice(reference, prefix, reference.len));
    if (!value.ptr && source == MAPPING_CONTEXT)
        return 0;
    if (value.ptr)
        buf_add(out, value);
    return reference.len + (has_brace ? 2 : 0);
}

enum { MAX_EXPANDED = 1024 * 1024 };

struct str template_expand(const struct api_call *call, struct str text)
{
    struct buf out;
    buf_init_arena(&out, call->arena, MAX_EXPANDED);
    size_t plain = 0;
    for (size_t i = 0; i < text.len;) {
        if (text.ptr[i] != '$') {
            i++;
            continue;
        }
        buf_add(&out, str_slice(text, plain, i - plain));
        size_t len = expand_reference(call, str_slice(text, i + 1, text.len), &out);
        plain = len ? i + 1 + len : i;
        i += 1 + len;
    }
    buf_add(&out, str_slice(text, plain, text.len));
    return buf_str(&out);
}

const struct body_template *template_choose(const struct template_list *list, struct str accept)
{
    const struct body_template *chosen = list->count ? &list->items[0] : NULL;
    for (size_t i = 0; i < list->count; i++) {
        if (str_eq_nocase(list->items[i].type, accept))
            return &list->items[i];
        if (str_eq_nocase(list->items[i].type, STR("application/json")))
            chosen = &list->items[i];
    }
    return chosen;
}
