/* Who has signed an HTTP request, by Signature Version 4. */
#pragma once

#include "core/principal.h"
#include "core/skylite.h"
#include "io/http.h"
#include "wire/sigv4.h"

/* The parts of the request that a signature covers; borrowed from it and the arena. */
struct sigv4_request authenticate_part(const struct http_exchange *exchange, struct arena *arena);

/* Finds the key of a claim that sigv4_parse found, and checks the signature. All parts of the
 * principal are in `arena`. The errors of the capability's find_key and of sigv4_verify. */
enum err authenticate_claim(const struct skylite *skylite, const struct sigv4_request *part,
                            const struct sigv4_claim *claim, struct arena *arena,
                            struct principal *out, struct error *error);
