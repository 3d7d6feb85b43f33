/* What an instance's log says, and how much memory it has used. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "services/lambda/instance.h"
#include "wire/sigv4.h"

enum {
    MEMORY_READ_EVERY_US = 1000 * 1000,
    OUTPUT_CHUNK = 32 * 1024,
    OUTPUT_CHUNKS =
        2, /* at a time: as much as the pipe holds, and no more of one that refills it */
};

bool instance_drain(struct instance *instance)
{
    char chunk[OUTPUT_CHUNK];
    ssize_t got = 0;
    if (instance->output_fd < 0)
        return true;
    for (int i = 0; i < OUTPUT_CHUNKS; i++) {
        got = read(instance->output_fd, chunk, sizeof(chunk));
        if (got <= 0)
            break;
        report_output(&instance->report, str_make(chunk, (size_t)got));
        if ((size_t)got < sizeof(chunk))
            break;
    }
    return got > 0 || (got < 0 && errno == EAGAIN);
}

bool instance_log_is_behind(const struct instance *instance)
{
    const struct log_capability *logs = instance->report.logs;
    return logs->is_behind && logs->is_behind(logs->self, instance->report.group);
}

/* Reads the peak from the kernel now and then: it costs more than all other bookkeeping. */
static unsigned used_memory_mb(struct instance *instance, int64_t now_us)
{
    char text[2048];
    bool is_fresh = instance->used_mb && now_us - instance->used_read_us < MEMORY_READ_EVERY_US;
    if (is_fresh || instance->memory_fd < 0)
        return instance->used_mb;
    instance->used_read_us = now_us;
    ssize_t len = pread(instance->memory_fd, text, sizeof(text) - 1, 0);
    text[len > 0 ? len : 0] = '\0';
    const char *peak = strstr(text, "VmHWM:");
    if (peak)
        instance->used_mb = (unsigned)(strtoul(peak + strlen("VmHWM:"), NULL, 10) + 1023) / 1024;
    return instance->used_mb;
}

/* "provided:al2023", "python:3.12", "nodejs:20" */
static struct str version_of(struct str runtime, struct arena *arena)
{
    size_t letters = 0;
    while (letters < runtime.len && runtime.ptr[letters] >= 'a' && runtime.ptr[letters] <= 'z')
        letters++;
    struct str version = str_slice(runtime, letters, runtime.len);
    if (str_starts(version, STR(".")))
        version = str_slice(version, 1, version.len);
    if (str_ends(version, STR(".x")))
        version.len -= strlen(".x");
    return arena_printf(arena, "%.*s:%.*s", (int)letters, runtime.ptr, STR_ARG(version));
}

/* "INIT_START Runtime Version: provided:al2023.v1 Runtime Version ARN: ..." */
void instance_log_launch(struct instance *instance)
{
    if (instance->report.is_json)
        return; /* what it would say is in the report of the first invocation */
    const struct skylite *skylite = instance->fleet->lambda->skylite;
    struct arena arena = {0};
    struct str runtime = instance->function->runtime;
    struct str seed = arena_printf(&arena, "skylite %s %.*s", SKYLITE_VERSION, STR_ARG(runtime));
    struct str version = version_of(runtime, &arena);
    struct str line = arena_printf(&arena,
                                   "INIT_START Runtime Version: %.*s.v1\tRuntime Version ARN: "
                                   "arn:aws:lambda:%.*s::runtime:%.*s",
                                   STR_ARG(version), STR_ARG(skylite->config.region),
                                   STR_ARG(sigv4_sha256_hex(&arena, seed)));
    report_line(&instance->report, line);
    arena_release(&arena);
}

void instance_log_failed_init(struct instance *instance, const struct failure *failure)
{
    int64_t us = clock_mono_us() - instance->launched_us;
    bool is_first = instance->phase == INSTANCE_PHASE_INIT;
    char line[256], type[96] = "";
    if (!failure->is_timeout)
        snprintf(type, sizeof(type), "Error Type: %s\t",
                 failure->log_type ? failure->log_type : failure->type);
    snprintf(line, sizeof(line),
             "INIT_REPORT Init Duration: %lld.%02lld ms\tPhase: %s\tStatus: %s\t%s",
             (long long)(us / 1000), (long long)(us / 10 % 100), is_first ? "init" : "invoke",
             failure->is_timeout ? "timeout" : "error", type);
    report_line(&instance->report, str_from(line));
}

void instance_log_start(struct instance *instance, const struct function_invocation *invocation)
{
    report_start(&instance->report, invocation->request_id, invocation->want_log_tail);
}

void instance_log_failure(struct instance *instance, const struct function_invocation *invocation,
                          const struct failure *failure)
{
    struct arena *arena = invocation->arena;
    const char *message = failure->message;
    instance_drain(instance);
    if (failure->is_timeout) {
        struct str time = clock_iso8601_ms(arena, clock_wall_ms());
        message += strlen("Error: ");
        report_fault(&instance->report, invocation->request_id,
                     arena_printf(arena, "%.*s %.*s %s", STR_ARG(time),
                                  STR_ARG(invocation->request_id), message));
    } else if (!failure->payload.ptr) {
        report_fault(
            &instance->report, invocation->request_id,
            arena_printf(arena, "RequestId: %.*s %s", STR_ARG(invocation->request_id), message));
        report_fault(&instance->report, invocation->request_id, str_from(failure->type));
    }
}

void instance_log_end(struct instance *instance, struct ticket *ticket,
                      const struct failure *failure)
{
    struct function_invocation *invocation = ticket->invocation;
    int64_t now_us = clock_mono_us();
    struct report_cost cost = {
        .request_id = invocation->request_id,
        .duration_us = now_us - instance->started_us,
        .init_us = instance->init_us,
        .memory_mb = instance->function->memory_mb,
        .used_mb = used_memory_mb(instance, now_us),
    };
    if (failure && failure->is_timeout) {
        cost.status = "timeout";
    } else if (failure) {
        cost.status = "error";
        cost.error_type = failure->log_type ? failure->log_type : failure->type;
    }
    ticket->duration_us = cost.duration_us;
    instance->init_us = -1;
    instance_drain(instance);
    report_end(&instance->report, &cost);
    if (invocation->want_log_tail)
        invocation->log_tail = report_tail(&instance->report, invocation->arena);
    report_flush(&instance->report);
}
