/* PutMetricData. */
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "services/cloudwatch/internal.h"

enum {
    MAX_DATA = 1000,
    MAX_VALUES = 150,
    MAX_PAST_S = 14 * 24 * 3600,
    MAX_FUTURE_S = 2 * 3600,
};

struct datum {
    struct metric_series *series;
    int resolution;
    int64_t time_s;
    struct point point;
};

struct put {
    struct datum *data;
    size_t count, written;
};

/* --- Values --- */

/* https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html: "Values
 * must be in the range of -2^360 to 2^360. In addition, special values (for example, NaN,
 * +Infinity, -Infinity) are not supported." */
static enum err check_value(struct request *request, double value, const char *path,
                            const char *member)
{
    if (isfinite(value) && fabs(value) <= 0x1p360)
        return OK;
    return cw_invalid(request, "The value %g for parameter %s%s is invalid.", value, path, member);
}

static enum err add_values(struct request *request, const yyjson_val *datum, const char *path,
                           struct point *point)
{
    yyjson_val *values = json_get(datum, "Values"), *counts = json_get(datum, "Counts");
    size_t count = yyjson_arr_size(values);
    if (count > MAX_VALUES)
        return cw_invalid(request, "The collection %sValues must not have a size greater than %d.",
                          path, MAX_VALUES);
    if (counts && yyjson_arr_size(counts) != count)
        return request_fail(request, ERR_CW_INVALID_PARAMETER_VALUE,
                            "The parameters %sValues and %sCounts must be of the same size.", path,
                            path);
    for (size_t i = 0; i < count; i++) {
        double value, times = 1;
        yyjson_val *pair = yyjson_arr_get(values, i), *weight = yyjson_arr_get(counts, i);
        if (!json_double(pair, &value) || (weight && !json_double(weight, &times)) || times < 0)
            return cw_invalid(request, "The parameter %sValues.member.%zu is not a number.", path,
                              i + 1);
        enum err rc = check_value(request, value, path, "Values");
        if (rc)
            return rc;
        if (times > 0)
            point_add(point, value, times, request->arena);
    }
    return OK;
}

static enum err add_set(struct request *request, const yyjson_val *statistics, const char *path,
                        struct point *point)
{
    static const char *const members[] = {"SampleCount", "Sum", "Minimum", "Maximum"};
    double numbers[4];
    for (size_t i = 0; i < 4; i++) {
        if (!json_get_double(statistics, members[i], &numbers[i])) {
            struct str name =
                arena_printf(request->arena, "%sStatisticValues.%s", path, members[i]);
            return cw_missing(request, name.ptr);
        }
        enum err rc = check_value(request, numbers[i], path, members[i]);
        if (rc)
            return rc;
    }
    if (numbers[2] > numbers[3])
        return cw_invalid(request,
                          "The parameter %sStatisticValues.Minimum must not be greater than "
                          "Maximum.",
                          path);
    struct point set = {numbers[0], numbers[1], numbers[2], numbers[3], NULL, 0, false};
    /* AWS knows the percentiles of sets in which all values are one. */
    if (set.min == set.max && set.count > 0)
        point_add(point, set.min, set.count, request->arena);
    else if (set.count > 0)
        point_add_set(point, &set);
    return OK;
}

/* There is one kind of values in a datum. */
static enum err check_pairs(struct request *request, const yyjson_val *datum, const char *path)
{
    static const char *const pairs[][2] = {
        {"Value", "Values"}, {"Value", "StatisticValues"}, {"Values", "StatisticValues"}};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
        if (json_get(datum, pairs[i][0]) && json_get(datum, pairs[i][1]))
            return request_fail(request, ERR_CW_INVALID_PARAMETER_COMBINATION,
                                "The parameters %s%s and %s%s are mutually exclusive and you have "
                                "specified both.",
                                path, pairs[i][0], path, pairs[i][1]);
    }
    return OK;
}

static enum err read_values(struct request *request, const yyjson_val *datum, const char *path,
                            struct point *out)
{
    yyjson_val *single = json_get(datum, "Value"), *set = json_get(datum, "StatisticValues");
    struct point point = point_empty();
    double value;
    enum err rc = OK;
    if (!single && !set && !json_get(datum, "Values"))
        return cw_invalid(request, "At least one of the parameters must be specified.");
    rc = check_pairs(request, datum, path);
    if (rc)
        return rc;
    if (single && !json_double(single, &value))
        rc = cw_invalid(request, "The parameter %sValue is not a number.", path);
    else if (single)
        rc = check_value(request, value, path, "Value");
    if (rc == OK && single)
        point_add(&point, value, 1, request->arena);
    if (rc == OK && set)
        rc = add_set(request, set, path, &point);
    if (rc == OK && !single && !set)
        rc = add_values(request, datum, path, &point);
    *out = point;
    return rc;
}

