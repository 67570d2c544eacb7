#include "suite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/decimal.h"
#include "domain/order.h"

/* Kinds of legs, and what a single one of each answers. */
static const struct kind {
        enum leg_state state;
        enum outcome outcome;
        enum problem problem;
        enum { GOOD, OPEN, FAILED } is;
        enum problem cause;
        int status;
} kinds[] = {
        {LEG_STATE_SETTLED, OUTCOME_ACCEPTED, PROBLEM_NONE, GOOD, PROBLEM_NONE, 201},
        {LEG_STATE_UNKNOWN, OUTCOME_UNKNOWN, PROBLEM_OUTCOME_UNKNOWN, OPEN, PROBLEM_NONE, 202},
        {LEG_STATE_INTENT, OUTCOME_NONE, PROBLEM_NONE, OPEN, PROBLEM_NONE, 202},
        {LEG_STATE_SENDING, OUTCOME_NONE, PROBLEM_NONE, OPEN, PROBLEM_NONE, 202},
        {LEG_STATE_NEEDS_OPERATOR, OUTCOME_UNKNOWN, PROBLEM_NONE, OPEN, PROBLEM_NONE, 202},
        {LEG_STATE_SETTLED, OUTCOME_UNKNOWN, PROBLEM_NONE, OPEN, PROBLEM_NONE, 202},
        {LEG_STATE_SETTLED, OUTCOME_REJECTED, PROBLEM_BROKER_REJECTED, FAILED,
         PROBLEM_BROKER_REJECTED, 422},
        {LEG_STATE_REFUSED, OUTCOME_NOT_SENT, PROBLEM_LOT_SIZE, FAILED, PROBLEM_LOT_SIZE, 422},
        {LEG_STATE_REFUSED, OUTCOME_NOT_SENT, PROBLEM_KILL_SWITCH, FAILED, PROBLEM_KILL_SWITCH,
         423},
        {LEG_STATE_SETTLED, OUTCOME_NOT_SENT, PROBLEM_KILL_SWITCH, FAILED, PROBLEM_KILL_SWITCH,
         423},
        {LEG_STATE_REFUSED, OUTCOME_NOT_SENT, PROBLEM_SESSION_REQUIRED, FAILED,
         PROBLEM_SESSION_REQUIRED, 424},
        {LEG_STATE_SETTLED, OUTCOME_NOT_SENT, PROBLEM_BROKER_UNREACHABLE, FAILED,
         PROBLEM_BROKER_UNREACHABLE, 424},
        {LEG_STATE_REFUSED, OUTCOME_NOT_SENT, PROBLEM_ORDER_RATE, FAILED, PROBLEM_ORDER_RATE, 429},
        {LEG_STATE_REFUSED, OUTCOME_NOT_SENT, PROBLEM_BREAKER_OPEN, FAILED, PROBLEM_BREAKER_OPEN,
         503},
        {LEG_STATE_REFUSED, OUTCOME_NOT_SENT, PROBLEM_NOT_READY, FAILED, PROBLEM_NOT_READY, 503},
        /* after the intent there is no 5xx */
        {LEG_STATE_SETTLED, OUTCOME_NOT_SENT, PROBLEM_BREAKER_OPEN, FAILED, PROBLEM_NOT_SENT, 422},
        {LEG_STATE_SETTLED, OUTCOME_REJECTED, PROBLEM_INTERNAL, FAILED, PROBLEM_BROKER_REJECTED,
         422},
        /* without a problem the outcome speaks */
        {LEG_STATE_SETTLED, OUTCOME_NOT_SENT, PROBLEM_NONE, FAILED, PROBLEM_NOT_SENT, 422},
        {LEG_STATE_SETTLED, OUTCOME_REJECTED, PROBLEM_NONE, FAILED, PROBLEM_BROKER_REJECTED, 422},
        {LEG_STATE_SETTLED, OUTCOME_NOT_PLACED, PROBLEM_NONE, FAILED, PROBLEM_NOT_PLACED, 422},
        {LEG_STATE_SETTLED, OUTCOME_NOT_PLACED, PROBLEM_OUTCOME_UNKNOWN, FAILED, PROBLEM_NOT_PLACED,
         422},
        {LEG_STATE_REFUSED, OUTCOME_NONE, PROBLEM_NONE, FAILED, PROBLEM_NOT_SENT, 422},
};
#define N_KINDS ((unsigned)ELEMENTS(kinds))

