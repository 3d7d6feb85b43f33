/* Resource policies of tables and of their open streams, kept in the tables' definitions. */
#pragma once

#include "services/dynamodb/definition.h"

/* Members of a definition, each {"Policy", "RevisionId"}. */
#define DDB_TABLE_POLICY  "ResourcePolicy"
#define DDB_STREAM_POLICY "StreamResourcePolicy" /* of the stream that is open */

/* The policy of a table (of its indexes as well) or stream, by ARN; empty when there is none. It
 * lives as long as the request. Root may always delete a policy: then none applies. */
struct str ddb_policy_of_resource(struct request *request, struct str arn);

/* Checks a policy that is to be attached to `arn`. Unless `is_confirmed`, the caller must be able
 * to change it afterwards. */
enum err ddb_policy_check(struct request *request, struct str arn, struct str policy,
                          bool is_confirmed);

/* Sets a checked one under a new revision; `before` is the revision of the old one, or empty. */
void ddb_policy_set(struct ddb_draft *draft, const char *member, struct str policy,
                    struct str before);
