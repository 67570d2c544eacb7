/* Lists and what a start reads. */
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "store_suite_cases.h"

#define DEMO   "paper:demo"
#define SECOND "paper:second"

static unsigned list(struct store_order_list *l)
{
        l->job = (struct store_job){.op = STORE_ORDER_LIST};
        if (l->limit == 0)
                l->limit = 100;
        ck_assert_int_eq(store_run(ledger.store, &l->job), STORE_OK);
        return l->n_orders;
}

static void list_done(struct store_order_list *l)
{
        store_orders_free(l->orders, l->n_orders);
}

static unsigned listed(struct store_order_list l)
{
        unsigned n = list(&l);
        list_done(&l);
        return n;
}

START_TEST(lists_are_newest_first_and_go_on_at_a_cursor)
{
        char ids[7][ID_SIZE];
        struct store_order_list l = {.status = -1, .limit = 3};

        for (unsigned i = 0; i < ELEMENTS(ids); i++) {
                _cleanup_(order_freep) struct order *o = new_order_on(DEMO);
                memcpy(ids[i], o->id, ID_SIZE);
                ck_assert_int_eq(put_intent(o, NULL), STORE_OK);
        }
        ck_assert_uint_eq(list(&l), 3);
        ck_assert(l.more);
        for (unsigned i = 0; i < 3; i++)
                ck_assert_str_eq(l.orders[i]->id, ids[6 - i]);
        list_done(&l);
        l.before_id = ids[4];
        ck_assert_uint_eq(list(&l), 3);
        ck_assert(l.more);
        ck_assert_str_eq(l.orders[0]->id, ids[3]);
        list_done(&l);
        l.before_id = ids[1];
        ck_assert_uint_eq(list(&l), 1);
        ck_assert(!l.more);
        ck_assert_str_eq(l.orders[0]->id, ids[0]);
        list_done(&l);
        l.before_id = ids[0];
        ck_assert_uint_eq(list(&l), 0);
        list_done(&l);
        l.before_id = NULL;
        l.limit = 7; /* as many as there are: no more */
        ck_assert_uint_eq(list(&l), 7);
        ck_assert(!l.more);
        list_done(&l);
}
END_TEST

