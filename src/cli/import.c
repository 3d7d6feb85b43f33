/* `skylite import`: items from a file into a table, 25 at a time. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "wire/csv.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/dynamodb.h"

enum { BATCH = 25 };

struct import {
    struct cli_table table;
    const char *path;
    struct str text, rest; /* the file, and what is left of it */
    size_t line;           /* of the item at hand */
    struct csv_row header;
    struct arena header_arena;

    struct arena arena; /* of a batch */
    struct str items[BATCH], keys[BATCH];
    size_t count;
    uint64_t done;
    struct progress progress;
};

/* --- The file --- */

static enum err read_input(struct import *import, struct error *error)
{
    struct stat info;
    bool is_stdin = strcmp(import->path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(import->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0)
        return error_set(error, ERR_VALIDATION, "cannot open %s: %s", import->path,
                         strerror(errno));
    enum err rc = OK;
    if (S_ISREG(info.st_mode) && info.st_size > 0) {
        void *map = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map == MAP_FAILED)
            rc = error_set(error, ERR_VALIDATION, "cannot read %s: %s", import->path,
                           strerror(errno));
        else
            import->text = str_make(map, (size_t)info.st_size);
    } else if (!S_ISREG(info.st_mode)) {
        rc = error_set(error, ERR_VALIDATION,
                       "%s is no regular file: give a file's name, or redirect one", import->path);
    }
    if (!is_stdin)
        close(fd);
    import->rest = import->text;
    return rc;
}

/* --- Writing --- */

static enum err flush(struct import *import, struct error *error)
{
    struct buf input;
    yyjson_val *answer;
    enum err rc = OK;
    buf_init_arena(&input, &import->arena, SIZE_MAX / 2);
    buf_add(&input, STR("{\"RequestItems\":{"));
    buf_add_json(&input, str_from(import->table.name));
    buf_add(&input, STR(":["));
    for (size_t i = 0; i < import->count; i++) {
        buf_add(&input, i ? STR(",{\"PutRequest\":{\"Item\":") : STR("{\"PutRequest\":{\"Item\":"));
        buf_add(&input, import->items[i]);
        buf_add(&input, STR("}}"));
    }
    buf_add(&input, STR("]}}"));
    if (import->count)
        rc = cli_dynamodb(import->table.client, "BatchWriteItem", buf_str(&input), &import->arena,
                          &answer, error);
    if (rc == OK)
        import->done += import->count;
    import->count = 0;
    arena_reset(&import->arena);
    progress_show(&import->progress, import->text.len - import->rest.len, import->text.len,
                  import->done);
    return rc;
}

/* The item's key as text, to tell items of one batch apart. */
static struct str key_text(struct import *import, const yyjson_val *item)
{
    struct buf key;
    buf_init_arena(&key, &import->arena, SIZE_MAX / 2);
    for (size_t i = 0; i < import->table.key_count; i++) {
        struct str name = import->table.keys[i].name;
        yyjson_val *value = yyjson_obj_getn((yyjson_val *)(uintptr_t)item, name.ptr, name.len);
        if (value)
            buf_add(&key, json_write_val(&import->arena, value));
        buf_add_byte(&key, '\n');
    }
    return buf_str(&key);
}

static enum err add_item(struct import *import, const yyjson_val *item, struct error *error)
{
    struct arena own = {0};
    enum err rc = OK;
    struct str text = arena_str(&own, json_write_val(&import->arena, item));
    struct str key = arena_str(&own, key_text(import, item));
    bool is_full = import->count == BATCH;
    /* Of an item that the file has twice the last one counts: it goes into a later batch. */
    for (size_t i = 0; !is_full && i < import->count; i++)
        is_full = str_eq(import->keys[i], key);
    if (is_full)
        rc = flush(import, error);
    if (rc == OK) {
        import->items[import->count] = arena_str(&import->arena, text);
        import->keys[import->count++] = arena_str(&import->arena, key);
    }
    arena_release(&own);
    return rc;
}

/* --- JSON lines --- */

/* {"Item": {...}} as AWS exports it, or the item alone; it may have an attribute of that name. */
static const yyjson_val *item_of_line(yyjson_val *line)
{
    yyjson_val *item = json_get(line, "Item");
    struct yyjson_obj_iter iter;
    if (yyjson_obj_size(line) != 1 || !yyjson_obj_iter_init(item, &iter))
        return line;
    yyjson_val *first = yyjson_obj_iter_get_val(yyjson_obj_iter_next(&iter));
    return yyjson_is_obj(first) ? item : line;
}

