#include "core/principal.h"

void principal_copy_parts(struct arena *arena, struct principal *principal)
{
    principal->account = arena_str(arena, principal->account);
    principal->arn = arena_str(arena, principal->arn);
    principal->name = arena_str(arena, principal->name);
    principal->session_name = arena_str(arena, principal->session_name);
    principal->user_id = arena_str(arena, principal->user_id);
    principal->access_key_id = arena_str(arena, principal->access_key_id);
    principal->session_policy = arena_str(arena, principal->session_policy);
    principal->session_tags = arena_str(arena, principal->session_tags);
    principal->source_identity = arena_str(arena, principal->source_identity);
    principal->function_arn = arena_str(arena, principal->function_arn);
    principal->called_via = arena_str(arena, principal->called_via);
}
