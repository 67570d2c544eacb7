/* Intents, outcomes, keys. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "store_suite_cases.h"

#define DEMO   "paper:demo"
#define SECOND "paper:second"
#define DAY_US (86400 * USEC_PER_SEC)

static enum store_result key_get(const char *key, struct store_key_get *ret)
{
        *ret = (struct store_key_get){.job = {.op = STORE_KEY_GET}, .scope = SCOPE, .key = key};
        return store_run(ledger.store, &ret->job);
}

static int64_t audit_seq(void)
{
        struct store_restore v = {.job = {.op = STORE_RESTORE}, .day = 20200101};
        ck_assert_int_eq(store_run(ledger.store, &v.job), STORE_OK);
        int64_t seq = v.audit_seq;
        store_restore_done(&v);
        return seq;
}

static struct order *full_order(void)
{
        struct order *o = new_order((const char *const[]){DEMO, SECOND, "fyers:main", NULL});

        text_copy(o->client_order_id, sizeof(o->client_order_id), "mean-rev-0042");
        text_copy(o->symbol, sizeof(o->symbol), "NFO:NIFTY29DEC2626000CE");
        o->side = SIDE_SELL;
        o->type = ORDER_TYPE_STOP_LIMIT;
        o->product = PRODUCT_MARGIN;
        o->validity = VALIDITY_IOC;
        o->price = 8125050;
        o->trigger_price = 8130000;
        o->disclosed_quantity = 5;
        o->reduce_only = true;
        o->market_policy_given = true;
        o->market_policy.kind = MARKET_PROTECT;
        o->market_policy.percent = 5000;
        struct leg *l = &o->legs[1];
        l->state = LEG_STATE_REFUSED;
        l->problem = PROBLEM_LOT_SIZE;
        l->tag[0] = '\0';
        l->sending_us = 0;
        text_copy(l->message, sizeof(l->message), "7 is no multiple of 75; 'quoted' — and “not”");
        l = &o->legs[2];
        l->multiplier = 5000;
        l->quantity = 75;
        l->state = LEG_STATE_INTENT;
        l->effective = (struct effective){ORDER_TYPE_LIMIT, 8200000, 1};
        return o;
}

START_TEST(an_order_comes_back_whole)
{
        _cleanup_(order_freep) struct order *o = full_order();
        _cleanup_(order_freep) struct order *back = NULL;

        ck_assert_int_eq(put_intent(o, "k1"), STORE_OK);
        ck_assert_int_eq(get_order(o->id, &back), STORE_OK);
        assert_same_order(o, back);
        ledger_reopen();
        back = order_free(back);
        ck_assert_int_eq(get_order(o->id, &back), STORE_OK);
        assert_same_order(o, back);
}
END_TEST

START_TEST(an_outcome_comes_back_whole)
{
        _cleanup_(order_freep) struct order *o = full_order();
        _cleanup_(order_freep) struct order *back = NULL;

        ck_assert_int_eq(put_intent(o, NULL), STORE_OK);
        accept_order(o);
        struct leg *l = &o->legs[2];
        l->state = LEG_STATE_UNKNOWN;
        l->outcome = OUTCOME_UNKNOWN;
        l->confidence = CONFIDENCE_INFERRED;
        l->problem = PROBLEM_OUTCOME_UNKNOWN;
        l->cancel_requested = true;
        l->attempts = 3;
        l->filled_quantity = INT64_C(999999999);
        l->average_price = DECIMAL_MAX;
        text_copy(l->broker_code, sizeof(l->broker_code), "-99");
        text_copy(l->broker_message, sizeof(l->broker_message), "Überschuss\n\"x\"");
        l->evidence = (struct evidence){.started_us = 5,
                                        .ended_us = 9,
                                        .bytes_sent = 17,
                                        .may_have_left = true,
                                        .transport = "curl",
                                        .error = "Operation timed out: 12 s  (28)"};
        ck_assert_int_eq(put_outcome(o, 0, NULL), STORE_OK);
        ck_assert_int_eq(get_order(o->id, &back), STORE_OK);
        assert_same_order(o, back);
        back = order_free(back);
        /* An attempt that ended before it began has a transport's words only. */
        l->evidence = (struct evidence){.started_us = 7, .error = "no address"};
        ck_assert_int_eq(put_outcome(o, 0, NULL), STORE_OK);
        ck_assert_int_eq(get_order(o->id, &back), STORE_OK);
        assert_same_order(o, back);
}
END_TEST

