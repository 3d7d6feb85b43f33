/* The tables of operations. */
#include "services/iam/operations.h"

#define ROW(name, handler, resource)                                                               \
    {                                                                                              \
#name, handler, "iam:" #name, resource, .flags = 0                                         \
    }

#define READ(name, handler, resource)                                                              \
    {                                                                                              \
#name, handler, "iam:" #name, resource, .flags = OPERATION_READ                            \
    }

/* The one list of what the IAM API offers, by subject. */
const struct operation iam_operations[] = {
    ROW(CreateRole, iam_create_role, iam_resource_new_role),
    READ(GetRole, iam_get_role, iam_resource_role),
    READ(ListRoles, iam_list_roles, iam_resource_all_roles),
    ROW(DeleteRole, iam_delete_role, iam_resource_role),
    ROW(UpdateRole, iam_update_role, iam_resource_role),
    ROW(UpdateRoleDescription, iam_update_role_description, iam_resource_role),
    ROW(UpdateAssumeRolePolicy, iam_update_assume_role_policy, iam_resource_role),

    ROW(AttachRolePolicy, iam_attach_role_policy, iam_resource_role),
    ROW(DetachRolePolicy, iam_detach_role_policy, iam_resource_role),
    READ(ListAttachedRolePolicies, iam_list_attached_role_policies, iam_resource_role),
    ROW(PutRolePolicy, iam_put_role_policy, iam_resource_role),
    READ(GetRolePolicy, iam_get_role_policy, iam_resource_role),
    ROW(DeleteRolePolicy, iam_delete_role_policy, iam_resource_role),
    READ(ListRolePolicies, iam_list_role_policies, iam_resource_role),
    ROW(PutRolePermissionsBoundary, iam_put_role_permissions_boundary, iam_resource_role),
    ROW(DeleteRolePermissionsBoundary, iam_delete_role_permissions_boundary, iam_resource_role),
    ROW(TagRole, iam_tag_role, iam_resource_role),
    ROW(UntagRole, iam_untag_role, iam_resource_role),
    READ(ListRoleTags, iam_list_role_tags, iam_resource_role),

    ROW(CreatePolicy, iam_create_policy, iam_resource_new_policy),
    READ(GetPolicy, iam_get_policy, iam_resource_policy),
    READ(ListPolicies, iam_list_policies, iam_resource_all_policies),
    ROW(DeletePolicy, iam_delete_policy, iam_resource_policy),
    READ(ListEntitiesForPolicy, iam_list_entities_for_policy, iam_resource_policy),
    ROW(CreatePolicyVersion, iam_create_policy_version, iam_resource_policy),
    READ(GetPolicyVersion, iam_get_policy_version, iam_resource_policy),
    READ(ListPolicyVersions, iam_list_policy_versions, iam_resource_policy),
    ROW(DeletePolicyVersion, iam_delete_policy_version, iam_resource_policy),
    ROW(SetDefaultPolicyVersion, iam_set_default_policy_version, iam_resource_policy),
    ROW(TagPolicy, iam_tag_policy, iam_resource_policy),
    ROW(UntagPolicy, iam_untag_policy, iam_resource_policy),
    READ(ListPolicyTags, iam_list_policy_tags, iam_resource_policy),

    ROW(CreateUser, iam_create_user, iam_resource_new_user),
    READ(GetUser, iam_get_user, iam_resource_user),
    READ(ListUsers, iam_list_users, iam_resource_all_users),
    ROW(DeleteUser, iam_delete_user, iam_resource_user),
    ROW(CreateAccessKey, iam_create_access_key, iam_resource_user),
    READ(ListAccessKeys, iam_list_access_keys, iam_resource_user),
    ROW(UpdateAccessKey, iam_update_access_key, iam_resource_user),
    ROW(DeleteAccessKey, iam_delete_access_key, iam_resource_user),

    ROW(PutUserPolicy, iam_put_user_policy, iam_resource_user),
    READ(GetUserPolicy, iam_get_user_policy, iam_resource_user),
    ROW(DeleteUserPolicy, iam_delete_user_policy, iam_resource_user),
    READ(ListUserPolicies, iam_list_user_policies, iam_resource_user),
    ROW(AttachUserPolicy, iam_attach_user_policy, iam_resource_user),
    ROW(DetachUserPolicy, iam_detach_user_policy, iam_resource_user),
    READ(ListAttachedUserPolicies, iam_list_attached_user_policies, iam_resource_user),
    ROW(PutUserPermissionsBoundary, iam_put_user_permissions_boundary, iam_resource_user),
    ROW(DeleteUserPermissionsBoundary, iam_delete_user_permissions_boundary, iam_resource_user),
    ROW(TagUser, iam_tag_user, iam_resource_user),
    ROW(UntagUser, iam_untag_user, iam_resource_user),
    READ(ListUserTags, iam_list_user_tags, iam_resource_user),
};
const size_t iam_operation_count = sizeof(iam_operations) / sizeof(iam_operations[0]);

/* AssumeRole is decided by the role's trust policy; the others need no permission. */
const struct operation sts_operations[] = {
    {"GetCallerIdentity", sts_get_caller_identity, .flags = OPERATION_NO_IAM},
    {"AssumeRole", sts_assume_role, .flags = OPERATION_NO_IAM},
    {"GetSessionToken", sts_get_session_token, .flags = OPERATION_NO_IAM},
    {"GetAccessKeyInfo", sts_get_access_key_info, "sts:GetAccessKeyInfo", .flags = OPERATION_READ},
};
const size_t sts_operation_count = sizeof(sts_operations) / sizeof(sts_operations[0]);
