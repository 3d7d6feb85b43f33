/* What operations on items read from a request, or from one entry of a batch or transaction
 * (`input`): expressions, the parameters of the older style, and the rest that several share. */
#pragma once

#include "services/dynamodb/capacity.h"
#include "services/dynamodb/expression.h"
#include "services/dynamodb/item.h"

/* The parameters of an operation: the expressions it may have, and the older parameters that do not
 * go with them. Lists end with NULL and are in the order in which messages name them. */
struct ddb_parameter_set {
    const char *const *expressions;
    const char *const *older;
};

/* What the expressions (or the older parameters) of a request come to; NULL for what it has not. */
struct ddb_expressions {
    const struct ddb_condition *condition, *filter, *key_condition;
    const struct ddb_update *update;
    const struct ddb_projection *projection;
    bool is_not_indexable; /* KeyConditions has what no index can find */
};

/* Checks that the two styles are not mixed, and that names and values have expressions. */
enum err ddb_check_style(struct request *request, const yyjson_val *input,
                         const struct ddb_parameter_set *set);

/* Reads those expressions of the set that the input has, and checks that names and values are used.
 */
enum err ddb_expressions_read(struct request *request, const yyjson_val *input,
                              const struct ddb_parameter_set *set, struct ddb_expressions *out);

/* --- The older style; each fills what is there --- */

/* "Expected" and "ConditionalOperator" as a condition. */
enum err ddb_read_expected(struct request *request, const yyjson_val *input,
                           struct ddb_expressions *out);
/* "QueryFilter" or "ScanFilter" as a filter. */
enum err ddb_read_filter(struct request *request, const yyjson_val *input, const char *parameter,
                         struct ddb_expressions *out);
/* "KeyConditions" as a key condition. */
enum err ddb_read_key_conditions(struct request *request, const yyjson_val *input,
                                 struct ddb_expressions *out);
enum err ddb_read_attribute_updates(struct request *request, const yyjson_val *input,
                                    struct ddb_expressions *out);
/* "AttributesToGet" as a projection. */
enum err ddb_read_attributes_to_get(struct request *request, const yyjson_val *input,
                                    struct ddb_expressions *out);

/* --- The rest --- */

/* A member that is there and not null, or NULL. */
yyjson_val *ddb_get(const yyjson_val *input, const char *name);

/* A checked number or truth value. */
int64_t ddb_get_integer(const yyjson_val *input, const char *name, int64_t fallback);
bool ddb_get_boolean(const yyjson_val *input, const char *name, bool fallback);

/* Which one of the values a checked parameter has; 0 when it is missing. The list ends with NULL.
 */
size_t ddb_get_choice(const yyjson_val *input, const char *name, const char *const *values);
enum ddb_consumed ddb_get_consumed(const yyjson_val *input);

/* Reads "Key" or "Item". */
enum err ddb_read_item(struct request *request, const yyjson_val *input, const char *name,
                       struct ddb_value *out);