START_TEST(only_changed_legs_are_written)
{
        _cleanup_(order_freep) struct order *o =
                new_order((const char *const[]){DEMO, SECOND, NULL});
        _cleanup_(order_freep) struct order *back = NULL;
        const bool changed[] = {false, true};
        struct outcome_job j;

        ck_assert_int_eq(put_intent(o, NULL), STORE_OK);
        accept_order(o);
        outcome_init(&j, o, 0, NULL);
        j.out.changed = changed;
        ck_assert_int_eq(store_run(ledger.store, &j.out.job), STORE_OK);
        ck_assert_int_eq(get_order(o->id, &back), STORE_OK);
        ck_assert_int_eq(back->legs[0].state, LEG_STATE_SENDING);
        ck_assert_int_eq(back->legs[1].state, LEG_STATE_SETTLED);
        outcome_done(&j);
}
END_TEST

START_TEST(a_modify_changes_the_order_itself)
{
        _cleanup_(order_freep) struct order *o = new_order_on(DEMO);
        _cleanup_(order_freep) struct order *back = NULL;

        ck_assert_int_eq(put_intent(o, NULL), STORE_OK);
        accept_order(o);
        ck_assert_int_eq(put_outcome(o, 201, "{}"), STORE_OK);
        o->quantity = o->legs[0].quantity = 20;
        o->price = 8130000;
        o->type = ORDER_TYPE_STOP_LIMIT;
        o->trigger_price = 8129000;
        o->validity = VALIDITY_IOC;
        o->disclosed_quantity = 2;
        o->legs[0].modifications = 1;
        ck_assert_int_eq(put_outcome(o, 0, NULL), STORE_OK);
        ck_assert_int_eq(get_order(o->id, &back), STORE_OK);
        assert_same_order(o, back);
}
END_TEST

START_TEST(the_answer_is_kept_verbatim)
{
        static const char body[] = "{\"order_id\":\"x\",\"message\":\"“ünïcode” \\u0000 '\"}";
        _cleanup_(order_freep) struct order *o = new_order_on(DEMO);
        struct store_order_get g = {.job = {.op = STORE_ORDER_GET}, .id = o->id};
        struct store_key_get k;

        ck_assert_int_eq(put_intent(o, "key"), STORE_OK);
        ck_assert_int_eq(key_get("key", &k), STORE_OK);
        ck_assert_int_eq(k.answer_status, 0);
        ck_assert_ptr_null(k.answer_body);
        accept_order(o);
        ck_assert_int_eq(put_outcome(o, 201, body), STORE_OK);
        ck_assert_int_eq(put_outcome(o, 0, NULL), STORE_OK); /* leaves it alone */
        ck_assert_int_eq(store_run(ledger.store, &g.job), STORE_OK);
        ck_assert_int_eq(g.answer_status, 201);
        ck_assert_ptr_null(g.answer_body);
        order_free(g.order);
        g.answer = STORE_ANSWER_BODY;
        ck_assert_int_eq(store_run(ledger.store, &g.job), STORE_OK);
        ck_assert_int_eq(g.answer_status, 201);
        ck_assert_uint_eq(g.answer_size, strlen(body));
        ck_assert_str_eq(g.answer_body, body);
        free(g.answer_body);
        order_free(g.order);
        g.answer = STORE_ANSWER_NONE;
        ck_assert_int_eq(store_run(ledger.store, &g.job), STORE_OK);
        ck_assert_int_eq(g.answer_status, 0);
        ck_assert_ptr_null(g.answer_body);
        ck_assert_int_eq(key_get("key", &k), STORE_OK);
        ck_assert_int_eq(k.answer_status, 201);
        ck_assert_str_eq(k.answer_body, body);
        ck_assert_str_eq(k.order_id, o->id);
        free(k.answer_body);
        order_free(g.order);
        ck_assert_int_eq(put_outcome(o, 207, "[]"), STORE_OK); /* replaced when told to */
        ck_assert_int_eq(key_get("key", &k), STORE_OK);
        ck_assert_int_eq(k.answer_status, 207);
        ck_assert_uint_eq(k.answer_size, 2);
        free(k.answer_body);
}
END_TEST

