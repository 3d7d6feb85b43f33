/* Code for functions: packing folders, uploading. */
#include "cli/package.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <zip.h>

#include "base/buf.h"
#include "wire/sigv4.h"

enum { MAX_PACKAGE = 50 * 1024 * 1024, MAX_FILES = 20000, MAX_DEPTH = 32 };

struct packer {
    struct arena *arena;
    struct error *error;
    zip_t *zip;
    size_t file_count, bytes;
};

static enum err zip_failed(struct packer *packer, const char *path)
{
    return error_set(packer->error, ERR_VALIDATION, "cannot pack %s: %s", path,
                     zip_strerror(packer->zip));
}

/* The earliest time a zip can hold, and the file's permissions: the bytes depend on the contents
 * only. */
static enum err set_attributes(struct packer *packer, zip_int64_t index, const char *name,
                               const struct stat *status)
{
    zip_uint32_t mode = (zip_uint32_t)(S_IFREG | (status->st_mode & 0111 ? 0755 : 0644)) << 16;
    zip_file_set_external_attributes(packer->zip, (zip_uint64_t)index, 0, ZIP_OPSYS_UNIX, mode);
    return zip_file_set_dostime(packer->zip, (zip_uint64_t)index, 0, 0x21, 0) == 0
               ? OK
               : zip_failed(packer, name);
}

static enum err pack_file(struct packer *packer, const char *path, const char *name,
                          const struct stat *status)
{
    struct str bytes;
    enum err rc = cli_read_file(path, MAX_PACKAGE * 5, packer->arena, &bytes, packer->error);
    if (rc)
        return rc;
    if (++packer->file_count > MAX_FILES)
        return error_set(packer->error, ERR_VALIDATION, "more than %d files to pack", MAX_FILES);
    zip_source_t *source = zip_source_buffer(packer->zip, bytes.ptr, bytes.len, 0);
    zip_int64_t index = source ? zip_file_add(packer->zip, name, source, ZIP_FL_ENC_UTF_8) : -1;
    if (index < 0) {
        zip_source_free(source);
        return zip_failed(packer, path);
    }
    return set_attributes(packer, index, name, status);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names in a folder, in order. */
static enum err list_folder(struct packer *packer, const char *path, char ***out, size_t *out_count)
{
    DIR *folder = opendir(path);
    if (!folder)
        return error_set(packer->error, ERR_VALIDATION, "cannot read %s: %m", path);
    char **names = arena_alloc(packer->arena, MAX_FILES * sizeof(*names));
    size_t count = 0;
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL && count < MAX_FILES) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            names[count++] = arena_cstr(packer->arena, str_from(entry->d_name));
    }
    closedir(folder);
    qsort(names, count, sizeof(*names), by_name);
    *out = names;
    *out_count = count;
    return OK;
}

static enum err pack_folder(struct packer *packer, const char *path, const char *prefix, int depth)
{
    char **names = NULL;
    size_t count = 0;
    if (depth > MAX_DEPTH)
        return error_set(packer->error, ERR_VALIDATION, "%s is nested too deeply", path);
    enum err rc = list_folder(packer, path, &names, &count);
    for (size_t i = 0; rc == OK && i < count; i++) {
        struct stat status;
        const char *full = arena_printf(packer->arena, "%s/%s", path, names[i]).ptr;
        const char *name = arena_printf(packer->arena, "%s%s", prefix, names[i]).ptr;
        if (stat(full, &status) != 0)
            return error_set(packer->error, ERR_VALIDATION, "cannot read %s: %m", full);
        if (S_ISDIR(status.st_mode))
            rc = pack_folder(packer, full, arena_printf(packer->arena, "%s/", name).ptr, depth + 1);
        else if (S_ISREG(status.st_mode))
            rc = pack_file(packer, full, name, &status);
    }
    return rc;
}

/* Takes the bytes out of a finished archive in memory. */
static enum err read_source(struct packer *packer, zip_source_t *source, struct str *out)
{
    zip_stat_t status;
    if (zip_source_open(source) != 0 || zip_source_stat(source, &status) != 0)
        return error_set(packer->error, ERR_INTERNAL, "cannot read the package back");
    char *bytes = arena_alloc(packer->arena, status.size + 1);
    zip_int64_t got = zip_source_read(source, bytes, status.size);
    zip_source_close(source);
    if (got < 0 || (zip_uint64_t)got != status.size)
        return error_set(packer->error, ERR_INTERNAL, "cannot read the package back");
    *out = str_make(bytes, (size_t)got);
    return OK;
}

static enum err pack(const char *path, const struct stat *status, struct arena *arena,
                     struct str *out, struct error *error)
{
    zip_error_t failure;
    zip_error_init(&failure);
    struct packer packer = {.arena = arena, .error = error};
    zip_source_t *source = zip_source_buffer_create(NULL, 0, 0, &failure);
    packer.zip = source ? zip_open_from_source(source, ZIP_TRUNCATE, &failure) : NULL;
    if (!packer.zip) {
        zip_source_free(source);
        return error_set(error, ERR_INTERNAL, "cannot make a package: %s",
                         zip_error_strerror(&failure));
    }
    zip_source_keep(source);
    const char *slash = strrchr(path, '/');
    enum err rc = S_ISDIR(status->st_mode)
                      ? pack_folder(&packer, path, "", 0)
                      : pack_file(&packer, path, slash ? slash + 1 : path, status);
    if (rc == OK && zip_close(packer.zip) != 0)
        rc = zip_failed(&packer, path);
    if (rc)
        zip_discard(packer.zip);
    else
        rc = read_source(&packer, source, out);
    zip_source_free(source);
    return rc;
}

enum err cli_package(const char *path, struct arena *arena, struct str *out, struct error *error)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return error_set(error, ERR_VALIDATION, "the code %s cannot be read: %m", path);
    enum err rc = OK;
    bool is_packed = false;
    if (S_ISREG(status.st_mode)) {
        rc = cli_read_file(path, MAX_PACKAGE * 5, arena, out, error);
        is_packed = rc == OK && str_starts(*out, STR("PK"));
    }
    if (rc == OK && !is_packed)
        rc = pack(path, &status, arena, out, error);
    if (rc == OK && out->len > MAX_PACKAGE)
        rc = error_set(error, ERR_VALIDATION, "the package of %s is larger than %d bytes", path,
                       MAX_PACKAGE);
    return rc;
}

enum err cli_upload(struct cli_client *client, struct str package, struct arena *arena,
                    struct str *out_key, struct error *error)
{
    struct cli_answer answer;
    struct str key = sigv4_sha256_hex(arena, package);
    struct str path = arena_printf(arena, "/%s/%.*s", CLI_PACKAGE_BUCKET, STR_ARG(key));
    enum err rc = cli_send(client, "s3", STR("HEAD"), path, STR_EMPTY, STR_EMPTY, STR_EMPTY, arena,
                           &answer, error);
    if (rc == OK && answer.status != 200)
        rc = cli_send(client, "s3", STR("PUT"), path, STR("application/zip"), STR_EMPTY, package,
                      arena, &answer, error);
    if (rc == OK && answer.status != 200)
        rc = error_set(error, ERR_INTERNAL, "the package could not be uploaded: %.*s",
                       STR_ARG(answer.body));
    *out_key = key;
    return rc;
}
