/* CloudFormation templates and OpenAPI documents, YAML or JSON, as one JSON value, and values as
 * YAML. No I/O. */
#pragma once

#include "wire/json.h"

/* Parses a template of either form. Short tags become their long forms ("!Ref x" is {"Ref":"x"},
 * "!GetAtt a.b" is
 * {"Fn::GetAtt":["a","b"]}, "!Sub", "!Join", "!If", "!Equals", "!Not", "!And", "!Or", "!Condition",
 * "!Select", "!Split", "!FindInMap", "!Base64",
 * "!ImportValue", "!GetAZs", "!Cidr", "!Transform"). Scalars get the core schema's types (YAML 1.1
 * as AWS reads it: plain true/false/yes/no/on/off are booleans, "2010-09-09" stays text). Anchors
 * and aliases work, with an expansion limit. ERR_VALIDATION_ERROR with line and column. */
enum err yaml_parse(struct arena *arena, struct str text, yyjson_val **out, struct error *error);

/* The value as YAML in block style, in the arena; yaml_parse reads the same from it. Empty when it
 * would be longer than 64 MiB. */
struct str yaml_write(struct arena *arena, yyjson_mut_val *value);
