/* The environment that a function's process starts with. */
#pragma once

#include "services/lambda/internal.h"

/* Whether a function's owner may not set this variable. */
bool environment_is_reserved(struct str name);

/* "NAME=value" entries, each with a NUL behind it, in `arena`: Lambda's variables, the role's
 * credentials, and the function's own. */
struct str environment_build(const struct skylite *skylite, const struct function *function,
                             struct str log_stream, const struct credentials *credentials,
                             struct arena *arena);
