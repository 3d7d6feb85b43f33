/* Expressions cut into tokens. */
#pragma once

#include "base/str.h"

enum ddb_token_kind {
    DDB_TOKEN_END,
    DDB_TOKEN_WORD,  /* attribute name, keyword or function name */
    DDB_TOKEN_NAME,  /* #name */
    DDB_TOKEN_VALUE, /* :value */
    DDB_TOKEN_INDEX, /* digits */
    DDB_TOKEN_SIGN,  /* ( ) [ ] , . + - = <> < <= > >= */
    DDB_TOKEN_BAD,
};

struct ddb_token {
    enum ddb_token_kind kind;
    struct str text;
    size_t at; /* offset in the expression */
};

/* The token at or after `from`, blanks skipped. */
struct ddb_token ddb_lex(struct str expression, size_t from);
