/* Placing: what is answered, what is sent, what is in the ledger, whatever breaks. */
#include "world.h"

#include "orchestrator/placing.h"

#define SBIN     "BUY 10 NSE:SBIN CNC LIMIT 1050"
#define SBIN_LOW "BUY 10 NSE:SBIN CNC LIMIT 1000"

static const struct world_options plain = {};

static unsigned sent(unsigned i)
{
        return wire_calls(world.wires[i], BROKER_PLACE);
}

static bool no_more(void *userdata)
{
        return true;
}

static void turn_once(void)
{
        loop_stop(world.loop);
        ck_assert_int_eq(loop_run(world.loop, no_more, NULL), 0);
}

/* Nothing is taken from limits and funds, nothing runs, nothing is open. */
static void assert_untouched(void)
{
        for (unsigned i = 0; i < WORLD_ACCOUNTS; i++) {
                const struct account_state *a = world_account(i);
                ck_assert_int_eq(a->funds.in_flight, 0);
                ck_assert_int_eq(a->limits.day_orders, 0);
                ck_assert_int_eq(a->limits.day_value, 0);
                ck_assert_uint_eq(a->n_open, 0);
        }
        ck_assert(orchestrator_idle(world.o));
        ck_assert_ptr_null(world.o->open_legs.by_tag);
        ck_assert(list_empty(&world.o->operations));
}

START_TEST(test_accepted)
{
        world_open(&(struct world_options){.sqlite = true});
        struct placed *p = place(SBIN_LOW, "one", "k1");
        ck_assert_int_eq(p->answer.status, 201);
        ck_assert_uint_eq(exchange_orders(0), 1);
        ck_assert_uint_eq(world_account(0)->n_open, 1);
        ck_assert_int_eq(shown_leg(p->answer.order_id, 0)->status, ORDER_STATUS_OPEN);
        ck_assert_int_eq(audit_count(AUDIT_ORDER_INTENT), 1);
        ck_assert_int_eq(audit_count(AUDIT_LEG_OUTCOME), 1);
        world_close();
}
END_TEST

START_TEST(test_filled_leaves_memory)
{
        world_open(&plain);
        struct placed *p = place("BUY 10 NSE:SBIN CNC MARKET", "one", NULL);
        ck_assert_int_eq(p->answer.status, 201);
        ck_assert_uint_eq(world_account(0)->n_open, 0);
        ck_assert_int_eq(shown_leg(p->answer.order_id, 0)->status, ORDER_STATUS_FILLED);
        world_close();
}
END_TEST

START_TEST(test_legs)
{
        world_open(&plain);
        wire_script(world.wires[1], BROKER_PLACE, 1, 1, FATE_NOT_SENT);
        struct placed *p = place(SBIN_LOW, "one two three*0.5", NULL);
        ck_assert_int_eq(p->answer.status, 207);
        ck_assert_ptr_nonnull(strstr(p->body, "paper:two not_sent REJECTED BROKER_UNREACHABLE"));
        ck_assert_int_eq(shown_leg(p->answer.order_id, 2)->quantity, 5);
        p = place(SBIN_LOW, "one two*0.01", NULL);
        ck_assert_int_eq(p->answer.status, 207);
        ck_assert_ptr_nonnull(strstr(p->body, "MULTIPLIER_ROUNDS_TO_ZERO"));
        ck_assert_uint_eq(sent(1), 1);
        world_close();
}
END_TEST

START_TEST(test_validate)
{
        world_open(&(struct world_options){
                .limits = {.orders_per_day = 1, .repeat_window_us = SECONDS(60)}});
        struct placed *p = validate(SBIN, "one two");
        ck_assert_int_eq(p->answer.status, 200);
        ck_assert_uint_eq(sent(0) + sent(1), 0);
        assert_untouched();
        ck_assert_int_eq(audit_count(AUDIT_ORDER_INTENT), 0);
        p = validate("BUY 10 NSE:NOBODY CNC LIMIT 1050", "one");
        ck_assert_int_eq(p->answer.status, 422);
        assert_untouched();
        world.render_fails = true;
        ck_assert_int_eq(validate(SBIN, "one")->answer.problem, PROBLEM_INTERNAL);
        assert_untouched();
        world_close();
}
END_TEST

