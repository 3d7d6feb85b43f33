/* `skylite export`: a table's items into a file. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/map.h"
#include "cli/cli.h"
#include "wire/csv.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/dynamodb.h"

enum { MAX_COLUMNS = 4096 };

struct export
{
    struct cli_table table;
    const char *path;
    FILE *file;
    struct arena arena; /* of the columns' names */
    struct map columns; /* name to its place, counted from 1 */
    struct str names[MAX_COLUMNS];
    size_t column_count;
    uint64_t done;
    struct progress progress;
};

typedef enum err (*item_fn)(struct export *export, yyjson_val *item, struct arena *arena,
                            struct error *error);

/* --- Walking the table --- */

static struct str scan_input(const struct export *export, const yyjson_val *start,
                             struct arena *arena)
{
    yyjson_mut_doc *doc = json_doc(arena);
    yyjson_mut_val *input = yyjson_mut_obj(doc);
    json_add_str(doc, input, "TableName", str_from(export->table.name));
    json_add_bool(doc, input, "ConsistentRead", true);
    json_add_copy(doc, input, "ExclusiveStartKey", start);
    return json_write(arena, input);
}

static enum err each_item(struct export *export, item_fn visit, struct error *error)
{
    struct arena pages[2] = {{0}, {0}}; /* of this one, and of the one before, which has the key */
    yyjson_val *start = NULL, *answer, *item;
    size_t i, max, which = 0;
    enum err rc = OK;
    do {
        struct arena *arena = &pages[which];
        arena_reset(arena);
        rc = cli_dynamodb(export->table.client, "Scan", scan_input(export, start, arena), arena,
                          &answer, error);
        if (rc)
            break;
        yyjson_arr_foreach (json_get(answer, "Items"), i, max, item) {
            if (rc == OK)
                rc = visit(export, item, arena, error);
        }
        start = json_get(answer, "LastEvaluatedKey");
        which = !which;
    } while (rc == OK && start);
    arena_release(&pages[0]);
    arena_release(&pages[1]);
    return rc;
}

static enum err write_text(struct export *export, struct str text, struct error *error)
{
    if (fwrite(text.ptr, 1, text.len, export->file) == text.len)
        return OK;
    return error_set(error, ERR_VALIDATION, "cannot write %s: %s", export->path, strerror(errno));
}

static void count_item(struct export *export)
{
    export->done++;
    progress_show(&export->progress, export->done, export->table.item_count, export->done);
}

/* --- JSON lines, as AWS exports them --- */

static enum err write_json_item(struct export *export, yyjson_val *item, struct arena *arena,
                                struct error *error)
{
    struct buf line;
    buf_init_arena(&line, arena, SIZE_MAX / 2);
    buf_add(&line, STR("{\"Item\":"));
    buf_add(&line, json_write_val(arena, item));
    buf_add(&line, STR("}\n"));
    count_item(export);
    return write_text(export, buf_str(&line), error);
}

/* --- CSV --- */

static enum err note_column(struct export *export, struct str name, struct error *error)
{
    if (map_get(&export->columns, name))
        return OK;
    if (export->column_count == MAX_COLUMNS)
        return error_set(error, ERR_VALIDATION,
                         "the items have more than %d attributes: export them as JSON lines",
                         MAX_COLUMNS);
    export->names[export->column_count++] = arena_str(&export->arena, name);
    map_set(&export->columns, name, (void *)export->column_count);
    return OK;
}

static enum err note_columns(struct export *export, yyjson_val *item, struct arena *arena,
                             struct error *error)
{
    yyjson_val *key, *value;
    size_t i, max;
    enum err rc = OK;
    (void)arena;
    yyjson_obj_foreach (item, i, max, key, value) {
        if (rc == OK)
            rc = note_column(export, json_str(key), error);
    }
    return rc;
}

/* Text, numbers and binary as they are; the rest as DynamoDB JSON. */
static struct str field_text(yyjson_val *value, struct arena *arena)
{
    static const char *const plain[] = {"S", "N", "B"};
    if (!value)
        return STR_EMPTY;
    for (size_t i = 0; i < 3; i++) {
        struct str text = json_get_str(value, plain[i]);
        if (text.ptr)
            return text;
    }
    yyjson_val *boolean = json_get(value, "BOOL");
    if (boolean)
        return yyjson_get_bool(boolean) ? STR("true") : STR("false");
    return json_write_val(arena, value);
}

static enum err write_row(struct export *export, yyjson_val *item, struct arena *arena,
                          struct error *error)
{
    struct buf row;
    buf_init_arena(&row, arena, SIZE_MAX / 2);
    for (size_t i = 0; i < export->column_count; i++) {
        struct str name = export->names[i];
        buf_add(&row, i ? STR(",") : STR_EMPTY);
        csv_add(&row, item ? field_text(yyjson_obj_getn(item, name.ptr, name.len), arena) : name);
    }
    buf_add_byte(&row, '\n');
    return write_text(export, buf_str(&row), error);
}

static enum err write_csv_item(struct export *export, yyjson_val *item, struct arena *arena,
                               struct error *error)
{
    count_item(export);
    return write_row(export, item, arena, error);
}

/* The table is read twice: first for the names of all attributes, the keys leading. */
static enum err export_csv(struct export *export, struct error *error)
{
    enum err rc = OK;
    for (size_t i = 0; rc == OK && i < export->table.key_count; i++)
        rc = note_column(export, export->table.keys[i].name, error);
    if (rc == OK)
        rc = each_item(export, note_columns, error);
    if (rc == OK)
        rc = write_row(export, NULL, &export->arena, error);
    return rc ? rc : each_item(export, write_csv_item, error);
}

/* --- The command --- */

static enum err export_all(struct export *export, struct error *error)
{
    bool is_stdout = strcmp(export->path, "-") == 0;
    export->file = is_stdout ? stdout : fopen(export->path, "we");
    if (!export->file)
        return error_set(error, ERR_VALIDATION, "cannot write %s: %s", export->path,
                         strerror(errno));
    enum err rc = cli_is_csv(export->path) ? export_csv(export, error)
                                           : each_item(export, write_json_item, error);
    bool is_written = is_stdout ? fflush(stdout) == 0 : fclose(export->file) == 0;
    if (rc == OK && !is_written)
        rc = error_set(error, ERR_VALIDATION, "cannot write %s: %s", export->path, strerror(errno));
    return rc;
}

int cli_export(int argc, char **argv)
{
    struct cli_options options;
    struct error error;
    static struct export export; /* large: it has room for the names */
    if (!cli_options_read(argc, argv, "d", "TABLE FILE", &options))
        return 2;
    export.path = options.second_argument;
    progress_start(&export.progress, "items");
    enum err rc = cli_table_open(options.data_dir, options.argument, &export.table, &error);
    if (rc == OK)
        rc = export_all(&export, &error);
    progress_end(&export.progress);
    if (rc == OK)
        fprintf(stderr, "%llu items\n", (unsigned long long)export.done);
    cli_table_close(&export.table);
    map_release(&export.columns);
    arena_release(&export.arena);
    return rc ? cli_failed(&error) : 0;
}
