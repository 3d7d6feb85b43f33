/* Changing users, roles and policies inside a write. */
#include "base/clock.h"
#include "services/iam/operations.h"

/* --- Writes --- */

static void committed(struct store_write *write)
{
    struct request *request = write->arg;
    iam_cache_forget(&request_self(request, struct iam)->cache);
}

enum err iam_write(struct request *request, write_run_fn run)
{
    request->write.committed = committed;
    return request_write(request, run, NULL);
}

/* --- Documents --- */

static struct str path_of_input(struct request *request)
{
    struct str path = request_str(request, "Path");
    return path.ptr ? path : STR("/");
}

static enum err name_taken(struct request *request, const struct entity_kind *kind, struct str name)
{
    if (kind == &iam_policy_kind)
        return request_fail(request, ERR_IAM_ENTITY_ALREADY_EXISTS,
                            "A policy called %.*s already exists. Duplicate names are not allowed.",
                            STR_ARG(name));
    return request_fail(request, ERR_IAM_ENTITY_ALREADY_EXISTS, "%s with name %.*s already exists.",
                        kind->title, STR_ARG(name));
}

enum err iam_entity_create(struct request *request, struct store_txn *txn,
                           const struct entity_kind *kind, struct entity *out)
{
    struct reader reader = iam_reader_of(request, txn);
    struct str name = request_str(request, kind->name_member), path = path_of_input(request);
    struct str account = request->skylite->config.account;
    struct str key = iam_entity_key(request->arena, kind, name);
    yyjson_val *existing;
    enum err rc = iam_reader_get(&reader, key, &existing, &request->error);
    if (rc)
        return rc;
    if (existing)
        return name_taken(request, kind, name);

    *out = (struct entity){request, txn, key, json_doc(request->arena), NULL};
    out->root = yyjson_mut_obj(out->doc);
    json_add_str(out->doc, out->root, kind->name_member, name);
    json_add_str(out->doc, out->root, "Path", path);
    json_add_str(out->doc, out->root, "Id", iam_new_id(request->arena, kind->id_prefix, 21));
    json_add_str(out->doc, out->root, "Arn",
                 arena_printf(request->arena, "arn:aws:iam::%.*s:%s%.*s%.*s", STR_ARG(account),
                              kind->noun, STR_ARG(path), STR_ARG(name)));
    json_add_i64(out->doc, out->root, "CreateDate", clock_wall_ms() / 1000 * 1000);
    return OK;
}

static enum err read_named(struct request *request, struct store_txn *txn,
                           const struct entity_kind *kind, yyjson_val **out)
{
    struct reader reader = iam_reader_of(request, txn);
    if (kind != &iam_policy_kind)
        return iam_entity_get(&reader, kind, request_str(request, kind->name_member), out,
                              &request->error);

    struct str arn = request_str(request, "PolicyArn");
    if (iam_managed_find(arn))
        return request_fail(request, ERR_ACCESS_DENIED,
                            "%.*s is managed by AWS and cannot be changed.", STR_ARG(arn));
    enum err rc = iam_policy_by_arn(&reader, arn, out, &request->error);
    if (rc == OK && !*out)
        rc = request_fail(request, ERR_IAM_NO_SUCH_ENTITY, "Policy %.*s was not found.",
                          STR_ARG(arn));
    return rc;
}

enum err iam_entity_load(struct request *request, struct store_txn *txn,
                         const struct entity_kind *kind, struct entity *out)
{
    yyjson_val *value;
    enum err rc = read_named(request, txn, kind, &value);
    if (rc)
        return rc;
    struct str name = json_get_str(value, kind->name_member);
    *out = (struct entity){request, txn, iam_entity_key(request->arena, kind, name),
                           json_doc(request->arena), NULL};
    out->root = yyjson_val_mut_copy(out->doc, value);
    return OK;
}

void iam_entity_save(const struct entity *entity)
{
    store_txn_put(entity->txn, STORE_META, entity->key,
                  json_write(entity->request->arena, entity->root));
}

void iam_entity_delete(const struct entity *entity)
{
    store_txn_delete(entity->txn, STORE_META, entity->key);
}