START_TEST(an_outcome_without_its_order_writes_nothing)
{
        _cleanup_(order_freep) struct order *o =
                new_order((const char *const[]){DEMO, SECOND, NULL});
        const bool none[] = {false, false};
        struct outcome_job j;

        int64_t seq = audit_seq();
        ck_assert_int_eq(put_outcome(o, 201, "{}"), STORE_NOT_FOUND);
        outcome_init(&j, o, 201, "{}");
        j.out.changed = none;
        ck_assert_int_eq(store_run(ledger.store, &j.out.job), STORE_NOT_FOUND);
        outcome_done(&j);
        ck_assert_int_eq(audit_seq(), seq);
}
END_TEST

START_TEST(a_taken_key_names_its_order)
{
        _cleanup_(order_freep) struct order *a = new_order_on(DEMO);
        _cleanup_(order_freep) struct order *b = new_order_on(DEMO);
        struct intent i;
        struct store_key_get k;

        ck_assert_int_eq(put_intent(a, "same"), STORE_OK);
        intent_init(&i, b, "same");
        ck_assert_int_eq(store_run(ledger.store, &i.in.job), STORE_KEY_TAKEN);
        ck_assert_str_eq(i.in.found_order_id, a->id);
        ck_assert(i.in.found_same_fingerprint);
        ck_assert_int_eq(i.audit.seq, 0);
        i.fingerprint[31] ^= 1;
        ck_assert_int_eq(store_run(ledger.store, &i.in.job), STORE_KEY_TAKEN);
        ck_assert(!i.in.found_same_fingerprint);
        i.in.idempotency_scope = "another\nPOST\n/api/v1/orders";
        ck_assert_int_eq(store_run(ledger.store, &i.in.job), STORE_OK);
        intent_done(&i);
        order_fingerprint(a, i.fingerprint);
        ck_assert_int_eq(key_get("same", &k), STORE_OK);
        ck_assert_mem_eq(k.fingerprint, i.fingerprint, FINGERPRINT_SIZE);
        ck_assert_int_eq(key_get("other", &k), STORE_NOT_FOUND);
        ck_assert_int_eq(key_get("Same", &k), STORE_NOT_FOUND);
        ck_assert_int_eq(assert_chain(), 2);
}
END_TEST

START_TEST(refused_intents_leave_their_key_free)
{
        _cleanup_(order_freep) struct order *a = new_order_on(DEMO);
        _cleanup_(order_freep) struct order *b = new_order_on(DEMO);
        struct store_key_get k;
        struct intent i;
        struct order *none;

        text_copy(a->client_order_id, sizeof(a->client_order_id), "mine");
        text_copy(b->client_order_id, sizeof(b->client_order_id), "mine");
        ck_assert_int_eq(put_intent(a, "first"), STORE_OK);
        ck_assert_int_eq(put_intent(b, "second"), STORE_CLIENT_ID_TAKEN);
        ck_assert_int_eq(key_get("second", &k), STORE_NOT_FOUND);
        intent_init(&i, b, "third");
        i.in.killswitch_epoch = EPOCH_NEW + 1;
        ck_assert_int_eq(store_run(ledger.store, &i.in.job), STORE_STALE);
        intent_done(&i);
        ck_assert_int_eq(key_get("third", &k), STORE_NOT_FOUND);
        ck_assert_int_eq(get_order(b->id, &none), STORE_NOT_FOUND);
        ck_assert_int_eq(assert_chain(), 1);
}
END_TEST

