/* Properties and methods of values: those of Java's String, List, Map and numbers that templates
 * use. What there is not is VALUE_NULL, so that the reference prints as it stands. */
#include <ctype.h>

#include "services/apigateway/velocity/renderer.h"
#include "wire/regex.h"

static const struct value nothing = {.kind = VALUE_NULL};
static const struct value absent = {.kind = VALUE_ABSENT};

static struct str text_argument(struct renderer *r, const struct arguments *arguments, size_t index)
{
    return index < arguments->count ? render_value(r, arguments->items[index]) : STR_EMPTY;
}

/* False when there is no such argument, or it is no whole number. */
static bool integer_argument(const struct arguments *arguments, size_t index, int64_t *out)
{
    if (index >= arguments->count || arguments->items[index].kind != VALUE_INTEGER)
        return false;
    *out = arguments->items[index].integer;
    return true;
}

/* --- Texts --- */

enum text_method {
    TEXT_LENGTH,
    TEXT_IS_EMPTY,
    TEXT_SUBSTRING,
    TEXT_CHAR_AT,
    TEXT_INDEX_OF,
    TEXT_LAST_INDEX_OF,
    TEXT_CONTAINS,
    TEXT_STARTS_WITH,
    TEXT_ENDS_WITH,
    TEXT_EQUALS,
    TEXT_EQUALS_IGNORE_CASE,
    TEXT_COMPARE_TO,
    TEXT_MATCHES,
    TEXT_REPLACE,
    TEXT_REPLACE_ALL,
    TEXT_REPLACE_FIRST,
    TEXT_SPLIT,
    TEXT_TRIM,
    TEXT_TO_LOWER_CASE,
    TEXT_TO_UPPER_CASE,
    TEXT_CONCAT,
    TEXT_TO_STRING,
};

static const struct {
    const char *name;
    enum text_method method;
    size_t arguments; /* at least */
} text_methods[] = {
    {"length", TEXT_LENGTH, 0},
    {"size", TEXT_LENGTH, 0},
    {"isEmpty", TEXT_IS_EMPTY, 0},
    {"substring", TEXT_SUBSTRING, 1},
    {"charAt", TEXT_CHAR_AT, 1},
    {"indexOf", TEXT_INDEX_OF, 1},
    {"lastIndexOf", TEXT_LAST_INDEX_OF, 1},
    {"contains", TEXT_CONTAINS, 1},
    {"startsWith", TEXT_STARTS_WITH, 1},
    {"endsWith", TEXT_ENDS_WITH, 1},
    {"equals", TEXT_EQUALS, 1},
    {"equalsIgnoreCase", TEXT_EQUALS_IGNORE_CASE, 1},
    {"compareTo", TEXT_COMPARE_TO, 1},
    {"matches", TEXT_MATCHES, 1},
    {"replace", TEXT_REPLACE, 2},
    {"replaceAll", TEXT_REPLACE_ALL, 2},
    {"replaceFirst", TEXT_REPLACE_FIRST, 2},
    {"split", TEXT_SPLIT, 1},
    {"trim", TEXT_TRIM, 0},
    {"toLowerCase", TEXT_TO_LOWER_CASE, 0},
    {"toUpperCase", TEXT_TO_UPPER_CASE, 0},
    {"concat", TEXT_CONCAT, 1},
    {"toString", TEXT_TO_STRING, 0},
};

/* Positions count UTF-16 code units in Java; here they count characters, which differs only for
 * those beyond the basic plane. */
static size_t character_count(struct str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
    return count;
}

/* The byte where character `index` begins; text.len behind the last one. */
static size_t byte_of(struct str text, size_t index)
{
    size_t at = 0;
    while (at < text.len) {
        bool is_start = ((unsigned char)text.ptr[at] & 0xc0) != 0x80;
        if (is_start && index-- == 0)
            break;
        at++;
    }
    return at;
}

static struct value substring(struct str text, const struct arguments *arguments)
{
    int64_t count = (int64_t)character_count(text), from, to = count;
    bool has_end = arguments->count < 2 || integer_argument(arguments, 1, &to);
    if (!integer_argument(arguments, 0, &from) || !has_end || from < 0 || to > count || from > to)
        return nothing;
    size_t start = byte_of(text, (size_t)from), end = byte_of(text, (size_t)to);
    return value_text(str_slice(text, start, end - start));
}

