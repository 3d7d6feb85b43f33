/* CloudFormation: stacks of resources made from templates. */
#pragma once

#include "core/skylite.h"

struct cloudformation;

/* Registers the service. Stacks that were in the middle of an operation when the server ended are
 * taken up by cloudformation_resume. */
enum err cloudformation_new(struct skylite *skylite, struct cloudformation **out,
                            struct error *error);

/* Goes on with what was interrupted; once, when the loops run or are about to. */
void cloudformation_resume(struct cloudformation *cloudformation);

/* After the loops ended; NULL does nothing. */
void cloudformation_free(struct cloudformation *cloudformation);