START_TEST(test_refused)
{
        world_open(&plain);
        struct placed *p = place("BUY 10 NSE:NOBODY CNC LIMIT 1050", "one two", "k1");
        ck_assert_int_eq(p->answer.status, 422);
        ck_assert_str_eq(p->answer.order_id, "");
        ck_assert_int_eq(audit_count(AUDIT_ORDER_REFUSED), 1);
        assert_untouched();
        /* the key was not consumed */
        ck_assert_int_eq(place(SBIN_LOW, "one", "k1")->answer.status, 201);
        world_close();
}
END_TEST

START_TEST(test_refused_and_ledger_down)
{
        world_open(&plain);
        fake_store_fail(world.fake, FAKE_WRITE, 1, 1, STORE_FULL);
        struct placed *p = place("BUY 10 NSE:NOBODY CNC LIMIT 1050", "one", NULL);
        ck_assert_int_eq(p->answer.status, 422);
        world.render_fails = true;
        p = place("BUY 10 NSE:NOBODY CNC LIMIT 1050", "one", NULL);
        ck_assert_int_eq(p->answer.problem, PROBLEM_INTERNAL);
        assert_untouched();
        world_close();
}
END_TEST

START_TEST(test_unknown_account)
{
        world_open(&plain);
        struct placed *p = place(SBIN, "nobody", "k1");
        ck_assert_int_eq(p->answer.problem, PROBLEM_ACCOUNT_NOT_FOUND);
        ck_assert_ptr_null(world.o->keys.by_text);
        assert_untouched();
        world_close();
}
END_TEST

START_TEST(test_draining)
{
        world_open(&plain);
        orchestrator_drain(world.o);
        struct placed *p = place(SBIN, "one", "k1");
        ck_assert_int_eq(p->answer.problem, PROBLEM_SHUTTING_DOWN);
        assert_untouched();
        world_close();
}
END_TEST

/* --- the first commit --- */

START_TEST(test_intent_fails)
{
        static const enum store_result results[] = {STORE_UNAVAILABLE, STORE_FULL, STORE_CORRUPT,
                                                    STORE_FAILED};
        world_open(&plain);
        for (size_t i = 0; i < ELEMENTS(results); i++) {
                fake_store_fail(world.fake, FAKE_WRITE, 1, 1, results[i]);
                struct placed *p = place(SBIN_LOW, "one two", "k1");
                ck_assert_int_eq(p->answer.problem, PROBLEM_STORE_UNAVAILABLE);
                ck_assert_uint_eq(sent(0) + sent(1), 0);
                assert_untouched();
                ck_assert_ptr_null(world.o->keys.by_text);
        }
        fake_store_fail(world.fake, FAKE_COMMIT, 1, 1, STORE_UNAVAILABLE);
        ck_assert_int_eq(place(SBIN_LOW, "one", "k1")->answer.problem, PROBLEM_STORE_UNAVAILABLE);
        assert_untouched();
        ck_assert_int_eq(place(SBIN_LOW, "one", "k1")->answer.status, 201);
        world_close();
}
END_TEST

START_TEST(test_intent_uncertain_but_there)
{
        world_open(&plain);
        fake_store_lose_commit(world.fake, true);
        struct placed *p = place(SBIN_LOW, "one", "k1");
        ck_assert_int_eq(p->answer.status, 201);
        ck_assert_uint_eq(sent(0), 1);
        world_close();
}
END_TEST

START_TEST(test_intent_uncertain_and_lost)
{
        world_open(&plain);
        fake_store_lose_commit(world.fake, false);
        struct placed *p = place(SBIN_LOW, "one", "k1");
        ck_assert_int_eq(p->answer.problem, PROBLEM_STORE_UNAVAILABLE);
        ck_assert_uint_eq(sent(0), 0);
        assert_untouched();
        world_close();
}
END_TEST

static unsigned doubts;

/* Until the ledger has told what became of the commit. Timers run in real time. */
static void until_no_doubt(void)
{
        for (unsigned i = 0; i < 2000 && !list_empty(&world.o->doubtful); i++) {
                doubts = LIST_ENTRY(world.o->doubtful.next, struct placing, link)->n_doubts;
                world_rest();
        }
        ck_assert(list_empty(&world.o->doubtful));
}