static struct value char_at(struct str text, const struct arguments *arguments)
{
    int64_t index;
    if (!integer_argument(arguments, 0, &index) || index < 0 ||
        index >= (int64_t)character_count(text))
        return nothing;
    size_t start = byte_of(text, (size_t)index), end = byte_of(text, (size_t)index + 1);
    return value_text(str_slice(text, start, end - start));
}

static struct value index_of(struct str text, struct str part, bool is_last)
{
    ptrdiff_t found = str_find(text, part);
    for (ptrdiff_t next = found; is_last && next >= 0;) {
        found = next;
        struct str rest = str_slice(text, (size_t)found + 1, text.len);
        next = (size_t)found < text.len ? str_find(rest, part) : -1;
        next = next < 0 ? -1 : next + found + 1;
    }
    if (found < 0)
        return value_integer(-1);
    return value_integer((int64_t)character_count(str_slice(text, 0, (size_t)found)));
}

static struct value replace_text(struct renderer *r, struct str text, struct str from,
                                 struct str to)
{
    struct buf out;
    buf_init_arena(&out, r->arena, r->bytes);
    ptrdiff_t found;
    while (from.len && (found = str_find(text, from)) >= 0) {
        buf_add(&out, str_slice(text, 0, (size_t)found));
        buf_add(&out, to);
        text = str_slice(text, (size_t)found + from.len, text.len);
    }
    buf_add(&out, text);
    if (out.is_full)
        return render_fail(r, "the template's text is too long");
    r->bytes -= out.len;
    return value_text(buf_str(&out));
}

static const struct regex *compile(struct renderer *r, enum regex_kind kind, struct str pattern)
{
    enum { STEPS = 100 };
    if (!render_step(r, STEPS))
        return NULL;
    const struct regex *regex = regex_compile(r->arena, kind, pattern);
    if (!regex)
        render_fail(r, "a regular expression is not valid");
    return regex;
}

/* Java's replacement text: "$1" is a group, a backslash takes the next character as it is. */
static void add_replacement(struct buf *out, struct str text, const struct regex_span *spans,
                            size_t span_count, struct str replacement)
{
    for (size_t i = 0; i < replacement.len; i++) {
        char c = replacement.ptr[i];
        bool has_next = i + 1 < replacement.len;
        if (c == '\\' && has_next) {
            buf_add_byte(out, replacement.ptr[++i]);
        } else if (c == '$' && has_next && isdigit((unsigned char)replacement.ptr[i + 1])) {
            size_t group = (size_t)(replacement.ptr[++i] - '0');
            if (group < span_count)
                buf_add(out, str_slice(text, spans[group].start, spans[group].len));
        } else {
            buf_add_byte(out, c);
        }
    }
}

static struct value replace_pattern(struct renderer *r, struct str text, struct str pattern,
                                    struct str replacement, bool is_all)
{
    const struct regex *regex = compile(r, REGEX_ECMA, pattern);
    struct regex_span spans[REGEX_MAX_SPANS];
    struct buf out;
    size_t at = 0, count;
    buf_init_arena(&out, r->arena, r->bytes);
    while (regex && (count = regex_find(regex, text, at, spans)) && render_step(r, 1)) {
        buf_add(&out, str_slice(text, at, spans[0].start - at));
        add_replacement(&out, text, spans, count, replacement);
        at = spans[0].start + spans[0].len;
        if (spans[0].len == 0 && at < text.len)
            buf_add_byte(&out, text.ptr[at]);
        at += spans[0].len == 0;
        if (!is_all || at > text.len || out.is_full)
            break;
    }
    if (at < text.len)
        buf_add(&out, str_slice(text, at, text.len));
    if (out.is_full)
        return render_fail(r, "the template's text is too long");
    r->bytes -= out.len;
    return value_text(buf_str(&out));
}

/* As Java's: empty parts at the end are left out. */
static struct value split(struct renderer *r, struct str text, const struct arguments *arguments)
{
    const struct regex *regex = compile(r, REGEX_ECMA, text_argument(r, arguments, 0));
    struct regex_span spans[REGEX_MAX_SPANS];
    struct value list = value_new_list(r->arena);
    int64_t limit = 0;
    size_t start = 0, at = 0;
    integer_argument(arguments, 1, &limit);
    while (regex && at <= text.len && regex_find(regex, text, at, spans) && render_step(r, 1)) {
        bool is_empty = spans[0].len == 0;
        size_t end = spans[0].start;
        at = end + spans[0].len + is_empty;
        if (is_empty && (end == 0 || end >= text.len))
            continue;
        if (limit > 0 && (int64_t)list.list->count + 1 >= limit)
            break;
        list_add(r->arena, list.list, value_text(str_slice(text, start, end - start)));
        start = end + spans[0].len;
    }
    list_add(r->arena, list.list, value_text(str_slice(text, start, text.len)));
    while (limit == 0 && list.list->count > 1 &&
           list.list->items[list.list->count - 1].text.len == 0)
        list.list->count--;
    return list;
}

