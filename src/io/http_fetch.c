/* libcurl's multi interface on a libuv loop: curl says which sockets and which time-out it waits
 * for, libuv tells when they are ready. */
#include "io/http_fetch.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/buf.h"
#include "io/internal.h"

enum {
    MAX_RESPONSE_HEADERS = 200,
    MAX_RESPONSE_HEADER_BYTES = 64 * 1024,
    MAX_IDLE_CONNECTIONS = 64
};

struct fetch_transfer {
    struct fetcher *fetcher;
    struct http_fetch *fetch;
    CURL *easy;
    struct curl_slist *headers;
    struct buf body;
    size_t header_bytes;
    char error[CURL_ERROR_SIZE];
    struct fetch_transfer *next, **link;
};

/* Of one loop. */
struct fetcher {
    struct loop *loop;
    CURLM *multi;
    struct loop_timer *timer;
    struct fetch_transfer *transfers; /* under way */
};

struct fetch_socket {
    uv_poll_t uv;
    struct fetcher *fetcher;
    curl_socket_t fd;
};

/* --- Outcomes --- */

static void finish(struct fetch_transfer *transfer, enum err rc, const char *why)
{
    struct http_fetch *fetch = transfer->fetch;
    *transfer->link = transfer->next;
    if (transfer->next)
        transfer->next->link = transfer->link;
    curl_multi_remove_handle(transfer->fetcher->multi, transfer->easy);
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->headers);
    fetch->response_body = buf_str(&transfer->body);
    fetch->rc = rc;
    if (rc)
        error_set(&fetch->error, rc, "%s", why);
    else
        fetch->is_out_of_reach = false;
    free(transfer);
    fetch->done(fetch);
}

static void finish_by(struct fetch_transfer *transfer, CURLcode code)
{
    const char *why = transfer->error[0] ? transfer->error : curl_easy_strerror(code);
    char copy[CURL_ERROR_SIZE];
    snprintf(copy, sizeof(copy), "%s", why);
    long status = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    transfer->fetch->status = (int)status;
    transfer->fetch->is_timeout = code == CURLE_OPERATION_TIMEDOUT;
    if (code == CURLE_OK)
        finish(transfer, OK, "");
    else if (transfer->body.is_full)
        finish(transfer, ERR_REQUEST_ENTITY_TOO_LARGE, "the answer is too long");
    else
        finish(transfer, ERR_SERVICE_UNAVAILABLE, copy);
}

static void finish_done(struct fetcher *fetcher)
{
    int left;
    for (CURLMsg *message; (message = curl_multi_info_read(fetcher->multi, &left)) != NULL;) {
        struct fetch_transfer *transfer;
        CURLcode code = message->data.result;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        finish_by(transfer, code);
    }
}

/* --- Between curl and the loop --- */

static void on_socket(uv_poll_t *uv, int status, int events)
{
    struct fetch_socket *socket = uv->data;
    struct fetcher *fetcher = socket->fetcher;
    int flags = status < 0 ? CURL_CSELECT_ERR : 0, running;
    flags |= events & UV_READABLE ? CURL_CSELECT_IN : 0;
    flags |= events & UV_WRITABLE ? CURL_CSELECT_OUT : 0;
    curl_multi_socket_action(fetcher->multi, socket->fd, flags, &running);
    finish_done(fetcher);
}

static void free_socket(uv_handle_t *handle)
{
    free(handle->data);
}

static struct fetch_socket *new_socket(struct fetcher *fetcher, curl_socket_t fd)
{
    struct fetch_socket *socket = calloc(1, sizeof(*socket));
    if (!socket)
        abort();
    socket->fetcher = fetcher;
    socket->fd = fd;
    socket->uv.data = socket;
    uv_poll_init(loop_uv(fetcher->loop), &socket->uv, fd);
    curl_multi_assign(fetcher->multi, fd, socket);
    return socket;
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    (void)easy;
    struct fetcher *fetcher = arg;
    struct fetch_socket *socket = socket_arg;
    if (what == CURL_POLL_REMOVE) {
        if (socket)
            uv_close((uv_handle_t *)&socket->uv, free_socket);
        curl_multi_assign(fetcher->multi, fd, NULL);
        return 0;
    }
    if (!socket)
        socket = new_socket(fetcher, fd);
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
    uv_poll_start(&socket->uv, events, on_socket);
    return 0;
}

