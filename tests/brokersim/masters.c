/* The brokers' lists of instruments, as files. Made at the first request and kept: they do not
 * change in a day. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/decimal.h"
#include "brokersim/fyers.h"
#include "brokersim/hdfc.h"
#include "brokersim/mstock.h"

#define MASTER_MAX  (512U << 20)
#define PAD_STRIKES 100 /* of each invented underlying; a call and a put at every one */
#define PAD_LOT     25
#define PAD_TOKEN   100000

/* An option on something that does not exist: rows to fill a list with. Nobody can order them. */
struct pad {
        char underlying[16];
        unsigned token, strike;
        bool call;
        int expiry;
};

static struct pad pad_of(const struct market *m, unsigned n)
{
        struct pad p = {
                .token = PAD_TOKEN + n,
                .strike = 100 + n / 2 % PAD_STRIKES * 5,
                .call = n % 2 == 0,
                .expiry = m->day,
        };

        snprintf(p.underlying, sizeof(p.underlying), "PAD%05u", n / (2 * PAD_STRIKES));
        for (unsigned i = 0; i < m->n_listings; i++)
                if (m->listings[i].i->segment == SEGMENT_FUTURE &&
                    m->listings[i].i->exchange == EXCHANGE_NFO) {
                        p.expiry = m->listings[i].i->expiry;
                        break;
                }
        return p;
}

static unsigned pads_for(const struct sim *s, unsigned rows)
{
        return s->rows > rows ? s->rows - rows : 0;
}

static void add_price(struct text *t, int64_t price)
{
        char buf[DECIMAL_TEXT_SIZE];

        text_add(t, decimal_print_short(price, buf));
}

/* --- answering ----------------------------------------------------------------------------------
 */

/* `may_pack`: this broker compresses for who accepts it. */
static void answer_master(struct call *c, unsigned number,
                          void (*make)(struct sim *s, unsigned n, struct text *t), bool may_pack)
{
        struct sim *s = c->sim;
        struct text *plain = &s->masters[number], *packed = &s->packed[number];
        bool pack = may_pack && call_accepts_gzip(c);

        plain->max = packed->max = MASTER_MAX;
        if (plain->len == 0)
                make(s, number, plain);
        if (pack && packed->len == 0)
                call_compress(plain, packed);
        const struct text *t = pack ? packed : plain;
        call_answer(c, 200, "text/csv");
        text_add_bytes(&c->out, text_str(t), t->len);
        c->gzip = pack;
}

/* --- Fyers: a file for each exchange and segment, without a header (§3)
 * --------------------------- */

enum { NSE_CM, NSE_FO, NSE_CD, NSE_COM, BSE_CM, BSE_FO, MCX_COM, _FYERS_FILES };
static const char *const fyers_files[_FYERS_FILES] = {"NSE_CM", "NSE_FO", "NSE_CD", "NSE_COM",
                                                      "BSE_CM", "BSE_FO", "MCX_COM"};

static unsigned fyers_file_of(const struct instrument *i)
{
        static const unsigned files[_EXCHANGE_MAX] = {
                [EXCHANGE_NSE] = NSE_CM, [EXCHANGE_BSE] = BSE_CM, [EXCHANGE_NFO] = NSE_FO,
                [EXCHANGE_BFO] = BSE_FO, [EXCHANGE_CDS] = NSE_CD, [EXCHANGE_MCX] = MCX_COM,
        };
        return files[i->exchange];
}

static int fyers_kind(const struct instrument *i)
{
        bool option = i->segment == SEGMENT_OPTION;

        if (i->segment == SEGMENT_INDEX)
                return 10;
        if (!instrument_derivative(i))
                return 0;
        if (i->exchange == EXCHANGE_CDS)
                return option ? 19 : 16;
        if (i->exchange == EXCHANGE_MCX)
                return option ? 31 : 30;
        return i->on_index ? (option ? 14 : 11) : (option ? 15 : 13);
}

