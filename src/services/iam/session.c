/* From an access key to its principal, and what a principal may do. */
#include "base/clock.h"
#include "base/encode.h"
#include "services/iam/internal.h"

/* --- Ids --- */

struct str iam_new_id(struct arena *arena, const char *prefix, size_t len)
{
    struct str head = str_from(prefix);
    struct str tail = random_text(arena, STR("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), len - head.len);
    return arena_printf(arena, "%s%.*s", prefix, STR_ARG(tail));
}

/* Without '+' and '/', which some tools mistreat. */
struct str iam_new_secret(struct arena *arena)
{
    return random_text(arena, STR("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"),
                       40);
}

void iam_session_start(struct iam *iam, struct arena *arena, struct session *session,
                       struct credentials *out)
{
    session->secret = iam_new_secret(arena);
    session->issued_ms = clock_wall_ms() / 1000 * 1000;
    out->access_key_id = iam_new_id(arena, "ASIA", 20);
    out->secret_access_key = session->secret;
    out->session_token = iam_token_seal(iam, arena, out->access_key_id, session);
    out->expires_ms = session->expires_ms;
}

/* --- Principals --- */

static enum err invalid_token(struct error *error)
{
    return error_set(error, ERR_UNRECOGNIZED_CLIENT,
                     "The security token included in the request is invalid.");
}

static struct principal root_principal(const struct iam *iam, struct str access_key_id)
{
    struct str account = iam->skylite->config.account;
    return (struct principal){
        .kind = PRINCIPAL_ROOT,
        .account = account,
        .arn = iam->root_arn,
        .name = STR("root"),
        .user_id = account,
        .access_key_id = access_key_id,
    };
}

static struct principal user_principal(const struct iam *iam, struct arena *arena,
                                       const struct holder *user, struct str access_key_id)
{
    return (struct principal){
        .kind = PRINCIPAL_USER,
        .account = iam->skylite->config.account,
        .arn = arena_str(arena, user->arn),
        .name = arena_str(arena, user->name),
        .user_id = arena_str(arena, user->id),
        .access_key_id = access_key_id,
    };
}

static struct principal role_principal(const struct iam *iam, struct arena *arena,
                                       const struct holder *role, const struct session *session,
                                       struct str access_key_id)
{
    struct str account = iam->skylite->config.account;
    return (struct principal){
        .kind = PRINCIPAL_ROLE,
        .account = account,
        .arn = arena_printf(arena, "arn:aws:sts::%.*s:assumed-role/%.*s/%.*s", STR_ARG(account),
                            STR_ARG(role->name), STR_ARG(session->session_name)),
        .name = arena_str(arena, role->name),
        .session_name = session->session_name,
        .user_id =
            arena_printf(arena, "%.*s:%.*s", STR_ARG(role->id), STR_ARG(session->session_name)),
        .access_key_id = access_key_id,
        .session_policy = session->policy,
    };
}

/* --- Finding a key --- */

static enum err find_user_key(struct iam *iam, struct str access_key_id, struct arena *arena,
                              struct str *out_secret, struct principal *out_principal,
                              struct error *error)
{
    struct long_term_key *key = NULL;
    struct holder *user = NULL;
    enum err rc = iam_long_term_key(iam, access_key_id, &key, error);
    if (rc == OK && (!key || !key->is_active))
        rc = invalid_token(error);
    if (rc == OK)
        rc = iam_holder(iam, &iam_user_kind, key->user_name, &user, error);
    if (rc == OK && !user)
        rc = invalid_token(error);
    if (rc == OK) {
        *out_secret = arena_str(arena, key->secret);
        *out_principal = user_principal(iam, arena, user, access_key_id);
    }
    iam_holder_unref(user);
    iam_long_term_key_unref(key);
    return rc;
}

static enum err session_principal(struct iam *iam, const struct session *session,
                                  struct str access_key_id, struct arena *arena,
                                  struct principal *out, struct error *error)
{
    bool is_role = session->kind == SESSION_OF_ROLE;
    struct holder *holder = NULL;
    if (session->kind == SESSION_OF_ROOT) {
        *out = root_principal(iam, access_key_id);
        out->issued_ms = session->issued_ms;
        return OK;
    }
    enum err rc =
        iam_holder(iam, is_role ? &iam_role_kind : &iam_user_kind, session->name, &holder, error);
    if (rc == OK && (!holder || !str_eq(holder->id, session->id)))
        rc = invalid_token(error);
    if (rc == OK) {
        *out = is_role ? role_principal(iam, arena, holder, session, access_key_id)
                       : user_principal(iam, arena, holder, access_key_id);
        out->issued_ms = session->issued_ms;
        out->session_tags = session->tags;
        out->source_identity = session->source_identity;
        out->function_arn = session->function_arn;
    }
    iam_holder_unref(holder);
    return rc;
}

static enum err find_session(struct iam *iam, struct str access_key_id, struct str token,
                             struct arena *arena, struct str *out_secret,
                             struct principal *out_principal, struct error *error)
{
    struct session session;
    if (!iam_token_open(iam, arena, access_key_id, token, &session))
        return invalid_token(error);
    if (session.expires_ms <= clock_wall_ms())
        return error_set(error, ERR_EXPIRED_TOKEN,
                         "The security token included in the request is expired");
    *out_secret = session.secret;
    return session_principal(iam, &session, access_key_id, arena, out_principal, error);
}

enum err iam_find_key(void *self, struct str access_key_id, struct str session_token,
                      struct arena *arena, struct str *out_secret, struct principal *out_principal,
                      struct error *error)
{
    struct iam *iam = self;
    struct str id = arena_str(arena, access_key_id);
    if (session_token.len)
        return find_session(iam, id, session_token, arena, out_secret, out_principal, error);
    if (!str_eq(id, iam->root_key_id))
        return find_user_key(iam, id, arena, out_secret, out_principal, error);
    *out_secret = iam->root_secret;
    *out_principal = root_principal(iam, id);
    return OK;
}

/* --- Deciding --- */

/* The role or user behind a principal; NULL for those that are none. */
static enum err find_holder(struct iam *iam, const struct principal *principal, struct holder **out,
                            struct error *error)
{
    *out = NULL;
    if (principal->kind == PRINCIPAL_ROLE)
        return iam_holder(iam, &iam_role_kind, principal->name, out, error);
    if (principal->kind == PRINCIPAL_USER)
        return iam_holder(iam, &iam_user_kind, principal->name, out, error);
    return OK;
}

static enum err decide(const struct authorization *authorization, const struct holder *holder,
                       const struct policy_set *policies, struct error *error)
{
    struct context context = {
        .authorization = authorization,
        .principal_arn = holder ? holder->arn : authorization->principal->arn,
        .tags = holder ? holder->tags : NULL,
        .tag_count = holder ? holder->tag_count : 0,
    };
    enum decision decision = iam_evaluate(policies, &context);
    iam_context_release(&context);
    return iam_evaluate_error(decision, authorization, error);
}

/* `is_trust`: the resource policy is the trust policy of the role that is to be assumed. */
static enum err judge(struct iam *iam, const struct authorization *authorization, bool is_trust,
                      struct error *error)
{
    const struct principal *principal = authorization->principal;
    struct holder *holder = NULL;
    struct policy *resource = NULL, *session = NULL;
    /* --auth any turns policies off, but for those that an API has against the world. */
    if (iam->skylite->config.auth == AUTH_ANY && principal->kind != PRINCIPAL_ANONYMOUS)
        return OK;

    enum err rc = find_holder(iam, principal, &holder, error);
    if (rc == OK && authorization->resource_policy.len)
        rc = iam_document(iam, authorization->resource_policy, &resource, error);
    if (rc == OK && principal->session_policy.len)
        rc = iam_document(iam, principal->session_policy, &session, error);
    if (rc == OK) {
        struct policy_set policies = {
            .identity = holder ? holder->policies : NULL,
            .identity_count = holder ? holder->policy_count : 0,
            .boundary = holder ? holder->boundary : NULL,
            .resource = resource,
            .session = session,
            .is_trust = is_trust,
        };
        rc = decide(authorization, holder, &policies, error);
    }
    iam_policy_unref(session);
    iam_policy_unref(resource);
    iam_holder_unref(holder);
    return rc;
}

enum err iam_authorize(void *self, const struct authorization *authorization, struct error *error)
{
    if (authorization->principal->kind == PRINCIPAL_ROOT && authorization->resource_policy.len == 0)
        return OK;
    return judge(self, authorization, false, error);
}

enum err iam_authorize_by(void *self, struct str text, const struct authorization *authorization,
                          struct error *error)
{
    struct iam *iam = self;
    struct policy *policy, *resource = NULL;
    enum err rc = iam_policy_compile(text, POLICY_IDENTITY, &policy, error);
    if (rc)
        return rc;
    if (authorization->resource_policy.len)
        rc = iam_document(iam, authorization->resource_policy, &resource, error);
    struct policy *policies[] = {policy};
    struct policy_set set = {.identity = policies, .identity_count = 1, .resource = resource};
    struct context context = {.authorization = authorization,
                              .principal_arn = authorization->principal->arn};
    if (rc == OK)
        rc = iam_evaluate_error(iam_evaluate(&set, &context), authorization, error);
    iam_context_release(&context);
    iam_policy_unref(resource);
    iam_policy_unref(policy);
    return rc;
}

enum err iam_check_resource_policy(void *self, struct str text, struct error *error)
{
    struct policy *policy = NULL;
    (void)self;
    enum err rc = iam_policy_compile(text, POLICY_RESOURCE, &policy, error);
    iam_policy_unref(policy);
    return rc;
}

/* --- Assuming roles --- */

enum err iam_check_trust(struct iam *iam, yyjson_val *role, struct authorization *authorization,
                         struct error *error)
{
    if (!authorization->action.len)
        authorization->action = STR("sts:AssumeRole");
    authorization->resource = json_get_str(role, "Arn");
    authorization->resource_policy = json_get_str(role, "AssumeRolePolicyDocument");
    if (judge(iam, authorization, true, NULL) == OK)
        return OK;
    return error_set(error, ERR_ACCESS_DENIED,
                     "User: %.*s is not authorized to perform: %.*s on resource: %.*s",
                     STR_ARG(authorization->principal->arn), STR_ARG(authorization->action),
                     STR_ARG(authorization->resource));
}

enum err iam_assume_role_for_service(void *self, const struct role_assumption *asked,
                                     struct arena *arena, struct credentials *out,
                                     struct error *error)
{
    struct iam *iam = self;
    struct reader reader = {iam->skylite->store, NULL, arena};
    struct principal principal = {
        .kind = PRINCIPAL_SERVICE,
        .account = iam->skylite->config.account,
        .arn = asked->service,
        .name = asked->service,
    };
    struct authorization authorization = {.principal = &principal, .source_arn = asked->source_arn};
    yyjson_val *role = NULL;
    enum err rc = iam_role_by_arn(&reader, asked->role_arn, &role, error);
    if (rc == OK)
        rc = iam_check_trust(iam, role, &authorization, error);
    if (rc)
        return rc;

    struct session session = {
        .kind = SESSION_OF_ROLE,
        .expires_ms = clock_wall_ms() + asked->duration_s * 1000,
        .name = json_get_str(role, "RoleName"),
        .id = json_get_str(role, "Id"),
        .session_name = asked->session_name,
        .policy = STR_EMPTY,
        .function_arn =
            str_eq(asked->service, STR("lambda.amazonaws.com")) ? asked->source_arn : STR_EMPTY,
    };
    iam_session_start(iam, arena, &session, out);
    return OK;
}
