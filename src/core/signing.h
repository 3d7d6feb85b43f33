/* Rules of each service for signatures. */
#pragma once

#include "core/skylite.h"
#include "wire/sigv4.h"

/* The rules of the service with that name in the credential scope; `service` is borrowed. Services
 * without a row have AWS's usual ones. */
struct sigv4_rules signing_rules(const struct skylite *skylite, struct str service);
