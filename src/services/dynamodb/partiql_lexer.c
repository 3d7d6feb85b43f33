/* PartiQL statements cut into tokens, and the small steps of parsing. */
#include "services/dynamodb/partiql_parser.h"

enum { MAX_DEPTH = 64 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '$';
}

static struct partiql_token make(enum partiql_token_kind kind, struct str text, size_t from,
                                 size_t to)
{
    return (struct partiql_token){kind, str_slice(text, from, to - from), to};
}

/* Text in quotes, of which a doubled one stands for itself. */
static struct partiql_token lex_quoted(struct str text, size_t from, struct arena *arena)
{
    char quote = text.ptr[from];
    struct buf inside;
    buf_init_arena(&inside, arena, text.len);
    for (size_t i = from + 1; i < text.len; i++) {
        bool is_doubled = text.ptr[i] == quote && i + 1 < text.len && text.ptr[i + 1] == quote;
        if (text.ptr[i] == quote && !is_doubled)
            return (struct partiql_token){quote == '"' ? PARTIQL_QUOTED : PARTIQL_STRING,
                                          buf_str(&inside), i + 1};
        buf_add_byte(&inside, text.ptr[i]);
        i += is_doubled;
    }
    return make(PARTIQL_BAD, text, from, text.len);
}

static size_t digits_end(struct str text, size_t at)
{
    while (at < text.len && is_digit(text.ptr[at]))
        at++;
    return at;
}

static struct partiql_token lex_number(struct str text, size_t from)
{
    size_t at = digits_end(text, from);
    if (at < text.len && text.ptr[at] == '.')
        at = digits_end(text, at + 1);
    if (at < text.len && (text.ptr[at] == 'e' || text.ptr[at] == 'E')) {
        size_t exponent = at + 1;
        if (exponent < text.len && (text.ptr[exponent] == '+' || text.ptr[exponent] == '-'))
            exponent++;
        if (digits_end(text, exponent) > exponent)
            at = digits_end(text, exponent);
    }
    bool is_glued = at < text.len && is_word(text.ptr[at]);
    return make(is_glued ? PARTIQL_BAD : PARTIQL_NUMBER, text, from, at);
}

struct partiql_token partiql_lex(struct str text, size_t from, struct arena *arena)
{
    static const char *const pairs[] = {"<<", ">>", "<>", "<=", ">=", "!="};
    while (from < text.len && is_blank(text.ptr[from]))
        from++;
    if (from >= text.len)
        return make(PARTIQL_END, text, text.len, text.len);
    char first = text.ptr[from];
    if (first == '\'' || first == '"')
        return lex_quoted(text, from, arena);
    if (is_digit(first))
        return lex_number(text, from);
    if (is_word(first)) {
        size_t end = from;
        while (end < text.len && is_word(text.ptr[end]))
            end++;
        return make(PARTIQL_WORD, text, from, end);
    }
    if (first == '?')
        return make(PARTIQL_PARAMETER, text, from, from + 1);
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        if (str_eq(str_slice(text, from, 2), str_from(pairs[i])))
            return make(PARTIQL_SIGN, text, from, from + 2);
    }
    bool is_sign = first && strchr("()[]{},.:*=<>+-", first);
    return make(is_sign ? PARTIQL_SIGN : PARTIQL_BAD, text, from, from + 1);
}

/* --- Steps --- */

void partiql_advance(struct partiql *parser)
{
    parser->token = partiql_lex(parser->text, parser->token.end, parser->arena);
}

bool partiql_is_sign(const struct partiql *parser, const char *sign)
{
    return parser->token.kind == PARTIQL_SIGN && str_eq(parser->token.text, str_from(sign));
}

bool partiql_is_word(const struct partiql *parser, const char *word)
{
    return parser->token.kind == PARTIQL_WORD && str_eq_nocase(parser->token.text, str_from(word));
}

bool partiql_take_sign(struct partiql *parser, const char *sign)
{
    bool is_there = partiql_is_sign(parser, sign);
    if (is_there)
        partiql_advance(parser);
    return is_there;
}

bool partiql_take_word(struct partiql *parser, const char *word)
{
    bool is_there = partiql_is_word(parser, word);
    if (is_there)
        partiql_advance(parser);
    return is_there;
}

bool partiql_is_call(const struct partiql *parser)
{
    if (parser->token.kind != PARTIQL_WORD)
        return false;
    struct partiql_token next = partiql_lex(parser->text, parser->token.end, parser->arena);
    return next.kind == PARTIQL_SIGN && str_eq(next.text, STR("("));
}

enum err partiql_malformed(struct partiql *parser, const char *what)
{
    return error_set(parser->error, ERR_VALIDATION,
                     "Statement wasn't well formed, can't be processed: %s", what);
}

static enum err expected(struct partiql *parser, const char *what)
{
    struct str at = parser->token.kind == PARTIQL_END ? STR("<EOF>") : parser->token.text;
    return error_set(parser->error, ERR_VALIDATION,
                     "Statement wasn't well formed, can't be processed: Expected %s, got %.*s",
                     what, STR_ARG(at));
}

enum err partiql_expect_sign(struct partiql *parser, const char *sign)
{
    return partiql_take_sign(parser, sign) ? OK : expected(parser, sign);
}

enum err partiql_expect_word(struct partiql *parser, const char *word)
{
    return partiql_take_word(parser, word) ? OK : expected(parser, word);
}

enum err partiql_enter(struct partiql *parser)
{
    if (++parser->depth <= MAX_DEPTH)
        return OK;
    return partiql_malformed(parser, "The statement is nested too deeply");
}

enum err partiql_name(struct partiql *parser, struct str *out)
{
    if (parser->token.kind != PARTIQL_WORD && parser->token.kind != PARTIQL_QUOTED)
        return partiql_malformed(parser, "Expected identifier for simple path");
    *out = parser->token.text;
    partiql_advance(parser);
    return OK;
}

static enum err index_step(struct partiql *parser, struct ddb_step *out)
{
    uint64_t index;
    if (parser->token.kind == PARTIQL_STRING) {
        out->name = parser->token.text;
    } else if (parser->token.kind == PARTIQL_NUMBER && str_to_u64(parser->token.text, &index) &&
               index <= UINT32_MAX) {
        out->index = (size_t)index;
    } else {
        return partiql_malformed(parser, "Expected an index or a name in brackets");
    }
    partiql_advance(parser);
    return partiql_expect_sign(parser, "]");
}

enum err partiql_path(struct partiql *parser, struct ddb_path *out)
{
    struct ddb_step steps[DDB_MAX_PATH] = {{{NULL, 0}, 0}};
    size_t count = 1;
    enum err rc = partiql_name(parser, &steps[0].name);
    while (rc == OK && (partiql_is_sign(parser, ".") || partiql_is_sign(parser, "["))) {
        bool is_index = partiql_is_sign(parser, "[");
        if (count == DDB_MAX_PATH)
            return partiql_malformed(parser, "The path has too many steps");
        partiql_advance(parser);
        steps[count] = (struct ddb_step){{NULL, 0}, 0};
        rc =
            is_index ? index_step(parser, &steps[count]) : partiql_name(parser, &steps[count].name);
        count++;
    }
    if (rc)
        return rc;
    out->count = count;
    out->steps = arena_array(parser->arena, struct ddb_step, count);
    memcpy(out->steps, steps, count * sizeof(*steps));
    return OK;
}
