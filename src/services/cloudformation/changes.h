/* What an update would change, without making it: for change sets, and for telling that there is
 * nothing to do. */
#pragma once

#include "services/cloudformation/internal.h"

struct changes {
    struct cfn_template *template; /* as wanted: parsed, sorted */
    const yyjson_val *before;      /* the stack's document; NULL: a new stack */
    /* {"Type": "Resource", "ResourceChange": {...}} for each, as DescribeChangeSet has them. */
    yyjson_mut_val *list;
    bool is_output_changed;
};

/* Fills `list` and `is_output_changed`; the rest is given. Fails as resolving does. On a loop. */
enum err changes_plan(struct request *request, struct changes *changes, yyjson_mut_doc *doc);
