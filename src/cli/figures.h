/* Figures of CloudWatch for commands: what happened in the last hour. */
#pragma once

#include "cli/client.h"

/* Questions that are asked together, and their answers; all in the arena. */
struct figures {
    struct arena *arena;
    yyjson_mut_doc *doc;
    yyjson_mut_val *queries;
    double *values;
};

struct figure_dimension {
    const char *name;
    struct str value;
};

void figures_init(struct figures *figures, struct arena *arena);

/* Adds a question for a statistic ("Sum", "p99") of the last hour, the present minute included.
 * Returns the number of its answer. Texts must stay. */
size_t figures_add(struct figures *figures, const char *space, const char *name,
                   const char *statistic, const struct figure_dimension *dimensions, size_t count);

/* Asks. Once, when all questions are there. */
enum err figures_fetch(struct figures *figures, struct cli_client *client, struct error *error);

/* False when there was nothing in that hour. */
bool figures_get(const struct figures *figures, size_t number, double *out);
