/* notes.delete: DELETE /notes/{id}, and DELETE /notes with noteId in the body. */
#include "notes.h"

/* With the id in the path, a body means nothing. */
static enum err read_id(struct arena *arena, const struct api_event *event, struct str *out_id,
                        struct error *error)
{
    struct note body;
    if (api_event_path_parameter(event, "id").ptr)
        return notes_choose_id(event, NULL, out_id, error);
    enum err rc = note_read(arena, event->body, &body, error);
    return rc ? rc : notes_choose_id(event, &body, out_id, error);
}

enum err notes_delete(struct lambda_context *context, const struct api_event *event,
                      struct api_response *response, struct error *error)
{
    const struct notes *notes = context->user;
    struct str id;
    struct buf input;
    yyjson_val *output;
    if (read_id(context->arena, event, &id, error))
        return notes_refuse(response, error);

    notes_start_input(notes, context->arena, &input);
    notes_add_key(&input, id);
    buf_add(&input, STR(",\"ConditionExpression\":\"attribute_exists(noteId)\"}"));
    enum err rc =
        dynamodb_call(notes->client, "DeleteItem", buf_str(&input), context->arena, &output, error);
    if (rc == ERR_DDB_CONDITIONAL_CHECK_FAILED)
        return notes_answer_missing(response);
    if (rc)
        return notes_fail(context, response, error);
    return notes_answer(response, 204, STR_EMPTY);
}
