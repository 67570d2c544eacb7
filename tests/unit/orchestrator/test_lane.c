/* Orders that wait for their turn: unmarked while they wait, marked before they are sent, and never
 * sent once somebody was told otherwise. */
#include "world.h"

#include <stdio.h>

#include "base/clock.h"

#define ORDER "BUY 10 NSE:SBIN CNC LIMIT 1000"

static const struct world_options two_a_second = {.limits.orders_per_second = 2};

/* The n-th of many orders that differ, not waited for. */
static struct placed *nth(unsigned n, const char *key)
{
        char words[64];
        snprintf(words, sizeof(words), "BUY %u NSE:SBIN CNC LIMIT 1000", n + 1);
        return place_begin(words, "one", key);
}

static unsigned sent(void)
{
        return wire_calls(world.wires[0], BROKER_PLACE);
}

/* `n` orders, of which the first two go. */
static void queue(struct placed *p[], unsigned n)
{
        for (unsigned i = 0; i < n; i++)
                p[i] = nth(i, NULL);
        world_rest();
        ck_assert_uint_eq(sent(), 2);
        ck_assert_uint_eq(world_account(0)->lane.n_orders, n - 2);
}

static const struct leg *leg_of(const struct placed *p)
{
        return shown_leg(p->answer.order_id, 0);
}

/* The first order that nobody has heard of yet: its id, from the ledger. */
static const char *waiting_id(void)
{
        LIST_FOREACH (it, &world_account(0)->open_legs) {
                const struct open_leg *l = LIST_ENTRY(it, struct open_leg, of_account);
                if (l->state == LEG_STATE_INTENT)
                        return l->order_id;
        }
        ck_abort_msg("nothing waits");
        return NULL;
}

/* Its intent is durable without the mark, the mark before the first byte, the oldest goes first. */
START_TEST(test_turns)
{
        struct placed *p[5];
        world_open(&two_a_second);
        queue(p, ELEMENTS(p));
        ck_assert(p[0]->done && p[1]->done && !p[2]->done);
        const struct leg *leg = shown_leg(waiting_id(), 0);
        ck_assert_int_eq(leg->state, LEG_STATE_INTENT);
        ck_assert_int_eq(leg->sending_us, 0);
        ck_assert_uint_eq(leg->attempts, 0);
        ck_assert_int_ne(leg->tag[0], '\0');
        clock_fake_advance(LIMIT_SECOND_US - 1);
        lanes_look(world.o);
        world_rest();
        ck_assert_uint_eq(sent(), 2);
        world_pass(1);
        ck_assert_uint_eq(sent(), 4);
        ck_assert(p[2]->done && p[3]->done && !p[4]->done);
        ck_assert_int_eq(p[2]->answer.status, 201);
        ck_assert_int_eq(leg_of(p[2])->sending_us, clock_wall_us());
        ck_assert_uint_eq(leg_of(p[2])->attempts, 1);
        ck_assert_str_eq(leg_of(p[2])->message, ""); /* not why it waited */
        world_pass(LIMIT_SECOND_US);
        ck_assert_int_eq(p[4]->answer.status, 201);
        ck_assert_uint_eq(world_account(0)->n_unresolved, 0);
        ck_assert(orchestrator_idle(world.o));
        world_close();
}
END_TEST

static uint64_t jobs_of(const char *words)
{
        struct store_stats before, after;
        store_stats(world.store, &before);
        struct placed *p = place_begin(words, "one", NULL);
        world_rest();
        world_pass(LIMIT_SECOND_US);
        world_until(&p->done);
        store_stats(world.store, &after);
        ck_assert_int_eq(p->answer.status, 201);
        return after.jobs - before.jobs;
}

/* Who need not wait pays two commits, as ever. */
START_TEST(test_commits)
{
        world_open(&(struct world_options){.limits.orders_per_second = 1});
        ck_assert_uint_eq(jobs_of("BUY 1 NSE:SBIN CNC LIMIT 1000"), 2);
        (void)live("BUY 2 NSE:SBIN CNC LIMIT 1000", "one");
        ck_assert_uint_eq(jobs_of("BUY 3 NSE:SBIN CNC LIMIT 1000"), 3);
        world_close();
}
END_TEST

