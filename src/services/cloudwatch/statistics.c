/* Statistics of points, and GetMetricStatistics. */
#include <stdlib.h>

#include "base/clock.h"
#include "services/cloudwatch/internal.h"

enum { MAX_POINTS = 1440, MAX_PERIOD_S = 455 * 86400 };

/* --- Statistics --- */

/* "p99.9" to 99.9. */
static bool percent_of(struct str name, double *out)
{
    char text[16] = "", *end;
    if (name.len < 2 || name.len > 12 || name.ptr[0] != 'p')
        return false;
    memcpy(text, name.ptr + 1, name.len - 1);
    *out = strtod(text, &end);
    return *end == '\0' && text[0] >= '0' && text[0] <= '9' && *out >= 0 && *out <= 100;
}

static const char *const plain[] = {"SampleCount", "Average", "Sum", "Minimum", "Maximum"};

static bool is_plain(struct str name)
{
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        if (str_eq(name, str_from(plain[i])))
            return true;
    }
    return false;
}

bool cw_is_statistic(struct str name)
{
    double percent;
    return is_plain(name) || percent_of(name, &percent);
}

bool cw_statistic(const struct point *point, struct str name, double *out)
{
    double percent;
    if (point->count <= 0)
        return false;
    if (percent_of(name, &percent))
        return point_percentile(point, percent, out);
    if (str_eq(name, STR("SampleCount")))
        *out = point->count;
    else if (str_eq(name, STR("Average")))
        *out = point->sum / point->count;
    else if (str_eq(name, STR("Sum")))
        *out = point->sum;
    else if (str_eq(name, STR("Minimum")))
        *out = point->min;
    else
        *out = point->max;
    return true;
}

/* --- GetMetricStatistics --- */

struct query {
    struct cw_identity identity; /* without a unit: in any */
    int64_t start_s, period_s;
    size_t count;
};

/* As AWS rounds: to what it keeps of data of that age.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricStatistics.html */
int64_t cw_rounded_start(int64_t start_s, int64_t period_s)
{
    int64_t age_s = clock_wall_ms() / 1000 - start_s, unit_s = 60;
    if (age_s > 63 * 86400)
        unit_s = 3600;
    else if (age_s > 15 * 86400)
        unit_s = 300;
    else if (age_s <= 3 * 3600 && period_s < 60)
        unit_s = period_s;
    return start_s - start_s % unit_s;
}

static enum err check_names(struct request *request, const char *member, bool is_extended)
{
    yyjson_val *name;
    size_t i, max;
    yyjson_arr_foreach (json_get(request->input, member), i, max, name) {
        struct str text = json_str(name);
        if (is_extended ? is_plain(text) || !cw_is_statistic(text) : !is_plain(text))
            return cw_invalid(request, "The value %.*s for parameter %s is invalid.", STR_ARG(text),
                              member);
    }
    return OK;
}

enum err cw_read_period(struct request *request, const yyjson_val *input, const char *path,
                        int64_t *out_s)
{
    int64_t period_s;
    if (!json_get(input, "Period"))
        return cw_missing(request, arena_printf(request->arena, "%sPeriod", path).ptr);
    if (!json_get_i64(input, "Period", &period_s) || period_s < 1)
        return cw_invalid(request, "The parameter %sPeriod must be greater than 0.", path);
    bool is_short =
        period_s == 1 || period_s == 5 || period_s == 10 || period_s == 20 || period_s == 30;
    if (period_s % 60 && !is_short)
        return cw_invalid(request, "The parameter %sPeriod must be a multiple of 60.", path);
    if (period_s > MAX_PERIOD_S)
        return cw_invalid(request, "The parameter %sPeriod must not be greater than %d.", path,
                          MAX_PERIOD_S);
    *out_s = period_s;
    return OK;
}

enum err cw_read_times(struct request *request, enum err order_error, int64_t *out_start_s,
                       int64_t *out_end_s)
{
    yyjson_val *start = json_get(request->input, "StartTime");
    yyjson_val *end = json_get(request->input, "EndTime");
    if (!start || !end)
        return cw_missing(request, start ? "EndTime" : "StartTime");
    if (!cw_time(start, out_start_s) || !cw_time(end, out_end_s))
        return cw_invalid(request, "The parameters StartTime and EndTime must be times.");
    if (*out_start_s >= *out_end_s)
        return request_fail(request, order_error,
                            "The parameter StartTime must be less than the parameter EndTime.");
    return OK;
}

