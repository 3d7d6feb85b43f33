/* Opening and closing RocksDB, with the options of each family. */
#include "store/internal.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BLOCK_BYTES = 16 * 1024, /* a page of twenty items in one read; a quarter of the index */
    TOLERATE_CORRUPTED_TAIL_RECORDS = 0, /* RocksDB's WALRecoveryMode */
    FATAL = 4,                           /* RocksDB's InfoLogLevel */
    NEVER = 1 << 30,                     /* so many files of level 0 */
};

static const char *const family_names[STORE_FAMILY_COUNT] = {
    [STORE_META] = "meta", [STORE_ITEMS] = "items",     [STORE_BLOBS] = "blobs",
    [STORE_LOGS] = "logs", [STORE_METRICS] = "metrics",
};

static rocksdb_options_t *family_options(const struct database_options *wanted)
{
    rocksdb_options_t *options = rocksdb_options_create();
    rocksdb_block_based_table_options_t *table = rocksdb_block_based_options_create();
    rocksdb_block_based_options_set_block_size(table, BLOCK_BYTES);
    rocksdb_block_based_options_set_block_cache(table, wanted->cache);
    rocksdb_block_based_options_set_filter_policy(table,
                                                  rocksdb_filterpolicy_create_bloom_full(10));
    rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1);
    rocksdb_block_based_options_set_cache_index_and_filter_blocks_with_high_priority(table, 1);
    rocksdb_block_based_options_set_pin_l0_filter_and_index_blocks_in_cache(table, 1);
    /* In parts, so that a read in a store of many gigabytes takes a few kilobytes of index into the
     * cache rather than a table's whole. */
    rocksdb_block_based_options_set_index_type(
        table, rocksdb_block_based_table_index_type_two_level_index_search);
    rocksdb_block_based_options_set_partition_filters(table, 1);
    rocksdb_block_based_options_set_pin_top_level_index_and_filter(table, 1);
    rocksdb_options_set_block_based_table_factory(options, table);
    rocksdb_block_based_options_destroy(table);
    rocksdb_options_set_compression(options, rocksdb_lz4_compression);
    /* No write waits for compactions: on a nearly full disk they wait themselves (compactions.c),
     * and the writer thread would stand still without an end. One thread that synchronizes its log
     * is slower than they are. */
    rocksdb_options_set_level0_slowdown_writes_trigger(options, NEVER);
    rocksdb_options_set_level0_stop_writes_trigger(options, NEVER);
    rocksdb_options_set_soft_pending_compaction_bytes_limit(options, 0);
    rocksdb_options_set_hard_pending_compaction_bytes_limit(options, 0);
    rocksdb_options_set_disable_auto_compactions(options, !wanted->is_compacting);
    return options;
}

/* The filters of items hold partitions too: a range within one reads only files that have it. */
static rocksdb_options_t *item_options(const struct database_options *wanted)
{
    rocksdb_options_t *options = family_options(wanted);
    rocksdb_options_set_prefix_extractor(
        options, rocksdb_slicetransform_create_fixed_prefix(STORE_ITEM_PREFIX));
    return options;
}

/* RocksDB's own log goes to memory and is forgotten: on a full disk the second line that is not
 * written would abort the process. */
#define LOG_DIR "/dev/shm/skylite-XXXXXX"

static void forget_log(const char *log_dir)
{
    DIR *dir = opendir(log_dir);
    struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        closedir(dir);
    rmdir(log_dir);
}

static rocksdb_options_t *database_options(const struct database_options *wanted)
{
    rocksdb_options_t *options = family_options(wanted);
    rocksdb_options_set_create_if_missing(options, !wanted->is_read_only);
    rocksdb_options_set_create_missing_column_families(options, !wanted->is_read_only);
    rocksdb_options_set_db_write_buffer_size(options, wanted->write_buffer_bytes);
    rocksdb_options_set_max_background_jobs(options, 2);
    rocksdb_options_set_max_total_wal_size(options, wanted->write_buffer_bytes * 4);
    /* The default stops at the first damage without a word, and what was acknowledged behind it is
     * gone. */
    rocksdb_options_set_wal_recovery_mode(options, TOLERATE_CORRUPTED_TAIL_RECORDS);
    rocksdb_options_set_info_log_level(options, FATAL);
    return options;
}

enum database_fault database_fault_of(const char *message)
{
    if (strncmp(message, "Corruption", strlen("Corruption")) == 0)
        return DATABASE_DAMAGED;
    if (strstr(message, "No space left on device") || strstr(message, "Disk quota exceeded") ||
        strncmp(message, "Incomplete: Write stall", strlen("Incomplete: Write stall")) == 0)
        return DATABASE_FULL;
    return DATABASE_BROKEN;
}

enum err database_open(const char *path, const struct database_options *wanted,
                       struct database **out, enum database_fault *out_fault, struct error *error)
{
    const char *names[STORE_FAMILY_COUNT + 1] = {"default"};
    const rocksdb_options_t *all_options[STORE_FAMILY_COUNT + 1];
    rocksdb_column_family_handle_t *handles[STORE_FAMILY_COUNT + 1];
    char log_dir[] = LOG_DIR;
    bool has_log_dir = mkdtemp(log_dir) != NULL; /* else it is in the store's folder */
    rocksdb_options_t *options = database_options(wanted);
    if (has_log_dir)
        rocksdb_options_set_db_log_dir(options, log_dir);
    rocksdb_options_t *of_families = family_options(wanted);
    rocksdb_options_t *of_items = item_options(wanted);
    for (int i = 0; i <= STORE_FAMILY_COUNT; i++) {
        if (i > 0)
            names[i] = family_names[i - 1];
        all_options[i] = i == 1 + STORE_ITEMS ? of_items : of_families;
    }

    char *message = NULL;
    rocksdb_t *db =
        wanted->is_read_only
            ? rocksdb_open_for_read_only_column_families(options, path, STORE_FAMILY_COUNT + 1,
                                                         names, all_options, handles, 0, &message)
            : rocksdb_open_column_families(options, path, STORE_FAMILY_COUNT + 1, names,
                                           all_options, handles, &message);
    rocksdb_options_destroy(options);
    rocksdb_options_destroy(of_families);
    rocksdb_options_destroy(of_items);
    if (has_log_dir)
        forget_log(log_dir);
    if (message) {
        *out_fault = database_fault_of(message);
        enum err rc = error_set(error, ERR_INTERNAL, "%s", message);
        free(message);
        return rc;
    }
    struct database *database = calloc(1, sizeof(*database));
    if (!database)
        abort();
    database->db = db;
    database->is_read_only = wanted->is_read_only;
    database->is_compacting = wanted->is_compacting;
    database->default_family = handles[0];
    memcpy(database->families, handles + 1, sizeof(database->families));
    *out = database;
    return OK;
}

void database_close(struct database *database)
{
    if (!database)
        return;
    for (int i = 0; i < STORE_FAMILY_COUNT; i++)
        rocksdb_column_family_handle_destroy(database->families[i]);
    rocksdb_column_family_handle_destroy(database->default_family);
    rocksdb_close(database->db);
    free(database);
}

uint64_t database_sum(const struct database *database, const char *property)
{
    uint64_t total = 0, value;
    for (int i = 0; i < STORE_FAMILY_COUNT; i++) {
        if (rocksdb_property_int_cf(database->db, database->families[i], property, &value) == 0)
            total += value;
    }
    return total;
}

const char *database_family_name(enum store_family family)
{
    return family_names[family];
}