static struct placed *doubtful(bool written, unsigned unreadable)
{
        fake_store_lose_commit(world.fake, written);
        fake_store_fail(world.fake, FAKE_READ, 1, unreadable, STORE_UNAVAILABLE);
        struct placed *p = place(SBIN_LOW, "one two", "k1");
        ck_assert_int_eq(p->answer.problem, PROBLEM_STORE_UNAVAILABLE);
        ck_assert_uint_eq(sent(0) + sent(1), 0);
        assert_untouched();
        return p;
}

/* The ledger has it, and cannot be asked for a while: it is settled as not sent when it can. */
START_TEST(test_intent_uncertain_and_unreadable)
{
        for (int again = 0; again < 2; again++) {
                world_open(&plain);
                (void)doubtful(true, 2);
                /* a repetition does not wait for it, and does not pass it */
                struct placed *p = place(SBIN_LOW, "one two", "k1");
                ck_assert_int_eq(p->answer.problem, PROBLEM_STORE_UNAVAILABLE);
                ck_assert_int_eq(p->answer.retry_after_s, 1);
                p = place(SBIN, "one two", "k1");
                ck_assert_int_eq(p->answer.problem, PROBLEM_IDEMPOTENCY_MISMATCH);
                until_no_doubt();
                p = place(SBIN_LOW, "one two", "k1");
                ck_assert(p->answer.replayed);
                ck_assert_int_eq(p->answer.status, 422);
                ck_assert_ptr_nonnull(strstr(p->body, "paper:two not_sent REJECTED NOT_SENT"));
                ck_assert_int_eq(audit_count(AUDIT_LEG_OUTCOME), 2);
                const struct leg *l = shown_leg(p->answer.order_id, 0);
                ck_assert_int_eq(l->state, LEG_STATE_SETTLED);
                ck_assert_int_eq(l->outcome, OUTCOME_NOT_SENT);
                ck_assert_uint_eq(sent(0) + sent(1), 0);
                assert_untouched();
                if (again) {
                        world_sleep();
                        world_wake();
                }
                ck_assert(place(SBIN_LOW, "one two", "k1")->answer.replayed);
                world_close();
        }
}
END_TEST

/* The ledger does not have it: the key is free, as if nothing had been. */
START_TEST(test_intent_uncertain_lost_and_unreadable)
{
        world_open(&plain);
        (void)doubtful(false, 2);
        until_no_doubt();
        ck_assert_ptr_null(world.o->keys.by_text);
        ck_assert_int_eq(place(SBIN_LOW, "one", "k1")->answer.status, 201);
        ck_assert_uint_eq(sent(0), 1);
        world_close();
}
END_TEST

/* Settling fails, or it is not known whether it failed: it is tried again. */
START_TEST(test_doubt_that_cannot_be_written)
{
        static const enum store_result results[] = {STORE_FULL, STORE_UNCERTAIN};
        for (size_t i = 0; i < ELEMENTS(results); i++) {
                world_open(&plain);
                (void)doubtful(true, 1);
                /* what asks the ledger whether it is well takes no fault away; it is asked here,
                 * because the doubt itself asks half a second later, in real time */
                ledger_probe(world.o);
                world_rest();
                ck_assert_int_eq(world.o->store_failure, STORE_OK);
                if (results[i] == STORE_UNCERTAIN)
                        fake_store_lose_commit(world.fake, true);
                else
                        fake_store_fail(world.fake, FAKE_WRITE, 1, 1, results[i]);
                until_no_doubt();
                struct placed *p = place(SBIN_LOW, "one two", "k1");
                ck_assert(p->answer.replayed);
                ck_assert_int_eq(p->answer.status, 422);
                ck_assert_int_eq(audit_count(AUDIT_LEG_OUTCOME), 2);
                ck_assert_uint_gt(doubts, 1);
                world_close();
        }
}
END_TEST

/* The daemon stops meanwhile: what is there is found by the next start. */
START_TEST(test_doubt_ends_with_the_daemon)
{
        world_open(&plain);
        (void)doubtful(true, 1U << 30);
        ck_assert(!list_empty(&world.o->doubtful));
        ck_assert(orchestrator_idle(world.o));
        world_sleep();
        fake_store_fail(world.fake, FAKE_READ, 0, 0, STORE_OK);
        world_wake();
        struct placed *p = place(SBIN_LOW, "one two", "k1");
        ck_assert(p->answer.replayed);
        ck_assert_int_eq(p->answer.status, 422);
        ck_assert_ptr_nonnull(strstr(p->body, "not_placed"));
        world_close();
}
END_TEST