START_TEST(lists_are_narrowed)
{
        static const char *const second[] = {SECOND, NULL};
        static const char *const both[] = {DEMO, SECOND, NULL};
        static const char *const prefix[] = {"paper:sec", "paper:", NULL};
        _cleanup_(order_freep) struct order *a = new_order_on(DEMO);   /* open */
        _cleanup_(order_freep) struct order *b = new_order(both);      /* second filled */
        _cleanup_(order_freep) struct order *c = new_order_on(SECOND); /* unsettled */

        text_copy(b->symbol, sizeof(b->symbol), "NSE:TCS");
        c->created_us += 1000;
        struct order *const all[] = {a, b, c};
        for (unsigned i = 0; i < 3; i++)
                ck_assert_int_eq(put_intent(all[i], NULL), STORE_OK);
        accept_order(a);
        accept_order(b);
        b->legs[0].outcome = OUTCOME_REJECTED;
        b->legs[0].status = ORDER_STATUS_REJECTED;
        b->legs[1].status = ORDER_STATUS_FILLED;
        ck_assert_int_eq(put_outcome(a, 0, NULL), STORE_OK);
        ck_assert_int_eq(put_outcome(b, 0, NULL), STORE_OK);

#define LISTED(...) listed((struct store_order_list){.status = -1, __VA_ARGS__})
#define OF_STATUS(word, ...) \
        listed((struct store_order_list){.status = ORDER_STATUS_##word, __VA_ARGS__})
        ck_assert_uint_eq(LISTED(.limit = 500), 3);
        ck_assert_uint_eq(LISTED(.accounts = second), 2);
        ck_assert_uint_eq(LISTED(.accounts = both), 3);
        ck_assert_uint_eq(LISTED(.accounts = prefix), 0);
        ck_assert_uint_eq(LISTED(.symbol = "NSE:TCS"), 1);
        ck_assert_uint_eq(LISTED(.symbol = "NSE:TC"), 0);
        ck_assert_uint_eq(LISTED(.since_us = c->created_us), 1);
        ck_assert_uint_eq(LISTED(.since_us = c->created_us + 1), 0);
        ck_assert_uint_eq(OF_STATUS(FILLED, .limit = 9), 1);
        ck_assert_uint_eq(OF_STATUS(OPEN, .limit = 9), 1);
        ck_assert_uint_eq(OF_STATUS(FILLED, .accounts = second), 1);
        /* the leg on that account must be the one of that status */
        ck_assert_uint_eq(OF_STATUS(REJECTED, .accounts = second), 0);
        ck_assert_uint_eq(LISTED(.unresolved_only = true), 1);
        ck_assert_uint_eq(LISTED(.live_only = true), 1);
        ck_assert_uint_eq(LISTED(.live_only = true, .unresolved_only = true), 2);
        ck_assert_uint_eq(LISTED(.live_only = true, .accounts = second), 0);
        ck_assert_uint_eq(LISTED(.live_only = true, .symbol = "NSE:TCS"), 0);
        ck_assert_uint_eq(LISTED(.live_only = true, .since_us = c->created_us), 0);
        ck_assert_uint_eq(LISTED(.unresolved_only = true, .before_id = c->id), 0);
}
END_TEST

static struct order *find(struct store_restore *v, const struct order *o)
{
        for (unsigned i = 0; i < v->n_orders; i++)
                if (strcmp(v->orders[i]->id, o->id) == 0)
                        return v->orders[i];
        return NULL;
}

static const struct store_day_count *count(struct store_restore *v, const char *account)
{
        for (unsigned i = 0; i < v->n_counts; i++)
                if (strcmp(v->counts[i].account, account) == 0)
                        return &v->counts[i];
        return NULL;
}

static const struct store_key_count *count_of_key(struct store_restore *v, const char *name)
{
        for (unsigned i = 0; i < v->n_key_counts; i++)
                if (strcmp(v->key_counts[i].key_name, name) == 0)
                        return &v->key_counts[i];
        return NULL;
}

static void restore(struct store_restore *v, int day)
{
        *v = (struct store_restore){.job = {.op = STORE_RESTORE}, .day = day};
        ck_assert_int_eq(store_run(ledger.store, &v->job), STORE_OK);
}

START_TEST(a_start_reads_what_is_not_over)
{
        static const char *const both[] = {DEMO, SECOND, NULL};
        _cleanup_(order_freep) struct order *live = new_order(both);
        _cleanup_(order_freep) struct order *filled = new_order_on(DEMO);
        _cleanup_(order_freep) struct order *unsettled = new_order_on(DEMO);
        _cleanup_(order_freep) struct order *old_live = new_order_on(DEMO);
        _cleanup_(order_freep) struct order *old_unsettled = new_order_on(SECOND);
        struct store_restore v;
        int day = live->day;

        old_live->day = old_unsettled->day = clock_day_add(day, -1);
        live->legs[1].state = LEG_STATE_REFUSED;
        live->legs[1].tag[0] = '\0';
        text_copy(unsettled->key_name, sizeof(unsettled->key_name), "another");
        struct order *const all[] = {live, filled, unsettled, old_live, old_unsettled};
        for (unsigned i = 0; i < ELEMENTS(all); i++)
                ck_assert_int_eq(put_intent(all[i], NULL), STORE_OK);
        accept_order(live);
        accept_order(filled);
        accept_order(old_live);
        filled->legs[0].status = ORDER_STATUS_FILLED;
        filled->legs[0].average_price = 811 * DECIMAL_ONE;
        filled->legs[0].filled_quantity = 4;
        filled->legs[0].modifications = 2;
        unsettled->legs[0].state = LEG_STATE_UNKNOWN;
        unsettled->legs[0].outcome = OUTCOME_UNKNOWN;
        for (unsigned i = 0; i < 4; i++)
                ck_assert_int_eq(put_outcome(all[i], 0, NULL), STORE_OK);

        for (int again = 0; again < 2; again++) {
                restore(&v, day);
                ck_assert_uint_eq(v.n_orders, 3);
                ck_assert_ptr_nonnull(find(&v, live));
                ck_assert_ptr_nonnull(find(&v, unsettled));
                ck_assert_ptr_nonnull(find(&v, old_unsettled));
                assert_same_order(live, find(&v, live));
                ck_assert_int_eq(count(&v, DEMO)->orders, 3 + 2);
                ck_assert_int_eq(count(&v, DEMO)->traded, 1);
                ck_assert_int_eq(count(&v, DEMO)->value, 10 * (812 + 811) * DECIMAL_ONE);
                ck_assert_ptr_null(count(&v, SECOND)); /* its leg was refused */
                ck_assert_uint_eq(v.n_key_counts, 2);
                ck_assert_int_eq(count_of_key(&v, live->key_name)->orders, 2 + 2);
                ck_assert_int_eq(count_of_key(&v, live->key_name)->value,
                                 10 * (812 + 811) * DECIMAL_ONE);
                ck_assert_int_eq(count_of_key(&v, "another")->orders, 1);
                ck_assert_int_eq(count_of_key(&v, "another")->value, 0);
                ck_assert_int_eq(v.audit_seq, 9);
                ck_assert_uint_eq(v.killswitch_epoch, EPOCH_NEW);
                store_restore_done(&v);
                ledger_reopen();
        }
}
END_TEST

static unsigned sent_at(const struct store_restore *v, const char *account, int64_t at_us)
{
        unsigned n = 0;
        for (unsigned i = 0; i < v->n_sent; i++)
                n += strcmp(v->sent[i].account, account) == 0 && v->sent[i].at_us == at_us;
        return n;
}

/* Rate windows outlive a crash: the moment is the first byte's where it is known, the mark's
 * otherwise, and nobody's while the outcome is missing. */
START_TEST(a_start_reads_what_was_sent)
{
        static const char *const both[] = {DEMO, SECOND, NULL};
        _cleanup_(order_freep) struct order *answered = new_order_on(DEMO);
        _cleanup_(order_freep) struct order *unsent = new_order_on(DEMO);
        _cleanup_(order_freep) struct order *leaving = new_order_on(SECOND);
        _cleanup_(order_freep) struct order *waiting = new_order(both);
        _cleanup_(order_freep) struct order *old = new_order_on(DEMO);
        int64_t now = answered->created_us;
        static const enum audit_action actions[] = {AUDIT_MODIFY_INTENT, AUDIT_CANCEL_INTENT,
                                                    AUDIT_EXTERNAL_CANCEL, AUDIT_CANCEL_ANSWERED};
        struct store_restore v;

        for (unsigned i = 0; i < 2; i++) {
                waiting->legs[i].state = LEG_STATE_INTENT;
                waiting->legs[i].sending_us = 0;
        }
        old->legs[0].sending_us = now - 3600 * USEC_PER_SEC;
        /* Orders that are made one after the other may be microseconds apart. */
        unsent->created_us = unsent->legs[0].sending_us = now + 1000;
        struct order *const all[] = {answered, unsent, leaving, waiting, old};
        for (unsigned i = 0; i < ELEMENTS(all); i++)
                ck_assert_int_eq(put_intent(all[i], NULL), STORE_OK);
        accept_order(answered);
        unsent->legs[0].state = LEG_STATE_SETTLED;
        unsent->legs[0].outcome = OUTCOME_NOT_SENT;
        ck_assert_int_eq(put_outcome(answered, 0, NULL), STORE_OK);
        ck_assert_int_eq(put_outcome(unsent, 0, NULL), STORE_OK);
        for (unsigned i = 0; i < ELEMENTS(actions); i++) {
                struct audit_record a = {.action = actions[i],
                                         .component = "test",
                                         .actor = "test",
                                         .correlation_id = "test",
                                         .account = SECOND,
                                         .at_us = now + 50 + i};
                struct store_append put = {.job = {.op = STORE_APPEND}, .audit = &a, .n_audit = 1};
                ck_assert_int_eq(store_run(ledger.store, &put.job), STORE_OK);
                audit_record_done(&a);
        }
        for (int again = 0; again < 2; again++) {
                v = (struct store_restore){.job = {.op = STORE_RESTORE},
                                           .day = answered->day,
                                           .sent_since_us = now - 1000};
                ck_assert_int_eq(store_run(ledger.store, &v.job), STORE_OK);
                ck_assert_uint_eq(v.n_sent, 6);
                ck_assert_uint_eq(sent_at(&v, DEMO, answered->created_us + 2), 1);
                ck_assert_uint_eq(sent_at(&v, DEMO, unsent->created_us), 1);
                ck_assert_uint_eq(sent_at(&v, SECOND, INT64_MAX), 1);
                for (unsigned i = 0; i < 3; i++)
                        ck_assert_uint_eq(sent_at(&v, SECOND, now + 50 + i), 1);
                store_restore_done(&v);
                ledger_reopen();
        }
}
END_TEST

START_TEST(values_beyond_all_bounds_do_not_break_a_start)
{
        struct store_restore v;
        int day = 0;

        for (int i = 0; i < 12; i++) {
                _cleanup_(order_freep) struct order *o = new_order_on(DEMO);
                day = o->day;
                o->price = DECIMAL_MAX;
                o->legs[0].quantity = QUANTITY_MAX;
                ck_assert_int_eq(put_intent(o, NULL), STORE_OK);
                accept_order(o);
                ck_assert_int_eq(put_outcome(o, 0, NULL), STORE_OK);
        }
        restore(&v, day);
        ck_assert_int_ge(count(&v, DEMO)->value, DECIMAL_MAX);
        store_restore_done(&v);
}
END_TEST

START_TEST(an_empty_ledger_is_read)
{
        struct store_restore v;
        struct store_job probe = {.op = STORE_PROBE};
        struct order *none;

        restore(&v, 20261123);
        ck_assert_uint_eq(v.n_orders + v.n_counts + v.n_key_counts + v.n_killswitch + v.n_sessions,
                          0);
        ck_assert_int_eq(v.audit_seq, 0);
        ck_assert_uint_eq(v.killswitch_epoch, EPOCH_NEW);
        store_restore_done(&v);
        ck_assert_uint_eq(LISTED(.limit = 1), 0);
        ck_assert_int_eq(get_order("01ARZ3NDEKTSV4RRFFQ69G5FAV", &none), STORE_NOT_FOUND);
        ck_assert_int_eq(store_run(ledger.store, &probe), STORE_OK);
        ck_assert_int_eq(ledger_submit(&probe), STORE_OK);
        ck_assert_int_eq(assert_chain(), 0);
}
END_TEST

const TTest *const *store_suite_reads(unsigned *ret_n)
{
        static const TTest *tests[8];
        unsigned n = 0;

        tests[n++] = lists_are_newest_first_and_go_on_at_a_cursor;
        tests[n++] = lists_are_narrowed;
        tests[n++] = a_start_reads_what_is_not_over;
        tests[n++] = a_start_reads_what_was_sent;
        tests[n++] = values_beyond_all_bounds_do_not_break_a_start;
        tests[n++] = an_empty_ledger_is_read;
        *ret_n = n;
        return tests;
}