START_TEST(a_replay_is_a_taken_key_first_of_all)
{
        _cleanup_(order_freep) struct order *a = new_order_on(DEMO);
        _cleanup_(order_freep) struct order *b = new_order_on(DEMO);
        struct intent i;

        text_copy(a->client_order_id, sizeof(a->client_order_id), "mine");
        text_copy(b->client_order_id, sizeof(b->client_order_id), "mine");
        ck_assert_int_eq(put_intent(a, "key"), STORE_OK);
        ck_assert_int_eq(put_intent(b, "key"), STORE_KEY_TAKEN);
        intent_init(&i, b, "key");
        i.in.killswitch_epoch = EPOCH_NEW + 1; /* changed since */
        ck_assert_int_eq(store_run(ledger.store, &i.in.job), STORE_KEY_TAKEN);
        ck_assert_str_eq(i.in.found_order_id, a->id);
        intent_done(&i);
}
END_TEST

START_TEST(an_expired_key_of_a_resolved_order_is_free)
{
        _cleanup_(order_freep) struct order *a = new_order_on(DEMO);
        _cleanup_(order_freep) struct order *b = new_order_on(DEMO);
        _cleanup_(order_freep) struct order *c = new_order_on(DEMO);
        struct store_key_get k;

        ck_assert_int_eq(put_intent(a, "key"), STORE_OK);
        clock_fake(a->created_us + 3 * DAY_US, clock_mono_us());
        /* past its time, but nobody knows yet what became of the order */
        ck_assert_int_eq(put_intent(b, "key"), STORE_KEY_TAKEN);
        ck_assert_int_eq(key_get("key", &k), STORE_OK);
        a->legs[0].state = LEG_STATE_NEEDS_OPERATOR;
        ck_assert_int_eq(put_outcome(a, 0, NULL), STORE_OK);
        ck_assert_int_eq(put_intent(b, "key"), STORE_KEY_TAKEN);
        accept_order(a);
        ck_assert_int_eq(put_outcome(a, 201, "{}"), STORE_OK);
        ck_assert_int_eq(key_get("key", &k), STORE_NOT_FOUND);
        b->created_us = clock_wall_us();
        ck_assert_int_eq(put_intent(b, "key"), STORE_OK);
        ck_assert_int_eq(key_get("key", &k), STORE_OK);
        ck_assert_str_eq(k.order_id, b->id);
        ck_assert_int_eq(put_intent(c, "key"), STORE_KEY_TAKEN);
        clock_real();
}
END_TEST

START_TEST(a_client_id_is_unique_per_account_and_day)
{
        _cleanup_(order_freep) struct order *a = new_order_on(DEMO);
        _cleanup_(order_freep) struct order *b =
                new_order((const char *const[]){SECOND, DEMO, NULL});
        _cleanup_(order_freep) struct order *c = new_order_on(SECOND);
        _cleanup_(order_freep) struct order *d = new_order_on(DEMO);
        struct store_order_get g = {.job = {.op = STORE_ORDER_GET}, .client_order_id = "mine"};

        struct order *const all[] = {a, b, c, d};
        for (unsigned i = 0; i < ELEMENTS(all); i++)
                text_copy(all[i]->client_order_id, sizeof(a->client_order_id), "mine");
        ck_assert_int_eq(put_intent(a, NULL), STORE_OK);
        ck_assert_int_eq(put_intent(b, NULL), STORE_CLIENT_ID_TAKEN);
        b->legs[1].state = LEG_STATE_REFUSED; /* a leg without an intent uses nothing up */
        b->legs[1].tag[0] = '\0';
        ck_assert_int_eq(put_intent(b, NULL), STORE_OK);
        ck_assert_int_eq(put_intent(c, NULL), STORE_CLIENT_ID_TAKEN);
        d->day = clock_day_add(d->day, 1);
        ck_assert_int_eq(put_intent(d, NULL), STORE_OK);

        g.day = a->day;
        ck_assert_int_eq(store_run(ledger.store, &g.job), STORE_OK);
        ck_assert_str_eq(g.order->id, b->id); /* the newest */
        order_free(g.order);
        free(g.answer_body);
        g.account = DEMO;
        ck_assert_int_eq(store_run(ledger.store, &g.job), STORE_OK);
        ck_assert_str_eq(g.order->id, a->id);
        order_free(g.order);
        g.day = clock_day_add(a->day, 2);
        ck_assert_int_eq(store_run(ledger.store, &g.job), STORE_NOT_FOUND);
        ck_assert_ptr_null(g.order);
}
END_TEST

