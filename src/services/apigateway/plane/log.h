/* What the gateway writes to CloudWatch Logs: access logs, one line per request in the format of
 * the stage, and execution logs, which follow each request of a method whose logging level asks for
 * it. https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html */
#pragma once

#include "services/apigateway/plane/call.h"

/* The log group that an ARN names ("arn:aws:logs:REGION:ACCOUNT:log-group:NAME"); empty when it
 * names none of this region and account. In `arena`. */
struct str access_log_group(struct arena *arena, struct str region, struct str account,
                            struct str text);

/* Adds a line to the call's execution log, when its method logs all, its errors at least, or what
 * passes through it. Cheap when it does not. */
void execution_log(struct api_call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void execution_log_error(struct api_call *call, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool execution_log_has_data(const struct api_call *call);

/* Headers as such a log shows them: {name=value, name=value}. In the call's arena. The client's key
 * and credentials are masked, wherever they stand. */
struct str execution_log_headers(const struct api_call *call, const struct http_header *headers,
                                 size_t count);

/* Tell what is asked of the integration, and what it answers, in AWS's lines: address, headers and
 * body where data are traced. */
void execution_log_sent(struct api_call *call, struct str uri, const struct http_header *headers,
                        size_t count, struct str body);
void execution_log_received(struct api_call *call, const struct http_header *headers, size_t count,
                            struct str body);

/* A body as such a log shows it: as much of it as AWS does, masked as headers are. */
struct str execution_log_body(const struct api_call *call, struct str body);

/* The execution log so far, as TestInvokeMethod shows it. In the call's arena. */
struct str execution_log_text(const struct api_call *call);

/* Hands over what the call has to tell, now that its answer is known. */
void logs_finish(struct api_call *call);
