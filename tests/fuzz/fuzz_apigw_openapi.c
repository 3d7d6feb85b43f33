/* OpenAPI documents: whatever is given becomes a plan that is JSON, or is refused. */
#include <assert.h>

#include "services/apigateway/openapi/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct error error;
    struct openapi_document document;
    struct openapi_plan plan;
    size_t i, max;
    yyjson_mut_val *model;
    if (openapi_parse(&arena, str_make((const char *)data, size), &document, &error) == OK) {
        openapi_plan_make(&document, OPENAPI_SPLIT, &plan);
        yyjson_mut_arr_foreach (plan.models, i, max, model) {
            openapi_schema_text(&arena, yyjson_mut_obj_get(model, "schema"), STR("a"));
        }
        assert(json_parse(&arena, json_write(&arena, plan.root)));
        openapi_plan_release(&plan);
    }
    arena_release(&arena);
    return 0;
}
