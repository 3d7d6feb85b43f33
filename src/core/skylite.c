/* The registry of services, and names that follow from the configuration. */
#include "core/skylite.h"

#include <assert.h>

struct str skylite_arn(const struct skylite *skylite, struct arena *arena, const char *service,
                       struct str resource)
{
    return arena_concat(arena, STR("arn:aws:"), str_from(service), STR(":"), skylite->config.region,
                        STR(":"), skylite->config.account, STR(":"), resource);
}

void skylite_add_service(struct skylite *skylite, const struct service *service)
{
    assert(skylite->service_count < SKYLITE_MAX_SERVICES);
    skylite->services[skylite->service_count++] = service;
}
