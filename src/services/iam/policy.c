/* Compiling policy documents. */
#include "services/iam/policy.h"

#include <stdlib.h>

#include "services/iam/policy_check.h"

struct compiler {
    struct arena *arena;
    struct error *error;
    enum iam_policy_kind kind;
    unsigned variables; /* PATTERN_VARIABLES when the version has them */
};

static enum err syntax_error(struct compiler *compiler)
{
    return error_set(compiler->error, ERR_IAM_MALFORMED_POLICY_DOCUMENT,
                     "Syntax errors in policy.");
}

/* --- Lists --- */

static size_t list_size(yyjson_val *list)
{
    return yyjson_is_arr(list) ? yyjson_arr_size(list) : 1;
}

static yyjson_val *list_get(yyjson_val *list, size_t index)
{
    return yyjson_is_arr(list) ? yyjson_arr_get(list, index) : list;
}

/* A text or a list of texts. */
static bool is_text_list(yyjson_val *list)
{
    if (!yyjson_is_str(list) && !yyjson_is_arr(list))
        return false;
    for (size_t i = 0; i < list_size(list); i++) {
        if (!yyjson_is_str(list_get(list, i)))
            return false;
    }
    return true;
}

/* A member whose name an earlier one has: readers of JSON differ in which of the two counts.
 * `index` is small, since few names are known. */
static bool is_repeated(const struct compiler *compiler, yyjson_val *object, struct str name,
                        size_t index)
{
    size_t i, max;
    yyjson_val *key, *value;
    if (compiler->kind == POLICY_STORED)
        return false;
    yyjson_obj_foreach (object, i, max, key, value) {
        if (i >= index)
            return false;
        if (str_eq(json_str(key), name))
            return true;
    }
    return false;
}

/* --- Elements of a statement --- */

/* In the wrong case it is a fault of another text than this one's, which the check tells. */
static enum err compile_effect(struct compiler *compiler, yyjson_val *value, struct statement *out)
{
    struct str effect = json_str(value);
    if (str_eq_nocase(effect, STR("Allow")))
        out->effect = POLICY_ALLOW;
    else if (str_eq_nocase(effect, STR("Deny")))
        out->effect = POLICY_DENY;
    else
        return syntax_error(compiler);
    return OK;
}

static enum err compile_actions(struct compiler *compiler, yyjson_val *list, struct statement *out)
{
    if (out->actions || !is_text_list(list))
        return syntax_error(compiler);
    out->action_count = list_size(list);
    out->actions = arena_array(compiler->arena, struct pattern, out->action_count);
    for (size_t i = 0; i < out->action_count; i++)
        iam_pattern_compile(compiler->arena, json_str(list_get(list, i)),
                            PATTERN_WILDCARDS | PATTERN_FOLD_CASE, &out->actions[i]);
    return OK;
}

static enum err compile_resources(struct compiler *compiler, yyjson_val *list,
                                  struct statement *out)
{
    if (out->has_resource || !is_text_list(list))
        return syntax_error(compiler);
    out->has_resource = true;
    out->resource_count = list_size(list);
    out->resources = arena_array(compiler->arena, struct arn_pattern, out->resource_count);
    for (size_t i = 0; i < out->resource_count; i++)
        iam_arn_pattern_compile(compiler->arena, json_str(list_get(list, i)),
                                PATTERN_WILDCARDS | compiler->variables, &out->resources[i]);
    return OK;
}

static bool is_account_id(struct str text)
{
    uint64_t number;
    return text.len == 12 && str_to_u64(text, &number);
}

static struct principal_pattern aws_principal(struct arena *arena, struct str text)
{
    struct arn arn;
    if (str_eq(text, STR("*")))
        return (struct principal_pattern){WHO_ANYONE, text};
    if (is_account_id(text))
        return (struct principal_pattern){WHO_ACCOUNT, arena_str(arena, text)};
    if (iam_arn_split(text, &arn) && str_eq(arn.parts[2], STR("iam")) &&
        str_eq(arn.parts[5], STR("root")))
        return (struct principal_pattern){WHO_ACCOUNT, arena_str(arena, arn.parts[4])};
    return (struct principal_pattern){WHO_ARN, arena_str(arena, text)};
}

static struct principal_pattern make_principal(struct arena *arena, struct str type,
                                               struct str text)
{
    if (str_eq(type, STR("AWS")))
        return aws_principal(arena, text);
    if (str_eq(type, STR("Service")))
        return (struct principal_pattern){WHO_SERVICE, arena_str(arena, text)};
    return (struct principal_pattern){WHO_OTHER, arena_str(arena, text)};
}

