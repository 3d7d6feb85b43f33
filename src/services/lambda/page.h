/* Pages of lists: MaxItems and Marker of a request, NextMarker of its answer. */
#pragma once

#include "core/request.h"

struct page {
    int64_t size;
    struct str after; /* the name with which the page before ended; empty: the first page */
};

/* Reads and checks what the request asks for. Fills request->error. */
enum err page_read(struct request *request, struct page *out);

/* Says that there is more behind the name `last`. */
void page_add_marker(struct request *request, struct str last);
