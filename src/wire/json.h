/* yyjson with the arena as its memory, and short ways to read and build values. yyjson values may
 * travel anywhere. */
#pragma once

#include <yyjson.h>

#include "base/arena.h"
#include "base/error.h"

/* An allocator that takes from `arena` and gives nothing back. */
struct yyjson_alc json_alc(struct arena *arena);

/* Parses a whole JSON text of `max_depth` levels at most; NULL when it is not one. Values live in
 * the arena. `text` need not stay. */
yyjson_val *json_parse(struct arena *arena, struct str text);

/* A document to build values in; it lives in the arena. */
yyjson_mut_doc *json_doc(struct arena *arena);

/* The value as JSON text without spaces. */
struct str json_write(struct arena *arena, const yyjson_mut_val *value);
struct str json_write_val(struct arena *arena, const yyjson_val *value);

/* --- Reading --- */

/* A member of an object, or NULL (also when `object` is NULL or no object). `key` is a literal. */
yyjson_val *json_get(const yyjson_val *object, const char *key);

/* A member as text; the empty string with a NULL pointer when it is missing or no string. */
struct str json_get_str(const yyjson_val *object, const char *key);
struct str json_str(const yyjson_val *value);

/* A member as a number, also from text in decimal as the query protocol and CloudFormation give
 * them; false when missing or of another kind. */
bool json_get_i64(const yyjson_val *object, const char *key, int64_t *out);
bool json_get_double(const yyjson_val *object, const char *key, double *out);
bool json_double(yyjson_val *value, double *out);

/* A member as a truth value, also from the texts "true" and "false"; `fallback` when missing. */
bool json_get_bool(const yyjson_val *object, const char *key, bool fallback);

/* The same of a value that is being built. */
struct str json_mut_get_str(yyjson_mut_val *object, const char *key);

/* --- Building --- */

/* Adds a member. The key is a literal, kept by reference; the text is kept by reference: it must
 * live as long as the document. */
void json_add_str(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, struct str value);
/* The same, leaving the member out when `value.ptr` is NULL (wire rule: members without a value are
 * left out). */
void json_add_str_opt(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key,
                      struct str value);
void json_add_i64(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, int64_t value);
void json_add_double(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, double value);
void json_add_bool(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, bool value);
void json_add(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key, yyjson_mut_val *value);
yyjson_mut_val *json_add_obj(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key);
yyjson_mut_val *json_add_arr(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key);
/* Adds a copy of a parsed value; nothing when it is NULL. */
void json_add_copy(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key,
                   const yyjson_val *value);
