/* `skylite stacks`, `functions`, `tables` and `apis`, and names in messages. */
#include "cli/names.h"

#include <stdio.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/deploy.h"
#include "cli/options.h"
#include "cli/table.h"

enum { MAX_SCREEN = 16 * 1024 * 1024, MAX_TOLD = 10 };

struct names {
    struct cli_client *client;
    struct arena *arena;
    struct cli_named *all;
    size_t count, room;
};

static void add(struct names *names, struct str name, struct str detail)
{
    if (names->count == names->room) {
        size_t room = names->room ? 2 * names->room : 16;
        names->all = arena_realloc(names->arena, names->all, names->room * sizeof(*names->all),
                                   room * sizeof(*names->all));
        names->room = room;
    }
    names->all[names->count++] =
        (struct cli_named){name.ptr ? name : STR_EMPTY, detail.ptr ? detail : STR_EMPTY};
}

/* --- Asking --- */

static enum err ask_stacks(struct names *names, struct error *error)
{
    struct str token = STR_EMPTY;
    enum err rc = OK;
    do {
        struct cli_parameter form[] = {{"Action", STR("DescribeStacks")}, {"NextToken", token}};
        struct str body, name, status;
        size_t from = 0, at_token = 0;
        rc = cli_query(names->client, "cloudformation", CLI_CFN_VERSION, form, token.len ? 2 : 1,
                       names->arena, &body, NULL, error);
        if (rc)
            return rc;
        while (cli_xml_next(body, "StackName", &from, names->arena, &name) &&
               cli_xml_next(body, "StackStatus", &from, names->arena, &status))
            add(names, name, status);
        if (!cli_xml_next(body, "NextToken", &at_token, names->arena, &token))
            token = STR_EMPTY;
    } while (token.len);
    return OK;
}

static enum err ask_rest(struct names *names, const char *service, struct str path,
                         const char *const members[5], struct error *error)
{
    yyjson_val **items;
    size_t count;
    enum err rc = cli_list(names->client, service, path, members[0], members[1], members[2],
                           names->arena, &items, &count, error);
    for (size_t i = 0; rc == OK && i < count; i++)
        add(names, json_get_str(items[i], members[3]), json_get_str(items[i], members[4]));
    return rc;
}

static enum err ask_functions(struct names *names, struct error *error)
{
    static const char *const members[] = {"Functions", "NextMarker", "Marker", "FunctionName",
                                          "Runtime"};
    return ask_rest(names, "lambda", STR("/2015-03-31/functions/"), members, error);
}

static enum err ask_apis(struct names *names, struct error *error)
{
    static const char *const members[] = {"item", "position", "position", "name", "id"};
    return ask_rest(names, "apigateway", STR("/restapis?limit=500"), members, error);
}

static enum err ask_tables(struct names *names, struct error *error)
{
    struct str last = {NULL, 0};
    do {
        yyjson_mut_doc *doc = json_doc(names->arena);
        yyjson_mut_val *input = yyjson_mut_obj(doc);
        yyjson_val *page = NULL, *name;
        size_t i, max;
        json_add_str_opt(doc, input, "ExclusiveStartTableName", last);
        enum err rc = cli_json(names->client, "dynamodb", "DynamoDB_20120810.ListTables",
                               json_write(names->arena, input), names->arena, &page, error);
        if (rc)
            return rc;
        yyjson_arr_foreach (json_get(page, "TableNames"), i, max, name)
            add(names, json_str(name), STR_EMPTY);
        last = json_get_str(page, "LastEvaluatedTableName");
    } while (last.ptr);
    return OK;
}

static const struct {
    enum err (*ask)(struct names *names, struct error *error);
    const char *plural, *title, *detail;
} kinds[CLI_KIND_COUNT] = {
    [CLI_STACKS] = {ask_stacks, "stacks", "STACK", "STATUS"},
    [CLI_FUNCTIONS] = {ask_functions, "functions", "FUNCTION", "RUNTIME"},
    [CLI_TABLES] = {ask_tables, "tables", "TABLE", ""},
    [CLI_APIS] = {ask_apis, "APIs", "API", "ID"},
};

enum err cli_names(struct cli_client *client, enum cli_kind kind, struct arena *arena,
                   struct cli_named **out, size_t *out_count, struct error *error)
{
    struct names names = {.client = client, .arena = arena};
    enum err rc = kinds[kind].ask(&names, error);
    *out = names.all;
    *out_count = names.count;
    return rc;
}

/* --- Telling --- */

void cli_add_names(struct cli_client *client, enum cli_kind kind, struct str name,
                   struct error *error)
{
    struct arena arena = {0};
    struct error ignored, whole = *error;
    struct cli_named *all;
    struct buf text;
    size_t count;
    bool is_there = cli_names(client, kind, &arena, &all, &count, &ignored) != OK;
    buf_init_arena(&text, &arena, sizeof(whole.message) / 2);
    for (size_t i = 0; !is_there && i < count; i++) {
        is_there = str_eq(all[i].name, name);
        if (i < MAX_TOLD)
            buf_printf(&text, "%s%.*s", i ? ", " : "", STR_ARG(all[i].name));
        else if (i == MAX_TOLD)
            buf_printf(&text, ", and %zu more", count - MAX_TOLD);
    }
    if (!is_there && count)
        error_set(error, error->code, "%s; the %s are %.*s", whole.message, kinds[kind].plural,
                  (int)text.len, text.ptr);
    else if (!is_there)
        error_set(error, error->code, "%s; there are no %s", whole.message, kinds[kind].plural);
    arena_release(&arena);
}

static void print(enum cli_kind kind, const struct cli_named *all, size_t count,
                  struct arena *arena)
{
    struct table_column columns[] = {{kinds[kind].title, false}, {kinds[kind].detail, false}};
    struct table table;
    struct buf out;
    table_init(&table, arena, columns, 2);
    buf_init_arena(&out, arena, MAX_SCREEN);
    for (size_t i = 0; i < count; i++) {
        struct str cells[] = {all[i].name, all[i].detail};
        table_add(&table, cells);
    }
    table_write(&table, 0, &out);
    fwrite(out.ptr, 1, out.len, stdout);
}

static int list(int argc, char **argv, enum cli_kind kind)
{
    struct cli_options options;
    struct cli_client *client = NULL;
    struct arena arena = {0};
    struct error error;
    struct cli_named *all = NULL;
    size_t count = 0;
    if (!cli_options_read(argc, argv, "d", NULL, &options))
        return 2;
    enum err rc = cli_client_new(options.data_dir, &client, &error);
    if (rc == OK)
        rc = cli_names(client, kind, &arena, &all, &count, &error);
    if (rc == OK)
        print(kind, all, count, &arena);
    cli_client_free(client);
    arena_release(&arena);
    return rc ? cli_failed(&error) : 0;
}

int cli_stacks(int argc, char **argv)
{
    return list(argc, argv, CLI_STACKS);
}

int cli_functions(int argc, char **argv)
{
    return list(argc, argv, CLI_FUNCTIONS);
}

int cli_tables(int argc, char **argv)
{
    return list(argc, argv, CLI_TABLES);
}

int cli_apis(int argc, char **argv)
{
    return list(argc, argv, CLI_APIS);
}
