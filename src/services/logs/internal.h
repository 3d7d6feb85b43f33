/* What the files of this folder share. */
#pragma once

#include <pthread.h>

#include "base/buf.h"
#include "base/map.h"
#include "core/condition_keys.h"
#include "core/request.h"
#include "core/skylite.h"
#include "services/logs/logs.h"

#define DAY_MS (24LL * 60 * 60 * 1000)

/* What AWS counts for an event besides its message. */
enum { EVENT_OVERHEAD = 26 };

/* --- State --- */

/* Events that wait to be written; see append.c. */
struct append_buffer {
    pthread_mutex_t mutex;
    pthread_cond_t drained;
    struct map backlogs; /* by group */
    size_t bytes;        /* of all backlogs */
    size_t dropped;      /* events, since the last line in the server's log about it */
    int64_t dropped_said_us;
    bool is_timer_set;
    struct loop_task start_timer;
};

struct sweep {
    struct store_write write;
    struct loop_task task;
    pthread_mutex_t mutex;
    pthread_cond_t stopped;
    bool is_running;
    bool is_wanted; /* once more, since something was asked for while it ran */
    bool is_stopping;
    bool has_more;
};

struct logs {
    struct skylite *skylite;
    struct service service;
    struct append_buffer append;
    struct sweep sweep;
    /* The writer thread's own. */
    uint64_t next_sequence;
    int64_t over_quota_events; /* deleted since the last line in the server's log about it */
    int64_t over_quota_said_us;
};

extern const struct operation logs_operations[];
extern const size_t logs_operation_count;

/* --- Keys in STORE_LOGS (keys.c) --- */

/* The place of an event in its group: events are ordered by it. Sequence numbers start at 1. */
struct position {
    int64_t time_ms;
    uint64_t sequence;
};

struct str logs_key_next_id(void);
struct str logs_key_group(struct arena *arena, struct str name);
struct str logs_key_stream(struct arena *arena, uint64_t group, struct str name);
struct str logs_key_stream_name(struct arena *arena, uint64_t group, uint64_t stream);
struct str logs_key_event(struct arena *arena, uint64_t group, struct position position);
struct str logs_key_deleted(struct arena *arena, uint64_t group);
struct str logs_key_deleted_stream(struct arena *arena, uint64_t group, uint64_t stream);

/* The prefix of all keys of a kind ('s', 'i' or 'e') in a group. */
struct str logs_key_prefix(struct arena *arena, char kind, uint64_t group);

struct position logs_position_of_key(struct str event_key);
uint64_t logs_group_of_key(struct str key);

/* 56 digits, as AWS's event ids and tokens have. */
struct str logs_position_text(struct arena *arena, struct position position);
bool logs_position_parse(struct str text, struct position *out);

uint64_t logs_read_u64(struct str bytes, size_t at);
void logs_write_u64(char *to, uint64_t value);

/* --- Documents (group.c, stream.c) --- */

/* From the store, or from a write's transaction when `txn` is set. */
struct reader {
    struct store *store;
    struct store_txn *txn;
    struct arena *arena;
};

enum err logs_reader_get(const struct reader *reader, struct str key, yyjson_val **out,
                         struct error *error);
struct store_iter *logs_reader_iter(const struct reader *reader, struct str start, struct str end);

struct group {
    uint64_t id;
    struct str name;
    int64_t created_ms;
    int64_t retention_days; /* 0: for ever */
    int64_t stored_bytes;   /* exactly what is stored, in AWS's accounting */
    int64_t oldest_ms;      /* no event is older; saves walking over what was deleted */
    yyjson_val *tags;       /* an object, or NULL */
};

struct stream {
    uint64_t id;
    struct str name;
    int64_t created_ms;
    int64_t first_ms, last_ms, ingested_ms; /* -1: no event yet */
};

/* ERR_LOGS_RESOURCE_NOT_FOUND. */
enum err logs_group_get(const struct reader *reader, struct str name, struct group *out,
                        struct error *error);
enum err logs_stream_get(const struct reader *reader, const struct group *group, struct str name,
                         struct stream *out, struct error *error);
struct group logs_group_read(struct str name, yyjson_val *document);
struct stream logs_stream_read(struct str name, yyjson_val *document);

void logs_group_put(struct store_txn *txn, struct arena *arena, const struct group *group);
void logs_stream_put(struct store_txn *txn, struct arena *arena, const struct group *group,
                     const struct stream *stream);

/* A number for a new group or stream. None is used twice, so that what a deleted group leaves
 * behind belongs to no other. */
enum err logs_id_take(const struct reader *reader, uint64_t *out, struct error *error);

