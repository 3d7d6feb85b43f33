/* Who may call a method: IAM's users and roles, and whom the API's resource policy lets in.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-authorization-flow.html
 */
#include "base/clock.h"
#include "base/encode.h"
#include "core/authenticate.h"
#include "core/condition_keys.h"
#include "services/apigateway/plane/log.h"
#include "services/apigateway/plane/plane.h"

struct decision decision_of(const struct api_call *call, int64_t started_us, int status,
                            struct str error)
{
    return (struct decision){
        .status = status,
        .us = clock_mono_us() - started_us,
        .error = error.ptr ? arena_str(call->arena, error) : error,
    };
}

static struct decision outcome(const struct api_call *call, int64_t started_us, enum err rc,
                               const struct error *error)
{
    static const struct str none = {NULL, 0};
    return decision_of(call, started_us, rc ? 403 : 200, rc ? str_from(error->message) : none);
}

/* --- Signatures --- */

static void refuse_signature(struct api_call *call, enum err rc, const struct error *error)
{
    enum gateway_type type = rc == ERR_MISSING_AUTHENTICATION_TOKEN
                                 ? GATEWAY_MISSING_AUTHENTICATION_TOKEN
                             : rc == ERR_EXPIRED_TOKEN ? GATEWAY_EXPIRED_TOKEN
                                                       : GATEWAY_INVALID_SIGNATURE;
    bool has_own = type != GATEWAY_INVALID_SIGNATURE;
    if (!has_own)
        call->error_name = str_from(error_type(rc));
    call_fail(call, type, 0, has_own ? NULL : arena_cstr(call->arena, str_from(error->message)));
}

/* Fills call->principal, or answers the call. */
static bool authenticate(struct plane *plane, struct api_call *call)
{
    struct sigv4_request part = authenticate_part(call->exchange, call->arena);
    struct principal *principal = arena_new(call->arena, struct principal);
    int64_t started_us = clock_mono_us();
    struct sigv4_claim claim;
    struct sigv4_stream *stream;
    struct error error;
    enum err rc = sigv4_parse(&part, call->arena, &claim, &error);
    if (plane->skylite->config.auth == AUTH_ANY) {
        *principal = authenticate_nobody(plane->skylite, &claim, call->arena);
        rc = OK;
    } else if (rc == OK) {
        rc = authenticate_claim(plane->skylite, &part, &claim, STR("execute-api"), call->arena,
                                principal, &stream, &error);
    }
    call->authentication = outcome(call, started_us, rc, &error);
    if (rc) {
        refuse_signature(call, rc, &error);
        return false;
    }
    call->principal = principal;
    return true;
}

/* --- Policies --- */

/* The byte that "%61" at `at` stands for; else -1. A slash in a value is no border between parts,
 * and a NUL would end the texts that the ARN is shown in: both stay encoded. */
static int encoded_byte(struct str path, size_t at, struct arena *arena)
{
    struct str byte;
    if (path.ptr[at] != '%' || !decode_hex(arena, str_slice(path, at + 1, 2), &byte) ||
        byte.len != 1 || byte.ptr[0] == '/' || byte.ptr[0] == '\0')
        return -1;
    return (unsigned char)byte.ptr[0];
}

/* Paths that the router takes for one another are one to policies as well. */
static void add_path(const struct api_call *call, struct buf *out)
{
    struct str path = call->resource_path;
    if (path.len > 1 && str_ends(path, STR("/")))
        path.len--;
    for (size_t i = 1; i < path.len; i++) {
        int byte = encoded_byte(path, i, call->arena);
        buf_add_byte(out, byte < 0 ? path.ptr[i] : (char)byte);
        i += byte < 0 ? 0 : 2;
    }
}

/* "arn:aws:execute-api:us-east-1:000000000000:API/STAGE/GET/notes/1": the path that was asked for.
 */
struct str call_arn(const struct api_call *call)
{
    struct buf arn;
    buf_init_arena(&arn, call->arena, call->stage->arn_prefix.len + 64 + call->resource_path.len);
    buf_add(&arn, call->stage->arn_prefix);
    buf_add(&arn, call->exchange->method);
    buf_add_byte(&arn, '/');
    add_path(call, &arn);
    return buf_str(&arn);
}

void call_find_values(const struct authorization *authorization, struct str key,
                      struct condition_values *out)
{
    const struct call_question *asked = authorization->find_arg;
    struct condition_question question = {
        .authorization = authorization,
        .skylite = asked->plane->skylite,
        .exchange = asked->call->exchange,
    };
    condition_key_find(&question, key, out);
}

/* AWS shows the last four digits of the account that an API is in. */
static char *masked(const struct api_call *call, const char *message, struct str arn)
{
    struct str text = str_from(message), account = call->stage->account;
    ptrdiff_t at = str_find(text, arn);
    char *copy = arena_cstr(call->arena, text);
    struct str before = at < 0 ? STR_EMPTY : str_slice(text, (size_t)at, text.len);
    ptrdiff_t digits = str_find(before, account);
    if (at < 0 || digits < 0 || account.len < 4)
        return copy;
    memset(copy + at + digits, '*', account.len - 4);
    return copy;
}

bool is_explicit_deny(const struct error *error)
{
    return str_find(str_from(error->message), STR("with an explicit deny")) >= 0;
}

static enum err evaluate(struct plane *plane, const struct api_call *call, struct error *error)
{
    static const struct principal anonymous = {
        .kind = PRINCIPAL_ANONYMOUS,
        .account = STR_INIT(""),
        .arn = STR_INIT("anonymous"),
        .name = STR_INIT(""),
        .session_name = STR_INIT(""),
        .user_id = STR_INIT(""),
        .access_key_id = STR_INIT(""),
        .session_policy = STR_INIT(""),
    };
    const struct iam_capability *iam = &plane->skylite->iam;
    struct call_question question = {plane, call};
    struct authorization authorization = {
        .principal = call->principal ? call->principal : &anonymous,
        .action = STR("execute-api:Invoke"),
        .resource = call_arn(call),
        .resource_policy = call->stage->policy,
        .find_values = call_find_values,
        .find_arg = &question,
    };
    return iam->authorize(iam->self, &authorization, error);
}

static bool refuse(struct api_call *call, const struct error *error)
{
    execution_log_error(call, "%s", error->message);
    call_fail(call, GATEWAY_ACCESS_DENIED, 0, masked(call, error->message, call_arn(call)));
    return false;
}

bool authorize_by_policy(struct plane *plane, struct api_call *call)
{
    int64_t started_us = clock_mono_us();
    struct error error;
    enum err rc = evaluate(plane, call, &error);
    call->authorization = outcome(call, started_us, rc, &error);
    return rc == OK || refuse(call, &error);
}

bool authorize_unless_denied(struct plane *plane, struct api_call *call)
{
    int64_t started_us = clock_mono_us();
    struct error error;
    enum err rc = call->stage->policy.len ? evaluate(plane, call, &error) : OK;
    if (rc == OK || !is_explicit_deny(&error))
        return true;
    call->authorization = outcome(call, started_us, rc, &error);
    return refuse(call, &error);
}

bool authorize(struct plane *plane, struct api_call *call)
{
    if (call->method->authorization == AUTHORIZATION_IAM)
        return authenticate(plane, call) && authorize_by_policy(plane, call);
    return !call->stage->policy.len || authorize_by_policy(plane, call);
}
