/* Literals of PartiQL. */
#include "services/dynamodb/partiql_parser.h"

enum { MAX_ELEMENTS = 4096 };

bool partiql_is_value(const struct partiql *parser)
{
    switch (parser->token.kind) {
    case PARTIQL_STRING:
    case PARTIQL_NUMBER:
    case PARTIQL_PARAMETER:
        return true;
    case PARTIQL_WORD:
        return partiql_is_word(parser, "true") || partiql_is_word(parser, "false") ||
               partiql_is_word(parser, "null");
    case PARTIQL_SIGN:
        return partiql_is_sign(parser, "[") || partiql_is_sign(parser, "{") ||
               partiql_is_sign(parser, "<<") || partiql_is_sign(parser, "-") ||
               partiql_is_sign(parser, "+");
    case PARTIQL_END:
    case PARTIQL_QUOTED:
    case PARTIQL_BAD:
        break;
    }
    return false;
}

static enum err read_number(struct partiql *parser, struct ddb_value *out)
{
    struct ddb_number number;
    struct str text = parser->token.text;
    bool is_negative = partiql_is_sign(parser, "-");
    if (is_negative || partiql_is_sign(parser, "+")) {
        partiql_advance(parser);
        text = arena_printf(parser->arena, "%s%.*s", is_negative ? "-" : "",
                            STR_ARG(parser->token.text));
        if (parser->token.kind != PARTIQL_NUMBER)
            return partiql_malformed(parser, "Expected a number");
    }
    enum err rc = ddb_number_parse(text, &number, parser->error);
    if (rc)
        return rc;
    *out = (struct ddb_value){.type = DDB_N, .text = ddb_number_format(&number, parser->arena)};
    partiql_advance(parser);
    return OK;
}

static enum err read_parameter(struct partiql *parser, struct ddb_value *out)
{
    if (parser->parameters_used >= parser->parameter_count)
        return error_set(parser->error, ERR_VALIDATION,
                         "Number of parameters in request and statement don't match.");
    *out = parser->parameters[parser->parameters_used++];
    partiql_advance(parser);
    return OK;
}

/* Elements up to the closing sign. */
static enum err read_elements(struct partiql *parser, const char *end, struct ddb_value **out,
                              size_t *out_count)
{
    size_t count = 0, room = 0;
    struct ddb_value *elements = NULL;
    enum err rc = OK;
    if (partiql_take_sign(parser, end)) {
        *out = NULL;
        *out_count = 0;
        return OK;
    }
    do {
        if (count == MAX_ELEMENTS)
            return partiql_malformed(parser, "A collection has too many elements");
        if (count == room) {
            size_t more = room ? room * 2 : 8;
            elements = arena_realloc(parser->arena, elements, room * sizeof(*elements),
                                     more * sizeof(*elements));
            room = more;
        }
        rc = partiql_value(parser, &elements[count++]);
    } while (rc == OK && partiql_take_sign(parser, ","));
    *out = elements;
    *out_count = count;
    return rc ? rc : partiql_expect_sign(parser, end);
}

static enum err read_list(struct partiql *parser, struct ddb_value *out)
{
    *out = (struct ddb_value){.type = DDB_L};
    partiql_advance(parser);
    return read_elements(parser, "]", &out->list, &out->count);
}

/* <<1, 2>> is a set: its elements are of one scalar type. */
static enum err read_bag(struct partiql *parser, struct ddb_value *out)
{
    static const enum ddb_type set_types[] = {[DDB_S] = DDB_SS, [DDB_N] = DDB_NS, [DDB_B] = DDB_BS};
    struct ddb_value *elements;
    size_t count;
    partiql_advance(parser);
    enum err rc = read_elements(parser, ">>", &elements, &count);
    if (rc)
        return rc;
    if (count == 0 || elements[0].type > DDB_B)
        return partiql_malformed(parser, "A set must have elements of type S, N or B");
    *out = (struct ddb_value){.type = set_types[elements[0].type]};
    out->texts = arena_array(parser->arena, struct str, count);
    for (size_t i = 0; i < count; i++) {
        if (elements[i].type != elements[0].type)
            return partiql_malformed(parser, "All elements of a set must be of one type");
        for (size_t j = 0; j < out->count; j++) {
            if (str_eq(out->texts[j], elements[i].text))
                return error_set(parser->error, ERR_VALIDATION,
                                 "One or more parameter values were invalid: Input collection "
                                 "contains duplicates.");
        }
        out->texts[out->count++] = elements[i].text;
    }
    return OK;
}

/* {'a': 1, 'b': ?} */
static enum err read_tuple(struct partiql *parser, struct ddb_value *out)
{
    size_t room = 8;
    *out = (struct ddb_value){.type = DDB_M};
    out->map = arena_array(parser->arena, struct ddb_entry, room);
    partiql_advance(parser);
    if (partiql_take_sign(parser, "}"))
        return OK;
    do {
        struct ddb_entry entry;
        entry.name = parser->token.text;
        if (parser->token.kind != PARTIQL_STRING && parser->token.kind != PARTIQL_QUOTED)
            return partiql_malformed(parser, "Expected a name in quotes");
        if (ddb_map_get(out, entry.name))
            return partiql_malformed(parser, "A name is given twice");
        if (out->count == MAX_ELEMENTS)
            return partiql_malformed(parser, "A collection has too many elements");
        partiql_advance(parser);
        enum err rc = partiql_expect_sign(parser, ":");
        if (rc == OK)
            rc = partiql_value(parser, &entry.value);
        if (rc)
            return rc;
        if (out->count == room) {
            out->map = arena_realloc(parser->arena, out->map, room * sizeof(*out->map),
                                     2 * room * sizeof(*out->map));
            room *= 2;
        }
        out->map[out->count++] = entry;
    } while (partiql_take_sign(parser, ","));
    return partiql_expect_sign(parser, "}");
}

static enum err read_word(struct partiql *parser, struct ddb_value *out)
{
    bool is_null = partiql_is_word(parser, "null");
    *out = (struct ddb_value){.type = is_null ? DDB_NULL : DDB_BOOL,
                              .boolean = is_null || partiql_is_word(parser, "true")};
    partiql_advance(parser);
    return OK;
}

static enum err read_any(struct partiql *parser, struct ddb_value *out)
{
    if (!partiql_is_value(parser))
        return partiql_malformed(parser, "Expected a value");
    if (parser->token.kind == PARTIQL_STRING) {
        *out = (struct ddb_value){.type = DDB_S, .text = parser->token.text};
        partiql_advance(parser);
        return OK;
    }
    if (parser->token.kind == PARTIQL_PARAMETER)
        return read_parameter(parser, out);
    if (parser->token.kind == PARTIQL_WORD)
        return read_word(parser, out);
    if (partiql_is_sign(parser, "["))
        return read_list(parser, out);
    if (partiql_is_sign(parser, "<<"))
        return read_bag(parser, out);
    return partiql_is_sign(parser, "{") ? read_tuple(parser, out) : read_number(parser, out);
}

enum err partiql_value(struct partiql *parser, struct ddb_value *out)
{
    enum err rc = partiql_enter(parser);
    if (rc == OK)
        rc = read_any(parser, out);
    parser->depth--;
    return rc;
}
