/* Parsing filter patterns and matching messages with them. */
#include "services/logs/filter.h"

#include <math.h>
#include <stdlib.h>

#include "wire/json.h"
#include "wire/regex.h"

enum { MAX_DEPTH = 32, MAX_STEPS = 32, MAX_REGEXES = 2 };

/* --- The parsed form --- */

enum term_kind { TERM_INCLUDE, TERM_EXCLUDE, TERM_OPTIONAL };

struct term {
    enum term_kind kind;
    struct str text;
    const struct regex *regex; /* NULL: the text itself */
    struct term *next;
};

/* One step of a selector such as $.users[0].name. */
struct step {
    struct str member; /* a NULL pointer for an index */
    size_t index;      /* SIZE_MAX for [*] */
};

enum test {
    TEST_EQ,
    TEST_NE,
    TEST_LT,
    TEST_LE,
    TEST_GT,
    TEST_GE,
    TEST_IS_NULL,
    TEST_IS_TRUE,
    TEST_IS_FALSE,
    TEST_NOT_EXISTS,
    TEST_EXISTS,
};

enum node_kind { NODE_AND, NODE_OR, NODE_TEST };

struct node {
    enum node_kind kind;
    struct node *left, *right; /* of NODE_AND and NODE_OR */
    enum test test;
    struct step *steps; /* of a member in JSON */
    size_t step_count;
    size_t column; /* of a column in text */
    struct str text;
    const struct regex *regex; /* NULL: the text itself */
    bool is_quoted;
    bool is_number;
    double number;
};

enum filter_kind { FILTER_ALL, FILTER_TERMS, FILTER_JSON, FILTER_COLUMNS };

struct filter {
    enum filter_kind kind;
    struct term *terms;
    struct node *root;    /* NULL: any message of that form */
    size_t column_count;  /* of FILTER_COLUMNS */
    bool has_more_before; /* "[..., a, b]": columns count from the end */
    bool has_more_after;  /* "[a, b, ...]" */
};

/* --- Reading --- */

struct parser {
    struct arena *arena;
    struct str rest;
    struct error *error;
    unsigned depth;
    unsigned regexes; /* so far */
    bool has_columns; /* tests are about columns, which are named */
    struct str columns[64];
    size_t column_count;
};

static enum err invalid(struct parser *parser)
{
    return error_set(parser->error, ERR_LOGS_INVALID_PARAMETER, "Invalid filter pattern");
}

