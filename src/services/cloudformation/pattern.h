/* AllowedPattern: Java's regular expressions, as far as POSIX can say the same. No I/O. */
#pragma once

#include "base/arena.h"

enum pattern_result {
    PATTERN_MATCHES,
    PATTERN_DIFFERS,
    PATTERN_UNSUPPORTED, /* look-around, back references, classes by name, or too large */
};

/* Whether the whole text matches. */
enum pattern_result pattern_match(struct arena *arena, struct str pattern, struct str text);
