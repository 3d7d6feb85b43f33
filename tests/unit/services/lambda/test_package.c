/* Unpacking deployment packages. */
#include "services/lambda/package.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "zips.h"

struct fixture {
    struct arena arena;
    char dir[64];
    char target[80];
    struct error error;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    snprintf(fixture->dir, sizeof(fixture->dir), "/tmp/skylite-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->dir));
    snprintf(fixture->target, sizeof(fixture->target), "%s/out", fixture->dir);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    package_remove(fixture->dir);
    assert_int_not_equal(access(fixture->dir, F_OK), 0);
    arena_release(&fixture->arena);
    free(fixture);
    return 0;
}

static enum err unpack(struct fixture *fixture, const struct zip_entry *entries, size_t count)
{
    struct str zip = make_zip(&fixture->arena, entries, count);
    return package_unpack(zip, fixture->target, &fixture->error);
}

static struct stat stat_of(struct fixture *fixture, const char *name)
{
    struct stat found;
    char path[160];
    snprintf(path, sizeof(path), "%s/%s", fixture->target, name);
    assert_int_equal(stat(path, &found), 0);
    return found;
}

static void test_package__unpacks_files_in_folders(void **state)
{
    const struct zip_entry entries[] = {{"a/b/c.txt", STR_INIT("text"), 0100600}};
    assert_int_equal(unpack(*state, entries, 1), OK);
    assert_int_equal(stat_of(*state, "a/b/c.txt").st_size, 4);
}

static void test_package__keeps_who_may_execute_and_lets_all_read(void **state)
{
    const struct zip_entry entries[] = {
        {"bootstrap", STR_INIT("x"), 0100700},
        {"data", STR_INIT("x"), 0100600},
        {"from_windows", STR_INIT("x"), 0},
    };
    assert_int_equal(unpack(*state, entries, 3), OK);
    assert_int_equal(stat_of(*state, "bootstrap").st_mode & 0777, 0755);
    assert_int_equal(stat_of(*state, "data").st_mode & 0777, 0644);
    assert_int_equal(stat_of(*state, "from_windows").st_mode & 0777, 0644);
}

static void test_package__refuses_names_that_lead_out(void **state)
{
    struct fixture *fixture = *state;
    const char *names[] = {"../x", "a/../../x", "/etc/x", "a/./b", "a//b"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const struct zip_entry entry = {names[i], STR_INIT("x"), 0100644};
        assert_int_equal(unpack(fixture, &entry, 1), ERR_LAMBDA_INVALID_PARAMETER_VALUE);
        assert_int_not_equal(access(fixture->target, F_OK), 0);
    }
}

static void test_package__makes_links_that_stay_inside(void **state)
{
    struct fixture *fixture = *state;
    char path[128], target[64] = "";
    const struct zip_entry entries[] = {
        {"lib/libx.so", STR_INIT("libx.so.1"), 0120777},
        {"lib/libx.so.1", STR_INIT("x"), 0100644},
        {"bin/deep/y", STR_INIT("../../lib/./libx.so"), 0120777},
    };
    assert_int_equal(unpack(fixture, entries, 3), OK);
    snprintf(path, sizeof(path), "%s/bin/deep/y", fixture->target);
    assert_true(readlink(path, target, sizeof(target) - 1) > 0);
    assert_string_equal(target, "../../lib/./libx.so");
    assert_int_equal(access(path, R_OK), 0);
}

static void test_package__refuses_links_that_lead_out(void **state)
{
    const char *targets[] = {"/etc/passwd", "..", "../x", "b/../../x", "./../x"};
    for (size_t i = 0; i < sizeof(targets) / sizeof(*targets); i++) {
        const struct zip_entry entry = {"link", str_from(targets[i]), 0120777};
        assert_int_equal(unpack(*state, &entry, 1), ERR_LAMBDA_INVALID_PARAMETER_VALUE);
    }
    const struct zip_entry entry = {"a/link", STR_INIT("../../x"), 0120777};
    assert_int_equal(unpack(*state, &entry, 1), ERR_LAMBDA_INVALID_PARAMETER_VALUE);
}

static void test_package__puts_nothing_behind_links(void **state)
{
    const struct zip_entry entries[] = {
        {"a/b", STR_INIT("."), 0120777},
        {"a/b/c", STR_INIT("../../x"), 0120777},
    };
    assert_int_equal(unpack(*state, entries, 2), ERR_LAMBDA_INVALID_PARAMETER_VALUE);
}

static void test_package__refuses_a_file_where_a_folder_is(void **state)
{
    const struct zip_entry entries[] = {
        {"a/b", STR_INIT("x"), 0100644},
        {"a", STR_INIT("x"), 0100644},
    };
    assert_int_equal(unpack(*state, entries, 2), ERR_LAMBDA_INVALID_PARAMETER_VALUE);
}

static void test_package__refuses_what_is_no_archive(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(package_unpack(STR("not a zip"), fixture->target, &fixture->error),
                     ERR_LAMBDA_INVALID_PARAMETER_VALUE);
    assert_string_equal(fixture->error.message,
                        "Could not unzip uploaded file. Please check your file, then try to upload "
                        "again.");
}

static void test_package__refuses_a_cut_archive(void **state)
{
    struct fixture *fixture = *state;
    const struct zip_entry entry = {"file", STR_INIT("some text"), 0100644};
    struct str zip = make_zip(&fixture->arena, &entry, 1);
    for (size_t len = 0; len < zip.len; len += 3)
        assert_int_not_equal(
            package_unpack(str_slice(zip, 0, len), fixture->target, &fixture->error), OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_package__unpacks_files_in_folders),
        TEST(test_package__keeps_who_may_execute_and_lets_all_read),
        TEST(test_package__refuses_names_that_lead_out),
        TEST(test_package__makes_links_that_stay_inside),
        TEST(test_package__refuses_links_that_lead_out),
        TEST(test_package__puts_nothing_behind_links),
        TEST(test_package__refuses_a_file_where_a_folder_is),
        TEST(test_package__refuses_what_is_no_archive),
        TEST(test_package__refuses_a_cut_archive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
