/* CloudWatch's metrics of tables
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html). */
#pragma once

#include "core/request.h"
#include "services/dynamodb/table.h"

/* Makes what the table's calls are counted in; once per table. */
void ddb_metrics_open(struct dynamodb *dynamodb, struct ddb_table *table);
void ddb_metrics_free(struct ddb_metrics *metrics);

/* Capacity units that a call has consumed, of the table and its indexes. Any thread. */
void ddb_metrics_consumed(const struct ddb_table *table, bool is_write, double units);

/* The service's observer. */
void ddb_metrics_observe(const struct request *request, enum err rc);
