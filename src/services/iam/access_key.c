/* Users' access keys. A key is a document of its own, so that a request's key is found with one
 * read; the user lists the ids. */
#include "base/clock.h"
#include "services/iam/operations.h"

enum { MAX_KEYS = 2 };

#define PARAM_KEY_ID                                                                               \
    {                                                                                              \
        "AccessKeyId", PARAM_WORD, true, 16, 128                                                   \
    }

static struct str key_of(struct request *request, struct str id)
{
    return arena_printf(request->arena, "iam/key/%.*s", STR_ARG(id));
}

enum err iam_user_of_input(struct request *request, struct str *out_name)
{
    struct str name = request_str(request, "UserName");
    if (!name.ptr && request->principal.kind != PRINCIPAL_USER)
        return request_fail(request, ERR_VALIDATION_ERROR,
                            "Must specify userName when calling with non-User credentials");
    *out_name = name.ptr ? name : request->principal.name;
    return OK;
}

static enum err load_user(struct request *request, struct store_txn *txn, struct entity *out)
{
    struct reader reader = iam_reader_of(request, txn);
    struct str name;
    yyjson_val *user;
    enum err rc = iam_user_of_input(request, &name);
    if (rc == OK)
        rc = iam_entity_get(&reader, &iam_user_kind, name, &user, &request->error);
    if (rc)
        return rc;
    *out = (struct entity){request, txn, iam_entity_key(request->arena, &iam_user_kind, name),
                           json_doc(request->arena), NULL};
    out->root = yyjson_val_mut_copy(out->doc, user);
    return OK;
}

/* --- CreateAccessKey --- */

static void save_key(struct request *request, struct store_txn *txn, yyjson_mut_val *key,
                     struct str id)
{
    store_txn_put(txn, STORE_META, key_of(request, id), json_write(request->arena, key));
}

static void answer_key(struct request *request, yyjson_mut_val *key, int64_t created_ms)
{
    yyjson_mut_val *answer = yyjson_mut_val_mut_copy(request->doc, key);
    yyjson_mut_obj_remove_str(answer, "CreateDate");
    iam_add_time(request, answer, "CreateDate", created_ms);
    json_add(request->doc, request_output(request), "AccessKey", answer);
}

static enum err create_key(struct request *request, struct store_txn *txn)
{
    struct entity user;
    enum err rc = load_user(request, txn, &user);
    if (rc)
        return rc;
    yyjson_mut_val *ids = iam_entity_array(&user, "AccessKeys");
    if (yyjson_mut_arr_size(ids) >= MAX_KEYS)
        return request_fail(request, ERR_IAM_LIMIT_EXCEEDED,
                            "Cannot exceed quota for AccessKeysPerUser: %d", MAX_KEYS);

    int64_t now_ms = clock_wall_ms() / 1000 * 1000;
    struct str id = iam_new_id(request->arena, "AKIA", 20);
    yyjson_mut_val *key = yyjson_mut_obj(request->doc);
    json_add_str(request->doc, key, "UserName", json_get_str(iam_entity_read(&user), "UserName"));
    json_add_str(request->doc, key, "AccessKeyId", id);
    json_add_str(request->doc, key, "Status", STR("Active"));
    json_add_str(request->doc, key, "SecretAccessKey", iam_new_secret(request->arena));
    json_add_i64(request->doc, key, "CreateDate", now_ms);
    save_key(request, txn, key, id);
    yyjson_mut_arr_add_strn(user.doc, ids, id.ptr, id.len);
    iam_entity_save(&user);
    answer_key(request, key, now_ms);
    return OK;
}

enum err iam_create_access_key(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, PARAM_OPTIONAL_USER_NAME);
    return rc ? rc : iam_write(request, create_key);
}

/* --- ListAccessKeys --- */

static enum err add_key(struct request *request, struct pager *pager, yyjson_mut_val *list,
                        struct str id)
{
    struct reader reader = iam_reader_of(request, NULL);
    yyjson_val *key;
    int64_t created = 0;
    enum err rc = iam_reader_get(&reader, key_of(request, id), &key, &request->error);
    if (rc || !key || !iam_pager_take(pager, id))
        return rc;
    yyjson_mut_val *object = yyjson_mut_arr_add_obj(request->doc, list);
    json_get_i64(key, "CreateDate", &created);
    json_add_str(request->doc, object, "UserName", json_get_str(key, "UserName"));
    json_add_str(request->doc, object, "AccessKeyId", id);
    json_add_str(request->doc, object, "Status", json_get_str(key, "Status"));
    iam_add_time(request, object, "CreateDate", created);
    return OK;
}

