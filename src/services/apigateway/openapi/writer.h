/* The OpenAPI document of a deployed stage. No I/O. */
#pragma once

#include "wire/json.h"

enum openapi_extensions {
    OPENAPI_INTEGRATIONS = 1, /* and all else that is neither of the two below */
    OPENAPI_AUTHORIZERS = 2,
    OPENAPI_DOCUMENTATION = 4,
};

struct openapi_source {
    yyjson_val *api, *stage;
    yyjson_val *snapshot;      /* what the stage's deployment took; see deployments.c */
    yyjson_val *documentation; /* {"documentationParts": [...]} of the stage's version, or NULL */
    struct str host;           /* "ID.execute-api.localhost:4566" */
    struct str version;        /* of an API that has none */
    unsigned extensions;       /* enum openapi_extensions, or-ed */
    bool is_swagger;
};

/* Builds it in the arena; its texts are borrowed from the source. */
yyjson_mut_val *openapi_document_of(struct arena *arena, const struct openapi_source *source);
