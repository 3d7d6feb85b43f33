/* What `skylite deploy` makes of paths and answers. */
#include "cli/deploy.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../check.h"

static struct arena arena;

static int release(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

/* The name for a template in a folder of that name. */
static struct str name_in(const char *folder)
{
    char root[] = "/tmp/skylite-unit-XXXXXX";
    struct str name = STR_EMPTY;
    struct error error;
    assert_non_null(mkdtemp(root));
    const char *path = arena_printf(&arena, "%s/%s", root, folder).ptr;
    const char *template = arena_printf(&arena, "%s/template.yaml", path).ptr;
    assert_int_equal(mkdir(path, 0700), 0);
    FILE *file = fopen(template, "w");
    assert_non_null(file);
    fclose(file);
    enum err rc = cli_stack_name(template, &arena, &name, &error);
    unlink(template);
    rmdir(path);
    rmdir(root);
    assert_int_equal(rc, OK);
    return name;
}

static void test_stack_name__is_the_folders(void **state)
{
    (void)state;
    assert_str(name_in("notes"), STR("notes"));
}

static void test_stack_name__has_only_what_names_may_have(void **state)
{
    (void)state;
    assert_str(name_in("my_api v2"), STR("my-api-v2"));
    assert_str(name_in("7-notes"), STR("notes"));
    assert_str(name_in("_"), STR("stack"));
}

static void test_stack_name__needs_a_template(void **state)
{
    struct error error;
    struct str name;
    (void)state;
    assert_int_equal(cli_stack_name("/nowhere/template.yaml", &arena, &name, &error),
                     ERR_VALIDATION);
}

static void test_xml__elements_are_found_one_after_the_other(void **state)
{
    struct str xml = STR("<a><K>1</K><b/><K>x &amp; y</K><Key>no</Key></a>"), text;
    size_t from = 0;
    (void)state;
    assert_true(cli_xml_next(xml, "K", &from, &arena, &text));
    assert_str(text, STR("1"));
    assert_true(cli_xml_next(xml, "K", &from, &arena, &text));
    assert_str(text, STR("x & y"));
    assert_false(cli_xml_next(xml, "K", &from, &arena, &text));
}

#define TEST(name) cmocka_unit_test_teardown(name, release)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_stack_name__is_the_folders),
        TEST(test_stack_name__has_only_what_names_may_have),
        TEST(test_stack_name__needs_a_template),
        TEST(test_xml__elements_are_found_one_after_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
