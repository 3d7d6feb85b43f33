/* The DynamoDB client: requests, signatures, answers and attempts. */
#include "skylite/dynamodb.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "internal.h"
#include "io/http_client.h"
#include "retry.h"
#include "wire/sigv4.h"

/* DynamoDB's longest answer is 16 MB (BatchGetItem), before JSON's escapes. */
enum { MAX_ANSWER = 64 * 1024 * 1024, DEFAULT_TIMEOUT_MS = 5000, DEFAULT_ATTEMPTS = 3 };

struct dynamodb {
    struct arena arena; /* of the texts below */
    struct http_client *http;
    struct str host, region;
    struct sigv4_credentials credentials;
    unsigned max_attempts;
    struct retry_budget budget;
    void (*wait)(unsigned ms, void *arg);
    void *wait_arg;
};

/* --- Making --- */

static struct str from_environment(struct str given, const char *name, const char *other_name)
{
    struct str value = given.len ? given : str_from(getenv(name));
    return value.len || !other_name ? value : str_from(getenv(other_name));
}

static void sleep_ms(unsigned ms, void *arg)
{
    (void)arg;
    struct timespec left = {ms / 1000, (long)(ms % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

void dynamodb_set_wait(struct dynamodb *client, void (*wait)(unsigned ms, void *arg), void *arg)
{
    client->wait = wait;
    client->wait_arg = arg;
}

/* OpenSSL was built for a system that keeps its certificates elsewhere than Amazon Linux does. */
static void find_certificates(void)
{
    static const char *const bundles[] = {
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/ssl/cert.pem",
    };
    const char *bundle = getenv("AWS_CA_BUNDLE");
    for (size_t i = 0; !bundle && i < sizeof(bundles) / sizeof(bundles[0]); i++) {
        if (access(bundles[i], R_OK) == 0)
            bundle = bundles[i];
    }
    if (bundle)
        setenv("SSL_CERT_FILE", bundle, 0);
}

static struct str choose_endpoint(struct dynamodb *client, struct str given)
{
    struct str url = from_environment(given, "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL");
    bool is_china = str_starts(client->region, STR("cn-"));
    if (url.len)
        return url;
    return arena_printf(&client->arena, "https://dynamodb.%.*s.amazonaws.com%s",
                        STR_ARG(client->region), is_china ? ".cn" : "");
}

static unsigned choose_attempts(unsigned given)
{
    uint64_t attempts = given;
    if (!given && !str_to_u64(str_from(getenv("AWS_MAX_ATTEMPTS")), &attempts))
        attempts = DEFAULT_ATTEMPTS;
    return attempts < 1 ? 1 : attempts > 100 ? 100 : (unsigned)attempts;
}

static enum err fill(struct dynamodb *client, const struct dynamodb_options *options,
                     struct error *error)
{
    struct arena *arena = &client->arena;
    struct str region = from_environment(options->region, "AWS_REGION", "AWS_DEFAULT_REGION");
    struct str key = from_environment(options->access_key, "AWS_ACCESS_KEY_ID", NULL);
    struct str secret = from_environment(options->secret_key, "AWS_SECRET_ACCESS_KEY", NULL);
    struct str token = options->session_token;
    if (region.len == 0)
        return error_set(error, ERR_VALIDATION, "no region: set AWS_REGION");
    if (key.len == 0 || secret.len == 0)
        return error_set(error, ERR_VALIDATION,
                         "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
    /* A token belongs to the key that it came with. */
    if (token.len == 0 && options->access_key.len == 0)
        token = str_from(getenv("AWS_SESSION_TOKEN"));

    client->region = arena_str(arena, region);
    client->credentials.access_key_id = arena_str(arena, key);
    client->credentials.secret_access_key = arena_str(arena, secret);
    client->credentials.session_token = arena_str(arena, token);
    client->max_attempts = choose_attempts(options->max_attempts);
    retry_budget_init(&client->budget);
    dynamodb_set_wait(client, sleep_ms, NULL);

    struct str endpoint = choose_endpoint(client, options->endpoint);
    if (str_starts(endpoint, STR("https://")))
        find_certificates();
    enum err rc =
        http_client_new(endpoint, options->timeout_ms ? options->timeout_ms : DEFAULT_TIMEOUT_MS,
                        &client->http, error);
    if (rc == OK)
        client->host = http_client_host(client->http);
    return rc;
}

enum err dynamodb_new(const struct dynamodb_options *options, struct dynamodb **out,
                      struct error *error)
{
    static const struct dynamodb_options from_environment_only;
    struct dynamodb *client = calloc(1, sizeof(*client));
    if (!client)
        abort();
    enum err rc = fill(client, options ? options : &from_environment_only, error);
    if (rc) {
        dynamodb_free(client);
        return rc;
    }
    *out = client;
    return OK;
}

void dynamodb_free(struct dynamodb *client)
{
    if (!client)
        return;
    struct str secret = client->credentials.secret_access_key;
    if (secret.len)
        OPENSSL_cleanse((char *)(uintptr_t)secret.ptr, secret.len);
    http_client_free(client->http);
    arena_release(&client->arena);
    free(client);
}

/* --- One attempt --- */

static enum err send_signed(struct dynamodb *client, struct str target, struct str input,
                            struct arena *arena, struct http_response *out, struct error *error)
{
    const struct sigv4_header to_sign[] = {
        {STR("content-type"), STR("application/x-amz-json-1.0")},
        {STR("host"), client->host},
        {STR("x-amz-target"), target},
    };
    const struct sigv4_request request = {
        .method = STR("POST"),
        .path = STR("/"),
        .query = STR_EMPTY,
        .headers = to_sign,
        .header_count = sizeof(to_sign) / sizeof(to_sign[0]),
        .body = input,
    };
    struct sigv4_signed signature;
    sigv4_sign(&request, &client->credentials, client->region, STR("dynamodb"), clock_wall_ms(),
               arena, &signature);

    const struct http_header headers[] = {
        {STR("Content-Type"), STR("application/x-amz-json-1.0")},
        {STR("X-Amz-Target"), target},
        {STR("X-Amz-Date"), signature.amz_date},
        {STR("X-Amz-Content-Sha256"), signature.content_sha256},
        {STR("Authorization"), signature.authorization},
        {STR("User-Agent"), STR("skylite-sdk/" SKYLITE_VERSION)},
        {STR("X-Amz-Security-Token"), signature.security_token},
    };
    size_t count = sizeof(headers) / sizeof(headers[0]) - (signature.security_token.len == 0);
    return http_client_send(client->http, STR("POST"), STR("/"), headers, count, input, MAX_ANSWER,
                            arena, out, error);
}

/* "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException" without what is before the '#'. */
static struct str short_type(struct str type)
{
    ptrdiff_t at = str_find_byte(type, '#', 0);
    return at < 0 ? type : str_slice(type, (size_t)at + 1, type.len);
}

/* error.def lists the common errors and DynamoDB's before those of other services. */
static enum err code_of(struct str type)
{
    for (int code = ERR_PENDING + 1; type.len && code < ERR_COUNT; code++) {
        if (str_eq(type, str_from(error_type((enum err)code))))
            return (enum err)code;
    }
    return ERR_INTERNAL;
}

/* The text between the braces of an object. */
static struct str members_of(struct str body)
{
    body = str_trim(body);
    return body.len >= 2 ? str_slice(body, 1, body.len - 2) : STR_EMPTY;
}

static enum err read_error(const struct http_response *response, const yyjson_val *body,
                           struct str type, struct error *error)
{
    struct str message = json_get_str(body, "message");
    if (!message.ptr)
        message = json_get_str(body, "Message");
    if (!type.len)
        return error_set(error, ERR_INTERNAL, "DynamoDB answered with status %d", response->status);
    error_set(error, code_of(type), "%.*s", STR_ARG(message.ptr ? message : type));
    if (error)
        error->members = members_of(response->body);
    return code_of(type);
}

struct outcome {
    enum err rc;
    int retry_cost; /* 0: another attempt would change nothing */
};

static struct outcome attempt(struct dynamodb *client, struct str target, struct str input,
                              struct arena *arena, yyjson_val **out, struct error *error)
{
    struct http_response response;
    enum err rc = send_signed(client, target, input, arena, &response, error);
    if (rc == ERR_SERVICE_UNAVAILABLE)
        return (struct outcome){rc, RETRY_TIMEOUT_COST};
    if (rc)
        return (struct outcome){rc, rc == ERR_INTERNAL ? RETRY_COST : 0};

    yyjson_val *body = json_parse(arena, response.body);
    if (response.status == 200 && yyjson_is_obj(body)) {
        *out = body;
        return (struct outcome){OK, 0};
    }
    struct str type = short_type(json_get_str(body, "__type"));
    bool is_worthwhile = response.status == 200 || retry_is_worthwhile(response.status, type);
    rc = read_error(&response, body, type, error);
    return (struct outcome){rc, is_worthwhile ? RETRY_COST : 0};
}

/* --- Calls --- */

enum err dynamodb_call(struct dynamodb *client, const char *operation, struct str input,
                       struct arena *arena, yyjson_val **out, struct error *error)
{
    struct str target = arena_printf(arena, "DynamoDB_20120810.%s", operation);
    int last_cost = 0;
    for (unsigned number = 1;; number++) {
        struct outcome outcome = attempt(client, target, input, arena, out, error);
        if (outcome.rc == OK)
            retry_give_back(&client->budget, last_cost);
        if (outcome.retry_cost == 0 || number >= client->max_attempts ||
            !retry_take(&client->budget, outcome.retry_cost))
            return outcome.rc;
        last_cost = outcome.retry_cost;
        uint32_t random;
        random_bytes(&random, sizeof(random));
        client->wait(retry_delay_ms(number + 1, random), client->wait_arg);
    }
}
