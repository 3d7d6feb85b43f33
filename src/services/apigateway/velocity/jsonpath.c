/* JSONPath: each step makes the list of values that the next one starts from. */
#include "services/apigateway/velocity/jsonpath.h"

#include <ctype.h>

#include "wire/regex.h"

enum { MAX_VISITS = 200000, MAX_DEPTH = 32, MAX_PATH = 4096 };

struct values {
    yyjson_val **items;
    size_t count, room;
};

struct path {
    struct arena *arena;
    struct str in;
    size_t at;
    yyjson_val *root;
    size_t *visits; /* left; shared with the paths in filters */
    int depth;
    bool is_definite;
};

/* --- Helpers --- */

static char peek(const struct path *path)
{
    return path->at < path->in.len ? path->in.ptr[path->at] : '\0';
}

static void skip_blanks(struct path *path)
{
    while (peek(path) == ' ' || peek(path) == '\t')
        path->at++;
}

static bool take(struct path *path, const char *text)
{
    struct str rest = str_slice(path->in, path->at, path->in.len);
    if (!str_starts(rest, str_from(text)))
        return false;
    path->at += strlen(text);
    return true;
}

static bool add(struct path *path, struct values *values, yyjson_val *value)
{
    if (*path->visits == 0)
        return false;
    (*path->visits)--;
    if (!value)
        return true;
    if (values->count == values->room) {
        size_t room = values->room ? values->room * 2 : 8;
        values->items =
            arena_realloc(path->arena, values->items, values->room * sizeof(yyjson_val *),
                          room * sizeof(yyjson_val *));
        values->room = room;
    }
    values->items[values->count++] = value;
    return true;
}

static bool is_name_byte(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '$' || (unsigned char)c >= 128;
}

static struct str take_name(struct path *path)
{
    size_t start = path->at;
    while (is_name_byte(peek(path)))
        path->at++;
    return str_slice(path->in, start, path->at - start);
}

/* 'text' or "text", with backslashes before what would end it. */
static bool take_quoted(struct path *path, struct str *out)
{
    char quote = peek(path);
    if (quote != '\'' && quote != '"')
        return false;
    char *text = arena_alloc(path->arena, path->in.len + 1);
    size_t len = 0;
    for (path->at++; peek(path) != quote; path->at++) {
        if (peek(path) == '\\')
            path->at++;
        if (path->at >= path->in.len)
            return false;
        text[len++] = peek(path);
    }
    path->at++;
    *out = str_make(text, len);
    return true;
}

static bool take_integer(struct path *path, int64_t *out)
{
    bool is_negative = take(path, "-");
    size_t start = path->at;
    int64_t value = 0;
    while (isdigit((unsigned char)peek(path)) && path->at - start < 9)
        value = value * 10 + (path->in.ptr[path->at++] - '0');
    *out = is_negative ? -value : value;
    return path->at > start;
}

/* --- Steps --- */

static bool select_name(struct path *path, const struct values *from, struct str name,
                        struct values *to)
{
    for (size_t i = 0; i < from->count; i++) {
        if (!add(path, to, yyjson_obj_getn(from->items[i], name.ptr, name.len)))
            return false;
    }
    return true;
}

static bool select_index(struct path *path, const struct values *from, int64_t index,
                         struct values *to)
{
    for (size_t i = 0; i < from->count; i++) {
        int64_t size = (int64_t)yyjson_arr_size(from->items[i]);
        int64_t place = index < 0 ? size + index : index;
        bool is_there = place >= 0 && place < size;
        if (!add(path, to, is_there ? yyjson_arr_get(from->items[i], (size_t)place) : NULL))
            return false;
    }
    return true;
}

static bool add_children(struct path *path, yyjson_val *value, struct values *to)
{
    size_t i, max;
    yyjson_val *key, *member;
    bool is_good = true;
    if (yyjson_is_arr(value)) {
        yyjson_arr_foreach (value, i, max, member)
            is_good = is_good && add(path, to, member);
    }
    if (yyjson_is_obj(value)) {
        yyjson_obj_foreach (value, i, max, key, member)
            is_good = is_good && add(path, to, member);
    }
    return is_good;
}

