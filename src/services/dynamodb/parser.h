/* What the parsers of all kinds of expressions share: the token at hand, substitutions, paths,
 * operands and how errors are worded. */
#pragma once

#include "services/dynamodb/expression.h"
#include "services/dynamodb/lexer.h"

/* What may be wrong with text that the grammar takes, in the order in which it is told. Of each
 * kind the first one counts. */
enum ddb_fault {
    DDB_FAULT_SECTION,
    DDB_FAULT_RESERVED,
    DDB_FAULT_FUNCTION,
    DDB_FAULT_PARENTHESES,
    DDB_FAULT_UNDEFINED,
    DDB_FAULT_COUNT,
    DDB_FAULT_TYPE,
    DDB_FAULT_DISTINCT,
    DDB_FAULT_SIZE,
    DDB_FAULTS
};

struct ddb_parser {
    struct str text;
    const char *kind;
    struct ddb_substitutions *with;
    struct arena *arena;
    struct error *error;
    struct ddb_token token, previous;
    unsigned operators;
    unsigned depth;
    struct str faults[DDB_FAULTS]; /* messages; a NULL pointer: none */
};

/* The operands of a call or of IN, as many as there are. */
struct ddb_operand_list {
    const struct ddb_operand **all;
    size_t count, room;
};

/* Checks the length and reads the first token. */
enum err ddb_parser_start(struct ddb_parser *parser);
void ddb_parser_advance(struct ddb_parser *parser);

bool ddb_parser_is_sign(const struct ddb_parser *parser, const char *sign);
bool ddb_parser_is_word(const struct ddb_parser *parser, const char *word); /* without case */
/* Takes the sign or word when it is there. */
bool ddb_parser_take_sign(struct ddb_parser *parser, const char *sign);
bool ddb_parser_take_word(struct ddb_parser *parser, const char *word);
enum err ddb_parser_expect_sign(struct ddb_parser *parser, const char *sign);
enum err ddb_parser_expect_end(struct ddb_parser *parser);
enum err ddb_parser_syntax_error(struct ddb_parser *parser);

/* Notes a fault (the text behind "Invalid ...Expression: "); parsing goes on, since an error of the
 * grammar further on comes before it. */
void ddb_parser_fault(struct ddb_parser *parser, enum ddb_fault fault, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* At the end of the text: the fault that is told first. */
enum err ddb_parser_finish(struct ddb_parser *parser);
/* Counts nesting, to be left by `parser->depth--`. An error where recursion would go too far: no
 * valid expression does. */
enum err ddb_parser_enter(struct ddb_parser *parser);

bool ddb_parser_is_call(const struct ddb_parser *parser);
void ddb_parser_add_operand(struct ddb_parser *parser, struct ddb_operand_list *list,
                            const struct ddb_operand *operand);
/* Faults of functions: of a name that none has (or the other kind of expression), and of operands.
 */
void ddb_parser_check_name(struct ddb_parser *parser, struct str name, bool is_update);
void ddb_parser_misplaced(struct ddb_parser *parser, struct str name);
void ddb_parser_check_count(struct ddb_parser *parser, struct str name, size_t given,
                            size_t wanted);
void ddb_parser_wrong_type(struct ddb_parser *parser, struct str name,
                           const struct ddb_value *value);

enum err ddb_parser_path(struct ddb_parser *parser, struct ddb_path *out);
enum err ddb_parser_value(struct ddb_parser *parser, const struct ddb_value **out);
/* Fails when the two paths name the same value, or one a part of the other's. */
enum err ddb_parser_check_paths(struct ddb_parser *parser, const struct ddb_path *a,
                                const struct ddb_path *b);
struct ddb_operand *ddb_parser_new_operand(struct ddb_parser *parser, enum ddb_operand_kind kind);
