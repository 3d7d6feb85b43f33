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
    for (int is_s3 = 0; is_s3 < 2; is_s3++) {
        struct sigv4_rules rules = {.service = is_s3 ? STR("s3") : STR("lambda"),
                                    .region = STR("us-east-1"),
                                    .window_ms = 15 * 60 * 1000,
                                    .takes_presigned = true,
                                    .is_s3 = is_s3};
        enum err rc = sigv4_parse(&request, &arena, &claim, &error);
        if (rc == OK)
            rc = sigv4_check(&request, &claim, &rules, 1767225600000, &arena, &error);
        if (rc == OK)
            rc = sigv4_verify(&request, &claim, &rules, STR("secret"), &arena, &error);
        assert(rc != OK);
    }
    arena_release(&arena);
    return 0;
}
