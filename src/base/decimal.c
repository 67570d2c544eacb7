#include <assert.h>
#include <errno.h>
#include <stdbool.h>

#include "base/decimal.h"

#define DIGITS_MAX   19 /* of DECIMAL_MAX */
#define EXPONENT_MAX 1000000000

/* A number cut into its digits: value = 0.d1d2d3… × 10^magnitude, d1 and the last digit not zero.
 */
struct digits {
        bool negative;
        int64_t magnitude;
        int64_t count; /* as written, may be more than `digit` holds */
        unsigned char digit[DIGITS_MAX];
};

static bool is_digit(const char *s, size_t n, size_t at)
{
        return at < n && s[at] >= '0' && s[at] <= '9';
}

/* Reads a run of digits; `significant` counts from the first one that is not zero. */
static size_t take_digits(const char *s, size_t n, size_t at, struct digits *d,
                          int64_t *significant)
{
        for (; is_digit(s, n, at); at++) {
                if (*significant == 0 && s[at] == '0')
                        continue;
                if (*significant < DIGITS_MAX)
                        d->digit[*significant] = (unsigned char)(s[at] - '0');
                (*significant)++;
                if (s[at] != '0')
                        d->count = *significant;
        }
        return at;
}

static size_t take_exponent(const char *s, size_t n, size_t at, int64_t *ret)
{
        bool negative = at < n && s[at] == '-';
        int64_t value = 0;

        if (at < n && (s[at] == '-' || s[at] == '+'))
                at++;
        if (!is_digit(s, n, at))
                return 0;
        for (; is_digit(s, n, at); at++)
                if (value < EXPONENT_MAX)
                        value = value * 10 + (s[at] - '0');
        *ret = negative ? -value : value;
        return at;
}

static int cut(const char *s, size_t n, bool with_exponent, struct digits *d)
{
        size_t at = 0;
        int64_t significant = 0;

        *d = (struct digits){.negative = n > 0 && s[0] == '-'};
        if (d->negative)
                at++;
        if (!is_digit(s, n, at))
                return -EINVAL;
        at = take_digits(s, n, at, d, &significant);
        d->magnitude = significant;
        if (at < n && s[at] == '.') {
                if (!is_digit(s, n, ++at))
                        return -EINVAL;
                if (significant == 0) /* zeros right behind the point only move it */
                        for (; at < n && s[at] == '0'; at++)
                                d->magnitude--;
                at = take_digits(s, n, at, d, &significant);
        }
        if (with_exponent && at < n && (s[at] == 'e' || s[at] == 'E')) {
                int64_t exponent;
                at = take_exponent(s, n, at + 1, &exponent);
                if (at == 0)
                        return -EINVAL;
                d->magnitude += exponent;
        }
        return at == n ? 0 : -EINVAL;
}

enum style { STYLE_PLAIN, STYLE_EXPONENT, STYLE_ROUNDED };

static int parse(const char *s, size_t n, enum style style, int64_t *ret)
{
        struct digits d;
        int r = cut(s, n, style != STYLE_PLAIN, &d);
        if (r < 0)
                return r;
        if (d.count == 0) {
                *ret = 0;
                return 0;
        }

        int64_t wanted = d.magnitude + DECIMAL_DIGITS; /* digits of the scaled integer */
        if (wanted > DIGITS_MAX)
                return -ERANGE;
        if (d.count > wanted && style != STYLE_ROUNDED)
                return -EDOM;

        uint64_t value = 0; /* 19 digits fit */
        for (int64_t i = 0; i < wanted; i++)
                value = value * 10 + (i < d.count ? d.digit[i] : 0);
        if (wanted >= 0 && wanted < d.count && wanted < DIGITS_MAX && d.digit[wanted] >= 5)
                value++;
        if (value > (uint64_t)DECIMAL_MAX)
                return -ERANGE;
        *ret = d.negative ? -(int64_t)value : (int64_t)value;
        return 0;
}

int decimal_parse(const char *s, size_t n, int64_t *ret)
{
        return parse(s, n, STYLE_PLAIN, ret);
}

int decimal_parse_json(const char *s, size_t n, int64_t *ret)
{
        return parse(s, n, STYLE_EXPONENT, ret);
}

int decimal_parse_rounded(const char *s, size_t n, int64_t *ret)
{
        return parse(s, n, STYLE_ROUNDED, ret);
}

static const char *print(int64_t value, int least_places, char *buf)
{
        uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
        unsigned places = (unsigned)(rest % (uint64_t)DECIMAL_ONE);
        char reversed[DECIMAL_TEXT_SIZE];
        int n = 0, keep = DECIMAL_DIGITS;

        for (; keep > least_places && places % 10 == 0; keep--)
                places /= 10;
        for (int i = 0; i < keep; i++, places /= 10)
                reversed[n++] = (char)('0' + places % 10);
        if (keep > 0)
                reversed[n++] = '.';
        rest /= (uint64_t)DECIMAL_ONE;
        do
                reversed[n++] = (char)('0' + rest % 10);
        while (rest /= 10);
        if (value < 0)
                reversed[n++] = '-';

        for (int i = 0; i < n; i++)
                buf[i] = reversed[n - 1 - i];
        buf[n] = '\0';
        return buf;
}

const char *decimal_print(int64_t value, char buf[static DECIMAL_TEXT_SIZE])
{
        return print(value, 2, buf);
}

const char *decimal_print_short(int64_t value, char buf[static DECIMAL_TEXT_SIZE])
{
        return print(value, 0, buf);
}

int64_t decimal_muldiv(int64_t a, int64_t b, int64_t divisor)
{
        assert(divisor != 0);

        __int128 product = (__int128)a * b;
        __int128 by = divisor;
        if (by < 0) {
                by = -by;
                product = -product;
        }
        __int128 quotient = product / by;
        __int128 rest = product % by;
        if (2 * rest >= by)
                quotient++;
        else if (-2 * rest >= by)
                quotient--;

        if (quotient > DECIMAL_MAX)
                return DECIMAL_MAX;
        if (quotient < -DECIMAL_MAX)
                return -DECIMAL_MAX;
        return (int64_t)quotient;
}
