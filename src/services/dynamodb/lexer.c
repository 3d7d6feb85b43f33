/* Expressions cut into tokens. */
#include "services/dynamodb/lexer.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_word(char c)
{
    return is_letter(c) || is_digit(c) || c == '_';
}

static size_t run(struct str text, size_t from, bool (*is_member)(char c))
{
    size_t end = from;
    while (end < text.len && is_member(text.ptr[end]))
        end++;
    return end - from;
}

static size_t sign_length(struct str rest)
{
    if (str_starts(rest, STR("<>")) || str_starts(rest, STR("<=")) || str_starts(rest, STR(">=")))
        return 2;
    return strchr("()[],.+-=<>", rest.ptr[0]) ? 1 : 0;
}

static struct ddb_token token(enum ddb_token_kind kind, struct str text, size_t at, size_t len)
{
    return (struct ddb_token){kind, str_slice(text, at, len), at};
}

struct ddb_token ddb_lex(struct str expression, size_t from)
{
    size_t at = from + run(expression, from, is_blank);
    if (at >= expression.len)
        return token(DDB_TOKEN_END, expression, expression.len, 0);

    char first = expression.ptr[at];
    if (first == '#' || first == ':') {
        size_t len = run(expression, at + 1, is_word);
        enum ddb_token_kind kind = first == '#' ? DDB_TOKEN_NAME : DDB_TOKEN_VALUE;
        return token(len ? kind : DDB_TOKEN_BAD, expression, at, len + 1);
    }
    if (is_digit(first)) {
        size_t len = run(expression, at, is_word);
        bool is_index = run(expression, at, is_digit) == len;
        return token(is_index ? DDB_TOKEN_INDEX : DDB_TOKEN_BAD, expression, at, len);
    }
    if (is_letter(first))
        return token(DDB_TOKEN_WORD, expression, at, run(expression, at, is_word));
    size_t len = first ? sign_length(str_slice(expression, at, 2)) : 0;
    return token(len ? DDB_TOKEN_SIGN : DDB_TOKEN_BAD, expression, at, len ? len : 1);
}
