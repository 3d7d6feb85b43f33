/* A DynamoDB client for functions: signed (Signature Version 4, session tokens included), on one
 * kept connection, with the retries of the AWS SDKs' standard mode.
 *
 * A client belongs to one thread. Make it once, in main, and hand it to the handlers as
 * lambda_run's `user`: a connection that stays open is most of the speed. */
#pragma once

#include "wire/json.h"

struct dynamodb;

/* Everything that is left zero comes from the environment, as Lambda sets it. */
struct dynamodb_options {
    struct str endpoint;   /* AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL, or AWS's own over TLS */
    struct str region;     /* AWS_REGION, AWS_DEFAULT_REGION */
    struct str access_key; /* AWS_ACCESS_KEY_ID; the three of a kind */
    struct str secret_key; /* AWS_SECRET_ACCESS_KEY */
    struct str session_token; /* AWS_SESSION_TOKEN, may be absent */
    unsigned max_attempts;    /* AWS_MAX_ATTEMPTS, or 3; the first one counts */
    unsigned timeout_ms;      /* for connecting, and for each wait for bytes; 0: 5 s */
};

/* `options` may be NULL. Connects at the first call. ERR_VALIDATION when region or credentials are
 * missing, or the endpoint is no URL. */
enum err dynamodb_new(const struct dynamodb_options *options, struct dynamodb **out,
                      struct error *error);
void dynamodb_free(struct dynamodb *client);

/* Calls an operation ("GetItem", "PutItem", "UpdateItem", "Query" and so on) with its JSON input;
 * the JSON output goes to `out`, in `arena`. Both are as the API reference shows them.
 *
 * Throttling, errors of the server (5xx) and of the connection are tried again: after a random time
 * of at most 50 ms that doubles with each attempt, and only as long as a budget shared by all calls
 * of the client lasts. Then, and at once for all other errors, it fails: with the code of
 * DynamoDB's error (ERR_DDB_CONDITIONAL_CHECK_FAILED, ...; ERR_INTERNAL for a name that Skylite
 * does not know) and with DynamoDB's message. `error->members` holds the further members of the
 * error's body, such as `"Item":{...}`. */
enum err dynamodb_call(struct dynamodb *client, const char *operation, struct str input,
                       struct arena *arena, yyjson_val **out, struct error *error);

/* --- Attribute values --- */

/* Adds an attribute to an item (or to a Key, or to ExpressionAttributeValues). Names and text are
 * kept by reference: they must live as long as `doc`. */
void dynamodb_add_s(yyjson_mut_doc *doc, yyjson_mut_val *item, const char *name, struct str text);
void dynamodb_add_n(yyjson_mut_doc *doc, yyjson_mut_val *item, const char *name, int64_t number);
void dynamodb_add_b(yyjson_mut_doc *doc, yyjson_mut_val *item, const char *name,
                    struct arena *arena, struct str bytes);
void dynamodb_add_bool(yyjson_mut_doc *doc, yyjson_mut_val *item, const char *name, bool value);
void dynamodb_add_null(yyjson_mut_doc *doc, yyjson_mut_val *item, const char *name);

/* Reads an attribute of an item; a NULL pointer, or false, when it is missing or of another type.
 */
struct str dynamodb_get_s(const yyjson_val *item, const char *name);
bool dynamodb_get_n(const yyjson_val *item, const char *name, int64_t *out);
bool dynamodb_get_b(const yyjson_val *item, const char *name, struct arena *arena, struct str *out);
bool dynamodb_get_bool(const yyjson_val *item, const char *name, bool *out);