static void become(struct leg *l, const struct kind *k)
{
        l->state = k->state;
        l->outcome = k->outcome;
        l->problem = k->problem;
}

START_TEST(one_leg)
{
        for (unsigned i = 0; i < N_KINDS; i++) {
                _cleanup_(order_freep) struct order *o = NULL;
                enum problem cause;

                ck_assert_int_eq(order_new(1, &o), 0);
                become(&o->legs[0], &kinds[i]);
                ck_assert_int_eq(order_http_status(o, &cause), kinds[i].status);
                ck_assert_int_eq((int)cause, (int)kinds[i].cause);
                ck_assert_int_eq(leg_unresolved(&o->legs[0]), kinds[i].is == OPEN);
                static const enum overall overall[] = {OVERALL_SUCCESS, OVERALL_PENDING,
                                                       OVERALL_FAILURE};
                ck_assert_int_eq((int)order_overall(o), (int)overall[kinds[i].is]);
        }
}
END_TEST

/* Plain assertions: there are ten thousand combinations, and those of libcheck are slow. */
static void check_three(const struct order *o, const struct kind *const k[3])
{
        unsigned n[3] = {};
        enum problem cause;
        int status = order_http_status(o, &cause);
        enum overall overall = order_overall(o);

        for (int i = 0; i < 3; i++)
                n[k[i]->is]++;
        if (n[OPEN] > 0) {
                assert(status == 202);
                assert(overall == OVERALL_PENDING);
        } else if (n[GOOD] == 3) {
                assert(status == 201);
                assert(overall == OVERALL_SUCCESS);
        } else if (n[GOOD] > 0) {
                assert(status == 207);
                assert(overall == OVERALL_PARTIAL_SUCCESS);
        } else {
                bool same = k[0]->status == k[1]->status && k[1]->status == k[2]->status;
                assert(status == (same ? k[0]->status : 207));
                assert(cause == (same ? k[0]->cause : PROBLEM_NONE));
                assert(overall == OVERALL_FAILURE);
        }
        if (n[OPEN] + n[GOOD] > 0)
                assert(cause == PROBLEM_NONE);
        for (int i = 0; i < 3; i++) /* never 5xx once an intent is durable */
                if (k[i]->state != LEG_STATE_REFUSED)
                        assert(status < 500);
}

START_TEST(all_combinations_of_three_legs)
{
        _cleanup_(order_freep) struct order *o = NULL;

        ck_assert_int_eq(order_new(3, &o), 0);
        for (unsigned i = 0; i < N_KINDS * N_KINDS * N_KINDS; i++) {
                const struct kind *k[3] = {&kinds[i % N_KINDS], &kinds[i / N_KINDS % N_KINDS],
                                           &kinds[i / N_KINDS / N_KINDS]};
                for (int n = 0; n < 3; n++)
                        become(&o->legs[n], k[n]);
                check_three(o, k);
        }
}
END_TEST

START_TEST(live_is_accepted_and_not_terminal)
{
        for (int s = 0; s < _ORDER_STATUS_MAX; s++)
                for (int out = 0; out < _OUTCOME_MAX; out++) {
                        struct leg l = {.outcome = (enum outcome)out,
                                        .status = (enum order_status)s};
                        bool terminal = s == ORDER_STATUS_FILLED || s == ORDER_STATUS_CANCELLED ||
                                        s == ORDER_STATUS_REJECTED || s == ORDER_STATUS_EXPIRED;
                        ck_assert_int_eq(leg_live(&l), out == OUTCOME_ACCEPTED && !terminal);
                }
}
END_TEST

