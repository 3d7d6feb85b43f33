/* The Lambda service: its operations, and what its files share. */
#include "services/lambda/lambda.h"

#include <stdlib.h>

#include "base/encode.h"
#include "base/log.h"
#include "services/lambda/change.h"
#include "services/lambda/operations.h"

#define FUNCTIONS "/2015-03-31/functions"

/* clang-format off */
static const struct operation operations[] = {
    {.name = "CreateFunction", .handler = lambda_create_function,
     .iam_action = "lambda:CreateFunction", .resource = lambda_function_resource,
     .http_method = "POST", .http_path = FUNCTIONS, .http_status = 201},
    {.name = "ListFunctions", .handler = lambda_list_functions,
     .iam_action = "lambda:ListFunctions",
     .http_method = "GET", .http_path = FUNCTIONS},
    {.name = "GetFunction", .handler = lambda_get_function,
     .iam_action = "lambda:GetFunction", .resource = lambda_function_resource,
     .http_method = "GET", .http_path = FUNCTIONS "/{FunctionName}"},
    {.name = "GetFunctionConfiguration", .handler = lambda_get_function_configuration,
     .iam_action = "lambda:GetFunctionConfiguration", .resource = lambda_function_resource,
     .http_method = "GET", .http_path = FUNCTIONS "/{FunctionName}/configuration"},
    {.name = "UpdateFunctionCode", .handler = lambda_update_function_code,
     .iam_action = "lambda:UpdateFunctionCode", .resource = lambda_function_resource,
     .http_method = "PUT", .http_path = FUNCTIONS "/{FunctionName}/code"},
    {.name = "UpdateFunctionConfiguration", .handler = lambda_update_function_configuration,
     .iam_action = "lambda:UpdateFunctionConfiguration", .resource = lambda_function_resource,
     .http_method = "PUT", .http_path = FUNCTIONS "/{FunctionName}/configuration"},
    {.name = "DeleteFunction", .handler = lambda_delete_function,
     .iam_action = "lambda:DeleteFunction", .resource = lambda_function_resource,
     .http_method = "DELETE", .http_path = FUNCTIONS "/{FunctionName}", .http_status = 204},
    /* The handler checks lambda:InvokeFunction, because the function's own policy counts too. */
    {.name = "Invoke", .handler = lambda_invoke,
     .iam_action = "lambda:InvokeFunction", .flags = OPERATION_RAW_BODY | OPERATION_NO_IAM,
     .http_method = "POST", .http_path = FUNCTIONS "/{FunctionName}/invocations"},
    {.name = "AddPermission", .handler = lambda_add_permission,
     .iam_action = "lambda:AddPermission", .resource = lambda_function_resource,
     .http_method = "POST", .http_path = FUNCTIONS "/{FunctionName}/policy", .http_status = 201},
    {.name = "GetPolicy", .handler = lambda_get_policy,
     .iam_action = "lambda:GetPolicy", .resource = lambda_function_resource,
     .http_method = "GET", .http_path = FUNCTIONS "/{FunctionName}/policy"},
    {.name = "RemovePermission", .handler = lambda_remove_permission,
     .iam_action = "lambda:RemovePermission", .resource = lambda_function_resource,
     .http_method = "DELETE", .http_path = FUNCTIONS "/{FunctionName}/policy/{StatementId}",
     .http_status = 204},
    {.name = "PutFunctionConcurrency", .handler = lambda_put_function_concurrency,
     .iam_action = "lambda:PutFunctionConcurrency", .resource = lambda_function_resource,
     .http_method = "PUT", .http_path = "/2017-10-31/functions/{FunctionName}/concurrency"},
    {.name = "GetFunctionConcurrency", .handler = lambda_get_function_concurrency,
     .iam_action = "lambda:GetFunctionConcurrency", .resource = lambda_function_resource,
     .http_method = "GET", .http_path = "/2019-09-30/functions/{FunctionName}/concurrency"},
    {.name = "DeleteFunctionConcurrency", .handler = lambda_delete_function_concurrency,
     .iam_action = "lambda:DeleteFunctionConcurrency", .resource = lambda_function_resource,
     .http_method = "DELETE", .http_path = "/2017-10-31/functions/{FunctionName}/concurrency",
     .http_status = 204},
    {.name = "DownloadCode", .handler = lambda_download_code, .flags = OPERATION_NO_AUTH,
     .http_method = "GET", .http_path = "/_skylite/lambda/code/{CodeId}"},
};
/* clang-format on */

