/* The blocking HTTP/1.1 client: one kept connection, one request at a time. */
#include "io/http_client.h"

#include <stdlib.h>

#include "base/buf.h"
#include "io/http_answer.h"
#include "io/http_socket.h"

enum { READ_BUFFER = 32 * 1024 };

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

static enum err read_answer(struct http_client *client, struct http_answer *answer,
                            struct error *error)
{
    while (!answer->is_complete) {
        size_t got = 0;
        enum err rc = http_socket_read(&client->socket, client->buffer, READ_BUFFER, &got, error);
        if (!rc)
            rc = http_answer_feed(answer, str_make(client->buffer, got), error);
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
                               struct http_answer *answer, struct error *error)
{
    enum err write_rc = http_socket_write(&client->socket, head, body, error);
    if (write_rc == ERR_SERVICE_UNAVAILABLE)
        return write_rc;
    enum err rc = read_answer(client, answer, error);
    answer->must_close |= write_rc != OK;
    return rc;
}

static enum err send_once(struct http_client *client, struct str head, struct str body,
                          struct http_answer *answer, bool *out_is_stale, struct error *error)
{
    bool was_reused = client->is_reused;
    enum err rc = OK;
    if (!http_socket_is_connected(&client->socket))
        rc = http_socket_connect(&client->socket, error);
    if (!rc)
        rc = write_and_read(client, head, body, answer, error);
    *out_is_stale = rc && rc != ERR_SERVICE_UNAVAILABLE && was_reused && !answer->has_bytes;
    if (rc || answer->must_close)
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
    struct http_answer answer;
    bool is_stale;
    do {
        http_answer_start(&answer, client->socket.authority, str_eq(method, STR("HEAD")), max_body,
                          arena);
        rc = send_once(client, head, body, &answer, &is_stale, error);
    } while (is_stale);
    if (rc)
        return rc;
    *out = (struct http_response){answer.status, answer.fields.headers, answer.fields.count,
                                  buf_str(&answer.body)};
    return OK;
}
