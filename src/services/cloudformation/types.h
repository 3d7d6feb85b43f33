/* Resource types: how each one is made, changed and deleted by calls of the public operations of
 * other services. A type is one row of a table and a few functions that list calls. */
#pragma once

#include "services/cloudformation/template.h"

/* What a resource's functions work with. All in `arena`. */
struct cfn_step {
    struct arena *arena;
    yyjson_mut_doc *doc;
    const struct cfn_template *template;
    const struct principal *principal; /* as whom the calls are made */
    struct str logical_id;
    struct str token;           /* twelve letters and digits for generated names */
    yyjson_val *properties;     /* resolved, as wanted (of a deletion: as they were) */
    yyjson_val *old_properties; /* of an update: as they were; else NULL */
    struct str physical_id;     /* set by creation, and by an update that changes it */
    yyjson_mut_val *attributes; /* what Fn::GetAtt gives; filled by creation */
    yyjson_mut_val *found;      /* the type's own: what an answer told that later calls need */
    struct error *error;
};

struct cfn_call {
    const char *service, *operation;
    yyjson_mut_val *input;
    bool may_be_missing; /* fine when it is gone already what this takes away; so of any deletion */
    struct cfn_call *next;
};

/* The calls of a step, in order. */
struct cfn_calls {
    struct cfn_step *step;
    struct cfn_call *first, **end;
};

/* Lists them all. It is asked before each call, and again after a restart: what stands before a
 * call that was made may not change, except by what answers told. Fails when the properties do not
 * fit. */
typedef enum err (*cfn_calls_fn)(struct cfn_step *step, struct cfn_calls *calls);

/* Templates have numbers and truth values as text, too. */
enum cfn_how {
    CFN_COPY,    /* as it is, under `member`; what is inside as its rows have it */
    CFN_INTEGER, /* a number */
    CFN_BOOLEAN, /* true or false */
    CFN_TEXTS,   /* text, and whatever is inside */
    CFN_LOWER,   /* names inside with a small first letter, as API Gateway has them */
    CFN_OWN,     /* the type's functions see to it */
};

enum cfn_property_flag {
    CFN_REQUIRED = 1,
    CFN_REPLACES = 2, /* a change of it needs a new resource */
};

struct cfn_property {
    const char *name;
    const char *member; /* of the operation's input */
    enum cfn_how how;
    unsigned flags; /* enum cfn_property_flag */
    /* What an object, or each object of a list, may have; ends with a NULL name. NULL: anything. */
    const struct cfn_property *inside;
};

/* A list of names for a row. */
#define CFN_NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

struct cfn_type {
    const char *name;
    const struct cfn_property *properties; /* ends with a NULL name */
    cfn_calls_fn create;
    /* NULL: any change makes a new resource and deletes the old one. */
    cfn_calls_fn update;
    cfn_calls_fn remove; /* NULL: nothing has to be done */
    /* Sees the answers to the calls of all three; of a call that an earlier run of the server made,
     * what its receipt tells. May be NULL. */
    void (*answered)(struct cfn_step *step, const struct cfn_call *call, yyjson_mut_val *output);
    /* Whether a change needs a new resource that its rows do not tell of. May be NULL. */
    bool (*needs_replacement)(const yyjson_val *before, const yyjson_val *after);
    /* A name given by the template: a new resource cannot live beside the old one. May be NULL. */
    const char *name_property;
    /* What Fn::GetAtt knows; ends with NULL. May be NULL. */
    const char *const *attributes;
};

const struct cfn_type *cfn_type_find(struct str name);

/* Fails for properties that the type does not have, and for missing ones. */
enum err cfn_check_properties(const struct cfn_type *type, const yyjson_val *properties,
                              struct error *error);

/* The properties of a resource as the template has them now: resolved, with the stack's tags. In
 * the template's arena. */
enum err cfn_wanted_properties(const struct cfn_template *template,
                               const struct cfn_resource *resource, yyjson_val **out,
                               struct error *error);

/* Adds the stack's tags to the mutable properties of a type that has "Tags". */
void cfn_add_stack_tags(const struct cfn_template *template, const struct cfn_type *type,
                        yyjson_mut_doc *doc, yyjson_mut_val *properties);

enum cfn_change { CFN_KEEP, CFN_UPDATE, CFN_REPLACE };

