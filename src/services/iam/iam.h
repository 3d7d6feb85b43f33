/* Identity: keys, users, roles, policies, temporary credentials (the IAM and STS APIs), and the
 * decision whether a call is allowed (struct iam_capability). */
#pragma once

#include "core/skylite.h"

struct iam;

/* Loads (at the first start: makes) the root key and writes it to DATA/credentials, registers the
 * services "iam" and "sts" and fills skylite->iam. Before the loops start. */
enum err iam_new(struct skylite *skylite, struct iam **out, struct error *error);

/* After the loops ended; NULL does nothing. */
void iam_free(struct iam *iam);
