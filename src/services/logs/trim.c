/* Deleting the oldest events of a group: those that expired, and those beyond the quota. */
#include "base/clock.h"
#include "base/log.h"
#include "services/logs/internal.h"

enum { SAY_EVERY_US = 60 * 1000 * 1000 };

static void add_metric(const struct logs *logs, struct str group, const char *name,
                       const char *unit, double value)
{
    const struct metric_capability *metrics = &logs->skylite->metrics;
    struct metric_dimension dimension = {STR("LogGroupName"), group};
    metric_add(metrics,
               metric_open(metrics, &(struct metric_definition){.space = "Skylite/Logs",
                                                                .name = name,
                                                                .unit = unit,
                                                                .dimensions = &dimension,
                                                                .dimension_count = 1}),
               value);
}

/* Tells of events that went before their time: figures of each group, and a line now and then. */
static void tell(struct logs *logs, struct str group, int64_t events, int64_t bytes)
{
    int64_t now_us = clock_mono_us();
    add_metric(logs, group, "QuotaDeletedEvents", "Count", (double)events);
    add_metric(logs, group, "QuotaDeletedBytes", "Bytes", (double)bytes);
    logs->over_quota_events += events;
    if (logs->over_quota_said_us && now_us < logs->over_quota_said_us + SAY_EVERY_US)
        return;
    log_warn("logs",
             "%lld old events were deleted because their groups reached --log-quota, the last of "
             "%.*s",
             (long long)logs->over_quota_events, STR_ARG(group));
    logs->over_quota_said_us = now_us;
    logs->over_quota_events = 0;
}

bool logs_trim(struct logs *logs, struct store_txn *txn, struct arena *arena, struct group *group,
               size_t *left)
{
    int64_t quota = logs->skylite->config.log_quota_bytes;
    int64_t expires_ms =
        group->retention_days ? clock_wall_ms() - group->retention_days * DAY_MS : 0;
    int64_t over_events = 0, over_bytes = 0;
    bool is_over, is_done = true;
    struct str key, value, prefix = logs_key_prefix(arena, 'e', group->id);
    struct store_iter *iter = store_txn_iter_new(
        txn, STORE_LOGS, logs_key_event(arena, group->id, (struct position){group->oldest_ms, 0}),
        store_prefix_end(arena, prefix), false);
    while (store_iter_next(iter, &key, &value)) {
        struct event event = logs_event_read(key, value);
        int64_t bytes = (int64_t)event.message.len + EVENT_OVERHEAD;
        bool is_expired = event.position.time_ms < expires_ms;
        group->oldest_ms = event.position.time_ms;
        is_over = quota && group->stored_bytes > quota;
        if (!is_expired && !is_over)
            break;
        is_done = *left > 0;
        if (!is_done)
            break;
        (*left)--;
        store_txn_delete(txn, STORE_LOGS, arena_str(arena, key));
        group->stored_bytes -= bytes;
        over_events += !is_expired;
        over_bytes += is_expired ? 0 : bytes;
    }
    store_iter_free(iter);
    if (over_events)
        tell(logs, group->name, over_events, over_bytes);
    return is_done;
}
