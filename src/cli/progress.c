/* The progress bar. */
#include "cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

enum { WIDTH = 32, SHOW_EVERY_US = 100000 };

void progress_start(struct progress *progress, const char *what)
{
    *progress = (struct progress){.what = what, .started_us = clock_mono_us()};
    progress->is_shown = isatty(STDERR_FILENO);
}

void progress_show(struct progress *progress, uint64_t part, uint64_t whole, uint64_t count)
{
    int64_t now_us = clock_mono_us();
    if (!progress->is_shown || now_us - progress->shown_us < SHOW_EVERY_US)
        return;
    char bar[WIDTH + 1];
    uint64_t filled = whole ? (part < whole ? part : whole) * WIDTH / whole : 0;
    for (uint64_t i = 0; i < WIDTH; i++)
        bar[i] = i < filled ? '#' : '.';
    bar[WIDTH] = '\0';
    double seconds = (double)(now_us - progress->started_us) / 1e6;
    fprintf(stderr, "\r[%s] %3llu%%  %llu %s  %.0f/s\033[K", bar,
            (unsigned long long)(whole ? filled * 100 / WIDTH : 0), (unsigned long long)count,
            progress->what, seconds > 0 ? (double)count / seconds : 0);
    fflush(stderr);
    progress->shown_us = now_us;
}

void progress_end(struct progress *progress)
{
    if (progress->is_shown && progress->shown_us)
        fputs("\r\033[K", stderr);
}
