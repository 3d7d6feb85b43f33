/* Copies of APIs. */
#pragma once

#include "services/apigateway/internal.h"

/* Writes resources with their methods, models, validators, authorizers, gateway responses and
 * documentation of the API whose document is `from` as those of `to_id`. In a write. */
enum err clone_parts(const struct view *view, yyjson_val *from, struct str to_id,
                     struct str to_root_id);

/* A resource policy with the ARNs of one API as those of another. */
struct str clone_policy(struct arena *arena, struct str policy, struct str from_id,
                        struct str to_id);
