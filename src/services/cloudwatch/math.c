/* Evaluating metric math, by recursive descent. */
#include <stdlib.h>

#include "services/cloudwatch/math_value.h"

enum { MAX_DEPTH = 32 };

struct value math_fail(struct math_parser *parser, const char *what, struct str detail)
{
    if (parser->rc == OK)
        parser->rc = error_set(parser->error, ERR_VALIDATION_ERROR, "Error in expression: %s %.*s",
                               what, STR_ARG(detail));
    return math_scalar(NAN);
}

/* --- Values --- */

double *math_new_series(struct math_parser *parser)
{
    const struct math_input *input = parser->input;
    if (*input->budget < input->length + 1) {
        math_fail(parser, "it takes too much work: fewer periods, metrics or operators are needed",
                  STR_EMPTY);
        return parser->spare;
    }
    *input->budget -= input->length + 1;
    return arena_array(input->arena, double, input->length + 1);
}

struct value math_scalar(double number)
{
    return (struct value){.kind = VALUE_SCALAR, .scalar = number};
}

struct value math_series_of(struct math_parser *parser, double *values)
{
    struct value value = {.kind = VALUE_SERIES, .count = 1};
    value.series = arena_array(parser->input->arena, double *, 1);
    value.series[0] = values;
    return value;
}

double math_at(const struct value *value, size_t which, size_t place)
{
    if (value->kind == VALUE_SCALAR)
        return value->scalar;
    return value->series[which < value->count ? which : 0][place];
}

struct value math_array(struct math_parser *parser, size_t count)
{
    struct value value = {.kind = VALUE_ARRAY};
    value.series = arena_array(parser->input->arena, double *, count + 1);
    return value;
}

typedef double (*binary_fn)(double a, double b);

static double plus(double a, double b)
{
    return a + b;
}

static double minus(double a, double b)
{
    return a - b;
}

static double times(double a, double b)
{
    return a * b;
}

/* There is no value where AWS would divide by zero. */
static double divided(double a, double b)
{
    return b == 0 ? NAN : a / b;
}

/* Of a comparison; NAN where there is no value to compare. */
static double truth(bool is_true, double a, double b)
{
    return isnan(a) || isnan(b) ? NAN : is_true;
}

static double equal(double a, double b)
{
    return truth(a == b, a, b);
}

static double unequal(double a, double b)
{
    return truth(a != b, a, b);
}

static double less(double a, double b)
{
    return truth(a < b, a, b);
}

static double at_most(double a, double b)
{
    return truth(a <= b, a, b);
}

static double more(double a, double b)
{
    return truth(a > b, a, b);
}

static double at_least(double a, double b)
{
    return truth(a >= b, a, b);
}

static double both(double a, double b)
{
    return truth(a != 0 && b != 0, a, b);
}

static double either(double a, double b)
{
    return truth(a != 0 || b != 0, a, b);
}

static struct value combine(struct math_parser *parser, struct value a, struct value b,
                            binary_fn apply)
{
    if (a.kind == VALUE_ARRAY && b.kind == VALUE_ARRAY)
        return math_fail(parser, "an operator takes at most one array", STR_EMPTY);
    if (a.kind == VALUE_SCALAR && b.kind == VALUE_SCALAR)
        return math_scalar(apply(a.scalar, b.scalar));
    struct value out = {.kind = a.kind > b.kind ? a.kind : b.kind};
    out.count = a.count > b.count ? a.count : b.count;
    out.series = arena_array(parser->input->arena, double *, out.count + 1);
    for (size_t i = 0; i < out.count; i++) {
        out.series[i] = math_new_series(parser);
        for (size_t j = 0; j < parser->input->length; j++)
            out.series[i][j] = apply(math_at(&a, i, j), math_at(&b, i, j));
    }
    return out;
}

/* --- Parsing --- */

static struct value parse_or(struct math_parser *parser);

static void skip_blanks(struct math_parser *parser)
{
    while (parser->rest.len && (parser->rest.ptr[0] == ' ' || parser->rest.ptr[0] == '\t' ||
                                parser->rest.ptr[0] == '\n' || parser->rest.ptr[0] == '\r'))
        parser->rest = str_slice(parser->rest, 1, parser->rest.len);
}

/* Takes the character when it is next. */
static bool take(struct math_parser *parser, char c)
{
    skip_blanks(parser);
    if (parser->rest.len == 0 || parser->rest.ptr[0] != c)
        return false;
    parser->rest = str_slice(parser->rest, 1, parser->rest.len);
    return true;
}

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static struct str take_word(struct math_parser *parser)
{
    size_t len = 0;
    skip_blanks(parser);
    while (len < parser->rest.len && is_word_byte(parser->rest.ptr[len]))
        len++;
    struct str word = str_slice(parser->rest, 0, len);
    parser->rest = str_slice(parser->rest, len, parser->rest.len);
    return word;
}