/* The token that PutLogEvents once asked for and still gives. */
struct str logs_upload_token(struct arena *arena, const struct stream *stream);

/* ERR_LOGS_RESOURCE_ALREADY_EXISTS. */
enum err logs_group_create(const struct reader *reader, struct str name, struct group *out,
                           struct error *error);
enum err logs_stream_create(const struct reader *reader, const struct group *group, struct str name,
                            struct stream *out, struct error *error);

/* --- Condition keys (condition_keys.c) --- */

extern const struct condition_key logs_condition_keys[];
extern const size_t logs_condition_key_count;

/* --- Writing events (ingest.c) --- */

/* One stream in a write that adds events to it. */
struct ingest {
    struct logs *logs;
    struct store_txn *txn;
    struct arena *arena;
    struct group group;
    struct stream stream;
    int64_t now_ms;
    int64_t added_bytes, added_events, oldest_ms;
};

/* With `create`, a missing group or stream is made. */
enum err logs_ingest_open(struct ingest *ingest, struct logs *logs, struct store_txn *txn,
                          struct arena *arena, struct str group, struct str stream, bool create,
                          struct error *error);
void logs_ingest_add(struct ingest *ingest, int64_t time_ms, struct str message);
void logs_ingest_close(struct ingest *ingest);

struct event {
    struct position position;
    uint64_t stream;
    int64_t ingested_ms;
    struct str message;
};

struct event logs_event_read(struct str key, struct str value);

/* --- Buffered appending (append.c) --- */

void logs_append_init(struct logs *logs);
void logs_append_release(struct logs *logs);
void logs_append(void *self, struct str group, struct str stream, const struct log_event *events,
                 size_t count);

bool logs_is_behind(void *self, struct str group);

/* Writes what waits and returns when it is in the store. Not on a loop. */
void logs_append_flush(struct logs *logs);

/* --- Deleting what expired (trim.c, sweep.c) --- */

/* Deletes the oldest events of a group while they are expired or the group is over its quota, at
 * most `*left`, which it counts down. The caller stores the group. False when there is more. */
bool logs_trim(struct logs *logs, struct store_txn *txn, struct arena *arena, struct group *group,
               size_t *left);

/* Notes that the events of a stream are to be deleted, from that place on. */
void logs_deleted_stream_put(struct store_txn *txn, struct arena *arena, const struct group *group,
                             uint64_t stream, struct position from);

void logs_sweep_init(struct logs *logs);
void logs_sweep_release(struct logs *logs);

/* Starts a sweep, or has the one that runs go round once more. Any thread. */
void logs_sweep_start(struct logs *logs);

/* --- Input (input.c) --- */

/* ERR_LOGS_INVALID_PARAMETER with AWS's message. */
enum err logs_input_name(struct request *request, const char *member, bool is_required,
                         struct str *out);

/* Where ARNs of groups come in. */
extern const struct arn_rules logs_arn_rules;

/* logGroupName or logGroupIdentifier, which may be an ARN. */
enum err logs_input_group(struct request *request, struct str *out);
enum err logs_input_limit(struct request *request, int64_t max, int64_t *out);

/* A time in milliseconds; `fallback` when it is missing. */
enum err logs_input_time(struct request *request, const char *member, int64_t fallback,
                         int64_t *out);

struct str logs_group_arn(struct request *request, struct str name);
enum err logs_resource_group(struct request *request, struct str *out_arn);
enum err logs_resource_stream(struct request *request, struct str *out_arn);
enum err logs_resource_all_groups(struct request *request, struct str *out_arn);

static inline struct reader reader_of(struct request *request, struct store_txn *txn)
{
    return (struct reader){request->skylite->store, txn, request->arena};
}

/* --- Operations --- */

enum err logs_create_log_group(struct request *request);
enum err logs_describe_log_groups(struct request *request);
enum err logs_list_log_groups(struct request *request);
enum err logs_delete_log_group(struct request *request);
enum err logs_put_resource_policy(struct request *request);
enum err logs_describe_resource_policies(struct request *request);
enum err logs_delete_resource_policy(struct request *request);
enum err logs_put_retention_policy(struct request *request);
enum err logs_delete_retention_policy(struct request *request);
enum err logs_tag_resource(struct request *request);
enum err logs_untag_resource(struct request *request);
enum err logs_list_tags_for_resource(struct request *request);
enum err logs_create_log_stream(struct request *request);
enum err logs_delete_log_stream(struct request *request);
enum err logs_describe_log_streams(struct request *request);
enum err logs_put_log_events(struct request *request);
enum err logs_get_log_events(struct request *request);
enum err logs_filter_log_events(struct request *request);
