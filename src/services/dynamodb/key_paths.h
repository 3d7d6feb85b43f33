/* Paths of expressions against a table's keys: key attributes are scalars, so that no path leads
 * into them. ERR_VALIDATION in DynamoDB's words. */
#pragma once

#include "services/dynamodb/expression.h"
#include "services/dynamodb/table.h"

/* True when the name is a key attribute's. */
bool ddb_is_key(const struct ddb_keys *keys, struct str name);

/* Of what is set, and of what it is made from. */
enum err ddb_check_update_paths(const struct ddb_table *table, const struct ddb_update *update,
                                struct error *error);
/* Of a condition or filter. */
enum err ddb_check_condition_paths(const struct ddb_table *table,
                                   const struct ddb_condition *condition, struct error *error);
enum err ddb_check_projection_paths(const struct ddb_table *table,
                                    const struct ddb_projection *projection, struct error *error);
