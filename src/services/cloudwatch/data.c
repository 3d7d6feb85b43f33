/* GetMetricData: several metrics at once, and expressions over them. */
#include <math.h>
#include <stdlib.h>

#include "services/cloudwatch/internal.h"
#include "services/cloudwatch/math.h"

enum {
    MAX_QUERIES = 500,
    MAX_POINTS = 100800, /* in one answer */
    MAX_READ = 1000000,  /* of all metrics together */
    MAX_WORK = 16000000,
    MAX_EXPRESSION = 2048,
    DEFAULT_PERIOD_S = 300, /* of an expression without metrics */
};

/* A query's values by periods of one length. */
struct timeline {
    int64_t start_s, period_s;
    size_t length;
    double *values;
    struct timeline *next; /* the same query's for another period */
};

struct data_query {
    struct str id, label, expression, stat;
    bool is_metric;
    struct cw_identity identity; /* of a metric; without a unit: in any */
    int64_t period_s;            /* of an expression the longest of the metrics that it uses */
    bool is_returned;
    struct timeline *timelines; /* as far as they are known */
    struct timeline *result;    /* the one for its own period */
    size_t value_count;         /* in it */
    bool is_open;               /* it is being worked out */
    struct str units;           /* "Count, Seconds" when there are values in several; or empty */
};

struct data {
    struct request *request;
    struct data_query *queries;
    size_t count;
    int64_t start_s, end_s;
    size_t first;      /* how many values of each query the pages before had */
    size_t max_points; /* in this page */
    size_t budget;     /* of expressions */
    bool is_ascending;
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

static enum err read_stat(struct request *request, yyjson_val *stat, const char *path,
                          struct data_query *out)
{
    struct arena *arena = request->arena;
    yyjson_val *metric = json_get(stat, "Metric");
    struct str unit = json_get_str(stat, "Unit");
    const char *own_path = arena_printf(arena, "%sMetricStat.", path).ptr;
    out->is_metric = true;
    out->stat = json_get_str(stat, "Stat");
    if (!yyjson_is_obj(metric))
        return cw_missing(request, arena_printf(arena, "%sMetric", own_path).ptr);
    if (!out->stat.ptr)
        return cw_missing(request, arena_printf(arena, "%sStat", own_path).ptr);
    if (!cw_is_statistic(out->stat))
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "The value %.*s for parameter %sStat is not supported.",
                            STR_ARG(out->stat), own_path);
    if (unit.ptr && !cw_is_unit(unit))
        return cw_invalid(request, "The value %.*s for parameter %sUnit is invalid.", STR_ARG(unit),
                          own_path);
    enum err rc = cw_read_period(request, stat, own_path, &out->period_s);
    if (rc == OK)
        rc = cw_read_identity(request, json_get_str(metric, "Namespace"), metric,
                              arena_printf(arena, "%sMetric.", own_path).ptr, &out->identity);
    out->identity.unit = unit.ptr ? unit : STR_EMPTY;
    return rc;
}

static enum err read_query(struct request *request, yyjson_val *input, const char *path,
                           struct data_query *out)
{
    yyjson_val *stat = json_get(input, "MetricStat");
    out->id = json_get_str(input, "Id");
    out->label = json_get_str(input, "Label");
    out->expression = json_get_str(input, "Expression");
    out->is_returned = json_get_bool(input, "ReturnData", true);
    if (!is_id(out->id))
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "The value \"%.*s\" in field \"Id\" does not match expression "
                            "\"^[a-z][a-zA-Z0-9_]*$\".",
                            out->id.ptr ? (int)out->id.len : 0, out->id.ptr ? out->id.ptr : "");
    if ((stat != NULL) == (out->expression.ptr != NULL))
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "Each query must have either MetricStat or Expression.");
    if (out->expression.len > MAX_EXPRESSION)
        return request_fail(request, ERR_VALIDATION_ERROR, "An expression may have %d characters.",
                            MAX_EXPRESSION);
    return stat ? read_stat(request, stat, path, out) : OK;
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
        struct str path = arena_printf(request->arena, "MetricDataQueries.member.%zu.", i + 1);
        enum err rc = read_query(request, one, path.ptr, query);
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

static size_t length_of(const struct data *data, int64_t period_s)
{
    int64_t start_s = cw_rounded_start(data->start_s, period_s);
    return (size_t)((data->end_s - start_s + period_s - 1) / period_s);
}

