/* What was counted since the start, for Prometheus
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). Metrics of services become
 * aws_NAMESPACE_NAME with CloudWatch's dimensions as labels: counts a counter (_total), times a
 * histogram in seconds, anything else a summary (_sum and _count). */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "services/cloudwatch/internal.h"

enum { MAX_TEXT = 64 * 1024 * 1024 };

struct listing {
    struct metric_series **series;
    size_t count, capacity;
};

static void collect(struct metric_series *series, void *arg)
{
    struct listing *listing = arg;
    if (!series->is_exposed)
        return;
    if (listing->count == listing->capacity) {
        listing->capacity = listing->capacity ? 2 * listing->capacity : 64;
        listing->series =
            realloc(listing->series, listing->capacity * sizeof(struct metric_series *));
        if (!listing->series)
            abort();
    }
    listing->series[listing->count++] = series;
}

static int by_key(const void *a, const void *b)
{
    return str_cmp((*(struct metric_series *const *)a)->key,
                   (*(struct metric_series *const *)b)->key);
}

/* "AWS/ApiGateway" and "4XXError" to "aws_apigateway_4xxerror". */
static void add_name(struct buf *out, const struct cw_identity *identity)
{
    struct str parts[2] = {identity->space, identity->name};
    for (int i = 0; i < 2; i++) {
        if (i)
            buf_add_byte(out, '_');
        for (size_t j = 0; j < parts[i].len; j++) {
            char c = parts[i].ptr[j];
            bool is_upper = c >= 'A' && c <= 'Z';
            bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
            buf_add_byte(out, is_upper ? (char)(c + ('a' - 'A')) : is_plain ? c : '_');
        }
    }
}

static void add_label_value(struct buf *out, struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (c == '\\' || c == '"')
            buf_add_byte(out, '\\');
        if (c == '\n')
            buf_add(out, STR("\\n"));
        else
            buf_add_byte(out, c);
    }
}

/* `last` is one more label as it is to be written, or empty. */
static void add_labels(struct buf *out, const struct cw_identity *identity, struct str last)
{
    char before = '{';
    for (size_t i = 0; i < identity->dimension_count; i++) {
        buf_add_byte(out, before);
        buf_add(out, identity->dimensions[i].name);
        buf_add(out, STR("=\""));
        add_label_value(out, identity->dimensions[i].value);
        buf_add_byte(out, '"');
        before = ',';
    }
    if (last.len) {
        buf_add_byte(out, before);
        buf_add(out, last);
        before = ',';
    }
    if (before == ',')
        buf_add_byte(out, '}');
}

static bool is_same_family(const struct metric_series *a, const struct metric_series *b)
{
    return str_eq(a->identity.space, b->identity.space) &&
           str_eq(a->identity.name, b->identity.name);
}

enum family { FAMILY_COUNTER, FAMILY_HISTOGRAM, FAMILY_SUMMARY };

/* What is running at a time says nothing when it is added up. */
static enum family family_of(const struct metric_series *series)
{
    if (series->steps)
        return FAMILY_HISTOGRAM;
    bool is_count = str_eq(series->identity.unit, STR("Count")) &&
                    !str_eq(series->identity.name, STR("ConcurrentExecutions"));
    return is_count ? FAMILY_COUNTER : FAMILY_SUMMARY;
}

static void add_sample(struct buf *out, const struct cw_identity *identity, const char *suffix,
                       struct str label, double value)
{
    add_name(out, identity);
    buf_add(out, str_from(suffix));
    add_labels(out, identity, label);
    buf_printf(out, " %.17g\n", value);
}

static void add_head(struct buf *out, const struct metric_series *series)
{
    static const char *const types[] = {"counter", "histogram", "summary"};
    static const char *const suffixes[] = {"_total", "_seconds", ""};
    const struct cw_identity *identity = &series->identity;
    enum family family = family_of(series);
    buf_add(out, STR("# HELP "));
    add_name(out, identity);
    buf_printf(out, "%s CloudWatch's %.*s of %.*s.\n# TYPE ", suffixes[family],
               STR_ARG(identity->name), STR_ARG(identity->space));
    add_name(out, identity);
    buf_printf(out, "%s %s\n", suffixes[family], types[family]);
}

/* What a series has counted since the start. */
struct totals {
    double count, sum;
    uint64_t steps[CW_STEP_COUNT + 1];
};

