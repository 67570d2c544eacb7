#include "orchestrator/open_leg.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "orchestrator/leg_write.h"
#include "orchestrator/state.h"

bool open_leg_unresolved(const struct open_leg *l)
{
        return l->state == LEG_STATE_SENDING || l->state == LEG_STATE_UNKNOWN ||
               l->state == LEG_STATE_NEEDS_OPERATOR;
}

static void count(struct open_leg *l, int by)
{
        struct account_state *a = l->account;
        a->n_open += (unsigned)by;
        if (l->quota)
                l->quota->n_open += (unsigned)by;
        if (open_leg_unresolved(l))
                a->n_unresolved += (unsigned)by;
        if (l->state == LEG_STATE_NEEDS_OPERATOR)
                a->n_needs_operator += (unsigned)by;
}

/* Its outcome is looked for, or a person's to tell: it freezes its symbol. */
static bool doubtful(const struct open_leg *l)
{
        return l->state == LEG_STATE_UNKNOWN || l->state == LEG_STATE_NEEDS_OPERATOR;
}

static void list_doubt(struct open_leg *l)
{
        bool listed = !list_empty(&l->of_doubtful);

        if (listed && !doubtful(l))
                list_unlink(&l->of_doubtful);
        else if (!listed && doubtful(l))
                list_append(&l->account->doubtful, &l->of_doubtful);
}

void open_leg_number(struct open_leg *l, const char *broker_order_id)
{
        bool listed = !list_empty(&l->of_numberless);

        text_copy(l->broker_order_id, sizeof(l->broker_order_id), broker_order_id);
        if (listed && l->broker_order_id[0])
                list_unlink(&l->of_numberless);
        else if (!listed && !l->broker_order_id[0])
                list_append(&l->account->numberless, &l->of_numberless);
}

struct open_leg *open_leg_add(struct open_legs *set, struct account_state *a, const struct order *o,
                              const struct leg *leg)
{
        struct open_leg *l = calloc(1, sizeof(*l));
        if (!l)
                return NULL;
        list_init(&l->of_numberless);
        list_init(&l->of_doubtful);
        list_init(&l->writes);
        list_init(&l->of_turns);
        list_init(&l->owed);
        l->account = a;
        l->quota = quota_of(a->orchestrator, o->key_name);
        l->number = leg->number;
        l->day = o->day;
        l->side = o->side;
        l->product = o->product;
        l->type = leg->effective.type;
        l->price = leg->effective.price;
        l->trigger_price = leg->effective.trigger_price;
        l->state = leg->state;
        l->outcome = leg->outcome;
        l->status = leg->status;
        l->quantity = leg->quantity;
        l->filled_quantity = leg->filled_quantity;
        l->average_price = leg->average_price;
        l->modifications = leg->modifications;
        l->since_us = o->created_us;
        l->cancel_requested = l->cancel_owed = leg->cancel_requested;
        l->denied = leg_denied(leg);
        text_copy(l->order_id, sizeof(l->order_id), o->id);
        text_copy(l->tag, sizeof(l->tag), leg->tag);
        text_copy(l->symbol, sizeof(l->symbol), o->symbol);
        if (open_symbol_add(&a->open_symbols, l) < 0) {
                free(l);
                return NULL;
        }
        list_append(&a->open_legs, &l->of_account);
        HASH_ADD_STR(set->by_tag, tag, l);
        open_leg_number(l, leg->broker_order_id);
        list_doubt(l);
        count(l, 1);
        return l;
}

struct open_leg *open_leg_find(struct open_legs *set, const char *tag)
{
        struct open_leg *l = NULL;
        HASH_FIND_STR(set->by_tag, tag, l);
        return l;
}

void open_leg_remove(struct open_legs *set, struct open_leg *l)
{
        count(l, -1);
        list_unlink(&l->of_account);
        list_unlink(&l->of_numberless);
        list_unlink(&l->of_doubtful);
        open_symbol_remove(&l->account->open_symbols, l);
        HASH_DEL(set->by_tag, l);
        leg_writes_free(l);
        free(l);
}

