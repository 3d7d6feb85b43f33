/* CloudFormation templates by libyaml's events. */
#include "wire/yaml.h"

#include <stdlib.h>
#include <yaml.h>

#include "base/map.h"

enum { MAX_DEPTH = 100, MAX_NODES = 200000 };

struct anchor {
    const yyjson_mut_val *value;
    struct anchor *next;
    struct str name;
};

struct builder {
    yaml_parser_t parser;
    yaml_event_t event; /* at hand */
    struct arena *arena;
    yyjson_mut_doc *doc;
    struct error *error;
    struct anchor *anchors;
    size_t nodes; /* made so far, aliases expanded */
    unsigned depth;
};

static enum err fail(struct builder *builder, const char *what)
{
    const yaml_mark_t *mark = &builder->event.start_mark;
    return error_set(builder->error, ERR_VALIDATION_ERROR,
                     "Template format error: YAML not well-formed. (line %zu, column %zu): %s",
                     mark->line + 1, mark->column + 1, what);
}

static enum err next_event(struct builder *builder)
{
    yaml_event_delete(&builder->event);
    if (yaml_parser_parse(&builder->parser, &builder->event))
        return OK;
    const yaml_mark_t *mark = &builder->parser.problem_mark;
    return error_set(builder->error, ERR_VALIDATION_ERROR,
                     "Template format error: YAML not well-formed. (line %zu, column %zu): %s",
                     mark->line + 1, mark->column + 1,
                     builder->parser.problem ? builder->parser.problem : "unreadable");
}

/* --- Scalars --- */

static bool is_one_of(struct str text, const char *const *words)
{
    for (; *words; words++) {
        if (str_eq(text, str_from(*words)))
            return true;
    }
    return false;
}

static bool looks_like_number(struct str text)
{
    bool has_digit = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c >= '0' && c <= '9')
            has_digit = true;
        else if (!(c == '.' || ((c == '-' || c == '+') && (i == 0 || text.ptr[i - 1] == 'e')) ||
                   (c == 'e' && has_digit)))
            return false;
    }
    return has_digit;
}

/* A number only where writing it again gives the same text: account ids and versions stay as they
 * are. */
static yyjson_mut_val *number(struct builder *builder, struct str text)
{
    int64_t integer;
    bool has_leading_zero = text.len > 1 && text.ptr[0] == '0' && text.ptr[1] != '.';
    if (has_leading_zero || !looks_like_number(text) || text.len > 60)
        return NULL;
    if (str_to_i64(text, &integer))
        return yyjson_mut_sint(builder->doc, integer);
    char copy[64], *end;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    double real = strtod(copy, &end);
    return *end == '\0' ? yyjson_mut_real(builder->doc, real) : NULL;
}

static yyjson_mut_val *plain_scalar(struct builder *builder, struct str text)
{
    static const char *const truths[] = {"true", "True", "TRUE", "yes", "Yes",
                                         "YES",  "on",   "On",   "ON",  NULL};
    static const char *const lies[] = {"false", "False", "FALSE", "no",  "No",
                                       "NO",    "off",   "Off",   "OFF", NULL};
    static const char *const nothings[] = {"", "~", "null", "Null", "NULL", NULL};
    if (is_one_of(text, truths))
        return yyjson_mut_bool(builder->doc, true);
    if (is_one_of(text, lies))
        return yyjson_mut_bool(builder->doc, false);
    if (is_one_of(text, nothings))
        return yyjson_mut_null(builder->doc);
    yyjson_mut_val *value = number(builder, text);
    return value ? value : yyjson_mut_strn(builder->doc, text.ptr, text.len);
}

static yyjson_mut_val *text_value(struct builder *builder, struct str text)
{
    return yyjson_mut_strn(builder->doc, text.ptr, text.len);
}

/* --- Tags --- */

/* "!Sub" as "Fn::Sub"; a NULL pointer for tags that are not functions. */
static struct str long_form(struct builder *builder, const yaml_char_t *tag)
{
    static const char *const functions[] = {
        "And",   "Base64",      "Cidr",         "Equals",    "FindInMap", "GetAtt", "GetAZs",
        "If",    "ImportValue", "Join",         "Length",    "Not",       "Or",     "Select",
        "Split", "Sub",         "ToJsonString", "Transform", NULL};
    struct str name = str_from((const char *)tag);
    if (!str_starts(name, STR("!")) || str_starts(name, STR("!!")))
        return (struct str){NULL, 0};
    name = str_slice(name, 1, name.len);
    if (str_eq(name, STR("Ref")) || str_eq(name, STR("Condition")))
        return arena_str(builder->arena, name);
    if (is_one_of(name, functions))
        return arena_printf(builder->arena, "Fn::%.*s", STR_ARG(name));
    return (struct str){NULL, 0};
}

