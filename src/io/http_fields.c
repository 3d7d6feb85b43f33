/* Header lists: reading them in pieces, looking names up. */
#include "io/http_fields.h"

#include "io/http_client.h"

void http_fields_start(struct http_fields *fields, struct arena *arena, size_t max_bytes)
{
    *fields = (struct http_fields){.arena = arena, .max_bytes = max_bytes};
}

bool http_fields_grow(struct http_fields *fields, const char *at, size_t len)
{
    if (len > fields->max_bytes - fields->bytes)
        return false;
    fields->bytes += len;
    struct str old = fields->token;
    char *grown = arena_realloc(fields->arena, (char *)(uintptr_t)old.ptr, old.len, old.len + len);
    memcpy(grown + old.len, at, len);
    fields->token = str_make(grown, old.len + len);
    return true;
}

struct str http_fields_take(struct http_fields *fields)
{
    struct str token = fields->token.ptr ? fields->token : STR_EMPTY;
    fields->token = (struct str){NULL, 0};
    return token;
}

void http_fields_end_name(struct http_fields *fields)
{
    fields->name = http_fields_take(fields);
}

bool http_fields_end_value(struct http_fields *fields)
{
    struct str value = str_trim(http_fields_take(fields));
    if (fields->count == HTTP_MAX_HEADERS)
        return false;
    if (fields->count == fields->capacity) {
        size_t capacity = fields->capacity ? fields->capacity * 2 : 16;
        fields->headers = arena_realloc(fields->arena, fields->headers,
                                        fields->capacity * sizeof(struct http_header),
                                        capacity * sizeof(struct http_header));
        fields->capacity = capacity;
    }
    fields->headers[fields->count++] = (struct http_header){fields->name, value};
    return true;
}

static struct str find(const struct http_header *headers, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++) {
        if (str_eq_nocase(headers[i].name, name))
            return headers[i].value;
    }
    return (struct str){NULL, 0};
}

struct str http_header_get(const struct http_exchange *exchange, struct str name)
{
    return find(exchange->headers, exchange->header_count, name);
}

struct str http_response_header(const struct http_response *response, struct str name)
{
    return find(response->headers, response->header_count, name);
}
