/* What the files of this folder share: finding an operation, writing an answer. */
#pragma once

#include "core/request.h"
#include "core/skylite.h"
#include "wire/sigv4.h"

/* Finds service, protocol and operation of a wire request and fills them in `request`. `service` is
 * what its signature is scoped to: the services here share one endpoint, so it stands for the host
 * that was meant, where the request itself does not name a service; empty when it has none. What
 * can be told is filled in also when it fails, so that the error has the right form. */
enum err route_find(struct request *request, struct str service);

/* True when the body is packed, as SDKs send large ones with gzip. Those of REST protocols are what
 * they are: objects of S3, payloads of functions. After route_find, which may have failed for it.
 */
bool route_is_packed(const struct request *request);

/* Puts the unpacked body in its place. The service's error (operation.h) when it cannot be, or
 * is too long. Only for
 * callers who are known, since a few bytes unpack to megabytes; route_find is due again then: the
 * query protocol names its operation in the body. */
enum err route_unpack(struct request *request);

/* Fills request->input and raw_input from the HTTP exchange as the protocol has it. After
 * route_find. */
enum err route_read_input(struct request *request);

/* Writes the answer or error of a wire request to its exchange. */
void protocol_reply(struct request *request, enum err rc);

/* The same as bytes, for a request that did not come over HTTP: body and status. */
struct str protocol_answer(struct request *request, enum err rc, int *out_status);

/* Checks the row's IAM action and runs the handler, then finishes the request unless it is pending.
 */
void request_run(struct request *request);
