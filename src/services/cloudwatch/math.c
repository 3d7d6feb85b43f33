/* Evaluating metric math, by recursive descent. */
#include "services/cloudwatch/math.h"

#include <math.h>
#include <stdlib.h>

enum { MAX_DEPTH = 32, MAX_ARGUMENTS = 32 };

/* A number, a series, or (of METRICS()) several series. */
struct value {
    enum { VALUE_SCALAR, VALUE_SERIES, VALUE_ARRAY } kind;
    double scalar;
    double **series;
    size_t count;
};

struct parser {
    struct str rest;
    const struct math_input *input;
    double *spare; /* a series for when there can be no more */
    int depth;
    enum err rc;
    struct error *error;
};

static struct value fail(struct parser *parser, const char *what, struct str detail)
{
    if (parser->rc == OK)
        parser->rc = error_set(parser->error, ERR_VALIDATION_ERROR, "Error in expression: %s %.*s",
                               what, STR_ARG(detail));
    return (struct value){.kind = VALUE_SCALAR, .scalar = NAN};
}

/* --- Values --- */

/* All that takes memory and time comes by here. */
static double *new_series(struct parser *parser)
{
    const struct math_input *input = parser->input;
    if (*input->budget < input->length + 1) {
        fail(parser, "it takes too much work: fewer periods, metrics or operators are needed",
             STR_EMPTY);
        return parser->spare;
    }
    *input->budget -= input->length + 1;
    return arena_array(input->arena, double, input->length + 1);
}

static struct value scalar(double number)
{
    return (struct value){.kind = VALUE_SCALAR, .scalar = number};
}

static struct value series_of(struct parser *parser, double *values)
{
    struct value value = {.kind = VALUE_SERIES, .count = 1};
    value.series = arena_array(parser->input->arena, double *, 1);
    value.series[0] = values;
    return value;
}

