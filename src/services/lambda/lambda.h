/* Functions: the Lambda API, and the instances that run them (struct function_capability). */
#pragma once

#include "core/skylite.h"
#include "services/lambda/launcher.h"

struct lambda;

/* Loads the functions, prepares sandboxes, registers the service "lambda" and fills
 * skylite->functions. After iam, before the loops start. `launcher` stays the caller's. */
enum err lambda_new(struct skylite *skylite, struct launcher *launcher, struct lambda **out,
                    struct error *error);

/* Ends every instance, then calls done(arg) on the calling loop's thread. On a running loop, once
 * no invocation is under way, before the loops are stopped. Without it the launcher ends the
 * instances when it is stopped. */
void lambda_shutdown(struct lambda *lambda, void (*done)(void *arg), void *arg);

/* After the loops ended; NULL does nothing. */
void lambda_free(struct lambda *lambda);