static void on_killed(struct kill_request *r)
{
}

/* The switch moves for somebody else between the gates and the commit: the gates run again. */
START_TEST(test_stale)
{
        struct kill_request r = {.caller = nobody_special,
                                 .level = KILL_LEVEL_HALT,
                                 .scope = "account:paper:two",
                                 .reason = "a test",
                                 .done = on_killed};
        world_open(&plain);
        killswitch_set(world.o, &r);
        struct placed *p = place(SBIN_LOW, "one", "k1");
        ck_assert_int_eq(p->answer.status, 201);
        ck_assert_uint_eq(sent(0), 1);
        world_rest();
        world_close();
}
END_TEST

static void raw_kill(const char *scope, enum kill_level level)
{
        struct store_killswitch k = {.job.op = STORE_KILLSWITCH,
                                     .scope = scope,
                                     .level = (int)level,
                                     .reason = "another hand",
                                     .actor = "somebody"};
        ck_assert_int_eq(store_run(world.store, &k.job), STORE_OK);
}

/* The ledger's switch was moved by another hand: it is read again, and holds. */
START_TEST(test_stale_for_good)
{
        world_open(&plain);
        raw_kill("account:paper:two", KILL_LEVEL_HALT);
        struct placed *p = place(SBIN_LOW, "one two", "k1");
        ck_assert(p->answer.problem == PROBLEM_STORE_UNAVAILABLE || p->answer.status == 207);
        world_rest();
        p = place(SBIN_LOW, "one two", "k2");
        ck_assert_int_eq(p->answer.status, 207);
        ck_assert_uint_eq(exchange_orders(1), 0);
        ck_assert_int_eq(killswitch_level(world.o, "paper:two"), KILL_LEVEL_HALT);
        world_close();
}
END_TEST

/* Reading it again fails too: the order ends all the same. */
START_TEST(test_stale_and_unreadable)
{
        world_open(&plain);
        raw_kill("account:paper:two", KILL_LEVEL_HALT);
        fake_store_fail(world.fake, FAKE_READ, 1, 100, STORE_UNAVAILABLE);
        struct placed *p = place(SBIN_LOW, "one", "k1");
        ck_assert_int_eq(p->answer.problem, PROBLEM_STORE_UNAVAILABLE);
        ck_assert_uint_eq(sent(0), 0);
        world_rest();
        assert_untouched();
        fake_store_fail(world.fake, FAKE_READ, 0, 0, STORE_OK);
        (void)place(SBIN_LOW, "one", "k1");
        world_rest();
        ck_assert_int_eq(place(SBIN_LOW, "one", "k3")->answer.status, 201);
        world_close();
}
END_TEST

static struct placed *place_client(const char *words, const char *accounts, const char *client_id)
{
        struct placed *p = place_begin(words, accounts, NULL);
        struct placing *x = LIST_ENTRY(world.o->operations.prev, struct placing, link);
        text_copy(x->order->client_order_id, sizeof(x->order->client_order_id), client_id);
        world_until(&p->done);
        return p;
}

START_TEST(test_client_order_id)
{
        world_open(&plain);
        struct placed *p = place_client(SBIN_LOW, "one", "mine");
        ck_assert_int_eq(p->answer.status, 201);
        (void)cancel("client:mine");
        int64_t orders = world_account(0)->limits.day_orders;
        struct placed *again = place_client("BUY 9 NSE:SBIN CNC LIMIT 1000", "one", "mine");
        ck_assert_int_eq(again->answer.problem, PROBLEM_CLIENT_ORDER_ID_TAKEN);
        ck_assert_str_eq(again->answer.pointer, "/client_order_id");
        ck_assert_uint_eq(sent(0), 1);
        ck_assert_int_eq(world_account(0)->funds.in_flight, 0);
        ck_assert_int_eq(world_account(0)->limits.day_orders, orders);
        world_close();
}
END_TEST