static enum err list_keys(struct request *request, yyjson_val *user)
{
    struct pager pager;
    size_t i, max;
    yyjson_val *id;
    enum err rc = iam_pager_init(&pager, request);
    if (rc)
        return rc;
    yyjson_mut_val *output = request_output(request);
    yyjson_mut_val *list = json_add_arr(request->doc, output, "AccessKeyMetadata");
    yyjson_arr_foreach (json_get(user, "AccessKeys"), i, max, id) {
        if (rc == OK)
            rc = add_key(request, &pager, list, json_str(id));
    }
    iam_pager_finish(&pager, output);
    return rc;
}

enum err iam_list_access_keys(struct request *request)
{
    struct reader reader = iam_reader_of(request, NULL);
    struct str name;
    yyjson_val *user;
    enum err rc = PARAMS_CHECK(request, PARAM_OPTIONAL_USER_NAME);
    if (rc == OK)
        rc = iam_user_of_input(request, &name);
    if (rc == OK)
        rc = iam_entity_get(&reader, &iam_user_kind, name, &user, &request->error);
    return rc ? rc : list_keys(request, user);
}

/* --- UpdateAccessKey and DeleteAccessKey --- */

/* The user of the input, and the key among those of that user. */
static enum err load_key(struct request *request, struct store_txn *txn, struct entity *out_user,
                         yyjson_val **out_key)
{
    struct reader reader = iam_reader_of(request, txn);
    struct str id = request_str(request, "AccessKeyId");
    enum err rc = load_user(request, txn, out_user);
    if (rc)
        return rc;
    *out_key = NULL;
    if (iam_array_find(iam_entity_array(out_user, "AccessKeys"), id) >= 0)
        rc = iam_reader_get(&reader, key_of(request, id), out_key, &request->error);
    if (rc == OK && !*out_key)
        rc = request_fail(request, ERR_IAM_NO_SUCH_ENTITY,
                          "The Access Key with id %.*s cannot be found.", STR_ARG(id));
    return rc;
}

static enum err update_key(struct request *request, struct store_txn *txn)
{
    struct entity user;
    yyjson_val *key;
    enum err rc = load_key(request, txn, &user, &key);
    if (rc)
        return rc;
    yyjson_mut_val *changed = yyjson_val_mut_copy(request->doc, key);
    yyjson_mut_obj_remove_str(changed, "Status");
    json_add_str(request->doc, changed, "Status", request_str(request, "Status"));
    save_key(request, txn, changed, request_str(request, "AccessKeyId"));
    return OK;
}

enum err iam_update_access_key(struct request *request)
{
    struct str status = request_str(request, "Status");
    enum err rc = PARAMS_CHECK(request, PARAM_OPTIONAL_USER_NAME, PARAM_KEY_ID,
                               {"Status", PARAM_TEXT, true, 0, 32});
    if (rc == OK && !str_eq(status, STR("Active")) && !str_eq(status, STR("Inactive")))
        rc = request_fail(request, ERR_VALIDATION_ERROR,
                          "1 validation error detected: Value '%.*s' at 'status' failed to satisfy "
                          "constraint: Member must satisfy enum value set: [Active, Inactive]",
                          STR_ARG(status));
    return rc ? rc : iam_write(request, update_key);
}

static enum err delete_key(struct request *request, struct store_txn *txn)
{
    struct entity user;
    yyjson_val *key;
    struct str id = request_str(request, "AccessKeyId");
    enum err rc = load_key(request, txn, &user, &key);
    if (rc)
        return rc;
    yyjson_mut_val *ids = iam_entity_array(&user, "AccessKeys");
    yyjson_mut_arr_remove(ids, (size_t)iam_array_find(ids, id));
    iam_entity_save(&user);
    store_txn_delete(txn, STORE_META, key_of(request, id));
    return OK;
}

enum err iam_delete_access_key(struct request *request)
{
    enum err rc = PARAMS_CHECK(request, PARAM_OPTIONAL_USER_NAME, PARAM_KEY_ID);
    return rc ? rc : iam_write(request, delete_key);
}