/* Takes the operator when it is next: of letters only as a whole word. */
static bool take_operator(struct math_parser *parser, const char *text)
{
    struct str operator= str_from(text);
    skip_blanks(parser);
    if (!str_starts(parser->rest, operator))
        return false;
    struct str behind = str_slice(parser->rest, operator.len, parser->rest.len);
    if (is_word_byte(text[0]) && behind.len && is_word_byte(behind.ptr[0]))
        return false;
    parser->rest = behind;
    return true;
}

/* "REPEAT", or "SUM" where no parenthesis follows. */
static bool take_keyword(struct math_parser *parser, struct math_call *call)
{
    static const char *const keywords[] = {"REPEAT", "LINEAR", "ASC", "DESC",
                                           "SUM",    "AVG",    "MIN", "MAX"};
    struct str before = parser->rest, word = take_word(parser);
    bool is_call = take(parser, '(');
    for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++) {
        if (is_call || !str_eq(word, str_from(keywords[i])) || call->word_count == 2)
            continue;
        call->words[call->word_count++] = word;
        return true;
    }
    parser->rest = before;
    return false;
}

static bool take_text(struct math_parser *parser, struct math_call *call)
{
    skip_blanks(parser);
    char quote = parser->rest.len ? parser->rest.ptr[0] : 0;
    if (quote != '"' && quote != '\'')
        return false;
    ptrdiff_t end = str_find_byte(parser->rest, quote, 1);
    if (end < 0) {
        math_fail(parser, "expected a closing quote behind", str_slice(parser->rest, 0, 20));
        return true;
    }
    call->text = str_slice(parser->rest, 1, (size_t)end - 1);
    parser->rest = str_slice(parser->rest, (size_t)end + 1, parser->rest.len);
    return true;
}

static struct value parse_call(struct math_parser *parser, struct str name)
{
    struct math_call *call = arena_new(parser->input->arena, struct math_call);
    call->name = name;
    bool is_first = true;
    while (!take(parser, ')')) {
        if (parser->rc || call->count == MATH_MAX_ARGUMENTS || (!is_first && !take(parser, ',')))
            return math_fail(parser, "expected , or ) before", str_slice(parser->rest, 0, 20));
        is_first = false;
        if (take_keyword(parser, call) || take_text(parser, call))
            continue;
        call->arguments[call->count++] = parse_or(parser);
    }
    return parser->rc ? math_fail(parser, "", STR_EMPTY) : math_apply(parser, call);
}

/* "[m1, m2]", behind its bracket. */
static struct value parse_array(struct math_parser *parser)
{
    struct value array = math_array(parser, MATH_MAX_ARGUMENTS);
    while (parser->rc == OK) {
        struct value one = parse_or(parser);
        if (one.kind == VALUE_SCALAR)
            return math_fail(parser, "an array takes series", STR_EMPTY);
        for (size_t i = 0; i < one.count; i++) {
            if (array.count == MATH_MAX_ARGUMENTS)
                return math_fail(parser, "an array is too long", STR_EMPTY);
            array.series[array.count++] = one.series[i];
        }
        if (take(parser, ']'))
            return array;
        if (!take(parser, ','))
            return math_fail(parser, "expected , or ] before", str_slice(parser->rest, 0, 20));
    }
    return math_scalar(NAN);
}

static struct value parse_number(struct math_parser *parser)
{
    char text[40] = "", *end;
    size_t len = parser->rest.len < sizeof(text) - 1 ? parser->rest.len : sizeof(text) - 1;
    memcpy(text, parser->rest.ptr, len);
    double number = strtod(text, &end);
    if (end == text)
        return math_fail(parser, "expected a value before", str_slice(parser->rest, 0, 20));
    parser->rest = str_slice(parser->rest, (size_t)(end - text), parser->rest.len);
    return math_scalar(number);
}

