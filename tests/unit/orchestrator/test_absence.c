/* What is not in the book: when that proves something, and when a person has to settle it. */
#include "world.h"

#include <stdio.h>

#include "base/clock.h"
#include "orchestrator/absence.h"
#include "shown_book.h"

#define REST  "BUY 10 NSE:SBIN CNC LIMIT 1000"
#define OTHER "BUY 1 NSE:IDEA CNC LIMIT 13"

enum { ECHOES = 1, SQLITE = 2 };

static void set_flags(unsigned what)
{
        if (!(what & ECHOES))
                world.broker.flags &= ~(unsigned)BROKER_ECHOES_TAG;
        world.broker.flags &= ~(unsigned)BROKER_LOCAL;
}

static void begin(unsigned what)
{
        world_open(&(struct world_options){.blind = true, .sqlite = what & SQLITE});
        set_flags(what);
        world_pass(SECONDS(1));
}

/* An order of ours that the book shows with its tag, if it echoes. */
static void prove(bool shown)
{
        static char number[BROKER_ORDER_ID_SIZE], tag[TAG_SIZE];
        const char *id = live(OTHER, "one");
        text_copy(number, sizeof(number), shown_leg(id, 0)->broker_order_id);
        text_copy(tag, sizeof(tag), shown_leg(id, 0)->tag);
        SHOW({.id = number,
              .tag = shown ? tag : "",
              .symbol = "NSE:IDEA",
              .quantity = 1,
              .price = "13"});
        world_pass(SECONDS(6));
        ck_assert_int_eq(echo_state(&world_account(0)->echo, 20261123),
                         shown ? ECHO_PROVEN : ECHO_BROKEN);
}

static const char *lost(enum fate f)
{
        static char id[ID_SIZE];
        wire_script(world.wires[0], BROKER_PLACE, 1, 1, f);
        struct placed *p = place(REST, "one", "k1");
        ck_assert_int_eq(p->answer.status, 202);
        text_copy(id, sizeof(id), p->answer.order_id);
        return id;
}

static void pass(int64_t seconds)
{
        for (int64_t i = 0; i < seconds; i += 5)
                world_pass(SECONDS(seconds - i < 5 ? seconds - i : 5));
}

static void assert_not_placed(const char *id)
{
        const struct leg *l = shown_leg(id, 0);
        ck_assert_int_eq(l->outcome, OUTCOME_NOT_PLACED);
        ck_assert_int_eq(l->confidence, CONFIDENCE_INFERRED);
        ck_assert_int_eq(l->problem, PROBLEM_NOT_PLACED);
        ck_assert_int_eq(l->state, LEG_STATE_SETTLED);
        ck_assert_uint_eq(world_account(0)->n_unresolved, 0);
        ck_assert_uint_eq(wire_calls(world.wires[0], BROKER_PLACE), 2);
}

START_TEST(test_proven_echo)
{
        static const unsigned worlds[] = {0, ECHOES};
        for (unsigned i = 0; i < ELEMENTS(worlds); i++) {
                begin(worlds[i]);
                prove(true);
                const char *id = lost(FATE_LOST);
                world_pass(SECONDS(1)); /* the span begins with the first read */
                pass(ABSENCE_US / USEC_PER_SEC - 1);
                ck_assert_int_eq(shown_leg(id, 0)->state, LEG_STATE_UNKNOWN);
                world_pass(SECONDS(6));
                assert_not_placed(id);
                ck_assert_int_eq(place(REST, "one", "k1")->answer.status, 422);
                ck_assert_int_eq(audit_count(AUDIT_LEG_NEEDS_OPERATOR), 0);
                world_close();
        }
}
END_TEST

/* Nothing of ours was seen today, or it was seen without its tag. */
START_TEST(test_without_proof)
{
        for (unsigned i = 0; i < 3; i++) {
                begin(i == 0 ? ECHOES : 0);
                if (i == 2)
                        prove(false);
                const char *id = lost(FATE_LOST);
                pass(ABSENCE_US / USEC_PER_SEC + 10);
                ck_assert_int_eq(shown_leg(id, 0)->state, LEG_STATE_NEEDS_OPERATOR);
                ck_assert_int_eq(audit_count(AUDIT_LEG_NEEDS_OPERATOR), 1);
                world_close();
        }
}
END_TEST

