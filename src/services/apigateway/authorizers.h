/* Authorizers, as far as methods refer to them. */
#pragma once

#include "services/apigateway/internal.h"

/* Fails unless the API of the request's labels has the authorizer. */
enum err authorizers_check_id(struct request *request, const struct view *view, struct str id);

/* The document of the authorizer that the labels name; NotFoundException when there is none. */
enum err authorizers_find(struct request *request, const struct view *view, yyjson_val **out);

/* Whether a caller's identity can be at such a place: "method.request.header.X", a query parameter,
 * a stage variable or a variable of $context. */
bool authorizer_source_is_valid(struct str source);
