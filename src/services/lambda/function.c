/* Function snapshots and what names them. */
#include "services/lambda/function.h"

#include <stdlib.h>

/* --- Names --- */

bool function_is_name(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (!is_allowed)
            return false;
    }
    return text.len > 0;
}

/* "eu-west-1", "us-gov-west-1", "eusc-de-east-1". */
static bool is_region(struct str text)
{
    static const char *const middles[] = {"gov-", "iso-", "isoa-", "isob-", "isoe-", "isof-"};
    struct str word;
    if (str_starts(text, STR("eusc-")))
        text = str_slice(text, strlen("eusc-"), text.len);
    if (text.len < 3 || text.ptr[2] != '-')
        return false;
    text = str_slice(text, 3, text.len);
    for (size_t i = 0; i < sizeof(middles) / sizeof(*middles); i++) {
        if (str_starts(text, str_from(middles[i])))
            text = str_slice(text, strlen(middles[i]), text.len);
    }
    bool has_number = str_cut(&text, '-', &word);
    for (size_t i = 0; i < word.len; i++) {
        if (word.ptr[i] < 'a' || word.ptr[i] > 'z')
            return false;
    }
    return has_number && word.len && text.len == 1 && text.ptr[0] >= '0' && text.ptr[0] <= '9';
}

/* A name in which there may be dots. */
static bool is_dotted_name(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '.' && !function_is_name(str_slice(text, i, 1)))
            return false;
    }
    return text.len > 0;
}

static bool is_account(struct str text)
{
    uint64_t number;
    return text.len == 12 && str_to_u64(text, &number);
}

/* Takes "PART:" off the front of `text` when it is there. */
static bool skip(struct str *text, struct str part)
{
    if (text->len <= part.len || !str_starts(*text, part) || text->ptr[part.len] != ':')
        return false;
    *text = str_slice(*text, part.len + 1, text->len);
    return true;
}

/* Takes "arn:aws:lambda:REGION:ACCOUNT:" or "ACCOUNT:" off the front. False for half an ARN. */
static bool skip_owner(struct str *text, bool *out_is_arn, struct arn_parts *out)
{
    struct str account, rest = *text;
    *out = (struct arn_parts){.partition = STR("aws"),
                              .service = STR("lambda"),
                              .region = STR_EMPTY,
                              .account = STR_EMPTY,
                              .resource = STR_EMPTY};
    *out_is_arn = str_starts(rest, STR("arn:"));
    if (*out_is_arn) {
        if (!arn_parse(rest, out) || !str_starts(out->partition, STR("aws")) ||
            !str_eq(out->service, STR("lambda")) || !is_region(out->region) ||
            !is_account(out->account))
            return false;
        *text = out->resource;
        return true;
    }
    if (str_cut(&rest, ':', &account) && is_account(account)) {
        out->account = account;
        *text = rest;
    }
    return true;
}

bool function_name_parse(struct str text, struct function_name *out)
{
    struct function_name found;
    bool is_arn;
    if (!skip_owner(&text, &is_arn, &found.owner))
        return false;
    skip(&text, STR("function"));
    bool is_qualified = str_cut(&text, ':', &found.name);
    found.qualifier = text;
    if (!is_dotted_name(found.name))
        return false;
    if (is_qualified && !str_eq(found.qualifier, STR("$LATEST")) &&
        !str_eq(found.qualifier, STR("$LATEST.PUBLISHED")) && !function_is_name(found.qualifier))
        return false;
    *out = found;
    return true;
}

/* --- Matching --- */