/* --- A datum --- */

static enum err read_time(struct request *request, const yyjson_val *datum, const char *path,
                          struct datum *out)
{
    int64_t now_s = clock_wall_ms() / 1000, resolution = 60;
    yyjson_val *time = json_get(datum, "Timestamp");
    out->time_s = now_s;
    if (time && !cw_time(time, &out->time_s))
        return cw_invalid(request, "The parameter %sTimestamp is not a time.", path);
    if (out->time_s < now_s - MAX_PAST_S)
        return cw_invalid(request,
                          "The parameter %sTimestamp must specify a time within the past two "
                          "weeks.",
                          path);
    if (out->time_s > now_s + MAX_FUTURE_S)
        return cw_invalid(request,
                          "The parameter %sTimestamp must specify a time no more than two hours in "
                          "the future.",
                          path);
    json_get_i64(datum, "StorageResolution", &resolution);
    if (resolution != 1 && resolution != 60)
        return cw_invalid(request,
                          "The value %lld for parameter %sStorageResolution is invalid: it "
                          "is 1 or 60.",
                          (long long)resolution, path);
    out->resolution = resolution == 1 ? 0 : 1;
    out->time_s -= out->time_s % cw_resolutions[out->resolution].seconds;
    return OK;
}

static enum err read_datum(struct request *request, const yyjson_val *input, const char *path,
                           struct datum *out)
{
    struct cw_identity identity;
    struct str unit = json_get_str(input, "Unit");
    enum err rc =
        cw_read_identity(request, request_str(request, "Namespace"), input, path, &identity);
    if (rc)
        return rc;
    if (unit.ptr && !cw_is_unit(unit))
        return cw_invalid(request, "The value %.*s for parameter %sUnit is invalid.", STR_ARG(unit),
                          path);
    identity.unit = unit.ptr ? unit : STR("None");
    rc = read_time(request, input, path, out);
    if (rc == OK)
        rc = read_values(request, input, path, &out->point);
    if (rc)
        return rc;
    out->series = cw_series(request_self(request, struct cloudwatch), &identity);
    if (!out->series)
        return request_fail(request, ERR_CW_LIMIT_EXCEEDED,
                            "There are %d metrics: no more can be "
                            "made.",
                            CW_MAX_SERIES);
    return OK;
}

static enum err write_data(struct request *request, struct store_txn *txn)
{
    struct put *put = request->handler_state;
    enum err rc = OK;
    while (rc == OK && put->written < put->count && !store_txn_is_full(txn)) {
        const struct datum *datum = &put->data[put->written++];
        if (datum->point.count > 0)
            rc = cw_merge(txn, datum->series, datum->resolution, datum->time_s, &datum->point,
                          &request->error);
    }
    request->write.has_more = put->written < put->count;
    return rc;
}

enum err cw_put_metric_data(struct request *request)
{
    yyjson_val *list = json_get(request->input, "MetricData"), *one;
    struct put *put = arena_new(request->arena, struct put);
    size_t i, max;
    struct str space = request_str(request, "Namespace");
    if (!space.ptr)
        return cw_missing(request, "Namespace");
    if (str_starts(space, STR("AWS/")))
        return cw_invalid(request, "The value AWS/ for parameter Namespace is invalid.");
    if (yyjson_arr_size(list) == 0)
        return cw_missing(request, "MetricData");
    if (yyjson_arr_size(list) > MAX_DATA)
        return cw_invalid(
            request, "The collection MetricData must not have a size greater than %d.", MAX_DATA);
    put->data = arena_array(request->arena, struct datum, yyjson_arr_size(list));
    yyjson_arr_foreach (list, i, max, one) {
        struct str path = arena_printf(request->arena, "MetricData.member.%zu.", i + 1);
        enum err rc = read_datum(request, one, path.ptr, &put->data[put->count++]);
        if (rc)
            return rc;
    }
    request->handler_state = put;
    return request_write_in_parts(request, write_data, NULL);
}