/* What becomes of a resource (plan.c). */
enum cfn_change cfn_plan_change(struct str type_before, const yyjson_val *before,
                                struct str type_after, const yyjson_val *after);

/* Whether deleting may fail this way: what is gone needs no deletion. */
bool cfn_is_missing(enum err code);

/* --- For the types' functions --- */

/* Adds a call whose input is empty so far. */
struct cfn_call *cfn_add(struct cfn_calls *calls, const char *service, const char *operation);
bool cfn_is(const struct cfn_call *call, const char *operation);

/* Adds all properties with `how` other than CFN_OWN to the input. */
void cfn_map(struct cfn_step *step, struct cfn_call *call, const struct cfn_property *properties);
/* Adds a text; nothing when it is a NULL pointer. */
void cfn_put(struct cfn_step *step, struct cfn_call *call, const char *member, struct str value);
/* Adds a copy; nothing when it is NULL. */
void cfn_put_copy(struct cfn_step *step, struct cfn_call *call, const char *member,
                  const yyjson_val *value);
/* A value as the property's row has it, or an object or list of them as the rows have them. */
yyjson_mut_val *cfn_typed_property(struct cfn_step *step, yyjson_val *value,
                                   const struct cfn_property *property);
yyjson_mut_val *cfn_typed(struct cfn_step *step, yyjson_val *value,
                          const struct cfn_property *inside);

/* A property's text (numbers and booleans as text too); NULL pointer when missing. */
struct str cfn_text(const struct cfn_step *step, const yyjson_val *properties, const char *name);
/* Of the wanted properties. */
struct str cfn_wanted(const struct cfn_step *step, const char *name);
/* "STACK-LogicalId-TOKEN", or the property's text when it is given. */
struct str cfn_name(struct cfn_step *step, const char *property);
void cfn_set_attribute(struct cfn_step *step, const char *name, struct str value);
/* A member of an answer as text; NULL pointer when missing. */
struct str cfn_output(const struct cfn_step *step, yyjson_mut_val *output, const char *member);
/* The ARN of a resource of this server: cfn_arn(step, "dynamodb", "table/%.*s", ...). */
struct str cfn_arn(const struct cfn_step *step, const char *service, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

bool cfn_changed(const struct cfn_step *step, const char *property);
/* Whether a list has an element that is equal. */
bool cfn_has(const yyjson_val *list, const yyjson_val *element);

/* Adds {"op","path","value"} to the call's patchOperations; a NULL pointer: no value. */
void cfn_patch(struct cfn_step *step, struct cfn_call *call, const char *op, struct str path,
               struct str value);
/* Replaces what a property says when it differs; `fallback` is what holds without the property. */
void cfn_patch_property(struct cfn_step *step, struct cfn_call *call, const char *property,
                        const char *path, const char *fallback);
/* Takes the last call out again; and the same unless something was patched. */
void cfn_drop(struct cfn_calls *calls, const struct cfn_call *call);
void cfn_drop_unpatched(struct cfn_calls *calls, const struct cfn_call *call);

/* Lists the calls that change "Tags" ([{Key, Value}]) from old to new: TagResource and
 * UntagResource, with the names that the service has for ARN, tags and keys. */
struct cfn_tagging {
    const char *service, *tag, *untag;
    const char *id_member, *tags_member, *keys_member;
    bool is_map; /* {"key": "value"}, not [{"Key", "Value"}] */
};
void cfn_change_tags(struct cfn_step *step, struct cfn_calls *calls,
                     const struct cfn_tagging *tagging, struct str id);
/* "Tags" as a map. Nothing when there are none. */
void cfn_put_tag_map(struct cfn_step *step, struct cfn_call *call, const char *member);

/* The rows, by service. End with a NULL name. */
extern const struct cfn_type cfn_api_types[];
extern const struct cfn_type cfn_authorizer_types[];
extern const struct cfn_type cfn_model_types[];
extern const struct cfn_type cfn_stage_types[];
extern const struct cfn_type cfn_usage_types[];
extern const struct cfn_type cfn_domain_types[];
extern const struct cfn_type cfn_iam_types[];
extern const struct cfn_type cfn_policy_types[];
extern const struct cfn_type cfn_dynamodb_types[];
extern const struct cfn_type cfn_lambda_types[];
extern const struct cfn_type cfn_logs_types[];

#define CFN_END                                                                                    \
    {                                                                                              \
        NULL, NULL, CFN_COPY, 0, NULL                                                              \
    }