/* Whose turn comes too late is refused before anything is written, and is told when to come. */
START_TEST(test_too_late)
{
        struct placed *p[20];
        unsigned refused = 0;
        world_open(
                &(struct world_options){.limits.orders_per_second = 2, .deadline_us = SECONDS(6)});
        for (unsigned i = 0; i < ELEMENTS(p); i++)
                p[i] = nth(i, NULL);
        world_rest();
        /* Turns at 0, 1.1, 2.2 and 3.3 s; 4 s are the last moment. */
        ck_assert_uint_eq(world_account(0)->lane.n_orders, 6);
        for (unsigned i = 0; i < ELEMENTS(p); i++)
                if (p[i]->done && p[i]->answer.status == 429) {
                        refused++;
                        ck_assert_ptr_nonnull(strstr(p[i]->body, "ORDER_RATE"));
                        ck_assert_int_eq(p[i]->answer.retry_after_s, 5);
                }
        ck_assert_uint_eq(refused, 12);
        for (unsigned i = 0; i < 3; i++)
                world_pass(LIMIT_SECOND_US);
        ck_assert_uint_eq(sent(), 8);
        ck_assert(orchestrator_idle(world.o));
        world_close();
}
END_TEST

/* A new halt ends what waits; a verified reducing order would go on. */
START_TEST(test_halt)
{
        struct placed *p[4];
        world_open(&two_a_second);
        queue(p, ELEMENTS(p));
        ck_assert_int_eq(kill_set(KILL_LEVEL_HALT, "global", false), PROBLEM_NONE);
        world_rest();
        for (unsigned i = 2; i < 4; i++) {
                ck_assert(p[i]->done);
                ck_assert_int_eq(p[i]->answer.status, 423);
                ck_assert_int_eq(leg_of(p[i])->outcome, OUTCOME_NOT_SENT);
                ck_assert_int_eq(leg_of(p[i])->problem, PROBLEM_KILL_SWITCH);
        }
        ck_assert_int_eq(kill_set(KILL_LEVEL_NONE, "global", true), PROBLEM_NONE);
        world_pass(SECONDS(5));
        ck_assert_uint_eq(sent(), 2);
        ck_assert_int_eq(world_account(0)->limits.day_orders, 2);
        world_close();
}
END_TEST

static void halted(struct kill_request *r)
{
}

static struct kill_request halt_request;

static void halt(void *userdata)
{
        halt_request = (struct kill_request){.caller = nobody_special,
                                             .level = KILL_LEVEL_HALT,
                                             .scope = "global",
                                             .reason = "test",
                                             .done = halted};
        killswitch_set(world.o, &halt_request);
}

/* Between the mark and the first byte the switch is asked once more. */
START_TEST(test_halt_at_the_last_moment)
{
        struct placed *p[3];
        world_open(&two_a_second);
        queue(p, ELEMENTS(p));
        wire_before_place(world.wires[0], halt, NULL);
        world_pass(LIMIT_SECOND_US);
        ck_assert(p[2]->done);
        ck_assert_int_eq(p[2]->answer.status, 423);
        ck_assert_uint_eq(wire_served(world.wires[0], BROKER_PLACE), 2);
        ck_assert_int_eq(leg_of(p[2])->outcome, OUTCOME_NOT_SENT);
        ck_assert_int_eq(leg_of(p[2])->sending_us, clock_wall_us()); /* it was marked */
        world_close();
}
END_TEST

/* Cancelled while it waits: it is never sent, and the cancel says that it is over. */
START_TEST(test_cancelled)
{
        struct placed *p[4];
        char id[ID_SIZE];
        world_open(&two_a_second);
        queue(p, ELEMENTS(p));
        text_copy(id, sizeof(id), waiting_id());
        struct amended *c = amend_begin(AMEND_CANCEL, id, (struct order_change){});
        world_until(&c->done);
        world_until(&p[2]->done);
        ck_assert_int_eq(c->answer.status, 409);
        ck_assert_int_eq(leg_of(p[2])->outcome, OUTCOME_NOT_SENT);
        ck_assert_int_eq(leg_of(p[2])->problem, PROBLEM_NOT_SENT);
        ck_assert(!p[3]->done);
        world_pass(LIMIT_SECOND_US);
        ck_assert_int_eq(p[3]->answer.status, 201);
        ck_assert_uint_eq(sent(), 3);
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_CANCEL), 0);
        world_close();
}
END_TEST

/* A crash while it waits: it was certainly not sent, and a replay says so. */
START_TEST(test_crash)
{
        char id[ID_SIZE];
        world_open(&two_a_second);
        for (unsigned i = 0; i < 2; i++)
                (void)nth(i, NULL);
        (void)nth(2, "waits");
        world_rest();
        text_copy(id, sizeof(id), waiting_id());
        world_crash();
        ck_assert_int_eq(shown_leg(id, 0)->outcome, OUTCOME_NOT_SENT);
        ck_assert_int_eq(shown_leg(id, 0)->confidence, CONFIDENCE_PROVEN);
        world_pass(SECONDS(5));
        ck_assert_uint_eq(sent(), 0); /* of the wire since the start */
        struct placed *again = place("BUY 3 NSE:SBIN CNC LIMIT 1000", "one", "waits");
        ck_assert_int_eq(again->answer.status, 422);
        ck_assert_str_eq(again->answer.order_id, id);
        world_close();
}
END_TEST

