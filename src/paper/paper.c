#include "paper/paper.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "paper/wire.h"

int paper_new(const struct paper_options *o, struct paper **ret)
{
        struct paper *p = calloc(1, sizeof(*p));
        if (!p)
                return -ENOMEM;
        assert(o->find);
        p->options = *o;
        *ret = p;
        return 0;
}

/* Every rider must have been settled. */
void paper_set_calendar(struct paper *p, const struct calendar *calendar)
{
        p->options.calendar = calendar;
}

struct paper *paper_free(struct paper *p)
{
        if (!p)
                return NULL;
        while (p->accounts) {
                struct paper_account *a = p->accounts;
                p->accounts = a->next;
                account_free(a);
        }
        listings_free(p);
        free(p->dirty);
        free(p);
        return NULL;
}

int paper_add_account(struct paper *p, const struct account *account)
{
        if (account->paper_funds < 0 || account->paper_funds > PAPER_FUNDS_MAX)
                return -ERANGE;
        if (account_find(p, account->id))
                return -EEXIST;
        struct paper_account *a = calloc(1, sizeof(*a));
        if (!a)
                return -ENOMEM;
        a->paper = p;
        a->enforce_hours = account->enforce_session_hours;
        a->still = account->paper_static_market;
        a->opening = account->paper_funds;
        a->orders.item = sizeof(struct paper_order);
        a->trades.item = sizeof(struct paper_trade);
        text_copy(a->id, sizeof(a->id), account->id);
        list_init(&a->updated);
        list_init(&a->resting);
        struct paper_account **end = &p->accounts;
        while (*end)
                end = &(*end)->next;
        *end = a;
        return 0;
}

/* Time moves here and nowhere else. A clock that was set back does not bring back what is past. */
static int move_time(struct paper *p)
{
        int64_t now = clock_wall_us();
        if (now > p->now)
                p->now = now;
        if (p->failed < 0)
                return p->failed;
        if (!p->ready) {
                p->failed = restore_finish(p);
                if (p->failed < 0)
                        return p->failed;
        }
        if (p->now < p->day_end_us)
                return 0;
        int today = clock_ist_day(p->now);
        return day_roll(p, today > p->day ? today : p->day);
}

static int serve_place(struct paper_account *a, const struct text *body, struct text *t,
                       struct refusal *refusal)
{
        struct entry e = {};
        struct paper_order *o;
        int r = wire_read_entry(body, false, &e, refusal);
        if (r == 0)
                r = desk_place(a, &e, &o, refusal);
        if (r == 0)
                wire_put_result(t, o);
        return r;
}

static int serve_modify(struct paper_order *o, const struct text *body, struct text *t,
                        struct refusal *refusal)
{
        struct entry e = {
                .side = o->side,
                .type = o->type,
                .product = o->product,
                .validity = o->validity,
                .quantity = o->quantity,
                .price = o->price,
                .trigger_price = o->trigger_price,
        };
        int r = wire_read_entry(body, true, &e, refusal);
        if (r == 0)
                r = desk_modify(o, &e, refusal);
        if (r == 0)
                wire_put_result(t, o);
        return r;
}

static int serve_order(struct paper_account *a, const char *id_text,
                       const struct http_request *request, struct text *t, struct refusal *refusal)
{
        uint64_t id;
        struct paper_order *o = NULL;
        if (id_parse(id_text, strlen(id_text), &id) == 0)
                o = account_order(a, id);
        if (!o)
                return refuse(refusal, 404, "ORDER_NOT_FOUND", "16060: there is no such order");
        if (!strcmp(request->method, "PUT"))
                return serve_modify(o, &request->body, t, refusal);
        if (!strcmp(request->method, "DELETE")) {
                int r = desk_cancel(o, refusal);
                if (r == 0)
                        wire_put_result(t, o);
                return r;
        }
        if (strcmp(request->method, "GET") != 0)
                return refuse(refusal, 405, "METHOD", "%s is not allowed here", request->method);
        wire_put_order(t, o);
        return 0;
}

static int serve_read(struct paper_account *a, const struct wire_target *target, struct text *t,
                      struct refusal *refusal)
{
        int64_t since;
        int r;
        switch (target->thing) {
        case WIRE_ORDERS:
                r = wire_read_since(target->query, &since, refusal);
                return r ? r : wire_put_orders(t, a, since);
        case WIRE_TRADES:
                wire_put_trades(t, a);
                return 0;
        case WIRE_FUNDS:
                wire_put_funds(t, a);
                return 0;
        case WIRE_HOLDINGS:
                return wire_put_positions(t, a, true);
        case WIRE_POSITIONS:
                return wire_put_positions(t, a, false);
        case WIRE_QUOTES:
                return wire_put_quotes(t, a, target->query, refusal);
        case WIRE_PROFILE:
                wire_put_profile(t, a);
                return 0;
        case _WIRE_THING_MAX:
                break;
        }
        return -EINVAL;
}

static int dispatch(struct paper *p, const struct http_request *request, struct text *t,
                    struct refusal *refusal)
{
        struct wire_target target;
        int r = wire_read_target(text_str(&request->url), &target, refusal);
        if (r)
                return r;
        struct paper_account *a = account_find(p, target.account);
        if (!a)
                return refuse(refusal, 404, "UNKNOWN_ACCOUNT", "There is no such account");
        r = day_advance(a);
        if (r < 0)
                return r;
        if (*target.id)
                return serve_order(a, target.id, request, t, refusal);
        if (target.thing == WIRE_ORDERS && !strcmp(request->method, "POST"))
                return serve_place(a, &request->body, t, refusal);
        if (strcmp(request->method, "GET") != 0)
                return refuse(refusal, 405, "METHOD", "%s is not allowed here", request->method);
        return serve_read(a, &target, t, refusal);
}

int paper_serve(void *paper, const struct http_request *request, struct http_reply *ret,
                struct rider **ret_rider)
{
        struct paper *p = paper;
        struct refusal refusal = {};
        *ret_rider = NULL;
        ret->body.max = PAPER_REPLY_BYTES;
        int r = move_time(p);
        if (r == 0)
                r = dispatch(p, request, &ret->body, &refusal);
        if (r < 0)
                return r; /* what has changed by then rides with the next reply */
        ret->status = 200;
        if (r > 0) {
                text_clear(&ret->body);
                ret->status = refusal.status;
                wire_put_refusal(&ret->body, &refusal);
        }
        if (ret->body.failed)
                return ret->body.failed;
        return persist_collect(p, ret_rider);
}
