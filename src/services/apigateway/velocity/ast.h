/* A template as a tree. It lives in the arena of the parse and never changes. */
#pragma once

#include "services/apigateway/velocity/value.h"

enum node_kind {
    NODE_TEXT,
    NODE_REFERENCE,
    NODE_SET,
    NODE_IF,
    NODE_FOREACH,
    NODE_BREAK,
    NODE_STOP,
    NODE_DEFINE,
    NODE_EVALUATE,
    NODE_CALL, /* of a macro */
};

enum expression_kind {
    EXPRESSION_VALUE,    /* a literal */
    EXPRESSION_TEMPLATE, /* "text with $references" */
    EXPRESSION_REFERENCE,
    EXPRESSION_LIST,
    EXPRESSION_RANGE, /* [left..right] */
    EXPRESSION_MAP,   /* keys and values by turns */
    EXPRESSION_NOT,
    EXPRESSION_NEGATE,
    EXPRESSION_AND,
    EXPRESSION_OR,
    EXPRESSION_EQUAL,
    EXPRESSION_NOT_EQUAL,
    EXPRESSION_LESS,
    EXPRESSION_LESS_EQUAL,
    EXPRESSION_GREATER,
    EXPRESSION_GREATER_EQUAL,
    EXPRESSION_ADD,
    EXPRESSION_SUBTRACT,
    EXPRESSION_MULTIPLY,
    EXPRESSION_DIVIDE,
    EXPRESSION_REMAINDER,
};

struct expression {
    enum expression_kind kind;
    struct value value;
    struct reference *reference;
    const struct node *nodes;        /* of a template */
    struct expression *left, *right; /* operands; NOT and NEGATE have the left one */
    struct expression *first, *next; /* members of a list or map; the next argument */
};

/* A step behind the name of a reference: ".name", ".name(...)" or "[...]". */
struct step {
    enum { STEP_PROPERTY, STEP_METHOD, STEP_INDEX } kind;
    struct str name;
    struct expression *arguments; /* a list by `next`; the index */
    struct step *next;
};

struct reference {
    struct str text; /* as it stands in the template */
    struct str name;
    bool is_quiet;
    struct step *steps;
};

struct branch {
    struct expression *condition; /* NULL: #else */
    const struct node *body;
    struct branch *next;
};

struct node {
    enum node_kind kind;
    struct node *next;
    struct str text;               /* of NODE_TEXT; the name of #define and of a macro */
    struct reference *reference;   /* printed, set, or the variable of #foreach */
    struct expression *expression; /* the value, what #foreach goes through, arguments */
    struct branch *branches;       /* of #if */
    const struct node *body;       /* of #foreach and #define */
};

struct macro {
    struct str name;
    struct str *parameters;
    size_t parameter_count;
    const struct node *body;
    struct macro *next;
};

struct velocity {
    const struct node *nodes;
    struct macro *macros;
};

/* For #evaluate and for text with references: parses with `macros` known and added to. */
enum err velocity_parse_nodes(struct arena *arena, struct str text, struct macro **macros,
                              const struct node **out, struct error *error);
