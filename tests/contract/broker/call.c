#include "call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"

static bool word(const char *value, int (*from)(const char *, size_t), int *ret)
{
        *ret = value ? from(value, strlen(value)) : 0;
        return *ret >= 0;
}

static bool number(const char *value, int64_t *ret)
{
        return !value || text_parse_int(value, strlen(value), 0, INT64_MAX, ret) == 0;
}

static bool decimal(const char *value, int64_t *ret)
{
        return !value || decimal_parse(value, strlen(value), ret) == 0;
}

static const char *get(struct broker_case *c, const char *key)
{
        return case_get(c, CASE_CALL, key);
}

static bool find_in_case(void *userdata, enum scrip_by by, const char *text, struct scrip *ret)
{
        const struct case_scrips *s = userdata;
        for (unsigned i = 0; i < s->n; i++) {
                const struct scrip *row = &s->rows[i];
                const char *name = by == SCRIP_BY_SYMBOL  ? row->instrument.symbol
                                   : by == SCRIP_BY_KEY   ? row->key
                                   : by == SCRIP_BY_TOKEN ? row->token
                                                          : row->instrument.isin;
                if (*name && strcmp(name, text) == 0) {
                        *ret = *row;
                        return true;
                }
        }
        if (s->n > 0 || by != SCRIP_BY_SYMBOL)
                return false;
        *ret = (struct scrip){.instrument.lot = 1};
        return text_copy(ret->instrument.symbol, sizeof(ret->instrument.symbol), text);
}

static bool build_order(struct case_call *t, struct broker_case *c)
{
        struct order *o = t->order;
        struct leg *l = &o->legs[0];
        const char *symbol = get(c, "symbol"), *tag = get(c, "tag"),
                   *id = get(c, "broker_order_id");
        int side, type, product, validity;
        if (!word(get(c, "side"), side_from, &side) ||
            !word(get(c, "type"), order_type_from, &type) ||
            !word(get(c, "product"), product_from, &product) ||
            !word(get(c, "validity"), validity_from, &validity))
                return false;
        o->side = (enum side)side;
        o->type = (enum order_type)type;
        o->product = (enum product)product;
        o->validity = (enum validity)validity;
        if (!number(get(c, "quantity"), &o->quantity) || !decimal(get(c, "price"), &o->price) ||
            !decimal(get(c, "trigger_price"), &o->trigger_price) ||
            !number(get(c, "disclosed_quantity"), &o->disclosed_quantity) ||
            !number(get(c, "filled_quantity"), &l->filled_quantity))
                return false;
        l->quantity = o->quantity;
        l->effective = (struct effective){o->type, o->price, o->trigger_price};
        return (!symbol ||
                (text_copy(o->symbol, sizeof(o->symbol), symbol) &&
                 find_in_case(t->call.source.userdata, SCRIP_BY_SYMBOL, symbol, &t->scrip))) &&
               (!tag || text_copy(l->tag, sizeof(l->tag), tag)) &&
               (!id || text_copy(l->broker_order_id, sizeof(l->broker_order_id), id));
}

static bool build_symbols(struct case_call *t, char *symbols)
{
        char *save = NULL;
        for (char *s = strtok_r(symbols, ",", &save); s; s = strtok_r(NULL, ",", &save)) {
                unsigned i = t->call.n_scrips;
                if (i == CALL_SYMBOLS_MAX ||
                    !find_in_case(t->call.source.userdata, SCRIP_BY_SYMBOL, s, &t->scrips[i]))
                        return false;
                t->pointers[i] = &t->scrips[i];
                t->call.n_scrips++;
        }
        t->call.scrips = t->pointers;
        return true;
}

static int op_of(const char *name)
{
        for (int op = 0; name && op < _BROKER_OP_MAX; op++)
                if (strcmp(name, broker_op_name((enum broker_op)op)) == 0)
                        return op;
        return -1;
}

/* The account of every case: what it holds is in no other text of the suite, so that one can look
 * for it. */
static void build_access(struct case_call *t)
{
        static char base_url[] = "https://api.example.org", master_url[] = "https://m.example.org",
                    client_id[] = "XA00001", redirect[] = "https://127.0.0.1/ordo?a=1",
                    username[] = "user+1@example.org";
        t->account.access = (struct account_access){
                .base_url = base_url,
                .master_url = master_url,
                .client_id = client_id,
                .redirect_uri = redirect,
                .username = username,
                .api_key = secret_new("KEY+/=@@-100", 12),
                .api_secret = secret_new("SECRET&1", 8),
                .password = secret_new("PASS word%1", 11),
        };
}

