/* What API Gateway adds to Velocity: $input, $util, $context and $stageVariables. */
#include <stdio.h>

#include "base/encode.h"
#include "services/apigateway/velocity/jsonpath.h"
#include "services/apigateway/velocity/renderer.h"

static const struct value nothing = {.kind = VALUE_NULL};
static const struct value absent = {.kind = VALUE_ABSENT};

struct value builtin_variable(struct renderer *r, struct str name)
{
    if (str_eq(name, STR("input")))
        return (struct value){.kind = VALUE_INPUT};
    if (str_eq(name, STR("util")))
        return (struct value){.kind = VALUE_UTIL};
    if (str_eq(name, STR("context")))
        return (struct value){.kind = VALUE_CONTEXT, .text = STR_EMPTY};
    if (str_eq(name, STR("stageVariables")))
        return (struct value){.kind = VALUE_STAGE_VARIABLES};
    if (str_eq(name, STR("foreach")) && r->loop)
        return (struct value){.kind = VALUE_LOOP, .loop = r->loop};
    if (str_eq(name, STR("velocityCount")) && r->loop)
        return value_integer(r->loop->index + 1);
    return nothing;
}

/* --- $input --- */

/* An empty body is an empty object. */
static yyjson_val *parsed_body(struct renderer *r)
{
    if (!r->is_body_parsed) {
        struct str body = r->source->body;
        r->body = json_parse(r->arena, str_trim(body).len ? body : STR("{}"));
        r->is_body_parsed = true;
    }
    return r->body;
}

/* The value at a path; several, or where several could be, are a list. NULL when there is none. */
static yyjson_val *find_in_body(struct renderer *r, struct str path)
{
    struct jsonpath_result result;
    yyjson_val *body = parsed_body(r);
    if (!body)
        return NULL;
    bool is_good = jsonpath_find(r->arena, path, body, &result);
    if (!render_step(r, 1 + result.visits / 8))
        return NULL;
    if (!is_good) {
        render_fail(r, "a JSONPath is not valid");
        return NULL;
    }
    if (result.is_definite)
        return result.count ? result.items[0] : NULL;
    yyjson_mut_doc *doc = json_doc(r->arena);
    yyjson_mut_val *list = yyjson_mut_arr(doc);
    for (size_t i = 0; i < result.count; i++)
        yyjson_mut_arr_append(list, yyjson_val_mut_copy(doc, result.items[i]));
    return json_parse(r->arena, json_write(r->arena, list));
}

/* A body that is no JSON is a text: "$" is that. */
static struct value input_path(struct renderer *r, struct str path)
{
    if (!parsed_body(r))
        return str_eq(path, STR("$")) ? value_text(r->source->body) : absent;
    struct value value = value_of_json(find_in_body(r, path));
    return value_is_nothing(value) ? absent : value;
}

/* Where there is nothing: an empty text in JSON. */
static struct value input_json(struct renderer *r, struct str path)
{
    if (!parsed_body(r))
        return value_text(str_eq(path, STR("$")) ? r->source->body : STR("\"\""));
    yyjson_val *found = find_in_body(r, path);
    return value_text(found ? json_write_val(r->arena, found) : STR("\"\""));
}

static struct value parameters_of(struct renderer *r, enum velocity_parameter kind)
{
    struct value map = value_new_map(r->arena);
    struct str name, value;
    for (size_t i = 0; r->source->parameter_at(r->source->arg, kind, i, &name, &value); i++) {
        if (!render_step(r, 1))
            break;
        members_put(r->arena, map.map, name, value_text(value));
    }
    return map;
}

static struct value all_parameters(struct renderer *r)
{
    if (r->parameters.kind != VALUE_MAP) {
        r->parameters = value_new_map(r->arena);
        struct members *map = r->parameters.map;
        members_add(r->arena, map, STR("path"), parameters_of(r, VELOCITY_PATH));
        members_add(r->arena, map, STR("querystring"), parameters_of(r, VELOCITY_QUERY));
        members_add(r->arena, map, STR("header"), parameters_of(r, VELOCITY_HEADER));
    }
    return r->parameters;
}

/* "From the path, query string, or header value (searched in that order)"; an empty text when it is
 * in none of them. */
static struct value find_parameter(struct renderer *r, struct str name)
{
    const struct velocity_source *source = r->source;
    struct str value = source->parameter(source->arg, VELOCITY_PATH, name);
    if (!value.ptr)
        value = source->parameter(source->arg, VELOCITY_QUERY, name);
    if (!value.ptr)
        value = source->parameter(source->arg, VELOCITY_HEADER, name);
    return value_text(value.ptr ? value : STR_EMPTY);
}

