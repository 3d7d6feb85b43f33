/* AWS::IAM: Role, User, AccessKey. */
#include "services/cloudformation/types_iam.h"

struct cfn_call *iam_add(struct cfn_calls *calls, const char *operation, const char *member,
                         struct str name)
{
    struct cfn_call *call = cfn_add(calls, "iam", operation);
    cfn_put(calls->step, call, member, name);
    return call;
}

/* --- What roles and users have in common --- */

struct holder {
    const char *member;
    const char *attach, *detach, *put, *drop;
    const char *set_boundary, *clear_boundary;
    struct cfn_tagging tagging;
};

static const struct holder role_holder = {
    .member = "RoleName",
    .attach = "AttachRolePolicy",
    .detach = "DetachRolePolicy",
    .put = "PutRolePolicy",
    .drop = "DeleteRolePolicy",
    .set_boundary = "PutRolePermissionsBoundary",
    .clear_boundary = "DeleteRolePermissionsBoundary",
    .tagging = {"iam", "TagRole", "UntagRole", "RoleName", "Tags", "TagKeys", false},
};

static const struct holder user_holder = {
    .member = "UserName",
    .attach = "AttachUserPolicy",
    .detach = "DetachUserPolicy",
    .put = "PutUserPolicy",
    .drop = "DeleteUserPolicy",
    .set_boundary = "PutUserPermissionsBoundary",
    .clear_boundary = "DeleteUserPermissionsBoundary",
    .tagging = {"iam", "TagUser", "UntagUser", "UserName", "Tags", "TagKeys", false},
};

static const struct cfn_property inline_policy_properties[] = {
    {"PolicyName", NULL, CFN_OWN, CFN_REQUIRED, NULL},
    {"PolicyDocument", NULL, CFN_OWN, CFN_REQUIRED, NULL},
    CFN_END,
};

/* Whether the list of inline policies has one of that name. */
static bool has_policy(const yyjson_val *list, struct str name)
{
    yyjson_val *policy;
    size_t i, max;
    yyjson_arr_foreach ((yyjson_val *)(uintptr_t)list, i, max, policy) {
        if (str_eq(json_get_str(policy, "PolicyName"), name))
            return true;
    }
    return false;
}

/* Policies that are not there yet, or not like this. */
static void add_policies(struct cfn_step *step, struct cfn_calls *calls,
                         const struct holder *holder)
{
    yyjson_val *policy, *before = json_get(step->old_properties, "ManagedPolicyArns");
    size_t i, max;
    yyjson_arr_foreach (json_get(step->properties, "ManagedPolicyArns"), i, max, policy) {
        if (!cfn_has(before, policy))
            cfn_put(step, iam_add(calls, holder->attach, holder->member, step->physical_id),
                    "PolicyArn", json_str(policy));
    }
    before = json_get(step->old_properties, "Policies");
    yyjson_arr_foreach (json_get(step->properties, "Policies"), i, max, policy) {
        if (cfn_has(before, policy))
            continue;
        struct cfn_call *call = iam_add(calls, holder->put, holder->member, step->physical_id);
        cfn_put(step, call, "PolicyName", cfn_text(step, policy, "PolicyName"));
        cfn_put(step, call, "PolicyDocument", cfn_text(step, policy, "PolicyDocument"));
    }
}

/* Policies of `from` that `kept` (NULL: none) does not have. */
static void drop_policies(struct cfn_step *step, struct cfn_calls *calls,
                          const struct holder *holder, const yyjson_val *from,
                          const yyjson_val *kept)
{
    yyjson_val *policy;
    size_t i, max;
    yyjson_arr_foreach (json_get(from, "ManagedPolicyArns"), i, max, policy) {
        if (cfn_has(json_get(kept, "ManagedPolicyArns"), policy))
            continue;
        struct cfn_call *call = iam_add(calls, holder->detach, holder->member, step->physical_id);
        cfn_put(step, call, "PolicyArn", json_str(policy));
        call->may_be_missing = true;
    }
    yyjson_arr_foreach (json_get(from, "Policies"), i, max, policy) {
        struct str name = json_get_str(policy, "PolicyName");
        if (has_policy(json_get(kept, "Policies"), name))
            continue;
        struct cfn_call *call = iam_add(calls, holder->drop, holder->member, step->physical_id);
        cfn_put(step, call, "PolicyName", name);
        call->may_be_missing = true;
    }
}

