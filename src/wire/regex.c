#define PCRE2_CODE_UNIT_WIDTH 8

#include "wire/regex.h"

#include <pcre2.h>
#include <stdlib.h>

/* A step takes some 10 ns: patterns that backtrack without end are given up after milliseconds. */
enum { MAX_PATTERN = 4096, MAX_STEPS = 200000, MAX_HEAP_KIB = 4096 };

struct regex {
    pcre2_code *code;
};

static void free_regex(void *regex)
{
    pcre2_code_free(((struct regex *)regex)->code);
}

/* Java reads "[a[b]]" and "[a-z&&[^b]]" as union and intersection, PCRE2 as something else. */
static bool has_class_operator(struct str pattern)
{
    size_t class = 0; /* where the class began; 0: outside */
    for (size_t i = 0; i < pattern.len; i++) {
        char c = pattern.ptr[i];
        if (c == '\\') {
            i++;
        } else if (!class) {
            if (c == '[')
                class = i + 1 + (i + 1 < pattern.len && pattern.ptr[i + 1] == '^');
        } else if (c == ']' && i > class) {
            class = 0;
        } else if (c == '[' || (c == '&' && i + 1 < pattern.len && pattern.ptr[i + 1] == '&')) {
            return true;
        }
    }
    return false;
}

const struct regex *regex_compile(struct arena *arena, enum regex_kind kind, struct str pattern)
{
    uint32_t options = PCRE2_UTF | PCRE2_ALT_BSUX | PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY;
    int code;
    PCRE2_SIZE offset;
    if (pattern.len > MAX_PATTERN || (kind == REGEX_JAVA && has_class_operator(pattern)))
        return NULL;
    if (kind == REGEX_JAVA)
        options |= PCRE2_ANCHORED | PCRE2_ENDANCHORED;
    struct regex *regex = arena_new(arena, struct regex);
    regex->code =
        pcre2_compile((PCRE2_SPTR)pattern.ptr, pattern.len, options, &code, &offset, NULL);
    if (!regex->code)
        return NULL;
    arena_defer(arena, free_regex, regex);
    return regex;
}

/* What pcre2_match returns. */
static int run(const struct regex *regex, struct str text, size_t from, pcre2_match_data *data)
{
    pcre2_match_context *context = pcre2_match_context_create(NULL);
    if (!data || !context)
        abort();
    pcre2_set_match_limit(context, MAX_STEPS);
    pcre2_set_heap_limit(context, MAX_HEAP_KIB);
    int rc = pcre2_match(regex->code, (PCRE2_SPTR)text.ptr, text.len, from, 0, data, context);
    pcre2_match_context_free(context);
    return rc;
}

size_t regex_find(const struct regex *regex, struct str text, size_t from,
                  struct regex_span spans[REGEX_MAX_SPANS])
{
    pcre2_match_data *data = pcre2_match_data_create(REGEX_MAX_SPANS, NULL);
    int rc = from > text.len ? PCRE2_ERROR_NOMATCH : run(regex, text, from, data);
    size_t count = rc < 0 ? 0 : rc == 0 ? REGEX_MAX_SPANS : (size_t)rc;
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(data);
    for (size_t i = 0; i < count; i++) {
        bool is_set = ends[2 * i] != PCRE2_UNSET && ends[2 * i] <= ends[2 * i + 1];
        spans[i] = is_set ? (struct regex_span){ends[2 * i], ends[2 * i + 1] - ends[2 * i]}
                          : (struct regex_span){0, 0};
    }
    pcre2_match_data_free(data);
    return count;
}

enum regex_result regex_match(const struct regex *regex, struct str text)
{
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    int rc = run(regex, text, 0, data);
    pcre2_match_data_free(data);
    if (rc >= 0)
        return REGEX_MATCHES;
    bool is_utf8 = rc > PCRE2_ERROR_UTF8_ERR1 || rc < PCRE2_ERROR_UTF8_ERR21;
    return rc == PCRE2_ERROR_NOMATCH || !is_utf8 ? REGEX_DIFFERS : REGEX_TOO_COSTLY;
}
