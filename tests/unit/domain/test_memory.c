#include "suite.h"

#include "market.h"

#include <errno.h>

#include "domain/order.h"
#include "domain/rider.h"

/* The linker sends the library's allocations here (see meson.build); the n-th from now fails. */
static int left = -1;

void *__real_calloc(size_t n, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);

static bool fails(void)
{
        return left >= 0 && left-- == 0;
}

void *__wrap_calloc(size_t n, size_t size)
{
        return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
        return fails() ? NULL : __real_reallocarray(p, n, size);
}

/* Every allocation fails once, in turn, until all succeed; what was built is freed (ASan watches).
 */
#define EACH_ALLOCATION(at_least, call)                              \
        do {                                                         \
                int nth = 0, answer = -ENOMEM;                       \
                for (; answer == -ENOMEM; nth++) {                   \
                        left = nth;                                  \
                        answer = (call);                             \
                        ck_assert(answer == 0 || answer == -ENOMEM); \
                        ck_assert_int_lt(nth, 100);                  \
                }                                                    \
                left = -1;                                           \
                ck_assert_int_gt(nth, at_least);                     \
        } while (0)

START_TEST(calendars_and_sets)
{
        struct csv_source s = market_file("sessions.csv"), h = market_file("holidays.csv");
        struct instruments_sources sources = {market_file("instruments.csv"),
                                              market_file("ticks.csv"),
                                              market_file("contracts.csv")};
        struct calendar *c = NULL;
        struct instruments *set = NULL;
        char fault[256];

        EACH_ALLOCATION(2, calendar_new(s.data, s.size, h.data, h.size, fault, sizeof(fault), &c));
        ck_assert(calendar_trading_day(c, EXCHANGE_NSE, 20261123));
        EACH_ALLOCATION(4, instruments_new(&sources, 20261123, c, fault, sizeof(fault), &set));
        ck_assert_ptr_nonnull(instruments_find(set, "NSE:SBIN"));
        instruments_free(set);
        calendar_free(c);
}
END_TEST

START_TEST(orders)
{
        struct order *o = NULL, *copy = NULL;

        EACH_ALLOCATION(1, order_new(3, &o));
        EACH_ALLOCATION(1, order_copy(o, &copy));
        ck_assert_uint_eq(copy->n_legs, 3);
        order_free(o);
        order_free(copy);
}
END_TEST

START_TEST(riders)
{
        struct rider *r = NULL;
        char *value = strdup("value");

        EACH_ALLOCATION(1, rider_new("paper", &r));
        EACH_ALLOCATION(1, rider_add(r, "paper:demo", "order", "1", value, 6));
        ck_assert_uint_eq(r->n_rows, 1);
        rider_settle(r, false);
}
END_TEST

SUITE("memory", calendars_and_sets, orders, riders)
