#include "orchestrator/operation.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "orchestrator/leg_act.h"
#include "orchestrator/state.h"

struct cancelling {
        struct running running;
        struct orchestrator *o;
        struct cancel_many_request *request;
        struct list acts;
        unsigned n, n_out;
        struct loop_work work;
};

static bool named(const char *const *accounts, const char *id)
{
        if (!accounts)
                return true;
        for (; *accounts; accounts++)
                if (strcmp(*accounts, id) == 0)
                        return true;
        return false;
}

/* One order per leg in the answer would say the same id twice: legs of one order are brought
 * together. */
static struct order *order_of(struct cancel_many_request *r, const struct order *shown)
{
        for (unsigned i = 0; i < r->n_orders; i++)
                if (text_equal(r->orders[i]->id, shown->id))
                        return r->orders[i];
        return NULL;
}

static void collate(struct cancelling *c)
{
        struct cancel_many_request *r = c->request;
        r->orders = calloc(c->n ? c->n : 1, sizeof(*r->orders));
        if (!r->orders)
                abort();
        LIST_FOREACH (it, &c->acts) {
                struct order *shown = LIST_ENTRY(it, struct leg_act, link)->shown;
                struct order *o = order_of(r, shown), *grown;
                if (!o) {
                        if (order_copy(shown, &r->orders[r->n_orders]) == 0)
                                r->n_orders++;
                        continue;
                }
                if (order_new(o->n_legs + 1, &grown) < 0)
                        continue;
                struct leg *legs = grown->legs;
                *grown = *o;
                grown->legs = legs;
                grown->n_legs = o->n_legs + 1;
                memcpy(legs, o->legs, o->n_legs * sizeof(*legs));
                legs[o->n_legs] = shown->legs[0];
                for (unsigned i = 0; i < r->n_orders; i++)
                        if (r->orders[i] == o)
                                r->orders[i] = grown;
                order_free(o);
        }
}

static void cancel_finish(struct cancelling *c)
{
        struct cancel_many_request *r = c->request;
        collate(c);
        running_end(c->o, &c->running);
        LIST_FOREACH (it, &c->acts) {
                leg_act_free(LIST_ENTRY(it, struct leg_act, link));
        }
        struct order **orders = r->orders;
        unsigned n = r->n_orders;
        r->done(r); /* may free it */
        for (unsigned i = 0; i < n; i++)
                order_free(orders[i]);
        free(orders);
        free(c);
}

static void acted(struct leg_act *act)
{
        struct cancelling *c = act->userdata;
        if (--c->n_out == 0)
                cancel_finish(c);
}

static void cancel_begin(struct loop_work *w)
{
        struct cancelling *c = CONTAINER_OF(w, struct cancelling, work);
        struct cancel_many_request *r = c->request;
        struct open_leg *l, *next;

        HASH_ITER (hh, c->o->open_legs.by_tag, l, next) {
                const char *account = l->account->account->id;
                struct leg_act *act = NULL;
                if (order_status_terminal(l->status) || !caller_may_use(&r->caller, account) ||
                    !named(r->accounts, account) ||
                    (r->symbol && strcmp(r->symbol, l->symbol) != 0))
                        continue;
                if (leg_act_new(&act, AMEND_CANCEL, l) < 0)
                        continue;
                act->actor = r->caller.key_name;
                act->correlation_id = r->caller.correlation_id;
                act->done = acted;
                act->userdata = c;
                list_append(&c->acts, &act->link);
                c->n++;
                c->n_out++;
        }
        if (c->n == 0) {
                cancel_finish(c);
                return;
        }
        LIST_FOREACH (it, &c->acts) {
                leg_act_start(LIST_ENTRY(it, struct leg_act, link));
        }
}

void operation_cancel_many(struct orchestrator *o, struct cancel_many_request *r)
{
        struct cancelling *c = calloc(1, sizeof(*c));
        if (!c)
                abort();
        r->answer = (struct answer){};
        r->orders = NULL;
        r->n_orders = 0;
        c->o = o;
        c->request = r;
        list_init(&c->acts);
        running_begin(o, &c->running);
        c->work.run = cancel_begin;
        loop_defer(o->loop, &c->work);
}
