/* Where requests to other servers may go. */
#include "io/reach.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

#include "../check.h"

static bool permits(const struct reach *reach, const char *text, uint16_t port)
{
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
        return reach_permits(reach, (struct sockaddr *)&four);
    assert_int_equal(inet_pton(AF_INET6, text, &six.sin6_addr), 1);
    return reach_permits(reach, (struct sockaddr *)&six);
}

static void test_reach__forbids_this_machine_and_its_link_in_every_form(void **state)
{
    static const char *const addresses[] = {
        "127.0.0.1",
        "127.8.9.10",
        "0.0.0.0",
        "0.1.2.3",
        "169.254.169.254",
        "169.254.1.1",
        "224.0.0.1",
        "239.255.255.250",
        "255.255.255.255",
        "240.0.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "::",
        "::1",
        "fe80::1",
        "ff02::1",
        "fd00:ec2::254",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::",
        "2001:0:1::1",
        "::ffff:169.254.169.254",
        "::ffff:0.0.0.0",
    };
    const struct reach reach = {0};
    (void)state;
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        if (permits(&reach, addresses[i], 80))
            fail_msg("%s is permitted", addresses[i]);
    }
}

static void test_reach__forbids_every_address_of_this_machines_interfaces(void **state)
{
    const struct reach reach = {0};
    struct ifaddrs *all;
    (void)state;
    assert_int_equal(getifaddrs(&all), 0);
    for (struct ifaddrs *one = all; one; one = one->ifa_next) {
        if (one->ifa_addr &&
            (one->ifa_addr->sa_family == AF_INET || one->ifa_addr->sa_family == AF_INET6))
            assert_false(reach_permits(&reach, one->ifa_addr));
    }
    freeifaddrs(all);
}

static void test_reach__permits_other_hosts(void **state)
{
    static const char *const addresses[] = {"192.0.2.1",   "10.255.254.253",   "8.8.8.8",
                                            "2001:db8::1", "64:ff9b::808:808", "2002:808:808::"};
    const struct reach reach = {0};
    (void)state;
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        if (!permits(&reach, addresses[i], 80))
            fail_msg("%s is forbidden", addresses[i]);
    }
}

static void test_reach__permits_what_rules_name_and_no_more(void **state)
{
    static const struct {
        const char *rule, *address;
        uint16_t port;
        bool is_permitted;
    } cases[] = {
        {"127.0.0.1", "127.0.0.1", 8080, true},
        {"127.0.0.1", "127.0.0.2", 8080, false},
        {"127.0.0.1", "::ffff:127.0.0.1", 8080, true},
        {"127.0.0.1", "::1", 8080, false},
        {"127.0.0.1", "127.0.0.1", 4566, false}, /* the server's own */
        {"127.0.0.0/8", "127.9.9.9", 8080, true},
        {"127.0.0.0/8:4566", "127.9.9.9", 4566, true},
        {"127.0.0.1:8080", "127.0.0.1", 8080, true},
        {"127.0.0.1:8080", "127.0.0.1", 8081, false},
        {"169.254.0.0/20", "169.254.15.1", 80, true},
        {"169.254.0.0/20", "169.254.16.1", 80, false},
        {"::1", "::1", 80, true},
        {"[::1]:80", "::1", 80, true},
        {"[::1]:80", "::1", 81, false},
        {"[fe80::]/10:80", "fe80::5", 80, true},
        {"fe80::/10", "feb0::5", 80, true},
        {"0.0.0.0/0", "169.254.169.254", 80, true},
        {"0.0.0.0/0", "::1", 80, false},
        {"::/0", "127.0.0.1", 80, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct reach reach = {0};
        struct error error;
        reach_add_own_port(&reach, 4566);
        assert_int_equal(reach_allow(&reach, str_from(cases[i].rule), &error), OK);
        if (permits(&reach, cases[i].address, cases[i].port) != cases[i].is_permitted)
            fail_msg("%s: %s port %u", cases[i].rule, cases[i].address, cases[i].port);
    }
}

static void test_reach__refuses_rules_that_it_cannot_read(void **state)
{
    static const char *const rules[] = {
        "",      "localhost", "127.0.0.1/33", "127.0.0.1:0", "127.0.0.1:",    "127.0.0.1:65536",
        "127.1", "::1/129",   "[::1",         "::1/",        "127.0.0.1/8/8", "1.2.3.4:80:80"};
    (void)state;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        struct reach reach = {0};
        struct error error;
        if (reach_allow(&reach, str_from(rules[i]), &error) != ERR_VALIDATION)
            fail_msg("%s is taken", rules[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reach__forbids_this_machine_and_its_link_in_every_form),
        cmocka_unit_test(test_reach__forbids_every_address_of_this_machines_interfaces),
        cmocka_unit_test(test_reach__permits_other_hosts),
        cmocka_unit_test(test_reach__permits_what_rules_name_and_no_more),
        cmocka_unit_test(test_reach__refuses_rules_that_it_cannot_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
