/* Stacks in the store, and the engine that works on them.
 *
 * A stack's document is under "cloudformation/stack/NAME", its resources under
 * "cloudformation/resource/NAME/LOGICAL-ID", its events, newest first, under
 * "cloudformation/event/STACK-ID/...", and the documents of deleted stacks under
 * "cloudformation/deleted/STACK-ID". Its change sets are under
 * "cloudformation/changeset/NAME/CHANGE-SET". An export is under "cloudformation/export/EXPORT",
 * and that a stack imports it under "cloudformation/import/...". While an operation is under way,
 * there are its deeds under "cloudformation/journal/NAME/..." and receipts of calls under
 * "cloudformation/receipt/NAME/..."; see engine.h. */
#pragma once

#include "core/condition_keys.h"
#include "core/request.h"
#include "core/skylite.h"
#include "services/cloudformation/cloudformation.h"
#include "services/cloudformation/types.h"

struct run;

struct cloudformation {
    struct skylite *skylite;
    struct service service;
    struct run *runs; /* under way; the first loop's */
};

struct str cfn_stack_key(struct arena *arena, struct str name);
struct str cfn_resource_prefix(struct arena *arena, struct str stack_name);
struct str cfn_event_prefix(struct arena *arena, struct str stack_id);
struct str cfn_deleted_key(struct arena *arena, struct str stack_id);
struct str cfn_journal_prefix(struct arena *arena, struct str stack_name);
struct str cfn_receipt_prefix(struct arena *arena, struct str stack_name);
struct str cfn_export_key(struct arena *arena, struct str name);
/* That a stack imports it; with an empty stack name the prefix of all that do. */
struct str cfn_import_key(struct arena *arena, struct str export, struct str stack_name);
/* With an empty name the prefix of all of the stack. */
struct str cfn_change_set_key(struct arena *arena, struct str stack_name, struct str name);

struct cfn_event {
    struct str stack_id, stack_name;
    struct str logical_id, physical_id, type;
    struct str status, reason; /* an empty reason: none */
    struct str token;          /* ClientRequestToken; a NULL pointer: none */
};

/* An event that happens now: what is to be stored, and under which key. */
struct str cfn_event_new(struct arena *arena, const struct cfn_event *event, struct str *out_key);

/* The stack that "StackName" (a name or an id) means, also a deleted one by its id.
 * ERR_VALIDATION_ERROR "Stack with id x does not exist". */
enum err cfn_stack_of_request(struct request *request, yyjson_val **out);

/* What the change set that "ChangeSetName" means would make of its stack. */
enum err cfn_change_set_definition(struct request *request, yyjson_val **out);

/* Starts what the document's status says is in progress; any thread. The engine reads the documents
 * itself. */
void cfn_engine_start(struct cloudformation *cloudformation, struct str stack_name);
/* Has the update of the stack taken back, whose document says so; any thread. */
void cfn_engine_cancel(struct cloudformation *cloudformation, struct str stack_name);
/* The same for what an earlier run of the server began. */
void cfn_engine_resume(struct cloudformation *cloudformation, struct str stack_name);

/* The condition keys of the actions. */
extern const struct condition_key cfn_condition_keys[];
extern const size_t cfn_condition_key_count;

/* The operations. */
enum err cfn_create_stack(struct request *request);
enum err cfn_update_stack(struct request *request);
enum err cfn_delete_stack(struct request *request);
enum err cfn_cancel_update_stack(struct request *request);
enum err cfn_continue_update_rollback(struct request *request);
enum err cfn_update_termination_protection(struct request *request);
enum err cfn_create_change_set(struct request *request);
enum err cfn_delete_change_set(struct request *request);
enum err cfn_describe_change_set(struct request *request);
enum err cfn_execute_change_set(struct request *request);
enum err cfn_list_change_sets(struct request *request);
enum err cfn_list_exports(struct request *request);
enum err cfn_list_imports(struct request *request);
enum err cfn_get_template_summary(struct request *request);
enum err cfn_describe_stacks(struct request *request);
enum err cfn_describe_stack_events(struct request *request);
enum err cfn_describe_stack_resources(struct request *request);
enum err cfn_describe_stack_resource(struct request *request);
enum err cfn_list_stacks(struct request *request);
enum err cfn_list_stack_resources(struct request *request);
enum err cfn_get_template(struct request *request);
enum err cfn_validate_template(struct request *request);
