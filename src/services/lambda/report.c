/* Log lines of instances. */
#include "services/lambda/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/encode.h"

enum {
    MAX_LINE = 256 * 1024, /* CloudWatch Logs' limit for an event */
    MAX_TEXT = 1024 * 1024,
    MAX_TAIL = 4096,
};

void report_init(struct report *report, const struct log_capability *logs, struct str group,
                 struct str version)
{
    unsigned char random[16];
    time_t now = (time_t)(clock_wall_ms() / 1000);
    struct tm utc;
    *report = (struct report){.logs = logs, .group = group, .version = version};
    buf_init(&report->text, MAX_TEXT);
    buf_init(&report->partial, MAX_LINE);
    buf_init(&report->tail, 16 * MAX_TAIL);
    gmtime_r(&now, &utc);
    random_bytes(random, sizeof(random));

    size_t len = strftime(report->stream, sizeof(report->stream), "%Y/%m/%d/", &utc);
    len += (size_t)snprintf(report->stream + len, sizeof(report->stream) - len, "[%.*s]",
                            STR_ARG(version));
    for (size_t i = 0; i < sizeof(random); i++)
        len +=
            (size_t)snprintf(report->stream + len, sizeof(report->stream) - len, "%02x", random[i]);
}

void report_release(struct report *report)
{
    buf_release(&report->text);
    buf_release(&report->partial);
    buf_release(&report->tail);
    free(report->marks);
    report->marks = NULL;
}

/* --- Lines --- */

void report_flush(struct report *report)
{
    struct log_event few[16];
    if (report->count == 0)
        return;
    struct log_event *events = few;
    if (report->count > sizeof(few) / sizeof(*few))
        events = calloc(report->count, sizeof(*events));
    if (!events)
        abort();
    for (size_t i = 0; i < report->count; i++) {
        const struct report_mark *mark = &report->marks[i];
        events[i].timestamp_ms = mark->timestamp_ms;
        events[i].message = str_slice(buf_str(&report->text), mark->start, mark->len);
    }
    if (report->logs->append)
        report->logs->append(report->logs->self, report->group, str_from(report->stream), events,
                             report->count);
    if (events != few)
        free(events);
    report->count = 0;
    buf_clear(&report->text);
}

/* Begins a line; it is what is added to `text` until end_line. */
static size_t begin_line(struct report *report)
{
    if (report->text.len > MAX_TEXT - MAX_LINE)
        report_flush(report);
    return report->text.len;
}

/* Only the end of it is ever shown. */
static void add_to_tail(struct buf *tail, struct str line)
{
    if (line.len > MAX_TAIL)
        line = str_slice(line, line.len - MAX_TAIL, MAX_TAIL);
    if (line.len > tail->max - tail->len) {
        memmove(tail->ptr, tail->ptr + tail->len - MAX_TAIL, MAX_TAIL);
        tail->len = MAX_TAIL;
    }
    buf_add(tail, line);
}

static void end_line(struct report *report, size_t start)
{
    buf_add_byte(&report->text, '\n');
    if (report->count == report->capacity) {
        report->capacity = report->capacity ? report->capacity * 2 : 16;
        report->marks = realloc(report->marks, report->capacity * sizeof(*report->marks));
        if (!report->marks)
            abort();
    }
    report->marks[report->count++] = (struct report_mark){
        .timestamp_ms = clock_wall_ms(),
        .start = start,
        .len = report->text.len - start,
    };
    if (report->wants_tail)
        add_to_tail(&report->tail, str_slice(buf_str(&report->text), start, MAX_LINE));
}

static void restore_breaks(struct report *report, size_t start)
{
    for (size_t i = start; i < report->text.len; i++) {
        if (report->text.ptr[i] == REPORT_LINE_BREAK)
            report->text.ptr[i] = '\n';
    }
}

void report_line(struct report *report, struct str line)
{
    size_t start = begin_line(report);
    buf_add(&report->text, str_slice(line, 0, MAX_LINE - 1));
    restore_breaks(report, start);
    end_line(report, start);
}

static void end_partial(struct report *report)
{
    if (report->partial.len == 0)
        return;
    report_line(report, buf_str(&report->partial));
    buf_clear(&report->partial);
}

void report_output(struct report *report, struct str bytes)
{
    struct str line;
    while (bytes.len) {
        ptrdiff_t end = str_find_byte(bytes, '\n', 0);
        if (end >= 0 && report->partial.len == 0) {
            report_line(report, str_slice(bytes, 0, (size_t)end));
            bytes = str_slice(bytes, (size_t)end + 1, bytes.len);
            continue;
        }
        size_t room = MAX_LINE - 1 - report->partial.len;
        line = str_slice(bytes, 0, end >= 0 ? (size_t)end : bytes.len);
        bool is_cut = line.len > room;
        line = str_slice(line, 0, room);
        buf_add(&report->partial, line);
        bytes = str_slice(bytes, line.len + (end >= 0 && !is_cut), bytes.len);
        if (end >= 0 || is_cut)
            end_partial(report);
    }
}

/* --- Lambda's lines, in JSON --- */

void report_set_json(struct report *report, struct str system_level)
{
    report->is_json = true;
    report->has_system = !str_eq(system_level, STR("WARN"));
}

