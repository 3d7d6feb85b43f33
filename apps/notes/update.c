/* notes.update: PUT /notes/{id}, and PUT /notes with noteId in the body. */
#include "base/clock.h"
#include "notes.h"

/* Adds a JSON object of what changes: names or values, each behind its placeholder. Placeholders,
 * because "timestamp" is one of DynamoDB's reserved words. */
static void add_names(struct buf *input, const struct note *changes)
{
    buf_add(input, STR(",\"ExpressionAttributeNames\":{\"#timestamp\":\"timestamp\""));
    if (changes->title.ptr)
        buf_add(input, STR(",\"#title\":\"title\""));
    if (changes->content.ptr)
        buf_add(input, STR(",\"#content\":\"content\""));
    buf_add_byte(input, '}');
}

static void add_values(struct buf *input, const struct note *changes)
{
    buf_add(input, STR(",\"ExpressionAttributeValues\":{"));
    note_add_attribute(input, STR(":timestamp"), changes->timestamp);
    if (changes->title.ptr) {
        buf_add_byte(input, ',');
        note_add_attribute(input, STR(":title"), changes->title);
    }
    if (changes->content.ptr) {
        buf_add_byte(input, ',');
        note_add_attribute(input, STR(":content"), changes->content);
    }
    buf_add_byte(input, '}');
}

static struct str update_input(const struct notes *notes, struct arena *arena, struct str id,
                               const struct note *changes)
{
    struct buf input;
    notes_start_input(notes, arena, &input);
    notes_add_key(&input, id);
    buf_add(&input, STR(",\"UpdateExpression\":\"SET #timestamp = :timestamp"));
    if (changes->title.ptr)
        buf_add(&input, STR(", #title = :title"));
    if (changes->content.ptr)
        buf_add(&input, STR(", #content = :content"));
    buf_add(&input, STR("\",\"ConditionExpression\":\"attribute_exists(noteId)\""));
    add_names(&input, changes);
    add_values(&input, changes);
    buf_add(&input, STR(",\"ReturnValues\":\"ALL_NEW\"}"));
    return buf_str(&input);
}

static enum err read_changes(struct arena *arena, const struct api_event *event, struct str *out_id,
                             struct note *out_changes, struct error *error)
{
    enum err rc = note_read(arena, event->body, out_changes, error);
    rc = rc ? rc : notes_choose_id(event, out_changes, out_id, error);
    if (rc)
        return rc;
    if (!out_changes->title.ptr && !out_changes->content.ptr)
        return error_set(error, ERR_VALIDATION,
                         "there is nothing to change: give title, content or both");
    return OK;
}

enum err notes_update(struct lambda_context *context, const struct api_event *event,
                      struct api_response *response, struct error *error)
{
    const struct notes *notes = context->user;
    struct arena *arena = context->arena;
    struct str id;
    struct note changes;
    yyjson_val *output;
    if (read_changes(arena, event, &id, &changes, error))
        return notes_refuse(response, error);

    changes.timestamp = clock_iso8601_ms(arena, clock_wall_ms());
    enum err rc = dynamodb_call(notes->client, "UpdateItem",
                                update_input(notes, arena, id, &changes), arena, &output, error);
    if (rc == ERR_DDB_CONDITIONAL_CHECK_FAILED)
        return notes_answer_missing(response);
    if (rc)
        return notes_fail(context, response, error);
    struct note note = note_from_item(json_get(output, "Attributes"));
    return notes_answer_note(response, 200, &note);
}