/* One row of ours without its tag, and the day's proof is gone, for good. */
START_TEST(test_echo_breaks)
{
        begin(ECHOES);
        prove(true);
        prove(false);
        struct echo e = world_account(0)->echo;
        echo_note(&e, e.day, true);
        ck_assert_int_eq(echo_state(&e, e.day), ECHO_BROKEN);
        ck_assert_int_eq(echo_state(&e, e.day + 1), ECHO_UNPROVEN);
        echo_note(&e, e.day + 1, true);
        ck_assert_int_eq(echo_state(&e, e.day), ECHO_PROVEN);
        world_close();
}
END_TEST

/* The proof may come after the operator was called. */
START_TEST(test_proven_later)
{
        begin(ECHOES);
        const char *id = lost(FATE_LOST);
        pass(ABSENCE_US / USEC_PER_SEC + 10);
        ck_assert_int_eq(shown_leg(id, 0)->state, LEG_STATE_NEEDS_OPERATOR);
        prove(true);
        world_pass(SECONDS(6));
        assert_not_placed(id);
        ck_assert_uint_eq(world_account(0)->n_needs_operator, 0);
        world_close();
}
END_TEST

/* An explicit error without an order id; a gateway's, or an answer that cannot be read, is none. */
START_TEST(test_denied)
{
        static const struct {
                int status;
                const char *body;
                bool denied;
        } cases[] = {
                {409, "{\"error\":{\"code\":\"DUPLICATE_TAG\",\"message\":\"hm\"}}", true},
                {500, "<html>Oops</html>", true},
                {502, "<html>Bad Gateway</html>", false},
                {503, "{}", false},
                {504, "", false},
                {200, "nonsense", false},
        };
        for (unsigned i = 0; i < ELEMENTS(cases); i++) {
                begin(ECHOES);
                prove(true);
                wire_say(world.wires[0], BROKER_PLACE, cases[i].status, cases[i].body);
                struct placed *p = place(REST, "one", "k1");
                wire_say(world.wires[0], BROKER_PLACE, 200, NULL);
                ck_assert_int_eq(p->answer.status, 202);
                world_pass(SECONDS(1));
                pass(ABSENCE_DENIED_US / USEC_PER_SEC - 1);
                ck_assert_int_eq(shown_leg(p->answer.order_id, 0)->state, LEG_STATE_UNKNOWN);
                world_pass(SECONDS(6));
                if (cases[i].denied)
                        assert_not_placed(p->answer.order_id);
                else
                        ck_assert_int_eq(shown_leg(p->answer.order_id, 0)->state,
                                         LEG_STATE_UNKNOWN);
                world_close();
        }
}
END_TEST

/* Reads that fail prove nothing, and the span goes on. */
START_TEST(test_only_complete_reads_count)
{
        begin(ECHOES);
        prove(true);
        const char *id = lost(FATE_LOST);
        wire_say(world.wires[0], BROKER_BOOK, 500, "broken");
        pass(ABSENCE_US / USEC_PER_SEC + 20);
        ck_assert_int_eq(shown_leg(id, 0)->state, LEG_STATE_UNKNOWN);
        wire_say(world.wires[0], BROKER_BOOK, 200, "{\"orders\":[]}");
        world_pass(SECONDS(2));
        pass(ABSENCE_US / USEC_PER_SEC - 10);
        ck_assert_int_eq(shown_leg(id, 0)->state, LEG_STATE_UNKNOWN);
        pass(20);
        assert_not_placed(id);
        world_close();
}
END_TEST

