/* CloudWatch metrics: the Monitoring API and struct metric_capability. */
#pragma once

#include "core/skylite.h"

struct cloudwatch;

/* Loads the series, registers the service "cloudwatch" and fills skylite->metrics. Before the
 * services that have metrics, and before the loops start. */
enum err cloudwatch_new(struct skylite *skylite, struct cloudwatch **out, struct error *error);

/* Writes what is still in memory and frees it; after the loops ended, before the store is closed.
 * NULL does nothing. */
void cloudwatch_free(struct cloudwatch *cloudwatch);
