/* What IAM refuses in policies whose grammar is right. */
#pragma once

#include "services/iam/policy.h"

/* Checks what the grammar leaves open: actions, resources, statement ids, dates, principals. The
 * order is IAM's, since the first fault found is the one that is told. `statements` are objects
 * that the compiler has taken. */
enum err iam_policy_check(yyjson_val *const *statements, size_t count, enum iam_policy_kind kind,
                          struct error *error);

/* Checks the form of one resource. */
enum err iam_resource_check(struct str text, struct error *error);

/* IAM's older parser takes five colons or no empty part, and a vendor. */
bool iam_resource_is_parsed_by_legacy(struct str text);
