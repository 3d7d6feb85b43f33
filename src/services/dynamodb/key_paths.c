/* Paths that would lead into key attributes. */
#include "services/dynamodb/key_paths.h"

bool ddb_is_key(const struct ddb_keys *keys, struct str name)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (str_eq(name, keys->parts[i].name))
            return true;
    }
    return false;
}

static enum err check_path(const struct ddb_table *table, const struct ddb_path *path,
                           struct error *error)
{
    if (path->count < 2)
        return OK;
    struct str name = path->steps[0].name;
    const char *what = ddb_is_key(&table->keys, name) ? "Key" : NULL;
    for (size_t i = 0; !what && i < table->index_count; i++)
        what = ddb_is_key(&table->indexes[i].keys, name) ? "IndexKey" : NULL;
    if (!what)
        return OK;
    return error_set(error, ERR_VALIDATION,
                     "Key attributes must be scalars; list random access '[]' and map lookup '.' "
                     "are not allowed: %s: %.*s",
                     what, STR_ARG(name));
}

/* Recursion is bounded by the parser. */
static enum err check_operand(const struct ddb_table *table, const struct ddb_operand *operand,
                              struct error *error)
{
    enum err rc = check_path(table, &operand->path, error);
    if (rc == OK && operand->left)
        rc = check_operand(table, operand->left, error);
    if (rc == OK && operand->right)
        rc = check_operand(table, operand->right, error);
    return rc;
}

enum err ddb_check_update_paths(const struct ddb_table *table, const struct ddb_update *update,
                                struct error *error)
{
    enum err rc = OK;
    for (size_t i = 0; rc == OK && i < update->count; i++) {
        rc = check_path(table, &update->actions[i].path, error);
        if (rc == OK && update->actions[i].operand)
            rc = check_operand(table, update->actions[i].operand, error);
    }
    return rc;
}

enum err ddb_check_condition_paths(const struct ddb_table *table,
                                   const struct ddb_condition *condition, struct error *error)
{
    enum err rc = OK;
    if (condition->left)
        rc = ddb_check_condition_paths(table, condition->left, error);
    if (rc == OK && condition->right)
        rc = ddb_check_condition_paths(table, condition->right, error);
    for (size_t i = 0; rc == OK && i < condition->operand_count; i++)
        rc = check_operand(table, condition->operands[i], error);
    return rc;
}

enum err ddb_check_projection_paths(const struct ddb_table *table,
                                    const struct ddb_projection *projection, struct error *error)
{
    enum err rc = OK;
    for (size_t i = 0; rc == OK && i < projection->count; i++)
        rc = check_path(table, &projection->paths[i], error);
    return rc;
}
