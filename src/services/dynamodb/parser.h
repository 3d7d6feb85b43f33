/* What the parsers of all kinds of expressions share: the token at hand, substitutions, paths,
 * operands and how errors are worded. */
#pragma once

#include "services/dynamodb/expression.h"
#include "services/dynamodb/lexer.h"

struct ddb_parser {
    struct str text;
    const char *kind;
    struct ddb_substitutions *with;
    struct arena *arena;
    struct error *error;
    struct ddb_token token, previous;
    unsigned operators;
    unsigned depth;
    const struct ddb_condition *group; /* the last one in parentheses of its own */
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
enum err ddb_parser_count_operator(struct ddb_parser *parser);
enum err ddb_parser_syntax_error(struct ddb_parser *parser);

enum err ddb_parser_path(struct ddb_parser *parser, struct ddb_path *out);
enum err ddb_parser_value(struct ddb_parser *parser, const struct ddb_value **out);
/* Fails when the two paths name the same value, or one a part of the other's. */
enum err ddb_parser_check_paths(struct ddb_parser *parser, const struct ddb_path *a,
                                const struct ddb_path *b);
struct ddb_operand *ddb_parser_new_operand(struct ddb_parser *parser, enum ddb_operand_kind kind);
