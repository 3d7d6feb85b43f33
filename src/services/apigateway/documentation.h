/* Documentation of APIs. */
#pragma once

#include "services/apigateway/internal.h"

/* Adds parts as "x-amazon-apigateway-documentation" has them (a list of {"location",
 * "properties"}) to an API, or in place of those of the same location. Their ids go to `ids`, an
 * array, unless it is NULL. In a write. */
enum err documentation_put(struct request *request, const struct view *view, struct str api_id,
                           yyjson_val *parts, yyjson_mut_doc *doc, yyjson_mut_val *ids);
