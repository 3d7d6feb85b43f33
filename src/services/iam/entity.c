/* Documents of users, roles and policies in the store. */
#include "services/iam/internal.h"

const struct entity_kind iam_role_kind = {
    .noun = "role",
    .title = "Role",
    .name_member = "RoleName",
    .name_path = "roleName",
    .id_prefix = "AROA",
    .key_prefix = "iam/role/",
    .inline_max = 10240,
    .quota = "PoliciesPerRole",
};

const struct entity_kind iam_user_kind = {
    .noun = "user",
    .title = "User",
    .name_member = "UserName",
    .name_path = "userName",
    .id_prefix = "AIDA",
    .key_prefix = "iam/user/",
    .inline_max = 2048,
    .quota = "PoliciesPerUser",
};

const struct entity_kind iam_policy_kind = {
    .noun = "policy",
    .title = "Policy",
    .name_member = "PolicyName",
    .name_path = "policyName",
    .id_prefix = "ANPA",
    .key_prefix = "iam/policy/",
};

/* --- Reading --- */

struct reader iam_reader_of(struct request *request, struct store_txn *txn)
{
    return (struct reader){request->skylite->store, txn, request->arena};
}

enum err iam_reader_get(const struct reader *reader, struct str key, yyjson_val **out,
                        struct error *error)
{
    bool found = false;
    struct str text;
    enum err rc =
        reader->txn
            ? store_txn_get(reader->txn, STORE_META, key, reader->arena, &found, &text, error)
            : store_get(reader->store, STORE_META, key, reader->arena, &found, &text, error);
    *out = NULL;
    if (rc || !found)
        return rc;
    *out = json_parse(reader->arena, text);
    return *out ? OK : error_set(error, ERR_INTERNAL, "A document of IAM in the store is damaged");
}

struct store_iter *iam_reader_iter(const struct reader *reader, struct str start, struct str end)
{
    return reader->txn ? store_txn_iter_new(reader->txn, STORE_META, start, end, false)
                       : store_iter_new(reader->store, STORE_META, start, end, false);
}

struct str iam_entity_key(struct arena *arena, const struct entity_kind *kind, struct str name)
{
    struct str key = arena_printf(arena, "%s%.*s", kind->key_prefix, STR_ARG(name));
    size_t prefix = strlen(kind->key_prefix);
    char *lower = arena_cstr(arena, key);
    for (size_t i = prefix; i < key.len; i++) {
        if (lower[i] >= 'A' && lower[i] <= 'Z')
            lower[i] = (char)(lower[i] + ('a' - 'A'));
    }
    return str_make(lower, key.len);
}

enum err iam_entity_get(const struct reader *reader, const struct entity_kind *kind,
                        struct str name, yyjson_val **out, struct error *error)
{
    enum err rc = iam_reader_get(reader, iam_entity_key(reader->arena, kind, name), out, error);
    if (rc == OK && !*out)
        rc = error_set(error, ERR_IAM_NO_SUCH_ENTITY, "The %s with name %.*s cannot be found.",
                       kind->noun, STR_ARG(name));
    return rc;
}

/* What stands behind the last '/' of an ARN. */
static struct str name_of_arn(struct str arn)
{
    size_t start = arn.len;
    while (start > 0 && arn.ptr[start - 1] != '/')
        start--;
    return str_slice(arn, start, arn.len);
}

enum err iam_entity_by_arn(const struct reader *reader, const struct entity_kind *kind,
                           struct str arn, yyjson_val **out, struct error *error)
{
    enum err rc =
        iam_reader_get(reader, iam_entity_key(reader->arena, kind, name_of_arn(arn)), out, error);
    if (rc == OK && *out && !str_eq(json_get_str(*out, "Arn"), arn))
        *out = NULL;
    return rc;
}

enum err iam_role_by_arn(const struct reader *reader, struct str arn, yyjson_val **out,
                         struct error *error)
{
    enum err rc = iam_entity_by_arn(reader, &iam_role_kind, arn, out, error);
    if (rc == OK && !*out)
        rc = error_set(error, ERR_IAM_NO_SUCH_ENTITY, "The role with name %.*s cannot be found.",
                       STR_ARG(name_of_arn(arn)));
    return rc;
}

enum err iam_policy_by_arn(const struct reader *reader, struct str arn, yyjson_val **out,
                           struct error *error)
{
    return iam_entity_by_arn(reader, &iam_policy_kind, arn, out, error);
}