/* --- Finding functions --- */

static enum err not_found(const struct lambda *lambda, struct function_name name,
                          struct error *error)
{
    const struct skylite_config *config = &lambda->skylite->config;
    return error_set(error, ERR_LAMBDA_RESOURCE_NOT_FOUND,
                     "Function not found: arn:aws:lambda:%.*s:%.*s:function:%.*s%s%.*s",
                     STR_ARG(config->region), STR_ARG(config->account), STR_ARG(name.name),
                     name.qualifier.len ? ":" : "", STR_ARG(name.qualifier));
}

enum err lambda_find(struct lambda *lambda, struct str text, struct str qualifier,
                     struct function **out, struct error *error)
{
    struct function_name name;
    if (!function_name_parse(text, &name) || name.name.len > 64)
        return error_set(
            error, ERR_VALIDATION,
            "1 validation error detected: Value '%.*s' at 'functionName' failed to satisfy "
            "constraint: Member must satisfy regular expression pattern: "
            "(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}(-gov)?-[a-z]+-\\d{1}:)?(\\d{12}:)?"
            "(function:)?([a-zA-Z0-9-_\\.]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?",
            (int)(text.len > 256 ? 256 : text.len), text.ptr ? text.ptr : "");
    if (name.qualifier.len && qualifier.len && !str_eq(name.qualifier, qualifier))
        return error_set(error, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                         "The derived qualifier from the function name does not match the "
                         "specified qualifier.");
    if (!name.qualifier.len)
        name.qualifier = qualifier.ptr ? qualifier : STR_EMPTY;

    struct function *function = catalog_get(&lambda->catalog, name.name);
    bool is_other = name.qualifier.len && !str_eq(name.qualifier, STR("$LATEST"));
    bool is_foreign = function && str_starts(text, STR("arn:")) && !str_starts(text, function->arn);
    if (!function || is_other || is_foreign) {
        function_unref(function);
        return not_found(lambda, name, error);
    }
    *out = function;
    return OK;
}

enum err lambda_function_resource(struct request *request, struct str *out_arn)
{
    struct function_name name;
    if (!function_name_parse(request_str(request, "FunctionName"), &name))
        name.name = STR("*"); /* the handler refuses it, for those who may call it at all */
    struct str resource = arena_printf(request->arena, "function:%.*s", STR_ARG(name.name));
    *out_arn = skylite_arn(request->skylite, request->arena, "lambda", resource);
    return OK;
}

/* --- Permission to invoke --- */

enum err lambda_authorize_invoke(const struct lambda *lambda, const struct function *function,
                                 const struct principal *principal, struct str source_arn,
                                 struct error *error)
{
    if (principal->kind == PRINCIPAL_ROOT)
        return OK;
    if (principal->kind == PRINCIPAL_SERVICE) {
        if (function_lets_service(function, principal->arn, source_arn))
            return OK;
        return error_set(error, ERR_ACCESS_DENIED_EXCEPTION,
                         "User: %.*s is not authorized to perform: lambda:InvokeFunction on "
                         "resource: %.*s because no resource-based policy allows the "
                         "lambda:InvokeFunction action",
                         STR_ARG(principal->arn), STR_ARG(function->arn));
    }
    const struct iam_capability *iam = &lambda->skylite->iam;
    struct authorization authorization = {
        .principal = principal,
        .action = STR("lambda:InvokeFunction"),
        .resource = function->arn,
        .resource_policy = function->policy,
    };
    return iam->authorize(iam->self, &authorization, error);
}

/* --- Sweeping --- */

static void sweep(void *arg)
{
    struct lambda *lambda = arg;
    code_sweep(&lambda->codes, false);
}

static void swept(void *arg)
{
    (void)arg;
}

void lambda_sweep_code(struct lambda *lambda, struct loop *loop)
{
    if (code_has_trash(&lambda->codes))
        loop_work(loop, sweep, swept, lambda);
}

/* --- Loading --- */

