/* Shared by the files that carry plans out. */
#pragma once

#include "base/map.h"
#include "services/apigateway/internal.h"
#include "services/apigateway/openapi/plan.h"

struct import {
    struct request *request;
    struct store_txn *txn;
    struct openapi_document document;
    struct openapi_plan plan;
    bool is_overwrite, is_strict, is_undocumented;
    struct str api_id;
    struct map resources;   /* path to id, both of the request's arena */
    struct map validators;  /* name to id */
    struct map authorizers; /* the same */
    struct arena scratch;   /* of the operation at hand */
};

/* Runs an operation on the API, inside the import's write. What it answers is there until the next
 * one; `out` may be NULL. */
enum err import_run(struct import *import, const char *operation, yyjson_mut_val *input,
                    yyjson_mut_val **out);

/* An operation's failure as one of the document's ("WHAT 'NAME': ..."), and OK; what is the store's
 * own is passed up and ends the import. */
enum err import_note(struct import *import, enum err rc, const char *what, struct str name);

/* Sets a member to a copy of a text. */
void import_add_text(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *name,
                     struct str text);

/* --- import_api.c --- */

enum err import_create_api(struct import *import, struct str *out_root_id);
enum err import_update_api(struct import *import, const struct view *view, yyjson_val *api);

/* Takes everything off the API; of its resources the root alone stays, with nothing on it. */
enum err import_clear(struct import *import, const struct view *view, struct str root_id);
