/* Templates: parsed, sorted, and their properties resolved. */
#include "services/cloudformation/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct skylite skylite = {
        .config = {.region = STR_INIT("us-east-1"), .account = STR_INIT("000000000000")}};
    struct arena arena = {0};
    struct error error;
    struct cfn_template template = {
        .arena = &arena, .skylite = &skylite, .stack_name = STR("s"), .stack_id = STR("arn:s")};
    enum err rc = cfn_template_parse(&template, str_make((const char *)data, size), &error);
    if (rc == OK)
        rc = cfn_template_set_parameters(&template, NULL, &error);
    if (rc == OK)
        rc = cfn_template_sort(&template, &error);
    for (size_t i = 0; rc == OK && i < template.resource_count; i++) {
        yyjson_mut_val *out;
        rc = cfn_resolve(&template, template.resources[i].definition, json_doc(&arena), &out,
                         &error);
    }
    arena_release(&arena);
    return 0;
}
