/* `skylite status`: the server and what is on it, on one screen. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "cli/cli.h"
#include "cli/figures.h"
#include "cli/names.h"
#include "cli/options.h"
#include "cli/table.h"

enum { MAX_SCREEN = 16 * 1024 * 1024 };

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct list {
    yyjson_val **items;
    size_t count;
};

struct status {
    struct arena arena;
    struct cli_client *client;
    const char *data_dir;
    struct figures figures;
    struct error *error;
    enum err rc; /* the first failure; nothing is asked behind it */

    struct list apis, *stages, domains, *mappings, functions, tables, plans, *keys;
    struct list *usages; /* by plan: pages of what GetUsage answered */
    struct str exposed;  /* /metrics; empty when the server does not give it here */
    size_t *api_figures, *function_figures; /* numbers of the first figure of each row */
};

/* --- Asking --- */

static struct list list(struct status *status, const char *service, struct str path,
                        const char *items, const char *token, const char *parameter)
{
    struct list list = {0};
    if (status->rc == OK)
        status->rc = cli_list(status->client, service, path, items, token, parameter,
                              &status->arena, &list.items, &list.count, status->error);
    return list;
}

static struct list gateway_list(struct status *status, const char *format, struct str id)
{
    struct buf path;
    buf_init_arena(&path, &status->arena, SIZE_MAX / 2);
    for (; *format; format++) {
        if (*format == '*')
            encode_percent(&path, id, false);
        else
            buf_add_byte(&path, *format);
    }
    return list(status, "apigateway", buf_str(&path), "item", "position", "position");
}

static struct list *lists_of(struct status *status, const struct list *of, const char *format,
                             const char *id)
{
    struct list *lists = arena_array(&status->arena, struct list, of->count + 1);
    for (size_t i = 0; i < of->count; i++)
        lists[i] = gateway_list(status, format, json_get_str(of->items[i], id));
    return lists;
}

static yyjson_val *json_call(struct status *status, const char *target, struct str input)
{
    yyjson_val *output = NULL;
    if (status->rc == OK)
        status->rc = cli_json(status->client, "dynamodb", target, input, &status->arena, &output,
                              status->error);
    return output;
}

static struct str name_input(struct status *status, const char *member, struct str name)
{
    yyjson_mut_doc *doc = json_doc(&status->arena);
    yyjson_mut_val *input = yyjson_mut_obj(doc);
    json_add_str_opt(doc, input, member, name);
    return json_write(&status->arena, input);
}

/* Descriptions of all tables. */
static void ask_tables(struct status *status)
{
    struct cli_named *names = NULL;
    size_t count = 0;
    if (status->rc == OK)
        status->rc =
            cli_names(status->client, CLI_TABLES, &status->arena, &names, &count, status->error);
    status->tables.items = arena_array(&status->arena, yyjson_val *, count + 1);
    for (size_t i = 0; i < count; i++) {
        yyjson_val *answer = json_call(status, "DynamoDB_20120810.DescribeTable",
                                       name_input(status, "TableName", names[i].name));
        if (answer)
            status->tables.items[status->tables.count++] = json_get(answer, "Table");
    }
}

static struct list usage_pages(struct status *status, struct str plan, struct str today)
{
    struct list pages = {0};
    struct str path =
        arena_printf(&status->arena, "/usageplans/%.*s/usage?endDate=%.*s&limit=500&startDate=%.*s",
                     STR_ARG(plan), STR_ARG(today), STR_ARG(today));
    struct str position = STR_EMPTY;
    while (status->rc == OK && position.ptr) {
        yyjson_val *page = NULL;
        struct buf next;
        buf_init_arena(&next, &status->arena, SIZE_MAX / 2);
        buf_add(&next, path);
        buf_add(&next, position.len ? STR("&position=") : STR_EMPTY);
        encode_percent(&next, position, false);
        status->rc = cli_rest(status->client, "apigateway", buf_str(&next), &status->arena, &page,
                              status->error);
        pages.items = arena_realloc(&status->arena, pages.items, pages.count * sizeof(page),
                                    (pages.count + 1) * sizeof(page));
        pages.items[pages.count++] = json_get(page, "values");
        position = json_get_str(page, "position");
    }
    return pages;
}

