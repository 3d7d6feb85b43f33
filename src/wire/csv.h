/* Comma-separated values (RFC 4180): read row by row, and written. */
#pragma once

#include "base/buf.h"

struct csv_row {
    struct str *fields;
    size_t count;
    size_t lines; /* that the row takes up: line breaks in quotes count */
};

/* Takes a row off `*rest`, with its fields in `arena`. False at the end. Lines may end in LF or
 * CRLF; a quote inside an unquoted field stands for itself. */
bool csv_next(struct str *rest, struct arena *arena, struct csv_row *out);

/* Adds a field, in quotes where it needs them. */
void csv_add(struct buf *out, struct str field);
