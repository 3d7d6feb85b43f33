/* The server's own log on standard error. */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 4096 };

static _Atomic int least_level = LOG_INFO;

void log_set_level(enum log_level level)
{
    atomic_store(&least_level, (int)level);
}

/* Where vsnprintf's answer puts the end of what fits. */
static size_t advance(size_t at, int written, size_t size)
{
    if (written < 0)
        return at;
    return at + (size_t)written < size ? at + (size_t)written : size - 1;
}

void log_line(enum log_level level, const char *module, const char *format, ...)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    if ((int)level < atomic_load_explicit(&least_level, memory_order_relaxed))
        return;

    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);

    char line[LINE_MAX_BYTES];
    size_t size = sizeof(line) - 1; /* room for the newline */
    size_t len = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &utc);
    len = advance(len,
                  snprintf(line + len, size - len, ".%03ldZ %s %s: ", now.tv_nsec / 1000000,
                           names[level], module),
                  size);
    va_list args;
    va_start(args, format);
    len = advance(len, vsnprintf(line + len, size - len, format, args), size);
    va_end(args);
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)line[i] < 0x20)
            line[i] = ' ';
    }
    line[len++] = '\n';
    /* Nothing sensible can be done when the log itself cannot be written. */
    ssize_t ignored = write(STDERR_FILENO, line, len);
    (void)ignored;
}