/* An empty body is "{}" here too. */
static struct value input_body(const struct renderer *r)
{
    return value_text(r->source->body.len ? r->source->body : STR("{}"));
}

struct value input_property(struct renderer *r, struct str name)
{
    return str_eq(name, STR("body")) ? input_body(r) : nothing;
}

struct value input_method(struct renderer *r, struct str name, const struct arguments *arguments)
{
    if (str_eq(name, STR("body")) && !arguments->count)
        return input_body(r);
    if (str_eq(name, STR("params")) && !arguments->count)
        return all_parameters(r);
    if (!arguments->count)
        return nothing;
    struct str argument = render_value(r, arguments->items[0]);
    if (str_eq(name, STR("params")))
        return find_parameter(r, argument);
    if (str_eq(name, STR("json")))
        return input_json(r, argument);
    return str_eq(name, STR("path")) ? input_path(r, argument) : nothing;
}

/* --- $util --- */

/* One character of UTF-8 at `at`, which moves behind it; a byte that is none stands for itself. */
static uint32_t next_character(struct str text, size_t *at)
{
    unsigned char first = (unsigned char)text.ptr[(*at)++];
    int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc0 ? 1 : 0;
    uint32_t value = more ? first & (0x3fU >> more) : first;
    for (; more && *at < text.len && ((unsigned char)text.ptr[*at] & 0xc0) == 0x80; more--)
        value = value << 6 | ((unsigned char)text.ptr[(*at)++] & 0x3f);
    return value;
}

static void add_unit(struct buf *out, uint32_t unit)
{
    buf_printf(out, "\\u%04X", unit & 0xffff);
}

/* As Apache Commons' escapeJavaScript, which API Gateway names: quotes, backslashes and slashes get
 * a backslash; what is not printable ASCII is \uXXXX. */
static struct value escape_javascript(struct renderer *r, struct str text)
{
    static const char plain[] = "\"'\\/", controls[] = "\b\n\t\f\r", letters[] = "bntfr";
    struct buf out;
    buf_init_arena(&out, r->arena, r->bytes);
    for (size_t at = 0; at < text.len && !out.is_full;) {
        uint32_t c = next_character(text, &at);
        const char *control = c && c < 0x20 ? strchr(controls, (int)c) : NULL;
        if (control || (c && c < 0x80 && strchr(plain, (int)c))) {
            buf_add_byte(&out, '\\');
            buf_add_byte(&out, control ? letters[control - controls] : (char)c);
        } else if (c >= 0x20 && c < 0x7f) {
            buf_add_byte(&out, (char)c);
        } else if (c > 0xffff) {
            add_unit(&out, 0xd800 + ((c - 0x10000) >> 10));
            add_unit(&out, 0xdc00 + ((c - 0x10000) & 0x3ff));
        } else {
            add_unit(&out, c);
        }
    }
    r->bytes -= out.len;
    return out.is_full ? render_fail(r, "the template's text is too long")
                       : value_text(buf_str(&out));
}

/* application/x-www-form-urlencoded, as Java's URLEncoder writes it. */
static struct value url_encode(struct renderer *r, struct str text)
{
    struct buf out;
    buf_init_arena(&out, r->arena, r->bytes);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool is_alphanumeric =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (is_alphanumeric || (c && strchr(".-*_", c)))
            buf_add_byte(&out, (char)c);
        else if (c == ' ')
            buf_add_byte(&out, '+');
        else
            buf_printf(&out, "%%%02X", c);
    }
    r->bytes -= out.len;
    return out.is_full ? render_fail(r, "the template's text is too long")
                       : value_text(buf_str(&out));
}

static struct value parse_json(struct renderer *r, struct str text)
{
    if (!render_step(r, 1 + text.len / 256))
        return nothing;
    yyjson_val *json = json_parse(r->arena, text);
    return json ? value_of_json(json) : render_fail(r, "$util.parseJson: the text is no JSON");
}

static struct value base64_decode(struct renderer *r, struct str text)
{
    struct str bytes;
    if (!decode_base64(r->arena, text, &bytes))
        return render_fail(r, "$util.base64Decode: the text is no base64");
    return value_text(bytes);
}

struct value util_method(struct renderer *r, struct str name, const struct arguments *arguments)
{
    if (arguments->count != 1 || value_is_nothing(arguments->items[0]))
        return absent;
    struct str text = render_value(r, arguments->items[0]);
    if (!render_step(r, 1 + text.len / 256))
        return nothing;
    if (str_eq(name, STR("escapeJavaScript")))
        return escape_javascript(r, text);
    if (str_eq(name, STR("parseJson")))
        return parse_json(r, text);
    if (str_eq(name, STR("urlEncode")))
        return url_encode(r, text);
    if (str_eq(name, STR("urlDecode")))
        return value_text(decode_percent(r->arena, text, true));
    if (str_eq(name, STR("base64Encode")))
        return value_text(encode_base64(r->arena, text));
    if (str_eq(name, STR("base64Decode")))
        return base64_decode(r, text);
    return nothing;
}

