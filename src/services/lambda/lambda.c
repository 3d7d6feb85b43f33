/* The Lambda service: its operations, and what its files share. */
#include "services/lambda/lambda.h"

#include <stdlib.h>

#include "core/arn.h"
#include "base/encode.h"
#include "base/log.h"
#include "services/lambda/change.h"
#include "services/lambda/operations.h"

#define FUNCTIONS           "/2015-03-31/functions"
#define EVENT_INVOKE_CONFIG "/2019-09-25/functions/{FunctionName}/event-invoke-config"

/* clang-format off */
static const struct operation operations[] = {
    {.name = "CreateFunction", .handler = lambda_create_function,
     .iam_action = "lambda:CreateFunction", .resource = lambda_function_resource,
     .flags = OPERATION_BULK, .http_method = "POST", .http_path = FUNCTIONS, .http_status = 201},
    {.name = "ListFunctions", .handler = lambda_list_functions,
     .iam_action = "lambda:ListFunctions",
     .http_method = "GET", .http_path = FUNCTIONS, .flags = OPERATION_READ},
    {.name = "GetFunction", .handler = lambda_get_function,
     .iam_action = "lambda:GetFunction", .resource = lambda_function_resource,
     .http_method = "GET", .http_path = FUNCTIONS "/{FunctionName}"},
    {.name = "GetFunctionConfiguration", .handler = lambda_get_function_configuration,
     .iam_action = "lambda:GetFunctionConfiguration", .resource = lambda_function_resource,
     .http_method = "GET", .http_path = FUNCTIONS "/{FunctionName}/configuration"},
    {.name = "UpdateFunctionCode", .handler = lambda_update_function_code,
     .iam_action = "lambda:UpdateFunctionCode", .resource = lambda_function_resource,
     .flags = OPERATION_BULK, .http_method = "PUT", .http_path = FUNCTIONS "/{FunctionName}/code"},
    {.name = "UpdateFunctionConfiguration", .handler = lambda_update_function_configuration,
     .iam_action = "lambda:UpdateFunctionConfiguration", .resource = lambda_function_resource,
     .http_method = "PUT", .http_path = FUNCTIONS "/{FunctionName}/configuration"},
    {.name = "DeleteFunction", .handler = lambda_delete_function,
     .iam_action = "lambda:DeleteFunction", .resource = lambda_function_resource,
     .http_method = "DELETE", .http_path = FUNCTIONS "/{FunctionName}", .http_status = 204},
    /* The handler checks lambda:InvokeFunction, because the function's own policy counts too. */
    {.name = "Invoke", .handler = lambda_invoke,
     .iam_action = "lambda:InvokeFunction", .flags = OPERATION_RAW_BODY | OPERATION_NO_IAM | OPERATION_BULK,
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
    {.name = "InvokeAsync", .handler = lambda_invoke_async,
     .iam_action = "lambda:InvokeAsync", .flags = OPERATION_RAW_BODY | OPERATION_NO_IAM | OPERATION_BULK,
     .http_method = "POST", .http_path = "/2014-11-13/functions/{FunctionName}/invoke-async",
     .http_status = 202},
    {.name = "PublishVersion", .handler = lambda_publish_version,
     .iam_action = "lambda:PublishVersion", .resource = lambda_function_resource,
     .flags = OPERATION_BULK, .http_method = "POST", .http_path = FUNCTIONS "/{FunctionName}/versions", .http_status = 201},
    {.name = "ListVersionsByFunction", .handler = lambda_list_versions,
     .iam_action = "lambda:ListVersionsByFunction", .resource = lambda_function_resource,
     .http_method = "GET", .http_path = FUNCTIONS "/{FunctionName}/versions", .flags = OPERATION_READ},
    {.name = "CreateAlias", .handler = lambda_create_alias,
     .iam_action = "lambda:CreateAlias", .resource = lambda_function_resource,
     .http_method = "POST", .http_path = FUNCTIONS "/{FunctionName}/aliases", .http_status = 201},
    {.name = "ListAliases", .handler = lambda_list_aliases,
     .iam_action = "lambda:ListAliases", .resource = lambda_function_resource,
     .http_method = "GET", .http_path = FUNCTIONS "/{FunctionName}/aliases", .flags = OPERATION_READ},
    {.name = "GetAlias", .handler = lambda_get_alias,
     .iam_action = "lambda:GetAlias", .resource = lambda_function_resource,
     .http_method = "GET", .http_path = FUNCTIONS "/{FunctionName}/aliases/{Name}"},
    {.name = "UpdateAlias", .handler = lambda_update_alias,
     .iam_action = "lambda:UpdateAlias", .resource = lambda_function_resource,
     .http_method = "PUT", .http_path = FUNCTIONS "/{FunctionName}/aliases/{Name}"},
    {.name = "DeleteAlias", .handler = lambda_delete_alias,
     .iam_action = "lambda:DeleteAlias", .resource = lambda_function_resource,
     .http_method = "DELETE", .http_path = FUNCTIONS "/{FunctionName}/aliases/{Name}",
     .http_status = 204},
    {.name = "PutFunctionEventInvokeConfig", .handler = lambda_put_event_config,
     .iam_action = "lambda:PutFunctionEventInvokeConfig", .resource = lambda_function_resource,
     .http_method = "PUT", .http_path = EVENT_INVOKE_CONFIG},
    {.name = "UpdateFunctionEventInvokeConfig", .handler = lambda_put_event_config,
     .iam_action = "lambda:UpdateFunctionEventInvokeConfig", .resource = lambda_function_resource,
     .http_method = "POST", .http_path = EVENT_INVOKE_CONFIG},
    {.name = "GetFunctionEventInvokeConfig", .handler = lambda_get_event_config,
     .iam_action = "lambda:GetFunctionEventInvokeConfig", .resource = lambda_function_resource,
     .http_method = "GET", .http_path = EVENT_INVOKE_CONFIG},
    {.name = "ListFunctionEventInvokeConfigs", .handler = lambda_list_event_configs,
     .iam_action = "lambda:ListFunctionEventInvokeConfigs", .resource = lambda_function_resource,
     .http_method = "GET", .http_path = EVENT_INVOKE_CONFIG "/list", .flags = OPERATION_READ},
    {.name = "DeleteFunctionEventInvokeConfig", .handler = lambda_delete_event_config,
     .iam_action = "lambda:DeleteFunctionEventInvokeConfig", .resource = lambda_function_resource,
     .http_method = "DELETE", .http_path = EVENT_INVOKE_CONFIG, .http_status = 204},
    {.name = "TagResource", .handler = lambda_tag_resource,
     .iam_action = "lambda:TagResource", .resource = lambda_tagged_resource,
     .http_method = "POST", .http_path = "/2017-03-31/tags/{ARN}", .http_status = 204},
    {.name = "UntagResource", .handler = lambda_untag_resource,
     .iam_action = "lambda:UntagResource", .resource = lambda_tagged_resource,
     .http_method = "DELETE", .http_path = "/2017-03-31/tags/{ARN}", .http_status = 204},
    {.name = "ListTags", .handler = lambda_list_tags,
     .iam_action = "lambda:ListTags", .resource = lambda_tagged_resource,
     .http_method = "GET", .http_path = "/2017-03-31/tags/{ARN}"},
    {.name = "GetAccountSettings", .handler = lambda_get_account_settings,
     .iam_action = "lambda:GetAccountSettings",
     .http_method = "GET", .http_path = "/2016-08-19/account-settings", .flags = OPERATION_READ},
    {.name = "DownloadCode", .handler = lambda_download_code, .flags = OPERATION_NO_AUTH,
     .http_method = "GET", .http_path = "/_skylite/lambda/code/{CodeId}"},
};
/* clang-format on */

/* --- Finding functions --- */

/* Draws by the weights of the alias. */
static struct str drawn_key(const struct alias *alias)
{
    uint32_t random;
    if (!alias->second_key.len)
        return alias->version_key;
    random_bytes(&random, sizeof(random));
    return random < alias->second_weight * 4294967296.0 ? alias->second_key : alias->version_key;
}

static void find_key(struct lambda *lambda, struct str key, bool is_qualified,
                     struct lambda_target *out)
{
    *out = (struct lambda_target){.function = catalog_get(&lambda->catalog, key)};
    if (out->function || !is_qualified)
        return;
    out->alias = catalog_get_alias(&lambda->catalog, key);
    if (out->alias)
        out->function = catalog_get(&lambda->catalog, drawn_key(out->alias));
}

enum err lambda_find(struct lambda *lambda, struct str text, struct str qualifier,
                     struct lambda_target *out, struct error *error)
{
    struct arena scratch = {0};
    struct function_name name;
    struct lambda_target target;
    enum err rc = lambda_parse_name(text, qualifier, &name, error);
    if (rc)
        return rc;
    find_key(lambda, lambda_key(&scratch, name), name.qualifier.len > 0, &target);
    arena_release(&scratch);
    if (!target.function || arn_place(&lambda->skylite->config, &name.owner) != ARN_HERE) {
        lambda_target_release(&target);
        return lambda_not_found(lambda, name, error);
    }
    target.is_latest = str_eq(name.qualifier, STR("$LATEST"));
    *out = target;
    return OK;
}

enum err lambda_find_to_invoke(struct lambda *lambda, struct str text, struct str qualifier,
                               struct lambda_target *out, struct error *error)
{
    struct function_name name;
    enum err rc = lambda_find(lambda, text, qualifier, out, error);
    if (rc != ERR_LAMBDA_RESOURCE_NOT_FOUND || lambda_parse_name(text, qualifier, &name, error))
        return rc;
    if (!name.qualifier.len)
        name.qualifier = STR("$LATEST");
    return lambda_not_found(lambda, name, error);
}

void lambda_target_release(struct lambda_target *target)
{
    function_unref(target->function);
    alias_unref(target->alias);
    *target = (struct lambda_target){0};
}

struct str lambda_target_arn(const struct lambda_target *target)
{
    if (target->is_latest)
        return target->function->latest_arn;
    return target->alias ? target->alias->arn : target->function->arn;
}

static enum err refuse_region(struct request *request, struct str member, struct str text,
                              const struct arn_parts *arn)
{
    struct function_name name;
    (void)member;
    if (!function_name_parse(text, &name))
        return OK; /* the handler says what is wrong with it */
    return request_fail(request, ERR_LAMBDA_RESOURCE_NOT_FOUND,
                        "Functions from '%.*s' are not reachable in this region ('%.*s')",
                        STR_ARG(arn->region), STR_ARG(request->skylite->config.region));
}

static const char *const arn_members[] = {"FunctionName", "ARN", NULL};
static const struct arn_rules arn_rules = {arn_members, refuse_region};

/* "ACCOUNT:function:NAME", which is part of an ARN. */
static enum err check_account(struct request *request)
{
    struct function_name name;
    struct str text = request_str(request, "FunctionName");
    bool is_foreign = function_name_parse(text, &name) &&
                      arn_place(&request->skylite->config, &name.owner) == ARN_IN_OTHER_ACCOUNT;
    return is_foreign ? arn_deny(request, text) : OK;
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

enum err lambda_authorize_invoke(const struct lambda *lambda, const struct lambda_target *target,
                                 const struct function_invocation *invocation, struct error *error)
{
    const struct principal *principal = invocation->principal;
    const struct resource_policy *policy =
        target->alias ? &target->alias->policy : &target->function->policy;
    struct str arn = lambda_target_arn(target);
    if (principal->kind == PRINCIPAL_ROOT)
        return OK;
    if (principal->kind == PRINCIPAL_SERVICE) {
        if (resource_policy_lets_service(policy, principal->arn, invocation->source_arn))
            return OK;
        return error_set(error, ERR_ACCESS_DENIED_EXCEPTION,
                         "User: %.*s is not authorized to perform: lambda:InvokeFunction on "
                         "resource: %.*s because no resource-based policy allows the "
                         "lambda:InvokeFunction action",
                         STR_ARG(principal->arn), STR_ARG(arn));
    }
    const struct iam_capability *iam = &lambda->skylite->iam;
    struct authorization authorization = {
        .principal = principal,
        .action = STR("lambda:InvokeFunction"),
        .resource = arn,
        .resource_policy = policy->text,
        .find_values = invocation->find_values ? invocation->find_values : condition_find_values,
        .find_arg = invocation->find_values ? invocation->find_arg : lambda->skylite,
    };
    return iam->authorize(iam->self, &authorization, error);
}

enum err lambda_hide_missing(const struct lambda *lambda, struct str text, struct str qualifier,
                             const struct principal *principal, enum err rc, struct error *error)
{
    bool is_known = principal->kind == PRINCIPAL_ROOT || principal->kind == PRINCIPAL_SERVICE;
    struct function_name name;
    struct error denied;
    struct arena arena = {0};
    if (rc != ERR_LAMBDA_RESOURCE_NOT_FOUND || is_known ||
        lambda_parse_name(text, qualifier, &name, &denied))
        return rc;
    const struct iam_capability *iam = &lambda->skylite->iam;
    struct authorization authorization = {
        .principal = principal,
        .action = STR("lambda:InvokeFunction"),
        .resource =
            skylite_arn(lambda->skylite, &arena, "lambda",
                        arena_printf(&arena, "function:%.*s", STR_ARG(lambda_key(&arena, name)))),
    };
    enum err refusal = iam->authorize(iam->self, &authorization, &denied);
    arena_release(&arena);
    if (refusal)
        *error = denied;
    return refusal ? refusal : rc;
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

/* The code folder of a stored function or version; made again from the package when it is lost. */
static struct code *load_code(struct lambda *lambda, struct arena *arena, struct str key,
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
        log_error("lambda", "function=%.*s its package cannot be unpacked: %s", STR_ARG(key),
                  rc ? error.message : "it is missing");
    return code;
}

static enum err load_policy(struct lambda *lambda, struct arena *arena, struct str key,
                            struct str *out, struct error *error)
{
    bool is_found = false;
    *out = STR_EMPTY;
    return store_get(lambda->skylite->store, STORE_META, lambda_policy_key(arena, key), arena,
                     &is_found, out, error);
}

/* How much runs of the function that `key` is of: its versions share it. Functions are loaded
 * before their versions. */
static struct function_load *load_of(struct lambda *lambda, struct str key)
{
    struct str name;
    if (!str_cut(&key, ':', &name))
        return function_load_new();
    struct function *function = catalog_get(&lambda->catalog, name);
    struct function_load *load = function ? function->load : function_load_new();
    if (function)
        function_load_ref(load);
    function_unref(function);
    return load;
}

static enum err load_function(struct lambda *lambda, struct arena *arena, struct str key,
                              struct str document, struct error *error)
{
    struct str policy;
    enum err rc = load_policy(lambda, arena, key, &policy, error);
    if (rc)
        return rc;
    struct code *code = load_code(lambda, arena, key, document);
    struct function *function = function_new(key, document, policy, code, load_of(lambda, key));
    if (function)
        catalog_set(&lambda->catalog, function);
    else
        log_error("lambda", "function=%.*s its document is damaged", STR_ARG(key));
    return OK;
}

static enum err load_alias(struct lambda *lambda, struct arena *arena, struct str key,
                           struct str document, struct error *error)
{
    struct str policy;
    enum err rc = load_policy(lambda, arena, key, &policy, error);
    if (rc)
        return rc;
    struct alias *alias = alias_new(key, document, policy);
    if (alias)
        catalog_set_alias(&lambda->catalog, alias);
    else
        log_error("lambda", "alias=%.*s its document is damaged", STR_ARG(key));
    return OK;
}

typedef enum err (*load_fn)(struct lambda *lambda, struct arena *arena, struct str key,
                            struct str document, struct error *error);

static enum err load_each(struct lambda *lambda, struct str prefix, load_fn load,
                          struct error *error)
{
    struct arena arena = {0};
    struct str key, value;
    struct store_iter *iter = store_iter_new(lambda->skylite->store, STORE_META, prefix,
                                             store_prefix_end(&arena, prefix), false);
    enum err rc = OK;
    while (rc == OK && store_iter_next(iter, &key, &value)) {
        struct arena scratch = {0};
        rc = load(lambda, &scratch, str_slice(key, prefix.len, key.len), value, error);
        arena_release(&scratch);
    }
    if (rc == OK)
        rc = store_iter_error(iter, error);
    store_iter_free(iter);
    arena_release(&arena);
    return rc;
}

static enum err load_all(struct lambda *lambda, struct error *error)
{
    enum err rc = load_each(lambda, STR(LAMBDA_FUNCTIONS), load_function, error);
    return rc ? rc : load_each(lambda, STR(LAMBDA_ALIASES), load_alias, error);
}

/* --- Life --- */

/* As the service's model has them; what is not in it says only "message". */
static struct error_form error_form(enum err code)
{
    switch ((int)code) {
    case ERR_LAMBDA_RESOURCE_NOT_FOUND:
    case ERR_LAMBDA_SERVICE:
    case ERR_LAMBDA_INVALID_RUNTIME:
    case ERR_LAMBDA_INVALID_ZIP_FILE:
        return (struct error_form){"Message", true};
    case ERR_LAMBDA_CODE_STORAGE_EXCEEDED:
    case ERR_LAMBDA_INVALID_PARAMETER_VALUE:
    case ERR_LAMBDA_INVALID_REQUEST_CONTENT:
    case ERR_LAMBDA_POLICY_LENGTH_EXCEEDED:
    case ERR_LAMBDA_PRECONDITION_FAILED:
    case ERR_LAMBDA_REQUEST_TOO_LARGE:
    case ERR_LAMBDA_RESOURCE_CONFLICT:
    case ERR_LAMBDA_RESOURCE_NOT_READY:
    case ERR_LAMBDA_TOO_MANY_REQUESTS:
    case ERR_LAMBDA_UNSUPPORTED_MEDIA_TYPE:
        return (struct error_form){"message", true};
    case ERR_ACCESS_DENIED_EXCEPTION:
        return (struct error_form){"Message", false};
    default:
        return (struct error_form){"message", false};
    }
}

static void fill_service(struct lambda *lambda)
{
    lambda->service = (struct service){
        .name = "lambda",
        .signing_name = "lambda",
        .protocols = PROTOCOL_REST_JSON,
        .unavailable = ERR_LAMBDA_SERVICE,
        .error_form = error_form,
        .check_input = check_account,
        .arns = &arn_rules,
        .operations = operations,
        .operation_count = sizeof(operations) / sizeof(*operations),
        .condition_keys = lambda_condition_keys,
        .condition_key_count = lambda_condition_key_count,
        .self = lambda,
    };
}

/* On the launcher's thread. */
static void launcher_changed(void *arg, const char *reason)
{
    struct lambda *lambda = arg;
    health_report(&lambda->skylite->health, HEALTH_LAUNCHER, reason);
    if (reason) {
        log_error("lambda", "%s", reason);
        return;
    }
    log_warn("lambda", "there is a launcher again");
    fleet_launcher_is_back(lambda);
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
    lambda->event_retry_ms = LAMBDA_EVENT_RETRY_MS;
    random_bytes(lambda->url_secret, sizeof(lambda->url_secret));
    catalog_init(&lambda->catalog);
    metrics_table_init(&lambda->metrics, &skylite->metrics);
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
    if (rc == OK)
        rc = events_load(lambda, error);
    if (rc) {
        lambda_free(lambda);
        return rc;
    }
    launcher_on_change(launcher, launcher_changed, lambda);
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
    launcher_on_change(lambda->launcher, NULL, NULL);
    for (unsigned i = 0; i < lambda->fleet_count; i++)
        fleet_release(&lambda->fleets[i]);
    free(lambda->fleets);
    catalog_release(&lambda->catalog);
    metrics_table_release(&lambda->metrics);
    code_store_release(&lambda->codes);
    free(lambda);
}