static void fyers_row(struct text *t, const struct listing *l, const char *today)
{
        const struct instrument *i = l->i;
        int exchange, segment;

        fyers_codes(l, &exchange, &segment);
        text_addf(t, "%s,%s,%d,%lld,", l->fy_token, i->name, fyers_kind(i),
                  (long long)(i->lot / fyers_unit(l)));
        add_price(t, i->tick);
        text_addf(t, ",%s,0915-1530|1815-1915:,%s,", i->isin, today);
        if (i->expiry)
                text_addf(t, "%lld",
                          (long long)(clock_from_ist(i->expiry, 14 * 3600 + 1800) / USEC_PER_SEC));
        text_addf(t, ",%s,%d,%d,%u,%s,%u,", l->fyers, exchange, segment, l->token,
                  *i->underlying ? i->underlying : behind(i->symbol, ':'), l->token);
        if (i->segment == SEGMENT_OPTION)
                add_price(t, i->strike);
        else
                text_add(t, "-1.0");
        text_addf(t, ",%s,%s,None,0,0.0\n",
                  i->segment != SEGMENT_OPTION ? "XX"
                  : i->call                    ? "CE"
                                               : "PE",
                  l->fy_token);
}

static void fyers_make(struct sim *s, unsigned file, struct text *t)
{
        char today[16], month[16];

        print_day(s->market.day, "Y-M-d", today, sizeof(today));
        for (unsigned i = 0; i < s->market.n_listings; i++)
                if (fyers_file_of(s->market.listings[i].i) == file)
                        fyers_row(t, &s->market.listings[i], today);
        for (unsigned n = 0; file == NSE_FO && n < pads_for(s, s->market.n_listings); n++) {
                struct pad p = pad_of(&s->market, n);
                print_day(p.expiry, "yB", month, sizeof(month));
                text_addf(t,
                          "1011%06d%u,%s %s %u %s,15,%d,0.05,,0915-1530|1815-1915:,%s,%lld,"
                          "NSE:%s%s%u%s,10,11,%u,%s,%u,%u,%s,101000000%u,None,0,0.0\n",
                          p.expiry % 1000000, p.token, p.underlying, month, p.strike,
                          p.call ? "CE" : "PE", PAD_LOT, today,
                          (long long)(clock_from_ist(p.expiry, 14 * 3600 + 1800) / USEC_PER_SEC),
                          p.underlying, month, p.strike, p.call ? "CE" : "PE", p.token,
                          p.underlying, p.token, p.strike, p.call ? "CE" : "PE", p.token);
        }
}

void fyers_master(struct call *c)
{
        size_t n = strlen(c->argument);

        for (unsigned i = 0; n > 4 && i < _FYERS_FILES; i++)
                if (strcmp(c->argument + n - 4, ".csv") == 0 && strlen(fyers_files[i]) == n - 4 &&
                    memcmp(c->argument, fyers_files[i], n - 4) == 0) {
                        answer_master(c, i, fyers_make, false);
                        return;
                }
        call_answer(c, 404, "application/xml");
        text_add(&c->out, "<Error><Code>NoSuchKey</Code></Error>\n");
}

/* --- HDFC: one file (§3)
 * -------------------------------------------------------------------------- */

#define HDFC_NUMBER 8

/* Integers are paise, what has a point is rupees: the trap is the broker's (§3). */
static void hdfc_tick(struct text *t, int64_t tick)
{
        char buf[DECIMAL_TEXT_SIZE];

        if (tick % 100 == 0)
                text_add_int(t, tick / 100);
        else
                text_add(t, decimal_print_short(tick, buf) + 1); /* ".0025" */
}

static void hdfc_row(struct text *t, const struct market *m, const struct listing *l)
{
        const struct instrument *i = l->i;
        const char *name = instrument_derivative(i) ? i->underlying : behind(i->symbol, ':');
        char day[16];

        text_addf(t, "%s,%s,%s,%s,", parent_exchange(i->exchange), behind(l->hdfc, '|'),
                  hdfc_segment(i), print_day(i->expiry, "Y-M-d", day, sizeof(day)));
        if (i->segment == SEGMENT_OPTION)
                add_price(t, i->strike);
        else if (i->segment == SEGMENT_FUTURE)
                text_add(t, "-0.01");
        text_addf(t, ",%s,%lld,",
                  i->segment == SEGMENT_FUTURE   ? "XX"
                  : i->segment != SEGMENT_OPTION ? ""
                  : i->call                      ? "CE"
                                                 : "PE",
                  (long long)(i->lot ? i->lot : 1));
        hdfc_tick(t, i->tick);
        text_add_char(t, ',');
        add_price(t, i->previous_close);
        text_add_char(t, ',');
        add_price(t, i->previous_close);
        text_addf(t, ",%u,%s,%s\n", l->token, name, hdfc_underlying(m, i));
}