/* It comes late, but before anybody has concluded anything. */
START_TEST(test_appears_in_time)
{
        begin(ECHOES);
        prove(true);
        const char *id = lost(FATE_LOST);
        char tag[TAG_SIZE];
        text_copy(tag, sizeof(tag), shown_leg(id, 0)->tag);
        pass(90);
        SHOW({.id = "90", .tag = tag});
        pass(10);
        ck_assert_int_eq(shown_leg(id, 0)->outcome, OUTCOME_ACCEPTED);
        ck_assert_int_eq(shown_leg(id, 0)->confidence, CONFIDENCE_PROVEN);
        pass(ABSENCE_US / USEC_PER_SEC);
        ck_assert_int_eq(shown_leg(id, 0)->outcome, OUTCOME_ACCEPTED);
        world_close();
}
END_TEST

/* At a broker that does not promise the echo an order without a tag that looks like it may be it.
 */
START_TEST(test_look_alike)
{
        begin(0);
        prove(true);
        const char *id = lost(FATE_LOST);
        SHOW({.id = "91"});
        pass(ABSENCE_US / USEC_PER_SEC + 10);
        ck_assert_int_eq(shown_leg(id, 0)->state, LEG_STATE_NEEDS_OPERATOR);
        world_close();
}
END_TEST

/* --- over restarts --- */

START_TEST(test_denied_survives_a_restart)
{
        begin(ECHOES | SQLITE);
        show_book(NULL, 0);
        wire_say(world.wires[0], BROKER_PLACE, 409,
                 "{\"error\":{\"code\":\"DUPLICATE_TAG\",\"message\":\"hm\"}}");
        struct placed *p = place(REST, "one", "k1");
        ck_assert_int_eq(p->answer.status, 202);
        world_pass(SECONDS(1));
        world_sleep();
        world_boot();
        set_flags(ECHOES);
        const struct open_leg *l =
                LIST_ENTRY(world_account(0)->open_legs.next, struct open_leg, of_account);
        ck_assert(l->denied);
        ck_assert_int_eq(l->absent_us, 0);
        ck_assert_int_eq(echo_state(&world_account(0)->echo, 20261123), ECHO_UNPROVEN);
        orchestrator_start(world.o);
        world_rest();
        world_close();
}
END_TEST

/* Its day ends while the daemon is down, or up: it is the operator's, and stops nothing. */
START_TEST(test_day_ends)
{
        for (unsigned up = 0; up < 2; up++) {
                begin(ECHOES | SQLITE);
                const char *id = lost(FATE_LOST);
                if (up) {
                        clock_fake_advance(SECONDS(86400));
                        world_pass(SECONDS(2));
                } else {
                        world_sleep();
                        clock_fake_advance(SECONDS(86400));
                        world_boot();
                        set_flags(ECHOES);
                        wire_say(world.wires[0], BROKER_BOOK, 500, "broken");
                        orchestrator_start(world.o);
                        world_rest();
                        ck_assert_int_eq(shown_leg(id, 0)->state, LEG_STATE_NEEDS_OPERATOR);
                        wire_say(world.wires[0], BROKER_BOOK, 200, NULL);
                        world_pass(SECONDS(2));
                }
                ck_assert_int_eq(shown_leg(id, 0)->state, LEG_STATE_NEEDS_OPERATOR);
                ck_assert_int_eq(audit_count(AUDIT_LEG_NEEDS_OPERATOR), 1);
                ck_assert_int_eq(place(REST, "one", NULL)->answer.status, 201);
                struct amended *m = resolve(id, 1, OUTCOME_NOT_PLACED);
                ck_assert_int_eq(m->answer.status, 200);
                world_close();
        }
}
END_TEST

/* A leg that waits for a person only keeps nobody awake, and no book is read for it. */
START_TEST(test_ended_day_is_quiet)
{
        begin(ECHOES | SQLITE);
        (void)lost(FATE_LOST);
        clock_fake_advance(SECONDS(86400));
        world_pass(SECONDS(2));
        ck_assert_uint_eq(world_account(0)->n_needs_operator, 1);
        ck_assert_ptr_null(progress_busy(world.o));
        world_close();
}
END_TEST

SUITE("orchestrator/absence", test_proven_echo, test_without_proof, test_echo_breaks,
      test_proven_later, test_denied, test_only_complete_reads_count, test_appears_in_time,
      test_look_alike, test_denied_survives_a_restart, test_day_ends, test_ended_day_is_quiet)
