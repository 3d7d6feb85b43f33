/* Exact decimals: reading, writing, comparing, adding, sorting. */
#include "services/dynamodb/number.h"

enum {
    MAX_EXPONENT = 125,
    MIN_EXPONENT = -130,
    FAR_OFF = 1000000,
    /* Digits between the highest place of the largest number and the lowest of the smallest. */
    SPAN = MAX_EXPONENT - MIN_EXPONENT + DDB_NUMBER_DIGITS + 2,
};

static enum err not_a_number(struct str text, struct error *error)
{
    return error_set(error, ERR_VALIDATION,
                     "The parameter cannot be converted to a numeric value%s%.*s",
                     text.len ? ": " : "", STR_ARG(text));
}

static enum err too_precise(struct error *error)
{
    return error_set(error, ERR_VALIDATION,
                     "Attempting to store more than %d significant digits in a Number",
                     DDB_NUMBER_DIGITS);
}

static enum err check_range(int64_t exponent, struct error *error)
{
    if (exponent > MAX_EXPONENT)
        return error_set(error, ERR_VALIDATION,
                         "Number overflow. Attempting to store a number with magnitude larger than "
                         "supported range");
    if (exponent < MIN_EXPONENT)
        return error_set(error, ERR_VALIDATION,
                         "Number underflow. Attempting to store a number with magnitude smaller "
                         "than supported range");
    return OK;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The exponent behind 'e': what fits into 64 bits; far-off values are kept far off, which is enough
 * to refuse them. */
static bool parse_exponent(struct str text, int64_t *out)
{
    bool is_negative = text.len && text.ptr[0] == '-';
    if (text.len && (text.ptr[0] == '-' || text.ptr[0] == '+'))
        text = str_slice(text, 1, text.len);
    if (text.len == 0)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.ptr[i]) || value > (INT64_MAX - 9) / 10)
            return false;
        value = value * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    int64_t near = value > FAR_OFF ? FAR_OFF : (int64_t)value;
    *out = is_negative ? -near : near;
    return true;
}

/* Digits with zeros at both ends dropped; places count from the first significant digit. */
struct digits {
    struct ddb_number *number;
    int64_t places;        /* digits before the point, seen so far */
    int64_t skipped_zeros; /* behind the point, before the first significant digit */
    unsigned pending_zeros;
    bool has_point, has_any, is_too_long;
};

static void add_digit(struct digits *digits, unsigned char digit)
{
    struct ddb_number *number = digits->number;
    digits->has_any = true;
    if (number->digit_count == 0 && digit == 0) {
        digits->skipped_zeros += digits->has_point;
        return;
    }
    digits->places += !digits->has_point;
    if (digit == 0) {
        digits->pending_zeros += digits->pending_zeros < 1000;
        return;
    }
    if (number->digit_count + digits->pending_zeros + 1 > DDB_NUMBER_DIGITS) {
        digits->is_too_long = true;
        return;
    }
    for (; digits->pending_zeros; digits->pending_zeros--)
        number->digits[number->digit_count++] = 0;
    number->digits[number->digit_count++] = digit;
}

enum err ddb_number_parse(struct str text, struct ddb_number *out, struct error *error)
{
    struct ddb_number number = {0};
    struct digits digits = {.number = &number};
    struct str rest = text;
    int64_t exponent = 0;

    number.is_negative = rest.len && rest.ptr[0] == '-';
    if (rest.len && (rest.ptr[0] == '-' || rest.ptr[0] == '+'))
        rest = str_slice(rest, 1, rest.len);
    size_t i = 0;
    for (; i < rest.len && (is_digit(rest.ptr[i]) || rest.ptr[i] == '.'); i++) {
        if (rest.ptr[i] != '.')
            add_digit(&digits, (unsigned char)(rest.ptr[i] - '0'));
        else if (digits.has_point)
            return not_a_number(text, error);
        else
            digits.has_point = true;
    }
    bool has_exponent = i < rest.len && (rest.ptr[i] == 'e' || rest.ptr[i] == 'E');
    if (!digits.has_any || (i < rest.len && !has_exponent) ||
        (has_exponent && !parse_exponent(str_slice(rest, i + 1, rest.len), &exponent)))
        return not_a_number(text, error);
    if (digits.is_too_long)
        return too_precise(error);

    if (number.digit_count == 0) {
        *out = (struct ddb_number){0};
        return check_range(exponent, error); /* also zero has to be written within the range */
    }
    exponent += digits.places ? digits.places - 1 : -digits.skipped_zeros - 1;
    number.exponent = (int)exponent;
    enum err rc = check_range(exponent, error);
    if (rc == OK)
        *out = number;
    return rc;
}

