/* What accounts have, each by itself and all together. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "http/render.h"

void render_result_head(struct json_writer *w, const struct account_result *r)
{
        bool good = r->problem == PROBLEM_NONE;

        json_put_string(w, "account", r->account->id);
        json_put_string(w, "status", good ? "success" : "failed");
        json_put_string(w, "code", good ? NULL : problem_code(r->problem));
        render_word(w, "message", r->message);
        json_put_time(w, "as_of", r->as_of_us);
}

static void render_funds(struct json_writer *w, const struct funds *f)
{
        json_object_begin(w, "funds");
        json_put_decimal(w, "available", f->available);
        json_put_decimal(w, "used", f->used);
        json_put_decimal(w, "total", f->total);
        json_put_decimal(w, "realised_pnl", f->realised_pnl);
        json_put_decimal(w, "unrealised_pnl", f->unrealised_pnl);
        json_object_finish(w);
}

static void render_holding(struct json_writer *w, const struct holding *h)
{
        json_object_begin(w, NULL);
        json_put_string(w, "symbol", h->symbol);
        json_put_int(w, "quantity", h->quantity);
        render_price(w, "average_price", h->average_price);
        render_price(w, "last_price", h->last_price);
        json_put_decimal(w, "pnl", h->pnl);
        json_object_finish(w);
}

static void render_position(struct json_writer *w, const struct position *p)
{
        json_object_begin(w, NULL);
        json_put_string(w, "symbol", p->symbol);
        json_put_string(w, "product", product_name(p->product));
        json_put_int(w, "quantity", p->quantity);
        render_price(w, "average_price", p->average_price);
        render_price(w, "last_price", p->last_price);
        json_put_decimal(w, "realised_pnl", p->realised_pnl);
        json_put_decimal(w, "unrealised_pnl", p->unrealised_pnl);
        json_put_int(w, "buy_quantity", p->buy_quantity);
        json_put_int(w, "sell_quantity", p->sell_quantity);
        json_object_finish(w);
}

/* The sum over all accounts whose data is good. */
struct consolidated {
        struct funds funds;
        struct holding *holdings;
        unsigned n_holdings;
        struct position *positions;
        unsigned n_positions;
};

static void consolidated_done(struct consolidated *c)
{
        free(c->holdings);
        free(c->positions);
}

static int by_symbol(const void *a, const void *b)
{
        return strcmp(((const struct holding *)a)->symbol, ((const struct holding *)b)->symbol);
}

static int by_symbol_and_product(const void *a, const void *b)
{
        const struct position *x = a, *y = b;
        int r = strcmp(x->symbol, y->symbol);

        return r != 0 ? r : (x->product > y->product) - (x->product < y->product);
}

/* The average of two quantities at two prices. 0, which says that there is none, for nothing and
 * for a long and a short one together. */
static int64_t weighted(int64_t price, int64_t quantity, int64_t more_price, int64_t more)
{
        __int128 sum = (__int128)price * quantity + (__int128)more_price * more;
        int64_t all = quantity + more;

        if (all == 0 || (quantity > 0 && more < 0) || (quantity < 0 && more > 0))
                return 0;
        return (int64_t)(sum / all);
}

static void merge_holdings(struct consolidated *c)
{
        unsigned kept = 0;

        qsort(c->holdings, c->n_holdings, sizeof(*c->holdings), by_symbol);
        for (unsigned i = 0; i < c->n_holdings; i++) {
                struct holding *last = kept > 0 ? &c->holdings[kept - 1] : NULL;
                const struct holding *next = &c->holdings[i];

                if (!last || strcmp(last->symbol, next->symbol) != 0) {
                        c->holdings[kept++] = *next;
                        continue;
                }
                last->average_price = weighted(last->average_price, last->quantity,
                                               next->average_price, next->quantity);
                last->quantity += next->quantity;
                last->pnl += next->pnl;
                if (next->last_price)
                        last->last_price = next->last_price;
        }
        c->n_holdings = kept;
}

static void merge_positions(struct consolidated *c)
{
        unsigned kept = 0;

        qsort(c->positions, c->n_positions, sizeof(*c->positions), by_symbol_and_product);
        for (unsigned i = 0; i < c->n_positions; i++) {
                struct position *last = kept > 0 ? &c->positions[kept - 1] : NULL;
                const struct position *next = &c->positions[i];

                if (!last || by_symbol_and_product(last, next) != 0) {
                        c->positions[kept++] = *next;
                        continue;
                }
                last->average_price = weighted(last->average_price, last->quantity,
                                               next->average_price, next->quantity);
                last->quantity += next->quantity;
                last->realised_pnl += next->realised_pnl;
                last->unrealised_pnl += next->unrealised_pnl;
                last->buy_quantity += next->buy_quantity;
                last->sell_quantity += next->sell_quantity;
                if (next->last_price)
                        last->last_price = next->last_price;
        }
        c->n_positions = kept;
}

