/* Names of entries in deployment packages: what is taken for safe must stay below its folder. */
#include <stdlib.h>

#include "services/lambda/package.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Walks the name as a file system would and aborts when it leaves the folder. */
static void check_stays_below(struct str name)
{
    struct str part;
    bool has_more = true;
    if (name.len == 0 || name.ptr[0] == '/' || memchr(name.ptr, '\0', name.len))
        abort();
    while (has_more) {
        has_more = str_cut(&name, '/', &part);
        if (str_eq(part, STR("..")) || (part.len == 0 && has_more))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str name = str_make((const char *)data, size);
    if (package_is_safe_name(name))
        check_stays_below(name);
    return 0;
}
