/* CloudWatch's metrics of tables
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html). */
#pragma once

#include "core/request.h"
#include "services/dynamodb/capacity.h"

/* Makes what calls of the table and its global indexes are counted in, once for each. On the writer
 * thread, or before the loops run. */
void ddb_metrics_open(struct dynamodb *dynamodb, struct ddb_table *table);
void ddb_metrics_free(struct ddb_metrics *metrics);

/* Counts what a call has consumed. Any thread. */
void ddb_metrics_consumed(const struct ddb_capacity *capacity);

/* The service's observer. */
void ddb_metrics_observe(const struct request *request, enum err rc);
