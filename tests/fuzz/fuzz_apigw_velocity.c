/* Mapping templates, and the body they are rendered with, behind the first line that is "--". */
#include "services/apigateway/velocity/velocity.h"

#include "../unit/services/apigateway/velocity/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct str text = str_make((const char *)data, size);
    ptrdiff_t mark = str_find(text, STR("\n--\n"));
    struct str body = mark < 0 ? STR(SOURCE_BODY) : str_slice(text, (size_t)mark + 4, size);
    struct velocity_source source = source_of(body);
    struct velocity *velocity;
    struct velocity_result result;
    struct error error;
    if (velocity_parse(&arena, mark < 0 ? text : str_slice(text, 0, (size_t)mark), &velocity,
                       &error) == OK)
        velocity_render(velocity, &source, &arena, &result, &error);
    arena_release(&arena);
    return 0;
}
