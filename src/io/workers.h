/* Threads for work that takes long. Jobs run in the order of their submission. */
#pragma once

#include "base/error.h"

struct workers;

/* Embedded in the submitter's struct; it must stay until `run` is called. */
struct workers_job {
    void (*run)(struct workers_job *job);
    struct workers_job *next; /* the workers' own */
};

/* Starts `count` threads. */
enum err workers_new(unsigned count, struct workers **out, struct error *error);

/* Waits for the jobs that run; those that wait are never run. NULL does nothing. */
void workers_free(struct workers *workers);

/* Any thread. `run` is called on one of the workers' threads. */
void workers_submit(struct workers *workers, struct workers_job *job);
