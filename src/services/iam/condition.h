/* The Condition element: operators, set qualifiers, evaluation
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html).
 */
#pragma once

#include "services/iam/context.h"
#include "services/iam/pattern.h"
#include "wire/json.h"

enum condition_test {
    TEST_STRING_EQUALS,
    TEST_STRING_EQUALS_IGNORE_CASE,
    TEST_STRING_LIKE,
    TEST_NUMERIC,
    TEST_DATE,
    TEST_BOOL,
    TEST_BINARY,
    TEST_IP,
    TEST_ARN,
    TEST_NULL,
};

enum condition_relation { RELATION_EQ, RELATION_LT, RELATION_LE, RELATION_GT, RELATION_GE };

enum condition_set { SET_NONE, SET_FOR_ALL, SET_FOR_ANY };

struct condition {
    enum condition_test test;
    enum condition_relation relation; /* of numbers and dates */
    enum condition_set set;
    bool is_negated;
    bool is_if_exists;
    struct context_key key;
    struct pattern *values;
    struct arn_pattern *arns; /* of TEST_ARN, instead of values */
    size_t value_count;
};

/* Reads "ForAnyValue:StringLikeIfExists" into `out`; false when there is no such operator. */
bool iam_condition_operator(struct str name, struct condition *out);

/* Fills `out`, whose operator is set, from a key and its value or values. False when a value is no
 * text, number or boolean. `variables` is 0 or PATTERN_VARIABLES. */
bool iam_condition_compile(struct arena *arena, struct str key, yyjson_val *values,
                           unsigned variables, struct condition *out);

bool iam_condition_holds(const struct condition *condition, struct context *context);

/* A date that IAM takes in a policy: one of ISO 8601 as W3C profiles it, or whole epoch seconds. */
bool iam_condition_is_date(struct str text);

/* Such a date in milliseconds. */
bool iam_condition_parse_date(struct str text, int64_t *out_ms);

/* True when `address` is in `range` ("203.0.113.0/24", "2001:db8::/32", or one address). */
bool iam_condition_ip_in_range(struct str address, struct str range);
