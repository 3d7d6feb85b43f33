/* Signatures: whatever a header or a query claims is read, and never holds for a secret that did
 * not make it. */
#include <assert.h>

#include "wire/sigv4.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct error error;
    struct sigv4_claim claim;
    struct str rest = str_make((const char *)data, size), authorization, path;
    str_cut(&rest, '\n', &authorization);
    str_cut(&rest, '\n', &path);
    struct sigv4_header headers[] = {
        {STR("Host"), STR("localhost")},
        {STR("X-Amz-Date"), STR("20260101T000000Z")},
        {STR("Authorization"), authorization},
    };
    struct sigv4_request request = {.method = STR("GET"),
                                    .path = path,
                                    .query = rest,
                                    .headers = headers,
                                    .header_count = authorization.len ? 3 : 2,
                                    .body = STR_EMPTY};
    if (sigv4_parse(&request, &arena, &claim, &error) == OK)
        assert(sigv4_verify(&request, &claim, STR("secret"), 1767225600000, &arena, &error) != OK);
    arena_release(&arena);
    return 0;
}
