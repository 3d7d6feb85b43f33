/* The functions of metric math. */
#include <stdlib.h>
#include <time.h>

#include "services/cloudwatch/math_value.h"

/* --- Over several values --- */

/* What one value after the other is gathered in. */
struct gathering {
    double sum, squares, min, max, count;
};

static void gather(struct gathering *gathering, double value)
{
    if (isnan(value))
        return;
    gathering->sum += value;
    gathering->squares += value * value;
    gathering->min = gathering->count > 0 && gathering->min < value ? gathering->min : value;
    gathering->max = gathering->count > 0 && gathering->max > value ? gathering->max : value;
    gathering->count++;
}

static double deviation(const struct gathering *gathering)
{
    double mean = gathering->sum / gathering->count;
    double variance = gathering->squares / gathering->count - mean * mean;
    return variance > 0 ? sqrt(variance) : 0;
}

static double result_of(const struct gathering *gathering, struct str name)
{
    if (str_eq(name, STR("DATAPOINT_COUNT")))
        return gathering->count;
    if (gathering->count == 0)
        return NAN;
    if (str_eq(name, STR("SUM")))
        return gathering->sum;
    if (str_eq(name, STR("AVG")))
        return gathering->sum / gathering->count;
    if (str_eq(name, STR("STDDEV")))
        return deviation(gathering);
    return str_eq(name, STR("MIN")) ? gathering->min : gathering->max;
}

static double over_series(const struct math_parser *parser, const double *values, struct str name)
{
    struct gathering all = {0};
    for (size_t i = 0; i < parser->input->length; i++)
        gather(&all, values[i]);
    return result_of(&all, name);
}

static double over_arguments(const struct math_call *call, size_t place)
{
    struct gathering here = {0};
    for (size_t i = 0; i < call->count; i++) {
        const struct value *argument = &call->arguments[i];
        size_t count = argument->kind == VALUE_SCALAR ? 1 : argument->count;
        for (size_t j = 0; j < count; j++)
            gather(&here, math_at(argument, j, place));
    }
    return result_of(&here, call->name);
}

/* Of one series the number over all its values; of several the series over their values at each
 * time. */
static struct value aggregate(struct math_parser *parser, const struct math_call *call)
{
    if (call->count == 1 && call->arguments[0].kind == VALUE_SERIES)
        return math_scalar(over_series(parser, call->arguments[0].series[0], call->name));
    double *values = math_new_series(parser);
    for (size_t place = 0; place < parser->input->length; place++)
        values[place] = over_arguments(call, place);
    return math_series_of(parser, values);
}

/* --- Over each series --- */

typedef void (*series_fn)(const struct math_parser *parser, const double *in, double *out);

static struct value each_series(struct math_parser *parser, const struct math_call *call,
                                series_fn apply)
{
    struct value value = call->arguments[0];
    if (value.kind == VALUE_SCALAR)
        return math_fail(parser, "a series is needed for", call->name);
    struct value out = math_array(parser, value.count);
    out.kind = value.kind;
    for (; out.count < value.count; out.count++) {
        out.series[out.count] = math_new_series(parser);
        apply(parser, value.series[out.count], out.series[out.count]);
    }
    return out;
}

/* The change to the value before: its size, or the time that it took, or both in one. */
static void change(const struct math_parser *parser, const double *in, double *out, bool has_size,
                   bool has_time)
{
    double before = NAN;
    size_t before_place = 0;
    for (size_t i = 0; i < parser->input->length; i++) {
        double seconds = (double)((int64_t)(i - before_place) * parser->input->period_s);
        double size = in[i] - before;
        out[i] = has_size ? size : (isnan(size) ? NAN : seconds);
        if (has_size && has_time)
            out[i] = seconds > 0 ? size / seconds : NAN;
        before_place = isnan(in[i]) ? before_place : i;
        before = isnan(in[i]) ? before : in[i];
    }
}

static void rate(const struct math_parser *parser, const double *in, double *out)
{
    change(parser, in, out, true, true);
}

