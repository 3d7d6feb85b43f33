/* PartiQL statements: whatever the text, parsing ends, and what was parsed can be evaluated. */
#include "services/dynamodb/partiql.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ddb_value parameter = {.type = DDB_S, .text = STR_INIT("p")};
    struct arena arena = {0};
    struct ddb_statement statement;
    struct ddb_value item = {.type = DDB_M}, changed;
    struct error error;
    struct str text = str_make((const char *)data, size);
    if (size <= DDB_MAX_STATEMENT_BYTES &&
        ddb_statement_parse(text, &parameter, str_find_byte(text, '?', 0) >= 0, &arena, &statement,
                            &error) == OK) {
        if (statement.where)
            ddb_condition_holds(statement.where, &item);
        ddb_update_apply(&statement.update, &item, &arena, &changed, &error);
    }
    arena_release(&arena);
    return 0;
}
