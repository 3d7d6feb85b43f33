/* Templates: checked, with conditions decided and intrinsic functions resolved.
 * All in one arena, on one thread. */
#pragma once

#include "core/skylite.h"
#include "wire/json.h"

enum { CFN_MAX_RESOURCES = 500, CFN_MAX_OUTPUTS = 200, CFN_MAX_TEMPLATE_BYTES = 1024 * 1024 };

/* How values begin that are not known before a change set is executed. */
#define CFN_UNKNOWN "{{changeSet:KNOWN_AFTER_APPLY}}"

struct cfn_index;

struct cfn_resource {
    struct str logical_id;
    struct str type;
    yyjson_val *definition;
    struct cfn_resource **depends_on;
    size_t depends_count;
    int mark;                  /* of the sort: 0 untouched, 1 under way, 2 done */
    struct cfn_resource *user; /* while it is under way: who led there, or NULL */

    /* What Ref and Fn::GetAtt give, once it is there. */
    struct str physical_id;
    yyjson_val *attributes;
    bool is_unknown; /* while planning: it is not there yet, so that they give a text of that */
};

struct cfn_template {
    struct arena *arena;
    const struct skylite *skylite;
    struct str stack_name, stack_id;
    yyjson_val *root;
    yyjson_val *parameters; /* values by name; NULL before cfn_template_set_parameters */
    yyjson_val *tags;       /* of the stack, for resources that can have some; may be NULL */
    struct cfn_resource
        *resources; /* whose conditions hold, in order of creation after cfn_template_sort */
    size_t resource_count;
    struct cfn_index *index; /* after cfn_template_parse */
    struct str *imports;     /* names that Fn::ImportValue asks for, after cfn_template_sort */
    size_t import_count;
};

/* Parses and checks sections, the form of every resource, and that what is referred to is there.
 * ERR_VALIDATION_ERROR. */
enum err cfn_template_parse(struct cfn_template *template, struct str body, struct error *error);

/* Fills in the parameters from `given` (an object of texts; NULL for none) and the declared
 * defaults, checked. */
enum err cfn_template_set_parameters(struct cfn_template *template, const yyjson_val *given,
                                     struct error *error);

/* A parameter's value as the text that gives it. */
struct str cfn_parameter_text(struct arena *arena, const yyjson_val *value);
/* All of them, by name. */
yyjson_val *cfn_parameter_texts(const struct cfn_template *template);

/* Decides the conditions, finds the resources whose conditions hold and puts them in order of
 * creation. Fails for unresolved or circular dependencies, those of outputs too. */
enum err cfn_template_sort(struct cfn_template *template, struct error *error);

struct cfn_resource *cfn_template_find(const struct cfn_template *template, struct str logical_id);

/* Whether the section has an entry with "Condition" that does not hold is for the caller to ask: */
enum err cfn_condition_holds(const struct cfn_template *template, struct str name, bool *out,
                             struct error *error);

/* Resolves functions in a value. `*out` is NULL for AWS::NoValue. */
enum err cfn_resolve(const struct cfn_template *template, const yyjson_val *value,
                     yyjson_mut_doc *doc, yyjson_mut_val **out, struct error *error);

/* The outputs whose conditions hold: [{"OutputKey", "OutputValue", "Description", "ExportName"}]
 * (exports.c). */
enum err cfn_outputs(const struct cfn_template *template, yyjson_mut_doc *doc, yyjson_mut_val **out,
                     struct error *error);

/* The value that a stack exports under that name (exports.c). "No export named X found". */
enum err cfn_import(const struct cfn_template *template, struct str name, struct str *out,
                    struct error *error);

/* What a value refers to. Functions that fail end the visit. */
struct cfn_visit {
    bool is_static; /* also in branches of Fn::If that are not taken; needs no parameters */
    /* A resource or parameter; `attribute` is Fn::GetAtt's, a NULL pointer for Ref, and empty when
     * it cannot be told yet. */
    enum err (*reference)(void *arg, struct str name, struct str attribute, struct error *error);
    /* The name of an export. NULL: not asked for. */
    enum err (*import)(void *arg, struct str name, struct error *error);
    void *arg;
};
enum err cfn_visit_references(const struct cfn_template *template, const yyjson_val *value,
                              const struct cfn_visit *visit, struct error *error);