static bool select_all(struct path *path, const struct values *from, struct values *to)
{
    for (size_t i = 0; i < from->count; i++) {
        if (!add_children(path, from->items[i], to))
            return false;
    }
    return true;
}

/* The value, and all lists and objects below it. */
static bool add_below(struct path *path, yyjson_val *value, int depth, struct values *to)
{
    struct values children = {0};
    if (depth > MAX_DEPTH * 8 || !add(path, to, value) || !add_children(path, value, &children))
        return false;
    for (size_t i = 0; i < children.count; i++) {
        if ((yyjson_is_ctn(children.items[i])) &&
            !add_below(path, children.items[i], depth + 1, to))
            return false;
    }
    return true;
}

/* "[1:3]", "[:2]", "[-1:]" of each list. */
static bool select_slice(struct path *path, const struct values *from, int64_t first, bool has_last,
                         int64_t last, struct values *to)
{
    for (size_t i = 0; i < from->count; i++) {
        int64_t size = (int64_t)yyjson_arr_size(from->items[i]);
        int64_t start = first < 0 ? first + size : first;
        int64_t end = !has_last ? size : last < 0 ? last + size : last;
        size_t place, max;
        yyjson_val *member;
        yyjson_arr_foreach (from->items[i], place, max, member) {
            if ((int64_t)place >= start && (int64_t)place < end && !add(path, to, member))
                return false;
        }
    }
    return true;
}

static bool run_steps(struct path *path, struct values *values);

/* --- Filters --- */

struct operand {
    bool is_there;
    yyjson_val *value; /* of a path or a literal */
};

static bool take_or(struct path *path, yyjson_val *current, bool *out);

/* "@.a.b" or "$.a". */
static bool take_path(struct path *path, yyjson_val *current, struct operand *out)
{
    bool is_root = peek(path) == '$';
    path->at++;
    struct path inner = *path;
    struct values values = {0};
    if (++inner.depth > MAX_DEPTH || !add(&inner, &values, is_root ? path->root : current) ||
        !run_steps(&inner, &values))
        return false;
    path->at = inner.at;
    out->is_there = values.count > 0;
    out->value = values.count ? values.items[0] : NULL;
    return true;
}

static bool take_literal(struct path *path, struct operand *out)
{
    struct str text;
    yyjson_val *value = arena_new(path->arena, yyjson_val);
    *out = (struct operand){true, value};
    if (take_quoted(path, &text))
        return yyjson_set_strn(value, text.ptr, text.len);
    size_t start = path->at;
    while (isalnum((unsigned char)peek(path)) || (peek(path) && strchr("+-.", peek(path))))
        path->at++;
    out->value = json_parse(path->arena, str_slice(path->in, start, path->at - start));
    return out->value != NULL;
}

static bool take_operand(struct path *path, yyjson_val *current, struct operand *out)
{
    skip_blanks(path);
    bool is_good = peek(path) == '@' || peek(path) == '$' ? take_path(path, current, out)
                                                          : take_literal(path, out);
    skip_blanks(path);
    return is_good;
}

static bool values_equal(const struct operand *left, const struct operand *right)
{
    if (!left->is_there || !right->is_there)
        return !left->is_there && !right->is_there;
    if (yyjson_is_num(left->value) && yyjson_is_num(right->value))
        return yyjson_get_num(left->value) == yyjson_get_num(right->value);
    return yyjson_equals(left->value, right->value);
}

/* -1, 0, 1; false when the two have no order. */
static bool compare(const struct operand *left, const struct operand *right, int *out)
{
    if (yyjson_is_num(left->value) && yyjson_is_num(right->value)) {
        double a = yyjson_get_num(left->value), b = yyjson_get_num(right->value);
        *out = (a > b) - (a < b);
        return true;
    }
    if (!yyjson_is_str(left->value) || !yyjson_is_str(right->value))
        return false;
    *out = str_cmp(json_str(left->value), json_str(right->value));
    return true;
}