static void skip(struct parser *parser, size_t count)
{
    parser->rest = str_slice(parser->rest, count, parser->rest.len);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_space(struct parser *parser)
{
    while (parser->rest.len && is_space(parser->rest.ptr[0]))
        skip(parser, 1);
}

static char peek(const struct parser *parser)
{
    return parser->rest.len ? parser->rest.ptr[0] : '\0';
}

static bool take(struct parser *parser, struct str token)
{
    skip_space(parser);
    if (!str_starts(parser->rest, token))
        return false;
    skip(parser, token.len);
    return true;
}

/* A word in any case, not part of a longer one. */
static bool take_word(struct parser *parser, struct str word)
{
    skip_space(parser);
    if (!str_eq_nocase(str_slice(parser->rest, 0, word.len), word))
        return false;
    struct str behind = str_slice(parser->rest, word.len, 1);
    if (behind.len && !is_space(behind.ptr[0]) && !strchr(")}]&|,", behind.ptr[0]))
        return false;
    skip(parser, word.len);
    return true;
}

/* A text in quotes, where '\' keeps what follows. */
static enum err take_quoted(struct parser *parser, char quote, struct str *out)
{
    char *text = arena_alloc(parser->arena, parser->rest.len);
    size_t len = 0;
    skip(parser, 1);
    while (parser->rest.len && parser->rest.ptr[0] != quote) {
        if (parser->rest.ptr[0] == '\\' && parser->rest.len > 1)
            skip(parser, 1);
        text[len++] = parser->rest.ptr[0];
        skip(parser, 1);
    }
    if (parser->rest.len == 0)
        return invalid(parser);
    skip(parser, 1);
    *out = str_make(text, len);
    return OK;
}

static struct str take_until(struct parser *parser, const char *stops)
{
    size_t len = 0;
    while (len < parser->rest.len && !is_space(parser->rest.ptr[len]) &&
           !strchr(stops, parser->rest.ptr[len]))
        len++;
    struct str text = str_slice(parser->rest, 0, len);
    skip(parser, len);
    return text;
}

/* A regular expression between '%'; AWS has none with groups. */
static enum err take_regex(struct parser *parser, const struct regex **out)
{
    struct str rest = str_slice(parser->rest, 1, parser->rest.len);
    size_t len = 0;
    while (len < rest.len && rest.ptr[len] != '%') {
        if (rest.ptr[len] == '(' || rest.ptr[len] == ')')
            return invalid(parser);
        len += rest.ptr[len] == '\\' ? 2 : 1;
    }
    if (len >= rest.len || len == 0 || ++parser->regexes > MAX_REGEXES)
        return invalid(parser);
    *out = regex_compile(parser->arena, REGEX_ECMA, str_slice(rest, 0, len));
    if (!*out)
        return invalid(parser);
    skip(parser, len + 2);
    return OK;
}

/* --- Terms --- */

static enum err parse_term(struct parser *parser, struct term *out)
{
    char first = peek(parser);
    out->kind = first == '-' ? TERM_EXCLUDE : first == '?' ? TERM_OPTIONAL : TERM_INCLUDE;
    if (out->kind != TERM_INCLUDE)
        skip(parser, 1);
    if (peek(parser) == '"')
        return take_quoted(parser, '"', &out->text);
    if (peek(parser) == '%')
        return take_regex(parser, &out->regex);
    out->text = take_until(parser, "\"");
    return out->text.len ? OK : invalid(parser);
}

static enum err parse_terms(struct parser *parser, struct filter *filter)
{
    struct term **last = &filter->terms;
    for (skip_space(parser); parser->rest.len; skip_space(parser)) {
        struct term *term = arena_new(parser->arena, struct term);
        enum err rc = parse_term(parser, term);
        if (rc)
            return rc;
        *last = term;
        last = &term->next;
    }
    filter->kind = filter->terms ? FILTER_TERMS : FILTER_ALL;
    return OK;
}

/* --- Selectors --- */

static enum err parse_index(struct parser *parser, struct step *out)
{
    uint64_t index;
    skip(parser, 1);
    if (peek(parser) == '\'' || peek(parser) == '"') {
        enum err rc = take_quoted(parser, peek(parser), &out->member);
        if (rc)
            return rc;
    } else {
        struct str digits = take_until(parser, "]");
        bool is_any = str_eq(digits, STR("*"));
        if (!is_any && !str_to_u64(digits, &index))
            return invalid(parser);
        out->index = is_any ? SIZE_MAX : index;
    }
    if (peek(parser) != ']')
        return invalid(parser);
    skip(parser, 1);
    return OK;
}

static enum err parse_selector(struct parser *parser, struct node *node)
{
    struct step steps[MAX_STEPS] = {{{NULL, 0}, 0}};
    if (peek(parser) != '$')
        return invalid(parser);
    skip(parser, 1);
    while (peek(parser) == '.' || peek(parser) == '[') {
        struct step *step = &steps[node->step_count++];
        if (node->step_count == MAX_STEPS)
            return invalid(parser);
        if (peek(parser) == '[') {
            enum err rc = parse_index(parser, step);
            if (rc)
                return rc;
            continue;
        }
        skip(parser, 1);
        step->member = take_until(parser, ".[=!<>)}&|");
        if (step->member.len == 0)
            return invalid(parser);
    }
    node->steps = arena_array(parser->arena, struct step, node->step_count);
    memcpy(node->steps, steps, node->step_count * sizeof(steps[0]));
    return OK;
}

/* In columns, a test begins with the column's name. */
static enum err parse_column(struct parser *parser, struct node *node)
{
    struct str name = take_until(parser, "=!<>)]&|,");
    for (size_t i = 0; i < parser->column_count; i++) {
        if (str_eq(parser->columns[i], name)) {
            node->column = i;
            return OK;
        }
    }
    return invalid(parser);
}

/* --- Tests --- */

static bool take_operator(struct parser *parser, enum test *out)
{
    static const struct {
        struct str text;
        enum test test;
    } operators[] = {
        {STR_INIT("!="), TEST_NE}, {STR_INIT("<="), TEST_LE}, {STR_INIT(">="), TEST_GE},
        {STR_INIT("=="), TEST_EQ}, {STR_INIT("="), TEST_EQ},  {STR_INIT("<"), TEST_LT},
        {STR_INIT(">"), TEST_GT},
    };
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
        if (take(parser, operators[i].text)) {
            *out = operators[i].test;
            return true;
        }
    }
    return false;
}

