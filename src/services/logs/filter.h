/* Filter patterns: what FilterLogEvents looks for in messages
 * (https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html).
 *
 *   ERROR "disk full" -healthcheck      all of them, none of those with '-'
 *   ?ERROR ?WARN                        any of them
 *   { $.level = "error" && ($.code >= 500 || $.user.id IS NULL) }   of messages in JSON
 *   [ip, user, status = 4*, bytes > 1000]                          of columns in text
 *
 * Pure; a parsed filter is immutable. */
#pragma once

#include "base/arena.h"
#include "base/error.h"

struct filter;

/* Parses into `arena`; `text` must stay. The empty pattern matches all.
 * ERR_LOGS_INVALID_PARAMETER. */
enum err logs_filter_parse(struct arena *arena, struct str text, const struct filter **out,
                           struct error *error);

/* `scratch` is used for reading a message in JSON; the caller resets it. */
bool logs_filter_matches(const struct filter *filter, struct str message, struct arena *scratch);