static bool glob(struct str pattern, struct str text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, resume = 0;
    while (t < text.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            resume = t;
        } else if (p < pattern.len && (pattern.ptr[p] == '?' || pattern.ptr[p] == text.ptr[t])) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++resume;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

bool arn_like(struct str pattern, struct str arn)
{
    struct str pattern_part, arn_part;
    for (int section = 0; section < 5; section++) {
        bool has_more = str_cut(&pattern, ':', &pattern_part);
        if (!str_cut(&arn, ':', &arn_part) || !has_more || !glob(pattern_part, arn_part))
            return false;
    }
    return glob(pattern, arn);
}

/* The account section of an ARN. */
static struct str account_of(struct str arn)
{
    struct str part = STR_EMPTY;
    for (int section = 0; section < 5; section++)
        str_cut(&arn, ':', &part);
    return part;
}

bool resource_policy_lets_service(const struct resource_policy *policy, struct str service,
                                  struct str source_arn)
{
    for (size_t i = 0; i < policy->grant_count; i++) {
        const struct service_grant *grant = &policy->grants[i];
        if (!str_eq(grant->service, service) && !str_eq(grant->service, STR("*")))
            continue;
        if (grant->source_arn.len && !arn_like(grant->source_arn, source_arn))
            continue;
        if (grant->source_account.len && !str_eq(grant->source_account, account_of(source_arn)))
            continue;
        return true;
    }
    return false;
}

/* --- Snapshots --- */

static bool lets_invoke(struct str action)
{
    return str_eq_nocase(action, STR("lambda:InvokeFunction")) || str_eq(action, STR("lambda:*")) ||
           str_eq(action, STR("*"));
}

/* The statements are as AddPermission has written them. */
static void read_grants(struct resource_policy *policy, yyjson_val *statements, struct arena *arena)
{
    yyjson_val *statement;
    size_t index, max;
    policy->grants = arena_array(arena, struct service_grant, yyjson_arr_size(statements));
    yyjson_arr_foreach (statements, index, max, statement) {
        yyjson_val *principal = json_get(statement, "Principal");
        yyjson_val *conditions = json_get(statement, "Condition");
        struct service_grant grant = {
            .service =
                yyjson_is_str(principal) ? json_str(principal) : json_get_str(principal, "Service"),
            .source_arn = json_get_str(json_get(conditions, "ArnLike"), "AWS:SourceArn"),
            .source_account =
                json_get_str(json_get(conditions, "StringEquals"), "AWS:SourceAccount"),
        };
        if (grant.service.len && lets_invoke(json_get_str(statement, "Action")))
            policy->grants[policy->grant_count++] = grant;
    }
}

static void read_policy(struct resource_policy *policy, struct str stored, struct arena *arena)
{
    yyjson_val *document = json_get(json_parse(arena, stored), "Policy");
    *policy = (struct resource_policy){.text = STR_EMPTY};
    if (!document)
        return;
    policy->text = json_write_val(arena, document);
    read_grants(policy, json_get(document, "Statement"), arena);
}

static unsigned number(const yyjson_val *object, const char *key, unsigned fallback)
{
    int64_t value;
    return json_get_i64(object, key, &value) ? (unsigned)value : fallback;
}

static void read_configuration(struct function *function, yyjson_val *configuration)
{
    function->name = json_get_str(configuration, "FunctionName");
    function->version = json_get_str(configuration, "Version");
    function->arn = json_get_str(configuration, "FunctionArn");
    function->handler = json_get_str(configuration, "Handler");
    function->runtime = json_get_str(configuration, "Runtime");
    function->role = json_get_str(configuration, "Role");
    yyjson_val *logging = json_get(configuration, "LoggingConfig");
    function->log_group = json_get_str(logging, "LogGroup");
    function->log_format = json_get_str(logging, "LogFormat");
    function->log_level = json_get_str(logging, "ApplicationLogLevel");
    function->system_log_level = json_get_str(logging, "SystemLogLevel");
    function->variables = json_get(json_get(configuration, "Environment"), "Variables");
    function->timeout_s = number(configuration, "Timeout", 3);
    function->memory_mb = number(configuration, "MemorySize", 128);
    function->tmp_mb = number(json_get(configuration, "EphemeralStorage"), "Size", 512);
}

static void read_identity(struct function *function, const yyjson_val *configuration)
{
    function->latest_arn = STR_EMPTY;
    if (str_eq(function->version, STR("$LATEST")))
        function->latest_arn =
            arena_printf(&function->arena, "%.*s:$LATEST", STR_ARG(function->arn));
    function->generation = json_get_str(function->document, "Generation");
    if (!function->generation.ptr)
        function->generation = json_get_str(configuration, "RevisionId");
}

/* What is reserved is told by $LATEST, for all versions. */
static void read_reserved(struct function *function)
{
    int64_t reserved = -1;
    if (!str_eq(function->version, STR("$LATEST")))
        return;
    json_get_i64(function->document, "ReservedConcurrentExecutions", &reserved);
    atomic_store(&function->load->reserved, (int)reserved);
}

struct function *function_new(struct str key, struct str document, struct str policy,
                              struct code *code, struct function_load *load)
{
    struct function *function = calloc(1, sizeof(*function));
    if (!function)
        abort();
    atomic_init(&function->refs, 1);
    function->code = code;
    function->load = load;
    function->key = arena_str(&function->arena, key);
    function->document = json_parse(&function->arena, document);
    yyjson_val *configuration = json_get(function->document, "Configuration");
    if (!yyjson_is_obj(configuration)) {
        function_unref(function);
        return NULL;
    }
    read_configuration(function, configuration);
    read_identity(function, configuration);
    read_reserved(function);
    read_policy(&function->policy, policy, &function->arena);
    return function;
}

void function_ref(struct function *function)
{
    atomic_fetch_add_explicit(&function->refs, 1, memory_order_relaxed);
}

void function_unref(struct function *function)
{
    if (!function || atomic_fetch_sub_explicit(&function->refs, 1, memory_order_acq_rel) != 1)
        return;
    code_unref(function->code);
    function_load_unref(function->load);
    arena_release(&function->arena);
    free(function);
}

struct function_load *function_load_new(void)
{
    struct function_load *load = calloc(1, sizeof(*load));
    if (!load)
        abort();
    atomic_init(&load->refs, 1);
    atomic_init(&load->reserved, -1);
    return load;
}

void function_load_ref(struct function_load *load)
{
    atomic_fetch_add_explicit(&load->refs, 1, memory_order_relaxed);
}

void function_load_unref(struct function_load *load)
{
    if (atomic_fetch_sub_explicit(&load->refs, 1, memory_order_acq_rel) == 1)
        free(load);
}

/* --- Aliases --- */

static struct str version_key(struct alias *alias, struct str version)
{
    struct str name, rest = alias->key;
    str_cut(&rest, ':', &name);
    if (str_eq(version, STR("$LATEST")))
        return name;
    return arena_printf(&alias->arena, "%.*s:%.*s", STR_ARG(name), STR_ARG(version));
}

static void read_routing(struct alias *alias)
{
    yyjson_val *weights =
        json_get(json_get(alias->document, "RoutingConfig"), "AdditionalVersionWeights");
    yyjson_val *key, *weight;
    size_t index, max;
    alias->second_key = STR_EMPTY;
    yyjson_obj_foreach (weights, index, max, key, weight) {
        alias->second_key = version_key(alias, json_str(key));
        alias->second_weight = yyjson_get_num(weight);
    }
}

struct alias *alias_new(struct str key, struct str document, struct str policy)
{
    struct alias *alias = calloc(1, sizeof(*alias));
    if (!alias)
        abort();
    atomic_init(&alias->refs, 1);
    alias->key = arena_str(&alias->arena, key);
    alias->document = json_parse(&alias->arena, document);
    alias->arn = json_get_str(alias->document, "AliasArn");
    struct str version = json_get_str(alias->document, "FunctionVersion");
    if (!version.len || !alias->arn.len) {
        alias_unref(alias);
        return NULL;
    }
    alias->version_key = version_key(alias, version);
    read_routing(alias);
    read_policy(&alias->policy, policy, &alias->arena);
    return alias;
}

void alias_ref(struct alias *alias)
{
    atomic_fetch_add_explicit(&alias->refs, 1, memory_order_relaxed);
}

void alias_unref(struct alias *alias)
{
    if (!alias || atomic_fetch_sub_explicit(&alias->refs, 1, memory_order_acq_rel) != 1)
        return;
    arena_release(&alias->arena);
    free(alias);
}
