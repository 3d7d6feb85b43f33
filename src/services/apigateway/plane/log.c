/* Access and execution logs. */
#include "services/apigateway/plane/log.h"

#include <stdarg.h>
#include <time.h>

#include "base/clock.h"
#include "core/arn.h"
#include "core/capabilities.h"
#include "services/apigateway/plane/lane.h"
#include "wire/xml.h"

enum {
    MAX_LINE = 256 * 1024, /* of an event in CloudWatch Logs */
    MAX_TEXT = 1024 * 1024,
    MAX_SHOWN = 1024, /* AWS: "execution logs are truncated at 1024 bytes" */
};

struct str access_log_group(struct arena *arena, struct str region, struct str account,
                            struct str text)
{
    struct arn_parts arn;
    struct str kind, name;
    bool is_here = arn_parse(text, &arn) && str_eq(arn.partition, STR("aws")) &&
                   str_eq(arn.service, STR("logs")) && str_eq(arn.region, region) &&
                   str_eq(arn.account, account);
    if (!is_here || !str_cut(&arn.resource, ':', &kind) || !str_eq(kind, STR("log-group")))
        return STR_EMPTY;
    str_cut(&arn.resource, ':', &name);
    return arena_str(arena, name);
}

/* --- Execution logs --- */

struct log_line {
    struct log_event event;
    struct log_line *next;
};

__attribute__((format(printf, 2, 0))) static void add_line(struct api_call *call,
                                                           const char *format, va_list args)
{
    struct log_line *line = arena_new(call->arena, struct log_line);
    struct str text = arena_vprintf(call->arena, format, args);
    line->event.timestamp_ms = clock_wall_ms();
    line->event.message = arena_printf(call->arena, "(%.*s) %.*s", STR_ARG(call->request_id),
                                       STR_ARG(str_slice(text, 0, MAX_LINE - 64)));
    if (call->log_last)
        call->log_last->next = line;
    else
        call->log_first = line;
    call->log_last = line;
    call->log_count++;
}

void execution_log(struct api_call *call, const char *format, ...)
{
    va_list args;
    if (!call->method || call->method->logging_level != LOGGING_INFO)
        return;
    va_start(args, format);
    add_line(call, format, args);
    va_end(args);
}

void execution_log_error(struct api_call *call, const char *format, ...)
{
    va_list args;
    if (!call->method || call->method->logging_level == LOGGING_OFF)
        return;
    va_start(args, format);
    add_line(call, format, args);
    va_end(args);
}

bool execution_log_has_data(const struct api_call *call)
{
    return call->method && call->method->logging_level == LOGGING_INFO &&
           call->method->is_data_traced;
}

/* What must not be read in a log, where it stands in `text`: AWS shows its last six characters. */
static void mask(char *text, size_t len, struct str secret)
{
    struct str rest = str_make(text, len);
    size_t hidden = secret.len > 6 ? secret.len - 6 : secret.len;
    for (ptrdiff_t at; secret.len && (at = str_find(rest, secret)) >= 0;) {
        memset(text + (rest.ptr - text) + at, '*', hidden);
        rest = str_slice(rest, (size_t)at + secret.len, rest.len);
    }
}

/* A copy of the first bytes, without the client's secrets. */
static struct str shown(const struct api_call *call, struct str text, size_t max)
{
    static const struct str secrets[] = {STR_INIT("x-api-key"), STR_INIT("authorization")};
    size_t margin = 0;
    struct str values[2];
    for (int i = 0; i < 2; i++) {
        values[i] = http_header_get(call->exchange, secrets[i]);
        margin = values[i].len > margin ? values[i].len : margin;
    }
    /* One that starts before the end is masked whole. */
    struct str copied = str_slice(text, 0, max + margin);
    char *copy = arena_alloc(call->arena, copied.len + 1);
    memcpy(copy, copied.ptr, copied.len);
    for (int i = 0; i < 2; i++)
        mask(copy, copied.len, values[i]);
    return str_slice(str_make(copy, copied.len), 0, max);
}

struct str execution_log_headers(const struct api_call *call, const struct http_header *headers,
                                 size_t count)
{
    struct buf out;
    buf_init_arena(&out, call->arena, MAX_LINE);
    buf_add_byte(&out, '{');
    for (size_t i = 0; i < count; i++) {
        buf_add(&out, i ? STR(", ") : STR_EMPTY);
        buf_add(&out, headers[i].name);
        buf_add_byte(&out, '=');
        buf_add(&out, headers[i].value);
    }
    buf_add_byte(&out, '}');
    return shown(call, buf_str(&out), MAX_LINE);
}

