/* The region of a data folder. */
#include "core/region.h"

#include <stdio.h>
#include <stdlib.h>

#include "../check.h"

struct fixture {
    char path[64];
    struct store *store;
    struct arena arena;
    struct str region;
    struct error error;
};

static int setup(void **state)
{
    static struct fixture fixture;
    struct store_options options = {.durability = STORE_RELAXED, .cache_bytes = 1024 * 1024};
    fixture = (struct fixture){.path = "/tmp/skylite-unit-XXXXXX"};
    assert_non_null(mkdtemp(fixture.path));
    assert_int_equal(store_open(fixture.path, &options, &fixture.store, &fixture.error), OK);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char command[128];
    store_close(f->store);
    arena_release(&f->arena);
    snprintf(command, sizeof(command), "rm -rf '%s'", f->path);
    return system(command);
}

static enum err settle(struct fixture *f, const char *wanted)
{
    return region_settle(f->store, str_from(wanted), f->path, &f->arena, &f->region, &f->error);
}

static enum err put_something(struct store_txn *txn, struct store_write *write, struct error *error)
{
    (void)write, (void)error;
    store_txn_put(txn, STORE_META, STR("iam/account"), STR("{}"));
    return OK;
}

static void test_region__names_of_the_partition_are_valid(void **state)
{
    (void)state;
    const char *const valid[] = {"us-east-1", "ap-southeast-7", "il-central-1", "mx-central-1"};
    for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++)
        assert_true(region_is_valid(str_from(valid[i])));
}

static void test_region__other_names_are_not(void **state)
{
    (void)state;
    const char *const others[] = {"",          "nowhere",    "us-east",        "us-east-",
                                  "us-east-0", "US-EAST-1",  "us-east-1 ",     "us--1",
                                  "us-1",      "cn-north-1", "us-gov-east-1",  "us-iso-east-1",
                                  "u-east-1",  "us-e/a-1",   "us-isob-east-1", "eusc-de-east-1"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(region_is_valid(str_from(others[i])));
}

static void test_region__is_the_default_in_a_new_folder(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(settle(f, ""), OK);
    assert_str(f->region, STR("us-east-1"));
}

static void test_region__is_kept(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(settle(f, "eu-west-1"), OK);
    assert_int_equal(settle(f, ""), OK);
    assert_str(f->region, STR("eu-west-1"));
    assert_int_equal(settle(f, "eu-west-1"), OK);
}

static void test_region__another_one_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(settle(f, "eu-west-1"), OK);
    assert_int_equal(settle(f, "us-east-1"), ERR_VALIDATION);
}

static void test_region__of_data_without_one_is_the_default(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(store_write_wait(f->store, put_something, NULL, &f->error), OK);
    assert_int_equal(settle(f, "eu-west-1"), ERR_VALIDATION);
    assert_int_equal(settle(f, ""), OK);
    assert_str(f->region, STR("us-east-1"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_region__names_of_the_partition_are_valid),
        cmocka_unit_test(test_region__other_names_are_not),
        TEST(test_region__is_the_default_in_a_new_folder),
        TEST(test_region__is_kept),
        TEST(test_region__another_one_is_refused),
        TEST(test_region__of_data_without_one_is_the_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
