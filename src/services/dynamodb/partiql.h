/* PartiQL as DynamoDB speaks it (Developer Guide, "PartiQL for DynamoDB"): one statement of text,
 * with values for its question marks, parsed into the trees that the expressions have. */
#pragma once

#include "services/dynamodb/expression.h"

enum { DDB_MAX_STATEMENT_BYTES = 8192 };

enum ddb_statement_kind {
    DDB_STATEMENT_SELECT,
    DDB_STATEMENT_INSERT,
    DDB_STATEMENT_UPDATE,
    DDB_STATEMENT_DELETE,
    DDB_STATEMENT_EXISTS, /* EXISTS(SELECT ...), in transactions */
};

enum ddb_returning {
    DDB_RETURNING_NOTHING,
    DDB_RETURNING_ALL_OLD,
    DDB_RETURNING_MODIFIED_OLD,
    DDB_RETURNING_ALL_NEW,
    DDB_RETURNING_MODIFIED_NEW,
};

struct ddb_order {
    struct str name;
    bool is_descending;
};

struct ddb_statement {
    enum ddb_statement_kind kind;
    struct str table, index;                 /* index: empty when none is named */
    const struct ddb_projection *projection; /* of SELECT; NULL: all */
    const struct ddb_condition *where;       /* NULL: none */
    struct ddb_update update;                /* of UPDATE */
    struct ddb_value item;                   /* of INSERT */
    struct ddb_order *order;                 /* of SELECT */
    size_t order_count;
    enum ddb_returning returning;
};

/* ERR_VALIDATION in DynamoDB's words. What the statement refers to lives in `arena`, or is the
 * text. */
enum err ddb_statement_parse(struct str text, const struct ddb_value *parameters,
                             size_t parameter_count, struct arena *arena, struct ddb_statement *out,
                             struct error *error);
