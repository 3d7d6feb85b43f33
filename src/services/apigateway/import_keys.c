/* ImportApiKeys: keys from a CSV file, with the plans they are in. */
#include "services/apigateway/internal.h"
#include "wire/csv.h"

/* Rows per transaction: few fsyncs, and others' writes get their turn. */
enum { BATCH_ROWS = 2000 };

enum column { COLUMN_NAME, COLUMN_KEY, COLUMN_DESCRIPTION, COLUMN_ENABLED, COLUMN_PLANS, COLUMNS };

static const struct str column_names[COLUMNS] = {
    STR_INIT("name"),    STR_INIT("key"),          STR_INIT("description"),
    STR_INIT("enabled"), STR_INIT("usageplanIds"),
};

struct import {
    struct str rest;     /* of the file */
    size_t line;         /* where `rest` starts, from 1 */
    int places[COLUMNS]; /* of the columns in a row; -1: not given */
    bool is_strict;      /* a warning undoes all */
    yyjson_mut_doc *doc;
    yyjson_mut_val *ids, *warnings;
    struct arena scratch; /* of the row at hand */
};

/* --- The file --- */

static enum err read_header(struct request *request, struct import *import)
{
    struct csv_row row;
    if (str_starts(import->rest, STR("\xef\xbb\xbf")))
        import->rest = str_slice(import->rest, 3, import->rest.len);
    if (!csv_next(&import->rest, request->arena, &row))
        return apigw_bad_request(request, "Invalid CSV file: the file is empty");
    import->line = 1 + row.lines;
    for (int i = 0; i < COLUMNS; i++)
        import->places[i] = -1;
    for (size_t i = 0; i < row.count; i++) {
        for (int column = 0; column < COLUMNS; column++) {
            if (str_eq_nocase(str_trim(row.fields[i]), column_names[column]))
                import->places[column] = (int)i;
        }
    }
    if (import->places[COLUMN_NAME] < 0 || import->places[COLUMN_KEY] < 0)
        return apigw_bad_request(request,
                                 "Invalid CSV file: the columns name and key are required");
    return OK;
}

static struct str field(const struct import *import, const struct csv_row *row, enum column column)
{
    int place = import->places[column];
    return place >= 0 && (size_t)place < row->count ? str_trim(row->fields[place]) : NO_PART;
}

/* --- Rows --- */

static void warn(struct request *request, struct import *import, const char *message)
{
    struct str text = arena_printf(request->arena, "Line %zu: %s", import->line, message);
    yyjson_mut_arr_add_strn(import->doc, import->warnings, text.ptr, text.len);
}

/* What is the row's fault is a warning; what is the store's ends the import. */
static enum err outcome(struct request *request, struct import *import, enum err rc)
{
    if (rc != ERR_APIGW_BAD_REQUEST && rc != ERR_APIGW_CONFLICT && rc != ERR_APIGW_NOT_FOUND)
        return rc;
    warn(request, import, request->error.message);
    return OK;
}

static yyjson_mut_val *build_key(struct import *import, const struct csv_row *row, struct str id)
{
    yyjson_mut_doc *doc = json_doc(&import->scratch);
    yyjson_mut_val *key = yyjson_mut_obj(doc);
    json_add_str(doc, key, "id", id);
    json_add_str(doc, key, "value", field(import, row, COLUMN_KEY));
    json_add_bool(doc, key, "enabled",
                  str_eq_nocase(field(import, row, COLUMN_ENABLED), STR("true")));
    json_add_i64(doc, key, "createdDate", apigw_now());
    json_add_i64(doc, key, "lastUpdatedDate", apigw_now());
    json_add_arr(doc, key, "stageKeys");
    json_add_str(doc, key, "name", field(import, row, COLUMN_NAME));
    json_add_str_opt(doc, key, "description", field(import, row, COLUMN_DESCRIPTION));
    return key;
}