struct str execution_log_body(const struct api_call *call, struct str body)
{
    return shown(call, body, MAX_SHOWN);
}

void execution_log_sent(struct api_call *call, struct str uri, const struct http_header *headers,
                        size_t count, struct str body)
{
    if (execution_log_has_data(call)) {
        execution_log(call, "Endpoint request URI: %.*s", STR_ARG(uri));
        execution_log(call, "Endpoint request headers: %.*s",
                      STR_ARG(execution_log_headers(call, headers, count)));
        execution_log(call, "Endpoint request body after transformations: %.*s",
                      STR_ARG(execution_log_body(call, body)));
    }
    execution_log(call, "Sending request to %.*s", STR_ARG(uri));
}

void execution_log_received(struct api_call *call, const struct http_header *headers, size_t count,
                            struct str body)
{
    execution_log(call, "Received response. Status: %d, Integration latency: %lld ms",
                  call->integration_status, (long long)call->integration_us / 1000);
    if (!execution_log_has_data(call))
        return;
    execution_log(call, "Endpoint response headers: %.*s",
                  STR_ARG(execution_log_headers(call, headers, count)));
    execution_log(call, "Endpoint response body before transformations: %.*s",
                  STR_ARG(execution_log_body(call, body)));
}

/* "Tue Nov 24 01:23:45 UTC 2026" */
static void add_date(struct buf *out, int64_t wall_ms)
{
    char text[40];
    struct tm utc;
    time_t seconds = (time_t)(wall_ms / 1000);
    gmtime_r(&seconds, &utc);
    size_t len = strftime(text, sizeof(text), "%a %b %d %H:%M:%S UTC %Y", &utc);
    buf_add(out, str_make(text, len));
}

struct str execution_log_text(const struct api_call *call)
{
    struct buf out;
    size_t prefix = call->request_id.len + 3; /* "(id) " */
    buf_init_arena(&out, call->arena, MAX_TEXT);
    buf_printf(&out, "Execution log for request %.*s\n", STR_ARG(call->request_id));
    for (const struct log_line *line = call->log_first; line; line = line->next) {
        add_date(&out, line->event.timestamp_ms);
        buf_add(&out, STR(" : "));
        buf_add(&out, str_slice(line->event.message, prefix, line->event.message.len));
        buf_add_byte(&out, '\n');
    }
    return buf_str(&out);
}

static void hand_over_execution(struct api_call *call)
{
    struct log_event *events = arena_array(call->arena, struct log_event, call->log_count);
    size_t count = 0;
    for (const struct log_line *line = call->log_first; line; line = line->next)
        events[count++] = line->event;
    call->logs->append(call->logs->self, call->stage->execution_log, lane_log_stream(call->lane),
                       events, count);
}

/* --- Access logs --- */

/* AWS escapes values in JSON (DataBiosphere/azul#4348). This one is a string with its quotes. */
static bool is_quoted_already(struct str variable)
{
    return str_eq(variable, STR("error.messageString"));
}

static void add_value(const struct api_call *call, struct buf *text, struct str variable,
                      struct str value)
{
    struct buf quoted;
    switch (call->stage->access_escape) {
    case LOG_PLAIN:
        buf_add(text, value);
        return;
    case LOG_XML:
        xml_add_text(text, value);
        return;
    case LOG_JSON:
        break;
    }
    if (is_quoted_already(variable)) {
        buf_add(text, value);
        return;
    }
    buf_init_arena(&quoted, call->arena, MAX_LINE);
    if (buf_add_json(&quoted, value))
        buf_add(text, str_slice(buf_str(&quoted), 1, quoted.len - 2));
}

static void hand_over_access(struct api_call *call)
{
    const struct stage *stage = call->stage;
    struct buf text;
    buf_init_arena(&text, call->arena, MAX_LINE);
    for (size_t i = 0; i < stage->access_part_count; i++) {
        const struct log_part *part = &stage->access_parts[i];
        struct str value = part->is_variable ? call_context(call, part->text) : part->text;
        if (!part->is_variable || value.len == 0)
            buf_add(&text, value.len ? value : STR("-"));
        else
            add_value(call, &text, part->text, value);
    }
    struct log_event event = {clock_wall_ms(), buf_str(&text)};
    call->logs->append(call->logs->self, stage->access_log, lane_log_stream(call->lane), &event, 1);
}

void logs_finish(struct api_call *call)
{
    if (!call->stage || !call->logs->append || call->trial)
        return;
    if (call->log_count)
        hand_over_execution(call);
    if (call->stage->access_log.len)
        hand_over_access(call);
}
