/* Changing functions. */
#include "services/lambda/change.h"

#include "base/clock.h"
#include "base/encode.h"
#include "services/lambda/settings.h"

/* --- Keys --- */

struct str lambda_function_key(struct arena *arena, struct str key)
{
    return arena_printf(arena, LAMBDA_FUNCTIONS "%.*s", STR_ARG(key));
}

struct str lambda_alias_key(struct arena *arena, struct str key)
{
    return arena_printf(arena, LAMBDA_ALIASES "%.*s", STR_ARG(key));
}

struct str lambda_policy_key(struct arena *arena, struct str key)
{
    return arena_printf(arena, "lambda/policy/%.*s", STR_ARG(key));
}

struct str lambda_code_key(struct arena *arena, struct str code_id)
{
    return arena_printf(arena, "lambda/code/%.*s", STR_ARG(code_id));
}

/* Where the document of what is changed is stored. */
static struct str document_key(struct arena *arena, const struct change *change)
{
    return change->is_alias ? lambda_alias_key(arena, change->key)
                            : lambda_function_key(arena, change->key);
}

/* --- Beginning --- */

static enum err new_named(struct request *request, change_fn apply, struct str text,
                          struct str qualifier, bool is_plain, struct change **out)
{
    struct lambda *lambda = request_self(request, struct lambda);
    struct function_name name;
    uint64_t version;
    enum err rc = is_plain ? lambda_parse_plain_name(text, &name, &request->error)
                           : lambda_parse_name(text, qualifier, &name, &request->error);
    if (rc)
        return rc;
    struct change *change = arena_new(request->arena, struct change);
    change->lambda = lambda;
    change->name = name;
    change->key = lambda_key(request->arena, name);
    change->is_alias = change->key.len > name.name.len && !str_to_u64(name.qualifier, &version);
    change->apply = apply;
    *out = change;
    return OK;
}

enum err change_new_qualified(struct request *request, change_fn apply, struct str qualifier,
                              struct change **out)
{
    return new_named(request, apply, request_str(request, "FunctionName"), qualifier, false, out);
}

enum err change_new_of(struct request *request, change_fn apply, struct str text,
                       struct change **out)
{
    struct change *change;
    enum err rc = new_named(request, apply, text, STR_EMPTY, true, &change);
    if (rc)
        return rc;
    if (!str_eq(change->key, change->name.name))
        return request_fail(request, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                            "This operation is permitted on Lambda functions only. Aliases and "
                            "versions do not support this operation. Please specify either a "
                            "function name or an unqualified function ARN.");
    *out = change;
    return OK;
}

enum err change_new(struct request *request, change_fn apply, struct change **out)
{
    return change_new_of(request, apply, request_str(request, "FunctionName"), out);
}

/* --- On the writer thread --- */

enum err change_load(struct request *request, const struct change *change, struct str key,
                     yyjson_mut_val **out)
{
    bool is_found;
    struct str text;
    enum err rc = store_txn_get(change->txn, STORE_META, key, request->arena, &is_found, &text,
                                &request->error);
    *out = NULL;
    if (rc == OK && is_found)
        *out = yyjson_val_mut_copy(request->doc, json_parse(request->arena, text));
    return rc;
}

/* Whether another function or version has the same code. */
static bool is_code_shared(struct request *request, const struct change *change, struct str code_id)
{
    struct str start = STR(LAMBDA_FUNCTIONS), key, value;
    struct store_iter *iter = store_txn_iter_new(change->txn, STORE_META, start,
                                                 store_prefix_end(request->arena, start), false);
    bool is_shared = false;
    while (!is_shared && store_iter_next(iter, &key, &value)) {
        if (!str_eq(str_slice(key, start.len, key.len), change->key))
            is_shared = str_eq(json_get_str(json_parse(request->arena, value), "Code"), code_id);
    }
    store_iter_free(iter);
    return is_shared;
}

void change_drop_code(struct request *request, const struct change *change, struct str code_id)
{
    if (code_id.len && !is_code_shared(request, change, code_id))
        store_txn_delete(change->txn, STORE_BLOBS, lambda_code_key(request->arena, code_id));
}