static enum err read_range(struct request *request, struct data *data)
{
    int64_t most = MAX_POINTS;
    size_t wanted = 0;
    enum err rc = cw_read_times(request, ERR_VALIDATION_ERROR, &data->start_s, &data->end_s);
    if (rc)
        return rc;
    if (json_get_i64(request->input, "MaxDatapoints", &most) && (most < 1 || most > MAX_POINTS))
        return cw_invalid(request, "The value %lld for parameter MaxDatapoints is invalid.",
                          (long long)most);
    data->max_points = (size_t)most;
    for (size_t i = 0; i < data->count; i++) {
        if (data->queries[i].is_metric)
            wanted += length_of(data, data->queries[i].period_s);
    }
    if (wanted > MAX_READ)
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "You have requested up to %zu datapoints, which exceeds the limit of "
                            "%d. You may reduce the datapoints requested by increasing Period, or "
                            "decreasing the time range.",
                            wanted, MAX_READ);
    return OK;
}

/* The order of an answer, and where it goes on. */
static enum err read_page(struct request *request, struct data *data)
{
    struct str order = request_str(request, "ScanBy"), token = request_str(request, "NextToken");
    uint64_t first = 0;
    if (order.ptr && !str_eq(order, STR("TimestampAscending")) &&
        !str_eq(order, STR("TimestampDescending")))
        return cw_invalid(request, "The value %.*s for parameter ScanBy is invalid.",
                          STR_ARG(order));
    if (token.len && (!str_to_u64(token, &first) || first > SIZE_MAX / 2))
        return request_fail(request, ERR_CW_INVALID_NEXT_TOKEN, "Invalid nextToken");
    data->is_ascending = str_eq(order, STR("TimestampAscending"));
    data->first = (size_t)first;
    return OK;
}

/* --- What expressions use --- */

static struct data_query *find_query(struct data *data, struct str id)
{
    for (size_t i = 0; i < data->count; i++) {
        if (str_eq(data->queries[i].id, id))
            return &data->queries[i];
    }
    return NULL;
}

/* A walk over all that an expression uses, through other expressions. */
struct use {
    struct data *data;
    int64_t longest_s;
    enum err rc;
};

static void use_query(struct use *use, struct data_query *query);

/* "METRICS()", whose id is empty, uses all metrics. */
static void use_id(void *arg, struct str id)
{
    struct use *use = arg;
    struct data_query *query = find_query(use->data, id);
    if (query)
        use_query(use, query);
    for (size_t i = 0; i < use->data->count && id.len == 0; i++) {
        if (use->data->queries[i].is_metric)
            use_query(use, &use->data->queries[i]);
    }
}

static void use_query(struct use *use, struct data_query *query)
{
    if (use->rc == OK && query->is_open)
        use->rc = request_fail(use->data->request, ERR_VALIDATION_ERROR,
                               "The expression of %.*s uses itself.", STR_ARG(query->id));
    if (use->rc)
        return;
    if (query->period_s == 0) {
        struct use inner = {.data = use->data};
        query->is_open = true;
        math_ids(query->expression, use_id, &inner);
        query->is_open = false;
        query->period_s = inner.longest_s ? inner.longest_s : DEFAULT_PERIOD_S;
        use->rc = inner.rc;
    }
    if (query->period_s > use->longest_s)
        use->longest_s = query->period_s;
}

static enum err find_periods(struct data *data)
{
    struct use use = {.data = data};
    for (size_t i = 0; i < data->count; i++)
        use_query(&use, &data->queries[i]);
    return use.rc;
}

/* --- Working out values --- */

static int by_unit(const void *a, const void *b)
{
    const struct metric_series *const *x = a, *const *y = b;
    return str_cmp((*x)->identity.unit, (*y)->identity.unit);
}

static bool has_values(const struct point *points, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (points[i].count > 0)
            return true;
    }
    return false;
}

/* Of several units the first one's values are taken. */
static enum err read_metric(struct data *data, struct data_query *query, struct timeline *timeline)
{
    struct request *request = data->request;
    struct cloudwatch *cloudwatch = request_self(request, struct cloudwatch);
    struct arena scratch = {0};
    struct point *all = arena_array(&scratch, struct point, timeline->length + 1);
    struct point *points = arena_array(&scratch, struct point, timeline->length + 1);
    struct metric_series *found[CW_UNITS];
    size_t count = cw_find(cloudwatch, &query->identity, found);
    struct buf units;
    size_t unit_count = 0;
    enum err rc = OK;
    buf_init_arena(&units, request->arena, 1024);
    qsort(found, count, sizeof(*found), by_unit);
    for (size_t i = 0; i < timeline->length; i++)
        all[i] = point_empty();
    for (size_t i = 0; i < count && rc == OK; i++) {
        rc = cw_read(cloudwatch, found[i], timeline->start_s, timeline->period_s, timeline->length,
                     points, &scratch, &request->error);
        if (rc || !has_values(points, timeline->length))
            continue;
        buf_printf(&units, "%s%.*s", unit_count ? ", " : "", STR_ARG(found[i]->identity.unit));
        for (size_t j = 0; j < timeline->length && unit_count == 0; j++)
            point_merge(&all[j], &points[j], &scratch);
        unit_count++;
    }
    query->units = unit_count > 1 ? buf_str(&units) : STR_EMPTY;
    for (size_t i = 0; i < timeline->length; i++) {
        if (!cw_statistic(&all[i], query->stat, &timeline->values[i]))
            timeline->values[i] = NAN;
    }
    arena_release(&scratch);
    return rc;
}

