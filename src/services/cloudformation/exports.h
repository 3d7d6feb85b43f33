/* Exports: outputs that other stacks import. */
#pragma once

#include "services/cloudformation/internal.h"

/* --- In the write that begins an operation --- */

/* Notes that the stack imports these (a list of names). Fails for one that is not exported. */
enum err exports_take_imports(struct request *request, struct store_txn *txn, struct str stack_name,
                              const yyjson_val *imports);

/* Fails when another stack imports what the stack's document `before` has among its Outputs and
 * `after` (a list like those; NULL: none) does not. */
enum err exports_check_removed(struct arena *arena, struct store_txn *txn, struct str stack_name,
                               const yyjson_val *before, const yyjson_val *after,
                               struct error *error);

/* --- In writes of the engine --- */

/* The exports of the stack (as its document was) become those among `outputs`. Fails when one is
 * another stack's, or one that goes is imported. */
enum err exports_replace(struct arena *arena, struct store_txn *txn, const yyjson_val *stack,
                         const yyjson_val *outputs, struct error *error);
