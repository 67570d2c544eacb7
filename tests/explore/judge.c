#include "judge.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "contract/fake_state.h"
#include "orchestrator/key.h"

static char words[512];

void judge_begin(void)
{
        words[0] = '\0';
}

bool judge_content(void)
{
        return !words[0];
}

const char *judge_words(void)
{
        return words;
}

void judge_break(const char *format, ...)
{
        va_list args;
        if (words[0])
                return;
        va_start(args, format);
        vsnprintf(words, sizeof(words), format, args);
        va_end(args);
}

/* --- the ledger, as it is durable now --- */

static struct fake_state *ledger(void)
{
        return (struct fake_state *)fake_store_state(scene.ledger);
}

static const struct leg *ledger_leg(const char *tag, const struct order **ret)
{
        const struct fake_state *s = ledger();
        for (unsigned i = 0; i < s->n_orders; i++)
                for (unsigned k = 0; k < s->orders[i]->n_legs; k++)
                        if (strcmp(s->orders[i]->legs[k].tag, tag) == 0) {
                                *ret = s->orders[i];
                                return &s->orders[i]->legs[k];
                        }
        return NULL;
}

static unsigned records(enum audit_action action, const char *order_id)
{
        const struct fake_table *t = &ledger()->tables[FAKE_AUDIT];
        unsigned n = 0;
        for (unsigned i = 0; i < t->n; i++)
                n += t->rows[i].b == (int64_t)action && strstr(t->rows[i].key, order_id);
        return n;
}

/* --- what leaves --- */

static unsigned of_key(const struct street_order *order, const struct order *o)
{
        unsigned n = 0;
        for (unsigned i = 0; i < street.n; i++) {
                const struct order *other;
                if (ledger_leg(street.orders[i].tag, &other) &&
                    strcmp(other->correlation_id, o->correlation_id) == 0 &&
                    strcmp(street.orders[i].account, order->account) == 0)
                        n += street.orders[i].departures;
        }
        return n;
}

void judge_departure(const struct street_order *order, enum broker_op op)
{
        const struct order *o = NULL;
        const struct leg *l = ledger_leg(order->tag, &o);

        if (scene.halted)
                judge_break("%s left for %s while the kill switch stood", broker_op_name(op),
                            order->tag);
        if (op != BROKER_PLACE)
                return;
        if (order->departures > 1)
                judge_break("%s left %u times", order->tag, order->departures);
        if (!l)
                judge_break("%s left before the ledger knew of it", order->tag);
        else if (l->state != LEG_STATE_SENDING || !l->sending_us)
                judge_break("%s left as %s, without the mark", order->tag,
                            leg_state_name(l->state));
        else if (of_key(order, o) > 1)
                judge_break("the request of the key %s left twice for %s", o->correlation_id,
                            order->account);
        else if (records(AUDIT_ORDER_INTENT, o->id) != 1)
                judge_break("%s left without a record of its intent", order->tag);
}

/* --- what clients are told --- */

static unsigned departed_of(unsigned key)
{
        unsigned n = 0;
        for (unsigned i = 0; i < street.n; i++) {
                const struct order *o;
                if (ledger_leg(street.orders[i].tag, &o) && o->correlation_id[1] == '1' + (int)key)
                        n += street.orders[i].departures;
        }
        return n;
}

static void judge_problem(const struct asked *q, const struct answer *a)
{
        if (a->problem == PROBLEM_IDEMPOTENCY_MISMATCH)
                judge_break("an equal request was taken for another one");
        if (a->order_id[0] && !fake_order(ledger(), a->order_id))
                judge_break("a client was told of an order that the ledger does not have");
        if (q->act != ACT_RETRY && a->problem != PROBLEM_IDEMPOTENCY_IN_FLIGHT &&
            departed_of(q->key) > 0)
                judge_break("a client was told %s, and its order had left",
                            problem_code(a->problem));
        if (scene.told[q->key].final && a->problem != PROBLEM_STORE_UNAVAILABLE)
                judge_break("a key that was answered for good was told %s",
                            problem_code(a->problem));
}

