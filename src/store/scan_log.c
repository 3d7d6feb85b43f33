/* Walks RocksDB's log files record by record. A file is a sequence of blocks; a record does not
 * cross them, a write may be several records (first, middle, last). A record is a checksum, its
 * length, its type and its payload. */
#include "store/scan_log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

enum {
    BLOCK_BYTES = 32 * 1024,
    HEADER_BYTES = 7,     /* checksum 4, length 2, type 1 */
    RECYCLABLE_BYTES = 4, /* the number of the log, in newer types */
    FULL = 1,             /* a write in one record */
    FIRST = 2,            /* the first record of a write */
    RECYCLABLE_FULL = 5,
    RECYCLABLE_LAST = 8,
};

struct scan {
    int fd;
    off_t offset; /* of the block in the file */
    size_t len;   /* of the block; shorter than BLOCK_BYTES at the end of the file */
    unsigned char block[BLOCK_BYTES];
    uint32_t table[256]; /* of CRC-32C */
};

static void init_table(uint32_t table[256])
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
        table[i] = crc;
    }
}

/* CRC-32C, masked as RocksDB does since its files hold checksums of checksums. */
static uint32_t masked_crc(const struct scan *scan, const unsigned char *bytes, size_t len)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < len; i++)
        crc = scan->table[(crc ^ bytes[i]) & 0xff] ^ crc >> 8;
    crc = ~crc;
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

/* The whole length of the valid record at `at`; 0 when there is none. */
static size_t record_len(const struct scan *scan, size_t at)
{
    const unsigned char *record = scan->block + at;
    if (at + HEADER_BYTES > scan->len)
        return 0;
    unsigned type = record[6];
    size_t header = HEADER_BYTES;
    if (type >= RECYCLABLE_FULL && type <= RECYCLABLE_LAST)
        header += RECYCLABLE_BYTES;
    size_t len = header + (record[4] | (size_t)record[5] << 8);
    uint32_t crc;
    memcpy(&crc, record, sizeof(crc));
    if (type == 0 || at + len > scan->len || crc != masked_crc(scan, record + 6, len - 6))
        return 0;
    return len;
}

static bool begins_write(const struct scan *scan, size_t at)
{
    unsigned type = at + HEADER_BYTES <= scan->len ? scan->block[at + 6] : 0;
    return (type == FULL || type == FIRST || type == RECYCLABLE_FULL ||
            type == RECYCLABLE_FULL + 1) &&
           record_len(scan, at) > 0;
}

static bool next_block(struct scan *scan)
{
    scan->offset += (off_t)scan->len;
    scan->len = 0;
    ssize_t got;
    while (scan->len < BLOCK_BYTES &&
           (got = read(scan->fd, scan->block + scan->len, BLOCK_BYTES - scan->len)) > 0)
        scan->len += (size_t)got;
    return scan->len > 0;
}

/* Walks to the first place that holds no valid record. False when all do. */
static bool find_damage(struct scan *scan, size_t *out_at)
{
    while (next_block(scan)) {
        size_t at = 0, len;
        while (at + HEADER_BYTES <= scan->len && (len = record_len(scan, at)) > 0)
            at += len;
        /* What is left of a block is too short for a record, and zeros. */
        if (scan->len == BLOCK_BYTES ? BLOCK_BYTES - at >= HEADER_BYTES : at < scan->len) {
            *out_at = at;
            return true;
        }
    }
    return false;
}

/* True when a write begins behind the place `at` of this block. Any place may be one: the length
 * that led to the next is not known. */
static bool goes_on_behind(struct scan *scan, size_t at)
{
    do {
        while (++at < scan->len) {
            if (begins_write(scan, at))
                return true;
        }
        at = SIZE_MAX; /* so that ++at is the next block's first */
    } while (next_block(scan));
    return false;
}

static enum err scan_file(int fd, const char *path, bool is_last, struct error *error)
{
    struct scan *scan = calloc(1, sizeof(*scan));
    size_t at;
    if (!scan)
        abort();
    scan->fd = fd;
    init_table(scan->table);
    enum err rc = OK;
    if (find_damage(scan, &at)) {
        long long place = (long long)scan->offset + (long long)at;
        if (!is_last || goes_on_behind(scan, at))
            rc = error_set(error, ERR_INTERNAL, "%s is damaged at byte %lld", path, place);
        else
            log_warn("store", "%s ends in a write that was cut off at byte %lld: it is left out",
                     path, place);
    }
    free(scan);
    return rc;
}

static enum err scan_path(const char *dir, const char *name, bool is_last, struct error *error)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return OK; /* a running server has just deleted it */
    if (fd < 0)
        return error_set(error, ERR_INTERNAL, "cannot read %s: %s", path, strerror(errno));
    enum err rc = scan_file(fd, path, is_last, error);
    close(fd);
    return rc;
}

static int is_log(const struct dirent *entry)
{
    size_t digits = strspn(entry->d_name, "0123456789");
    return digits > 0 && strcmp(entry->d_name + digits, ".log") == 0;
}

/* By number; names are padded with zeros to six digits. */
static int by_number(const struct dirent **a, const struct dirent **b)
{
    size_t len_a = strlen((*a)->d_name), len_b = strlen((*b)->d_name);
    return len_a != len_b ? (len_a < len_b ? -1 : 1) : strcmp((*a)->d_name, (*b)->d_name);
}

static enum err scan_manifest(const char *dir, struct error *error)
{
    char path[PATH_MAX], name[64] = "";
    snprintf(path, sizeof(path), "%s/CURRENT", dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return OK; /* a new store */
    ssize_t got = read(fd, name, sizeof(name) - 1);
    close(fd);
    if (got < 0 || strncmp(name, "MANIFEST-", strlen("MANIFEST-")) != 0)
        return error_set(error, ERR_INTERNAL, "%s is damaged", path);
    name[strcspn(name, "\n")] = '\0';
    return scan_path(dir, name, true, error);
}

enum err scan_logs(const char *path, struct error *error)
{
    struct dirent **logs;
    int count = scandir(path, &logs, is_log, by_number);
    if (count < 0)
        return error_set(error, ERR_INTERNAL, "cannot read %s: %s", path, strerror(errno));
    enum err rc = scan_manifest(path, error);
    for (int i = 0; i < count; i++) {
        if (rc == OK)
            rc = scan_path(path, logs[i]->d_name, i == count - 1, error);
        free(logs[i]);
    }
    free(logs);
    return rc;
}
