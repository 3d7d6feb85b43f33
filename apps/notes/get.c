/* notes.get: GET /notes/{id}. */
#include "notes.h"

enum err notes_get(struct lambda_context *context, const struct api_event *event,
                   struct api_response *response, struct error *error)
{
    const struct notes *notes = context->user;
    struct str id;
    struct buf input;
    yyjson_val *output;
    if (notes_choose_id(event, NULL, &id, error))
        return notes_refuse(response, error);

    notes_start_input(notes, context->arena, &input);
    notes_add_key(&input, id);
    /* Whoever creates a note and asks for it at once gets it. */
    buf_add(&input, STR(",\"ConsistentRead\":true}"));
    if (dynamodb_call(notes->client, "GetItem", buf_str(&input), context->arena, &output, error))
        return notes_fail(context, response, error);

    yyjson_val *item = json_get(output, "Item");
    if (!item)
        return notes_answer_missing(response);
    struct note note = note_from_item(item);
    return notes_answer_note(response, 200, &note);
}
