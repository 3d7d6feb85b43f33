/* A server of IAM alone. */
#pragma once

#include "../service_fixture.h"
#include "services/iam/iam.h"

#define IAM(f) ((struct iam *)(f)->service)

static void start_services(struct fixture *f)
{
    struct iam *iam;
    assert_int_equal(iam_new(&f->skylite, &iam, &f->error), OK);
    f->service = iam;
}

static void stop_services(struct fixture *f)
{
    iam_free(f->service);
}

static inline yyjson_val *call_ok(struct fixture *f, const char *operation, const char *input)
{
    return service_ok(f, "iam", operation, input);
}

static inline void call_fails(struct fixture *f, const char *operation, const char *input,
                              enum err expected, const char *message)
{
    service_fails(f, "iam", operation, input, expected, message);
}
