/* What the files of the PartiQL parser share. */
#pragma once

#include "services/dynamodb/partiql.h"

enum partiql_token_kind {
    PARTIQL_END,
    PARTIQL_WORD,
    PARTIQL_QUOTED, /* "name"; the text is without quotes */
    PARTIQL_STRING, /* 'text'; the same */
    PARTIQL_NUMBER,
    PARTIQL_PARAMETER, /* ? */
    PARTIQL_SIGN,
    PARTIQL_BAD,
};

struct partiql_token {
    enum partiql_token_kind kind;
    struct str text;
    size_t end; /* where the next one may start */
};

/* The token at or after `from`. Doubled quotes inside quotes are made single ones, in `arena`. */
struct partiql_token partiql_lex(struct str statement, size_t from, struct arena *arena);

struct partiql {
    struct str text;
    const struct ddb_value *parameters;
    size_t parameter_count, parameters_used;
    struct arena *arena;
    struct error *error;
    struct partiql_token token;
    unsigned depth, operators;
};

void partiql_advance(struct partiql *parser);
bool partiql_is_sign(const struct partiql *parser, const char *sign);
bool partiql_is_word(const struct partiql *parser, const char *word); /* without case */
/* Takes it when it is there. */
bool partiql_take_sign(struct partiql *parser, const char *sign);
bool partiql_take_word(struct partiql *parser, const char *word);
/* Whether a word is followed by an opening parenthesis. */
bool partiql_is_call(const struct partiql *parser);

enum err partiql_expect_sign(struct partiql *parser, const char *sign);
enum err partiql_expect_word(struct partiql *parser, const char *word);
/* "Statement wasn't well formed, can't be processed: ..." */
enum err partiql_malformed(struct partiql *parser, const char *what);

/* Counts nesting; to be left by `parser->depth--`. */
enum err partiql_enter(struct partiql *parser);

enum err partiql_name(struct partiql *parser, struct str *out);
enum err partiql_path(struct partiql *parser, struct ddb_path *out);
/* A literal or a parameter. */
enum err partiql_value(struct partiql *parser, struct ddb_value *out);
bool partiql_is_value(const struct partiql *parser);

enum err partiql_condition(struct partiql *parser, const struct ddb_condition **out);
struct ddb_operand *partiql_operand(struct partiql *parser, enum ddb_operand_kind kind);
