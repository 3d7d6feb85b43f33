/* A signed client of a running server, for the commands. It finds the server and its credentials in
 * the data folder: "endpoint" (a URL and a region, a line each, written by serve) and "credentials"
 * (AWS's shared credentials file). Blocking; for one thread. */
#pragma once

#include "wire/json.h"

#define CLI_DEFAULT_DATA "./skylite-data"

/* The data folder where no option names one: $SKYLITE_DATA, or the default. */
const char *cli_data_dir(void);

struct cli_client;

/* ERR_SERVICE_UNAVAILABLE when no server runs there. */
enum err cli_client_new(const char *data_dir, struct cli_client **out, struct error *error);
void cli_client_free(struct cli_client *client);

struct str cli_client_url(const struct cli_client *client);
struct str cli_client_region(const struct cli_client *client);
struct str cli_client_access_key(const struct cli_client *client);
struct str cli_client_secret_key(const struct cli_client *client);

/* Reads the default profile's key of a credentials file's text; false when it has none. */
bool cli_parse_credentials(struct str text, struct str *out_access_key, struct str *out_secret_key);

/* A whole file in `arena`. */
enum err cli_read_file(const char *path, size_t max, struct arena *arena, struct str *out,
                       struct error *error);

struct cli_answer {
    int status;
    struct str body;
};

/* One signed request (`path` may have a query); `content_type` or `target` (X-Amz-Target) may be
 * empty. The answer is in `arena`; any status is OK here. */
enum err cli_send(struct cli_client *client, const char *service, struct str method,
                  struct str path, struct str content_type, struct str target, struct str body,
                  struct arena *arena, struct cli_answer *out, struct error *error);

/* The same unsigned, for what is not of AWS: GET of a path. */
enum err cli_get(struct cli_client *client, const char *path, struct arena *arena,
                 struct cli_answer *out, struct error *error);

/* A GET of the REST-JSON protocol. A refusal is an error with the server's message. */
enum err cli_rest(struct cli_client *client, const char *service, struct str path,
                  struct arena *arena, yyjson_val **out, struct error *error);

/* All items of a list of the REST-JSON protocol, page by page: those of the member `items`, while
 * there is a member `token`, which goes into the query parameter `parameter`. */
enum err cli_list(struct cli_client *client, const char *service, struct str path,
                  const char *items, const char *token, const char *parameter, struct arena *arena,
                  yyjson_val ***out, size_t *out_count, struct error *error);

struct cli_parameter {
    const char *name;
    struct str value;
};

/* A call of the query protocol. A refusal is an error with the server's message; its AWS code is in
 * `*out_code` (NULL: not wanted), which is empty on success. */
enum err cli_query(struct cli_client *client, const char *service, const char *version,
                   const struct cli_parameter *parameters, size_t count, struct arena *arena,
                   struct str *out_body, struct str *out_code, struct error *error);

/* A call of AWS JSON 1.1. */
enum err cli_json(struct cli_client *client, const char *service, const char *target,
                  struct str input, struct arena *arena, yyjson_val **out, struct error *error);

/* The text of the first <name> element at or after *from, which is moved behind it; false when
 * there is none. Entities are decoded. */
bool cli_xml_next(struct str xml, const char *name, size_t *from, struct arena *arena,
                  struct str *out);
