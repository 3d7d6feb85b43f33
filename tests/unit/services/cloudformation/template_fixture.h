/* A template in an arena, written in JSON where ' is ". */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "../../check.h"
#include "services/cloudformation/template.h"

struct fixture {
    struct arena arena;
    struct skylite skylite;
    struct cfn_template template;
    struct error error;
};

static inline int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    f->skylite.config.region = STR("us-east-1");
    f->skylite.config.account = STR("000000000000");
    *state = f;
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;
    arena_release(&f->arena);
    free(f);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static inline struct str quotes(struct fixture *f, const char *text)
{
    char *copy = arena_cstr(&f->arena, str_from(text));
    for (char *c = copy; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    return str_from(copy);
}

/* Parses, sets the parameters (an object; NULL: none) and sorts. */
static inline enum err load(struct fixture *f, const char *template, const char *parameters)
{
    f->template = (struct cfn_template){.arena = &f->arena,
                                        .skylite = &f->skylite,
                                        .stack_name = STR("s"),
                                        .stack_id = STR("arn:s")};
    yyjson_val *given = parameters ? json_parse(&f->arena, quotes(f, parameters)) : NULL;
    enum err rc = cfn_template_parse(&f->template, quotes(f, template), &f->error);
    if (rc == OK)
        rc = cfn_template_set_parameters(&f->template, given, &f->error);
    return rc ? rc : cfn_template_sort(&f->template, &f->error);
}

static inline void loads(struct fixture *f, const char *template, const char *parameters)
{
    if (load(f, template, parameters))
        fail_msg("%s", f->error.message);
}

static inline void refuses(struct fixture *f, const char *template, const char *parameters,
                           const char *message)
{
    assert_int_equal(load(f, template, parameters), ERR_VALIDATION_ERROR);
    assert_string_equal(f->error.message, message);
}

/* What a value resolves to, as JSON; the error's message when it does not. */
static inline struct str resolved(struct fixture *f, const char *value)
{
    yyjson_mut_val *out;
    yyjson_val *parsed = json_parse(&f->arena, quotes(f, value));
    assert_non_null(parsed);
    if (cfn_resolve(&f->template, parsed, json_doc(&f->arena), &out, &f->error))
        return str_from(f->error.message);
    return out ? json_write(&f->arena, out) : STR("nothing");
}

#define KEY "{'Type':'AWS::ApiGateway::ApiKey'}"