static int consolidate(const struct account_result *r, unsigned n, struct consolidated *c)
{
        unsigned holdings = 0, positions = 0;

        for (unsigned i = 0; i < n; i++) {
                holdings += r[i].n_holdings;
                positions += r[i].n_positions;
        }
        c->holdings = calloc(holdings + 1, sizeof(*c->holdings));
        c->positions = calloc(positions + 1, sizeof(*c->positions));
        if (!c->holdings || !c->positions)
                return -ENOMEM;
        for (unsigned i = 0; i < n; i++) {
                if (r[i].problem != PROBLEM_NONE)
                        continue;
                c->funds.available += r[i].funds.available;
                c->funds.used += r[i].funds.used;
                c->funds.total += r[i].funds.total;
                c->funds.realised_pnl += r[i].funds.realised_pnl;
                c->funds.unrealised_pnl += r[i].funds.unrealised_pnl;
                for (unsigned k = 0; k < r[i].n_holdings; k++)
                        c->holdings[c->n_holdings++] = r[i].holdings[k];
                for (unsigned k = 0; k < r[i].n_positions; k++)
                        c->positions[c->n_positions++] = r[i].positions[k];
        }
        merge_holdings(c);
        merge_positions(c);
        return 0;
}

static void render_sections(struct json_writer *w, unsigned sections, const struct funds *funds,
                            const struct holding *holdings, unsigned n_holdings,
                            const struct position *positions, unsigned n_positions)
{
        if (sections & SECTION_FUNDS)
                render_funds(w, funds);
        if (sections & SECTION_HOLDINGS) {
                json_array_begin(w, "holdings");
                for (unsigned i = 0; i < n_holdings; i++)
                        render_holding(w, &holdings[i]);
                json_array_finish(w);
        }
        if (sections & SECTION_POSITIONS) {
                json_array_begin(w, "positions");
                for (unsigned i = 0; i < n_positions; i++)
                        render_position(w, &positions[i]);
                json_array_finish(w);
        }
}

/* A sum that does not say what it lacks is wrong. */
static void render_missing(struct json_writer *w, const struct account_result *r, unsigned n)
{
        int64_t oldest = 0;

        json_array_begin(w, "missing");
        for (unsigned i = 0; i < n; i++) {
                if (r[i].problem != PROBLEM_NONE)
                        json_put_string(w, NULL, r[i].account->id);
                else if (oldest == 0 || r[i].as_of_us < oldest)
                        oldest = r[i].as_of_us;
        }
        json_array_finish(w);
        json_put_time(w, "as_of", oldest);
}

int render_portfolio(struct json_writer *w, const struct account_result *r, unsigned n,
                     unsigned sections)
{
        _cleanup_(consolidated_done) struct consolidated c = {};
        unsigned good = 0;

        int result = consolidate(r, n, &c);
        if (result < 0)
                return result;
        json_object_begin(w, NULL);
        json_array_begin(w, "results");
        for (unsigned i = 0; i < n; i++) {
                json_object_begin(w, NULL);
                render_result_head(w, &r[i]);
                if (r[i].problem == PROBLEM_NONE) {
                        good++;
                        render_sections(w, sections, &r[i].funds, r[i].holdings, r[i].n_holdings,
                                        r[i].positions, r[i].n_positions);
                }
                json_object_finish(w);
        }
        json_array_finish(w);
        json_object_begin(w, "consolidated");
        json_put_int(w, "accounts", good);
        json_put_int(w, "failed", n - good);
        render_missing(w, r, n);
        render_sections(w, sections, &c.funds, c.holdings, c.n_holdings, c.positions,
                        c.n_positions);
        json_object_finish(w);
        json_object_finish(w);
        return 0;
}

static void render_trade(struct json_writer *w, const struct account_result *r,
                         const struct trade *t)
{
        json_object_begin(w, NULL);
        json_put_string(w, "account", *t->account ? t->account : r->account->id);
        json_put_string(w, "trade_id", t->trade_id);
        render_word(w, "order_id", t->order_id);
        json_put_string(w, "broker_order_id", t->broker_order_id);
        render_word(w, "tag", t->tag);
        json_put_string(w, "symbol", t->symbol);
        json_put_string(w, "side", side_name(t->side));
        json_put_string(w, "product", product_name(t->product));
        json_put_int(w, "quantity", t->quantity);
        json_put_decimal(w, "price", t->price);
        json_put_time(w, "at", t->at_us);
        json_object_finish(w);
}

void render_trades(struct json_writer *w, const struct account_result *r, unsigned n, unsigned from,
                   unsigned limit)
{
        unsigned at = 0;
        char cursor[24];

        json_object_begin(w, NULL);
        json_array_begin(w, "trades");
        for (unsigned i = 0; i < n; i++)
                for (unsigned k = 0; k < r[i].n_trades; k++, at++)
                        if (at >= from && at - from < limit)
                                render_trade(w, &r[i], &r[i].trades[k]);
        json_array_finish(w);
        if (at > from && at - from > limit) {
                snprintf(cursor, sizeof(cursor), "%u", from + limit);
                json_put_string(w, "next_cursor", cursor);
        } else {
                json_put_null(w, "next_cursor");
        }
        json_array_begin(w, "results");
        for (unsigned i = 0; i < n; i++) {
                json_object_begin(w, NULL);
                render_result_head(w, &r[i]);
                json_put_int(w, "trades", r[i].n_trades);
                json_object_finish(w);
        }
        json_array_finish(w);
        json_object_finish(w);
}
