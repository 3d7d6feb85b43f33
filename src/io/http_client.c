/* The blocking HTTP/1.1 client: one kept connection, one request at a time. */
#include "io/http_client.h"

#include <llhttp.h>
#include <stdlib.h>

#include "base/buf.h"
#include "io/http_fields.h"
#include "io/http_socket.h"

enum {
    READ_BUFFER = 32 * 1024,
    MAX_HEAD_BYTES = 256 * 1024,
    FIRST_BODY_BYTES = 1024 * 1024,
};

struct http_client {
    struct http_socket socket;
    bool is_reused; /* the connection has carried an answer before */
    char buffer[READ_BUFFER];
};

/* --- Making --- */

enum err http_client_new(struct str base_url, unsigned timeout_ms, struct http_client **out,
                         struct error *error)
{
    bool is_tls = str_starts(base_url, STR("https://"));
    if (!is_tls && !str_starts(base_url, STR("http://")))
        return error_set(error, ERR_VALIDATION, "not a URL of http or https: %.*s",
                         STR_ARG(base_url));
    struct str authority, rest = str_slice(base_url, is_tls ? 8 : 7, base_url.len);
    str_cut(&rest, '/', &authority);

    struct http_client *client = calloc(1, sizeof(*client));
    if (!client)
        abort();
    enum err rc = http_socket_init(&client->socket, authority, is_tls, timeout_ms, error);
    if (rc) {
        free(client);
        return rc;
    }
    *out = client;
    return OK;
}

void http_client_free(struct http_client *client)
{
    if (!client)
        return;
    http_socket_release(&client->socket);
    free(client);
}

struct str http_client_host(const struct http_client *client)
{
    return str_from(client->socket.authority);
}

static void disconnect(struct http_client *client)
{
    http_socket_close(&client->socket);
    client->is_reused = false;
}

/* --- The answer --- */

struct reading {
    struct arena *arena;
    struct http_fields fields;
    struct buf body;
    size_t max_body;
    int status;
    bool is_head_request, has_bytes, is_complete, must_close;
};

static int on_span(llhttp_t *parser, const char *at, size_t len)
{
    struct reading *reading = parser->data;
    return http_fields_grow(&reading->fields, at, len) ? 0 : HPE_USER;
}

static int on_header_name(llhttp_t *parser)
{
    struct reading *reading = parser->data;
    http_fields_end_name(&reading->fields);
    return 0;
}

static int on_header_value(llhttp_t *parser)
{
    struct reading *reading = parser->data;
    if (reading->status) { /* a trailer */
        http_fields_take(&reading->fields);
        return 0;
    }
    return http_fields_end_value(&reading->fields) ? 0 : HPE_USER;
}

static int on_head(llhttp_t *parser)
{
    struct reading *reading = parser->data;
    reading->status = parser->status_code;
    parser->upgrade = 0;
    if (reading->is_head_request)
        return 1; /* a length, but no body */
    if (parser->flags & F_CONTENT_LENGTH && parser->content_length <= reading->max_body) {
        bool is_small = parser->content_length < FIRST_BODY_BYTES;
        buf_reserve(&reading->body, is_small ? parser->content_length : FIRST_BODY_BYTES);
    }
    return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t len)
{
    struct reading *reading = parser->data;
    return buf_add(&reading->body, str_make(at, len)) ? 0 : HPE_USER;
}

