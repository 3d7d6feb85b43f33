/* PATCH operations: whatever is asked for, the document stays one that can be written and read. */
#include <assert.h>

#include "services/apigateway/patch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct patch_rule rules[] = {
    {"/text", PATCH_ADD | PATCH_REPLACE | PATCH_REMOVE, PATCH_STRING, NULL, NULL},
    {"/flag", PATCH_REPLACE, PATCH_BOOL, NULL, NULL},
    {"/count", PATCH_ADD | PATCH_REPLACE, PATCH_INTEGER, NULL, NULL},
    {"/rate", PATCH_ADD | PATCH_REPLACE, PATCH_DOUBLE, NULL, NULL},
    {"/list/{element}", PATCH_ADD | PATCH_REPLACE | PATCH_REMOVE, PATCH_SET, NULL, NULL},
    {"/map/{name}", PATCH_ADD | PATCH_REPLACE | PATCH_REMOVE, PATCH_STRING, NULL, "missing"},
    {"/deep/{a}/{b}/rate", PATCH_ADD | PATCH_REPLACE | PATCH_REMOVE, PATCH_DOUBLE, NULL, NULL},
};

static const struct patch_table tables[] = {
    PATCH_TABLE(rules, PATCH_STYLE_SHORT, NULL),
    PATCH_TABLE(rules, PATCH_STYLE_LISTED, NULL),
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct operation operation = {.name = "UpdateThing"};
    struct arena arena = {0};
    struct request request = {.arena = &arena, .operation = &operation};
    request.input = json_parse(&arena, str_make((const char *)data, size));
    if (request.input) {
        struct patch_target target = {.request = &request, .doc = json_doc(&arena)};
        target.object = yyjson_mut_obj(target.doc);
        patch_apply(&target, &tables[size % 2]);
        assert(yyjson_is_obj(json_parse(&arena, json_write(&arena, target.object))));
    }
    arena_release(&arena);
    return 0;
}
