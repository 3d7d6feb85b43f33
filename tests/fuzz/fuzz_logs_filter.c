/* Filter patterns of any bytes on messages of any bytes; a NUL stands between them. */
#include "services/logs/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str message = str_make((const char *)data, size), pattern;
    struct arena arena = {0}, scratch = {0};
    const struct filter *filter;
    struct error error;
    str_cut(&message, '\0', &pattern);
    if (logs_filter_parse(&arena, pattern, &filter, &error) == OK)
        logs_filter_matches(filter, message, &scratch);
    arena_release(&scratch);
    arena_release(&arena);
    return 0;
}
