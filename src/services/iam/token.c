/* Session tokens: a session sealed with AES-256-GCM, so that the server keeps nothing of it. */
#include <assert.h>

#include "base/encode.h"
#include "services/iam/internal.h"

/* version, nonce, sealed fields, tag */
enum { TOKEN_VERSION = 2, NONCE_LEN = 12, TAG_LEN = 16, MAX_PLAIN = 32 * 1024 };
enum { HEAD_LEN = 1 + NONCE_LEN };

/* --- Fields --- */

static void add_number(struct buf *buf, uint64_t number, int bytes)
{
    while (bytes-- > 0)
        buf_add_byte(buf, (char)(number >> (bytes * 8) & 0xff));
}

static void add_field(struct buf *buf, struct str field)
{
    add_number(buf, field.len, 4);
    buf_add(buf, field);
}

static bool take_number(struct str *from, size_t bytes, uint64_t *out)
{
    if (from->len < bytes)
        return false;
    *out = 0;
    for (size_t i = 0; i < bytes; i++)
        *out = *out << 8 | (unsigned char)from->ptr[i];
    *from = str_slice(*from, bytes, from->len);
    return true;
}

static bool take_field(struct str *from, struct str *out)
{
    uint64_t len;
    if (!take_number(from, 4, &len) || len > from->len)
        return false;
    *out = str_slice(*from, 0, len);
    *from = str_slice(*from, len, from->len);
    return true;
}

static struct str write_fields(struct arena *arena, const struct session *session)
{
    struct buf buf;
    buf_init_arena(&buf, arena, MAX_PLAIN);
    add_number(&buf, session->kind, 1);
    add_number(&buf, (uint64_t)session->expires_ms, 8);
    add_field(&buf, session->secret);
    add_field(&buf, session->name);
    add_field(&buf, session->id);
    add_field(&buf, session->session_name);
    add_field(&buf, session->policy);
    add_number(&buf, (uint64_t)session->issued_ms, 8);
    add_field(&buf, session->tags);
    add_field(&buf, session->source_identity);
    add_field(&buf, session->function_arn);
    assert(!buf.is_full);
    return buf_str(&buf);
}

static bool read_fields(struct str plain, struct session *out)
{
    uint64_t kind, expires, issued;
    if (!take_number(&plain, 1, &kind) || !take_number(&plain, 8, &expires) ||
        !take_field(&plain, &out->secret) || !take_field(&plain, &out->name) ||
        !take_field(&plain, &out->id) || !take_field(&plain, &out->session_name) ||
        !take_field(&plain, &out->policy) || !take_number(&plain, 8, &issued) ||
        !take_field(&plain, &out->tags) || !take_field(&plain, &out->source_identity) ||
        !take_field(&plain, &out->function_arn))
        return false;
    out->issued_ms = (int64_t)issued;
    out->kind = (enum session_kind)kind;
    out->expires_ms = (int64_t)expires;
    return plain.len == 0;
}

/* --- Sealing --- */

static const unsigned char *bytes_of(struct str s)
{
    return (const unsigned char *)s.ptr;
}

struct str iam_token_seal(struct iam *iam, struct arena *arena, struct str access_key_id,
                          const struct session *session)
{
    struct str plain = write_fields(arena, session);
    size_t len = HEAD_LEN + plain.len + TAG_LEN;
    unsigned char *token = arena_alloc(arena, len);
    unsigned char *sealed = token + HEAD_LEN;
    token[0] = TOKEN_VERSION;
    random_bytes(token + 1, NONCE_LEN);

    int written = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool is_sealed =
        context && EVP_EncryptInit_ex2(context, iam->cipher, iam->seal_key, token + 1, NULL) &&
        EVP_EncryptUpdate(context, NULL, &written, bytes_of(access_key_id),
                          (int)access_key_id.len) &&
        EVP_EncryptUpdate(context, sealed, &written, bytes_of(plain), (int)plain.len) &&
        EVP_EncryptFinal_ex(context, sealed + plain.len, &written) &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG_LEN, sealed + plain.len);
    assert(is_sealed);
    EVP_CIPHER_CTX_free(context);
    return encode_base64(arena, str_make((char *)token, len));
}

static bool unseal(struct iam *iam, struct str access_key_id, unsigned char *token, size_t len,
                   char *plain)
{
    int written = 0;
    size_t sealed_len = len - HEAD_LEN - TAG_LEN;
    unsigned char *sealed = token + HEAD_LEN;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool is_ours =
        context && EVP_DecryptInit_ex2(context, iam->cipher, iam->seal_key, token + 1, NULL) &&
        EVP_DecryptUpdate(context, NULL, &written, bytes_of(access_key_id),
                          (int)access_key_id.len) &&
        EVP_DecryptUpdate(context, (unsigned char *)plain, &written, sealed, (int)sealed_len) &&
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG_LEN, sealed + sealed_len) &&
        EVP_DecryptFinal_ex(context, (unsigned char *)plain + written, &written) > 0;
    EVP_CIPHER_CTX_free(context);
    return is_ours;
}

bool iam_token_open(struct iam *iam, struct arena *arena, struct str access_key_id,
                    struct str token, struct session *out)
{
    struct str bytes;
    if (token.len > MAX_PLAIN * 2 || !decode_base64(arena, token, &bytes) ||
        bytes.len < HEAD_LEN + TAG_LEN || bytes.ptr[0] != TOKEN_VERSION)
        return false;
    unsigned char *copy = arena_alloc(arena, bytes.len);
    memcpy(copy, bytes.ptr, bytes.len);
    size_t plain_len = bytes.len - HEAD_LEN - TAG_LEN;
    char *plain = arena_alloc(arena, plain_len + 1);
    return unseal(iam, access_key_id, copy, bytes.len, plain) &&
           read_fields(str_make(plain, plain_len), out);
}
