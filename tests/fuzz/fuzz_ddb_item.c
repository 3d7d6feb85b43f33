/* Items from the wire: what is taken is written back as something that reads the same. */
#include <assert.h>

#include "services/dynamodb/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct error error;
    struct ddb_value item, again;
    struct buf out;
    yyjson_val *wire = json_parse(&arena, str_make((const char *)data, size));
    if (wire && ddb_item_read(wire, &arena, false, &item, &error) == OK) {
        buf_init_arena(&out, &arena, SIZE_MAX / 2);
        ddb_item_write(&item, &out);
        yyjson_val *written = json_parse(&arena, buf_str(&out));
        assert(written && ddb_item_read(written, &arena, true, &again, &error) == OK);
        assert(ddb_value_equal(&item, &again));
        assert(ddb_item_size(&item) == ddb_item_size(&again));
    }
    arena_release(&arena);
    return 0;
}
