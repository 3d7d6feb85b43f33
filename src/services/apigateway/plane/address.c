/* Which API an exchange is for, told from its host and path alone. */
#include "services/apigateway/plane/call.h"

static struct str next_part(struct str *path)
{
    struct str part, rest = str_slice(*path, 1, path->len);
    ptrdiff_t end = str_find_byte(rest, '/', 0);
    part = str_slice(rest, 0, end < 0 ? rest.len : (size_t)end);
    *path = str_slice(rest, part.len, rest.len);
    return part;
}

static struct str host_of(const struct http_exchange *exchange)
{
    struct str host = http_header_get(exchange, STR("host"));
    if (!host.ptr)
        return STR_EMPTY;
    ptrdiff_t colon = host.len && host.ptr[0] == '[' ? -1 : str_find_byte(host, ':', 0);
    return colon < 0 ? host : str_slice(host, 0, (size_t)colon);
}

static bool has_upper(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] >= 'A' && s.ptr[i] <= 'Z')
            return true;
    }
    return false;
}

static struct str lower(struct arena *arena, struct str s)
{
    if (!has_upper(s))
        return s;
    char *text = arena_cstr(arena, s);
    for (size_t i = 0; i < s.len; i++) {
        if (text[i] >= 'A' && text[i] <= 'Z')
            text[i] = (char)(text[i] - 'A' + 'a');
    }
    return str_make(text, s.len);
}

/* {api-id}.execute-api.localhost, {api-id}.execute-api.{region}.localhost, and whatever else stands
 * behind "execute-api" when a name server sends it here. */
static bool is_execute_api(struct str host, struct str *out_api_id)
{
    static const struct str marker = STR_INIT(".execute-api.");
    ptrdiff_t at = str_find(host, marker);
    if (at <= 0)
        return false;
    *out_api_id = str_slice(host, 0, (size_t)at);
    return true;
}

/* Several slashes at its begin count as one. */
static struct str with_one_slash(struct str path)
{
    while (path.len > 1 && path.ptr[0] == '/' && path.ptr[1] == '/')
        path = str_slice(path, 1, path.len);
    return path;
}

static void take_stage(struct address *address, struct str path)
{
    address->kind = ADDRESS_API;
    address->sent_path = path;
    path = with_one_slash(path);
    address->stage_name = next_part(&path);
    address->path = with_one_slash(path);
}

/* /restapis/{api-id}/{stage}/_user_request_/... */
static bool read_user_request(struct str path, struct arena *arena, struct address *out)
{
    if (!str_starts(path, STR("/restapis/")))
        return false;
    next_part(&path);
    out->api_id = next_part(&path);
    out->stage_name = next_part(&path);
    if (!str_eq(next_part(&path), STR("_user_request_")))
        return false;
    out->kind = ADDRESS_API;
    out->sent_path = arena_printf(arena, "/%.*s%.*s", STR_ARG(out->stage_name), STR_ARG(path));
    out->path = with_one_slash(path);
    return true;
}

/* /_aws/execute-api/{api-id}/{stage}/... */
static bool read_execute_path(struct str path, struct address *out)
{
    if (!str_starts(path, STR("/_aws/execute-api/")))
        return false;
    next_part(&path);
    next_part(&path);
    out->api_id = next_part(&path);
    take_stage(out, path);
    return true;
}

struct address address_of(const struct http_exchange *exchange, struct arena *arena)
{
    struct address address = {.domain = lower(arena, host_of(exchange))};
    if (is_execute_api(address.domain, &address.api_id)) {
        take_stage(&address, exchange->path);
        return address;
    }
    if (read_user_request(exchange->path, arena, &address) ||
        read_execute_path(exchange->path, &address)) {
        address.domain = arena_printf(arena, "%.*s.execute-api.localhost", STR_ARG(address.api_id));
        return address;
    }
    return (struct address){.kind = address.domain.len ? ADDRESS_DOMAIN : ADDRESS_NONE,
                            .domain = address.domain,
                            .path = exchange->path};
}
