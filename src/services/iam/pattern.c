/* Compiling and matching patterns. */
#include "services/iam/pattern.h"

#include "base/buf.h"
#include "services/iam/context.h"

enum { MAX_EXPANDED = 4096 };

static bool is_mark(char c)
{
    return c >= PATTERN_ANY && c <= PATTERN_VARIABLE;
}

/* A byte of a policy that would be taken for a mark matches nothing. */
static char plain_byte(char c, unsigned flags)
{
    if (flags & PATTERN_FOLD_CASE && c >= 'A' && c <= 'Z')
        return (char)(c + ('a' - 'A'));
    return is_mark(c) ? '\0' : c;
}

/* --- Compiling --- */

/* "key" or "key, 'fallback'". */
static struct pattern_variable parse_variable(struct arena *arena, struct str inside)
{
    struct str name = inside;
    struct str fallback = {NULL, 0};
    ptrdiff_t comma = str_find_byte(inside, ',', 0);
    if (comma >= 0) {
        struct str rest = str_trim(str_slice(inside, (size_t)comma + 1, inside.len));
        name = str_slice(inside, 0, (size_t)comma);
        if (rest.len >= 2 && rest.ptr[0] == '\'' && rest.ptr[rest.len - 1] == '\'')
            fallback = str_slice(rest, 1, rest.len - 2);
    }
    struct context_key *key = arena_new(arena, struct context_key);
    *key = iam_context_key_make(str_trim(name));
    return (struct pattern_variable){key, fallback};
}

static size_t count_variables(struct str text)
{
    size_t count = 0;
    for (size_t i = 0; i + 1 < text.len; i++)
        count += text.ptr[i] == '$' && text.ptr[i + 1] == '{';
    return count;
}

/* The length of a "${...}" at the start of `rest`, 0 when there is none. */
static size_t variable_len(struct str rest)
{
    if (rest.len < 3 || rest.ptr[0] != '$' || rest.ptr[1] != '{')
        return 0;
    ptrdiff_t end = str_find_byte(rest, '}', 2);
    return end < 0 ? 0 : (size_t)end + 1;
}

/* "${*}", "${?}" and "${$}" are the characters themselves. */
static bool is_escape(struct str inside)
{
    return inside.len == 1 &&
           (inside.ptr[0] == '*' || inside.ptr[0] == '?' || inside.ptr[0] == '$');
}

void iam_pattern_compile(struct arena *arena, struct str text, unsigned flags, struct pattern *out)
{
    char *to = arena_alloc(arena, text.len + 1);
    size_t len = 0;
    *out = (struct pattern){.is_plain = true};
    text = arena_str(arena, text);
    if (flags & PATTERN_VARIABLES)
        out->variables = arena_array(arena, struct pattern_variable, count_variables(text));

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        size_t skip = flags & PATTERN_VARIABLES ? variable_len(str_slice(text, i, text.len)) : 0;
        struct str inside = skip ? str_slice(text, i + 2, skip - 3) : STR_EMPTY;
        if (skip && is_escape(inside)) {
            to[len++] = inside.ptr[0];
        } else if (skip) {
            out->variables[out->variable_count++] = parse_variable(arena, inside);
            to[len++] = PATTERN_VARIABLE;
            out->is_plain = false;
        } else if (flags & PATTERN_WILDCARDS && (c == '*' || c == '?')) {
            out->is_plain = false;
            if (c == '?' || len == 0 || to[len - 1] != PATTERN_ANY)
                to[len++] = c == '*' ? PATTERN_ANY : PATTERN_ONE;
        } else {
            to[len++] = plain_byte(c, flags);
        }
        i += skip ? skip - 1 : 0;
    }
    out->text = str_make(to, len);
    out->is_any = len == 1 && to[0] == PATTERN_ANY;
}

/* --- Matching --- */