/* {"time":"...","type":"platform.start","record":{"requestId":"..." */
static void begin_object(struct report *report, const char *type, struct str request_id)
{
    struct arena arena = {0};
    struct str time = clock_iso8601_ms(&arena, clock_wall_ms());
    buf_printf(&report->text,
               "{\"time\":\"%.*s\",\"type\":\"%s\",\"record\":{\"requestId\":", STR_ARG(time),
               type);
    buf_add_json(&report->text, request_id);
    arena_release(&arena);
}

static void start_in_json(struct report *report, struct str request_id)
{
    if (!report->has_system)
        return;
    size_t start = begin_line(report);
    begin_object(report, "platform.start", request_id);
    buf_add(&report->text, STR(",\"version\":"));
    buf_add_json(&report->text, report->version);
    buf_add(&report->text, STR("}}"));
    end_line(report, start);
}

static void report_in_json(struct report *report, const struct report_cost *cost)
{
    int64_t billed_us = cost->duration_us + (cost->init_us > 0 ? cost->init_us : 0);
    if (!report->has_system && !cost->status)
        return;
    size_t start = begin_line(report);
    begin_object(report, "platform.report", cost->request_id);
    buf_printf(&report->text, ",\"status\":\"%s\"", cost->status ? cost->status : "success");
    if (cost->error_type)
        buf_printf(&report->text, ",\"errorType\":\"%s\"", cost->error_type);
    buf_printf(&report->text,
               ",\"metrics\":{\"durationMs\":%.3f,\"billedDurationMs\":%lld,\"memorySizeMB\":%u,"
               "\"maxMemoryUsedMB\":%u",
               (double)cost->duration_us / 1000, (long long)(billed_us + 999) / 1000,
               cost->memory_mb, cost->used_mb);
    if (cost->init_us >= 0)
        buf_printf(&report->text, ",\"initDurationMs\":%.3f", (double)cost->init_us / 1000);
    buf_add(&report->text, STR("}}}"));
    end_line(report, start);
}

void report_fault(struct report *report, struct str request_id, struct str message)
{
    struct arena arena = {0};
    if (!report->is_json) {
        report_line(report, message);
        return;
    }
    struct str time = clock_iso8601_ms(&arena, clock_wall_ms());
    size_t start = begin_line(report);
    buf_printf(&report->text,
               "{\"timestamp\":\"%.*s\",\"level\":\"ERROR\",\"requestId\":", STR_ARG(time));
    buf_add_json(&report->text, request_id);
    buf_add(&report->text, STR(",\"message\":"));
    buf_add_json(&report->text, message);
    buf_add_byte(&report->text, '}');
    end_line(report, start);
    arena_release(&arena);
}

/* --- Lambda's lines --- */

void report_start(struct report *report, struct str request_id, bool wants_tail)
{
    buf_clear(&report->tail);
    report->wants_tail = wants_tail;
    if (report->is_json) {
        start_in_json(report, request_id);
        return;
    }
    size_t start = begin_line(report);
    buf_add(&report->text, STR("START RequestId: "));
    buf_add(&report->text, request_id);
    buf_add(&report->text, STR(" Version: "));
    buf_add(&report->text, report->version);
    end_line(report, start);
}

/* "1.23 ms" */
static void add_ms(struct buf *text, struct str name, int64_t us)
{
    int64_t hundredths = (us + 5) / 10;
    char digits[2] = {(char)('0' + hundredths / 10 % 10), (char)('0' + hundredths % 10)};
    buf_add(text, name);
    buf_add_u64(text, (uint64_t)(hundredths / 100));
    buf_add_byte(text, '.');
    buf_add(text, str_make(digits, 2));
    buf_add(text, STR(" ms\t"));
}

static void add_number(struct buf *text, struct str name, uint64_t value, struct str unit)
{
    buf_add(text, name);
    buf_add_u64(text, value);
    buf_add(text, unit);
}

static void add_report(struct report *report, const struct report_cost *cost)
{
    struct buf *text = &report->text;
    /* Initialization is billed with the invocation that it was for. */
    int64_t billed_us = cost->duration_us + (cost->init_us > 0 ? cost->init_us : 0);
    size_t start = begin_line(report);
    buf_add(text, STR("REPORT RequestId: "));
    buf_add(text, cost->request_id);
    buf_add_byte(text, '\t');
    add_ms(text, STR("Duration: "), cost->duration_us);
    add_number(text, STR("Billed Duration: "), (uint64_t)(billed_us + 999) / 1000, STR(" ms\t"));
    add_number(text, STR("Memory Size: "), cost->memory_mb, STR(" MB\t"));
    add_number(text, STR("Max Memory Used: "), cost->used_mb, STR(" MB\t"));
    if (cost->init_us >= 0)
        add_ms(text, STR("Init Duration: "), cost->init_us);
    if (cost->status)
        buf_printf(text, "Status: %s\t", cost->status);
    if (cost->error_type)
        buf_printf(text, "Error Type: %s\t", cost->error_type);
    end_line(report, start);
}

void report_end(struct report *report, const struct report_cost *cost)
{
    end_partial(report);
    if (report->is_json) {
        report_in_json(report, cost);
        return;
    }
    size_t start = begin_line(report);
    buf_add(&report->text, STR("END RequestId: "));
    buf_add(&report->text, cost->request_id);
    end_line(report, start);
    add_report(report, cost);
}

struct str report_tail(struct report *report, struct arena *arena)
{
    struct str all = buf_str(&report->tail);
    size_t skipped = all.len > MAX_TAIL ? all.len - MAX_TAIL : 0;
    report->wants_tail = false;
    return encode_base64(arena, str_slice(all, skipped, MAX_TAIL));
}