yyjson_val *iam_entity_read(const struct entity *entity)
{
    struct arena *arena = entity->request->arena;
    return json_parse(arena, json_write(arena, entity->root));
}

enum err iam_entity_change(struct request *request, struct store_txn *txn,
                           const struct entity_kind *kind,
                           enum err (*change)(struct entity *entity))
{
    struct entity entity;
    enum err rc = iam_entity_load(request, txn, kind, &entity);
    if (rc == OK)
        rc = change(&entity);
    if (rc == OK)
        iam_entity_save(&entity);
    return rc;
}

/* --- Members --- */

void iam_entity_set(const struct entity *entity, const char *key, struct str value)
{
    yyjson_mut_obj_remove_str(entity->root, key);
    json_add_str(entity->doc, entity->root, key, value);
}

yyjson_mut_val *iam_entity_object(const struct entity *entity, const char *key)
{
    yyjson_mut_val *object = yyjson_mut_obj_get(entity->root, key);
    return object ? object : json_add_obj(entity->doc, entity->root, key);
}

yyjson_mut_val *iam_entity_array(const struct entity *entity, const char *key)
{
    yyjson_mut_val *array = yyjson_mut_obj_get(entity->root, key);
    return array ? array : json_add_arr(entity->doc, entity->root, key);
}

ptrdiff_t iam_array_find(yyjson_mut_val *array, struct str text)
{
    size_t i, max;
    yyjson_mut_val *value;
    yyjson_mut_arr_foreach (array, i, max, value) {
        if (yyjson_mut_equals_strn(value, text.ptr, text.len))
            return (ptrdiff_t)i;
    }
    return -1;
}

/* --- Checks --- */

enum err iam_check_document(struct request *request, const char *member, enum iam_policy_kind kind)
{
    struct policy *policy;
    enum err rc =
        iam_policy_compile(json_get_str(request->input, member), kind, &policy, &request->error);
    if (rc == OK)
        iam_policy_unref(policy);
    return rc;
}

size_t iam_policy_size(struct str document)
{
    size_t size = 0;
    for (size_t i = 0; i < document.len; i++) {
        char c = document.ptr[i];
        size += c != ' ' && c != '\t' && c != '\r' && c != '\n';
    }
    return size;
}

enum err iam_check_managed_document(struct request *request)
{
    enum { MAX_DOCUMENT = 6144 };
    if (iam_policy_size(request_str(request, "PolicyDocument")) > MAX_DOCUMENT)
        return request_fail(request, ERR_IAM_LIMIT_EXCEEDED,
                            "Cannot exceed quota for PolicySize: %d", MAX_DOCUMENT);
    return iam_check_document(request, "PolicyDocument", POLICY_MANAGED);
}

enum err iam_check_bare(const struct entity *entity)
{
    if (yyjson_mut_arr_size(yyjson_mut_obj_get(entity->root, "AttachedPolicies")))
        return request_fail(entity->request, ERR_IAM_DELETE_CONFLICT,
                            "Cannot delete entity, must detach all policies first.");
    if (yyjson_mut_obj_size(yyjson_mut_obj_get(entity->root, "InlinePolicies")))
        return request_fail(entity->request, ERR_IAM_DELETE_CONFLICT,
                            "Cannot delete entity, must delete policies first.");
    return OK;
}

enum err iam_check_attachable(struct request *request, struct store_txn *txn, struct str arn)
{
    struct reader reader = iam_reader_of(request, txn);
    yyjson_val *policy;
    if (iam_managed_find(arn))
        return OK;
    if (!str_starts(arn, STR("arn:")))
        return request_fail(request, ERR_IAM_INVALID_INPUT, "ARN %.*s is not valid.", STR_ARG(arn));
    enum err rc = iam_policy_by_arn(&reader, arn, &policy, &request->error);
    if (rc == OK && !policy)
        rc = request_fail(request, ERR_IAM_NO_SUCH_ENTITY,
                          "Policy %.*s does not exist or is not attachable.", STR_ARG(arn));
    return rc;
}
