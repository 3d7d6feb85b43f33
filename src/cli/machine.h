/* What the machine, and who started the server, let it have. */
#pragma once

#include "base/error.h"

/* Memory that there is for this process: the machine's, or less by a control group. */
size_t machine_memory(void);

/* Raises the soft limit of descriptors to the hard one and returns it. */
size_t machine_raise_descriptors(void);

/* Fails when the address space (ulimit -v) is too small for the server to run on `thread_count`
 * loops with `memory` bytes for requests: the C library, RocksDB and the threads reserve much more
 * than they use, and abort when they cannot. */
enum err machine_check_address_space(size_t memory, unsigned thread_count, struct error *error);