static void diff(const struct math_parser *parser, const double *in, double *out)
{
    change(parser, in, out, true, false);
}

static void diff_time(const struct math_parser *parser, const double *in, double *out)
{
    change(parser, in, out, false, true);
}

static void running_sum(const struct math_parser *parser, const double *in, double *out)
{
    double sum = 0;
    for (size_t i = 0; i < parser->input->length; i++) {
        sum += isnan(in[i]) ? 0 : in[i];
        out[i] = isnan(in[i]) ? NAN : sum;
    }
}

static void fill_repeat(const struct math_parser *parser, const double *in, double *out)
{
    double before = NAN;
    for (size_t i = 0; i < parser->input->length; i++)
        before = out[i] = isnan(in[i]) ? before : in[i];
}

/* On a straight line between the values around; nothing before the first and behind the last. */
static void fill_linear(const struct math_parser *parser, const double *in, double *out)
{
    size_t length = parser->input->length, last = length;
    for (size_t i = 0; i < length; i++) {
        out[i] = in[i];
        if (isnan(in[i]))
            continue;
        for (size_t j = last + 1; last < length && j < i; j++)
            out[j] = in[last] + (in[i] - in[last]) * (double)(j - last) / (double)(i - last);
        last = i;
    }
}

static struct value fill(struct math_parser *parser, const struct math_call *call)
{
    struct value value = call->arguments[0];
    if (call->word_count == 1 && str_eq(call->words[0], STR("REPEAT")))
        return each_series(parser, call, fill_repeat);
    if (call->word_count == 1 && str_eq(call->words[0], STR("LINEAR")))
        return each_series(parser, call, fill_linear);
    if (call->word_count || call->count != 2)
        return math_fail(parser, "FILL does not know", call->words[0]);
    if (value.kind == VALUE_SCALAR)
        return math_fail(parser, "a series is needed for", call->name);
    struct value out = math_array(parser, value.count);
    out.kind = value.kind;
    for (; out.count < value.count; out.count++) {
        out.series[out.count] = math_new_series(parser);
        for (size_t j = 0; j < parser->input->length; j++) {
            double now = value.series[out.count][j];
            out.series[out.count][j] =
                isnan(now) ? math_at(&call->arguments[1], out.count, j) : now;
        }
    }
    return out;
}

/* --- Over each value --- */

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

static struct value each_value(struct math_parser *parser, const struct math_call *call)
{
    struct value value = call->arguments[0];
    if (value.kind == VALUE_SCALAR)
        return math_scalar(one_of(call->name, value.scalar));
    struct value out = math_array(parser, value.count);
    out.kind = value.kind;
    for (; out.count < value.count; out.count++) {
        out.series[out.count] = math_new_series(parser);
        for (size_t j = 0; j < parser->input->length; j++)
            out.series[out.count][j] = one_of(call->name, value.series[out.count][j]);
    }
    return out;
}

static double part_of_time(struct str name, int64_t time_s)
{
    struct tm parts = {0};
    time_t seconds = (time_t)time_s;
    gmtime_r(&seconds, &parts);
    if (str_eq(name, STR("MINUTE")))
        return parts.tm_min;
    if (str_eq(name, STR("HOUR")))
        return parts.tm_hour;
    if (str_eq(name, STR("DAY")))
        return parts.tm_wday ? parts.tm_wday : 7;
    if (str_eq(name, STR("DATE")))
        return parts.tm_mday;
    if (str_eq(name, STR("MONTH")))
        return parts.tm_mon + 1;
    return str_eq(name, STR("YEAR")) ? parts.tm_year + 1900 : (double)time_s;
}

/* Of the times of a series, in UTC. */
static struct value times(struct math_parser *parser, const struct math_call *call)
{
    const struct math_input *input = parser->input;
    if (call->arguments[0].kind == VALUE_SCALAR)
        return math_fail(parser, "a series is needed for", call->name);
    double *values = math_new_series(parser);
    for (size_t i = 0; i < input->length; i++)
        values[i] = part_of_time(call->name, input->start_s + (int64_t)i * input->period_s);
    return math_series_of(parser, values);
}

