/* The signed client of the commands. */
#include "cli/client.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/encode.h"
#include "io/http_client.h"
#include "wire/sigv4.h"

enum { TIMEOUT_MS = 60000, MAX_ANSWER = 64 * 1024 * 1024, MAX_SMALL_FILE = 64 * 1024 };

struct cli_client {
    struct arena arena;
    struct http_client *http;
    struct str url, region, access_key, secret_key;
};

const char *cli_data_dir(void)
{
    const char *named = getenv("SKYLITE_DATA");
    return named && *named ? named : CLI_DEFAULT_DATA;
}

enum err cli_read_file(const char *path, size_t max, struct arena *arena, struct str *out,
                       struct error *error)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return error_set(error, ERR_VALIDATION, "cannot read %s: %m", path);
    struct buf text;
    buf_init_arena(&text, arena, max);
    enum err rc = OK;
    size_t got = 1;
    while (rc == OK && got) {
        char chunk[16 * 1024];
        got = fread(chunk, 1, sizeof(chunk), file);
        if (!buf_add(&text, str_make(chunk, got)))
            rc = error_set(error, ERR_VALIDATION, "%s is larger than %zu bytes", path, max);
    }
    if (rc == OK && ferror(file))
        rc = error_set(error, ERR_VALIDATION, "cannot read %s: %m", path);
    fclose(file);
    *out = buf_str(&text);
    return rc;
}

bool cli_parse_credentials(struct str text, struct str *out_access_key, struct str *out_secret_key)
{
    bool is_default = false, has_access = false, has_secret = false;
    while (text.len) {
        struct str line, name;
        str_cut(&text, '\n', &line);
        if (str_ends(line, STR("\r")))
            line.len--;
        line = str_trim(line);
        if (str_starts(line, STR("["))) {
            is_default = str_eq(line, STR("[default]"));
            continue;
        }
        str_cut(&line, '=', &name);
        if (!is_default)
            continue;
        if (str_eq(str_trim(name), STR("aws_access_key_id"))) {
            *out_access_key = str_trim(line);
            has_access = true;
        } else if (str_eq(str_trim(name), STR("aws_secret_access_key"))) {
            *out_secret_key = str_trim(line);
            has_secret = true;
        }
    }
    return has_access && has_secret;
}

static enum err read_data_dir(struct cli_client *client, const char *data_dir, struct error *error)
{
    struct str endpoint, credentials;
    const char *path = arena_printf(&client->arena, "%s/endpoint", data_dir).ptr;
    if (cli_read_file(path, MAX_SMALL_FILE, &client->arena, &endpoint, error))
        return error_set(error, ERR_SERVICE_UNAVAILABLE,
                         "no server runs on %s (start one with: skylite serve --data %s)", data_dir,
                         data_dir);
    str_cut(&endpoint, '\n', &client->url);
    str_cut(&endpoint, '\n', &client->region);
    path = arena_printf(&client->arena, "%s/credentials", data_dir).ptr;
    enum err rc = cli_read_file(path, MAX_SMALL_FILE, &client->arena, &credentials, error);
    if (rc == OK && !cli_parse_credentials(credentials, &client->access_key, &client->secret_key))
        rc = error_set(error, ERR_VALIDATION, "%s has no key in its [default] profile", path);
    return rc;
}

enum err cli_client_new(const char *data_dir, struct cli_client **out, struct error *error)
{
    struct cli_client *client = calloc(1, sizeof(*client));
    if (!client)
        abort();
    enum err rc = read_data_dir(client, data_dir, error);
    if (rc == OK)
        rc = http_client_new(client->url, TIMEOUT_MS, &client->http, error);
    if (rc)
        cli_client_free(client);
    else
        *out = client;
    return rc;
}

void cli_client_free(struct cli_client *client)
{
    if (!client)
        return;
    http_client_free(client->http);
    arena_release(&client->arena);
    free(client);
}

struct str cli_client_url(const struct cli_client *client)
{
    return client->url;
}

struct str cli_client_region(const struct cli_client *client)
{
    return client->region;
}

