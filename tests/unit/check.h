/* What every unit test includes: cmocka with its prerequisites, and comparisons of struct str. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"

/* Fails with both texts when they differ. */
#define assert_str(actual, expected)                                                               \
    do {                                                                                           \
        struct str actual_ = (actual), expected_ = (expected);                                     \
        if (!str_eq(actual_, expected_))                                                           \
            fail_msg("got \"%.*s\", expected \"%.*s\"", STR_ARG(actual_), STR_ARG(expected_));     \
    } while (0)
