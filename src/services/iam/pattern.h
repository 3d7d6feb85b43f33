/* Texts of policies that may hold wildcards ("*", "?") and policy variables ("${aws:username}"),
 * and their matching. Immutable once made; may be used on any thread. */
#pragma once

#include "base/arena.h"
#include "base/error.h"

struct context;
struct context_key;

/* What stands for a wildcard or a variable in the text of a pattern: bytes that a policy cannot
 * hold, so that "${*}" and what a variable brings in are ordinary characters. */
enum { PATTERN_ANY = 1, PATTERN_ONE = 2, PATTERN_VARIABLE = 3 };

struct pattern_variable {
    const struct context_key *key;
    struct str fallback; /* of "${key, 'fallback'}"; a NULL pointer when there is none */
};

struct pattern {
    struct str text;
    struct pattern_variable *variables; /* in the order of their marks in `text` */
    size_t variable_count;
    bool is_any;   /* just "*" */
    bool is_plain; /* neither wildcards nor variables */
};

enum pattern_flag {
    PATTERN_WILDCARDS = 1, /* "*" and "?" are wildcards */
    PATTERN_VARIABLES = 2, /* "${...}" is a variable (policy version 2012-10-17) */
    PATTERN_FOLD_CASE = 4, /* the text is made lower case; what it is matched with must be too */
};

/* Makes a pattern in `arena`. A "${" without "}" is ordinary text. */
void iam_pattern_compile(struct arena *arena, struct str text, unsigned flags, struct pattern *out);

/* True when the pattern covers the whole of `text`. A variable without a value and without a
 * fallback matches nothing. `context` may be NULL for a pattern without variables. */
bool iam_pattern_match(const struct pattern *pattern, struct str text, struct context *context);

/* The pattern with its variables filled in, in `arena`; false when one has no value. */
bool iam_pattern_expand(const struct pattern *pattern, struct context *context, struct arena *arena,
                        struct str *out);

/* Compares under wildcards. `text` in the form of struct pattern. */
bool iam_pattern_glob(struct str glob, struct str text);

/* --- ARNs --- */

enum { ARN_PARTS = 6 }; /* arn, partition, service, region, account, resource */

struct arn {
    struct str parts[ARN_PARTS];
};

/* Splits at the first five colons; false when there are fewer. */
bool iam_arn_split(struct str text, struct arn *out);

/* A pattern for ARNs: its wildcards do not go across the first five colons, and missing parts are
 * "*" (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html).
 */
struct arn_pattern {
    struct pattern parts[ARN_PARTS];
    struct pattern whole; /* for what is no ARN, and for is_any */
};

void iam_arn_pattern_compile(struct arena *arena, struct str text, unsigned flags,
                             struct arn_pattern *out);

/* `arn` is `text` split, or NULL when it is none: then only "*" or the very same text match. */
bool iam_arn_pattern_match(const struct arn_pattern *pattern, struct str text,
                           const struct arn *arn, struct context *context);
