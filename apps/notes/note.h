/* A note: what it is made of, what clients may send, and how it is written. No I/O. */
#pragma once

#include "base/buf.h"
#include "wire/json.h"

enum {
    NOTE_MAX_TITLE = 256,           /* characters */
    NOTE_MAX_CONTENT = 350 * 1024,  /* bytes; an item of DynamoDB holds 400 KB */
    NOTE_MAX_ID = 2048,             /* bytes; DynamoDB's limit for a partition key */
    NOTE_MAX_JSON = 8 * 1024 * 1024 /* more than the longest note is with every byte escaped */
};

/* A text whose pointer is NULL is not there. */
struct note {
    struct str id;
    struct str title;
    struct str content;
    struct str timestamp;
};

/* Reads a request's body, of which `timestamp` and members that are not known are ignored. Fails,
 * with a message for the client, with ERR_VALIDATION when it is no JSON object or a member breaks
 * its rules, and with ERR_REQUEST_ENTITY_TOO_LARGE when the content is too long. `body` may have a
 * NULL pointer: no body came. */
enum err note_read(struct arena *arena, struct str body, struct note *out, struct error *error);

/* ERR_VALIDATION, naming what is missing, when the note lacks title or content. */
enum err note_check_complete(const struct note *note, struct error *error);

/* A new id: a UUID of version 7 (RFC 9562), so that ids sort by the time of creation. */
struct str note_new_id(struct arena *arena, int64_t now_ms);

/* The note in an item of the table. */
struct note note_from_item(const yyjson_val *item);

/* Adds the note as the JSON that clients get. */
void note_add_json(struct buf *out, const struct note *note);

/* Adds the attributes of an item, without braces. */
void note_add_attributes(struct buf *out, const struct note *note);

/* Adds "name":{"S":"text"}. */
void note_add_attribute(struct buf *out, struct str name, struct str text);
