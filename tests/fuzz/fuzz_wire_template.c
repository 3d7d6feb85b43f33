/* CloudFormation templates: read, checked, put in order, resolved. */
#include "services/cloudformation/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct error error;
    struct skylite skylite = {
        .config = {.region = STR("us-east-1"), .account = STR("000000000000")}};
    struct cfn_template template = {
        .arena = &arena, .skylite = &skylite, .stack_name = STR("s"), .stack_id = STR("arn:s")};
    yyjson_mut_val *value;
    if (cfn_template_parse(&template, str_make((const char *)data, size), &error) == OK &&
        cfn_template_set_parameters(&template, NULL, &error) == OK &&
        cfn_template_sort(&template, &error) == OK) {
        for (size_t i = 0; i < template.resource_count; i++)
            cfn_resolve(&template, json_get(template.resources[i].definition, "Properties"),
                        json_doc(&arena), &value, &error);
    }
    arena_release(&arena);
    return 0;
}
