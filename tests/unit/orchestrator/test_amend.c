/* Cancelling, settling by hand: every refusal, and everything that may happen meanwhile. */
#include "world.h"

#include "base/clock.h"
#include "orchestrator/placing.h"

#define REST "BUY 10 NSE:SBIN CNC LIMIT 1000"

static const struct world_options plain = {};
static const struct order_change none = {};

static struct order_change quantity(int64_t n)
{
        return (struct order_change){.has_quantity = true, .quantity = n};
}

START_TEST(test_cancel)
{
        world_open(&(struct world_options){.sqlite = true});
        const char *id = live(REST, "one two");
        struct amended *m = cancel(id);
        ck_assert_int_eq(m->answer.status, 200);
        ck_assert_int_eq(shown_leg(id, 1)->status, ORDER_STATUS_CANCELLED);
        ck_assert_uint_eq(world_account(0)->n_open, 0);
        ck_assert_int_eq(cancel(id)->answer.problem, PROBLEM_ORDER_NOT_OPEN);
        ck_assert_int_eq(cancel("nobody")->answer.problem, PROBLEM_ORDER_NOT_FOUND);
        ck_assert_int_eq(audit_count(AUDIT_CANCEL_INTENT), 2);
        ck_assert_int_eq(audit_count(AUDIT_CANCEL_ANSWERED), 2);
        world_close();
}
END_TEST

START_TEST(test_cancel_twice_at_once)
{
        world_open(&plain);
        const char *id = live(REST, "one");
        struct amended *a = amend_begin(AMEND_CANCEL, id, none);
        struct amended *b = amend_begin(AMEND_CANCEL, id, none);
        world_until(&a->done);
        world_until(&b->done);
        ck_assert_int_eq(a->answer.status, 200);
        ck_assert_int_eq(b->answer.status, 409);
        world_rest();
        ck_assert_uint_eq(world_account(0)->n_open, 0);
        ck_assert_int_eq(shown_leg(id, 0)->status, ORDER_STATUS_CANCELLED);
        world_close();
}
END_TEST

/* The cancel comes while the order itself is on its way. */
START_TEST(test_cancel_in_flight)
{
        static const enum fate fates[] = {FATE_SERVED, FATE_NOT_SENT, FATE_REPLY_LOST};
        for (size_t i = 0; i < ELEMENTS(fates); i++) {
                world_open(&plain);
                wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_HELD);
                struct placed *p = place_begin(REST, "one", NULL);
                world_rest();
                struct placing *x = LIST_ENTRY(world.o->operations.next, struct placing, link);
                char id[ID_SIZE];
                text_copy(id, sizeof(id), x->order->id);
                struct amended *m = amend_begin(AMEND_CANCEL, id, none);
                world_rest();
                ck_assert(!m->done);
                wire_release(world.wires[0], fates[i]);
                world_until(&p->done);
                world_until(&m->done);
                world_rest();
                if (fates[i] == FATE_REPLY_LOST) {
                        ck_assert_int_eq(m->answer.status, 202);
                        ck_assert(shown_leg(id, 0)->cancel_requested);
                        world_pass(SECONDS(1));
                }
                world_rest();
                ck_assert_uint_eq(world_account(0)->n_open, 0);
                const struct leg *l = shown_leg(id, 0);
                ck_assert_int_eq(l->status, fates[i] == FATE_NOT_SENT ? ORDER_STATUS_REJECTED
                                                                      : ORDER_STATUS_CANCELLED);
                ck_assert_uint_le(wire_calls(world.wires[0], BROKER_CANCEL), 1);
                world_sleep();
                world_wake();
                ck_assert_uint_eq(world_account(0)->n_open, 0);
                ck_assert_int_eq(shown_leg(id, 0)->state, LEG_STATE_SETTLED);
                world_close();
        }
}
END_TEST

/* A market order fills at once, while somebody wants to cancel it. */
START_TEST(test_cancel_while_filling)
{
        world_open(&plain);
        wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_HELD);
        struct placed *p = place_begin("BUY 10 NSE:SBIN CNC MARKET", "one", NULL);
        world_rest();
        char id[ID_SIZE];
        text_copy(id, sizeof(id),
                  LIST_ENTRY(world.o->operations.next, struct placing, link)->order->id);
        struct amended *m = amend_begin(AMEND_CANCEL, id, none);
        world_rest();
        wire_release(world.wires[0], FATE_SERVED);
        world_until(&m->done);
        ck_assert_int_eq(p->answer.status, 201);
        ck_assert_int_eq(m->answer.status, 409);
        world_rest();
        ck_assert_uint_eq(world_account(0)->n_open, 0);
        ck_assert_int_eq(shown_leg(id, 0)->status, ORDER_STATUS_FILLED);
        ck_assert_int_eq(shown_leg(id, 0)->filled_quantity, 10);
        world_close();
}
END_TEST