static yyjson_mut_val *wrap(struct builder *builder, struct str function, yyjson_mut_val *value)
{
    yyjson_mut_val *object = yyjson_mut_obj(builder->doc);
    /* "!GetAtt a.b.c": the resource, then the attribute, which may have dots. */
    if (str_eq(function, STR("Fn::GetAtt")) && yyjson_mut_is_str(value)) {
        struct str rest = str_make(yyjson_mut_get_str(value), yyjson_mut_get_len(value)), head;
        yyjson_mut_val *pair = yyjson_mut_arr(builder->doc);
        str_cut(&rest, '.', &head);
        yyjson_mut_arr_append(pair, text_value(builder, head));
        yyjson_mut_arr_append(pair, text_value(builder, rest));
        value = pair;
    }
    yyjson_mut_obj_add(object, text_value(builder, function), value);
    return object;
}

/* --- Nodes --- */

static enum err read_node(struct builder *builder, yyjson_mut_val **out);

static void remember(struct builder *builder, const yaml_char_t *name, const yyjson_mut_val *value)
{
    if (!name)
        return;
    struct anchor *anchor = arena_new(builder->arena, struct anchor);
    anchor->name = arena_str(builder->arena, str_from((const char *)name));
    anchor->value = value;
    anchor->next = builder->anchors;
    builder->anchors = anchor;
}

static size_t count_nodes(const yyjson_mut_val *value)
{
    yyjson_mut_val *v = (yyjson_mut_val *)(uintptr_t)value, *key, *item;
    size_t i, max, count = 1;
    if (yyjson_mut_is_obj(v)) {
        yyjson_mut_obj_foreach (v, i, max, key, item)
            count += count_nodes(item);
    } else if (yyjson_mut_is_arr(v)) {
        yyjson_mut_arr_foreach (v, i, max, item)
            count += count_nodes(item);
    }
    return count;
}

static enum err read_alias(struct builder *builder, yyjson_mut_val **out)
{
    struct str name = str_from((const char *)builder->event.data.alias.anchor);
    for (struct anchor *anchor = builder->anchors; anchor; anchor = anchor->next) {
        if (!str_eq(anchor->name, name))
            continue;
        builder->nodes += count_nodes(anchor->value);
        if (builder->nodes > MAX_NODES)
            return fail(builder, "aliases expand to too much");
        *out = yyjson_mut_val_mut_copy(builder->doc, (yyjson_mut_val *)(uintptr_t)anchor->value);
        return OK;
    }
    return fail(builder, "unknown alias");
}

static enum err read_scalar(struct builder *builder, yyjson_mut_val **out)
{
    struct str text =
        arena_str(builder->arena, str_make((const char *)builder->event.data.scalar.value,
                                           builder->event.data.scalar.length));
    bool is_plain = builder->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    const yaml_char_t *tag = builder->event.data.scalar.tag;
    struct str function = tag ? long_form(builder, tag) : (struct str){NULL, 0};
    if (tag && !function.ptr && !str_eq(str_from((const char *)tag), STR("tag:yaml.org,2002:str")))
        return fail(builder, "unsupported tag");
    *out = is_plain && !tag ? plain_scalar(builder, text) : text_value(builder, text);
    if (function.ptr)
        *out = wrap(builder, function, text_value(builder, text));
    return OK;
}

static enum err read_sequence(struct builder *builder, yyjson_mut_val **out)
{
    yyjson_mut_val *list = yyjson_mut_arr(builder->doc), *item;
    enum err rc = next_event(builder);
    while (rc == OK && builder->event.type != YAML_SEQUENCE_END_EVENT) {
        rc = read_node(builder, &item);
        if (rc)
            return rc;
        yyjson_mut_arr_append(list, item);
        rc = next_event(builder);
    }
    *out = list;
    return rc;
}

/* "<<": members of the mapping (or of several) that are not given beside it. */
static enum err merge(struct builder *builder, yyjson_mut_val *into, yyjson_mut_val *from)
{
    yyjson_mut_val *key, *value, *item;
    size_t i, max;
    if (yyjson_mut_is_arr(from)) {
        yyjson_mut_arr_foreach (from, i, max, item) {
            enum err rc = merge(builder, into, item);
            if (rc)
                return rc;
        }
        return OK;
    }
    if (!yyjson_mut_is_obj(from))
        return fail(builder, "a merge key needs a mapping");
    yyjson_mut_obj_foreach (from, i, max, key, value) {
        if (!yyjson_mut_obj_getn(into, yyjson_mut_get_str(key), yyjson_mut_get_len(key)))
            yyjson_mut_obj_add(into, yyjson_mut_val_mut_copy(builder->doc, key),
                               yyjson_mut_val_mut_copy(builder->doc, value));
    }
    return OK;
}

