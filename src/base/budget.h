/* A bound on bytes that many threads use together, and the shares of it that one thread each counts
 * without atomics. Nothing is allocated here: callers claim before they take memory, and give back
 * what they have freed. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Who goes first when bytes run short: a claim is granted while the budget is filled to no more
 * than so many eighths. So what anyone may ask for never takes the last of it, and small requests
 * go through when large ones have to wait. */
enum budget_rank {
    BUDGET_LARGE_OF_STRANGERS = 4,
    BUDGET_LARGE = 6,
    BUDGET_SMALL_OF_STRANGERS = 7,
    BUDGET_SMALL = 8,
};

/* Of the process. */
struct budget {
    atomic_size_t leased; /* to shares */
    atomic_bool was_high; /* see budget_has_fallen */
    size_t limit;
};

/* What one thread uses of a budget, or of a share above it that belongs to the same thread. A
 * zeroed share grants everything. */
struct budget_share {
    size_t used;
    size_t limit;                /* 0: that of what is above it */
    struct budget_share *parent; /* or a budget, or neither */
    struct budget *budget;
    size_t leased; /* from the budget; a little more than is used, so that few claims go there */
};

void budget_init(struct budget *budget, size_t limit);

/* Counts `size` bytes as used when that leaves all above it within the rank's part of their limits;
 * else nothing is counted. */
bool budget_claim(struct budget_share *share, size_t size, enum budget_rank rank);

/* Counts what is in use already, whatever the limit says. */
void budget_force(struct budget_share *share, size_t size);

void budget_give(struct budget_share *share, size_t size);

/* True once after more than a quarter of it was in use, when no more than a sixteenth is: what was
 * freed can go back to the system now. Any thread. */
bool budget_has_fallen(struct budget *budget);

/* The most that a claim of that rank could ever get. */
size_t budget_most(const struct budget_share *share, enum budget_rank rank);