START_TEST(a_new_order_is_blank_but_for_its_legs)
{
        _cleanup_(order_freep) struct order *o = NULL;
        struct order *none = NULL;

        ck_assert_int_eq(order_new(TARGETS_MAX, &o), 0);
        ck_assert_uint_eq(o->n_legs, TARGETS_MAX);
        for (unsigned i = 0; i < o->n_legs; i++) {
                ck_assert_uint_eq(o->legs[i].number, i + 1);
                ck_assert_int_eq(o->legs[i].multiplier, DECIMAL_ONE);
                ck_assert_int_eq((int)o->legs[i].state, LEG_STATE_REFUSED);
                ck_assert_int_eq((int)o->legs[i].outcome, OUTCOME_NONE);
        }
        ck_assert_str_eq(o->id, "");
        ck_assert_int_eq(order_new(TARGETS_MAX + 1, &none), -EINVAL);
        ck_assert_ptr_null(none);
        ck_assert_ptr_null(order_free(NULL));
}
END_TEST

START_TEST(an_order_without_legs_is_no_success)
{
        _cleanup_(order_freep) struct order *o = NULL;
        enum problem cause;

        ck_assert_int_eq(order_new(0, &o), 0);
        ck_assert_int_eq((int)order_overall(o), OVERALL_FAILURE);
        ck_assert_int_eq(order_http_status(o, &cause), 207);
}
END_TEST

static struct order *sample(unsigned n_legs)
{
        struct order *o;

        ck_assert_int_eq(order_new(n_legs, &o), 0);
        strcpy(o->symbol, "NSE:SBIN");
        o->side = SIDE_BUY;
        o->type = ORDER_TYPE_LIMIT;
        o->product = PRODUCT_CNC;
        o->validity = VALIDITY_DAY;
        o->quantity = 10;
        o->price = 8125000;
        strcpy(o->client_order_id, "a");
        for (unsigned i = 0; i < n_legs; i++)
                snprintf(o->legs[i].account, sizeof(o->legs[i].account), "paper:a%u", i);
        return o;
}

START_TEST(a_copy_stands_alone)
{
        _cleanup_(order_freep) struct order *o = sample(2), *copy = NULL;

        strcpy(o->id, "01KAR8Z6J2");
        strcpy(o->legs[1].tag, "TAG");
        o->legs[1].outcome = OUTCOME_ACCEPTED;
        ck_assert_int_eq(order_copy(o, &copy), 0);
        ck_assert_ptr_ne(copy->legs, o->legs);
        ck_assert_mem_eq(copy->legs, o->legs, 2 * sizeof(*o->legs));
        strcpy(o->legs[1].tag, "OTHER");
        o = order_free(o);
        ck_assert_str_eq(copy->id, "01KAR8Z6J2");
        ck_assert_str_eq(copy->symbol, "NSE:SBIN");
        ck_assert_str_eq(copy->legs[1].tag, "TAG");
        ck_assert_uint_eq(copy->n_legs, 2);
}
END_TEST