static enum err work_out(struct data *data, struct data_query *query, int64_t period_s,
                         struct timeline **out);

/* What the expression's ids stand for, metrics first, because METRICS() stands for them. */
struct known {
    struct data *data;
    int64_t period_s;
    struct math_series *series;
    size_t count, metric_count;
    enum err rc;
};

static void know_query(struct known *known, struct data_query *query)
{
    struct timeline *timeline;
    for (size_t i = 0; i < known->count; i++) {
        if (str_eq(known->series[i].id, query->id))
            return;
    }
    if (known->rc == OK)
        known->rc = work_out(known->data, query, known->period_s, &timeline);
    if (known->rc)
        return;
    struct math_series series = {query->id, timeline->values};
    known->series[known->count++] = series;
    if (!query->is_metric)
        return;
    known->series[known->count - 1] = known->series[known->metric_count];
    known->series[known->metric_count++] = series;
}

static void know_id(void *arg, struct str id)
{
    struct known *known = arg;
    struct data_query *query = find_query(known->data, id);
    if (query)
        know_query(known, query);
    for (size_t i = 0; i < known->data->count && id.len == 0; i++) {
        if (known->data->queries[i].is_metric)
            know_query(known, &known->data->queries[i]);
    }
}

static enum err evaluate(struct data *data, const struct data_query *query,
                         struct timeline *timeline)
{
    struct arena scratch = {0};
    struct known known = {.data = data, .period_s = timeline->period_s};
    known.series = arena_array(&scratch, struct math_series, data->count + 1);
    math_ids(query->expression, know_id, &known);
    struct math_input input = {
        .series = known.series,
        .series_count = known.count,
        .metric_count = known.metric_count,
        .length = timeline->length,
        .start_s = timeline->start_s,
        .period_s = timeline->period_s,
        .arena = &scratch,
        .budget = &data->budget,
    };
    double *values;
    enum err rc = known.rc;
    if (rc == OK)
        rc = math_evaluate(query->expression, &input, &values, &data->request->error);
    if (rc == OK)
        memcpy(timeline->values, values, timeline->length * sizeof(double));
    arena_release(&scratch);
    return rc;
}

/* The query's values by periods of that length; each only once. */
static enum err work_out(struct data *data, struct data_query *query, int64_t period_s,
                         struct timeline **out)
{
    struct arena *arena = data->request->arena;
    struct timeline *timeline = query->timelines;
    while (timeline && timeline->period_s != period_s)
        timeline = timeline->next;
    *out = timeline;
    if (timeline)
        return OK;
    timeline = arena_new(arena, struct timeline);
    timeline->start_s = cw_rounded_start(data->start_s, period_s);
    timeline->period_s = period_s;
    timeline->length = length_of(data, period_s);
    timeline->values = arena_array(arena, double, timeline->length + 1);
    enum err rc =
        query->is_metric ? read_metric(data, query, timeline) : evaluate(data, query, timeline);
    timeline->next = query->timelines;
    query->timelines = *out = timeline;
    return rc;
}

/* --- Answering --- */

static bool is_same_metric(struct arena *arena, const struct data_query *a,
                           const struct data_query *b)
{
    struct cw_identity left = a->identity, right = b->identity;
    left.unit = right.unit = STR_EMPTY;
    return a->is_metric && b->is_metric && str_eq(cw_key(arena, &left), cw_key(arena, &right));
}

/* The metric's name, and what tells several queries of it apart. */
static struct str label_of(const struct data *data, const struct data_query *query)
{
    struct arena *arena = data->request->arena;
    bool has_stats = false, has_periods = false;
    if (query->label.len)
        return query->label;
    if (!query->is_metric)
        return query->id;
    for (size_t i = 0; i < data->count; i++) {
        const struct data_query *other = &data->queries[i];
        if (other == query || !str_eq(other->identity.name, query->identity.name) ||
            !is_same_metric(arena, other, query))
            continue;
        has_stats |= !str_eq(other->stat, query->stat);
        has_periods |= other->period_s != query->period_s;
    }
    struct str label = query->identity.name;
    if (has_stats)
        label = arena_printf(arena, "%.*s %.*s", STR_ARG(label), STR_ARG(query->stat));
    if (has_periods)
        label = arena_printf(arena, "%.*s %lld", STR_ARG(label), (long long)query->period_s);
    return label;
}

