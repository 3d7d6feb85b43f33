/* Query strings, forms and JSON: never read past their end, and write back what was read. */
#include <assert.h>

#include "wire/query.h"
#include "wire/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct error error;
    struct buf xml;
    yyjson_val *value;
    struct str text = str_make((const char *)data, size);
    if (query_to_json(&arena, text, &value, &error) == OK)
        assert(yyjson_is_obj(value));
    value = json_parse(&arena, text);
    if (value) {
        struct str once = json_write_val(&arena, value);
        yyjson_val *again = json_parse(&arena, once);
        assert(again && str_eq(json_write_val(&arena, again), once));
        yyjson_mut_doc *doc = json_doc(&arena);
        buf_init_arena(&xml, &arena, SIZE_MAX / 2);
        xml_add_value(&xml, STR("v"), yyjson_val_mut_copy(doc, value));
    }
    arena_release(&arena);
    return 0;
}