static bool secret_line(struct broker_case *c, const char *key, struct secret **ret)
{
        const char *value = get(c, key);
        *ret = value ? secret_new(value, strlen(value)) : NULL;
        return !value || *ret;
}

bool call_build(struct case_call *t, struct broker_case *c, const struct case_scrips *scrips,
                char *fault, size_t size)
{
        *t = (struct case_call){};
        int op = op_of(get(c, "op"));
        const char *account = get(c, "account"), *symbols = get(c, "symbols");
        int64_t step = 0;
        snprintf(fault, size, "the call is not complete or has a word that is none");
        if (op < 0 || !account || account_id_parse(account, strlen(account), t->account.id) < 0 ||
            order_new(1, &t->order) < 0)
                return false;
        text_copy_bytes(t->account.broker, sizeof(t->account.broker), account,
                        strcspn(account, ":"));
        build_access(t);
        t->call.op = (enum broker_op)op;
        t->call.account = &t->account;
        t->call.order = t->order;
        t->call.leg = &t->order->legs[0];
        t->call.scrip = &t->scrip;
        t->call.source = (struct scrip_source){find_in_case, (void *)scrips};
        t->scrip.instrument.lot = 1;
        if (!secret_line(c, "token", &t->token) || !secret_line(c, "otp", &t->otp) ||
            !secret_line(c, "code", &t->code) || !secret_line(c, "carry", &t->carry))
                return false;
        t->call.token = t->token;
        t->call.otp = t->otp;
        t->call.code = t->code;
        t->call.carry = t->carry;
        if (!number(get(c, "step"), &step) || !number(get(c, "since_us"), &t->call.since_us))
                return false;
        t->call.step = (unsigned)step;
        char *list = symbols ? strdup(symbols) : NULL;
        bool fine = build_order(t, c) && (!list || build_symbols(t, list));
        free(list);
        return fine;
}

void call_done(struct case_call *t)
{
        t->order = order_free(t->order);
        t->token = secret_free(t->token);
        t->otp = secret_free(t->otp);
        t->code = secret_free(t->code);
        t->carry = secret_free(t->carry);
        secret_free(t->account.access.api_key);
        secret_free(t->account.access.api_secret);
        secret_free(t->account.access.password);
}

/* symbol,segment,lot,tick,key,token,detail,isin,underlying,expiry,strike,option */
static bool scrip_line(char *line, struct scrip *s)
{
        char *cells[12] = {};
        unsigned n = 0;
        for (char *cell = line; cell && n < 12; n++) {
                cells[n] = strsep(&cell, ",");
                if (n == 11 && cell)
                        return false;
        }
        struct instrument *i = &s->instrument;
        int64_t expiry = 0;
        int segment = cells[1] ? segment_from(cells[1], strlen(cells[1])) : -1;
        if (n != 12 || segment < 0 ||
            symbol_parse(cells[0], strlen(cells[0]), i->symbol, &i->exchange) < 0 ||
            !number(cells[2], &i->lot) || !decimal(cells[3], &i->tick) ||
            !text_copy(s->key, sizeof(s->key), cells[4]) ||
            !text_copy(s->token, sizeof(s->token), cells[5]) ||
            !text_copy(s->detail, sizeof(s->detail), cells[6]) ||
            !text_copy(i->isin, sizeof(i->isin), cells[7]) ||
            !text_copy(i->underlying, sizeof(i->underlying), cells[8]) ||
            (*cells[9] && !number(cells[9], &expiry)) ||
            (*cells[10] && !decimal(cells[10], &i->strike)))
                return false;
        i->segment = (enum segment)segment;
        i->expiry = (int)expiry;
        i->call = strcmp(cells[11], "CE") == 0;
        i->intraday_allowed = true;
        return true;
}

