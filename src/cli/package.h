/* Code for functions, packed and uploaded as `aws cloudformation package` does it. */
#pragma once

#include "cli/client.h"

#define CLI_PACKAGE_BUCKET "skylite-artifacts"

/* The bytes of a zip file, or of a folder (or other single file) packed into one, with the same
 * bytes for the same contents. */
enum err cli_package(const char *path, struct arena *arena, struct str *out, struct error *error);

/* Uploads a package unless it is there; `*out_key` is its name in the bucket (its SHA-256). */
enum err cli_upload(struct cli_client *client, struct str package, struct arena *arena,
                    struct str *out_key, struct error *error);
