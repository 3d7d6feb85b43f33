/* GetMetricData: several metrics at once, and expressions over them. */
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "services/cloudwatch/internal.h"
#include "services/cloudwatch/math.h"

enum {
    MAX_QUERIES = 500,
    MAX_POINTS = 100800,
    MAX_EXPRESSION = 2048,
};

struct data_query {
    struct str id, label, expression, stat;
    yyjson_val *metric; /* {"Namespace","MetricName","Dimensions","Unit"}; NULL: an expression */
    int64_t period_s;
    bool is_returned;
    double *values; /* once they are known */
    int mark;       /* of evaluating: 1 under way, 2 done */
};

struct data {
    struct request *request;
    struct data_query *queries;
    size_t count;
    int64_t start_s, end_s, period_s; /* all queries have one period, which expressions share */
    size_t length;
    size_t max_points;
    bool is_ascending;
    struct error *error;
    enum err rc;
};

/* --- Reading --- */

static bool is_id(struct str id)
{
    if (id.len == 0 || id.len > 255 || id.ptr[0] < 'a' || id.ptr[0] > 'z')
        return false;
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];
        bool is_word =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        if (!is_word)
            return false;
    }
    return true;
}

/* The metric with its unit beside it, as cw_find_series takes it. */
static yyjson_val *metric_of(struct request *request, yyjson_val *stat)
{
    yyjson_mut_doc *doc = json_doc(request->arena);
    yyjson_mut_val *metric = yyjson_val_mut_copy(doc, json_get(stat, "Metric"));
    json_add_copy(doc, metric, "Unit", json_get(stat, "Unit"));
    return json_parse(request->arena, json_write(request->arena, metric));
}

static enum err read_stat(struct request *request, yyjson_val *stat, struct data_query *out)
{
    struct cw_identity identity;
    yyjson_val *metric = json_get(stat, "Metric");
    out->stat = json_get_str(stat, "Stat");
    if (!yyjson_is_obj(metric))
        return cw_missing(request, "MetricDataQueries.member.MetricStat.Metric");
    if (!out->stat.ptr)
        return cw_missing(request, "MetricDataQueries.member.MetricStat.Stat");
    if (!cw_is_statistic(out->stat))
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "The value %.*s for parameter MetricDataQueries.member.MetricStat.Stat "
                            "is not supported.",
                            STR_ARG(out->stat));
    if (!json_get_i64(stat, "Period", &out->period_s) || out->period_s < 1)
        return cw_missing(request, "MetricDataQueries.member.MetricStat.Period");
    out->metric = metric_of(request, stat);
    return cw_read_identity(request, json_get_str(metric, "Namespace"), metric,
                            "MetricDataQueries.member.MetricStat.Metric.", &identity);
}

static enum err read_query(struct request *request, yyjson_val *input, struct data_query *out)
{
    yyjson_val *stat = json_get(input, "MetricStat");
    out->id = json_get_str(input, "Id");
    out->label = json_get_str(input, "Label");
    out->expression = json_get_str(input, "Expression");
    out->is_returned = json_get_bool(input, "ReturnData", true);
    if (!is_id(out->id))
        return request_fail(
            request, ERR_VALIDATION_ERROR,
            "The value %.*s for parameter MetricDataQueries.member.Id is not valid. "
            "It must begin with a lower-case letter and have letters, digits and "
            "underscores only.",
            out->id.ptr ? (int)out->id.len : 0, out->id.ptr ? out->id.ptr : "");
    if ((stat != NULL) == (out->expression.ptr != NULL))
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "Each query must have either MetricStat or Expression.");
    if (out->expression.len > MAX_EXPRESSION)
        return request_fail(request, ERR_VALIDATION_ERROR, "An expression may have %d characters.",
                            MAX_EXPRESSION);
    return stat ? read_stat(request, stat, out) : OK;
}

