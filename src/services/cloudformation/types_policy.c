/* AWS::IAM: Policy, RolePolicy, UserPolicy, ManagedPolicy. */
#include "services/cloudformation/types_iam.h"

/* The lists of holders, and what each is called by. */
static const struct {
    const char *list, *member;
    const char *put, *drop, *attach, *detach;
} holders[] = {
    {"Roles", "RoleName", "PutRolePolicy", "DeleteRolePolicy", "AttachRolePolicy",
     "DetachRolePolicy"},
    {"Users", "UserName", "PutUserPolicy", "DeleteUserPolicy", "AttachUserPolicy",
     "DetachUserPolicy"},
};

enum { HOLDER_COUNT = sizeof(holders) / sizeof(holders[0]) };

/* --- Policy: inline, in roles and users --- */

static const struct cfn_property policy_properties[] = {
    {"PolicyName", NULL, CFN_OWN, CFN_REQUIRED, NULL},
    {"PolicyDocument", NULL, CFN_OWN, CFN_REQUIRED, NULL},
    {"Roles", NULL, CFN_OWN, 0, NULL},
    {"Users", NULL, CFN_OWN, 0, NULL},
    CFN_END,
};

static void put_everywhere(struct cfn_step *step, struct cfn_calls *calls)
{
    yyjson_val *name;
    size_t i, max;
    for (size_t h = 0; h < HOLDER_COUNT; h++) {
        yyjson_arr_foreach (json_get(step->properties, holders[h].list), i, max, name) {
            struct cfn_call *call =
                iam_add(calls, holders[h].put, holders[h].member, json_str(name));
            cfn_put(step, call, "PolicyName", cfn_wanted(step, "PolicyName"));
            cfn_put(step, call, "PolicyDocument", cfn_wanted(step, "PolicyDocument"));
        }
    }
}

/* From all holders in `from` but those in `kept`. */
static void drop_from(struct cfn_step *step, struct cfn_calls *calls, const yyjson_val *from,
                      const yyjson_val *kept)
{
    yyjson_val *name;
    size_t i, max;
    for (size_t h = 0; h < HOLDER_COUNT; h++) {
        yyjson_arr_foreach (json_get(from, holders[h].list), i, max, name) {
            if (cfn_has(json_get(kept, holders[h].list), name))
                continue;
            struct cfn_call *call =
                iam_add(calls, holders[h].drop, holders[h].member, json_str(name));
            cfn_put(step, call, "PolicyName", cfn_text(step, from, "PolicyName"));
            call->may_be_missing = true;
        }
    }
}

static enum err check_holders(struct cfn_step *step)
{
    if (yyjson_arr_size(json_get(step->properties, "Roles")) ||
        yyjson_arr_size(json_get(step->properties, "Users")))
        return OK;
    return error_set(step->error, ERR_VALIDATION_ERROR,
                     "At least one of [Groups,Roles,Users] must be non-empty.");
}

static enum err create_policy(struct cfn_step *step, struct cfn_calls *calls)
{
    put_everywhere(step, calls);
    return check_holders(step);
}

static void answered_policy(struct cfn_step *step, const struct cfn_call *call,
                            yyjson_mut_val *output)
{
    (void)output;
    if (cfn_is(call, "PutRolePolicy") || cfn_is(call, "PutUserPolicy"))
        step->physical_id = cfn_wanted(step, "PolicyName");
}

static enum err update_policy(struct cfn_step *step, struct cfn_calls *calls)
{
    bool is_renamed = cfn_changed(step, "PolicyName");
    put_everywhere(step, calls);
    drop_from(step, calls, step->old_properties, is_renamed ? NULL : step->properties);
    return check_holders(step);
}

static enum err remove_policy(struct cfn_step *step, struct cfn_calls *calls)
{
    drop_from(step, calls, step->properties, NULL);
    return OK;
}

/* --- RolePolicy, UserPolicy: inline, in one --- */

static const struct cfn_property role_policy_properties[] = {
    {"PolicyName", "PolicyName", CFN_COPY, CFN_REQUIRED | CFN_REPLACES, NULL},
    {"RoleName", "RoleName", CFN_COPY, CFN_REQUIRED | CFN_REPLACES, NULL},
    {"PolicyDocument", NULL, CFN_OWN, 0, NULL},
    CFN_END,
};

static const struct cfn_property user_policy_properties[] = {
    {"PolicyName", "PolicyName", CFN_COPY, CFN_REQUIRED | CFN_REPLACES, NULL},
    {"UserName", "UserName", CFN_COPY, CFN_REQUIRED | CFN_REPLACES, NULL},
    {"PolicyDocument", NULL, CFN_OWN, 0, NULL},
    CFN_END,
};

static enum err put_one(struct cfn_step *step, struct cfn_calls *calls, const char *operation,
                        const struct cfn_property *properties)
{
    struct cfn_call *call = cfn_add(calls, "iam", operation);
    cfn_map(step, call, properties);
    cfn_put(step, call, "PolicyDocument", cfn_wanted(step, "PolicyDocument"));
    return OK;
}

static enum err put_role_policy(struct cfn_step *step, struct cfn_calls *calls)
{
    return put_one(step, calls, "PutRolePolicy", role_policy_properties);
}

static enum err put_user_policy(struct cfn_step *step, struct cfn_calls *calls)
{
    return put_one(step, calls, "PutUserPolicy", user_policy_properties);
}

