/* Regular expressions, and the text they are matched with. */
#include "wire/regex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct str text = str_make((const char *)data, size), pattern;
    str_cut(&text, '\n', &pattern);
    for (enum regex_kind kind = REGEX_JAVA; kind <= REGEX_ECMA; kind++) {
        const struct regex *regex = regex_compile(&arena, kind, pattern);
        if (regex)
            regex_match(regex, text);
    }
    arena_release(&arena);
    return 0;
}
