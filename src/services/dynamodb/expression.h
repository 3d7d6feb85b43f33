/* Expressions of every kind: condition, filter, key condition, projection and update (Developer
 * Guide, "Using expressions in DynamoDB"). Text is parsed once into a tree in the request's arena,
 * with attribute names and values already put in; evaluating it never fails on syntax. */
#pragma once

#include "services/dynamodb/value.h"

enum {
    DDB_MAX_EXPRESSION_BYTES = 4096,
    DDB_MAX_OPERATORS = 300,
    DDB_MAX_PATH = 32,
};

/* One step of a document path: a map's member, or a list's element. */
struct ddb_step {
    struct str name; /* a NULL pointer for an element */
    size_t index;
};

struct ddb_path {
    struct ddb_step *steps;
    size_t count;
};

enum ddb_operand_kind {
    DDB_OPERAND_PATH,
    DDB_OPERAND_VALUE,
    DDB_OPERAND_SIZE,          /* size(path), or of `value` */
    DDB_OPERAND_IF_NOT_EXISTS, /* if_not_exists(path, operand) */
    DDB_OPERAND_LIST_APPEND,   /* list_append(operand, operand) */
    DDB_OPERAND_PLUS,
    DDB_OPERAND_MINUS,
};

struct ddb_operand {
    enum ddb_operand_kind kind;
    struct ddb_path path;
    const struct ddb_value *value;
    const struct ddb_operand *left, *right;
};

enum ddb_condition_kind {
    DDB_AND,
    DDB_OR,
    DDB_NOT,
    DDB_EQUAL,
    DDB_NOT_EQUAL,
    DDB_LESS,
    DDB_LESS_EQUAL,
    DDB_GREATER,
    DDB_GREATER_EQUAL,
    DDB_BETWEEN,
    DDB_IN,
    DDB_ATTRIBUTE_EXISTS,
    DDB_ATTRIBUTE_NOT_EXISTS,
    DDB_ATTRIBUTE_TYPE,
    DDB_BEGINS_WITH,
    DDB_CONTAINS,
};

struct ddb_condition {
    enum ddb_condition_kind kind;
    const struct ddb_condition *left, *right; /* AND, OR; NOT has only left */
    const struct ddb_operand **operands;      /* the rest */
    size_t operand_count;
};

enum ddb_action_kind { DDB_ACTION_SET, DDB_ACTION_REMOVE, DDB_ACTION_ADD, DDB_ACTION_DELETE };

struct ddb_action {
    enum ddb_action_kind kind;
    struct ddb_path path;
    const struct ddb_operand *operand; /* NULL for REMOVE */
};

struct ddb_update {
    struct ddb_action *actions;
    size_t count;
    bool is_older; /* made of AttributeUpdates: ADD takes lists, and messages differ */
};

struct ddb_projection {
    struct ddb_path *paths;
    size_t count;
    bool is_flat; /* of PartiQL: a path that ends in a name gives an attribute of that name */
};

/* ExpressionAttributeNames and -Values of a request, with marks of what was used. */
struct ddb_substitutions;

/* Either may be NULL. Checks their syntax ("ExpressionAttributeNames contains invalid key: ...").
 */
enum err ddb_substitutions_read(yyjson_val *names, yyjson_val *values, struct arena *arena,
                                struct ddb_substitutions **out, struct error *error);

/* After all expressions of a request are parsed: what was given must have been used. */
enum err ddb_substitutions_check_used(const struct ddb_substitutions *substitutions,
                                      struct error *error);

/* The parsers. `kind` names the parameter in messages: "ConditionExpression", "FilterExpression",
 * "KeyConditionExpression". Errors are ERR_VALIDATION in DynamoDB's words. */
enum err ddb_condition_parse(struct str text, const char *kind, struct ddb_substitutions *with,
                             struct arena *arena, const struct ddb_condition **out,
                             struct error *error);
enum err ddb_update_parse(struct str text, struct ddb_substitutions *with, struct arena *arena,
                          struct ddb_update *out, struct error *error);
enum err ddb_projection_parse(struct str text, struct ddb_substitutions *with, struct arena *arena,
                              struct ddb_projection *out, struct error *error);

/* What a path leads to, or NULL. */
const struct ddb_value *ddb_path_find(const struct ddb_path *path, const struct ddb_value *item);

/* "[a, b, [0]]", as DynamoDB writes paths in messages. */
struct str ddb_path_text(const struct ddb_path *path, struct arena *arena);

/* Whether the condition holds for the item (an item without entries for a missing one). */
bool ddb_condition_holds(const struct ddb_condition *condition, const struct ddb_value *item);

/* The item after the update; `item` is not changed, but shared. ERR_VALIDATION when an action does
 * not fit it. */
enum err ddb_update_apply(const struct ddb_update *update, const struct ddb_value *item,
                          struct arena *arena, struct ddb_value *out, struct error *error);

/* The parts of the item that the paths lead to. */
void ddb_projection_apply(const struct ddb_projection *projection, const struct ddb_value *item,
                          struct arena *arena, struct ddb_value *out);

/* Whether the word may not stand as a bare attribute name (Developer Guide, "Reserved words"). */
bool ddb_is_reserved(struct str word);
