/* Unpacking deployment packages with libzip. */
#include "services/lambda/package.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

#include "base/log.h"

enum { MAX_ENTRIES = 100000, CHUNK = 64 * 1024 };

struct unpacking {
    zip_t *archive;
    int dir; /* where it goes */
    uint64_t bytes_left;
    struct error *error;
};

static enum err cannot_unzip(struct error *error)
{
    return error_set(error, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                     "Could not unzip uploaded file. Please check your file, then try to upload "
                     "again.");
}

static enum err cannot_write(struct error *error)
{
    log_error("lambda", "cannot unpack a deployment package: %s", strerror(errno));
    return error_set(error, ERR_LAMBDA_SERVICE, "The deployment package could not be stored");
}

/* --- Names --- */

bool package_is_safe_name(struct str name)
{
    struct str part;
    if (str_ends(name, STR("/")))
        name.len--;
    if (name.len == 0 || name.len >= PATH_MAX / 2 || memchr(name.ptr, '\0', name.len))
        return false;
    bool is_more = true;
    while (is_more) {
        is_more = str_cut(&name, '/', &part);
        if (part.len == 0 || part.len > NAME_MAX || str_eq(part, STR("..")) ||
            str_eq(part, STR(".")))
            return false;
    }
    return true;
}

/* Sandboxes' users read what the server unpacks, whatever its umask. */
static bool make_folder(int dir, const char *path)
{
    if (mkdirat(dir, path, 0755))
        return errno == EEXIST;
    return fchmodat(dir, path, 0755, 0) == 0;
}

/* Makes the folders above the last part of `path` (and, with `is_whole`, that one too). */
static bool make_folders(int dir, char *path, bool is_whole)
{
    for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool is_there = make_folder(dir, path);
        *slash = '/';
        if (!is_there)
            return false;
    }
    return !is_whole || make_folder(dir, path);
}

/* --- Entries --- */

static enum err copy_bytes(struct unpacking *unpacking, zip_file_t *file, int fd)
{
    char chunk[CHUNK];
    zip_int64_t got;
    while ((got = zip_fread(file, chunk, sizeof(chunk))) > 0) {
        /* What an entry says of its size need not be true. */
        if ((uint64_t)got > unpacking->bytes_left)
            return error_set(unpacking->error, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                             "Unzipped size must be smaller than %u bytes", PACKAGE_MAX_UNZIPPED);
        unpacking->bytes_left -= (uint64_t)got;
        if (write(fd, chunk, (size_t)got) != got)
            return cannot_write(unpacking->error);
    }
    return got < 0 ? cannot_unzip(unpacking->error) : OK;
}

