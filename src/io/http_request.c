/* The server's requests: from bytes through llhttp to a struct http_exchange, or a refusal. */
#include "io/http_server.h"

/* Where a status stands: no refusal, but the request function is to answer without a body. */
enum { BODY_REFUSED = 1 };

static struct connection *connection_of(llhttp_t *parser)
{
    return parser->data;
}

static int refuse(struct connection *connection, int status)
{
    connection->refused = status;
    return HPE_USER;
}

/* --- The head --- */

static int on_message_begin(llhttp_t *parser)
{
    struct connection *connection = connection_of(parser);
    size_t max = connection->listener->options.max_header_bytes;
    http_fields_start(&connection->fields, &connection->exchange.arena, max);
    connection->authority = STR_EMPTY;
    connection->head_bytes = 0;
    connection->is_head_complete = false;
    connection->is_begun = true;
    connection->since_ms = uv_now(loop_uv(connection->listener->loop));
    return 0;
}

static int on_head_span(llhttp_t *parser, const char *at, size_t len)
{
    struct connection *connection = connection_of(parser);
    return http_fields_grow(&connection->fields, at, len) ? 0 : refuse(connection, 431);
}

/* "http://host:port/path" is taken as "/path", and the host in it wins over the Host header (RFC
 * 9112, section 3.2.2). */
static void split_target(struct connection *connection)
{
    struct http_exchange *exchange = &connection->exchange;
    struct str rest = exchange->target;
    ptrdiff_t scheme_end = str_starts(rest, STR("/")) ? -1 : str_find(rest, STR("://"));
    if (scheme_end > 0) {
        rest = str_slice(rest, (size_t)scheme_end + 3, rest.len);
        size_t len = 0;
        while (len < rest.len && rest.ptr[len] != '/' && rest.ptr[len] != '?')
            len++;
        connection->authority = str_slice(rest, 0, len);
        rest = str_slice(rest, len, rest.len);
    }
    exchange->query = rest;
    str_cut(&exchange->query, '?', &exchange->path);
    if (exchange->path.len == 0)
        exchange->path = STR("/");
}

static int on_target_complete(llhttp_t *parser)
{
    struct connection *connection = connection_of(parser);
    struct http_exchange *exchange = &connection->exchange;
    exchange->method = str_from(llhttp_method_name((llhttp_method_t)parser->method));
    exchange->target = http_fields_take(&connection->fields);
    split_target(connection);
    return 0;
}

/* Trailers come here too, after the head; they are counted but not kept (RFC 9110, section 6.5.1:
 * they must not be mistaken for headers). */
static int on_name_complete(llhttp_t *parser)
{
    http_fields_end_name(&connection_of(parser)->fields);
    return 0;
}

static int on_value_complete(llhttp_t *parser)
{
    struct connection *connection = connection_of(parser);
    if (connection->is_head_complete) {
        http_fields_take(&connection->fields);
        return 0;
    }
    return http_fields_end_value(&connection->fields) ? 0 : refuse(connection, 431);
}

/* The headers that decide on the request's shape; each must be there once at most. */
struct shape {
    struct http_header *host, *transfer_encoding, *expect;
    bool is_ambiguous;
};

static void note(struct shape *shape, struct http_header **place, struct http_header *header)
{
    shape->is_ambiguous |= *place != NULL;
    *place = header;
}

static struct shape shape_of(struct http_exchange *exchange)
{
    struct shape shape = {0};
    for (size_t i = 0; i < exchange->header_count; i++) {
        struct http_header *header = &exchange->headers[i];
        if (str_eq_nocase(header->name, STR("host")))
            note(&shape, &shape.host, header);
        else if (str_eq_nocase(header->name, STR("transfer-encoding")))
            note(&shape, &shape.transfer_encoding, header);
        else if (str_eq_nocase(header->name, STR("expect")))
            note(&shape, &shape.expect, header);
    }
    return shape;
}

/* The status to refuse the head with, or 0. RFC 9112: 2.5 versions, 3.2 Host, 6.1 codings. */
static int check_head(const llhttp_t *parser, const struct shape *shape)
{
    bool is_http_1_0 = parser->http_minor == 0;
    if (parser->http_major != 1)
        return 505;
    if (parser->method == HTTP_CONNECT)
        return 501;
    if (shape->is_ambiguous || (!is_http_1_0 && !shape->host))
        return 400;
    if (shape->transfer_encoding && is_http_1_0)
        return 400;
    if (shape->transfer_encoding && !str_eq_nocase(shape->transfer_encoding->value, STR("chunked")))
        return 501;
    return 0;
}

