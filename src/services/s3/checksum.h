/* The checksums that S3's clients send along with a body. No I/O. */
#pragma once

#include "base/arena.h"

struct s3_checksum {
    struct str header; /* or trailer */
    const char *name;
    struct str (*of)(struct arena *arena, struct str bytes); /* as bytes */
};

enum { S3_CHECKSUM_COUNT = 5 };
extern const struct s3_checksum s3_checksums[S3_CHECKSUM_COUNT];

/* A digest by OpenSSL's name of it, in the arena. */
struct str s3_digest(struct arena *arena, const char *name, struct str bytes);
