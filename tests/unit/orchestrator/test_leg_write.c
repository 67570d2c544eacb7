/* What a book of many fills tells goes to the ledger in turns; what somebody waits for goes first.
 */
#include "world.h"

#include <stdio.h>

#include "base/clock.h"
#include "orchestrator/book_rows.h"
#include "orchestrator/leg_write.h"
#include "shown_book.h"

#define LEGS 100 /* far more than LEG_NEWS_AT_ONCE; their rows fit show_book() */

static const char *ids[LEGS];

/* Live orders, so that a book can tell of fills. */
static void begin(void)
{
        world_open(&(struct world_options){.blind = true, .limits_off = true});
        for (unsigned i = 0; i < LEGS; i++) {
                char words[64];
                snprintf(words, sizeof(words), "BUY %u NSE:SBIN CNC LIMIT 1000", i + 10);
                ids[i] = live(words, "one");
        }
        fake_store_delay(world.fake, FAKE_COMMIT,
                         5000); /* two of an order's are less than theirs */
}

static struct open_leg *leg_of(const char *id)
{
        struct open_leg *l, *next;
        HASH_ITER (hh, world.o->open_legs.by_tag, l, next)
                if (text_equal(l->order_id, id))
                        return l;
        return NULL;
}

/* All of them have traded the same, as a read tells that ends now, and as later reads tell. */
static unsigned fill(int quantity)
{
        static struct row shown[LEGS];
        static struct book_order rows[LEGS];
        struct book_read read = {.account = world_account(0),
                                 .number = 1000,
                                 .began_us = clock_mono_us(),
                                 .began_wall_us = clock_wall_us(),
                                 .rows = rows,
                                 .n = LEGS};

        for (unsigned i = 0; i < LEGS; i++) {
                const struct open_leg *l = leg_of(ids[i]);
                rows[i] = (struct book_order){.type = l->type,
                                              .quantity = l->quantity,
                                              .filled_quantity = quantity,
                                              .price = l->price,
                                              .average_price = l->price,
                                              .status = ORDER_STATUS_PARTIALLY_FILLED};
                text_copy(rows[i].broker_order_id, sizeof(rows[i].broker_order_id),
                          l->broker_order_id);
                text_copy(rows[i].symbol, sizeof(rows[i].symbol), l->symbol);
                shown[i] = (struct row){.id = l->broker_order_id,
                                        .quantity = (int)l->quantity,
                                        .filled = quantity,
                                        .status = "PARTIALLY_FILLED"};
        }
        show_book(shown, LEGS);
        book_rows_take(&read);
        return read.updated;
}

static unsigned waiting(void)
{
        unsigned n = 0;
        LIST_FOREACH (it, &world.o->open_legs.turns)
                n++;
        return n;
}

static void assert_in_turns(void)
{
        struct store_stats s;
        store_stats(world.store, &s);
        ck_assert_uint_le(s.queued, LEG_NEWS_AT_ONCE);
        ck_assert_uint_eq(world.o->open_legs.n_turns, LEG_NEWS_AT_ONCE);
        ck_assert_uint_eq(waiting(), LEGS - LEG_NEWS_AT_ONCE);
}

static void assert_written(int quantity)
{
        world_rest();
        ck_assert_uint_eq(waiting(), 0);
        ck_assert_uint_eq(world.o->open_legs.n_turns, 0);
        ck_assert_int_eq(audit_count(AUDIT_LEG_UPDATED), LEGS);
        for (unsigned i = 0; i < LEGS; i++) {
                ck_assert(!leg_of(ids[i])->dirty);
                ck_assert_int_eq(shown_leg(ids[i], 0)->filled_quantity, quantity);
        }
}

START_TEST(test_orders_go_between)
{
        begin();
        ck_assert_uint_eq(fill(4), LEGS);
        assert_in_turns();
        struct placed *p = place("BUY 9 NSE:TCS CNC LIMIT 3200", "one", NULL);
        ck_assert_int_eq(p->answer.status, 201);
        ck_assert_uint_gt(waiting(), 0);
        assert_written(4);
        world_close();
}
END_TEST

/* What waits to be written is shown all the same. */
START_TEST(test_shown_before_it_is_written)
{
        begin();
        ck_assert_uint_eq(fill(4), LEGS);
        ck_assert_int_eq(shown_leg(ids[LEGS - 1], 0)->filled_quantity, 4);
        assert_written(4);
        world_close();
}
END_TEST

START_TEST(test_cancelled_while_it_waits)
{
        begin();
        ck_assert_uint_eq(fill(4), LEGS);
        const char *id = ids[LEGS - 1];
        ck_assert(!list_empty(&leg_of(id)->of_turns));
        ck_assert_int_eq(cancel(id)->answer.status, 200);
        ck_assert_uint_gt(waiting(), 0);
        world_rest();
        ck_assert_uint_eq(waiting(), 0);
        ck_assert_uint_eq(world.o->open_legs.n_turns, 0);
        ck_assert_int_eq(audit_count(AUDIT_LEG_UPDATED),
                         LEGS); /* its news went before its cancel */
        ck_assert_int_eq(shown_leg(id, 0)->status, ORDER_STATUS_CANCELLED);
        world_close();
}
END_TEST

/* A leg that is gone while it waits takes its place along. */
START_TEST(test_removed_while_it_waits)
{
        begin();
        ck_assert_uint_eq(fill(4), LEGS);
        open_leg_remove(&world.o->open_legs, leg_of(ids[LEGS - 1]));
        ck_assert_uint_eq(waiting(), LEGS - LEG_NEWS_AT_ONCE - 1);
        world_rest();
        ck_assert_uint_eq(waiting(), 0);
        ck_assert_int_eq(audit_count(AUDIT_LEG_UPDATED), LEGS - 1);
        world_close();
}
END_TEST

START_TEST(test_ledger_that_fails)
{
        begin();
        fake_store_fail(world.fake, FAKE_COMMIT, 1, 1000, STORE_UNAVAILABLE);
        ck_assert_uint_eq(fill(4), LEGS);
        world_rest();
        ck_assert_uint_eq(waiting(), 0);
        ck_assert_uint_eq(world.o->open_legs.n_turns, 0);
        ck_assert_int_eq(audit_count(AUDIT_LEG_UPDATED), 0);
        ck_assert(leg_of(ids[LEGS - 1])->dirty);
        fake_store_fail(world.fake, FAKE_COMMIT, 0, 0, STORE_OK);
        for (unsigned i = 0; i < LEGS; i++)
                leg_writes_retry(leg_of(ids[i]));
        assert_in_turns();
        assert_written(4);
        world_close();
}
END_TEST

/* The daemon dies before all of it is written: the book tells it again. */
START_TEST(test_crash_while_they_wait)
{
        begin();
        ck_assert_uint_eq(fill(4), LEGS);
        assert_in_turns();
        world_crash();
        ck_assert_uint_gt(fill(4), LEGS / 2);
        assert_written(4);
        world_close();
}
END_TEST

SUITE("orchestrator/leg_write", test_orders_go_between, test_shown_before_it_is_written,
      test_cancelled_while_it_waits, test_removed_while_it_waits, test_ledger_that_fails,
      test_crash_while_they_wait)
