/* Bytes as text and back: hexadecimal, base64 (RFC 4648), percent-encoding (RFC 3986). */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

/* Lower-case hexadecimal. */
struct str encode_hex(struct arena *arena, struct str bytes);
bool decode_hex(struct arena *arena, struct str text, struct str *out);

/* Standard alphabet with padding. Decoding wants the padding and nothing but the alphabet (no line
 * breaks), and, as DynamoDB does, unused bits that are zero. */
struct str encode_base64(struct arena *arena, struct str bytes);
bool decode_base64(struct arena *arena, struct str text, struct str *out);

/* Leaves A-Z a-z 0-9 - _ . ~ as they are, and '/' too when `keep_slash`; upper-case digits (as
 * SigV4 asks). */
bool encode_percent(struct buf *buf, struct str text, bool keep_slash);

/* Decodes %XX; with `plus_is_space` also '+'. A '%' that no two hexadecimal digits follow stays as
 * it is. */
struct str decode_percent(struct arena *arena, struct str text, bool plus_is_space);

/* Fills `out` with random bytes from the kernel; aborts when there are none. */
void random_bytes(void *out, size_t len);

/* A random UUID (version 4, RFC 9562) in lower case. */
struct str random_uuid(struct arena *arena);

/* `len` characters drawn evenly from `alphabet`. */
struct str random_text(struct arena *arena, struct str alphabet, size_t len);