static double at(const struct value *value, size_t which, size_t place)
{
    if (value->kind == VALUE_SCALAR)
        return value->scalar;
    return value->series[which < value->count ? which : 0][place];
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

static struct value combine(struct parser *parser, struct value a, struct value b, binary_fn apply)
{
    if (a.kind == VALUE_SCALAR && b.kind == VALUE_SCALAR)
        return scalar(apply(a.scalar, b.scalar));
    struct value out = {.kind = a.kind > b.kind ? a.kind : b.kind};
    out.count = a.count > b.count ? a.count : b.count;
    out.series = arena_array(parser->input->arena, double *, out.count + 1);
    for (size_t i = 0; i < out.count; i++) {
        out.series[i] = new_series(parser);
        for (size_t j = 0; j < parser->input->length; j++)
            out.series[i][j] = apply(at(&a, i, j), at(&b, i, j));
    }
    return out;
}

/* --- Functions --- */

struct call {
    struct str name;
    struct value arguments[MAX_ARGUMENTS];
    size_t count;
    struct str text; /* of the second argument, when it is a word: FILL(m1, REPEAT) */
};

/* What one value after the other is gathered in. */
struct gathering {
    double sum, min, max, count;
};

static void gather(struct gathering *gathering, double value)
{
    if (isnan(value))
        return;
    gathering->sum += value;
    gathering->min = gathering->count > 0 && gathering->min < value ? gathering->min : value;
    gathering->max = gathering->count > 0 && gathering->max > value ? gathering->max : value;
    gathering->count++;
}

static double result_of(const struct gathering *gathering, struct str name)
{
    if (gathering->count == 0)
        return NAN;
    if (str_eq(name, STR("SUM")))
        return gathering->sum;
    if (str_eq(name, STR("AVG")))
        return gathering->sum / gathering->count;
    return str_eq(name, STR("MIN")) ? gathering->min : gathering->max;
}

/* Of one series the number over all its values; of several the series over their values at each
 * time. */
static struct value aggregate(struct parser *parser, const struct call *call)
{
    bool is_one = call->count == 1 && call->arguments[0].kind == VALUE_SERIES;
    struct gathering whole = {0};
    double *values = new_series(parser);
    for (size_t place = 0; place < parser->input->length; place++) {
        struct gathering here = {0};
        for (size_t i = 0; i < call->count; i++) {
            const struct value *argument = &call->arguments[i];
            size_t count = argument->kind == VALUE_SCALAR ? 1 : argument->count;
            for (size_t j = 0; j < count; j++)
                gather(is_one ? &whole : &here, at(argument, j, place));
        }
        values[place] = result_of(&here, call->name);
    }
    return is_one ? scalar(result_of(&whole, call->name)) : series_of(parser, values);
}

static double one_of(struct str name, double value)
{
    if (str_eq(name, STR("ABS")))
        return fabs(value);
    if (str_eq(name, STR("CEIL")))
        return ceil(value);
    if (str_eq(name, STR("FLOOR")))
        return floor(value);
    if (str_eq(name, STR("LOG")))
        return value > 0 ? log(value) : NAN;
    return value > 0 ? log10(value) : NAN;
}

static struct value each(struct parser *parser, const struct call *call)
{
    struct value value = call->arguments[0];
    if (value.kind == VALUE_SCALAR)
        return scalar(one_of(call->name, value.scalar));
    for (size_t i = 0; i < value.count; i++) {
        double *values = new_series(parser);
        for (size_t j = 0; j < parser->input->length; j++)
            values[j] = one_of(call->name, value.series[i][j]);
        value.series[i] = values;
    }
    return value;
}

/* RATE: the change to the value before, per second. DIFF: the change. */
static struct value change(struct parser *parser, const struct call *call)
{
    struct value value = call->arguments[0];
    bool is_rate = str_eq(call->name, STR("RATE"));
    if (value.kind == VALUE_SCALAR)
        return fail(parser, "a series is needed for", call->name);
    for (size_t i = 0; i < value.count; i++) {
        double *values = new_series(parser), before = NAN;
        size_t before_place = 0;
        for (size_t j = 0; j < parser->input->length; j++) {
            double now = value.series[i][j];
            int64_t seconds = (int64_t)(j - before_place) * parser->input->period_s;
            values[j] = is_rate ? (now - before) / (double)(seconds ? seconds : 1) : now - before;
            before_place = isnan(now) ? before_place : j;
            before = isnan(now) ? before : now;
        }
        value.series[i] = values;
    }
    return value;
}

static struct value fill(struct parser *parser, const struct call *call)
{
    struct value value = call->arguments[0];
    bool repeats = str_eq(call->text, STR("REPEAT"));
    if (value.kind == VALUE_SCALAR)
        return fail(parser, "a series is needed for", call->name);
    if (call->text.len && !repeats)
        return fail(parser, "FILL does not know", call->text);
    for (size_t i = 0; i < value.count; i++) {
        double *values = new_series(parser), before = NAN;
        for (size_t j = 0; j < parser->input->length; j++) {
            double now = value.series[i][j];
            double filler = repeats ? before : at(&call->arguments[1], i, j);
            values[j] = isnan(now) ? filler : now;
            before = values[j];
        }
        value.series[i] = values;
    }
    return value;
}

static struct value all_metrics(struct parser *parser)
{
    const struct math_input *input = parser->input;
    struct value value = {.kind = VALUE_ARRAY, .count = input->metric_count};
    value.series = arena_array(input->arena, double *, value.count + 1);
    for (size_t i = 0; i < value.count; i++)
        value.series[i] = input->series[i].values;
    return value;
}

static struct value periods(struct parser *parser)
{
    return scalar((double)parser->input->period_s);
}

static bool is_among(struct str name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(name, str_from(names[i])))
            return true;
    }
    return false;
}

#define IS_AMONG(name, names) is_among(name, names, sizeof(names) / sizeof((names)[0]))

static struct value apply(struct parser *parser, const struct call *call)
{
    static const char *const aggregates[] = {"SUM", "AVG", "MIN", "MAX"};
    static const char *const single[] = {"ABS", "CEIL", "FLOOR", "LOG", "LOG10"};
    static const char *const changes[] = {"RATE", "DIFF"};
    if (str_eq(call->name, STR("METRICS")) && call->count == 0)
        return all_metrics(parser);
    if (str_eq(call->name, STR("PERIOD")) && call->count == 1)
        return periods(parser);
    if (str_eq(call->name, STR("FILL")) && call->count == (call->text.len ? 1 : 2))
        return fill(parser, call);
    if (IS_AMONG(call->name, aggregates) && call->count > 0)
        return aggregate(parser, call);
    if (IS_AMONG(call->name, single) && call->count == 1)
        return each(parser, call);
    if (IS_AMONG(call->name, changes) && call->count == 1)
        return change(parser, call);
    return fail(parser, "this server does not have, with these arguments, the function",
                call->name);
}

/* --- Parsing --- */

static struct value parse_sum(struct parser *parser);