/* The daemon ends while the first commit is on its way: its transports are gone when it is done. */
START_TEST(test_end_while_reserving)
{
        world_open(&plain);
        fake_store_delay(world.fake, FAKE_COMMIT, 30000);
        struct placed *p = place_begin(SBIN_LOW, "one two", "k1");
        while (list_empty(&world.o->operations) ||
               LIST_ENTRY(world.o->operations.next, struct placing, link)->state != PLACE_RESERVING)
                turn_once();
        world_sleep();
        ck_assert(!p->done);
        fake_store_delay(world.fake, FAKE_COMMIT, 0);
        world_wake();
        world_pass(SECONDS(2));
        p = place(SBIN_LOW, "one two", "k1");
        ck_assert(p->answer.replayed);
        ck_assert_ptr_nonnull(strstr(p->body, "not_placed"));
        ck_assert_uint_eq(exchange_orders(0), 0);
        world_close();
}
END_TEST

/* --- the brokers --- */

START_TEST(test_not_sent_gives_back)
{
        world_open(&(struct world_options){.limits = {.repeat_window_us = SECONDS(60),
                                                      .orders_per_second = 1,
                                                      .max_daily_value = RUPEES(100000)}});
        wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_NOT_SENT);
        struct placed *p = place(SBIN_LOW, "one", NULL);
        ck_assert_int_eq(p->answer.status, 424);
        assert_untouched();
        /* the client may try again at once: it is no repetition */
        ck_assert_int_eq(place(SBIN_LOW, "one", NULL)->answer.status, 201);
        world_close();
}
END_TEST

START_TEST(test_rejected_is_no_traded_value)
{
        world_open(&(struct world_options){.limits = {.max_daily_value = RUPEES(100000)}});
        wire_say(world.wires[0], BROKER_PLACE, 422,
                 "{\"error\":{\"code\":\"SELF_TRADE\",\"message\":\"no\"}}");
        struct placed *p = place(SBIN_LOW, "one", NULL);
        ck_assert_int_eq(p->answer.status, 422);
        ck_assert_int_eq(world_account(0)->limits.day_value, 0);
        ck_assert_int_eq(world_account(0)->limits.day_orders, 1);
        ck_assert_int_eq(world_account(0)->funds.in_flight, 0);
        ck_assert_uint_eq(world_account(0)->n_open, 0);
        world_close();
}
END_TEST

static void halt(void *userdata)
{
        static struct kill_request r;
        r = (struct kill_request){.caller = nobody_special,
                                  .level = KILL_LEVEL_HALT,
                                  .scope = "global",
                                  .reason = "the last moment",
                                  .done = on_killed};
        killswitch_set(world.o, &r);
}

START_TEST(test_halt_at_the_last_moment)
{
        world_open(&plain);
        wire_before_place(world.wires[0], halt, NULL);
        struct placed *p = place(SBIN_LOW, "one", "k1");
        ck_assert_int_eq(p->answer.status, 423);
        ck_assert_uint_eq(wire_served(world.wires[0], BROKER_PLACE), 0);
        ck_assert_int_eq(shown_leg(p->answer.order_id, 0)->outcome, OUTCOME_NOT_SENT);
        ck_assert_int_eq(shown_leg(p->answer.order_id, 0)->problem, PROBLEM_KILL_SWITCH);
        assert_untouched();
        world_close();
}
END_TEST

/* --- the second commit --- */

START_TEST(test_outcome_lost)
{
        world_open(&plain);
        fake_store_fail(world.fake, FAKE_WRITE, 2, 1, STORE_FULL);
        struct placed *p = place(SBIN_LOW, "one", "k1");
        ck_assert_int_eq(p->answer.status, 202);
        ck_assert_uint_eq(world_account(0)->n_unresolved, 1);
        struct placed *again = place(SBIN_LOW, "one", "k1");
        ck_assert(again->answer.replayed);
        ck_assert_int_eq(again->answer.status, 202);
        ck_assert_uint_eq(sent(0), 1);
        world_pass(SECONDS(1));
        const struct leg *l = shown_leg(p->answer.order_id, 0);
        /* The exchange's change went with the commit: the order never was. */
        ck_assert_int_eq(l->outcome, exchange_orders(0) ? OUTCOME_ACCEPTED : OUTCOME_NOT_PLACED);
        ck_assert_uint_eq(world_account(0)->n_unresolved, 0);
        again = place(SBIN_LOW, "one", "k1");
        ck_assert(again->answer.replayed);
        ck_assert_int_ne(again->answer.status, 202);
        world_close();
}
END_TEST