static struct value fold_case(struct renderer *r, struct str text, int (*fold)(int c))
{
    char *out = arena_alloc(r->arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        out[i] = (char)(c < 128 ? fold(c) : c);
    }
    return value_text(str_make(out, text.len));
}

static struct value matches(struct renderer *r, struct str text, struct str pattern)
{
    const struct regex *regex = compile(r, REGEX_JAVA, pattern);
    return value_bool(regex && regex_match(regex, text) == REGEX_MATCHES);
}

static struct value run_text_method(struct renderer *r, struct str text, enum text_method method,
                                    const struct arguments *arguments)
{
    struct str first = text_argument(r, arguments, 0);
    switch (method) {
    case TEXT_LENGTH:
        return value_integer((int64_t)character_count(text));
    case TEXT_IS_EMPTY:
        return value_bool(text.len == 0);
    case TEXT_SUBSTRING:
        return substring(text, arguments);
    case TEXT_CHAR_AT:
        return char_at(text, arguments);
    case TEXT_INDEX_OF:
    case TEXT_LAST_INDEX_OF:
        return index_of(text, first, method == TEXT_LAST_INDEX_OF);
    case TEXT_CONTAINS:
        return value_bool(str_find(text, first) >= 0);
    case TEXT_STARTS_WITH:
        return value_bool(str_starts(text, first));
    case TEXT_ENDS_WITH:
        return value_bool(str_ends(text, first));
    case TEXT_EQUALS:
        return value_bool(arguments->items[0].kind == VALUE_TEXT && str_eq(text, first));
    case TEXT_EQUALS_IGNORE_CASE:
        return value_bool(str_eq_nocase(text, first));
    case TEXT_COMPARE_TO:
        return value_integer(str_cmp(text, first));
    case TEXT_MATCHES:
        return matches(r, text, first);
    case TEXT_REPLACE:
        return replace_text(r, text, first, text_argument(r, arguments, 1));
    case TEXT_REPLACE_ALL:
    case TEXT_REPLACE_FIRST:
        return replace_pattern(r, text, first, text_argument(r, arguments, 1),
                               method == TEXT_REPLACE_ALL);
    case TEXT_SPLIT:
        return split(r, text, arguments);
    case TEXT_TRIM:
        return value_text(str_trim(text));
    case TEXT_TO_LOWER_CASE:
        return fold_case(r, text, tolower);
    case TEXT_TO_UPPER_CASE:
        return fold_case(r, text, toupper);
    case TEXT_CONCAT:
        return value_text(arena_printf(r->arena, "%.*s%.*s", STR_ARG(text), STR_ARG(first)));
    case TEXT_TO_STRING:
        break;
    }
    return value_text(text);
}

static struct value call_text(struct renderer *r, struct str text, struct str name,
                              const struct arguments *arguments)
{
    for (size_t i = 0; i < sizeof(text_methods) / sizeof(text_methods[0]); i++) {
        if (!str_eq(name, str_from(text_methods[i].name)))
            continue;
        if (arguments->count < text_methods[i].arguments || !render_step(r, 1 + text.len / 256))
            return nothing;
        return run_text_method(r, text, text_methods[i].method, arguments);
    }
    return nothing;
}

/* --- Lists --- */

static struct value *list_place(const struct list *list, const struct arguments *arguments)
{
    int64_t index;
    if (!integer_argument(arguments, 0, &index) || index < 0 || index >= (int64_t)list->count)
        return NULL;
    return &list->items[index];
}

static int64_t list_find(struct renderer *r, const struct list *list, struct value value)
{
    for (size_t i = 0; i < list->count && render_step(r, 1); i++) {
        if (render_equals(r, list->items[i], value))
            return (int64_t)i;
    }
    return -1;
}

