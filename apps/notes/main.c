/* The Notes API's functions in one program; which one runs is in the function's Handler setting. */
#include <stdlib.h>

#include "notes.h"

static const struct lambda_handler handlers[] = {
    {.name = "notes.insert", .handle_api = notes_insert},
    {.name = "notes.get", .handle_api = notes_get},
    {.name = "notes.list", .handle_api = notes_list},
    {.name = "notes.update", .handle_api = notes_update},
    {.name = "notes.delete", .handle_api = notes_delete},
};

int main(void)
{
    struct arena arena = {0};
    struct buf table;
    struct notes notes = {0};
    struct error error;
    const char *name = getenv("TABLE_NAME");
    buf_init_arena(&table, &arena, 2048);
    buf_add_json(&table, str_from(name ? name : "Notes"));
    notes.table = buf_str(&table);

    int status = dynamodb_new(NULL, &notes.client, &error)
                     ? lambda_fail_init(&error)
                     : lambda_run(handlers, sizeof(handlers) / sizeof(handlers[0]), &notes);
    dynamodb_free(notes.client);
    arena_release(&arena);
    return status;
}
