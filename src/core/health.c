/* Each part of the server reports what ails it. */
#include "core/health.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

static const char *const part_names[HEALTH_PART_COUNT] = {
    [HEALTH_STORE] = "store",
    [HEALTH_DATA] = "data",
    [HEALTH_LAUNCHER] = "launcher",
};

void health_report(struct health *health, enum health_part part, const char *reason)
{
    assert(part < HEALTH_PART_COUNT);
    assert(!reason || *reason);
    pthread_mutex_lock(&health->mutex);
    char *kept = health->reasons[part];
    bool was_ailing = *kept != '\0';
    snprintf(kept, HEALTH_REASON_BYTES, "%s", reason ? reason : "");
    if (was_ailing && !reason)
        atomic_fetch_sub(&health->ailing_count, 1);
    else if (!was_ailing && reason)
        atomic_fetch_add(&health->ailing_count, 1);
    pthread_mutex_unlock(&health->mutex);
}

/* {"status":"unavailable","reasons":{"store":"the disk is full"}} */
static struct str ailing_body(struct health *health, struct arena *arena)
{
    struct buf body;
    const char *before = "{\"status\":\"unavailable\",\"reasons\":{";
    buf_init_arena(&body, arena, SIZE_MAX / 2);
    for (int i = 0; i < HEALTH_PART_COUNT; i++) {
        if (!health->reasons[i][0])
            continue;
        buf_add(&body, str_from(before));
        buf_add_json(&body, str_from(part_names[i]));
        buf_add(&body, STR(":"));
        buf_add_json(&body, str_from(health->reasons[i]));
        before = ",";
    }
    buf_add(&body, STR("}}"));
    return buf_str(&body);
}

int health_answer(struct health *health, struct arena *arena, struct str *out_body)
{
    int status = 200;
    *out_body = STR("{\"status\":\"ok\"}");
    if (atomic_load(&health->ailing_count) == 0)
        return status;
    pthread_mutex_lock(&health->mutex);
    if (atomic_load(&health->ailing_count) > 0) {
        status = 503;
        *out_body = ailing_body(health, arena);
    }
    pthread_mutex_unlock(&health->mutex);
    return status;
}
