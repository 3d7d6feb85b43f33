/* Patterns of parameters, and the text they are matched with. */
#include "services/cloudformation/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct str text = str_make((const char *)data, size), pattern;
    str_cut(&text, '\n', &pattern);
    pattern_match(&arena, pattern, text);
    arena_release(&arena);
    return 0;
}
