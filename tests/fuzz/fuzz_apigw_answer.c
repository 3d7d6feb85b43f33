/* What functions answer: whatever it is, the headers that come out can be written. */
#include <assert.h>

#include "services/apigateway/plane/compile.h"
#include "services/apigateway/plane/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct proxy_answer answer;
    struct str payload = str_make((const char *)data, size);
    if (proxy_answer_parse(&arena, payload, size % 2, &answer)) {
        assert(answer.status >= 100 && answer.status <= 999);
        for (size_t i = 0; i < answer.header_count; i++) {
            assert(header_name_is_valid(answer.headers[i].name));
            assert(header_value_is_valid(answer.headers[i].value));
        }
    }
    int status = mock_status(&arena, payload);
    assert(status == 0 || (status >= 100 && status <= 999));
    function_of_uri(payload);
    arena_release(&arena);
    return 0;
}