static bool take_word_test(struct parser *parser, enum test *out)
{
    if (take_word(parser, STR("IS"))) {
        *out = take_word(parser, STR("NULL"))    ? TEST_IS_NULL
               : take_word(parser, STR("TRUE"))  ? TEST_IS_TRUE
               : take_word(parser, STR("FALSE")) ? TEST_IS_FALSE
                                                 : TEST_EXISTS;
        return *out != TEST_EXISTS;
    }
    if (take_word(parser, STR("NOT"))) {
        *out = TEST_NOT_EXISTS;
        return take_word(parser, STR("EXISTS"));
    }
    *out = TEST_EXISTS;
    return take_word(parser, STR("EXISTS"));
}

static bool to_number(struct str text, double *out)
{
    char copy[64], *end;
    if (text.len == 0 || text.len >= sizeof(copy))
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    if (strspn(copy, "+-.0123456789eE") < text.len)
        return false;
    *out = strtod(copy, &end);
    return *end == '\0' && isfinite(*out);
}

static bool is_ordered(enum test test)
{
    return test >= TEST_LT && test <= TEST_GE;
}

static enum err parse_value(struct parser *parser, struct node *node)
{
    skip_space(parser);
    node->is_quoted = peek(parser) == '"';
    if (node->is_quoted) {
        enum err rc = take_quoted(parser, '"', &node->text);
        if (rc)
            return rc;
    } else if (peek(parser) == '%') {
        enum err rc = take_regex(parser, &node->regex);
        if (rc)
            return rc;
    } else {
        node->text = take_until(parser, parser->has_columns ? ",]&|()" : "(){}&|");
        node->is_number = to_number(node->text, &node->number);
        if (node->text.len == 0)
            return invalid(parser);
    }
    return is_ordered(node->test) && !node->is_number ? invalid(parser) : OK;
}

static enum err parse_test(struct parser *parser, struct node *node)
{
    node->kind = NODE_TEST;
    skip_space(parser);
    enum err rc = parser->has_columns ? parse_column(parser, node) : parse_selector(parser, node);
    if (rc)
        return rc;
    if (take_operator(parser, &node->test))
        return parse_value(parser, node);
    if (!parser->has_columns && take_word_test(parser, &node->test))
        return OK;
    return invalid(parser);
}

/* --- And, or, parentheses --- */

static enum err parse_or(struct parser *parser, struct node **out);

static enum err parse_primary(struct parser *parser, struct node **out)
{
    if (take(parser, STR("("))) {
        if (++parser->depth > MAX_DEPTH)
            return invalid(parser);
        enum err rc = parse_or(parser, out);
        parser->depth--;
        if (rc)
            return rc;
        return take(parser, STR(")")) ? OK : invalid(parser);
    }
    *out = arena_new(parser->arena, struct node);
    return parse_test(parser, *out);
}

static enum err parse_and(struct parser *parser, struct node **out)
{
    enum err rc = parse_primary(parser, out);
    while (rc == OK && take(parser, STR("&&"))) {
        struct node *both = arena_new(parser->arena, struct node);
        *both = (struct node){.kind = NODE_AND, .left = *out};
        rc = parse_primary(parser, &both->right);
        *out = both;
    }
    return rc;
}

static enum err parse_or(struct parser *parser, struct node **out)
{
    enum err rc = parse_and(parser, out);
    while (rc == OK && take(parser, STR("||"))) {
        struct node *either = arena_new(parser->arena, struct node);
        *either = (struct node){.kind = NODE_OR, .left = *out};
        rc = parse_and(parser, &either->right);
        *out = either;
    }
    return rc;
}

static enum err parse_json(struct parser *parser, struct filter *filter)
{
    filter->kind = FILTER_JSON;
    take(parser, STR("{"));
    if (take(parser, STR("}")))
        return OK;
    enum err rc = parse_or(parser, &filter->root);
    if (rc == OK && !take(parser, STR("}")))
        rc = invalid(parser);
    return rc;
}

/* --- Columns --- */

