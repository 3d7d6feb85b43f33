/* What the functions take from a request, and how they start one to the table. */
#include "notes.h"

static enum err choose(struct str in_path, struct str in_body, struct str *out, struct error *error)
{
    if (in_path.ptr && in_body.ptr && !str_eq(in_path, in_body))
        return error_set(error, ERR_VALIDATION, "noteId differs from the one in the path");
    *out = in_path.ptr ? in_path : in_body;
    if (!out->ptr)
        return error_set(error, ERR_VALIDATION, "noteId is missing");
    return OK;
}

enum err notes_choose_id(const struct api_event *event, const struct note *body, struct str *out,
                         struct error *error)
{
    struct str in_body = body ? body->id : (struct str){NULL, 0};
    struct str id;
    enum err rc = choose(api_event_path_parameter(event, "id"), in_body, &id, error);
    if (rc)
        return rc;
    if (id.len == 0 || id.len > NOTE_MAX_ID)
        return error_set(error, ERR_APIGW_NOT_FOUND, "there is no note with this noteId");
    *out = id;
    return OK;
}

void notes_start_input(const struct notes *notes, struct arena *arena, struct buf *out)
{
    buf_init_arena(out, arena, NOTE_MAX_JSON);
    buf_reserve(out, 512);
    buf_add(out, STR("{\"TableName\":"));
    buf_add(out, notes->table);
}

void notes_add_key(struct buf *out, struct str note_id)
{
    buf_add(out, STR(",\"Key\":{"));
    note_add_attribute(out, STR("noteId"), note_id);
    buf_add_byte(out, '}');
}
