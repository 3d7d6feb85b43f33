/* What functions and conditions share while they are resolved. */
#pragma once

#include "base/map.h"
#include "services/cloudformation/template.h"

enum {
    RESOLVER_MAX_DEPTH = 100,
    RESOLVER_MAX_TEXT = 4 * 1024 * 1024, /* of one value */
    RESOLVER_BUDGET = 32 * 1024 * 1024,  /* of all values of a template together */
};

enum cfn_condition_state {
    CFN_CONDITION_UNKNOWN,
    CFN_CONDITION_UNDER_WAY,
    CFN_CONDITION_TRUE,
    CFN_CONDITION_FALSE,
};

struct cfn_condition {
    const yyjson_val *definition;
    enum cfn_condition_state state;
};

/* What is looked up while resolving; in the template's arena, made by cfn_template_parse. */
struct cfn_index {
    struct map resources; /* of struct cfn_resource; those that are made, after cfn_template_sort */
    struct map conditions; /* of struct cfn_condition */
    size_t budget;         /* bytes that values may still take */
};

struct resolver {
    const struct cfn_template *template;
    yyjson_mut_doc *doc;
    struct error *error;
    int depth;
};

enum err cfn_resolve_value(struct resolver *r, const yyjson_val *value, yyjson_mut_val **out);
enum err cfn_resolve_text(struct resolver *r, const yyjson_val *value, struct str *out);
enum err cfn_resolve_condition(struct resolver *r, struct str name, bool *out);
