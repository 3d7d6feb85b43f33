/* Answers to API Gateway's proxy integration. */
#include "skylite/api.h"

#include "base/buf.h"
#include "base/encode.h"

void api_response_init(struct api_response *response, struct arena *arena)
{
    *response = (struct api_response){.arena = arena, .status = 200, .body = STR_EMPTY};
}

void api_response_header(struct api_response *response, struct str name, struct str value)
{
    if (response->header_count == response->header_capacity) {
        size_t old = response->header_capacity * sizeof(struct api_header);
        response->header_capacity = response->header_capacity ? response->header_capacity * 2 : 8;
        response->headers = arena_realloc(response->arena, response->headers, old,
                                          response->header_capacity * sizeof(struct api_header));
    }
    response->headers[response->header_count++] = (struct api_header){name, value};
}

void api_response_text(struct api_response *response, struct str body)
{
    response->body = body;
    response->is_base64 = false;
}

void api_response_json(struct api_response *response, struct str json)
{
    api_response_text(response, json);
    api_response_header(response, STR("Content-Type"), STR("application/json"));
}

void api_response_binary(struct api_response *response, struct str bytes)
{
    response->body = encode_base64(response->arena, bytes);
    response->is_base64 = true;
}

/* --- Writing --- */

static bool came_before(const struct api_response *response, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (str_eq_nocase(response->headers[i].name, response->headers[index].name))
            return true;
    }
    return false;
}

static bool comes_again(const struct api_response *response, size_t index)
{
    for (size_t i = index + 1; i < response->header_count; i++) {
        if (str_eq_nocase(response->headers[i].name, response->headers[index].name))
            return true;
    }
    return false;
}

static void add_values(struct buf *out, const struct api_response *response, struct str name)
{
    char separator = '[';
    for (size_t i = 0; i < response->header_count; i++) {
        if (!str_eq_nocase(response->headers[i].name, name))
            continue;
        buf_add_byte(out, separator);
        separator = ',';
        buf_add_json(out, response->headers[i].value);
    }
    buf_add_byte(out, ']');
}

/* Headers that came once, or those that came more often, which need the multi-value form. */
static void add_headers(struct buf *out, const struct api_response *response, struct str member,
                        bool is_multi)
{
    bool is_first = true;
    for (size_t i = 0; i < response->header_count; i++) {
        const struct api_header *header = &response->headers[i];
        if (came_before(response, i) || comes_again(response, i) != is_multi)
            continue;
        buf_add(out, is_first ? member : STR(","));
        is_first = false;
        buf_add_json(out, header->name);
        buf_add_byte(out, ':');
        if (is_multi)
            add_values(out, response, header->name);
        else
            buf_add_json(out, header->value);
    }
    if (!is_first)
        buf_add_byte(out, '}');
}

struct str api_response_write(const struct api_response *response)
{
    struct buf out;
    buf_init_arena(&out, response->arena, SIZE_MAX / 2);
    buf_reserve(&out, response->body.len + response->body.len / 8 + 1024);
    buf_add(&out, STR("{\"statusCode\":"));
    buf_add_u64(&out, (uint64_t)response->status);
    add_headers(&out, response, STR(",\"headers\":{"), false);
    add_headers(&out, response, STR(",\"multiValueHeaders\":{"), true);
    buf_add(&out, STR(",\"body\":"));
    buf_add_json(&out, response->body);
    buf_add(&out, response->is_base64 ? STR(",\"isBase64Encoded\":true}")
                                      : STR(",\"isBase64Encoded\":false}"));
    return buf_str(&out);
}
