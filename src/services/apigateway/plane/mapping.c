/* Mapping expressions and simple templates: values of a request put into headers and bodies. */
#include "services/apigateway/plane/call.h"
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

static const struct {
    struct str prefix;
    enum mapping_source source;
} sources[] = {
    {STR_INIT("context."), MAPPING_CONTEXT},
    {STR_INIT("stageVariables."), MAPPING_STAGE_VARIABLE},
    {STR_INIT("method.request.header."), MAPPING_HEADER},
    {STR_INIT("method.request.querystring."), MAPPING_QUERY},
    {STR_INIT("method.request.path."), MAPPING_PATH},
};

/* Finds "context." and its like at the start of `text`; returns the length of the prefix, or 0. */
static size_t find_source(struct str text, enum mapping_source *out)
{
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        if (str_starts(text, sources[i].prefix)) {
            *out = sources[i].source;
            return sources[i].prefix.len;
        }
    }
    return 0;
}

bool mapping_parse(struct str prefix, struct str target, struct str expression, struct mapping *out)
{
    if (!str_starts(target, prefix))
        return false;
    out->header = str_slice(target, prefix.len, target.len);
    if (!header_name_is_valid(out->header))
        return false;
    if (expression.len >= 2 && expression.ptr[0] == '\'' && str_ends(expression, STR("'"))) {
        out->source = MAPPING_LITERAL;
        out->value = str_slice(expression, 1, expression.len - 2);
        return header_value_is_valid(out->value);
    }
    return mapping_source_parse(expression, out);
}

bool mapping_source_parse(struct str expression, struct mapping *out)
{
    size_t len = find_source(expression, &out->source);
    out->value = str_slice(expression, len, expression.len);
    return len > 0 && out->value.len > 0;
}

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
        return http_header_get(call->exchange, name);
    case MAPPING_QUERY:
        return query_parameter(call, name);
    case MAPPING_PATH:
        for (size_t i = 0; call->method && i < call->route.parameter_count; i++) {
            if (str_eq(call->route.parameters[i].name, name))
                return call->route.parameters[i].value;
        }
        break;
    }
    return (struct str){NULL, 0};
}

struct str mapping_value(const struct api_call *call, const struct mapping *mapping)
{
    struct str value = call_parameter(call, mapping->source, mapping->value);
    return value.ptr && header_value_is_valid(value) ? value : (struct str){NULL, 0};
}

size_t mapping_headers(const struct api_call *call, const struct mapping_list *list,
                       struct http_header *out)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct str value = mapping_value(call, &list->items[i]);
        if (value.ptr)
            out[count++] = (struct http_header){list->items[i].header, value};
    }
    return count;
}

/* --- Templates --- */

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_directive(struct str after_hash)
{
    static const struct str names[] = {
        STR_INIT("set"),     STR_INIT("if"),       STR_INIT("else"),   STR_INIT("end"),
        STR_INIT("foreach"), STR_INIT("include"),  STR_INIT("parse"),  STR_INIT("stop"),
        STR_INIT("break"),   STR_INIT("evaluate"), STR_INIT("define"), STR_INIT("macro"),
        STR_INIT("#"),       STR_INIT("*"),        STR_INIT("[["),     STR_INIT("{"),
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (str_starts(after_hash, names[i]))
            return true;
    }
    return false;
}

bool template_has_velocity(struct str text)
{
    for (size_t i = 0; i + 1 < text.len; i++) {
        char next = text.ptr[i + 1];
        if (text.ptr[i] == '$' && (is_letter(next) || next == '{' || next == '!'))
            return true;
        if (text.ptr[i] == '#' && is_directive(str_slice(text, i + 1, text.len)))
            return true;
    }
    return false;
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
    size_t prefix = find_source(reference, &source);
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
