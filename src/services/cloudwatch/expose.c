/* What was counted since the start, for Prometheus
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). A metric of a service becomes a
 * summary without quantiles: aws_lambda_duration_sum and _count, in its unit. */
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

static void add_labels(struct buf *out, const struct cw_identity *identity)
{
    for (size_t i = 0; i < identity->dimension_count; i++) {
        buf_add(out, i ? STR(",") : STR("{"));
        buf_add(out, identity->dimensions[i].name);
        buf_add(out, STR("=\""));
        add_label_value(out, identity->dimensions[i].value);
        buf_add_byte(out, '"');
    }
    buf_add(out, identity->dimension_count ? STR("}") : STR_EMPTY);
}

static bool is_same_family(const struct metric_series *a, const struct metric_series *b)
{
    return str_eq(a->identity.space, b->identity.space) &&
           str_eq(a->identity.name, b->identity.name);
}

static void add_sample(struct buf *out, const struct cw_identity *identity, const char *suffix,
                       double value)
{
    add_name(out, identity);
    buf_add(out, str_from(suffix));
    add_labels(out, identity);
    buf_printf(out, " %.17g\n", value);
}

static void add_series(struct buf *out, struct metric_series *series, bool is_first)
{
    const struct cw_identity *identity = &series->identity;
    pthread_mutex_lock(&series->lock);
    double count = series->total_count, sum = series->total_sum;
    pthread_mutex_unlock(&series->lock);
    if (is_first) {
        buf_add(out, STR("# HELP "));
        add_name(out, identity);
        buf_printf(out, " %.*s of %.*s (%.*s)\n# TYPE ", STR_ARG(identity->name),
                   STR_ARG(identity->space), STR_ARG(identity->unit));
        add_name(out, identity);
        buf_add(out, STR(" summary\n"));
    }
    add_sample(out, identity, "_sum", sum);
    add_sample(out, identity, "_count", count);
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
    for (size_t i = 0; i < listing.count; i++)
        add_series(&out, listing.series[i],
                   i == 0 || !is_same_family(listing.series[i], listing.series[i - 1]));
    add_process(&out, cloudwatch);
    add_server(&out, cloudwatch, arena);
    free(listing.series);
    return buf_str(&out);
}
