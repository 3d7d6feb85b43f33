/* JSONPaths, and behind the first line what they look into. */
#include "services/apigateway/velocity/jsonpath.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct jsonpath_result result;
    struct str text = str_make((const char *)data, size), path;
    str_cut(&text, '\n', &path);
    yyjson_val *root = json_parse(&arena, text);
    if (!root)
        root = json_parse(&arena, STR("{\"a\":[1,{\"b\":\"c\"},[2,3]],\"d\":{\"b\":null}}"));
    jsonpath_find(&arena, path, root, &result);
    arena_release(&arena);
    return 0;
}
