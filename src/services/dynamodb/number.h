/* DynamoDB's numbers: exact decimals of up to 38 significant digits, from 1E-130 to
 * 9.9999999999999999999999999999999999999E+125, and zero
 * (Developer Guide, "Supported data types and naming rules"). */
#pragma once

#include "base/buf.h"
#include "base/error.h"

enum { DDB_NUMBER_DIGITS = 38 };

/* d0.d1d2... times 10 to the exponent; d0 and the last digit are not 0. Zero has no digits. */
struct ddb_number {
    bool is_negative;
    int exponent;
    unsigned digit_count;
    unsigned char digits[DDB_NUMBER_DIGITS];
};

/* Reads "-1.5e3" and the like. ERR_VALIDATION in DynamoDB's words for what is no number or out of
 * range. */
enum err ddb_number_parse(struct str text, struct ddb_number *out, struct error *error);

/* The canonical form: no exponent, no needless zeros. */
struct str ddb_number_format(const struct ddb_number *number, struct arena *arena);

int ddb_number_compare(const struct ddb_number *a, const struct ddb_number *b);

/* a + b, or a - b. ERR_VALIDATION when the sum is out of range or needs more than 38 digits. */
enum err ddb_number_add(const struct ddb_number *a, const struct ddb_number *b, bool is_minus,
                        struct ddb_number *out, struct error *error);

/* Bytes that sort as the numbers do, and that are no prefix of one another. */
void ddb_number_encode(const struct ddb_number *number, struct buf *out);

/* DynamoDB's accounting: a byte for each two digits, and one; one more for a negative number. */
size_t ddb_number_size(const struct ddb_number *number);