/* "=~ /regex/i" */
static bool take_match(struct path *path, const struct operand *left, bool *out)
{
    skip_blanks(path);
    if (!take(path, "/"))
        return false;
    size_t start = path->at;
    while (peek(path) != '/' && peek(path) != '\0')
        path->at += peek(path) == '\\' ? 2 : 1;
    struct str pattern = str_slice(path->in, start, path->at - start);
    if (!take(path, "/"))
        return false;
    if (take(path, "i"))
        pattern = arena_printf(path->arena, "(?i)%.*s", STR_ARG(pattern));
    const struct regex *regex = regex_compile(path->arena, REGEX_JAVA, pattern);
    *out = regex && yyjson_is_str(left->value) &&
           regex_match(regex, json_str(left->value)) == REGEX_MATCHES;
    return regex != NULL;
}

static bool take_comparison(struct path *path, yyjson_val *current, bool *out)
{
    static const char *const operators[] = {"==", "!=", "<=", ">=", "<", ">"};
    struct operand left = {0}, right = {0};
    size_t which = 0;
    int order;
    if (!take_operand(path, current, &left))
        return false;
    if (take(path, "=~"))
        return take_match(path, &left, out);
    while (which < 6 && !take(path, operators[which]))
        which++;
    *out = left.is_there;
    if (which == 6)
        return true; /* the path alone: whether it is there */
    if (!take_operand(path, current, &right))
        return false;
    if (which < 2) {
        *out = values_equal(&left, &right) == (which == 0);
        return true;
    }
    bool has_order = compare(&left, &right, &order);
    *out = has_order && (which == 2   ? order <= 0
                         : which == 3 ? order >= 0
                         : which == 4 ? order < 0
                                      : order > 0);
    return true;
}

static bool take_not(struct path *path, yyjson_val *current, bool *out)
{
    skip_blanks(path);
    if (++path->depth > MAX_DEPTH)
        return false;
    bool is_good;
    if (peek(path) == '!' && take(path, "!")) {
        is_good = take_not(path, current, out);
        *out = !*out;
    } else if (take(path, "(")) {
        is_good = take_or(path, current, out) && take(path, ")");
    } else {
        is_good = take_comparison(path, current, out);
    }
    skip_blanks(path);
    path->depth--;
    return is_good;
}

static bool take_and(struct path *path, yyjson_val *current, bool *out)
{
    bool is_good = take_not(path, current, out), more;
    while (is_good && take(path, "&&")) {
        is_good = take_not(path, current, &more);
        *out = *out && more;
    }
    return is_good;
}

static bool take_or(struct path *path, yyjson_val *current, bool *out)
{
    bool is_good = take_and(path, current, out), more;
    while (is_good && take(path, "||")) {
        is_good = take_and(path, current, &more);
        *out = *out || more;
    }
    return is_good;
}

/* Behind "[?(": the members for which the expression is true. It is read anew for each. */
static bool select_filtered(struct path *path, const struct values *from, struct values *to)
{
    struct values members = {0};
    size_t start = path->at;
    bool is_true;
    if (!select_all(path, from, &members))
        return false;
    for (size_t i = 0; i < members.count; i++) {
        path->at = start;
        is_true = false;
        if (!take_or(path, members.items[i], &is_true) ||
            (is_true && !add(path, to, members.items[i])))
            return false;
    }
    if (members.count == 0 && !take_or(path, path->root, &is_true))
        return false;
    return take(path, ")");
}

/* --- Brackets --- */

static bool select_names(struct path *path, const struct values *from, struct values *to)
{
    struct str name;
    size_t count = 0;
    do {
        skip_blanks(path);
        if (!take_quoted(path, &name) || !select_name(path, from, name, to))
            return false;
        count++;
        skip_blanks(path);
    } while (take(path, ","));
    path->is_definite &= count == 1;
    return true;
}

