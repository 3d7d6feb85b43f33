/* What the SDK's own tests need and its users do not. */
#pragma once

#include "skylite/dynamodb.h"

/* Has `wait(ms, arg)` called instead of sleeping between attempts. */
void dynamodb_set_wait(struct dynamodb *client, void (*wait)(unsigned ms, void *arg), void *arg);
