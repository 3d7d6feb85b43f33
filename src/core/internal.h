/* What the files of this folder share: finding an operation, writing an answer. */
#pragma once

#include "core/request.h"
#include "core/skylite.h"
#include "wire/sigv4.h"

/* Finds service, protocol and operation of a wire request and fills them in `request`. `claim` is
 * NULL for an unsigned one. What it can tell is filled in also when it fails, so that the error has
 * the right form. */
enum err route_find(struct request *request, const struct sigv4_claim *claim);

/* Fills request->input and raw_input from the HTTP exchange as the protocol has it. After
 * route_find. */
enum err route_read_input(struct request *request);

/* Writes the answer or error of a wire request to its exchange. */
void protocol_reply(struct request *request, enum err rc);

/* Checks the row's IAM action and runs the handler, then finishes the request unless it is pending.
 */
void request_run(struct request *request);
