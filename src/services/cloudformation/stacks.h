/* Changing the document of a stack: what the operations that begin something share. */
#pragma once

#include "services/cloudformation/definition.h"

/* One change, in the arena of its request, which has it as its handler_state. */
struct stack_change {
    struct str name, id;
    struct str before_text; /* the document as read; a NULL pointer: there is none */
    yyjson_val *before;     /* parsed; NULL: there is none of that name or id */
    struct str status;
    /* What is done again when the document was another by the time of the write. */
    enum err (*again)(struct request *request);

    /* What is to be written. */
    enum err (*write)(struct request *request, struct store_txn *txn); /* more; may be NULL */
    struct str more;                                                   /* for `write` */
    yyjson_val *imports;   /* of the definition that begins; may be NULL */
    yyjson_mut_val *after; /* the new document; NULL: as it was */
    const char *event;     /* the status of the stack's event; NULL: none */

    /* What follows, on the loop. */
    bool is_started; /* the engine is to go on */
    enum err (*answer)(struct request *request);

    bool is_outdated;
};

/* Reads the stack that a name or id means. `is_new` allows no id for a name. */
enum err cfn_stack_change_new(struct request *request, struct str name_or_id, bool is_new,
                              struct stack_change **out);

/* Writes it, unless the stack has changed since; then it starts from the beginning. */
enum err cfn_stack_change_write(struct request *request);

/* Fills in a document of an operation that begins. */
void cfn_begin_operation(struct request *request, struct stack_change *change, const char *status,
                         const yyjson_val *definition);

void cfn_put_stack_event(struct request *request, struct store_txn *txn,
                         const struct stack_change *change);
void cfn_add_principal(struct request *request, yyjson_mut_doc *doc, yyjson_mut_val *stack);
struct str cfn_new_stack_id(struct request *request, struct str name);

/* Fails for a stack that is not there, or not in a state to be updated. */
enum err cfn_check_updatable(struct request *request, const struct stack_change *change);

/* The name in a name or an id ("arn:aws:cloudformation:...:stack/NAME/UUID"). */
struct str cfn_stack_name(struct str name_or_id);
