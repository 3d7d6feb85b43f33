/* Judges addresses after names are resolved. */
#include "io/reach.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BITS_OF_IPV4 = 96 /* before an address of IPv4 in the form of IPv6 */ };

struct network {
    const char *address;
    unsigned bits;
};

/* Never another host, or one that trusts whoever is on this machine. */
static const struct network forbidden[] = {
    {"::ffff:0.0.0.0", 104},         /* this network (RFC 1122) */
    {"::ffff:127.0.0.0", 104},       /* loopback */
    {"::ffff:169.254.0.0", 112},     /* link-local, clouds' metadata among it */
    {"::ffff:100.100.100.200", 128}, /* Alibaba Cloud's metadata */
    {"::ffff:168.63.129.16", 128},   /* Azure's host */
    {"::ffff:192.0.0.0", 120},       /* protocol assignments (RFC 6890), Oracle's metadata */
    {"::ffff:224.0.0.0", 100},       /* multicast */
    {"::ffff:240.0.0.0", 100},       /* reserved, and the broadcast address */
    {"::", 128},
    {"::1", 128},
    {"fe80::", 10},      /* link-local */
    {"fec0::", 10},      /* site-local (RFC 3879) */
    {"ff00::", 8},       /* multicast */
    {"fd00:ec2::", 32},  /* AWS's metadata and other services of the instance */
    {"fd20:ce::", 32},   /* Google Cloud's metadata */
    {"64:ff9b:1::", 48}, /* translated to IPv4 as the network likes it (RFC 8215) */
    {"2001::", 32},      /* Teredo: what is inside goes to any host of IPv4 */
};

/* Where an address of IPv4 is inside one of IPv6. */
static const struct embedding {
    const char *address;
    unsigned bits, offset;
} embeddings[] = {
    {"::", 96, 12},           /* compatible (RFC 4291, 2.5.5.1) */
    {"::ffff:0:0:0", 96, 12}, /* translated (RFC 2765) */
    {"64:ff9b::", 96, 12},    /* NAT64 (RFC 6052) */
    {"2002::", 16, 2},        /* 6to4 (RFC 3056) */
};

/* --- Addresses --- */

static bool is_in(const unsigned char *address, const unsigned char *network, unsigned bits)
{
    size_t whole = bits / 8;
    unsigned char mask = (unsigned char)(0xff00 >> bits % 8);
    return memcmp(address, network, whole) == 0 &&
           (bits % 8 == 0 || ((address[whole] ^ network[whole]) & mask) == 0);
}

static bool is_in_text(const unsigned char *address, const char *network, unsigned bits)
{
    unsigned char parsed[16];
    int rc = inet_pton(AF_INET6, network, parsed);
    assert(rc == 1);
    return is_in(address, parsed, bits);
}

static void map_ipv4(const void *four, unsigned char out[16])
{
    memset(out, 0, 10);
    memset(out + 10, 0xff, 2);
    memcpy(out + 12, four, 4);
}

static bool parse_address(const char *text, unsigned char out[16], unsigned *out_bits)
{
    unsigned char four[4];
    *out_bits = 128;
    if (inet_pton(AF_INET6, text, out) == 1)
        return true;
    if (inet_pton(AF_INET, text, four) != 1)
        return false;
    map_ipv4(four, out);
    *out_bits = 32;
    return true;
}

static bool is_ipv4(const unsigned char *address)
{
    return is_in_text(address, "::ffff:0:0", BITS_OF_IPV4);
}

/* --- Rules --- */

/* Takes ":PORT" off the end, which may follow brackets, bits or an address of IPv4. */
static bool cut_port(struct str *text, uint16_t *out)
{
    ptrdiff_t colon = -1;
    uint64_t port;
    for (size_t i = 0; i < text->len; i++)
        colon = text->ptr[i] == ':' ? (ptrdiff_t)i : colon;
    struct str before = colon < 0 ? *text : str_slice(*text, 0, (size_t)colon);
    bool is_bracketed = str_find_byte(before, ']', 0) >= 0;
    *out = 0;
    if (colon < 0 || (!is_bracketed && str_find_byte(before, ':', 0) >= 0))
        return true;
    if (!str_to_u64(str_slice(*text, (size_t)colon + 1, text->len), &port) || port < 1 ||
        port > UINT16_MAX)
        return false;
    *out = (uint16_t)port;
    *text = before;
    return true;
}

