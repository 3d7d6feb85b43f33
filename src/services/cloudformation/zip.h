/* An archive of one file, for code that is written in a template. */
#pragma once

#include "base/arena.h"

/* The bytes of a zip in which `content` is the file `name`, stored as it is. The same input gives
 * the same bytes. */
struct str zip_of_one(struct arena *arena, struct str name, struct str content);