START_TEST(test_outcome_uncertain)
{
        world_open(&plain);
        struct placed *p = place_begin(SBIN_LOW, "one", "k1");
        fake_store_fail(world.fake, FAKE_COMMIT, 2, 1, STORE_UNCERTAIN);
        world_until(&p->done);
        ck_assert_int_eq(p->answer.status, 202);
        world_pass(SECONDS(1));
        ck_assert_uint_eq(world_account(0)->n_unresolved, 0);
        world_close();
}
END_TEST

/* --- the deadline --- */

START_TEST(test_deadline)
{
        world_open(&plain);
        wire_script(world.wires[1], BROKER_PLACE, 1, 1, FATE_HELD);
        struct placed *p = place_begin(SBIN_LOW, "one two", "k1");
        world_rest();
        ck_assert(!p->done);
        place_sweep(world.o);
        ck_assert(!p->done);
        clock_fake_advance(SECONDS(13));
        place_sweep(world.o);
        world_until(&p->done);
        ck_assert_int_eq(p->answer.status, 202);
        ck_assert_ptr_nonnull(strstr(p->body, "paper:one accepted OPEN"));
        struct placed *again = place(SBIN_LOW, "one two", "k1");
        ck_assert_int_eq(again->answer.status, 202);
        ck_assert(again->answer.replayed);
        ck_assert_uint_eq(orchestrator_in_flight(world.o), 1);
        place_sweep(world.o);
        wire_release(world.wires[1], FATE_REPLY_LOST);
        world_rest();
        ck_assert(orchestrator_idle(world.o));
        ck_assert_uint_eq(world_account(1)->n_unresolved, 1);
        world_pass(SECONDS(1));
        again = place(SBIN_LOW, "one two", "k1");
        ck_assert(again->answer.replayed);
        ck_assert_int_eq(again->answer.status, 201);
        ck_assert_uint_eq(sent(1), 1);
        world_close();
}
END_TEST

/* The leg that was out is answered while the answer of the deadline is written. */
START_TEST(test_deadline_and_answer_together)
{
        world_open(&plain);
        wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_HELD);
        struct placed *p = place_begin(SBIN_LOW, "one", "k1");
        world_rest();
        clock_fake_advance(SECONDS(13));
        place_sweep(world.o);
        wire_release(world.wires[0], FATE_SERVED);
        world_until(&p->done);
        ck_assert_int_eq(p->answer.status, 202);
        world_rest();
        ck_assert(orchestrator_idle(world.o));
        p = place(SBIN_LOW, "one", "k1");
        ck_assert(p->answer.replayed);
        ck_assert_int_eq(p->answer.status, 201);
        world_close();
}
END_TEST

/* The first commit took the whole time: nothing is sent any more. */
START_TEST(test_deadline_before_sending)
{
        world_open(&plain);
        fake_store_delay(world.fake, FAKE_COMMIT, 30000);
        struct placed *p = place_begin(SBIN_LOW, "one", NULL);
        LIST_ENTRY(world.o->operations.prev, struct placing, link)->deadline_us = clock_mono_us();
        world_until(&p->done);
        ck_assert_int_eq(p->answer.status, 424);
        ck_assert_uint_eq(wire_served(world.wires[0], BROKER_PLACE), 0);
        assert_untouched();
        world_close();
}
END_TEST

/* --- keys --- */

START_TEST(test_key_in_flight)
{
        world_open(&plain);
        wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_HELD);
        struct placed *p = place_begin(SBIN_LOW, "one", "k1");
        world_rest();
        struct placed *again = place(SBIN_LOW, "one", "k1");
        ck_assert_int_eq(again->answer.problem, PROBLEM_IDEMPOTENCY_IN_FLIGHT);
        ck_assert_int_eq(again->answer.retry_after_s, 1);
        ck_assert_str_ne(again->answer.order_id, "");
        again = place("BUY 11 NSE:SBIN CNC LIMIT 1000", "one", "k1");
        ck_assert_int_eq(again->answer.problem, PROBLEM_IDEMPOTENCY_MISMATCH);
        wire_release(world.wires[0], FATE_SERVED);
        world_until(&p->done);
        ck_assert_int_eq(p->answer.status, 201);
        world_close();
}
END_TEST

