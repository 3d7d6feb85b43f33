/* The table of runtimes, the files of the runtime clients, and what a missing program is called. */
#include "services/lambda/runtime.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../check.h"
#include "services/lambda/failure.h"

static void test_runtime_find__knows_the_languages_of_runtimes(void **state)
{
    (void)state;
    assert_string_equal(runtime_find(STR("python3.12"))->language->package, "python3");
    assert_string_equal(runtime_find(STR("nodejs18.x"))->language->package, "nodejs");
    assert_null(runtime_find(STR("provided.al2023"))->language);
}

static void test_runtime_find__knows_which_runtimes_are_not_ours(void **state)
{
    (void)state;
    assert_false(runtime_find(STR("java21"))->is_available);
    assert_true(runtime_find(STR("python3.9"))->is_available);
}

static void test_runtime_find__knows_no_other_names(void **state)
{
    (void)state;
    assert_null(runtime_find(STR("python3")));
    assert_null(runtime_find(STR("python3.7")));
    assert_true(runtime_is_deprecated(STR("python3.7")));
    assert_null(runtime_find(STR("")));
}

static void test_runtime_program__gives_the_machines_own(void **state)
{
    (void)state;
    /* The shell stands for an interpreter, since it is everywhere. */
    const struct runtime_language shell = {.programs = {"no-such-program", "sh"}};
    const struct runtime runtime = {"no-such-shell", &shell, true};
    char path[RUNTIME_PATH_MAX];
    assert_true(runtime_program(&runtime, path));
    assert_string_equal(path, "/usr/bin/sh");
}

static void test_runtime_program__prefers_the_version_that_is_asked_for(void **state)
{
    (void)state;
    const struct runtime_language shell = {.programs = {"sh"}};
    const struct runtime runtime = {"env", &shell, true};
    char path[RUNTIME_PATH_MAX];
    assert_true(runtime_program(&runtime, path));
    assert_string_equal(path, "/usr/bin/env");
}

static void test_runtime_program__tells_that_there_is_none(void **state)
{
    (void)state;
    const struct runtime_language none = {.programs = {"no-such-program"}};
    const struct runtime runtime = {"no-such-runtime", &none, true};
    char path[RUNTIME_PATH_MAX];
    assert_false(runtime_program(&runtime, path));
}

static void test_runtime_install__writes_the_clients_whole(void **state)
{
    (void)state;
    char folder[] = "/tmp/skylite-test-XXXXXX", path[256], text[32 * 1024], command[64];
    assert_non_null(mkdtemp(folder));
    assert_true(runtime_install(folder));
    for (size_t i = 0; i < runtime_file_count; i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, runtime_files[i].path);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        ssize_t len = read(fd, text, sizeof(text));
        close(fd);
        assert_str(str_make(text, (size_t)len), str_from(runtime_files[i].text));
    }
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    assert_int_equal(system(command), 0);
}

static void test_runtime_install__has_the_first_file_of_every_language(void **state)
{
    (void)state;
    for (size_t i = 0; i < runtime_count; i++) {
        bool is_found = !runtimes[i].language;
        for (size_t j = 0; j < runtime_file_count && !is_found; j++)
            is_found = strcmp(runtime_files[j].path, runtimes[i].language->client) == 0;
        assert_true(is_found);
    }
}

static void test_failure__names_the_package_that_a_runtime_needs(void **state)
{
    (void)state;
    const struct launcher_event event = {.kind = LAUNCHER_EXITED, .exit = LAUNCHER_EXIT_PROGRAM};
    struct failure failure = failure_exit(&event, runtime_find(STR("nodejs22.x")));
    assert_string_equal(failure.type, "Runtime.InvalidEntrypoint");
    assert_string_equal(failure.message,
                        "Error: The runtime nodejs22.x needs Node.js, which this machine does not "
                        "have: install the package nodejs");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runtime_find__knows_the_languages_of_runtimes),
        cmocka_unit_test(test_runtime_find__knows_which_runtimes_are_not_ours),
        cmocka_unit_test(test_runtime_find__knows_no_other_names),
        cmocka_unit_test(test_runtime_program__gives_the_machines_own),
        cmocka_unit_test(test_runtime_program__prefers_the_version_that_is_asked_for),
        cmocka_unit_test(test_runtime_program__tells_that_there_is_none),
        cmocka_unit_test(test_runtime_install__writes_the_clients_whole),
        cmocka_unit_test(test_runtime_install__has_the_first_file_of_every_language),
        cmocka_unit_test(test_failure__names_the_package_that_a_runtime_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