static enum err read_queries(struct request *request, struct data *data)
{
    yyjson_val *list = json_get(request->input, "MetricDataQueries"), *one;
    size_t i, max;
    if (yyjson_arr_size(list) == 0)
        return cw_missing(request, "MetricDataQueries");
    if (yyjson_arr_size(list) > MAX_QUERIES)
        return request_fail(
            request, ERR_VALIDATION_ERROR,
            "The collection MetricDataQueries must not have a size greater than %d.", MAX_QUERIES);
    data->queries = arena_array(request->arena, struct data_query, yyjson_arr_size(list));
    yyjson_arr_foreach (list, i, max, one) {
        struct data_query *query = &data->queries[data->count++];
        enum err rc = read_query(request, one, query);
        if (rc)
            return rc;
        for (size_t j = 0; j < i; j++) {
            if (str_eq(data->queries[j].id, query->id))
                return request_fail(request, ERR_VALIDATION_ERROR,
                                    "The value for parameter MetricDataQueries.member.Id must be "
                                    "unique: %.*s.",
                                    STR_ARG(query->id));
        }
    }
    return OK;
}

/* Where queries differ in their period, expressions work with the longest. */
static enum err read_times(struct request *request, struct data *data)
{
    yyjson_val *start = json_get(request->input, "StartTime");
    yyjson_val *end = json_get(request->input, "EndTime");
    int64_t most = MAX_POINTS;
    if (!start || !end)
        return cw_missing(request, start ? "EndTime" : "StartTime");
    if (!cw_time(start, &data->start_s) || !cw_time(end, &data->end_s))
        return cw_invalid(request, "The parameters StartTime and EndTime must be times.");
    if (data->start_s >= data->end_s)
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "The parameter StartTime must be less than the parameter EndTime.");
    data->period_s = 0;
    for (size_t i = 0; i < data->count; i++)
        data->period_s =
            data->queries[i].period_s > data->period_s ? data->queries[i].period_s : data->period_s;
    data->period_s = data->period_s ? data->period_s : 300;
    data->start_s -= data->start_s % (data->period_s < 60 ? data->period_s : 60);
    if (json_get_i64(request->input, "MaxDatapoints", &most) && (most < 1 || most > MAX_POINTS))
        return cw_invalid(request, "The value %lld for parameter MaxDatapoints is invalid.",
                          (long long)most);
    data->max_points = (size_t)most;
    int64_t length = (data->end_s - data->start_s + data->period_s - 1) / data->period_s;
    if (length * (int64_t)data->count > MAX_POINTS)
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "You have requested up to %lld datapoints, which exceeds the limit of "
                            "%d.",
                            (long long)length * (long long)data->count, MAX_POINTS);
    data->length = (size_t)length;
    data->is_ascending = str_eq(request_str(request, "ScanBy"), STR("TimestampAscending"));
    return OK;
}

/* --- Evaluating --- */

static enum err read_metric(struct data *data, struct data_query *query)
{
    struct request *request = data->request;
    struct cloudwatch *cloudwatch = request_self(request, struct cloudwatch);
    struct point *points = arena_array(request->arena, struct point, data->length + 1);
    struct metric_series **found;
    size_t count = cw_find_series(request, query->metric, &found);
    for (size_t i = 0; i < data->length; i++)
        query->values[i] = NAN;
    for (size_t i = 0; i < count; i++) {
        enum err rc = cw_read(cloudwatch, found[i], data->start_s, data->period_s, data->length,
                              points, request->arena, &request->error);
        if (rc)
            return rc;
        for (size_t j = 0; j < data->length; j++)
            cw_statistic(&points[j], query->stat, &query->values[j]);
    }
    return OK;
}

static struct data_query *find_query(struct data *data, struct str id)
{
    for (size_t i = 0; i < data->count; i++) {
        if (str_eq(data->queries[i].id, id))
            return &data->queries[i];
    }
    return NULL;
}

static void evaluate(struct data *data, struct data_query *query);

/* What an expression needs comes before it. */
static void evaluate_needed(void *arg, struct str id)
{
    struct data *data = arg;
    struct data_query *query = find_query(data, id);
    if (query)
        evaluate(data, query);
    for (size_t i = 0; i < data->count && id.len == 0; i++) {
        if (data->queries[i].metric)
            evaluate(data, &data->queries[i]);
    }
}

