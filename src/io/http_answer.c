/* The client's answers: from bytes through llhttp to status, headers and body. */
#include "io/http_answer.h"

enum { MAX_HEAD_BYTES = 256 * 1024, FIRST_BODY_BYTES = 1024 * 1024, MAX_INTERIM = 16 };

static int on_span(llhttp_t *parser, const char *at, size_t len)
{
    struct http_answer *answer = parser->data;
    return http_fields_grow(&answer->fields, at, len) ? 0 : HPE_USER;
}

static int on_name_complete(llhttp_t *parser)
{
    struct http_answer *answer = parser->data;
    http_fields_end_name(&answer->fields);
    return 0;
}

static int on_value_complete(llhttp_t *parser)
{
    struct http_answer *answer = parser->data;
    if (answer->status) { /* a trailer */
        http_fields_take(&answer->fields);
        return 0;
    }
    return http_fields_end_value(&answer->fields) ? 0 : HPE_USER;
}

static int on_headers_complete(llhttp_t *parser)
{
    struct http_answer *answer = parser->data;
    answer->status = parser->status_code;
    parser->upgrade = 0;
    if (answer->is_head_request && answer->status >= 200)
        return 1; /* a length, but no body */
    if (parser->flags & F_CONTENT_LENGTH && parser->content_length <= answer->body.max) {
        bool is_small = parser->content_length < FIRST_BODY_BYTES;
        buf_reserve(&answer->body, is_small ? parser->content_length : FIRST_BODY_BYTES);
    }
    return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t len)
{
    struct http_answer *answer = parser->data;
    return buf_add(&answer->body, str_make(at, len)) ? 0 : HPE_USER;
}

static int on_message_complete(llhttp_t *parser)
{
    struct http_answer *answer = parser->data;
    if (answer->status < 200) { /* 100 Continue and its kind: the answer is still to come */
        answer->status = 0;
        answer->fields.count = 0;
        return ++answer->interim_count <= MAX_INTERIM ? 0 : HPE_USER;
    }
    answer->is_complete = true;
    answer->must_close = !llhttp_should_keep_alive(parser);
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_header_field = on_span,
    .on_header_field_complete = on_name_complete,
    .on_header_value = on_span,
    .on_header_value_complete = on_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

void http_answer_start(struct http_answer *answer, const char *host, bool is_head_request,
                       size_t max_body, struct arena *arena)
{
    *answer = (struct http_answer){.host = host, .is_head_request = is_head_request};
    llhttp_init(&answer->parser, HTTP_RESPONSE, &settings);
    answer->parser.data = answer;
    http_fields_start(&answer->fields, arena, MAX_HEAD_BYTES);
    buf_init_arena(&answer->body, arena, max_body);
}

static enum err no_answer(const struct http_answer *answer, struct error *error)
{
    const char *why = llhttp_get_error_reason(&answer->parser);
    if (answer->body.is_full)
        return error_set(error, ERR_REQUEST_ENTITY_TOO_LARGE, "%s answered more than %zu bytes",
                         answer->host, answer->body.max);
    return error_set(error, ERR_INTERNAL, "%s gave no proper HTTP answer: %s", answer->host,
                     why && *why ? why : "its head is too large");
}

enum err http_answer_feed(struct http_answer *answer, struct str bytes, struct error *error)
{
    llhttp_errno_t rc = bytes.len ? llhttp_execute(&answer->parser, bytes.ptr, bytes.len)
                                  : llhttp_finish(&answer->parser);
    answer->has_bytes |= bytes.len != 0;
    if (answer->is_complete) {
        /* Bytes behind the answer are an answer to nothing. */
        const char *end = llhttp_get_error_pos(&answer->parser);
        answer->must_close |= bytes.len == 0 || end != bytes.ptr + bytes.len;
        return OK;
    }
    if (bytes.len == 0)
        return error_set(error, ERR_INTERNAL, "%s closed the connection before its answer",
                         answer->host);
    return rc == HPE_OK ? OK : no_answer(answer, error);
}
