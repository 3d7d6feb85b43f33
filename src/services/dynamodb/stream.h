/* Streams: what changed in a table, for a day. A record is written in the transaction of its item,
 * under the stream's id and the record's sequence number; the numbers grow with the clock, so that
 * they also tell when. A stream has one shard, open as long as the stream is enabled; a stream that
 * was closed, also by its table's deletion, can be read until its records are trimmed. */
#pragma once

#include "services/dynamodb/change.h"
#include "services/dynamodb/definition.h"

enum { DDB_STREAM_MS = 24 * 60 * 60 * 1000 };

/* What is known of a stream, in an arena. */
struct ddb_stream {
    uint64_t id;
    struct str table, label;
    int64_t created_ms;
    uint64_t last; /* the closed stream's last sequence number; 0: open */
    int64_t closed_ms;
    yyjson_val *document;
};

/* --- On the writer thread --- */

/* Gives the drafted table a new stream. */
enum err ddb_stream_open(struct ddb_draft *draft, struct str table, struct store_txn *txn,
                         const yyjson_val *specification, struct error *error);

/* Closes the table's stream; `draft` (NULL when the table goes) loses it. */
enum err ddb_stream_close(struct dynamodb *dynamodb, struct ddb_draft *draft, struct store_txn *txn,
                          const struct ddb_table *table, struct error *error);

/* Writes the record of a change, unless nothing changed. */
void ddb_stream_record(struct dynamodb *dynamodb, struct store_txn *txn,
                       const struct ddb_change *change, struct arena *arena);

/* --- Anywhere --- */

/* The stream of a table name and label; false when there is none. */
enum err ddb_stream_find(struct dynamodb *dynamodb, struct str table, struct str label,
                         struct arena *arena, bool *out_found, struct ddb_stream *out,
                         struct error *error);

/* Reads a stored stream, as an iterator over them gives it. */
bool ddb_stream_parse(struct str document, struct arena *arena, struct ddb_stream *out);

/* The start of the store keys of all streams, or of those of one table. */
struct str ddb_stream_prefix(struct arena *arena, struct str table);

/* The store key of a record. */
struct str ddb_stream_record_key(struct arena *arena, const struct ddb_stream *stream,
                                 uint64_t sequence);
uint64_t ddb_stream_record_sequence(struct str key);

/* Sequence numbers on the wire: 21 digits, so that they sort as text. */
struct str ddb_sequence_text(struct arena *arena, uint64_t sequence);
bool ddb_sequence_parse(struct str text, uint64_t *out);

/* A new number, larger than all before it. On the writer thread. */
uint64_t ddb_sequence_next(struct dynamodb *dynamodb);

/* The first sequence number of a moment. */
uint64_t ddb_sequence_at(int64_t time_ms);

/* At the start: numbers go on behind those that are stored. */
enum err ddb_stream_resume(struct dynamodb *dynamodb, struct error *error);

/* Deletes what is older than a day, in the background; nothing while that is under way. */
void ddb_stream_trim(struct dynamodb *dynamodb);
