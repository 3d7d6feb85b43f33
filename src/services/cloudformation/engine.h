/* What the engine's files share: one operation on one stack, and what is stored of it.
 *
 * An operation is a chain of steps, each of which makes, changes or deletes one resource by calls
 * of other services. A step is stored twice: its intent before its first call (in the write that
 * ends the step before it), and its end. Each call leaves a receipt in its own transaction. So a
 * server that starts again knows of every step whether it was begun and which of its calls were
 * carried out, and goes on from there.
 *
 * Everything here runs on the first loop, except what the writer thread does in journal.c. */
#pragma once

#include "services/cloudformation/internal.h"
#include "services/cloudformation/types.h"

/* A resource as it is stored, under "cloudformation/resource/NAME/LOGICAL-ID". */
struct record {
    struct str logical_id, type, status;
    struct str physical_id; /* empty while nothing was made */
    struct str token;       /* makes its generated names */
    struct str deletion_policy, replace_policy;
    yyjson_val *properties, *attributes;
    int64_t index; /* order of creation */
    struct record *next;
};

enum deed_kind { DEED_CREATE, DEED_UPDATE, DEED_REPLACE };

enum deed_state {
    DEED_INTENDED,
    DEED_DONE,
    DEED_FAILED,
    DEED_DISCARD, /* what is `after` is to be deleted */
};

/* What an operation does to a resource, so that it can be gone on with, and undone; under
 * "cloudformation/journal/NAME/SEQUENCE". Kept until the operation ends. */
struct deed {
    uint32_t sequence;
    enum deed_kind kind;
    enum deed_state state;
    bool is_touched;       /* of an update that failed: calls were carried out */
    struct record *before; /* NULL: it was not there */
    struct record *after;
    struct deed *older;
};

enum phase {
    PHASE_MAKE,     /* creating and updating, in the template's order */
    PHASE_CLEAN_UP, /* deleting what is not wanted any more, or was made in vain */
    PHASE_UNDO,     /* of an update that failed: newest first */
    PHASE_DELETE,   /* the whole stack */
};

enum action { ACTION_CREATE, ACTION_UPDATE, ACTION_DELETE };

/* A thing to delete: a resource of the stack, or one that a deed left. */
struct doom {
    struct record *record;
    struct deed *deed; /* NULL: the stack's own */
    bool is_retained;
    unsigned attempts; /* that failed */
};

/* A put, or a deletion when the value's pointer is NULL. */
struct change {
    struct str key, value;
    struct change *next;
};

struct receipt {
    struct str key;
    struct receipt *next;
};

struct run {
    struct arena arena; /* holds all of it, the run itself too */
    struct cloudformation *cloudformation;
    struct loop *loop;
    struct loop_task task;
    struct error error;

    struct str stack_name, stack_id;
    yyjson_val *document; /* the stack's, as it is or is about to be stored */
    struct principal principal;
    struct cfn_template template;
    struct record *records; /* the stack's resources */
    struct deed *deeds;     /* newest first */
    uint32_t next_sequence;
    int64_t next_index;

    bool is_update, is_resumed, is_ended;
    bool is_cancelled;    /* by CancelUpdateStack */
    struct run *next_run; /* of those under way */
    enum phase phase;
    size_t next; /* resource of the template */
    struct deed *next_undo;
    struct doom *doomed; /* newest first; NULL: not chosen yet */
    size_t doomed_count, doomed_next;
    yyjson_val *outputs; /* when all is made */
    bool is_exporting, has_exported;
    bool has_failed;       /* to make what it should: it is being taken back */
    struct str not_undone; /* logical ids of what could not be taken back or deleted */

    /* What the next write stores. */
    struct change *changes, **changes_end;
    struct store_write write;
    unsigned failed_writes;