/* Where the condition is not 0 the second argument, else the third, or nothing. */
static struct value choose(struct math_parser *parser, const struct math_call *call)
{
    const struct value *condition = &call->arguments[0], *yes = &call->arguments[1];
    struct value none = math_scalar(NAN);
    const struct value *no = call->count == 3 ? &call->arguments[2] : &none;
    if (condition->kind == VALUE_ARRAY || yes->kind == VALUE_ARRAY || no->kind == VALUE_ARRAY)
        return math_fail(parser, "no array may be an argument of", call->name);
    if (condition->kind == VALUE_SCALAR)
        return condition->scalar != 0 ? *yes : *no;
    double *values = math_new_series(parser);
    for (size_t i = 0; i < parser->input->length; i++) {
        double is_true = math_at(condition, 0, i);
        values[i] = isnan(is_true) ? NAN : math_at(is_true != 0 ? yes : no, 0, i);
    }
    return math_series_of(parser, values);
}

/* --- Arrays --- */

/* All metrics, or those whose ids have the text in them. */
static struct value all_metrics(struct math_parser *parser, struct str part)
{
    const struct math_input *input = parser->input;
    struct value value = math_array(parser, input->metric_count);
    for (size_t i = 0; i < input->metric_count; i++) {
        if (!part.len || str_find(input->series[i].id, part) >= 0)
            value.series[value.count++] = input->series[i].values;
    }
    return value;
}

static struct value slice(struct math_parser *parser, const struct math_call *call)
{
    struct value array = call->arguments[0];
    double first = call->arguments[1].scalar;
    double end = call->count == 3 ? call->arguments[2].scalar : (double)array.count;
    struct value out = math_array(parser, array.count);
    for (size_t i = 0; i < array.count; i++) {
        if ((double)i >= first && (double)i < end)
            out.series[out.count++] = array.series[i];
    }
    return out;
}

/* Whether the series `a` comes before `b`; one without values comes last. */
static bool is_before(double a, double b, bool is_descending)
{
    if (isnan(a) || isnan(b))
        return isnan(b) && !isnan(a);
    return is_descending ? a > b : a < b;
}

static struct value sort(struct math_parser *parser, const struct math_call *call)
{
    struct value array = call->arguments[0], out = math_array(parser, array.count);
    double *keys = arena_array(parser->input->arena, double, array.count + 1);
    bool is_descending = str_eq(call->words[1], STR("DESC"));
    for (size_t i = 0; i < array.count; i++) {
        double key = over_series(parser, array.series[i], call->words[0]);
        size_t place = out.count++;
        for (; place > 0 && is_before(key, keys[place - 1], is_descending); place--) {
            keys[place] = keys[place - 1];
            out.series[place] = out.series[place - 1];
        }
        keys[place] = key;
        out.series[place] = array.series[i];
    }
    if (call->count == 2 && call->arguments[1].scalar < (double)out.count)
        out.count = call->arguments[1].scalar > 0 ? (size_t)call->arguments[1].scalar : 0;
    return out;
}

static struct value one_series(struct math_parser *parser, const struct math_call *call)
{
    struct value array = call->arguments[0];
    if (array.count == 0)
        return math_fail(parser, "the array is empty for", call->name);
    return math_series_of(parser,
                          array.series[str_eq(call->name, STR("FIRST")) ? 0 : array.count - 1]);
}

static struct value remove_empty(struct math_parser *parser, const struct math_call *call)
{
    struct value array = call->arguments[0], out = math_array(parser, array.count);
    for (size_t i = 0; i < array.count; i++) {
        if (over_series(parser, array.series[i], STR("DATAPOINT_COUNT")) > 0)
            out.series[out.count++] = array.series[i];
    }
    return out;
}

static struct value time_series(struct math_parser *parser, const struct math_call *call)
{
    double *values = math_new_series(parser);
    for (size_t i = 0; i < parser->input->length; i++)
        values[i] = call->arguments[0].scalar;
    return math_series_of(parser, values);
}

/* --- Which function --- */

