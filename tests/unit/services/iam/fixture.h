/* A server of IAM alone: a store in a temporary folder, no loops. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../check.h"
#include "base/clock.h"
#include "services/iam/iam.h"

struct fixture {
    char path[64];
    struct skylite skylite;
    struct iam *iam;
    struct arena arena;
    struct error error;
};

static inline void start_iam(struct fixture *f)
{
    char store_path[80];
    snprintf(store_path, sizeof(store_path), "%s/store", f->path);
    struct store_options options = {.durability = STORE_RELAXED, .cache_bytes = 1024 * 1024};
    f->skylite = (struct skylite){
        .config = {.data_dir = f->path, .region = STR("us-east-1"), .account = STR("000000000000")},
    };
    assert_int_equal(store_open(store_path, &options, &f->skylite.store, &f->error), OK);
    assert_int_equal(iam_new(&f->skylite, &f->iam, &f->error), OK);
}

static inline void stop_iam(struct fixture *f)
{
    iam_free(f->iam);
    store_close(f->skylite.store);
}

static inline int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    snprintf(f->path, sizeof(f->path), "%s", "/tmp/skylite-iam-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    start_iam(f);
    *state = f;
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;
    char command[128];
    stop_iam(f);
    arena_release(&f->arena);
    snprintf(command, sizeof(command), "rm -rf '%s'", f->path);
    int rc = system(command);
    free(f);
    clock_fake_ms(0);
    return rc;
}
