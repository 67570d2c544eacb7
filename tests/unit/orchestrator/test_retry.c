/* Sending again: reads freely, writes only when it is proved that nothing left; never after
 * "unknown". The waits between attempts are real time, the deadlines the fake clock's. */
#include "world.h"

#include "base/clock.h"

#define ORDER "BUY 10 NSE:SBIN CNC LIMIT 1000"

static const struct world_options two_more = {.limits.retries = 2};

static unsigned sent(void)
{
        return wire_calls(world.wires[0], BROKER_PLACE);
}

static void until_sent(unsigned n)
{
        while (sent() < n)
                world_rest();
}

/* Until the time between two attempts begins. */
static void until_failed(unsigned n)
{
        until_sent(n);
        world_rest();
}

START_TEST(test_place)
{
        world_open(&two_more);
        wire_script(world.wires[0], BROKER_PLACE, 1, 2, FATE_NOT_SENT);
        struct placed *p = place(ORDER, "one", NULL);
        ck_assert_int_eq(p->answer.status, 201);
        ck_assert_uint_eq(sent(), 3);
        ck_assert_uint_eq(wire_served(world.wires[0], BROKER_PLACE), 1);
        const struct leg *leg = shown_leg(p->answer.order_id, 0);
        ck_assert_uint_eq(leg->attempts, 3);
        ck_assert_int_eq(leg->outcome, OUTCOME_ACCEPTED);
        ck_assert_str_eq(leg->message, "");
        ck_assert_int_eq(audit_count(AUDIT_LEG_ATTEMPT), 2);
        ck_assert_ptr_nonnull(strstr(audit_last(AUDIT_LEG_ATTEMPT), "the connection was refused"));
        ck_assert_int_eq(audit_count(AUDIT_LEG_OUTCOME), 1);
        world_close();
}
END_TEST

/* No more than so many, and the answer is that of the last one. */
START_TEST(test_enough)
{
        world_open(&two_more);
        wire_script(world.wires[0], BROKER_PLACE, 1, 9, FATE_NOT_SENT);
        struct placed *p = place(ORDER, "one", NULL);
        ck_assert_int_eq(p->answer.status, 424);
        ck_assert_uint_eq(sent(), 3);
        const struct leg *leg = shown_leg(p->answer.order_id, 0);
        ck_assert_uint_eq(leg->attempts, 3);
        ck_assert_int_eq(leg->outcome, OUTCOME_NOT_SENT);
        ck_assert_str_eq(leg->evidence.error, "the connection was refused");
        ck_assert_int_eq(audit_count(AUDIT_LEG_ATTEMPT), 2);
        world_close();
}
END_TEST

/* What may have left is never sent again, whatever came back. */
START_TEST(test_never_after_unknown)
{
        static const enum fate fates[] = {FATE_LOST, FATE_REPLY_LOST, FATE_BROKEN, FATE_GARBAGE};
        for (size_t i = 0; i < ELEMENTS(fates); i++) {
                world_open(&two_more);
                wire_script(world.wires[0], BROKER_PLACE, 1, 1, fates[i]);
                ck_assert_int_eq(place(ORDER, "one", NULL)->answer.status, 202);
                world_pass(SECONDS(5));
                ck_assert_uint_eq(sent(), 1);
                world_close();
        }
}
END_TEST

/* Not when the kill switch rose in between, even if it was released at once. */
START_TEST(test_never_after_a_halt)
{
        for (int released = 0; released < 2; released++) {
                world_open(&two_more);
                wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_NOT_SENT);
                struct placed *p = place_begin(ORDER, "one", NULL);
                until_failed(1);
                ck_assert(!p->done);
                ck_assert_int_eq(kill_set(KILL_LEVEL_HALT, "global", false), PROBLEM_NONE);
                if (released)
                        ck_assert_int_eq(kill_set(KILL_LEVEL_NONE, "global", true), PROBLEM_NONE);
                world_until(&p->done);
                ck_assert_int_eq(p->answer.status, released ? 424 : 423);
                ck_assert_uint_eq(sent(), 1);
                ck_assert_uint_eq(shown_leg(p->answer.order_id, 0)->attempts, 1);
                world_close();
        }
}
END_TEST

/* Not after the client's time, and not when it was cancelled meanwhile. */
START_TEST(test_never_too_late)
{
        world_open(&two_more);
        wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_NOT_SENT);
        struct placed *p = place_begin(ORDER, "one", NULL);
        until_failed(1);
        clock_fake_advance(SECONDS(12));
        world_until(&p->done);
        ck_assert_int_eq(p->answer.status == 424 || p->answer.status == 202, 1);
        world_rest();
        while (!orchestrator_idle(world.o))
                world_rest();
        ck_assert_uint_eq(sent(), 1);
        ck_assert_int_eq(shown_leg(p->answer.order_id, 0)->outcome, OUTCOME_NOT_SENT);
        world_close();
}
END_TEST

