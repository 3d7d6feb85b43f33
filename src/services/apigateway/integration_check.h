/* What integrations and their responses are checked for, when they are put and when they are
 * changed. */
#pragma once

#include "services/apigateway/internal.h"

/* {"content/type": "text"}: types that are types, texts that are mapping templates. */
enum err integration_check_templates(struct request *request, yyjson_val *templates);
enum err integration_check_template(struct request *request, struct str type, struct str text);

/* A parameter mapping: a target to an expression. `declared` is the responseParameters of the
 * method response, which has to have the target, or the requestParameters of the method, which has
 * to have the parameter that the value comes from. */
enum err integration_check_mapping(struct request *request, enum mapping_side side,
                                   yyjson_mut_val *declared, struct str name,
                                   struct str expression);

/* The regular expression of a selection pattern. */
enum err integration_check_pattern(struct request *request, struct str pattern);

/* NULL, or a way to convert contents. */
enum err integration_check_handling(struct request *request, struct str handling);

/* The ARN of a role, or the empty text: one that the caller may hand to API Gateway
 * (iam:PassRole). */
enum err integration_check_credentials(struct request *request, struct str role);
