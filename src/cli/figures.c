/* Figures of CloudWatch for commands. */
#include "cli/figures.h"

#include <math.h>

#include "base/clock.h"

enum { HOUR_S = 3600, MAX_QUERIES = 500 };

void figures_init(struct figures *figures, struct arena *arena)
{
    *figures = (struct figures){.arena = arena, .doc = json_doc(arena)};
    figures->queries = yyjson_mut_arr(figures->doc);
}

size_t figures_add(struct figures *figures, const char *space, const char *name,
                   const char *statistic, const struct figure_dimension *dimensions, size_t count)
{
    yyjson_mut_doc *doc = figures->doc;
    size_t number = yyjson_mut_arr_size(figures->queries);
    yyjson_mut_val *query = yyjson_mut_arr_add_obj(doc, figures->queries);
    json_add_str(doc, query, "Id", arena_printf(figures->arena, "q%zu", number));
    yyjson_mut_val *stat = json_add_obj(doc, query, "MetricStat");
    yyjson_mut_val *metric = json_add_obj(doc, stat, "Metric");
    json_add_str(doc, metric, "Namespace", str_from(space));
    json_add_str(doc, metric, "MetricName", str_from(name));
    yyjson_mut_val *list = json_add_arr(doc, metric, "Dimensions");
    for (size_t i = 0; i < count; i++) {
        yyjson_mut_val *dimension = yyjson_mut_arr_add_obj(doc, list);
        json_add_str(doc, dimension, "Name", str_from(dimensions[i].name));
        json_add_str(doc, dimension, "Value", dimensions[i].value);
    }
    json_add_i64(doc, stat, "Period", HOUR_S);
    json_add_str(doc, stat, "Stat", str_from(statistic));
    return number;
}

static void take_answers(struct figures *figures, yyjson_val *answer)
{
    yyjson_val *result;
    size_t i, max;
    yyjson_arr_foreach (json_get(answer, "MetricDataResults"), i, max, result) {
        struct str id = json_get_str(result, "Id");
        yyjson_val *value = yyjson_arr_get_first(json_get(result, "Values"));
        uint64_t number;
        if (str_to_u64(str_slice(id, 1, id.len), &number) &&
            number < yyjson_mut_arr_size(figures->queries) && value)
            figures->values[number] = yyjson_get_num(value);
    }
}

static enum err fetch_some(struct figures *figures, yyjson_mut_val *queries, int64_t start_s,
                           struct cli_client *client, struct error *error)
{
    yyjson_mut_val *input = yyjson_mut_obj(figures->doc);
    yyjson_val *answer;
    json_add_i64(figures->doc, input, "StartTime", start_s);
    json_add_i64(figures->doc, input, "EndTime", start_s + HOUR_S);
    json_add(figures->doc, input, "MetricDataQueries", queries);
    enum err rc = cli_json(client, "monitoring", "GraniteServiceVersion20100801.GetMetricData",
                           json_write(figures->arena, input), figures->arena, &answer, error);
    if (rc == OK)
        take_answers(figures, answer);
    return rc;
}

enum err figures_fetch(struct figures *figures, struct cli_client *client, struct error *error)
{
    int64_t now_s = clock_wall_ms() / 1000, start_s = now_s - now_s % 60 + 60 - HOUR_S;
    size_t count = yyjson_mut_arr_size(figures->queries), i, max;
    yyjson_mut_val *some = NULL, *query;
    enum err rc = OK;
    figures->values = arena_array(figures->arena, double, count + 1);
    for (size_t j = 0; j < count; j++)
        figures->values[j] = NAN;
    yyjson_mut_arr_foreach (figures->queries, i, max, query) {
        some = some ? some : yyjson_mut_arr(figures->doc);
        yyjson_mut_arr_append(some, yyjson_mut_val_mut_copy(figures->doc, query));
        if (i + 1 < count && yyjson_mut_arr_size(some) < MAX_QUERIES)
            continue;
        rc = fetch_some(figures, some, start_s, client, error);
        if (rc)
            return rc;
        some = NULL;
    }
    return rc;
}

bool figures_get(const struct figures *figures, size_t number, double *out)
{
    if (isnan(figures->values[number]))
        return false;
    *out = figures->values[number];
    return true;
}
