/* What the AWS::IAM types share. */
#pragma once

#include "services/cloudformation/types.h"

/* A call of IAM about the role, user or policy of that name or ARN. */
struct cfn_call *iam_add(struct cfn_calls *calls, const char *operation, const char *member,
                         struct str name);
