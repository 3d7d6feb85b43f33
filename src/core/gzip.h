/* gzip (RFC 1952) and zlib's format (RFC 1950, which HTTP calls deflate), of request bodies and
 * answers. */
#pragma once

#include "base/arena.h"

/* The most that `packed` can become, or `max` when that is less. */
size_t gzip_most(struct str packed, size_t max);

/* Unpacks all of `packed`, of either format (of gzip all members), into the arena. False when it is
 * neither, is cut short, or is longer than `max` bytes. */
bool gzip_unpack(struct arena *arena, struct str packed, size_t max, struct str *out);

/* Packs into the arena; false when that makes it no shorter. */
bool gzip_pack(struct arena *arena, struct str text, struct str *out);
bool gzip_pack_deflate(struct arena *arena, struct str text, struct str *out);

/* The checksum that x-amz-crc32 carries, in decimal. */
struct str gzip_crc32_text(struct arena *arena, struct str bytes);

/* Whether an Accept-Encoding header takes "gzip" or another coding (RFC 9110, 12.5.3). */
bool gzip_is_accepted(struct str accept_encoding, struct str coding);

/* Which of "gzip" and "deflate" an Accept-Encoding header takes rather: by weight, then by order; a
 * star stands for those that it does not name. Empty: neither. */
struct str gzip_choose(struct str accept_encoding);
