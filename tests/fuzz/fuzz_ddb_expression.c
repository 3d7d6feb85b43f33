/* Condition, update and projection expressions: parsed, and applied to an item. */
#include "services/dynamodb/expression.h"

static const char item_json[] = "{\"a\":{\"S\":\"x\"},\"n\":{\"N\":\"1\"},\"l\":{\"L\":[{\"N\":"
                                "\"1\"},{\"M\":{\"k\":{\"S\":\"d\"}}}]},"
                                "\"s\":{\"SS\":[\"p\",\"q\"]}}";
static const char names_json[] = "{\"#a\":\"a\",\"#l\":\"l\"}";
static const char values_json[] = "{\":n\":{\"N\":\"2\"},\":s\":{\"S\":\"S\"},\":l\":{\"L\":[{"
                                  "\"S\":\"x\"}]},\":t\":{\"SS\":[\"q\",\"r\"]}}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena = {0};
    struct error error;
    struct ddb_value item, changed, part;
    struct ddb_substitutions *with;
    const struct ddb_condition *condition;
    struct ddb_update update;
    struct ddb_projection projection;
    struct str text = str_make((const char *)data, size);

    ddb_item_read(json_parse(&arena, str_from(item_json)), &arena, false, &item, &error);
    ddb_substitutions_read(json_parse(&arena, str_from(names_json)),
                           json_parse(&arena, str_from(values_json)), &arena, &with, &error);
    if (ddb_condition_parse(text, "FilterExpression", with, &arena, &condition, &error) == OK)
        ddb_condition_holds(condition, &item);
    if (ddb_update_parse(text, with, &arena, &update, &error) == OK)
        ddb_update_apply(&update, &item, &arena, &changed, &error);
    if (ddb_projection_parse(text, with, &arena, &projection, &error) == OK)
        ddb_projection_apply(&projection, &item, &arena, &part);
    arena_release(&arena);
    return 0;
}