START_TEST(test_key_replayed)
{
        world_open(&(struct world_options){.sqlite = true});
        struct placed *p = place(SBIN_LOW, "one", "k1");
        struct placed *memory = place(SBIN_LOW, "one", "k1");
        ck_assert(memory->answer.replayed);
        ck_assert_str_eq(memory->body, p->body);
        world_sleep();
        world_wake();
        struct placed *ledger = place(SBIN_LOW, "one", "k1");
        ck_assert(ledger->answer.replayed);
        ck_assert_str_eq(ledger->body, p->body);
        ck_assert_int_eq(ledger->answer.status, 201);
        ck_assert_uint_eq(sent(0), 0);
        ck_assert_int_eq(world_account(0)->funds.in_flight, 0);
        world_sleep();
        world_wake();
        /* the gates would refuse both: the key is asked first */
        kill_set(KILL_LEVEL_HALT, "global", false);
        ledger = place(SBIN_LOW, "one", "k1");
        ck_assert(ledger->answer.replayed);
        world_sleep();
        world_wake();
        ledger = place("BUY 11 NSE:SBIN CNC LIMIT 1000", "one", "k1");
        ck_assert_int_eq(ledger->answer.problem, PROBLEM_IDEMPOTENCY_MISMATCH);
        ck_assert_str_eq(ledger->answer.order_id, p->answer.order_id);
        kill_set(KILL_LEVEL_NONE, "global", true);
        ledger = place("BUY 11 NSE:SBIN CNC LIMIT 1000", "one", "k1");
        ck_assert_int_eq(ledger->answer.problem, PROBLEM_IDEMPOTENCY_MISMATCH);
        ck_assert_uint_eq(world_account(0)->n_open, 1);
        world_close();
}
END_TEST

START_TEST(test_key_and_reads_that_fail)
{
        world_open(&plain);
        (void)place(SBIN_LOW, "one", "k1");
        world_sleep();
        world_wake();
        fake_store_fail(world.fake, FAKE_READ, 1, 1, STORE_UNAVAILABLE);
        ck_assert_int_eq(place(SBIN_LOW, "one", "k1")->answer.problem, PROBLEM_STORE_UNAVAILABLE);
        kill_set(KILL_LEVEL_HALT, "global", false);
        fake_store_fail(world.fake, FAKE_READ, 1, 1, STORE_UNAVAILABLE);
        ck_assert_int_eq(place(SBIN_LOW, "one", "k1")->answer.problem, PROBLEM_STORE_UNAVAILABLE);
        ck_assert(place(SBIN_LOW, "one", "k1")->answer.replayed);
        ck_assert_uint_eq(sent(0), 0);
        world_close();
}
END_TEST

START_TEST(test_replay_that_cannot_be_rendered)
{
        world_open(&plain);
        wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_LOST);
        ck_assert_int_eq(place(SBIN_LOW, "one", "k1")->answer.status, 202);
        world.render_fails = true;
        ck_assert_int_eq(place(SBIN_LOW, "one", "k1")->answer.problem, PROBLEM_INTERNAL);
        world.render_fails = false;
        ck_assert_int_eq(place(SBIN_LOW, "one", "k1")->answer.status, 202);
        world_close();
}
END_TEST

SUITE("placing", test_accepted, test_filled_leaves_memory, test_legs, test_validate, test_refused,
      test_refused_and_ledger_down, test_unknown_account, test_draining, test_intent_fails,
      test_intent_uncertain_but_there, test_intent_uncertain_and_lost,
      test_intent_uncertain_and_unreadable, test_intent_uncertain_lost_and_unreadable,
      test_doubt_that_cannot_be_written, test_doubt_ends_with_the_daemon, test_stale,
      test_stale_for_good, test_stale_and_unreadable, test_client_order_id,
      test_end_while_reserving, test_not_sent_gives_back, test_rejected_is_no_traded_value,
      test_halt_at_the_last_moment, test_outcome_lost, test_outcome_uncertain, test_deadline,
      test_deadline_and_answer_together, test_deadline_before_sending, test_key_in_flight,
      test_key_replayed, test_key_and_reads_that_fail, test_replay_that_cannot_be_rendered)
