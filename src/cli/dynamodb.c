/* Tables, for import and export. */
#include "cli/dynamodb.h"

#include <string.h>

#include "cli/names.h"

enum err cli_dynamodb(struct cli_client *client, const char *operation, struct str input,
                      struct arena *arena, yyjson_val **out, struct error *error)
{
    struct str target = arena_printf(arena, "DynamoDB_20120810.%s", operation);
    return cli_json(client, "dynamodb", target.ptr, input, arena, out, error);
}

static char type_of(yyjson_val *description, struct str name)
{
    yyjson_val *attribute;
    size_t i, max;
    yyjson_arr_foreach (json_get(description, "AttributeDefinitions"), i, max, attribute) {
        struct str type = json_get_str(attribute, "AttributeType");
        if (str_eq(json_get_str(attribute, "AttributeName"), name) && type.len)
            return type.ptr[0];
    }
    return 'S';
}

static enum err describe(struct cli_table *table, struct error *error)
{
    yyjson_mut_doc *doc = json_doc(&table->arena);
    yyjson_mut_val *input = yyjson_mut_obj(doc);
    yyjson_val *answer, *element;
    size_t i, max;
    int64_t count = 0;
    json_add_str(doc, input, "TableName", str_from(table->name));
    enum err rc = cli_dynamodb(table->client, "DescribeTable", json_write(&table->arena, input),
                               &table->arena, &answer, error);
    if (rc) {
        cli_add_names(table->client, CLI_TABLES, str_from(table->name), error);
        return rc;
    }
    yyjson_val *description = json_get(answer, "Table");
    json_get_i64(description, "ItemCount", &count);
    table->item_count = (uint64_t)count;
    yyjson_arr_foreach (json_get(description, "KeySchema"), i, max, element) {
        struct str name = json_get_str(element, "AttributeName");
        if (table->key_count < 2)
            table->keys[table->key_count++] = (struct cli_key){name, type_of(description, name)};
    }
    return OK;
}

enum err cli_table_open(const char *data_dir, const char *name, struct cli_table *out,
                        struct error *error)
{
    *out = (struct cli_table){.name = name};
    enum err rc = cli_client_new(data_dir, &out->client, error);
    return rc ? rc : describe(out, error);
}

void cli_table_close(struct cli_table *table)
{
    cli_client_free(table->client);
    arena_release(&table->arena);
}

bool cli_is_csv(const char *path)
{
    size_t len = strlen(path);
    return len > 4 && strcmp(path + len - 4, ".csv") == 0;
}
