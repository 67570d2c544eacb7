#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "domain/instruments.h"
#include "http/exchange.h"
#include "http/handlers.h"
#include "http/render.h"

#define SEARCH_DEFAULT 50

static void render_quote(struct json_writer *w, const struct quote *q)
{
        json_object_begin(w, NULL);
        json_put_string(w, "symbol", q->symbol);
        json_put_decimal(w, "last", q->last);
        render_price(w, "bid", q->bid);
        json_put_int(w, "bid_quantity", q->bid_quantity);
        render_price(w, "ask", q->ask);
        json_put_int(w, "ask_quantity", q->ask_quantity);
        render_price(w, "open", q->open);
        render_price(w, "high", q->high);
        render_price(w, "low", q->low);
        render_price(w, "previous_close", q->close);
        json_put_int(w, "volume", q->volume);
        render_price(w, "lower_circuit", q->lower_circuit);
        render_price(w, "upper_circuit", q->upper_circuit);
        json_put_time(w, "at", q->at_us);
        json_object_finish(w);
}

static void on_quotes(struct quotes_query *q)
{
        struct http_exchange *x = q->userdata;
        struct json_writer w = JSON_WRITER(&x->out);

        if (q->problem == PROBLEM_INSTRUMENT_UNKNOWN) {
                query_fault(&x->faults, "symbols", "names an instrument that is not known");
                if (exchange_end(x))
                        exchange_faults(x, q->problem);
                return;
        }
        if (q->problem == PROBLEM_BROKER_RATE || q->problem == PROBLEM_BREAKER_OPEN)
                exchange_header(x, "Retry-After", "%d", q->retry_after_s);
        if (!exchange_end_well(x, q->problem, *q->message ? q->message : NULL))
                return;
        json_object_begin(&w, NULL);
        json_put_string(&w, "source", q->source);
        json_array_begin(&w, "quotes");
        for (unsigned i = 0; i < q->n_quotes; i++)
                render_quote(&w, &q->quotes[i]);
        json_array_finish(&w);
        json_put_null(&w, "next_cursor");
        json_object_finish(&w);
        exchange_answer(x, 200, MIME_JSON);
}

/* One symbol of the list; the problem it makes, with its fault noted. */
static enum problem take_symbol(struct http_exchange *x, const char *s, size_t n)
{
        struct quotes_query *q = &x->u.quotes;
        char symbol[SYMBOL_SIZE];
        enum exchange exchange;

        if (symbol_parse(s, n, symbol, &exchange) < 0) {
                query_fault(&x->faults, "symbols", "must be like NSE:SBIN,NSE:INFY, with & as %26");
                return PROBLEM_INVALID_QUERY;
        }
        if (q->n_symbols == QUOTES_MAX) {
                query_fault(&x->faults, "symbols", "names too many symbols");
                return PROBLEM_INVALID_QUERY;
        }
        memcpy(q->symbols[q->n_symbols++], symbol, sizeof(symbol));
        return PROBLEM_NONE;
}

static enum problem take_source(struct http_exchange *x)
{
        const char *account = query_get(&x->query, "account");
        char id[ACCOUNT_SIZE];

        if (!account)
                return PROBLEM_NONE;
        if (account_id_parse(account, strlen(account), id) < 0) {
                query_fault(&x->faults, "account", "must be an account like paper:demo");
                return PROBLEM_INVALID_QUERY;
        }
        if (!caller_may_use(&x->caller, id)) {
                query_fault(&x->faults, "account", "is an account that this key may not use");
                return PROBLEM_ACCOUNT_FORBIDDEN;
        }
        const struct account *a = orchestrator_account(exchange_orchestrator(x), id);
        if (!a) {
                query_fault(&x->faults, "account", "is an account that does not exist");
                return PROBLEM_ACCOUNT_NOT_FOUND;
        }
        x->u.quotes.account = a->id;
        return PROBLEM_NONE;
}

void handle_quotes(struct http_exchange *x)
{
        const char *s = query_get(&x->query, "symbols");
        struct quotes_query *q = &x->u.quotes;
        enum problem p = take_source(x);

        if (!s) {
                query_fault(&x->faults, "symbols", "is required");
                p = PROBLEM_INVALID_QUERY;
        }
        while (s && p == PROBLEM_NONE) {
                size_t n = strcspn(s, ",");
                p = take_symbol(x, s, n);
                s = s[n] ? s + n + 1 : NULL;
        }
        if (p != PROBLEM_NONE) {
                exchange_faults(x, p);
                return;
        }
        q->caller = x->caller;
        q->done = on_quotes;
        q->userdata = x;
        exchange_begin(x);
        query_quotes(exchange_orchestrator(x), q);
}

/* 20261229 → "2026-12-29" */
static void render_day(struct json_writer *w, const char *key, int day)
{
        char buf[16];

        if (day == 0) {
                json_put_null(w, key);
                return;
        }
        snprintf(buf, sizeof(buf), "%04d-%02d-%02d", day / 10000, day / 100 % 100, day % 100);
        json_put_string(w, key, buf);
}

static void render_instrument(struct json_writer *w, const struct instrument *i)
{
        char strike[DECIMAL_TEXT_SIZE];

        json_object_begin(w, NULL);
        json_put_string(w, "symbol", i->symbol);
        json_put_string(w, "name", i->name);
        json_put_string(w, "exchange", exchange_name(i->exchange));
        json_put_string(w, "segment", segment_name(i->segment));
        render_word(w, "isin", i->isin);
        render_word(w, "underlying", i->underlying);
        render_day(w, "expiry", i->expiry);
        json_put_string(w, "strike", i->strike ? decimal_print_short(i->strike, strike) : NULL);
        json_put_string(w, "option", i->segment != SEGMENT_OPTION ? NULL : i->call ? "CE" : "PE");
        json_put_bool(w, "tradable", i->lot > 0);
        json_put_int(w, "lot", i->lot);
        render_price(w, "tick", i->tick);
        if (i->freeze)
                json_put_int(w, "freeze_quantity", i->freeze);
        else
                json_put_null(w, "freeze_quantity");
        render_price(w, "previous_close", i->previous_close);
        json_object_finish(w);
}

void handle_instruments(struct http_exchange *x)
{
        _cleanup_(freep) struct instrument *found = NULL;
        struct json_writer w = JSON_WRITER(&x->out);
        const char *q = query_get(&x->query, "q");
        int64_t limit = SEARCH_DEFAULT;
        int exchange = -1;

        if (!q)
                query_fault(&x->faults, "q", "is required");
        query_word(&x->query, "exchange", exchange_from, &exchange, &x->faults);
        query_int(&x->query, "limit", 1, INSTRUMENTS_SEARCH_MAX, &limit, &x->faults);
        if (faults_any(&x->faults)) {
                exchange_faults(x, PROBLEM_INVALID_QUERY);
                return;
        }
        found = calloc((size_t)limit, sizeof(*found));
        if (!found)
                abort();
        unsigned n =
                query_instruments(exchange_orchestrator(x), q, exchange, (unsigned)limit, found);
        json_object_begin(&w, NULL);
        json_array_begin(&w, "instruments");
        for (unsigned i = 0; i < n; i++)
                render_instrument(&w, &found[i]);
        json_array_finish(&w);
        json_put_null(&w, "next_cursor");
        json_object_finish(&w);
        exchange_answer(x, 200, MIME_JSON);
}
