/* Numbers: what is read is written in one form, and encoded in order. */
#include <assert.h>

#include "services/dynamodb/number.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct ddb_number a, b, sum;
    struct str rest = str_make((const char *)data, size), first;
    str_cut(&rest, '|', &first);
    if (ddb_number_parse(first, &a, NULL) == OK && ddb_number_parse(rest, &b, NULL) == OK) {
        struct ddb_number again;
        struct buf x, y;
        assert(ddb_number_parse(ddb_number_format(&a, &arena), &again, NULL) == OK);
        assert(ddb_number_compare(&a, &again) == 0);
        buf_init_arena(&x, &arena, 100);
        buf_init_arena(&y, &arena, 100);
        ddb_number_encode(&a, &x);
        ddb_number_encode(&b, &y);
        int encoded = str_cmp(buf_str(&x), buf_str(&y)), order = ddb_number_compare(&a, &b);
        assert((encoded > 0) == (order > 0) && (encoded < 0) == (order < 0));
        if (ddb_number_add(&a, &b, false, &sum, NULL) == OK &&
            ddb_number_add(&sum, &b, true, &again, NULL) == OK)
            assert(ddb_number_compare(&a, &again) == 0);
    }
    arena_release(&arena);
    return 0;
}
