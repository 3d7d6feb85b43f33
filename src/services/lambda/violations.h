/* What is wrong with the members of a request, gathered into the one message that AWS gives. */
#pragma once

#include "base/buf.h"
#include "base/error.h"

struct violations {
    struct buf text;
    unsigned count;
};

void violations_init(struct violations *violations, struct arena *arena);

/* "Value 'VALUE' at 'PATH' failed to satisfy constraint: Member must CONSTRAINT"; a value without
 * pointer is "Value null". */
void violations_add(struct violations *violations, struct str value, const char *path,
                    const char *constraint);

/* OK, or ERR_VALIDATION with "2 validation errors detected: ...; ...". */
enum err violations_check(const struct violations *violations, struct error *error);

/* The two most common ones; a text without pointer is not checked. */
void violations_length(struct violations *violations, struct str value, const char *path,
                       size_t min, size_t max);
void violations_range(struct violations *violations, int64_t value, const char *path, int64_t min,
                      int64_t max);