static bool is_among(struct str name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq(name, str_from(names[i])))
            return true;
    }
    return false;
}

#define IS_AMONG(name, names) is_among(name, names, sizeof(names) / sizeof((names)[0]))

static bool is_sort(const struct math_call *call)
{
    static const char *const keys[] = {"SUM", "AVG", "MIN", "MAX"};
    static const char *const orders[] = {"ASC", "DESC"};
    bool is_limited = call->count == 2 && call->arguments[1].kind == VALUE_SCALAR;
    return (call->count == 1 || is_limited) && call->word_count == 2 &&
           IS_AMONG(call->words[0], keys) && IS_AMONG(call->words[1], orders);
}

static bool is_slice(const struct math_call *call)
{
    for (size_t i = 1; i < call->count; i++) {
        if (call->arguments[i].kind != VALUE_SCALAR)
            return false;
    }
    return call->count == 2 || call->count == 3;
}

/* Those that take an array; false when it is none of them, with these arguments. */
static bool apply_to_array(struct math_parser *parser, const struct math_call *call,
                           struct value *out)
{
    if (call->count == 0 || call->arguments[0].kind == VALUE_SCALAR)
        return false;
    bool is_single = call->count == 1 && call->word_count == 0;
    if (str_eq(call->name, STR("SORT")) && is_sort(call))
        *out = sort(parser, call);
    else if (str_eq(call->name, STR("SLICE")) && is_slice(call))
        *out = slice(parser, call);
    else if (str_eq(call->name, STR("METRIC_COUNT")) && is_single)
        *out = math_scalar((double)call->arguments[0].count);
    else if (str_eq(call->name, STR("REMOVE_EMPTY")) && is_single)
        *out = remove_empty(parser, call);
    else if ((str_eq(call->name, STR("FIRST")) || str_eq(call->name, STR("LAST"))) && is_single)
        *out = one_series(parser, call);
    else
        return false;
    return true;
}

static series_fn series_function(struct str name)
{
    static const struct {
        const char *name;
        series_fn apply;
    } functions[] = {
        {"RATE", rate}, {"DIFF", diff}, {"DIFF_TIME", diff_time}, {"RUNNING_SUM", running_sum}};
    for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
        if (str_eq(name, str_from(functions[i].name)))
            return functions[i].apply;
    }
    return NULL;
}

struct value math_apply(struct math_parser *parser, const struct math_call *call)
{
    static const char *const aggregates[] = {"SUM", "AVG",    "MIN",
                                             "MAX", "STDDEV", "DATAPOINT_COUNT"};
    static const char *const single[] = {"ABS", "CEIL", "FLOOR", "LOG", "LOG10"};
    static const char *const clock[] = {"MINUTE", "HOUR", "DAY", "DATE", "MONTH", "YEAR", "EPOCH"};
    struct value value;
    bool has_words = call->word_count > 0;
    if (str_eq(call->name, STR("METRICS")) && call->count == 0)
        return all_metrics(parser, call->text);
    if (str_eq(call->name, STR("FILL")) && call->count > 0)
        return fill(parser, call);
    if (apply_to_array(parser, call, &value))
        return value;
    if (str_eq(call->name, STR("PERIOD")) && call->count == 1)
        return math_scalar((double)parser->input->period_s);
    if (str_eq(call->name, STR("IF")) && (call->count == 2 || call->count == 3) && !has_words)
        return choose(parser, call);
    if (str_eq(call->name, STR("TIME_SERIES")) && call->count == 1 &&
        call->arguments[0].kind == VALUE_SCALAR)
        return time_series(parser, call);
    if (IS_AMONG(call->name, aggregates) && call->count > 0 && !has_words)
        return aggregate(parser, call);
    if (IS_AMONG(call->name, single) && call->count == 1)
        return each_value(parser, call);
    if (IS_AMONG(call->name, clock) && call->count == 1)
        return times(parser, call);
    if (series_function(call->name) && call->count == 1)
        return each_series(parser, call, series_function(call->name));
    return math_fail(parser, "this server does not have, with these arguments, the function",
                     call->name);
}
