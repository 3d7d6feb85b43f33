/* OpenAPI documents. */
#include "services/apigateway/openapi/document.h"

#include "base/encode.h"
#include "wire/yaml.h"

enum { MAX_REFERENCES = 16 };

enum err openapi_parse(struct arena *arena, struct str text, struct openapi_document *out,
                       struct error *error)
{
    struct openapi_document document = {.arena = arena};
    if (yaml_parse(arena, text, &document.root, error) || !yyjson_is_obj(document.root))
        return error_set(error, ERR_APIGW_BAD_REQUEST, "Invalid OpenAPI input.");
    yyjson_val *swagger = json_get(document.root, "swagger");
    double version = 0;
    document.is_swagger = json_double(swagger, &version) && version == 2;
    if (!document.is_swagger && !str_starts(json_get_str(document.root, "openapi"), STR("3.0")))
        return error_set(error, ERR_APIGW_BAD_REQUEST,
                         "Invalid OpenAPI input: only Swagger 2.0 and OpenAPI 3.0 are supported.");
    *out = document;
    return OK;
}

/* --- References --- */

/* "a~1b%20c" as "a/b c". */
static struct str decode_part(struct arena *arena, struct str part)
{
    struct buf text;
    buf_init_arena(&text, arena, part.len + 1);
    part = decode_percent(arena, part, false);
    for (size_t i = 0; i < part.len; i++) {
        char c = part.ptr[i];
        if (c == '~' && i + 1 < part.len && (part.ptr[i + 1] == '0' || part.ptr[i + 1] == '1'))
            c = part.ptr[++i] == '0' ? '~' : '/';
        buf_add_byte(&text, c);
    }
    return buf_str(&text);
}

static yyjson_val *follow(const struct openapi_document *document, struct str pointer)
{
    yyjson_val *value = document->root;
    struct str part;
    if (!str_starts(pointer, STR("#/")))
        return NULL;
    pointer = str_slice(pointer, 2, pointer.len);
    while (value && pointer.len) {
        str_cut(&pointer, '/', &part);
        part = decode_part(document->arena, part);
        value = yyjson_obj_getn(value, part.ptr, part.len);
    }
    return value;
}

yyjson_val *openapi_resolve(const struct openapi_document *document, yyjson_val *value)
{
    for (int i = 0; i < MAX_REFERENCES; i++) {
        struct str reference = json_get_str(value, "$ref");
        if (!reference.ptr)
            return value;
        value = follow(document, reference);
    }
    return NULL;
}

yyjson_val *openapi_part(const struct openapi_document *document, const char *swagger_name,
                         const char *component)
{
    return document->is_swagger ? json_get(document->root, swagger_name)
                                : json_get(json_get(document->root, "components"), component);
}

struct str openapi_model_of(const struct openapi_document *document, yyjson_val *schema)
{
    struct str reference = json_get_str(schema, "$ref");
    struct str place = document->is_swagger ? STR("#/definitions/") : STR("#/components/schemas/");
    if (!reference.ptr || !str_starts(reference, place))
        return (struct str){NULL, 0};
    struct str name = decode_part(document->arena, str_slice(reference, place.len, reference.len));
    return str_is_utf8(name) ? name : reference;
}

/* --- The base path --- */

/* "https://{host}/{stage}" with the variables' defaults in it. */
static struct str fill_variables(const struct openapi_document *document, yyjson_val *server)
{
    struct str url = json_get_str(server, "url"), text, name;
    yyjson_val *variables = json_get(server, "variables");
    struct buf filled;
    buf_init_arena(&filled, document->arena, 8192);
    while (url.len) {
        bool is_variable = str_cut(&url, '{', &text);
        buf_add(&filled, text);
        if (!is_variable)
            break;
        str_cut(&url, '}', &name);
        buf_add(&filled, json_get_str(yyjson_obj_getn(variables, name.ptr, name.len), "default"));
    }
    return buf_str(&filled);
}

/* "//a/b/" as "/a/b": a variable may bring a slash of its own. */
static struct str tidy(struct arena *arena, struct str path)
{
    struct buf text;
    struct str part;
    buf_init_arena(&text, arena, path.len * 2 + 1);
    while (path.len) {
        str_cut(&path, '/', &part);
        if (part.len)
            buf_printf(&text, "/%.*s", STR_ARG(part));
    }
    return buf_str(&text);
}

struct str openapi_base_path(const struct openapi_document *document)
{
    struct str path = json_get_str(document->root, "basePath");
    if (!document->is_swagger) {
        yyjson_val *server = yyjson_arr_get_first(json_get(document->root, "servers"));
        path = fill_variables(document, server);
        ptrdiff_t host = str_find(path, STR("://"));
        if (host >= 0) {
            ptrdiff_t slash = str_find_byte(path, '/', (size_t)host + 3);
            path = slash < 0 ? STR_EMPTY : str_slice(path, (size_t)slash, path.len);
        }
    }
    return tidy(document->arena, path);
}
