/* Answers of the query protocol: JSON values written as XML, escaped. No I/O. */
#pragma once

#include "base/buf.h"
#include "wire/json.h"

/* Adds text with & < > " ' and control characters escaped. */
void xml_add_text(struct buf *buf, struct str text);

/* Adds <name>value</name>: objects become child elements, arrays <member> elements, the rest its
 * text. NULL members are left out. */
void xml_add_value(struct buf *buf, struct str name, const yyjson_mut_val *value);

/* A whole answer: <OpResponse xmlns="NS"><OpResult>...</OpResult><ResponseMetadata><RequestId>...;
 * `output` may be NULL. */
struct str xml_query_response(struct arena *arena, struct str operation, struct str xmlns,
                              struct str request_id, const yyjson_mut_val *output);

/* <ErrorResponse
 * xmlns="NS"><Error><Type>Sender|Receiver</Type><Code/><Message/></Error><RequestId/></ErrorResponse>
 */
struct str xml_query_error(struct arena *arena, struct str xmlns, struct str request_id,
                           bool is_sender, struct str code, struct str message);
