/* The rows of the Streams API, a service of its own on the wire. */
#pragma once

#include "core/operation.h"

const struct operation *ddb_streams_operations(size_t *out_count);
