/* CBOR (RFC 8949) as Smithy's RPC v2 protocol uses it
 * (https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html), to and from JSON values.
 */
#pragma once

#include "wire/json.h"

enum { CBOR_MAX_DEPTH = 64 };

/* Reads one item. Byte strings become base64 text, times numbers; what has no value is null. NULL
 * for malformed or truncated bytes, and for maps whose keys are no text. In `arena`. */
yyjson_val *cbor_to_json(struct arena *arena, struct str bytes);

/* A time, for values that are written as CBOR; nothing else can write it. */
yyjson_mut_val *cbor_time(yyjson_mut_doc *doc, struct arena *arena, int64_t wall_ms);

/* Writes a value. In `arena`. */
struct str cbor_from_json(struct arena *arena, yyjson_mut_val *value);