static struct totals read_totals(struct metric_series *series)
{
    struct totals totals = {0};
    pthread_mutex_lock(&series->lock);
    cw_settle(series);
    totals.count = series->total_count;
    totals.sum = series->total_sum;
    if (series->steps)
        memcpy(totals.steps, series->steps, sizeof(totals.steps));
    pthread_mutex_unlock(&series->lock);
    return totals;
}

static void add_histogram(struct buf *out, const struct cw_identity *identity,
                          const struct totals *totals)
{
    static const double steps[CW_STEP_COUNT] = CW_STEPS;
    uint64_t passed = 0;
    char label[40];
    for (size_t i = 0; i < CW_STEP_COUNT; i++) {
        passed += totals->steps[i];
        snprintf(label, sizeof(label), "le=\"%.10g\"", steps[i] / 1000);
        add_sample(out, identity, "_seconds_bucket", str_from(label), (double)passed);
    }
    add_sample(out, identity, "_seconds_bucket", STR("le=\"+Inf\""), totals->count);
    add_sample(out, identity, "_seconds_sum", STR_EMPTY, totals->sum / 1000);
    add_sample(out, identity, "_seconds_count", STR_EMPTY, totals->count);
}

static void add_series(struct buf *out, struct metric_series *series)
{
    const struct cw_identity *identity = &series->identity;
    struct totals totals = read_totals(series);
    switch (family_of(series)) {
    case FAMILY_COUNTER:
        add_sample(out, identity, "_total", STR_EMPTY, totals.sum);
        break;
    case FAMILY_HISTOGRAM:
        add_histogram(out, identity, &totals);
        break;
    case FAMILY_SUMMARY:
        add_sample(out, identity, "_sum", STR_EMPTY, totals.sum);
        add_sample(out, identity, "_count", STR_EMPTY, totals.count);
        break;
    }
}

static void add_gauge(struct buf *out, const char *name, const char *type, const char *help,
                      double value)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %.17g\n", name, help, name, type, name, value);
}

static double resident_bytes(void)
{
    unsigned long long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file) {
        if (fscanf(file, "%llu %llu", &size, &resident) != 2)
            resident = 0;
        fclose(file);
    }
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

/* What the store's files hold. */
static double store_bytes(const struct cloudwatch *cloudwatch, struct arena *arena)
{
    double bytes = 0;
    const struct dirent *entry;
    struct stat status;
    DIR *dir = opendir(arena_printf(arena, "%s/store", cloudwatch->skylite->config.data_dir).ptr);
    while (dir && (entry = readdir(dir))) {
        if (fstatat(dirfd(dir), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(status.st_mode))
            bytes += (double)status.st_size;
    }
    if (dir)
        closedir(dir);
    return bytes;
}

static void add_server(struct buf *out, const struct cloudwatch *cloudwatch, struct arena *arena)
{
    add_gauge(out, "skylite_store_bytes", "gauge", "Size of the store's files.",
              store_bytes(cloudwatch, arena));
    buf_add(out, STR("# HELP skylite_build_info What runs.\n# TYPE skylite_build_info gauge\n"
                     "skylite_build_info{version=\"" SKYLITE_VERSION "\"} 1\n"));
}

static void add_process(struct buf *out, const struct cloudwatch *cloudwatch)
{
    struct rusage usage = {0};
    getrusage(RUSAGE_SELF, &usage);
    double cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                   (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    add_gauge(out, "process_cpu_seconds_total", "counter",
              "CPU time of the server, without its functions.", cpu_s);
    add_gauge(out, "process_resident_memory_bytes", "gauge", "Memory of the server.",
              resident_bytes());
    add_gauge(out, "process_start_time_seconds", "gauge", "When the server was started.",
              (double)cloudwatch->started_ms / 1000);
}

struct str cw_expose(void *self, struct arena *arena)
{
    struct cloudwatch *cloudwatch = self;
    struct listing listing = {0};
    struct buf out;
    buf_init_arena(&out, arena, MAX_TEXT);
    cw_each(cloudwatch, collect, &listing);
    if (listing.count)
        qsort(listing.series, listing.count, sizeof(*listing.series), by_key);
    for (size_t i = 0; i < listing.count; i++) {
        if (i == 0 || !is_same_family(listing.series[i], listing.series[i - 1]))
            add_head(&out, listing.series[i]);
        add_series(&out, listing.series[i]);
    }
    cw_requests_expose(cloudwatch, &out);
    add_process(&out, cloudwatch);
    add_server(&out, cloudwatch, arena);
    free(listing.series);
    return buf_str(&out);
}
