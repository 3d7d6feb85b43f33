/* What the files that render share: one rendering, and what values can be asked. */
#pragma once

#include "services/apigateway/velocity/ast.h"

struct renderer {
    const struct velocity_source *source;
    struct arena *arena;
    struct macro *macros; /* the template's, and those of #evaluate */
    struct members variables;
    struct loop_state *loop; /* the innermost #foreach */
    size_t steps;            /* left */
    size_t bytes;            /* of output, left */
    int depth;
    bool is_breaking, is_stopping;
    struct error *error;
    enum err rc;

    bool is_body_parsed;
    yyjson_val *body;
    struct value parameters; /* $input.params(), once it is asked for */

    struct velocity_override *overrides;
    size_t override_count;
};

/* Keeps the first failure; always returns VALUE_NULL. */
struct value render_fail(struct renderer *r, const char *what);

/* Counts `count` steps; false when there are none left. */
bool render_step(struct renderer *r, size_t count);

/* What the value prints, counted as output. */
struct str render_value(struct renderer *r, struct value value);

/* Sets what `name` ("requestOverride.header.x") says; names that are no override are ignored. */
void render_override(struct renderer *r, struct str name, struct value value);

/* value_open, counted in steps. */
void render_open(struct renderer *r, struct value *value);

bool render_equals(struct renderer *r, struct value left, struct value right);

/* --- Methods and properties (methods.c) --- */

enum { MAX_ARGUMENTS = 8 };

struct arguments {
    struct value items[MAX_ARGUMENTS];
    size_t count;
};

/* `value` may be made a list or map in place. VALUE_NULL for what it does not have. */
struct value value_property(struct renderer *r, struct value *value, struct str name);
struct value value_method(struct renderer *r, struct value *value, struct str name,
                          const struct arguments *arguments);
struct value value_index(struct renderer *r, struct value *value, struct value index);

/* Whether a method changes what it is called on. */
bool method_changes(struct str name);

/* --- $input, $util, $context and $stageVariables (builtins.c) --- */

/* VALUE_NULL when the name is none of theirs. */
struct value builtin_variable(struct renderer *r, struct str name);

struct value input_property(struct renderer *r, struct str name);
struct value input_method(struct renderer *r, struct str name, const struct arguments *arguments);
struct value util_method(struct renderer *r, struct str name, const struct arguments *arguments);

/* The kind and name of "requestOverride.header.x" and its like; false for other names. */
bool override_named(struct str full, struct velocity_override *out);

/* A name below $context (or what is below it already), and the names there as a list. */
struct value context_member(struct renderer *r, struct str prefix, struct str name);
struct value context_names(struct renderer *r, struct str prefix);

struct value stage_variable_member(struct renderer *r, struct str name);
struct value stage_variable_names(struct renderer *r);
