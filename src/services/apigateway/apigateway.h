/* Amazon API Gateway, REST APIs (version 1): the control plane as a service, the data plane as
 * `skylite->apis`. README.md tells how it works. */
#pragma once

#include "core/skylite.h"

struct apigateway;

/* Loads the deployed APIs, adds the service and fills skylite->apis. After the store is open and
 * the loops are made, before they run. */
enum err apigateway_new(struct skylite *skylite, struct apigateway **out, struct error *error);

/* Saves the use of plans. After the loops have ended and before they and the store are freed. */
void apigateway_free(struct apigateway *apigateway);