static struct value list_remove(struct list *list, struct value *place)
{
    if (!place)
        return nothing;
    struct value removed = *place;
    size_t index = (size_t)(place - list->items);
    memmove(place, place + 1, (list->count - index - 1) * sizeof(*place));
    list->count--;
    return removed;
}

static struct value list_insert(struct renderer *r, struct list *list,
                                const struct arguments *arguments)
{
    int64_t index = (int64_t)list->count;
    struct value added = arguments->items[arguments->count - 1];
    if (arguments->count > 1 &&
        (!integer_argument(arguments, 0, &index) || index < 0 || index > (int64_t)list->count))
        return nothing;
    list_add(r->arena, list, added);
    memmove(&list->items[index + 1], &list->items[index],
            (list->count - 1 - (size_t)index) * sizeof(*list->items));
    list->items[index] = added;
    return value_bool(true);
}

static struct value list_add_all(struct renderer *r, struct list *list, struct value more)
{
    render_open(r, &more);
    for (size_t i = 0; more.kind == VALUE_LIST && i < more.list->count && render_step(r, 1); i++)
        list_add(r->arena, list, more.list->items[i]);
    return value_bool(true);
}

static struct value sub_list(struct renderer *r, const struct list *list,
                             const struct arguments *arguments)
{
    struct value out = value_new_list(r->arena);
    int64_t from, to;
    if (!integer_argument(arguments, 0, &from) || !integer_argument(arguments, 1, &to) ||
        from < 0 || from > to || to > (int64_t)list->count)
        return nothing;
    for (int64_t i = from; i < to && render_step(r, 1); i++)
        list_add(r->arena, out.list, list->items[i]);
    return out;
}

static struct value call_list(struct renderer *r, struct list *list, struct str name,
                              const struct arguments *arguments)
{
    struct value *place = list_place(list, arguments);
    struct value first = arguments->count ? arguments->items[0] : nothing;
    if (str_eq(name, STR("size")) || str_eq(name, STR("length")))
        return value_integer((int64_t)list->count);
    if (str_eq(name, STR("isEmpty")))
        return value_bool(list->count == 0);
    if (str_eq(name, STR("get")))
        return place ? *place : nothing;
    if (str_eq(name, STR("add")) && arguments->count)
        return list_insert(r, list, arguments);
    if (str_eq(name, STR("addAll")) && arguments->count)
        return list_add_all(r, list, first);
    if (str_eq(name, STR("set")) && place && arguments->count > 1) {
        struct value before = *place;
        *place = arguments->items[1];
        return before;
    }
    if (str_eq(name, STR("remove")))
        return list_remove(list, place);
    if (str_eq(name, STR("contains")))
        return value_bool(list_find(r, list, first) >= 0);
    if (str_eq(name, STR("indexOf")))
        return value_integer(list_find(r, list, first));
    if (str_eq(name, STR("subList")))
        return sub_list(r, list, arguments);
    if (str_eq(name, STR("clear")))
        list->count = 0;
    return nothing;
}

/* --- Maps --- */

enum map_part { MAP_KEYS, MAP_VALUES, MAP_ENTRIES };

static struct value list_parts(struct renderer *r, struct members *map, enum map_part part)
{
    struct value list = value_new_list(r->arena);
    for (size_t i = 0; i < map->count && render_step(r, 1); i++) {
        struct entry *entry = arena_new(r->arena, struct entry);
        *entry = map->items[i];
        struct value item = part == MAP_KEYS ? value_text(entry->key)
                            : part == MAP_VALUES
                                ? entry->value
                                : (struct value){.kind = VALUE_ENTRY, .entry = entry};
        list_add(r->arena, list.list, item);
    }
    return list;
}

static struct value map_put_all(struct renderer *r, struct members *map, struct value more)
{
    render_open(r, &more);
    for (size_t i = 0; more.kind == VALUE_MAP && i < more.map->count && render_step(r, 1); i++)
        members_put(r->arena, map, more.map->items[i].key, more.map->items[i].value);
    return absent;
}

static bool map_has_value(struct renderer *r, const struct members *map, struct value value)
{
    for (size_t i = 0; i < map->count && render_step(r, 1); i++) {
        if (render_equals(r, map->items[i].value, value))
            return true;
    }
    return false;
}

/* What the methods that change a map give back prints as nothing, as where a map had no such key
 * before (API Gateway has no quiet way to call them). */
