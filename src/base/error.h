/* What can go wrong, and how it is told to the caller.
 *
 * Fallible functions return `enum err` (0 is OK) and fill a `struct error`. Errors are passed up
 * unchanged and logged once, at the top. Threads: a struct error belongs to whoever holds it; there
 * is no hidden state. */
#pragma once

#include "base/str.h"

struct arena;

enum err {
    OK = 0,
    /* Not a failure: the operation goes on elsewhere and is finished by its callback. */
    ERR_PENDING,
#define ERROR(code, status, type) code,
#include "base/error.def"
#undef ERROR
    ERR_COUNT
};

#define ERROR_MESSAGE_MAX 1024

struct error {
    enum err code;
    /* NUL-terminated; cut at the limit. Shown to clients: never holds secrets. */
    char message[ERROR_MESSAGE_MAX];
    /* Further members of an error body in its own form, or empty: JSON text without braces
     * (`"Item":{...}`), for S3 XML elements. Borrowed: it lives in the arena of the request that
     * failed. */
    struct str members;
    /* The message in full where it is longer than the limit and its maker had an arena for it;
     * otherwise empty. Borrowed like `members`. */
    struct str text;
};

/* Fills `error` (which may be NULL) and returns `code`, so that failing is one line: return
 * error_set(error, ...). */
enum err error_set(struct error *error, enum err code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Does the same with a message of any length: what does not fit is kept in the arena. */
enum err error_set_long(struct error *error, struct arena *arena, enum err code, const char *format,
                        ...) __attribute__((format(printf, 4, 5)));

/* The message as far as it is known. Borrowed from the error or its arena. */
struct str error_text(const struct error *error);

/* AWS's name of the error, such as "ResourceNotFoundException". A static string. */
const char *error_type(enum err code);

/* The HTTP status the error is answered with. */
int error_status(enum err code);
