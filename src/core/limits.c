/* Sharing out memory and descriptors. */
#include "core/limits.h"

#include <malloc.h>

enum {
    OWN_DESCRIPTORS = 64,
    LEAST_OF_SANDBOXES = 4 * BUDGET_SMALL,
    DISK_PER_MEMORY = 4,
    LEAST_OF_SANDBOX = 32 * 1024 * 1024
};

/* Files of the store and the pipes of sandboxes have a quarter; of the rest, clients have three and
 * functions one. */
static void share_places(struct limits *limits, size_t descriptors, unsigned loop_count)
{
    size_t own = OWN_DESCRIPTORS + descriptors / 4;
    size_t rest = descriptors > own ? descriptors - own : 0;
    for (unsigned i = 0; i < loop_count; i++) {
        limits->loops[i].public_places.limit = rest * 3 / 4 / loop_count + BUDGET_SMALL;
        limits->loops[i].sandbox_places.limit = rest / 4 / loop_count + LEAST_OF_SANDBOXES;
    }
}

void limits_init(struct limits *limits, size_t memory, size_t descriptors, int spill_fd,
                 unsigned loop_count)
{
    budget_init(&limits->public_memory, memory / 2);
    budget_init(&limits->sandbox_memory, memory / 2);
    budget_init(&limits->disk, memory * DISK_PER_MEMORY);
    for (unsigned i = 0; i < loop_count; i++) {
        struct loop_limits *loop = &limits->loops[i];
        *loop = (struct loop_limits){.public_memory.budget = &limits->public_memory,
                                     .sandbox_memory.budget = &limits->sandbox_memory,
                                     .disk.budget = &limits->disk,
                                     .spill = {.dir_fd = spill_fd, .disk = &loop->disk}};
    }
    share_places(limits, descriptors, loop_count);
}

/* --- Giving memory back --- */

enum {
    TRIM_EVERY_MS = 2000,
    /* Fixed, so that the C library does not learn to keep blocks of tens of megabytes; below it a
     * block costs no page faults each time. */
    MAPPED_FROM = 4 * 1024 * 1024,
};

static void trim(void *arg)
{
    (void)arg;
    malloc_trim(0);
}

static void trimmed(void *arg)
{
    struct limits *limits = arg;
    limits->is_trimming = false;
}

/* On the pool, since it takes milliseconds for each hundred megabytes. */
static void look(void *arg)
{
    struct limits *limits = arg;
    bool has_fallen = budget_has_fallen(&limits->public_memory);
    has_fallen |= budget_has_fallen(&limits->sandbox_memory);
    if (!has_fallen || limits->is_trimming)
        return;
    limits->is_trimming = true;
    loop_work(limits->watching, trim, trimmed, limits);
}

void limits_watch(struct limits *limits, struct loop *loop)
{
    mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
    limits->watching = loop;
    loop_timer_start(loop, TRIM_EVERY_MS, TRIM_EVERY_MS, look, limits);
}

/* --- Sandboxes --- */

void limits_of_sandbox(struct loop_limits *loop, size_t function_memory, struct sandbox_limits *out)
{
    size_t memory = function_memory / 2, places = loop->sandbox_places.limit / 4;
    bool is_few = places && places < LIMITS_ENDPOINT_PLACES;
    *out = (struct sandbox_limits){
        .memory = {.limit = memory < LEAST_OF_SANDBOX ? LEAST_OF_SANDBOX : memory,
                   .parent = &loop->sandbox_memory},
        .runtime_places.limit = LIMITS_RUNTIME_PLACES,
        .endpoint_places = {.limit = is_few ? places : LIMITS_ENDPOINT_PLACES,
                            .parent = &loop->sandbox_places},
    };
}