bool scrips_read(struct case_scrips *s, const char *path, char *fault, size_t size)
{
        char line[512];
        FILE *f = fopen(path, "re");
        s->n = 0;
        for (unsigned number_of_line = 1; f && fgets(line, sizeof(line), f); number_of_line++) {
                line[strcspn(line, "\n")] = '\0';
                if (!*line || *line == '#')
                        continue;
                struct scrip row = {};
                if (s->n == SCRIPS_MAX || !scrip_line(line, &row)) {
                        snprintf(fault, size, "%s:%u: not a scrip", path, number_of_line);
                        fclose(f);
                        return false;
                }
                s->rows[s->n++] = row;
        }
        if (f)
                fclose(f);
        return true;
}

enum probe_type {
        PROBE_TEXT,
        PROBE_INT,
        PROBE_DECIMAL,
        PROBE_SIDE,
        PROBE_TYPE,
        PROBE_PRODUCT,
        PROBE_VALIDITY,
        PROBE_STATUS,
        PROBE_EXCHANGE,
        PROBE_SEGMENT,
        PROBE_SMALL, /* int */
        PROBE_BOOL
};
struct probe {
        const char *key;
        enum probe_type type;
        size_t offset, size;
};
#define PROBE(t, s, m)                                                           \
        {                                                                        \
#m, PROBE_##t, offsetof(struct s, m), sizeof(((struct s *)0)->m) \
        }

static const struct probe order_probes[] = {
        PROBE(TEXT, book_order, broker_order_id),
        PROBE(TEXT, book_order, tag),
        PROBE(TEXT, book_order, symbol),
        PROBE(SIDE, book_order, side),
        PROBE(TYPE, book_order, type),
        PROBE(PRODUCT, book_order, product),
        PROBE(VALIDITY, book_order, validity),
        PROBE(INT, book_order, quantity),
        PROBE(INT, book_order, filled_quantity),
        PROBE(DECIMAL, book_order, price),
        PROBE(DECIMAL, book_order, trigger_price),
        PROBE(DECIMAL, book_order, average_price),
        PROBE(STATUS, book_order, status),
        PROBE(INT, book_order, placed_us),
        PROBE(INT, book_order, updated_us),
        PROBE(TEXT, book_order, message),
        {},
};
static const struct probe trade_probes[] = {
        PROBE(TEXT, trade, trade_id), PROBE(TEXT, trade, broker_order_id),
        PROBE(TEXT, trade, tag),      PROBE(TEXT, trade, symbol),
        PROBE(SIDE, trade, side),     PROBE(PRODUCT, trade, product),
        PROBE(INT, trade, quantity),  PROBE(DECIMAL, trade, price),
        PROBE(INT, trade, at_us),     {},
};
static const struct probe holding_probes[] = {
        PROBE(TEXT, holding, symbol),           PROBE(INT, holding, quantity),
        PROBE(DECIMAL, holding, average_price), PROBE(DECIMAL, holding, last_price),
        PROBE(DECIMAL, holding, pnl),           {},
};
static const struct probe position_probes[] = {
        PROBE(TEXT, position, symbol),
        PROBE(PRODUCT, position, product),
        PROBE(INT, position, quantity),
        PROBE(DECIMAL, position, average_price),
        PROBE(DECIMAL, position, last_price),
        PROBE(DECIMAL, position, realised_pnl),
        PROBE(DECIMAL, position, unrealised_pnl),
        PROBE(INT, position, buy_quantity),
        PROBE(INT, position, sell_quantity),
        {},
};
static const struct probe quote_probes[] = {
        PROBE(TEXT, quote, symbol),
        PROBE(DECIMAL, quote, last),
        PROBE(DECIMAL, quote, bid),
        PROBE(DECIMAL, quote, ask),
        PROBE(INT, quote, bid_quantity),
        PROBE(INT, quote, ask_quantity),
        PROBE(DECIMAL, quote, open),
        PROBE(DECIMAL, quote, high),
        PROBE(DECIMAL, quote, low),
        PROBE(DECIMAL, quote, close),
        PROBE(INT, quote, volume),
        PROBE(DECIMAL, quote, lower_circuit),
        PROBE(DECIMAL, quote, upper_circuit),
        PROBE(INT, quote, at_us),
        {},
};
static const struct probe funds_probes[] = {
        PROBE(DECIMAL, funds, available),      PROBE(DECIMAL, funds, used),
        PROBE(DECIMAL, funds, total),          PROBE(DECIMAL, funds, realised_pnl),
        PROBE(DECIMAL, funds, unrealised_pnl), {},
};
static const struct probe state_probes[] = {
        PROBE(STATUS, broker_result, status),
        PROBE(INT, broker_result, filled_quantity),
        PROBE(DECIMAL, broker_result, average_price),
        {},
};
static const struct probe margin_probes[] = {
        PROBE(DECIMAL, margin, required),
        PROBE(DECIMAL, margin, available),
        {},
};
static const struct probe instrument_probes[] = {
        PROBE(TEXT, instrument, symbol),
        PROBE(TEXT, instrument, name),
        PROBE(TEXT, instrument, isin),
        PROBE(TEXT, instrument, underlying),
        PROBE(EXCHANGE, instrument, exchange),
        PROBE(SEGMENT, instrument, segment),
        PROBE(SMALL, instrument, expiry),
        PROBE(DECIMAL, instrument, strike),
        PROBE(BOOL, instrument, call),
        PROBE(INT, instrument, lot),
        PROBE(DECIMAL, instrument, tick),
        PROBE(INT, instrument, freeze),
        PROBE(DECIMAL, instrument, previous_close),
        PROBE(SMALL, instrument, band_percent),
        PROBE(BOOL, instrument, on_index),
        PROBE(BOOL, instrument, intraday_allowed),
        {},
};
static const struct probe scrip_probes[] = {
        PROBE(TEXT, scrip, key),
        PROBE(TEXT, scrip, token),
        PROBE(TEXT, scrip, detail),
        {},
};
static const struct probe result_probes[] = {
        PROBE(TEXT, broker_result, client_id),
        PROBE(TEXT, broker_result, broker_code),
        PROBE(TEXT, broker_result, message),
        PROBE(TEXT, broker_result, broker_order_id),
        {},
};