static enum err next_json(struct import *import, bool *out_is_end, struct error *error)
{
    struct str line;
    *out_is_end = import->rest.len == 0;
    if (*out_is_end)
        return OK;
    import->line++;
    str_cut(&import->rest, '\n', &line);
    if (str_trim(line).len == 0 || str_eq(line, STR("\r")))
        return OK;
    yyjson_val *parsed = json_parse(&import->arena, line);
    if (!yyjson_is_obj(parsed))
        return error_set(error, ERR_VALIDATION, "this is no JSON object");
    return add_item(import, item_of_line(parsed), error);
}

/* --- CSV --- */

static char type_of_column(const struct import *import, struct str name)
{
    for (size_t i = 0; i < import->table.key_count; i++) {
        if (str_eq(import->table.keys[i].name, name))
            return import->table.keys[i].type;
    }
    return 'S';
}

/* Key attributes have the table's types, all others are text: so AWS imports CSV. An empty field is
 * an attribute that is not there. */
static yyjson_val *item_of_row(struct import *import, const struct csv_row *row)
{
    struct buf json;
    bool is_first = true;
    buf_init_arena(&json, &import->arena, SIZE_MAX / 2);
    buf_add_byte(&json, '{');
    for (size_t i = 0; i < row->count && i < import->header.count; i++) {
        struct str name = import->header.fields[i];
        if (row->fields[i].len == 0)
            continue;
        buf_add(&json, is_first ? STR_EMPTY : STR(","));
        is_first = false;
        buf_add_json(&json, name);
        buf_printf(&json, ":{\"%c\":", type_of_column(import, name));
        buf_add_json(&json, row->fields[i]);
        buf_add_byte(&json, '}');
    }
    buf_add_byte(&json, '}');
    return json_parse(&import->arena, buf_str(&json));
}

static enum err next_csv(struct import *import, bool *out_is_end, struct error *error)
{
    struct csv_row row;
    if (import->line == 0) {
        if (!csv_next(&import->rest, &import->header_arena, &import->header))
            return error_set(error, ERR_VALIDATION, "the file has no header");
        import->line = import->header.lines;
    }
    *out_is_end = !csv_next(&import->rest, &import->arena, &row);
    if (*out_is_end)
        return OK;
    import->line += row.lines;
    if (row.count == 1 && row.fields[0].len == 0)
        return OK;
    if (row.count > import->header.count)
        return error_set(error, ERR_VALIDATION, "the row has more fields than the header");
    return add_item(import, item_of_row(import, &row), error);
}

/* --- The command --- */

static enum err import_all(struct import *import, struct error *error)
{
    bool is_csv = cli_is_csv(import->path), is_end = false;
    enum err rc = read_input(import, error);
    if (rc)
        return rc;
    while (rc == OK && !is_end)
        rc = is_csv ? next_csv(import, &is_end, error) : next_json(import, &is_end, error);
    if (rc == OK)
        rc = flush(import, error);
    if (rc) {
        struct error inner = *error;
        rc = error_set(error, rc, "%s:%zu: %s; %llu items were written before", import->path,
                       import->line, inner.message, (unsigned long long)import->done);
    }
    return rc;
}

int cli_import(int argc, char **argv)
{
    struct cli_options options;
    struct error error;
    struct import import = {.text = STR_EMPTY};
    if (!cli_options_read(argc, argv, "d", "TABLE FILE", &options))
        return 2;
    import.path = options.second_argument;
    progress_start(&import.progress, "items");
    enum err rc = cli_table_open(options.data_dir, options.argument, &import.table, &error);
    if (rc == OK)
        rc = import_all(&import, &error);
    progress_end(&import.progress);
    if (rc == OK)
        printf("%llu items\n", (unsigned long long)import.done);
    if (import.text.len)
        munmap((void *)(uintptr_t)import.text.ptr, import.text.len);
    cli_table_close(&import.table);
    arena_release(&import.header_arena);
    arena_release(&import.arena);
    return rc ? cli_failed(&error) : 0;
}