/* What the keys of each plan have used today. */
static void ask_usages(struct status *status)
{
    struct str today = str_slice(clock_iso8601(&status->arena, clock_wall_ms()), 0, 10);
    status->usages = arena_array(&status->arena, struct list, status->plans.count + 1);
    for (size_t i = 0; i < status->plans.count; i++)
        status->usages[i] = usage_pages(status, json_get_str(status->plans.items[i], "id"), today);
}

static void ask_figures(struct status *status)
{
    struct figures *figures = &status->figures;
    static const char *const of_stage[] = {"Count", "4XXError", "5XXError"};
    status->function_figures = arena_array(&status->arena, size_t, status->functions.count + 1);
    for (size_t i = 0; i < status->functions.count; i++) {
        struct figure_dimension name = {"FunctionName",
                                        json_get_str(status->functions.items[i], "FunctionName")};
        status->function_figures[i] =
            figures_add(figures, "AWS/Lambda", "Invocations", "Sum", &name, 1);
        figures_add(figures, "AWS/Lambda", "Errors", "Sum", &name, 1);
        figures_add(figures, "AWS/Lambda", "Duration", "p50", &name, 1);
        figures_add(figures, "AWS/Lambda", "Duration", "p99", &name, 1);
    }
    size_t rows = 0;
    for (size_t i = 0; i < status->apis.count; i++)
        rows += status->stages[i].count;
    status->api_figures = arena_array(&status->arena, size_t, rows + 1);
    rows = 0;
    for (size_t i = 0; i < status->apis.count; i++) {
        for (size_t j = 0; j < status->stages[i].count; j++) {
            struct figure_dimension names[] = {
                {"ApiName", json_get_str(status->apis.items[i], "name")},
                {"Stage", json_get_str(status->stages[i].items[j], "stageName")},
            };
            for (size_t k = 0; k < COUNT_OF(of_stage); k++) {
                size_t number =
                    figures_add(figures, "AWS/ApiGateway", of_stage[k], "Sum", names, 2);
                if (k == 0)
                    status->api_figures[rows++] = number;
            }
        }
    }
    if (status->rc == OK)
        status->rc = figures_fetch(figures, status->client, status->error);
}

static void ask(struct status *status)
{
    struct cli_answer answer = {0};
    struct error ignored;
    if (cli_get(status->client, "/metrics", &status->arena, &answer, &ignored) == OK &&
        answer.status == 200)
        status->exposed = answer.body;
    status->apis = gateway_list(status, "/restapis?limit=500", STR_EMPTY);
    status->stages = arena_array(&status->arena, struct list, status->apis.count + 1);
    for (size_t i = 0; i < status->apis.count; i++) {
        struct str path = arena_printf(&status->arena, "/restapis/%.*s/stages",
                                       STR_ARG(json_get_str(status->apis.items[i], "id")));
        status->stages[i] = list(status, "apigateway", path, "item", "position", "position");
    }
    status->domains = gateway_list(status, "/domainnames?limit=500", STR_EMPTY);
    status->mappings = lists_of(status, &status->domains,
                                "/domainnames/*/basepathmappings?limit=500", "domainName");
    status->functions =
        list(status, "lambda", STR("/2015-03-31/functions/"), "Functions", "NextMarker", "Marker");
    ask_tables(status);
    status->plans = gateway_list(status, "/usageplans?limit=500", STR_EMPTY);
    status->keys = lists_of(status, &status->plans, "/usageplans/*/keys?limit=500", "id");
    ask_usages(status);
    ask_figures(status);
}

/* --- Writing figures --- */