/* What went out before a crash counts after it, by the wall clock; a stamp from the future as now.
 */
START_TEST(test_windows_survive)
{
        for (int set_back = 0; set_back < 2; set_back++) {
                world_open(&two_a_second);
                const char *id = live(ORDER, "one");
                ck_assert_int_eq(cancel(id)->answer.status, 200);
                if (set_back)
                        clock_fake(clock_wall_us() - SECONDS(50), clock_mono_us());
                world_crash();
                struct placed *p = nth(1, NULL);
                world_rest();
                ck_assert_uint_eq(sent(), 0);
                world_pass(LIMIT_SECOND_US - 1);
                ck_assert_uint_eq(sent(), 0);
                world_pass(1);
                ck_assert_int_eq(p->answer.status, 201);
                world_close();
        }
}
END_TEST

static const char *const future = "BUY 65 NFO:NIFTY29DEC26FUT MARGIN LIMIT 24000";

/* Another exchange has a second of its own: its order does not wait behind those that wait, and one
 * behind it does. After a start nobody knows what was where: it counts at each. */
START_TEST(test_another_exchange)
{
        struct placed *p[4];
        world_open(&two_a_second);
        queue(p, ELEMENTS(p));
        struct placed *other[3];
        for (unsigned i = 0; i < ELEMENTS(other); i++)
                other[i] = place_begin(future, "one", NULL);
        world_rest();
        ck_assert_int_eq(other[0]->answer.status, 201);
        ck_assert_int_eq(other[1]->answer.status, 201);
        ck_assert(!other[2]->done && !p[2]->done);
        ck_assert_uint_eq(sent(), 4);
        ck_assert_uint_eq(world_account(0)->lane.n_orders, 3);
        world_pass(LIMIT_SECOND_US);
        ck_assert_int_eq(p[2]->answer.status, 201);
        ck_assert_int_eq(p[3]->answer.status, 201);
        ck_assert_int_eq(other[2]->answer.status, 201);
        world_crash();
        other[0] = place_begin(future, "one", NULL);
        world_rest();
        ck_assert(!other[0]->done);
        world_pass(LIMIT_SECOND_US);
        ck_assert_int_eq(other[0]->answer.status, 201);
        world_close();
}
END_TEST

/* A cancel at one exchange waits for that alone; one of an order whose exchange nobody knows for
 * all. */
START_TEST(test_cancel_at_another_exchange)
{
        char id[ID_SIZE];
        world_open(&two_a_second);
        text_copy(id, sizeof(id), live(future, "one"));
        world_pass(LIMIT_SECOND_US);
        for (unsigned i = 0; i < 4; i++)
                (void)nth(i, NULL);
        world_rest();
        ck_assert_uint_eq(world_account(0)->lane.n_orders, 2);
        ck_assert_int_eq(cancel(id)->answer.status, 200);
        ck_assert_uint_eq(world_account(0)->lane.n_orders, 2);
        struct turn anywhere = {.op = BROKER_CANCEL, .at = BROKER_RATE_ANYWHERE, .urgent = true};
        ck_assert_int_eq(lane_try(world_account(0), &anywhere), LIMIT_SECOND_US);
        world_pass(LIMIT_SECOND_US);
        world_close();
}
END_TEST

/* The broker's pause makes it late: it ends before the client's time does, and does not go then. */
START_TEST(test_pause_beyond_the_deadline)
{
        struct placed *p[3];
        world_open(&two_a_second);
        queue(p, ELEMENTS(p));
        traffic_refused(&world_account(0)->traffic, "60");
        world_pass(SECONDS(10) - 1);
        ck_assert(!p[2]->done);
        world_pass(1);
        ck_assert(p[2]->done);
        ck_assert_int_eq(p[2]->answer.status, 429);
        ck_assert_int_eq(p[2]->answer.retry_after_s, 1);
        ck_assert_int_eq(leg_of(p[2])->outcome, OUTCOME_NOT_SENT);
        world_pass(SECONDS(60));
        ck_assert_uint_eq(sent(), 2);
        world_close();
}
END_TEST

