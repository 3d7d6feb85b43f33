/* Translates Java's regular expressions to POSIX extended ones. */
#include "services/cloudformation/pattern.h"

#include <ctype.h>
#include <regex.h>

#include "base/buf.h"

enum { MAX_PATTERN = 4096, MAX_REPEATS = 5000 };

struct translation {
    struct str in;
    size_t at;
    struct buf out;
    uint64_t repeats; /* how much intervals multiply the automaton by */
    bool is_nocase;
};

static char peek(const struct translation *t)
{
    return t->at < t->in.len ? t->in.ptr[t->at] : '\0';
}

static bool take(struct translation *t, const char *text)
{
    struct str rest = str_slice(t->in, t->at, t->in.len);
    if (!str_starts(rest, str_from(text)))
        return false;
    t->at += strlen(text);
    return true;
}

/* --- Character classes --- */

struct set {
    bool has[128];
    bool is_negated;
};

static void add_range(struct set *set, char from, char to)
{
    for (int c = from; c <= to; c++)
        set->has[c] = true;
}

/* \d \w \s and their opposites; false for other letters. */
static bool add_named(struct set *set, char name)
{
    struct set named = {0};
    if (name == 'd' || name == 'D' || name == 'w' || name == 'W')
        add_range(&named, '0', '9');
    if (name == 'w' || name == 'W') {
        add_range(&named, 'a', 'z');
        add_range(&named, 'A', 'Z');
        named.has['_'] = true;
    }
    if (name == 's' || name == 'S') {
        named.has[' '] = true;
        add_range(&named, '\t', '\r');
    }
    bool is_known = name && strchr("dDwWsS", name);
    for (int c = 1; is_known && c < 128; c++)
        set->has[c] |= named.has[c] != (isupper((unsigned char)name) != 0);
    return is_known;
}

/* The character that a backslash and `name` stand for; 0 for what is none. */
static char escaped(char name)
{
    switch (name) {
    case 't':
        return '\t';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 'f':
        return '\f';
    default:
        return isalnum((unsigned char)name) ? '\0' : name;
    }
}

static void write_char(struct buf *out, char c)
{
    if (strchr("\\^$.[]|()*+?{}", c))
        buf_add_byte(out, '\\');
    buf_add_byte(out, c);
}

/* POSIX wants ']' first and '-' last, and '[' not before ':', '.' or '='. */
static bool write_set(struct buf *out, const struct set *set)
{
    size_t count = 0, last = 0;
    for (size_t c = 1; c < 128; c++) {
        count += set->has[c];
        last = set->has[c] ? c : last;
    }
    if (count == 0)
        return false;
    if (count == 1 && !set->is_negated) {
        write_char(out, (char)last);
        return true;
    }
    buf_add(out, set->is_negated ? STR("[^") : STR("["));
    if (set->has[']'])
        buf_add_byte(out, ']');
    for (size_t c = 1; c < 128; c++) {
        if (set->has[c] && !strchr("]^-[", (int)c))
            buf_add_byte(out, (char)c);
    }
    for (const char *c = "[^-"; *c; c++) {
        if (set->has[(size_t)*c])
            buf_add_byte(out, *c);
    }
    buf_add_byte(out, ']');
    return true;
}

/* One character of a class, or a whole \d (then *out is 0). False for what is not supported. */
static bool read_member(struct translation *t, struct set *set, char *out)
{
    char c = peek(t);
    t->at++;
    *out = c;
    if (c == '[' || (c == '&' && peek(t) == '&') || (unsigned char)c >= 128 || c == '\0')
        return false;
    if (c != '\\')
        return true;
    char name = peek(t);
    t->at++;
    *out = '\0';
    if (add_named(set, name))
        return true;
    *out = name ? escaped(name) : '\0';
    return *out != '\0';
}

