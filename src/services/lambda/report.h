/* What a function's log shows: its own output, line by line, and the lines that Lambda adds
 * (INIT_START, START, END, REPORT). An entry of several lines comes from our runtime clients with
 * REPORT_LINE_BREAK in the place of all line breaks but the last, and becomes one event. Lines are
 * gathered and handed to CloudWatch Logs in one go. */
#pragma once

#include "base/buf.h"
#include "core/capabilities.h"

#define REPORT_LINE_BREAK '\x1e'

struct report_mark {
    int64_t timestamp_ms;
    size_t start, len;
};

struct report {
    const struct log_capability *logs;
    struct str group, version; /* borrowed from the function */
    char stream[96];
    struct buf text;           /* lines that wait to be handed over */
    struct report_mark *marks; /* one per line */
    size_t count, capacity;
    struct buf partial; /* output without a line break so far */
    struct buf tail;    /* what this invocation has logged, when its caller wants it */
    bool wants_tail;
    bool is_json;    /* Lambda's own lines are objects */
    bool has_system; /* those of level INFO are kept; else only what went wrong is */
};

/* Makes the stream's name ("2026/01/31/[$LATEST]32 hexadecimal digits") as of now. */
void report_init(struct report *report, const struct log_capability *logs, struct str group,
                 struct str version);
void report_release(struct report *report);

/* Adds output as it comes; a line without end waits for it. */
void report_output(struct report *report, struct str bytes);

/* Adds a line of Lambda's own. */
void report_line(struct report *report, struct str line);

/* Has Lambda's own lines be JSON, of that level and above ("DEBUG", "INFO", "WARN").
 * https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html */
void report_set_json(struct report *report, struct str system_level);

/* Adds what went wrong outside of the function's code. */
void report_fault(struct report *report, struct str request_id, struct str message);

/* What one invocation took, for its REPORT line. */
struct report_cost {
    struct str request_id;
    int64_t duration_us;
    int64_t init_us; /* -1: not the first invocation */
    unsigned memory_mb;
    unsigned used_mb;
    const char *status;     /* "timeout", "error", or NULL for success */
    const char *error_type; /* of an error, or NULL */
};

void report_start(struct report *report, struct str request_id, bool wants_tail);

/* Adds END and REPORT; an unfinished line is ended before. */
void report_end(struct report *report, const struct report_cost *cost);

/* Hands over what was gathered. */
void report_flush(struct report *report);

/* The last 4 KB of what this invocation has logged, in base64, in `arena`. */
struct str report_tail(struct report *report, struct arena *arena);
