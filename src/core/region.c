#include "core/region.h"

static const struct str default_region = STR_INIT("us-east-1");
static const struct str region_key = STR_INIT("skylite/region");

static bool is_lower_word(struct str part)
{
    for (size_t i = 0; i < part.len; i++) {
        if (part.ptr[i] < 'a' || part.ptr[i] > 'z')
            return false;
    }
    return part.len > 0;
}

/* Two letters, words, a number: AWS's endpoints.json has "^(us|eu|ap|...)\-\w+\-\d+$". */
bool region_is_valid(struct str name)
{
    static const struct str other_partitions[] = {STR_INIT("cn-"), STR_INIT("us-gov-"),
                                                  STR_INIT("us-iso"), STR_INIT("eu-isoe-"),
                                                  STR_INIT("eusc-")};
    struct str rest = name, part;
    uint64_t number;
    for (size_t i = 0; i < sizeof(other_partitions) / sizeof(other_partitions[0]); i++) {
        if (str_starts(name, other_partitions[i]))
            return false;
    }
    if (name.len > 32 || !str_cut(&rest, '-', &part) || part.len != 2 || !is_lower_word(part))
        return false;
    bool has_word = false;
    while (str_cut(&rest, '-', &part)) {
        if (!is_lower_word(part))
            return false;
        has_word = true;
    }
    return has_word && str_to_u64(part, &number) && number > 0;
}

/* A folder with data but without a region was made when there was only one. */
static bool has_data(struct store *store)
{
    struct str key, value;
    struct store_iter *iter = store_iter_new(store, STORE_META, STR_EMPTY, STR_EMPTY, false);
    bool found = store_iter_next(iter, &key, &value);
    store_iter_free(iter);
    return found;
}

static enum err put_region(struct store_txn *txn, struct store_write *write, struct error *error)
{
    (void)error;
    store_txn_put(txn, STORE_META, region_key, *(struct str *)write->arg);
    return OK;
}

enum err region_settle(struct store *store, struct str wanted, const char *data_dir,
                       struct arena *arena, struct str *out, struct error *error)
{
    struct str kept = default_region;
    struct arena scratch = {0}; /* what it borrows of the store ends before the store does */
    bool is_kept;
    enum err rc = store_get(store, STORE_META, region_key, &scratch, &is_kept, &kept, error);
    if (rc == OK && !is_kept) {
        kept = wanted.len && !has_data(store) ? wanted : default_region;
        rc = store_write_wait(store, put_region, &kept, error);
        if (rc == ERR_SERVICE_UNAVAILABLE)
            rc = OK; /* the disk is full: the next start keeps it */
    }
    if (rc == OK && wanted.len && !str_eq(wanted, kept))
        rc = error_set(error, ERR_VALIDATION,
                       "the data in %s is of the region %.*s: start without --region, or with "
                       "another folder (--data)",
                       data_dir, STR_ARG(kept));
    if (rc == OK)
        *out = arena_str(arena, kept);
    arena_release(&scratch);
    return rc;
}
