/* GetExport: a deployed stage as an OpenAPI document. */
#include "base/clock.h"
#include "services/apigateway/internal.h"
#include "services/apigateway/openapi/writer.h"
#include "wire/yaml.h"

enum format { FORMAT_JSON, FORMAT_YAML };

static enum err read_format(struct request *request, enum format *out)
{
    struct str accept = request_header(request, STR("accept"));
    if (!accept.ptr)
        accept = request_str(request, "accepts");
    *out = FORMAT_JSON;
    if (str_eq(accept, STR("application/yaml")))
        *out = FORMAT_YAML;
    else if (accept.len && !str_eq(accept, STR("application/json")) && !str_eq(accept, STR("*/*")))
        return apigw_bad_request(request,
                                 "Invalid accept type specified: %.*s. Valid options are "
                                 "application/json, application/yaml",
                                 STR_ARG(accept));
    return OK;
}

/* "integrations,authorizers", or as a list; what is unknown is ignored, as on AWS. */
static unsigned extensions_in(struct str text)
{
    struct str one;
    unsigned extensions = 0;
    while (text.len) {
        str_cut(&text, ',', &one);
        one = str_trim(one);
        if (str_eq(one, STR("integrations")))
            extensions |= OPENAPI_INTEGRATIONS;
        else if (str_eq(one, STR("authorizers")))
            extensions |= OPENAPI_AUTHORIZERS;
        else if (str_eq(one, STR("documentation")))
            extensions |= OPENAPI_DOCUMENTATION;
        else if (str_eq(one, STR("apigateway")))
            extensions |= OPENAPI_INTEGRATIONS | OPENAPI_AUTHORIZERS | OPENAPI_DOCUMENTATION;
    }
    return extensions;
}

static unsigned read_extensions(struct request *request)
{
    size_t i, max;
    yyjson_val *given = json_get(request->input, "extensions"), *one;
    unsigned extensions = extensions_in(json_str(given));
    yyjson_arr_foreach (given, i, max, one) {
        extensions |= extensions_in(json_str(one));
    }
    return extensions;
}

static enum err load(struct request *request, struct openapi_source *source)
{
    struct view view = apigw_view(request, NULL);
    struct str api_id = apigw_label(request, "restapi_id");
    enum err rc = apigw_find_api(request, &view, api_id, &source->api);
    if (rc == OK)
        rc = state_get(
            &view, state_key(request->arena, "stage", api_id, apigw_label(request, "stage_name")),
            &source->stage);
    if (rc == OK && !source->stage)
        rc = apigw_not_found(request, "Invalid stage identifier specified");
    if (rc == OK)
        rc = state_get(&view,
                       state_key(request->arena, "snapshot", api_id,
                                 json_get_str(source->stage, "deploymentId")),
                       &source->snapshot);
    if (rc == OK && json_get_str(source->stage, "documentationVersion").len)
        rc = state_get(&view,
                       state_key(request->arena, "documentationsnapshot", api_id,
                                 json_get_str(source->stage, "documentationVersion")),
                       &source->documentation);
    source->host = arena_printf(request->arena, "%.*s.execute-api.localhost:%u", STR_ARG(api_id),
                                request->skylite->port);
    return rc;
}

/* A version may have any characters, a file's name in a header not. */
static struct str file_version(struct arena *arena, struct str version)
{
    char *name = arena_cstr(arena, version);
    for (size_t i = 0; i < version.len; i++) {
        unsigned char c = (unsigned char)name[i];
        if (c <= 0x20 || c >= 0x7f || strchr("\"\\/", c))
            name[i] = '_';
    }
    return str_make(name, version.len);
}

static void answer(struct request *request, struct openapi_source *source, enum format format,
                   struct str type)
{
    yyjson_mut_val *document = openapi_document_of(request->arena, source);
    struct str version = json_get_str(source->api, "version");
    size_t len = 0;
    struct yyjson_alc alc = json_alc(request->arena);
    version = version.len ? file_version(request->arena, version) : source->version;
    if (format == FORMAT_YAML) {
        request->raw_output = yaml_write(request->arena, document);
    } else {
        char *text =
            yyjson_mut_val_write_opts(document, YYJSON_WRITE_PRETTY_TWO_SPACES, &alc, &len, NULL);
        request->raw_output = str_make(text, len);
    }
    request_add_header(request, STR("Content-Type"), STR("application/octet-stream"));
    request_add_header(request, STR("Content-Disposition"),
                       arena_printf(request->arena, "attachment; filename=\"%.*s_%.*s.%s\"",
                                    STR_ARG(type), STR_ARG(version),
                                    format == FORMAT_YAML ? "yaml" : "json"));
}

enum err apigw_get_export(struct request *request)
{
    struct str type = apigw_label(request, "export_type");
    struct openapi_source source = {.is_swagger = str_eq(type, STR("swagger")),
                                    .extensions = read_extensions(request)};
    enum format format;
    int64_t created = 0;
    if (!source.is_swagger && !str_eq(type, STR("oas30")))
        return apigw_bad_request(request, "No API exporter for type '%.*s'", STR_ARG(type));
    enum err rc = read_format(request, &format);
    if (rc == OK)
        rc = load(request, &source);
    if (rc)
        return rc;
    json_get_i64(source.api, "createdDate", &created);
    source.version = clock_iso8601(request->arena, created * 1000);
    answer(request, &source, format, type);
    return OK;
}