/* Metrics first, because METRICS() stands for them. */
static struct math_input known_series(struct data *data)
{
    struct arena *arena = data->request->arena;
    struct math_series *series = arena_array(arena, struct math_series, data->count);
    struct math_input input = {
        .series = series, .length = data->length, .period_s = data->period_s, .arena = arena};
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < data->count; i++) {
            const struct data_query *query = &data->queries[i];
            if (query->mark == 2 && (query->metric != NULL) == (round == 0))
                series[input.series_count++] = (struct math_series){query->id, query->values};
        }
        if (round == 0)
            input.metric_count = input.series_count;
    }
    return input;
}

static void evaluate(struct data *data, struct data_query *query)
{
    if (data->rc || query->mark == 2)
        return;
    if (query->mark == 1) {
        data->rc = request_fail(data->request, ERR_VALIDATION_ERROR,
                                "The expression of %.*s needs itself.", STR_ARG(query->id));
        return;
    }
    query->mark = 1;
    query->values = arena_array(data->request->arena, double, data->length + 1);
    if (query->metric) {
        data->rc = read_metric(data, query);
    } else {
        math_ids(query->expression, evaluate_needed, data);
        struct math_input input = known_series(data);
        if (data->rc == OK)
            data->rc =
                math_evaluate(query->expression, &input, &query->values, &data->request->error);
    }
    query->mark = 2;
}

/* --- Answering --- */

static struct str label_of(const struct data_query *query)
{
    if (query->label.len)
        return query->label;
    return query->metric ? json_get_str(query->metric, "MetricName") : query->id;
}

static void add_result(struct data *data, yyjson_mut_val *list, const struct data_query *query,
                       size_t first, size_t last)
{
    struct request *request = data->request;
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *result = yyjson_mut_arr_add_obj(doc, list);
    json_add_str(doc, result, "Id", query->id);
    json_add_str(doc, result, "Label", label_of(query));
    yyjson_mut_val *times = json_add_arr(doc, result, "Timestamps");
    yyjson_mut_val *values = json_add_arr(doc, result, "Values");
    for (size_t i = first; i < last; i++) {
        size_t place = data->is_ascending ? i : data->length - 1 - i;
        if (isnan(query->values[place]))
            continue;
        yyjson_mut_arr_append(
            times, request_time(request, (data->start_s + (int64_t)place * data->period_s) * 1000));
        yyjson_mut_arr_append(values, yyjson_mut_real(doc, query->values[place]));
    }
    json_add_str(doc, result, "StatusCode",
                 last < data->length ? STR("PartialData") : STR("Complete"));
}

/* A page has as many periods as fit; the token is the number of the next one. */
static enum err answer(struct request *request)
{
    struct data *data = request->handler_state;
    struct str token = request_str(request, "NextToken");
    size_t returned = 0, first = 0;
    uint64_t start = 0;
    if (token.len && (!str_to_u64(token, &start) || start > data->length))
        return cw_invalid(request, "Invalid nextToken");
    first = (size_t)start;
    for (size_t i = 0; i < data->count; i++) {
        evaluate(data, &data->queries[i]);
        returned += data->queries[i].is_returned;
    }
    if (data->rc)
        return data->rc;
    size_t room = returned ? data->max_points / returned : data->length;
    size_t last =
        first + (room ? room : 1) < data->length ? first + (room ? room : 1) : data->length;
    yyjson_mut_val *list = json_add_arr(request->doc, request_output(request), "MetricDataResults");
    for (size_t i = 0; i < data->count; i++) {
        if (data->queries[i].is_returned)
            add_result(data, list, &data->queries[i], first, last);
    }
    json_add_arr(request->doc, request->output, "Messages");
    if (last < data->length)
        json_add_str(request->doc, request->output, "NextToken",
                     arena_printf(request->arena, "%zu", last));
    return OK;
}

enum err cw_get_metric_data(struct request *request)
{
    struct data *data = arena_new(request->arena, struct data);
    data->request = request;
    enum err rc = read_queries(request, data);
    if (rc == OK)
        rc = read_times(request, data);
    request->handler_state = data;
    return rc ? rc : cw_after_flush(request, answer);
}
