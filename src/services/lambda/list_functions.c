/* ListFunctions. */
#include "services/lambda/internal.h"
#include "services/lambda/operations.h"
#include "services/lambda/page.h"
#include "services/lambda/settings.h"

static enum err read_versions(struct request *request, bool *out_all)
{
    struct str versions = request_str(request, "FunctionVersion");
    if (versions.ptr && !str_eq(versions, STR("ALL")))
        return request_fail(request, ERR_VALIDATION,
                            "1 validation error detected: Value '%.*s' at 'functionVersion' failed "
                            "to satisfy constraint: Member must satisfy enum value set: [ALL]",
                            STR_ARG(versions));
    *out_all = versions.ptr != NULL;
    return OK;
}

/* The smallest key behind that of the name; the first one's without a name. */
static struct str start_key(struct request *request, struct str after)
{
    if (!after.len)
        return STR(LAMBDA_FUNCTIONS);
    return arena_printf(request->arena, LAMBDA_FUNCTIONS "%.*s%c", STR_ARG(after), '\0');
}

enum err lambda_list_functions(struct request *request)
{
    struct page page;
    bool wants_all = false, has_more = false;
    enum err rc = page_read(request, &page);
    if (rc == OK)
        rc = read_versions(request, &wants_all);
    if (rc)
        return rc;

    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *list = json_add_arr(doc, request_output(request), "Functions");
    struct str prefix = STR(LAMBDA_FUNCTIONS), key, value, last = STR_EMPTY;
    struct store_iter *iter =
        store_iter_new(request->skylite->store, STORE_META, start_key(request, page.after),
                       store_prefix_end(request->arena, prefix), false);
    while (store_iter_next(iter, &key, &value)) {
        struct str name = str_slice(key, prefix.len, key.len);
        if (!wants_all && str_find_byte(name, ':', 0) >= 0)
            continue;
        has_more = (int64_t)yyjson_mut_arr_size(list) == page.size;
        if (has_more)
            break;
        last = arena_str(request->arena, name);
        yyjson_val *document = json_parse(request->arena, value);
        yyjson_mut_arr_append(
            list, settings_listed(request, json_get(document, "Configuration"), wants_all));
    }
    rc = store_iter_error(iter, &request->error);
    store_iter_free(iter);
    if (rc == OK && has_more)
        page_add_marker(request, last);
    return rc;
}
