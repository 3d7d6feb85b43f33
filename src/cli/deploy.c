/* Deploying a template. */
#include "cli/deploy.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "cli/package.h"
#include "wire/yaml.h"

enum { MAX_TEMPLATE = 1024 * 1024, FIRST_WAIT_MS = 2, LONGEST_WAIT_MS = 200, MAX_FORM = 512 };

struct deployment {
    const struct cli_deploy_options *options;
    struct cli_client *client;
    struct arena *arena;
    struct error *error;
    struct str stack;
    yyjson_val *template;
    struct str body;      /* the template with uploaded code */
    struct str described; /* the stack that is there, in XML; empty: there is none */
    struct cli_parameter form[MAX_FORM];
    size_t form_count;
};

/* --- Names --- */

enum err cli_stack_name(const char *template_path, struct arena *arena, struct str *out,
                        struct error *error)
{
    char full[PATH_MAX];
    if (!realpath(template_path, full))
        return error_set(error, ERR_VALIDATION, "cannot read %s: %m", template_path);
    struct str folder = str_from(basename(dirname(full)));
    struct buf name;
    buf_init_arena(&name, arena, 128);
    for (size_t i = 0; i < folder.len; i++) {
        char c = folder.ptr[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool is_digit = c >= '0' && c <= '9';
        if (is_letter || (name.len && is_digit))
            buf_add_byte(&name, c);
        else if (name.len)
            buf_add_byte(&name, '-');
    }
    *out = name.len ? buf_str(&name) : STR("stack");
    return OK;
}

/* --- The template --- */

/* The string under "Code" of a function is a path beside the template; NULL for other forms. */
static yyjson_mut_val *local_code(yyjson_mut_val *resource)
{
    yyjson_mut_val *type = yyjson_mut_obj_get(resource, "Type");
    if (!yyjson_mut_equals_str(type, "AWS::Lambda::Function"))
        return NULL;
    yyjson_mut_val *properties = yyjson_mut_obj_get(resource, "Properties");
    yyjson_mut_val *code = yyjson_mut_obj_get(properties, "Code");
    return yyjson_mut_is_str(code) ? code : NULL;
}

static enum err upload_code(struct deployment *deployment, yyjson_mut_doc *doc,
                            yyjson_mut_val *properties, struct str path)
{
    char folder[PATH_MAX];
    struct str package, key;
    snprintf(folder, sizeof(folder), "%s", deployment->options->template_path);
    const char *full =
        str_starts(path, STR("/"))
            ? arena_cstr(deployment->arena, path)
            : arena_printf(deployment->arena, "%s/%.*s", dirname(folder), STR_ARG(path)).ptr;
    enum err rc = cli_package(full, deployment->arena, &package, deployment->error);
    if (rc == OK)
        rc = cli_upload(deployment->client, package, deployment->arena, &key, deployment->error);
    if (rc)
        return rc;
    yyjson_mut_val *code = yyjson_mut_obj(doc);
    json_add_str(doc, code, "S3Bucket", STR(CLI_PACKAGE_BUCKET));
    json_add_str(doc, code, "S3Key", key);
    yyjson_mut_obj_put(properties, yyjson_mut_str(doc, "Code"), code);
    return OK;
}

static enum err package_code(struct deployment *deployment)
{
    yyjson_mut_doc *doc = json_doc(deployment->arena);
    yyjson_mut_val *root = yyjson_val_mut_copy(doc, deployment->template), *name, *resource;
    size_t i, max;
    yyjson_mut_val *resources = yyjson_mut_obj_get(root, "Resources");
    yyjson_mut_obj_foreach (resources, i, max, name, resource) {
        yyjson_mut_val *code = local_code(resource);
        if (!code)
            continue;
        struct str path = str_make(yyjson_mut_get_str(code), yyjson_mut_get_len(code));
        enum err rc =
            upload_code(deployment, doc, yyjson_mut_obj_get(resource, "Properties"), path);
        if (rc)
            return rc;
    }
    deployment->body = json_write(deployment->arena, root);
    return OK;
}

static enum err read_template(struct deployment *deployment)
{
    struct str text;
    enum err rc = cli_read_file(deployment->options->template_path, MAX_TEMPLATE, deployment->arena,
                                &text, deployment->error);
    if (rc == OK)
        rc = yaml_parse(deployment->arena, text, &deployment->template, deployment->error);
    if (rc == OK && !yyjson_is_obj(deployment->template))
        rc = error_set(deployment->error, ERR_VALIDATION, "%s is no template",
                       deployment->options->template_path);
    return rc ? rc : package_code(deployment);
}

/* --- The call --- */

static void add(struct deployment *deployment, const char *name, struct str value)
{
    if (deployment->form_count < MAX_FORM)
        deployment->form[deployment->form_count++] = (struct cli_parameter){name, value};
}

static void add_parameter(struct deployment *deployment, size_t index, struct str name,
                          struct str value)
{
    struct arena *arena = deployment->arena;
    add(deployment, arena_printf(arena, "Parameters.member.%zu.ParameterKey", index).ptr, name);
    add(deployment, arena_printf(arena, "Parameters.member.%zu.ParameterValue", index).ptr, value);
}

static bool is_given(const struct deployment *deployment, struct str wanted)
{
    for (size_t i = 0; i < deployment->options->parameter_count; i++) {
        struct str rest = str_from(deployment->options->parameters[i]), name;
        str_cut(&rest, '=', &name);
        if (str_eq(name, wanted))
            return true;
    }
    return false;
}

/* What an update does not say stays as it was, as with `aws cloudformation deploy`. */
static void keep_parameters(struct deployment *deployment, size_t index)
{
    struct arena *arena = deployment->arena;
    yyjson_val *declared = json_get(deployment->template, "Parameters");
    struct str name;
    size_t from = 0;
    while (cli_xml_next(deployment->described, "ParameterKey", &from, arena, &name)) {
        bool is_port = str_eq(name, STR("LocalPort"));
        if (is_port || is_given(deployment, name) || !json_get(declared, arena_cstr(arena, name)))
            continue;
        index++;
        add(deployment, arena_printf(arena, "Parameters.member.%zu.ParameterKey", index).ptr, name);
        add(deployment, arena_printf(arena, "Parameters.member.%zu.UsePreviousValue", index).ptr,
            STR("true"));
    }
}

static enum err add_parameters(struct deployment *deployment)
{
    size_t index = 0;
    bool has_port = false;
    for (size_t i = 0; i < deployment->options->parameter_count; i++) {
        struct str value = str_from(deployment->options->parameters[i]), name;
        if (!str_cut(&value, '=', &name) || name.len == 0)
            return error_set(deployment->error, ERR_VALIDATION, "a parameter is NAME=VALUE, not %s",
                             deployment->options->parameters[i]);
        has_port |= str_eq(name, STR("LocalPort"));
        add_parameter(deployment, ++index, name, value);
    }
    if (!has_port && json_get(json_get(deployment->template, "Parameters"), "LocalPort")) {
        struct str url = cli_client_url(deployment->client);
        const char *colon = memrchr(url.ptr, ':', url.len);
        size_t port = colon ? (size_t)(colon - url.ptr) + 1 : url.len;
        add_parameter(deployment, ++index, STR("LocalPort"), str_slice(url, port, url.len));
    }
    keep_parameters(deployment, index);
    return OK;
}

static enum err call(struct deployment *deployment, const char *action, struct str *out_code)
{
    struct str body;
    deployment->form_count = 0;
    add(deployment, "Action", str_from(action));
    add(deployment, "StackName", deployment->stack);
    add(deployment, "TemplateBody", deployment->body);
    add(deployment, "Capabilities.member.1", STR("CAPABILITY_IAM"));
    add(deployment, "Capabilities.member.2", STR("CAPABILITY_NAMED_IAM"));
    add(deployment, "Capabilities.member.3", STR("CAPABILITY_AUTO_EXPAND"));
    enum err rc = add_parameters(deployment);
    return rc ? rc
              : cli_query(deployment->client, "cloudformation", CLI_CFN_VERSION, deployment->form,
                          deployment->form_count, deployment->arena, &body, out_code,
                          deployment->error);
}

static enum err stack_status(struct cli_client *client, struct str stack, struct arena *arena,
                             struct str *out_status, struct error *error)
{
    struct cli_parameter form[] = {{"Action", STR("DescribeStacks")}, {"StackName", stack}};
    struct str body, code;
    size_t from = 0;
    enum err rc =
        cli_query(client, "cloudformation", CLI_CFN_VERSION, form, 2, arena, &body, &code, error);
    if (rc && str_eq(code, STR("ValidationError"))) { /* there is none of that name */
        *out_status = STR("DELETE_COMPLETE");
        return OK;
    }
    if (rc == OK && !cli_xml_next(body, "StackStatus", &from, arena, out_status))
        rc = error_set(error, ERR_INTERNAL, "the server did not tell the stack's status");
    return rc;
}

enum err cli_wait_for_stack(struct cli_client *client, struct str stack, struct arena *arena,
                            struct str *out_status, struct error *error)
{
    long wait_ms = FIRST_WAIT_MS;
    for (;;) {
        enum err rc = stack_status(client, stack, arena, out_status, error);
        if (rc || !str_ends(*out_status, STR("_IN_PROGRESS")) ||
            str_eq(*out_status, STR("REVIEW_IN_PROGRESS")))
            return rc;
        struct timespec pause = {0, wait_ms * 1000000L};
        nanosleep(&pause, NULL);
        wait_ms = wait_ms * 3 / 2 + 1 > LONGEST_WAIT_MS ? LONGEST_WAIT_MS : wait_ms * 3 / 2 + 1;
    }
}

/* Of an operation, told by the stack's own events. */
static bool is_start(struct str status)
{
    return str_eq(status, STR("CREATE_IN_PROGRESS")) || str_eq(status, STR("UPDATE_IN_PROGRESS")) ||
           str_eq(status, STR("DELETE_IN_PROGRESS"));
}

struct str cli_failure_reason(struct cli_client *client, struct str stack, struct arena *arena)
{
    struct cli_parameter form[] = {{"Action", STR("DescribeStackEvents")}, {"StackName", stack}};
    struct str body, member, reason = STR("the stack's events tell why");
    size_t from = 0;
    if (cli_query(client, "cloudformation", CLI_CFN_VERSION, form, 2, arena, &body, NULL, NULL))
        return reason;
    /* Newest first: the last one found is the first that happened in this operation. */
    while (cli_xml_next(body, "member", &from, arena, &member)) {
        struct str status, id, why;
        size_t in_status = 0, in_id = 0, in_why = 0;
        if (!cli_xml_next(member, "ResourceStatus", &in_status, arena, &status) ||
            !cli_xml_next(member, "LogicalResourceId", &in_id, arena, &id))
            continue;
        if (str_ends(status, STR("_FAILED")) &&
            cli_xml_next(member, "ResourceStatusReason", &in_why, arena, &why))
            reason = arena_printf(arena, "%.*s: %.*s", STR_ARG(id), STR_ARG(why));
        if (str_eq(id, stack) && is_start(status))
            break;
    }
    return reason;
}

/* --- All of it --- */

static enum err remove_failed_stack(struct deployment *deployment, struct str *status)
{
    struct cli_parameter form[] = {{"Action", STR("DeleteStack")},
                                   {"StackName", deployment->stack}};
    struct str body;
    bool is_leftover =
        str_eq(*status, STR("ROLLBACK_COMPLETE")) || str_eq(*status, STR("ROLLBACK_FAILED")) ||
        str_eq(*status, STR("REVIEW_IN_PROGRESS")) || str_eq(*status, STR("CREATE_FAILED"));
    if (!is_leftover)
        return OK;
    enum err rc = cli_query(deployment->client, "cloudformation", CLI_CFN_VERSION, form, 2,
                            deployment->arena, &body, NULL, deployment->error);
    return rc ? rc
              : cli_wait_for_stack(deployment->client, deployment->stack, deployment->arena, status,
                                   deployment->error);
}

static enum err describe(struct deployment *deployment)
{
    struct cli_parameter form[] = {{"Action", STR("DescribeStacks")},
                                   {"StackName", deployment->stack}};
    return cli_query(deployment->client, "cloudformation", CLI_CFN_VERSION, form, 2,
                     deployment->arena, &deployment->described, NULL, deployment->error);
}

static enum err create_or_update(struct deployment *deployment)
{
    struct str status, code;
    enum err rc = cli_wait_for_stack(deployment->client, deployment->stack, deployment->arena,
                                     &status, deployment->error);
    if (rc == OK)
        rc = remove_failed_stack(deployment, &status);
    if (rc)
        return rc;
    bool is_new = str_eq(status, STR("DELETE_COMPLETE"));
    if (!is_new)
        rc = describe(deployment);
    if (rc)
        return rc;
    rc = call(deployment, is_new ? "CreateStack" : "UpdateStack", &code);
    if (rc && strcmp(deployment->error->message, "No updates are to be performed.") == 0)
        return OK;
    if (rc == OK)
        rc = cli_wait_for_stack(deployment->client, deployment->stack, deployment->arena, &status,
                                deployment->error);
    if (rc)
        return rc;
    if (str_eq(status, STR("CREATE_COMPLETE")) || str_eq(status, STR("UPDATE_COMPLETE")))
        return OK;
    struct str why = cli_failure_reason(deployment->client, deployment->stack, deployment->arena);
    return error_set(deployment->error, ERR_VALIDATION, "stack %.*s is in %.*s: %.*s",
                     STR_ARG(deployment->stack), STR_ARG(status), STR_ARG(why));
}

enum err cli_deploy(const struct cli_deploy_options *options, struct error *error)
{
    struct arena arena = {0};
    struct deployment *deployment = arena_new(&arena, struct deployment);
    deployment->options = options;
    deployment->described = STR_EMPTY;
    deployment->arena = &arena;
    deployment->error = error;
    enum err rc = cli_client_new(options->data_dir, &deployment->client, error);
    if (rc == OK && options->stack_name)
        deployment->stack = str_from(options->stack_name);
    else if (rc == OK)
        rc = cli_stack_name(options->template_path, &arena, &deployment->stack, error);
    if (rc == OK)
        rc = read_template(deployment);
    if (rc == OK)
        rc = create_or_update(deployment);
    if (rc == OK && !options->is_quiet)
        printf("skylite: stack %.*s is up to date\n", STR_ARG(deployment->stack));
    cli_client_free(deployment->client);
    arena_release(&arena);
    return rc;
}

int cli_deploy_command(int argc, char **argv)
{
    struct cli_options options;
    struct error error;
    if (!cli_options_read(argc, argv, "dSp", "TEMPLATE", &options))
        return 2;
    struct cli_deploy_options deploy = {
        .data_dir = options.data_dir,
        .template_path = options.argument,
        .stack_name = options.stack_name,
        .parameters = options.parameters,
        .parameter_count = options.parameter_count,
    };
    return cli_deploy(&deploy, &error) == OK ? 0 : cli_failed(&error);
}
