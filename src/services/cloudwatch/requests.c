/* Requests of AWS APIs by service, operation and status, for Prometheus. */
#include <stdlib.h>

#include "services/cloudwatch/internal.h"

/* Statuses that are counted as such; the last place is for all others. */
static const int statuses[] = {200, 201, 202, 204, 206, 304, 400, 403, 404, 409, 411,
                               412, 413, 415, 416, 429, 500, 501, 502, 503, 504, 0};

enum { STATUS_COUNT = sizeof(statuses) / sizeof(statuses[0]) };

struct row {
    atomic_ullong counts[STATUS_COUNT];
};

/* Of a service: a row for each operation, and one for what is none. Made with its first request. */
struct request_counts {
    _Atomic(struct row *) rows;
};

void cw_requests_init(struct cloudwatch *cloudwatch)
{
    cloudwatch->requests = calloc(SKYLITE_MAX_SERVICES, sizeof(*cloudwatch->requests));
    if (!cloudwatch->requests)
        abort();
}

void cw_requests_release(struct cloudwatch *cloudwatch)
{
    for (size_t i = 0; cloudwatch->requests && i < SKYLITE_MAX_SERVICES; i++)
        free(atomic_load(&cloudwatch->requests[i].rows));
    free(cloudwatch->requests);
}

static struct row *rows_of(struct request_counts *counts, const struct service *service)
{
    struct row *rows = atomic_load_explicit(&counts->rows, memory_order_acquire), *other = NULL;
    if (rows)
        return rows;
    rows = calloc(service->operation_count + 1, sizeof(*rows));
    if (!rows)
        abort();
    if (atomic_compare_exchange_strong(&counts->rows, &other, rows))
        return rows;
    free(rows); /* another thread was first */
    return other;
}

static size_t place_of_status(int status)
{
    size_t place = 0;
    while (place < STATUS_COUNT - 1 && statuses[place] != status)
        place++;
    return place;
}

void cw_count_request(void *self, const struct service *service, const struct operation *operation,
                      int status)
{
    struct cloudwatch *cloudwatch = self;
    const struct skylite *skylite = cloudwatch->skylite;
    size_t place = 0;
    while (place < skylite->service_count && skylite->services[place] != service)
        place++;
    if (place == skylite->service_count)
        return;
    struct row *rows = rows_of(&cloudwatch->requests[place], service);
    struct row *row =
        rows + (operation ? (size_t)(operation - service->operations) : service->operation_count);
    atomic_fetch_add_explicit(&row->counts[place_of_status(status)], 1, memory_order_relaxed);
}

static void expose_row(const struct row *row, const char *service, const char *operation,
                       struct buf *out)
{
    for (size_t i = 0; i < STATUS_COUNT; i++) {
        unsigned long long count = atomic_load_explicit(&row->counts[i], memory_order_relaxed);
        if (!count)
            continue;
        buf_printf(out, "skylite_requests_total{service=\"%s\",operation=\"%s\",code=\"", service,
                   operation);
        if (statuses[i])
            buf_printf(out, "%d", statuses[i]);
        else
            buf_add(out, STR("other"));
        buf_printf(out, "\"} %llu\n", count);
    }
}

void cw_requests_expose(const struct cloudwatch *cloudwatch, struct buf *out)
{
    const struct skylite *skylite = cloudwatch->skylite;
    buf_add(out, STR("# HELP skylite_requests_total Answered requests of AWS APIs.\n"
                     "# TYPE skylite_requests_total counter\n"));
    for (size_t i = 0; i < skylite->service_count; i++) {
        const struct service *service = skylite->services[i];
        const struct row *rows =
            atomic_load_explicit(&cloudwatch->requests[i].rows, memory_order_acquire);
        for (size_t j = 0; rows && j <= service->operation_count; j++) {
            bool is_known = j < service->operation_count;
            expose_row(&rows[j], service->name, is_known ? service->operations[j].name : "unknown",
                       out);
        }
    }
}
