/* Bytes from a server to the HTTP client. They come twice, at once and in pieces, and must mean the
 * same both times. */
#include <assert.h>

#include "io/http_answer.h"

enum { MAX_BODY = 1000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum err feed(struct http_answer *answer, struct str bytes, size_t step, bool is_head,
                     struct arena *arena)
{
    struct error error;
    enum err rc = OK;
    http_answer_start(answer, "host", is_head, MAX_BODY, arena);
    while (!rc && !answer->is_complete) {
        struct str piece = str_slice(bytes, 0, step);
        bytes = str_slice(bytes, piece.len, bytes.len);
        rc = http_answer_feed(answer, piece, &error);
    }
    return rc;
}

static void compare(const struct http_answer *a, const struct http_answer *b)
{
    assert(a->status == b->status && a->status >= 200);
    assert(a->body.len <= MAX_BODY && str_eq(buf_str(&a->body), buf_str(&b->body)));
    assert(a->fields.count == b->fields.count);
    for (size_t i = 0; i < a->fields.count; i++) {
        assert(str_eq(a->fields.headers[i].name, b->fields.headers[i].name));
        assert(str_eq(a->fields.headers[i].value, b->fields.headers[i].value));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct arena arena = {0};
    struct http_answer whole, pieces;
    struct str bytes = str_make((const char *)data + 1, size - 1);
    bool is_head = data[0] & 0x80;
    enum err whole_rc = feed(&whole, bytes, SIZE_MAX, is_head, &arena);
    enum err pieces_rc = feed(&pieces, bytes, 1 + data[0] % 16, is_head, &arena);
    assert(whole_rc == pieces_rc);
    if (whole_rc == OK)
        compare(&whole, &pieces);
    arena_release(&arena);
    return 0;
}
