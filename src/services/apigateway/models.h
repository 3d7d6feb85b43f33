/* Models of an API: those that it is made with, and names as methods and responses give them. */
#pragma once

#include "services/apigateway/internal.h"

/* Writes Empty and Error, which an API that is created has. */
void models_add_own(const struct view *view, struct str api_id);

/* Fails unless the API of the request has the model. */
enum err models_check_name(struct request *request, const struct view *view, struct str name);

/* The same for {"content/type": "model"}. */
enum err models_check_names(struct request *request, const struct view *view, yyjson_val *models);

/* The schema with the models that it refers to as its own definitions (model_views.c). */
enum err models_flatten(struct request *request, struct str schema, struct str *out);
