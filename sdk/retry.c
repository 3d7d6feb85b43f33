/* The standard retry mode's rules. */
#include "retry.h"

void retry_budget_init(struct retry_budget *budget)
{
    budget->left = RETRY_BUDGET;
}

bool retry_is_worthwhile(int status, struct str error_type)
{
    static const struct str throttling[] = {
        STR_INIT("LimitExceededException"),
        STR_INIT("PriorRequestNotComplete"),
        STR_INIT("ProvisionedThroughputExceededException"),
        STR_INIT("RequestLimitExceeded"),
        STR_INIT("RequestThrottled"),
        STR_INIT("RequestThrottledException"),
        STR_INIT("RequestTimeout"),
        STR_INIT("RequestTimeoutException"),
        STR_INIT("SlowDown"),
        STR_INIT("ThrottledException"),
        STR_INIT("Throttling"),
        STR_INIT("ThrottlingException"),
        STR_INIT("TooManyRequestsException"),
        STR_INIT("TransactionInProgressException"),
    };
    if (status == 500 || status == 502 || status == 503 || status == 504 || status == 429)
        return true;
    for (size_t i = 0; i < sizeof(throttling) / sizeof(throttling[0]); i++) {
        if (str_eq(error_type, throttling[i]))
            return true;
    }
    return false;
}

bool retry_take(struct retry_budget *budget, int cost)
{
    if (budget->left < cost)
        return false;
    budget->left -= cost;
    return true;
}

void retry_give_back(struct retry_budget *budget, int last_cost)
{
    budget->left += last_cost ? last_cost : 1;
    budget->left = budget->left > RETRY_BUDGET ? RETRY_BUDGET : budget->left;
}

unsigned retry_delay_ms(unsigned next, uint32_t random)
{
    unsigned doublings = next - 2;
    uint64_t longest = doublings < 16 ? (uint64_t)RETRY_BASE_MS << doublings : RETRY_MAX_MS;
    longest = longest > RETRY_MAX_MS ? RETRY_MAX_MS : longest;
    return (unsigned)(longest * random >> 32);
}
