/* AWS::IAM::* */
#include "services/cloudformation/types.h"

static void make(struct cfn_step *step, const char *operation, struct cfn_call *out)
{
    cfn_call_make(step, "iam", operation, out);
}

/* Policies are given as structures and sent as text. */
static void add_document(struct cfn_step *step, struct cfn_call *call, const char *member,
                         const yyjson_val *holder, const char *property)
{
    cfn_call_add(step, call, member, cfn_text(step, holder, property));
}

static size_t count(const yyjson_val *properties, const char *list)
{
    return yyjson_arr_size(json_get(properties, list));
}

static yyjson_val *element(const yyjson_val *properties, const char *list, size_t index)
{
    return yyjson_arr_get(json_get(properties, list), index);
}

/* --- Role --- */

static const struct cfn_property role_properties[] = {
    {"RoleName", NULL, CFN_OWN, CFN_REPLACES},
    {"AssumeRolePolicyDocument", NULL, CFN_OWN, CFN_REQUIRED},
    {"Description", "Description", CFN_COPY, 0},
    {"MaxSessionDuration", "MaxSessionDuration", CFN_COPY, 0},
    {"Path", "Path", CFN_COPY, CFN_REPLACES},
    {"PermissionsBoundary", "PermissionsBoundary", CFN_COPY, 0},
    {"Tags", "Tags", CFN_COPY, 0},
    {"ManagedPolicyArns", NULL, CFN_OWN, 0},
    {"Policies", NULL, CFN_OWN, 0},
    {NULL, NULL, CFN_COPY, 0},
};

static void make_for_role(struct cfn_step *step, const char *operation, struct cfn_call *out)
{
    make(step, operation, out);
    cfn_call_add(step, out, "RoleName", step->physical_id);
}

static void attach(struct cfn_step *step, const char *operation, const yyjson_val *properties,
                   size_t index, struct cfn_call *out)
{
    make_for_role(step, operation, out);
    cfn_call_add(step, out, "PolicyArn", json_str(element(properties, "ManagedPolicyArns", index)));
}

static void put_policy(struct cfn_step *step, size_t index, struct cfn_call *out)
{
    yyjson_val *policy = element(step->properties, "Policies", index);
    make_for_role(step, "PutRolePolicy", out);
    cfn_call_add(step, out, "PolicyName", cfn_text(step, policy, "PolicyName"));
    add_document(step, out, "PolicyDocument", policy, "PolicyDocument");
}

/* Attachments, then inline policies. */
static enum err add_policies(struct cfn_step *step, size_t index, struct cfn_call *out)
{
    size_t managed = count(step->properties, "ManagedPolicyArns");
    if (index < managed)
        attach(step, "AttachRolePolicy", step->properties, index, out);
    else if (index - managed < count(step->properties, "Policies"))
        put_policy(step, index - managed, out);
    return OK;
}

static enum err create_role(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    if (index > 0)
        return add_policies(step, index - 1, out);
    make(step, "CreateRole", out);
    cfn_call_map(step, role_properties, out);
    cfn_call_add(step, out, "RoleName", cfn_name(step, "RoleName"));
    add_document(step, out, "AssumeRolePolicyDocument", step->properties,
                 "AssumeRolePolicyDocument");
    return OK;
}

static void created_role(struct cfn_step *step, unsigned index, yyjson_mut_val *output)
{
    if (index > 0)
        return;
    yyjson_mut_val *role = yyjson_mut_obj_get(output, "Role");
    step->physical_id = cfn_output(step, role, "RoleName");
    cfn_set_attribute(step, "Arn", cfn_output(step, role, "Arn"));
    cfn_set_attribute(step, "RoleId", cfn_output(step, role, "RoleId"));
}

static enum err drop_policies(struct cfn_step *step, const yyjson_val *properties, size_t index,
                              bool *out_is_done, struct cfn_call *out)
{
    size_t managed = count(properties, "ManagedPolicyArns");
    *out_is_done = false;
    if (index < managed) {
        attach(step, "DetachRolePolicy", properties, index, out);
    } else if (index - managed < count(properties, "Policies")) {
        yyjson_val *policy = element(properties, "Policies", index - managed);
        make_for_role(step, "DeleteRolePolicy", out);
        cfn_call_add(step, out, "PolicyName", cfn_text(step, policy, "PolicyName"));
    } else {
        *out_is_done = true;
    }
    out->may_be_missing = true;
    return OK;
}

static enum err remove_role(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    size_t dropped =
        count(step->properties, "ManagedPolicyArns") + count(step->properties, "Policies");
    bool is_done;
    enum err rc = drop_policies(step, step->properties, index, &is_done, out);
    if (is_done && index == dropped)
        make_for_role(step, "DeleteRole", out);
    return rc;
}

/* Old policies go, new ones come: in between the role can do less, never more. */
static enum err update_role(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    size_t dropped =
        count(step->old_properties, "ManagedPolicyArns") + count(step->old_properties, "Policies");
    bool is_done;
    if (index == 0) {
        make_for_role(step, "UpdateAssumeRolePolicy", out);
        add_document(step, out, "PolicyDocument", step->properties, "AssumeRolePolicyDocument");
        return OK;
    }
    if (index - 1 < dropped)
        return drop_policies(step, step->old_properties, index - 1, &is_done, out);
    return add_policies(step, index - 1 - dropped, out);
}