static void hdfc_make(struct sim *s, unsigned number, struct text *t)
{
        char day[16];

        (void)number;
        text_add(t, "exchange,security_id,instrument_segment,expiry_date,strike_price,option_type,"
                    "lot_size,tick_size,close_price,open_price,exch_security_id,symbol_name,"
                    "underline_symbol\n");
        for (unsigned i = 0; i < s->market.n_listings; i++)
                hdfc_row(t, &s->market, &s->market.listings[i]);
        /* Bonds carry their issuer's symbol, some rows have none, some tokens are dummies (§3). */
        text_add(t, "NSE,SBINXXN5NR,EQUITY,,,,1,1,10500,10500,90001,SBIN,\n"
                    "BSE,EXMPLEEQNR,EQUITY,,,,1,5,100,100,590001,,\n"
                    "BSE,INFYXXMFTT,EQUITY,,,,1,1,100,100,DUMMY001,INFY,\n");
        for (unsigned n = 0; n < pads_for(s, s->market.n_listings + 3); n++) {
                struct pad p = pad_of(&s->market, n);
                text_addf(t, "NSE,%u,OPTSTK,%s,%u,%s,%d,5,10,10,%u,%s,%sEQNR\n", p.token,
                          print_day(p.expiry, "Y-M-d", day, sizeof(day)), p.strike,
                          p.call ? "CE" : "PE", PAD_LOT, p.token, p.underlying, p.underlying);
        }
}

void hdfc_master(struct call *c)
{
        answer_master(c, HDFC_NUMBER, hdfc_make, false);
}

/* --- m.Stock: one file, lines end in CR LF (§3)
 * --------------------------------------------------- */

#define MSTOCK_NUMBER 9

static void mstock_row(struct text *t, const struct listing *l)
{
        const struct instrument *i = l->i;
        const char *exchange = exchange_name(i->exchange);
        char day[16];

        if (i->segment == SEGMENT_INDEX)
                return; /* not listed (§3) */
        text_addf(t, "%u,%u,%s,\"%s\",", l->token, l->token, behind(l->mstock, ':'),
                  instrument_derivative(i) ? i->underlying : i->name);
        add_price(t, i->previous_close);
        text_addf(t, ",%s,", print_day(i->expiry, "Y-M-d", day, sizeof(day)));
        add_price(t, i->strike);
        text_add_char(t, ',');
        add_price(t, i->tick);
        text_addf(t, ",%lld,%s,%s%s,%s\r\n", (long long)i->lot,
                  i->segment == SEGMENT_FUTURE   ? "FUT"
                  : i->segment != SEGMENT_OPTION ? "EQ"
                  : i->call                      ? "CE"
                                                 : "PE",
                  exchange,
                  i->segment == SEGMENT_FUTURE   ? "-FUT"
                  : i->segment == SEGMENT_OPTION ? "-OPT"
                                                 : "",
                  exchange);
}

static void mstock_make(struct sim *s, unsigned number, struct text *t)
{
        char day[16], month[16];

        (void)number;
        text_add(t, "instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,"
                    "tick_size,lot_size,instrument_type,segment,exchange\r\n");
        for (unsigned i = 0; i < s->market.n_listings; i++)
                mstock_row(t, &s->market.listings[i]);
        for (unsigned n = 0; n < pads_for(s, s->market.n_listings); n++) {
                struct pad p = pad_of(&s->market, n);
                print_day(p.expiry, "yB", month, sizeof(month));
                text_addf(t, "%u,%u,%s%s%u%s,%s,10,%s,%u,0.05,%d,%s,NFO-OPT,NFO\r\n", p.token,
                          p.token, p.underlying, month, p.strike, p.call ? "CE" : "PE",
                          p.underlying, print_day(p.expiry, "Y-M-d", day, sizeof(day)), p.strike,
                          PAD_LOT, p.call ? "CE" : "PE");
        }
}

void mstock_master(struct call *c)
{
        answer_master(c, MSTOCK_NUMBER, mstock_make, true);
}