struct str ddb_number_format(const struct ddb_number *number, struct arena *arena)
{
    char *text = arena_alloc(arena, SPAN + 4);
    size_t len = 0;
    if (number->digit_count == 0)
        return STR("0");
    if (number->is_negative)
        text[len++] = '-';
    int place = number->exponent < 0 ? 0 : number->exponent;
    int last = number->exponent - (int)number->digit_count + 1;
    for (; place >= 0 || place >= last; place--) {
        int i = number->exponent - place;
        if (place == -1)
            text[len++] = '.';
        bool is_inside = i >= 0 && i < (int)number->digit_count;
        text[len++] = (char)('0' + (is_inside ? number->digits[i] : 0));
    }
    text[len] = '\0';
    return str_make(text, len);
}

static int compare_magnitude(const struct ddb_number *a, const struct ddb_number *b)
{
    if (a->digit_count == 0 || b->digit_count == 0)
        return (a->digit_count != 0) - (b->digit_count != 0);
    if (a->exponent != b->exponent)
        return a->exponent > b->exponent ? 1 : -1;
    return str_cmp(str_make((const char *)a->digits, a->digit_count),
                   str_make((const char *)b->digits, b->digit_count));
}

int ddb_number_compare(const struct ddb_number *a, const struct ddb_number *b)
{
    if (a->is_negative != b->is_negative)
        return a->is_negative ? -1 : 1;
    int order = compare_magnitude(a, b);
    return a->is_negative ? -order : order;
}

/* Adds `number` times `sign` into digit places, of which index 0 is 10 to the MAX_EXPONENT + 1. */
static void accumulate(int places[SPAN], const struct ddb_number *number, int sign)
{
    int at = MAX_EXPONENT + 1 - number->exponent;
    for (unsigned i = 0; i < number->digit_count; i++)
        places[at + (int)i] += sign * number->digits[i];
}

/* Brings every place into 0..9. */
static void carry(int places[SPAN])
{
    for (int i = SPAN - 1; i > 0; i--) {
        int over = places[i] >= 0 ? places[i] / 10 : -((9 - places[i]) / 10);
        places[i] -= over * 10;
        places[i - 1] += over;
    }
}

static enum err from_places(const int places[SPAN], struct ddb_number *out, struct error *error)
{
    int first = 0, last = SPAN - 1;
    while (first < SPAN && places[first] == 0)
        first++;
    while (last > first && places[last] == 0)
        last--;
    out->digit_count = 0;
    if (first == SPAN) {
        *out = (struct ddb_number){0};
        return OK;
    }
    if (last - first + 1 > DDB_NUMBER_DIGITS) /* told like a sum that is too large */
        return check_range(MAX_EXPONENT + 1, error);
    for (int i = first; i <= last; i++)
        out->digits[out->digit_count++] = (unsigned char)places[i];
    out->exponent = MAX_EXPONENT + 1 - first;
    return check_range(out->exponent, error);
}

enum err ddb_number_add(const struct ddb_number *a, const struct ddb_number *b, bool is_minus,
                        struct ddb_number *out, struct error *error)
{
    int places[SPAN] = {0};
    int sign_a = a->is_negative ? -1 : 1;
    int sign_b = b->is_negative == is_minus ? 1 : -1;
    /* Whichever is larger decides the sign; summing with that sign taken out leaves no borrow at
     * the top. */
    bool is_negative = compare_magnitude(a, b) >= 0 ? sign_a < 0 : sign_b < 0;
    struct ddb_number sum = {.is_negative = is_negative};
    accumulate(places, a, is_negative ? -sign_a : sign_a);
    accumulate(places, b, is_negative ? -sign_b : sign_b);
    carry(places);
    enum err rc = from_places(places, &sum, error);
    if (rc == OK)
        *out = sum;
    return rc;
}

/* Class byte, biased exponent, digit pairs each plus one, a zero byte. For negative numbers all but
 * the class is inverted, so that larger magnitudes come first. */
void ddb_number_encode(const struct ddb_number *number, struct buf *out)
{
    enum { NEGATIVE = 1, ZERO = 2, POSITIVE = 3 };
    char flip = number->is_negative ? (char)0xff : 0;
    if (number->digit_count == 0) {
        buf_add_byte(out, ZERO);
        return;
    }
    buf_add_byte(out, number->is_negative ? NEGATIVE : POSITIVE);
    int biased = number->exponent - MIN_EXPONENT;
    buf_add_byte(out, (char)((char)(biased >> 8) ^ flip));
    buf_add_byte(out, (char)((char)(biased & 0xff) ^ flip));
    for (unsigned i = 0; i < number->digit_count; i += 2) {
        unsigned low = i + 1 < number->digit_count ? number->digits[i + 1] : 0;
        buf_add_byte(out, (char)((char)(number->digits[i] * 10u + low + 1) ^ flip));
    }
    buf_add_byte(out, flip);
}

size_t ddb_number_size(const struct ddb_number *number)
{
    if (number->digit_count == 0)
        return 1;
    /* Pairs are counted at fixed places: an odd exponent shifts the digits by one. */
    unsigned shifted = number->digit_count + (number->exponent % 2 == 0 ? 1u : 0u);
    return (shifted + 1) / 2 + 1 + (number->is_negative ? 1 : 0);
}