START_TEST(test_cancel_outcomes)
{
        world_open(&plain);
        const char *id = live(REST, "one");
        wire_script(world.wires[0], BROKER_CANCEL, 1, 1, FATE_NOT_SENT);
        ck_assert_int_eq(cancel(id)->answer.status, 424);
        wire_script(world.wires[0], BROKER_CANCEL, 1, 1, FATE_REPLY_LOST);
        ck_assert_int_eq(cancel(id)->answer.status, 202);
        world_pass(SECONDS(2));
        ck_assert_uint_eq(world_account(0)->n_open, 0);
        ck_assert_int_eq(shown_leg(id, 0)->status, ORDER_STATUS_CANCELLED);
        world_close();
}
END_TEST

START_TEST(test_cancel_and_the_ledger)
{
        world_open(&plain);
        /* the intent fails: the cancel goes on */
        const char *id = live(REST, "one");
        fake_store_fail(world.fake, FAKE_WRITE, 1, 1, STORE_FULL);
        ck_assert_int_eq(cancel(id)->answer.status, 200);
        ck_assert_uint_eq(world_account(0)->n_open, 0);
        /* the answer fails: not acknowledged, kept, written when the ledger is well */
        id = live(REST, "one");
        fake_store_fail(world.fake, FAKE_WRITE, 2, 1, STORE_FULL);
        ck_assert_int_eq(cancel(id)->answer.status, 202);
        world_pass(SECONDS(2));
        world_pass(SECONDS(2));
        ck_assert_int_eq(audit_count(AUDIT_CANCEL_ANSWERED), 2);
        /* reading the order fails */
        fake_store_fail(world.fake, FAKE_READ, 1, 1, STORE_CORRUPT);
        ck_assert_int_eq(cancel(id)->answer.problem, PROBLEM_STORE_UNAVAILABLE);
        world_close();
}
END_TEST

START_TEST(test_fills_meanwhile)
{
        world_open(&plain);
        const char *id = live(REST, "one");
        wire_script(world.wires[0], BROKER_MODIFY, 1, 1, FATE_HELD);
        struct amended *m = amend_begin(AMEND_MODIFY, id, quantity(20));
        world_rest();
        struct amended *c = cancel(id);
        ck_assert_int_eq(c->answer.status, 200);
        wire_release(world.wires[0], FATE_SERVED);
        world_until(&m->done);
        ck_assert_int_eq(m->answer.status, 409);
        world_rest();
        ck_assert_uint_eq(world_account(0)->n_open, 0);
        world_close();
}
END_TEST

START_TEST(test_restricted)
{
        static const char *const accounts[] = {"paper:two", NULL};
        world_open(&plain);
        const char *id = live(REST, "one");
        struct amended *m = amend_begin(AMEND_CANCEL, id, none);
        m->request.caller.accounts = accounts;
        world_until(&m->done);
        ck_assert_int_eq(m->answer.problem, PROBLEM_ORDER_NOT_FOUND);
        world.render_fails = true;
        ck_assert_int_eq(cancel(id)->answer.problem, PROBLEM_INTERNAL);
        world_close();
}
END_TEST

/* The ledger cannot even be read: a cancel takes risk away, and memory knows what is live. */
START_TEST(test_cancel_without_the_ledger)
{
        static const char *const two[] = {"paper:two", NULL};
        world_open(&plain);
        const char *id = live(REST, "one two");
        fake_store_fail(world.fake, FAKE_READ, 1, 100000, STORE_UNAVAILABLE);
        ck_assert_int_eq(cancel("nobody")->answer.problem, PROBLEM_STORE_UNAVAILABLE);
        ck_assert_int_eq(modify(id, (struct order_change){.has_quantity = true, .quantity = 5})
                                 ->answer.problem,
                         PROBLEM_STORE_UNAVAILABLE);
        struct amended *m = amend_begin(AMEND_CANCEL, id, none);
        m->request.caller.accounts = two;
        world_until(&m->done);
        ck_assert_int_eq(m->answer.status, 202);
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_CANCEL), 0);
        ck_assert_uint_eq(wire_served(world.wires[1], BROKER_CANCEL), 1);
        ck_assert_int_eq(cancel(id)->answer.status, 202);
        ck_assert_uint_eq(wire_served(world.wires[0], BROKER_CANCEL), 1);
        fake_store_fail(world.fake, FAKE_READ, 0, 0, STORE_OK);
        for (unsigned i = 0; i < 5; i++)
                world_pass(SECONDS(2));
        for (unsigned i = 0; i < 2; i++) {
                ck_assert_uint_eq(world_account(i)->n_open, 0);
                ck_assert_int_eq(shown_leg(id, i)->status, ORDER_STATUS_CANCELLED);
        }
        ck_assert_int_eq(audit_count(AUDIT_CANCEL_ANSWERED), 2);
        world_close();
}
END_TEST

/* --- settling by hand --- */

static const char *lost(void)
{
        wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_LOST);
        struct placed *p = place(REST, "one", NULL);
        ck_assert_int_eq(p->answer.status, 202);
        return p->answer.order_id;
}