static size_t limit_of(struct connection *connection, size_t announced)
{
    const struct http_listener_options *options = &connection->listener->options;
    return options->body_limit ? options->body_limit(&connection->exchange, announced, options->arg)
                               : options->max_body_bytes;
}

/* A guest may ask whether the server lives, and no more. */
static bool is_probe(const struct connection *connection)
{
    const struct http_exchange *exchange = &connection->exchange;
    return str_eq(exchange->path, connection->listener->options.probe_path) &&
           str_eq(exchange->method, STR("GET"));
}

/* The same for the body that the head announces. */
static int prepare_body(struct connection *connection, const struct shape *shape)
{
    const llhttp_t *parser = &connection->parser;
    bool has_length = parser->flags & F_CONTENT_LENGTH;
    bool has_body = shape->transfer_encoding || (has_length && parser->content_length);
    if (shape->expect && !str_eq_nocase(shape->expect->value, STR("100-continue")))
        return 417;
    if (!has_body)
        return 0;

    size_t limit = limit_of(connection, has_length ? parser->content_length : SIZE_MAX);
    if (limit == HTTP_REFUSE_BODY)
        return BODY_REFUSED;
    if (has_length && parser->content_length > limit)
        return 413;
    connection->body.max = has_length ? parser->content_length : limit;
    if (has_length && parser->content_length < MEMORY_BODY)
        buf_reserve(&connection->body, parser->content_length);
    connection->wants_continue = shape->expect && !connection->exchange.is_http_1_0;
    return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
    struct connection *connection = connection_of(parser);
    struct http_exchange *exchange = &connection->exchange;
    connection->is_head_complete = true;
    exchange->headers = connection->fields.headers;
    exchange->header_count = connection->fields.count;
    exchange->is_http_1_0 = parser->http_major == 1 && parser->http_minor == 0;
    parser->upgrade = 0; /* offers of other protocols are not taken up (RFC 9110, section 7.8) */

    struct shape shape = shape_of(exchange);
    if (shape.host && connection->authority.len)
        shape.host->value = connection->authority;
    int status = check_head(parser, &shape);
    if (!status && connection->is_guest && !is_probe(connection))
        status = 503;
    if (!status)
        status = prepare_body(connection, &shape);
    return status ? refuse(connection, status) : 0;
}

/* --- The body --- */

/* A body that turns out to be large, of someone who is known, goes on in a file. */
static bool move_to_file(struct connection *connection)
{
    struct http_file *file = &connection->body_file;
    if (!http_file_open(file, connection->listener->options.spill) ||
        !http_file_add(file, buf_str(&connection->body)))
        return false;
    buf_release(&connection->body);
    connection_settle(connection);
    return true;
}

static int add_to_file(struct connection *connection, struct str bytes)
{
    struct http_file *file = &connection->body_file;
    if (bytes.len > connection->body.max - file->size)
        return refuse(connection, 413);
    return http_file_add(file, bytes) ? 0 : refuse(connection, 503);
}

static int on_body(llhttp_t *parser, const char *at, size_t len)
{
    struct connection *connection = connection_of(parser);
    struct buf *body = &connection->body;
    if (http_file_is_open(&connection->body_file))
        return add_to_file(connection, str_make(at, len));
    if (!buf_add(body, str_make(at, len)))
        return refuse(connection, 413);
    if (!connection_claim(connection))
        return refuse(connection, 503);
    bool goes_to_file = body->len > MEMORY_BODY && connection->listener->options.spill &&
                        connection_is_known(connection);
    return !goes_to_file || move_to_file(connection) ? 0 : refuse(connection, 503);
}

/* Chunk extensions mean nothing here but could go on for ever. */
static int on_chunk_extension(llhttp_t *parser, const char *at, size_t len)
{
    (void)at;
    struct connection *connection = connection_of(parser);
    struct http_fields *fields = &connection->fields;
    if (len > fields->max_bytes - fields->bytes)
        return refuse(connection, 431);
    fields->bytes += len;
    return 0;
}

static int on_message_complete(llhttp_t *parser)
{
    struct connection *connection = connection_of(parser);
    connection->must_close = !llhttp_should_keep_alive(parser) || connection->is_guest;
    connection->is_complete = true;
    return HPE_PAUSED;
}