/* "name", "name = value && ..." or "..." at one end. */
static enum err parse_one_column(struct parser *parser, struct filter *filter)
{
    skip_space(parser);
    if (take(parser, STR("..."))) {
        if (filter->has_more_before || filter->has_more_after)
            return invalid(parser);
        *(parser->column_count ? &filter->has_more_after : &filter->has_more_before) = true;
        return OK;
    }
    if (parser->column_count == sizeof(parser->columns) / sizeof(parser->columns[0]))
        return invalid(parser);
    struct str before = parser->rest;
    struct str name = take_until(parser, "=!<>)]&|,");
    parser->columns[parser->column_count++] = name;
    skip_space(parser);
    if (peek(parser) == ',' || peek(parser) == ']')
        return OK;
    if (name.len == 0)
        return invalid(parser);
    parser->rest = before;
    struct node *tests;
    enum err rc = parse_or(parser, &tests);
    if (rc)
        return rc;
    if (!filter->root) {
        filter->root = tests;
        return OK;
    }
    struct node *both = arena_new(parser->arena, struct node);
    *both = (struct node){.kind = NODE_AND, .left = filter->root, .right = tests};
    filter->root = both;
    return OK;
}

static enum err parse_columns(struct parser *parser, struct filter *filter)
{
    filter->kind = FILTER_COLUMNS;
    parser->has_columns = true;
    take(parser, STR("["));
    do {
        if (filter->has_more_after)
            return invalid(parser);
        enum err rc = parse_one_column(parser, filter);
        if (rc)
            return rc;
    } while (take(parser, STR(",")));
    filter->column_count = parser->column_count;
    return take(parser, STR("]")) ? OK : invalid(parser);
}

enum err logs_filter_parse(struct arena *arena, struct str text, const struct filter **out,
                           struct error *error)
{
    struct parser parser = {.arena = arena, .rest = text, .error = error};
    struct filter *filter = arena_new(arena, struct filter);
    enum err rc;
    skip_space(&parser);
    if (peek(&parser) == '{')
        rc = parse_json(&parser, filter);
    else if (peek(&parser) == '[')
        rc = parse_columns(&parser, filter);
    else
        rc = parse_terms(&parser, filter);
    skip_space(&parser);
    if (rc == OK && parser.rest.len)
        rc = invalid(&parser);
    if (rc == OK)
        *out = filter;
    return rc;
}

/* --- Matching --- */

