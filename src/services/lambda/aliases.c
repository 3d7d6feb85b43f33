/* Aliases: CreateAlias, GetAlias, UpdateAlias, DeleteAlias, ListAliases. */
#include <math.h>
#include <stdio.h>

#include "base/encode.h"
#include "services/lambda/change.h"
#include "services/lambda/operations.h"
#include "services/lambda/page.h"
#include "services/lambda/settings.h"
#include "services/lambda/violations.h"

/* --- Checking --- */

static bool is_number(struct str text)
{
    uint64_t number;
    return str_to_u64(text, &number);
}

static bool is_version(struct str text)
{
    return str_eq(text, STR("$LATEST")) || is_number(text);
}

static void check_name(struct violations *violations, struct str name)
{
    if (!name.ptr)
        violations_add(violations, name, "name", "not be null");
    else if (name.len > 128 || !function_is_name(name) || is_number(name))
        violations_add(violations, name, "name",
                       "satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)");
}

/* A weight is written as Java does: 2.0. */
static enum err fail_weights(struct request *request, const yyjson_val *key, yyjson_val *weight,
                             const char *constraint)
{
    double share = yyjson_get_num(weight);
    bool is_whole = share == floor(share) && fabs(share) < 1e7;
    char text[40] = "null";
    if (yyjson_is_num(weight))
        snprintf(text, sizeof(text), "%.*g%s", 15, share, is_whole ? ".0" : "");
    return request_fail(request, ERR_VALIDATION,
                        "1 validation error detected: Value '{%.*s=%s}' at "
                        "'routingConfig.additionalVersionWeights' failed to satisfy constraint: "
                        "Map %s",
                        STR_ARG(json_str(key)), text, constraint);
}

static enum err check_weights(struct request *request)
{
    yyjson_val *weights =
        json_get(json_get(request->input, "RoutingConfig"), "AdditionalVersionWeights");
    yyjson_val *key, *weight;
    size_t index, max;
    if (yyjson_obj_size(weights) > 1)
        return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                            "Number of items in AdditionalVersionWeights cannot be greater than 1");
    yyjson_obj_foreach (weights, index, max, key, weight) {
        double share = yyjson_is_num(weight) ? yyjson_get_num(weight) : -1;
        if (!is_number(json_str(key)))
            return fail_weights(request, key, weight,
                                "keys must satisfy constraint: [Member must have length less than "
                                "or equal to 1024, Member must have length greater than or equal "
                                "to 1, Member must satisfy regular expression pattern: [0-9]+]");
        if (share < 0 || share > 1)
            return fail_weights(request, key, weight,
                                "value must satisfy constraint: [Member must have value less than "
                                "or equal to 1.0, Member must have value greater than or equal to "
                                "0.0, Member must not be null]");
    }
    return OK;
}

static enum err check(struct request *request, bool is_create)
{
    struct str version = request_str(request, "FunctionVersion");
    struct violations violations;
    violations_init(&violations, request->arena);
    check_name(&violations, request_str(request, "Name"));
    if (!version.ptr && is_create)
        violations_add(&violations, version, "functionVersion", "not be null");
    else if (version.ptr && !is_version(version))
        violations_add(&violations, version, "functionVersion",
                       "satisfy regular expression pattern: (\\$LATEST|[0-9]+)");
    violations_length(&violations, request_str(request, "Description"), "description", 0, 256);
    enum err rc = violations_check(&violations, &request->error);
    return rc ? rc : check_weights(request);
}

/* --- Applying --- */

static enum err check_version(struct request *request, const struct change *change,
                              struct str version)
{
    struct function_name name = {.name = change->name.name, .qualifier = version};
    struct str key = lambda_key(request->arena, name);
    yyjson_mut_val *document;
    enum err rc = change_load(request, change, lambda_function_key(request->arena, key), &document);
    if (rc == OK && !document)
        rc = lambda_not_found(change->lambda, name, &request->error);
    return rc;
}

/* The version that gets a share of the invocations must be another one, and there. */
static enum err check_second(struct request *request, const struct change *change)
{
    yyjson_mut_val *weights = yyjson_mut_obj_get(
        yyjson_mut_obj_get(change->document, "RoutingConfig"), "AdditionalVersionWeights");
    struct str version = json_mut_get_str(change->document, "FunctionVersion");
    yyjson_mut_val *key, *weight;
    size_t index, max;
    yyjson_mut_obj_foreach (weights, index, max, key, weight) {
        struct str second = str_make(yyjson_mut_get_str(key), yyjson_mut_get_len(key));
        if (str_eq(second, version))
            return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                                "Invalid function version %.*s. Function version %.*s is already "
                                "included in routing configuration.",
                                STR_ARG(second), STR_ARG(second));
        if (str_eq(version, STR("$LATEST")))
            return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                                "$LATEST is not supported for an alias pointing to more than 1 "
                                "version");
        enum err rc = check_version(request, change, second);
        if (rc)
            return rc;
    }
    return OK;
}

/* Puts what the input has into the alias. */
static enum err set_members(struct request *request, struct change *change)
{
    yyjson_mut_doc *doc = request->doc;
    yyjson_mut_val *alias = change->document;
    struct str version = request_str(request, "FunctionVersion");
    struct str description = request_str(request, "Description");
    yyjson_val *routing = json_get(request->input, "RoutingConfig");
    if (version.ptr) {
        enum err rc = check_version(request, change, version);
        if (rc)
            return rc;
        settings_put_text(doc, alias, "FunctionVersion", version);
    }
    if (description.ptr)
        settings_put_text(doc, alias, "Description", description);
    if (routing && yyjson_obj_size(json_get(routing, "AdditionalVersionWeights")))
        settings_put(doc, alias, "RoutingConfig", yyjson_val_mut_copy(doc, routing));
    else if (routing)
        yyjson_mut_obj_remove_key(alias, "RoutingConfig");
    settings_put_text(doc, alias, "RevisionId", random_uuid(request->arena));
    return check_second(request, change);
}

