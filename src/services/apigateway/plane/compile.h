/* The parts of compiling a stage: mappings, templates and integrations. Everything is made in the
 * stage's arena. */
#pragma once

#include "services/apigateway/plane/call.h"

/* The account's limits on AWS, which a method's throttle falls back on for what it does not set. */
#define DEFAULT_RATE_LIMIT  10000.0
#define DEFAULT_BURST_LIMIT 5000

enum { MAX_INTEGRATION_TIMEOUT_MS = 29000 };

/* From {"TARGET": "expression"}; what does not parse is left out (it was refused when it was put).
 */
struct mapping_list compile_mappings(struct arena *arena, enum mapping_side side,
                                     yyjson_val *parameters);

/* From {"application/json": "text"}; null is an empty text. */
struct template_list compile_templates(struct arena *arena, yyjson_val *templates);

/* Fills the integration's part of `method` from its document. */
void compile_integration(struct stage *stage, struct method *method, yyjson_val *document);

/* Fills the stage's list of authorizers from their documents by id. After its variables. */
void compile_authorizers(struct stage *stage, yyjson_val *documents);

/* `${stageVariables.name}` in `text` replaced by its value (empty when there is none). */
struct str expand_stage_variables(struct arena *arena, const struct stage *stage, struct str text);

/* The function that an integration URI names ("arn:aws:apigateway:REGION:lambda:path/2015-03-31/
 * functions/ARN/invocations"); a NULL pointer when it is not of that form. */
struct str function_of_uri(struct str uri);

/* The service ("dynamodb") and operation of an integration URI
 * ("arn:aws:apigateway:REGION:dynamodb: action/PutItem"); false when it is not of that form. */
bool action_of_uri(struct str uri, struct str *out_service, struct str *out_action);

/* The "statusCode" of a MOCK integration's request ({"statusCode": 200}); 0 when it does not say.
 */
int mock_status(struct arena *arena, struct str text);
