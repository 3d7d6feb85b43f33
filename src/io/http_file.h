/* Files without a name, for bytes that are too many to wait in memory. Private to this folder; all
 * on the loop's thread. */
#pragma once

#include "io/http.h"

/* A zeroed one is closed. */
struct http_file {
    const struct http_spill *spill; /* NULL while it is closed */
    int fd;
    size_t size;
    void *map; /* NULL: not mapped */
};

static inline bool http_file_is_open(const struct http_file *file)
{
    return file->spill != NULL;
}

/* False when the file system does not let it. */
bool http_file_open(struct http_file *file, const struct http_spill *spill);

/* False when the disk, or the share of it, does not suffice. */
bool http_file_add(struct http_file *file, struct str bytes);

/* All of it, readable until it is closed. NULL pointer on failure. */
struct str http_file_map(struct http_file *file);

/* Up to `max` bytes from `at` on; 0 on failure. */
size_t http_file_read(const struct http_file *file, uint64_t at, char *to, size_t max);

void http_file_close(struct http_file *file);