static size_t values_of(const struct timeline *timeline)
{
    size_t count = 0;
    for (size_t i = 0; i < timeline->length; i++)
        count += isfinite(timeline->values[i]) != 0;
    return count;
}

/* How many values this page has when it has at most `room` of each query. */
static size_t page_size(const struct data *data, size_t room)
{
    size_t size = 0;
    for (size_t i = 0; i < data->count; i++) {
        const struct data_query *query = &data->queries[i];
        if (!query->is_returned || query->value_count <= data->first)
            continue;
        size_t left = query->value_count - data->first;
        size += left < room ? left : room;
    }
    return size;
}

/* The greatest room with which the page is not too long; 1 at least. */
static size_t find_room(const struct data *data)
{
    size_t low = 1, high = data->max_points;
    while (low < high) {
        size_t middle = high - (high - low) / 2;
        if (page_size(data, middle) <= data->max_points)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

static void add_units(struct request *request, yyjson_mut_val *result, struct str units)
{
    yyjson_mut_doc *doc = request->doc;
    if (!units.len)
        return;
    yyjson_mut_val *message = yyjson_mut_arr_add_obj(doc, json_add_arr(doc, result, "Messages"));
    json_add_str(doc, message, "Code", STR("MultipleUnits"));
    json_add_str(doc, message, "Value",
                 arena_printf(request->arena, "Multiple units returned: '[%.*s]'", STR_ARG(units)));
}

/* Adds the values that are in this page; returns whether there are more. */
static bool add_result(struct data *data, yyjson_mut_val *list, const struct data_query *query,
                       size_t room)
{
    struct request *request = data->request;
    const struct timeline *timeline = query->result;
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *result = yyjson_mut_arr_add_obj(doc, list);
    json_add_str(doc, result, "Id", query->id);
    json_add_str(doc, result, "Label", label_of(data, query));
    yyjson_mut_val *times = json_add_arr(doc, result, "Timestamps");
    yyjson_mut_val *values = json_add_arr(doc, result, "Values");
    size_t last = data->first + room, seen = 0;
    for (size_t i = 0; i < timeline->length && seen < last; i++) {
        size_t place = data->is_ascending ? i : timeline->length - 1 - i;
        if (!isfinite(timeline->values[place]) || seen++ < data->first)
            continue;
        int64_t time_s = timeline->start_s + (int64_t)place * timeline->period_s;
        yyjson_mut_arr_append(times, request_time(request, time_s * 1000));
        yyjson_mut_arr_append(values, yyjson_mut_real(doc, timeline->values[place]));
    }
    bool has_more = last < query->value_count;
    json_add_str(doc, result, "StatusCode", has_more ? STR("PartialData") : STR("Complete"));
    add_units(request, result, query->units);
    return has_more;
}

/* A page has the same number of values of each query; the token says how many there were. */
static enum err answer(struct request *request, void *state)
{
    struct data *data = state;
    bool has_more = false;
    for (size_t i = 0; i < data->count; i++) {
        struct data_query *query = &data->queries[i];
        enum err rc = work_out(data, query, query->period_s, &query->result);
        if (rc)
            return rc;
        query->value_count = values_of(query->result);
    }
    size_t room = find_room(data);
    yyjson_mut_val *list = json_add_arr(request->doc, request_output(request), "MetricDataResults");
    for (size_t i = 0; i < data->count; i++) {
        if (data->queries[i].is_returned)
            has_more |= add_result(data, list, &data->queries[i], room);
    }
    json_add_arr(request->doc, request->output, "Messages");
    if (has_more)
        json_add_str(request->doc, request->output, "NextToken",
                     arena_printf(request->arena, "%zu", data->first + room));
    return OK;
}

enum err cw_get_metric_data(struct request *request)
{
    struct data *data = arena_new(request->arena, struct data);
    data->request = request;
    data->budget = MAX_WORK;
    enum err rc = read_queries(request, data);
    if (rc == OK)
        rc = read_range(request, data);
    if (rc == OK)
        rc = read_page(request, data);
    if (rc == OK)
        rc = find_periods(data);
    return rc ? rc : cw_after_flush(request, answer, data);
}
