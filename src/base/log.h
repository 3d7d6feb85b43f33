/* The server's own log: one line per event on standard error, "time level module: message key=value
 * ...". Safe from any thread; a line is one write. Secrets never go in. */
#pragma once

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* Lines below `level` are dropped. The default is LOG_INFO. */
void log_set_level(enum log_level level);

/* `module` is the folder's name, such as "lambda". A newline in the text is written as a blank. */
void log_line(enum log_level level, const char *module, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A kind of line that others can cause as often as they like. Static; zeroed at first. */
struct log_limit {
    _Atomic long long until_ms; /* monotonic */
    _Atomic unsigned long long held_back;
};

/* One line a second at most; it says how many were held back since the one before. */
void log_line_limited(struct log_limit *limit, enum log_level level, const char *module,
                      const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Has a limit of its own at each place where it is written. */
#define log_limited_(level, ...)                                                                   \
    do {                                                                                           \
        static struct log_limit limit_;                                                            \
        log_line_limited(&limit_, level, __VA_ARGS__);                                             \
    } while (0)
#define log_warn_limited(...)  log_limited_(LOG_WARN, __VA_ARGS__)
#define log_error_limited(...) log_limited_(LOG_ERROR, __VA_ARGS__)

#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