/* A leg that waits does not hold up the others, and the answer has all of them. */
START_TEST(test_some_legs)
{
        world_open(&two_a_second);
        for (unsigned i = 0; i < 2; i++)
                (void)nth(i, NULL);
        struct placed *p = place_begin(ORDER, "one two", NULL);
        world_rest();
        ck_assert(!p->done);
        ck_assert_uint_eq(wire_calls(world.wires[1], BROKER_PLACE), 1);
        world_pass(LIMIT_SECOND_US);
        ck_assert_int_eq(p->answer.status, 201);
        world_close();
}
END_TEST

/* The mark cannot be written: it is not sent. */
START_TEST(test_unmarked)
{
        struct placed *p[3];
        world_open(&two_a_second);
        queue(p, ELEMENTS(p));
        fake_store_fail(world.fake, FAKE_WRITE, 1, 1, STORE_FULL);
        world_pass(LIMIT_SECOND_US);
        ck_assert(p[2]->done);
        ck_assert_int_eq(p[2]->answer.status, 422);
        ck_assert_int_eq(leg_of(p[2])->outcome, OUTCOME_NOT_SENT);
        ck_assert_uint_eq(sent(), 2);
        world_close();
}
END_TEST

/* A mark that lost its connection may be there: it is not sent either, and the outcome says so. */
START_TEST(test_mark_in_doubt)
{
        struct placed *p[3];
        for (unsigned written = 0; written < 2; written++) {
                world_open(&two_a_second);
                queue(p, ELEMENTS(p));
                fake_store_lose_commit(world.fake, written);
                world_pass(LIMIT_SECOND_US);
                ck_assert(p[2]->done);
                ck_assert_int_eq(leg_of(p[2])->outcome, OUTCOME_NOT_SENT);
                ck_assert_uint_eq(sent(), 2);
                world_close();
        }
}
END_TEST

/* A stop does not wait for turns. */
START_TEST(test_drain)
{
        struct placed *p[4];
        world_open(&two_a_second);
        queue(p, ELEMENTS(p));
        orchestrator_drain(world.o);
        world_rest();
        ck_assert(orchestrator_idle(world.o));
        ck_assert_int_eq(p[3]->answer.status, 422);
        ck_assert_int_eq(leg_of(p[3])->outcome, OUTCOME_NOT_SENT);
        ck_assert_uint_eq(sent(), 2);
        world_close();
}
END_TEST

/* Cancels go before orders that wait longer, at the rate, in order, and none is refused. */
START_TEST(test_cancels)
{
        struct placed *p[4];
        struct amended *c[5];
        char ids[5][ID_SIZE];
        world_open(&(struct world_options){});
        for (unsigned i = 0; i < ELEMENTS(ids); i++) {
                char words[64];
                snprintf(words, sizeof(words), "BUY %u NSE:SBIN CNC LIMIT 1000", 50 + i);
                text_copy(ids[i], sizeof(ids[i]), live(words, "one"));
        }
        unsigned before = sent();
        world.accounts[0].limits.orders_per_second = 2;
        ck_assert_int_eq(limits_take_up(&world_account(0)->limits), 0);
        world_pass(SECONDS(2));
        for (unsigned i = 0; i < ELEMENTS(p); i++)
                p[i] = nth(i, NULL);
        world_rest();
        for (unsigned i = 0; i < ELEMENTS(c); i++)
                c[i] = amend_begin(AMEND_CANCEL, ids[i], (struct order_change){});
        world_rest();
        ck_assert_uint_eq(sent(), before + 2);
        ck_assert_uint_eq(world_account(0)->lane.n_urgent, 5);
        for (unsigned i = 0; i < 3; i++) {
                ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_CANCEL), 2 * i);
                ck_assert_uint_eq(sent(), before + 2);
                world_pass(LIMIT_SECOND_US);
        }
        for (unsigned i = 0; i < ELEMENTS(c); i++)
                ck_assert_int_eq(c[i]->answer.status, 200);
        ck_assert_uint_eq(sent(), before + 3);
        world_pass(LIMIT_SECOND_US);
        ck_assert_uint_eq(sent(), before + 4);
        ck_assert_int_eq(p[3]->answer.status, 201);
        world_close();
}
END_TEST

/* Orders leave room for two: a cancel in a burst goes at once. */
START_TEST(test_lane_of_cancels)
{
        world_open(&(struct world_options){.limits.orders_per_second = 9});
        const char *id = live("BUY 99 NSE:SBIN CNC LIMIT 1000", "one");
        world_pass(SECONDS(2));
        unsigned before = sent();
        for (unsigned i = 0; i < 40; i++)
                (void)nth(i, NULL);
        world_rest();
        ck_assert_uint_eq(sent(), before + 7);
        ck_assert_int_eq(cancel(id)->answer.status, 200);
        ck_assert_uint_eq(world_account(0)->lane.n_orders, 33);
        world_close();
}
END_TEST