static struct value change_map(struct renderer *r, struct members *map, struct str name,
                               const struct arguments *arguments)
{
    struct str key = text_argument(r, arguments, 0);
    if (str_eq(name, STR("put")) && arguments->count > 1) {
        struct value *place = members_get(map, key);
        struct value before = place ? *place : absent;
        members_put(r->arena, map, key, arguments->items[1]);
        return before;
    }
    if (str_eq(name, STR("putAll")) && arguments->count)
        return map_put_all(r, map, arguments->items[0]);
    if (str_eq(name, STR("remove"))) {
        struct value *place = members_get(map, key);
        struct value before = place ? *place : absent;
        members_remove(map, key);
        return before;
    }
    if (str_eq(name, STR("clear")))
        map->count = 0;
    return nothing;
}

static struct value call_map(struct renderer *r, struct members *map, struct str name,
                             const struct arguments *arguments)
{
    struct str key = text_argument(r, arguments, 0);
    struct value *place = arguments->count ? members_get(map, key) : NULL;
    if (str_eq(name, STR("get")) && arguments->count)
        return place ? *place : absent;
    if (str_eq(name, STR("getOrDefault")) && arguments->count > 1)
        return place ? *place : arguments->items[1];
    if (str_eq(name, STR("size")))
        return value_integer((int64_t)map->count);
    if (str_eq(name, STR("isEmpty")))
        return value_bool(map->count == 0);
    if (str_eq(name, STR("containsKey")))
        return value_bool(place != NULL);
    if (str_eq(name, STR("containsValue")) && arguments->count)
        return value_bool(map_has_value(r, map, arguments->items[0]));
    if (str_eq(name, STR("keySet")))
        return list_parts(r, map, MAP_KEYS);
    if (str_eq(name, STR("values")))
        return list_parts(r, map, MAP_VALUES);
    if (str_eq(name, STR("entrySet")))
        return list_parts(r, map, MAP_ENTRIES);
    return change_map(r, map, name, arguments);
}

/* --- Numbers and truth values --- */

static struct value call_number(struct renderer *r, struct value value, struct str name,
                                const struct arguments *arguments)
{
    if (str_eq(name, STR("intValue")) || str_eq(name, STR("longValue"))) {
        double number = value_to_number(value);
        bool fits = value.kind == VALUE_INTEGER || (number > -9e18 && number < 9e18);
        return value.kind == VALUE_INTEGER ? value
               : fits                      ? value_integer((int64_t)number)
                                           : nothing;
    }
    if (str_eq(name, STR("doubleValue")) || str_eq(name, STR("floatValue")))
        return value_number(value_to_number(value));
    if (str_eq(name, STR("equals")) && arguments->count)
        return value_bool(render_equals(r, value, arguments->items[0]));
    if (str_eq(name, STR("compareTo")) && arguments->count &&
        value_is_numeric(arguments->items[0])) {
        double left = value_to_number(value), right = value_to_number(arguments->items[0]);
        return value_integer((left > right) - (left < right));
    }
    return nothing;
}

/* --- Loops and entries --- */

static struct value loop_property(const struct loop_state *loop, struct str name)
{
    if (str_eq(name, STR("index")))
        return value_integer(loop->index);
    if (str_eq(name, STR("count")))
        return value_integer(loop->index + 1);
    if (str_eq(name, STR("hasNext")))
        return value_bool(loop->has_next);
    if (str_eq(name, STR("first")))
        return value_bool(loop->index == 0);
    if (str_eq(name, STR("last")))
        return value_bool(!loop->has_next);
    if (str_eq(name, STR("parent")) && loop->outer)
        return (struct value){.kind = VALUE_LOOP, .loop = loop->outer};
    return nothing;
}

static struct value entry_property(const struct entry *entry, struct str name)
{
    return str_eq(name, STR("key"))     ? value_text(entry->key)
           : str_eq(name, STR("value")) ? entry->value
                                        : nothing;
}

/* "key" for "getKey", "last" for "isLast". */
static struct str bean_name(struct renderer *r, struct str name)
{
    size_t prefix = str_starts(name, STR("get")) ? 3 : str_starts(name, STR("is")) ? 2 : 0;
    if (!prefix || name.len == prefix)
        return name;
    struct str bare = arena_str(r->arena, str_slice(name, prefix, name.len));
    char *first = arena_alloc(r->arena, bare.len);
    memcpy(first, bare.ptr, bare.len);
    first[0] = (char)tolower((unsigned char)first[0]);
    return str_make(first, bare.len);
}

/* --- All --- */

