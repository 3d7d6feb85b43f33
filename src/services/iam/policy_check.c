/* What IAM refuses in policies whose grammar is right. The order and the texts are those of AWS's
 * answers, as recorded in moto's tests/test_iam/test_iam_policies.py. */
#include "services/iam/policy_check.h"

#define malformed(error, ...) error_set(error, ERR_IAM_MALFORMED_POLICY_DOCUMENT, __VA_ARGS__)

static size_t list_size(yyjson_val *list)
{
    return yyjson_is_arr(list) ? yyjson_arr_size(list) : list ? 1 : 0;
}

static yyjson_val *list_get(yyjson_val *list, size_t index)
{
    return yyjson_is_arr(list) ? yyjson_arr_get(list, index) : list;
}

/* --- Actions --- */

static bool is_vendor(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.';
        if (!is_fine)
            return false;
    }
    return text.len > 0;
}

static enum err check_action(struct str action, struct error *error)
{
    struct str vendor, name = action;
    if (str_eq(action, STR("*")))
        return OK;
    if (!str_cut(&name, ':', &vendor))
        return malformed(
            error, "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.");
    if (str_find_byte(name, ':', 0) >= 0)
        return malformed(error, "Actions/Condition can contain only one colon.");
    if (!str_eq(vendor, STR("*")) && !is_vendor(vendor))
        return malformed(error, "Vendor %.*s is not valid", STR_ARG(vendor));
    return OK;
}

/* The list under `name`, or under the name with Not before it. */
static yyjson_val *list_of(yyjson_val *statement, const char *name, const char *not_name)
{
    yyjson_val *list = yyjson_obj_get(statement, name);
    return list ? list : yyjson_obj_get(statement, not_name);
}

static yyjson_val *actions_of(yyjson_val *statement)
{
    return list_of(statement, "Action", "NotAction");
}

static yyjson_val *resources_of(yyjson_val *statement)
{
    return list_of(statement, "Resource", "NotResource");
}

static enum err check_actions(yyjson_val *statement, struct error *error)
{
    yyjson_val *actions = actions_of(statement);
    for (size_t i = 0; i < list_size(actions); i++) {
        enum err rc = check_action(json_str(list_get(actions, i)), error);
        if (rc)
            return rc;
    }
    return OK;
}

/* --- What the older parser refuses --- */

static enum err legacy_error(struct error *error)
{
    return malformed(error, "The policy failed legacy parsing");
}

static bool are_dates(yyjson_val *values)
{
    for (size_t i = 0; i < list_size(values); i++) {
        yyjson_val *value = list_get(values, i);
        bool is_date =
            yyjson_is_str(value) ? iam_condition_is_date(json_str(value)) : yyjson_is_uint(value);
        if (!is_date)
            return false;
    }
    return true;
}

static bool has_good_dates(yyjson_val *statement)
{
    size_t i, max, j, count;
    yyjson_val *name, *keys, *key, *values;
    yyjson_obj_foreach (yyjson_obj_get(statement, "Condition"), i, max, name, keys) {
        struct condition operator;
        if (!iam_condition_operator(json_str(name), &operator) || operator.test != TEST_DATE)
            continue;
        yyjson_obj_foreach (keys, j, count, key, values) {
            if (!are_dates(values))
                return false;
        }
    }
    return true;
}

static enum err check_legacy(yyjson_val *statement, struct error *error)
{
    struct str effect = json_get_str(statement, "Effect");
    bool is_effect = str_eq(effect, STR("Allow")) || str_eq(effect, STR("Deny"));
    return is_effect && has_good_dates(statement) ? OK : legacy_error(error);
}

/* The first resource of the wrong form is noted in `fault`; one that the older parser refuses is
 * told at once, unless there was such a fault before it. */
static enum err check_resources(yyjson_val *statement, struct error *fault, struct error *error)
{
    yyjson_val *resources = resources_of(statement);
    for (size_t i = 0; i < list_size(resources) && !fault->code; i++) {
        struct str resource = json_str(list_get(resources, i));
        if (iam_resource_check(resource, fault) == OK &&
            !iam_resource_is_parsed_by_legacy(resource))
            return legacy_error(error);
    }
    return OK;
}

/* --- Statement ids --- */

static enum err check_sid(yyjson_val *statement, struct error *error)
{
    struct str sid = json_get_str(statement, "Sid");
    for (size_t i = 0; i < sid.len; i++) {
        char c = sid.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')))
            return malformed(error, "Statement IDs (SID) must be alpha-numeric. Check that your "
                                    "input satisfies the regular expression [0-9A-Za-z]*");
    }
    return OK;
}

static bool repeats_sid(yyjson_val *const *statements, size_t index)
{
    struct str sid = json_get_str(statements[index], "Sid");
    for (size_t i = 0; i < index && sid.len; i++) {
        if (str_eq(json_get_str(statements[i], "Sid"), sid))
            return true;
    }
    return false;
}

/* --- Trust policies --- */

static enum err only_assume_role(struct error *error)
{
    return malformed(error, "AssumeRole policy may only specify STS AssumeRole actions.");
}

