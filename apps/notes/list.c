/* notes.list: GET /notes?limit=&cursor=. */
#include "cursor.h"
#include "notes.h"

enum {
    MAX_LIMIT = 100,
    DEFAULT_LIMIT = 25,

    /* An answer of a function is 6 MB at most, and this JSON travels as a string in another: that
     * doubles its quotes and backslashes. The longest note alone is shorter. */
    MAX_PAGE_BYTES = 2750 * 1024,
};

struct page_request {
    uint64_t limit;
    struct str after; /* the id of the note that the last page ended with; NULL: the first page */
};

static enum err read_page_request(struct arena *arena, const struct api_event *event,
                                  struct page_request *out, struct error *error)
{
    struct str limit = api_event_query(event, "limit");
    struct str cursor = api_event_query(event, "cursor");
    struct page_request page = {.limit = DEFAULT_LIMIT};
    if (limit.ptr && (!str_to_u64(limit, &page.limit) || page.limit < 1 || page.limit > MAX_LIMIT))
        return error_set(error, ERR_VALIDATION, "limit must be a whole number from 1 to %d",
                         MAX_LIMIT);
    if (cursor.ptr && !cursor_read(arena, cursor, &page.after))
        return error_set(error, ERR_VALIDATION,
                         "cursor must be the cursor of a page that came before");
    *out = page;
    return OK;
}

static struct str scan_input(const struct notes *notes, struct arena *arena,
                             const struct page_request *page)
{
    struct buf input;
    notes_start_input(notes, arena, &input);
    buf_add(&input, STR(",\"ConsistentRead\":true,\"Limit\":"));
    buf_add_u64(&input, page->limit);
    if (page->after.ptr) {
        buf_add(&input, STR(",\"ExclusiveStartKey\":{"));
        note_add_attribute(&input, STR("noteId"), page->after);
        buf_add_byte(&input, '}');
    }
    buf_add_byte(&input, '}');
    return buf_str(&input);
}

/* Adds the notes as far as they fit. The id of the last one goes to `out_last` when not all did. */
static void add_notes(struct buf *json, yyjson_val *items, struct str *out_last)
{
    struct str last = {NULL, 0};
    size_t i, count;
    yyjson_val *item;
    if (!items)
        return;
    yyjson_arr_foreach (items, i, count, item) {
        struct note note = note_from_item(item);
        size_t before = json->len;
        if (i)
            buf_add_byte(json, ',');
        note_add_json(json, &note);
        if (i && json->len > MAX_PAGE_BYTES) {
            json->len = before;
            *out_last = last;
            return;
        }
        last = note.id;
    }
}

static struct str page_json(struct arena *arena, const yyjson_val *output)
{
    struct buf json;
    struct str last = dynamodb_get_s(json_get(output, "LastEvaluatedKey"), "noteId");
    buf_init_arena(&json, arena, NOTE_MAX_JSON);
    buf_reserve(&json, 8192);
    buf_add(&json, STR("{\"notes\":["));
    add_notes(&json, json_get(output, "Items"), &last);
    buf_add_byte(&json, ']');
    if (last.ptr) {
        buf_add(&json, STR(",\"cursor\":\""));
        buf_add(&json, cursor_write(arena, last));
        buf_add_byte(&json, '"');
    }
    buf_add_byte(&json, '}');
    return buf_str(&json);
}

enum err notes_list(struct lambda_context *context, const struct api_event *event,
                    struct api_response *response, struct error *error)
{
    const struct notes *notes = context->user;
    struct arena *arena = context->arena;
    struct page_request page = {0};
    yyjson_val *output;
    if (read_page_request(arena, event, &page, error))
        return notes_refuse(response, error);
    if (dynamodb_call(notes->client, "Scan", scan_input(notes, arena, &page), arena, &output,
                      error))
        return notes_fail(context, response, error);
    return notes_answer(response, 200, page_json(arena, output));
}
