/* GetAccountSettings: the limits of this server, and what is used of them. */
#include "services/lambda/internal.h"
#include "services/lambda/operations.h"
#include "services/lambda/package.h"

struct usage {
    uint64_t functions;
    uint64_t code_bytes; /* of published versions too */
    int64_t reserved;
};

static enum err count(struct request *request, struct usage *out)
{
    struct str prefix = STR(LAMBDA_FUNCTIONS), key, value;
    struct store_iter *iter = store_iter_new(request->skylite->store, STORE_META, prefix,
                                             store_prefix_end(request->arena, prefix), false);
    struct usage usage = {0};
    while (store_iter_next(iter, &key, &value)) {
        struct arena scratch = {0};
        int64_t size = 0, reserved = 0;
        yyjson_val *document = json_parse(&scratch, value);
        json_get_i64(json_get(document, "Configuration"), "CodeSize", &size);
        json_get_i64(document, "ReservedConcurrentExecutions", &reserved);
        usage.functions += str_find_byte(key, ':', 0) < 0;
        usage.code_bytes += (uint64_t)size;
        usage.reserved += reserved;
        arena_release(&scratch);
    }
    enum err rc = store_iter_error(iter, &request->error);
    store_iter_free(iter);
    *out = usage;
    return rc;
}

enum err lambda_get_account_settings(struct request *request)
{
    const struct lambda *lambda = request_self(request, struct lambda);
    struct usage usage;
    enum err rc = count(request, &usage);
    if (rc)
        return rc;
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *limit = json_add_obj(doc, request_output(request), "AccountLimit");
    json_add_i64(doc, limit, "TotalCodeSize", LAMBDA_MAX_TOTAL_CODE);
    json_add_i64(doc, limit, "CodeSizeUnzipped", PACKAGE_MAX_UNZIPPED);
    json_add_i64(doc, limit, "CodeSizeZipped", PACKAGE_MAX_ZIPPED);
    json_add_i64(doc, limit, "ConcurrentExecutions", lambda->account_concurrency);
    json_add_i64(doc, limit, "UnreservedConcurrentExecutions",
                 lambda->account_concurrency - usage.reserved);
    yyjson_mut_val *used = json_add_obj(doc, request->output, "AccountUsage");
    json_add_i64(doc, used, "TotalCodeSize", (int64_t)usage.code_bytes);
    json_add_i64(doc, used, "FunctionCount", (int64_t)usage.functions);
    return OK;
}
