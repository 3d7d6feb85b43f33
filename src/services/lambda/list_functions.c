/* ListFunctions. */
#include "base/encode.h"
#include "services/lambda/internal.h"
#include "services/lambda/operations.h"

enum { PAGE_MAX = 50 };

static enum err read_page_size(struct request *request, int64_t *out)
{
    int64_t size = PAGE_MAX;
    if (json_get(request->input, "MaxItems") &&
        (!json_get_i64(request->input, "MaxItems", &size) || size < 1 || size > 10000))
        return request_fail(request, ERR_VALIDATION,
                            "1 validation error detected: Value at 'maxItems' failed to satisfy "
                            "constraint: Member must have value between 1 and 10000");
    *out = size > PAGE_MAX ? PAGE_MAX : size;
    return OK;
}

/* The key behind which the page starts. A marker is the last name of the page before. */
static enum err read_start(struct request *request, struct str *out)
{
    struct str marker = request_str(request, "Marker"), name;
    *out = STR("lambda/function/");
    if (!marker.len)
        return OK;
    if (!decode_base64(request->arena, marker, &name) || !function_is_name(name))
        return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                            "Invalid pagination token");
    /* The smallest key behind that name's. */
    *out = arena_printf(request->arena, "lambda/function/%.*s%c", STR_ARG(name), '\0');
    return OK;
}

enum err lambda_list_functions(struct request *request)
{
    int64_t size = PAGE_MAX;
    struct str start, key, value, name = STR_EMPTY;
    enum err rc = read_page_size(request, &size);
    if (rc == OK)
        rc = read_start(request, &start);
    if (rc)
        return rc;

    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *output = request_output(request);
    yyjson_mut_val *list = json_add_arr(doc, output, "Functions");
    struct str prefix = STR("lambda/function/");
    struct store_iter *iter = store_iter_new(request->skylite->store, STORE_META, start,
                                             store_prefix_end(request->arena, prefix), false);
    bool has_more = false;
    while (store_iter_next(iter, &key, &value)) {
        has_more = (int64_t)yyjson_mut_arr_size(list) == size;
        if (has_more)
            break;
        name = arena_str(request->arena, str_slice(key, prefix.len, key.len));
        yyjson_val *document = json_parse(request->arena, value);
        yyjson_mut_arr_append(list, yyjson_val_mut_copy(doc, json_get(document, "Configuration")));
    }
    rc = store_iter_error(iter, &request->error);
    store_iter_free(iter);
    if (rc == OK && has_more)
        json_add_str(doc, output, "NextMarker", encode_base64(request->arena, name));
    return rc;
}
