/* Who has signed an HTTP request, by Signature Version 4. */
#pragma once

#include "core/principal.h"
#include "core/skylite.h"
#include "io/http.h"
#include "wire/sigv4.h"

/* The parts of the request that a signature covers; borrowed from it and the arena. */
struct sigv4_request authenticate_part(const struct http_exchange *exchange, struct arena *arena);

/* The account's root, whoever asks: for --auth any. */
struct principal authenticate_nobody(const struct skylite *skylite, const struct sigv4_claim *claim,
                                     struct arena *arena);

/* True when the head of a request whose body is not here yet bears a signature that may be good:
 * its key is known, its time is now, and where the head says the body's hash, it is right.
 * `out_service` is the one that it is for. */
bool authenticate_head(const struct skylite *skylite, const struct http_exchange *exchange,
                       struct arena *arena, struct str *out_service);

/* Checks that a claim that sigv4_parse found is one for `service` ("s3") and this server, finds its
 * key and checks the signature. All parts of the principal are in `arena`. For a body in signed
 * chunks `*out_stream` is what they are to be checked with, in `arena`; else NULL. The errors of
 * sigv4_check, the capability's find_key and sigv4_verify. */
enum err authenticate_claim(const struct skylite *skylite, const struct sigv4_request *part,
                            const struct sigv4_claim *claim, struct str service,
                            struct arena *arena, struct principal *out,
                            struct sigv4_stream **out_stream, struct error *error);
