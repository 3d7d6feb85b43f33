/* A function's configuration as CreateFunction and UpdateFunctionConfiguration set it. */
#pragma once

#include "services/lambda/internal.h"

/* Checks all settings that are in the request's input; with `is_create` also that those are there
 * that must be. Fills request->error. Looks the role up and asks whether the caller may pass it. */
enum err settings_check(struct request *request, bool is_create);

enum { SETTINGS_MAX_TAGS = 50 };

/* Checks the input's Tags, if there are any. */
enum err settings_check_tags(struct request *request);

/* Checks the architecture, which comes with the code. */
enum err settings_check_architecture(struct request *request);

/* Puts what is in the input into the configuration. */
void settings_apply(struct request *request, yyjson_mut_val *configuration);

/* Fills a new function's configuration with what it has unless set. */
void settings_defaults(struct request *request, struct str name, yyjson_mut_val *configuration);

/* Adds to a configuration that is answered alone what lists do not have. */
void settings_show(struct request *request, yyjson_mut_val *configuration);

/* The configuration as lists have it; with `is_qualified` the ARN of $LATEST says so. */
yyjson_mut_val *settings_listed(struct request *request, yyjson_val *configuration,
                                bool is_qualified);

/* Sets a member, in the place of the one that is there. */
void settings_put(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key,
                  yyjson_mut_val *value);
void settings_put_text(yyjson_mut_doc *doc, yyjson_mut_val *object, const char *key,
                       struct str value);
