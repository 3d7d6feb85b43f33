/* Validation messages. */
#include "services/lambda/violations.h"

#include <inttypes.h>
#include <stdio.h>

void violations_init(struct violations *violations, struct arena *arena)
{
    *violations = (struct violations){0};
    buf_init_arena(&violations->text, arena, ERROR_MESSAGE_MAX);
}

void violations_add(struct violations *violations, struct str value, const char *path,
                    const char *constraint)
{
    struct buf *text = &violations->text;
    if (violations->count++)
        buf_add(text, STR("; "));
    buf_add(text, STR("Value "));
    if (value.ptr)
        buf_printf(text, "'%.*s'", STR_ARG(value));
    else
        buf_add(text, STR("null"));
    buf_printf(text, " at '%s' failed to satisfy constraint: Member must %s", path, constraint);
}

enum err violations_check(const struct violations *violations, struct error *error)
{
    struct str text = buf_str(&violations->text);
    if (violations->count == 0)
        return OK;
    return error_set(error, ERR_VALIDATION, "%u validation error%s detected: %.*s",
                     violations->count, violations->count > 1 ? "s" : "", STR_ARG(text));
}

void violations_length(struct violations *violations, struct str value, const char *path,
                       size_t min, size_t max)
{
    char constraint[80];
    if (!value.ptr || (value.len >= min && value.len <= max))
        return;
    bool is_short = value.len < min;
    snprintf(constraint, sizeof(constraint), "have length %s than or equal to %zu",
             is_short ? "greater" : "less", is_short ? min : max);
    violations_add(violations, value, path, constraint);
}

void violations_range(struct violations *violations, int64_t value, const char *path, int64_t min,
                      int64_t max)
{
    char constraint[80], digits[24];
    if (value >= min && value <= max)
        return;
    bool is_small = value < min;
    snprintf(constraint, sizeof(constraint), "have value %s than or equal to %" PRId64,
             is_small ? "greater" : "less", is_small ? min : max);
    snprintf(digits, sizeof(digits), "%" PRId64, value);
    violations_add(violations, str_from(digits), path, constraint);
}