/* The code folder of a stored function; made again from the package when it is lost. */
static struct code *load_code(struct lambda *lambda, struct arena *arena, struct str name,
                              struct str document)
{
    struct str code_id = json_get_str(json_parse(arena, document), "Code"), zip;
    struct code *code = NULL;
    struct error error;
    bool is_found = false;
    if (code_adopt(&lambda->codes, code_id, &code))
        return code;
    enum err rc = store_get(lambda->skylite->store, STORE_BLOBS, lambda_code_key(arena, code_id),
                            arena, &is_found, &zip, &error);
    if (rc == OK && is_found)
        rc = code_acquire(&lambda->codes, code_id, zip, &code, &error);
    if (rc || !is_found)
        log_error("lambda", "function=%.*s its package cannot be unpacked: %s", STR_ARG(name),
                  rc ? error.message : "it is missing");
    return code;
}

static enum err load_one(struct lambda *lambda, struct str name, struct str document,
                         struct error *error)
{
    struct arena arena = {0};
    struct str policy = STR_EMPTY;
    bool is_found = false;
    enum err rc = store_get(lambda->skylite->store, STORE_META, lambda_policy_key(&arena, name),
                            &arena, &is_found, &policy, error);
    if (rc == OK) {
        struct code *code = load_code(lambda, &arena, name, document);
        struct function *function =
            function_new(name, document, is_found ? policy : STR_EMPTY, code, function_load_new());
        if (function)
            catalog_set(&lambda->catalog, function);
        else
            log_error("lambda", "function=%.*s its document is damaged", STR_ARG(name));
    }
    arena_release(&arena);
    return rc;
}

static enum err load_all(struct lambda *lambda, struct error *error)
{
    struct arena arena = {0};
    struct str prefix = STR("lambda/function/"), key, value;
    struct store_iter *iter = store_iter_new(lambda->skylite->store, STORE_META, prefix,
                                             store_prefix_end(&arena, prefix), false);
    enum err rc = OK;
    while (rc == OK && store_iter_next(iter, &key, &value))
        rc = load_one(lambda, str_slice(key, prefix.len, key.len), value, error);
    if (rc == OK)
        rc = store_iter_error(iter, error);
    store_iter_free(iter);
    arena_release(&arena);
    return rc;
}

/* --- Life --- */

static void fill_service(struct lambda *lambda)
{
    lambda->service = (struct service){
        .name = "lambda",
        .signing_name = "lambda",
        .protocols = PROTOCOL_REST_JSON,
        .error_message_member = "Message",
        .operations = operations,
        .operation_count = sizeof(operations) / sizeof(*operations),
        .self = lambda,
    };
}

enum err lambda_new(struct skylite *skylite, struct launcher *launcher, struct lambda **out,
                    struct error *error)
{
    struct lambda *lambda = calloc(1, sizeof(*lambda));
    if (!lambda)
        abort();
    lambda->skylite = skylite;
    lambda->launcher = launcher;
    lambda->account_concurrency = LAMBDA_ACCOUNT_CONCURRENCY;
    lambda->idle_ms = LAMBDA_IDLE_MS;
    random_bytes(lambda->url_secret, sizeof(lambda->url_secret));
    catalog_init(&lambda->catalog);
    lambda->fleet_count = SKYLITE_MAX_LOOPS;
    lambda->fleets = calloc(lambda->fleet_count, sizeof(*lambda->fleets));
    if (!lambda->fleets)
        abort();
    for (unsigned i = 0; i < lambda->fleet_count; i++)
        fleet_init(&lambda->fleets[i], lambda);

    enum err rc = code_store_init(&lambda->codes, skylite->config.data_dir, error);
    if (rc == OK)
        rc = launcher_configure(launcher, lambda->codes.dir, error);
    if (rc == OK)
        rc = load_all(lambda, error);
    if (rc) {
        lambda_free(lambda);
        return rc;
    }
    code_sweep(&lambda->codes, true);
    fill_service(lambda);
    skylite_add_service(skylite, &lambda->service);
    skylite->functions = (struct function_capability){.self = lambda, .invoke = fleet_invoke};
    *out = lambda;
    return OK;
}

void lambda_free(struct lambda *lambda)
{
    if (!lambda)
        return;
    for (unsigned i = 0; i < lambda->fleet_count; i++)
        fleet_release(&lambda->fleets[i]);
    free(lambda->fleets);
    catalog_release(&lambda->catalog);
    code_store_release(&lambda->codes);
    free(lambda);
}
