/* Checksums of uploads
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html).
 *
 * All kinds that S3 has are compared: where a body is not signed its checksum is the only thing
 * that tells a body from a broken one. */
#include "services/s3/checksum.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <zlib.h>

#include "base/encode.h"

struct str s3_digest(struct arena *arena, const char *name, struct str bytes)
{
    unsigned char *out = arena_alloc(arena, EVP_MAX_MD_SIZE);
    size_t len = 0;
    if (!EVP_Q_digest(NULL, name, NULL, bytes.ptr, bytes.len, out, &len))
        return STR_EMPTY;
    return str_make((char *)out, len);
}

/* --- Cyclic redundancy checks, least significant bit first --- */

static uint64_t crc32c_table[256], crc64nvme_table[256];
static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static void fill(uint64_t table[256], uint64_t polynomial)
{
    for (unsigned i = 0; i < 256; i++) {
        uint64_t sum = i;
        for (int bit = 0; bit < 8; bit++)
            sum = sum & 1 ? sum >> 1 ^ polynomial : sum >> 1;
        table[i] = sum;
    }
}

static void fill_tables(void)
{
    fill(crc32c_table, 0x82f63b78);
    fill(crc64nvme_table, 0x9a6c9329ac4bc9b5);
}

static uint64_t crc_of(const uint64_t table[256], uint64_t ones, struct str bytes)
{
    uint64_t sum = ones;
    pthread_once(&tables_once, fill_tables);
    for (size_t i = 0; i < bytes.len; i++)
        sum = sum >> 8 ^ table[(sum ^ (unsigned char)bytes.ptr[i]) & 0xff];
    return sum ^ ones;
}

static struct str big_endian(struct arena *arena, uint64_t number, int len)
{
    char *out = arena_alloc(arena, (size_t)len);
    for (int i = 0; i < len; i++)
        out[i] = (char)(number >> ((len - 1 - i) * 8) & 0xff);
    return str_make(out, (size_t)len);
}

static struct str crc32_of(struct arena *arena, struct str bytes)
{
    return big_endian(arena, crc32_z(0, (const Bytef *)bytes.ptr, bytes.len), 4);
}

static struct str crc32c_of(struct arena *arena, struct str bytes)
{
    return big_endian(arena, crc_of(crc32c_table, UINT32_MAX, bytes), 4);
}

static struct str crc64nvme_of(struct arena *arena, struct str bytes)
{
    return big_endian(arena, crc_of(crc64nvme_table, UINT64_MAX, bytes), 8);
}

static struct str sha1_of(struct arena *arena, struct str bytes)
{
    return s3_digest(arena, "SHA1", bytes);
}

static struct str sha256_of(struct arena *arena, struct str bytes)
{
    return s3_digest(arena, "SHA256", bytes);
}

const struct s3_checksum s3_checksums[S3_CHECKSUM_COUNT] = {
    {STR_INIT("x-amz-checksum-crc32"), "CRC32", crc32_of},
    {STR_INIT("x-amz-checksum-crc32c"), "CRC32C", crc32c_of},
    {STR_INIT("x-amz-checksum-crc64nvme"), "CRC64NVME", crc64nvme_of},
    {STR_INIT("x-amz-checksum-sha1"), "SHA1", sha1_of},
    {STR_INIT("x-amz-checksum-sha256"), "SHA256", sha256_of},
};