struct str cli_client_access_key(const struct cli_client *client)
{
    return client->access_key;
}

struct str cli_client_secret_key(const struct cli_client *client)
{
    return client->secret_key;
}

/* --- Requests --- */

enum err cli_send(struct cli_client *client, const char *service, struct str method,
                  struct str path, struct str content_type, struct str target, struct str body,
                  struct arena *arena, struct cli_answer *out, struct error *error)
{
    struct sigv4_header signed_headers[3] = {{STR("host"), http_client_host(client->http)}};
    struct http_header headers[6];
    size_t signed_count = 1, count = 0;
    if (content_type.len) {
        signed_headers[signed_count++] = (struct sigv4_header){STR("content-type"), content_type};
        headers[count++] = (struct http_header){STR("Content-Type"), content_type};
    }
    if (target.len) {
        signed_headers[signed_count++] = (struct sigv4_header){STR("x-amz-target"), target};
        headers[count++] = (struct http_header){STR("X-Amz-Target"), target};
    }
    struct str query = path, bare_path;
    str_cut(&query, '?', &bare_path);
    struct sigv4_request request = {.method = method,
                                    .path = bare_path,
                                    .query = query,
                                    .headers = signed_headers,
                                    .header_count = signed_count,
                                    .body = body};
    struct sigv4_credentials credentials = {client->access_key, client->secret_key, STR_EMPTY};
    struct sigv4_signed values;
    sigv4_sign(&request, &credentials, client->region, str_from(service), clock_wall_ms(), arena,
               &values);
    headers[count++] = (struct http_header){STR("Authorization"), values.authorization};
    headers[count++] = (struct http_header){STR("X-Amz-Date"), values.amz_date};
    headers[count++] = (struct http_header){STR("X-Amz-Content-Sha256"), values.content_sha256};

    struct http_response response;
    enum err rc = http_client_send(client->http, method, path, headers, count, body, MAX_ANSWER,
                                   arena, &response, error);
    if (rc == OK)
        *out = (struct cli_answer){response.status, response.body};
    return rc;
}

enum err cli_get(struct cli_client *client, const char *path, struct arena *arena,
                 struct cli_answer *out, struct error *error)
{
    struct http_response response;
    enum err rc = http_client_send(client->http, STR("GET"), str_from(path), NULL, 0, STR_EMPTY,
                                   MAX_ANSWER, arena, &response, error);
    if (rc == OK)
        *out = (struct cli_answer){response.status, response.body};
    return rc;
}

/* --- XML, as far as the server's own answers go --- */

static struct str decode_entities(struct str text, struct arena *arena)
{
    static const struct {
        struct str entity, text;
    } table[] = {
        {STR_INIT("&amp;"), STR_INIT("&")},  {STR_INIT("&lt;"), STR_INIT("<")},
        {STR_INIT("&gt;"), STR_INIT(">")},   {STR_INIT("&quot;"), STR_INIT("\"")},
        {STR_INIT("&apos;"), STR_INIT("'")}, {STR_INIT("&#xD;"), STR_INIT("\r")},
    };
    struct buf out;
    buf_init_arena(&out, arena, text.len + 1);
    while (text.len) {
        size_t i = 0, known = sizeof(table) / sizeof(table[0]);
        while (i < known && !str_starts(text, table[i].entity))
            i++;
        size_t taken = i < known ? table[i].entity.len : 1;
        buf_add(&out, i < known ? table[i].text : str_slice(text, 0, 1));
        text = str_slice(text, taken, text.len);
    }
    return buf_str(&out);
}

bool cli_xml_next(struct str xml, const char *name, size_t *from, struct arena *arena,
                  struct str *out)
{
    struct str open = arena_printf(arena, "<%s>", name), close = arena_printf(arena, "</%s>", name);
    struct str rest = str_slice(xml, *from, xml.len);
    ptrdiff_t start = str_find(rest, open);
    if (start < 0)
        return false;
    struct str inside = str_slice(rest, (size_t)start + open.len, rest.len);
    ptrdiff_t end = str_find(inside, close);
    if (end < 0)
        return false;
    *out = decode_entities(str_slice(inside, 0, (size_t)end), arena);
    *from += (size_t)start + open.len + (size_t)end + close.len;
    return true;
}

