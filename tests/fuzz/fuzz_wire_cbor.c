/* CBOR: never read past its end, and written back to what was read. */
#include <assert.h>

#include "wire/cbor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    yyjson_val *value = cbor_to_json(&arena, str_make((const char *)data, size));
    if (value) {
        yyjson_mut_val *copy = yyjson_val_mut_copy(json_doc(&arena), value);
        struct str once = cbor_from_json(&arena, copy);
        yyjson_val *again = cbor_to_json(&arena, once);
        assert(again);
        copy = yyjson_val_mut_copy(json_doc(&arena), again);
        assert(str_eq(cbor_from_json(&arena, copy), once));
    }
    arena_release(&arena);
    return 0;
}
