/* What connections hold of the server's memory.
 *
 * A connection is charged for its own struct, its arena, its body and what is left of its answer.
 * What waits for a client (a request that is not whole, an answer that is not taken) is claimed and
 * refused when there is no room; what a handler makes is counted when the loop has it back. All on
 * the loop's thread; only the size of the arena is read while another thread may fill it. */
#include "io/http_server.h"

enum { QUEUE_EVERY_MS = 20, COPIES_OF_BODY = 3 };

static size_t body_held(const struct connection *connection)
{
    const struct buf *body = &connection->body;
    if (connection->body_file.map)
        return connection->body_file.size;
    return body->cap <= KEPT_BODY ? body->cap : body->len;
}

static size_t taken(const struct connection *connection)
{
    size_t size = sizeof(*connection) + arena_bytes(&connection->exchange.arena) +
                  body_held(connection) + connection->unsent_size;
    if (connection->rest)
        size += connection->input.len;
    return size;
}

static size_t held(const struct connection *connection)
{
    size_t size = taken(connection);
    return size > connection->floor ? size : connection->floor;
}

void connection_settle(struct connection *connection)
{
    struct budget_share *memory = connection->listener->options.memory;
    size_t now = held(connection);
    if (!memory || now == connection->charged)
        return;
    if (now > connection->charged)
        budget_force(memory, now - connection->charged);
    else
        budget_give(memory, connection->charged - now);
    connection->charged = now;
}

bool connection_is_known(struct connection *connection)
{
    const struct http_listener_options *options = &connection->listener->options;
    if (connection->sender == SENDER_NOT_ASKED) {
        bool is_known =
            !options->is_known || (connection->is_head_complete &&
                                   options->is_known(&connection->exchange, options->arg));
        if (!connection->is_head_complete)
            return is_known;
        connection->sender = is_known ? SENDER_KNOWN : SENDER_STRANGER;
    }
    return connection->sender == SENDER_KNOWN;
}

/* Strangers' part first: whether the sender is known need not be asked then. */
bool connection_claim(struct connection *connection)
{
    struct budget_share *memory = connection->listener->options.memory;
    size_t now = held(connection);
    if (!memory || now <= connection->charged)
        return true;
    size_t more = now - connection->charged;
    bool is_large = now > SMALL_BODY;
    bool is_granted =
        budget_claim(memory, more,
                     is_large ? BUDGET_LARGE_OF_STRANGERS : BUDGET_SMALL_OF_STRANGERS) ||
        (connection_is_known(connection) &&
         budget_claim(memory, more, is_large ? BUDGET_LARGE : BUDGET_SMALL));
    if (is_granted)
        connection->charged = now;
    return is_granted;
}

/* More than could ever be granted is granted to one that has all of it to itself. */
static bool reserve(struct connection *connection, size_t size)
{
    struct budget_share *memory = connection->listener->options.memory;
    if (!memory)
        return true;
    size_t floor = connection->floor, most = budget_most(memory, BUDGET_LARGE);
    most -= most / 4;
    size_t wanted = taken(connection) + size;
    wanted = wanted < most ? wanted : most;
    connection->floor = wanted > floor ? wanted : floor;
    if (connection_claim(connection))
        return true;
    connection->floor = floor;
    return false;
}

bool http_reserve(struct http_exchange *exchange, size_t size)
{
    return !exchange->listener || reserve((struct connection *)exchange, size);
}

/* --- Those that wait for memory --- */

static void run_queue(void *arg)
{
    struct http_listener *listener = arg;
    for (struct connection *c; (c = listener->first_queued) != NULL;) {
        if (!reserve(c, c->body_file.size * COPIES_OF_BODY))
            return;
        connection_hand_over(c); /* which takes it from the queue */
    }
    loop_timer_stop(listener->queue_timer);
    listener->queue_timer = NULL;
}

/* Handling a body takes copies of it: the decoded one, the batch that is written. */
void connection_queue(struct connection *connection)
{
    struct http_listener *listener = connection->listener;
    if (!listener->first_queued &&
        reserve(connection, connection->body_file.size * COPIES_OF_BODY)) {
        connection_hand_over(connection);
        return;
    }
    connection_enter(connection, CONNECTION_QUEUED);
    connection->next_queued = NULL;
    if (listener->last_queued)
        listener->last_queued->next_queued = connection;
    else
        listener->first_queued = connection;
    listener->last_queued = connection;
    if (!listener->queue_timer)
        listener->queue_timer =
            loop_timer_start(listener->loop, QUEUE_EVERY_MS, QUEUE_EVERY_MS, run_queue, listener);
}
