/* Metric math: expressions over the results of other queries
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html). Numbers,
 * ids, + - * / ^, comparisons, AND and OR, parentheses, arrays in brackets, and the functions in
 * math_functions.c. */
#pragma once

#include "base/arena.h"
#include "base/error.h"

/* A value for each period; NAN where there is none. */
struct math_series {
    struct str id;
    double *values;
};

struct math_input {
    const struct math_series *series; /* what ids stand for */
    size_t series_count;
    size_t metric_count; /* how many of the leading ones METRICS() stands for */
    size_t length;       /* values in each */
    int64_t start_s, period_s;
    struct arena *arena;
    size_t *budget; /* how many values may still be worked out, for all expressions together */
};

/* Evaluates; `*out` has a value for each period, in the arena. ERR_VALIDATION_ERROR for what is no
 * expression, a function that there is not, an id that is not known, or what costs too much. */
enum err math_evaluate(struct str text, const struct math_input *input, double **out,
                       struct error *error);

/* Calls visit for each id that the expression uses; "METRICS()" counts as the id "". */
void math_ids(struct str text, void (*visit)(void *arg, struct str id), void *arg);
