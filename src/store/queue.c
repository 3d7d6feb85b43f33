/* Queues of writes. */
#include "store/queue.h"

void store_queue_init(struct store_queue *queue)
{
    queue->first = NULL;
    queue->last = &queue->first;
}

void store_queue_add(struct store_queue *queue, struct store_write *write)
{
    write->next = NULL;
    *queue->last = write;
    queue->last = &write->next;
}

void store_queue_add_first(struct store_queue *queue, struct store_write *write)
{
    write->next = queue->first;
    queue->first = write;
    if (!write->next)
        queue->last = &write->next;
}

struct store_write *store_queue_take(struct store_queue *queue)
{
    struct store_write *write = queue->first;
    if (write)
        queue->first = write->next;
    if (!queue->first)
        queue->last = &queue->first;
    return write;
}

void store_queue_append(struct store_queue *to, struct store_queue *from)
{
    if (!from->first)
        return;
    *to->last = from->first;
    to->last = from->last;
    store_queue_init(from);
}
