/* CloudWatch Logs: log groups, streams and events (the Logs API and struct log_capability). */
#pragma once

#include "core/skylite.h"

struct logs;

/* Registers the service "logs" and fills skylite->logs. Before the loops start. */
enum err logs_new(struct skylite *skylite, struct logs **out, struct error *error);

/* Writes what is still buffered and frees it; after the loops ended, before the store is closed.
 * NULL does nothing. */
void logs_free(struct logs *logs);
