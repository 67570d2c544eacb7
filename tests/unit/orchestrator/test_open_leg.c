/* The lists and the index that gates ask instead of walking all open legs. */
#include "world.h"

#include "shown_book.h"

static struct open_leg *leg_of(const char *id)
{
        return open_leg_find(&world.o->open_legs, shown_leg(id, 0)->tag);
}

static unsigned count(const struct list *head)
{
        unsigned n = 0;
        LIST_FOREACH (it, head)
                n++;
        return n;
}

static unsigned legs(const char *symbol, enum side side)
{
        return count(open_symbol_legs(world_account(0)->open_symbols, symbol, side));
}

START_TEST(test_by_symbol_and_side)
{
        world_open(&(struct world_options){});
        ck_assert_uint_eq(legs("NSE:SBIN", SIDE_BUY), 0);
        const char *first = live("BUY 10 NSE:SBIN INTRADAY LIMIT 1000", "one");
        const char *second = live("BUY 10 NSE:SBIN INTRADAY LIMIT 1001", "one two");
        (void)live("SELL 10 NSE:SBIN INTRADAY LIMIT 1100", "one");
        (void)live("SELL 1 NSE:TCS INTRADAY LIMIT 3200", "one");
        ck_assert_uint_eq(legs("NSE:SBIN", SIDE_BUY), 2);
        ck_assert_uint_eq(legs("NSE:SBIN", SIDE_SELL), 1);
        ck_assert_uint_eq(legs("NSE:TCS", SIDE_SELL), 1);
        ck_assert_uint_eq(legs("NSE:TCS", SIDE_BUY), 0);
        const struct list *oldest =
                open_symbol_legs(world_account(0)->open_symbols, "NSE:SBIN", SIDE_BUY)->next;
        ck_assert_str_eq(LIST_ENTRY(oldest, struct open_leg, of_side)->order_id, first);

        (void)cancel(first);
        ck_assert_uint_eq(legs("NSE:SBIN", SIDE_BUY), 1);
        (void)cancel(second);
        ck_assert_uint_eq(legs("NSE:SBIN", SIDE_BUY), 0);
        ck_assert_uint_eq(legs("NSE:SBIN", SIDE_SELL), 1);
        world_close();
}
END_TEST

START_TEST(test_without_number)
{
        world_open(&(struct world_options){});
        struct account_state *a = world_account(0);
        struct open_leg *l = leg_of(live("BUY 10 NSE:SBIN INTRADAY LIMIT 1000", "one"));
        ck_assert(list_empty(&a->numberless));
        char number[BROKER_ORDER_ID_SIZE];
        text_copy(number, sizeof(number), l->broker_order_id);
        open_leg_number(l, "");
        open_leg_number(l, "");
        ck_assert_uint_eq(count(&a->numberless), 1);
        open_leg_number(l, number);
        ck_assert(list_empty(&a->numberless));
        open_leg_number(l, "");
        open_leg_remove(&world.o->open_legs, l);
        ck_assert(list_empty(&a->numberless));
        ck_assert_uint_eq(legs("NSE:SBIN", SIDE_BUY), 0);
        world_close();
}
END_TEST

START_TEST(test_doubtful)
{
        static const enum leg_state states[] = {LEG_STATE_SENDING, LEG_STATE_SETTLED,
                                                LEG_STATE_UNKNOWN, LEG_STATE_NEEDS_OPERATOR};
        world_open(&(struct world_options){});
        struct account_state *a = world_account(0);
        struct open_leg *l = leg_of(live("BUY 10 NSE:SBIN INTRADAY LIMIT 1000", "one"));
        for (unsigned from = 0; from < ELEMENTS(states); from++)
                for (unsigned to = 0; to < ELEMENTS(states); to++) {
                        open_leg_set_state(l, states[from]);
                        open_leg_set_state(l, states[to]);
                        ck_assert_uint_eq(count(&a->doubtful),
                                          states[to] == LEG_STATE_UNKNOWN ||
                                                  states[to] == LEG_STATE_NEEDS_OPERATOR);
                }
        open_leg_remove(&world.o->open_legs, l);
        ck_assert(list_empty(&a->doubtful));
        world_close();
}
END_TEST

/* As another daemon wrote it that had not heard of the fill yet: what it changed holds, the fill
 * does too. */
START_TEST(test_written_by_another_one)
{
        world_open(&(struct world_options){.blind = true});
        const char *id = live("BUY 10 NSE:SBIN CNC LIMIT 1000", "one");
        char number[BROKER_ORDER_ID_SIZE];
        const struct order *order;
        ck_assert_int_eq(shown(id, &order), PROBLEM_NONE);
        struct order theirs = *order;
        struct leg leg = order->legs[0];
        theirs.legs = &leg;
        leg.effective.price = RUPEES(999);
        text_copy(number, sizeof(number), leg.broker_order_id);
        SHOW({.id = number, .filled = 4, .status = "PARTIALLY_FILLED"});
        world_pass(SECONDS(6));
        ck_assert_int_eq(shown_leg(id, 0)->filled_quantity, 4);
        SHOW({.id = number, .filled = 4, .status = "PARTIALLY_FILLED", .price = "999"});
        peers_merge(world.o, &theirs);
        ck_assert_int_eq(leg_of(id)->filled_quantity, 4);
        ck_assert_int_eq(leg_of(id)->status, ORDER_STATUS_PARTIALLY_FILLED);
        ck_assert_int_eq(leg_of(id)->price, RUPEES(999));
        world_pass(SECONDS(3) / 2);
        ck_assert(!leg_of(id)->dirty);
        ck_assert_int_eq(shown_leg(id, 0)->filled_quantity, 4);
        ck_assert_int_eq(shown_leg(id, 0)->effective.price, RUPEES(999));
        world_close();
}
END_TEST

SUITE("open_leg", test_written_by_another_one, test_by_symbol_and_side, test_without_number,
      test_doubtful)
