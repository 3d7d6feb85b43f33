/* Regular expressions of users: what AWS documents as Java's (AllowedPattern, selection patterns,
 * identity validation expressions) or as ECMA 262's (JSON Schema), both as PCRE2 understands them.
 * Compiling and matching take a bounded time and memory, whatever the expression. */
#pragma once

#include "base/arena.h"

enum regex_kind {
    REGEX_JAVA, /* has to match the whole text; no unions and intersections of classes */
    REGEX_ECMA, /* may match anywhere in the text */
};

enum regex_result {
    REGEX_MATCHES,
    REGEX_DIFFERS,
    REGEX_TOO_COSTLY, /* given up: it would take too many steps */
};

struct regex;

/* NULL when it is not valid, or longer than 4,096 bytes. It lives as long as the arena, and any
 * number of threads may use it. */
const struct regex *regex_compile(struct arena *arena, enum regex_kind kind, struct str pattern);

enum { REGEX_MAX_SPANS = 10 };

struct regex_span {
    size_t start, len;
};

/* The next match at byte `from` or behind: the number of spans, the whole match first, then its
 * groups (empty where one took no part); 0 when there is none. */
size_t regex_find(const struct regex *regex, struct str text, size_t from,
                  struct regex_span spans[REGEX_MAX_SPANS]);

/* Text that is not UTF-8 differs. */
enum regex_result regex_match(const struct regex *regex, struct str text);
