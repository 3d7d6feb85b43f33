/* DeleteFunction. */
#include "services/lambda/change.h"
#include "services/lambda/event_config.h"
#include "services/lambda/operations.h"

/* --- A version --- */

static bool refers_to(const yyjson_val *alias, struct str version)
{
    yyjson_val *weights = json_get(json_get(alias, "RoutingConfig"), "AdditionalVersionWeights");
    return str_eq(json_get_str(alias, "FunctionVersion"), version) ||
           yyjson_obj_getn(weights, version.ptr, version.len);
}

/* Refused while an alias stands for it. */
static enum err check_aliases(struct request *request, const struct change *change)
{
    struct arena *arena = request->arena;
    struct str prefix = arena_printf(arena, LAMBDA_ALIASES "%.*s:", STR_ARG(change->name.name));
    struct str key, value;
    struct store_iter *iter =
        store_txn_iter_new(change->txn, STORE_META, prefix, store_prefix_end(arena, prefix), false);
    enum err rc = OK;
    while (rc == OK && store_iter_next(iter, &key, &value)) {
        if (refers_to(json_parse(arena, arena_str(arena, value)), change->name.qualifier))
            rc = request_fail(request, ERR_LAMBDA_RESOURCE_CONFLICT,
                              "Cannot delete version %.*s, it is still referenced by alias %.*s",
                              STR_ARG(change->name.qualifier),
                              STR_ARG(str_slice(key, prefix.len, key.len)));
    }
    if (rc == OK)
        rc = store_iter_error(iter, &request->error);
    store_iter_free(iter);
    return rc;
}

/* Deleting a version that is not there is no error. */
static enum err apply_version(struct request *request, struct change *change)
{
    struct function_name whole = {.name = change->name.name, .qualifier = STR_EMPTY};
    yyjson_mut_val *function;
    enum err rc =
        change_load(request, change, lambda_function_key(request->arena, whole.name), &function);
    if (rc == OK && !function)
        rc = lambda_not_found(change->lambda, whole, &request->error);
    if (rc)
        return rc;
    change->is_removed = change->document != NULL;
    change->is_dry_run = !change->is_removed;
    return change->is_removed ? check_aliases(request, change) : OK;
}

/* --- The whole function --- */

/* Deletes everything whose key starts with `prefix`, packages of versions included. */
static enum err delete_all(struct request *request, const struct change *change, struct str prefix)
{
    struct arena *arena = request->arena;
    struct str key, value;
    struct store_iter *iter =
        store_txn_iter_new(change->txn, STORE_META, prefix, store_prefix_end(arena, prefix), false);
    while (store_iter_next(iter, &key, &value)) {
        struct str code = json_get_str(json_parse(arena, arena_str(arena, value)), "Code");
        store_txn_delete(change->txn, STORE_META, arena_str(arena, key));
        change_drop_code(request, change, code);
    }
    enum err rc = store_iter_error(iter, &request->error);
    store_iter_free(iter);
    return rc;
}

static enum err apply_function(struct request *request, struct change *change)
{
    static const char *const kinds[] = {"function", "alias", "policy", "event-invoke"};
    enum err rc = change_must_exist(request, change);
    change->is_removed = true;
    for (size_t i = 0; rc == OK && i < sizeof(kinds) / sizeof(*kinds); i++)
        rc = delete_all(
            request, change,
            arena_printf(request->arena, "lambda/%s/%.*s:", kinds[i], STR_ARG(change->key)));
    if (rc == OK)
        store_txn_delete(change->txn, STORE_META,
                         lambda_event_config_key(request->arena, change->key));
    return rc;
}

/* --- The operation --- */

static enum err after(struct request *request)
{
    struct change *change = request->handler_state;
    lambda_sweep_code(change->lambda, request->loop);
    return OK;
}

enum err lambda_delete_function(struct request *request)
{
    struct change *change;
    struct str qualifier = request_str(request, "Qualifier");
    enum err rc = change_new_qualified(request, apply_version, qualifier, &change);
    if (rc)
        return rc;
    if (str_eq(change->name.qualifier, STR("$LATEST")))
        return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                            "$LATEST version cannot be deleted without deleting the function.");
    if (change->is_alias && str_find_byte(change->name.qualifier, '$', 0) < 0)
        return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                            "Deletion of aliases is not currently supported.");
    if (!change->name.qualifier.len)
        change->apply = apply_function;
    return change_start(request, change, after);
}
