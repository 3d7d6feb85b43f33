/* Integrations with the operations of other services: DynamoDB's PutItem behind a method, say, with
 * a template that makes its input. */
#include <stdio.h>

#include "base/clock.h"
#include "core/request.h"
#include "services/apigateway/plane/log.h"
#include "services/apigateway/plane/plane.h"
#include "services/apigateway/plane/transform.h"

enum { ROLE_SESSION_S = 900 };

enum err plane_assume(struct plane *plane, struct str role, struct str source_arn,
                      struct arena *arena, struct principal *out, struct error *error)
{
    const struct iam_capability *iam = &plane->skylite->iam;
    struct role_assumption asked = {.role_arn = role,
                                    .service = plane->principal.arn,
                                    .source_arn = source_arn,
                                    .session_name = STR("BackplaneAssumeRoleSession"),
                                    .duration_s = ROLE_SESSION_S};
    struct credentials credentials;
    struct str secret;
    *out = plane->principal;
    if (!role.len)
        return OK;
    enum err rc = iam->assume_role_for_service(iam->self, &asked, arena, &credentials, error);
    return rc ? rc
              : iam->find_key(iam->self, credentials.access_key_id, credentials.session_token,
                              arena, &secret, out, error);
}

bool integration_principal(struct plane *plane, struct api_call *call, struct arena *arena,
                           struct principal *out)
{
    struct error error;
    struct str role = call->method->integration.role;
    if (call->principal && str_eq(role, CALLER_CREDENTIALS)) {
        *out = *call->principal;
        principal_copy_parts(arena, out);
        return true;
    }
    if (plane_assume(plane, role, role.len ? call_source_arn(call, arena) : STR_EMPTY, arena, out,
                     &error) == OK)
        return true;
    call_misconfigured(call, 500,
                       "API Gateway does not have permission to assume the provided role", role);
    return false;
}

static void answered(void *arg, int status, struct str body)
{
    struct api_call *call = arg;
    char text[16];
    struct http_header type = {STR("Content-Type"), STR("application/x-amz-json-1.0")};
    call->integration_us = clock_mono_us() - call->integration_started_us;
    call->integration_status = status;
    snprintf(text, sizeof(text), "%d", status);
    execution_log_received(call, &type, 1, body);
    struct integration_answer answer = {
        .selector = str_from(text), .headers = &type, .header_count = 1, .body = body};
    transform_answer(call, &answer);
}

void action_start(struct plane *plane, struct api_call *call)
{
    const struct integration *integration = &call->method->integration;
    struct integration_request request;
    struct principal principal;
    /* Stored by a version that took it: API Gateway has no rights of its own to act with. */
    if (!integration->role.len) {
        call_misconfigured(call, 500, "Role ARN must be specified for AWS integrations", STR_EMPTY);
        return;
    }
    if (!transform_request(call, &request) ||
        !integration_principal(plane, call, call->arena, &principal))
        return;
    struct str uri = arena_printf(call->arena, "%.*s:action/%.*s", STR_ARG(integration->service),
                                  STR_ARG(integration->action));
    execution_log_sent(call, uri, request.headers, request.header_count, request.body);
    call->integration_started_us = clock_mono_us();
    call_operation_json(plane->skylite, call->exchange->loop, &principal,
                        arena_cstr(call->arena, integration->service),
                        arena_cstr(call->arena, integration->action), request.body, answered, call);
}
