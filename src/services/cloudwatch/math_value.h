/* What the parser of metric math and its functions share: values, and calls of functions. */
#pragma once

#include <math.h>

#include "services/cloudwatch/math.h"

enum { MATH_MAX_ARGUMENTS = 100 };

/* A number, a series, or several series. */
struct value {
    enum { VALUE_SCALAR, VALUE_SERIES, VALUE_ARRAY } kind;
    double scalar;
    double **series;
    size_t count;
};

struct math_parser {
    struct str rest;
    const struct math_input *input;
    double *spare; /* a series for when there can be no more */
    int depth;
    enum err rc;
    struct error *error;
};

/* A function and its arguments. */
struct math_call {
    struct str name;
    struct value arguments[MATH_MAX_ARGUMENTS];
    size_t count;
    struct str words[2]; /* arguments that are words: FILL(m1, REPEAT), SORT(a, SUM, DESC) */
    size_t word_count;
    struct str text; /* one in quotes: METRICS("errors") */
};

/* Notes what is wrong, unless something was before. */
struct value math_fail(struct math_parser *parser, const char *what, struct str detail);

/* All that takes memory and time comes by here. */
double *math_new_series(struct math_parser *parser);

struct value math_scalar(double number);
struct value math_series_of(struct math_parser *parser, double *values);

/* An array with room for `count` series; none is there yet. */
struct value math_array(struct math_parser *parser, size_t count);

/* The value of the series `which` at a place; a scalar has the same at all of them. */
double math_at(const struct value *value, size_t which, size_t place);

/* Applies the function. */
struct value math_apply(struct math_parser *parser, const struct math_call *call);
