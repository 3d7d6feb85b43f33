/* What a method's request validator checks of a call: parameters that have to be there, and a body
 * that has to fit the model of its content type. */
#pragma once

#include "services/apigateway/plane/call.h"

/* Fills method->validation from the method's document and the snapshot's validators and models. */
void validation_compile(struct stage *stage, struct method *method, yyjson_val *document,
                        yyjson_val *snapshot);

/* Whether the call may go on; else it is answered with 400. */
bool validation_pass(struct api_call *call);
