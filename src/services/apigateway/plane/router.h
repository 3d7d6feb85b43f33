/* Which method of an API a request path means. A path is matched part by part; a literal part wins
 * over a {parameter}, and that over a greedy {parameter+}; a resource that has neither the method
 * nor ANY is passed over for the next best. Matching costs no memory but the answer's.
 *
 * A router is built once, in an arena that it does not own, and may then be read by any thread. */
#pragma once

#include "base/arena.h"

enum http_verb {
    VERB_GET,
    VERB_PUT,
    VERB_POST,
    VERB_DELETE,
    VERB_PATCH,
    VERB_OPTIONS,
    VERB_HEAD,
    VERB_ANY,
    VERB_COUNT
};

/* "GET" to VERB_GET; VERB_COUNT for what API Gateway does not know. */
enum http_verb verb_of(struct str method);
struct str verb_name(enum http_verb verb);

struct router;

/* Deeper resources do not exist (AWS limits an API to 300 resources by default; a path of that many
 * parts would need them all). */
#define ROUTE_MAX_PARAMETERS 32

struct route_parameter {
    struct str name;
    struct str value; /* as in the path, not decoded */
};

struct route {
    void *target;
    struct route_parameter parameters[ROUTE_MAX_PARAMETERS];
    size_t parameter_count;
};

struct router *router_new(struct arena *arena);

/* Adds what answers `verb` on a resource path such as "/notes/{id}" or "/{proxy+}". `target` is not
 * NULL; the path is borrowed. Paths with more than ROUTE_MAX_PARAMETERS variables are never
 * matched. */
void router_add(struct router *router, struct str resource_path, enum http_verb verb, void *target);

/* Finds the target for a request of that method (VERB_ANY and VERB_COUNT match nothing) to a path
 * ("/notes/1", not decoded; one slash at the end does not count). The arena is used only for parts
 * with percent signs. */
bool router_match(const struct router *router, struct str path, enum http_verb verb,
                  struct arena *arena, struct route *out);
