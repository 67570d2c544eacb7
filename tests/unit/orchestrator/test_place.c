/* Placing: what is answered, what is sent, what is in the ledger, whatever breaks. */
#include "world.h"

#define SBIN     "BUY 10 NSE:SBIN CNC LIMIT 1050"
#define SBIN_LOW "BUY 10 NSE:SBIN CNC LIMIT 1000"

static const struct world_options plain = {};

static unsigned sent(unsigned i)
{
        return wire_calls(world.wires[i], BROKER_PLACE);
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

START_TEST(test_intent_uncertain_and_unreadable)
{
        world_open(&plain);
        fake_store_lose_commit(world.fake, true);
        fake_store_fail(world.fake, FAKE_READ, 1, 1, STORE_UNAVAILABLE);
        struct placed *p = place(SBIN_LOW, "one", "k1");
        ck_assert_int_eq(p->answer.problem, PROBLEM_STORE_UNAVAILABLE);
        ck_assert_uint_eq(sent(0), 0);
        assert_untouched();
        /* The ledger has it, marked as sending: a replay says that, and nothing is sent twice. */
        ck_assert_int_eq(place(SBIN_LOW, "one", "k1")->answer.status, 202);
        ck_assert_uint_eq(sent(0), 0);
        world_crash();
        p = place(SBIN_LOW, "one", "k1");
        ck_assert(p->answer.replayed);
        ck_assert_int_eq(p->answer.status, 422);
        ck_assert_ptr_nonnull(strstr(p->body, "not_placed"));
        world_close();
}
END_TEST

static void halt_now(void *userdata)
{
        static struct kill_request r;
        static bool done;
        r = (struct kill_request){.caller = nobody_special,
                                  .level = KILL_LEVEL_HALT,
                                  .scope = "global",
                                  .reason = "now",
                                  .userdata = &done};
        extern void ignore_kill(struct kill_request *);
        r.done = ignore_kill;
        killswitch_set(world.o, &r);
}

void ignore_kill(struct kill_request *r);
void ignore_kill(struct kill_request *r)
{
}

/* The switch moves in the ledger between the gates and the commit. */
START_TEST(test_stale)
{
        world_open(&plain);
        struct placed *p = place_begin(SBIN_LOW, "one two", "k1");
        halt_now(NULL); /* the gates run in the next turn, before this is durable */
        kill_set(KILL_LEVEL_NONE, "global", true);
        world_until(&p->done);
        world_rest();
        if (p->answer.status == 423)
                p = place(SBIN_LOW, "one two", "k1");
        ck_assert_int_eq(p->answer.status, 201);
        /* now for sure: the ledger knows another epoch */
        struct store_killswitch k = {.job.op = STORE_KILLSWITCH,
                                     .scope = "account:paper:one",
                                     .level = 0,
                                     .reason = "",
                                     .actor = ""};
        ck_assert_int_eq(store_run(world.store, &k.job), STORE_OK);
        p = place_begin(SBIN_LOW, "one two", "k2");
        struct loop_work *w = NULL;
        (void)w;
        world_until(&p->done);
        ck_assert_int_eq(p->answer.problem, PROBLEM_STORE_UNAVAILABLE);
        world_close();
}
END_TEST

START_TEST(test_stale_then_halted)
{
        world_open(&plain);
        struct placed *p = place_begin(SBIN_LOW, "one", "k1");
        /* after the gates, before the store looks: the epoch of the intent is old */
        fake_store_delay(world.fake, FAKE_COMMIT, 30000);
        struct kill_request r = {.caller = nobody_special,
                                 .level = KILL_LEVEL_HALT,
                                 .scope = "global",
                                 .reason = "x",
                                 .done = ignore_kill};
        struct store_killswitch k = {.job = {.op = STORE_KILLSWITCH},
                                     .scope = "broker:paper",
                                     .level = 0,
                                     .reason = "",
                                     .actor = ""};
        store_submit(world.store, &k.job);
        killswitch_set(world.o, &r);
        world_until(&p->done);
        ck_assert_int_eq(p->answer.status, 423);
        ck_assert_uint_eq(sent(0), 0);
        assert_untouched();
        world_close();
}
END_TEST

START_TEST(test_client_order_id)
{
        world_open(&plain);
        for (unsigned i = 0; i < 2; i++) {
                struct placed *p = place_begin(SBIN_LOW, "one", NULL);
                struct placing *x = LIST_ENTRY(world.o->operations.prev, struct placing, link);
                (void)x;
                world_until(&p->done);
        }
        world_close();
}
END_TEST

SUITE("placing", test_accepted, test_filled_leaves_memory, test_legs, test_validate, test_refused,
      test_refused_and_ledger_down, test_unknown_account, test_draining, test_intent_fails,
      test_intent_uncertain_but_there, test_intent_uncertain_and_lost,
      test_intent_uncertain_and_unreadable, test_stale, test_stale_then_halted,
      test_client_order_id)
