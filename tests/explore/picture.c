#include "picture.h"

#include <string.h>

#include "base/clock.h"
#include "contract/fake_state.h"
#include "orchestrator/key.h"
#include "orchestrator/placing.h"
#include "scene.h"
#include "still_loop.h"

uint64_t hash_int(uint64_t h, int64_t v)
{
        h ^= (uint64_t)v;
        h *= UINT64_C(0xff51afd7ed558ccd);
        h ^= h >> 32;
        return h;
}

uint64_t hash_bytes(uint64_t h, const void *p, size_t n)
{
        const unsigned char *b = p;
        h = hash_int(h, (int64_t)n);
        for (; n >= sizeof(int64_t); n -= sizeof(int64_t), b += sizeof(int64_t)) {
                int64_t v;
                memcpy(&v, b, sizeof(v));
                h = hash_int(h, v);
        }
        for (; n > 0; n--)
                h = hash_int(h, *b++);
        return h;
}

uint64_t hash_text(uint64_t h, const char *s)
{
        return s ? hash_bytes(h, s, strlen(s)) : hash_int(h, -1);
}

static uint64_t of_ints(uint64_t h, const int64_t *v, unsigned n)
{
        for (unsigned i = 0; i < n; i++)
                h = hash_int(h, v[i]);
        return h;
}
#define INTS(h, ...)                                 \
        of_ints((h), (const int64_t[]){__VA_ARGS__}, \
                sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

static uint64_t of_leg(uint64_t h, const struct leg *l)
{
        h = hash_text(hash_text(h, l->tag), l->broker_order_id);
        return INTS(h, l->number, l->state, l->outcome, l->confidence, l->problem, l->status,
                    l->quantity, l->effective.price, l->filled_quantity, l->cancel_requested,
                    l->attempts, l->modifications, l->sending_us != 0, l->evidence.complete_reply,
                    l->evidence.may_have_left);
}

static uint64_t of_order(uint64_t h, const struct order *o)
{
        h = INTS(hash_text(h, o->id), o->day, o->price, o->quantity);
        for (unsigned i = 0; i < o->n_legs; i++)
                h = of_leg(h, &o->legs[i]);
        return h;
}

static uint64_t of_ledger(uint64_t h, const struct fake_state *s)
{
        uint64_t actions[_AUDIT_MAX] = {};
        for (unsigned i = 0; i < s->n_orders; i++)
                h = of_order(h, s->orders[i]);
        for (int t = 0; t < _FAKE_TABLE_MAX; t++) {
                const struct fake_table *table = &s->tables[t];
                if (t == FAKE_AUDIT)
                        continue;
                for (unsigned i = 0; i < table->n; i++) {
                        const struct fake_row *r = &table->rows[i];
                        h = hash_text(hash_text(h, r->key), r->text);
                        h = INTS(hash_bytes(h, r->value, r->size), r->a, r->b);
                }
        }
        for (unsigned i = 0; i < s->tables[FAKE_AUDIT].n; i++)
                actions[s->tables[FAKE_AUDIT].rows[i].b]++;
        for (unsigned i = 0; i < _AUDIT_MAX; i++)
                h = hash_int(h, (int64_t)actions[i]);
        return hash_int(h, (int64_t)s->epoch);
}

static int64_t length(const struct list *l)
{
        int64_t n = 0;
        LIST_FOREACH (it, l)
                n++;
        return n;
}

static uint64_t of_open_leg(uint64_t h, const struct open_leg *l)
{
        h = hash_text(hash_text(h, l->tag), l->broker_order_id);
        h = INTS(h, l->state, l->outcome, l->status, l->quantity, l->price, l->filled_quantity,
                 l->cancel_requested, l->cancel_owed, l->twice, l->in_operation);
        return INTS(h, length(&l->writes), l->n_owed, l->write_running, l->dirty, l->pins, l->reads,
                    l->seen, l->next_read_us, l->unresolved_us, l->modify_us, l->modify_quantity,
                    l->cancel_us, l->cancel_repeats, l->absent_us);
}

static uint64_t of_placing(uint64_t h, const struct placing *p)
{
        h = INTS(h, p->state, p->n_out, p->n_stale, p->expired, p->doubtful, p->n_doubts,
                 p->request != NULL, p->deadline_us, p->started_us);
        h = of_order(h, p->order);
        for (unsigned i = 0; i < p->order->n_legs; i++) {
                const struct attempt *t = &p->attempts[i];
                h = INTS(h, t->passed, t->sent, t->answered, t->recorded, t->open != NULL);
        }
        return h;
}

static uint64_t of_memory(uint64_t h, const struct orchestrator *o)
{
        const struct kill_entry *entries;
        unsigned n = killswitch_list(o, &entries);
        for (unsigned i = 0; i < n; i++)
                h = INTS(hash_text(h, entries[i].scope), entries[i].level, entries[i].closing);
        h = INTS(h, (int64_t)killswitch_epoch(o), o->store_failure, length(&o->running),
                 o->n_operations);
        for (unsigned i = 0; i < o->options.n_accounts; i++) {
                const struct account_state *a = &o->accounts[i];
                h = INTS(h, a->session, a->ready, a->n_open, a->n_unresolved, a->n_needs_operator,
                         a->n_waiting, a->lane.n_urgent, a->lane.n_orders,
                         HASH_COUNT(a->sightings.by_id), (int64_t)a->generation);
                LIST_FOREACH (it, &a->open_legs)
                        h = of_open_leg(h, LIST_ENTRY(it, struct open_leg, of_account));
        }
        LIST_FOREACH (it, &o->operations)
                h = of_placing(h, LIST_ENTRY(it, struct placing, link));
        LIST_FOREACH (it, &o->doubtful)
                h = of_placing(h, LIST_ENTRY(it, struct placing, link));
        for (const struct key *k = o->keys.by_text; k; k = k->hh.next)
                h = INTS(hash_text(h, k->text), k->running, k->placed, k->doubtful, k->status,
                         k->running ? length(&k->waiting) : 0);
        return h;
}

static void of_job(void *userdata, const struct store_job *job, bool ran)
{
        uint64_t *h = userdata;
        *h = INTS(*h, job->op, ran, ran ? job->result : 0);
        if (job->op == STORE_OUTCOME)
                *h = of_order(*h, CONTAINER_OF(job, struct store_outcome, job)->order);
        else if (job->op == STORE_INTENT)
                *h = of_order(*h, CONTAINER_OF(job, struct store_intent, job)->order);
        else if (job->op == STORE_ORDER_GET)
                *h = hash_text(*h, CONTAINER_OF(job, struct store_order_get, job)->id);
}

static void of_timer(void *userdata, void (*fire)(struct loop_timer *t), int64_t due_us)
{
        uint64_t *h = userdata;
        *h = INTS(*h, (int64_t)(intptr_t)fire, due_us);
}

static uint64_t of_street(uint64_t h)
{
        for (unsigned i = 0; i < street.n; i++) {
                const struct street_order *o = &street.orders[i];
                h = hash_text(h, o->tag);
                h = INTS(h, o->booked_us, o->departures, o->bookings, o->row.status,
                         o->row.quantity, o->row.price);
        }
        return INTS(h, street.cancels, street.modifies);
}

static uint64_t of_clients(uint64_t h, const struct scene *s)
{
        for (unsigned i = 0; i < s->n_asked; i++)
                h = INTS(h, s->asked[i].act, s->asked[i].open, s->asked[i].deaf,
                         s->asked[i].problem, s->asked[i].status);
        for (unsigned i = 0; i < SCENE_KEYS; i++)
                h = INTS(hash_text(h, s->told[i].body), s->told[i].final, s->told[i].status);
        for (unsigned i = 0; i < _ACT_MAX; i++)
                h = hash_int(h, s->acted[i]);
        return INTS(h, s->halted, s->stopped, s->cancel_taken, s->ended);
}

uint64_t picture(const struct scene *s)
{
        struct flight *flights[32];
        uint64_t h = hash_int(HASH_SEED, clock_mono_us());

        h = of_ledger(h, fake_store_state(s->ledger));
        h = of_memory(h, s->o);
        still_store_each(s->store, of_job, &h);
        still_loop_each(s->loop, of_timer, &h);
        unsigned n = street_flights(s->wires, scene_accounts(), flights, 32);
        for (unsigned i = 0; i < n; i++)
                h = hash_int(h, (int64_t)flight_hash(flights[i]));
        return of_clients(of_street(h), s);
}

static uint64_t of_told(uint64_t h, const struct scene *s)
{
        for (unsigned i = 0; i < SCENE_KEYS; i++)
                h = INTS(hash_text(h, s->told[i].body), s->told[i].final, s->told[i].status);
        return h;
}

uint64_t picture_of_end(const struct scene *s)
{
        const struct fake_state *l = fake_store_state(s->ledger);
        uint64_t h = HASH_SEED;
        for (unsigned i = 0; i < l->n_orders; i++)
                h = of_order(h, l->orders[i]);
        for (unsigned i = 0; i < street.n; i++)
                h = INTS(hash_text(h, street.orders[i].tag), street.orders[i].row.status,
                         street.orders[i].bookings);
        return of_told(h, s);
}
