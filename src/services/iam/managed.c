/* Managed policies: AWS's own, built in, and the account's. */
#include "services/iam/internal.h"

struct str iam_managed_arn(struct arena *arena, const struct managed_policy *policy)
{
    return arena_printf(arena, "arn:aws:iam::aws:policy%s%s", policy->path, policy->name);
}

const struct managed_policy *iam_managed_find(struct str arn)
{
    struct str prefix = STR("arn:aws:iam::aws:policy");
    if (!str_starts(arn, prefix))
        return NULL;
    struct str rest = str_slice(arn, prefix.len, arn.len);
    for (size_t i = 0; i < iam_managed_policy_count; i++) {
        struct str path = str_from(iam_managed_policies[i].path);
        if (str_starts(rest, path) &&
            str_eq(str_slice(rest, path.len, rest.len), str_from(iam_managed_policies[i].name)))
            return &iam_managed_policies[i];
    }
    return NULL;
}

static struct str version_document(yyjson_val *policy)
{
    struct str wanted = json_get_str(policy, "DefaultVersionId");
    size_t i, max;
    yyjson_val *version;
    yyjson_arr_foreach (json_get(policy, "Versions"), i, max, version) {
        if (str_eq(json_get_str(version, "VersionId"), wanted))
            return json_get_str(version, "Document");
    }
    return (struct str){NULL, 0};
}

enum err iam_managed_document(const struct reader *reader, struct str arn, struct str *out,
                              struct error *error)
{
    const struct managed_policy *built_in = iam_managed_find(arn);
    yyjson_val *policy = NULL;
    *out = (struct str){NULL, 0};
    if (built_in) {
        *out = str_from(built_in->document);
        return OK;
    }
    enum err rc = iam_policy_by_arn(reader, arn, &policy, error);
    if (rc == OK && policy)
        *out = version_document(policy);
    return rc;
}