/* Each changes one thing that the client said. */
static void change(struct order *o, int what)
{
        switch (what) {
        case 0:
                strcpy(o->symbol, "NSE:SBI");
                break;
        case 1:
                o->side = SIDE_SELL;
                break;
        case 2:
                o->type = ORDER_TYPE_STOP;
                break;
        case 3:
                o->product = PRODUCT_INTRADAY;
                break;
        case 4:
                o->validity = VALIDITY_IOC;
                break;
        case 5:
                o->quantity++;
                break;
        case 6:
                o->price++;
                break;
        case 7:
                o->trigger_price++;
                break;
        case 8:
                o->disclosed_quantity++;
                break;
        case 9:
                strcpy(o->client_order_id, "");
                break;
        case 10:
                strcpy(o->client_order_id, "ab");
                break;
        case 11:
                o->reduce_only = true;
                break;
        case 12:
                o->market_policy_given = true;
                break;
        case 13:
                o->market_policy_given = true;
                o->market_policy.kind = MARKET_BROKER;
                break;
        case 14:
                o->market_policy_given = true;
                o->market_policy = (struct market_policy){MARKET_PROTECT, 10000};
                break;
        case 15:
                o->market_policy_given = true;
                o->market_policy = (struct market_policy){MARKET_PROTECT, 10001};
                break;
        case 16:
                o->n_legs = 1;
                break;
        case 17:
                strcpy(o->legs[0].account, "paper:a");
                break;
        case 18:
                o->legs[0].multiplier = 5000;
                break;
        case 19:
                o->legs[1].multiplier = 5000;
                break;
        case 20: /* the order of targets counts */
                strcpy(o->legs[0].account, "paper:a1");
                strcpy(o->legs[1].account, "paper:a0");
                break;
        case 21: /* the same number elsewhere */
                o->trigger_price = o->price;
                o->price = 0;
                break;
        case 22: /* the same letters elsewhere */
                strcpy(o->symbol, "NSE:SBINa");
                strcpy(o->client_order_id, "");
                break;
        }
}
#define N_CHANGES 23

START_TEST(fingerprints_differ_for_each_field)
{
        uint8_t prints[N_CHANGES + 1][FINGERPRINT_SIZE];

        for (int i = 0; i <= N_CHANGES; i++) { /* the last one is unchanged */
                _cleanup_(order_freep) struct order *o = sample(2);
                change(o, i);
                order_fingerprint(o, prints[i]);
                for (int k = 0; k < i; k++)
                        ck_assert_msg(memcmp(prints[i], prints[k], FINGERPRINT_SIZE) != 0,
                                      "changes %d and %d", i, k);
        }
}
END_TEST

START_TEST(fingerprints_ignore_what_ordo_adds)
{
        _cleanup_(order_freep) struct order *o = sample(2);
        uint8_t before[FINGERPRINT_SIZE], after[FINGERPRINT_SIZE];

        order_fingerprint(o, before);
        strcpy(o->id, "01KAR8Z6J2");
        strcpy(o->key_name, "key");
        strcpy(o->correlation_id, "c");
        o->created_us = 1;
        o->day = 20261123;
        o->market_policy.percent = 10000; /* not given: the account's, filled in */
        strcpy(o->legs[0].tag, "T");
        o->legs[0].quantity = 10;
        o->legs[0].effective.price = 1;
        o->legs[0].outcome = OUTCOME_ACCEPTED;
        o->legs[0].number = 9;
        order_fingerprint(o, after);
        ck_assert_mem_eq(before, after, FINGERPRINT_SIZE);
}
END_TEST

/* Stored fingerprints outlive a release: the form may change only together with its version. */
START_TEST(the_form_of_fingerprints_stands_still)
{
        static const uint8_t known[FINGERPRINT_SIZE] = {
                0x6e, 0x6c, 0x82, 0x2e, 0xf3, 0x66, 0x28, 0x51, 0x9b, 0x48, 0xe4,
                0x43, 0xb0, 0x5a, 0x0a, 0x5b, 0x76, 0x26, 0x02, 0xb9, 0x26, 0xbd,
                0x02, 0x13, 0x36, 0x5c, 0x51, 0x47, 0xd4, 0x8a, 0xf7, 0x49};
        _cleanup_(order_freep) struct order *o = sample(2);
        uint8_t print[FINGERPRINT_SIZE];

        order_fingerprint(o, print);
        ck_assert_mem_eq(print, known, FINGERPRINT_SIZE);
}
END_TEST

SUITE("order", one_leg, all_combinations_of_three_legs, live_is_accepted_and_not_terminal,
      a_new_order_is_blank_but_for_its_legs, an_order_without_legs_is_no_success,
      a_copy_stands_alone, fingerprints_differ_for_each_field, fingerprints_ignore_what_ordo_adds,
      the_form_of_fingerprints_stands_still)