static enum err apply_create(struct request *request, struct change *change)
{
    struct str arn =
        skylite_arn(request->skylite, request->arena, "lambda",
                    arena_printf(request->arena, "function:%.*s", STR_ARG(change->key)));
    enum err rc = check_version(request, change, STR("$LATEST"));
    if (rc)
        return rc;
    if (change->document)
        return request_fail(request, ERR_LAMBDA_RESOURCE_CONFLICT, "Alias already exists: %.*s",
                            STR_ARG(arn));
    change->document = yyjson_mut_obj(request->doc);
    json_add_str(request->doc, change->document, "AliasArn", arn);
    json_add_str(request->doc, change->document, "Name", change->name.qualifier);
    json_add_str(request->doc, change->document, "FunctionVersion", STR_EMPTY);
    json_add_str(request->doc, change->document, "Description", STR_EMPTY);
    return set_members(request, change);
}

static enum err apply_update(struct request *request, struct change *change)
{
    struct str arn =
        skylite_arn(request->skylite, request->arena, "lambda",
                    arena_printf(request->arena, "function:%.*s", STR_ARG(change->key)));
    if (!change->document)
        return request_fail(request, ERR_LAMBDA_RESOURCE_NOT_FOUND, "Alias not found: %.*s",
                            STR_ARG(arn));
    enum err rc = change_check_revision(request, change->document);
    return rc ? rc : set_members(request, change);
}

/* Deleting what is not there is no error. */
static enum err apply_delete(struct request *request, struct change *change)
{
    (void)request;
    change->is_removed = true;
    return OK;
}

static enum err answer(struct request *request)
{
    struct change *change = request->handler_state;
    request->output = change->document;
    return OK;
}

static enum err start(struct request *request, change_fn apply,
                      enum err (*after)(struct request *request))
{
    struct change *change;
    enum err rc = change_new_qualified(request, apply, request_str(request, "Name"), &change);
    return rc ? rc : change_start(request, change, after);
}

enum err lambda_create_alias(struct request *request)
{
    enum err rc = check(request, true);
    return rc ? rc : start(request, apply_create, answer);
}

enum err lambda_update_alias(struct request *request)
{
    enum err rc = check(request, false);
    return rc ? rc : start(request, apply_update, answer);
}

enum err lambda_delete_alias(struct request *request)
{
    struct violations violations;
    violations_init(&violations, request->arena);
    check_name(&violations, request_str(request, "Name"));
    enum err rc = violations_check(&violations, &request->error);
    return rc ? rc : start(request, apply_delete, NULL);
}

/* --- Reading --- */

enum err lambda_get_alias(struct request *request)
{
    struct lambda *lambda = request_self(request, struct lambda);
    struct function_name name;
    enum err rc = lambda_parse_name(request_str(request, "FunctionName"),
                                    request_str(request, "Name"), &name, &request->error);
    if (rc)
        return rc;
    struct alias *alias = catalog_get_alias(&lambda->catalog, lambda_key(request->arena, name));
    if (!alias)
        return lambda_alias_not_found(request, name);
    request->output = yyjson_val_mut_copy(request->doc, alias->document);
    alias_unref(alias);
    return OK;
}

static bool stands_for(const yyjson_val *alias, struct str version)
{
    return !version.len || str_eq(json_get_str(alias, "FunctionVersion"), version);
}

static enum err list(struct request *request, struct str name, const struct page *page)
{
    struct arena *arena = request->arena;
    yyjson_mut_val *aliases = json_add_arr(request->doc, request_output(request), "Aliases");
    struct str prefix = arena_printf(arena, LAMBDA_ALIASES "%.*s:", STR_ARG(name));
    struct str start = arena_printf(arena, "%.*s%.*s%c", STR_ARG(prefix), STR_ARG(page->after), 0);
    struct str key, value, last = STR_EMPTY;
    struct store_iter *iter = store_iter_new(request->skylite->store, STORE_META, start,
                                             store_prefix_end(arena, prefix), false);
    bool has_more = false;
    while (!has_more && store_iter_next(iter, &key, &value)) {
        yyjson_val *alias = json_parse(arena, arena_str(arena, value));
        if (!stands_for(alias, request_str(request, "FunctionVersion")))
            continue;
        has_more = (int64_t)yyjson_mut_arr_size(aliases) == page->size;
        if (has_more)
            break;
        last = json_get_str(alias, "Name");
        yyjson_mut_arr_append(aliases, yyjson_val_mut_copy(request->doc, alias));
    }
    enum err rc = store_iter_error(iter, &request->error);
    store_iter_free(iter);
    if (rc == OK && has_more)
        page_add_marker(request, last);
    return rc;
}

enum err lambda_list_aliases(struct request *request)
{
    struct lambda *lambda = request_self(request, struct lambda);
    struct lambda_target target;
    struct page page;
    enum err rc = lambda_find(lambda, request_str(request, "FunctionName"), STR_EMPTY, &target,
                              &request->error);
    if (rc)
        return rc;
    struct str name = arena_str(request->arena, target.function->name);
    lambda_target_release(&target);
    rc = page_read(request, &page);
    return rc ? rc : list(request, name, &page);
}