void connection_init_parser(struct connection *connection)
{
    static const llhttp_settings_t settings = {
        .on_message_begin = on_message_begin,
        .on_url = on_head_span,
        .on_url_complete = on_target_complete,
        .on_header_field = on_head_span,
        .on_header_field_complete = on_name_complete,
        .on_header_value = on_head_span,
        .on_header_value_complete = on_value_complete,
        .on_headers_complete = on_headers_complete,
        .on_chunk_extension_name = on_chunk_extension,
        .on_chunk_extension_value = on_chunk_extension,
        .on_body = on_body,
        .on_message_complete = on_message_complete,
    };
    llhttp_init(&connection->parser, HTTP_REQUEST, &settings);
    connection->parser.data = connection;
    buf_init_mapped(&connection->body, 0);
}

/* --- Handing over --- */

static int status_of(const struct connection *connection, llhttp_errno_t error)
{
    if (connection->refused)
        return connection->refused;
    /* llhttp says the same of a version and of the line end behind it. */
    const llhttp_t *parser = &connection->parser;
    bool is_known_version = parser->http_major == 1 && parser->http_minor <= 1;
    bool is_version = error == HPE_INVALID_VERSION && !is_known_version;
    return is_version || error == HPE_PAUSED_H2_UPGRADE ? 505 : 400;
}

void connection_reject(struct connection *connection, int status)
{
    struct http_exchange *exchange = &connection->exchange;
    const struct http_listener_options *options = &connection->listener->options;
    connection->refused = status;
    connection->must_close = true;
    connection_leave(connection);
    connection->state = CONNECTION_PENDING;
    if (!exchange->method.ptr)
        exchange->method = exchange->target = exchange->path = exchange->query = STR_EMPTY;
    exchange->headers = connection->fields.headers;
    exchange->header_count = connection->fields.count;
    exchange->body = STR_EMPTY;
    if (options->reject)
        options->reject(exchange, status, options->arg);
    else
        http_reply(exchange, status, NULL, 0, STR_EMPTY);
}

void connection_hand_over(struct connection *connection)
{
    const struct http_listener_options *options = &connection->listener->options;
    struct http_file *file = &connection->body_file;
    struct str body = http_file_is_open(file) ? http_file_map(file) : buf_str(&connection->body);
    if (!body.ptr) {
        connection_reject(connection, 503);
        return;
    }
    connection_leave(connection);
    connection->state = CONNECTION_PENDING;
    connection->exchange.body = body;
    options->request(&connection->exchange, options->arg);
    if (connection->state == CONNECTION_PENDING)
        connection_settle(connection);
}

static void complete(struct connection *connection)
{
    connection->is_complete = false;
    connection->wants_continue = false;
    if (http_file_is_open(&connection->body_file))
        connection_queue(connection);
    else
        connection_hand_over(connection);
}

/* What was sent of the body goes nowhere. */
static void hand_over_without_body(struct connection *connection)
{
    struct http_exchange *exchange = &connection->exchange;
    connection->wants_continue = false;
    connection->must_close = true;
    exchange->is_body_refused = true;
    connection_hand_over(connection);
}

static void send_continue(struct connection *connection)
{
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
    uv_buf_t part = uv_buf_init((char *)(uintptr_t)line, sizeof(line) - 1);
    connection->wants_continue = false;
    int sent = uv_try_write((uv_stream_t *)&connection->tcp, &part, 1);
    if (sent != (int)part.len)
        connection_close(connection);
}

/* All of the input is used up and the request is not whole yet. */
static void wait_for_more(struct connection *connection, size_t parsed)
{
    connection->input = STR_EMPTY;
    if (!connection->is_begun)
        return;
    /* Blanks before a value are in no piece that llhttp gives, so they are counted here. */
    if (!connection->is_head_complete)
        connection->head_bytes += parsed;
    if (connection->head_bytes > connection->listener->options.max_header_bytes)
        connection_reject(connection, 431);
    else if (!connection_claim(connection))
        connection_reject(connection, 503);
    else if (connection->wants_continue && connection->body.len == 0)
        send_continue(connection);
}

void connection_parse(struct connection *connection)
{
    struct str input = connection->input;
    llhttp_errno_t error = llhttp_execute(&connection->parser, input.ptr, input.len);
    if (error == HPE_OK) {
        wait_for_more(connection, input.len);
    } else if (error == HPE_PAUSED && connection->is_complete) {
        size_t parsed = (size_t)(llhttp_get_error_pos(&connection->parser) - input.ptr);
        connection->input = str_slice(input, parsed, input.len);
        llhttp_resume(&connection->parser);
        complete(connection);
    } else if (connection->refused == BODY_REFUSED) {
        connection->input = STR_EMPTY;
        hand_over_without_body(connection);
    } else {
        connection->input = STR_EMPTY;
        connection_reject(connection, status_of(connection, error));
    }
}
