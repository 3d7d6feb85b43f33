#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../check.h"
#include "io/http_client.h"

/* An authority of its own, in a file that the client is told to trust, and a server whose
 * certificate it signs for "trusted.localhost" and 127.0.0.1. */
struct world {
    char folder[32];
    char authority_path[64];
    EVP_PKEY *authority_key, *server_key;
    X509 *authority, *certificate;
    SSL_CTX *context;
    int fd;
    uint16_t port;
    const char *answer;
    char seen_name[64]; /* by SNI */
    pthread_t thread;
};

/* --- Certificates --- */

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(extension);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

static X509 *make_certificate(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key,
                              const char *constraint, const char *names)
{
    X509 *certificate = X509_new();
    X509_NAME *subject = X509_get_subject_name(certificate);
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), issuer ? 2 : 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer) : subject);
    add_extension(certificate, NID_basic_constraints, constraint);
    if (names)
        add_extension(certificate, NID_subject_alt_name, names);
    assert_true(X509_sign(certificate, issuer_key, EVP_sha256()) > 0);
    return certificate;
}

static void make_certificates(struct world *w)
{
    w->authority_key = EVP_EC_gen("P-256");
    w->server_key = EVP_EC_gen("P-256");
    w->authority = make_certificate("test authority", w->authority_key, NULL, w->authority_key,
                                    "critical,CA:TRUE", NULL);
    w->certificate = make_certificate("test server", w->server_key, w->authority, w->authority_key,
                                      "critical,CA:FALSE", "DNS:trusted.localhost,IP:127.0.0.1");
    FILE *file = fopen(w->authority_path, "w");
    assert_non_null(file);
    PEM_write_X509(file, w->authority);
    fclose(file);
}

/* --- The server --- */

static void answer_one(struct world *w, SSL *tls)
{
    char request[4096];
    size_t got;
    if (SSL_accept(tls) != 1)
        return;
    const char *name = SSL_get_servername(tls, TLSEXT_NAMETYPE_host_name);
    snprintf(w->seen_name, sizeof(w->seen_name), "%s", name ? name : "none");
    if (SSL_read_ex(tls, request, sizeof(request), &got) != 1)
        return;
    if (w->answer)
        SSL_write(tls, w->answer, (int)strlen(w->answer));
    SSL_shutdown(tls);
}

static void *serve_one(void *arg)
{
    struct world *w = arg;
    int fd = accept(w->fd, NULL, NULL);
    SSL *tls = SSL_new(w->context);
    SSL_set_fd(tls, fd);
    answer_one(w, tls);
    SSL_free(tls);
    close(fd);
    return NULL;
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    assert_non_null(w);
    signal(SIGPIPE, SIG_IGN); /* for OpenSSL's server side here, not for the client */
    snprintf(w->folder, sizeof(w->folder), "/tmp/skylite-test-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    snprintf(w->authority_path, sizeof(w->authority_path), "%s/ca.pem", w->folder);
    make_certificates(w);
    w->context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(w->context, w->certificate);
    SSL_CTX_use_PrivateKey(w->context, w->server_key);
    w->fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(w->fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(w->fd, 8), 0);
    getsockname(w->fd, (struct sockaddr *)&address, &len);
    w->port = ntohs(address.sin_port);
    w->answer = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret";
    setenv("SSL_CERT_FILE", w->authority_path, 1);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    unsetenv("SSL_CERT_FILE");
    unlink(w->authority_path);
    rmdir(w->folder);
    close(w->fd);
    SSL_CTX_free(w->context);
    X509_free(w->certificate);
    X509_free(w->authority);
    EVP_PKEY_free(w->server_key);
    EVP_PKEY_free(w->authority_key);
    free(w);
    return 0;
}

/* --- The client --- */

/* Asks the server once under that host name. */
static enum err ask(struct world *w, const char *host, struct error *error)
{
    struct arena arena = {0};
    struct http_client *client;
    struct http_response response;
    char url[128];
    snprintf(url, sizeof(url), "https://%s:%u", host, w->port);
    assert_int_equal(pthread_create(&w->thread, NULL, serve_one, w), 0);
    assert_int_equal(http_client_new(str_from(url), 5000, &client, error), OK);
    enum err rc = http_client_send(client, STR("GET"), STR("/"), NULL, 0, STR_EMPTY, 100, &arena,
                                   &response, error);
    if (rc == OK)
        assert_str(response.body, STR("secret"));
    http_client_free(client);
    pthread_join(w->thread, NULL);
    arena_release(&arena);
    return rc;
}

static void test_tls__trusts_a_certificate_of_the_authority(void **state)
{
    struct error error;
    assert_int_equal(ask(*state, "trusted.localhost", &error), OK);
}

static void test_tls__says_which_server_it_wants(void **state)
{
    struct world *w = *state;
    struct error error;
    ask(w, "trusted.localhost", &error);
    assert_string_equal(w->seen_name, "trusted.localhost");
}

static void test_tls__takes_an_address_and_does_not_send_it_as_a_name(void **state)
{
    struct world *w = *state;
    struct error error;
    assert_int_equal(ask(w, "127.0.0.1", &error), OK);
    assert_string_equal(w->seen_name, "none");
}

static void test_tls__refuses_a_certificate_of_another_host(void **state)
{
    struct error error;
    assert_int_equal(ask(*state, "other.localhost", &error), ERR_INTERNAL);
    assert_non_null(strstr(error.message, "hostname mismatch"));
}

static void test_tls__refuses_an_unknown_authority(void **state)
{
    struct error error;
    unsetenv("SSL_CERT_FILE");
    assert_int_equal(ask(*state, "trusted.localhost", &error), ERR_INTERNAL);
    assert_non_null(strstr(error.message, "certificate"));
}

static void test_tls__fails_when_the_server_hangs_up(void **state)
{
    struct world *w = *state;
    struct error error;
    w->answer = NULL;
    assert_int_equal(ask(w, "trusted.localhost", &error), ERR_INTERNAL);
}

static void test_tls__fails_on_a_cut_body(void **state)
{
    struct world *w = *state;
    struct error error;
    w->answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsecr";
    assert_int_equal(ask(w, "trusted.localhost", &error), ERR_INTERNAL);
}

int main(void)
{
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_tls__trusts_a_certificate_of_the_authority),
        CASE(test_tls__says_which_server_it_wants),
        CASE(test_tls__takes_an_address_and_does_not_send_it_as_a_name),
        CASE(test_tls__refuses_a_certificate_of_another_host),
        CASE(test_tls__refuses_an_unknown_authority),
        CASE(test_tls__fails_when_the_server_hangs_up),
        CASE(test_tls__fails_on_a_cut_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
