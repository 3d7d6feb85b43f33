/* Deployment packages: zip archives that become code folders. */
#pragma once

#include "base/error.h"

#define PACKAGE_MAX_ZIPPED   (50u * 1024 * 1024)
#define PACKAGE_MAX_UNZIPPED 262144000u

/* Unpacks the archive into the folder `dir`, which is made and must not exist. Refuses, with AWS's
 * words, what is no archive, is too large, or has entries that could lead out of the folder
 * (absolute names, "..", links to such) or are encrypted. Everything becomes readable for all; who
 * may execute a file is kept as one bit. What was written is durable. Blocks: for pool threads. On
 * failure nothing is left. */
enum err package_unpack(struct str zip, const char *dir, struct error *error);

/* Whether an entry's name is a path that stays below the folder it is unpacked in. A trailing slash
 * is allowed: it marks folders. */
bool package_is_safe_name(struct str name);

/* Removes a folder with all that is in it. Blocks. */
void package_remove(const char *dir);
