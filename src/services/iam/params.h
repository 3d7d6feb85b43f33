/* Checking the members of an input as the API's model asks. */
#pragma once

#include "core/request.h"

enum param_form {
    PARAM_TEXT,         /* any characters */
    PARAM_NAME,         /* [\w+=,.@-]+ */
    PARAM_SESSION_NAME, /* [\w+=,.@-]*, as STS has it */
    PARAM_WORD,         /* [\w]+ */
    PARAM_PATH,         /* "/" or "/.../" */
    PARAM_PATH_PREFIX,  /* "/..." */
    PARAM_DOCUMENT,     /* tab, line breaks, U+0020 to U+00FF */
    PARAM_NUMBER,       /* min and max are of its value */
};

struct param {
    const char *member;
    enum param_form form;
    bool is_required;
    size_t min, max; /* characters, or the value */
};

/* ERR_VALIDATION_ERROR with AWS's message ("1 validation error detected: Value ... at ... failed to
 * satisfy constraint: ...") for the first member that is not as it should be. */
enum err iam_params_check(struct request *request, const struct param *params, size_t count);

#define PARAMS_CHECK(request, ...)                                                                 \
    iam_params_check((request), (const struct param[]){__VA_ARGS__},                               \
                     sizeof((const struct param[]){__VA_ARGS__}) / sizeof(struct param))

/* The members that many operations have. */
#define PARAM_ROLE_NAME                                                                            \
    {                                                                                              \
        "RoleName", PARAM_NAME, true, 1, 64                                                        \
    }
#define PARAM_USER_NAME                                                                            \
    {                                                                                              \
        "UserName", PARAM_NAME, true, 1, 64                                                        \
    }
#define PARAM_OPTIONAL_USER_NAME                                                                   \
    {                                                                                              \
        "UserName", PARAM_NAME, false, 1, 128                                                      \
    }
#define PARAM_POLICY_NAME                                                                          \
    {                                                                                              \
        "PolicyName", PARAM_NAME, true, 1, 128                                                     \
    }
#define PARAM_POLICY_ARN                                                                           \
    {                                                                                              \
        "PolicyArn", PARAM_TEXT, true, 20, 2048                                                    \
    }
#define PARAM_POLICY_DOCUMENT                                                                      \
    {                                                                                              \
        "PolicyDocument", PARAM_DOCUMENT, true, 1, 131072                                          \
    }
#define PARAM_OPTIONAL_PATH                                                                        \
    {                                                                                              \
        "Path", PARAM_PATH, false, 1, 512                                                          \
    }
#define PARAM_LIST_PREFIX                                                                          \
    {                                                                                              \
        "PathPrefix", PARAM_PATH_PREFIX, false, 1, 512                                             \
    }
#define PARAM_MARKER                                                                               \
    {                                                                                              \
        "Marker", PARAM_TEXT, false, 1, 320                                                        \
    }
#define PARAM_MAX_ITEMS                                                                            \
    {                                                                                              \
        "MaxItems", PARAM_NUMBER, false, 1, 1000                                                   \
    }
#define PARAM_BOUNDARY                                                                             \
    {                                                                                              \
        "PermissionsBoundary", PARAM_TEXT, false, 20, 2048                                         \
    }

/* --- Lists in pages --- */

/* Cuts a list, walked in the order of its keys, into the page that Marker and MaxItems ask for. */
struct pager {
    struct request *request;
    struct str after; /* the last key of the page before */
    struct str last;
    size_t left;
    bool is_truncated;
};

/* ERR_VALIDATION_ERROR for a marker that was not given out. Marker and MaxItems are checked. */
enum err iam_pager_init(struct pager *pager, struct request *request);

/* True when the element with that key (which must stay) is on the page. */
bool iam_pager_take(struct pager *pager, struct str key);

/* True when nothing more will be taken. */
bool iam_pager_is_full(const struct pager *pager);

/* Adds IsTruncated and, where there is more, Marker. */
void iam_pager_finish(const struct pager *pager, yyjson_mut_val *output);

/* Adds a time as IAM writes it: "2026-01-31T23:59:59Z". */
void iam_add_time(struct request *request, yyjson_mut_val *object, const char *key,
                  int64_t wall_ms);