static void skip_blanks(struct parser *parser)
{
    while (parser->rest.len && (parser->rest.ptr[0] == ' ' || parser->rest.ptr[0] == '\t' ||
                                parser->rest.ptr[0] == '\n' || parser->rest.ptr[0] == '\r'))
        parser->rest = str_slice(parser->rest, 1, parser->rest.len);
}

/* Takes the character when it is next. */
static bool take(struct parser *parser, char c)
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

static struct str take_word(struct parser *parser)
{
    size_t len = 0;
    skip_blanks(parser);
    while (len < parser->rest.len && is_word_byte(parser->rest.ptr[len]))
        len++;
    struct str word = str_slice(parser->rest, 0, len);
    parser->rest = str_slice(parser->rest, len, parser->rest.len);
    return word;
}

static struct value parse_call(struct parser *parser, struct str name)
{
    struct call call = {.name = name, .text = STR_EMPTY};
    while (!take(parser, ')')) {
        if (parser->rc || call.count == MAX_ARGUMENTS || (call.count && !take(parser, ',')))
            return fail(parser, "expected , or ) before", str_slice(parser->rest, 0, 20));
        struct str before = parser->rest, word = take_word(parser);
        if (str_eq(word, STR("REPEAT")) || str_eq(word, STR("LINEAR"))) {
            call.text = word;
            continue;
        }
        parser->rest = before;
        call.arguments[call.count++] = parse_sum(parser);
    }
    return parser->rc ? fail(parser, "", STR_EMPTY) : apply(parser, &call);
}

static struct value parse_number(struct parser *parser)
{
    char text[40] = "", *end;
    size_t len = parser->rest.len < sizeof(text) - 1 ? parser->rest.len : sizeof(text) - 1;
    memcpy(text, parser->rest.ptr, len);
    double number = strtod(text, &end);
    if (end == text)
        return fail(parser, "expected a value before", str_slice(parser->rest, 0, 20));
    parser->rest = str_slice(parser->rest, (size_t)(end - text), parser->rest.len);
    return scalar(number);
}

static struct value parse_atom(struct parser *parser)
{
    if (parser->depth > MAX_DEPTH)
        return fail(parser, "it is nested too deeply", STR_EMPTY);
    if (take(parser, '(')) {
        struct value value = parse_sum(parser);
        return take(parser, ')') ? value : fail(parser, "expected )", STR_EMPTY);
    }
    if (take(parser, '-')) {
        parser->depth++;
        struct value value = parse_atom(parser);
        parser->depth--;
        return combine(parser, scalar(0), value, minus);
    }
    bool is_digit =
        parser->rest.len &&
        ((parser->rest.ptr[0] >= '0' && parser->rest.ptr[0] <= '9') || parser->rest.ptr[0] == '.');
    if (is_digit)
        return parse_number(parser);
    struct str word = take_word(parser);
    if (!word.len)
        return fail(parser, "expected a value before", str_slice(parser->rest, 0, 20));
    if (take(parser, '('))
        return parse_call(parser, word);
    for (size_t i = 0; i < parser->input->series_count; i++) {
        if (str_eq(parser->input->series[i].id, word))
            return series_of(parser, parser->input->series[i].values);
    }
    return fail(parser, "there is no query with the id", word);
}

static struct value parse_power(struct parser *parser)
{
    parser->depth++;
    struct value left = parse_atom(parser);
    if (parser->rc == OK && take(parser, '^'))
        left = combine(parser, left, parse_power(parser), pow);
    parser->depth--;
    return left;
}

static struct value parse_product(struct parser *parser)
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

static struct value parse_sum(struct parser *parser)
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

enum err math_evaluate(struct str text, const struct math_input *input, double **out,
                       struct error *error)
{
    struct parser parser = {.rest = text, .input = input, .rc = OK, .error = error};
    parser.spare = arena_array(input->arena, double, input->length + 1);
    struct value value = parse_sum(&parser);
    skip_blanks(&parser);
    if (parser.rc == OK && parser.rest.len)
        fail(&parser, "did not expect", str_slice(parser.rest, 0, 20));
    if (parser.rc == OK && value.kind == VALUE_ARRAY && value.count != 1)
        fail(&parser, "the result must be a single series", STR_EMPTY);
    if (parser.rc)
        return parser.rc;
    for (size_t i = 0; i < input->length; i++)
        parser.spare[i] = at(&value, 0, i);
    *out = parser.spare;
    return OK;
}

void math_ids(struct str text, void (*visit)(void *arg, struct str id), void *arg)
{
    struct parser parser = {.rest = text};
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
