#include "ledger_fill.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_suite.h"

#define GROUP 256 /* orders that share their commits */

static const char *const accounts[] = {"paper:demo", "fyers:main", "hdfc:main", NULL};

struct placed {
        struct order *order;
        struct intent intent;
        struct outcome_job outcome;
        char key[32], answer[512];
};

static void begin(struct placed *p, unsigned number)
{
        /* Mostly one leg, sometimes three. */
        p->order = number % 8 == 0 ? new_order(accounts) : new_order_on(accounts[number % 3]);
        if (number % 3 == 0)
                snprintf(p->order->client_order_id, sizeof(p->order->client_order_id), "mine-%u",
                         number);
        snprintf(p->key, sizeof(p->key), "key-%u", number);
        intent_init(&p->intent, p->order, p->key);
}

static void settle(struct placed *p, unsigned number)
{
        accept_order(p->order);
        text_copy(p->order->legs[0].broker_message, sizeof(p->order->legs[0].broker_message),
                  number % 5 == 0 ? "स्वीकृत – accepted" : "ok");
        snprintf(p->answer, sizeof(p->answer),
                 "{\"order_id\":\"%s\",\"status\":\"OPEN\",\"legs\":[{\"account\":\"%s\","
                 "\"outcome\":\"accepted\",\"broker_order_id\":\"%s\",\"message\":\"%080u\"}]}",
                 p->order->id, p->order->legs[0].account, p->order->legs[0].broker_order_id,
                 number);
        outcome_init(&p->outcome, p->order, 201, p->answer);
}

static void fill_group(unsigned first, unsigned n)
{
        static struct placed placed[GROUP];

        for (unsigned i = 0; i < n; i++) {
                begin(&placed[i], first + i);
                store_submit(ledger.store, &placed[i].intent.in.job);
        }
        ledger_wait(n);
        for (unsigned i = 0; i < n; i++) {
                ck_assert_int_eq(placed[i].intent.in.job.result, STORE_OK);
                settle(&placed[i], first + i);
                store_submit(ledger.store, &placed[i].outcome.out.job);
        }
        ledger_wait(n);
        for (unsigned i = 0; i < n; i++) {
                ck_assert_int_eq(placed[i].outcome.out.job.result, STORE_OK);
                intent_done(&placed[i].intent);
                outcome_done(&placed[i].outcome);
                order_free(placed[i].order);
        }
}

static void fill_guests(void)
{
        struct list riders;
        struct rider *r;
        struct store_append a = {.job = {.op = STORE_APPEND}, .riders = &riders};
        static const char *const keys[] = {"a", "B", "b", "a-longer-one", "é"};
        static const char value[4] = {1, 0, (char)0xff, 'x'};

        list_init(&riders);
        ck_assert_int_eq(rider_new("paper", &r), 0);
        for (unsigned i = 0; i < ELEMENTS(keys); i++) {
                char *copy = malloc(sizeof(value)); /* the rider's */
                ck_assert_ptr_nonnull(copy);
                memcpy(copy, value, sizeof(value));
                ck_assert_int_eq(rider_add(r, "paper:demo", "order", keys[i], copy, sizeof(value)),
                                 0);
        }
        list_append(&riders, &r->link);
        ck_assert_int_eq(store_run(ledger.store, &a.job), STORE_OK);
}

static void fill_rest(void)
{
        struct store_killswitch k = {.job = {.op = STORE_KILLSWITCH},
                                     .scope = "account:fyers:main",
                                     .level = 2,
                                     .reason = "a copy's test",
                                     .actor = "tester",
                                     .at_us = clock_wall_us()};
        struct store_session s = {.job = {.op = STORE_SESSION_PUT},
                                  .account = "fyers:main",
                                  .column = "token",
                                  .value = "\0sealed\377",
                                  .size = 8,
                                  .expires_us = INT64_MAX};
        ck_assert_int_eq(store_run(ledger.store, &k.job), STORE_OK);
        ck_assert_int_eq(store_run(ledger.store, &s.job), STORE_OK);
}

void ledger_fill(unsigned n_orders)
{
        for (unsigned done = 0; done < n_orders; done += GROUP)
                fill_group(done, n_orders - done < GROUP ? n_orders - done : GROUP);
        fill_guests();
        fill_rest();
}
