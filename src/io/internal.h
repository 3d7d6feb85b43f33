/* What the files of this folder share. */
#pragma once

#include <uv.h>

#include "io/loop.h"

/* The libuv loop inside. */
uv_loop_t *loop_uv(struct loop *loop);

/* The current second as an HTTP date (RFC 9110, section 5.6.7), 29 bytes; made once a second. */
struct str loop_http_date(struct loop *loop);
