/* Paths of the Runtime API, names of functions, and patterns of ARNs. */
#include <stdlib.h>

#include "services/lambda/function.h"
#include "services/lambda/runtime_api.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_part_of(struct str part, struct str whole)
{
    return part.len == 0 || (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

/* A name between dots, or several of them. */
static bool is_name(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '.' && !function_is_name(str_slice(text, i, 1)))
            return false;
    }
    return text.len > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_make((const char *)data, size), id = STR_EMPTY, pattern;
    struct function_name name;

    enum runtime_call call = runtime_api_parse(STR("POST"), text, &id);
    if (!is_part_of(id, text))
        abort();
    if ((call == RUNTIME_RESPONSE || call == RUNTIME_ERROR) && id.len == 0)
        abort();
    if (function_name_parse(text, &name) &&
        (!is_name(name.name) || !is_part_of(name.qualifier, text)))
        abort();

    str_cut(&text, '\n', &pattern);
    arn_like(pattern, text);
    return 0;
}
