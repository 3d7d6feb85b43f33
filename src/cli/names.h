/* Names of what is on the server: for the commands that list it, and for messages about a name that
 * is not there. Blocking; for one thread. */
#pragma once

#include "cli/client.h"

enum cli_kind { CLI_STACKS, CLI_FUNCTIONS, CLI_TABLES, CLI_APIS, CLI_KIND_COUNT };

/* A name and what is told beside it, which may be empty. */
struct cli_named {
    struct str name, detail;
};

/* All of a kind, in the server's order, borrowed from `arena`. */
enum err cli_names(struct cli_client *client, enum cli_kind kind, struct arena *arena,
                   struct cli_named **out, size_t *out_count, struct error *error);

/* Adds to an error about `name` the names that there are, unless it is among them. */
void cli_add_names(struct cli_client *client, enum cli_kind kind, struct str name,
                   struct error *error);
