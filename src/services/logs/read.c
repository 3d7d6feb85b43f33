/* GetLogEvents and FilterLogEvents: walks over a group's events. */
#include "services/logs/filter.h"
#include "services/logs/internal.h"

enum {
    MAX_EVENTS = 10000,
    MAX_BYTES = 1024 * 1024,
    MAX_SCANNED =
        50 * 1000, /* events looked at in one call: bounds the time that the loop is held */
};

static const struct position first_position = {0, 0};
static const struct position last_position = {INT64_MAX, UINT64_MAX};

static struct position after(struct position position)
{
    position.sequence++;
    return position;
}

/* --- A walk --- */

struct walk {
    struct request *request;
    struct group group;
    struct store_iter *iter;
    struct arena scratch; /* of one event */
    size_t limit, bytes, count, scanned;
    struct position reached; /* the last event that was looked at */
    yyjson_mut_val *list;
};

/* Over the positions in [from, to). */
static void walk_start(struct walk *walk, struct position from, struct position to, bool is_reverse)
{
    struct request *request = walk->request;
    uint64_t group = walk->group.id;
    walk->iter = store_iter_new(request->skylite->store, STORE_LOGS,
                                logs_key_event(request->arena, group, from),
                                logs_key_event(request->arena, group, to), is_reverse);
}

/* The next event, while the page has room. */
static bool walk_next(struct walk *walk, struct event *out)
{
    struct str key, value;
    if (walk->count == walk->limit || walk->bytes > MAX_BYTES || walk->scanned == MAX_SCANNED ||
        !store_iter_next(walk->iter, &key, &value))
        return false;
    walk->scanned++;
    *out = logs_event_read(key, value);
    walk->reached = out->position;
    return true;
}

static yyjson_mut_val *add_event(struct walk *walk, const struct event *event)
{
    struct request *request = walk->request;
    yyjson_mut_val *object = yyjson_mut_obj(request->doc);
    json_add_i64(request->doc, object, "timestamp", event->position.time_ms);
    json_add_str(request->doc, object, "message", arena_str(request->arena, event->message));
    json_add_i64(request->doc, object, "ingestionTime", event->ingested_ms);
    walk->count++;
    walk->bytes += event->message.len + EVENT_OVERHEAD;
    return object;
}

static enum err walk_end(struct walk *walk)
{
    enum err rc = store_iter_error(walk->iter, &walk->request->error);
    store_iter_free(walk->iter);
    arena_release(&walk->scratch);
    return rc;
}

static enum err find_group(struct request *request, struct group *out)
{
    struct reader reader = reader_of(request, NULL);
    struct str name;
    enum err rc = logs_input_group(request, &name);
    return rc ? rc : logs_group_get(&reader, name, out, &request->error);
}

static enum err invalid_token(struct request *request)
{
    return request_fail(request, ERR_LOGS_INVALID_PARAMETER, "The specified nextToken is invalid.");
}

/* --- GetLogEvents --- */

struct page {
    struct position from, to; /* the events asked for: [from, to) */
    bool is_forward;
    bool has_token;
    struct position token;
};

static enum err read_page(struct request *request, struct page *out)
{
    struct str token = request_str(request, "nextToken");
    int64_t start, end;
    enum err rc = logs_input_time(request, "startTime", 0, &start);
    if (rc == OK)
        rc = logs_input_time(request, "endTime", INT64_MAX, &end);
    if (rc)
        return rc;
    *out = (struct page){
        .from = {start, 0},
        .to = {end, 0},
        .is_forward = json_get_bool(request->input, "startFromHead", false),
    };
    if (!token.ptr)
        return OK;
    out->is_forward = str_starts(token, STR("f/"));
    out->has_token = true;
    if ((!out->is_forward && !str_starts(token, STR("b/"))) ||
        !logs_position_parse(str_slice(token, 2, 56), &out->token))
        return invalid_token(request);
    return OK;
}

static bool is_before(struct position a, struct position b)
{
    return a.time_ms != b.time_ms ? a.time_ms < b.time_ms : a.sequence < b.sequence;
}

