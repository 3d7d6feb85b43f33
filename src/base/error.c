/* The error table as functions. */
#include "base/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/arena.h"

static const struct {
    int status;
    const char *type;
} table[ERR_COUNT] = {
    [OK] = {200, "OK"},
    [ERR_PENDING] = {202, "Pending"},
#define ERROR(code, status, type) [code] = {status, type},
#include "base/error.def"
#undef ERROR
};

enum err error_set(struct error *error, enum err code, const char *format, ...)
{
    if (!error)
        return code;

    error->code = code;
    error->members = error->text = STR_EMPTY;
    va_list args;
    va_start(args, format);
    vsnprintf(error->message, sizeof(error->message), format, args);
    va_end(args);
    return code;
}

enum err error_set_long(struct error *error, struct arena *arena, enum err code, const char *format,
                        ...)
{
    if (!error)
        return code;

    va_list args;
    va_start(args, format);
    struct str text = arena_vprintf(arena, format, args);
    va_end(args);
    error_set(error, code, "%.*s", STR_ARG(text));
    if (text.len >= sizeof(error->message))
        error->text = text;
    return code;
}

struct str error_text(const struct error *error)
{
    return error->text.len ? error->text : str_from(error->message);
}

const char *error_type(enum err code)
{
    assert(code < ERR_COUNT);
    return table[code].type;
}

int error_status(enum err code)
{
    assert(code < ERR_COUNT);
    return table[code].status;
}
