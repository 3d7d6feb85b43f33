/* What Lambda authorizers return: any bytes give an answer of the right form, or none. */
#include <assert.h>

#include "services/apigateway/plane/authorizer_cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cached_answer *answer = cached_answer_parse(str_make((const char *)data, size));
    if (!answer)
        return 0;
    assert(answer->authorized.principal_id.len > 0);
    assert(answer->authorized.policy.len >= 2);
    assert(!answer->authorized.context || yyjson_is_obj(answer->authorized.context));
    cached_answer_unref(answer);
    return 0;
}
