/* Queues of writes, in the order in which they were submitted. */
#pragma once

#include "store/store.h"

struct store_queue {
    struct store_write *first, **last;
};

/* Writes that someone waits for, and background writes. */
enum { STORE_FOREGROUND, STORE_BEHIND, STORE_QUEUE_COUNT };

void store_queue_init(struct store_queue *queue);
void store_queue_add(struct store_queue *queue, struct store_write *write);
void store_queue_add_first(struct store_queue *queue, struct store_write *write);

/* The first one, or NULL. */
struct store_write *store_queue_take(struct store_queue *queue);

/* Moves all of `from` to the end of `to`. */
void store_queue_append(struct store_queue *to, struct store_queue *from);