static struct value parse_atom(struct math_parser *parser)
{
    if (parser->depth > MAX_DEPTH)
        return math_fail(parser, "it is nested too deeply", STR_EMPTY);
    if (take(parser, '(')) {
        struct value value = parse_or(parser);
        return take(parser, ')') ? value : math_fail(parser, "expected )", STR_EMPTY);
    }
    if (take(parser, '['))
        return parse_array(parser);
    if (take(parser, '-')) {
        parser->depth++;
        struct value value = parse_atom(parser);
        parser->depth--;
        return combine(parser, math_scalar(0), value, minus);
    }
    bool is_digit =
        parser->rest.len &&
        ((parser->rest.ptr[0] >= '0' && parser->rest.ptr[0] <= '9') || parser->rest.ptr[0] == '.');
    if (is_digit)
        return parse_number(parser);
    struct str word = take_word(parser);
    if (!word.len)
        return math_fail(parser, "expected a value before", str_slice(parser->rest, 0, 20));
    if (take(parser, '('))
        return parse_call(parser, word);
    for (size_t i = 0; i < parser->input->series_count; i++) {
        if (str_eq(parser->input->series[i].id, word))
            return math_series_of(parser, parser->input->series[i].values);
    }
    return math_fail(parser, "there is no query with the id", word);
}

static struct value parse_power(struct math_parser *parser)
{
    parser->depth++;
    struct value left = parse_atom(parser);
    if (parser->rc == OK && take(parser, '^'))
        left = combine(parser, left, parse_power(parser), pow);
    parser->depth--;
    return left;
}

static struct value parse_product(struct math_parser *parser)
{
    struct value left = parse_power(parser);
    while (parser->rc == OK) {
        if (take(parser, '*'))
            left = combine(parser, left, parse_power(parser), times);
        else if (take(parser, '/'))
            left = combine(parser, left, parse_power(parser), divided);
        else
            break;
    }
    return left;
}

static struct value parse_sum(struct math_parser *parser)
{
    struct value left = parse_product(parser);
    while (parser->rc == OK) {
        if (take(parser, '+'))
            left = combine(parser, left, parse_product(parser), plus);
        else if (take(parser, '-'))
            left = combine(parser, left, parse_product(parser), minus);
        else
            break;
    }
    return left;
}

/* The operators of a level, the longer ones of the same start first. */
struct level {
    const char *text;
    binary_fn apply;
};

static struct value parse_level(struct math_parser *parser, const struct level *level, size_t count,
                                struct value (*parse_inner)(struct math_parser *parser))
{
    struct value left = parse_inner(parser);
    for (size_t i = 0; i < count && parser->rc == OK; i++) {
        if (!take_operator(parser, level[i].text))
            continue;
        left = combine(parser, left, parse_inner(parser), level[i].apply);
        i = (size_t)-1;
    }
    return left;
}

static struct value parse_order(struct math_parser *parser)
{
    static const struct level level[] = {
        {"<=", at_most}, {">=", at_least}, {"<", less}, {">", more}};
    return parse_level(parser, level, sizeof(level) / sizeof(*level), parse_sum);
}

static struct value parse_equality(struct math_parser *parser)
{
    static const struct level level[] = {{"==", equal}, {"!=", unequal}};
    return parse_level(parser, level, sizeof(level) / sizeof(*level), parse_order);
}

static struct value parse_and(struct math_parser *parser)
{
    static const struct level level[] = {{"AND", both}, {"&&", both}};
    return parse_level(parser, level, sizeof(level) / sizeof(*level), parse_equality);
}

static struct value parse_or(struct math_parser *parser)
{
    static const struct level level[] = {{"OR", either}, {"||", either}};
    return parse_level(parser, level, sizeof(level) / sizeof(*level), parse_and);
}

enum err math_evaluate(struct str text, const struct math_input *input, double **out,
                       struct error *error)
{
    struct math_parser parser = {.rest = text, .input = input, .rc = OK, .error = error};
    parser.spare = arena_array(input->arena, double, input->length + 1);
    struct value value = parse_or(&parser);
    skip_blanks(&parser);
    if (parser.rc == OK && parser.rest.len)
        math_fail(&parser, "did not expect", str_slice(parser.rest, 0, 20));
    if (parser.rc == OK && value.kind == VALUE_ARRAY && value.count != 1)
        math_fail(&parser, "the result must be a single series", STR_EMPTY);
    if (parser.rc)
        return parser.rc;
    for (size_t i = 0; i < input->length; i++)
        parser.spare[i] = math_at(&value, 0, i);
    *out = parser.spare;
    return OK;
}

void math_ids(struct str text, void (*visit)(void *arg, struct str id), void *arg)
{
    struct math_parser parser = {.rest = text};
    while (parser.rest.len) {
        struct str word = take_word(&parser);
        if (!word.len)
            parser.rest = str_slice(parser.rest, 1, parser.rest.len);
        else if (word.ptr[0] >= 'a' && word.ptr[0] <= 'z')
            visit(arg, word);
        else if (str_eq(word, STR("METRICS")))
            visit(arg, STR_EMPTY);
    }
}