START_TEST(test_budget)
{
        world_open(&two_more);
        struct account_state *a = world_account(0);
        for (unsigned i = 0; i < RETRY_BUDGET; i++)
                rate_window_take(&a->retries, clock_mono_us());
        wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_NOT_SENT);
        ck_assert_int_eq(place(ORDER, "one", NULL)->answer.status, 424);
        ck_assert_uint_eq(sent(), 1);
        clock_fake_advance(RETRY_BUDGET_US);
        wire_script(world.wires[0], BROKER_PLACE, 1, 1, FATE_NOT_SENT);
        (void)live("BUY 11 NSE:SBIN CNC LIMIT 1000", "one");
        ck_assert_uint_eq(sent(), 3);
        world_close();
}
END_TEST

static bool over;
static enum problem problem;
static void on_quotes(struct quotes_query *q)
{
        problem = q->problem;
        over = true;
}

/* A read goes again after anything that is no complete reply; not after a reply. */
START_TEST(test_reads)
{
        struct quotes_query q = {.caller = nobody_special,
                                 .account = "paper:one",
                                 .n_symbols = 1,
                                 .done = on_quotes};
        static const struct {
                enum fate fate;
                unsigned calls;
        } cases[] = {{FATE_LOST, 2}, {FATE_NOT_SENT, 2}, {FATE_REPLY_LOST, 2}, {FATE_BROKEN, 1}};
        text_copy(q.symbols[0], sizeof(q.symbols[0]), "NSE:SBIN");
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                world_open(&two_more);
                wire_script(world.wires[0], BROKER_QUOTES, 1, 1, cases[i].fate);
                over = false;
                query_quotes(world.o, &q);
                world_until(&over);
                ck_assert_int_eq(problem == PROBLEM_NONE, cases[i].calls == 2);
                ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_QUOTES), cases[i].calls);
                world_close();
        }
}
END_TEST

/* A cancel of which nothing was sent goes again; one that may have left does not. */
START_TEST(test_cancel)
{
        world_open(&two_more);
        const char *id = live(ORDER, "one");
        wire_script(world.wires[0], BROKER_CANCEL, 1, 1, FATE_NOT_SENT);
        ck_assert_int_eq(cancel(id)->answer.status, 200);
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_CANCEL), 2);
        ck_assert_int_eq(audit_count(AUDIT_LEG_ATTEMPT), 1);
        const char *attempt = audit_last(AUDIT_LEG_ATTEMPT);
        ck_assert_ptr_nonnull(strstr(attempt, "\"operation\":\"cancel\""));
        ck_assert_ptr_nonnull(strstr(attempt, "the connection was refused"));
        ck_assert_ptr_nonnull(strstr(attempt, "\"may_have_left\":false"));
        const char *answered = audit_last(AUDIT_CANCEL_ANSWERED);
        ck_assert_ptr_nonnull(strstr(answered, "\"http_status\":200"));
        ck_assert_ptr_nonnull(strstr(answered, "\"may_have_left\":true"));
        world_close();
}
END_TEST

/* The same of a modification; one that nobody answered tells that it may have left. */
START_TEST(test_modify)
{
        world_open(&two_more);
        const char *id = live(ORDER, "one");
        struct order_change c = {.has_price = true, .price = RUPEES(999)};
        wire_script(world.wires[0], BROKER_MODIFY, 1, 1, FATE_NOT_SENT);
        struct amended *m = amend_begin(AMEND_MODIFY, id, c);
        world_until(&m->done);
        ck_assert_int_eq(m->answer.status, 200);
        wire_script(world.wires[0], BROKER_MODIFY, 1, 1, FATE_LOST);
        c.price = RUPEES(998);
        m = amend_begin(AMEND_MODIFY, id, c);
        world_until(&m->done);
        ck_assert_int_eq(m->answer.status, 202);
        ck_assert_int_eq(audit_count(AUDIT_LEG_ATTEMPT), 1);
        ck_assert_ptr_nonnull(strstr(audit_last(AUDIT_LEG_ATTEMPT), "\"operation\":\"modify\""));
        ck_assert_ptr_nonnull(strstr(audit_last(AUDIT_MODIFY_ANSWERED), "\"may_have_left\":true"));
        world_close();
}
END_TEST

SUITE("orchestrator/retry", test_place, test_enough, test_never_after_unknown,
      test_never_after_a_halt, test_never_too_late, test_budget, test_reads, test_cancel,
      test_modify)
