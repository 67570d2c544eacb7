#include "suite.h"

#include <stdio.h>
#include <string.h>

#include "broker/broker.h"

START_TEST(every_call_has_a_name)
{
        for (int i = 0; i < _BROKER_OP_MAX; i++) {
                ck_assert_str_ne(broker_op_name((enum broker_op)i), "");
                for (int k = 0; k < i; k++)
                        ck_assert_str_ne(broker_op_name((enum broker_op)i),
                                         broker_op_name((enum broker_op)k));
        }
        ck_assert_str_eq(broker_op_name(BROKER_PLACE), "place");
}
END_TEST

/* What may never leave twice. */
START_TEST(five_calls_write)
{
        static const bool writes[_BROKER_OP_MAX] = {
                [BROKER_PLACE] = true, [BROKER_MODIFY] = true, [BROKER_CANCEL] = true,
                [BROKER_LOGIN] = true, [BROKER_LOGOUT] = true,
        };

        for (int i = 0; i < _BROKER_OP_MAX; i++)
                ck_assert_int_eq(broker_op_writes((enum broker_op)i), writes[i]);
}
END_TEST

/* What may be sent again whatever became of it. */
START_TEST(eight_calls_read)
{
        static const bool reads[_BROKER_OP_MAX] = {
                [BROKER_BOOK] = true,   [BROKER_ORDER] = true,    [BROKER_TRADES] = true,
                [BROKER_FUNDS] = true,  [BROKER_HOLDINGS] = true, [BROKER_POSITIONS] = true,
                [BROKER_QUOTES] = true, [BROKER_MARGIN] = true,
        };

        for (int i = 0; i < _BROKER_OP_MAX; i++)
                ck_assert_int_eq(broker_op_reads((enum broker_op)i), reads[i]);
}
END_TEST

START_TEST(a_result_gives_its_rows_back)
{
        struct broker_result r = {.n_orders = 1, .n_trades = 1, .n_holdings = 1};

        r.orders = calloc(1, sizeof(*r.orders));
        r.trades = calloc(1, sizeof(*r.trades));
        r.holdings = calloc(1, sizeof(*r.holdings));
        r.positions = calloc(1, sizeof(*r.positions));
        r.quotes = calloc(1, sizeof(*r.quotes));
        broker_result_done(&r);
        ck_assert_ptr_null(r.orders);
        ck_assert_ptr_null(r.quotes);
        ck_assert_uint_eq(r.n_orders, 0);
        broker_result_done(&r);
}
END_TEST

START_TEST(the_registry_is_consistent)
{
        unsigned n = 0;

        for (const struct broker *b; (b = broker_at(n)); n++) {
                char id[ACCOUNT_SIZE + 8], parsed[ACCOUNT_SIZE];

                ck_assert_ptr_eq(broker_find(b->slug), b);
                ck_assert_str_ne(b->title, "");
                ck_assert_ptr_nonnull(b->request);
                ck_assert_ptr_nonnull(b->reply);
                ck_assert_uint_gt(b->n_capabilities, 0);
                ck_assert_uint_lt(b->tag_max, TAG_SIZE);
                ck_assert_int_eq(!b->default_base_url, !!(b->flags & BROKER_LOCAL));
                /* the slug is one that account ids can carry */
                snprintf(id, sizeof(id), "%s:x", b->slug);
                ck_assert_int_eq(account_id_parse(id, strlen(id), parsed), 0);
                for (unsigned k = 0; k < b->n_capabilities; k++)
                        ck_assert_ptr_eq(broker_capability(b, b->capabilities[k].exchange),
                                         &b->capabilities[k]);
        }
        ck_assert_uint_ge(n, 1);
        ck_assert_ptr_null(broker_at(n));
        ck_assert_ptr_null(broker_at(UINT32_MAX));
        ck_assert_ptr_nonnull(broker_find("paper"));
        ck_assert_ptr_null(broker_find("Paper"));
        ck_assert_ptr_null(broker_find(""));
}
END_TEST

START_TEST(a_segment_that_a_broker_lacks)
{
        static const struct broker_capability only[] = {{.exchange = EXCHANGE_BSE}};
        static const struct broker b = {.capabilities = only, .n_capabilities = 1};

        ck_assert_ptr_eq(broker_capability(&b, EXCHANGE_BSE), &only[0]);
        ck_assert_ptr_null(broker_capability(&b, EXCHANGE_NSE));
}
END_TEST

SUITE("broker", every_call_has_a_name, five_calls_write, eight_calls_read,
      a_result_gives_its_rows_back, the_registry_is_consistent, a_segment_that_a_broker_lacks)