static bool is_principal_type(struct str type)
{
    return str_eq(type, STR("AWS")) || str_eq(type, STR("Service")) ||
           str_eq(type, STR("Federated")) || str_eq(type, STR("CanonicalUser"));
}

/* {"AWS": ["..."], "Service": "..."} */
static enum err compile_principal_object(struct compiler *compiler, yyjson_val *object,
                                         struct statement *out)
{
    size_t i, max, count = 0;
    yyjson_val *type, *list;
    yyjson_obj_foreach (object, i, max, type, list) {
        if (!is_principal_type(json_str(type)) || !is_text_list(list) ||
            is_repeated(compiler, object, json_str(type), i))
            return syntax_error(compiler);
        count += list_size(list);
    }
    out->principals = arena_array(compiler->arena, struct principal_pattern, count);
    yyjson_obj_foreach (object, i, max, type, list) {
        for (size_t j = 0; j < list_size(list); j++)
            out->principals[out->principal_count++] =
                make_principal(compiler->arena, json_str(type), json_str(list_get(list, j)));
    }
    return OK;
}

static enum err compile_principals(struct compiler *compiler, yyjson_val *value,
                                   struct statement *out)
{
    if (out->has_principal)
        return syntax_error(compiler);
    out->has_principal = true;
    if (yyjson_is_obj(value))
        return compile_principal_object(compiler, value, out);
    if (!str_eq(json_str(value), STR("*")))
        return syntax_error(compiler);
    out->principal_count = 1;
    out->principals = arena_array(compiler->arena, struct principal_pattern, 1);
    out->principals[0].kind = WHO_ANYONE;
    return OK;
}

static size_t count_conditions(yyjson_val *object)
{
    size_t i, max, count = 0;
    yyjson_val *name, *keys;
    yyjson_obj_foreach (object, i, max, name, keys) {
        count += yyjson_obj_size(keys);
    }
    return count;
}

static enum err compile_operator(struct compiler *compiler, struct str name, yyjson_val *keys,
                                 struct statement *out)
{
    struct condition operator= {0};
    size_t i, max;
    yyjson_val *key, *values;
    if (!yyjson_is_obj(keys) || (yyjson_obj_size(keys) && !iam_condition_operator(name, &operator)))
        return syntax_error(compiler);
    yyjson_obj_foreach (keys, i, max, key, values) {
        struct condition *condition = &out->conditions[out->condition_count++];
        *condition = operator;
        if (!iam_condition_compile(compiler->arena, json_str(key), values, compiler->variables,
                                   condition))
            return syntax_error(compiler);
    }
    return OK;
}

static enum err compile_conditions(struct compiler *compiler, yyjson_val *object,
                                   struct statement *out)
{
    size_t i, max;
    yyjson_val *name, *keys;
    if (!yyjson_is_obj(object) || out->conditions)
        return syntax_error(compiler);
    out->conditions = arena_array(compiler->arena, struct condition, count_conditions(object));
    yyjson_obj_foreach (object, i, max, name, keys) {
        enum err rc = compile_operator(compiler, json_str(name), keys, out);
        if (rc)
            return rc;
    }
    return OK;
}

/* --- Statements --- */

static enum err compile_element(struct compiler *compiler, struct str name, yyjson_val *value,
                                struct statement *out)
{
    if (str_eq(name, STR("Sid")))
        return yyjson_is_str(value) ? OK : syntax_error(compiler);
    if (str_eq(name, STR("Effect")))
        return compile_effect(compiler, value, out);
    if (str_eq(name, STR("Condition")))
        return compile_conditions(compiler, value, out);

    bool is_not = str_starts(name, STR("Not"));
    struct str positive = is_not ? str_slice(name, 3, name.len) : name;
    if (str_eq(positive, STR("Action"))) {
        out->is_not_action = is_not;
        return compile_actions(compiler, value, out);
    }
    if (str_eq(positive, STR("Resource"))) {
        out->is_not_resource = is_not;
        return compile_resources(compiler, value, out);
    }
    if (str_eq(positive, STR("Principal"))) {
        out->is_not_principal = is_not;
        return compile_principals(compiler, value, out);
    }
    return syntax_error(compiler);
}