    /* The step under way; ready means that it starts when its intent is stored. */
    bool is_step_ready;
    enum action action;
    struct cfn_step step;
    const struct cfn_type *type;
    struct record *record;       /* that is made, changed or deleted */
    struct deed *deed;           /* NULL: the deletion of one of the stack's own */
    struct str receipts;         /* prefix of the keys */
    const struct cfn_call *call; /* under way */
    unsigned call_index;
    struct receipt *made; /* of calls of this step */
};

/* --- journal.c --- */

/* Adds to the next write. */
void run_put(struct run *run, struct str key, const yyjson_mut_val *value);
void run_erase(struct run *run, struct str key);
void run_put_record(struct run *run, const struct record *record);
void run_erase_record(struct run *run, const struct record *record);
void run_put_deed(struct run *run, const struct deed *deed);
void run_erase_deed(struct run *run, const struct deed *deed);
/* Erases all deeds but those to discard. */
void run_erase_deeds(struct run *run);
/* An event of a resource, or of the stack when `record` is NULL. `reason` may be empty. */
void run_put_event(struct run *run, const struct record *record, const char *status,
                   struct str reason);
/* Changes the status in the document and puts that and the event. The statuses of a rollback keep
 * the document's reason when they are given none. */
void run_set_status(struct run *run, const char *status, struct str reason);
/* Takes the place of the document, which is stored with the next status. */
void run_set_document(struct run *run, const yyjson_mut_val *document);

/* Writes what was added, then starts the step that is ready or frees the run that has ended. What
 * cannot be stored fails the operation, and is tried again until it can. */
void run_store(struct run *run);

enum err run_load_records(struct run *run);
enum err run_load_deeds(struct run *run);

/* --- records, in journal.c too --- */

struct record *record_find(const struct run *run, struct str logical_id);
/* Takes the place of the one with the same logical id. */
void record_set(struct run *run, struct record *record);
void record_remove(struct run *run, struct str logical_id);
struct record *record_copy(struct run *run, const struct record *record);
struct deed *deed_find(const struct run *run, struct str logical_id);

/* --- step.c --- */

/* Makes a step ready. `properties_before` is of an update; `deed` may be NULL. */
void step_prepare(struct run *run, enum action action, struct record *record,
                  const struct record *before, struct deed *deed);
/* Makes its first call, or the first that has no receipt. */
void step_start(struct run *run);
/* Physical id and attributes, as the calls of the step left them, into its record. */
void step_take_results(struct run *run);
/* Has the receipts of the step that ended deleted. */
void step_erase_receipts(struct run *run);

/* --- make.c --- */

/* Makes the next step ready. False when all is made, or when it failed: then the phase is another,
 * or the operation has ended. */
bool make_next(struct run *run);
/* What is to be stored of a step of this phase that ended. */
void make_succeeded(struct run *run);
void make_failed(struct run *run, struct str reason);

/* --- undo.c: taking back and deleting, the same way --- */

bool undo_next(struct run *run);
void undo_succeeded(struct run *run);
void undo_failed(struct run *run, struct str reason);

/* What a deed left beside the resource: the replaced one, or the replacement made in vain. NULL:
 * nothing. */
struct record *deed_leftover(const struct deed *deed);

/* The next of `doomed`. */
bool drop_next(struct run *run);
void drop_succeeded(struct run *run);
void drop_failed(struct run *run, struct str reason);

/* --- engine.c --- */

/* Chooses what is next and has it stored. */
void run_advance(struct run *run);
/* After a failure of making: the phase that takes it back. */
void run_turn_back(struct run *run, struct str reason);
/* Adds a logical id to `not_undone`. */
void run_note_failure(struct run *run, struct str logical_id);
/* After the exports were stored, or refused. */
void run_exported(struct run *run, enum err rc);
void run_step_succeeded(struct run *run);
void run_step_failed(struct run *run, struct str reason);
void run_free(struct run *run);
/* Tells the template what Ref and Fn::GetAtt give. */
void run_tell_template(struct run *run, const struct record *record);