static enum err unpack_file(struct unpacking *unpacking, zip_uint64_t index, const char *path,
                            mode_t mode)
{
    zip_file_t *file = zip_fopen_index(unpacking->archive, index, 0);
    if (!file)
        return cannot_unzip(unpacking->error);
    /* A later entry of the same name wins, as with unzip. */
    int fd =
        openat(unpacking->dir, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
    enum err rc = fd < 0 ? cannot_unzip(unpacking->error) : copy_bytes(unpacking, file, fd);
    if (fd >= 0 && fchmod(fd, mode) && rc == OK)
        rc = cannot_write(unpacking->error);
    if (fd >= 0)
        close(fd);
    zip_fclose(file);
    return rc;
}

/* The Unix mode of an entry, or 0 where the archive was made elsewhere. */
static mode_t mode_of(zip_t *archive, zip_uint64_t index)
{
    zip_uint8_t system;
    zip_uint32_t attributes;
    if (zip_file_get_external_attributes(archive, index, 0, &system, &attributes) ||
        system != ZIP_OPSYS_UNIX)
        return 0;
    return attributes >> 16;
}

/* --- Links --- */

static bool is_link(zip_t *archive, zip_uint64_t index)
{
    return S_ISLNK(mode_of(archive, index));
}

/* Opens the folder of a path's last part, through no links. -1: there is none. */
static int open_parent(int dir, char *path, char **out_name)
{
    int parent = fcntl(dir, F_DUPFD_CLOEXEC, 0);
    char *slash;
    while (parent >= 0 && (slash = strchr(path, '/'))) {
        *slash = '\0';
        int next = openat(parent, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        close(parent);
        parent = next;
        path = slash + 1;
    }
    *out_name = path;
    return parent;
}

/* Whether a link in a folder that is `depth` folders deep stays inside: some "..", then names. What
 * these name may be links that stay inside themselves, so that ".." may not follow them. */
static bool stays_inside(struct str target, size_t depth)
{
    struct str part;
    bool is_more = target.len > 0, has_name = false;
    if (str_starts(target, STR("/")) || memchr(target.ptr, '\0', target.len))
        return false;
    while (is_more) {
        is_more = str_cut(&target, '/', &part);
        bool is_up = str_eq(part, STR(".."));
        if (is_up && (has_name || depth == 0))
            return false;
        depth -= is_up;
        has_name |= !is_up && part.len && !str_eq(part, STR("."));
    }
    return true;
}

static size_t depth_of(struct str path)
{
    size_t depth = 0;
    for (size_t i = 0; i < path.len; i++)
        depth += path.ptr[i] == '/';
    return depth;
}

static enum err make_link(struct unpacking *unpacking, zip_uint64_t index, struct str name)
{
    char path[PATH_MAX], target[PATH_MAX] = "", *last;
    zip_file_t *file = zip_fopen_index(unpacking->archive, index, 0);
    zip_int64_t len = file ? zip_fread(file, target, sizeof(target) - 1) : -1;
    if (file)
        zip_fclose(file);
    if (len <= 0 || len >= (zip_int64_t)sizeof(target) - 1 ||
        !stays_inside(str_make(target, (size_t)len), depth_of(name)))
        return cannot_unzip(unpacking->error);
    snprintf(path, sizeof(path), "%.*s", STR_ARG(name));
    if (!make_folders(unpacking->dir, path, false))
        return cannot_unzip(unpacking->error);
    int parent = open_parent(unpacking->dir, path, &last);
    bool is_made = parent >= 0 && symlinkat(target, parent, last) == 0;
    if (parent >= 0)
        close(parent);
    return is_made ? OK : cannot_unzip(unpacking->error);
}

/* After all files, so that none is written through a link. */
static enum err make_links(struct unpacking *unpacking, zip_int64_t count)
{
    for (zip_int64_t i = 0; i < count; i++) {
        const char *name = zip_get_name(unpacking->archive, (zip_uint64_t)i, 0);
        if (!is_link(unpacking->archive, (zip_uint64_t)i))
            continue;
        enum err rc =
            name && package_is_safe_name(str_from(name)) && !str_ends(str_from(name), STR("/"))
                ? make_link(unpacking, (zip_uint64_t)i, str_from(name))
                : cannot_unzip(unpacking->error);
        if (rc)
            return rc;
    }
    return OK;
}

static enum err unpack_entry(struct unpacking *unpacking, zip_uint64_t index)
{
    struct zip_stat stat;
    char path[PATH_MAX];
    if (zip_stat_index(unpacking->archive, index, 0, &stat))
        return cannot_unzip(unpacking->error);

    struct str name = str_from(stat.name);
    mode_t mode = mode_of(unpacking->archive, index);
    bool is_folder = str_ends(name, STR("/"));
    bool is_special = (mode & S_IFMT) && !S_ISREG(mode) && !S_ISDIR(mode);
    if (S_ISLNK(mode))
        return OK;
    if (!package_is_safe_name(name) || is_special || stat.encryption_method != ZIP_EM_NONE)
        return cannot_unzip(unpacking->error);

    snprintf(path, sizeof(path), "%.*s", (int)(name.len - is_folder), name.ptr);
    if (!make_folders(unpacking->dir, path, is_folder))
        return cannot_unzip(unpacking->error);
    return is_folder ? OK : unpack_file(unpacking, index, path, mode & 0111 ? 0755 : 0644);
}

static enum err unpack_all(struct unpacking *unpacking)
{
    zip_int64_t count = zip_get_num_entries(unpacking->archive, 0);
    if (count == 0)
        return error_set(unpacking->error, ERR_LAMBDA_INVALID_PARAMETER_VALUE,
                         "Uploaded file must be a non-empty zip");
    if (count < 0 || count > MAX_ENTRIES)
        return cannot_unzip(unpacking->error);
    for (zip_int64_t i = 0; i < count; i++) {
        enum err rc = unpack_entry(unpacking, (zip_uint64_t)i);
        if (rc)
            return rc;
    }
    enum err rc = make_links(unpacking, count);
    if (rc)
        return rc;
    /* One flush of all files is cheaper than one for each. */
    return syncfs(unpacking->dir) ? cannot_write(unpacking->error) : OK;
}

static zip_t *open_archive(struct str zip)
{
    zip_source_t *source = zip_source_buffer_create(zip.ptr, zip.len, 0, NULL);
    if (!source)
        return NULL;
    zip_t *archive = zip_open_from_source(source, ZIP_RDONLY, NULL);
    if (!archive)
        zip_source_free(source);
    return archive;
}

enum err package_unpack(struct str zip, const char *dir, struct error *error)
{
    struct unpacking unpacking = {
        .archive = open_archive(zip),
        .dir = -1,
        .bytes_left = PACKAGE_MAX_UNZIPPED,
        .error = error,
    };
    if (!unpacking.archive)
        return cannot_unzip(error);

    enum err rc = OK;
    if (mkdir(dir, 0755) == 0 && chmod(dir, 0755) == 0)
        unpacking.dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (unpacking.dir < 0)
        rc = cannot_write(error);
    if (rc == OK)
        rc = unpack_all(&unpacking);
    if (unpacking.dir >= 0)
        close(unpacking.dir);
    zip_discard(unpacking.archive);
    if (rc)
        package_remove(dir);
    return rc;
}

/* --- Removing --- */

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *where)
{
    (void)stat;
    (void)kind;
    (void)where;
    return remove(path) && errno != ENOENT ? -1 : 0;
}

void package_remove(const char *dir)
{
    if (nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) && errno != ENOENT)
        log_warn("lambda", "cannot remove %s: %s", dir, strerror(errno));
}
