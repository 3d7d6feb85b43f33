/* What integrations and their responses are checked for, when they are put and when they are
 * changed. */
#pragma once

#include "services/apigateway/internal.h"

/* {"content/type": "text"}: types that are types, texts without Velocity (which is not evaluated,
 * and would otherwise be sent as it stands). */
enum err integration_check_templates(struct request *request, yyjson_val *templates);
enum err integration_check_template(struct request *request, struct str type, struct str text);

/* A header mapping of a response: "method.response.header.X" to an expression. `declared` is the
 * responseParameters of the method response, which has to have the name. */
enum err integration_check_mapping(struct request *request, yyjson_mut_val *declared,
                                   struct str name, struct str expression);

/* A regular expression for the status of a MOCK integration. */
enum err integration_check_pattern(struct request *request, struct str pattern);
