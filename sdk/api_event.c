/* Events of API Gateway's proxy integration. */
#include "skylite/api.h"

#include "base/encode.h"
#include "wire/json.h"

static enum err decode_body(struct arena *arena, struct api_event *event, struct error *error)
{
    yyjson_val *body = json_get(event->root, "body");
    event->body = json_str(body);
    if (body && !yyjson_is_null(body) && !event->body.ptr)
        return error_set(error, ERR_VALIDATION, "the event's body is no text");
    if (event->body.ptr && json_get_bool(event->root, "isBase64Encoded", false) &&
        !decode_base64(arena, event->body, &event->body))
        return error_set(error, ERR_VALIDATION, "the event's body is not base64");
    return OK;
}

enum err api_event_parse(struct arena *arena, struct str json, struct api_event *out,
                         struct error *error)
{
    struct api_event event = {.root = json_parse(arena, json)};
    if (!yyjson_is_obj(event.root))
        return error_set(error, ERR_VALIDATION, "the event is no JSON object");
    event.method = json_get_str(event.root, "httpMethod");
    event.resource = json_get_str(event.root, "resource");
    event.path = json_get_str(event.root, "path");
    if (!event.method.ptr)
        return error_set(error, ERR_VALIDATION,
                         "the event has no httpMethod: it is not of API Gateway's payload format "
                         "1.0");
    enum err rc = decode_body(arena, &event, error);
    if (rc == OK)
        *out = event;
    return rc;
}

struct str api_event_header(const struct api_event *event, struct str name)
{
    yyjson_val *headers = json_get(event->root, "headers"), *key, *value;
    size_t i, count;
    struct str found = {NULL, 0};
    if (!headers)
        return found;
    yyjson_obj_foreach (headers, i, count, key, value) {
        if (str_eq_nocase(json_str(key), name))
            found = json_str(value);
    }
    return found;
}

struct str api_event_query(const struct api_event *event, const char *name)
{
    return json_get_str(json_get(event->root, "queryStringParameters"), name);
}

struct str api_event_path_parameter(const struct api_event *event, const char *name)
{
    return json_get_str(json_get(event->root, "pathParameters"), name);
}

struct str api_event_context(const struct api_event *event, const char *name)
{
    return json_get_str(json_get(event->root, "requestContext"), name);
}