static struct str bytes_text(struct arena *arena, double bytes)
{
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB"};
    size_t unit = 0;
    for (; bytes >= 1024 && unit + 1 < COUNT_OF(units); unit++)
        bytes /= 1024;
    return arena_printf(arena, unit && bytes < 100 ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
}

static struct str ms_text(struct arena *arena, double ms)
{
    if (ms >= 1000)
        return arena_printf(arena, "%.2f s", ms / 1000);
    return arena_printf(arena, ms < 10 ? "%.2f ms" : ms < 100 ? "%.1f ms" : "%.0f ms", ms);
}

static struct str duration_text(struct arena *arena, int64_t seconds)
{
    long long s = seconds < 0 ? 0 : seconds;
    if (s < 60)
        return arena_printf(arena, "%lld s", s);
    if (s < 3600)
        return arena_printf(arena, "%lld min %lld s", s / 60, s % 60);
    if (s < 86400)
        return arena_printf(arena, "%lld h %lld min", s / 3600, s / 60 % 60);
    return arena_printf(arena, "%lld d %lld h", s / 86400, s / 3600 % 24);
}

static struct str count_text(struct status *status, size_t figure)
{
    double value = 0;
    figures_get(&status->figures, figure, &value);
    return arena_printf(&status->arena, "%.0f", value);
}

static struct str time_text(struct status *status, size_t figure)
{
    double value;
    if (!figures_get(&status->figures, figure, &value))
        return STR("-");
    return ms_text(&status->arena, value);
}

static struct str number_member(struct status *status, const yyjson_val *object, const char *key)
{
    double value;
    if (!json_get_double(object, key, &value))
        return STR("-");
    return arena_printf(&status->arena, "%.10g", value);
}

/* The value of a sample without labels at /metrics. */
static bool exposed_value(const struct status *status, const char *name, double *out)
{
    struct str rest = status->exposed, line, head;
    while (rest.len) {
        str_cut(&rest, '\n', &line);
        if (!str_cut(&line, ' ', &head) || !str_eq(head, str_from(name)))
            continue;
        char text[64] = "";
        memcpy(text, line.ptr, line.len < sizeof(text) ? line.len : sizeof(text) - 1);
        *out = strtod(text, NULL);
        return true;
    }
    return false;
}

static struct str exposed_version(const struct status *status)
{
    struct str sign = STR("skylite_build_info{version=\""), version;
    ptrdiff_t at = str_find(status->exposed, sign);
    if (at < 0)
        return STR_EMPTY;
    struct str rest = str_slice(status->exposed, (size_t)at + sign.len, status->exposed.len);
    str_cut(&rest, '"', &version);
    return version;
}

/* --- The screen --- */

static void write_server(struct status *status, struct buf *out)
{
    struct arena *arena = &status->arena;
    struct str version = exposed_version(status), url = cli_client_url(status->client);
    double started_s, memory, cpu_s, store;
    buf_printf(out, "skylite %.*s%sat %.*s", STR_ARG(version), version.len ? " " : "",
               STR_ARG(url));
    if (exposed_value(status, "process_start_time_seconds", &started_s))
        buf_printf(out, ", up %.*s",
                   STR_ARG(duration_text(arena, clock_wall_ms() / 1000 - (int64_t)started_s)));
    buf_printf(out, "\ndata %s", status->data_dir);
    if (exposed_value(status, "skylite_store_bytes", &store))
        buf_printf(out, " (%.*s)", STR_ARG(bytes_text(arena, store)));
    if (exposed_value(status, "process_resident_memory_bytes", &memory) &&
        exposed_value(status, "process_cpu_seconds_total", &cpu_s))
        buf_printf(out, ", memory %.*s, CPU time %.1f s", STR_ARG(bytes_text(arena, memory)),
                   cpu_s);
    buf_add(out, STR("\nrequests, calls and times are those of the last hour\n"));
}

static void write_section(const struct table *table, const char *nothing, size_t width,
                          struct buf *out)
{
    buf_add_byte(out, '\n');
    if (table->row_count)
        table_write(table, width, out);
    else
        buf_printf(out, "%s\n", nothing);
}

/* ":4566" of the server's URL. */
static struct str port_of(const struct status *status)
{
    struct str url = cli_client_url(status->client);
    size_t at = url.len;
    while (at && url.ptr[at - 1] != ':')
        at--;
    return at ? str_slice(url, at - 1, url.len) : STR_EMPTY;
}

/* Custom domain names that lead to the stage, each in a row of its own. */
static void add_domains(struct status *status, struct table *table, struct str api,
                        struct str stage)
{
    for (size_t i = 0; i < status->domains.count; i++) {
        struct str domain = json_get_str(status->domains.items[i], "domainName");
        for (size_t j = 0; j < status->mappings[i].count; j++) {
            yyjson_val *mapping = status->mappings[i].items[j];
            struct str base = json_get_str(mapping, "basePath");
            if (!str_eq(json_get_str(mapping, "restApiId"), api) ||
                !str_eq(json_get_str(mapping, "stage"), stage))
                continue;
            if (!base.ptr || str_eq(base, STR("(none)")))
                base = STR_EMPTY;
            struct str url = arena_printf(&status->arena, "http://%.*s%.*s/%.*s", STR_ARG(domain),
                                          STR_ARG(port_of(status)), STR_ARG(base));
            struct str cells[] = {STR_EMPTY, STR_EMPTY, STR_EMPTY, STR_EMPTY, STR_EMPTY, url};
            table_add(table, cells);
        }
    }
}

static void write_apis(struct status *status, size_t width, struct buf *out)
{
    static const struct table_column columns[] = {
        {"API", false}, {"STAGE", false}, {"REQUESTS", true},
        {"4XX", true},  {"5XX", true},    {"URL", false},
    };
    struct table table;
    size_t row = 0;
    table_init(&table, &status->arena, columns, COUNT_OF(columns));
    for (size_t i = 0; i < status->apis.count; i++) {
        struct str id = json_get_str(status->apis.items[i], "id");
        struct str name = json_get_str(status->apis.items[i], "name");
        for (size_t j = 0; j < status->stages[i].count; j++) {
            struct str stage = json_get_str(status->stages[i].items[j], "stageName");
            size_t figure = status->api_figures[row++];
            struct str url =
                arena_printf(&status->arena, "http://%.*s.execute-api.localhost%.*s/%.*s",
                             STR_ARG(id), STR_ARG(port_of(status)), STR_ARG(stage));
            struct str cells[] = {j ? STR_EMPTY : name,           stage,
                                  count_text(status, figure),     count_text(status, figure + 1),
                                  count_text(status, figure + 2), url};
            table_add(&table, cells);
            add_domains(status, &table, id, stage);
        }
        if (status->stages[i].count == 0) {
            struct str none = STR("-"), cells[] = {name, none, none, none, none, STR_EMPTY};
            table_add(&table, cells);
        }
    }
    write_section(&table, "no APIs", width, out);
}

static void write_functions(struct status *status, size_t width, struct buf *out)
{
    static const struct table_column columns[] = {
        {"FUNCTION", false}, {"RUNTIME", false}, {"MEMORY", true}, {"CALLS", true},
        {"ERRORS", true},    {"P50", true},      {"P99", true},
    };
    struct table table;
    table_init(&table, &status->arena, columns, COUNT_OF(columns));
    for (size_t i = 0; i < status->functions.count; i++) {
        yyjson_val *function = status->functions.items[i];
        size_t figure = status->function_figures[i];
        struct str memory = number_member(status, function, "MemorySize");
        struct str cells[] = {
            json_get_str(function, "FunctionName"),
            json_get_str(function, "Runtime"),
            arena_printf(&status->arena, "%.*s MB", STR_ARG(memory)),
            count_text(status, figure),
            count_text(status, figure + 1),
            time_text(status, figure + 2),
            time_text(status, figure + 3),
        };
        table_add(&table, cells);
    }
    write_section(&table, "no functions", width, out);
}

static void write_tables(struct status *status, size_t width, struct buf *out)
{
    static const struct table_column columns[] = {
        {"TABLE", false}, {"STATUS", false}, {"ITEMS", true}, {"SIZE", true}, {"INDEXES", true},
    };
    struct table table;
    table_init(&table, &status->arena, columns, COUNT_OF(columns));
    for (size_t i = 0; i < status->tables.count; i++) {
        yyjson_val *one = status->tables.items[i];
        double size = 0;
        size_t indexes = yyjson_arr_size(json_get(one, "GlobalSecondaryIndexes")) +
                         yyjson_arr_size(json_get(one, "LocalSecondaryIndexes"));
        json_get_double(one, "TableSizeBytes", &size);
        struct str cells[] = {
            json_get_str(one, "TableName"),
            json_get_str(one, "TableStatus"),
            number_member(status, one, "ItemCount"),
            bytes_text(&status->arena, size),
            arena_printf(&status->arena, "%zu", indexes),
        };
        table_add(&table, cells);
    }
    write_section(&table, "no tables", width, out);
}

/* "1.67/s, burst 100" */
static struct str limit_text(struct status *status, yyjson_val *plan)
{
    yyjson_val *throttle = json_get(plan, "throttle");
    double rate;
    if (!json_get_double(throttle, "rateLimit", &rate))
        return STR("-");
    return arena_printf(&status->arena, "%.3g/s, burst %.*s", rate,
                        STR_ARG(number_member(status, throttle, "burstLimit")));
}

/* "1000 a day" */
static struct str quota_text(struct status *status, yyjson_val *plan)
{
    yyjson_val *quota = json_get(plan, "quota");
    struct str period = json_get_str(quota, "period");
    if (!quota)
        return STR("-");
    return arena_printf(&status->arena, "%.*s a %s", STR_ARG(number_member(status, quota, "limit")),
                        str_eq(period, STR("DAY"))    ? "day"
                        : str_eq(period, STR("WEEK")) ? "week"
                                                      : "month");
}

static struct str used_today(struct status *status, const struct list *pages, struct str key_id)
{
    for (size_t i = 0; i < pages->count; i++) {
        yyjson_val *days = yyjson_obj_getn(pages->items[i], key_id.ptr, key_id.len);
        yyjson_val *used = yyjson_arr_get_first(yyjson_arr_get_first(days));
        if (used)
            return arena_printf(&status->arena, "%lld", (long long)yyjson_get_sint(used));
    }
    return STR("0");
}

static void write_plans(struct status *status, size_t width, struct buf *out)
{
    static const struct table_column columns[] = {
        {"PLAN", false}, {"LIMIT", false}, {"QUOTA", false}, {"KEY", false}, {"TODAY", true},
    };
    struct table table;
    table_init(&table, &status->arena, columns, COUNT_OF(columns));
    for (size_t i = 0; i < status->plans.count; i++) {
        yyjson_val *plan = status->plans.items[i];
        struct str cells[] = {json_get_str(plan, "name"), limit_text(status, plan),
                              quota_text(status, plan), STR("-"), STR("-")};
        for (size_t j = 0; j < status->keys[i].count; j++) {
            yyjson_val *key = status->keys[i].items[j];
            cells[3] = json_get_str(key, "name");
            cells[4] = used_today(status, &status->usages[i], json_get_str(key, "id"));
            table_add(&table, cells);
            cells[0] = cells[1] = cells[2] = STR_EMPTY;
        }
        if (status->keys[i].count == 0)
            table_add(&table, cells);
    }
    write_section(&table, "no usage plans", width, out);
}

/* Columns of the terminal that standard output is; 0 when it is none. */
static size_t terminal_width(void)
{
    struct winsize size;
    if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
        return 0;
    return size.ws_col;
}

static void print(struct status *status)
{
    struct buf out;
    size_t width = terminal_width();
    buf_init_arena(&out, &status->arena, MAX_SCREEN);
    write_server(status, &out);
    write_apis(status, width, &out);
    write_functions(status, width, &out);
    write_tables(status, width, &out);
    write_plans(status, width, &out);
    fwrite(out.ptr, 1, out.len, stdout);
    fflush(stdout);
}

int cli_status(int argc, char **argv)
{
    struct cli_options options;
    struct error error;
    struct status status = {.error = &error};
    if (!cli_options_read(argc, argv, "d", NULL, &options))
        return 2;
    status.data_dir = options.data_dir;
    figures_init(&status.figures, &status.arena);
    status.rc = cli_client_new(options.data_dir, &status.client, &error);
    if (status.rc == OK)
        ask(&status);
    if (status.rc == OK)
        print(&status);
    cli_client_free(status.client);
    arena_release(&status.arena);
    return status.rc ? cli_failed(&error) : 0;
}
