/* What a hostile function tries against its sandbox, by name; a part of the probe function. */
#pragma once

#include "base/str.h"

/* Tries what `name` says. `number` and `path` are its arguments, where it has some. False when
 * there is no such attempt; else `text` begins with "refused: " and the system's reason, or says
 * how far it came. */
bool escape_try(struct str name, int64_t number, const char *path, char *text, size_t size);