static enum err read_times(struct request *request, struct query *out)
{
    int64_t end_s;
    enum err rc = cw_read_times(request, ERR_CW_INVALID_PARAMETER_VALUE, &out->start_s, &end_s);
    if (rc)
        return rc;
    int64_t wanted = (end_s - out->start_s + out->period_s - 1) / out->period_s;
    out->start_s = cw_rounded_start(out->start_s, out->period_s);
    int64_t count = (end_s - out->start_s + out->period_s - 1) / out->period_s;
    if (wanted > MAX_POINTS)
        return request_fail(request, ERR_CW_INVALID_PARAMETER_COMBINATION,
                            "You have requested up to %lld datapoints, which exceeds the limit of "
                            "%d. You may reduce the datapoints requested by increasing Period, or "
                            "decreasing the time range.",
                            (long long)wanted, MAX_POINTS);
    out->count = (size_t)count;
    return OK;
}

/* In XML a map is a list of entries. */
static void add_extended(struct request *request, yyjson_mut_val *map, const char *name,
                         double value)
{
    yyjson_mut_doc *doc = request->doc;
    if (request->protocol != PROTOCOL_QUERY) {
        json_add_double(doc, map, name, value);
        return;
    }
    yyjson_mut_val *entry = json_add_obj(doc, map, "entry");
    json_add_str(doc, entry, "key", str_from(name));
    json_add_double(doc, entry, "value", value);
}

static void add_point(struct request *request, yyjson_mut_val *list, const struct point *point,
                      int64_t time_s, struct str unit)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *out = yyjson_mut_arr_add_obj(doc, list), *extended = NULL;
    yyjson_val *name;
    size_t i, max;
    double value;
    request_add_time(request, out, "Timestamp", time_s * 1000);
    yyjson_arr_foreach (json_get(request->input, "Statistics"), i, max, name) {
        if (cw_statistic(point, json_str(name), &value))
            json_add_double(doc, out, yyjson_get_str(name), value);
    }
    yyjson_arr_foreach (json_get(request->input, "ExtendedStatistics"), i, max, name) {
        if (!cw_statistic(point, json_str(name), &value))
            continue;
        extended = extended ? extended : json_add_obj(doc, out, "ExtendedStatistics");
        add_extended(request, extended, yyjson_get_str(name), value);
    }
    json_add_str(doc, out, "Unit", unit);
}

static enum err answer(struct request *request, void *state)
{
    const struct query *query = state;
    struct cloudwatch *cloudwatch = request_self(request, struct cloudwatch);
    struct point *points = arena_array(request->arena, struct point, query->count + 1);
    struct metric_series *found[CW_UNITS];
    size_t found_count = cw_find(cloudwatch, &query->identity, found);
    json_add_copy(request->doc, request_output(request), "Label",
                  json_get(request->input, "MetricName"));
    yyjson_mut_val *list = json_add_arr(request->doc, request->output, "Datapoints");
    for (size_t i = 0; i < found_count; i++) {
        enum err rc = cw_read(cloudwatch, found[i], query->start_s, query->period_s, query->count,
                              points, request->arena, &request->error);
        if (rc)
            return rc;
        for (size_t j = 0; j < query->count; j++) {
            if (points[j].count > 0)
                add_point(request, list, &points[j], query->start_s + (int64_t)j * query->period_s,
                          found[i]->identity.unit);
        }
    }
    return OK;
}

enum err cw_get_metric_statistics(struct request *request)
{
    struct query *query = arena_new(request->arena, struct query);
    struct str unit = request_str(request, "Unit");
    enum err rc = cw_read_identity(request, request_str(request, "Namespace"), request->input, "",
                                   &query->identity);
    query->identity.unit = unit.ptr ? unit : STR_EMPTY;
    if (rc == OK && unit.ptr && !cw_is_unit(unit))
        rc = cw_invalid(request, "The value %.*s for parameter Unit is invalid.", STR_ARG(unit));
    if (rc == OK)
        rc = cw_read_period(request, request->input, "", &query->period_s);
    if (rc == OK)
        rc = read_times(request, query);
    if (rc == OK && !yyjson_arr_size(json_get(request->input, "Statistics")) &&
        !yyjson_arr_size(json_get(request->input, "ExtendedStatistics")))
        rc = request_fail(request, ERR_CW_INVALID_PARAMETER_COMBINATION,
                          "Must specify either Statistics or ExtendedStatistics");
    if (rc == OK)
        rc = check_names(request, "Statistics", false);
    if (rc == OK)
        rc = check_names(request, "ExtendedStatistics", true);
    return rc ? rc : cw_after_flush(request, answer, query);
}