static const char *word_name(enum probe_type type, int value)
{
        switch (type) {
        case PROBE_SIDE:
                return value >= 0 && value < _SIDE_MAX ? side_name((enum side)value) : NULL;
        case PROBE_TYPE:
                return value >= 0 && value < _ORDER_TYPE_MAX
                               ? order_type_name((enum order_type)value)
                               : NULL;
        case PROBE_PRODUCT:
                return value >= 0 && value < _PRODUCT_MAX ? product_name((enum product)value)
                                                          : NULL;
        case PROBE_VALIDITY:
                return value >= 0 && value < _VALIDITY_MAX ? validity_name((enum validity)value)
                                                           : NULL;
        case PROBE_EXCHANGE:
                return value >= 0 && value < _EXCHANGE_MAX ? exchange_name((enum exchange)value)
                                                           : NULL;
        case PROBE_SEGMENT:
                return value >= 0 && value < _SEGMENT_MAX ? segment_name((enum segment)value)
                                                          : NULL;
        case PROBE_STATUS:
                return value >= 0 && value < _ORDER_STATUS_MAX
                               ? order_status_name((enum order_status)value)
                               : NULL;
        default:
                return NULL;
        }
}

/* NULL: out of its bounds. */
static const char *probe_text(const struct probe *p, const void *base)
{
        static char buf[DECIMAL_TEXT_SIZE];
        const char *at = (const char *)base + p->offset;
        int64_t value;
        int small;
        switch (p->type) {
        case PROBE_TEXT:
                return memchr(at, '\0', p->size) ? at : NULL;
        case PROBE_INT:
                memcpy(&value, at, sizeof(value));
                snprintf(buf, sizeof(buf), "%lld", (long long)value);
                return buf;
        case PROBE_DECIMAL:
                memcpy(&value, at, sizeof(value));
                return value <= DECIMAL_MAX && value >= -DECIMAL_MAX ? decimal_print(value, buf)
                                                                     : NULL;
        case PROBE_BOOL:
                return *(const bool *)at ? "true" : "false";
        case PROBE_SMALL:
                memcpy(&small, at, sizeof(small));
                snprintf(buf, sizeof(buf), "%d", small);
                return buf;
        default:
                memcpy(&small, at, sizeof(small));
                return word_name(p->type, small);
        }
}

static const char *probe_find(const struct probe *table, const void *base, const char *key)
{
        for (const struct probe *p = table; p->key; p++)
                if (strcmp(p->key, key) == 0)
                        return probe_text(p, base);
        return NULL;
}

const char *scrip_text(const struct scrip *s, const char *key)
{
        const char *text = probe_find(scrip_probes, s, key);
        return text ? text : probe_find(instrument_probes, &s->instrument, key);
}

