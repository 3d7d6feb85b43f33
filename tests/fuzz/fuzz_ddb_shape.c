/* Inputs against shapes: the first byte chooses the operation, the rest is the JSON. */
#include "services/dynamodb/shape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const operations[] = {"PutItem",     "UpdateItem",   "Query",
                                             "Scan",        "BatchGetItem", "BatchWriteItem",
                                             "CreateTable", "UpdateTable",  "TransactWriteItems"};
    struct arena arena = {0};
    struct error error;
    if (size == 0)
        return 0;
    const char *operation = operations[data[0] % (sizeof(operations) / sizeof(operations[0]))];
    yyjson_val *input = json_parse(&arena, str_make((const char *)data + 1, size - 1));
    if (yyjson_is_obj(input))
        ddb_shape_check(ddb_shape_of_input(operation), input, &arena, &error);
    arena_release(&arena);
    return 0;
}
