/* Exact decimals: a signed count of 1e-4 units. Everything with a price, money or a multiplier in
 * it goes through here; there is no floating point near money. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define DECIMAL_ONE       INT64_C(10000)
#define DECIMAL_DIGITS    4
#define DECIMAL_MAX       INT64_C(1000000000000000000) /* 1e14 rupees: far beyond any order */
#define DECIMAL_TEXT_SIZE 32

/* "812.50", "-0.0025", "7": digits, one optional point with at most four significant digits behind
 * (further zeros are fine). No exponent, no plus sign, no spaces. 0; -EINVAL not a decimal;
 * -EDOM more than four decimal places; -ERANGE too large. */
int decimal_parse(const char *s, size_t n, int64_t *ret);
/* As above, and JSON's exponent notation when the value is exact ("1e3", "8.125e2"). */
int decimal_parse_json(const char *s, size_t n, int64_t *ret);
/* As above, but more than four decimal places are rounded, half away from zero: for what a broker
 * computed (averages, profits), never for what was agreed. */
int decimal_parse_rounded(const char *s, size_t n, int64_t *ret);

/* At least two decimal places, at most four, no needless zeros past two: "812.50", "88.0025". */
const char *decimal_print(int64_t value, char buf[static DECIMAL_TEXT_SIZE]);
/* Shortest exact form: "102.5", "26000". For strikes and multipliers. */
const char *decimal_print_short(int64_t value, char buf[static DECIMAL_TEXT_SIZE]);

/* a × b ÷ divisor through 128 bits, rounded half away from zero; saturates at ±DECIMAL_MAX. */
int64_t decimal_muldiv(int64_t a, int64_t b, int64_t divisor);
