/* Running a call without a connection. */
#include "services/apigateway/plane/trial.h"

#include "base/clock.h"
#include "services/apigateway/plane/log.h"

/* NULL when it is answered: the stage has no such method. */
static struct api_call *start(struct plane *plane, struct stage *stage, struct trial *trial,
                              struct str routed_path)
{
    struct address address = {.kind = ADDRESS_API,
                              .api_id = stage->api_id,
                              .stage_name = stage->name,
                              .domain = STR("testPrefix.testDomainName")};
    struct api_call *call = plane_new_call(plane, &trial->exchange, &address);
    call->trial = trial;
    call->context_path = call->event_path = call->resource_path = trial->exchange.path;
    plane_use_stage(call, stage);
    if (!router_match(stage->router, routed_path, verb_of(trial->exchange.method), call->arena,
                      &call->route)) {
        call_fail(call, GATEWAY_MISSING_AUTHENTICATION_TOKEN, 0, NULL);
        return NULL;
    }
    call->method = call->route.target;
    return call;
}

void trial_run(struct plane *plane, struct stage *stage, struct trial *trial)
{
    struct api_call *call = start(plane, stage, trial, trial->exchange.path);
    if (call)
        plane_serve(plane, call);
}

void trial_authorize(struct plane *plane, struct stage *stage, struct trial *trial)
{
    struct api_call *call = start(plane, stage, trial, STR("/"));
    if (call)
        authorizer_start(plane, call);
}

void trial_finish(struct api_call *call, int status, const struct http_header *headers,
                  size_t header_count, struct str body)
{
    struct trial *trial = call->trial;
    trial->status = status;
    trial->headers = headers;
    trial->header_count = header_count;
    trial->body = body;
    trial->authorized = call->authorized;
    trial->log = execution_log_text(call);
    trial->latency_ms = (clock_mono_us() - call->now_us) / 1000;
    struct arena arena = trial->exchange.arena; /* done() may free the trial */
    trial->done(trial);
    arena_release(&arena);
}
