/* The AWS query protocol's request and form data: "Action=X&Tags.member.1.Key=a" as JSON values
 * (https://smithy.io/2.0/aws/protocols/aws-query-protocol.html). No I/O. */
#pragma once

#include "wire/json.h"

/* One name and value of a query string or form, decoded. */
struct query_pair {
    struct str name;
    struct str value;
};

/* Splits at '&' and '=', decoding %XX and '+'. Order is kept. Never fails. */
size_t query_parse(struct arena *arena, struct str text, struct query_pair **out_pairs);

/* The nested form: "A.B=x" is {"A":{"B":"x"}}, "L.member.1=x" and "L.entry.1.key/value" are arrays
 * in the order of their numbers; all leaves are strings. ERR_VALIDATION_ERROR for a name that is
 * both a value and a structure, or nested deeper than 32. */
enum err query_to_json(struct arena *arena, struct str text, yyjson_val **out, struct error *error);