void open_leg_unsent(struct open_leg *l)
{
        open_leg_set_state(l, LEG_STATE_SETTLED);
        l->outcome = OUTCOME_NOT_SENT;
        l->status = ORDER_STATUS_REJECTED;
        l->in_operation = false;
        leg_writes_go_on(l);
        open_leg_retire(l);
}

void open_leg_retire(struct open_leg *l)
{
        bool over = l->state == LEG_STATE_SETTLED &&
                    (order_status_terminal(l->status) || l->outcome != OUTCOME_ACCEPTED);
        if (over && !l->dirty && l->pins == 0 && !l->in_operation && !l->write_running &&
            list_empty(&l->writes) && list_empty(&l->owed))
                open_leg_remove(&l->account->orchestrator->open_legs, l);
}

void open_legs_free(struct open_legs *set)
{
        struct open_leg *l, *next;
        HASH_ITER (hh, set->by_tag, l, next) {
                HASH_DEL(set->by_tag, l);
                open_symbol_remove(&l->account->open_symbols, l);
                leg_writes_free(l);
                free(l);
        }
}

void open_leg_set_state(struct open_leg *l, enum leg_state state)
{
        count(l, -1);
        l->state = state;
        count(l, 1);
        list_doubt(l);
}

void open_leg_left_behind(struct open_leg *l)
{
        if (l->state == LEG_STATE_SENDING) {
                open_leg_set_state(l, LEG_STATE_UNKNOWN);
                l->outcome = OUTCOME_UNKNOWN;
        } else if (l->state == LEG_STATE_INTENT) {
                open_leg_set_state(l, LEG_STATE_SETTLED);
                l->outcome = OUTCOME_NOT_SENT;
                l->status = ORDER_STATUS_REJECTED;
        }
}

void open_leg_apply(const struct open_leg *l, struct leg *leg)
{
        leg->state = l->state;
        leg->outcome = l->outcome;
        leg->status = l->status;
        leg->quantity = l->quantity;
        leg->effective.type = l->type;
        leg->effective.price = l->price;
        leg->effective.trigger_price = l->trigger_price;
        leg->filled_quantity = l->filled_quantity;
        leg->average_price = l->average_price;
        leg->cancel_requested = l->cancel_requested;
        text_copy(leg->broker_order_id, sizeof(leg->broker_order_id), l->broker_order_id);
}

void open_legs_apply(struct open_legs *set, struct order *o)
{
        for (unsigned i = 0; i < o->n_legs; i++) {
                struct open_leg *l = open_leg_find(set, o->legs[i].tag);
                if (!l || l->in_operation)
                        continue;
                open_leg_apply(l, &o->legs[i]);
                leg_writes_apply(l, &o->legs[i]);
        }
}

void open_leg_fill(struct open_leg *l, int64_t filled_quantity, int64_t average_price)
{
        if (l->filled_quantity == 0 && filled_quantity > 0)
                limits_traded(&l->account->limits, 1);
        l->filled_quantity = filled_quantity;
        l->average_price = average_price;
}

bool open_leg_update(struct open_leg *l, const struct book_order *row)
{
        bool changed = l->status != row->status || l->filled_quantity != row->filled_quantity ||
                       l->average_price != row->average_price || l->quantity != row->quantity ||
                       l->price != row->price || l->trigger_price != row->trigger_price ||
                       l->type != row->type ||
                       !text_equal(l->broker_order_id, row->broker_order_id);
        if (!changed)
                return false;
        /* Some brokers take every order and refuse it in the book. */
        if (row->status == ORDER_STATUS_REJECTED && l->status != ORDER_STATUS_REJECTED)
                storm_note(l->account, PROBLEM_BROKER_REJECTED);
        l->status = row->status;
        open_leg_fill(l, row->filled_quantity, row->average_price);
        l->quantity = row->quantity;
        l->price = row->price;
        l->trigger_price = row->trigger_price;
        l->type = row->type;
        open_leg_number(l, row->broker_order_id);
        return true;
}
