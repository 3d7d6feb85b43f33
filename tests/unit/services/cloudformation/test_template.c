/* Templates: form, parameters, conditions, order. */
#include "template_fixture.h"

#include "base/buf.h"

static void test_template__sorts_by_references(void **state)
{
    struct fixture *f = *state;
    loads(f,
          "{'Resources':{"
          "'C':{'Type':'AWS::ApiGateway::ApiKey','Properties':{'Name':{'Fn::Sub':'${B} x'}}},"
          "'B':{'Type':'AWS::ApiGateway::ApiKey','DependsOn':'A'},'A':" KEY "}}",
          NULL);
    assert_str(f->template.resources[0].logical_id, STR("A"));
    assert_str(f->template.resources[1].logical_id, STR("B"));
    assert_str(f->template.resources[2].logical_id, STR("C"));
}

static void test_template__leaves_out_what_a_condition_excludes(void **state)
{
    struct fixture *f = *state;
    loads(f,
          "{'Parameters':{'P':{'Type':'String'}},'Conditions':{'C':{'Fn::Equals':[{'Ref':'P'},'a'"
          "]}},'Resources':{'A':" KEY ",'B':{'Type':'AWS::ApiGateway::ApiKey','Condition':'C'}}}",
          "{'P':'b'}");
    assert_int_equal(f->template.resource_count, 1);
    assert_null(cfn_template_find(&f->template, STR("B")));
}

static void test_template__lists_all_that_is_unresolved(void **state)
{
    refuses(*state,
            "{'Resources':{'A':{'Type':'AWS::ApiGateway::ApiKey','Properties':{'Name':{'Ref':'X'},"
            "'Description':{'Fn::If':['C',{'Ref':'Y'},'']}}}}}",
            NULL,
            "Template format error: Unresolved resource dependencies [X, Y] in the Resources block "
            "of the template");
}

static void test_template__checks_outputs_before_anything_is_made(void **state)
{
    refuses(*state, "{'Resources':{'A':" KEY "},'Outputs':{'O':{'Value':{'Ref':'Nothing'}}}}", NULL,
            "Template format error: Unresolved resource dependencies [Nothing] in the Outputs "
            "block of the template");
}

static void test_template__outputs_refer_to_what_is_made_only(void **state)
{
    refuses(*state,
            "{'Conditions':{'No':{'Fn::Equals':['a','b']}},'Resources':{'A':" KEY
            ",'B':{'Type':'AWS::ApiGateway::ApiKey','Condition':'No'}},"
            "'Outputs':{'O':{'Value':{'Ref':'B'}}}}",
            NULL,
            "Template format error: Unresolved resource dependencies [B] in the Outputs block of "
            "the template");
}

static void test_template__knows_the_attributes_of_types(void **state)
{
    refuses(*state, "{'Resources':{'A':" KEY "},'Outputs':{'O':{'Value':{'Fn::Sub':'${A.Arn}'}}}}",
            NULL, "Template error: resource A does not support attribute type Arn in Fn::GetAtt");
}

static void test_template__finds_circles_of_resources(void **state)
{
    refuses(*state,
            "{'Resources':{'A':{'Type':'AWS::ApiGateway::ApiKey','DependsOn':['B']},"
            "'B':{'Type':'AWS::ApiGateway::ApiKey','DependsOn':'A'}}}",
            NULL, "Circular dependency between resources: [A, B]");
    refuses(*state,
            "{'Resources':{'A':{'Type':'AWS::ApiGateway::ApiKey','DependsOn':['B']},"
            "'B':{'Type':'AWS::ApiGateway::ApiKey','DependsOn':'C'},"
            "'C':{'Type':'AWS::ApiGateway::ApiKey','DependsOn':'D'},"
            "'D':{'Type':'AWS::ApiGateway::ApiKey','DependsOn':'B'}}}",
            NULL, "Circular dependency between resources: [B, C, D]");
}

/* --- Conditions --- */

static void test_conditions__in_a_circle_are_refused(void **state)
{
    refuses(*state,
            "{'Conditions':{'A':{'Fn::Not':[{'Condition':'B'}]},'B':{'Fn::Not':[{'Condition':'A'}]"
            "}},'Resources':{'K':" KEY "}}",
            NULL, "Template format error: Circular dependency between conditions: [A]");
}

