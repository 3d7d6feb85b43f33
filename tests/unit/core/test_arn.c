/* ARNs: their sections, and whether they can name something here. */
#include "core/arn.h"

#include "../check.h"
#include "core/skylite.h"

static struct skylite_config config(void)
{
    return (struct skylite_config){.region = STR("us-east-1"), .account = STR("000000000000")};
}

static void test_arn_parse__cuts_five_sections_and_leaves_the_resource(void **state)
{
    struct arn_parts arn;
    (void)state;
    assert_true(arn_parse(STR("arn:aws:logs:us-east-1:000000000000:log-group:a:*"), &arn));
    assert_true(str_eq(arn.partition, STR("aws")));
    assert_true(str_eq(arn.service, STR("logs")));
    assert_true(str_eq(arn.region, STR("us-east-1")));
    assert_true(str_eq(arn.account, STR("000000000000")));
    assert_true(str_eq(arn.resource, STR("log-group:a:*")));
}

static void test_arn_parse__refuses_other_text(void **state)
{
    static const char *const texts[] = {
        "",
        "arn",
        "arn:",
        "arn:aws:s3",
        "arn:aws:s3:::",
        "arn:aws:lambda:r:a",
        "xarn:aws:s3:::b",
        "arn::s3:::b",
        "arn:aws::r:a:b",
    };
    struct arn_parts arn;
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_false(arn_parse(str_from(texts[i]), &arn));
}

static void test_arn_place__knows_what_can_be_here(void **state)
{
    static const struct {
        const char *text;
        enum arn_place place;
    } cases[] = {
        {"arn:aws:lambda:us-east-1:000000000000:function:f", ARN_HERE},
        {"arn:aws:lambda:eu-west-1:000000000000:function:f", ARN_IN_OTHER_REGION},
        {"arn:aws:lambda:us-east-1:999999999999:function:f", ARN_IN_OTHER_ACCOUNT},
        {"arn:aws:lambda:eu-west-1:999999999999:function:f", ARN_IN_OTHER_REGION},
        {"arn:aws-cn:lambda:us-east-1:000000000000:function:f", ARN_IN_OTHER_REGION},
        {"arn:aws:lambda:us-east-1:aws:function:f", ARN_IN_OTHER_ACCOUNT},
        {"arn:aws:iam::000000000000:role/r", ARN_HERE},
        {"arn:aws:iam::aws:policy/p", ARN_HERE},
        {"arn:aws:iam::999999999999:role/r", ARN_IN_OTHER_ACCOUNT},
        {"arn:aws:iam:us-east-1:000000000000:role/r", ARN_IN_OTHER_REGION},
        {"arn:aws:s3:::bucket", ARN_HERE},
        {"arn:aws:apigateway:eu-west-1::/restapis/a", ARN_IN_OTHER_REGION},
    };
    struct skylite_config own = config();
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arn_parts arn;
        assert_true(arn_parse(str_from(cases[i].text), &arn));
        if (arn_place(&own, &arn) != cases[i].place)
            fail_msg("%s", cases[i].text);
    }
}

static void test_arn_resource_here__gives_nothing_of_elsewhere(void **state)
{
    struct skylite_config own = config();
    (void)state;
    assert_true(str_eq(arn_resource_here(&own, STR("dynamodb"),
                                         STR("arn:aws:dynamodb:us-east-1:000000000000:table/t")),
                       STR("table/t")));
    assert_null(
        arn_resource_here(&own, STR("logs"), STR("arn:aws:dynamodb:us-east-1:000000000000:table/t"))
            .ptr);
    assert_null(arn_resource_here(&own, STR("dynamodb"),
                                  STR("arn:aws:dynamodb:eu-west-1:000000000000:table/t"))
                    .ptr);
    assert_null(arn_resource_here(&own, STR("dynamodb"), STR("t")).ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arn_parse__cuts_five_sections_and_leaves_the_resource),
        cmocka_unit_test(test_arn_parse__refuses_other_text),
        cmocka_unit_test(test_arn_place__knows_what_can_be_here),
        cmocka_unit_test(test_arn_resource_here__gives_nothing_of_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
