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
}