static bool translate_set(struct translation *t)
{
    struct set set = {0};
    t->at++;
    if (peek(t) == '^') {
        set.is_negated = true;
        t->at++;
    }
    for (bool is_first = true; peek(t) != ']' || is_first; is_first = false) {
        char from, to;
        if (!read_member(t, &set, &from))
            return false;
        to = from;
        bool is_range =
            from && peek(t) == '-' && t->at + 1 < t->in.len && t->in.ptr[t->at + 1] != ']';
        if (is_range) {
            t->at++;
            if (!read_member(t, &set, &to) || to < from)
                return false;
        }
        if (from)
            add_range(&set, from, to);
    }
    t->at++;
    return write_set(&t->out, &set);
}

/* --- The rest --- */

static bool translate_escape(struct translation *t)
{
    struct set set = {0};
    t->at++;
    char name = peek(t);
    t->at++;
    if (add_named(&set, name))
        return write_set(&t->out, &set);
    char c = name ? escaped(name) : '\0';
    if (c)
        write_char(&t->out, c);
    return c != '\0';
}

static bool translate_group(struct translation *t)
{
    if (take(t, "(?i)")) {
        t->is_nocase = true;
        return true;
    }
    if (!take(t, "(?:") && !(peek(t) == '(' && take(t, "(")))
        return false;
    buf_add_byte(&t->out, '(');
    return peek(t) != '?';
}

/* "{2}", "{2,}", "{2,5}" */
static bool translate_interval(struct translation *t)
{
    ptrdiff_t end = str_find_byte(t->in, '}', t->at);
    if (end < 0)
        return false;
    struct str inside = str_slice(t->in, t->at + 1, (size_t)end - t->at - 1), low = {0}, high;
    uint64_t least, most;
    high = inside;
    bool has_comma = str_cut(&high, ',', &low);
    if (!str_to_u64(low, &least))
        return false;
    most = least;
    if (has_comma && high.len && !str_to_u64(high, &most))
        return false;
    if (most < least || most > RE_DUP_MAX)
        return false;
    t->repeats *= most ? most : 1;
    buf_add(&t->out, str_slice(t->in, t->at, (size_t)end - t->at + 1));
    t->at = (size_t)end + 1;
    return t->repeats <= MAX_REPEATS;
}

static bool translate_one(struct translation *t)
{
    char c = peek(t);
    switch (c) {
    case '\0':
        return false;
    case '\\':
        return translate_escape(t);
    case '[':
        return translate_set(t);
    case '(':
        return translate_group(t);
    case '{':
    case '*':
    case '+':
    case '?':
        if (c == '{') {
            if (!translate_interval(t))
                return false;
        } else {
            buf_add_byte(&t->out, c);
            t->at++;
        }
        /* Lazy or possessive: the same when the whole has to match. */
        if (peek(t) == '?' || peek(t) == '+')
            t->at++;
        return true;
    default:
        buf_add_byte(&t->out, c);
        t->at++;
        return true;
    }
}

enum pattern_result pattern_match(struct arena *arena, struct str pattern, struct str text)
{
    struct translation t = {.in = pattern, .repeats = 1};
    regex_t regex;
    if (pattern.len > MAX_PATTERN)
        return PATTERN_UNSUPPORTED;
    buf_init_arena(&t.out, arena, MAX_PATTERN * 130);
    buf_add(&t.out, STR("^("));
    while (t.at < t.in.len) {
        if (!translate_one(&t))
            return PATTERN_UNSUPPORTED;
    }
    buf_add(&t.out, STR(")$"));
    if (t.out.is_full || regcomp(&regex, arena_cstr(arena, buf_str(&t.out)),
                                 REG_EXTENDED | REG_NOSUB | (t.is_nocase ? REG_ICASE : 0)))
        return PATTERN_UNSUPPORTED;
    int rc = memchr(text.ptr, '\0', text.len)
                 ? REG_NOMATCH
                 : regexec(&regex, arena_cstr(arena, text), 0, NULL, 0);
    regfree(&regex);
    return rc == 0 ? PATTERN_MATCHES : PATTERN_DIFFERS;
}