static void judge_final(struct told *t, const struct answer *a)
{
        /* An order that was not in the book for long, and then was. */
        bool late = t->final && records(AUDIT_LEG_LATE, a->order_id) > 0 &&
                    strstr(t->body, outcome_name(OUTCOME_NOT_PLACED));
        if (!t->final || late) {
                t->final = true;
                t->status = a->status;
                text_copy_bytes(t->body, sizeof(t->body), a->body, a->body_size);
                return;
        }
        if (t->status != a->status || strlen(t->body) != a->body_size ||
            memcmp(t->body, a->body, a->body_size) != 0)
                judge_break("a key was answered with \"%s\" and then with \"%.*s\"", t->body,
                            (int)a->body_size, a->body);
}

void judge_answer(struct asked *q)
{
        const struct answer *a = &q->place.answer;
        struct told *t = &scene.told[q->key];

        q->problem = a->problem;
        q->status = a->status;
        if (a->problem != PROBLEM_NONE) {
                judge_problem(q, a);
                return;
        }
        if (!a->order_id[0]) { /* gates refused it: the key is free */
                if (t->order_id[0] && q->act == ACT_RETRY)
                        judge_break("a key with an order was refused as if it were new: %.*s",
                                    (int)a->body_size, a->body);
                return;
        }
        if (!fake_order(ledger(), a->order_id))
                judge_break("a client got %d for an order that the ledger does not have",
                            a->status);
        if (t->order_id[0] && strcmp(t->order_id, a->order_id) != 0)
                judge_break("one key, two orders: %s and %s", t->order_id, a->order_id);
        text_copy(t->order_id, sizeof(t->order_id), a->order_id);
        if (q->key == 0)
                text_copy(scene.first_order, sizeof(scene.first_order), a->order_id);
        if (a->status != 202)
                judge_final(t, a);
        else if (t->final)
                judge_break("a key that was answered for good is open again");
}

/* --- every step --- */

static void judge_leg(const struct order *o, const struct leg *l)
{
        const struct street_order *s = l->tag[0] ? street_find(l->tag) : NULL;

        if (scene.ended || l->state == LEG_STATE_REFUSED)
                return;
        if (l->state == LEG_STATE_INTENT && s)
                judge_break("%s left without the mark", l->tag);
        if (l->state != LEG_STATE_SETTLED)
                return;
        if (l->outcome == OUTCOME_NOT_SENT && s)
                judge_break("%s is recorded as not sent, and it left", l->tag);
        if (l->outcome == OUTCOME_ACCEPTED && (!s || !street_booked(s)))
                judge_break("%s is recorded as accepted, and the broker does not have it", l->tag);
        if (l->outcome == OUTCOME_REJECTED && s && s->bookings > 0)
                judge_break("%s is recorded as rejected, and the broker has it", l->tag);
        if (l->outcome == OUTCOME_NOT_PLACED && l->confidence == CONFIDENCE_PROVEN && s &&
            s->bookings > 0)
                judge_break("%s is recorded as proven not placed, and the broker has it", l->tag);
}

void judge_step(void)
{
        const struct fake_state *s = ledger();

        for (unsigned i = 0; i < street.n; i++)
                if (street.orders[i].bookings > 1)
                        judge_break("%s was booked twice", street.orders[i].tag);
        for (unsigned k = 0; k < SCENE_KEYS; k++)
                if (scene.told[k].order_id[0] && !fake_order(ledger(), scene.told[k].order_id))
                        judge_break("the order of k%u is no longer in the ledger", k + 1);
        for (unsigned i = 0; i < s->n_orders; i++)
                for (unsigned k = 0; k < s->orders[i]->n_legs; k++)
                        judge_leg(s->orders[i], &s->orders[i]->legs[k]);
        if (scene.halted && killswitch_level(scene.o, NULL) < KILL_LEVEL_HALT)
                judge_break("the kill switch was forgotten");
}

