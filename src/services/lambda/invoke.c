/* Invoke. */
#include "services/lambda/internal.h"
#include "services/lambda/operations.h"
#include "services/lambda/violations.h"

struct invoke_call {
    struct function_invocation invocation;
    struct request *request;
    struct request_part part; /* what tells of the request's condition keys */
};

static void answer(struct function_invocation *invocation)
{
    struct invoke_call *call = invocation->arg;
    struct request *request = call->request;
    request->request_id = invocation->request_id;
    if (invocation->rc) {
        request->error = invocation->error;
        request_finish(request, invocation->rc);
        return;
    }
    request->raw_output = invocation->payload_out;
    request_add_header(request, STR("X-Amz-Executed-Version"), invocation->executed_version);
    if (invocation->function_error.len)
        request_add_header(request, STR("X-Amz-Function-Error"), invocation->function_error);
    if (invocation->want_log_tail)
        request_add_header(request, STR("X-Amz-Log-Result"), invocation->log_tail);
    request_finish(request, OK);
}

static enum err check_headers(struct request *request, struct str type, struct str log_type)
{
    struct violations violations;
    violations_init(&violations, request->arena);
    if (type.ptr && !str_eq(type, STR("RequestResponse")) && !str_eq(type, STR("DryRun")) &&
        !str_eq(type, STR("Event")))
        violations_add(&violations, type, "invocationType",
                       "satisfy enum value set: [RequestResponse, Event, DryRun]");
    if (log_type.ptr && !str_eq(log_type, STR("None")) && !str_eq(log_type, STR("Tail")))
        violations_add(&violations, log_type, "logType", "satisfy enum value set: [None, Tail]");
    return violations_check(&violations, &request->error);
}

/* What the client has sent must be JSON; nothing of the parsed text is kept. */
static enum err check_payload(struct request *request, struct str *payload)
{
    struct arena scratch = {0};
    if (payload->len == 0) {
        *payload = STR("{}");
        return OK;
    }
    if (payload->len > LAMBDA_MAX_PAYLOAD)
        return request_fail(request, ERR_REQUEST_ENTITY_TOO_LARGE,
                            "Request must be smaller than %d bytes for the InvokeFunction "
                            "operation",
                            LAMBDA_MAX_PAYLOAD);
    bool is_json = json_parse(&scratch, *payload) != NULL;
    arena_release(&scratch);
    if (is_json)
        return OK;
    return request_fail(request, ERR_LAMBDA_INVALID_REQUEST_CONTENT,
                        "Could not parse request body into json: Could not parse payload into "
                        "json: Unexpected character");
}

/* Another service of Skylite says in the input what is a header or the body on the wire, and which
 * resource of its own it calls for. */
static struct str internal_member(const struct request *request, const char *name)
{
    return request->exchange ? (struct str){NULL, 0} : request_str(request, name);
}

static struct str source_of(const struct request *request)
{
    struct str source = internal_member(request, "SourceArn");
    return source.ptr ? source : STR_EMPTY;
}

/* Whether the caller may invoke what is named. */
static enum err check_target(struct request *request)
{
    struct lambda *lambda = request_self(request, struct lambda);
    struct request_part part = {request, NULL};
    struct function_invocation asked = {
        .principal = &request->principal,
        .source_arn = source_of(request),
        .find_values = request_find_values,
        .find_arg = &part,
    };
    struct lambda_target target;
    enum err rc =
        lambda_find_to_invoke(lambda, request_str(request, "FunctionName"),
                              request_str(request, "Qualifier"), &target, &request->error);
    if (rc)
        return lambda_hide_missing(lambda, request_str(request, "FunctionName"),
                                   request_str(request, "Qualifier"), &request->principal, rc,
                                   &request->error);
    rc = lambda_authorize_invoke(lambda, &target, &asked, &request->error);
    lambda_target_release(&target);
    return rc;
}

static enum err dry_run(struct request *request)
{
    request->status = 204;
    return check_target(request);
}

static enum err invoke_event(struct request *request, struct str payload)
{
    struct function_name name;
    enum err rc = check_target(request);
    if (rc == OK)
        rc = lambda_parse_name(request_str(request, "FunctionName"),
                               request_str(request, "Qualifier"), &name, &request->error);
    if (rc == OK && payload.len > EVENT_MAX_PAYLOAD)
        rc = request_fail(request, ERR_LAMBDA_REQUEST_TOO_LARGE,
                          "%zu byte payload is too large for the Event invocation type (limit %d "
                          "bytes)",
                          payload.len, EVENT_MAX_PAYLOAD);
    return rc ? rc : event_accept(request, lambda_key(request->arena, name), payload);
}

static struct str payload_of(const struct request *request)
{
    struct str given = internal_member(request, "Payload");
    if (given.ptr)
        return given;
    return request->raw_input.ptr ? request->raw_input : STR_EMPTY;
}

enum err lambda_invoke_async(struct request *request)
{
    struct str payload = payload_of(request);
    enum err rc = check_payload(request, &payload);
    return rc ? rc : invoke_event(request, payload);
}

enum err lambda_invoke(struct request *request)
{
    struct str type = request->exchange ? request_header(request, STR("x-amz-invocation-type"))
                                        : internal_member(request, "InvocationType");
    struct str log_type = request_header(request, STR("x-amz-log-type"));
    struct str payload = payload_of(request);
    struct str name = request_str(request, "FunctionName");
    struct str qualifier = request_str(request, "Qualifier");
    enum err rc = check_headers(request, type, log_type);
    if (rc == OK)
        rc = check_payload(request, &payload);
    if (rc)
        return rc;
    if (str_eq(type, STR("DryRun")))
        return dry_run(request);
    if (str_eq(type, STR("Event")))
        return invoke_event(request, payload);
    struct function_name parsed;
    rc = lambda_parse_name(name, qualifier, &parsed, &request->error);
    if (rc)
        return rc;
    if (qualifier.len && function_name_parse(name, &parsed) && !parsed.qualifier.len)
        name = arena_printf(request->arena, "%.*s:%.*s", STR_ARG(name), STR_ARG(qualifier));

    struct invoke_call *call = arena_new(request->arena, struct invoke_call);
    call->request = request;
    call->part.request = request;
    call->invocation = (struct function_invocation){
        .loop = request->loop,
        .arena = request->arena,
        .function = name,
        .payload = payload,
        .principal = &request->principal,
        .find_values = request_find_values,
        .find_arg = &call->part,
        .client_context = request_header(request, STR("x-amz-client-context")),
        .want_log_tail = str_eq(log_type, STR("Tail")),
        .done = answer,
        .arg = call,
    };
    fleet_invoke(request_self(request, struct lambda), &call->invocation);
    return ERR_PENDING;
}
