/* Condition keys: what policies may ask of a call, and where the answer comes from. Each service
 * has a table of those that AWS's Service Authorization Reference documents for its actions; here
 * are those that every call has
 * (https://docs.aws.amazon.com/service-authorization/latest/reference/,
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html). */
#pragma once

#include "core/request.h"
#include "core/skylite.h"

/* A source is asked for the values of one key, for one permission that is checked. */
struct condition_question {
    const struct authorization *authorization; /* action, resource, principal */
    const struct skylite *skylite;
    const struct http_exchange *exchange; /* NULL: the call came from another service */
    struct request *request;              /* NULL: the call is none of AWS's API */
    const struct service *service;        /* whose action it is */
    struct str name;                      /* of the key, as its row has it */
    struct str tail;                      /* of "aws:RequestTag/team": "team" */
    const void *part;                     /* see request_authorize_part; or NULL */
};

typedef void (*condition_source_fn)(const struct condition_question *question,
                                    struct condition_values *out);

/* One row. A key without a source says why no call here has it. */
struct condition_key {
    const char *name;    /* "s3:prefix"; one that ends in "/" stands for all that begin so */
    const char *actions; /* that have the key, with blanks between: "GetItem Query"; NULL: all */
    condition_source_fn source;
    const char *absent;
};

/* Those of every call, but for those that IAM tells from the caller's identity. */
extern const struct condition_key condition_global_keys[];
extern const size_t condition_global_key_count;

/* The row of an action's key, or NULL. Names of keys are compared without case. */
const struct condition_key *condition_key_row(const struct condition_key *rows, size_t count,
                                              struct str action, struct str key);

/* Adds the values of `key`: of those of every call, or of the service that the action is named
 * after. Fills service, name and tail of the question. */
void condition_key_find(struct condition_question *question, struct str key,
                        struct condition_values *out);

/* authorization->find_values where no request is at hand: find_arg is the struct skylite. */
void condition_find_values(const struct authorization *authorization, struct str key,
                           struct condition_values *out);

/* --- For sources --- */

/* Adds a value unless it is the NULL pointer. */
void condition_add(struct condition_values *out, struct str value);
void condition_add_bool(struct condition_values *out, bool value);
void condition_add_number(struct condition_values *out, int64_t value);

/* A string, number or truth value; nothing for anything else. */
void condition_add_json(struct condition_values *out, yyjson_val *value);

/* Adds the elements of an array, or a single one, as query strings have it. */
void condition_add_list(struct condition_values *out, yyjson_val *list);

/* Copies the values from the one at `first` on, whose texts are about to go. */
void condition_keep(struct condition_values *out, size_t first);

/* True when the request is for the action's own service, so that its input can be read; false when
 * another service checks the permission on the way. */
bool condition_is_own(const struct condition_question *question);

/* Tags come in two forms: {"team": "blue"} and [{"Key": "team", "Value": "blue"}], with members in
 * either case. Both add nothing for what is neither. */
void condition_add_tag_keys(struct condition_values *out, yyjson_val *tags);
void condition_add_tag(struct condition_values *out, yyjson_val *tags, struct str key);