static enum err check_trust_action(struct str action, struct error *error)
{
    static const struct str allowed[] = {
        STR_INIT("sts:*"),
        STR_INIT("sts:AssumeRole"),
        STR_INIT("sts:AssumeRoleWithSAML"),
        STR_INIT("sts:AssumeRoleWithWebIdentity"),
        STR_INIT("sts:SetSourceIdentity"),
        STR_INIT("sts:SetContext"),
        STR_INIT("sts:TagSession"),
    };
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
        if (str_eq_nocase(action, allowed[i]))
            return OK;
    }
    return only_assume_role(error);
}

/* --- Principals --- */

/* An AWS principal is everyone, an account, or an ARN of IAM or STS. */
static bool is_aws_principal(struct str text)
{
    struct arn arn;
    uint64_t account;
    if (str_eq(text, STR("*")) || (text.len == 12 && str_to_u64(text, &account)))
        return true;
    return iam_arn_split(text, &arn) && str_eq(arn.parts[0], STR("arn")) &&
           (str_eq(arn.parts[2], STR("iam")) || str_eq(arn.parts[2], STR("sts"))) &&
           arn.parts[3].len == 0 && arn.parts[5].len && str_find_byte(text, '*', 0) < 0;
}

static bool is_service_principal(struct str text)
{
    return str_find(text, STR(".amazonaws.com")) > 0 || str_ends(text, STR(".amazon.com")) ||
           str_ends(text, STR(".aws.internal"));
}

static enum err check_principal(yyjson_val *principal, struct error *error)
{
    static const struct {
        const char *member, *shown;
        bool (*is_fine)(struct str text);
    } types[] = {{"AWS", "AWS", is_aws_principal}, {"Service", "SERVICE", is_service_principal}};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        yyjson_val *list = yyjson_obj_get(principal, types[i].member);
        for (size_t j = 0; j < list_size(list); j++) {
            struct str text = json_str(list_get(list, j));
            if (!types[i].is_fine(text))
                return malformed(error, "Invalid principal in policy: \"%s\":\"%.*s\"",
                                 types[i].shown, STR_ARG(text));
        }
    }
    return OK;
}

static enum err check_trust(yyjson_val *statement, struct error *error)
{
    yyjson_val *principal = yyjson_obj_get(statement, "Principal");
    yyjson_val *actions = yyjson_obj_get(statement, "Action");
    if (resources_of(statement))
        return malformed(error, "Has prohibited field Resource");
    if (yyjson_obj_get(statement, "NotPrincipal"))
        return malformed(error, "AssumeRole policy must not contain NotPrincipal");
    if (!principal)
        return malformed(error, "Missing required field Principal");
    if (yyjson_obj_get(statement, "NotAction"))
        return only_assume_role(error);
    for (size_t i = 0; i < list_size(actions); i++) {
        enum err rc = check_trust_action(json_str(list_get(actions, i)), error);
        if (rc)
            return rc;
    }
    return check_principal(principal, error);
}

static enum err check_who(yyjson_val *statement, enum iam_policy_kind kind, struct error *error)
{
    yyjson_val *principal = list_of(statement, "Principal", "NotPrincipal");
    if (kind == POLICY_TRUST)
        return check_trust(statement, error);
    if (kind == POLICY_RESOURCE)
        return principal ? check_principal(principal, error)
                         : malformed(error, "Missing required field Principal");
    return principal ? malformed(error, "Policy document should not specify a principal.") : OK;
}

/* --- All --- */

/* Where the vendors of resources and the form of ids are another service's matter, it checks them.
 */
static enum err check_forms(yyjson_val *const *statements, size_t count, enum iam_policy_kind kind,
                            struct error *fault, struct error *error)
{
    enum err rc = OK;
    for (size_t i = 0; i < count && rc == OK; i++)
        rc = check_legacy(statements[i], error);
    for (size_t i = 0; i < count && rc == OK && kind < POLICY_TRUST; i++)
        rc = check_resources(statements[i], fault, error);
    for (size_t i = 0; i < count && rc == OK && kind <= POLICY_TRUST; i++)
        rc = check_sid(statements[i], error);
    for (size_t i = 0; i < count && rc == OK; i++) {
        if (repeats_sid(statements, i))
            rc = malformed(error, "Statement IDs (SID) in a single policy must be unique.");
    }
    return rc;
}

enum err iam_policy_check(yyjson_val *const *statements, size_t count, enum iam_policy_kind kind,
                          struct error *error)
{
    struct error fault = {.code = OK};
    enum err rc = check_forms(statements, count, kind, &fault, error);
    for (size_t i = 0; i < count && rc == OK; i++) {
        if (list_size(actions_of(statements[i])) == 0)
            rc = malformed(error, "Policy statement must contain actions.");
    }
    for (size_t i = 0; i < count && rc == OK; i++)
        rc = check_who(statements[i], kind, error);
    if (rc == OK && fault.code) {
        *error = fault;
        rc = fault.code;
    }
    for (size_t i = 0; i < count && rc == OK; i++)
        rc = check_actions(statements[i], error);
    for (size_t i = 0; i < count && rc == OK && kind != POLICY_TRUST; i++) {
        if (list_size(resources_of(statements[i])) == 0)
            rc = malformed(error, "Policy statement must contain resources.");
    }
    return rc;
}
