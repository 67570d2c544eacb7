#include "orchestrator/day_orders.h"

#include "base/clock.h"
#include "orchestrator/state.h"

static void next_page(struct orchestrator *o);

static void claim(struct orchestrator *o, const struct order *order)
{
        for (unsigned i = 0; i < order->n_legs; i++) {
                const struct leg *leg = &order->legs[i];
                struct account_state *a = account_state(o, leg->account);
                if (a && leg->broker_order_id[0])
                        sighting_claim(&a->sightings, leg->broker_order_id, order->id,
                                       clock_wall_us());
        }
}

static void page_read(struct store_job *job)
{
        struct day_orders *d = CONTAINER_OF(job, struct day_orders, page.job);
        struct orchestrator *o = CONTAINER_OF(d, struct orchestrator, day_orders);
        struct store_order_list *l = &d->page;

        for (unsigned i = 0; i < l->n_orders; i++)
                claim(o, l->orders[i]);
        if (l->n_orders > 0)
                text_copy(d->before_id, sizeof(d->before_id), l->orders[l->n_orders - 1]->id);
        d->n += l->n_orders;
        store_orders_free(TAKE(l->orders), l->n_orders);
        if (job->result != STORE_OK)
                (void)loop_timer_set(o->loop, &d->retry, DAY_ORDERS_RETRY_US);
        else if (l->more && d->n < DAY_ORDERS_MAX)
                next_page(o);
        else
                d->known = true;
}

static void next_page(struct orchestrator *o)
{
        struct day_orders *d = &o->day_orders;

        d->page = (struct store_order_list){
                .job = {.op = STORE_ORDER_LIST, .done = page_read},
                .status = -1,
                .since_us = clock_from_ist(clock_ist_day(o->started_us), 0),
                .before_id = d->before_id[0] ? d->before_id : NULL,
                .limit = DAY_ORDERS_PAGE,
        };
        store_submit(o->store, &d->page.job);
}

static void again(struct loop_timer *t)
{
        struct day_orders *d = CONTAINER_OF(t, struct day_orders, retry);
        next_page(CONTAINER_OF(d, struct orchestrator, day_orders));
}

void day_orders_start(struct orchestrator *o)
{
        o->day_orders.retry.fire = again;
        next_page(o);
}

void day_orders_done(struct orchestrator *o)
{
        loop_timer_done(&o->day_orders.retry);
}
