/* Checks of RocksDB's log files (the write-ahead log and MANIFEST), which are of one format.
 * RocksDB takes a record whose length points behind the end of the file for one that was cut off by
 * a crash, and leaves out what follows it. So one flipped byte could drop writes that were
 * acknowledged. Here a record is cut off only when no other begins behind it. */
#pragma once

#include "base/error.h"

/* Checks the logs of the store in the folder `path`. Fails when one is damaged before its end; the
 * message names the file. */
enum err scan_logs(const char *path, struct error *error);
