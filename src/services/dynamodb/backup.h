/* Backups: a table's items at one moment, copied under an id of their own, with the table's
 * definition. A backup is made in the background; one that a restart interrupts is begun again. */
#pragma once

#include "services/dynamodb/table.h"

struct ddb_backup {
    struct str table, name; /* of the source; the backup's own */
    struct str backup_id;   /* the last part of its ARN */
    uint64_t id;            /* its items' */
    int64_t created_ms;
    int64_t size_bytes;
    bool is_available;
    yyjson_val *document;
    yyjson_val *source; /* the table's definition */
};

/* The backup of an ARN. ERR_DDB_BACKUP_NOT_FOUND. */
enum err ddb_backup_find(struct request *request, struct str arn, struct ddb_backup *out);

/* Goes on with the backups of before a restart. */
enum err ddb_backup_resume(struct dynamodb *dynamodb, struct error *error);

/* Whether a table is being restored from what is under the id: a backup's items, a table's or its
 * journal. */
bool ddb_is_restored_from(struct dynamodb *dynamodb, uint64_t id);

/* Goes on with restoring tables. */
enum err ddb_restore_resume(struct dynamodb *dynamodb, struct error *error);
