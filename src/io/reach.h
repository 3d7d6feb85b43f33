/* Addresses that requests to other servers may go to. This machine, its link and what is no single
 * host are out of reach, unless a rule names them: who may write an integration must not become a
 * client on this machine. */
#pragma once

#include "base/error.h"
#include "base/str.h"

struct sockaddr;

enum { REACH_MAX_RULES = 32, REACH_MAX_OWN_PORTS = 4 };

/* Addresses in the form of IPv6; those of IPv4 as "::ffff:a.b.c.d". */
struct reach_rule {
    unsigned char address[16];
    unsigned bits;
    uint16_t port; /* 0: any but the server's own */
};

struct reach {
    struct reach_rule rules[REACH_MAX_RULES];
    size_t rule_count;
    uint16_t own_ports[REACH_MAX_OWN_PORTS]; /* only rules that name such a port allow it */
    size_t own_port_count;
};

/* Adds a rule "ADDRESS[/BITS][:PORT]"; with a port an address of IPv6 is in brackets
 * ("[fd00::]/8:80"). */
enum err reach_allow(struct reach *reach, struct str text, struct error *error);

/* Adds a port that the server itself listens on. */
void reach_add_own_port(struct reach *reach, uint16_t port);

/* True when a connection may be made there. Asks the kernel which addresses are this machine's: a
 * few system calls, without waiting. Any thread. */
bool reach_permits(const struct reach *reach, const struct sockaddr *address);
