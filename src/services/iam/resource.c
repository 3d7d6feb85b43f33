/* The ARNs that IAM's own operations are checked on. */
#include "services/iam/operations.h"

/* `tail` is "/NAME" with its path, or "/" for all. */
static struct str arn_of(struct request *request, const struct entity_kind *kind, struct str path,
                         struct str name)
{
    struct str account = request->skylite->config.account;
    return arena_printf(request->arena, "arn:aws:iam::%.*s:%s%.*s%.*s", STR_ARG(account),
                        kind->noun, STR_ARG(path), STR_ARG(name));
}

/* One that exists has its path in its ARN; one that does not is told by the handler. */
static enum err existing(struct request *request, const struct entity_kind *kind, struct str name,
                         struct str *out_arn)
{
    struct reader reader = iam_reader_of(request, NULL);
    yyjson_val *entity = NULL;
    enum err rc = iam_reader_get(&reader, iam_entity_key(request->arena, kind, name), &entity,
                                 &request->error);
    if (rc == OK)
        *out_arn = entity ? json_get_str(entity, "Arn") : arn_of(request, kind, STR("/"), name);
    return rc;
}

static enum err new_one(struct request *request, const struct entity_kind *kind,
                        struct str *out_arn)
{
    struct str path = request_str(request, "Path");
    *out_arn =
        arn_of(request, kind, path.ptr ? path : STR("/"), request_str(request, kind->name_member));
    return OK;
}

static enum err all(struct request *request, const struct entity_kind *kind, struct str *out_arn)
{
    struct str prefix = request_str(request, "PathPrefix");
    *out_arn = arn_of(request, kind, prefix.ptr ? prefix : STR("/"), STR_EMPTY);
    return OK;
}

enum err iam_resource_role(struct request *request, struct str *out_arn)
{
    return existing(request, &iam_role_kind, request_str(request, "RoleName"), out_arn);
}

enum err iam_resource_user(struct request *request, struct str *out_arn)
{
    struct str name = request_str(request, "UserName");
    if (!name.ptr) {
        *out_arn = request->principal.arn;
        return OK;
    }
    return existing(request, &iam_user_kind, name, out_arn);
}

enum err iam_resource_policy(struct request *request, struct str *out_arn)
{
    struct str arn = request_str(request, "PolicyArn");
    *out_arn = arn.ptr ? arn : STR("*");
    return OK;
}

enum err iam_resource_new_role(struct request *request, struct str *out_arn)
{
    return new_one(request, &iam_role_kind, out_arn);
}

enum err iam_resource_new_user(struct request *request, struct str *out_arn)
{
    return new_one(request, &iam_user_kind, out_arn);
}

enum err iam_resource_new_policy(struct request *request, struct str *out_arn)
{
    return new_one(request, &iam_policy_kind, out_arn);
}

enum err iam_resource_all_roles(struct request *request, struct str *out_arn)
{
    return all(request, &iam_role_kind, out_arn);
}

enum err iam_resource_all_users(struct request *request, struct str *out_arn)
{
    return all(request, &iam_user_kind, out_arn);
}

enum err iam_resource_all_policies(struct request *request, struct str *out_arn)
{
    return all(request, &iam_policy_kind, out_arn);
}
