/* GetFunction, GetFunctionConfiguration, and the link to a function's package. */
#include "base/clock.h"
#include "base/encode.h"
#include "services/lambda/change.h"
#include "services/lambda/operations.h"
#include "services/lambda/settings.h"
#include "wire/sigv4.h"

enum { LINK_LIFETIME_MS = 10 * 60 * 1000 };

static void release(void *target)
{
    lambda_target_release(target);
}

/* What is asked for; it lives as long as the request. */
static enum err find(struct request *request, struct lambda_target **out)
{
    struct lambda *lambda = request_self(request, struct lambda);
    struct lambda_target *target = arena_new(request->arena, struct lambda_target);
    enum err rc = lambda_find(lambda, request_str(request, "FunctionName"),
                              request_str(request, "Qualifier"), target, &request->error);
    if (rc)
        return rc;
    arena_defer(request->arena, release, target);
    *out = target;
    return OK;
}

/* The configuration, with the ARN by which it was asked for. */
static yyjson_mut_val *configuration_of(struct request *request, const struct lambda_target *target)
{
    yyjson_mut_val *configuration =
        yyjson_val_mut_copy(request->doc, json_get(target->function->document, "Configuration"));
    settings_put_text(request->doc, configuration, "FunctionArn", lambda_target_arn(target));
    settings_show(request, configuration);
    return configuration;
}

enum err lambda_get_function_configuration(struct request *request)
{
    struct lambda_target *target;
    enum err rc = find(request, &target);
    if (rc)
        return rc;
    request->output = configuration_of(request, target);
    return OK;
}

/* --- Links --- */

/* What a link says, signed: whoever has it may fetch the package for ten minutes. */
static struct str sign(const struct lambda *lambda, struct arena *arena, struct str code_id,
                       struct str expires)
{
    unsigned char mac[32];
    struct str text = arena_printf(arena, "%.*s %.*s", STR_ARG(code_id), STR_ARG(expires));
    struct str secret = str_make((const char *)lambda->url_secret, sizeof(lambda->url_secret));
    sigv4_hmac_sha256(secret, text, mac);
    return encode_hex(arena, str_make((const char *)mac, sizeof(mac)));
}

static struct str link_to(struct request *request, struct str code_id)
{
    const struct lambda *lambda = request_self(request, struct lambda);
    struct arena *arena = request->arena;
    struct str host = request_header(request, STR("host"));
    struct str expires = arena_printf(arena, "%lld", (long long)clock_wall_ms() + LINK_LIFETIME_MS);
    struct str signature = sign(lambda, arena, code_id, expires);
    if (!host.ptr)
        host = arena_printf(arena, "localhost:%u", request->skylite->port);
    return arena_printf(arena, "http://%.*s/_skylite/lambda/code/%.*s?Expires=%.*s&Signature=%.*s",
                        STR_ARG(host), STR_ARG(code_id), STR_ARG(expires), STR_ARG(signature));
}

enum err lambda_download_code(struct request *request)
{
    const struct lambda *lambda = request_self(request, struct lambda);
    struct str code_id = request_str(request, "CodeId"), expires = request_str(request, "Expires");
    struct str given = request_str(request, "Signature");
    int64_t expires_ms;
    bool is_found = false;
    if (!str_to_i64(expires, &expires_ms) || expires_ms < clock_wall_ms() ||
        !str_eq_secret(given, sign(lambda, request->arena, code_id, expires)))
        return request_fail(request, ERR_ACCESS_DENIED_EXCEPTION, "Request has expired");
    enum err rc =
        store_get(request->skylite->store, STORE_BLOBS, lambda_code_key(request->arena, code_id),
                  request->arena, &is_found, &request->raw_output, &request->error);
    if (rc == OK && !is_found)
        return request_fail(request, ERR_LAMBDA_RESOURCE_NOT_FOUND, "The package is gone");
    request_add_header(request, STR("Content-Type"), STR("application/zip"));
    return rc;
}

/* --- GetFunction --- */

/* Tags and reserved concurrency are the function's, not a version's. */
static void add_shared(struct request *request, const struct function *function)
{
    struct lambda *lambda = request_self(request, struct lambda);
    yyjson_mut_doc *doc = request->doc;
    struct function *latest = catalog_get(&lambda->catalog, function->name);
    int reserved = atomic_load(&function->load->reserved);
    if (latest)
        json_add_copy(doc, request->output, "Tags", json_get(latest->document, "Tags"));
    function_unref(latest);
    if (reserved >= 0) {
        yyjson_mut_val *concurrency = json_add_obj(doc, request->output, "Concurrency");
        json_add_i64(doc, concurrency, "ReservedConcurrentExecutions", reserved);
    }
}

enum err lambda_get_function(struct request *request)
{
    struct lambda_target *target;
    enum err rc = find(request, &target);
    if (rc)
        return rc;
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *output = request_output(request);
    struct str code_id = json_get_str(target->function->document, "Code");
    json_add(doc, output, "Configuration", configuration_of(request, target));
    yyjson_mut_val *code = json_add_obj(doc, output, "Code");
    json_add_str(doc, code, "RepositoryType", STR("S3"));
    json_add_str(doc, code, "Location", link_to(request, code_id));
    add_shared(request, target->function);
    return OK;
}