/* --- Protocols --- */

enum err cli_query(struct cli_client *client, const char *service, const char *version,
                   const struct cli_parameter *parameters, size_t count, struct arena *arena,
                   struct str *out_body, struct str *out_code, struct error *error)
{
    struct buf form;
    struct cli_answer answer;
    buf_init_arena(&form, arena, SIZE_MAX / 2);
    buf_printf(&form, "Version=%s", version);
    for (size_t i = 0; i < count; i++) {
        buf_printf(&form, "&%s=", parameters[i].name);
        encode_percent(&form, parameters[i].value, false);
    }
    enum err rc = cli_send(client, service, STR("POST"), STR("/"),
                           STR("application/x-www-form-urlencoded; charset=utf-8"), STR_EMPTY,
                           buf_str(&form), arena, &answer, error);
    if (out_code)
        *out_code = STR_EMPTY;
    if (rc)
        return rc;
    *out_body = answer.body;
    if (answer.status == 200)
        return OK;
    struct str message = answer.body, code = STR_EMPTY;
    size_t from = 0;
    cli_xml_next(answer.body, "Code", &from, arena, &code);
    cli_xml_next(answer.body, "Message", &from, arena, &message);
    if (out_code)
        *out_code = code;
    return error_set(error, ERR_VALIDATION, "%.*s", STR_ARG(message));
}

enum err cli_json(struct cli_client *client, const char *service, const char *target,
                  struct str input, struct arena *arena, yyjson_val **out, struct error *error)
{
    struct cli_answer answer;
    enum err rc =
        cli_send(client, service, STR("POST"), STR("/"), STR("application/x-amz-json-1.1"),
                 str_from(target), input, arena, &answer, error);
    if (rc)
        return rc;
    *out = json_parse(arena, answer.body);
    if (answer.status == 200 && *out)
        return OK;
    struct str message = json_get_str(*out, "message");
    if (!message.ptr)
        message = answer.body;
    return error_set(error, ERR_VALIDATION, "%.*s", STR_ARG(message));
}

enum err cli_rest(struct cli_client *client, const char *service, struct str path,
                  struct arena *arena, yyjson_val **out, struct error *error)
{
    struct cli_answer answer;
    enum err rc = cli_send(client, service, STR("GET"), path, STR_EMPTY, STR_EMPTY, STR_EMPTY,
                           arena, &answer, error);
    if (rc)
        return rc;
    *out = json_parse(arena, answer.body);
    if (answer.status == 200 && *out)
        return OK;
    struct str message = json_get_str(*out, "message");
    if (!message.ptr)
        message = json_get_str(*out, "Message");
    return error_set(error, ERR_VALIDATION, "%.*s", STR_ARG(message.ptr ? message : answer.body));
}

enum err cli_list(struct cli_client *client, const char *service, struct str path,
                  const char *items, const char *token, const char *parameter, struct arena *arena,
                  yyjson_val ***out, size_t *out_count, struct error *error)
{
    size_t count = 0, i, max;
    yyjson_val **all = NULL, *page, *item;
    struct str next = path;
    do {
        enum err rc = cli_rest(client, service, next, arena, &page, error);
        if (rc)
            return rc;
        yyjson_val *list = json_get(page, items);
        size_t room = count + yyjson_arr_size(list) + 1;
        all = arena_realloc(arena, all, count * sizeof(item), room * sizeof(item));
        yyjson_arr_foreach (list, i, max, item)
            all[count++] = item;
        next = json_get_str(page, token);
        if (next.len) {
            struct buf query;
            buf_init_arena(&query, arena, SIZE_MAX / 2);
            bool has_query = str_find_byte(path, '?', 0) >= 0;
            buf_printf(&query, "%.*s%c%s=", STR_ARG(path), has_query ? '&' : '?', parameter);
            encode_percent(&query, next, false);
            next = buf_str(&query);
        }
    } while (next.len);
    *out = all;
    *out_count = count;
    return OK;
}