struct rows {
        const struct probe *table;
        const void *data;
        size_t size;
        unsigned n;
};

static struct rows rows_at(const struct broker_result *r, unsigned list)
{
        switch (list) {
        case 0:
                return (struct rows){order_probes, r->orders, sizeof(*r->orders), r->n_orders};
        case 1:
                return (struct rows){trade_probes, r->trades, sizeof(*r->trades), r->n_trades};
        case 2:
                return (struct rows){holding_probes, r->holdings, sizeof(*r->holdings),
                                     r->n_holdings};
        case 3:
                return (struct rows){position_probes, r->positions, sizeof(*r->positions),
                                     r->n_positions};
        default:
                return (struct rows){quote_probes, r->quotes, sizeof(*r->quotes), r->n_quotes};
        }
}
#define LISTS 5

unsigned result_rows(const struct broker_result *r)
{
        unsigned n = 0;
        for (unsigned i = 0; i < LISTS; i++)
                n += rows_at(r, i).n;
        return n;
}

static const char *row_text(const struct broker_result *r, const char *key)
{
        char *field;
        unsigned long row = strtoul(key, &field, 10);
        for (unsigned i = 0; *field == '.' && i < LISTS; i++) {
                struct rows rows = rows_at(r, i);
                if (row < rows.n)
                        return probe_find(rows.table, (const char *)rows.data + row * rows.size,
                                          field + 1);
        }
        return NULL;
}

const char *result_text(enum broker_op op, const struct broker_result *r, const char *key)
{
        static char buf[24];
        if (strcmp(key, "outcome") == 0)
                return outcome_name(r->outcome);
        if (strcmp(key, "problem") == 0)
                return problem_code(r->problem);
        if (strcmp(key, "session_ended") == 0)
                return r->session_ended ? "true" : "false";
        if (strcmp(key, "rate_limited") == 0)
                return r->rate_limited ? "true" : "false";
        if (strcmp(key, "count") == 0) {
                snprintf(buf, sizeof(buf), "%u", result_rows(r));
                return buf;
        }
        if (strcmp(key, "login") == 0)
                return op != BROKER_LOGIN                 ? NULL
                       : r->login == BROKER_LOGIN_DONE    ? "done"
                       : r->login == BROKER_LOGIN_GOES_ON ? "goes_on"
                                                          : "asks";
        if (strcmp(key, "next_step") == 0 || strcmp(key, "expires_us") == 0) {
                snprintf(buf, sizeof(buf), "%lld",
                         (long long)(*key == 'n' ? (int64_t)r->next_step : r->expires_us));
                return buf;
        }
        if (strcmp(key, "token") == 0)
                return r->token ? secret_bytes(r->token) : "";
        if (strcmp(key, "carry") == 0)
                return r->carry ? secret_bytes(r->carry) : "";
        if (text_starts(key, "margin."))
                return op == BROKER_MARGIN ? probe_find(margin_probes, &r->margin, key + 7) : NULL;
        if (text_starts(key, "funds."))
                return op == BROKER_FUNDS ? probe_find(funds_probes, &r->funds, key + 6) : NULL;
        if (*key >= '0' && *key <= '9')
                return row_text(r, key);
        const char *s = probe_find(result_probes, r, key);
        return s || !r->has_state ? s : probe_find(state_probes, r, key);
}

static bool bounded(const struct probe *table, const void *base)
{
        for (const struct probe *p = table; p->key; p++)
                if (!probe_text(p, base))
                        return false;
        return true;
}

bool scrip_bounded(const struct scrip *s)
{
        return bounded(scrip_probes, s) && bounded(instrument_probes, &s->instrument) &&
               s->instrument.lot >= 0 && s->instrument.tick >= 0 && *s->instrument.symbol;
}

bool result_bounded(const struct broker_result *r)
{
        bool fine = bounded(result_probes, r) && bounded(funds_probes, &r->funds) &&
                    (!r->has_state || bounded(state_probes, r)) && r->outcome >= 0 &&
                    r->outcome < _OUTCOME_MAX && r->problem < _PROBLEM_MAX;
        for (unsigned i = 0; i < LISTS; i++) {
                struct rows rows = rows_at(r, i);
                for (unsigned row = 0; fine && row < rows.n; row++)
                        fine = bounded(rows.table, (const char *)rows.data + row * rows.size);
        }
        return fine;
}