static void on_timer(void *arg)
{
    struct fetcher *fetcher = arg;
    int running;
    fetcher->timer = NULL;
    curl_multi_socket_action(fetcher->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    finish_done(fetcher);
}

static int want_timer(CURLM *multi, long delay_ms, void *arg)
{
    (void)multi;
    struct fetcher *fetcher = arg;
    loop_timer_stop(fetcher->timer);
    fetcher->timer =
        delay_ms < 0 ? NULL
                     : loop_timer_start(fetcher->loop, (uint64_t)delay_ms, 0, on_timer, fetcher);
    return 0;
}

static void init_curl(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT))
        abort();
}

static struct fetcher *fetcher_of(struct loop *loop)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct fetcher **place = loop_fetcher(loop);
    if (*place)
        return *place;
    pthread_once(&once, init_curl);
    struct fetcher *fetcher = calloc(1, sizeof(*fetcher));
    if (!fetcher || !(fetcher->multi = curl_multi_init()))
        abort();
    fetcher->loop = loop;
    curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
    curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETDATA, fetcher);
    curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERFUNCTION, want_timer);
    curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERDATA, fetcher);
    curl_multi_setopt(fetcher->multi, CURLMOPT_MAXCONNECTS, (long)MAX_IDLE_CONNECTIONS);
    *place = fetcher;
    return fetcher;
}

void fetcher_free(struct fetcher *fetcher)
{
    if (!fetcher)
        return;
    while (fetcher->transfers)
        finish(fetcher->transfers, ERR_SERVICE_UNAVAILABLE, "the server is shutting down");
    curl_multi_cleanup(fetcher->multi);
    loop_timer_stop(fetcher->timer);
    *loop_fetcher(fetcher->loop) = NULL;
    free(fetcher);
}

/* --- Answers --- */

static size_t take_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct fetch_transfer *transfer = arg;
    struct http_exchange *exchange = transfer->fetch->exchange;
    if (exchange && !http_reserve(exchange, size * count))
        return 0;
    buf_add(&transfer->body, str_make(bytes, size * count));
    return transfer->body.is_full ? 0 : size * count;
}

/* Curl gives one line at a time, also those of interim answers and trailers. */
static size_t take_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct fetch_transfer *transfer = arg;
    struct http_fetch *fetch = transfer->fetch;
    struct str value = str_make(bytes, size * count), name;
    if (str_starts(value, STR("HTTP/"))) {
        fetch->response_header_count = 0;
        return value.len;
    }
    transfer->header_bytes += value.len;
    if (fetch->response_header_count == MAX_RESPONSE_HEADERS ||
        transfer->header_bytes > MAX_RESPONSE_HEADER_BYTES)
        return 0;
    size_t len = value.len;
    while (value.len && strchr("\r\n", value.ptr[value.len - 1]))
        value.len--;
    if (str_cut(&value, ':', &name))
        fetch->response_headers[fetch->response_header_count++] = (struct http_header){
            arena_str(fetch->arena, name), arena_str(fetch->arena, str_trim(value))};
    return len;
}

/* --- Requests --- */

