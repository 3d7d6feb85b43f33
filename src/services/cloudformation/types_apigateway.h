/* What the AWS::ApiGateway types share. */
#pragma once

#include "services/cloudformation/types.h"

/* A call of API Gateway with the wanted RestApiId. Path labels go under their names on the wire, so
 * that they never meet a member of the body. */
struct cfn_call *apigw_add(struct cfn_calls *calls, const char *operation);

/* Changes of tags; `path` is behind "arn:aws:apigateway:REGION::". */
void apigw_change_tags(struct cfn_step *step, struct cfn_calls *calls, struct str path);

/* An API's OpenAPI document: whether it has one; whether it has another than before; and the call
 * that imports it. */
bool apigw_has_body(const struct cfn_step *step);
bool apigw_has_new_body(const struct cfn_step *step);
enum err apigw_put_body(struct cfn_step *step, struct cfn_calls *calls, struct str api_id);

/* A part of a patch path: "/notes" as "~1notes". */
struct str apigw_escape(struct arena *arena, struct str part);

#define APIGW_TYPE "AWS::ApiGateway::"
/* For the "Tags" of a type's properties. */
#define APIGW_TAGS                                                                                 \
    {                                                                                              \
        "Tags", NULL, CFN_OWN, 0, NULL                                                             \
    }