/* Goes back to the newest "*" only: an older one could not do better. */
bool iam_pattern_glob(struct str glob, struct str text)
{
    size_t g = 0, t = 0, star = SIZE_MAX, star_text = 0;
    while (t < text.len) {
        if (g < glob.len && glob.ptr[g] == PATTERN_ANY) {
            star = ++g;
            star_text = t;
        } else if (g < glob.len && (glob.ptr[g] == PATTERN_ONE || glob.ptr[g] == text.ptr[t])) {
            g++;
            t++;
        } else if (star != SIZE_MAX) {
            g = star;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (g < glob.len && glob.ptr[g] == PATTERN_ANY)
        g++;
    return g == glob.len;
}

static bool has_marks(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (is_mark(text.ptr[i]))
            return true;
    }
    return false;
}

static bool add_variable(struct buf *buf, const struct pattern_variable *variable,
                         struct context *context)
{
    const struct condition_values *values =
        context ? iam_context_values(context, variable->key) : NULL;
    struct str value = values && values->count ? values->list[0] : variable->fallback;
    return value.ptr && !has_marks(value) && buf_add(buf, value);
}

bool iam_pattern_expand(const struct pattern *pattern, struct context *context, struct arena *arena,
                        struct str *out)
{
    struct buf buf;
    size_t variable = 0;
    buf_init_arena(&buf, arena, MAX_EXPANDED);
    for (size_t i = 0; i < pattern->text.len; i++) {
        char c = pattern->text.ptr[i];
        bool fits = c == PATTERN_VARIABLE
                        ? add_variable(&buf, &pattern->variables[variable++], context)
                        : buf_add_byte(&buf, c);
        if (!fits)
            return false;
    }
    *out = buf_str(&buf);
    return true;
}

bool iam_pattern_match(const struct pattern *pattern, struct str text, struct context *context)
{
    if (pattern->is_plain)
        return str_eq(pattern->text, text);
    if (pattern->is_any)
        return true;
    if (pattern->variable_count == 0)
        return iam_pattern_glob(pattern->text, text);

    struct arena arena = {0};
    struct str expanded;
    bool matches =
        iam_pattern_expand(pattern, context, &arena, &expanded) && iam_pattern_glob(expanded, text);
    arena_release(&arena);
    return matches;
}

/* --- ARNs --- */

bool iam_arn_split(struct str text, struct arn *out)
{
    for (int i = 0; i < ARN_PARTS - 1; i++) {
        if (!str_cut(&text, ':', &out->parts[i]))
            return false;
    }
    out->parts[ARN_PARTS - 1] = text;
    return true;
}

/* Cuts at the first colon that is not inside "${...}". */
static bool cut_part(struct str *text, struct str *out_head)
{
    for (size_t i = 0; i < text->len; i++) {
        size_t skip = variable_len(str_slice(*text, i, text->len));
        if (skip) {
            i += skip - 1;
        } else if (text->ptr[i] == ':') {
            *out_head = str_slice(*text, 0, i);
            *text = str_slice(*text, i + 1, text->len);
            return true;
        }
    }
    *out_head = *text;
    return false;
}

void iam_arn_pattern_compile(struct arena *arena, struct str text, unsigned flags,
                             struct arn_pattern *out)
{
    iam_pattern_compile(arena, text, flags, &out->whole);
    bool has_more = true;
    for (int i = 0; i < ARN_PARTS; i++) {
        struct str part = STR("*");
        if (has_more && i == ARN_PARTS - 1)
            part = text;
        else if (has_more)
            has_more = cut_part(&text, &part);
        iam_pattern_compile(arena, part, flags, &out->parts[i]);
    }
}

bool iam_arn_pattern_match(const struct arn_pattern *pattern, struct str text,
                           const struct arn *arn, struct context *context)
{
    if (pattern->whole.is_any)
        return true;
    if (!arn)
        return pattern->whole.is_plain && str_eq(pattern->whole.text, text);
    /* Backwards: the parts that tell patterns apart are at the end. */
    for (int i = ARN_PARTS - 1; i >= 0; i--) {
        if (!iam_pattern_match(&pattern->parts[i], arn->parts[i], context))
            return false;
    }
    return true;
}
