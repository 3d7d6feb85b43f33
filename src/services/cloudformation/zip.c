/* Writes the one kind of archive that is needed here (APPNOTE.TXT 4.3: local header, data, central
 * directory, its end). */
#include "services/cloudformation/zip.h"

#include <zlib.h>

#include "base/buf.h"

enum {
    VERSION = 20,
    MADE_ON_UNIX = 3 << 8,
    MIDNIGHT = 0,
    FIRST_OF_1980 = (1 << 5) | 1,
};

static void add16(struct buf *out, unsigned value)
{
    buf_add_byte(out, (char)(value & 0xff));
    buf_add_byte(out, (char)(value >> 8 & 0xff));
}

static void add32(struct buf *out, uint64_t value)
{
    add16(out, (unsigned)(value & 0xffff));
    add16(out, (unsigned)(value >> 16 & 0xffff));
}

/* What local header and directory entry have in common. */
static void add_header(struct buf *out, struct str name, struct str content)
{
    add16(out, VERSION);
    add16(out, 0); /* flags */
    add16(out, 0); /* stored */
    add16(out, MIDNIGHT);
    add16(out, FIRST_OF_1980);
    add32(out, crc32_z(0, (const unsigned char *)content.ptr, content.len));
    add32(out, content.len);
    add32(out, content.len);
    add16(out, (unsigned)name.len);
    add16(out, 0); /* extra field */
}

static void add_entry(struct buf *out, struct str name, struct str content)
{
    add32(out, 0x02014b50);
    add16(out, MADE_ON_UNIX | VERSION);
    add_header(out, name, content);
    add16(out, 0); /* comment */
    add16(out, 0); /* disk */
    add16(out, 0); /* internal attributes */
    add32(out, 0100644ULL << 16);
    add32(out, 0); /* where the local header is */
    buf_add(out, name);
}

struct str zip_of_one(struct arena *arena, struct str name, struct str content)
{
    struct buf out;
    buf_init_arena(&out, arena, SIZE_MAX / 2);
    add32(&out, 0x04034b50);
    add_header(&out, name, content);
    buf_add(&out, name);
    buf_add(&out, content);
    size_t directory = out.len;
    add_entry(&out, name, content);
    size_t size = out.len - directory;
    add32(&out, 0x06054b50);
    add16(&out, 0); /* disks */
    add16(&out, 0);
    add16(&out, 1); /* entries, on this disk and altogether */
    add16(&out, 1);
    add32(&out, size);
    add32(&out, directory);
    add16(&out, 0); /* comment */
    return buf_str(&out);
}
