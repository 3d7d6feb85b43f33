/* Zip archives for tests. */
#pragma once

#include <zip.h>

#include "../../check.h"
#include "base/arena.h"

struct zip_entry {
    const char *name;
    struct str bytes;
    uint32_t mode; /* of Unix; 0: an archive that was made elsewhere */
};

/* An archive of these entries, in `arena`. */
static inline struct str make_zip(struct arena *arena, const struct zip_entry *entries,
                                  size_t count)
{
    zip_source_t *target = zip_source_buffer_create(NULL, 0, 0, NULL);
    zip_t *archive = zip_open_from_source(target, ZIP_CREATE | ZIP_TRUNCATE, NULL);
    assert_non_null(archive);
    zip_source_keep(target);
    for (size_t i = 0; i < count; i++) {
        struct str bytes = entries[i].bytes;
        zip_source_t *source = zip_source_buffer(archive, bytes.ptr, bytes.len, 0);
        zip_int64_t index = zip_file_add(archive, entries[i].name, source, 0);
        assert_true(index >= 0);
        if (entries[i].mode)
            zip_file_set_external_attributes(archive, (zip_uint64_t)index, 0, ZIP_OPSYS_UNIX,
                                             entries[i].mode << 16);
        else
            zip_file_set_external_attributes(archive, (zip_uint64_t)index, 0, ZIP_OPSYS_DOS, 0);
        zip_set_file_compression(archive, (zip_uint64_t)index, ZIP_CM_STORE, 0);
    }
    assert_int_equal(zip_close(archive), 0);

    struct zip_stat stat;
    zip_source_stat(target, &stat);
    char *bytes = arena_alloc(arena, stat.size);
    assert_int_equal(zip_source_open(target), 0);
    assert_int_equal(zip_source_read(target, bytes, stat.size), stat.size);
    zip_source_close(target);
    zip_source_free(target);
    return str_make(bytes, stat.size);
}