static enum err check_row(struct request *request, const struct import *import,
                          const struct csv_row *row)
{
    struct str enabled = field(import, row, COLUMN_ENABLED);
    for (size_t i = 0; i < row->count; i++) {
        if (!str_is_utf8(row->fields[i]))
            return apigw_bad_request(request, "The row is not valid UTF-8");
    }
    if (field(import, row, COLUMN_NAME).len == 0)
        return apigw_bad_request(request, "API Key name is missing");
    if (field(import, row, COLUMN_KEY).len == 0)
        return apigw_bad_request(request, "API Key value is missing");
    if (enabled.len && !str_eq_nocase(enabled, STR("true")) &&
        !str_eq_nocase(enabled, STR("false")))
        return apigw_bad_request(request, "Invalid value for column enabled: %.*s",
                                 STR_ARG(enabled));
    return OK;
}

static enum err join_plans(struct request *request, const struct view *view, struct import *import,
                           const struct csv_row *row, struct str id)
{
    struct str plans = field(import, row, COLUMN_PLANS), plan;
    enum err rc = OK;
    while (rc == OK && plans.len) {
        str_cut(&plans, ',', &plan);
        plan = str_trim(plan);
        if (plan.len)
            rc = outcome(request, import, apigw_join_plan(request, view, plan, id));
    }
    return rc;
}

static enum err import_row(struct request *request, struct store_txn *txn, struct import *import,
                           const struct csv_row *row)
{
    struct view view = apigw_view(request, txn);
    struct str id = apigw_new_id(request->arena);
    view.arena = &import->scratch;
    enum err rc = check_row(request, import, row);
    if (rc == OK)
        rc = apigw_insert_key(request, &view, build_key(import, row, id));
    if (rc)
        return outcome(request, import, rc);
    yyjson_mut_arr_add_strn(import->doc, import->ids, id.ptr, id.len);
    return join_plans(request, &view, import, row, id);
}

/* --- The import --- */

static enum err fail_on_warnings(struct request *request, const struct import *import)
{
    struct buf text;
    size_t i, max;
    yyjson_mut_val *warning;
    buf_init_arena(&text, request->arena, ERROR_MESSAGE_MAX);
    yyjson_mut_arr_foreach (import->warnings, i, max, warning) {
        buf_printf(&text, "\n\t%s", yyjson_mut_get_str(warning));
    }
    return apigw_bad_request(request, "Warnings found during import:%.*s", STR_ARG(buf_str(&text)));
}

static bool is_blank(const struct csv_row *row)
{
    return row->count == 1 && str_trim(row->fields[0]).len == 0;
}

static enum err run_import(struct request *request, struct store_txn *txn)
{
    struct import *import = request->handler_state;
    size_t limit = import->is_strict ? SIZE_MAX : BATCH_ROWS;
    struct csv_row row;
    enum err rc = OK;
    for (size_t i = 0; rc == OK && i < limit; i++) {
        if (!csv_next(&import->rest, &import->scratch, &row))
            break;
        if (!is_blank(&row))
            rc = import_row(request, txn, import, &row);
        import->line += row.lines;
        arena_reset(&import->scratch);
    }
    if (rc == OK && import->is_strict && yyjson_mut_arr_size(import->warnings))
        rc = fail_on_warnings(request, import);
    return rc;
}

static enum err after_batch(struct request *request)
{
    struct import *import = request->handler_state;
    if (import->rest.len)
        return request_write(request, run_import, after_batch);
    yyjson_mut_val *answer = yyjson_mut_obj(import->doc);
    json_add(import->doc, answer, "ids", import->ids);
    json_add(import->doc, answer, "warnings", import->warnings);
    return apigw_answer(request, import->doc, answer);
}

static void release_scratch(void *arena)
{
    arena_release(arena);
}

enum err apigw_import_api_keys(struct request *request)
{
    struct import *import = arena_new(request->arena, struct import);
    struct str format = request_str(request, "format");
    import->rest = apigw_body(request);
    import->is_strict = json_get_bool(request->input, "failonwarnings", false) ||
                        json_get_bool(request->input, "failOnWarnings", false);
    import->doc = json_doc(request->arena);
    import->ids = yyjson_mut_arr(import->doc);
    import->warnings = yyjson_mut_arr(import->doc);
    arena_defer(request->arena, release_scratch, &import->scratch);
    request->handler_state = import;
    enum err rc = apigw_require(request, "format");
    if (rc == OK)
        rc = apigw_check_enum(request, "format", format, "[csv]");
    if (rc == OK)
        rc = read_header(request, import);
    return rc ? rc : apigw_write_then(request, run_import, after_batch);
}
