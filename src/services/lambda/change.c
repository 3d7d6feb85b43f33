/* Changing functions. */
#include "services/lambda/change.h"

#include "base/clock.h"
#include "base/encode.h"
#include "services/lambda/settings.h"

/* --- Keys --- */

struct str lambda_function_key(struct arena *arena, struct str name)
{
    return arena_printf(arena, "lambda/function/%.*s", STR_ARG(name));
}

struct str lambda_policy_key(struct arena *arena, struct str name)
{
    return arena_printf(arena, "lambda/policy/%.*s", STR_ARG(name));
}

struct str lambda_code_key(struct arena *arena, struct str code_id)
{
    return arena_printf(arena, "lambda/code/%.*s", STR_ARG(code_id));
}

/* --- Beginning --- */

enum err change_new(struct request *request, change_fn apply, struct change **out)
{
    struct lambda *lambda = request_self(request, struct lambda);
    struct str text = request_str(request, "FunctionName");
    struct function_name name;
    struct function *found;
    if (!function_name_parse(text, &name) ||
        (name.qualifier.len && !str_eq(name.qualifier, STR("$LATEST")))) {
        enum err rc = lambda_find(lambda, text, STR_EMPTY, &found, &request->error);
        if (rc == OK)
            function_unref(found);
        return rc ? rc
                  : request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                                 "This operation does not take a qualifier.");
    }
    struct change *change = arena_new(request->arena, struct change);
    change->lambda = lambda;
    change->name = name.name;
    change->apply = apply;
    *out = change;
    return OK;
}

/* --- On the writer thread --- */

static enum err load_document(struct request *request, struct store_txn *txn, struct str key,
                              yyjson_mut_val **out)
{
    bool is_found;
    struct str text;
    enum err rc =
        store_txn_get(txn, STORE_META, key, request->arena, &is_found, &text, &request->error);
    *out = NULL;
    if (rc == OK && is_found)
        *out = yyjson_val_mut_copy(request->doc, json_parse(request->arena, text));
    return rc;
}

static struct str member(yyjson_mut_val *object, const char *key)
{
    yyjson_mut_val *value = yyjson_mut_obj_get(object, key);
    return str_make(yyjson_mut_get_str(value), yyjson_mut_get_len(value));
}

/* Whether another function has the same code. */
static bool is_code_shared(struct request *request, struct store_txn *txn, struct str name,
                           struct str code_id)
{
    struct str start = STR("lambda/function/"), key, value;
    struct store_iter *iter =
        store_txn_iter_new(txn, STORE_META, start, store_prefix_end(request->arena, start), false);
    bool is_shared = false;
    while (!is_shared && store_iter_next(iter, &key, &value)) {
        if (!str_eq(str_slice(key, start.len, key.len), name))
            is_shared = str_eq(json_get_str(json_parse(request->arena, value), "Code"), code_id);
    }
    store_iter_free(iter);
    return is_shared;
}

static void write_code(struct request *request, struct store_txn *txn, const struct change *change,
                       struct str old_code)
{
    struct str new_code = change->is_removed ? STR_EMPTY : member(change->document, "Code");
    if (change->code)
        store_txn_put(txn, STORE_BLOBS, lambda_code_key(request->arena, new_code), change->zip);
    if (old_code.len && !str_eq(old_code, new_code) &&
        !is_code_shared(request, txn, change->name, old_code))
        store_txn_delete(txn, STORE_BLOBS, lambda_code_key(request->arena, old_code));
}

static void write_one(struct store_txn *txn, struct str key, struct str text)
{
    if (text.len)
        store_txn_put(txn, STORE_META, key, text);
    else
        store_txn_delete(txn, STORE_META, key);
}

static enum err run(struct request *request, struct store_txn *txn)
{
    struct change *change = request->handler_state;
    struct arena *arena = request->arena;
    struct str function_key = lambda_function_key(arena, change->name);
    struct str policy_key = lambda_policy_key(arena, change->name);
    enum err rc = load_document(request, txn, function_key, &change->document);
    if (rc == OK)
        rc = load_document(request, txn, policy_key, &change->policy);
    if (rc)
        return rc;
    change->configuration = yyjson_mut_obj_get(change->document, "Configuration");
    struct str old_code = member(change->document, "Code");
    rc = change->apply(request, change);
    if (rc || change->is_dry_run)
        return rc;

