/* Where a page of the list ended, as text that clients send back and need not understand. No I/O.
 */
#pragma once

#include "base/arena.h"

/* Stands for the place behind the note of that id. */
struct str cursor_write(struct arena *arena, struct str note_id);

/* The id, or false for text that cursor_write cannot have made. */
bool cursor_read(struct arena *arena, struct str cursor, struct str *out_note_id);
