/* DescribeTable and ListTables. */
#include <stdlib.h>

#include "services/dynamodb/operations.h"

enum { MAX_LISTED = 100 };

enum err ddb_describe_table(struct request *request)
{
    const struct ddb_table *table;
    enum err rc = ddb_table_for_control(request, &table);
    if (rc == OK)
        ddb_table_describe(request, table, "ACTIVE",
                           json_add_obj(request->doc, request_output(request), "Table"));
    return rc;
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static size_t sorted_names(struct request *request, struct str **out)
{
    struct dynamodb *dynamodb = request_self(request, struct dynamodb);
    size_t cursor = 0, count = 0;
    struct str name;
    void *table;
    pthread_rwlock_rdlock(&dynamodb->lock);
    struct str *names = arena_array(request->arena, struct str, dynamodb->tables.count);
    while (map_next(&dynamodb->tables, &cursor, &name, &table))
        names[count++] = arena_str(request->arena, name);
    pthread_rwlock_unlock(&dynamodb->lock);
    qsort(names, count, sizeof(*names), by_name);
    *out = names;
    return count;
}

enum err ddb_list_tables(struct request *request)
{
    struct str start = request_str(request, "ExclusiveStartTableName");
    int64_t limit = ddb_get_integer(request->input, "Limit", MAX_LISTED);
    struct str *names, last = STR_EMPTY;
    size_t count = sorted_names(request, &names);
    yyjson_mut_val *list = json_add_arr(request->doc, request_output(request), "TableNames");
    for (size_t i = 0; i < count; i++) {
        if (start.ptr && str_cmp(names[i], start) <= 0)
            continue;
        if ((int64_t)yyjson_mut_arr_size(list) == limit) {
            json_add_str(request->doc, request->output, "LastEvaluatedTableName", last);
            break;
        }
        yyjson_mut_arr_add_strn(request->doc, list, names[i].ptr, names[i].len);
        last = names[i];
    }
    return OK;
}
