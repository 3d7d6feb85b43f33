/* notes.insert: POST /notes. */
#include "base/clock.h"
#include "notes.h"

static enum err put(const struct notes *notes, struct arena *arena, const struct note *note,
                    struct error *error)
{
    struct buf input;
    yyjson_val *output;
    notes_start_input(notes, arena, &input);
    buf_add(&input, STR(",\"Item\":{"));
    note_add_attributes(&input, note);
    buf_add(&input, STR("}}"));
    return dynamodb_call(notes->client, "PutItem", buf_str(&input), arena, &output, error);
}

/* Relative, so that it holds under every host and stage;
 * https://www.rfc-editor.org/rfc/rfc9110#name-location resolves it against the request's own URL.
 */
static struct str location_of(struct arena *arena, const struct api_event *event,
                              struct str note_id)
{
    struct str path = api_event_context(event, "path");
    if (!path.ptr)
        path = event->path;
    return arena_printf(arena, "%.*s%s%.*s", STR_ARG(path), str_ends(path, STR("/")) ? "" : "/",
                        STR_ARG(note_id));
}

enum err notes_insert(struct lambda_context *context, const struct api_event *event,
                      struct api_response *response, struct error *error)
{
    struct arena *arena = context->arena;
    struct note note;
    enum err rc = note_read(arena, event->body, &note, error);
    rc = rc ? rc : note_check_complete(&note, error);
    if (rc)
        return notes_refuse(response, error);

    int64_t now_ms = clock_wall_ms();
    note.id = note_new_id(arena, now_ms);
    note.timestamp = clock_iso8601_ms(arena, now_ms);
    if (put(context->user, arena, &note, error))
        return notes_fail(context, response, error);
    api_response_header(response, STR("Location"), location_of(arena, event, note.id));
    return notes_answer_note(response, 201, &note);
}