/* --- the end --- */

static bool may_ask_operator(const struct leg *l, const struct street_order *s)
{
        if (scene.ended)
                return true;
        /* Where the tag shows, what is booked is found. */
        return !(street.flags & BROKER_ECHOES_TAG && s && street_booked(s));
}

static void end_of_leg(const struct order *o, const struct leg *l)
{
        const struct street_order *s = l->tag[0] ? street_find(l->tag) : NULL;
        bool there = s && street_booked(s);

        if (l->state == LEG_STATE_REFUSED)
                return;
        if (records(AUDIT_ORDER_INTENT, o->id) != 1)
                judge_break("%s has %u records of its intent", o->id,
                            records(AUDIT_ORDER_INTENT, o->id));
        if (l->state == LEG_STATE_NEEDS_OPERATOR) {
                if (!may_ask_operator(l, s))
                        judge_break("%s waits for an operator, and the book has it", l->tag);
                if (records(AUDIT_LEG_NEEDS_OPERATOR, o->id) == 0)
                        judge_break("%s waits for an operator, and no record says so", l->tag);
                return;
        }
        if (l->state != LEG_STATE_SETTLED) {
                judge_break("%s ends as %s", l->tag, leg_state_name(l->state));
                return;
        }
        if (records(AUDIT_LEG_OUTCOME, o->id) + records(AUDIT_LEG_RESOLVED, o->id) == 0)
                judge_break("no record tells what came of %s", l->tag);
        if (scene.ended)
                return;
        if (there != (l->outcome == OUTCOME_ACCEPTED))
                judge_break("%s ends as %s, and the broker %s it", l->tag, outcome_name(l->outcome),
                            there ? "has" : "does not have");
        else if (there && (l->status != s->row.status || l->quantity != s->row.quantity ||
                           l->filled_quantity != s->row.filled_quantity ||
                           l->effective.price != s->row.price))
                judge_break("%s ends as %s of %lld at %lld, at the broker it is %s of %lld at %lld",
                            l->tag, order_status_name(l->status), (long long)l->quantity,
                            (long long)l->effective.price, order_status_name(s->row.status),
                            (long long)s->row.quantity, (long long)s->row.price);
        if (there && street_live(s) && scene.cancel_taken)
                judge_break("%s was to be cancelled, and ends live", l->tag);
        if (there && street_live(s) && scene.stopped)
                judge_break("%s ends live, and the kill switch stands at CANCEL", l->tag);
}

static void end_of_memory(void)
{
        struct orchestrator *o = scene.o;
        if (o->n_operations > 0 || !list_empty(&o->operations) || !list_empty(&o->running))
                judge_break("an operation still runs");
        for (const struct key *k = o->keys.by_text; k; k = k->hh.next)
                if (k->running || k->doubtful)
                        judge_break("a key is still held");
        for (unsigned i = 0; i < scene.n_asked; i++)
                if (scene.asked[i].open)
                        judge_break("\"%s\" was never answered", act_words[scene.asked[i].act]);
}

void judge_end(bool closed)
{
        const struct fake_state *s = ledger();

        if (!closed)
                judge_break("it never comes to rest");
        end_of_memory();
        for (unsigned i = 0; i < s->n_orders; i++)
                for (unsigned k = 0; k < s->orders[i]->n_legs; k++)
                        end_of_leg(s->orders[i], &s->orders[i]->legs[k]);
        for (unsigned i = 0; i < street.n && !scene.ended; i++) {
                const struct order *o;
                if (!ledger_leg(street.orders[i].tag, &o))
                        judge_break("the broker got %s, and the ledger does not have it",
                                    street.orders[i].tag);
        }
}