static enum err remove_role_policy(struct cfn_step *step, struct cfn_calls *calls)
{
    cfn_map(step, cfn_add(calls, "iam", "DeleteRolePolicy"), role_policy_properties);
    return OK;
}

static enum err remove_user_policy(struct cfn_step *step, struct cfn_calls *calls)
{
    cfn_map(step, cfn_add(calls, "iam", "DeleteUserPolicy"), user_policy_properties);
    return OK;
}

/* --- ManagedPolicy --- */

static const struct cfn_property managed_policy_properties[] = {
    {"ManagedPolicyName", NULL, CFN_OWN, CFN_REPLACES, NULL},
    {"PolicyDocument", NULL, CFN_OWN, CFN_REQUIRED, NULL},
    {"Description", "Description", CFN_COPY, CFN_REPLACES, NULL},
    {"Path", "Path", CFN_COPY, CFN_REPLACES, NULL},
    {"Roles", NULL, CFN_OWN, 0, NULL},
    {"Users", NULL, CFN_OWN, 0, NULL},
    CFN_END,
};

/* To, or from, all holders in `of` but those in `other`. */
static void attach(struct cfn_step *step, struct cfn_calls *calls, bool is_attached,
                   const yyjson_val *of, const yyjson_val *other)
{
    yyjson_val *name;
    size_t i, max;
    for (size_t h = 0; h < HOLDER_COUNT; h++) {
        yyjson_arr_foreach (json_get(of, holders[h].list), i, max, name) {
            if (cfn_has(json_get(other, holders[h].list), name))
                continue;
            struct cfn_call *call =
                iam_add(calls, is_attached ? holders[h].attach : holders[h].detach,
                        holders[h].member, json_str(name));
            cfn_put(step, call, "PolicyArn", step->physical_id);
            call->may_be_missing = !is_attached;
        }
    }
}

static enum err create_managed_policy(struct cfn_step *step, struct cfn_calls *calls)
{
    struct cfn_call *call =
        iam_add(calls, "CreatePolicy", "PolicyName", cfn_name(step, "ManagedPolicyName"));
    cfn_map(step, call, managed_policy_properties);
    cfn_put(step, call, "PolicyDocument", cfn_wanted(step, "PolicyDocument"));
    attach(step, calls, true, step->properties, NULL);
    return OK;
}

static void answered_managed_policy(struct cfn_step *step, const struct cfn_call *call,
                                    yyjson_mut_val *output)
{
    if (cfn_is(call, "ListPolicyVersions"))
        step->found = output ? yyjson_mut_val_mut_copy(step->doc, output) : NULL;
    if (!cfn_is(call, "CreatePolicy"))
        return;
    step->physical_id = cfn_output(step, yyjson_mut_obj_get(output, "Policy"), "Arn");
    cfn_set_attribute(step, "PolicyArn", step->physical_id);
}

/* All versions but the default one, for which there would be no room one day. */
static void delete_old_versions(struct cfn_step *step, struct cfn_calls *calls)
{
    yyjson_mut_val *version;
    size_t i, max;
    iam_add(calls, "ListPolicyVersions", "PolicyArn", step->physical_id);
    yyjson_mut_arr_foreach (yyjson_mut_obj_get(step->found, "Versions"), i, max, version) {
        if (!yyjson_mut_get_bool(yyjson_mut_obj_get(version, "IsDefaultVersion")))
            cfn_put(step, iam_add(calls, "DeletePolicyVersion", "PolicyArn", step->physical_id),
                    "VersionId", cfn_output(step, version, "VersionId"));
    }
}

static enum err update_managed_policy(struct cfn_step *step, struct cfn_calls *calls)
{
    if (cfn_changed(step, "PolicyDocument")) {
        struct cfn_call *call =
            iam_add(calls, "CreatePolicyVersion", "PolicyArn", step->physical_id);
        cfn_put(step, call, "PolicyDocument", cfn_wanted(step, "PolicyDocument"));
        json_add_bool(step->doc, call->input, "SetAsDefault", true);
    }
    attach(step, calls, true, step->properties, step->old_properties);
    attach(step, calls, false, step->old_properties, step->properties);
    delete_old_versions(step, calls);
    return OK;
}

static enum err remove_managed_policy(struct cfn_step *step, struct cfn_calls *calls)
{
    attach(step, calls, false, step->properties, NULL);
    delete_old_versions(step, calls);
    iam_add(calls, "DeletePolicy", "PolicyArn", step->physical_id);
    return OK;
}

const struct cfn_type cfn_policy_types[] = {
    {
        .name = "AWS::IAM::Policy",
        .properties = policy_properties,
        .create = create_policy,
        .update = update_policy,
        .remove = remove_policy,
        .answered = answered_policy,
    },
    {
        .name = "AWS::IAM::RolePolicy",
        .properties = role_policy_properties,
        .create = put_role_policy,
        .update = put_role_policy,
        .remove = remove_role_policy,
        .answered = answered_policy,
    },
    {
        .name = "AWS::IAM::UserPolicy",
        .properties = user_policy_properties,
        .create = put_user_policy,
        .update = put_user_policy,
        .remove = remove_user_policy,
        .answered = answered_policy,
    },
    {
        .name = "AWS::IAM::ManagedPolicy",
        .properties = managed_policy_properties,
        .create = create_managed_policy,
        .update = update_managed_policy,
        .remove = remove_managed_policy,
        .answered = answered_managed_policy,
        .name_property = "ManagedPolicyName",
        .attributes = CFN_NAMES("PolicyArn"),
    },
    {.name = NULL},
};
