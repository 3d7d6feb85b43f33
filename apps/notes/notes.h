/* The Notes API's functions, and what they share. */
#pragma once

#include "note.h"
#include "skylite/api.h"
#include "skylite/dynamodb.h"
#include "skylite/lambda.h"

/* Made once per process; each context's `user`. */
struct notes {
    struct dynamodb *client;
    struct str table; /* a JSON string, quotes included */
};

/* The functions. They answer failures themselves, so that clients always get JSON and CORS headers:
 * they never return anything but OK. */
enum err notes_insert(struct lambda_context *context, const struct api_event *event,
                      struct api_response *response, struct error *error);
enum err notes_get(struct lambda_context *context, const struct api_event *event,
                   struct api_response *response, struct error *error);
enum err notes_list(struct lambda_context *context, const struct api_event *event,
                    struct api_response *response, struct error *error);
enum err notes_update(struct lambda_context *context, const struct api_event *event,
                      struct api_response *response, struct error *error);
enum err notes_delete(struct lambda_context *context, const struct api_event *event,
                      struct api_response *response, struct error *error);

/* --- Answers (answer.c); all return OK --- */

/* `json` is borrowed; empty for an answer without a body. */
enum err notes_answer(struct api_response *response, int status, struct str json);

/* The note, with `status`. */
enum err notes_answer_note(struct api_response *response, int status, const struct note *note);

/* {"message": "..."} for what the client did wrong, with the status of the error's code: 400, 404
 * or 413. */
enum err notes_refuse(struct api_response *response, const struct error *error);

/* 404 for a note that is not there. */
enum err notes_answer_missing(struct api_response *response);

/* 500 for what went wrong behind the scenes; the reason goes to the log, not to the client. */
enum err notes_fail(const struct lambda_context *context, struct api_response *response,
                    const struct error *error);

/* --- Requests (request.c) --- */

/* The id of the path, else of the body (NULL: the call has none that counts); where both name one,
 * it must be the same. ERR_VALIDATION when there is none, ERR_APIGW_NOT_FOUND for an id that
 * no note can have. */
enum err notes_choose_id(const struct api_event *event, const struct note *body, struct str *out,
                         struct error *error);

/* Starts a request to the table: {"TableName":"...", to be finished by the caller. */
void notes_start_input(const struct notes *notes, struct arena *arena, struct buf *out);

/* Adds ,"Key":{...}. */
void notes_add_key(struct buf *out, struct str note_id);
