/* Just enough S3 for deployment packages: buckets and objects, multipart uploads
 * (PROTOCOL_REST_XML, path style) and struct package_capability. */
#pragma once

#include "core/skylite.h"

struct s3;

/* Registers the service "s3", makes the bucket skylite-artifacts when it is missing and fills
 * skylite->packages. Before the loops start. */
enum err s3_new(struct skylite *skylite, struct s3 **out, struct error *error);

/* After the loops ended; NULL does nothing. */
void s3_free(struct s3 *s3);
