/* The server's own log on standard error. */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum { LINE_MAX_BYTES = 4096, LIMITED_EVERY_MS = 1000 };

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

__attribute__((format(printf, 4, 0))) static void log_text(enum log_level level, const char *module,
                                                           unsigned long long held_back,
                                                           const char *format, va_list args)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
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
    len = advance(len, vsnprintf(line + len, size - len, format, args), size);
    if (held_back)
        len = advance(len, snprintf(line + len, size - len, " (and %llu times before)", held_back),
                      size);
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)line[i] < 0x20)
            line[i] = ' ';
    }
    line[len++] = '\n';
    /* Nothing sensible can be done when the log itself cannot be written. */
    ssize_t ignored = write(STDERR_FILENO, line, len);
    (void)ignored;
}

static bool is_logged(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&least_level, memory_order_relaxed);
}

void log_line(enum log_level level, const char *module, const char *format, ...)
{
    if (!is_logged(level))
        return;
    va_list args;
    va_start(args, format);
    log_text(level, module, 0, format, args);
    va_end(args);
}

void log_line_limited(struct log_limit *limit, enum log_level level, const char *module,
                      const char *format, ...)
{
    long long now_ms = clock_mono_us() / 1000, until_ms = atomic_load(&limit->until_ms);
    if (!is_logged(level))
        return;
    if (now_ms < until_ms ||
        !atomic_compare_exchange_strong(&limit->until_ms, &until_ms, now_ms + LIMITED_EVERY_MS)) {
        atomic_fetch_add(&limit->held_back, 1);
        return;
    }
    va_list args;
    va_start(args, format);
    log_text(level, module, atomic_exchange(&limit->held_back, 0), format, args);
    va_end(args);
}