static void write_code(struct request *request, const struct change *change, struct str old_code)
{
    struct str new_code =
        change->is_removed ? STR_EMPTY : json_mut_get_str(change->document, "Code");
    if (change->code)
        store_txn_put(change->txn, STORE_BLOBS, lambda_code_key(request->arena, new_code),
                      change->zip);
    if (!str_eq(old_code, new_code))
        change_drop_code(request, change, old_code);
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
    struct str policy_key = lambda_policy_key(arena, change->key);
    change->txn = txn;
    enum err rc = change_load(request, change, document_key(arena, change), &change->document);
    if (rc == OK)
        rc = change_load(request, change, policy_key, &change->policy);
    if (rc)
        return rc;
    change->configuration = yyjson_mut_obj_get(change->document, "Configuration");
    struct str old_code = json_mut_get_str(change->document, "Code");
    rc = change->apply(request, change);
    if (rc || change->is_dry_run)
        return rc;

    if (!change->is_removed)
        change->document_text = json_write(arena, change->document);
    if (!change->is_removed && change->policy)
        change->policy_text = json_write(arena, change->policy);
    write_one(txn, document_key(arena, change), change->document_text);
    write_one(txn, policy_key, change->policy_text);
    write_code(request, change, old_code);
    return OK;
}

/* The snapshot takes over the change's code, or shares its predecessor's. Not made before the
 * commit, because the predecessor may be of the same batch. */
static struct function *make_snapshot(struct change *change)
{
    struct function *old = catalog_get(&change->lambda->catalog, change->key);
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
        function_new(change->key, change->document_text, change->policy_text, code, load);
    function_unref(old);
    return function;
}

/* The published version runs the code that the function has now. */
static void show_published(struct change *change)
{
    struct catalog *catalog = &change->lambda->catalog;
    const struct published *published = &change->published;
    struct function *latest = catalog_get(catalog, change->key);
    if (latest->code)
        code_ref(latest->code);
    function_load_ref(latest->load);
    catalog_set(catalog, function_new(published->key, published->text, STR_EMPTY, latest->code,
                                      latest->load));
    function_unref(latest);
}

static void show(struct change *change)
{
    struct catalog *catalog = &change->lambda->catalog;
    bool is_function = str_eq(change->key, change->name.name);
    if (change->is_removed && is_function)
        catalog_remove_all(catalog, change->key);
    else if (change->is_removed && change->is_alias)
        catalog_remove_alias(catalog, change->key);
    else if (change->is_removed)
        catalog_remove(catalog, change->key);
    else if (change->is_alias)
        catalog_set_alias(catalog,
                          alias_new(change->key, change->document_text, change->policy_text));
    else
        catalog_set(catalog, make_snapshot(change));
    if (change->published.text.len)
        show_published(change);
}

static void committed(struct store_write *write)
{
    struct request *request = write->arg;
    struct change *change = request->handler_state;
    if (change->is_dry_run)
        return;
    show(change);
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
    return change->document ? OK : lambda_not_found(change->lambda, change->name, &request->error);
}

enum err change_check_revision(struct request *request, yyjson_mut_val *object)
{
    struct str expected = request_str(request, "RevisionId");
    if (!expected.ptr || str_eq(expected, json_mut_get_str(object, "RevisionId")))
        return OK;
    return request_fail(request, ERR_LAMBDA_PRECONDITION_FAILED,
                        "The Revision Id provided does not match the latest Revision Id. Call the "
                        "GetFunction/GetAlias API to retrieve the latest Revision Id");
}

/* "2026-01-31T23:59:59.123+0000" */
static struct str last_modified(struct arena *arena)
{
    struct str time = clock_iso8601_ms(arena, clock_wall_ms());
    time.len--;
    return arena_printf(arena, "%.*s+0000", STR_ARG(time));
}

void change_touch(struct request *request, struct change *change)
{
    settings_put_text(request->doc, change->configuration, "LastModified",
                      last_modified(request->arena));
    settings_put_text(request->doc, change->configuration, "RevisionId",
                      random_uuid(request->arena));
    settings_put_text(request->doc, change->document, "Generation", random_uuid(request->arena));
}

void change_set_code(struct request *request, struct change *change)
{
    yyjson_mut_val *size = yyjson_mut_uint(request->doc, change->zip.len);
    settings_put(request->doc, change->configuration, "CodeSize", size);
    settings_put_text(request->doc, change->configuration, "CodeSha256", change->code_sha256);
    settings_put_text(request->doc, change->document, "Code", change->code_id);
}

enum err change_answer(struct request *request)
{
    struct change *change = request->handler_state;
    yyjson_mut_val *published = change->published.configuration;
    request->output = published ? published : change->configuration;
    settings_show(request, request->output);
    lambda_sweep_code(change->lambda, request->loop);
    return OK;
}
