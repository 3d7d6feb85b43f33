/* What IAM refuses in policies whose grammar is right. */
#include "services/iam/policy.h"

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

static enum err check_actions(yyjson_val *statement, struct error *error)
{
    yyjson_val *actions = yyjson_obj_get(statement, "Action");
    if (!actions)
        actions = yyjson_obj_get(statement, "NotAction");
    if (list_size(actions) == 0)
        return malformed(error, "Policy statement must contain actions.");
    for (size_t i = 0; i < list_size(actions); i++) {
        enum err rc = check_action(json_str(list_get(actions, i)), error);
        if (rc)
            return rc;
    }
    return OK;
}

/* --- Resources --- */

static bool is_partition(struct str text)
{
    static const struct str partitions[] = {
        STR_INIT("*"),          STR_INIT("aws"),       STR_INIT("aws-cn"),
        STR_INIT("aws-us-gov"), STR_INIT("aws-iso"),   STR_INIT("aws-iso-b"),
        STR_INIT("aws-iso-e"),  STR_INIT("aws-iso-f"), STR_INIT("aws-eusc"),
    };
    for (size_t i = 0; i < sizeof(partitions) / sizeof(partitions[0]); i++) {
        if (str_eq(text, partitions[i]))
            return true;
    }
    return false;
}

static struct str or_any(struct str part)
{
    return part.ptr ? part : STR("*");
}

static enum err check_resource(struct str resource, struct error *error)
{
    struct str rest = resource, parts[ARN_PARTS] = {{NULL, 0}};
    if (str_eq(resource, STR("*")))
        return OK;
    if (str_find_byte(resource, ':', 0) < 0)
        return malformed(error, "Resource %.*s must be in ARN format or \"*\".", STR_ARG(resource));
    for (int i = 0; i < ARN_PARTS - 1; i++) {
        if (!str_cut(&rest, ':', &parts[i]))
            break;
        parts[ARN_PARTS - 1] = rest;
    }

    if (!str_eq(parts[0], STR("arn")) && !str_eq(parts[0], STR("*")))
        return malformed(error, "Resource %.*s must be in ARN format or \"*\".", STR_ARG(resource));
    if (parts[1].ptr && !is_partition(parts[1]))
        return malformed(
            error, "Partition \"%.*s\" is not valid for resource \"arn:%.*s:%.*s:%.*s:%.*s:%.*s\".",
            STR_ARG(parts[1]), STR_ARG(parts[1]), STR_ARG(or_any(parts[2])),
            STR_ARG(or_any(parts[3])), STR_ARG(or_any(parts[4])), STR_ARG(or_any(parts[5])));
    if (!parts[2].ptr || parts[2].len == 0)
        return malformed(error,
                         "Resource vendor must be fully qualified and cannot contain regexes.");
    if (str_eq(parts[2], STR("iam")) && parts[3].len)
        return malformed(error, "IAM resource %.*s cannot contain region information.",
                         STR_ARG(resource));
    return OK;
}

static enum err check_resources(yyjson_val *statement, struct error *error)
{
    yyjson_val *resources = yyjson_obj_get(statement, "Resource");
    if (!resources)
        resources = yyjson_obj_get(statement, "NotResource");
    if (list_size(resources) == 0)
        return malformed(error, "Policy statement must contain resources.");
    for (size_t i = 0; i < list_size(resources); i++) {
        enum err rc = check_resource(json_str(list_get(resources, i)), error);
        if (rc)
            return rc;
    }
    return OK;
}

/* --- Trust policies --- */

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
    return malformed(error, "AssumeRole policy may only specify STS AssumeRole actions.");
}

/* An AWS principal is everyone, an account, or an ARN of IAM or STS. */
static enum err check_trust_principal(struct str text, struct error *error)
{
    struct arn arn;
    uint64_t account;
    bool is_fine = str_eq(text, STR("*")) || (text.len == 12 && str_to_u64(text, &account));
    if (!is_fine && iam_arn_split(text, &arn))
        is_fine = str_eq(arn.parts[0], STR("arn")) &&
                  (str_eq(arn.parts[2], STR("iam")) || str_eq(arn.parts[2], STR("sts"))) &&
                  arn.parts[3].len == 0 && arn.parts[5].len && str_find_byte(text, '*', 0) < 0;
    if (is_fine)
        return OK;
    return malformed(error, "Invalid principal in policy: \"AWS\":\"%.*s\"", STR_ARG(text));
}

static enum err check_trust(yyjson_val *statement, struct error *error)
{
    yyjson_val *principal = yyjson_obj_get(statement, "Principal");
    yyjson_val *actions = yyjson_obj_get(statement, "Action");
    if (yyjson_obj_get(statement, "Resource") || yyjson_obj_get(statement, "NotResource"))
        return malformed(error, "Has prohibited field Resource");
    if (yyjson_obj_get(statement, "NotPrincipal"))
        return malformed(error, "AssumeRole policy must not contain NotPrincipal");
    if (!principal)
        return malformed(error, "Missing required field Principal");
    for (size_t i = 0; i < list_size(actions); i++) {
        enum err rc = check_trust_action(json_str(list_get(actions, i)), error);
        if (rc)
            return rc;
    }
    yyjson_val *aws = yyjson_obj_get(principal, "AWS");
    for (size_t i = 0; i < list_size(aws); i++) {
        enum err rc = check_trust_principal(json_str(list_get(aws, i)), error);
        if (rc)
            return rc;
    }
    return OK;
}

/* --- All --- */

static enum err check_statement(yyjson_val *statement, enum iam_policy_kind kind,
                                struct error *error)
{
    enum err rc = check_actions(statement, error);
    if (rc)
        return rc;
    if (kind == POLICY_TRUST)
        return check_trust(statement, error);
    if (yyjson_obj_get(statement, "Principal") || yyjson_obj_get(statement, "NotPrincipal"))
        return malformed(error, "Policy document should not specify a principal.");
    return check_resources(statement, error);
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

enum err iam_policy_check(yyjson_val *const *statements, size_t count, enum iam_policy_kind kind,
                          struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (repeats_sid(statements, i))
            return malformed(error, "Statement IDs (SID) in a single policy must be unique.");
    }
    for (size_t i = 0; i < count; i++) {
        enum err rc = check_statement(statements[i], kind, error);
        if (rc)
            return rc;
    }
    return OK;
}