static bool select_places(struct path *path, const struct values *from, struct values *to)
{
    int64_t first = 0, last = 0;
    bool has_first = take_integer(path, &first);
    if (take(path, ":")) {
        bool has_last = take_integer(path, &last);
        path->is_definite = false;
        return select_slice(path, from, first, has_last, last, to);
    }
    if (!has_first || !select_index(path, from, first, to))
        return false;
    for (skip_blanks(path); take(path, ","); skip_blanks(path)) {
        skip_blanks(path);
        path->is_definite = false;
        if (!take_integer(path, &first) || !select_index(path, from, first, to))
            return false;
    }
    return true;
}

static bool run_bracket(struct path *path, const struct values *from, struct values *to)
{
    bool is_good;
    skip_blanks(path);
    if (take(path, "*")) {
        path->is_definite = false;
        is_good = select_all(path, from, to);
    } else if (take(path, "?(")) {
        path->is_definite = false;
        is_good = select_filtered(path, from, to);
    } else if (peek(path) == '\'' || peek(path) == '"') {
        is_good = select_names(path, from, to);
    } else {
        is_good = select_places(path, from, to);
    }
    skip_blanks(path);
    return is_good && take(path, "]");
}

/* --- Paths --- */

static bool select_length(struct path *path, const struct values *from, struct values *to)
{
    for (size_t i = 0; i < from->count; i++) {
        yyjson_val *made = arena_new(path->arena, yyjson_val), *value = from->items[i];
        size_t size = yyjson_is_str(value) ? yyjson_get_len(value) : unsafe_yyjson_get_len(value);
        if (!yyjson_is_str(value) && !yyjson_is_ctn(value))
            continue;
        yyjson_set_uint(made, size);
        if (!add(path, to, made))
            return false;
    }
    return true;
}

static bool run_dot(struct path *path, const struct values *from, struct values *to)
{
    if (take(path, "*")) {
        path->is_definite = false;
        return select_all(path, from, to);
    }
    if (take(path, "length()"))
        return select_length(path, from, to);
    struct str name = take_name(path);
    return name.len > 0 && select_name(path, from, name, to);
}

static bool run_below(struct path *path, const struct values *from, struct values *to)
{
    struct values all = {0};
    path->is_definite = false;
    for (size_t i = 0; i < from->count; i++) {
        if (!add_below(path, from->items[i], 0, &all))
            return false;
    }
    return take(path, "[") ? run_bracket(path, &all, to) : run_dot(path, &all, to);
}

/* As far as there are steps; `values` becomes what they end at. */
static bool run_steps(struct path *path, struct values *values)
{
    for (;;) {
        struct values next = {0};
        bool is_good;
        if (take(path, ".."))
            is_good = run_below(path, values, &next);
        else if (take(path, "."))
            is_good = run_dot(path, values, &next);
        else if (take(path, "["))
            is_good = run_bracket(path, values, &next);
        else
            return true;
        if (!is_good)
            return false;
        *values = next;
    }
}

bool jsonpath_find(struct arena *arena, struct str text, yyjson_val *root,
                   struct jsonpath_result *out)
{
    size_t visits = MAX_VISITS;
    struct path path = {
        .arena = arena, .in = text, .root = root, .visits = &visits, .is_definite = true};
    struct values values = {0};
    *out = (struct jsonpath_result){0};
    if (text.len > MAX_PATH)
        return false;
    take(&path, "$");
    /* "name" is ".name". */
    bool is_good = add(&path, &values, root);
    if (is_name_byte(peek(&path))) {
        struct values next = {0};
        is_good = is_good && run_dot(&path, &values, &next);
        values = next;
    }
    is_good = is_good && run_steps(&path, &values) && path.at == text.len;
    out->visits = MAX_VISITS - visits;
    if (!is_good)
        return false;
    out->items = values.items;
    out->count = values.count;
    out->is_definite = path.is_definite;
    return true;
}

yyjson_val *jsonpath_first(struct arena *arena, struct str path, yyjson_val *root)
{
    struct jsonpath_result result;
    return jsonpath_find(arena, path, root, &result) && result.count ? result.items[0] : NULL;
}
