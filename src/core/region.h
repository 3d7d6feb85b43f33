/* The region that a data folder is of: chosen at its first start and kept in its store, because
 * ARNs in documents and policies name it. */
#pragma once

#include "store/store.h"

/* "eu-west-1": a region of the partition aws, or one that is still to come. Others have ARNs that
 * begin otherwise ("arn:aws-cn:"). */
bool region_is_valid(struct str name);

/* The region that is kept; where none is, keeps `wanted` first (empty: us-east-1).
 * ERR_VALIDATION when `wanted` is another one than is kept. Before the services start. */
enum err region_settle(struct store *store, struct str wanted, const char *data_dir,
                       struct arena *arena, struct str *out, struct error *error);