static enum err read_member(struct builder *builder, struct map *seen, yyjson_mut_val *object,
                            yyjson_mut_val **merged)
{
    yyjson_mut_val *value;
    if (builder->event.type != YAML_SCALAR_EVENT)
        return fail(builder, "a key must be a scalar");
    struct str key =
        arena_str(builder->arena, str_make((const char *)builder->event.data.scalar.value,
                                           builder->event.data.scalar.length));
    bool is_merge =
        str_eq(key, STR("<<")) && builder->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (!is_merge && map_set(seen, key, builder))
        return fail(builder, "a key is given twice");
    enum err rc = next_event(builder);
    if (rc == OK)
        rc = read_node(builder, &value);
    if (rc)
        return rc;
    if (is_merge)
        *merged = value;
    else
        yyjson_mut_obj_add(object, text_value(builder, key), value);
    return next_event(builder);
}

static enum err read_mapping(struct builder *builder, yyjson_mut_val **out)
{
    yyjson_mut_val *object = yyjson_mut_obj(builder->doc), *merged = NULL;
    struct map seen = {0};
    enum err rc = next_event(builder);
    while (rc == OK && builder->event.type != YAML_MAPPING_END_EVENT)
        rc = read_member(builder, &seen, object, &merged);
    map_release(&seen);
    if (rc == OK && merged)
        rc = merge(builder, object, merged);
    *out = object;
    return rc;
}

static enum err read_collection(struct builder *builder, const yaml_char_t *tag,
                                const yaml_char_t *anchor,
                                enum err (*read)(struct builder *builder, yyjson_mut_val **out),
                                yyjson_mut_val **out)
{
    struct str function = tag ? long_form(builder, tag) : (struct str){NULL, 0};
    if (tag && !function.ptr && str_starts(str_from((const char *)tag), STR("!")))
        return fail(builder, "unsupported tag");
    const yaml_char_t *name =
        anchor ? (const yaml_char_t *)arena_cstr(builder->arena, str_from((const char *)anchor))
               : NULL;
    if (++builder->depth > MAX_DEPTH)
        return fail(builder, "nested too deeply");
    enum err rc = read(builder, out);
    builder->depth--;
    if (rc)
        return rc;
    if (function.ptr)
        *out = wrap(builder, function, *out);
    remember(builder, name, *out);
    return OK;
}

/* The node that the event at hand starts; afterwards its last event is at hand. */
static enum err read_node(struct builder *builder, yyjson_mut_val **out)
{
    if (++builder->nodes > MAX_NODES)
        return fail(builder, "the template is too large");
    enum err rc;
    switch ((int)builder->event.type) {
    case YAML_ALIAS_EVENT:
        return read_alias(builder, out);
    case YAML_SCALAR_EVENT:
        rc = read_scalar(builder, out);
        if (rc == OK)
            remember(builder, builder->event.data.scalar.anchor, *out);
        return rc;
    case YAML_SEQUENCE_START_EVENT:
        return read_collection(builder, builder->event.data.sequence_start.tag,
                               builder->event.data.sequence_start.anchor, read_sequence, out);
    case YAML_MAPPING_START_EVENT:
        return read_collection(builder, builder->event.data.mapping_start.tag,
                               builder->event.data.mapping_start.anchor, read_mapping, out);
    default:
        return fail(builder, "nothing there");
    }
}

static enum err read_document(struct builder *builder, yyjson_mut_val **out)
{
    enum err rc = next_event(builder); /* the stream */
    if (rc == OK)
        rc = next_event(builder); /* the document */
    if (rc == OK && builder->event.type != YAML_DOCUMENT_START_EVENT)
        rc = error_set(builder->error, ERR_VALIDATION_ERROR,
                       "Template format error: the template is empty");
    if (rc == OK)
        rc = next_event(builder);
    return rc ? rc : read_node(builder, out);
}

static enum err parse_yaml(struct arena *arena, struct str text, yyjson_val **out,
                           struct error *error)
{
    struct builder builder = {.arena = arena, .doc = json_doc(arena), .error = error};
    yyjson_mut_val *root = NULL;
    if (!yaml_parser_initialize(&builder.parser))
        abort();
    yaml_parser_set_input_string(&builder.parser, (const unsigned char *)text.ptr, text.len);
    enum err rc = read_document(&builder, &root);
    yaml_event_delete(&builder.event);
    yaml_parser_delete(&builder.parser);
    if (rc)
        return rc;
    *out = json_parse(arena, json_write(arena, root));
    return *out ? OK
                : error_set(error, ERR_VALIDATION_ERROR,
                            "Template format error: it is not valid UTF-8");
}

enum err yaml_parse(struct arena *arena, struct str text, yyjson_val **out, struct error *error)
{
    struct str start = text;
    while (start.len && strchr(" \t\r\n", start.ptr[0]))
        start = str_slice(start, 1, start.len);
    if (!str_starts(start, STR("{")))
        return parse_yaml(arena, text, out, error);
    *out = json_parse(arena, text);
    return *out ? OK
                : error_set(error, ERR_VALIDATION_ERROR,
                            "Template format error: JSON not well-formed.");
}
