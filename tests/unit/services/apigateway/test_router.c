/* Routing: literal before parameter before greedy, methods and ANY. */
#include "services/apigateway/plane/router.h"

#include "../../check.h"

struct fixture {
    struct arena arena;
    struct router *router;
    struct route route;
};

static int setup(void **state)
{
    static struct fixture fixture;
    fixture = (struct fixture){0};
    fixture.router = router_new(&fixture.arena);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    arena_release(&f->arena);
    return 0;
}

/* The target is the text "VERB path". */
static void add(struct fixture *f, const char *target)
{
    struct str path = str_from(target), verb;
    str_cut(&path, ' ', &verb);
    router_add(f->router, path, verb_of(verb), arena_cstr(&f->arena, str_from(target)));
}

static struct str find(struct fixture *f, enum http_verb verb, const char *path)
{
    if (!router_match(f->router, str_from(path), verb, &f->arena, &f->route))
        return STR("(none)");
    return str_from(f->route.target);
}

static struct str parameter(const struct fixture *f, struct str name)
{
    for (size_t i = 0; i < f->route.parameter_count; i++) {
        if (str_eq(f->route.parameters[i].name, name))
            return f->route.parameters[i].value;
    }
    return STR("(none)");
}

static void test_router__prefers_literals_then_parameters_then_greedy(void **state)
{
    struct fixture *f = *state;
    add(f, "GET /notes/latest");
    add(f, "GET /notes/{id}");
    add(f, "ANY /{proxy+}");
    assert_str(find(f, VERB_GET, "/notes/latest"), STR("GET /notes/latest"));
    assert_str(find(f, VERB_GET, "/notes/17"), STR("GET /notes/{id}"));
    assert_str(parameter(f, STR("id")), STR("17"));
    assert_str(find(f, VERB_GET, "/notes/17/x"), STR("ANY /{proxy+}"));
    assert_str(parameter(f, STR("proxy")), STR("notes/17/x"));
    assert_int_equal(f->route.parameter_count, 1);
}

static void test_router__passes_over_a_resource_without_the_method(void **state)
{
    struct fixture *f = *state;
    add(f, "POST /test");
    add(f, "ANY /test/any");
    add(f, "OPTIONS /{proxy+}");
    assert_str(find(f, VERB_OPTIONS, "/test"), STR("OPTIONS /{proxy+}"));
    assert_str(find(f, VERB_POST, "/test"), STR("POST /test"));
    assert_str(find(f, VERB_OPTIONS, "/test/any"), STR("ANY /test/any"));
    assert_str(find(f, VERB_GET, "/test"), STR("(none)"));
}

static void test_router__prefers_a_method_to_any(void **state)
{
    struct fixture *f = *state;
    add(f, "ANY /notes");
    add(f, "GET /notes");
    assert_str(find(f, VERB_GET, "/notes"), STR("GET /notes"));
    assert_str(find(f, VERB_PUT, "/notes"), STR("ANY /notes"));
}

static void test_router__matches_the_root(void **state)
{
    struct fixture *f = *state;
    add(f, "GET /");
    add(f, "GET /{proxy+}");
    assert_str(find(f, VERB_GET, "/"), STR("GET /"));
    assert_str(find(f, VERB_GET, ""), STR("GET /"));
    assert_str(find(f, VERB_GET, "/x"), STR("GET /{proxy+}"));
}

static void test_router__ignores_one_slash_at_the_end(void **state)
{
    struct fixture *f = *state;
    add(f, "GET /notes");
    add(f, "GET /files/{path+}");
    assert_str(find(f, VERB_GET, "/notes/"), STR("GET /notes"));
    assert_str(find(f, VERB_GET, "/notes//"), STR("(none)"));
    assert_str(find(f, VERB_GET, "/files/a/b/"), STR("GET /files/{path+}"));
    assert_str(parameter(f, STR("path")), STR("a/b"));
}

static void test_router__does_not_bind_empty_values(void **state)
{
    struct fixture *f = *state;
    add(f, "GET /notes/{id}/text");
    add(f, "GET /all/{rest+}");
    assert_str(find(f, VERB_GET, "/notes//text"), STR("(none)"));
    assert_str(find(f, VERB_GET, "/all/"), STR("(none)"));
    assert_str(find(f, VERB_GET, "/all"), STR("(none)"));
}

static void test_router__compares_literals_decoded_and_keeps_values_as_sent(void **state)
{
    struct fixture *f = *state;
    add(f, "GET /a b/{id}");
    assert_str(find(f, VERB_GET, "/a%20b/x%2Fy"), STR("GET /a b/{id}"));
    assert_str(parameter(f, STR("id")), STR("x%2Fy"));
}

static void test_router__finds_its_way_back_from_a_dead_end(void **state)
{
    struct fixture *f = *state;
    add(f, "GET /a/b/c");
    add(f, "GET /a/{x}/d");
    add(f, "GET /{y}/b/e");
    assert_str(find(f, VERB_GET, "/a/b/d"), STR("GET /a/{x}/d"));
    assert_str(parameter(f, STR("x")), STR("b"));
    assert_str(find(f, VERB_GET, "/a/b/e"), STR("GET /{y}/b/e"));
    assert_int_equal(f->route.parameter_count, 1);
    assert_str(parameter(f, STR("y")), STR("a"));
}

static void test_router__finds_one_of_many_siblings(void **state)
{
    struct fixture *f = *state;
    for (int i = 999; i >= 0; i--)
        add(f, arena_printf(&f->arena, "GET /r%03d", i).ptr);
    assert_str(find(f, VERB_GET, "/r000"), STR("GET /r000"));
    assert_str(find(f, VERB_GET, "/r500"), STR("GET /r500"));
    assert_str(find(f, VERB_GET, "/r999"), STR("GET /r999"));
    assert_str(find(f, VERB_GET, "/r1000"), STR("(none)"));
}

static void test_router__knows_no_other_methods(void **state)
{
    struct fixture *f = *state;
    add(f, "ANY /notes");
    assert_str(find(f, verb_of(STR("TRACE")), "/notes"), STR("(none)"));
    assert_str(find(f, verb_of(STR("ANY")), "/notes"), STR("(none)"));
}

#define ROUTER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROUTER_TEST(test_router__prefers_literals_then_parameters_then_greedy),
        ROUTER_TEST(test_router__passes_over_a_resource_without_the_method),
        ROUTER_TEST(test_router__prefers_a_method_to_any),
        ROUTER_TEST(test_router__matches_the_root),
        ROUTER_TEST(test_router__ignores_one_slash_at_the_end),
        ROUTER_TEST(test_router__does_not_bind_empty_values),
        ROUTER_TEST(test_router__compares_literals_decoded_and_keeps_values_as_sent),
        ROUTER_TEST(test_router__finds_its_way_back_from_a_dead_end),
        ROUTER_TEST(test_router__finds_one_of_many_siblings),
        ROUTER_TEST(test_router__knows_no_other_methods),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