START_TEST(test_resolve)
{
        world_open(&(struct world_options){.blind = true});
        const char *id = lost();
        ck_assert_int_eq(resolve(id, 2, OUTCOME_REJECTED)->answer.problem, PROBLEM_LEG_NOT_FOUND);
        ck_assert_int_eq(resolve(id, 1, OUTCOME_ACCEPTED)->answer.status, 200);
        ck_assert_str_eq(shown_leg(id, 0)->broker_order_id, "B-1");
        ck_assert_int_eq(resolve(id, 1, OUTCOME_REJECTED)->answer.problem,
                         PROBLEM_LEG_ALREADY_SETTLED);
        id = lost();
        ck_assert_int_eq(resolve(id, 1, OUTCOME_REJECTED)->answer.status, 200);
        ck_assert_int_eq(shown_leg(id, 0)->problem, PROBLEM_BROKER_REJECTED);
        ck_assert_uint_eq(world_account(0)->n_unresolved, 0);
        world_close();
}
END_TEST

START_TEST(test_resolve_and_the_ledger)
{
        world_open(&(struct world_options){.blind = true});
        const char *id = lost();
        fake_store_fail(world.fake, FAKE_WRITE, 1, 1, STORE_FULL);
        ck_assert_int_eq(resolve(id, 1, OUTCOME_NOT_PLACED)->answer.problem,
                         PROBLEM_STORE_UNAVAILABLE);
        ck_assert_uint_eq(world_account(0)->n_unresolved, 1);
        ck_assert_int_eq(shown_leg(id, 0)->outcome, OUTCOME_UNKNOWN);
        ck_assert_int_eq(resolve(id, 1, OUTCOME_NOT_PLACED)->answer.problem, PROBLEM_NONE);
        ck_assert_uint_eq(world_account(0)->n_open, 0);
        ck_assert_int_eq(shown_leg(id, 0)->outcome, OUTCOME_NOT_PLACED);
        world_close();
}
END_TEST

/* --- cancelling many --- */

static unsigned cancelled_orders, cancelled_legs;
static bool many_done;

static void on_many(struct cancel_many_request *r)
{
        cancelled_orders = r->n_orders;
        cancelled_legs = 0;
        for (unsigned i = 0; i < r->n_orders; i++)
                cancelled_legs += r->orders[i]->n_legs;
        many_done = true;
        free(r); /* as the contract allows */
}

static void cancel_many(const char *const *accounts, const char *symbol,
                        const char *const *caller_accounts)
{
        struct cancel_many_request *r = calloc(1, sizeof(*r));
        *r = (struct cancel_many_request){
                .caller = nobody_special, .accounts = accounts, .symbol = symbol, .done = on_many};
        r->caller.accounts = caller_accounts;
        many_done = false;
        operation_cancel_many(world.o, r);
        world_until(&many_done);
}

/* The intent of the order fails while a cancel of everything already holds its leg. */
START_TEST(test_cancel_of_what_never_was)
{
        world_open(&plain);
        fake_store_delay(world.fake, FAKE_COMMIT, 20000);
        fake_store_fail(world.fake, FAKE_WRITE, 1, 1, STORE_UNAVAILABLE);
        struct placed *p = place_begin(REST, "one", NULL);
        cancel_many(NULL, NULL, NULL);
        ck_assert(p->done);
        ck_assert_int_eq(p->answer.problem, PROBLEM_STORE_UNAVAILABLE);
        ck_assert_uint_eq(cancelled_legs, 1);
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_CANCEL), 0);
        ck_assert_uint_eq(world_account(0)->n_open, 0);
        ck_assert(orchestrator_idle(world.o));
        world_close();
}
END_TEST

START_TEST(test_cancel_many)
{
        static const char *const two[] = {"paper:two", NULL};
        world_open(&plain);
        const char *id = live(REST, "one two three");
        (void)live("BUY 1 NSE:IDEA CNC LIMIT 13", "one");
        cancel_many(NULL, "NSE:RELIANCE", NULL);
        ck_assert_uint_eq(cancelled_orders, 0);
        cancel_many(two, NULL, NULL);
        ck_assert_uint_eq(cancelled_legs, 1);
        cancel_many(NULL, NULL, two);
        ck_assert_uint_eq(cancelled_orders, 0);
        wire_script(world.wires[2], BROKER_PLACE, 1, 1, FATE_REPLY_LOST);
        (void)place(REST, "three", NULL);
        cancel_many(NULL, NULL, NULL);
        ck_assert_uint_eq(cancelled_orders, 3);
        ck_assert_uint_eq(cancelled_legs, 4);
        world_pass(SECONDS(1));
        world_rest();
        for (unsigned i = 0; i < WORLD_ACCOUNTS; i++)
                ck_assert_uint_eq(world_account(i)->n_open, 0);
        ck_assert_int_eq(shown_leg(id, 0)->status, ORDER_STATUS_CANCELLED);
        world_close();
}
END_TEST

SUITE("amend", test_cancel, test_cancel_twice_at_once, test_cancel_in_flight,
      test_cancel_while_filling, test_cancel_of_what_never_was, test_cancel_outcomes,
      test_cancel_and_the_ledger, test_fills_meanwhile, test_restricted,
      test_cancel_without_the_ledger, test_resolve, test_resolve_and_the_ledger, test_cancel_many)
