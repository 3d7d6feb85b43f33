/* A stage as an OpenAPI document: its head and its paths. */
#include "services/apigateway/openapi/writer_internal.h"

#include <stdlib.h>

void openapi_set(struct openapi_writer *writer, yyjson_mut_val *object, struct str name,
                 yyjson_mut_val *value)
{
    yyjson_mut_obj_put(object, yyjson_mut_strncpy(writer->doc, name.ptr, name.len), value);
}

yyjson_mut_val *openapi_set_obj(struct openapi_writer *writer, yyjson_mut_val *object,
                                struct str name)
{
    yyjson_mut_val *member = yyjson_mut_obj(writer->doc);
    openapi_set(writer, object, name, member);
    return member;
}

yyjson_mut_val *openapi_reference(struct openapi_writer *writer, struct str model)
{
    yyjson_mut_val *reference = yyjson_mut_obj(writer->doc);
    json_add_str(
        writer->doc, reference, "$ref",
        arena_printf(writer->arena, "%s%.*s",
                     writer->source->is_swagger ? "#/definitions/" : "#/components/schemas/",
                     STR_ARG(model)));
    if (map_set(&writer->models, model, writer))
        return reference;
    if (writer->pending_count == writer->pending_capacity) {
        size_t capacity = writer->pending_capacity ? writer->pending_capacity * 2 : 16;
        writer->pending = arena_realloc(writer->arena, writer->pending,
                                        writer->pending_capacity * sizeof(struct str),
                                        capacity * sizeof(struct str));
        writer->pending_capacity = capacity;
    }
    writer->pending[writer->pending_count++] = arena_str(writer->arena, model);
    return reference;
}

/* --- The head --- */

static void write_info(struct openapi_writer *writer)
{
    const struct openapi_source *source = writer->source;
    yyjson_mut_val *info = json_add_obj(writer->doc, writer->root, "info");
    struct str version = json_get_str(source->api, "version");
    json_add_copy(writer->doc, info, "title", json_get(source->api, "name"));
    json_add_str_opt(writer->doc, info, "description", json_get_str(source->api, "description"));
    json_add_str(writer->doc, info, "version", version.len ? version : source->version);
}

static void write_swagger_address(struct openapi_writer *writer)
{
    struct str stage = json_get_str(writer->source->stage, "stageName");
    json_add_str(writer->doc, writer->root, "host", writer->source->host);
    json_add_str(writer->doc, writer->root, "basePath",
                 arena_printf(writer->arena, "/%.*s", STR_ARG(stage)));
    yyjson_mut_arr_add_str(writer->doc, json_add_arr(writer->doc, writer->root, "schemes"), "http");
}

static void write_server(struct openapi_writer *writer)
{
    yyjson_mut_doc *doc = writer->doc;
    struct str stage = json_get_str(writer->source->stage, "stageName");
    yyjson_mut_val *server =
        yyjson_mut_arr_add_obj(doc, json_add_arr(doc, writer->root, "servers"));
    json_add_str(
        doc, server, "url",
        arena_printf(writer->arena, "http://%.*s/{basePath}", STR_ARG(writer->source->host)));
    yyjson_mut_val *variable =
        json_add_obj(doc, json_add_obj(doc, server, "variables"), "basePath");
    json_add_str(doc, variable, "default", arena_printf(writer->arena, "%.*s", STR_ARG(stage)));
}

static void write_head(struct openapi_writer *writer)
{
    bool is_swagger = writer->source->is_swagger;
    json_add_str(writer->doc, writer->root, is_swagger ? "swagger" : "openapi",
                 is_swagger ? STR("2.0") : STR("3.0.1"));
    write_info(writer);
    if (is_swagger)
        write_swagger_address(writer);
    else
        write_server(writer);
}

/* --- Paths --- */

static struct str member_of_verb(struct openapi_writer *writer, struct str verb)
{
    char *text = arena_cstr(writer->arena, verb);
    if (str_eq(verb, STR("ANY")))
        return STR("x-amazon-apigateway-any-method");
    for (size_t i = 0; i < verb.len; i++)
        text[i] = (char)(text[i] | 0x20);
    return str_make(text, verb.len);
}

static int by_path(const void *a, const void *b)
{
    yyjson_val *const *left = a, *const *right = b;
    return str_cmp(json_get_str(*left, "path"), json_get_str(*right, "path"));
}

/* By path, since their order in the store is that of random ids. */
static yyjson_val **sorted_resources(struct openapi_writer *writer, size_t *out_count)
{
    size_t i, max;
    yyjson_val *resource, *resources = json_get(writer->source->snapshot, "resources");
    yyjson_val **sorted = arena_array(writer->arena, yyjson_val *, yyjson_arr_size(resources) + 1);
    yyjson_arr_foreach (resources, i, max, resource) {
        sorted[i] = resource;
    }
    *out_count = yyjson_arr_size(resources);
    qsort(sorted, *out_count, sizeof(*sorted), by_path);
    return sorted;
}

static void write_paths(struct openapi_writer *writer)
{
    yyjson_mut_val *paths = json_add_obj(writer->doc, writer->root, "paths");
    size_t count, i, max;
    yyjson_val **resources = sorted_resources(writer, &count), *verb, *method;
    for (size_t r = 0; r < count; r++) {
        if (!yyjson_obj_size(json_get(resources[r], "resourceMethods")))
            continue;
        yyjson_mut_val *item = openapi_set_obj(writer, paths, json_get_str(resources[r], "path"));
        yyjson_obj_foreach (json_get(resources[r], "resourceMethods"), i, max, verb, method) {
            openapi_set(writer, item, member_of_verb(writer, json_str(verb)),
                        openapi_operation(writer, resources[r], method));
        }
    }
}

yyjson_mut_val *openapi_document_of(struct arena *arena, const struct openapi_source *source)
{
    struct openapi_writer writer = {.source = source, .arena = arena, .doc = json_doc(arena)};
    writer.root = yyjson_mut_obj(writer.doc);
    write_head(&writer);
    write_paths(&writer);
    openapi_write_parts(&writer);
    map_release(&writer.models);
    map_release(&writer.schemes);
    return writer.root;
}
