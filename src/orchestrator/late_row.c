#include "orchestrator/late_row.h"

#include <stdlib.h>

#include "base/clock.h"
#include "orchestrator/book.h"
#include "orchestrator/book_rows.h"
#include "orchestrator/state.h"

struct late_look {
        struct account_state *account;
        struct book_order row;
        struct store_order_get get;
};

static struct leg *leg_of(struct order *o, const struct late_look *look)
{
        for (unsigned i = 0; o && i < o->n_legs; i++)
                if (text_equal(o->legs[i].tag, look->row.tag) &&
                    text_equal(o->legs[i].account, look->account->account->id))
                        return &o->legs[i];
        return NULL;
}

/* The leg is over for the ledger and for memory, and its order is in the book. */
static void found(struct late_look *look, const struct order *o, const struct leg *leg)
{
        struct account_state *a = look->account;
        const struct book_order *row = &look->row;

        bool known = text_equal(leg->broker_order_id, row->broker_order_id);
        /* Refused, as its answer said without a number. */
        bool refused = leg->outcome == OUTCOME_REJECTED && row->status == ORDER_STATUS_REJECTED;
        if (known || refused) {
                book_claim(a, row->broker_order_id, o->id);
                return;
        }
        struct open_leg *l = open_leg_add(&a->orchestrator->open_legs, a, o, leg);
        if (!l)
                return; /* the next read looks again */
        if (leg->broker_order_id[0])
                book_twin(l, row->broker_order_id);
        else
                book_adopt(l, row, CONFIDENCE_PROVEN, true);
}

static void looked(struct store_job *job)
{
        struct late_look *look = CONTAINER_OF(job, struct late_look, get.job);
        struct account_state *a = look->account;
        const struct book_order *row = &look->row;
        struct order *o = look->get.order;
        const struct leg *leg = leg_of(o, look);
        /* Adopted or sent meanwhile: the next read sees to it, this row may be old. */
        bool open = open_leg_find(&a->orchestrator->open_legs, row->tag);

        a->n_late_looks--;
        if (!open && (job->result == STORE_OK || job->result == STORE_NOT_FOUND)) {
                sighting_look(&a->sightings, row->broker_order_id, clock_wall_us());
                if (leg && leg->state != LEG_STATE_REFUSED)
                        found(look, o, leg);
        }
        order_free(o);
        free(look);
}

bool late_row_watch(struct account_state *a, const struct book_order *row)
{
        struct orchestrator *o = a->orchestrator;

        if (!sighting_unlooked(&a->sightings, row->broker_order_id, clock_wall_us()))
                return false;
        if (!o->day_orders.known || a->n_late_looks >= LATE_LOOKS_MAX)
                return true;
        struct late_look *look = calloc(1, sizeof(*look));
        if (!look)
                return true;
        look->account = a;
        look->row = *row;
        look->get = (struct store_order_get){
                .job = {.op = STORE_ORDER_GET, .done = looked},
                .account = a->account->id,
                .tag = look->row.tag,
        };
        a->n_late_looks++;
        store_submit(o->store, &look->get.job);
        return true;
}
