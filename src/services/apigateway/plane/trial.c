/* Running a call without a connection. */
#include "services/apigateway/plane/trial.h"

#include "base/clock.h"
#include "services/apigateway/plane/log.h"

/* A path of another resource has no parameters of this one. */
static bool find_method(struct api_call *call, const struct trial *trial, struct str path)
{
    enum http_verb verb = verb_of(trial->exchange.method);
    const struct router *router = call->stage->router;
    if (router_match(router, path, verb, call->arena, &call->route))
        return true;
    bool is_there = router_match(router, trial->resource_path, verb, call->arena, &call->route);
    call->route.parameter_count = 0;
    return is_there;
}

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
    if (!find_method(call, trial, routed_path)) {
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
