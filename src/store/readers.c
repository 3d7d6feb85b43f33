/* Which threads read in which database, so that one can be closed while others serve. A thread
 * writes the database that it is in into a slot of its own; who closes looks through all slots. */
#include "store/internal.h"

#include <assert.h>
#include <stdlib.h>

struct reader {
    _Alignas(64) _Atomic(const struct database *) inside;
    atomic_bool is_taken;
    struct reader *next;
};

static _Atomic(struct reader *)
    all_readers; /* never freed: as many as there were threads at once */
static _Thread_local struct reader *own;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;

static void give_back(void *value)
{
    struct reader *reader = value;
    assert(!atomic_load(&reader->inside));
    atomic_store(&reader->is_taken, false);
}

static void make_key(void)
{
    if (pthread_key_create(&key, give_back))
        abort();
}

static struct reader *take_free(void)
{
    for (struct reader *one = atomic_load(&all_readers); one; one = one->next) {
        bool is_taken = false;
        if (atomic_compare_exchange_strong(&one->is_taken, &is_taken, true))
            return one;
    }
    return NULL;
}

static struct reader *take_new(void)
{
    struct reader *reader = aligned_alloc(_Alignof(struct reader), sizeof(*reader));
    if (!reader)
        abort();
    atomic_init(&reader->inside, NULL);
    atomic_init(&reader->is_taken, true);
    reader->next = atomic_load(&all_readers);
    while (!atomic_compare_exchange_weak(&all_readers, &reader->next, reader))
        ;
    return reader;
}

static void register_thread(void)
{
    pthread_once(&once, make_key);
    own = take_free();
    if (!own)
        own = take_new();
    pthread_setspecific(key, own);
}

struct database *readers_enter(struct store *store)
{
    struct database *database = atomic_load(&store->database), *seen;
    if (!own)
        register_thread();
    assert(!atomic_load_explicit(&own->inside, memory_order_relaxed));
    /* Who closes replaces the database first and looks at the slots then: either it sees this
     * slot, or this thread sees the replacement. */
    do {
        seen = database;
        atomic_store(&own->inside, seen);
        database = atomic_load(&store->database);
    } while (database != seen);
    return database;
}

void readers_leave(void)
{
    atomic_store_explicit(&own->inside, NULL, memory_order_release);
}

bool readers_have(const struct database *database)
{
    for (struct reader *one = atomic_load(&all_readers); one; one = one->next) {
        if (atomic_load(&one->inside) == database)
            return true;
    }
    return atomic_load(&database->iterators) > 0;
}
