/* How invocations fail, in Lambda's words. */
#pragma once

#include "core/capabilities.h"
#include "services/lambda/launcher.h"

struct failure {
    bool is_internal;  /* the caller gets an error of the service's */
    bool is_transient; /* a start that is worth another try: the machine was short of something */
    bool is_gone;      /* with the launcher */
    bool is_timeout;
    struct str payload;   /* what the caller gets; NULL pointer: made from the next two */
    const char *type;     /* "Runtime.ExitError" */
    const char *log_type; /* in the log, where it differs; else NULL */
    char message[256];    /* "Error: Runtime exited with error: exit status 1" */
};

struct failure failure_timeout(unsigned timeout_s);

/* `event` is LAUNCHER_EXITED. `runtime` is what it should have run by; NULL: not known. */
struct failure failure_exit(const struct launcher_event *event, const struct runtime *runtime);

/* There is no process to run the function; `reason` is for the caller. */
struct failure failure_internal(const char *reason);

/* Fills in what the caller gets. */
void failure_fill(const struct failure *failure, struct function_invocation *invocation);
