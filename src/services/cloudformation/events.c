/* Events of stacks. */
#include <stdatomic.h>

#include "base/clock.h"
#include "base/encode.h"
#include "services/cloudformation/internal.h"

/* Later ones sort first; the counter orders those of one millisecond. */
static struct str key_of(struct arena *arena, struct str stack_id, int64_t now_ms)
{
    static atomic_uint counter;
    struct str prefix = cfn_event_prefix(arena, stack_id);
    return arena_printf(arena, "%.*s%016llx%08x", STR_ARG(prefix),
                        (unsigned long long)(INT64_MAX - now_ms),
                        UINT32_MAX - atomic_fetch_add(&counter, 1));
}

struct str cfn_event_new(struct arena *arena, const struct cfn_event *event, struct str *out_key)
{
    yyjson_mut_doc *doc = json_doc(arena);
    yyjson_mut_val *out = yyjson_mut_obj(doc);
    int64_t now_ms = clock_wall_ms();
    json_add_str(doc, out, "EventId", random_uuid(arena));
    json_add_str(doc, out, "StackId", event->stack_id);
    json_add_str(doc, out, "StackName", event->stack_name);
    json_add_str(doc, out, "LogicalResourceId", event->logical_id);
    json_add_str(doc, out, "PhysicalResourceId", event->physical_id);
    json_add_str(doc, out, "ResourceType", event->type);
    json_add_i64(doc, out, "TimeMs", now_ms);
    json_add_str(doc, out, "ResourceStatus", event->status);
    if (event->reason.len)
        json_add_str(doc, out, "ResourceStatusReason", event->reason);
    json_add_str_opt(doc, out, "ClientRequestToken", event->token);
    *out_key = key_of(arena, event->stack_id, now_ms);
    return json_write(arena, out);
}
