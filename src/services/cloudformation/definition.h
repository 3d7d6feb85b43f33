/* What a stack is to be: a template, parameters, tags and what goes with them, as callers give them
 * and as they are stored ("Definition" of a stack and of a change set). */
#pragma once

#include "services/cloudformation/internal.h"

struct definition {
    struct cfn_template template; /* checked, sorted */
    /* {"TemplateBody", "Parameters": all values by name, "ParameterList": as shown, "Tags",
     * "Capabilities", "RoleARN", "Imports"} */
    yyjson_val *stored;
};

/* Reads it from a request of CreateStack, UpdateStack or CreateChangeSet. `before` is the stack's
 * definition so far (NULL: none), of which what the request leaves out is kept, as AWS has it.
 * On a loop. */
enum err definition_read(struct request *request, struct str stack_name, struct str stack_id,
                         const yyjson_val *before, struct definition *out);

/* The same again from what is stored; for who has checked it before. */
enum err definition_load(struct cfn_template *template, const yyjson_val *stored,
                         struct error *error);

/* Whether the template makes users, roles or policies: their types ("A, B"), and whether one has a
 * name of its own. */
bool definition_needs_iam(struct arena *arena, const yyjson_val *root, struct str *out_types,
                          bool *out_named);

/* The text of the template in TemplateBody, or in the object behind TemplateURL. */
enum err definition_template_body(struct request *request, struct str *out);
