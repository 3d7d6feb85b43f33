/* Where everything is stored. */
#include "services/cloudformation/internal.h"

struct str cfn_stack_key(struct arena *arena, struct str name)
{
    return arena_printf(arena, "cloudformation/stack/%.*s", STR_ARG(name));
}

struct str cfn_resource_prefix(struct arena *arena, struct str stack_name)
{
    return arena_printf(arena, "cloudformation/resource/%.*s/", STR_ARG(stack_name));
}

struct str cfn_event_prefix(struct arena *arena, struct str stack_id)
{
    return arena_printf(arena, "cloudformation/event/%.*s/", STR_ARG(stack_id));
}

struct str cfn_deleted_key(struct arena *arena, struct str stack_id)
{
    return arena_printf(arena, "cloudformation/deleted/%.*s", STR_ARG(stack_id));
}

struct str cfn_journal_prefix(struct arena *arena, struct str stack_name)
{
    return arena_printf(arena, "cloudformation/journal/%.*s/", STR_ARG(stack_name));
}

struct str cfn_receipt_prefix(struct arena *arena, struct str stack_name)
{
    return arena_printf(arena, "cloudformation/receipt/%.*s/", STR_ARG(stack_name));
}

struct str cfn_export_key(struct arena *arena, struct str name)
{
    return arena_printf(arena, "cloudformation/export/%.*s", STR_ARG(name));
}

struct str cfn_import_key(struct arena *arena, struct str export, struct str stack_name)
{
    return arena_printf(arena, "cloudformation/import/%.*s\n%.*s", STR_ARG(export),
                        STR_ARG(stack_name));
}

struct str cfn_change_set_key(struct arena *arena, struct str stack_name, struct str name)
{
    return arena_printf(arena, "cloudformation/changeset/%.*s/%.*s", STR_ARG(stack_name),
                        STR_ARG(name));
}
