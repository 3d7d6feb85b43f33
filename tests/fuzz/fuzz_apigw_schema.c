/* JSON Schema: the input is a schema and, behind a line break, a value. */
#include "services/apigateway/plane/schema.h"
#include "wire/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct error error;
    struct buf errors;
    struct str schema_text, rest = str_make((const char *)data, size < 4096 ? size : 4096);
    str_cut(&rest, '\n', &schema_text);
    yyjson_val *schema = json_parse(&arena, schema_text), *value = json_parse(&arena, rest);
    buf_init_arena(&errors, &arena, 64 * 1024);
    if (schema && value && schema_check(schema, &arena, &error) == OK) {
        struct schema_context context = {.arena = &arena, .root = schema};
        schema_fits(&context, schema, value, &errors);
    }
    arena_release(&arena);
    return 0;
}
