/* Answers in the form that all five functions share. */
#include "notes.h"

/* A page of another origin may call this API and read where a new note is. */
static void allow_other_origins(struct api_response *response)
{
    api_response_header(response, STR("Access-Control-Allow-Origin"), STR("*"));
    api_response_header(response, STR("Access-Control-Expose-Headers"),
                        STR("Location,X-Amzn-RequestId,X-Amzn-ErrorType,X-Amzn-Trace-Id"));
}

enum err notes_answer(struct api_response *response, int status, struct str json)
{
    response->status = status;
    allow_other_origins(response);
    if (json.len)
        api_response_json(response, json);
    return OK;
}

enum err notes_answer_note(struct api_response *response, int status, const struct note *note)
{
    struct buf json;
    buf_init_arena(&json, response->arena, NOTE_MAX_JSON);
    buf_reserve(&json, note->content.len + 512);
    note_add_json(&json, note);
    return notes_answer(response, status, buf_str(&json));
}

static enum err answer_message(struct api_response *response, int status, struct str message)
{
    struct buf json;
    buf_init_arena(&json, response->arena, NOTE_MAX_JSON);
    buf_add(&json, STR("{\"message\":"));
    buf_add_json(&json, message);
    buf_add_byte(&json, '}');
    return notes_answer(response, status, buf_str(&json));
}

enum err notes_refuse(struct api_response *response, const struct error *error)
{
    return answer_message(response, error_status(error->code), str_from(error->message));
}

enum err notes_answer_missing(struct api_response *response)
{
    return answer_message(response, 404, STR("there is no note with this noteId"));
}

enum err notes_fail(const struct lambda_context *context, struct api_response *response,
                    const struct error *error)
{
    lambda_log(context, "ERROR", "%s: %s", error_type(error->code), error->message);
    return answer_message(response, 500, STR("Internal server error"));
}
