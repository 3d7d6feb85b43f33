/* What `skylite import` and `skylite export` know of a table, and how they call DynamoDB. */
#pragma once

#include "cli/client.h"

struct cli_key {
    struct str name;
    char type; /* 'S', 'N' or 'B' */
};

struct cli_table {
    struct cli_client *client;
    struct arena arena; /* of the names */
    const char *name;
    struct cli_key keys[2];
    size_t key_count;
    uint64_t item_count;
};

/* One call of DynamoDB. */
enum err cli_dynamodb(struct cli_client *client, const char *operation, struct str input,
                      struct arena *arena, yyjson_val **out, struct error *error);

/* Finds the server and the table. */
enum err cli_table_open(const char *data_dir, const char *name, struct cli_table *out,
                        struct error *error);
void cli_table_close(struct cli_table *table);

/* Whether a file's name asks for CSV. */
bool cli_is_csv(const char *path);