static void change_boundary(struct cfn_step *step, struct cfn_calls *calls,
                            const struct holder *holder)
{
    struct str boundary = cfn_wanted(step, "PermissionsBoundary");
    if (!cfn_changed(step, "PermissionsBoundary"))
        return;
    const char *operation = boundary.ptr ? holder->set_boundary : holder->clear_boundary;
    struct cfn_call *call = iam_add(calls, operation, holder->member, step->physical_id);
    cfn_put(step, call, "PermissionsBoundary", boundary);
    call->may_be_missing = !boundary.ptr;
}

/* The new policies are there before the old ones go, so that what is allowed both before and after
 * is allowed all the time. */
static void change_holder(struct cfn_step *step, struct cfn_calls *calls,
                          const struct holder *holder)
{
    change_boundary(step, calls, holder);
    add_policies(step, calls, holder);
    drop_policies(step, calls, holder, step->old_properties, step->properties);
    cfn_change_tags(step, calls, &holder->tagging, step->physical_id);
}

/* --- Role --- */

static const struct cfn_property role_properties[] = {
    {"RoleName", NULL, CFN_OWN, CFN_REPLACES, NULL},
    {"AssumeRolePolicyDocument", NULL, CFN_OWN, CFN_REQUIRED, NULL},
    {"Description", "Description", CFN_COPY, 0, NULL},
    {"MaxSessionDuration", "MaxSessionDuration", CFN_COPY, 0, NULL},
    {"Path", "Path", CFN_COPY, CFN_REPLACES, NULL},
    {"PermissionsBoundary", "PermissionsBoundary", CFN_COPY, 0, NULL},
    {"Tags", "Tags", CFN_COPY, 0, NULL},
    {"ManagedPolicyArns", NULL, CFN_OWN, 0, NULL},
    {"Policies", NULL, CFN_OWN, 0, inline_policy_properties},
    CFN_END,
};

static enum err create_role(struct cfn_step *step, struct cfn_calls *calls)
{
    struct cfn_call *call = iam_add(calls, "CreateRole", "RoleName", cfn_name(step, "RoleName"));
    cfn_map(step, call, role_properties);
    cfn_put(step, call, "AssumeRolePolicyDocument", cfn_wanted(step, "AssumeRolePolicyDocument"));
    add_policies(step, calls, &role_holder);
    return OK;
}

static void answered_role(struct cfn_step *step, const struct cfn_call *call,
                          yyjson_mut_val *output)
{
    yyjson_mut_val *role = yyjson_mut_obj_get(output, "Role");
    if (!cfn_is(call, "CreateRole"))
        return;
    step->physical_id = cfn_output(step, role, "RoleName");
    cfn_set_attribute(step, "Arn", cfn_output(step, role, "Arn"));
    cfn_set_attribute(step, "RoleId", cfn_output(step, role, "RoleId"));
}

static enum err update_role(struct cfn_step *step, struct cfn_calls *calls)
{
    if (cfn_changed(step, "AssumeRolePolicyDocument"))
        cfn_put(step, iam_add(calls, "UpdateAssumeRolePolicy", "RoleName", step->physical_id),
                "PolicyDocument", cfn_wanted(step, "AssumeRolePolicyDocument"));
    if (cfn_changed(step, "Description") || cfn_changed(step, "MaxSessionDuration")) {
        struct str description = cfn_wanted(step, "Description");
        struct str duration = cfn_wanted(step, "MaxSessionDuration");
        struct cfn_call *call = iam_add(calls, "UpdateRole", "RoleName", step->physical_id);
        cfn_put(step, call, "Description", description.ptr ? description : STR_EMPTY);
        cfn_put(step, call, "MaxSessionDuration", duration.ptr ? duration : STR("3600"));
    }
    change_holder(step, calls, &role_holder);
    return OK;
}

static enum err remove_role(struct cfn_step *step, struct cfn_calls *calls)
{
    drop_policies(step, calls, &role_holder, step->properties, NULL);
    iam_add(calls, "DeleteRole", "RoleName", step->physical_id);
    return OK;
}

/* --- User --- */