static enum err compile_statement(struct compiler *compiler, yyjson_val *value,
                                  struct statement *out)
{
    size_t i, max;
    yyjson_val *name, *element;
    if (!yyjson_is_obj(value) || !yyjson_obj_get(value, "Effect"))
        return syntax_error(compiler);
    yyjson_obj_foreach (value, i, max, name, element) {
        enum err rc = is_repeated(compiler, value, json_str(name), i)
                          ? syntax_error(compiler)
                          : compile_element(compiler, json_str(name), element, out);
        if (rc)
            return rc;
    }
    return OK;
}

/* --- The document --- */

static enum err read_version(struct compiler *compiler, yyjson_val *document)
{
    yyjson_val *version = yyjson_obj_get(document, "Version");
    bool is_2012 = str_eq(json_str(version), STR("2012-10-17"));
    if (version && !is_2012 && !str_eq(json_str(version), STR("2008-10-17")))
        return syntax_error(compiler);
    compiler->variables = is_2012 ? PATTERN_VARIABLES : 0;
    return OK;
}

/* What is right by the grammar, and not by more than that. */
static enum err check(struct compiler *compiler, yyjson_val *const *statements, size_t count)
{
    if (compiler->kind == POLICY_MANAGED && !compiler->variables)
        return error_set(compiler->error, ERR_IAM_MALFORMED_POLICY_DOCUMENT,
                         "Policy document must be version 2012-10-17 or greater.");
    return compiler->kind == POLICY_STORED
               ? OK
               : iam_policy_check(statements, count, compiler->kind, compiler->error);
}

static enum err check_members(struct compiler *compiler, yyjson_val *document)
{
    size_t i, max;
    yyjson_val *name, *value;
    yyjson_obj_foreach (document, i, max, name, value) {
        struct str member = json_str(name);
        bool is_known = str_eq(member, STR("Version")) || str_eq(member, STR("Statement")) ||
                        (str_eq(member, STR("Id")) && yyjson_is_str(value));
        if (!is_known || is_repeated(compiler, document, member, i))
            return syntax_error(compiler);
    }
    return OK;
}

static enum err compile_document(struct compiler *compiler, yyjson_val *document,
                                 struct policy *policy)
{
    yyjson_val *list = yyjson_obj_get(document, "Statement");
    enum err rc = check_members(compiler, document);
    if (!rc && !yyjson_is_obj(list) && !yyjson_is_arr(list))
        rc = syntax_error(compiler);
    if (!rc && list_size(list) == 0 && compiler->kind < POLICY_RESOURCE)
        rc = syntax_error(compiler);
    if (!rc)
        rc = read_version(compiler, document);
    if (rc)
        return rc;

    policy->statement_count = list_size(list);
    policy->statements = arena_array(compiler->arena, struct statement, policy->statement_count);
    yyjson_val **values = arena_array(compiler->arena, yyjson_val *, policy->statement_count);
    for (size_t i = 0; i < policy->statement_count && !rc; i++) {
        values[i] = list_get(list, i);
        rc = compile_statement(compiler, values[i], &policy->statements[i]);
    }
    return rc ? rc : check(compiler, values, policy->statement_count);
}

enum err iam_policy_compile(struct str document, enum iam_policy_kind kind, struct policy **out,
                            struct error *error)
{
    struct policy *policy = calloc(1, sizeof(*policy));
    if (!policy)
        abort();
    atomic_init(&policy->refs, 1);

    struct arena parsing = {0};
    struct compiler compiler = {.arena = &policy->arena, .error = error, .kind = kind};
    yyjson_val *root = json_parse(&parsing, document);
    enum err rc = OK;
    if (!root && kind == POLICY_TRUST)
        rc = error_set(error, ERR_IAM_MALFORMED_POLICY_DOCUMENT,
                       "This policy contains invalid Json");
    else if (!yyjson_is_obj(root))
        rc = syntax_error(&compiler);
    else
        rc = compile_document(&compiler, root, policy);
    arena_release(&parsing);

    if (rc)
        iam_policy_unref(policy);
    else
        *out = policy;
    return rc;
}

struct policy *iam_policy_ref(struct policy *policy)
{
    atomic_fetch_add_explicit(&policy->refs, 1, memory_order_relaxed);
    return policy;
}

void iam_policy_unref(struct policy *policy)
{
    if (!policy || atomic_fetch_sub_explicit(&policy->refs, 1, memory_order_acq_rel) > 1)
        return;
    arena_release(&policy->arena);
    free(policy);
}
