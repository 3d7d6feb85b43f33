/* The condition keys of IAM's and STS's actions. */
#include "services/iam/operations.h"

/* The user, role or policy that the permission is about; NULL when there is none. */
static yyjson_val *entity_of(const struct condition_question *question, struct arena *arena)
{
    static const struct entity_kind *const kinds[] = {&iam_role_kind, &iam_user_kind,
                                                      &iam_policy_kind};
    struct reader reader = {question->skylite->store, NULL, arena};
    struct str rest = question->authorization->resource, noun;
    struct error error;
    for (int i = 0; i < 5; i++)
        str_cut(&rest, ':', &noun);
    str_cut(&rest, '/', &noun);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        yyjson_val *entity = NULL;
        if (str_eq(noun, str_from(kinds[i]->noun)) &&
            iam_entity_by_arn(&reader, kinds[i], question->authorization->resource, &entity,
                              &error) == OK)
            return entity;
    }
    return NULL;
}

static void resource_tag(const struct condition_question *question, struct condition_values *out)
{
    condition_add_tag(out, json_get(entity_of(question, out->arena), "Tags"), question->tail);
}

static void request_tag(const struct condition_question *question, struct condition_values *out)
{
    if (condition_is_own(question))
        condition_add_tag(out, json_get(question->request->input, "Tags"), question->tail);
}

/* "Tags" of what is made or tagged, "TagKeys" of what is untagged. */
static void tag_keys(const struct condition_question *question, struct condition_values *out)
{
    if (!condition_is_own(question))
        return;
    condition_add_tag_keys(out, json_get(question->request->input, "Tags"));
    condition_add_list(out, json_get(question->request->input, "TagKeys"));
}

static void add_member(const struct condition_question *question, const char *name,
                       struct condition_values *out)
{
    if (condition_is_own(question))
        condition_add_json(out, json_get(question->request->input, name));
}

static void policy_arn(const struct condition_question *question, struct condition_values *out)
{
    add_member(question, "PolicyArn", out);
}

static void given_boundary(const struct condition_question *question, struct condition_values *out)
{
    add_member(question, "PermissionsBoundary", out);
}

static void present_boundary(const struct condition_question *question,
                             struct condition_values *out)
{
    condition_add(out, json_get_str(entity_of(question, out->arena), "PermissionsBoundary"));
}

static void passed_to_service(const struct condition_question *question,
                              struct condition_values *out)
{
    const struct pass_role_part *part = question->part;
    condition_add(out, part->service);
}

static void associated_resource(const struct condition_question *question,
                                struct condition_values *out)
{
    const struct pass_role_part *part = question->part;
    if (part->resource_arn.len)
        condition_add(out, part->resource_arn);
}

#define TAGGING   "CreatePolicy CreateRole CreateUser TagPolicy TagRole TagUser"
#define UNTAGGING "UntagPolicy UntagRole UntagUser"

const struct condition_key iam_condition_keys[] = {
    {"aws:RequestTag/", TAGGING, request_tag, NULL},
    {"aws:TagKeys", TAGGING " " UNTAGGING, tag_keys, NULL},
    {"aws:ResourceTag/", NULL, resource_tag, NULL},
    {"iam:ResourceTag/", NULL, resource_tag, NULL},
    {"iam:PolicyARN", "AttachRolePolicy AttachUserPolicy DetachRolePolicy DetachUserPolicy",
     policy_arn, NULL},
    {"iam:PermissionsBoundary",
     "CreateRole CreateUser PutRolePermissionsBoundary PutUserPermissionsBoundary", given_boundary,
     NULL},
    {"iam:PermissionsBoundary",
     "AttachRolePolicy AttachUserPolicy DeleteRole DeleteRolePermissionsBoundary DeleteRolePolicy "
     "DeleteUserPermissionsBoundary DeleteUserPolicy DetachRolePolicy DetachUserPolicy GetRole "
     "PutRolePolicy PutUserPolicy UpdateAssumeRolePolicy UpdateRole UpdateRoleDescription",
     present_boundary, NULL},
    {"iam:PassedToService", "PassRole", passed_to_service, NULL},
    {"iam:AssociatedResourceArn", "PassRole", associated_resource, NULL},
};
const size_t iam_condition_key_count = sizeof(iam_condition_keys) / sizeof(iam_condition_keys[0]);

/* --- STS --- */

static void external_id(const struct condition_question *question, struct condition_values *out)
{
    add_member(question, "ExternalId", out);
}

static void role_session_name(const struct condition_question *question,
                              struct condition_values *out)
{
    add_member(question, "RoleSessionName", out);
}

static void source_identity(const struct condition_question *question, struct condition_values *out)
{
    add_member(question, "SourceIdentity", out);
}

static void transitive_tag_keys(const struct condition_question *question,
                                struct condition_values *out)
{
    if (condition_is_own(question))
        condition_add_list(out, json_get(question->request->input, "TransitiveTagKeys"));
}

#define NO_FEDERATION "Roles are not assumed with identities of elsewhere"

const struct condition_key sts_condition_keys[] = {
    {"aws:RequestTag/", "AssumeRole TagSession", request_tag, NULL},
    {"aws:TagKeys", "AssumeRole TagSession", tag_keys, NULL},
    {"aws:ResourceTag/", "AssumeRole TagSession SetSourceIdentity", resource_tag, NULL},
    {"iam:ResourceTag/", "AssumeRole TagSession SetSourceIdentity", resource_tag, NULL},
    {"sts:ExternalId", "AssumeRole", external_id, NULL},
    {"sts:RoleSessionName", "AssumeRole", role_session_name, NULL},
    {"sts:SourceIdentity", "AssumeRole SetSourceIdentity", source_identity, NULL},
    {"sts:TransitiveTagKeys", "AssumeRole TagSession", transitive_tag_keys, NULL},
    {"accounts.google.com:aud", NULL, NULL, NO_FEDERATION},
    {"accounts.google.com:sub", NULL, NULL, NO_FEDERATION},
    {"cognito-identity.amazonaws.com:amr", NULL, NULL, NO_FEDERATION},
    {"cognito-identity.amazonaws.com:aud", NULL, NULL, NO_FEDERATION},
    {"cognito-identity.amazonaws.com:sub", NULL, NULL, NO_FEDERATION},
    {"graph.facebook.com:app_id", NULL, NULL, NO_FEDERATION},
    {"graph.facebook.com:id", NULL, NULL, NO_FEDERATION},
    {"saml:aud", NULL, NULL, NO_FEDERATION},
    {"saml:namequalifier", NULL, NULL, NO_FEDERATION},
    {"saml:sub", NULL, NULL, NO_FEDERATION},
    {"saml:sub_type", NULL, NULL, NO_FEDERATION},
    {"www.amazon.com:app_id", NULL, NULL, NO_FEDERATION},
    {"www.amazon.com:user_id", NULL, NULL, NO_FEDERATION},
};
const size_t sts_condition_key_count = sizeof(sts_condition_keys) / sizeof(sts_condition_keys[0]);
