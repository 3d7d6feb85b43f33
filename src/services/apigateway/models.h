/* Names of models, as methods and their responses give them. */
#pragma once

#include "services/apigateway/internal.h"

/* Fails unless the API of the request has the model. */
enum err models_check_name(struct request *request, const struct view *view, struct str name);

/* The same for {"content/type": "model"}. */
enum err models_check_names(struct request *request, const struct view *view, yyjson_val *models);
