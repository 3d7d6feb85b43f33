/* Resource types: how each one is made, changed and deleted by calls of the public operations of
 * other services. A type is one row of a table and a few functions that give one call after the
 * other. */
#pragma once

#include "services/cloudformation/template.h"

/* What a resource's functions work with. All in `arena`. */
struct cfn_step {
    struct arena *arena;
    yyjson_mut_doc *doc;
    const struct cfn_template *template;
    struct str logical_id;
    struct str token;           /* twelve letters and digits for generated names */
    yyjson_val *properties;     /* resolved, as wanted (of a deletion: as they were) */
    yyjson_val *old_properties; /* of an update: as they were */
    struct str physical_id;     /* set by creation, and by an update that changes it */
    yyjson_mut_val *attributes; /* what Fn::GetAtt gives; filled by creation */
    struct error *error;
};

struct cfn_call {
    const char *service;
    const char *operation; /* NULL: there is no further call */
    yyjson_mut_val *input;
    bool
        may_be_missing; /* what it takes away need not be there (of a deletion that is so anyway) */
};

/* Gives call number `index` (from 0). Fails when the properties do not fit. Asked again after a
 * restart for calls that were made already, it must give the same. */
typedef enum err (*cfn_call_fn)(struct cfn_step *step, unsigned index, struct cfn_call *out);

enum cfn_how {
    CFN_COPY,  /* as it is, under `member` */
    CFN_LOWER, /* names inside with a small first letter, as API Gateway has them */
    CFN_OWN,   /* the type's functions see to it */
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
};

/* A list of names for a row. */
#define CFN_NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

struct cfn_type {
    const char *name;
    const struct cfn_property *properties; /* ends with a NULL name */
    cfn_call_fn create;
    /* Sees the answers to the calls of creation. May be NULL. */
    void (*created)(struct cfn_step *step, unsigned index, yyjson_mut_val *output);
    /* NULL: any change makes a new resource and deletes the old one. */
    cfn_call_fn update;
    cfn_call_fn remove;
    /* A name given by the template: a new resource cannot live beside the old one. May be NULL. */
    const char *name_property;
    /* What Fn::GetAtt knows; ends with NULL. May be NULL. */
    const char *const *attributes;
};

const struct cfn_type *cfn_type_find(struct str name);

/* Fails for properties that the type does not have, and for missing ones. */
enum err cfn_check_properties(const struct cfn_type *type, const yyjson_val *properties,
                              struct error *error);

enum cfn_change { CFN_KEEP, CFN_UPDATE, CFN_REPLACE };

/* What becomes of a resource (plan.c). */
enum cfn_change cfn_plan_change(struct str type_before, const yyjson_val *before,
                                struct str type_after, const yyjson_val *after);

/* Whether deleting may fail this way: what is gone needs no deletion. */
bool cfn_is_missing(enum err code);

/* --- For the types' functions --- */

/* A call whose input is empty so far. */
void cfn_call_make(struct cfn_step *step, const char *service, const char *operation,
                   struct cfn_call *out);
/* Adds all properties with `how` other than CFN_OWN. */
void cfn_call_map(struct cfn_step *step, const struct cfn_property *properties,
                  struct cfn_call *out);
void cfn_call_add(struct cfn_step *step, struct cfn_call *call, const char *member,
                  struct str value);
/* A property's text (numbers and booleans as text too); NULL pointer when missing. */
struct str cfn_text(const struct cfn_step *step, const yyjson_val *properties, const char *name);
/* "STACK-LogicalId-TOKEN", or the property's text when it is given. */
struct str cfn_name(struct cfn_step *step, const char *property);
void cfn_set_attribute(struct cfn_step *step, const char *name, struct str value);
/* A member of an answer as text; NULL pointer when missing. */
struct str cfn_output(const struct cfn_step *step, yyjson_mut_val *output, const char *member);
/* Adds {"op","path","value"} to the call's patchOperations. */
void cfn_patch(struct cfn_step *step, struct cfn_call *call, const char *op, struct str path,
               struct str value);
/* The same for a property that differs between old and new. True when it does. */
bool cfn_patch_changed(struct cfn_step *step, struct cfn_call *call, const char *property,
                       const char *path);
bool cfn_changed(const struct cfn_step *step, const char *property);

/* The rows, by service. End with a NULL name. */
extern const struct cfn_type cfn_apigateway_types[];
extern const struct cfn_type cfn_iam_types[];
extern const struct cfn_type cfn_other_types[];