/* --- $context and $stageVariables --- */

static const struct {
    struct str prefix;
    enum velocity_override_kind kind;
} override_rules[] = {
    {STR_INIT("requestOverride.header."), OVERRIDE_REQUEST_HEADER},
    {STR_INIT("requestOverride.querystring."), OVERRIDE_REQUEST_QUERY},
    {STR_INIT("requestOverride.path."), OVERRIDE_REQUEST_PATH},
    {STR_INIT("responseOverride.header."), OVERRIDE_RESPONSE_HEADER},
    {STR_INIT("responseOverride.status"), OVERRIDE_RESPONSE_STATUS},
};

/* Lead to overrides and are none themselves. */
static const struct str override_ways[] = {
    STR_INIT("requestOverride"),
    STR_INIT("requestOverride.header"),
    STR_INIT("requestOverride.querystring"),
    STR_INIT("requestOverride.path"),
    STR_INIT("responseOverride"),
    STR_INIT("responseOverride.header"),
};

static bool is_override_way(struct str full)
{
    for (size_t i = 0; i < sizeof(override_ways) / sizeof(override_ways[0]); i++) {
        if (str_eq(full, override_ways[i]))
            return true;
    }
    return false;
}

bool override_named(struct str full, struct velocity_override *out)
{
    for (size_t i = 0; i < sizeof(override_rules) / sizeof(override_rules[0]); i++) {
        struct str prefix = override_rules[i].prefix;
        if (!str_starts(full, prefix))
            continue;
        *out = (struct velocity_override){override_rules[i].kind,
                                          str_slice(full, prefix.len, full.len), STR_EMPTY};
        return true;
    }
    *out = (struct velocity_override){OVERRIDE_OTHER, full, STR_EMPTY};
    return !is_override_way(full) && (str_starts(full, STR("requestOverride.")) ||
                                      str_starts(full, STR("responseOverride.")));
}

bool velocity_override_find(const struct velocity_override *overrides, size_t count,
                            struct str name, struct str *out)
{
    struct velocity_override wanted;
    bool is_named = override_named(name, &wanted);
    for (size_t i = count; is_named && i-- > 0;) {
        if (overrides[i].kind == wanted.kind && str_eq(overrides[i].name, wanted.name)) {
            *out = overrides[i].value;
            return true;
        }
    }
    return false;
}

/* What this template or the one before it has set, or the way there. */
static struct value override_member(struct renderer *r, struct str full)
{
    const struct velocity_source *source = r->source;
    struct str value;
    if (is_override_way(full))
        return (struct value){.kind = VALUE_CONTEXT, .text = full};
    if (velocity_override_find(r->overrides, r->override_count, full, &value) ||
        velocity_override_find(source->overrides, source->override_count, full, &value))
        return value_text(value);
    return absent;
}

struct value context_member(struct renderer *r, struct str prefix, struct str name)
{
    struct str full =
        prefix.len ? arena_printf(r->arena, "%.*s.%.*s", STR_ARG(prefix), STR_ARG(name)) : name;
    if (str_starts(full, STR("requestOverride")) || str_starts(full, STR("responseOverride")))
        return override_member(r, full);
    struct str value = r->source->context(r->source->arg, full);
    if (value.ptr)
        return value_text(value);
    struct str below;
    if (r->source->context_at(r->source->arg, full, 0, &below))
        return (struct value){.kind = VALUE_CONTEXT, .text = full};
    return absent;
}

struct value context_names(struct renderer *r, struct str prefix)
{
    struct value list = value_new_list(r->arena);
    struct str name;
    for (size_t i = 0; render_step(r, 1) && r->source->context_at(r->source->arg, prefix, i, &name);
         i++)
        list_add(r->arena, list.list, value_text(name));
    return list;
}

struct value stage_variable_member(struct renderer *r, struct str name)
{
    return value_text_or_absent(r->source->stage_variable(r->source->arg, name));
}

struct value stage_variable_names(struct renderer *r)
{
    struct value list = value_new_list(r->arena);
    struct str name;
    for (size_t i = 0; render_step(r, 1) && r->source->stage_variable_at(r->source->arg, i, &name);
         i++)
        list_add(r->arena, list.list, value_text(name));
    return list;
}