static struct value map_member(struct renderer *r, const struct members *map, struct str name)
{
    struct value *place = render_step(r, map->count / 64) ? members_get(map, name) : NULL;
    return place ? *place : absent;
}

/* A null in JSON prints as nothing, as what is missing does. */
static struct value json_member(yyjson_val *json, struct str name)
{
    struct value value = value_of_json(yyjson_obj_getn(json, name.ptr, name.len));
    return value_is_nothing(value) ? absent : value;
}

struct value value_property(struct renderer *r, struct value *value, struct str name)
{
    switch (value->kind) {
    case VALUE_JSON:
        return json_member(value->json, name);
    case VALUE_MAP:
        return map_member(r, value->map, name);
    case VALUE_ENTRY:
        return entry_property(value->entry, name);
    case VALUE_LOOP:
        return loop_property(value->loop, name);
    case VALUE_INPUT:
        return input_property(r, name);
    case VALUE_CONTEXT:
        return context_member(r, value->text, name);
    case VALUE_STAGE_VARIABLES:
        return stage_variable_member(r, name);
    case VALUE_TEXT:
        return str_eq(name, STR("empty")) ? value_bool(value->text.len == 0) : nothing;
    case VALUE_LIST:
        return str_eq(name, STR("empty")) ? value_bool(value->list->count == 0) : nothing;
    default:
        return nothing;
    }
}

struct value value_index(struct renderer *r, struct value *value, struct value index)
{
    struct arguments arguments = {.items = {index}, .count = 1};
    bool is_list =
        value->kind == VALUE_LIST || (value->kind == VALUE_JSON && yyjson_is_arr(value->json));
    if (!is_list)
        return value_property(r, value, render_value(r, index));
    if (index.kind == VALUE_INTEGER && index.integer < 0)
        return nothing;
    return value_method(r, value, STR("get"), &arguments);
}

/* Gives nothing, as a map's put gives the value before. */
static struct value put_override(struct renderer *r, struct str prefix,
                                 const struct arguments *arguments)
{
    struct str name = text_argument(r, arguments, 0);
    render_override(r, arena_printf(r->arena, "%.*s.%.*s", STR_ARG(prefix), STR_ARG(name)),
                    arguments->items[1]);
    return absent;
}

/* $context and $stageVariables look like maps. */
static struct value call_names(struct renderer *r, struct value *value, struct str name,
                               const struct arguments *arguments)
{
    bool is_context = value->kind == VALUE_CONTEXT;
    if (str_eq(name, STR("keySet")))
        return is_context ? context_names(r, value->text) : stage_variable_names(r);
    if (!arguments->count)
        return nothing;
    if (is_context && str_eq(name, STR("put")) && arguments->count == 2)
        return put_override(r, value->text, arguments);
    struct value member = value_property(r, value, text_argument(r, arguments, 0));
    if (str_eq(name, STR("get")))
        return member;
    return str_eq(name, STR("containsKey")) ? value_bool(!value_is_nothing(member)) : nothing;
}

struct value value_method(struct renderer *r, struct value *value, struct str name,
                          const struct arguments *arguments)
{
    if (str_eq(name, STR("toString")) && value->kind >= VALUE_BOOL && value->kind <= VALUE_ENTRY)
        return value_text(render_value(r, *value));
    render_open(r, value);
    switch (value->kind) {
    case VALUE_TEXT:
        return call_text(r, value->text, name, arguments);
    case VALUE_LIST:
        return call_list(r, value->list, name, arguments);
    case VALUE_MAP:
        return render_step(r, value->map->count / 64) ? call_map(r, value->map, name, arguments)
                                                      : nothing;
    case VALUE_INTEGER:
    case VALUE_NUMBER:
    case VALUE_BOOL:
        return call_number(r, *value, name, arguments);
    case VALUE_INPUT:
        return input_method(r, name, arguments);
    case VALUE_UTIL:
        return util_method(r, name, arguments);
    case VALUE_CONTEXT:
    case VALUE_STAGE_VARIABLES:
        return call_names(r, value, name, arguments);
    case VALUE_ENTRY:
    case VALUE_LOOP:
        return value_property(r, value, bean_name(r, name));
    default:
        return nothing;
    }
}

bool method_changes(struct str name)
{
    static const char *const names[] = {"put", "putAll", "add", "addAll", "set", "remove", "clear"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (str_eq(name, str_from(names[i])))
            return true;
    }
    return false;
}
