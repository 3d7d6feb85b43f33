/* Failed invocations: what callers are told. */
#include "services/lambda/failure.h"

#include <errno.h>
#include <stdio.h>

#include "base/buf.h"

struct failure failure_timeout(unsigned timeout_s)
{
    struct failure failure = {.type = "Sandbox.Timedout", .is_timeout = true};
    snprintf(failure.message, sizeof(failure.message), "Error: Task timed out after %u.00 seconds",
             timeout_s);
    return failure;
}

struct failure failure_internal(const char *reason)
{
    struct failure failure = {.type = "Lambda.SpawnError", .is_internal = true};
    snprintf(failure.message, sizeof(failure.message), "%s", reason);
    return failure;
}

/* The system's words for it, beginning in lower case as Lambda's do. */
static const char *lowered(const char *text, char *buffer, size_t size)
{
    snprintf(buffer, size, "%s", text);
    if (buffer[0] >= 'A' && buffer[0] <= 'Z')
        buffer[0] = (char)(buffer[0] | 0x20);
    return buffer;
}

struct failure failure_exit(const struct launcher_event *event, const struct runtime *runtime)
{
    struct failure failure = {.type = "Runtime.ExitError"};
    size_t size = sizeof(failure.message);
    char words[64];
    switch (event->exit) {
    case LAUNCHER_EXIT_CODE:
        if (event->status == 0)
            snprintf(failure.message, size, "Error: Runtime exited without providing a reason");
        else
            snprintf(failure.message, size, "Error: Runtime exited with error: exit status %d",
                     event->status);
        break;
    case LAUNCHER_EXIT_SIGNAL:
        snprintf(failure.message, size, "Error: Runtime exited with error: signal: %s",
                 lowered(strsignal(event->status), words, sizeof(words)));
        if (event->is_out_of_memory)
            failure.log_type = "Runtime.OutOfMemory";
        break;
    case LAUNCHER_EXIT_MISSING:
        failure.type = "Runtime.InvalidEntrypoint";
        snprintf(failure.message, size,
                 "Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]");
        break;
    case LAUNCHER_EXIT_PROGRAM:
        failure.type = "Runtime.InvalidEntrypoint";
        snprintf(failure.message, size,
                 "Error: The runtime %s needs %s, which this machine does not have: install the "
                 "package %s",
                 runtime->name, runtime->language->name, runtime->language->package);
        break;
    case LAUNCHER_EXIT_EXEC:
        failure.type = "Runtime.InvalidEntrypoint";
        snprintf(failure.message, size, "Error: fork/exec %s: %s",
                 runtime && runtime->language ? runtime->language->name : "/var/task/bootstrap",
                 lowered(strerror(event->status), words, sizeof(words)));
        break;
    }
    return failure;
}

/* {"errorType":"...","errorMessage":"RequestId: ... Error: ..."} */
static struct str make_payload(const struct failure *failure,
                               const struct function_invocation *invocation)
{
    struct buf json;
    buf_init_arena(&json, invocation->arena, 4096);
    struct str message = arena_printf(invocation->arena, "RequestId: %.*s %s",
                                      STR_ARG(invocation->request_id), failure->message);
    buf_printf(&json, "{\"errorType\":\"%s\",\"errorMessage\":", failure->type);
    buf_add_json(&json, message);
    buf_add_byte(&json, '}');
    return buf_str(&json);
}

void failure_fill(const struct failure *failure, struct function_invocation *invocation)
{
    if (failure->is_internal) {
        invocation->rc = error_set(&invocation->error, ERR_LAMBDA_SERVICE, "%s", failure->message);
        return;
    }
    invocation->rc = OK;
    invocation->function_error = STR("Unhandled");
    invocation->is_timeout = failure->is_timeout;
    invocation->payload_out = failure->payload.ptr ? arena_str(invocation->arena, failure->payload)
                                                   : make_payload(failure, invocation);
}