static void test_conditions__that_are_not_there_are_refused(void **state)
{
    refuses(*state, "{'Resources':{'K':{'Type':'AWS::ApiGateway::ApiKey','Condition':'C'}}}", NULL,
            "Template format error: Unresolved condition dependency C");
}

/* C0 is decided 10^60 times when each condition is decided whenever it is asked for. */
static void test_conditions__are_decided_once(void **state)
{
    struct fixture *f = *state;
    struct buf text;
    buf_init_arena(&text, &f->arena, 1024 * 1024);
    buf_add(&text, STR("{'Conditions':{'C0':{'Fn::Equals':['a','a']}"));
    for (int i = 1; i <= 60; i++) {
        buf_printf(&text, ",'C%d':{'Fn::And':[", i);
        for (int j = 0; j < 10; j++)
            buf_printf(&text, "%s{'Condition':'C%d'}", j ? "," : "", i - 1);
        buf_add(&text, STR("]}"));
    }
    buf_add(&text,
            STR("},'Resources':{'K':{'Type':'AWS::ApiGateway::ApiKey','Condition':'C60'}}}"));
    loads(f, arena_cstr(&f->arena, buf_str(&text)), NULL);
    assert_int_equal(f->template.resource_count, 1);
}

/* --- Parameters --- */

#define WITH(declaration) "{'Parameters':{'P':{" declaration "}},'Resources':{'K':" KEY "}}"

static void test_parameters__have_defaults(void **state)
{
    struct fixture *f = *state;
    loads(f, WITH("'Type':'Number','Default':7"), NULL);
    assert_str(json_get_str(f->template.parameters, "P"), STR("7"));
}

static void test_parameters__that_are_lists_are_cut_at_commas(void **state)
{
    struct fixture *f = *state;
    loads(f, WITH("'Type':'CommaDelimitedList'"), "{'P':'a, b'}");
    assert_str(json_write_val(&f->arena, json_get(f->template.parameters, "P")),
               STR("[\"a\",\"b\"]"));
}