/* '*' stands for any characters. */
static bool glob(struct str pattern, struct str text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, star_text = 0;
    while (t < text.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = ++p;
            star_text = t;
        } else if (p < pattern.len && pattern.ptr[p] == text.ptr[t]) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

static bool number_passes(enum test test, double have, double want)
{
    switch (test) {
    case TEST_EQ:
        return have == want;
    case TEST_NE:
        return have != want;
    case TEST_LT:
        return have < want;
    case TEST_LE:
        return have <= want;
    case TEST_GT:
        return have > want;
    case TEST_GE:
        return have >= want;
    case TEST_IS_NULL:
    case TEST_IS_TRUE:
    case TEST_IS_FALSE:
    case TEST_NOT_EXISTS:
    case TEST_EXISTS:
        break;
    }
    return false;
}

static bool text_passes(const struct node *node, struct str have)
{
    double number;
    if (node->is_number && to_number(have, &number))
        return number_passes(node->test, number, node->number);
    if (is_ordered(node->test))
        return false;
    if (node->regex)
        return (regex_match(node->regex, have) == REGEX_MATCHES) == (node->test == TEST_EQ);
    return glob(node->text, have) == (node->test == TEST_EQ);
}

static bool value_passes(const struct node *node, yyjson_val *value, struct arena *scratch)
{
    switch (node->test) {
    case TEST_IS_NULL:
        return yyjson_is_null(value);
    case TEST_IS_TRUE:
        return yyjson_is_true(value);
    case TEST_IS_FALSE:
        return yyjson_is_false(value);
    case TEST_NOT_EXISTS:
        return false;
    case TEST_EXISTS:
        return true;
    case TEST_EQ:
    case TEST_NE:
    case TEST_LT:
    case TEST_LE:
    case TEST_GT:
    case TEST_GE:
        break;
    }
    if (yyjson_is_num(value) && node->is_number)
        return number_passes(node->test, yyjson_get_num(value), node->number);
    if (yyjson_is_str(value))
        return text_passes(node, json_str(value));
    if (yyjson_is_num(value) || yyjson_is_bool(value))
        return text_passes(node, json_write_val(scratch, value));
    return node->test == TEST_NE;
}

/* True when a value that the steps lead to passes; [*] tries each element. */
static bool select_passes(const struct node *node, yyjson_val *value, size_t step,
                          struct arena *scratch)
{
    while (value && step < node->step_count) {
        const struct step *at = &node->steps[step++];
        if (at->member.ptr) {
            value = yyjson_obj_getn(value, at->member.ptr, at->member.len);
        } else if (at->index != SIZE_MAX) {
            value = yyjson_arr_get(value, at->index);
        } else {
            size_t i, max;
            yyjson_val *element;
            yyjson_arr_foreach (value, i, max, element) {
                if (select_passes(node, element, step, scratch))
                    return true;
            }
            return false;
        }
    }
    return value ? value_passes(node, value, scratch) : node->test == TEST_NOT_EXISTS;
}

/* What is being matched: a message in JSON, or its columns. */
struct subject {
    yyjson_val *json;
    struct arena *scratch;
    const struct str *columns;
};

static bool node_passes(const struct node *node, const struct subject *subject)
{
    if (!node)
        return true;
    if (node->kind == NODE_AND)
        return node_passes(node->left, subject) && node_passes(node->right, subject);
    if (node->kind == NODE_OR)
        return node_passes(node->left, subject) || node_passes(node->right, subject);
    if (subject->columns)
        return text_passes(node, subject->columns[node->column]);
    return select_passes(node, subject->json, 0, subject->scratch);
}

/* Optional terms count only where no others are. */
static bool terms_match(const struct term *terms, struct str message)
{
    bool has_optional = false, has_found = false, has_others = false;
    for (const struct term *term = terms; term; term = term->next) {
        bool is_there = term->regex ? regex_match(term->regex, message) == REGEX_MATCHES
                                    : str_find(message, term->text) >= 0;
        if (term->kind == TERM_OPTIONAL) {
            has_optional = true;
            has_found |= is_there;
            continue;
        }
        has_others = true;
        if (is_there != (term->kind == TERM_INCLUDE))
            return false;
    }
    return has_others || !has_optional || has_found;
}

/* One column: up to a blank, or in quotes or brackets, which are left out. */
static struct str take_column(struct str *rest)
{
    char open = rest->ptr[0], close = open == '[' ? ']' : open == '"' ? '"' : ' ';
    size_t start = close != ' ';
    ptrdiff_t end = str_find_byte(*rest, close, start);
    size_t stop = end < 0 ? rest->len : (size_t)end;
    struct str column = str_slice(*rest, start, stop - start);
    *rest = str_slice(*rest, stop + (end >= 0), rest->len);
    return column;
}

static size_t split_columns(struct str message, struct str *columns, size_t max)
{
    size_t count = 0;
    for (message = str_trim(message); message.len; message = str_trim(message)) {
        struct str column = take_column(&message);
        if (count < max)
            columns[count] = column;
        count++;
    }
    return count;
}

static bool columns_match(const struct filter *filter, struct str message)
{
    struct str columns[1024];
    size_t max = sizeof(columns) / sizeof(columns[0]);
    size_t count = split_columns(message, columns, max), first = 0;
    if (count > max || count < filter->column_count)
        return false;
    if (count > filter->column_count && !filter->has_more_before && !filter->has_more_after)
        return false;
    if (filter->has_more_before)
        first = count - filter->column_count;
    struct subject subject = {.columns = columns + first};
    return node_passes(filter->root, &subject);
}

static bool json_matches(const struct filter *filter, struct str message, struct arena *scratch)
{
    yyjson_val *json =
        str_starts(str_trim(message), STR("{")) ? json_parse(scratch, message) : NULL;
    struct subject subject = {.json = json, .scratch = scratch};
    return json && node_passes(filter->root, &subject);
}

bool logs_filter_matches(const struct filter *filter, struct str message, struct arena *scratch)
{
    switch (filter->kind) {
    case FILTER_ALL:
        return true;
    case FILTER_TERMS:
        return terms_match(filter->terms, message);
    case FILTER_JSON:
        return json_matches(filter, message, scratch);
    case FILTER_COLUMNS:
        return columns_match(filter, message);
    }
    return false;
}
