#include "domain/instrument.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "base/text.h"

#define SYMBOL_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789&-. "

int symbol_parse(const char *s, size_t n, char ret[static SYMBOL_SIZE], enum exchange *ret_exchange)
{
        const char *colon = memchr(s, ':', n);
        if (!colon)
                return -EINVAL;

        int exchange = exchange_from(s, (size_t)(colon - s));
        if (exchange < 0)
                return exchange;
        const char *name = colon + 1;
        size_t n_name = n - (size_t)(name - s);
        if (n_name == 0 || n_name >= SYMBOL_NAME_SIZE || n >= SYMBOL_SIZE ||
            !text_only(name, n_name, SYMBOL_CHARACTERS))
                return -EINVAL;
        if (name[0] == ' ' || name[n_name - 1] == ' ')
                return -EINVAL;
        memcpy(ret, s, n);
        ret[n] = '\0';
        *ret_exchange = (enum exchange)exchange;
        return 0;
}

enum exchange symbol_exchange(const char *s)
{
        int exchange = exchange_from(s, strcspn(s, ":"));
        return exchange < 0 ? _EXCHANGE_MAX : (enum exchange)exchange;
}

bool instrument_make_symbol(struct instrument *i, const char *name)
{
        static const char *const months[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                             "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
        char made[2 * SYMBOL_SIZE], strike[DECIMAL_TEXT_SIZE] = "";
        enum exchange e;
        int month = i->expiry / 100 % 100, n;

        if (!instrument_derivative(i)) {
                n = snprintf(made, sizeof(made), "%s:%s", exchange_name(i->exchange), name);
        } else {
                if (month < 1 || month > 12)
                        return false;
                if (i->segment == SEGMENT_OPTION)
                        decimal_print_short(i->strike, strike);
                n = snprintf(made, sizeof(made), "%s:%s%02d%s%02d%s%s", exchange_name(i->exchange),
                             i->underlying, i->expiry % 100, months[month - 1],
                             i->expiry / 10000 % 100, strike,
                             i->segment == SEGMENT_FUTURE ? "FUT"
                             : i->call                    ? "CE"
                                                          : "PE");
        }
        return n > 0 && (size_t)n < sizeof(made) &&
               symbol_parse(made, (size_t)n, i->symbol, &e) == 0;
}

/* Bands are rounded inwards, so that the limits themselves are prices one can send. */
int64_t instrument_band_low(const struct instrument *i)
{
        if (i->band_percent == 0 || i->previous_close == 0)
                return 0;
        int64_t width = decimal_muldiv(i->previous_close, i->band_percent, 100);
        return instrument_round_to_tick(i, i->previous_close - width, true);
}

int64_t instrument_band_high(const struct instrument *i)
{
        if (i->band_percent == 0 || i->previous_close == 0)
                return INT64_MAX;
        int64_t width = decimal_muldiv(i->previous_close, i->band_percent, 100);
        return instrument_round_to_tick(i, i->previous_close + width, false);
}

int64_t instrument_round_to_tick(const struct instrument *i, int64_t price, bool up)
{
        if (i->tick <= 0)
                return price;
        int64_t over = price % i->tick;
        if (over < 0)
                over += i->tick;
        if (over == 0)
                return price;
        return up ? price - over + i->tick : price - over;
}