static const struct cfn_property user_properties[] = {
    {"UserName", NULL, CFN_OWN, CFN_REPLACES, NULL},
    {"Path", "Path", CFN_COPY, CFN_REPLACES, NULL},
    {"PermissionsBoundary", "PermissionsBoundary", CFN_COPY, 0, NULL},
    {"Tags", "Tags", CFN_COPY, 0, NULL},
    {"ManagedPolicyArns", NULL, CFN_OWN, 0, NULL},
    {"Policies", NULL, CFN_OWN, 0, inline_policy_properties},
    CFN_END,
};

static enum err create_user(struct cfn_step *step, struct cfn_calls *calls)
{
    cfn_map(step, iam_add(calls, "CreateUser", "UserName", cfn_name(step, "UserName")),
            user_properties);
    add_policies(step, calls, &user_holder);
    return OK;
}

static void answered_user(struct cfn_step *step, const struct cfn_call *call,
                          yyjson_mut_val *output)
{
    yyjson_mut_val *user = yyjson_mut_obj_get(output, "User");
    if (!cfn_is(call, "CreateUser"))
        return;
    step->physical_id = cfn_output(step, user, "UserName");
    cfn_set_attribute(step, "Arn", cfn_output(step, user, "Arn"));
}

static enum err update_user(struct cfn_step *step, struct cfn_calls *calls)
{
    change_holder(step, calls, &user_holder);
    return OK;
}

static enum err remove_user(struct cfn_step *step, struct cfn_calls *calls)
{
    drop_policies(step, calls, &user_holder, step->properties, NULL);
    iam_add(calls, "DeleteUser", "UserName", step->physical_id);
    return OK;
}

/* --- AccessKey --- */

static const struct cfn_property access_key_properties[] = {
    {"UserName", "UserName", CFN_COPY, CFN_REQUIRED | CFN_REPLACES, NULL},
    {"Serial", NULL, CFN_OWN, CFN_REPLACES, NULL},
    {"Status", NULL, CFN_OWN, 0, NULL},
    CFN_END,
};

static struct cfn_call *add_for_key(struct cfn_calls *calls, const char *operation)
{
    struct cfn_call *call =
        iam_add(calls, operation, "UserName", cfn_wanted(calls->step, "UserName"));
    cfn_put(calls->step, call, "AccessKeyId", calls->step->physical_id);
    return call;
}

static void set_status(struct cfn_step *step, struct cfn_calls *calls)
{
    struct str status = cfn_wanted(step, "Status");
    cfn_put(step, add_for_key(calls, "UpdateAccessKey"), "Status",
            status.ptr ? status : STR("Active"));
}

static enum err create_access_key(struct cfn_step *step, struct cfn_calls *calls)
{
    iam_add(calls, "CreateAccessKey", "UserName", cfn_wanted(step, "UserName"));
    if (str_eq(cfn_wanted(step, "Status"), STR("Inactive")))
        set_status(step, calls);
    return OK;
}

static void answered_access_key(struct cfn_step *step, const struct cfn_call *call,
                                yyjson_mut_val *output)
{
    yyjson_mut_val *key = yyjson_mut_obj_get(output, "AccessKey");
    if (!cfn_is(call, "CreateAccessKey"))
        return;
    step->physical_id = cfn_output(step, key, "AccessKeyId");
    cfn_set_attribute(step, "SecretAccessKey", cfn_output(step, key, "SecretAccessKey"));
}

static enum err update_access_key(struct cfn_step *step, struct cfn_calls *calls)
{
    set_status(step, calls);
    return OK;
}

static enum err remove_access_key(struct cfn_step *step, struct cfn_calls *calls)
{
    (void)step;
    add_for_key(calls, "DeleteAccessKey");
    return OK;
}

const struct cfn_type cfn_iam_types[] = {
    {
        .name = "AWS::IAM::Role",
        .properties = role_properties,
        .create = create_role,
        .update = update_role,
        .remove = remove_role,
        .answered = answered_role,
        .name_property = "RoleName",
        .attributes = CFN_NAMES("Arn", "RoleId"),
    },
    {
        .name = "AWS::IAM::User",
        .properties = user_properties,
        .create = create_user,
        .update = update_user,
        .remove = remove_user,
        .answered = answered_user,
        .name_property = "UserName",
        .attributes = CFN_NAMES("Arn"),
    },
    {
        .name = "AWS::IAM::AccessKey",
        .properties = access_key_properties,
        .create = create_access_key,
        .update = update_access_key,
        .remove = remove_access_key,
        .answered = answered_access_key,
        .attributes = CFN_NAMES("SecretAccessKey"),
    },
    {.name = NULL},
};
