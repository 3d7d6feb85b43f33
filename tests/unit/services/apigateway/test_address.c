/* Which API a host and a path mean. */
#include "../../check.h"
#include "services/apigateway/plane/call.h"

static struct arena arena;

static struct address address(struct str host, struct str path)
{
    struct http_header headers[] = {{STR("Host"), host}};
    struct http_exchange exchange = {.headers = headers, .header_count = 1, .path = path};
    return address_of(&exchange, &arena);
}

static int release(void **state)
{
    (void)state;
    arena_release(&arena);
    return 0;
}

static void test_address__reads_api_and_stage_from_an_execute_api_host(void **state)
{
    (void)state;
    static const char *const hosts[] = {
        "a1b2c3d4e5.execute-api.localhost:4566",
        "a1b2c3d4e5.execute-api.localhost",
        "A1B2C3D4E5.Execute-API.us-east-1.localhost:80",
        "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
    };
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        struct address a = address(str_from(hosts[i]), STR("/prod/notes/1"));
        assert_int_equal(a.kind, ADDRESS_API);
        assert_str(a.api_id, STR("a1b2c3d4e5"));
        assert_str(a.stage_name, STR("prod"));
        assert_str(a.path, STR("/notes/1"));
    }
}

static void test_address__has_no_path_behind_a_bare_stage(void **state)
{
    (void)state;
    struct address a = address(STR("x.execute-api.localhost"), STR("/prod"));
    assert_str(a.stage_name, STR("prod"));
    assert_str(a.path, STR(""));
    a = address(STR("x.execute-api.localhost"), STR("/"));
    assert_str(a.stage_name, STR(""));
}

static void test_address__reads_the_path_forms(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "/restapis/a1b2c3d4e5/prod/_user_request_/notes/1",
        "/_aws/execute-api/a1b2c3d4e5/prod/notes/1",
    };
    for (size_t i = 0; i < 2; i++) {
        struct address a = address(STR("localhost:4566"), str_from(paths[i]));
        assert_int_equal(a.kind, ADDRESS_API);
        assert_str(a.api_id, STR("a1b2c3d4e5"));
        assert_str(a.stage_name, STR("prod"));
        assert_str(a.path, STR("/notes/1"));
        assert_str(a.domain, STR("a1b2c3d4e5.execute-api.localhost"));
    }
}

static void test_address__leaves_the_control_plane_alone(void **state)
{
    (void)state;
    assert_int_equal(address(STR("localhost:4566"), STR("/restapis/a1b2/resources/x/methods")).kind,
                     ADDRESS_DOMAIN);
    assert_int_equal(address(STR("localhost:4566"), STR("/restapis")).kind, ADDRESS_DOMAIN);
}

static void test_address__gives_other_hosts_in_lower_case_without_port(void **state)
{
    (void)state;
    struct address a = address(STR("Notes.LocalHost:4566"), STR("/notes"));
    assert_int_equal(a.kind, ADDRESS_DOMAIN);
    assert_str(a.domain, STR("notes.localhost"));
    assert_str(a.path, STR("/notes"));
}

static void test_address__is_none_without_host(void **state)
{
    (void)state;
    struct http_exchange exchange = {.path = STR("/x")};
    assert_int_equal(address_of(&exchange, &arena).kind, ADDRESS_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_address__reads_api_and_stage_from_an_execute_api_host),
        cmocka_unit_test(test_address__has_no_path_behind_a_bare_stage),
        cmocka_unit_test(test_address__reads_the_path_forms),
        cmocka_unit_test(test_address__leaves_the_control_plane_alone),
        cmocka_unit_test(test_address__gives_other_hosts_in_lower_case_without_port),
        cmocka_unit_test(test_address__is_none_without_host),
    };
    return cmocka_run_group_tests(tests, NULL, release);
}