/* Judges the address that is connected to, behind all resolving: a name cannot lead elsewhere. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct fetch_transfer *transfer = arg;
    struct http_fetch *fetch = transfer->fetch;
    (void)purpose;
    if (fetch->reach && !reach_permits(fetch->reach, &address->addr)) {
        fetch->is_out_of_reach = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static bool is_ours(struct str name)
{
    return str_eq_nocase(name, STR("host")) || str_eq_nocase(name, STR("content-length")) ||
           str_eq_nocase(name, STR("transfer-encoding")) || str_eq_nocase(name, STR("expect"));
}

static bool has_header(const struct http_fetch *fetch, struct str name)
{
    for (size_t i = 0; i < fetch->header_count; i++) {
        if (str_eq_nocase(fetch->headers[i].name, name))
            return true;
    }
    return false;
}

static void add_line(struct fetch_transfer *transfer, struct str line)
{
    struct curl_slist *list =
        curl_slist_append(transfer->headers, arena_cstr(transfer->fetch->arena, line));
    if (!list)
        abort();
    transfer->headers = list;
}

/* A name with a colon alone has curl leave out what it would add; with a semicolon it is empty. */
static void add_headers(struct fetch_transfer *transfer)
{
    static const struct str defaults[] = {STR_INIT("Accept"), STR_INIT("Content-Type"),
                                          STR_INIT("User-Agent")};
    const struct http_fetch *fetch = transfer->fetch;
    add_line(transfer, STR("Expect:"));
    for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
        if (!has_header(fetch, defaults[i]))
            add_line(transfer, arena_printf(fetch->arena, "%.*s:", STR_ARG(defaults[i])));
    }
    for (size_t i = 0; i < fetch->header_count; i++) {
        struct http_header header = fetch->headers[i];
        bool is_broken = memchr(header.value.ptr, '\r', header.value.len) ||
                         memchr(header.value.ptr, '\n', header.value.len);
        if (is_ours(header.name) || is_broken)
            continue;
        add_line(transfer, header.value.len
                               ? arena_printf(fetch->arena, "%.*s: %.*s", STR_ARG(header.name),
                                              STR_ARG(header.value))
                               : arena_printf(fetch->arena, "%.*s;", STR_ARG(header.name)));
    }
}

static void set_method(struct fetch_transfer *transfer)
{
    const struct http_fetch *fetch = transfer->fetch;
    CURL *easy = transfer->easy;
    bool has_body = fetch->body.len > 0 || str_eq(fetch->method, STR("POST")) ||
                    str_eq(fetch->method, STR("PUT")) || str_eq(fetch->method, STR("PATCH"));
    if (has_body) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, fetch->body.len ? fetch->body.ptr : "");
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)fetch->body.len);
    }
    if (str_eq(fetch->method, STR("HEAD")))
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    else
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, arena_cstr(fetch->arena, fetch->method));
}

static void set_options(struct fetch_transfer *transfer)
{
    const struct http_fetch *fetch = transfer->fetch;
    CURL *easy = transfer->easy;
    const char *authorities = getenv("SSL_CERT_FILE");
    if (authorities)
        curl_easy_setopt(easy, CURLOPT_CAINFO, authorities);
    curl_easy_setopt(easy, CURLOPT_URL, arena_cstr(fetch->arena, fetch->url));
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* none, whatever the environment says */
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)fetch->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
}

void http_fetch_start(struct http_fetch *fetch)
{
    struct fetcher *fetcher = fetcher_of(fetch->loop);
    struct fetch_transfer *transfer = calloc(1, sizeof(*transfer));
    if (!transfer || !(transfer->easy = curl_easy_init()))
        abort();
    transfer->fetcher = fetcher;
    transfer->fetch = fetch;
    fetch->status = 0;
    fetch->is_out_of_reach = false;
    fetch->response_headers = arena_array(fetch->arena, struct http_header, MAX_RESPONSE_HEADERS);
    fetch->response_header_count = 0;
    buf_init_arena(&transfer->body, fetch->arena, fetch->max_body);
    add_headers(transfer);
    set_method(transfer);
    set_options(transfer);
    transfer->next = fetcher->transfers;
    transfer->link = &fetcher->transfers;
    if (transfer->next)
        transfer->next->link = &transfer->next;
    fetcher->transfers = transfer;
    /* Curl asks for a time-out of 0, so that even what fails at once is told in a later round. */
    curl_multi_add_handle(fetcher->multi, transfer->easy);
}
