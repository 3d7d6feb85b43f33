/* DynamoDB: tables, items and the operations on them. */
#pragma once

#include "core/skylite.h"

struct dynamodb;

/* Loads the table definitions and registers the service. The store must be open; frees nothing of
 * `skylite`. */
enum err dynamodb_new(struct skylite *skylite, struct dynamodb **out, struct error *error);

/* After the loops ended and before the store is closed. */
void dynamodb_free(struct dynamodb *dynamodb);
