/* When a call is tried again, and after how long: the AWS SDKs' standard mode
 * (https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html). No I/O. */
#pragma once

#include "base/str.h"

enum {
    RETRY_BUDGET = 500, /* what a client starts with, and never has more of */
    RETRY_COST = 5,
    RETRY_TIMEOUT_COST = 10,
    RETRY_BASE_MS = 50,
    RETRY_MAX_MS = 20 * 1000,
};

/* The budget that all calls of a client share: retries stop when most calls fail. */
struct retry_budget {
    int left;
};

void retry_budget_init(struct retry_budget *budget);

/* True for answers that another attempt may change: throttling and the server's own failures. */
bool retry_is_worthwhile(int status, struct str error_type);

/* Takes the cost of a retry; false when there is not enough left. */
bool retry_take(struct retry_budget *budget, int cost);

/* A call went well: gives back what its last retry cost, or 1 when it had none. */
void retry_give_back(struct retry_budget *budget, int last_cost);

/* How long to wait before attempt `next` (2 is the first retry). `random` is evenly drawn from all
 * values: the wait is evenly drawn from 0 to RETRY_BASE_MS * 2^(next - 2), RETRY_MAX_MS at most. */
unsigned retry_delay_ms(unsigned next, uint32_t random);
