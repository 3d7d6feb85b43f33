/* The runtimes that functions ask for, and what runs them here. All of it is constant: for any
 * thread and for the launcher. */
#pragma once

#include "base/str.h"

/* A language whose functions run on a program of this machine, with a runtime client of ours. */
struct runtime_language {
    const char *name;
    const char *package;     /* Debian's, that has the program */
    const char *programs[3]; /* names, best first; the runtime's own name comes before them */
    const char *options[3];  /* for the program */
    const char *client;      /* its first file, below the runtime folder */
};

struct runtime {
    const char *name; /* "python3.12" */
    /* NULL: the package has a bootstrap of its own. */
    const struct runtime_language *language;
    bool is_available; /* false: Lambda's, but none of ours */
};

extern const struct runtime runtimes[];
extern const size_t runtime_count;

/* All of them in the order of Lambda's error. */
#define RUNTIME_NAMES                                                                              \
    "nodejs20.x, python3.14, provided.al2023, python3.12, python3.13, nodejs24.x, nodejs22.x, "    \
    "java25, python3.10, python3.11, java21, ruby3.3, ruby3.4, ruby3.2, python3.8, python3.9, "    \
    "java17, nodejs16.x, dotnet10, dotnet8, java11, dotnet6, nodejs18.x, provided.al2, java8.al2"

/* Whether Lambda has had a runtime of that name, and makes no functions of it any more. */
bool runtime_is_deprecated(struct str name);

/* NULL when there is none of that name. */
const struct runtime *runtime_find(struct str name);

enum { RUNTIME_PATH_MAX = 64 };

/* The path of the program that runs this runtime (which has a language), as this process sees the
 * file system. False when there is none. */
bool runtime_program(const struct runtime *runtime, char out_path[RUNTIME_PATH_MAX]);

/* The runtime clients, by their paths below the runtime folder. Made from runtimes/ when Skylite is
 * built. */
struct runtime_file {
    const char *path;
    const char *text;
};

extern const struct runtime_file runtime_files[];
extern const size_t runtime_file_count;

/* Writes the runtime clients into `folder`, which is made; what is there is replaced. False with
 * errno set. */
bool runtime_install(const char *folder);