    if (!change->is_removed)
        change->document_text = json_write(arena, change->document);
    if (!change->is_removed && change->policy)
        change->policy_text = json_write(arena, change->policy);
    write_code(request, txn, change, old_code);
    write_one(txn, function_key, change->document_text);
    write_one(txn, policy_key, change->policy_text);
    return OK;
}

/* The snapshot takes over the change's code, or shares its predecessor's. Not made before the
 * commit, because the predecessor may be of the same batch. */
static struct function *make_snapshot(struct change *change)
{
    struct function *old = catalog_get(&change->lambda->catalog, change->name);
    struct code *code = change->code;
    change->code = NULL;
    if (!code && old && old->code) {
        code = old->code;
        code_ref(code);
    }
    struct function_load *load = old ? old->load : function_load_new();
    if (old)
        function_load_ref(load);
    struct function *function =
        function_new(change->name, change->document_text, change->policy_text, code, load);
    function_unref(old);
    return function;
}

static void committed(struct store_write *write)
{
    struct request *request = write->arg;
    struct change *change = request->handler_state;
    if (change->is_dry_run)
        return;
    if (change->is_removed)
        catalog_remove(&change->lambda->catalog, change->name);
    else
        catalog_set(&change->lambda->catalog, make_snapshot(change));
    fleet_catalog_changed(change->lambda);
}

/* What was not passed on is given back, whatever became of the write. */
static void drop(void *ptr)
{
    struct change *change = ptr;
    code_unref(change->code);
}

enum err change_start(struct request *request, struct change *change,
                      enum err (*after)(struct request *request))
{
    arena_defer(request->arena, drop, change);
    request->handler_state = change;
    request->write.committed = committed;
    return request_write(request, run, after);
}

/* --- For those who apply --- */

enum err change_must_exist(struct request *request, const struct change *change)
{
    if (change->document)
        return OK;
    struct str resource = arena_printf(request->arena, "function:%.*s", STR_ARG(change->name));
    struct str arn = skylite_arn(request->skylite, request->arena, "lambda", resource);
    return request_fail(request, ERR_LAMBDA_RESOURCE_NOT_FOUND, "Function not found: %.*s",
                        STR_ARG(arn));
}

enum err change_check_revision(struct request *request, struct str current)
{
    struct str expected = request_str(request, "RevisionId");
    if (!expected.ptr || str_eq(expected, current))
        return OK;
    return request_fail(request, ERR_LAMBDA_PRECONDITION_FAILED,
                        "The RevisionId provided does not match the latest RevisionId. Call the "
                        "GetFunction/GetAlias API to retrieve the latest RevisionId");
}

/* "2026-01-31T23:59:59.123+0000" */
static struct str last_modified(struct arena *arena)
{
    struct str time = clock_iso8601_ms(arena, clock_wall_ms());
    time.len--;
    return arena_printf(arena, "%.*s+0000", STR_ARG(time));
}

static void put_text(struct request *request, yyjson_mut_val *object, const char *key,
                     struct str value)
{
    settings_put(request->doc, object, key, yyjson_mut_strn(request->doc, value.ptr, value.len));
}

void change_touch(struct request *request, struct change *change)
{
    put_text(request, change->configuration, "LastModified", last_modified(request->arena));
    put_text(request, change->configuration, "RevisionId", random_uuid(request->arena));
}

void change_set_code(struct request *request, struct change *change)
{
    yyjson_mut_val *size = yyjson_mut_uint(request->doc, change->zip.len);
    settings_put(request->doc, change->configuration, "CodeSize", size);
    put_text(request, change->configuration, "CodeSha256", change->code_sha256);
    put_text(request, change->document, "Code", change->code_id);
}

enum err change_answer(struct request *request)
{
    struct change *change = request->handler_state;
    request->output = change->configuration;
    lambda_sweep_code(change->lambda, request->loop);
    return OK;
}
