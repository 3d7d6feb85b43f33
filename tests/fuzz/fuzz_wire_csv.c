/* CSV: every text ends, and each row takes something of it. */
#include <assert.h>

#include "wire/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct str rest = str_make((const char *)data, size);
    struct csv_row row;
    size_t left = rest.len + 1;
    while (csv_next(&rest, &arena, &row)) {
        assert(rest.len < left && row.count > 0);
        left = rest.len;
    }
    arena_release(&arena);
    return 0;
}