static bool parse_rule(struct str text, struct reach_rule *out)
{
    char address[INET6_ADDRSTRLEN];
    struct str bits_text = STR_EMPTY;
    uint64_t bits;
    unsigned most;
    if (!cut_port(&text, &out->port))
        return false;
    ptrdiff_t slash = str_find_byte(text, '/', 0);
    if (slash >= 0) {
        bits_text = str_slice(text, (size_t)slash + 1, text.len);
        text = str_slice(text, 0, (size_t)slash);
    }
    if (str_starts(text, STR("[")) && str_ends(text, STR("]")))
        text = str_slice(text, 1, text.len - 2);
    if (text.len >= sizeof(address))
        return false;
    snprintf(address, sizeof(address), "%.*s", STR_ARG(text));
    if (!parse_address(address, out->address, &most))
        return false;
    bits = most;
    if (slash >= 0 && (!str_to_u64(bits_text, &bits) || bits > most))
        return false;
    out->bits = (unsigned)bits + (128 - most);
    return true;
}

enum err reach_allow(struct reach *reach, struct str text, struct error *error)
{
    if (reach->rule_count == REACH_MAX_RULES)
        return error_set(error, ERR_VALIDATION, "more than %d addresses are allowed",
                         REACH_MAX_RULES);
    if (!parse_rule(text, &reach->rules[reach->rule_count]))
        return error_set(error, ERR_VALIDATION,
                         "an address is ADDRESS[/BITS][:PORT] (with a port, IPv6 in brackets), "
                         "not %.*s",
                         STR_ARG(text));
    reach->rule_count++;
    return OK;
}

void reach_add_own_port(struct reach *reach, uint16_t port)
{
    assert(reach->own_port_count < REACH_MAX_OWN_PORTS);
    reach->own_ports[reach->own_port_count++] = port;
}

static bool is_allowed(const struct reach *reach, const unsigned char *address, uint16_t port)
{
    bool is_own_port = false;
    for (size_t i = 0; i < reach->own_port_count; i++)
        is_own_port |= reach->own_ports[i] == port;
    for (size_t i = 0; i < reach->rule_count; i++) {
        const struct reach_rule *rule = &reach->rules[i];
        bool is_port = rule->port ? rule->port == port : !is_own_port;
        if (is_port && is_in(address, rule->address, rule->bits))
            return true;
    }
    return false;
}

/* --- Judging --- */

/* Only addresses of this machine can be bound to, those of its broadcasts and multicasts included.
 * So the kernel's own table answers, as it is now. */
static bool is_of_this_machine(const unsigned char *address)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    struct sockaddr_in four = {.sin_family = AF_INET};
    bool is_four = is_ipv4(address);
    memcpy(&six.sin6_addr, address, 16);
    memcpy(&four.sin_addr, address + 12, 4);
    int fd = socket(is_four ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno != EAFNOSUPPORT; /* then nobody is reached that way at all */
    int rc = is_four ? bind(fd, (struct sockaddr *)&four, sizeof(four))
                     : bind(fd, (struct sockaddr *)&six, sizeof(six));
    bool is_foreign = rc != 0 && errno == EADDRNOTAVAIL;
    close(fd);
    return !is_foreign;
}

static bool is_forbidden(const unsigned char *address)
{
    unsigned char inner[16];
    for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
        if (is_in_text(address, forbidden[i].address, forbidden[i].bits))
            return true;
    }
    for (size_t i = 0; i < sizeof(embeddings) / sizeof(embeddings[0]); i++) {
        if (!is_in_text(address, embeddings[i].address, embeddings[i].bits))
            continue;
        map_ipv4(address + embeddings[i].offset, inner);
        return is_forbidden(inner);
    }
    return is_of_this_machine(address);
}

bool reach_permits(const struct reach *reach, const struct sockaddr *address)
{
    unsigned char bytes[16];
    uint16_t port;
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *four = (const void *)address;
        map_ipv4(&four->sin_addr, bytes);
        port = ntohs(four->sin_port);
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const void *)address;
        memcpy(bytes, &six->sin6_addr, sizeof(bytes));
        port = ntohs(six->sin6_port);
    } else {
        return false;
    }
    return is_allowed(reach, bytes, port) || !is_forbidden(bytes);
}