static int on_complete(llhttp_t *parser)
{
    struct reading *reading = parser->data;
    if (reading->status < 200) { /* 100 Continue and its kind: the answer is still to come */
        reading->status = 0;
        reading->fields.count = 0;
        return 0;
    }
    reading->is_complete = true;
    reading->must_close = !llhttp_should_keep_alive(parser);
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_header_field = on_span,
    .on_header_value = on_span,
    .on_header_field_complete = on_header_name,
    .on_header_value_complete = on_header_value,
    .on_headers_complete = on_head,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

static enum err bad_answer(const struct http_client *client, const struct reading *reading,
                           const llhttp_t *parser, struct error *error)
{
    const char *host = client->socket.authority, *why = llhttp_get_error_reason(parser);
    if (reading->body.is_full)
        return error_set(error, ERR_REQUEST_ENTITY_TOO_LARGE, "%s answered more than %zu bytes",
                         host, reading->max_body);
    return error_set(error, ERR_INTERNAL, "%s gave no proper HTTP answer: %s", host,
                     why && *why ? why : "headers too large");
}

/* Parses what came, or the end of the stream when nothing did. */
static enum err parse(struct http_client *client, llhttp_t *parser, size_t got,
                      struct reading *reading, struct error *error)
{
    llhttp_errno_t rc = got ? llhttp_execute(parser, client->buffer, got) : llhttp_finish(parser);
    if (reading->is_complete) {
        /* Bytes behind the answer are an answer to nothing. */
        bool has_more = got && llhttp_get_error_pos(parser) != client->buffer + got;
        reading->must_close |= has_more || got == 0;
        return OK;
    }
    if (got == 0)
        return error_set(error, ERR_INTERNAL, "%s closed the connection before its answer",
                         client->socket.authority);
    return rc == HPE_OK ? OK : bad_answer(client, reading, parser, error);
}

static enum err read_answer(struct http_client *client, struct reading *reading,
                            struct error *error)
{
    llhttp_t parser;
    llhttp_init(&parser, HTTP_RESPONSE, &settings);
    parser.data = reading;
    while (!reading->is_complete) {
        size_t got = 0;
        enum err rc = http_socket_read(&client->socket, client->buffer, READ_BUFFER, &got, error);
        reading->has_bytes |= got != 0;
        if (!rc)
            rc = parse(client, &parser, got, reading, error);
        if (rc)
            return rc;
    }
    return OK;
}

/* --- The request --- */

static bool is_line(struct str text)
{
    return str_find_byte(text, '\r', 0) < 0 && str_find_byte(text, '\n', 0) < 0 &&
           str_find_byte(text, '\0', 0) < 0;
}

static enum err check_request(struct str method, struct str target,
                              const struct http_header *headers, size_t count, struct error *error)
{
    bool is_fine = is_line(method) && is_line(target) && method.len && target.len &&
                   str_find_byte(method, ' ', 0) < 0 && str_find_byte(target, ' ', 0) < 0;
    if (!is_fine)
        return error_set(error, ERR_VALIDATION, "not a method and a target of HTTP");
    for (size_t i = 0; i < count; i++) {
        if (!is_line(headers[i].name) || !is_line(headers[i].value))
            return error_set(error, ERR_VALIDATION, "a header may not hold a line break");
    }
    return OK;
}

static bool is_own_header(struct str name)
{
    return str_eq_nocase(name, STR("host")) || str_eq_nocase(name, STR("content-length")) ||
           str_eq_nocase(name, STR("transfer-encoding"));
}

static struct str request_head(const struct http_client *client, struct str method,
                               struct str target, const struct http_header *headers, size_t count,
                               struct str body, struct arena *arena)
{
    struct buf head;
    buf_init_arena(&head, arena, SIZE_MAX / 2);
    buf_reserve(&head, 1024);
    buf_add(&head, method);
    buf_add_byte(&head, ' ');
    buf_add(&head, target);
    buf_add(&head, STR(" HTTP/1.1\r\nHost: "));
    buf_add(&head, http_client_host(client));
    bool needs_length = body.len || str_eq(method, STR("POST")) || str_eq(method, STR("PUT"));
    if (needs_length) {
        buf_add(&head, STR("\r\nContent-Length: "));
        buf_add_u64(&head, body.len);
    }
    for (size_t i = 0; i < count; i++) {
        if (is_own_header(headers[i].name))
            continue;
        buf_add(&head, STR("\r\n"));
        buf_add(&head, headers[i].name);
        buf_add(&head, STR(": "));
        buf_add(&head, headers[i].value);
    }
    buf_add(&head, STR("\r\n\r\n"));
    return buf_str(&head);
}

/* --- Sending --- */

/* A server may answer and close before it has taken the whole body, such as with 413. */
static enum err write_and_read(struct http_client *client, struct str head, struct str body,
                               struct reading *reading, struct error *error)
{
    enum err write_rc = http_socket_write(&client->socket, head, body, error);
    if (write_rc == ERR_SERVICE_UNAVAILABLE)
        return write_rc;
    enum err rc = read_answer(client, reading, error);
    reading->must_close |= write_rc != OK;
    return rc;
}

static enum err send_once(struct http_client *client, struct str head, struct str body,
                          struct reading *reading, bool *out_is_stale, struct error *error)
{
    bool was_reused = client->is_reused;
    enum err rc = OK;
    if (!http_socket_is_connected(&client->socket))
        rc = http_socket_connect(&client->socket, error);
    if (!rc)
        rc = write_and_read(client, head, body, reading, error);
    *out_is_stale = rc && rc != ERR_SERVICE_UNAVAILABLE && was_reused && !reading->has_bytes;
    if (rc || reading->must_close)
        disconnect(client);
    else
        client->is_reused = true;
    return rc;
}

enum err http_client_send(struct http_client *client, struct str method, struct str target,
                          const struct http_header *headers, size_t header_count, struct str body,
                          size_t max_body, struct arena *arena, struct http_response *out,
                          struct error *error)
{
    enum err rc = check_request(method, target, headers, header_count, error);
    if (rc)
        return rc;
    struct str head = request_head(client, method, target, headers, header_count, body, arena);
    struct reading reading;
    bool is_stale;
    do {
        reading = (struct reading){
            .arena = arena, .max_body = max_body, .is_head_request = str_eq(method, STR("HEAD"))};
        http_fields_start(&reading.fields, arena, MAX_HEAD_BYTES);
        buf_init_arena(&reading.body, arena, max_body);
        rc = send_once(client, head, body, &reading, &is_stale, error);
    } while (is_stale);
    if (rc)
        return rc;
    *out = (struct http_response){reading.status, reading.fields.headers, reading.fields.count,
                                  buf_str(&reading.body)};
    return OK;
}
