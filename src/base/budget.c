/* Budgets. A share at the top leases bytes from its budget in pieces, by one atomic addition each.
 */
#include "base/budget.h"

#include <assert.h>
#include <stdint.h>

enum { LEASE = 64 * 1024 };

void budget_init(struct budget *budget, size_t limit)
{
    atomic_init(&budget->leased, 0);
    atomic_init(&budget->was_high, false);
    budget->limit = limit;
}

static size_t part_of(size_t limit, enum budget_rank rank)
{
    return limit / BUDGET_SMALL * rank;
}

static struct budget_share *top_of(struct budget_share *share)
{
    while (share->parent)
        share = share->parent;
    return share;
}

static bool lease(struct budget_share *top, size_t size, size_t most)
{
    struct budget *budget = top->budget;
    size_t leased = atomic_fetch_add_explicit(&budget->leased, size, memory_order_relaxed) + size;
    if (leased <= most) {
        top->leased += size;
        if (leased > budget->limit / 4)
            atomic_store_explicit(&budget->was_high, true, memory_order_relaxed);
        return true;
    }
    atomic_fetch_sub_explicit(&budget->leased, size, memory_order_relaxed);
    return false;
}

/* A piece, or exactly what is missing when the budget is nearly used up. */
static bool cover(struct budget_share *top, size_t size, enum budget_rank rank)
{
    if (!top->budget)
        return true;
    size_t most = part_of(top->budget->limit, rank);
    if (top->used + size <= top->leased)
        return atomic_load_explicit(&top->budget->leased, memory_order_relaxed) <= most;
    size_t missing = top->used + size - top->leased;
    return lease(top, missing + LEASE, most) || lease(top, missing, most);
}

static void count(struct budget_share *share, size_t size)
{
    for (; share; share = share->parent)
        share->used += size;
}

bool budget_claim(struct budget_share *share, size_t size, enum budget_rank rank)
{
    for (struct budget_share *at = share; at; at = at->parent) {
        size_t most = part_of(at->limit, rank);
        if (at->limit && (size > most || at->used > most - size))
            return false;
    }
    if (!cover(top_of(share), size, rank))
        return false;
    count(share, size);
    return true;
}

void budget_force(struct budget_share *share, size_t size)
{
    struct budget_share *top = top_of(share);
    if (top->budget && top->used + size > top->leased)
        lease(top, top->used + size - top->leased + LEASE, SIZE_MAX);
    count(share, size);
}

void budget_give(struct budget_share *share, size_t size)
{
    struct budget_share *top = top_of(share);
    for (; share; share = share->parent) {
        assert(share->used >= size);
        share->used -= size;
    }
    if (!top->budget || top->leased - top->used <= (size_t)3 * LEASE)
        return;
    size_t spare = top->leased - top->used - LEASE;
    top->leased -= spare;
    atomic_fetch_sub_explicit(&top->budget->leased, spare, memory_order_relaxed);
}

bool budget_has_fallen(struct budget *budget)
{
    return atomic_load_explicit(&budget->leased, memory_order_relaxed) <= budget->limit / 16 &&
           atomic_exchange_explicit(&budget->was_high, false, memory_order_relaxed);
}

size_t budget_most(const struct budget_share *share, enum budget_rank rank)
{
    size_t most = SIZE_MAX;
    for (; share; share = share->parent) {
        if (share->limit && part_of(share->limit, rank) < most)
            most = part_of(share->limit, rank);
        if (share->budget && part_of(share->budget->limit, rank) < most)
            most = part_of(share->budget->limit, rank);
    }
    return most;
}