/* Narrows the walk to what follows the token, and to where the stream has events. */
static void narrow(struct page *page, const struct stream *stream)
{
    struct position first = {stream->first_ms, 0}, end = {stream->last_ms + 1, 0};
    if (page->has_token && page->is_forward && is_before(page->from, after(page->token)))
        page->from = after(page->token);
    if (page->has_token && !page->is_forward && is_before(page->token, page->to))
        page->to = page->token;
    if (is_before(page->from, first))
        page->from = first;
    if (is_before(end, page->to))
        page->to = end;
}

/* Where the pages before and behind this one begin; both are looked at without the event itself. */
struct edges {
    struct position backward, forward;
};

/* Of a page without events: its token leads nowhere yet and is given back, so that a client can go
 * on asking. */
static struct edges edges_of_empty(const struct page *page)
{
    if (!page->has_token)
        return (struct edges){page->from, page->from};
    return (struct edges){page->is_forward ? after(page->token) : page->token, page->token};
}

static void add_tokens(struct request *request, const struct edges *edges)
{
    yyjson_mut_val *output = request_output(request);
    struct str forward = logs_position_text(request->arena, edges->forward);
    struct str backward = logs_position_text(request->arena, edges->backward);
    json_add_str(request->doc, output, "nextForwardToken",
                 arena_printf(request->arena, "f/%.*s/s", STR_ARG(forward)));
    json_add_str(request->doc, output, "nextBackwardToken",
                 arena_printf(request->arena, "b/%.*s/s", STR_ARG(backward)));
}

static void walk_page(struct walk *walk, const struct page *page, uint64_t stream,
                      struct edges *edges)
{
    struct event event;
    while (walk_next(walk, &event)) {
        if (walk->scanned == 1)
            *(page->is_forward ? &edges->backward : &edges->forward) = event.position;
        if (event.stream != stream)
            continue;
        yyjson_mut_val *object = add_event(walk, &event);
        if (page->is_forward)
            yyjson_mut_arr_append(walk->list, object);
        else
            yyjson_mut_arr_prepend(walk->list, object);
    }
    if (walk->scanned)
        *(page->is_forward ? &edges->forward : &edges->backward) = walk->reached;
}

static enum err get_events(struct walk *walk, struct page *page, const struct stream *stream)
{
    struct edges edges = edges_of_empty(page);
    enum err rc = OK;
    narrow(page, stream);
    if (stream->last_ms >= 0 && is_before(page->from, page->to)) {
        walk_start(walk, page->from, page->to, !page->is_forward);
        walk_page(walk, page, stream->id, &edges);
        rc = walk_end(walk);
    }
    add_tokens(walk->request, &edges);
    return rc;
}

enum err logs_get_log_events(struct request *request)
{
    struct reader reader = reader_of(request, NULL);
    struct walk walk = {.request = request};
    struct str stream_name;
    struct stream stream;
    struct page page;
    int64_t limit;
    enum err rc = logs_input_name(request, "logStreamName", true, &stream_name);
    if (rc == OK)
        rc = logs_input_limit(request, MAX_EVENTS, &limit);
    if (rc == OK)
        rc = read_page(request, &page);
    if (rc == OK)
        rc = find_group(request, &walk.group);
    if (rc == OK)
        rc = logs_stream_get(&reader, &walk.group, stream_name, &stream, &request->error);
    if (rc)
        return rc;
    walk.limit = (size_t)limit;
    walk.list = json_add_arr(request->doc, request_output(request), "events");
    return get_events(&walk, &page, &stream);
}

/* --- FilterLogEvents --- */

struct search {
    struct walk walk;
    const struct filter *filter;
    struct str prefix;  /* of streams' names */
    yyjson_val *wanted; /* streams' names, or NULL */
    struct map names;   /* stream id -> struct stream_name */
};

struct stream_name {
    struct str name;
    bool is_wanted;
};

static bool is_wanted(const struct search *search, struct str name)
{
    size_t i, max;
    yyjson_val *wanted;
    if (!search->wanted)
        return str_starts(name, search->prefix);
    yyjson_arr_foreach (search->wanted, i, max, wanted) {
        if (str_eq(json_str(wanted), name))
            return true;
    }
    return false;
}

