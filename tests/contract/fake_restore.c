/* What the fake store reads at a start. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/decimal.h"
#include "fake_state.h"
#include "store/store.h"

static void count(struct store_restore *v, const struct order *o, const struct leg *l)
{
        struct store_day_count *c = NULL;

        for (unsigned i = 0; i < v->n_counts; i++)
                if (strcmp(v->counts[i].account, l->account) == 0)
                        c = &v->counts[i];
        if (!c) {
                v->counts = reallocarray(v->counts, v->n_counts + 1, sizeof(*c));
                c = &v->counts[v->n_counts++];
                *c = (struct store_day_count){};
                text_copy(c->account, sizeof(c->account), l->account);
        }
        struct store_key_count *k = NULL;
        for (unsigned i = 0; i < v->n_key_counts; i++)
                if (strcmp(v->key_counts[i].key_name, o->key_name) == 0)
                        k = &v->key_counts[i];
        if (!k) {
                v->key_counts = reallocarray(v->key_counts, v->n_key_counts + 1, sizeof(*k));
                k = &v->key_counts[v->n_key_counts++];
                *k = (struct store_key_count){};
                text_copy(k->key_name, sizeof(k->key_name), o->key_name);
        }
        k->orders += 1 + l->modifications;
        c->orders += 1 + l->modifications;
        c->traded += l->filled_quantity > 0;
        int64_t price = l->average_price     ? l->average_price
                        : l->effective.price ? l->effective.price
                                             : o->price;
        int64_t worth = decimal_muldiv(l->quantity, price, 1);
        if (l->outcome == OUTCOME_ACCEPTED) {
                c->value = worth > DECIMAL_MAX - c->value ? DECIMAL_MAX : c->value + worth;
                k->value = worth > DECIMAL_MAX - k->value ? DECIMAL_MAX : k->value + worth;
        }
}

static void restore_order(struct store_restore *v, const struct order *o)
{
        bool keep = fake_unsettled(o);

        for (unsigned i = 0; i < o->n_legs && o->day == v->day; i++) {
                keep = keep || leg_live(&o->legs[i]);
                if (o->legs[i].state != LEG_STATE_REFUSED)
                        count(v, o, &o->legs[i]);
        }
        if (!keep)
                return;
        v->orders = reallocarray(v->orders, v->n_orders + 1, sizeof(v->orders[0]));
        assert(order_copy(o, &v->orders[v->n_orders++]) == 0);
}

static void add_sent(struct store_restore *v, const char *account, int64_t at_us)
{
        if (v->sent_since_us == 0 || at_us < v->sent_since_us)
                return;
        v->sent = reallocarray(v->sent, v->n_sent + 1, sizeof(v->sent[0]));
        text_copy(v->sent[v->n_sent].account, ACCOUNT_SIZE, account);
        v->sent[v->n_sent++].at_us = at_us;
}

static void restore_sent(struct store_restore *v, const struct fake_state *s)
{
        const struct fake_table *t = &s->tables[FAKE_AUDIT];

        for (unsigned i = 0; i < s->n_orders; i++)
                for (unsigned n = 0; n < s->orders[i]->n_legs; n++) {
                        const struct leg *l = &s->orders[i]->legs[n];
                        int64_t at_us = l->evidence.sent_us ? l->evidence.sent_us : l->sending_us;
                        if (l->sending_us >= v->sent_since_us)
                                add_sent(v, l->account,
                                         l->state == LEG_STATE_SENDING ? INT64_MAX : at_us);
                }
        for (unsigned i = 0; i < t->n; i++) {
                struct store_audit_row row = {};
                fake_audit_row(&t->rows[i], &row);
                if (row.action == AUDIT_MODIFY_INTENT || row.action == AUDIT_CANCEL_INTENT ||
                    row.action == AUDIT_EXTERNAL_CANCEL)
                        add_sent(v, row.account, row.at_us);
        }
}

void fake_restore(const struct fake_state *s, struct store_restore *v)
{
        const struct fake_table *k = &s->tables[FAKE_KILLSWITCH], *p = &s->tables[FAKE_SESSIONS];

        *v = (struct store_restore){
                .job = v->job, .day = v->day, .sent_since_us = v->sent_since_us};
        restore_sent(v, s);
        for (unsigned i = 0; i < s->n_orders; i++)
                restore_order(v, s->orders[i]);
        v->killswitch = calloc(k->n + 1, sizeof(v->killswitch[0]));
        for (unsigned i = 0; i < k->n; i++) {
                struct store_killswitch_row *r = &v->killswitch[v->n_killswitch++];
                r->level = (int)k->rows[i].a;
                r->at_us = k->rows[i].b;
                text_copy(r->scope, sizeof(r->scope), k->rows[i].key);
                text_copy(r->reason, sizeof(r->reason), k->rows[i].text);
                text_copy(r->actor, sizeof(r->actor), k->rows[i].value);
        }
        v->sessions = calloc(p->n + 1, sizeof(v->sessions[0]));
        for (unsigned i = 0; i < p->n; i++) {
                struct store_session_row *r = &v->sessions[v->n_sessions++];
                const char *column = strchr(p->rows[i].key, '\t') + 1;
                text_copy_bytes(r->account, sizeof(r->account), p->rows[i].key,
                                strcspn(p->rows[i].key, "\t"));
                text_copy_bytes(r->column, sizeof(r->column), column, strcspn(column, "\t"));
                r->size = p->rows[i].size;
                r->value = fake_bytes(p->rows[i].value, r->size);
                r->expires_us = p->rows[i].a;
        }
        v->killswitch_epoch = s->epoch;
        v->audit_seq = s->seq;
}
