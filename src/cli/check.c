/* `skylite check`: reads all data with their checksums and says whether they are whole. */
#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/options.h"
#include "store/store.h"

static void print_tallies(const struct store_tally tallies[STORE_FAMILY_COUNT])
{
    for (int i = 0; i < STORE_FAMILY_COUNT; i++) {
        const struct store_tally *tally = &tallies[i];
        printf("%-8s %10" PRIu64 " keys %15" PRIu64 " bytes%s\n", tally->name, tally->keys,
               tally->bytes, tally->is_damaged ? "  damaged behind these" : "");
    }
}

int cli_check(int argc, char **argv)
{
    struct store_tally tallies[STORE_FAMILY_COUNT] = {0};
    struct cli_options options;
    struct error error;
    struct arena arena = {0};
    bool is_folder_given = argc == 2 && argv[1][0] != '-';
    bool is_running = false;
    if (!cli_options_read(is_folder_given ? 1 : argc, argv, "d", NULL, &options))
        return 2;
    const char *data_dir = is_folder_given ? argv[1] : options.data_dir;
    const char *path = arena_printf(&arena, "%s/store", data_dir).ptr;
    enum err rc = store_check(path, tallies, &is_running, &error);
    if (tallies[0].name)
        print_tallies(tallies);
    if (rc)
        fprintf(stderr, "skylite: %s: %s\n", path, error.message);
    else
        printf("%s is whole%s\n", path, is_running ? ", as of now: a server runs on it" : "");
    arena_release(&arena);
    return rc ? 1 : 0;
}
