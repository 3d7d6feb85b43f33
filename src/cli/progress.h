/* A bar on standard error that tells how far a command is; nothing when that is no terminal. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *what; /* "items" */
    int64_t started_us, shown_us;
    bool is_shown;
};

void progress_start(struct progress *progress, const char *what);

/* `part` of `whole` is done (whole 0: not known), which are `count` things so far. */
void progress_show(struct progress *progress, uint64_t part, uint64_t whole, uint64_t count);

/* Takes the bar away. */
void progress_end(struct progress *progress);
