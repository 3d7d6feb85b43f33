/* Metric math: any text ends in a value or an error. */
#include "services/cloudwatch/math.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void visit(void *arg, struct str id)
{
    *(size_t *)arg += id.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    double first[] = {1, 2, 3}, second[] = {0, -1, 1e300}, *out;
    struct arena arena = {0};
    struct error error;
    size_t length = 0, budget = 100000;
    const struct math_series series[] = {{STR("m1"), first}, {STR("m2"), second}};
    struct math_input input = {
        .series = series,
        .series_count = 2,
        .metric_count = 2,
        .length = 3,
        .start_s = 1700000000,
        .period_s = 60,
        .arena = &arena,
        .budget = &budget,
    };
    struct str text = str_make((const char *)data, size < 2048 ? size : 2048);
    math_ids(text, visit, &length);
    if (math_evaluate(text, &input, &out, &error) == OK)
        length += out[2] > 0;
    arena_release(&arena);
    return 0;
}
