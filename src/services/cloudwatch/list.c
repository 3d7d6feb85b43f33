/* ListMetrics. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/encode.h"
#include "services/cloudwatch/internal.h"

enum { PAGE = 500, MAX_FILTERS = 10, RECENT_S = 3 * 3600 };

/* What was asked for, and what was found so far. */
struct search {
    struct request *request;
    struct str space, name;
    yyjson_val *dimensions;
    struct str after; /* the key with which the page before ended */
    int64_t since_s;
    struct metric_series **found;
    size_t count, capacity;
};

static bool has_dimension(const struct cw_identity *identity, const yyjson_val *filter)
{
    struct str name = json_get_str(filter, "Name"), value = json_get_str(filter, "Value");
    for (size_t i = 0; i < identity->dimension_count; i++) {
        if (str_eq(identity->dimensions[i].name, name))
            return !value.ptr || str_eq(identity->dimensions[i].value, value);
    }
    return false;
}

static bool matches(const struct search *search, struct metric_series *series)
{
    yyjson_val *filter;
    size_t i, max;
    if (search->space.ptr && !str_eq(search->space, series->identity.space))
        return false;
    if (search->name.ptr && !str_eq(search->name, series->identity.name))
        return false;
    if (atomic_load(&series->last_s) < search->since_s)
        return false;
    yyjson_arr_foreach (search->dimensions, i, max, filter) {
        if (!has_dimension(&series->identity, filter))
            return false;
    }
    return str_cmp(series->key, search->after) > 0;
}

static void collect(struct metric_series *series, void *arg)
{
    struct search *search = arg;
    if (!matches(search, series))
        return;
    if (search->count == search->capacity) {
        size_t capacity = search->capacity ? 2 * search->capacity : 64;
        search->found = arena_realloc(search->request->arena, search->found,
                                      search->capacity * sizeof(struct metric_series *),
                                      capacity * sizeof(struct metric_series *));
        search->capacity = capacity;
    }
    search->found[search->count++] = series;
}

static int by_key(const void *a, const void *b)
{
    return str_cmp((*(struct metric_series *const *)a)->key,
                   (*(struct metric_series *const *)b)->key);
}

/* A metric in several units is one to those who list. */
static bool is_same_metric(const struct metric_series *a, const struct metric_series *b)
{
    return a->key.len - a->identity.unit.len == b->key.len - b->identity.unit.len &&
           memcmp(a->key.ptr, b->key.ptr, a->key.len - a->identity.unit.len) == 0;
}

static void add_metric(struct request *request, yyjson_mut_val *list,
                       const struct metric_series *series)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *metric = yyjson_mut_arr_add_obj(doc, list);
    json_add_str(doc, metric, "Namespace", series->identity.space);
    json_add_str(doc, metric, "MetricName", series->identity.name);
    yyjson_mut_val *dimensions = json_add_arr(doc, metric, "Dimensions");
    for (size_t i = 0; i < series->identity.dimension_count; i++) {
        yyjson_mut_val *dimension = yyjson_mut_arr_add_obj(doc, dimensions);
        json_add_str(doc, dimension, "Name", series->identity.dimensions[i].name);
        json_add_str(doc, dimension, "Value", series->identity.dimensions[i].value);
    }
}

static enum err answer(struct request *request, void *state)
{
    struct search *search = state;
    yyjson_mut_val *list = json_add_arr(request->doc, request_output(request), "Metrics");
    cw_each(request_self(request, struct cloudwatch), collect, search);
    if (search->count)
        qsort(search->found, search->count, sizeof(*search->found), by_key);
    for (size_t i = 0; i < search->count; i++) {
        if (i > 0 && is_same_metric(search->found[i], search->found[i - 1]))
            continue;
        if (yyjson_mut_arr_size(list) == PAGE) {
            json_add_str(request->doc, request->output, "NextToken",
                         encode_base64(request->arena, search->found[i - 1]->key));
            break;
        }
        add_metric(request, list, search->found[i]);
    }
    return OK;
}

static enum err check_filters(struct request *request)
{
    yyjson_val *filter, *list = json_get(request->input, "Dimensions");
    size_t i, max;
    if (yyjson_arr_size(list) > MAX_FILTERS)
        return cw_invalid(request,
                          "The collection Dimensions must not have a size greater than %d.",
                          MAX_FILTERS);
    yyjson_arr_foreach (list, i, max, filter) {
        if (!json_get_str(filter, "Name").len)
            return cw_missing(
                request, arena_printf(request->arena, "Dimensions.member.%zu.Name", i + 1).ptr);
    }
    return OK;
}

enum err cw_list_metrics(struct request *request)
{
    struct search *search = arena_new(request->arena, struct search);
    struct str token = request_str(request, "NextToken");
    struct str recent = request_str(request, "RecentlyActive");
    int64_t now_s = clock_wall_ms() / 1000;
    search->request = request;
    search->space = request_str(request, "Namespace");
    search->name = request_str(request, "MetricName");
    search->dimensions = json_get(request->input, "Dimensions");
    search->since_s = now_s - CW_LISTED_FOR_S - CW_NOTED_EVERY_S;
    search->after = STR_EMPTY;
    if (token.len && !decode_base64(request->arena, token, &search->after))
        return cw_invalid(request, "Invalid nextToken");
    if (recent.ptr && !str_eq(recent, STR("PT3H")))
        return cw_invalid(request, "The value %.*s for parameter RecentlyActive is invalid.",
                          STR_ARG(recent));
    enum err rc = check_filters(request);
    if (rc)
        return rc;
    if (recent.ptr)
        search->since_s = now_s - RECENT_S - CW_NOTED_EVERY_S;
    return cw_after_flush(request, answer, search);
}
