/* YAML: whatever can be read can be written, and is read as the same. */
#include <assert.h>

#include "wire/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct error error;
    yyjson_val *first, *second;
    if (yaml_parse(&arena, str_make((const char *)data, size), &first, &error) == OK) {
        struct str text = yaml_write(&arena, yyjson_val_mut_copy(json_doc(&arena), first));
        assert(yaml_parse(&arena, text, &second, &error) == OK);
        assert(yyjson_equals(first, second));
    }
    arena_release(&arena);
    return 0;
}