START_TEST(an_order_or_tag_that_is_there_is_not_written_again)
{
        _cleanup_(order_freep) struct order *a = new_order_on(DEMO);
        _cleanup_(order_freep) struct order *b =
                new_order((const char *const[]){SECOND, DEMO, NULL});
        struct store_key_get k;
        struct order *none;

        ck_assert_int_eq(put_intent(a, NULL), STORE_OK);
        ck_assert_int_eq(put_intent(a, "k"), STORE_FAILED);
        memcpy(b->legs[1].tag, a->legs[0].tag, sizeof(b->legs[1].tag));
        ck_assert_int_eq(put_intent(b, "k"), STORE_FAILED);
        ck_assert_int_eq(get_order(b->id, &none), STORE_NOT_FOUND);
        ck_assert_int_eq(key_get("k", &k), STORE_NOT_FOUND);
        /* the same tag at another broker's account is another order */
        memcpy(b->legs[0].tag, a->legs[0].tag, sizeof(b->legs[0].tag));
        tag_make(b->legs[1].tag);
        ck_assert_int_eq(put_intent(b, "k"), STORE_OK);
        ck_assert_int_eq(assert_chain(), 2);
}
END_TEST

START_TEST(an_order_is_found_by_its_tag)
{
        _cleanup_(order_freep) struct order *o =
                new_order((const char *const[]){DEMO, SECOND, NULL});
        struct store_order_get g = {.job = {.op = STORE_ORDER_GET}};

        ck_assert_int_eq(put_intent(o, NULL), STORE_OK);
        g.account = SECOND;
        g.tag = o->legs[1].tag;
        ck_assert_int_eq(store_run(ledger.store, &g.job), STORE_OK);
        assert_same_order(o, g.order);
        order_free(g.order);
        g.account = DEMO;
        ck_assert_int_eq(store_run(ledger.store, &g.job), STORE_NOT_FOUND);
        g.tag = "";
        ck_assert_int_eq(store_run(ledger.store, &g.job), STORE_NOT_FOUND);
}
END_TEST

START_TEST(an_audit_record_that_cannot_be_written_stops_its_order)
{
        _cleanup_(order_freep) struct order *o = new_order_on(DEMO);
        struct order *none;
        struct intent i;

        intent_init(&i, o, "k");
        i.audit.payload.failed = -E2BIG;
        ck_assert_int_eq(store_run(ledger.store, &i.in.job), STORE_FAILED);
        ck_assert_int_ne(i.in.job.error[0], '\0');
        intent_done(&i);
        ck_assert_int_eq(get_order(o->id, &none), STORE_NOT_FOUND);
        ck_assert_int_eq(put_intent(o, "k"), STORE_OK);
}
END_TEST

const TTest *const *store_suite_orders(unsigned *ret_n)
{
        static const TTest *tests[16];
        unsigned n = 0;

        tests[n++] = an_order_comes_back_whole;
        tests[n++] = an_outcome_comes_back_whole;
        tests[n++] = only_changed_legs_are_written;
        tests[n++] = a_modify_changes_the_order_itself;
        tests[n++] = the_answer_is_kept_verbatim;
        tests[n++] = an_outcome_without_its_order_writes_nothing;
        tests[n++] = a_taken_key_names_its_order;
        tests[n++] = refused_intents_leave_their_key_free;
        tests[n++] = a_replay_is_a_taken_key_first_of_all;
        tests[n++] = an_expired_key_of_a_resolved_order_is_free;
        tests[n++] = a_client_id_is_unique_per_account_and_day;
        tests[n++] = an_order_or_tag_that_is_there_is_not_written_again;
        tests[n++] = an_order_is_found_by_its_tag;
        tests[n++] = an_audit_record_that_cannot_be_written_stops_its_order;
        *ret_n = n;
        return tests;
}
