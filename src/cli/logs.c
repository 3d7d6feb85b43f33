/* `skylite logs`: what a function wrote. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/names.h"
#include "cli/options.h"

enum { FOLLOW_EVERY_MS = 500, SETTLE_MS = 2000, SEEN_MAX = 4096 };

struct tail {
    struct cli_client *client;
    struct str group;
    int64_t from_ms;
    struct arena seen_arena;
    struct str seen[SEEN_MAX]; /* ids of events printed, of the last moments: a ring */
    size_t seen_count;
};

static bool is_new(struct tail *tail, struct str id)
{
    size_t filled = tail->seen_count < SEEN_MAX ? tail->seen_count : SEEN_MAX;
    for (size_t i = 0; i < filled; i++) {
        if (str_eq(tail->seen[i], id))
            return false;
    }
    tail->seen[tail->seen_count++ % SEEN_MAX] = arena_str(&tail->seen_arena, id);
    return true;
}

static void print_event(struct tail *tail, yyjson_val *event, struct arena *arena)
{
    int64_t time_ms = 0;
    struct str message = json_get_str(event, "message");
    json_get_i64(event, "timestamp", &time_ms);
    if (!message.ptr || !is_new(tail, json_get_str(event, "eventId")))
        return;
    while (str_ends(message, STR("\n")))
        message.len--;
    printf("%.*s %.*s\n", STR_ARG(clock_iso8601_ms(arena, time_ms)), STR_ARG(message));
    /* Lines of one moment may still come in: it is read again. */
    if (time_ms - SETTLE_MS > tail->from_ms)
        tail->from_ms = time_ms - SETTLE_MS;
}

static struct str filter_input(const struct tail *tail, struct str token, struct arena *arena)
{
    yyjson_mut_doc *doc = json_doc(arena);
    yyjson_mut_val *input = yyjson_mut_obj(doc);
    json_add_str(doc, input, "logGroupName", tail->group);
    json_add_i64(doc, input, "startTime", tail->from_ms);
    json_add_str_opt(doc, input, "nextToken", token);
    return json_write(arena, input);
}

static enum err print_new(struct tail *tail, struct error *error)
{
    struct arena arena = {0};
    struct str token = {NULL, 0};
    enum err rc = OK;
    do {
        yyjson_val *page, *event;
        size_t i, max;
        rc = cli_json(tail->client, "logs", "Logs_20140328.FilterLogEvents",
                      filter_input(tail, token, &arena), &arena, &page, error);
        if (rc)
            break;
        yyjson_arr_foreach (json_get(page, "events"), i, max, event)
            print_event(tail, event, &arena);
        token = json_get_str(page, "nextToken");
    } while (token.ptr);
    fflush(stdout);
    arena_release(&arena);
    return rc;
}

/* "10m": minutes, hours, seconds or days before now. */
static bool parse_since(const char *text, int64_t *out_ms)
{
    struct str number = str_from(text);
    uint64_t count;
    static const struct {
        char unit;
        int64_t ms;
    } units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (number.len && number.ptr[number.len - 1] == units[i].unit &&
            str_to_u64(str_slice(number, 0, number.len - 1), &count) && count < 1000000) {
            *out_ms = clock_wall_ms() - (int64_t)count * units[i].ms;
            return true;
        }
    }
    return false;
}

static enum err run(struct tail *tail, bool follow, struct error *error)
{
    enum err rc = print_new(tail, error);
    while (rc == OK && follow) {
        struct timespec pause = {0, FOLLOW_EVERY_MS * 1000000L};
        nanosleep(&pause, NULL);
        rc = print_new(tail, error);
    }
    return rc;
}

int cli_logs(int argc, char **argv)
{
    struct cli_options options;
    struct error error;
    if (!cli_options_read(argc, argv, "dsf", "NAME", &options))
        return 2;
    struct tail *tail = calloc(1, sizeof(*tail));
    if (!tail)
        abort();
    if (options.since && !parse_since(options.since, &tail->from_ms)) {
        fprintf(stderr, "skylite: --since wants a time such as 90s, 10m, 2h or 1d\n");
        free(tail);
        return 2;
    }
    tail->group = arena_printf(&tail->seen_arena, "/aws/lambda/%s", options.argument);
    enum err rc = cli_client_new(options.data_dir, &tail->client, &error);
    if (rc == OK)
        rc = run(tail, options.follow, &error);
    if (rc && tail->client)
        cli_add_names(tail->client, CLI_FUNCTIONS, str_from(options.argument), &error);
    cli_client_free(tail->client);
    arena_release(&tail->seen_arena);
    free(tail);
    return rc ? cli_failed(&error) : 0;
}
