/* Reading and checking what requests say. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "services/cloudwatch/internal.h"

enum err cw_missing(struct request *request, const char *parameter)
{
    return request_fail(request, ERR_CW_MISSING_PARAMETER, "The parameter %s is required.",
                        parameter);
}

enum err cw_invalid(struct request *request, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct str text = arena_vprintf(request->arena, format, args);
    va_end(args);
    return request_fail(request, ERR_CW_INVALID_PARAMETER_VALUE, "%.*s", STR_ARG(text));
}

/* The zone behind the time: "Z", "+02:00", "-0500" or nothing. */
static bool read_zone(const char *zone, int64_t *out_s)
{
    int hours, minutes = 0;
    char sign;
    *out_s = 0;
    if (*zone == '\0' || strcmp(zone, "Z") == 0)
        return true;
    if (sscanf(zone, "%c%2d:%2d", &sign, &hours, &minutes) < 3 &&
        sscanf(zone, "%c%2d%2d", &sign, &hours, &minutes) < 2)
        return false;
    *out_s = (sign == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
    return sign == '-' || sign == '+';
}

/* "2026-01-31T23:59:59.123Z" and its like; the time of day, and parts of it, may be missing. */
static bool parse_iso8601(const char *text, int64_t *out_s)
{
    static const char *const forms[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M",
                                        "%Y-%m-%d"};
    int64_t zone_s;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct tm time = {0};
        const char *rest = strptime(text, forms[i], &time);
        if (!rest)
            continue;
        if (*rest == '.')
            rest += 1 + strspn(rest + 1, "0123456789");
        *out_s = timegm(&time);
        if (!read_zone(rest, &zone_s))
            return false;
        *out_s -= zone_s;
        return true;
    }
    return false;
}

/* Within what ISO 8601 can say, so that sums of times stay numbers. */
static bool is_time(double seconds)
{
    return seconds > -62135596800.0 && seconds < 253402300800.0;
}

bool cw_time(yyjson_val *value, int64_t *out_s)
{
    if (yyjson_is_num(value)) {
        double seconds = yyjson_get_num(value);
        if (is_time(seconds))
            *out_s = (int64_t)floor(seconds);
        return is_time(seconds);
    }
    struct str text = json_str(value);
    char copy[64] = "";
    if (!text.ptr || text.len >= sizeof(copy))
        return false;
    memcpy(copy, text.ptr, text.len);
    return (str_to_i64(text, out_s) || parse_iso8601(copy, out_s)) && is_time((double)*out_s);
}

/* --- Identities --- */

static bool is_printable(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return false;
    }
    return true;
}

static enum err check_text(struct request *request, struct str text, size_t max, const char *path)
{
    if (!text.ptr)
        return cw_missing(request, path);
    if (text.len == 0 || str_trim(text).len == 0)
        return cw_invalid(request, "The parameter %s must not be empty.", path);
    if (text.len > max)
        return cw_invalid(request, "The parameter %s must be shorter than %zu characters.", path,
                          max + 1);
    if (!is_printable(text))
        return cw_invalid(request, "The parameter %s has characters that are not allowed.", path);
    return OK;
}

static int by_name(const void *a, const void *b)
{
    const struct metric_dimension *x = a, *y = b;
    return str_cmp(x->name, y->name);
}

static enum err read_dimensions(struct request *request, yyjson_val *list, const char *path,
                                struct cw_identity *out)
{
    struct arena *arena = request->arena;
    yyjson_val *one;
    size_t i, max;
    if (yyjson_arr_size(list) > CW_MAX_DIMENSIONS)
        return cw_invalid(request,
                          "The collection %sDimensions must not have a size greater than "
                          "%d.",
                          path, CW_MAX_DIMENSIONS);
    out->dimensions = arena_array(arena, struct metric_dimension, yyjson_arr_size(list) + 1);
    yyjson_arr_foreach (list, i, max, one) {
        struct metric_dimension *dimension = &out->dimensions[out->dimension_count++];
        char *name =
            arena_cstr(arena, arena_printf(arena, "%sDimensions.member.%zu.Name", path, i + 1));
        char *value =
            arena_cstr(arena, arena_printf(arena, "%sDimensions.member.%zu.Value", path, i + 1));
        dimension->name = json_get_str(one, "Name");
        dimension->value = json_get_str(one, "Value");
        enum err rc = check_text(request, dimension->name, 255, name);
        if (rc == OK)
            rc = check_text(request, dimension->value, 1024, value);
        if (rc)
            return rc;
    }
    if (out->dimension_count)
        qsort(out->dimensions, out->dimension_count, sizeof(*out->dimensions), by_name);
    return OK;
}

enum err cw_read_identity(struct request *request, struct str space, const yyjson_val *metric,
                          const char *path, struct cw_identity *out)
{
    struct cw_identity identity = {.space = space, .name = json_get_str(metric, "MetricName")};
    char *name = arena_cstr(request->arena, arena_printf(request->arena, "%sMetricName", path));
    enum err rc = check_text(request, space, 255, "Namespace");
    if (rc == OK && space.ptr[0] == ':')
        rc = cw_invalid(request, "The value %.*s for parameter Namespace is invalid.",
                        STR_ARG(space));
    if (rc == OK)
        rc = check_text(request, identity.name, 255, name);
    if (rc == OK)
        rc = read_dimensions(request, json_get(metric, "Dimensions"), path, &identity);
    if (rc == OK)
        *out = identity;
    return rc;
}

const char *const cw_units[CW_UNITS] = {
    "Seconds",
    "Microseconds",
    "Milliseconds",
    "Bytes",
    "Kilobytes",
    "Megabytes",
    "Gigabytes",
    "Terabytes",
    "Bits",
    "Kilobits",
    "Megabits",
    "Gigabits",
    "Terabits",
    "Percent",
    "Count",
    "Bytes/Second",
    "Kilobytes/Second",
    "Megabytes/Second",
    "Gigabytes/Second",
    "Terabytes/Second",
    "Bits/Second",
    "Kilobits/Second",
    "Megabits/Second",
    "Gigabits/Second",
    "Terabits/Second",
    "Count/Second",
    "None",
};

bool cw_is_unit(struct str unit)
{
    for (size_t i = 0; i < CW_UNITS; i++) {
        if (str_eq(unit, str_from(cw_units[i])))
            return true;
    }
    return false;
}