/* A modification waits as an order does, and ends as one. */
START_TEST(test_modify)
{
        world_open(&two_a_second);
        char id[ID_SIZE];
        text_copy(id, sizeof(id), live(ORDER, "one"));
        (void)live("BUY 11 NSE:SBIN CNC LIMIT 1000", "one");
        const struct order_change c = {.has_price = true, .price = RUPEES(999)};
        struct amended *m = amend_begin(AMEND_MODIFY, id, c);
        world_rest();
        ck_assert(!m->done);
        ck_assert_int_eq(audit_count(AUDIT_MODIFY_INTENT), 1);
        world_pass(LIMIT_SECOND_US);
        ck_assert_int_eq(m->answer.status, 200);
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_MODIFY), 1);
        (void)live("BUY 12 NSE:SBIN CNC LIMIT 1000", "one");
        m = amend_begin(AMEND_MODIFY, id,
                        (struct order_change){.has_price = true, .price = RUPEES(998)});
        world_rest();
        ck_assert_int_eq(kill_set(KILL_LEVEL_HALT, "global", false), PROBLEM_NONE);
        world_until(&m->done);
        ck_assert_int_eq(m->answer.status, 423);
        ck_assert_int_eq(audit_count(AUDIT_MODIFY_ANSWERED), 2);
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_MODIFY), 1);
        ck_assert_int_eq(shown_leg(id, 0)->effective.price, RUPEES(999));
        world_close();
}
END_TEST

/* More than so many are not at the broker at once; the rest is marked, and goes in order. */
START_TEST(test_at_once)
{
        struct placed *p[CALL_WRITES_MAX + 4];
        world_open(&(struct world_options){});
        world.broker.flags &= ~(unsigned)BROKER_LOCAL;
        const char *id = live("BUY 99 NSE:SBIN CNC LIMIT 1000", "one");
        unsigned before = sent();
        wire_script(world.wires[0], BROKER_PLACE, 1, ELEMENTS(p), FATE_HELD);
        for (unsigned i = 0; i < ELEMENTS(p); i++)
                p[i] = nth(i, NULL);
        world_rest();
        ck_assert_uint_eq(sent(), before + CALL_WRITES_MAX);
        ck_assert_int_eq(cancel(id)->answer.status, 200); /* cancels have their own way */
        wire_release(world.wires[0], FATE_SERVED);
        world_rest();
        ck_assert_uint_eq(sent(), before + ELEMENTS(p));
        wire_release(world.wires[0], FATE_SERVED);
        world_rest();
        for (unsigned i = 0; i < ELEMENTS(p); i++)
                ck_assert_int_eq(p[i]->answer.status, 201);
        ck_assert_uint_eq(world_account(0)->n_writing, 0);
        world_close();
}
END_TEST

/* What waits for an answer of others is over with its time, and is not sent then. */
START_TEST(test_at_once_until_the_deadline)
{
        struct placed *p[CALL_WRITES_MAX + 1];
        world_open(&(struct world_options){});
        world.broker.flags &= ~(unsigned)BROKER_LOCAL;
        wire_script(world.wires[0], BROKER_PLACE, 1, CALL_WRITES_MAX, FATE_HELD);
        for (unsigned i = 0; i < ELEMENTS(p); i++)
                p[i] = nth(i, NULL);
        world_rest();
        clock_fake_advance(SECONDS(13));
        place_sweep(world.o);
        world_rest();
        for (unsigned i = 0; i < ELEMENTS(p); i++)
                ck_assert_int_eq(p[i]->answer.status, 202);
        wire_release(world.wires[0], FATE_SERVED);
        world_rest();
        ck_assert_uint_eq(wire_served(world.wires[0], BROKER_PLACE), CALL_WRITES_MAX);
        ck_assert_int_eq(leg_of(p[CALL_WRITES_MAX])->outcome, OUTCOME_NOT_SENT);
        world_close();
}
END_TEST

SUITE("orchestrator/lane", test_turns, test_commits, test_too_late, test_halt,
      test_halt_at_the_last_moment, test_cancelled, test_crash, test_windows_survive,
      test_another_exchange, test_cancel_at_another_exchange, test_pause_beyond_the_deadline,
      test_some_legs, test_unmarked, test_mark_in_doubt, test_drain, test_cancels,
      test_lane_of_cancels, test_modify, test_at_once, test_at_once_until_the_deadline)
