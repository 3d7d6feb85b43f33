/* The table of runtimes, their programs and the files of the runtime clients. */
#include "services/lambda/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* No site-packages of a user's own, and no byte code written into the function's folder. */
static const struct runtime_language python = {
    .name = "Python",
    .package = "python3",
    .programs = {"python3"},
    .options = {"-s", "-B"},
    .client = "python/bootstrap.py",
};

static const struct runtime_language node = {
    .name = "Node.js",
    .package = "nodejs",
    .programs = {"node", "nodejs"},
    .client = "node/bootstrap.cjs",
};

const struct runtime runtimes[] = {
    {"provided.al2023", NULL, true}, {"provided.al2", NULL, true},  {"nodejs18.x", &node, true},
    {"nodejs20.x", &node, true},     {"nodejs22.x", &node, true},   {"nodejs24.x", &node, true},
    {"python3.9", &python, true},    {"python3.10", &python, true}, {"python3.11", &python, true},
    {"python3.12", &python, true},   {"python3.13", &python, true}, {"python3.14", &python, true},
    {"java8.al2", NULL, false},      {"java11", NULL, false},       {"java17", NULL, false},
    {"java21", NULL, false},         {"java25", NULL, false},       {"dotnet8", NULL, false},
    {"dotnet10", NULL, false},       {"ruby3.2", NULL, false},      {"ruby3.3", NULL, false},
    {"ruby3.4", NULL, false},        {"python3.8", &python, true},  {"nodejs16.x", &node, true},
    {"dotnet6", NULL, false},
};

const size_t runtime_count = sizeof(runtimes) / sizeof(*runtimes);

const struct runtime *runtime_find(struct str name)
{
    for (size_t i = 0; i < runtime_count; i++) {
        if (str_eq(name, str_from(runtimes[i].name)))
            return &runtimes[i];
    }
    return NULL;
}

bool runtime_is_deprecated(struct str name)
{
    static const char *const names[] = {
        "nodejs",        "nodejs4.3",  "nodejs4.3-edge", "nodejs6.10",    "nodejs8.10",
        "nodejs10.x",    "nodejs12.x", "nodejs14.x",     "java8",         "python2.7",
        "python3.6",     "python3.7",  "dotnetcore1.0",  "dotnetcore2.0", "dotnetcore2.1",
        "dotnetcore3.1", "dotnet5.0",  "ruby2.5",        "ruby2.7",       "go1.x",
        "provided",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (str_eq(name, str_from(names[i])))
            return true;
    }
    return false;
}

/* --- Programs --- */

/* Distributions' own first: what they package for it (boto3) lies beside it. */
static bool find_program(const char *name, char out_path[RUNTIME_PATH_MAX])
{
    static const char *const folders[] = {"/usr/bin", "/usr/local/bin"};
    for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
        snprintf(out_path, RUNTIME_PATH_MAX, "%s/%s", folders[i], name);
        if (access(out_path, X_OK) == 0)
            return true;
    }
    return false;
}

bool runtime_program(const struct runtime *runtime, char out_path[RUNTIME_PATH_MAX])
{
    if (find_program(runtime->name, out_path))
        return true;
    for (const char *const *name = runtime->language->programs; *name; name++) {
        if (find_program(*name, out_path))
            return true;
    }
    return false;
}

/* --- Runtime clients --- */

/* Makes the folders above the last part of `path`. */
static bool make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool is_there = mkdir(path, 0755) == 0 ? chmod(path, 0755) == 0 : errno == EEXIST;
        *slash = '/';
        if (!is_there)
            return false;
    }
    return true;
}

static bool write_file(const char *path, const char *text)
{
    size_t len = strlen(text);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return false;
    bool is_written = fchmod(fd, 0644) == 0 && write(fd, text, len) == (ssize_t)len;
    return close(fd) == 0 && is_written;
}

bool runtime_install(const char *folder)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < runtime_file_count; i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, runtime_files[i].path);
        if (!make_folders(path) || !write_file(path, runtime_files[i].text))
            return false;
    }
    return true;
}