static const struct stream_name *name_of(struct search *search, uint64_t stream)
{
    struct request *request = search->walk.request;
    struct str id = str_make((const char *)&stream, sizeof(stream));
    struct stream_name *name = map_get(&search->names, id);
    bool found = false;
    struct str text = STR_EMPTY;
    if (name)
        return name;
    name = arena_new(request->arena, struct stream_name);
    store_get(request->skylite->store, STORE_LOGS,
              logs_key_stream_name(request->arena, search->walk.group.id, stream), request->arena,
              &found, &text, NULL);
    *name = (struct stream_name){text, found && is_wanted(search, text)};
    map_set(&search->names, id, name);
    return name;
}

static enum err read_search(struct request *request, struct search *out)
{
    struct str pattern = request_str(request, "filterPattern");
    out->wanted = json_get(request->input, "logStreamNames");
    enum err rc = logs_input_name(request, "logStreamNamePrefix", false, &out->prefix);
    if (rc)
        return rc;
    if (out->wanted && out->prefix.len)
        return request_fail(request, ERR_LOGS_INVALID_PARAMETER,
                            "LogStreamNames and LogStreamNamePrefix are mutually exclusive "
                            "parameters.");
    if (yyjson_arr_size(out->wanted) > 100)
        return request_fail(request, ERR_LOGS_INVALID_PARAMETER,
                            "1 validation error detected: Value at 'logStreamNames' failed to "
                            "satisfy constraint: Member must have length less than or equal to "
                            "100");
    return logs_filter_parse(request->arena, pattern.ptr ? pattern : STR_EMPTY, &out->filter,
                             &request->error);
}

static enum err read_range(struct request *request, struct position *out_from,
                           struct position *out_to)
{
    struct str token = request_str(request, "nextToken");
    struct position reached;
    int64_t start, end;
    enum err rc = logs_input_time(request, "startTime", 0, &start);
    if (rc == OK)
        rc = logs_input_time(request, "endTime", INT64_MAX - 1, &end);
    if (rc)
        return rc;
    if (start > end)
        return request_fail(request, ERR_LOGS_INVALID_PARAMETER,
                            "End time must not be less than start time.");
    *out_from = (struct position){start, first_position.sequence};
    *out_to = end >= INT64_MAX - 1 ? last_position : (struct position){end + 1, 0};
    if (token.ptr && !logs_position_parse(token, &reached))
        return invalid_token(request);
    if (token.ptr && is_before(*out_from, after(reached)))
        *out_from = after(reached);
    return OK;
}

static void add_found(struct search *search, const struct event *event, struct str stream)
{
    struct request *request = search->walk.request;
    yyjson_mut_val *object = add_event(&search->walk, event);
    json_add_str(request->doc, object, "logStreamName", stream);
    json_add_str(request->doc, object, "eventId",
                 logs_position_text(request->arena, event->position));
    yyjson_mut_arr_append(search->walk.list, object);
}

static enum err run_search(struct search *search)
{
    struct walk *walk = &search->walk;
    struct request *request = walk->request;
    struct event event;
    while (walk_next(walk, &event)) {
        const struct stream_name *stream = name_of(search, event.stream);
        if (stream->is_wanted && logs_filter_matches(search->filter, event.message, &walk->scratch))
            add_found(search, &event, stream->name);
        arena_reset(&walk->scratch);
    }
    bool has_more =
        walk->count == walk->limit || walk->bytes > MAX_BYTES || walk->scanned == MAX_SCANNED;
    yyjson_mut_val *output = request_output(request);
    json_add_arr(request->doc, output, "searchedLogStreams");
    if (has_more)
        json_add_str(request->doc, output, "nextToken",
                     logs_position_text(request->arena, walk->reached));
    map_release(&search->names);
    return walk_end(walk);
}

enum err logs_filter_log_events(struct request *request)
{
    struct search search = {.walk.request = request};
    struct position from, to;
    int64_t limit;
    enum err rc = read_search(request, &search);
    if (rc == OK)
        rc = logs_input_limit(request, MAX_EVENTS, &limit);
    if (rc == OK)
        rc = read_range(request, &from, &to);
    if (rc == OK)
        rc = find_group(request, &search.walk.group);
    if (rc)
        return rc;
    search.walk.limit = (size_t)limit;
    search.walk.list = json_add_arr(request->doc, request_output(request), "events");
    walk_start(&search.walk, from, to, false);
    return run_search(&search);
}