/* --- Policy: inline, in roles --- */

static const struct cfn_property policy_properties[] = {
    {"PolicyName", NULL, CFN_OWN, CFN_REQUIRED},
    {"PolicyDocument", NULL, CFN_OWN, CFN_REQUIRED},
    {"Roles", NULL, CFN_OWN, 0},
    {"Users", NULL, CFN_OWN, 0},
    {NULL, NULL, CFN_COPY, 0},
};

/* The role or user number `index` that the policy is in. False when there is none left. */
static bool make_for_holder(struct cfn_step *step, const yyjson_val *properties, size_t index,
                            const char *role_operation, const char *user_operation,
                            struct cfn_call *out)
{
    size_t roles = count(properties, "Roles");
    bool is_role = index < roles;
    yyjson_val *holder =
        is_role ? element(properties, "Roles", index) : element(properties, "Users", index - roles);
    if (!holder)
        return false;
    make(step, is_role ? role_operation : user_operation, out);
    cfn_call_add(step, out, is_role ? "RoleName" : "UserName", json_str(holder));
    return true;
}

static enum err put_everywhere(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    if (!make_for_holder(step, step->properties, index, "PutRolePolicy", "PutUserPolicy", out))
        return OK;
    cfn_call_add(step, out, "PolicyName", cfn_text(step, step->properties, "PolicyName"));
    add_document(step, out, "PolicyDocument", step->properties, "PolicyDocument");
    return OK;
}

static void created_policy(struct cfn_step *step, unsigned index, yyjson_mut_val *output)
{
    (void)output;
    if (index == 0)
        step->physical_id = cfn_text(step, step->properties, "PolicyName");
}

static enum err drop_everywhere(struct cfn_step *step, const yyjson_val *properties, size_t index,
                                struct cfn_call *out)
{
    if (!make_for_holder(step, properties, index, "DeleteRolePolicy", "DeleteUserPolicy", out))
        return OK;
    cfn_call_add(step, out, "PolicyName", cfn_text(step, properties, "PolicyName"));
    out->may_be_missing = true;
    return OK;
}

static enum err remove_policy(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    return drop_everywhere(step, step->properties, index, out);
}

static enum err update_policy(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    size_t old = count(step->old_properties, "Roles") + count(step->old_properties, "Users");
    if (index < old)
        return drop_everywhere(step, step->old_properties, index, out);
    step->physical_id = cfn_text(step, step->properties, "PolicyName");
    return put_everywhere(step, index - (unsigned)old, out);
}

/* --- ManagedPolicy --- */

static const struct cfn_property managed_policy_properties[] = {
    {"ManagedPolicyName", NULL, CFN_OWN, 0},
    {"PolicyDocument", NULL, CFN_OWN, CFN_REQUIRED},
    {"Description", "Description", CFN_COPY, 0},
    {"Path", "Path", CFN_COPY, 0},
    {"Roles", NULL, CFN_OWN, 0},
    {"Users", NULL, CFN_OWN, 0},
    {NULL, NULL, CFN_COPY, 0},
};

static enum err create_managed_policy(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    if (index == 0) {
        make(step, "CreatePolicy", out);
        cfn_call_map(step, managed_policy_properties, out);
        cfn_call_add(step, out, "PolicyName", cfn_name(step, "ManagedPolicyName"));
        add_document(step, out, "PolicyDocument", step->properties, "PolicyDocument");
        return OK;
    }
    if (make_for_holder(step, step->properties, index - 1, "AttachRolePolicy", "AttachUserPolicy",
                        out))
        cfn_call_add(step, out, "PolicyArn", step->physical_id);
    return OK;
}

static void created_managed_policy(struct cfn_step *step, unsigned index, yyjson_mut_val *output)
{
    if (index > 0)
        return;
    step->physical_id = cfn_output(step, yyjson_mut_obj_get(output, "Policy"), "Arn");
    cfn_set_attribute(step, "PolicyArn", step->physical_id);
}

static enum err remove_managed_policy(struct cfn_step *step, unsigned index, struct cfn_call *out)
{
    size_t holders = count(step->properties, "Roles") + count(step->properties, "Users");
    if (index > holders)
        return OK;
    if (index == holders)
        make(step, "DeletePolicy", out);
    else
        make_for_holder(step, step->properties, index, "DetachRolePolicy", "DetachUserPolicy", out);
    cfn_call_add(step, out, "PolicyArn", step->physical_id);
    return OK;
}

const struct cfn_type cfn_iam_types[] = {
    {
        .name = "AWS::IAM::Role",
        .properties = role_properties,
        .create = create_role,
        .created = created_role,
        .update = update_role,
        .remove = remove_role,
        .name_property = "RoleName",
        .attributes = CFN_NAMES("Arn", "RoleId"),
    },
    {
        .name = "AWS::IAM::Policy",
        .properties = policy_properties,
        .create = put_everywhere,
        .created = created_policy,
        .update = update_policy,
        .remove = remove_policy,
    },
    {
        .name = "AWS::IAM::ManagedPolicy",
        .properties = managed_policy_properties,
        .create = create_managed_policy,
        .created = created_managed_policy,
        .remove = remove_managed_policy,
        .name_property = "ManagedPolicyName",
        .attributes = CFN_NAMES("PolicyArn"),
    },
    {.name = NULL},
};