static void test_parameters__keep_to_their_constraints(void **state)
{
    static const struct {
        const char *declaration, *given, *message;
    } cases[] = {
        {WITH("'Type':'String','AllowedValues':['a','b']"), "{'P':'c'}",
         "Parameter 'P' must be one of AllowedValues"},
        {WITH("'Type':'String','AllowedPattern':'[a-z]+'"), "{'P':'a1'}",
         "Parameter 'P' must match pattern [a-z]+"},
        {WITH("'Type':'String','AllowedPattern':'[a-z]+','ConstraintDescription':'letters only'"),
         "{'P':'a1'}", "Parameter P failed to satisfy constraint: letters only"},
        {WITH("'Type':'String','MinLength':'3'"), "{'P':'ab'}",
         "Parameter 'P' must contain at least 3 characters"},
        {WITH("'Type':'String','MaxLength':3"), "{'P':'abcd'}",
         "Parameter 'P' must contain at most 3 characters"},
        {WITH("'Type':'Number'"), "{'P':'x'}", "Parameter 'P' must be a number."},
        {WITH("'Type':'Number','MinValue':2"), "{'P':'1'}",
         "Parameter 'P' must be a number not less than 2"},
        {WITH("'Type':'List<Number>','MaxValue':5"), "{'P':'1,6'}",
         "Parameter 'P' must be a number not greater than 5"},
        {WITH("'Type':'CommaDelimitedList','AllowedPattern':'\\\\d'"), "{'P':'1,x'}",
         "Parameter 'P' must match pattern \\d"},
        {WITH("'Type':'String'"), "{'P':'','Q':''}",
         "Parameters: [Q] do not exist in the template"},
        {WITH("'Type':'String'"), NULL, "Parameters: [P] must have values"},
        {WITH("'Type':'AWS::SSM::Parameter::Value<String>'"), "{'P':'x'}",
         "Template format error: Unrecognized parameter type: AWS::SSM::Parameter::Value<String>"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        refuses(*state, cases[i].declaration, cases[i].given, cases[i].message);
}

/* --- Functions --- */

#define FUNCTIONS                                                                                  \
    "{'Parameters':{'P':{'Type':'String','Default':'p'},'L':{'Type':'CommaDelimitedList',"         \
    "'Default':'a,b'}},'Mappings':{'M':{'p':{'x':'y','list':['1','2']}}},"                         \
    "'Conditions':{'Yes':{'Fn::Equals':[{'Ref':'P'},'p']},'No':{'Fn::Not':[{'Condition':'Yes'}]}}" \
    ","                                                                                            \
    "'Resources':{'K':" KEY "}}"

static void test_resolve__functions(void **state)
{
    static const char *const cases[][2] = {
        {"{'Ref':'P'}", "\"p\""},
        {"{'Ref':'L'}", "[\"a\",\"b\"]"},
        {"{'Ref':'AWS::Region'}", "\"us-east-1\""},
        {"[1,{'Ref':'AWS::NoValue'},{'a':{'Ref':'AWS::NoValue'}}]", "[1,{}]"},
        {"{'Fn::Join':['-',['a',{'Ref':'P'}]]}", "\"a-p\""},
        {"{'Fn::Join':['-',{'Ref':'L'}]}", "\"a-b\""},
        {"{'Fn::Sub':'${P}/${!P}/${AWS::AccountId}'}", "\"p/${P}/000000000000\""},
        {"{'Fn::Sub':['${P}${Q}',{'Q':{'Ref':'P'}}]}", "\"pp\""},
        {"{'Fn::If':['No','a',{'Ref':'P'}]}", "\"p\""},
        {"{'Fn::Select':['1',{'Ref':'L'}]}", "\"b\""},
        {"{'Fn::Select':[2,{'Ref':'L'}]}",
         "Template error: Fn::Select cannot select nonexistent value at index 2"},
        {"{'Fn::Split':['|','a|b|']}", "[\"a\",\"b\",\"\"]"},
        {"{'Fn::FindInMap':['M',{'Ref':'P'},'x']}", "\"y\""},
        {"{'Fn::FindInMap':['M','q','x']}", "Template error: Unable to get mapping for M::q::x"},
        {"{'Fn::Base64':'ab'}", "\"YWI=\""},
        {"{'Fn::GetAtt':['K','APIKeyId']}",
         "Template error: resource K does not support attribute type APIKeyId in Fn::GetAtt"},
        {"{'Ref':'P','other':1}", "{\"Ref\":\"P\",\"other\":1}"},
    };
    struct fixture *f = *state;
    loads(f, FUNCTIONS, NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_str(resolved(f, cases[i][0]), str_from(cases[i][1]));
}

/* Each level repeats the one inside ten times. */
static void test_resolve__what_grows_without_end_is_refused(void **state)
{
    struct fixture *f = *state;
    struct buf text;
    buf_init_arena(&text, &f->arena, 65536);
    for (int i = 0; i < 40; i++)
        buf_add(&text, STR("{'Fn::Sub':['${A}${A}${A}${A}${A}${A}${A}${A}${A}${A}',{'A':"));
    buf_add(&text, STR("'0123456789'"));
    for (int i = 0; i < 40; i++)
        buf_add(&text, STR("}]}"));
    loads(f, FUNCTIONS, NULL);
    assert_str(resolved(f, arena_cstr(&f->arena, buf_str(&text))),
               STR("Template error: the values that functions give are too large"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_template__sorts_by_references),
        TEST(test_template__leaves_out_what_a_condition_excludes),
        TEST(test_template__lists_all_that_is_unresolved),
        TEST(test_template__checks_outputs_before_anything_is_made),
        TEST(test_template__outputs_refer_to_what_is_made_only),
        TEST(test_template__knows_the_attributes_of_types),
        TEST(test_template__finds_circles_of_resources),
        TEST(test_conditions__in_a_circle_are_refused),
        TEST(test_conditions__that_are_not_there_are_refused),
        TEST(test_conditions__are_decided_once),
        TEST(test_parameters__have_defaults),
        TEST(test_parameters__that_are_lists_are_cut_at_commas),
        TEST(test_parameters__keep_to_their_constraints),
        TEST(test_resolve__functions),
        TEST(test_resolve__what_grows_without_end_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
